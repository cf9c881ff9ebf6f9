/* SPDX-License-Identifier: MIT */
/*
 * futex(2): waiting on and waking words of user memory. A waiter is queued before it looks at the word for the last time: whoever changes
 * the word and then wakes either finds it queued or is seen by that look. Those with priority inheritance are in futex_pi.c, futex_requeue_pi.c.
 */
#include <linux/futex.h>
#include <linux/time.h>

#include "lib/errno.h"
#include "arch/x86_64/user_words.h"
#include "mm/user_copy.h"
#include "process/futex.h"
#include "process/futex_pi.h"
#include "process/internal.h"
#include "process/time_user.h"
#include "sched/clock.h"
#include "sched/scheduler.h"
#include "sched/wall_timer.h"
#include "syscall_prototypes.h"

int futex_wake_address(uaddr_t addr, int count)
{
	struct futex_key key = futex_key_get(addr, true);

	return key.owner ? futex_wake_key(key, count, FUTEX_BITSET_MATCH_ANY) : (int)key.offset;
}

static inline int sleep_until_woken(struct futex_waiter *waiter, struct futex_limit limit)
{
	int error;

	if (likely(limit.time == WAIT_FOREVER)) {
		current_thread()->wait_timed_out = false;
		scheduler_sleep(&waiter->waiter.woken, WAIT_INTERRUPTIBLE);
		if (likely(atomic_load(&waiter->waiter.woken)))
			return 0;
	}
	if (limit.realtime)
		return wait_sleep_wall(&waiter->waiter, limit.time, WAIT_INTERRUPTIBLE);
	do
		error = wait_sleep(&waiter->waiter, limit.time, WAIT_INTERRUPTIBLE);
	while (unlikely(!error && !atomic_load(&waiter->waiter.woken)));
	return error;
}

int futex_sleep(struct futex_waiter *waiter, struct futex_limit limit)
{
	return sleep_until_woken(waiter, limit);
}

#define NO_LIMIT ((struct futex_limit){ WAIT_FOREVER, false })

/* 0 when woken, -EAGAIN when the word differs, -ETIMEDOUT, -ERESTARTSYS. */
static long wait_on(uaddr_t addr, uint32_t expected, bool shared, uint32_t bitset, struct futex_limit limit)
{
	struct futex_waiter waiter;
	uint32_t value;
	int error;

	waiter.key = futex_key_get(addr, shared);
	if (unlikely(!waiter.key.owner))
		return waiter.key.offset;
	waiter.bitset = bitset;
	futex_enqueue(&waiter);
	user_words_begin();
	USER_GET_U32(value, *(const uint32_t *)addr, fault);
	user_words_end();
	error = likely(value == expected) ? sleep_until_woken(&waiter, limit) : -EAGAIN;
out:
	/* Woken at the last moment: the wake-up was meant for us and must count, whatever else happened. */
	if (unlikely(error) && !futex_dequeue(&waiter))
		error = 0;
	return error;
fault:
	user_words_end();
	error = -EFAULT;
	goto out;
}

static long resume_wait(void)
{
	typeof(current_thread()->user.restart) *restart = &current_thread()->user.restart;
	int error = wait_on(restart->words[0], restart->words[1], restart->words[2], restart->words[3],
			    (struct futex_limit){ restart->deadline, false });

	if (error != -ERESTARTSYS)
		return error;
	restart->resume = resume_wait;
	return -ERESTART_RESTARTBLOCK;
}

static long wait_relative(uaddr_t addr, uint32_t expected, bool shared, uaddr_t timeout)
{
	struct thread_state *state = &current_thread()->user;
	uint64_t deadline = WAIT_FOREVER;
	int error;

	if (timeout) {
		uint64_t ns;

		error = timespec_from_user(&ns, timeout);
		if (error)
			return error;
		deadline = deadline_after(ns);
	}
	error = wait_on(addr, expected, shared, FUTEX_BITSET_MATCH_ANY, (struct futex_limit){ deadline, false });
	if (error != -ERESTARTSYS || !timeout)
		return error;
	state->restart.words[0] = addr;
	state->restart.words[1] = expected;
	state->restart.words[2] = shared;
	state->restart.words[3] = FUTEX_BITSET_MATCH_ANY;
	state->restart.deadline = deadline;
	state->restart.resume = resume_wait;
	return -ERESTART_RESTARTBLOCK;
}

/* A point in time, or none. */
static int absolute_limit(struct futex_limit *limit, uaddr_t timeout, bool realtime)
{
	*limit = NO_LIMIT;
	if (!timeout)
		return 0;
	limit->realtime = realtime;
	return timespec_from_user(&limit->time, timeout);
}

static long wait_absolute(uaddr_t addr, uint32_t expected, bool shared, uaddr_t timeout, uint32_t bitset, bool realtime)
{
	struct futex_limit limit;
	int error;

	if (!bitset)
		return -EINVAL;
	error = absolute_limit(&limit, timeout, realtime);
	if (error)
		return error;
	error = wait_on(addr, expected, shared, bitset, limit);
	/* The deadline is absolute: the same call can be made again, but not behind a handler. */
	return error == -ERESTARTSYS && timeout ? -ERESTARTNOHAND : error;
}

static long wake(uaddr_t addr, bool shared, int count, uint32_t bitset)
{
	struct futex_key key;

	if (!bitset)
		return -EINVAL;
	key = futex_key_get(addr, shared);
	return likely(key.owner) ? futex_wake_key(key, count, bitset) : (long)key.offset;
}

int futex_get_keys(struct futex_key *first, uaddr_t addr, struct futex_key *second, uaddr_t addr2, bool shared)
{
	*first = futex_key_get(addr, shared);
	if (!first->owner)
		return first->offset;
	*second = futex_key_get(addr2, shared);
	return second->owner ? 0 : (int)second->offset;
}

/* @expected: compare first (CMP_REQUEUE), or NULL. */
static long requeue(uaddr_t addr, uaddr_t addr2, bool shared, int wake_count, int move_count, const uint32_t *expected)
{
	struct futex_key from, to;
	int result;

	if (wake_count < 0 || move_count < 0)
		return -EINVAL;
	result = futex_get_keys(&from, addr, &to, addr2, shared);
	return result ? result : futex_requeue_key(from, to, wake_count, move_count, addr, expected);
}

/* The operation that FUTEX_WAKE_OP packs into 32 bits. */
struct wake_operation { unsigned op, compare; int argument, compare_argument; };

static int decode_operation(struct wake_operation *out, uint32_t encoded)
{
	out->op = encoded >> 28 & 7;
	out->compare = encoded >> 24 & 15;
	out->argument = (int32_t)(encoded << 8) >> 20;
	out->compare_argument = (int32_t)(encoded << 20) >> 20;
	if (encoded >> 28 & FUTEX_OP_OPARG_SHIFT)	/* the argument is a bit number */
		out->argument = 1u << (out->argument & 31);
	return out->op > FUTEX_OP_XOR || out->compare > FUTEX_OP_CMP_GE ? -ENOSYS : 0;
}

static uint32_t apply(const struct wake_operation *operation, uint32_t old)
{
	uint32_t argument = operation->argument;

	switch (operation->op) {
	case FUTEX_OP_SET:
		return argument;
	case FUTEX_OP_ADD:
		return old + argument;
	case FUTEX_OP_OR:
		return old | argument;
	case FUTEX_OP_ANDN:
		return old & ~argument;
	default:
		return old ^ argument;
	}
}

static bool compare(const struct wake_operation *operation, uint32_t word)
{
	int old = word, argument = operation->compare_argument;

	switch (operation->compare) {
	case FUTEX_OP_CMP_EQ:
		return old == argument;
	case FUTEX_OP_CMP_NE:
		return old != argument;
	case FUTEX_OP_CMP_LT:
		return old < argument;
	case FUTEX_OP_CMP_LE:
		return old <= argument;
	case FUTEX_OP_CMP_GT:
		return old > argument;
	default:
		return old >= argument;
	}
}

static int modify_word(uaddr_t addr, const struct wake_operation *operation, uint32_t *old)
{
	uint32_t found;
	int error = get_user_u32(old, addr);

	while (!error) {
		error = user_compare_exchange_u32(addr, *old, apply(operation, *old), &found);
		if (error || found == *old)
			break;
		*old = found;
	}
	return error;
}

static long wake_op(uaddr_t addr, uaddr_t addr2, bool shared, int count, int count2, uint32_t encoded)
{
	struct wake_operation operation;
	struct futex_key key, key2;
	uint32_t old;
	int result = decode_operation(&operation, encoded);

	if (result)
		return result;
	result = futex_get_keys(&key, addr, &key2, addr2, shared);
	if (result)
		return result;
	result = modify_word(addr2, &operation, &old);
	if (!result) {
		result = futex_wake_key(key, count, FUTEX_BITSET_MATCH_ANY);
		if (result >= 0 && compare(&operation, old)) {
			int second = futex_wake_key(key2, count2, FUTEX_BITSET_MATCH_ANY);

			result = second < 0 ? second : result + second;
		}
	}
	return result;
}

/* Operations that wait until a point in time for a PI lock. */
static long pi_operation(uaddr_t addr, int command, uint32_t value, bool shared, uaddr_t timeout, uaddr_t addr2, bool realtime)
{
	struct futex_limit limit;
	int error = absolute_limit(&limit, timeout, realtime || command == FUTEX_LOCK_PI);

	if (error)
		return error;
	if (command == FUTEX_WAIT_REQUEUE_PI)
		return futex_wait_requeue_pi(addr, value, shared, limit, addr2);
	return futex_lock_pi(addr, shared, limit, false);
}

/* All but the two operations that sys_futex does itself. */
static __attribute__((noinline)) long other_operation(uaddr_t addr, int operation, uint32_t value, uaddr_t timeout, uaddr_t addr2,
						      uint32_t value3)
{
	bool shared = !(operation & FUTEX_PRIVATE_FLAG), realtime = operation & FUTEX_CLOCK_REALTIME;
	int command = operation & FUTEX_CMD_MASK;
	int count2 = timeout;	/* some operations use the same register for a second count */

	if (realtime && command != FUTEX_WAIT_BITSET && command != FUTEX_WAIT_REQUEUE_PI && command != FUTEX_LOCK_PI2)
		return -ENOSYS;
	switch (command) {
	case FUTEX_WAIT:
		return wait_relative(addr, value, shared, timeout);
	case FUTEX_WAIT_BITSET:
		return wait_absolute(addr, value, shared, timeout, value3, realtime);
	case FUTEX_WAKE_BITSET:
		return wake(addr, shared, value, value3);
	case FUTEX_REQUEUE:
		return requeue(addr, addr2, shared, value, count2, NULL);
	case FUTEX_CMP_REQUEUE:
		return requeue(addr, addr2, shared, value, count2, &value3);
	case FUTEX_WAKE_OP:
		return wake_op(addr, addr2, shared, value, count2, value3);
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
	case FUTEX_WAIT_REQUEUE_PI:
		return pi_operation(addr, command, value, shared, timeout, addr2, realtime);
	case FUTEX_TRYLOCK_PI:
		return futex_lock_pi(addr, shared, NO_LIMIT, true);
	case FUTEX_UNLOCK_PI:
		return futex_unlock_pi(addr, shared);
	case FUTEX_CMP_REQUEUE_PI:
		return futex_cmp_requeue_pi(addr, addr2, shared, value, count2, value3);
	default:
		return -ENOSYS;
	}
}

long sys_futex(uaddr_t addr, int operation, uint32_t value, uaddr_t timeout, uaddr_t addr2, uint32_t value3)
{
	int command = operation & ~FUTEX_PRIVATE_FLAG;

	if (command == FUTEX_WAKE)
		return wake(addr, !(operation & FUTEX_PRIVATE_FLAG), value, FUTEX_BITSET_MATCH_ANY);
	if (command == FUTEX_WAIT && !timeout)
		return wait_on(addr, value, !(operation & FUTEX_PRIVATE_FLAG), FUTEX_BITSET_MATCH_ANY, NO_LIMIT);
	return other_operation(addr, operation, value, timeout, addr2, value3);
}
