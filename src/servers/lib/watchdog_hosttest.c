/* SPDX-License-Identifier: MIT */
/* LINK: lib/watchdog.c */
/* Who is killed for want of a heartbeat and who is not, against a clock made of numbers. */
#include "watchdog.h"
#include "check.h"

static const uint64_t ms = 1000000;

/* Looks as soon as due, @late after that, until @end or death. @ready and @cpu_share (percent of time that it runs) hold all the
 * while. Returns the time of death, 0: none. */
static uint64_t watch(struct watchdog *watchdog, uint64_t end, uint64_t late, bool ready, unsigned cpu_share)
{
	for (;;) {
		uint64_t now = watchdog_due(watchdog) + late;

		if (now > end)
			return 0;
		if (watchdog_look(watchdog, now, now * cpu_share / 100, ready))
			return now;
	}
}

static struct watchdog start(uint64_t period, uint64_t now)
{
	struct watchdog watchdog = { .period_ns = period };

	watchdog_beat(&watchdog, now, 0);
	return watchdog;
}

static void test_times(void)
{
	struct watchdog watchdog = start(2000 * ms, 500 * ms), none = start(0, 0);

	CHECK(watchdog_due(&none) == UINT64_MAX, "no watchdog is never due");
	CHECK(watchdog_due(&watchdog) == 1500 * ms, "the first look after half of the period");
	CHECK(!watchdog_look(&watchdog, 1499 * ms, 0, false) && watchdog.counted_ns == 0, "not before");
	CHECK(!watchdog_look(&watchdog, 1500 * ms, 0, false) && watchdog_due(&watchdog) == 1600 * ms, "then every twentieth");
	watchdog_beat(&watchdog, 1650 * ms, 0);
	CHECK(watchdog_due(&watchdog) == 2650 * ms && watchdog.counted_ns == 0, "a heartbeat starts it over");
}

static void test_hangs(void)
{
	struct watchdog blocked = start(2000 * ms, 0), looping = start(2000 * ms, 0), half = start(2000 * ms, 0);
	uint64_t died;

	died = watch(&blocked, 100000 * ms, 0, false, 0);
	CHECK(died == 2000 * ms, "blocked: killed at %llu", (unsigned long long)died);
	/* With one CPU the manager runs when it looks, so who loops is ready then; its CPU time gives it away. */
	died = watch(&looping, 100000 * ms, 0, true, 100);
	CHECK(died == 2000 * ms, "looping: killed at %llu", (unsigned long long)died);
	died = watch(&half, 100000 * ms, 0, true, 50);
	CHECK(died >= 3900 * ms && died <= 4100 * ms, "looping on half a CPU: killed at %llu", (unsigned long long)died);
}

static void test_starved(void)
{
	struct watchdog starved = start(2000 * ms, 0), late = start(2000 * ms, 0), odd = start(19, 0);
	uint64_t died;

	CHECK(watch(&starved, 3600000 * ms, 0, true, 0) == 0, "ready for an hour, and alive");
	/* Then it gets the CPU and hangs in earnest: its own time begins now. */
	died = watch(&starved, 4000000 * ms, 0, false, 0);
	CHECK(died - 3600000 * ms >= 1900 * ms && died - 3600000 * ms <= 2100 * ms, "killed %llu after that",
	      (unsigned long long)died - 3600000 * ms);
	/* A manager that comes 10 s late each time has given the service no more than the nominal time. */
	CHECK(!watchdog_look(&late, 11000 * ms, 0, false) && late.counted_ns == 1000 * ms, "counted %llu", (unsigned long long)late.counted_ns);
	CHECK(!watchdog_look(&late, 22000 * ms, 0, false) && late.counted_ns == 1100 * ms, "counted %llu", (unsigned long long)late.counted_ns);
	CHECK(watch(&odd, 1000, 0, false, 0) >= 19, "a period that is no multiple of anything ends");
}

/* CPU time never counts for more than the time that passed: several threads use more. A clock that went back counts nothing. */
static void test_cpu_time(void)
{
	struct watchdog watchdog = start(2000 * ms, 0);

	watchdog_look(&watchdog, 1000 * ms, 4000 * ms, true);
	CHECK(watchdog.counted_ns == 1000 * ms, "counted %llu", (unsigned long long)watchdog.counted_ns);
	watchdog_look(&watchdog, 1100 * ms, 3000 * ms, true);
	CHECK(watchdog.counted_ns == 1000 * ms, "counted %llu", (unsigned long long)watchdog.counted_ns);
}

int main(void)
{
	test_times();
	test_hangs();
	test_starved();
	test_cpu_time();
	return check_result("watchdog");
}
