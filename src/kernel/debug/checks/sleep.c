/* SPDX-License-Identifier: MIT */
/* Sleeping locks taken where nobody may sleep: they mostly find the lock free, so that only the rare wait would be noticed. */
#include "debug/checks/internal.h"
#include "debug/symbols.h"
#include "arch/x86_64/cpu.h"

void sleep_check(void)
{
	struct symbol_place place;

	if (!this_cpu()->preempt_count)
		return;
	symbol_find((uint64_t)__builtin_return_address(0), &place);
	checks_report("sleep check: preemption is off (%u) in %s+0x%lx", this_cpu()->preempt_count, place.name, place.offset);
}
