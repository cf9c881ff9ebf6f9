/* SPDX-License-Identifier: MIT */
/* Keys and queues of futexes (futex_queue.c), used by the system call (futex.c). */
#pragma once

#include "lib/errno.h"
#include "mm/user_copy.h"
#include "mm/vm_object.h"
#include "process/process.h"
#include "sync/wait.h"

struct futex_bucket;

/* What a word is known by: its address space and address, or the identity of the shared object that holds it and its place there. */
struct futex_key {
	uint64_t owner;
	uint64_t offset;
};

struct futex_waiter {
	struct waiter waiter;		/* link is in the bucket's list */
	struct futex_key key;		/* bucket's lock */
	uint32_t bitset;
	/*
	 * Where it is queued; NULL when a waker has taken it off. Changed under that bucket's lock. The waker's last access to this structure sets
	 * waiter.woken.
	 */
	struct futex_bucket *bucket;
};

/* Makes @key that of the shared object mapped at key->offset, if it is one. 0 or -EFAULT. May sleep. */
int futex_key_find_shared(struct futex_key *key);

/* 0, -EINVAL (not aligned), -EFAULT. May sleep. */
static inline int futex_key_get(struct futex_key *key, uaddr_t addr, bool shared)
{
	if (addr % sizeof(uint32_t))
		return -EINVAL;
	if (!user_range_ok(addr, sizeof(uint32_t)))
		return -EFAULT;
	key->owner = (uint64_t)current_process()->as;
	key->offset = addr;
	return likely(!shared) ? 0 : futex_key_find_shared(key);
}

void futex_enqueue(struct futex_waiter *waiter);	/* key and bitset are set */
/* Leaves the queue. False: it had been woken before. */
bool futex_dequeue(struct futex_waiter *waiter);
/* Wakes up to @count waiters whose bitset meets @bitset. Returns how many. */
int futex_wake_key(const struct futex_key *key, int count, uint32_t bitset);
/* Wakes up to @wake waiters of @from and moves up to @move others to @to. Returns how many woke; *@moved the others. */
int futex_requeue_key(const struct futex_key *from, const struct futex_key *to, int wake, int move, int *moved);
