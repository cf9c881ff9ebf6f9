/* SPDX-License-Identifier: MIT */
/* FUTEX_WAIT_REQUEUE_PI and FUTEX_CMP_REQUEUE_PI: waiters on one word that are moved to wait for a priority-inheriting lock, or get it at once. */
#include "futex_actors.h"

#include <signal.h>

static volatile uint32_t word, other, third;
static int order[16];
static volatile int turns;

static volatile int interrupted;

static void on_signal(int number)
{
	interrupted = number;
}

static void wait_to_be_moved(struct actor *self)
{
	self->result = futex(self->at, FUTEX_WAIT_REQUEUE_PI, 0, self->limit, &other, 0);
	self->error = errno;
	if (self->result)
		return;
	CHECK_EQ(other & FUTEX_TID_MASK, self->tid);
	order[turns++] = self->tid;
	CHECK_EQ(unlock(&other), 0);
}

static long move(int count, uint32_t expected)
{
	return futex(&word, FUTEX_CMP_REQUEUE_PI, 1, (void *)(long)count, &other, expected);
}

static void start_movable(struct actor *waiters, int count)
{
	for (int i = 0; i < count; i++) {
		start_actor(&waiters[i], wait_to_be_moved, &word, 0);
		CHECK(sleeps(waiters[i].tid));
	}
}

static void moving(void)
{
	struct actor waiters[4];

	CHECK_EQ(move(10, 0), 0);
	CHECK_ERR(move(10, 1), EAGAIN);
	CHECK_ERR(futex(&word, FUTEX_CMP_REQUEUE_PI, 2, (void *)1L, &other, 0), EINVAL);
	CHECK_ERR(futex(&word, FUTEX_CMP_REQUEUE_PI, 1, (void *)1L, &word, 0), EINVAL);
	CHECK_ERR(futex(&word, FUTEX_WAIT_REQUEUE_PI, 0, NULL, &word, 0), EINVAL);
	CHECK_ERR(futex(&word, FUTEX_WAIT_REQUEUE_PI, 1, NULL, &other, 0), EAGAIN);
	start_movable(waiters, 3);
	CHECK_ERR(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0), EINVAL);
	CHECK_ERR(futex(&word, FUTEX_REQUEUE, 1, (void *)1L, &third, 0), EINVAL);
	CHECK_ERR(futex(&word, FUTEX_CMP_REQUEUE_PI, 1, (void *)1L, &third, 0), EINVAL);
	CHECK_EQ(turns, 0);
	/* The lock is free: the first gets it at once, and one more is moved to wait for it. */
	CHECK_EQ(move(1, 0), 2);
	join_actor(&waiters[0]);
	join_actor(&waiters[1]);
	CHECK_EQ(turns, 2);
	CHECK_EQ(order[0], waiters[0].tid);
	/* The caller holds it: all are moved. */
	start_actor(&waiters[3], wait_to_be_moved, &word, 0);
	CHECK(sleeps(waiters[3].tid));
	CHECK_EQ(lock(&other), 0);
	CHECK_EQ(move(10, 0), 2);
	check_sleep(20);
	CHECK_EQ(turns, 2);
	CHECK_EQ(other, own_tid() | FUTEX_WAITERS);
	CHECK_EQ(unlock(&other), 0);
	join_actor(&waiters[2]);
	join_actor(&waiters[3]);
	CHECK_EQ(turns, 4);
	CHECK_EQ(other & FUTEX_TID_MASK, 0);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(waiters[i].result, 0);
}

static void wait_to_be_moved_briefly(struct actor *self)
{
	struct timespec limit = soon(CLOCK_MONOTONIC, 1500);

	self->limit = &limit;
	wait_to_be_moved(self);
}

static void moving_fails(void)
{
	struct actor waiter, plain;
	struct timespec limit = soon(CLOCK_REALTIME, 20);

	CHECK_ERR(futex(&word, FUTEX_WAIT_REQUEUE_PI | FUTEX_CLOCK_REALTIME, 0, &limit, &other, 0), ETIMEDOUT);
	/* The time is up before anybody moves it, and after. */
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(lock(&other), 0);
		start_actor(&waiter, wait_to_be_moved_briefly, &word, 0);
		CHECK(sleeps(waiter.tid));
		if (i)
			CHECK_EQ(move(1, 0), 1);
		join_actor(&waiter);
		CHECK_EQ(waiter.result, -1);
		CHECK_EQ(waiter.error, ETIMEDOUT);
		CHECK_EQ(unlock(&other), 0);
	}
	/* Whoever waits for something else stays where it is. */
	start_actor(&plain, actor_wait, &word, 0);
	CHECK(sleeps(plain.tid));
	CHECK_ERR(move(1, 0), EINVAL);
	CHECK_EQ(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0), 1);
	join_actor(&plain);
}

/* Waits in the first queue and, moved, for the lock: a handler ends the second for good. */
static void moving_and_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct actor waiter;

	sigaction(SIGUSR1, &action, NULL);
	start_actor(&waiter, wait_to_be_moved, &word, 0);
	CHECK(sleeps(waiter.tid));
	CHECK_EQ(syscall(SYS_tgkill, getpid(), waiter.tid, SIGUSR1), 0);
	CHECK(check_await(&interrupted, PATIENCE));
	CHECK(sleeps(waiter.tid));
	CHECK_EQ(waiter.done, 0);
	CHECK_EQ(lock(&other), 0);
	CHECK_EQ(move(1, 0), 1);
	interrupted = 0;
	CHECK_EQ(syscall(SYS_tgkill, getpid(), waiter.tid, SIGUSR1), 0);
	join_actor(&waiter);
	CHECK_EQ(waiter.result, -1);
	CHECK_EQ(waiter.error, EAGAIN);
	CHECK_EQ(unlock(&other), 0);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(moving), CASE(moving_fails), CASE(moving_and_signals), { NULL, NULL },
	};

	return check_main("requeue_pi", cases, argc, argv);
}
