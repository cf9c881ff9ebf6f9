/* SPDX-License-Identifier: MIT */
/* GDT, IDT and TSS of a CPU. */
#pragma once

#include "arch/x86_64/cpu.h"

/* Loads this CPU's descriptor tables and sets GS to @cpu. The first thing a CPU does. */
void descriptors_init(struct cpu *cpu);

/* Moves the exception stacks of @cpu to where guard pages lie below them. Once, when there are kernel mappings. */
void descriptors_guard_stacks(struct cpu *cpu);

/* The stack that the next entry from user mode will use. */
void descriptors_set_kernel_stack(struct cpu *cpu, uint64_t rsp);

/* Sets up SYSCALL/SYSRET for this CPU. */
void syscall_init(void);
