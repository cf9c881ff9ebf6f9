/* SPDX-License-Identifier: MIT */
/*
 * FPU, SSE and AVX state of user threads: FXSAVE, or XSAVE where the CPU has it. Switching is eager: a user thread's registers are
 * loaded before it runs and saved when another user thread takes the CPU.
 */
#pragma once

#include "arch/x86_64/cpu.h"

void fpu_init(void);			/* once, after CR4 is set up */
void fpu_init_cpu(void);		/* on each CPU; nothing before fpu_init */
size_t fpu_area_size(void);		/* bytes; a save area must be 64-byte aligned */
void fpu_init_area(void *area);		/* the state a new program starts with */

/* The calling thread's registers to and from its fpu_area. Preemption must be off between the save and any edit and restore. */
void fpu_save_current(void);
void fpu_restore_current(void);

/* Writes all of an area, also what is as it was when it was loaded, so that it can be read by who does not know that. Kernels with PTRACE=yes only. */
void fpu_save_all(void *area);

/* Which unmasked exceptions of the calling thread's registers are pending, of SSE or of the x87. Before anybody else can use the FPU. */
unsigned fpu_pending_exceptions(bool simd);

/* Raw forms for the context switch. */
void fpu_save(void *area);
void fpu_restore(const void *area);

/* Both, one after the other. */
static inline void fpu_switch(void *save, const void *load)
{
	if (cpu_features.xsave) {
		fpu_save(save);
		fpu_restore(load);
	} else {
		__asm__ volatile("fxsave64 (%0); fxrstor64 (%1)" :: "r"(save), "r"(load) : "memory");
	}
}

/* Makes a user-supplied image safe to restore: clears reserved MXCSR bits and unsupported components. False if it is beyond repair. */
bool fpu_sanitize(void *area);
