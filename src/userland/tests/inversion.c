/* SPDX-License-Identifier: MIT */
/*
 * Priority inversion. All on one CPU: a low thread holds the lock and has work left, a middle one would never let it run, a high one waits. What the
 * middle one gets done until the high one has the lock is counted: nothing.
 */
#include "futex_actors.h"

static volatile uint32_t word, other;

enum { HOLDER_WORK = 2000000, HOG_LIMIT = 400000000 };
static volatile uint32_t *high_wants;
static volatile long hog_count, hog_count_before, hog_count_at_lock;
static volatile int stop_hog;

static void pin(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	CHECK_EQ(sched_setaffinity(0, sizeof set, &set), 0);
}

static void work_under_lock(struct actor *self)
{
	CHECK_EQ(lock(self->at), 0);
	if (!self->priority)
		set_policy(SCHED_IDLE, 0);
	self->done = 1;
	await_go(self);
	for (volatile int i = 0; i < HOLDER_WORK; i++)
		;
	CHECK_EQ(unlock(self->at), 0);
}

/* Between the low and the high one: holds the lock that the high one wants and waits for the low one's. */
static void wait_in_between(struct actor *self)
{
	CHECK_EQ(lock(&other), 0);
	self->done = 1;
	CHECK_EQ(lock(&word), 0);
	CHECK_EQ(unlock(&word), 0);
	CHECK_EQ(unlock(&other), 0);
}

static void hog(struct actor *self)
{
	await_go(self);
	while (!stop_hog && hog_count < HOG_LIMIT)
		hog_count++;
}

static void want(struct actor *self)
{
	await_go(self);
	hog_count_before = hog_count;
	CHECK_EQ(lock(high_wants), 0);
	hog_count_at_lock = hog_count;
	stop_hog = 1;
	CHECK_EQ(unlock(high_wants), 0);
}

static void invert(int low, int middle, int chain)
{
	struct actor holder, between, hogger, high;

	pin();
	set_policy(SCHED_FIFO, 20);
	hog_count = hog_count_at_lock = stop_hog = 0;
	high_wants = chain ? &other : &word;
	start_actor(&holder, work_under_lock, &word, low);
	CHECK(check_await(&holder.done, PATIENCE));
	if (chain) {
		start_actor(&between, wait_in_between, &other, low);
		CHECK(check_await(&between.done, PATIENCE));
		CHECK(sleeps(between.tid));
	}
	start_actor(&hogger, hog, NULL, middle);
	start_actor(&high, want, NULL, 10);
	/* This thread is the highest: when it goes to sleep all of them are ready, and the high one comes first. */
	sem_post(&holder.go);
	sem_post(&hogger.go);
	sem_post(&high.go);
	join_actor(&high);
	CHECK_EQ(hog_count_at_lock - hog_count_before, 0);
	join_actor(&hogger);
	CHECK(hog_count < HOG_LIMIT);
	join_actor(&holder);
	if (chain)
		join_actor(&between);
	CHECK_EQ(word & FUTEX_TID_MASK, 0);
}

static void realtime(void)
{
	invert(1, 5, 0);
}

static void idle_and_normal(void)
{
	invert(0, 0, 0);
}

static void through_chain(void)
{
	invert(1, 5, 1);
}

static volatile int stop_looping;

/* Never lets go by itself: lent real-time priority it would run for ever, were it not for the budget of real-time threads. */
static void loop_under_lock(struct actor *self)
{
	CHECK_EQ(lock(self->at), 0);
	self->done = 1;
	await_go(self);
	while (!stop_looping)
		;
	CHECK_EQ(unlock(self->at), 0);
}

/* An ordinary thread that wants the same CPU. */
static void end_the_loop(struct actor *self)
{
	await_go(self);
	for (volatile int i = 0; i < 1000; i++)
		;
	stop_looping = 1;
}

static void lent_within_budget(void)
{
	struct actor holder, ordinary, high;

	pin();
	set_policy(SCHED_FIFO, 20);
	high_wants = &word;
	start_actor(&holder, loop_under_lock, &word, 0);
	CHECK(check_await(&holder.done, PATIENCE));
	start_actor(&ordinary, end_the_loop, NULL, 0);
	start_actor(&high, want, NULL, 10);
	sem_post(&holder.go);
	sem_post(&ordinary.go);
	sem_post(&high.go);
	join_actor(&high);
	join_actor(&ordinary);
	join_actor(&holder);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(realtime), CASE(idle_and_normal), CASE(through_chain), CASE(lent_within_budget), { NULL, NULL },
	};

	return check_main("inversion", cases, argc, argv);
}
