/* SPDX-License-Identifier: MIT */
/* Keys and queues of futexes (futex_queue.c), used by the system call (futex.c). */
#pragma once

#include <linux/mman.h>

#include "lib/errno.h"
#include "mm/address_space.h"
#include "mm/user_copy.h"
#include "mm/vm_object.h"
#include "process/process.h"
#include "sync/wait.h"

struct futex_bucket {
	struct spinlock lock;
	struct list waiters;	/* lock; real-time threads first, by priority, the others in order of arrival */
} __attribute__((aligned(64)));	/* a cache line each */

/* What a word is known by: its address space and address, or the identity of the shared object that holds it and its place there. */
struct futex_key {
	uint64_t owner;			/* 0: there is none, and @offset is why, a negative errno */
	uint64_t offset;
};

struct futex_waiter {
	struct waiter waiter;		/* link is in the bucket's list */
	struct futex_key key;		/* bucket's lock */
	uint32_t bitset;		/* which wakes reach it; 0: it is part of a struct pi_waiter (futex_pi.h), which none may reach */
	/*
	 * Where it is queued; NULL when a waker has taken it off. Changed under that bucket's lock. The waker's last access to this structure sets
	 * waiter.woken.
	 */
	struct futex_bucket *bucket;
};

/* Until when to wait: a time of the wall clock, or of the monotonic one (WAIT_FOREVER: no limit). */
struct futex_limit {
	uint64_t time;
	bool realtime;
};

/* The key of @addr, an aligned address in user space: that of the shared object mapped there, if it is one. -EFAULT. May sleep. */
struct futex_key futex_key_find_shared(uaddr_t addr);

/* The same where the mapping that was used last is the right one, and nobody changes mappings; else no key. */
static inline __attribute__((always_inline)) struct futex_key futex_key_try_shared(struct address_space *as, uaddr_t addr)
{
	struct futex_key key = { 0, 0 };
	const struct vma *vma;

	if (unlikely(!rwlock_try_read_lock(&as->lock)))
		return key;
	vma = atomic_load_relaxed(&as->recent);
	if (likely(vma && addr - vma->start < vma->end - vma->start && vma->object && (vma->flags & MAP_SHARED))) {
		key.owner = atomic_load_relaxed(&vma->object->identity);
		key.offset = vma->offset + (addr - vma->start);
	}
	rwlock_read_unlock(&as->lock);
	return key;
}

/* No key: -EINVAL (not aligned), -EFAULT. May sleep. */
static inline __attribute__((always_inline)) struct futex_key futex_key_get(uaddr_t addr, bool shared)
{
	struct address_space *as = current_process()->as;
	struct futex_key key;

	if (unlikely(addr % sizeof(uint32_t)))
		return (struct futex_key){ 0, -EINVAL };
	if (unlikely(addr >= USER_END))
		return (struct futex_key){ 0, -EFAULT };
	if (!shared)
		return (struct futex_key){ (uint64_t)as, addr };
	key = futex_key_try_shared(as, addr);
	return likely(key.owner) ? key : futex_key_find_shared(addr);
}

static inline bool futex_key_same(struct futex_key a, struct futex_key b)
{
	return a.offset == b.offset && a.owner == b.owner;
}

/* Both keys, or a negative errno. May sleep. */
int futex_get_keys(struct futex_key *first, uaddr_t addr, struct futex_key *second, uaddr_t addr2, bool shared);

struct futex_bucket *futex_bucket_of(struct futex_key key);
/* Two buckets' locks, which may be one, in order of address. */
void futex_lock_both(struct futex_bucket *a, struct futex_bucket *b);
void futex_unlock_both(struct futex_bucket *a, struct futex_bucket *b);
/* Locks the bucket that @waiter is in; NULL if a waker took it off, and then is done with it. */
struct futex_bucket *futex_lock_bucket_of(struct futex_waiter *waiter);
/* Puts the waiter of thread @waiter->waiter.thread where it belongs in @bucket, whose lock is held. */
void futex_insert(struct futex_bucket *bucket, struct futex_waiter *waiter);
/* To another key, whose bucket is @bucket. Both buckets' locks are held. */
void futex_move(struct futex_waiter *waiter, struct futex_key to, struct futex_bucket *bucket);
/* Sleeps until @waiter, which is queued, is woken: 0; or -ETIMEDOUT, -ERESTARTSYS. */
int futex_sleep(struct futex_waiter *waiter, struct futex_limit limit);
/* The first waiter on @key, or NULL. The bucket's lock is held. */
struct futex_waiter *futex_first(struct futex_bucket *bucket, struct futex_key key);

void futex_enqueue(struct futex_waiter *waiter);	/* key and bitset are set */
/* Leaves the queue. False: it had been woken before. */
bool futex_dequeue(struct futex_waiter *waiter);
/* Wakes up to @count waiters whose bitset meets @bitset. Returns how many; -EINVAL when one of them waits for a PI lock. */
int futex_wake_key(struct futex_key key, int count, uint32_t bitset);
/*
 * Wakes up to @wake waiters of @from and moves up to @move others to @to; first compares the word at @addr with *@expected unless that is NULL.
 * Returns how many woke and moved, -EAGAIN when the word differs, -EINVAL when a waiter waits for a PI lock, -EFAULT. May sleep.
 */
int futex_requeue_key(struct futex_key from, struct futex_key to, int wake, int move, uaddr_t addr, const uint32_t *expected);
