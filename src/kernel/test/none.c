/* SPDX-License-Identifier: MIT */
/* In place of the runner and the self-tests, in the kernel that is started every day. */
#include "lib/log.h"
#include "test/selftest.h"

bool selftest_run_all(void)
{
	log_error("selftest: this kernel has no self-tests; /boot/kernel-selftest.elf has (\"Kernel self-test\" in the boot menu)");
	return false;
}
