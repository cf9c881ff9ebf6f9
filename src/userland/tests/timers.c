/* SPDX-License-Identifier: MIT */
/* timer_create and its calls: one-shot and periodic timers, overruns, clocks, threads, what fork and exec do to them. */
#include "check.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MS = 1000000, LONG_WAIT_S = 20 };

static timer_t make(clockid_t clock, int notify, int number)
{
	struct sigevent event = { .sigev_notify = notify, .sigev_signo = number, .sigev_value.sival_int = 0x1234 };
	timer_t timer = (timer_t)-1;

	CHECK_EQ(timer_create(clock, &event, &timer), 0);
	return timer;
}

static int set(timer_t timer, long value_ns, long interval_ns)
{
	struct itimerspec setting = { { interval_ns / 1000000000, interval_ns % 1000000000 }, { value_ns / 1000000000, value_ns % 1000000000 } };

	return timer_settime(timer, 0, &setting, NULL);
}

static long left(timer_t timer)
{
	struct itimerspec setting = { { 0, 0 }, { 0, 0 } };

	CHECK_EQ(timer_gettime(timer, &setting), 0);
	return setting.it_value.tv_sec * 1000000000L + setting.it_value.tv_nsec;
}

/* Blocks @number, so that wait_for() can take it. */
static void block(int number)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, number);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
}

/* Takes a signal within @seconds: its number, or -1. */
static int wait_for(int number, siginfo_t *info, int seconds)
{
	struct timespec limit = { seconds, 0 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, number);
	return sigtimedwait(&set, info, &limit);
}

static void one_shot(void)
{
	static const clockid_t clocks[] = { CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME };

	block(SIGUSR1);
	for (unsigned i = 0; i < 3; i++) {
		timer_t timer = make(clocks[i], SIGEV_SIGNAL, SIGUSR1);
		long begin = check_now();
		siginfo_t info;

		CHECK_EQ(left(timer), 0);
		CHECK_EQ(set(timer, 60000l * MS, 0), 0);
		CHECK(left(timer) > 30000l * MS && left(timer) <= 60000l * MS);
		CHECK_EQ(set(timer, 60 * MS, 0), 0);
		CHECK_EQ(wait_for(SIGUSR1, &info, LONG_WAIT_S), SIGUSR1);
		CHECK(check_now() - begin >= 59);
		CHECK_EQ(info.si_code, SI_TIMER);
		CHECK_EQ(info.si_value.sival_int, 0x1234);
		CHECK_EQ(info.si_timerid, (long)timer);
		CHECK_EQ(info.si_overrun, 0);
		CHECK_EQ(left(timer), 0);
		CHECK_EQ(wait_for(SIGUSR1, &info, 0), -1);
		CHECK_EQ(timer_delete(timer), 0);
	}
}

static void absolute(void)
{
	static const clockid_t clocks[] = { CLOCK_MONOTONIC, CLOCK_REALTIME };

	block(SIGUSR1);
	for (unsigned i = 0; i < 2; i++) {
		timer_t timer = make(clocks[i], SIGEV_SIGNAL, SIGUSR1);
		struct itimerspec setting = { { 0, 0 }, { 0, 0 } };
		struct timespec now;

		CHECK_EQ(clock_gettime(clocks[i], &setting.it_value), 0);
		setting.it_value.tv_nsec += 50 * MS;
		setting.it_value.tv_sec += setting.it_value.tv_nsec / 1000000000;
		setting.it_value.tv_nsec %= 1000000000;
		CHECK_EQ(timer_settime(timer, TIMER_ABSTIME, &setting, NULL), 0);
		CHECK_EQ(wait_for(SIGUSR1, NULL, LONG_WAIT_S), SIGUSR1);
		CHECK_EQ(clock_gettime(clocks[i], &now), 0);
		CHECK(now.tv_sec > setting.it_value.tv_sec ||
		      (now.tv_sec == setting.it_value.tv_sec && now.tv_nsec >= setting.it_value.tv_nsec));
		/* One that is past comes at once. */
		CHECK_EQ(timer_settime(timer, TIMER_ABSTIME, &setting, NULL), 0);
		CHECK_EQ(wait_for(SIGUSR1, NULL, LONG_WAIT_S), SIGUSR1);
	}
}

static void shift_clock(long seconds)
{
	struct timespec now;

	CHECK_EQ(clock_gettime(CLOCK_REALTIME, &now), 0);
	now.tv_sec += seconds;
	CHECK_EQ(clock_settime(CLOCK_REALTIME, &now), 0);
}

/* Sets @timer for when CLOCK_REALTIME is @seconds later than now, and each @interval afterwards. */
static void set_absolute(timer_t timer, long seconds, long interval)
{
	struct itimerspec setting = { { interval, 0 }, { 0, 0 } };

	CHECK_EQ(clock_gettime(CLOCK_REALTIME, &setting.it_value), 0);
	setting.it_value.tv_sec += seconds;
	CHECK_EQ(timer_settime(timer, TIMER_ABSTIME, &setting, NULL), 0);
}

/* Absolute timers of CLOCK_REALTIME follow it when it is set, forth and back; relative ones do not. */
static void clock_set(void)
{
	timer_t absolute = make(CLOCK_REALTIME, SIGEV_SIGNAL, SIGUSR1), relative = make(CLOCK_REALTIME, SIGEV_SIGNAL, SIGUSR2);
	siginfo_t info;

	block(SIGUSR1);
	block(SIGUSR2);
	set_absolute(absolute, 1000, 0);
	CHECK_EQ(set(relative, 500 * 1000L * MS, 0), 0);
	shift_clock(2000);
	CHECK_EQ(wait_for(SIGUSR1, &info, LONG_WAIT_S), SIGUSR1);
	CHECK_EQ(info.si_overrun, 0);
	CHECK_EQ(left(absolute), 0);
	CHECK_EQ(wait_for(SIGUSR2, &info, 0), -1);
	CHECK(left(relative) > 400 * 1000L * MS);
	/* It is due later by a clock that was set back, and at once when that comes forth again. */
	set_absolute(absolute, 2, 0);
	shift_clock(-2000);
	CHECK(left(absolute) > 1500 * 1000L * MS);
	CHECK_EQ(wait_for(SIGUSR1, &info, 3), -1);
	shift_clock(3000);
	CHECK_EQ(wait_for(SIGUSR1, &info, LONG_WAIT_S), SIGUSR1);
	/* A short relative time is over however the clock is set. */
	CHECK_EQ(set(relative, 1000 * MS, 0), 0);
	shift_clock(-2000);
	CHECK_EQ(wait_for(SIGUSR2, &info, LONG_WAIT_S), SIGUSR2);
	/* Periods that the clock jumps over are overruns. */
	set_absolute(absolute, 100, 100);
	shift_clock(350);
	CHECK_EQ(wait_for(SIGUSR1, &info, LONG_WAIT_S), SIGUSR1);
	CHECK_EQ(info.si_overrun, 2);
	CHECK(left(absolute) > 10 * 1000L * MS && left(absolute) <= 50 * 1000L * MS);
	/* Off is off, and so is gone. */
	CHECK_EQ(set(absolute, 0, 0), 0);
	CHECK_EQ(timer_delete(relative), 0);
	shift_clock(650);
	CHECK_EQ(wait_for(SIGUSR1, &info, 0), -1);
	shift_clock(-2000);
}

static void periodic(void)
{
	timer_t timer = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGRTMIN + 1);
	struct itimerspec old;
	siginfo_t info;
	int missed;

	block(SIGRTMIN + 1);
	CHECK_EQ(set(timer, 20 * MS, 20 * MS), 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(wait_for(SIGRTMIN + 1, &info, LONG_WAIT_S), SIGRTMIN + 1);
	/* While nobody takes it, it is queued once and counts. */
	check_sleep(150);
	CHECK_EQ(wait_for(SIGRTMIN + 1, &info, LONG_WAIT_S), SIGRTMIN + 1);
	missed = info.si_overrun;
	CHECK(missed >= 5 && missed < 1000);
	CHECK_EQ(timer_getoverrun(timer), missed);
	CHECK_EQ(wait_for(SIGRTMIN + 1, &info, LONG_WAIT_S), SIGRTMIN + 1);
	CHECK(left(timer) > 0);
	CHECK_EQ(timer_settime(timer, 0, &(struct itimerspec){ 0 }, &old), 0);
	CHECK_EQ(old.it_interval.tv_nsec, 20 * MS);
	CHECK_EQ(left(timer), 0);
	wait_for(SIGRTMIN + 1, &info, 0);
	check_sleep(50);
	CHECK_EQ(wait_for(SIGRTMIN + 1, &info, 0), -1);
}

static volatile int handled, overruns;

static void on_timer(int number, siginfo_t *info, void *context)
{
	(void)number, (void)context;
	handled++;
	overruns += info->si_overrun;
}

/* The shortest period, with a handler: the machine must not be buried in interrupts. */
static void storm(void)
{
	struct sigaction action = { .sa_sigaction = on_timer, .sa_flags = SA_SIGINFO };
	timer_t timer = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR2), ignored = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGCHLD);
	long begin = check_now();

	CHECK_EQ(sigaction(SIGUSR2, &action, NULL), 0);
	CHECK_EQ(set(ignored, 1, 1), 0);
	CHECK_EQ(set(timer, 1, 1), 0);
	while (check_now() - begin < 200)
		;
	CHECK_EQ(set(timer, 0, 0), 0);
	CHECK(handled > 1 && overruns > handled);
	CHECK_EQ(left(timer), 0);
	CHECK(left(ignored) > 0);
	/* Ignored before, taken now: it is still running. */
	block(SIGCHLD);
	CHECK_EQ(wait_for(SIGCHLD, NULL, LONG_WAIT_S), SIGCHLD);
}

static void silent(void)
{
	timer_t timer = make(CLOCK_MONOTONIC, SIGEV_NONE, 0);
	struct itimerspec now;

	CHECK_EQ(set(timer, 60000l * MS, 0), 0);
	CHECK(left(timer) > 0);
	CHECK_EQ(set(timer, 30 * MS, 0), 0);
	check_sleep(60);
	CHECK_EQ(left(timer), 0);
	CHECK_EQ(set(timer, 10 * MS, 1000 * MS), 0);
	check_sleep(30);
	CHECK(left(timer) > 100 * MS && left(timer) <= 1000 * MS);
	timer = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1);
	CHECK_EQ(set(timer, 0, 7000l * MS), 0);
	CHECK_EQ(timer_gettime(timer, &now), 0);
	CHECK(now.it_interval.tv_sec == 0 && now.it_value.tv_sec == 0);
}

static void cpu_time(void)
{
	timer_t timer = make(CLOCK_PROCESS_CPUTIME_ID, SIGEV_SIGNAL, SIGUSR1);
	struct timespec used;
	siginfo_t info;

	block(SIGUSR1);
	CHECK_EQ(set(timer, 80 * MS, 0), 0);
	check_sleep(200);
	CHECK_EQ(wait_for(SIGUSR1, &info, 0), -1);	/* sleeping uses none */
	for (long begin = check_now(); check_now() - begin < LONG_WAIT_S * 1000 && wait_for(SIGUSR1, &info, 0) != SIGUSR1;)
		;
	CHECK_EQ(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used), 0);
	CHECK(used.tv_sec > 0 || used.tv_nsec >= 80 * MS);
	CHECK_EQ(info.si_code, SI_TIMER);
}

static volatile int burners_end;

static void *burn(void *unused)
{
	while (!burners_end)
		;
	return unused;
}

static void burn_in_child(void *unused)
{
	burn(unused);
}

/* @timer is of @clock, which goes while we wait: 80 ms of it are 80 ms. */
static void expires_by(timer_t timer, clockid_t clock)
{
	struct timespec before, after;
	siginfo_t info;

	CHECK_EQ(clock_gettime(clock, &before), 0);
	CHECK_EQ(set(timer, 80 * MS, 0), 0);
	CHECK(left(timer) <= 80 * MS);
	CHECK_EQ(wait_for(SIGUSR1, &info, LONG_WAIT_S), SIGUSR1);
	CHECK_EQ(info.si_code, SI_TIMER);
	CHECK_EQ(clock_gettime(clock, &after), 0);
	CHECK((after.tv_sec - before.tv_sec) * 1000000000L + after.tv_nsec - before.tv_nsec >= 80 * MS);
	CHECK_EQ(left(timer), 0);
	/* And again and again. */
	CHECK_EQ(set(timer, 20 * MS, 20 * MS), 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(wait_for(SIGUSR1, &info, LONG_WAIT_S), SIGUSR1);
	CHECK_EQ(set(timer, 0, 0), 0);
	wait_for(SIGUSR1, &info, 0);
}

/* Of another thread, of another process, and of the caller's own thread, which sleeps meanwhile. */
static void cpu_time_of_others(void)
{
	timer_t own = make(CLOCK_THREAD_CPUTIME_ID, SIGEV_SIGNAL, SIGUSR2), timer;
	pthread_t burner;
	clockid_t clock;
	siginfo_t info;
	pid_t child;

	block(SIGUSR1);
	block(SIGUSR2);
	CHECK_EQ(set(own, 500 * MS, 0), 0);
	CHECK_EQ(pthread_create(&burner, NULL, burn, NULL), 0);
	CHECK_EQ(pthread_getcpuclockid(burner, &clock), 0);
	timer = make(clock, SIGEV_SIGNAL, SIGUSR1);
	expires_by(timer, clock);
	burners_end = 1;
	CHECK_EQ(pthread_join(burner, NULL), 0);
	/* It stays when its thread is gone. */
	CHECK_EQ(timer_delete(timer), 0);
	burners_end = 0;
	child = check_spawn(burn_in_child, NULL);
	CHECK_EQ(clock_getcpuclockid(child, &clock), 0);
	timer = make(clock, SIGEV_SIGNAL, SIGUSR1);
	expires_by(timer, clock);
	CHECK_EQ(set(timer, 20 * MS, 20 * MS), 0);
	kill(child, SIGKILL);
	CHECK_EQ(check_wait(child), CHECK_KILLED + SIGKILL);
	CHECK_EQ(timer_delete(timer), 0);
	CHECK_ERR(timer_create(clock, NULL, &timer), EINVAL);
	CHECK_EQ(wait_for(SIGUSR2, &info, 0), -1);
	CHECK(left(own) > 100 * MS);
	for (long begin = check_now(); check_now() - begin < LONG_WAIT_S * 1000 && wait_for(SIGUSR2, &info, 0) != SIGUSR2;)
		;
	CHECK_EQ(left(own), 0);
}

/* A thread of its own gets the signal: the kernel's SIGEV_THREAD_ID, with raw calls. */
static void directed(void)
{
	struct { uint64_t value; int number, notify, thread, pad[11]; } event = { 7, SIGUSR1, SIGEV_THREAD_ID, 0, { 0 } };
	int id = -1;
	struct itimerspec setting = { { 0, 0 }, { 0, 20 * MS } };
	siginfo_t info;

	block(SIGUSR1);
	event.thread = getpid();
	CHECK_EQ(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id), 0);
	CHECK_EQ(syscall(SYS_timer_settime, id, 0, &setting, NULL), 0);
	CHECK_EQ(wait_for(SIGUSR1, &info, LONG_WAIT_S), SIGUSR1);
	CHECK_EQ(info.si_value.sival_int, 7);
	event.thread = getppid();
	CHECK_ERR(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id), EINVAL);
}

static volatile int notified;

static void notify(union sigval value)
{
	notified = value.sival_int;
}

/* The C library's: a function in a new thread. */
static void in_thread(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD, .sigev_notify_function = notify, .sigev_value.sival_int = 55 };
	timer_t timer;

	CHECK_EQ(timer_create(CLOCK_REALTIME, &event, &timer), 0);
	CHECK_EQ(set(timer, 20 * MS, 0), 0);
	CHECK_EQ(check_await(&notified, LONG_WAIT_S * 1000), 55);
	CHECK_EQ(timer_delete(timer), 0);
}

static void child_without(void *timer)
{
	struct itimerspec setting;

	CHECK_ERR(syscall(SYS_timer_gettime, (int)(intptr_t)timer, &setting), EINVAL);
}

static void inheritance(void)
{
	timer_t timer = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGTERM);
	pid_t child;

	CHECK_EQ(check_child(child_without, timer), 0);
	CHECK_EQ(timer_delete(timer), 0);
	/* exec ends them: the new program sleeps in peace. */
	child = fork();
	if (child == 0) {
		timer = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGKILL);
		set(timer, 150 * MS, 0);
		execl("/bin/sleep", "sleep", "0.4", (char *)NULL);
		_exit(1);
	}
	CHECK_EQ(check_wait(child), 0);
	/* The end of the process too, while one is about to expire. */
	child = fork();
	if (child == 0) {
		for (int i = 0; i < 20; i++)
			set(make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGURG), 1, 1);
		_exit(7);
	}
	CHECK_EQ(check_wait(child), 7);
}

static void errors(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = 65 };
	struct itimerspec bad = { { 0, 0 }, { 0, 1000000000 } };
	int id = -1;
	timer_t timer;

	CHECK_ERR(timer_create(99, NULL, &timer), EINVAL);
	CHECK_ERR(timer_create(-1, NULL, &timer), EINVAL);
	CHECK_ERR(timer_create(-8 * (getppid() + 1) + 6, NULL, &timer), EINVAL);	/* a thread of another process */
	CHECK_ERR(timer_create(CLOCK_MONOTONIC, &event, &timer), EINVAL);
	event.sigev_signo = 0;
	CHECK_ERR(timer_create(CLOCK_MONOTONIC, &event, &timer), EINVAL);
	event.sigev_signo = SIGUSR1;
	event.sigev_notify = 9;
	CHECK_ERR(timer_create(CLOCK_MONOTONIC, &event, &timer), EINVAL);
	CHECK_ERR(syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, 8), EFAULT);
	CHECK_ERR(syscall(SYS_timer_create, CLOCK_MONOTONIC, 8, &id), EFAULT);
	CHECK_ERR(syscall(SYS_timer_delete, 12345), EINVAL);
	CHECK_ERR(syscall(SYS_timer_getoverrun, -1), EINVAL);
	CHECK_EQ(syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, &id), 0);
	CHECK_ERR(syscall(SYS_timer_settime, id, 0, &bad, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_timer_settime, id, 0, NULL, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_timer_settime, id, 0, 8, NULL), EFAULT);
	CHECK_ERR(syscall(SYS_timer_gettime, id, 8), EFAULT);
	CHECK_EQ(syscall(SYS_timer_delete, id), 0);
	CHECK_ERR(syscall(SYS_timer_delete, id), EINVAL);
}

static volatile int newest, made_all;

/* Guesses each number, perhaps before the call that makes the timer has returned. */
static void *delete_early(void *unused)
{
	for (int id = 0; !made_all;) {
		if (!syscall(SYS_timer_delete, id) || id < newest)
			id++;
	}
	return unused;
}

/* The debug build says so if the maker looks at what is deleted. */
static void deleted_while_made(void)
{
	enum { ROUNDS = 50000 };
	pthread_t deleter;
	int id = 0;

	CHECK_EQ(pthread_create(&deleter, NULL, delete_early, NULL), 0);
	for (int i = 0; i < ROUNDS; i++)
		if (!syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, &id))
			newest = id;
	made_all = 1;
	CHECK_EQ(pthread_join(deleter, NULL), 0);
	CHECK(newest > 0);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(one_shot), CASE(absolute), CASE(clock_set), CASE(periodic), CASE(storm), CASE(silent), CASE(cpu_time), CASE(cpu_time_of_others),
		CASE(directed), CASE(in_thread), CASE(inheritance), CASE(errors), CASE(deleted_while_made), { NULL, NULL },
	};

	return check_main("timers", cases, argc, argv);
}
