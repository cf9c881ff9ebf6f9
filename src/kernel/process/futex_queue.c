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

enum {
	BUCKET_BITS = 8, BUCKETS = 1 << BUCKET_BITS,
	KEY_SHARED = 1,			/* in the offset: private memory named by an operation that is not. The private ones do not meet it, as on Linux */
};

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

struct futex_bucket *futex_bucket_of(struct futex_key key)
{
	return bucket_of(key);
}

struct futex_key futex_key_find_shared(uaddr_t addr)
{
	struct address_space *as = current_process()->as;
	struct futex_key key = { (uint64_t)as, addr | KEY_SHARED };
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

static __attribute__((noinline)) void insert_by_priority(struct futex_bucket *bucket, struct futex_waiter *waiter)
{
	unsigned level = waiter->waiter.thread->best_priority;
	struct futex_waiter *other;

	list_for_each(other, &bucket->waiters, waiter.link)
		if (other->waiter.thread->best_priority > level)
			break;
	list_push_back(&other->waiter.link, &waiter->waiter.link);	/* before it, or at the end */
}

static inline void insert(struct futex_bucket *bucket, struct futex_waiter *waiter)
{
	if (unlikely(waiter->waiter.thread->sched_class == CLASS_REALTIME))
		insert_by_priority(bucket, waiter);
	else
		list_push_back(&bucket->waiters, &waiter->waiter.link);
}

void futex_insert(struct futex_bucket *bucket, struct futex_waiter *waiter)
{
	insert(bucket, waiter);
	waiter->bucket = bucket;
}

void futex_enqueue(struct futex_waiter *waiter)
{
	struct futex_bucket *bucket = bucket_of(waiter->key);

	waiter->waiter.thread = current_thread();
	waiter->waiter.woken = 0;
	waiter->bucket = bucket;
	spin_lock(&bucket->lock);
	insert(bucket, waiter);
	spin_unlock(&bucket->lock);
}

struct futex_bucket *futex_lock_bucket_of(struct futex_waiter *waiter)
{
	for (;;) {
		struct futex_bucket *bucket = atomic_load(&waiter->bucket);

		if (!bucket) {
			while (!atomic_load(&waiter->waiter.woken))
				cpu_relax();	/* a waker on another CPU is about to be done with it */
			return NULL;
		}
		spin_lock(&bucket->lock);
		/* It may have been woken or moved to another bucket before we had the lock. */
		if (waiter->bucket == bucket)
			return bucket;
		spin_unlock(&bucket->lock);
	}
}

bool futex_dequeue(struct futex_waiter *waiter)
{
	struct futex_bucket *bucket = futex_lock_bucket_of(waiter);

	if (!bucket)
		return false;
	list_remove(&waiter->waiter.link);
	waiter->bucket = NULL;
	spin_unlock(&bucket->lock);
	return true;
}

struct futex_waiter *futex_first(struct futex_bucket *bucket, struct futex_key key)
{
	struct futex_waiter *waiter;

	list_for_each(waiter, &bucket->waiters, waiter.link)
		if (futex_key_same(waiter->key, key))
			return waiter;
	return NULL;
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
		if (!futex_key_same(waiter->key, key))
			continue;
		if (unlikely(!waiter->bitset))
			return -EINVAL;
		if (!(waiter->bitset & bitset))
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
	if (likely(count == 1 && !list_empty(&bucket->waiters) && futex_key_same(first->key, key) && first->bitset & bitset))
		wake_waiter(first);
	else
		woken = wake_each(bucket, key, count, bitset);
	spin_unlock_irq(&bucket->lock, flags);
	return woken;
}

void futex_lock_both(struct futex_bucket *a, struct futex_bucket *b)
{
	spin_lock(a < b ? &a->lock : &b->lock);
	if (a != b)
		spin_lock(a < b ? &b->lock : &a->lock);
}

void futex_unlock_both(struct futex_bucket *a, struct futex_bucket *b)
{
	spin_unlock(&a->lock);
	if (a != b)
		spin_unlock(&b->lock);
}

void futex_move(struct futex_waiter *waiter, struct futex_key to, struct futex_bucket *bucket)
{
	waiter->key = to;
	list_remove(&waiter->waiter.link);
	insert(bucket, waiter);
	atomic_store(&waiter->bucket, bucket);
}

/* Both buckets' locks are held, interrupts are off. */
static int requeue_each(struct futex_bucket *source, struct futex_key from, struct futex_key to, int wake, int move)
{
	struct futex_bucket *target = bucket_of(to);
	struct futex_waiter *waiter, *next;
	int woken = 0, moved = 0;

	list_for_each_safe(waiter, next, &source->waiters, waiter.link) {
		if (!futex_key_same(waiter->key, from))
			continue;
		if (woken >= wake && moved >= move)
			break;
		if (!waiter->bitset)
			return -EINVAL;
		if (woken < wake) {
			wake_waiter(waiter);
			woken++;
			continue;
		}
		if (!futex_key_same(from, to))
			futex_move(waiter, to, target);
		moved++;
	}
	/* FUTEX_REQUEUE reports the woken only on old kernels; both report the sum today. */
	return woken + moved;
}

COLD int futex_requeue_key(struct futex_key from, struct futex_key to, int wake, int move, uaddr_t addr, const uint32_t *expected)
{
	struct futex_bucket *source = bucket_of(from), *target = bucket_of(to);
	uint32_t value;

	for (;;) {
		bool absent;
		int result;

		futex_lock_both(source, target);
		/* Nobody may sleep here: what is not in memory is brought without the locks. */
		absent = expected && get_user_u32(&value, addr);
		if (absent || (expected && value != *expected)) {
			result = -EAGAIN;
		} else {
			uint64_t flags = interrupts_save();

			result = requeue_each(source, from, to, wake, move);
			interrupts_restore(flags);
		}
		futex_unlock_both(source, target);
		if (!absent)
			return result;
		if (get_user_u32(&value, addr))
			return -EFAULT;
	}
}
