/* SPDX-License-Identifier: MIT */
#include "capability.h"

#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CALL_CAP_GET = 1037, CALL_CAP_SET = 1038, CALL_CAP_CHECK = 1039 };	/* src/kernel/abi/syscalls.def */

int capability_get(pid_t pid, struct capability_sets *sets)
{
	return (int)syscall(CALL_CAP_GET, pid, sets);
}

int capability_set(const struct capability_sets *sets)
{
	return (int)syscall(CALL_CAP_SET, sets);
}

bool capability_check(uint64_t bits)
{
	return syscall(CALL_CAP_CHECK, bits) == 0;
}

uint64_t capability_find(const char *name)
{
	for (int i = 0; i < CAPABILITY_COUNT; i++)
		if (strcmp(capability_names[i].name, name) == 0)
			return capability_names[i].bit;
	return 0;
}

int capability_set_for_exec(uint64_t bits)
{
	struct capability_sets sets;

	if (capability_get(0, &sets) < 0)
		return -1;
	sets.permitted &= bits;
	sets.effective = sets.permitted | (sets.effective & CAPABILITY_FILE_EXECUTE);
	return capability_set(&sets);
}
