/* SPDX-License-Identifier: MIT */
/* What the processor can forbid, it has been told to forbid (security/THREATS.md). */
#include "arch/x86_64/cpu.h"
#include "test/selftest.h"

enum { CR0_WRITE_PROTECT = 1 << 16, CR4_UMIP = 1 << 11, CR4_SMEP = 1 << 20, CR4_SMAP = 1 << 21, EFER = 0xc0000080u, EFER_NXE = 1 << 11 };

SELFTEST(cpu_protections_are_on)
{
	uint64_t cr0, cr4;

	__asm__ volatile("movq %%cr0, %0; movq %%cr4, %1" : "=r"(cr0), "=r"(cr4));
	SELFTEST_CHECK(cr0 & CR0_WRITE_PROTECT);
	SELFTEST_CHECK(!cpu_features.smep || (cr4 & CR4_SMEP));
	SELFTEST_CHECK(!cpu_features.smap || (cr4 & CR4_SMAP));
	SELFTEST_CHECK(!cpu_features.umip || (cr4 & CR4_UMIP));
	SELFTEST_CHECK(!cpu_features.nx || (cpu_read_msr(EFER) & EFER_NXE));
}
