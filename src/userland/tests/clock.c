/* SPDX-License-Identifier: MIT */
/* Time: clocks and their resolution, sleeping, interruption and remaining time, CPU time, resource usage. */
#include "check.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/timerfd.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long nanoseconds(clockid_t clock)
{
	struct timespec now = { 0, 0 };

	CHECK_EQ(clock_gettime(clock, &now), 0);
	CHECK(now.tv_nsec >= 0 && now.tv_nsec < 1000000000);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void clocks(void)
{
	static const clockid_t all[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID,
					 CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME };
	struct timespec resolution, now;

	for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
		long long before = nanoseconds(all[i]), after = nanoseconds(all[i]);

		CHECK(after >= before);
		CHECK_EQ(clock_getres(all[i], &resolution), 0);
		CHECK(resolution.tv_sec == 0 && resolution.tv_nsec > 0);
	}
	CHECK(nanoseconds(CLOCK_REALTIME) > 1600000000LL * 1000000000);
	CHECK_ERR(clock_gettime(99, &now), EINVAL);
	CHECK_ERR(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, 8), EFAULT);
	CHECK_ERR(clock_getres(99, &resolution), EINVAL);
}

/* The clocks that would wake the machine. */
static void alarms(void)
{
	static const clockid_t all[] = { CLOCK_REALTIME_ALARM, CLOCK_BOOTTIME_ALARM }, same[] = { CLOCK_REALTIME, CLOCK_BOOTTIME };
	struct timespec soon = { 0, 1000000 };
	timer_t timer;

	for (int i = 0; i < 2; i++) {
		long long before = nanoseconds(same[i]), now = nanoseconds(all[i]);

		CHECK(now >= before && now <= nanoseconds(same[i]));
		CHECK_EQ(clock_nanosleep(all[i], 0, &soon, NULL), 0);
		CHECK(nanoseconds(all[i]) >= now + soon.tv_nsec);
		CHECK_EQ(timer_create(all[i], NULL, &timer), 0);
		CHECK(timerfd_create(all[i], 0) >= 0);
	}
}

/* Only root may have the machine woken. */
static void alarms_of_users(void)
{
	static const clockid_t all[] = { CLOCK_REALTIME_ALARM, CLOCK_BOOTTIME_ALARM };
	struct sigevent odd = { .sigev_notify = 77 };
	struct timespec soon = { 0, 1000000 };
	timer_t timer;

	CHECK_EQ(setuid(1000), 0);
	for (int i = 0; i < 2; i++) {
		CHECK(nanoseconds(all[i]) > 0);
		CHECK_ERR(syscall(SYS_clock_nanosleep, all[i], 0, &soon, NULL), EPERM);
		CHECK_ERR(syscall(SYS_clock_nanosleep, all[i], 0, (void *)8, NULL), EFAULT);
		CHECK_ERR(timer_create(all[i], NULL, &timer), EPERM);
		CHECK_ERR(syscall(SYS_timer_create, all[i], &odd, &timer), EINVAL);
		CHECK_ERR(timerfd_create(all[i], 0), EPERM);
		CHECK_ERR(timerfd_create(all[i], -1), EINVAL);
	}
}

/* Of a clock that nobody steers. */
static void steering(void)
{
	struct timex timex = { .modes = 0 };
	long long before = nanoseconds(CLOCK_REALTIME);

	CHECK(syscall(SYS_adjtimex, &timex) >= 0);
	CHECK(timex.time.tv_sec >= before / 1000000000 && timex.time.tv_sec <= nanoseconds(CLOCK_REALTIME) / 1000000000);
	CHECK_EQ(timex.freq, 0);
	CHECK_EQ(timex.tick, 10000);
	CHECK_EQ(timex.precision, 1);
	CHECK_EQ(timex.tolerance, 500 << 16);
	CHECK(syscall(SYS_clock_adjtime, CLOCK_REALTIME, &timex) >= 0);
	CHECK_ERR(syscall(SYS_clock_adjtime, CLOCK_MONOTONIC, &timex), EOPNOTSUPP);
	CHECK_ERR(syscall(SYS_clock_adjtime, 99, &timex), EINVAL);
	CHECK_ERR(syscall(SYS_adjtimex, NULL), EFAULT);
	CHECK_EQ(setresuid(1000, 1000, 1000), 0);
	timex.modes = ADJ_FREQUENCY;
	CHECK_ERR(syscall(SYS_adjtimex, &timex), EPERM);
}

static void monotonic(void)
{
	long long last = nanoseconds(CLOCK_MONOTONIC), start = last;
	int backwards = 0, distinct = 0;
	struct timespec now;

	while (last - start < 50000000) {
		long long at;

		clock_gettime(CLOCK_MONOTONIC, &now);
		at = now.tv_sec * 1000000000LL + now.tv_nsec;
		backwards += at < last;
		distinct += at != last;
		last = at;
	}
	CHECK_EQ(backwards, 0);
	/* Finer than a timer tick. */
	CHECK(distinct > 200);
}

/* From the monotonic clock to the real one; the machine may stand still between two looks, so the nearest two of some are taken. */
static long long clock_offset(void)
{
	long long offset = 0;

	for (long long tries = 0, near = LLONG_MAX; tries < 20; tries++) {
		long long before = nanoseconds(CLOCK_MONOTONIC), real = nanoseconds(CLOCK_REALTIME), between = nanoseconds(CLOCK_MONOTONIC) - before;

		if (between < near) {
			near = between;
			offset = real - before;
		}
	}
	return offset;
}

static void agreement(void)
{
	struct timeval old;
	time_t seconds = 0;
	long long before = nanoseconds(CLOCK_REALTIME), offset = clock_offset(), now;

	CHECK_EQ(gettimeofday(&old, NULL), 0);
	now = old.tv_sec * 1000000000LL + old.tv_usec * 1000LL;
	CHECK(before / 1000 <= now / 1000 && now <= nanoseconds(CLOCK_REALTIME));
	time(&seconds);
	/* It may be a tick behind. */
	CHECK(before / 1000000000 - 1 <= seconds && seconds <= nanoseconds(CLOCK_REALTIME) / 1000000000);
	CHECK_EQ(syscall(SYS_time, &seconds) - seconds, 0);
	check_sleep(50);
	CHECK(llabs(clock_offset() - offset) < 20000000);
}

static void sleeping(void)
{
	struct timespec brief = { 0, 30000000 }, bad = { 0, 1000000000 }, negative = { -1, 0 }, until, none = { 0, 0 };
	long long start = nanoseconds(CLOCK_MONOTONIC);

	CHECK_EQ(nanosleep(&brief, NULL), 0);
	CHECK(nanoseconds(CLOCK_MONOTONIC) - start >= 30000000);
	CHECK_EQ(nanosleep(&none, NULL), 0);
	CHECK_ERR(nanosleep(&bad, NULL), EINVAL);
	CHECK_ERR(nanosleep(&negative, NULL), EINVAL);
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += 30000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL), 0);
	CHECK(nanoseconds(CLOCK_MONOTONIC) >= until.tv_sec * 1000000000LL + until.tv_nsec);
	CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL), 0);
	CHECK_EQ(clock_nanosleep(CLOCK_REALTIME, 0, &brief, NULL), 0);
	CHECK_EQ(clock_nanosleep(99, 0, &brief, NULL), EINVAL);
	CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, 0, &bad, NULL), EINVAL);
}

static void ignore(int number)
{
	(void)number;
}

static void interrupt_parent(void *unused)
{
	(void)unused;
	check_signal_parent(SIGUSR1);
}

static void interrupted(void)
{
	struct sigaction action = { .sa_handler = ignore, .sa_flags = SA_RESTART };
	struct timespec long_time = { 20, 0 }, left = { 99, 99 };
	pid_t child;

	sigaction(SIGUSR1, &action, NULL);
	child = check_spawn(interrupt_parent, NULL);
	CHECK_ERR(nanosleep(&long_time, &left), EINTR);
	CHECK(left.tv_sec >= 15 && left.tv_sec < 20);
	check_wait(child);
	child = check_spawn(interrupt_parent, NULL);
	left.tv_sec = 99;
	CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, 0, &long_time, &left), EINTR);
	CHECK(left.tv_sec >= 15 && left.tv_sec < 20);
	check_wait(child);
	/* An ignored signal, a stop and a continuation do not cut a sleep short. */
	signal(SIGUSR1, SIG_IGN);
	child = fork();
	if (child == 0) {
		long start = check_now();
		struct timespec brief = { 0, 200000000 };

		CHECK_EQ(nanosleep(&brief, NULL), 0);
		CHECK(check_now() - start >= 199);
		_exit(0);
	}
	check_sleep(30);
	kill(child, SIGUSR1);
	kill(child, SIGSTOP);
	check_sleep(30);
	kill(child, SIGCONT);
	CHECK_EQ(check_wait(child), 0);
}

static void burn(long ms)
{
	for (long long end = nanoseconds(CLOCK_PROCESS_CPUTIME_ID) + ms * 1000000; nanoseconds(CLOCK_PROCESS_CPUTIME_ID) < end;)
		for (volatile int i = 0; i < 20000; i++)
			;
}

static long used(const struct rusage *usage)
{
	return usage->ru_utime.tv_sec * 1000 + usage->ru_utime.tv_usec / 1000 + usage->ru_stime.tv_sec * 1000
	       + usage->ru_stime.tv_usec / 1000;
}

static void burn_in_child(void *ms)
{
	burn((long)ms);
}

static void cpu_time(void)
{
	struct rusage before, after;
	struct tms ticks;
	long long start, thread;

	CHECK_EQ(sysconf(_SC_CLK_TCK), 100);
	CHECK_EQ(getrusage(RUSAGE_SELF, &before), 0);
	start = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
	thread = nanoseconds(CLOCK_THREAD_CPUTIME_ID);
	/* Sleeping uses none. */
	check_sleep(100);
	CHECK(nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - start < 60000000);
	burn(100);
	CHECK(nanoseconds(CLOCK_THREAD_CPUTIME_ID) - thread >= 90000000);
	CHECK_EQ(getrusage(RUSAGE_SELF, &after), 0);
	CHECK(used(&after) - used(&before) >= 60);
	CHECK(after.ru_maxrss > 0);
	CHECK(times(&ticks) > 0);
	CHECK(ticks.tms_utime + ticks.tms_stime >= 6);
	CHECK_EQ(check_child(burn_in_child, (void *)60L), 0);
	times(&ticks);
	CHECK(ticks.tms_cutime + ticks.tms_cstime >= 3);
	CHECK_EQ(getrusage(RUSAGE_CHILDREN, &after), 0);
	CHECK(used(&after) >= 30);
	CHECK_ERR(getrusage(99, &after), EINVAL);
	CHECK_EQ(getrusage(RUSAGE_THREAD, &after), 0);
}

static void cpu_limit(void)
{
	struct rlimit limit = { 1, 2 };
	pid_t child = fork();

	if (child == 0) {
		setrlimit(RLIMIT_CPU, &limit);
		for (;;)
			;
	}
	CHECK_EQ(check_wait(child), CHECK_KILLED + SIGXCPU);
}

static void setting(void)
{
	struct timespec now, changed;
	struct timeval adjusted;
	struct timezone too_far_west = { 15 * 60 + 1, 0 }, too_far_east = { -15 * 60 - 1, 0 };

	CHECK_EQ(clock_gettime(CLOCK_REALTIME, &now), 0);
	changed = now;
	changed.tv_sec += 1000;
	CHECK_EQ(clock_settime(CLOCK_REALTIME, &changed), 0);
	CHECK(time(NULL) >= now.tv_sec + 1000);
	adjusted.tv_sec = now.tv_sec;
	adjusted.tv_usec = 0;
	CHECK_EQ(settimeofday(&adjusted, NULL), 0);
	CHECK(time(NULL) < now.tv_sec + 500);
	CHECK_ERR(clock_settime(CLOCK_MONOTONIC, &now), EINVAL);
	CHECK_ERR(syscall(SYS_settimeofday, NULL, &too_far_west), EINVAL);
	CHECK_ERR(syscall(SYS_settimeofday, NULL, &too_far_east), EINVAL);
	CHECK_EQ(setresuid(1000, 1000, 1000), 0);
	CHECK_ERR(clock_settime(CLOCK_REALTIME, &now), EPERM);
}

static volatile int burners_end;

static void *burn_on(void *unused)
{
	while (!burners_end)
		;
	return unused;
}

static void burn_on_in_child(void *unused)
{
	burn_on(unused);
}

/* Sleeps for and until 60 ms of @clock, which goes meanwhile. */
static void sleep_by(clockid_t clock)
{
	struct timespec time = { 0, 60000000 };
	long long start = nanoseconds(clock);

	CHECK_EQ(clock_nanosleep(clock, 0, &time, NULL), 0);
	CHECK(nanoseconds(clock) - start >= 60000000);
	start = nanoseconds(clock) + 60000000;
	time = (struct timespec){ start / 1000000000, start % 1000000000 };
	CHECK_EQ(clock_nanosleep(clock, TIMER_ABSTIME, &time, NULL), 0);
	CHECK(nanoseconds(clock) >= start);
	CHECK_EQ(clock_nanosleep(clock, TIMER_ABSTIME, &time, NULL), 0);
}

/* Clocks of CPU time that others use. */
static void sleep_by_cpu_time(void)
{
	struct timespec second = { 1, 0 }, left = { 99, 99 }, resolution;
	struct sigaction action = { .sa_handler = ignore };
	pthread_t burner;
	clockid_t clock, virtual;
	pid_t child;

	CHECK_EQ(pthread_create(&burner, NULL, burn_on, NULL), 0);
	sleep_by(CLOCK_PROCESS_CPUTIME_ID);
	CHECK_EQ(pthread_getcpuclockid(burner, &clock), 0);
	sleep_by(clock);
	CHECK_EQ(clock_getcpuclockid(getpid(), &clock), 0);
	sleep_by(clock);
	virtual = (clock & ~7) | 1;
	/* Linux counts the ticks that found it in user mode. */
	CHECK(nanoseconds(virtual) > 0 && nanoseconds(virtual) <= 2 * nanoseconds(clock));
	CHECK_EQ(clock_getres(clock, &resolution), 0);
	CHECK(resolution.tv_sec == 0 && resolution.tv_nsec == 1);
	CHECK_ERR(clock_settime(clock, &second), EPERM);
	CHECK_ERR(syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &second, NULL), EOPNOTSUPP);
	CHECK_ERR(syscall(SYS_clock_nanosleep, -2, 0, &second, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_clock_nanosleep, -8 * (getpid() + 1) + 6, 0, &second, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_clock_nanosleep, -8 * (getppid() + 1) + 6, 0, &second, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_clock_nanosleep, -1, 0, &second, NULL), EINVAL);
	burners_end = 1;
	CHECK_EQ(pthread_join(burner, NULL), 0);
	/* Nobody uses any: a signal ends it. */
	sigaction(SIGUSR1, &action, NULL);
	child = check_spawn(interrupt_parent, NULL);
	CHECK_EQ(clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, 0, &second, &left), EINTR);
	CHECK(left.tv_sec == 0 || (left.tv_sec == 1 && left.tv_nsec == 0));
	check_wait(child);
	burners_end = 0;
	child = check_spawn(burn_on_in_child, NULL);
	CHECK_EQ(clock_getcpuclockid(child, &clock), 0);
	sleep_by(clock);
	kill(child, SIGKILL);
	CHECK_EQ(check_wait(child), CHECK_KILLED + SIGKILL);
	CHECK_ERR(syscall(SYS_clock_gettime, clock, &left), EINVAL);
	CHECK_ERR(syscall(SYS_clock_nanosleep, clock, 0, &second, NULL), EINVAL);
	CHECK_ERR(clock_settime(clock, &second), EINVAL);
}

static void shift_clock(long seconds)
{
	struct timespec now;

	CHECK_EQ(clock_gettime(CLOCK_REALTIME, &now), 0);
	now.tv_sec += seconds;
	CHECK_EQ(clock_settime(CLOCK_REALTIME, &now), 0);
}

static void sleep_until(void *time)
{
	CHECK_EQ(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, time, NULL), 0);
}

static void sleep_for(void *time)
{
	CHECK_EQ(clock_nanosleep(CLOCK_REALTIME, 0, time, NULL), 0);
}

/* Who sleeps until a time of the wall clock wakes when that is set past it, and not before. */
static void sleepers_of_the_clock(void)
{
	struct timespec until, brief = { 2, 0 };
	pid_t sleeper, other;
	int status;

	CHECK_EQ(clock_gettime(CLOCK_REALTIME, &until), 0);
	until.tv_sec += 1000;
	sleeper = check_spawn(sleep_until, &until);
	CHECK(check_state(sleeper, 'S', 20000));
	other = check_spawn(sleep_for, &brief);
	/* Two seconds are left for an instant. */
	shift_clock(998);
	shift_clock(-2000);
	CHECK_EQ(check_wait(other), 0);
	check_sleep(1000);
	CHECK_EQ(waitpid(sleeper, &status, WNOHANG), 0);
	shift_clock(3000);
	CHECK_EQ(check_wait(sleeper), 0);
	shift_clock(-1998);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(clocks), CASE(alarms), CASE(alarms_of_users), CASE(steering), CASE(monotonic), CASE(agreement), CASE(sleeping),
		CASE(interrupted), CASE(cpu_time),
		CASE(cpu_limit), CASE(setting), CASE(sleep_by_cpu_time), CASE(sleepers_of_the_clock), { NULL, NULL },
	};

	return check_main("clock", cases, argc, argv);
}
