/* SPDX-License-Identifier: MIT */
/*
 * Switching trace points: the NOPs become jumps and NOPs again while other CPUs may be executing them. No CPU may meet an instruction half written, or go
 * on with one that it fetched before (Intel SDM vol. 3A §8.1.3). So a breakpoint, one byte, is put on each first; then its other bytes are
 * written, and last its first byte. Between these steps every CPU executes a serializing instruction (§8.3). Who meets a breakpoint meanwhile goes on
 * behind the point.
 */
#include "debug/trace/rings.h"
#include "arch/x86_64/boot_layout.h"
#include "arch/x86_64/smp.h"
#include "arch/x86_64/tlb.h"
#include "arch/x86_64/trap.h"
#include "lib/string.h"

enum { POINT_SIZE = 5, BREAKPOINT = 0xcc, JUMP_NEAR = 0xe9 };

static uint64_t site_of(const struct trace_point *point)
{
	return (uint64_t)point + point->site;
}

/* The text is read-only where it runs; its alias in the direct map is writable. */
static uint8_t *alias_of(const struct trace_point *point)
{
	return phys_to_virt(kernel_virt_to_phys((const void *)site_of(point)));
}

static void make_code(const struct trace_point *point, bool on, uint8_t code[POINT_SIZE])
{
	static const uint8_t nop[POINT_SIZE] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };
	int32_t distance = point->target - point->site - POINT_SIZE;

	memcpy(code, nop, POINT_SIZE);
	if (on) {
		code[0] = JUMP_NEAR;
		memcpy(code + 1, &distance, sizeof(distance));
	}
}

/* INVLPG serializes; one page's entry in the TLB is a small price. Nobody who has interrupts off answers, so no CPU is in trace_add() now. */
static void serialize_all_cpus(void)
{
	tlb_flush_kernel_range((uint64_t)trace_points_start & PAGE_MASK, ((uint64_t)trace_points_start & PAGE_MASK) + PAGE_SIZE);
}

void trace_points_switch(unsigned groups)
{
	if (cpu_features.xsave)
		groups |= TRACE_GROUP_XSAVE;
	if (smp_others_wanted())
		groups |= TRACE_GROUP_CPUS;
	for (int step = 0; step < 3; step++) {
		for (const struct trace_point *point = trace_points_start; point < trace_points_end; point++) {
			uint8_t *alias = alias_of(point), code[POINT_SIZE];

			make_code(point, point->groups & groups, code);
			if (alias[0] == code[0])
				continue;	/* it is as it should be */
			if (step == 0)
				__atomic_store_n(alias, (uint8_t)BREAKPOINT, __ATOMIC_RELEASE);
			else if (step == 1)
				memcpy(alias + 1, code + 1, POINT_SIZE - 1);
			else
				__atomic_store_n(alias, code[0], __ATOMIC_RELEASE);
		}
		serialize_all_cpus();
	}
}

bool trace_point_skip(struct trap_frame *frame)
{
	for (const struct trace_point *point = trace_points_start; point < trace_points_end; point++)
		if (frame->rip == site_of(point) + 1) {
			frame->rip = site_of(point) + POINT_SIZE;
			return true;
		}
	return false;
}
