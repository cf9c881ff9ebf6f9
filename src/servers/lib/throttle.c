/* SPDX-License-Identifier: MIT */
/* A limit of what is printed (throttle.h). */
#include "throttle.h"

static const uint64_t ns_per_s = 1000000000;

static void pass_time(struct throttle *throttle, uint64_t now_ns)
{
	uint64_t passed_ns = now_ns > throttle->since_ns ? now_ns - throttle->since_ns : 0, made_up;

	/* What is more than that makes up for all. */
	if (passed_ns > ns_per_s * (THROTTLE_BURST / THROTTLE_BYTES_PER_S)) {
		made_up = THROTTLE_BURST;
		throttle->since_ns = now_ns;
	} else {
		made_up = passed_ns * THROTTLE_BYTES_PER_S / ns_per_s;
		throttle->since_ns += made_up * ns_per_s / THROTTLE_BYTES_PER_S;
	}
	throttle->used -= made_up < throttle->used ? (uint32_t)made_up : throttle->used;
}

size_t throttle_pass(struct throttle *throttle, const char *text, size_t length, uint64_t now_ns)
{
	size_t passed = 0;

	pass_time(throttle, now_ns);
	if (!throttle->dropping) {
		passed = THROTTLE_BURST - throttle->used < length ? THROTTLE_BURST - throttle->used : length;
		throttle->used += (uint32_t)passed;
		throttle->dropping = passed < length;
		if (passed > 0)
			throttle->within_line = text[passed - 1] != '\n';
	}
	for (size_t i = passed; i < length; i++)
		throttle->dropped += text[i] == '\n';
	return passed;
}

uint32_t throttle_over(struct throttle *throttle, uint64_t now_ns)
{
	uint32_t dropped = throttle->dropped;

	pass_time(throttle, now_ns);
	if (!throttle->dropping || throttle->used > THROTTLE_BURST - THROTTLE_BYTES_PER_S)
		return 0;
	throttle->dropping = false;
	throttle->dropped = 0;
	return dropped > 0 ? dropped : 1;
}
