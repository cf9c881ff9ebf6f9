/* SPDX-License-Identifier: MIT */
/*
 * timers: waits of all kinds with time-outs never end early; interval timers never expire more often than their interval
 * allows, each expiration is delivered or counted as an overrun, and a timer that was deleted is silent.
 */
#include "stress.h"

#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { EXPIRATIONS = 12 };

static struct timespec as_time(uint64_t ns)
{
	return (struct timespec){ ns / 1000000000, ns % 1000000000 };
}

/* Waits at least @ns by one of the calls that can, with nothing that could end it sooner. */
static void wait_out(struct worker *worker, uint64_t ns)
{
	struct timespec length = as_time(ns), end;
	uint64_t start = storm_now(), waited;
	_Atomic uint32_t word = 0;
	unsigned kind = storm_pick(worker, 6);
	sigset_t none;

	end = as_time(start + ns);
	sigemptyset(&none);
	switch (kind) {
	case 0: EXPECT(nanosleep(&length, NULL) == 0, "nanosleep"); break;
	case 1: EXPECT(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL) == 0, "clock_nanosleep"); break;
	case 2: EXPECT(ppoll(NULL, 0, &length, NULL) == 0, "ppoll"); break;
	case 3: EXPECT(sigtimedwait(&none, NULL, &length) == -1 && errno == EAGAIN, "sigtimedwait"); break;
	case 4:
		EXPECT(syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &length, NULL, 0) == -1 && errno == ETIMEDOUT, "futex");
		break;
	default:
		EXPECT(syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, 0, &end, NULL, ~0u) == -1 && errno == ETIMEDOUT, "futex");
	}
	waited = storm_now() - start;
	EXPECT(waited >= ns, "a wait (kind %u) of %lu ns took %lu", kind, (unsigned long)ns, (unsigned long)waited);
}

static void start_timer(timer_t *timer, int signal, int mark, uint64_t interval)
{
	struct sigevent event;
	struct itimerspec setting = { as_time(interval), as_time(interval) };

	memset(&event, 0, sizeof event);
	event.sigev_notify = SIGEV_THREAD_ID;
	event.sigev_signo = signal;
	event.sigev_value.sival_int = mark;
	event.sigev_notify_thread_id = storm_tid();
	EXPECT(timer_create(CLOCK_MONOTONIC, &event, timer) == 0, "timer_create");
	EXPECT(timer_settime(*timer, 0, &setting, NULL) == 0, "timer_settime");
}

/* Takes expirations until there were enough; then the timer is deleted and at most the signal that waits is left of it. */
static void use_timer(struct worker *worker)
{
	int signal = SIGRTMIN + 2, mark = storm_pick(worker, 1 << 30);
	uint64_t interval = 200000 + storm_pick(worker, 3000000), start = storm_now(), expired = 0, elapsed;
	struct timespec none = { 0, 0 };
	siginfo_t info;
	timer_t timer;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signal);
	start_timer(&timer, signal, mark, interval);
	while (expired < EXPIRATIONS) {
		EXPECT(sigwaitinfo(&set, &info) == signal && info.si_code == SI_TIMER && info.si_value.sival_int == mark, "signal %d, si_code %d, value %d",
		       info.si_signo, info.si_code, info.si_value.sival_int);
		expired += 1 + info.si_overrun;
		elapsed = storm_now() - start;
		EXPECT(expired <= elapsed / interval, "%lu expirations in %lu ns with an interval of %lu", (unsigned long)expired, (unsigned long)elapsed,
		       (unsigned long)interval);
	}
	EXPECT(timer_delete(timer) == 0, "timer_delete");
	for (int left = 0; sigtimedwait(&set, &info, &none) == signal; left++)
		EXPECT(left == 0 && info.si_value.sival_int == mark, "a deleted timer goes on");
	if (storm_pick(worker, 2)) {
		wait_out(worker, 2 * interval);
		EXPECT(sigtimedwait(&set, &info, &none) == -1, "a deleted timer has sent a signal");
	}
}

/* Timers that are deleted, set anew and read while they expire. */
static void disturb_timer(struct worker *worker)
{
	int signal = SIGRTMIN + 2, mark = storm_pick(worker, 1 << 30);
	uint64_t interval = 50000 + storm_pick(worker, 200000);
	struct timespec none = { 0, 0 };
	struct itimerspec setting;
	siginfo_t info;
	timer_t timer;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signal);
	start_timer(&timer, signal, mark, interval);
	for (unsigned i = storm_pick(worker, 40); i > 0; i--) {
		EXPECT(timer_gettime(timer, &setting) == 0, "timer_gettime");
		EXPECT(setting.it_value.tv_sec == 0 && (uint64_t)setting.it_value.tv_nsec <= interval, "%ld ns are left of %lu",
		       setting.it_value.tv_nsec, (unsigned long)interval);
		setting.it_value = setting.it_interval = as_time(interval);
		if (storm_pick(worker, 4) == 0)
			EXPECT(timer_settime(timer, 0, &setting, NULL) == 0, "timer_settime");
	}
	EXPECT(timer_delete(timer) == 0, "timer_delete");
	EXPECT(timer_gettime(timer, &setting) == -1 && errno == EINVAL, "a deleted timer is still there");
	while (sigtimedwait(&set, &info, &none) == signal)
		;
}

static _Atomic uint64_t alarms;

static void on_alarm(int signal)
{
	(void)signal;
	alarms++;
}

/* In a process of its own, since there is one such timer for each. */
static void interval_timer(void *argument)
{
	uint64_t interval_us = 500 + *(unsigned *)argument, start = storm_now(), elapsed, seen;
	struct itimerval setting = { { 0, interval_us }, { 0, interval_us } };

	alarms = 0;
	signal(SIGALRM, on_alarm);
	EXPECT(setitimer(ITIMER_REAL, &setting, NULL) == 0, "setitimer");
	for (unsigned calls = 0; alarms < EXPIRATIONS; calls++) {
		if (calls % 2)
			pause();
		/* In this order: others may run, and alarms come, before the clock is read. */
		seen = alarms;
		elapsed = storm_now() - start;
		EXPECT(seen <= elapsed / (interval_us * 1000) + 1, "%lu alarms in %lu ns with an interval of %lu us", (unsigned long)seen,
		       (unsigned long)elapsed, (unsigned long)interval_us);
	}
}

static void work(struct worker *worker)
{
	unsigned interval_us;
	struct storm_helper helper;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 2);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	while (storm_goes_on(worker)) {
		switch (storm_pick(worker, 5)) {
		case 0: use_timer(worker); break;
		case 1: disturb_timer(worker); break;
		case 2:
			interval_us = storm_pick(worker, 2000);
			storm_help(&helper, true, interval_timer, &interval_us);
			storm_join(&helper);
			break;
		default: wait_out(worker, 1000 + storm_pick(worker, 3000000));
		}
	}
}

static void run(unsigned workers)
{
	storm_threads(workers, work);
}

const struct storm timers_storm = { "timers", "waits that end early, timers that expire too often or after their end", run, NULL };
