/* SPDX-License-Identifier: MIT */
/*
 * Priority-inheriting futexes. The word holds the owner's thread number; the kernel keeps, while anybody waits, a struct pi_state with the owner
 * and the waiters in order of priority. It hands the lock over itself: who is woken has it.
 *
 * A bucket's lock guards which states its waiters point to; pi_lock, which nests inside, the graph of who waits for whom. That graph passes through any
 * buckets, so it has one lock of its own; only threads that really wait, and those they wait for, come here.
 */
#pragma once

#include "lib/rbtree.h"
#include "process/futex_internal.h"

struct pi_state {
	struct futex_key key;		/* constant */
	struct thread *owner;		/* bucket lock and pi_lock to change. Has not ended: futex_pi_exit() would have taken the lock from it */
	bool inherited;			/* the owner before ended: the new one still has to write itself into the word. Bucket lock */
	unsigned users;			/* waiters of the bucket that point here, with one that owns the lock by now; bucket lock */
	struct rb_tree waiters;		/* struct pi_waiter.node by level, then arrival; pi_lock */
	struct rb_node owned_node;	/* in owner->user.pi_owned by @level while there are waiters; pi_lock */
	uint8_t level;			/* pi_lock */
	bool placed;			/* @owned_node is in the owner's tree; pi_lock */
};

/* On the stack of a thread that waits for a PI lock, or for being moved to one. */
struct pi_waiter {
	struct futex_waiter futex;	/* bitset 0 */
	struct pi_state *state;		/* what it waits for or has just got; NULL while in FUTEX_WAIT_REQUEUE_PI's first queue. Bucket lock */
	struct futex_key target;	/* where FUTEX_WAIT_REQUEUE_PI lets itself be moved to; constant */
	struct rb_node node;		/* state->waiters; pi_lock */
	uint8_t level;			/* pi_lock */
	bool got;			/* the lock was given to it; bucket lock, or pi_waiter.futex.waiter.woken seen set */
};

/* An attempt to take a PI lock for a thread, the caller or one that is moved. The caller sets all but @state. */
struct pi_attempt {
	uaddr_t addr;
	struct futex_key key;
	struct thread *thread;		/* for whom; may be set between pi_look() and pi_claim() */
	uint32_t value;			/* the word when it was looked at */
	struct thread *owner;		/* the thread that @value names, referenced; NULL: none */
	bool mark_waiters;		/* others will be made to wait */
	struct pi_state *fresh;		/* used if there is no state yet: then NULL */
	struct pi_state *state;		/* what to wait for, PI_WAIT only */
};

enum pi_result { PI_GOT = -2001, PI_WAIT = -2002, PI_RETRY = -2003 };	/* beside counts and errno values */

/* futex_pi.c */
/* Reads the word and finds who owns it, without locks. 0, -EFAULT, -EDEADLK (the caller itself). May sleep. */
int pi_look(struct pi_attempt *attempt);
/* Brings the word into memory, writable. 0 or -EFAULT. May sleep. */
int pi_fault_in(uaddr_t addr, uint32_t value);
/* Takes the lock if it is free, or finds the state to wait for. An enum pi_result, or -EFAULT (see pi_fault_in), -ESRCH, -EINVAL. Bucket lock held. */
int pi_claim(struct pi_attempt *attempt);
/* After the sleep that ended with @error: leaves all queues. 0 when the thread has the lock; else @error or -EFAULT. *@moved: it waited for the lock. */
int pi_finish(struct pi_waiter *waiter, uaddr_t addr, int error, bool *moved);

/* futex_requeue_pi.c */
long futex_wait_requeue_pi(uaddr_t addr, uint32_t expected, bool shared, struct futex_limit limit, uaddr_t addr2);
long futex_cmp_requeue_pi(uaddr_t addr, uaddr_t addr2, bool shared, int wake, int move, uint32_t expected);

long futex_lock_pi(uaddr_t addr, bool shared, struct futex_limit limit, bool try);
long futex_unlock_pi(uaddr_t addr, bool shared);

/* futex_pi_state.c. All with the bucket's lock held. */
void pi_state_init(struct pi_state *state, struct futex_key key, struct thread *owner);
/* Makes @waiter, whose futex.waiter.thread is set, wait for @state. 0, -EDEADLK, -ESRCH (the owner has just ended). */
int pi_wait_for(struct pi_state *state, struct pi_waiter *waiter);
void pi_stop_waiting(struct pi_waiter *waiter);
/*
 * Unlocks: writes the first waiter into the word at @addr, if that still holds @value, and gives it the lock. 0; -ESRCH without waiters; -EAGAIN when the
 * word differs; -EFAULT.
 */
int pi_hand_over(struct pi_state *state, uaddr_t addr, uint32_t value);
/* Gives the lock to the first waiter, if any, which then writes the word itself: the owner has ended. */
void pi_inherit(struct pi_state *state);
/* Takes @waiter's reference off its state and frees that if it was the last. */
void pi_leave_state(struct pi_waiter *waiter);
