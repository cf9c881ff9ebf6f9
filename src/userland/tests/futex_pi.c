/* SPDX-License-Identifier: MIT */
/* Priority-inheriting futexes: the word and the kernel's view of it, hand-over in order of priority, deadlocks, time-outs, signals, owners that end. */
#include "futex_actors.h"

#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>

enum { LOCK_PI2 = 13, NOBODY = 0x3ffffff0 };

static volatile uint32_t word, other, third;
static const struct timespec past = { 1, 0 };

static void uncontended(void)
{
	uint32_t tid = own_tid();

	CHECK_EQ(lock(&word), 0);
	CHECK_EQ(word, tid);
	CHECK_ERR(lock(&word), EDEADLK);
	CHECK_ERR(futex(&word, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), EDEADLK);
	CHECK_EQ(unlock(&word), 0);
	CHECK_EQ(word, 0);
	CHECK_ERR(unlock(&word), EPERM);
	CHECK_EQ(futex(&word, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), 0);
	CHECK_EQ(word, tid);
	CHECK_EQ(unlock(&word), 0);
	CHECK_EQ(futex(&word, LOCK_PI2 | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, 0), 0);
	CHECK_EQ(futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
	CHECK_EQ(word, 0);
	/* Marked by a dead owner: free, and the mark stays for the one who takes it. */
	word = FUTEX_OWNER_DIED;
	CHECK_EQ(lock(&word), 0);
	CHECK_EQ(word, tid | FUTEX_OWNER_DIED);
	CHECK_EQ(unlock(&word), 0);
	CHECK_EQ(word, 0);
}

static void errors(void)
{
	const struct timespec wrong = { 0, 1000000000 };
	void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct actor waiter;

	word = NOBODY;
	CHECK_ERR(lock(&word), ESRCH);
	CHECK_ERR(futex(&word, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), ESRCH);
	CHECK_ERR(unlock(&word), EPERM);
	word = 0;
	CHECK_ERR(lock((void *)8), EFAULT);
	CHECK_ERR(unlock((void *)8), EFAULT);
	CHECK_ERR(lock(page), EFAULT);
	CHECK_ERR(lock((void *)((char *)&word + 2)), EINVAL);
	CHECK_ERR(futex(&word, FUTEX_LOCK_PI, 0, &wrong, NULL, 0), EINVAL);
	CHECK_ERR(futex(&word, FUTEX_LOCK_PI | FUTEX_CLOCK_REALTIME, 0, NULL, NULL, 0), ENOSYS);
	CHECK_ERR(futex(&word, FUTEX_UNLOCK_PI | FUTEX_CLOCK_REALTIME, 0, NULL, NULL, 0), ENOSYS);
	/* A word that others wait for as no lock. */
	word = NOBODY;
	start_actor(&waiter, actor_wait, &word, 0);
	CHECK(sleeps(waiter.tid));
	CHECK_ERR(lock(&word), EINVAL);
	word = own_tid();
	CHECK_ERR(unlock(&word), EINVAL);
	CHECK_EQ(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0), 1);
	join_actor(&waiter);
	word = 0;
}

static int order[16];
static volatile int turns;

static void take_turn(struct actor *self)
{
	self->result = futex(self->at, FUTEX_LOCK_PI, 0, self->limit, NULL, 0);
	self->error = errno;
	if (self->result)
		return;
	CHECK_EQ(*self->at & FUTEX_TID_MASK, self->tid);
	order[turns++] = self->priority;
	CHECK_EQ(unlock(self->at), 0);
}

static void hand_over(void)
{
	struct actor waiters[3];

	CHECK_EQ(lock(&word), 0);
	start_actor(&waiters[0], take_turn, &word, 0);
	CHECK(sleeps(waiters[0].tid));
	CHECK_EQ(word, own_tid() | FUTEX_WAITERS);
	CHECK_ERR(futex(&word, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), EDEADLK);
	/* These are not woken by what wakes others, nor moved. */
	CHECK_ERR(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0), EINVAL);
	CHECK_ERR(futex(&word, FUTEX_WAKE, 5, NULL, NULL, 0), EINVAL);
	CHECK_ERR(futex(&word, FUTEX_REQUEUE, 0, (void *)1L, &other, 0), EINVAL);
	start_actor(&waiters[1], take_turn, &word, 0);
	CHECK(sleeps(waiters[1].tid));
	start_actor(&waiters[2], take_turn, &word, 0);
	CHECK(sleeps(waiters[2].tid));
	CHECK_EQ(turns, 0);
	CHECK_EQ(unlock(&word), 0);
	for (int i = 0; i < 3; i++) {
		join_actor(&waiters[i]);
		CHECK_EQ(waiters[i].result, 0);
	}
	CHECK_EQ(turns, 3);
	CHECK_EQ(word, 0);
}

static void by_priority(void)
{
	static const int priorities[] = { 0, 5, 9, 2, 9, 7 }, want[] = { 9, 9, 8, 7, 5, 0 };
	struct actor waiters[6];
	struct sched_param eight = { .sched_priority = 8 };

	CHECK_EQ(lock(&word), 0);
	for (int i = 0; i < 6; i++) {
		start_actor(&waiters[i], take_turn, &word, priorities[i]);
		CHECK(sleeps(waiters[i].tid));
	}
	/* One changes while it waits. */
	CHECK_EQ(syscall(SYS_sched_setscheduler, waiters[3].tid, SCHED_FIFO, &eight), 0);
	waiters[3].priority = 8;
	CHECK_EQ(unlock(&word), 0);
	for (int i = 0; i < 6; i++)
		join_actor(&waiters[i]);
	for (int i = 0; i < 6; i++)
		CHECK_EQ(order[i], want[i]);
}

static void hold(struct actor *self)
{
	self->result = lock(self->at);
	await_go(self);
	CHECK_EQ(unlock(self->at), 0);
}

static void start_holder(struct actor *holder, volatile uint32_t *at)
{
	start_actor(holder, hold, at, 0);
	while ((int)(*at & FUTEX_TID_MASK) != holder->tid)
		check_sleep(2);
}

static void let_go(struct actor *holder)
{
	sem_post(&holder->go);
	join_actor(holder);
}

static void time_outs(void)
{
	struct timespec limit;
	struct actor holder;
	long begin;

	start_holder(&holder, &word);
	CHECK_ERR(futex(&word, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), EAGAIN);
	begin = check_now();
	limit = soon(CLOCK_REALTIME, 30);
	CHECK_ERR(futex(&word, FUTEX_LOCK_PI, 0, &limit, NULL, 0), ETIMEDOUT);
	limit = soon(CLOCK_MONOTONIC, 30);
	CHECK_ERR(futex(&word, LOCK_PI2, 0, &limit, NULL, 0), ETIMEDOUT);
	limit = soon(CLOCK_REALTIME, 30);
	CHECK_ERR(futex(&word, LOCK_PI2 | FUTEX_CLOCK_REALTIME, 0, &limit, NULL, 0), ETIMEDOUT);
	CHECK(check_now() - begin >= 85);
	CHECK_ERR(futex(&word, FUTEX_LOCK_PI, 0, &past, NULL, 0), ETIMEDOUT);
	CHECK_EQ(word & FUTEX_TID_MASK, holder.tid);
	let_go(&holder);
	CHECK_EQ(word, 0);
	/* Free: the time is not asked. */
	CHECK_EQ(futex(&word, FUTEX_LOCK_PI, 0, &past, NULL, 0), 0);
	CHECK_EQ(unlock(&word), 0);
}

/* Takes its own lock, and when told the one that it is to wait for. */
static void hold_and_want(struct actor *self)
{
	volatile uint32_t *own = self->at, *wanted = self->at == &word ? &other : &third;

	CHECK_EQ(lock(own), 0);
	self->done = 1;
	await_go(self);
	self->result = lock(wanted);
	self->error = errno;
	if (!self->result)
		CHECK_EQ(unlock(wanted), 0);
	CHECK_EQ(unlock(own), 0);
}

static void deadlocks(void)
{
	struct actor first, second;

	/* The caller holds the third, the second actor the second and wants the third, the first the first and wants the second. */
	CHECK_EQ(lock(&third), 0);
	start_actor(&second, hold_and_want, &other, 0);
	CHECK(check_await(&second.done, PATIENCE));
	sem_post(&second.go);
	CHECK(sleeps(second.tid));
	start_actor(&first, hold_and_want, &word, 0);
	CHECK(check_await(&first.done, PATIENCE));
	sem_post(&first.go);
	CHECK(sleeps(first.tid));
	while (!(other & FUTEX_WAITERS) || !(third & FUTEX_WAITERS))
		check_sleep(2);
	check_sleep(20);
	CHECK_ERR(lock(&other), EDEADLK);
	CHECK_ERR(lock(&word), EDEADLK);
	CHECK_EQ(unlock(&third), 0);
	join_actor(&second);
	join_actor(&first);
	CHECK_EQ(first.result, 0);
	CHECK_EQ(second.result, 0);
	CHECK_EQ(word & FUTEX_TID_MASK, 0);
}

static void hold_and_end(struct actor *self)
{
	CHECK_EQ(lock(self->at), 0);
	self->done = 1;
	await_go(self);
}

struct robust_entry {
	struct robust_list list;
	volatile uint32_t lock;
};

static void end_with_robust_list(struct actor *self)
{
	static struct robust_list_head head;
	struct robust_entry *entry = (void *)((char *)self->at - offsetof(struct robust_entry, lock));

	head.futex_offset = offsetof(struct robust_entry, lock);
	entry->list.next = &head.list;
	head.list.next = (void *)((uintptr_t)&entry->list | 1);
	CHECK_EQ(syscall(SYS_set_robust_list, &head, sizeof head), 0);
	hold_and_end(self);
}

static void keep(struct actor *self)
{
	self->result = lock(self->at);
	CHECK_EQ(*self->at & FUTEX_TID_MASK, self->tid);
	CHECK(*self->at & FUTEX_OWNER_DIED);
	CHECK_EQ(unlock(self->at), 0);
}

static void owner_ends(void)
{
	static struct robust_entry robust;
	struct actor owner, waiters[2];

	for (int round = 0; round < 2; round++) {
		volatile uint32_t *at = round ? &robust.lock : &word;

		start_actor(&owner, round ? end_with_robust_list : hold_and_end, at, 0);
		CHECK(check_await(&owner.done, PATIENCE));
		start_actor(&waiters[0], keep, at, 0);
		CHECK(sleeps(waiters[0].tid));
		start_actor(&waiters[1], take_turn, at, 0);
		CHECK(sleeps(waiters[1].tid));
		sem_post(&owner.go);
		join_actor(&owner);
		join_actor(&waiters[0]);
		join_actor(&waiters[1]);
		CHECK_EQ(waiters[0].result, 0);
		CHECK_EQ(waiters[1].result, 0);
		CHECK_EQ(*at, 0);
	}
	/* Nobody waits: the robust list marks it, and the next one takes it with the mark. */
	start_actor(&owner, end_with_robust_list, &robust.lock, 0);
	sem_post(&owner.go);
	join_actor(&owner);
	CHECK_EQ(robust.lock, FUTEX_OWNER_DIED);
	CHECK_EQ(lock(&robust.lock), 0);
	CHECK_EQ(robust.lock, FUTEX_OWNER_DIED | own_tid());
	CHECK_EQ(unlock(&robust.lock), 0);
}

static volatile int interrupted;

static void on_signal(int number)
{
	interrupted = number;
}

static void signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct actor holder, waiter;

	sigaction(SIGUSR1, &action, NULL);
	start_holder(&holder, &word);
	start_actor(&waiter, take_turn, &word, 0);
	CHECK(sleeps(waiter.tid));
	CHECK_EQ(syscall(SYS_tgkill, getpid(), waiter.tid, SIGUSR1), 0);
	CHECK(check_await(&interrupted, PATIENCE));
	CHECK(sleeps(waiter.tid));
	CHECK_EQ(waiter.done, 0);
	let_go(&holder);
	join_actor(&waiter);
	CHECK_EQ(waiter.result, 0);
}

/* Two processes, a shared word: the owner is killed. */
static void processes(void)
{
	volatile uint32_t *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child = fork();

	if (child == 0) {
		lock(shared);
		pause();
		_exit(1);
	}
	while (!*shared)
		check_sleep(2);
	CHECK_EQ(*shared, child);
	CHECK_ERR(futex(shared, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), EAGAIN);
	if (fork() == 0) {
		check_state(getppid(), 'S', PATIENCE);
		kill(child, SIGKILL);
		_exit(0);
	}
	CHECK_EQ(lock(shared), 0);
	CHECK_EQ(*shared & FUTEX_TID_MASK, getpid());
	CHECK(*shared & FUTEX_OWNER_DIED);
	CHECK_EQ(unlock(shared), 0);
	CHECK_EQ(*shared, 0);
	check_wait(-1);
	check_wait(-1);
}

/* The storm: threads take two locks in order, with time-outs, and count under both. */
static volatile uint32_t storm_locks[2];
static volatile int inside, mistakes;

static void take_often(struct actor *self)
{
	for (int i = 0; i < 400; i++) {
		volatile uint32_t *at = &storm_locks[i & 1];
		struct timespec limit = soon(CLOCK_REALTIME, 1);
		uint32_t none = 0;

		if (!__atomic_compare_exchange_n(at, &none, self->tid, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
		    && futex(at, FUTEX_LOCK_PI_PRIVATE, 0, i % 3 ? NULL : &limit, NULL, 0)) {
			if (errno != ETIMEDOUT)
				self->error = errno;
			continue;
		}
		if (i & 1) {
			if (__atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST) != 1)
				mistakes++;
			if (i % 8 == 1)
				sched_yield();
			self->result++;
			__atomic_sub_fetch(&inside, 1, __ATOMIC_SEQ_CST);
		}
		none = self->tid;
		if (!__atomic_compare_exchange_n(at, &none, 0, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			CHECK_EQ(futex(at, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
	}
}

static void storm(void)
{
	struct actor actors[6];

	for (int i = 0; i < 6; i++)
		start_actor(&actors[i], take_often, NULL, 0);
	for (int i = 0; i < 6; i++) {
		join_actor(&actors[i]);
		CHECK_EQ(actors[i].error, 0);
		CHECK(actors[i].result > 0);
	}
	CHECK_EQ(mistakes, 0);
	CHECK_EQ(storm_locks[0] | storm_locks[1], 0);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(uncontended), CASE(errors), CASE(hand_over), CASE(by_priority), CASE(time_outs), CASE(deadlocks), CASE(owner_ends),
		CASE(signals), CASE(processes), CASE(storm),
		{ NULL, NULL },
	};

	return check_main("futex_pi", cases, argc, argv);
}
