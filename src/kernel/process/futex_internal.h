/* SPDX-License-Identifier: MIT */
/* Keys and queues of futexes (futex_queue.c), used by the system call (futex.c). */
#pragma once

#include "sync/wait.h"

struct vm_object;
struct futex_bucket;

/* What a word is known by: its address space and address, or the shared object that holds it and its place there. */
struct futex_key {
	const void *owner;
	uint64_t offset;
	struct vm_object *object;	/* referenced; NULL for private words */
};

struct futex_waiter {
	struct waiter waiter;		/* link is in the bucket's list */
	struct futex_key key;		/* bucket's lock */
	uint32_t bitset;
	/* Where it is queued; NULL once woken: the waker's last access to this structure. Changed under that bucket's lock. */
	struct futex_bucket *bucket;
};

/* 0, -EINVAL (not aligned), -EFAULT. A shared key may hold a reference: futex_key_put. May sleep. */
int futex_key_get(struct futex_key *key, uaddr_t addr, bool shared);
void futex_key_put(struct futex_key *key);

void futex_enqueue(struct futex_waiter *waiter, const struct futex_key *key, uint32_t bitset);
/* Leaves the queue. False: it had been woken before. */
bool futex_dequeue(struct futex_waiter *waiter);
/* Wakes up to @count waiters whose bitset meets @bitset. Returns how many. */
int futex_wake_key(const struct futex_key *key, int count, uint32_t bitset);
/* Wakes up to @wake waiters of @from and moves up to @move others to @to. Returns how many woke; *@moved the others. */
int futex_requeue_key(const struct futex_key *from, const struct futex_key *to, int wake, int move, int *moved);
