/* SPDX-License-Identifier: MIT */
/* Saving and restoring FPU state (Intel SDM vol. 1, chapters 10.5 FXSAVE and 13 XSAVE; the standard, not the compacted format). */
#include "arch/x86_64/fpu.h"
#include "arch/x86_64/cpu.h"
#include "lib/string.h"
#include "sched/thread.h"

enum {
	FXSAVE_SIZE = 512, XSAVE_HEADER = 512, XSAVE_HEADER_SIZE = 64, MXCSR_OFFSET = 24, MXCSR_MASK_OFFSET = 28, FCW_OFFSET = 0,
	FCW_DEFAULT = 0x37f, MXCSR_DEFAULT = 0x1f80, MXCSR_MASK_FALLBACK = 0xffbf,
	XCR0_X87 = 1, XCR0_SSE = 2, XCR0_AVX = 4, XCR0_AVX512 = 0xe0,
};

static uint32_t mxcsr_mask = MXCSR_MASK_FALLBACK;

static void write_xcr0(uint64_t value)
{
	__asm__ volatile("xsetbv" :: "c"(0), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

static uint64_t choose_components(void)
{
	uint32_t out[4];
	uint64_t wanted = XCR0_X87 | XCR0_SSE;

	cpuid(0xd, 0, out);
	if (out[0] & XCR0_AVX) {
		wanted |= XCR0_AVX;
		if ((out[0] & XCR0_AVX512) == XCR0_AVX512)
			wanted |= XCR0_AVX512;
	}
	return wanted;
}

void fpu_init_cpu(void)
{
	if (cpu_features.xsave_mask)
		write_xcr0(cpu_features.xsave_mask);
}

void fpu_init(void)
{
	static uint8_t probe[FXSAVE_SIZE] __attribute__((aligned(64)));
	uint32_t out[4];

	__asm__ volatile("fninit; fxsave64 %0" : "=m"(probe));
	if (*(uint32_t *)(probe + MXCSR_MASK_OFFSET))
		mxcsr_mask = *(uint32_t *)(probe + MXCSR_MASK_OFFSET);
	cpu_features.fpu_area_size = FXSAVE_SIZE;
	if (!cpu_features.xsave)
		return;
	cpu_features.xsave_mask = choose_components();
	fpu_init_cpu();
	cpuid(0xd, 0, out);
	cpu_features.fpu_area_size = ROUND_UP(out[1], 64);
}

size_t fpu_area_size(void)
{
	return cpu_features.fpu_area_size;
}

void fpu_init_area(void *area)
{
	memset(area, 0, cpu_features.fpu_area_size);
	*(uint16_t *)((char *)area + FCW_OFFSET) = FCW_DEFAULT;
	*(uint32_t *)((char *)area + MXCSR_OFFSET) = MXCSR_DEFAULT;
	*(uint32_t *)((char *)area + MXCSR_MASK_OFFSET) = mxcsr_mask;
	if (cpu_features.xsave)
		*(uint64_t *)((char *)area + XSAVE_HEADER) = XCR0_X87 | XCR0_SSE;
}

void fpu_save(void *area)
{
	uint32_t low = cpu_features.xsave_mask, high = cpu_features.xsave_mask >> 32;

	if (cpu_features.xsaveopt)
		__asm__ volatile("xsaveopt64 (%0)" :: "r"(area), "a"(low), "d"(high) : "memory");
	else if (cpu_features.xsave)
		__asm__ volatile("xsave64 (%0)" :: "r"(area), "a"(low), "d"(high) : "memory");
	else
		__asm__ volatile("fxsave64 (%0)" :: "r"(area) : "memory");
}

#ifdef PTRACE
void fpu_save_all(void *area)
{
	uint32_t low = cpu_features.xsave_mask, high = cpu_features.xsave_mask >> 32;

	if (cpu_features.xsave)
		__asm__ volatile("xsave64 (%0)" :: "r"(area), "a"(low), "d"(high) : "memory");
	else
		__asm__ volatile("fxsave64 (%0)" :: "r"(area) : "memory");
}
#endif

void fpu_restore(const void *area)
{
	uint32_t low = cpu_features.xsave_mask, high = cpu_features.xsave_mask >> 32;

	if (cpu_features.xsave)
		__asm__ volatile("xrstor64 (%0)" :: "r"(area), "a"(low), "d"(high) : "memory");
	else
		__asm__ volatile("fxrstor64 (%0)" :: "r"(area) : "memory");
}

void fpu_save_current(void)
{
	if (current_thread()->fpu_area)
		fpu_save(current_thread()->fpu_area);
}

void fpu_restore_current(void)
{
	if (current_thread()->fpu_area)
		fpu_restore(current_thread()->fpu_area);
}

unsigned fpu_pending_exceptions(bool simd)
{
	uint16_t control, status;
	uint32_t mxcsr;

	if (simd) {
		__asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
		return mxcsr & ~(mxcsr >> 7) & 0x3f;
	}
	__asm__ volatile("fnstcw %0; fnstsw %1" : "=m"(control), "=m"(status));
	return status & ~control & 0x3f;
}

bool fpu_sanitize(void *area)
{
	uint64_t *header = (uint64_t *)((char *)area + XSAVE_HEADER);

	*(uint32_t *)((char *)area + MXCSR_OFFSET) &= mxcsr_mask;
	if (!cpu_features.xsave)
		return true;
	header[0] &= cpu_features.xsave_mask;
	for (int i = 1; i < XSAVE_HEADER_SIZE / 8; i++)
		header[i] = 0;	/* XCOMP_BV and reserved bytes must be zero, or XRSTOR faults */
	return true;
}
