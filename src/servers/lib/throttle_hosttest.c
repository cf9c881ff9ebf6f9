/* SPDX-License-Identifier: MIT */
/* LINK: lib/throttle.c */
/* What is let through of too much. */
#include "throttle.h"
#include "check.h"

#include <string.h>

static const uint64_t second = 1000000000;
static char text[THROTTLE_BURST + 100];

static void test_burst(void)
{
	struct throttle throttle = { 0 };

	for (unsigned i = 0; i < THROTTLE_BURST / 1000; i++)
		CHECK(throttle_pass(&throttle, text, 1000, second) == 1000, "piece %u", i);
	CHECK(throttle_pass(&throttle, text, 1000, second) == THROTTLE_BURST % 1000, "as much as there is room for");
	CHECK(throttle.dropping && throttle.within_line && throttle_pass(&throttle, text, 1, second) == 0, "then nothing");
	CHECK(throttle_over(&throttle, second) == 0, "not over yet");
	CHECK(throttle_pass(&throttle, "a\nb\nc", 5, 2 * second - 1) == 0 && throttle_over(&throttle, 2 * second - 1) == 0, "nor in a second");
	CHECK(throttle_over(&throttle, 2 * second) == 2 && !throttle.dropping, "two lines");
	CHECK(throttle_over(&throttle, 2 * second) == 0, "told once");
	throttle_pass(&throttle, text, THROTTLE_BURST, 2 * second);
	CHECK(throttle_pass(&throttle, text, 1, second) == 0 && throttle_over(&throttle, second) == 0, "an earlier time");
	CHECK(throttle_over(&throttle, 3 * second) == 1, "no line, which counts as one");
	CHECK(throttle_pass(&throttle, "d\n", 2, 3 * second) == 2 && !throttle.within_line, "there is room again");
}

/* Who prints less is never disturbed; of who prints more the rate is let through, also in small pieces. */
static void test_rate(void)
{
	struct throttle throttle = { 0 };
	uint64_t now = 5 * second, passed = 0;

	for (unsigned i = 0; i < 100000; i++, now += second / 100)
		CHECK(throttle_pass(&throttle, text, THROTTLE_BYTES_PER_S / 100, now) == THROTTLE_BYTES_PER_S / 100, "piece %u", i);
	for (unsigned i = 0; i < 1000000; i++, now += second / 10000) {
		passed += throttle_pass(&throttle, text, 100, now);
		throttle_over(&throttle, now);
	}
	CHECK(passed > 95 * THROTTLE_BYTES_PER_S && passed < 101 * THROTTLE_BYTES_PER_S + THROTTLE_BURST, "%llu bytes in 100 s", (unsigned long long)passed);
	CHECK(throttle_pass(&throttle, text, THROTTLE_BURST, now + 1000 * second) == 0 && throttle_over(&throttle, now + 1000 * second) > 0, "after long");
	CHECK(throttle_pass(&throttle, text, THROTTLE_BURST, now + 1000 * second) == THROTTLE_BURST, "all of it");
}

int main(void)
{
	memset(text, 'x', sizeof(text));
	test_burst();
	test_rate();
	return check_result("throttle");
}
