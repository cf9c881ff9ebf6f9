/* SPDX-License-Identifier: MIT */
/* The random number generator: not constant, even enough, within bounds, and exactly as many bytes as asked for. */
#include "security/random.h"
#include "lib/string.h"
#include "test/selftest.h"

enum { LONGEST = 200, DRAWS = 4096 };

SELFTEST(random_bytes_writes_what_was_asked)
{
	static uint8_t buf[LONGEST + 16], before[LONGEST + 16];

	for (size_t len = 0; len <= LONGEST; len++) {
		size_t changed = 0;

		memset(buf, 0xa5, sizeof(buf));
		random_bytes(buf + 8, len);
		for (size_t i = 0; i < 8; i++)
			SELFTEST_CHECK(buf[i] == 0xa5 && buf[8 + len + i] == 0xa5);
		for (size_t i = 0; i < len; i++)
			changed += buf[8 + i] != 0xa5;
		/* Of 40 and more bytes half stay the same by chance once in 10^40 times. */
		SELFTEST_CHECK(len < 40 || changed > len / 2);
		SELFTEST_CHECK(len < 16 || memcmp(buf + 8, before + 8, len) != 0);
		memcpy(before, buf, sizeof(buf));
	}
}

SELFTEST(random_bits_are_balanced)
{
	unsigned ones[64] = { 0 };
	uint64_t previous = random_u64();

	for (int i = 0; i < DRAWS; i++) {
		uint64_t value = random_u64();

		SELFTEST_CHECK(value != previous);
		previous = value;
		for (unsigned bit = 0; bit < 64; bit++)
			ones[bit] += value >> bit & 1;
	}
	/* The mean is 2048 with a deviation of 32: ten deviations do not happen. */
	for (unsigned bit = 0; bit < 64; bit++)
		SELFTEST_CHECK(ones[bit] > DRAWS / 2 - 320 && ones[bit] < DRAWS / 2 + 320);
}

SELFTEST(random_below_keeps_its_bound)
{
	static const uint64_t bounds[] = { 1, 2, 3, 7, 10, 256, 1000003, 1ull << 32, (1ull << 63) + 1, UINT64_MAX };
	uint32_t seen = 0;

	for (unsigned i = 0; i < ARRAY_LEN(bounds); i++)
		for (int n = 0; n < 200; n++)
			SELFTEST_CHECK(random_below(bounds[i]) < bounds[i]);
	for (int n = 0; n < DRAWS; n++)
		seen |= 1u << random_below(32);
	SELFTEST_CHECK(seen == UINT32_MAX);
}

SELFTEST(added_entropy_changes_the_stream)
{
	uint64_t first = random_u64(), second;

	random_add_entropy("boring", 6);
	second = random_u64();
	random_add_entropy("boring", 6);
	SELFTEST_CHECK(first != second && random_u64() != second);
}
