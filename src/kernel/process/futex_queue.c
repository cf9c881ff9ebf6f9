/* SPDX-License-Identifier: MIT */
/*
 * The futex hash table. Each bucket has a spinlock and a list of waiters in order of arrival. A waiter lives on its thread's stack, so a
 * waker touches it only under the bucket's lock and sets waiter->waiter.woken last.
 */
#include <linux/mman.h>

#include "mm/address_space.h"
#include "process/futex.h"
#include "process/futex_internal.h"
#include "sched/scheduler.h"

enum { BUCKET_BITS = 8, BUCKETS = 1 << BUCKET_BITS };

struct futex_bucket {
	struct spinlock lock;
	struct list waiters;	/* lock */
} __attribute__((aligned(32)));	/* so that an index is a shift */

static struct futex_bucket buckets[BUCKETS];

void futex_init(void)
{
	for (unsigned i = 0; i < BUCKETS; i++) {
		spinlock_init(&buckets[i].lock, LOCK_FUTEX_BUCKET);
		list_init(&buckets[i].waiters);
	}
}

static inline struct futex_bucket *bucket_of(struct futex_key key)
{
	uint64_t hash = (key.owner ^ key.offset) * 0x9e3779b97f4a7c15ull;

	return &buckets[hash >> (64 - BUCKET_BITS)];
}

static inline bool same(struct futex_key a, struct futex_key b)
{
	return a.offset == b.offset && a.owner == b.owner;
}

struct futex_key futex_key_find_shared(uaddr_t addr)
{
	struct address_space *as = current_process()->as;
	struct futex_key key = { (uint64_t)as, addr };
	struct vma *vma;

	rwlock_read_lock(&as->lock);
	vma = address_space_find(as, addr);
	if (!vma) {
		key = (struct futex_key){ 0, -EFAULT };
	} else if (vma->object && (vma->flags & MAP_SHARED)) {
		key.owner = vm_object_identity(vma->object);
		key.offset = vma->offset + (addr - vma->start);
		__atomic_store_n(&as->recent, vma, __ATOMIC_RELAXED);	/* for the next time */
	}
	rwlock_read_unlock(&as->lock);
	return key;
}

void futex_enqueue(struct futex_waiter *waiter)
{
	struct futex_bucket *bucket = bucket_of(waiter->key);

	waiter->waiter.thread = current_thread();
	waiter->waiter.woken = 0;
	waiter->bucket = bucket;
	spin_lock(&bucket->lock);
	list_push_back(&bucket->waiters, &waiter->waiter.link);
	spin_unlock(&bucket->lock);
}

bool futex_dequeue(struct futex_waiter *waiter)
{
	for (;;) {
		struct futex_bucket *bucket = atomic_load(&waiter->bucket);
		bool still;

		if (!bucket) {
			while (!atomic_load(&waiter->waiter.woken))
				cpu_relax();	/* a waker on another CPU is about to be done with it */
			return false;
		}
		spin_lock(&bucket->lock);
		/* It may have been woken or moved to another bucket before we had the lock. */
		still = waiter->bucket == bucket;
		if (still) {
			list_remove(&waiter->waiter.link);
			waiter->bucket = NULL;
		}
		spin_unlock(&bucket->lock);
		if (still)
			return true;
	}
}

/* The bucket's lock is held, interrupts are off. */
static inline void wake_waiter(struct futex_waiter *waiter)
{
	list_remove(&waiter->waiter.link);
	waiter->bucket = NULL;
	scheduler_wake(waiter->waiter.thread, &waiter->waiter.woken, false);
}

/* The bucket's lock is held, interrupts are off. */
static __attribute__((noinline)) int wake_each(struct futex_bucket *bucket, struct futex_key key, int count, uint32_t bitset)
{
	struct futex_waiter *waiter, *next;
	int woken = 0;

	list_for_each_safe(waiter, next, &bucket->waiters, waiter.link) {
		if (!same(waiter->key, key) || !(waiter->bitset & bitset))
			continue;
		wake_waiter(waiter);
		if (++woken >= count)
			break;
	}
	return woken;
}

int futex_wake_key(struct futex_key key, int count, uint32_t bitset)
{
	struct futex_bucket *bucket = bucket_of(key);
	struct futex_waiter *first;
	uint64_t flags = spin_lock_irq(&bucket->lock);
	int woken = 1;

	/* The usual case, for fewer instructions: one is to be woken, and it is the first. */
	first = list_first(&bucket->waiters, struct futex_waiter, waiter.link);
	if (likely(count == 1 && !list_empty(&bucket->waiters) && same(first->key, key) && first->bitset & bitset))
		wake_waiter(first);
	else
		woken = wake_each(bucket, key, count, bitset);
	spin_unlock_irq(&bucket->lock, flags);
	return woken;
}

static void lock_both(struct futex_bucket *a, struct futex_bucket *b)
{
	spin_lock(a < b ? &a->lock : &b->lock);
	if (a != b)
		spin_lock(a < b ? &b->lock : &a->lock);
}

static void unlock_both(struct futex_bucket *a, struct futex_bucket *b)
{
	spin_unlock(&a->lock);
	if (a != b)
		spin_unlock(&b->lock);
}

static void move_waiter(struct futex_waiter *waiter, struct futex_key to, struct futex_bucket *bucket)
{
	waiter->key = to;
	list_remove(&waiter->waiter.link);
	list_push_back(&bucket->waiters, &waiter->waiter.link);
	atomic_store(&waiter->bucket, bucket);
}

int futex_requeue_key(struct futex_key from, struct futex_key to, int wake, int move, int *moved)
{
	struct futex_bucket *source = bucket_of(from), *target = bucket_of(to);
	struct futex_waiter *waiter, *next;
	uint64_t flags = interrupts_save();
	int woken = 0;

	*moved = 0;
	lock_both(source, target);
	list_for_each_safe(waiter, next, &source->waiters, waiter.link) {
		if (!same(waiter->key, from))
			continue;
		if (woken < wake) {
			wake_waiter(waiter);
			woken++;
		} else if (*moved < move) {
			if (!same(from, to))
				move_waiter(waiter, to, target);
			++*moved;
		} else {
			break;
		}
	}
	unlock_both(source, target);
	interrupts_restore(flags);
	return woken;
}
