/* SPDX-License-Identifier: MIT */
/* The registers of interrupted code, as the entry stubs push them (entry.asm keeps the same order). */
#pragma once

#include "lib/types.h"

struct trap_frame {
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	uint64_t vector;	/* exception or interrupt number; TRAP_SYSCALL for SYSCALL */
	uint64_t error;		/* the CPU's error code; for SYSCALL the call number (rax on entry) */
	uint64_t rip, cs, rflags, rsp, ss;
};

enum { VECTOR_FIRST_IRQ = 32, TRAP_SYSCALL = 0x100 };

/* Segment selectors of the GDT; the order is what SYSCALL and SYSRET want (Intel SDM vol. 3A §5.8.8). */
enum { SELECTOR_KERNEL_CODE = 0x08, SELECTOR_KERNEL_DATA = 0x10, SELECTOR_USER_DATA = 0x1b, SELECTOR_USER_CODE = 0x23,
       SELECTOR_TSS = 0x28 };

static inline bool trap_from_user(const struct trap_frame *frame)
{
	return (frame->cs & 3) == 3;
}

/* The frame at the top of the calling user thread's kernel stack: its user registers. */
struct trap_frame *thread_user_frame(void);

/*
 * Interrupt handlers. They run with interrupts off, must not sleep. ISA interrupt numbers (0 to 15) are routed through
 * the I/O APIC or the 8259, whichever is in use.
 */
typedef void irq_handler_fn(void *context);
int irq_register(unsigned isa_irq, irq_handler_fn *handler, void *context, const char *name);
