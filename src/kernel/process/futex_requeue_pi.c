/* SPDX-License-Identifier: MIT */
/*
 * FUTEX_WAIT_REQUEUE_PI and FUTEX_CMP_REQUEUE_PI: who waits on one word is moved to wait for the PI lock at another, or gets that lock at once. Each
 * waiter has said which lock it may be moved to.
 */
#include <linux/futex.h>

#include "mm/heap.h"
#include "process/futex_pi.h"
#include "process/internal.h"
#include "sched/scheduler.h"

/* 0; -EAGAIN when the word differs, -EFAULT. May sleep: @waiter is queued already. */
static int compare_word(uaddr_t addr, uint32_t expected)
{
	uint32_t value;

	if (get_user_u32(&value, addr))
		return -EFAULT;
	return value == expected ? 0 : -EAGAIN;
}

long futex_wait_requeue_pi(uaddr_t addr, uint32_t expected, bool shared, struct futex_limit limit, uaddr_t addr2)
{
	struct pi_waiter waiter = { .state = NULL };
	bool moved;
	int error;

	if (addr == addr2)
		return -EINVAL;
	error = futex_get_keys(&waiter.futex.key, addr, &waiter.target, addr2, shared);
	if (error)
		return error;
	if (futex_key_same(waiter.futex.key, waiter.target))
		return -EINVAL;
	futex_enqueue(&waiter.futex);
	error = compare_word(addr, expected);
	if (!error)
		error = futex_sleep(&waiter.futex, limit);
	error = pi_finish(&waiter, addr2, error, &moved);
	if (error != -ERESTARTSYS)
		return error;
	/* Once moved, a second call would find the first word changed. */
	return moved ? -EAGAIN : -ERESTARTNOINTR;
}

struct pi_move {
	struct pi_attempt attempt;
	struct futex_key from, to;
	struct futex_bucket *source, *target;
	int wake, move;
	struct pi_waiter *taker;	/* gets the lock at once */
};

/* The waiter at @futex, if it may be moved to where @move goes. */
static struct pi_waiter *movable(const struct pi_move *move, struct futex_waiter *futex)
{
	struct pi_waiter *waiter = container_of(futex, struct pi_waiter, futex);

	return !futex->bitset && !waiter->state && futex_key_same(waiter->target, move->to) ? waiter : NULL;
}

/* Moves all it may. How many, the taker included, or a negative errno. Both buckets' locks are held. */
static int move_waiters(struct pi_move *move, struct pi_state *state)
{
	struct futex_waiter *futex, *next;
	int count = move->taker ? 1 : 0;

	list_for_each_safe(futex, next, &move->source->waiters, waiter.link) {
		struct pi_waiter *waiter;
		int error;

		if (!futex_key_same(futex->key, move->from) || (move->taker && futex == &move->taker->futex))
			continue;
		if (count - move->wake >= move->move)
			break;
		waiter = movable(move, futex);
		error = waiter ? pi_wait_for(state, waiter) : -EINVAL;
		if (error)
			return error;
		futex_move(futex, move->to, move->target);
		count++;
	}
	return count;
}

/* Its last access to the waiter wakes it. */
static void wake_taker(struct pi_waiter *taker)
{
	uint64_t flags = interrupts_save();

	list_remove(&taker->futex.waiter.link);
	taker->got = true;
	taker->futex.bucket = NULL;
	scheduler_wake(taker->futex.waiter.thread, &taker->futex.waiter.woken, false);
	interrupts_restore(flags);
}

/* How many were moved, the taker included; or a negative errno, PI_RETRY. Both buckets' locks are held. */
static int move_locked(struct pi_move *move)
{
	struct pi_attempt *attempt = &move->attempt;
	struct futex_waiter *first = futex_first(move->source, move->from);
	struct pi_waiter *waiter = first ? movable(move, first) : NULL;
	struct pi_state *state;
	int result;

	if (!waiter)
		return first ? -EINVAL : 0;
	attempt->thread = first->waiter.thread;
	result = pi_claim(attempt);
	if (result != PI_GOT && result != PI_WAIT)
		return result;
	state = attempt->state;
	move->taker = result == PI_GOT ? waiter : NULL;
	if (move->taker) {
		state = attempt->fresh;
		pi_state_init(state, move->to, attempt->thread);
	}
	result = move_waiters(move, state);
	if (state == attempt->fresh && state->users)
		attempt->fresh = NULL;
	if (move->taker)
		wake_taker(move->taker);
	return result;
}

static int attempt_move(struct pi_move *move, uaddr_t addr, uint32_t expected)
{
	struct pi_attempt *attempt = &move->attempt;
	uint32_t value;
	int result, absent;

	attempt->thread = NULL;		/* the last round's may have ended */
	result = pi_look(attempt);
	if (result)
		return result;
	futex_lock_both(move->source, move->target);
	absent = get_user_u32(&value, addr);
	if (absent)
		result = PI_RETRY;
	else
		result = value == expected ? move_locked(move) : -EAGAIN;
	futex_unlock_both(move->source, move->target);
	if (attempt->owner)
		thread_put(attempt->owner);
	if (absent && get_user_u32(&value, addr))
		return -EFAULT;
	if (result == -EFAULT)
		result = pi_fault_in(attempt->addr, attempt->value) ? -EFAULT : PI_RETRY;
	return result;
}

long futex_cmp_requeue_pi(uaddr_t addr, uaddr_t addr2, bool shared, int wake, int move_count, uint32_t expected)
{
	struct pi_move move = { .wake = wake, .move = move_count };
	int result;

	if (addr == addr2 || wake != 1 || move_count < 0)
		return -EINVAL;
	result = futex_get_keys(&move.from, addr, &move.to, addr2, shared);
	if (result)
		return result;
	if (futex_key_same(move.from, move.to))
		return -EINVAL;
	move.source = futex_bucket_of(move.from);
	move.target = futex_bucket_of(move.to);
	move.attempt = (struct pi_attempt){ .addr = addr2, .key = move.to, .mark_waiters = move_count };
	move.attempt.fresh = kmalloc(sizeof(*move.attempt.fresh));
	if (!move.attempt.fresh)
		return -ENOMEM;
	do
		result = attempt_move(&move, addr, expected);
	while (result == PI_RETRY && !signal_fatal_pending());
	kfree(move.attempt.fresh);
	return result;
}
