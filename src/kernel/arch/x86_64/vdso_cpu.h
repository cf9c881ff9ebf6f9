/* SPDX-License-Identifier: MIT */
/* What the vDSO asks the CPU, in user mode. */
#pragma once

#include "lib/types.h"

/*
 * The bytes of `lfence; rdtsc`: without the fence RDTSC may run before loads that come first in the program, and two CPUs could see time go
 * backwards (Intel SDM vol. 2B, RDTSC). On a machine with one CPU the kernel turns the fence into prefixes, which RDTSC ignores (vdso_drop_fences).
 */
static inline __attribute__((always_inline)) uint64_t vdso_read_tsc(void)
{
	uint64_t low, high;

	__asm__ volatile(
		"	lfence\n"
		"	rdtsc\n"
		"	shlq $32, %1\n"
		"	orq %1, %0\n"
		: "=a"(low), "=d"(high) :: "cc", "memory");
	return low;
}

/* Does that to the vDSO's code at @code. Returns how many times. */
static inline unsigned vdso_drop_fences(uint8_t *code, size_t len)
{
	static const uint8_t fenced[] = { 0x0f, 0xae, 0xe8, 0x0f, 0x31 };
	unsigned count = 0;

	for (size_t at = 0; at + sizeof(fenced) <= len; at++) {
		size_t same = 0;

		while (same < sizeof(fenced) && code[at + same] == fenced[same])
			same++;
		if (same < sizeof(fenced))
			continue;
		code[at] = code[at + 1] = code[at + 2] = 0x3e;	/* DS segment override */
		count++;
	}
	return count;
}

/* The limit of this segment is the CPU's number (descriptors.c). */
enum { SELECTOR_CPU_NUMBER = 0x3b };

static inline unsigned vdso_cpu_number(void)
{
	unsigned limit;

	__asm__ volatile("lsl %1, %0" : "=r"(limit) : "r"(SELECTOR_CPU_NUMBER) : "cc");
	return limit;
}

static inline long vdso_system_call(long number, long a, long b)
{
	long result;

	__asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b) : "rcx", "r11", "memory");
	return result;
}
