/* SPDX-License-Identifier: MIT */
/* POSIX threads as the C library makes them: create, join, locks, conditions, TLS, cancelling, exit and exec with threads. */
#include "check.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 8 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static volatile int counter, flag;
static __thread int local = 5;

static void *add_up(void *argument)
{
	for (int i = 0; i < 2000; i++) {
		pthread_mutex_lock(&mutex);
		counter++;
		if (i % 100 == 0)
			sched_yield();
		pthread_mutex_unlock(&mutex);
	}
	local += (long)argument;
	return (void *)(long)local;
}

static void create_and_join(void)
{
	pthread_t threads[THREADS];
	void *result;

	for (long i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, add_up, (void *)i), 0);
	for (long i = 0; i < THREADS; i++) {
		CHECK_EQ(pthread_join(threads[i], &result), 0);
		CHECK_EQ((long)result, 5 + i);
	}
	CHECK_EQ(counter, THREADS * 2000);
	CHECK_EQ(local, 5);
}

static void *report_ids(void *argument)
{
	pid_t *ids = argument;

	ids[0] = getpid();
	ids[1] = syscall(SYS_gettid);
	return NULL;
}

static void identity(void)
{
	pid_t ids[2];
	pthread_t thread;

	CHECK_EQ(syscall(SYS_gettid), getpid());
	CHECK_EQ(pthread_create(&thread, NULL, report_ids, ids), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(ids[0], getpid());
	CHECK(ids[1] != getpid());
	/* join() may return a moment before the kernel is done with the thread. */
	for (int i = 0; i < 1000 && syscall(SYS_tgkill, getpid(), ids[1], 0) == 0; i++)
		check_sleep(2);
	CHECK_ERR(syscall(SYS_tgkill, getpid(), ids[1], 0), ESRCH);
}

static void *ping(void *unused)
{
	for (int i = 0; i < 300; i++) {
		pthread_mutex_lock(&mutex);
		while (flag != 1)
			pthread_cond_wait(&condition, &mutex);
		flag = 0;
		counter++;
		pthread_cond_signal(&condition);
		pthread_mutex_unlock(&mutex);
	}
	return unused;
}

static void conditions(void)
{
	struct timespec limit;
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, ping, NULL), 0);
	for (int i = 0; i < 300; i++) {
		pthread_mutex_lock(&mutex);
		while (flag != 0)
			pthread_cond_wait(&condition, &mutex);
		flag = 1;
		pthread_cond_signal(&condition);
		pthread_mutex_unlock(&mutex);
	}
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(counter, 300);
	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_nsec += 20000000;
	if (limit.tv_nsec >= 1000000000) {
		limit.tv_sec++;
		limit.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&mutex);
	CHECK_EQ(pthread_cond_timedwait(&condition, &mutex, &limit), ETIMEDOUT);
	pthread_mutex_unlock(&mutex);
}

static void *wait_barrier(void *barrier)
{
	for (int i = 0; i < 50; i++) {
		__atomic_add_fetch(&counter, 1, __ATOMIC_SEQ_CST);
		pthread_barrier_wait(barrier);
		if (counter < (i + 1) * THREADS)
			return (void *)1;
		pthread_barrier_wait(barrier);
	}
	return NULL;
}

static void barriers(void)
{
	pthread_barrier_t barrier;
	pthread_t threads[THREADS];
	void *result;

	CHECK_EQ(pthread_barrier_init(&barrier, NULL, THREADS), 0);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, wait_barrier, &barrier), 0);
	for (int i = 0; i < THREADS; i++) {
		CHECK_EQ(pthread_join(threads[i], &result), 0);
		CHECK(result == NULL);
	}
	CHECK_EQ(counter, 50 * THREADS);
}

static void note_cleanup(void *where)
{
	*(volatile int *)where = 1;
}

static void *sleep_in_cleanup(void *where)
{
	pthread_cleanup_push(note_cleanup, where);
	flag = 1;
	for (;;)
		check_sleep(1000);
	pthread_cleanup_pop(0);
	return NULL;
}

static void *read_forever(void *fd)
{
	char byte;

	flag = 1;
	return (void *)(long)read(*(int *)fd, &byte, 1);
}

static void cancelling(void)
{
	volatile int cleaned = 0;
	int ends[2];
	pthread_t thread;
	void *result;

	CHECK_EQ(pthread_create(&thread, NULL, sleep_in_cleanup, (void *)&cleaned), 0);
	CHECK(check_await(&flag, 5000));
	CHECK_EQ(pthread_cancel(thread), 0);
	CHECK_EQ(pthread_join(thread, &result), 0);
	CHECK(result == PTHREAD_CANCELED);
	CHECK_EQ(cleaned, 1);
	flag = 0;
	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(pthread_create(&thread, NULL, read_forever, ends), 0);
	CHECK(check_await(&flag, 5000));
	check_sleep(20);
	CHECK_EQ(pthread_cancel(thread), 0);
	CHECK_EQ(pthread_join(thread, &result), 0);
	CHECK(result == PTHREAD_CANCELED);
}

static void *die_holding(void *lock)
{
	pthread_mutex_lock(lock);
	return NULL;
}

static void robust_mutex(void)
{
	pthread_mutex_t *lock = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_t attributes;
	int ready[2];
	pthread_t thread;
	pid_t child;
	char byte;

	pthread_mutexattr_init(&attributes);
	CHECK_EQ(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST), 0);
	CHECK_EQ(pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED), 0);
	CHECK_EQ(pthread_mutex_init(lock, &attributes), 0);
	CHECK_EQ(pthread_create(&thread, NULL, die_holding, lock), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(pthread_mutex_lock(lock), EOWNERDEAD);
	CHECK_EQ(pthread_mutex_consistent(lock), 0);
	CHECK_EQ(pthread_mutex_unlock(lock), 0);
	/* A process that is killed while it holds the lock, and one that waits meanwhile. */
	CHECK_EQ(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		pthread_mutex_lock(lock);
		write(ready[1], "x", 1);
		check_sleep(40);
		kill(getpid(), SIGKILL);
	}
	CHECK_EQ(read(ready[0], &byte, 1), 1);
	CHECK_EQ(pthread_mutex_lock(lock), EOWNERDEAD);
	CHECK_EQ(check_wait(child), CHECK_KILLED + SIGKILL);
	close(ready[0]);
	close(ready[1]);
}

static void *post_later(void *semaphore)
{
	check_sleep(20);
	sem_post(semaphore);
	return NULL;
}

static void semaphores(void)
{
	pthread_t thread;
	sem_t semaphore;

	CHECK_EQ(sem_init(&semaphore, 0, 1), 0);
	CHECK_EQ(sem_wait(&semaphore), 0);
	CHECK_ERR(sem_trywait(&semaphore), EAGAIN);
	CHECK_EQ(pthread_create(&thread, NULL, post_later, &semaphore), 0);
	CHECK_EQ(sem_wait(&semaphore), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

static __thread volatile int hits_here;
static volatile int hits, wrong_thread;
static pthread_t target;

static void note_thread(int number)
{
	(void)number;
	hits_here++;
	hits++;
	wrong_thread += !pthread_equal(pthread_self(), target);
}

static void *wait_for_signal(void *unused)
{
	flag = 1;
	while (!hits_here)
		check_sleep(2);
	return unused;
}

static void directed_signals(void)
{
	sigset_t set;
	pthread_t thread;

	signal(SIGUSR1, note_thread);
	CHECK_EQ(pthread_create(&thread, NULL, wait_for_signal, NULL), 0);
	CHECK(check_await(&flag, 5000));
	target = thread;
	CHECK_EQ(pthread_kill(thread, SIGUSR1), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(hits, 1);
	CHECK_EQ(wrong_thread, 0);
	/* A signal for the process goes to a thread that does not block it. */
	flag = 0;
	CHECK_EQ(pthread_create(&thread, NULL, wait_for_signal, NULL), 0);
	CHECK(check_await(&flag, 5000));
	target = thread;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
	CHECK_EQ(kill(getpid(), SIGUSR1), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(wrong_thread, 0);
}

static volatile int handled, all_taken;

static void count_handled(int number)
{
	handled += number == SIGUSR1;
}

static void *raise_all_the_time(void *unused)
{
	/* Not raise(), which blocks all signals meanwhile. */
	while (!all_taken)
		syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR1);
	return unused;
}

/* A handler that another thread takes away while its signal is on the way: it runs, or nothing does. */
static void handler_taken_away(void)
{
	enum { TIMES = 200000 };
	pthread_t thread;

	handled = all_taken = 0;
	signal(SIGUSR1, count_handled);
	CHECK_EQ(pthread_create(&thread, NULL, raise_all_the_time, NULL), 0);
	for (int i = 0; i < TIMES; i++) {
		signal(SIGUSR1, SIG_IGN);
		signal(SIGUSR1, count_handled);
	}
	while (!handled)
		check_sleep(1);
	all_taken = 1;
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

/* Not before the first thread has made this one: it blocks signals meanwhile. */
static void *kill_process(void *unused)
{
	CHECK(check_await(&flag, 5000));
	CHECK_EQ(kill(getpid(), SIGUSR1), 0);
	return unused;
}

/* The first thread is the one that a signal for the process interrupts, if it does not block it: also one that another thread sends. */
static void first_thread_signalled(void)
{
	pthread_t thread;

	signal(SIGUSR1, note_thread);
	target = pthread_self();
	CHECK_EQ(pthread_create(&thread, NULL, kill_process, NULL), 0);
	flag = 1;
	CHECK(check_await(&hits, 5000));
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(wrong_thread, 0);
}

static void *spin(void *unused)
{
	for (;;)
		counter++;
	return unused;
}

static void *leave_process(void *code)
{
	check_sleep(10);
	exit((long)code);
}

static void exit_with_threads(void *unused)
{
	pthread_t thread;

	(void)unused;
	pthread_create(&thread, NULL, spin, NULL);
	pthread_create(&thread, NULL, leave_process, (void *)6L);
	for (;;)
		pause();
}

static void *fault(void *unused)
{
	check_sleep(10);
	raise(SIGSEGV);
	return unused;
}

static void hang_with_threads(void *unused)
{
	pthread_t thread;

	(void)unused;
	pthread_create(&thread, NULL, spin, NULL);
	for (;;)
		pause();
}

static void crash_with_threads(void *unused)
{
	pthread_t thread;

	(void)unused;
	pthread_create(&thread, NULL, spin, NULL);
	pthread_create(&thread, NULL, fault, NULL);
	pause();
}

static void *run_program(void *unused)
{
	check_sleep(10);
	execl("/bin/sh", "sh", "-c", "exit 31", (char *)NULL);
	return unused;
}

static void exec_with_threads(void *unused)
{
	pthread_t thread;

	(void)unused;
	pthread_create(&thread, NULL, spin, NULL);
	pthread_create(&thread, NULL, run_program, NULL);
	pause();
}

static void main_leaves_first(void *unused)
{
	pthread_t thread;

	(void)unused;
	pthread_create(&thread, NULL, leave_process, (void *)8L);
	pthread_exit(NULL);
}

static int main_runs(pid_t pid)
{
	char name[64], text[256] = "";
	int fd;

	snprintf(name, sizeof name, "/proc/self/task/%d/stat", pid);
	fd = open(name, O_RDONLY);
	if (fd < 0)
		return 0;
	read(fd, text, sizeof text - 1);
	close(fd);
	return !strstr(text, ") Z ");
}

static void *signal_the_main_one(void *unused)
{
	pid_t pid = getpid();

	while (main_runs(pid))
		check_sleep(1);
	CHECK_EQ(syscall(SYS_tgkill, pid, pid, 0), 0);
	CHECK_EQ(syscall(SYS_tgkill, pid, pid, SIGTERM), 0);
	CHECK_EQ(syscall(SYS_tkill, pid, SIGUSR1), 0);
	CHECK_ERR(syscall(SYS_tgkill, pid, pid, 65), EINVAL);
	CHECK_ERR(syscall(SYS_tgkill, getppid(), pid, 0), ESRCH);
	_exit(9);
	return unused;
}

static void main_has_ended(void *unused)
{
	pthread_t thread;

	pthread_create(&thread, NULL, signal_the_main_one, unused);
	pthread_exit(NULL);
}

static void ends_of_process(void)
{
	pid_t child;

	CHECK_EQ(check_child(exit_with_threads, NULL), 6);
	CHECK_EQ(check_child(crash_with_threads, NULL), CHECK_KILLED + SIGSEGV);
	CHECK_EQ(check_child(exec_with_threads, NULL), 31);
	CHECK_EQ(check_child(main_leaves_first, NULL), 8);
	CHECK_EQ(check_child(main_has_ended, NULL), 9);
	child = check_spawn(hang_with_threads, NULL);
	CHECK_EQ(kill(child, SIGKILL), 0);
	CHECK_EQ(check_wait(child), CHECK_KILLED + SIGKILL);
}

static void *fork_and_wait(void *unused)
{
	(void)unused;
	return (void *)(long)check_child(exit_with_threads, NULL);
}

static void fork_from_thread(void)
{
	pthread_t threads[3];
	void *result;

	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, fork_and_wait, NULL), 0);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(pthread_join(threads[i], &result), 0);
		CHECK_EQ((long)result, 6);
	}
}

static volatile int *beats;

static void *beat(void *number)
{
	for (;;)
		beats[(long)number]++;
	return NULL;
}

static void beat_in_threads(void *unused)
{
	pthread_t thread;

	(void)unused;
	pthread_create(&thread, NULL, beat, (void *)1);
	beat(NULL);
}

/* However close a SIGCONT follows a stop signal, on whichever CPU that is just being obeyed: the process goes on. */
static void continued_at_once(void)
{
	pid_t child;

	beats = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	child = check_spawn(beat_in_threads, NULL);
	for (int i = 0; i < 100; i++) {
		int before[2] = { beats[0], beats[1] };
		long end = check_now() + 10000;

		kill(child, i % 2 ? SIGTSTP : SIGSTOP);
		kill(child, SIGCONT);
		while (beats[0] == before[0] || beats[1] == before[1]) {
			if (check_now() >= end && !CHECK(!"stopped for good"))
				goto out;
			sched_yield();
		}
	}
out:
	CHECK_EQ(kill(child, SIGKILL), 0);
	CHECK_EQ(check_wait(child), CHECK_KILLED + SIGKILL);
}

static void *nothing(void *unused)
{
	return unused;
}

static void many_threads(void)
{
	pthread_attr_t attributes;
	pthread_t thread, all[100];
	int failed = 0;

	for (int i = 0; i < 300; i++)
		failed += pthread_create(&thread, NULL, nothing, NULL) || pthread_join(thread, NULL);
	CHECK_EQ(failed, 0);
	pthread_attr_init(&attributes);
	CHECK_EQ(pthread_attr_setstacksize(&attributes, 65536), 0);
	for (int i = 0; i < 100; i++)
		failed += pthread_create(&all[i], &attributes, nothing, NULL) != 0;
	for (int i = 0; i < 100; i++)
		failed += pthread_join(all[i], NULL) != 0;
	CHECK_EQ(failed, 0);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	for (int i = 0; i < 50; i++)
		failed += pthread_create(&thread, &attributes, nothing, NULL) != 0;
	CHECK_EQ(failed, 0);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(create_and_join), CASE(identity), CASE(conditions), CASE(barriers), CASE(cancelling), CASE(robust_mutex),
		CASE(semaphores), CASE(directed_signals), CASE(handler_taken_away), CASE(first_thread_signalled), CASE(ends_of_process),
		CASE(continued_at_once), CASE(fork_from_thread), CASE(many_threads),
		{ NULL, NULL },
	};

	return check_main("threads", cases, argc, argv);
}
