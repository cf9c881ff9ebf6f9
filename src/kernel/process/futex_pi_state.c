/* SPDX-License-Identifier: MIT */
/*
 * Who waits for whom: the states of PI locks, their waiters in order, and the priority that waiters lend to owners and through them to those for whom
 * these wait. The graph has no circles: a wait that would close one is refused.
 */
#include <linux/futex.h>

#include "ipc/ipc.h"
#include "mm/heap.h"
#include "process/futex.h"
#include "process/futex_pi.h"
#include "sched/scheduler.h"

enum { CHAIN_MAX = 1024 };	/* locks in a row; interrupts are off that long */

static struct spinlock pi_lock = SPINLOCK_INIT(LOCK_FUTEX_PI);

static inline struct pi_waiter *waiter_of(struct rb_node *node)
{
	return node ? rb_entry(node, struct pi_waiter, node) : NULL;
}

static inline struct pi_waiter *first_waiter(const struct pi_state *state)
{
	return waiter_of(rb_first(&state->waiters));
}

/* As a waiter: with what is lent to it, but without what its use of the CPU costs it. */
static unsigned level_of(const struct thread *thread)
{
	return MIN(thread->best_priority, thread->lent);
}

static void insert_waiter(struct pi_state *state, struct pi_waiter *waiter)
{
	struct rb_node **place = &state->waiters.root, *parent = NULL;

	while (*place) {
		parent = *place;
		place = waiter->level < waiter_of(parent)->level ? &parent->left : &parent->right;
	}
	rb_insert(&state->waiters, &waiter->node, parent, place, NULL);
}

static void insert_owned(struct rb_tree *tree, struct pi_state *state)
{
	struct rb_node **place = &tree->root, *parent = NULL;

	while (*place) {
		parent = *place;
		place = state->level < rb_entry(parent, struct pi_state, owned_node)->level ? &parent->left : &parent->right;
	}
	rb_insert(tree, &state->owned_node, parent, place, NULL);
}

/* Puts @state where it belongs among its owner's, after waiters or owner changed. */
static void place_state(struct pi_state *state)
{
	struct pi_waiter *first = first_waiter(state);

	if (state->placed)
		rb_remove(&state->owner->user.pi_owned, &state->owned_node, NULL);
	state->placed = state->owner && first;
	if (!state->placed)
		return;
	state->level = first->level;
	state->owner->user.pi_awaited = true;
	insert_owned(&state->owner->user.pi_owned, state);
}

/* Lends @thread what its waiters have. Returns whether that changed anything. */
static bool lend(struct thread *thread)
{
	struct rb_node *first = rb_first(&thread->user.pi_owned);
	unsigned level = first ? rb_entry(first, struct pi_state, owned_node)->level : LEVEL_COUNT;

	if (thread->lent_by[LENT_BY_LOCKS] == level)
		return false;
	sched_lend(thread, LENT_BY_LOCKS, level);
	ipc_level_changed(thread);
	return true;
}

/* The waiters of @state changed: its owner, and whoever that one waits for, may be lent more or less now. */
static void pass_on(struct pi_state *state)
{
	for (unsigned depth = 0; depth < CHAIN_MAX; depth++) {
		struct pi_waiter *waiter;

		place_state(state);
		if (!state->owner || !lend(state->owner))
			return;
		waiter = state->owner->user.pi_blocked;
		if (!waiter || waiter->level == level_of(state->owner))
			return;
		state = waiter->state;
		rb_remove(&state->waiters, &waiter->node, NULL);
		waiter->level = level_of(waiter->futex.waiter.thread);
		insert_waiter(state, waiter);
	}
}

/* Would @thread wait for itself? A chain that is too long counts as one. */
static bool closes_circle(const struct pi_state *state, const struct thread *thread)
{
	for (unsigned depth = 0; depth < CHAIN_MAX; depth++) {
		const struct pi_waiter *waiter;

		if (!state->owner)
			return false;
		if (state->owner == thread)
			return true;
		waiter = state->owner->user.pi_blocked;
		if (!waiter)
			return false;
		state = waiter->state;
	}
	return true;
}

void pi_state_init(struct pi_state *state, struct futex_key key, struct thread *owner)
{
	*state = (struct pi_state){ .key = key, .owner = owner };
}

int pi_wait_for(struct pi_state *state, struct pi_waiter *waiter)
{
	struct thread *thread = waiter->futex.waiter.thread;
	uint64_t flags = spin_lock_irq(&pi_lock);
	int error = 0;

	if (state->owner)
		(void)atomic_exchange(&state->owner->user.pi_awaited, true);
	/* With other waiters an owner that ends is just about to give the lock away. */
	if (!state->placed && state->owner && state->owner->user.pi_closed)
		error = -ESRCH;
	else if (closes_circle(state, thread))
		error = -EDEADLK;
	if (!error) {
		waiter->state = state;
		waiter->level = level_of(thread);
		state->users++;
		insert_waiter(state, waiter);
		thread->user.pi_blocked = waiter;
		pass_on(state);
	}
	spin_unlock_irq(&pi_lock, flags);
	return error;
}

static void take_off(struct pi_state *state, struct pi_waiter *waiter)
{
	rb_remove(&state->waiters, &waiter->node, NULL);
	waiter->futex.waiter.thread->user.pi_blocked = NULL;
}

void pi_stop_waiting(struct pi_waiter *waiter)
{
	uint64_t flags = spin_lock_irq(&pi_lock);

	take_off(waiter->state, waiter);
	pass_on(waiter->state);
	spin_unlock_irq(&pi_lock, flags);
}

/* The lock goes to @waiter, the first one, or to nobody. pi_lock held. */
static void change_owner(struct pi_state *state, struct pi_waiter *waiter)
{
	struct thread *old = state->owner, *fresh = waiter ? waiter->futex.waiter.thread : NULL;

	if (state->placed)
		rb_remove(&old->user.pi_owned, &state->owned_node, NULL);
	state->placed = false;
	if (old)
		lend(old);
	state->owner = fresh;
	if (!waiter)
		return;
	take_off(state, waiter);
	place_state(state);
	lend(fresh);
	waiter->got = true;
	scheduler_wake(fresh, &waiter->futex.waiter.woken, false);
}

int pi_hand_over(struct pi_state *state, uaddr_t addr, uint32_t value)
{
	uint64_t flags = spin_lock_irq(&pi_lock);
	struct pi_waiter *first = first_waiter(state);
	uint32_t found = 0;
	int error = -ESRCH;

	/* The word first, and nothing comes between: who is first may change with anybody's priority. */
	if (first)
		error = user_compare_exchange_u32(addr, value, FUTEX_WAITERS | first->futex.waiter.thread->tid, &found);
	if (!error && found != value)
		error = -EAGAIN;
	if (!error)
		change_owner(state, first);
	spin_unlock_irq(&pi_lock, flags);
	return error;
}

void pi_inherit(struct pi_state *state)
{
	uint64_t flags = spin_lock_irq(&pi_lock);

	state->inherited = true;
	change_owner(state, first_waiter(state));
	spin_unlock_irq(&pi_lock, flags);
}

void pi_leave_state(struct pi_waiter *waiter)
{
	struct pi_state *state = waiter->state;

	waiter->state = NULL;
	if (state && !--state->users)
		kfree(state);
}

void futex_pi_priority_changed(struct thread *thread)
{
	uint64_t flags = spin_lock_irq(&pi_lock);
	struct pi_waiter *waiter = thread->user.pi_blocked;

	if (waiter && waiter->level != level_of(thread)) {
		rb_remove(&waiter->state->waiters, &waiter->node, NULL);
		waiter->level = level_of(thread);
		insert_waiter(waiter->state, waiter);
		pass_on(waiter->state);
	}
	spin_unlock_irq(&pi_lock, flags);
}

/* The bucket of a lock that @thread owns and others wait for; NULL: there is none. */
static struct futex_bucket *next_owned(struct thread *thread, struct pi_state **state)
{
	uint64_t flags = spin_lock_irq(&pi_lock);
	struct rb_node *first = rb_first(&thread->user.pi_owned);

	*state = first ? rb_entry(first, struct pi_state, owned_node) : NULL;
	spin_unlock_irq(&pi_lock, flags);
	return *state ? futex_bucket_of((*state)->key) : NULL;
}

static COLD void wake_owned(struct thread *thread)
{
	struct futex_bucket *bucket;
	struct pi_state *state, *now;

	while ((bucket = next_owned(thread, &state))) {
		spin_lock(&bucket->lock);
		/* Its waiters may have given up before we had the lock, and the state be gone. */
		if (next_owned(thread, &now) == bucket)
			pi_inherit(now);
		spin_unlock(&bucket->lock);
	}
}

void futex_pi_exit(struct thread *thread)
{
	/* pi_wait_for() does the same two steps the other way round: one of the two sees the other. Most threads end without pi_lock. */
	(void)atomic_exchange(&thread->user.pi_closed, true);
	if (atomic_load(&thread->user.pi_awaited))
		wake_owned(thread);
}

void futex_pi_reopen(struct thread *thread)
{
	atomic_store(&thread->user.pi_closed, false);
}
