/* SPDX-License-Identifier: MIT */
/* The processor's breakpoints (Intel SDM vol. 3B §17.2). */
#pragma once

#include "lib/types.h"

enum {
	DEBUG_SLOTS = 4, DEBUG_STATUS = 6, DEBUG_CONTROL = 7,	/* of the registers */
	DR6_SLOTS = 0xf, DR6_SINGLE_STEP = 1 << 14,
	DR7_ON = 0xff,						/* two bits a slot, and from bit 16 on four: kind and length */
};
#define DR6_EMPTY 0xffff0ff0ul
#define DR7_SLOTS 0xffff00fful

/* Why vector 1 came: the register is sticky and cleared by software. */
static inline uint64_t debug_take_status(void)
{
	uint64_t status;

	__asm__ volatile("movq %%dr6, %0; movq %1, %%dr6" : "=&r"(status) : "r"(DR6_EMPTY));
	return status;
}

static inline void debug_set_control(uint64_t control)
{
	__asm__ volatile("movq %0, %%dr7" :: "r"(control));
}

/* Interrupts are off, and user memory is not touched meanwhile. */
static inline void debug_load(const uint64_t *registers)
{
	__asm__ volatile("movq %0, %%dr0; movq %1, %%dr1; movq %2, %%dr2; movq %3, %%dr3"
			 :: "r"(registers[0]), "r"(registers[1]), "r"(registers[2]), "r"(registers[3]));
	debug_set_control(registers[DEBUG_CONTROL] & DR7_SLOTS);
}
