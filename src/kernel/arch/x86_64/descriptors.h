/* SPDX-License-Identifier: MIT */
/* GDT, IDT and TSS of a CPU. */
#pragma once

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/trap.h"

/* Loads this CPU's descriptor tables and sets GS to @cpu. The first thing a CPU does. */
void descriptors_init(struct cpu *cpu);

/* Makes the tables and exception stacks of a CPU that will start later. False when out of memory; the caller leaves the CPU out. */
bool descriptors_alloc(struct cpu *cpu);

/* Moves the exception stacks of the boot CPU to where guard pages lie below them. Once, when there are kernel mappings. False when out of memory. */
bool descriptors_guard_stacks(struct cpu *cpu);

/* The stack that the next entry from user mode will use. */
static inline void descriptors_set_kernel_stack(struct cpu *cpu, uint64_t rsp)
{
	cpu->tss.rsp[0] = rsp;
	cpu->user_frame = (struct trap_frame *)rsp - 1;
}

/* Sets up SYSCALL/SYSRET for this CPU. */
void syscall_init(void);
