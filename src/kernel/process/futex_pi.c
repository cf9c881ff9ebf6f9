/* SPDX-License-Identifier: MIT */
/*
 * FUTEX_LOCK_PI, TRYLOCK_PI and UNLOCK_PI. User memory is looked at under the bucket's lock, where nobody may sleep for a page: what is not there
 * ends the attempt with -EFAULT, is brought without locks, and all begins again.
 */
#include <linux/futex.h>

#include "mm/heap.h"
#include "process/futex.h"
#include "process/futex_pi.h"
#include "process/internal.h"

int pi_look(struct pi_attempt *attempt)
{
	int tid;

	attempt->owner = NULL;
	attempt->state = NULL;
	if (get_user_u32(&attempt->value, attempt->addr))
		return -EFAULT;
	tid = attempt->value & FUTEX_TID_MASK;
	if (attempt->thread && tid == attempt->thread->tid)
		return -EDEADLK;
	if (tid)
		attempt->owner = thread_find(tid);
	return 0;
}

int pi_fault_in(uaddr_t addr, uint32_t value)
{
	uint32_t found;

	return user_compare_exchange_u32(addr, value, value, &found);
}

/* Replaces the word as it was looked at. 0, PI_RETRY, -EFAULT. */
static int replace(const struct pi_attempt *attempt, uint32_t word)
{
	uint32_t found;

	if (user_compare_exchange_u32(attempt->addr, attempt->value, word, &found))
		return -EFAULT;
	return found == attempt->value ? 0 : PI_RETRY;
}

/* Others wait already: does the word say the same as the kernel's state? */
static int join_state(struct pi_attempt *attempt, const struct futex_waiter *first)
{
	struct pi_state *state = first->bitset ? NULL : container_of(first, struct pi_waiter, futex)->state;
	int tid = attempt->value & FUTEX_TID_MASK;

	if (!state)
		return -EINVAL;
	/* While a dead owner's lock is on its way to the next one, the word still names the dead. */
	if (!state->inherited && !(!tid && (attempt->value & FUTEX_OWNER_DIED)) && (!state->owner || tid != state->owner->tid))
		return -EINVAL;
	attempt->state = state;
	return PI_WAIT;
}

int pi_claim(struct pi_attempt *attempt)
{
	const struct futex_waiter *first = futex_first(futex_bucket_of(attempt->key), attempt->key);
	uint32_t value;
	int result;

	if (get_user_u32(&value, attempt->addr))
		return -EFAULT;
	if (value != attempt->value)
		return PI_RETRY;
	if (first)
		return join_state(attempt, first);
	if (!(value & FUTEX_TID_MASK)) {
		result = replace(attempt, (value & FUTEX_OWNER_DIED) | (attempt->mark_waiters ? FUTEX_WAITERS : 0) | attempt->thread->tid);
		return result ? result : PI_GOT;
	}
	if (!attempt->owner)
		return -ESRCH;
	result = replace(attempt, value | FUTEX_WAITERS);
	if (result)
		return result;
	pi_state_init(attempt->fresh, attempt->key, attempt->owner);
	attempt->state = attempt->fresh;
	return PI_WAIT;
}

/* Writes the caller into the word of a lock whose owner ended. Bucket lock held. 0 or -EFAULT. */
static int write_inherited(struct pi_state *state, uaddr_t addr)
{
	uint32_t value, found, tid = current_thread()->tid;

	if (get_user_u32(&value, addr))
		return -EFAULT;
	for (;; value = found) {
		if (user_compare_exchange_u32(addr, value, FUTEX_WAITERS | FUTEX_OWNER_DIED | tid, &found))
			return -EFAULT;
		if (found == value)
			break;
	}
	state->inherited = false;
	return 0;
}

int pi_finish(struct pi_waiter *waiter, uaddr_t addr, int error, bool *moved)
{
	struct futex_bucket *bucket;
	bool broken = false;

	while ((bucket = futex_lock_bucket_of(&waiter->futex))) {
		struct pi_state *state = waiter->state;

		if (!waiter->got || !state->inherited || !write_inherited(state, addr)) {
			broken = false;
			break;
		}
		if (broken) {
			/* Its memory is gone from under it: the next one's turn. */
			pi_inherit(state);
			error = -EFAULT;
			break;
		}
		spin_unlock(&bucket->lock);
		broken = pi_fault_in(addr, 0);
	}
	*moved = waiter->state;
	if (waiter->got && !broken)
		error = 0;
	else if (waiter->state && !waiter->got)
		pi_stop_waiting(waiter);
	if (bucket) {
		list_remove(&waiter->futex.waiter.link);
		pi_leave_state(waiter);
		spin_unlock(&bucket->lock);
	}
	return error;
}

/* One attempt. An enum pi_result or an error; with PI_WAIT @waiter is queued. */
static int attempt_lock(struct pi_attempt *attempt, struct pi_waiter *waiter, bool try)
{
	struct futex_bucket *bucket = futex_bucket_of(attempt->key);
	int result;

	spin_lock(&bucket->lock);
	result = pi_claim(attempt);
	if (result == PI_WAIT) {
		int error = try ? -EAGAIN : pi_wait_for(attempt->state, waiter);

		if (error)
			result = error;
		else
			futex_insert(bucket, &waiter->futex);
		if (!error && attempt->state == attempt->fresh)
			attempt->fresh = NULL;
	}
	spin_unlock(&bucket->lock);
	return result;
}

static int take_or_queue(struct pi_attempt *attempt, struct pi_waiter *waiter, bool try)
{
	int result;

	do {
		result = pi_look(attempt);
		if (result)
			break;
		result = attempt_lock(attempt, waiter, try);
		if (attempt->owner)
			thread_put(attempt->owner);
		if (result == -EFAULT)
			result = pi_fault_in(attempt->addr, attempt->value) ? -EFAULT : PI_RETRY;
	} while (result == PI_RETRY && !signal_fatal_pending());
	return result == PI_RETRY ? -ERESTARTNOINTR : result;
}

long futex_lock_pi(uaddr_t addr, bool shared, struct futex_limit limit, bool try)
{
	struct pi_waiter waiter = { .futex.waiter.thread = current_thread() };
	struct pi_attempt attempt = { .addr = addr, .thread = current_thread() };
	bool moved;
	int error = 0;

	attempt.key = waiter.futex.key = futex_key_get(addr, shared);
	if (!attempt.key.owner)
		return attempt.key.offset;
	attempt.fresh = kmalloc(sizeof(*attempt.fresh));
	if (!attempt.fresh)
		return -ENOMEM;
	error = take_or_queue(&attempt, &waiter, try);
	kfree(attempt.fresh);
	if (error != PI_WAIT)
		return error == PI_GOT ? 0 : error;
	error = pi_finish(&waiter, addr, futex_sleep(&waiter.futex, limit), &moved);
	return error == -ERESTARTSYS ? -ERESTARTNOINTR : error;
}

/* 0, -EPERM, -EINVAL, -EFAULT; -EAGAIN: the word has changed. */
static int attempt_unlock(uaddr_t addr, struct futex_key key, uint32_t value)
{
	struct futex_bucket *bucket = futex_bucket_of(key);
	struct futex_waiter *first;
	struct pi_state *state;
	uint32_t found;
	int error = 0;

	spin_lock(&bucket->lock);
	first = futex_first(bucket, key);
	if (first) {
		state = first->bitset ? NULL : container_of(first, struct pi_waiter, futex)->state;
		error = state && state->owner == current_thread() ? pi_hand_over(state, addr, value) : -EINVAL;
	}
	if (!first || error == -ESRCH) {
		error = user_compare_exchange_u32(addr, value, 0, &found);
		if (!error && found != value)
			error = -EAGAIN;
	}
	spin_unlock(&bucket->lock);
	return error;
}

long futex_unlock_pi(uaddr_t addr, bool shared)
{
	struct futex_key key;
	uint32_t value;
	int error;

	do {
		if (get_user_u32(&value, addr))
			return -EFAULT;
		if ((value & FUTEX_TID_MASK) != current_thread()->tid)
			return -EPERM;
		key = futex_key_get(addr, shared);
		if (!key.owner)
			return key.offset;
		error = attempt_unlock(addr, key, value);
		if (error == -EFAULT)
			error = pi_fault_in(addr, value) ? -EFAULT : -EAGAIN;
	} while (error == -EAGAIN && !signal_fatal_pending());
	return error == -EAGAIN ? -ERESTARTNOINTR : error;
}
