/* SPDX-License-Identifier: MIT */
/* Atomic counters and reference counts (sequentially consistent unless the name says otherwise). */
#pragma once

#include "lib/types.h"
#include "lib/panic.h"

struct refcount {
	uint32_t count;
};

#define atomic_load(p) __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define atomic_load_relaxed(p) __atomic_load_n(p, __ATOMIC_RELAXED)
#define atomic_store(p, v) __atomic_store_n(p, v, __ATOMIC_RELEASE)
#define atomic_add(p, v) __atomic_add_fetch(p, v, __ATOMIC_SEQ_CST)	/* returns the new value */
#define atomic_sub(p, v) __atomic_sub_fetch(p, v, __ATOMIC_SEQ_CST)	/* returns the new value */
#define atomic_or(p, v) __atomic_fetch_or(p, v, __ATOMIC_SEQ_CST)	/* returns the old value */
#define atomic_and(p, v) __atomic_fetch_and(p, v, __ATOMIC_SEQ_CST)	/* returns the old value */
#define atomic_exchange(p, v) __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST)
#define atomic_compare_exchange(p, expected, v) \
	__atomic_compare_exchange_n(p, expected, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)

static inline void refcount_init(struct refcount *ref, uint32_t count)
{
	ref->count = count;
}

SHARED_INLINE void refcount_get(struct refcount *ref)
{
	uint32_t count = atomic_add(&ref->count, 1);

	KASSERT(count > 1);
}

/* Takes a reference unless the object is already dying (count 0). */
SHARED_INLINE bool refcount_get_unless_zero(struct refcount *ref)
{
	uint32_t count = atomic_load_relaxed(&ref->count);

	while (count)
		if (atomic_compare_exchange(&ref->count, &count, count + 1))
			return true;
	return false;
}

/* Returns true when this dropped the last reference: the caller then destroys the object. */
SHARED_INLINE bool refcount_put(struct refcount *ref)
{
	uint32_t count = atomic_sub(&ref->count, 1);

	KASSERT(count != UINT32_MAX);
	return count == 0;
}
