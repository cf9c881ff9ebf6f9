/* SPDX-License-Identifier: MIT */
/*
 * Kernel self-tests: functions that run in a kernel thread when `selftest` is on the command line of a kernel that has
 * them. A test lives in a *_selftest.c file beside what it tests.
 *
 *	SELFTEST(frame_alloc_returns_aligned) { SELFTEST_CHECK(frame_to_phys(f) % PAGE_SIZE == 0); }
 */
#pragma once

#include "lib/types.h"

struct selftest {
	const char *name;
	void (*run)(void);
};

#define SELFTEST(test_name)                                                                     \
	static void test_name(void);                                                            \
	static const struct selftest selftest_##test_name                                       \
		__attribute__((used, section(".selftests"), aligned(8))) = { #test_name, test_name }; \
	static void test_name(void)

extern const struct selftest selftests_start[], selftests_end[];	/* the section, kernel.ld */

/* Records a failure with file and line and goes on. */
#define SELFTEST_CHECK(condition) selftest_check(condition, #condition, __FILE__, __LINE__)

void selftest_check(bool ok, const char *condition, const char *file, int line);

/* Runs all tests and logs `selftest: N passed, M failed`. Returns whether it has run any; a kernel without logs which one has some. May sleep. */
bool selftest_run_all(void);
