/* SPDX-License-Identifier: MIT */
/* SEM_UNDO: what ends of processes and threads undo in System V semaphores, who shares that (CLONE_SYSVSEM), and what becomes of it when sets change or go. */
#include "sysv_sem.h"

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

enum { STACK = 64 << 10, MANY = 200, ROUNDS = 100, THREADS = 4 };

static int set;

/* Whether semaphore @index has @value before long. */
static bool await_value(int id, int index, int value)
{
	return await_count_of(id, index, GETVAL, value);
}

static void ends_with_changes(void *unused)
{
	(void)unused;
	CHECK_EQ(change(set, 0, -2, SEM_UNDO), 0);
	CHECK_EQ(change(set, 0, 1, SEM_UNDO), 0);
	CHECK_EQ(change(set, 1, 4, SEM_UNDO), 0);
	CHECK_EQ(change(set, 1, 1, 0), 0);
}

static void take_and_hang(void *unused)
{
	(void)unused;
	CHECK_EQ(change(set, 0, -1, SEM_UNDO), 0);
	for (;;)
		pause();
}

static void ends(void)
{
	pid_t waiter, holder;

	set = make(2);
	CHECK_EQ(set_value(set, 0, 5), 0);
	CHECK_EQ(check_child(ends_with_changes, NULL), 0);
	CHECK_EQ(value_of(set, 0), 5);
	CHECK_EQ(value_of(set, 1), 1);
	/* What is undone lets others go, also when it is by a kill. */
	CHECK_EQ(set_value(set, 0, 1), 0);
	holder = check_spawn(take_and_hang, NULL);
	CHECK(await_value(set, 0, 0));
	waiter = start_take(set, 1, 0);
	CHECK(await_takers(set, 1));
	kill_and_wait(holder);
	CHECK_EQ(check_wait(waiter), 0);
	CHECK_EQ(value_of(set, 0), 0);
	CHECK_EQ(semctl(set, 0, GETPID), waiter);
	remove_it(set);
}

static void undoes_too_much(void *unused)
{
	(void)unused;
	CHECK_EQ(change(set, 0, 10, SEM_UNDO), 0);
	CHECK_EQ(change(set, 0, -5, 0), 0);
	CHECK_EQ(change(set, 1, -10, SEM_UNDO), 0);
	CHECK_EQ(change(set, 1, 32760, 0), 0);
}

static void is_at_its_limit(void *unused)
{
	(void)unused;
	CHECK_EQ(change(set, 0, 32767, SEM_UNDO), 0);
	CHECK_EQ(change(set, 0, -32767, 0), 0);
	CHECK_EQ(change(set, 0, 1, SEM_UNDO), 0);
	CHECK_EQ(change(set, 0, -1, 0), 0);
	CHECK_ERR(change(set, 0, 1, SEM_UNDO), ERANGE);
	CHECK_EQ(value_of(set, 0), 0);
	CHECK_EQ(change(set, 0, 1, 0), 0);
}

/* What fails as a whole, at once or after a wait, leaves nothing to undo. */
static void fails(void *unused)
{
	struct sembuf group[2] = { { 0, 3, SEM_UNDO }, { 1, -20, SEM_UNDO | IPC_NOWAIT } };
	struct timespec soon = { 0, 1000000 };

	(void)unused;
	CHECK_ERR(semop(set, group, 2), EAGAIN);
	CHECK_EQ(value_of(set, 0), 9);
	group[1].sem_flg = SEM_UNDO;
	CHECK_ERR(semtimedop(set, group, 2, &soon), EAGAIN);
}

static void failures(void)
{
	set = make(2);
	CHECK_EQ(set_value(set, 0, 9), 0);
	CHECK_EQ(set_value(set, 1, 9), 0);
	CHECK_EQ(check_child(fails, NULL), 0);
	CHECK_EQ(value_of(set, 0), 9);
	CHECK_EQ(value_of(set, 1), 9);
	remove_it(set);
}

static void range(void)
{
	set = make(2);
	CHECK_EQ(set_value(set, 1, 10), 0);
	CHECK_EQ(check_child(undoes_too_much, NULL), 0);
	CHECK_EQ(value_of(set, 0), 0);
	CHECK_EQ(value_of(set, 1), 32767);
	CHECK_EQ(check_child(is_at_its_limit, NULL), 0);
	CHECK_EQ(value_of(set, 0), 0);
	remove_it(set);
}

/* SETVAL and SETALL make it good. */
static void is_forgiven(void *unused)
{
	(void)unused;
	CHECK_EQ(change(set, 0, 1, SEM_UNDO), 0);
	CHECK_EQ(change(set, 1, 1, SEM_UNDO), 0);
	CHECK_EQ(set_value(set, 0, 7), 0);
}

static void is_forgiven_all(void *unused)
{
	(void)unused;
	CHECK_EQ(change(set, 0, 1, SEM_UNDO), 0);
	CHECK_EQ(change(set, 1, 1, SEM_UNDO), 0);
	CHECK_EQ(semctl(set, 0, SETALL, (union semun){ .array = (unsigned short[]){ 3, 4 } }), 0);
	CHECK_EQ(change(set, 1, 2, SEM_UNDO), 0);
}

static void settings(void)
{
	set = make(2);
	CHECK_EQ(check_child(is_forgiven, NULL), 0);
	CHECK_EQ(value_of(set, 0), 7);
	CHECK_EQ(value_of(set, 1), 0);
	CHECK_EQ(check_child(is_forgiven_all, NULL), 0);
	CHECK_EQ(value_of(set, 0), 3);
	CHECK_EQ(value_of(set, 1), 4);
	remove_it(set);
}

/* ---- fork, exec, clone, threads ---- */

static void do_nothing(void *unused)
{
	(void)unused;
}

static void change_and_fork(void *unused)
{
	(void)unused;
	CHECK_EQ(change(set, 0, 3, SEM_UNDO), 0);
	CHECK_EQ(check_child(do_nothing, NULL), 0);
	CHECK_EQ(value_of(set, 0), 3);
}

static void change_and_exec(void *unused)
{
	(void)unused;
	CHECK_EQ(change(set, 0, 3, SEM_UNDO), 0);
	/* Kept by exec, until somebody kills it. */
	execl("/bin/sh", "sh", "-c", "kill -STOP $$", (char *)NULL);
	_exit(99);
}

static void programs(void)
{
	pid_t child;

	set = make(1);
	CHECK_EQ(check_child(change_and_fork, NULL), 0);
	CHECK_EQ(value_of(set, 0), 0);
	child = check_spawn(change_and_exec, NULL);
	CHECK(check_state(child, 'T', PATIENCE_MS));
	CHECK_EQ(value_of(set, 0), 3);
	kill_and_wait(child);
	CHECK_EQ(value_of(set, 0), 0);
	remove_it(set);
}

static void *change_in_thread(void *unused)
{
	(void)unused;
	CHECK_EQ(change(set, 0, 1, SEM_UNDO), 0);
	return NULL;
}

static void threads_in_child(void *unused)
{
	pthread_t thread;

	(void)unused;
	for (int i = 0; i < THREADS; i++) {
		CHECK_EQ(pthread_create(&thread, NULL, change_in_thread, NULL), 0);
		CHECK_EQ(pthread_join(thread, NULL), 0);
	}
	CHECK_EQ(value_of(set, 0), THREADS);
	CHECK_EQ(change(set, 0, 1, SEM_UNDO), 0);
}

static int raw_child(void *unused)
{
	(void)unused;
	return semop(set, &(struct sembuf){ 0, 1, SEM_UNDO }, 1);
}

static void cloned(int flags)
{
	char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t child = clone(raw_child, stack + STACK, flags | SIGCHLD, NULL);

	CHECK(child > 0);
	CHECK_EQ(check_wait(child), 0);
	CHECK_EQ(munmap(stack, STACK), 0);
}

static void clones_in_child(void *unused)
{
	(void)unused;
	cloned(0);
	CHECK_EQ(value_of(set, 0), 0);
	cloned(CLONE_SYSVSEM);
	CHECK_EQ(value_of(set, 0), 1);
	cloned(CLONE_VM | CLONE_SYSVSEM);
	CHECK_EQ(value_of(set, 0), 2);
	CHECK_EQ(change(set, 0, -1, SEM_UNDO), 0);
	CHECK_EQ(value_of(set, 0), 1);
}

static void sharing(void)
{
	set = make(1);
	CHECK_EQ(check_child(threads_in_child, NULL), 0);
	CHECK_EQ(value_of(set, 0), 0);
	CHECK_EQ(check_child(clones_in_child, NULL), 0);
	CHECK_EQ(value_of(set, 0), 0);
	remove_it(set);
}

static void unshare_alone(void *unused)
{
	(void)unused;
	CHECK_EQ(unshare(CLONE_SYSVSEM), 0);
	CHECK_EQ(change(set, 0, 1, SEM_UNDO), 0);
	CHECK_EQ(unshare(CLONE_SYSVSEM), 0);
	CHECK_EQ(value_of(set, 0), 0);
	CHECK_EQ(change(set, 0, 2, SEM_UNDO), 0);
	CHECK_EQ(value_of(set, 0), 2);
}

static void *take_in_thread(void *unused)
{
	(void)unused;
	CHECK_EQ(change(set, 0, -1, SEM_UNDO), 0);
	return NULL;
}

/* One thread leaves what another one uses while it sleeps: that stays, and is undone by the last. */
static void unshare_beside(void *unused)
{
	pthread_t thread;

	(void)unused;
	CHECK_EQ(pthread_create(&thread, NULL, take_in_thread, NULL), 0);
	CHECK(await_takers(set, 1));
	CHECK_EQ(change(set, 1, 5, SEM_UNDO), 0);
	CHECK_EQ(unshare(CLONE_SYSVSEM), 0);
	CHECK_EQ(value_of(set, 1), 5);
	CHECK_EQ(change(set, 0, 1, 0), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	/* The thread may be on its way out still. */
	CHECK(await_value(set, 1, 0));
	CHECK_EQ(set_value(set, 0, 0), 0);
}

static void unsharing(void)
{
	set = make(2);
	CHECK_EQ(check_child(unshare_alone, NULL), 0);
	CHECK_EQ(value_of(set, 0), 0);
	for (int i = 0; i < ROUNDS; i++)
		CHECK_EQ(check_child(unshare_beside, NULL), 0);
	remove_it(set);
}

/* ---- Sets that go ---- */

static void outlives_sets(void *unused)
{
	static struct leak_mark mark;

	(void)unused;
	for (int i = 0; i < MANY; i++) {
		int id = make(3000);

		if (i == 2)
			leak_mark(&mark);
		CHECK_EQ(change(id, 0, 1, SEM_UNDO), 0);
		remove_it(id);
	}
	set = make(3000);
	/* Whoever removes and makes sets all the time does not collect what was to be undone there. */
	leak_check(&mark, "records of sets that are gone");
	CHECK_EQ(change(set, 0, 1, SEM_UNDO), 0);
	remove_it(set);
}

static void *take_or_lose(void *unused)
{
	(void)unused;
	CHECK_ERR(change(set, 0, -1, SEM_UNDO), EIDRM);
	return NULL;
}

static void remove_beside(void *unused)
{
	pthread_t threads[THREADS];

	(void)unused;
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, take_or_lose, NULL), 0);
	CHECK(await_takers(set, THREADS));
	remove_it(set);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	set = make(1);
	/* Records of the removed set are freed by this one. */
	CHECK_EQ(change(set, 0, 1, SEM_UNDO), 0);
	remove_it(set);
}

static void *make_and_remove(void *unused)
{
	(void)unused;
	for (int i = 0; i < MANY; i++) {
		int id = make(1 + i % 3 * 1000);

		CHECK_EQ(change(id, 0, 1, SEM_UNDO), 0);
		CHECK_EQ(change(set, 0, i % 2 ? -1 : 1, SEM_UNDO), 0);
		remove_it(id);
	}
	return NULL;
}

/* Threads that share all records, whose sets go while others search them. */
static void go_together(void *unused)
{
	pthread_t threads[THREADS];

	(void)unused;
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, make_and_remove, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
}

static void gone(void)
{
	set = make(1);
	CHECK_EQ(check_child(go_together, NULL), 0);
	CHECK_EQ(value_of(set, 0), 0);
	remove_it(set);
	CHECK_EQ(check_child(outlives_sets, NULL), 0);
	for (int i = 0; i < ROUNDS; i++) {
		set = make(1);
		CHECK_EQ(check_child(remove_beside, NULL), 0);
	}
}

/* ---- Leaks ---- */

static void leaks(void)
{
	static struct leak_mark mark;
	int before;

	sharing();
	unsharing();
	before = used();
	leak_mark(&mark);
	ends();
	sharing();
	unsharing();
	CHECK_EQ(used(), before);
	leak_check(&mark, "what is undone");
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(ends), CASE(failures), CASE(range), CASE(settings), CASE(programs), CASE(sharing), CASE(unsharing), CASE(gone), CASE(leaks),
		{ NULL, NULL },
	};

	return check_main("sysv_undo", cases, argc, argv);
}
