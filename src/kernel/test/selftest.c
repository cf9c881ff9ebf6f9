/* SPDX-License-Identifier: MIT */
/* Runs the kernel's self-tests, found through their linker section. */
#include "test/selftest.h"
#include "lib/log.h"
#include "test/test_disk.h"

static bool failed;

void selftest_check(bool ok, const char *condition, const char *file, int line)
{
	if (ok)
		return;
	failed = true;
	log_error("selftest: %s:%d: %s is false", file, line, condition);
}

bool selftest_run_all(void)
{
	unsigned passes = 0, failures = 0;

	/* This kernel is wanted for the disk. */
	if (test_disk_make())
		return false;
	for (const struct selftest *test = selftests_start; test < selftests_end; test++) {
		failed = false;
		test->run();
		log_info("selftest: %s %s", test->name, failed ? "FAILED" : "ok");
		if (failed)
			failures++;
		else
			passes++;
	}
	log_notice("selftest: %u passed, %u failed", passes, failures);
	return true;
}
