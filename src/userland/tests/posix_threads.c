/* SPDX-License-Identifier: MIT */
/*
 * The life of POSIX threads: cancelling, what belongs to a thread, signals, fork, exec, and the ends of threads and processes. Built with musl and, by
 * ci/tests/test_glibc_threads.py, with glibc.
 */
#include "posix_threads.h"

static volatile int flag, counter, mistakes;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;

static void *count_up(void *lock)
{
	for (int i = 0; i < ROUNDS; i++) {
		int seen;

		if (pthread_mutex_lock(lock))
			mistakes++;
		seen = counter;
		if (i % 64 == 0)
			sched_yield();
		counter = seen + 1;
		if (pthread_mutex_unlock(lock))
			mistakes++;
	}
	return NULL;
}

/* ---- Cancelling ---- */

static char steps[16];

static void step(void *letter)
{
	strcat(steps, letter);
}

static void *sleep_long(void *unused)
{
	pthread_cleanup_push(step, "a");
	pthread_cleanup_push(step, "b");
	flag = 1;
	for (;;)
		sleep(1000);
	pthread_cleanup_pop(0);
	pthread_cleanup_pop(0);
	return unused;
}

static void unlock(void *locked)
{
	if (pthread_mutex_unlock(locked))
		mistakes++;
}

static void *wait_for_condition(void *unused)
{
	pthread_mutex_lock(&mutex);
	pthread_cleanup_push(unlock, &mutex);
	flag = 1;
	for (;;)
		pthread_cond_wait(&condition, &mutex);
	pthread_cleanup_pop(1);
	return unused;
}

static void *wait_for_semaphore(void *semaphore)
{
	flag = 1;
	while (sem_wait(semaphore))
		;
	return NULL;
}

static void *read_pipe(void *fds)
{
	char byte;

	flag = 1;
	read(*(int *)fds, &byte, 1);
	return NULL;
}

static void *spin(void *unused)
{
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	flag = 1;
	for (;;)
		counter++;
	return unused;
}

static void *delay(void *unused)
{
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	flag = 1;
	while (flag != 2)
		check_sleep(2);
	counter = 4711;
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
	pthread_testcancel();
	counter = 1;
	return unused;
}

static void cancel(void *(*body)(void *), void *argument, int settle)
{
	pthread_t thread;

	flag = 0;
	thread = start(body, argument);
	CHECK(check_await(&flag, PATIENCE));
	check_sleep(settle);
	CHECK_EQ(pthread_cancel(thread), 0);
	if (body == delay) {
		check_sleep(20);
		flag = 2;
	}
	CHECK(join(thread) == PTHREAD_CANCELED);
}

static void cancelling(void)
{
	sem_t semaphore;
	int fds[2];

	CHECK_EQ(pipe(fds), 0);
	CHECK_EQ(sem_init(&semaphore, 0, 0), 0);
	for (int settle = 0; settle < 30; settle += 10) {
		steps[0] = 0;
		cancel(sleep_long, NULL, settle);
		CHECK_STR(steps, "ba");
		cancel(wait_for_condition, NULL, settle);
		CHECK_EQ(pthread_mutex_trylock(&mutex), 0);
		CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
		cancel(wait_for_semaphore, &semaphore, settle);
		cancel(read_pipe, fds, settle);
		cancel(spin, NULL, settle);
		cancel(delay, NULL, settle);
		CHECK_EQ(counter, 4711);
	}
	CHECK_EQ(mistakes, 0);
}

/* ---- What belongs to a thread ---- */

static pthread_key_t key;
static __thread volatile int mine = 3;

static void destroy(void *value)
{
	__atomic_add_fetch(&counter, 1, __ATOMIC_SEQ_CST);
	/* Set again: the destructor comes again. */
	if ((long)value > 1)
		pthread_setspecific(key, (void *)((long)value - 1));
}

static void *use_storage(void *value)
{
	if (mine != 3 || pthread_getspecific(key))
		mistakes++;
	mine = 4;
	pthread_setspecific(key, value);
	if ((long)value == 2)
		pthread_exit(NULL);
	return NULL;
}

static void storage(void)
{
	CHECK_EQ(pthread_key_create(&key, destroy), 0);
	join(start(use_storage, (void *)1));
	CHECK_EQ(counter, 1);
	join(start(use_storage, (void *)2));
	CHECK_EQ(counter, 3);
	CHECK_EQ(mine, 3);
	CHECK_EQ(mistakes, 0);
	CHECK_EQ(pthread_key_delete(key), 0);
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void count_once(void)
{
	check_sleep(5);
	counter++;
}

static void *run_once(void *unused)
{
	pthread_once(&once, count_once);
	if (counter != 1)
		mistakes++;
	return unused;
}

static void attributes(void)
{
	struct sched_param parameter = { .sched_priority = 3 };
	pthread_t threads[THREADS];
	pthread_attr_t attributes;
	size_t size = 1 << 18;
	void *stack = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int policy;

	for (int i = 0; i < THREADS; i++)
		threads[i] = start(run_once, NULL);
	for (int i = 0; i < THREADS; i++)
		join(threads[i]);
	CHECK_EQ(counter, 1);
	CHECK_EQ(mistakes, 0);
	CHECK_EQ(pthread_attr_init(&attributes), 0);
	CHECK_EQ(pthread_attr_setstack(&attributes, stack, size), 0);
	CHECK_EQ(pthread_create(&threads[0], &attributes, run_once, NULL), 0);
	join(threads[0]);
	CHECK_EQ(pthread_attr_destroy(&attributes), 0);
	CHECK_EQ(pthread_attr_init(&attributes), 0);
	CHECK_EQ(pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED), 0);
	CHECK_EQ(pthread_attr_setschedpolicy(&attributes, SCHED_RR), 0);
	CHECK_EQ(pthread_attr_setschedparam(&attributes, &parameter), 0);
	flag = 0;
	CHECK_EQ(pthread_create(&threads[0], &attributes, wait_for_condition, NULL), 0);
	CHECK(check_await(&flag, PATIENCE));
	CHECK_EQ(pthread_getschedparam(threads[0], &policy, &parameter), 0);
	CHECK_EQ(policy, SCHED_RR);
	CHECK_EQ(parameter.sched_priority, 3);
	parameter.sched_priority = 4;
	CHECK_EQ(pthread_setschedparam(threads[0], SCHED_FIFO, &parameter), 0);
	CHECK_EQ(pthread_cancel(threads[0]), 0);
	CHECK(join(threads[0]) == PTHREAD_CANCELED);
}

/* ---- Signals ---- */

static pthread_t handled_by;

static void note(int number)
{
	handled_by = pthread_self();
	counter = number;
}

static void *wait_for_flag(void *unused)
{
	flag = 1;
	while (flag != 2)
		check_sleep(2);
	return unused;
}

static void *take_signal(void *set)
{
	int number = 0;

	flag = 1;
	sigwait(set, &number);
	return (void *)(long)number;
}

static void signals(void)
{
	struct sigaction action = { .sa_handler = note };
	pthread_t thread;
	sigset_t set;

	sigaction(SIGUSR1, &action, NULL);
	thread = start(wait_for_flag, NULL);
	CHECK(check_await(&flag, PATIENCE));
	CHECK_EQ(pthread_kill(thread, 0), 0);
	CHECK_EQ(pthread_kill(thread, SIGUSR1), 0);
	CHECK(check_await(&counter, PATIENCE));
	CHECK(pthread_equal(handled_by, thread));
	flag = 2;
	join(thread);
	/* Blocked by all: whoever waits for it takes it. */
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
	flag = 0;
	thread = start(take_signal, &set);
	CHECK(check_await(&flag, PATIENCE));
	CHECK_EQ(kill(getpid(), SIGUSR2), 0);
	CHECK_EQ((long)join(thread), SIGUSR2);
}

/* ---- fork, exec, exit ---- */

static void before(void) { step("p"); }
static void in_parent(void) { step("P"); }
static void in_child(void) { step("C"); }

static void *fork_in_thread(void *unused)
{
	pid_t child;

	steps[0] = 0;
	child = fork();
	if (child == 0) {
		/* The one thread here is the one that forked; locks and further threads work. */
		int wrong = strcmp(steps, "pC") || pthread_mutex_lock(&mutex) || pthread_mutex_unlock(&mutex);

		counter = 0;
		join(start(count_up, &mutex));
		_exit(wrong || counter != ROUNDS);
	}
	CHECK_STR(steps, "pP");
	CHECK_EQ(check_wait(child), 0);
	return unused;
}

static void forking(void)
{
	pthread_t thread;

	CHECK_EQ(pthread_atfork(before, in_parent, in_child), 0);
	thread = start(wait_for_flag, NULL);
	CHECK(check_await(&flag, PATIENCE));
	for (int i = 0; i < 10; i++)
		join(start(fork_in_thread, NULL));
	flag = 2;
	join(thread);
}

static const char *program;	/* this one */

static void *execute(void *pid)
{
	char text[16];

	snprintf(text, sizeof text, "%d", *(int *)pid);
	check_sleep(5);
	execl(program, program, "is-pid", text, (char *)NULL);
	_exit(99);
}

static void execute_among_threads(void *unused)
{
	pid_t pid = getpid();

	(void)unused;
	for (int i = 0; i < 3; i++)
		start(i ? spin : sleep_long, NULL);
	start(execute, &pid);
	pthread_exit(NULL);
}

static void executing(void)
{
	for (int i = 0; i < 10; i++)
		CHECK_EQ(check_child(execute_among_threads, NULL), 42);
}

static void *leave(void *code)
{
	check_sleep(20);
	exit((long)code);
}

static void *end_quietly(void *unused)
{
	__atomic_add_fetch(&counter, 1, __ATOMIC_SEQ_CST);
	return unused;
}

/* The first thread ends before others. In a new program, since musl 1.2.3 cannot do this in a forked process. */
static void leave_first(int code)
{
	pthread_t thread;

	for (int i = 0; i < 5; i++)
		pthread_create(&thread, NULL, code ? leave : end_quietly, (void *)(long)code);
	pthread_exit(NULL);
}

static void run_to_leave(void *code)
{
	execl(program, program, "leave-first", code, (char *)NULL);
}

static void ends(void)
{
	pthread_attr_t attributes;
	pthread_t thread;

	for (int i = 0; i < 10; i++) {
		CHECK_EQ(check_child(run_to_leave, "7"), 7);
		CHECK_EQ(check_child(run_to_leave, "0"), 0);	/* the last thread to end ends the process */
	}
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	for (int i = 0; i < 100; i++) {
		if (i % 2) {
			CHECK_EQ(pthread_create(&thread, &attributes, end_quietly, NULL), 0);
		} else {
			thread = start(end_quietly, NULL);
			CHECK_EQ(pthread_detach(thread), 0);
		}
	}
	for (long end = check_now() + PATIENCE; counter < 100 && CHECK(check_now() < end);)
		check_sleep(2);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(cancelling), CASE(storage), CASE(attributes), CASE(signals), CASE(forking), CASE(executing), CASE(ends), { NULL, NULL },
	};

	program = argv[0];
	if (argc == 3 && !strcmp(argv[1], "is-pid"))
		return atoi(argv[2]) == getpid() && getpid() == syscall(SYS_gettid) ? 42 : 1;
	if (argc == 3 && !strcmp(argv[1], "leave-first"))
		leave_first(atoi(argv[2]));
	return check_main("posix_threads", cases, argc, argv);
}
