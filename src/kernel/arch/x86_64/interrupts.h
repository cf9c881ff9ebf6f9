/* SPDX-License-Identifier: MIT */
/* Hardware interrupts: vectors, the controllers behind them, and the per-CPU timer interrupt. */
#pragma once

#include "lib/types.h"
#include "arch/x86_64/trap.h"

enum {
	VECTOR_ISA_BASE = 32,		/* ISA interrupts 0 to 15 */
	VECTOR_TIMER = 48,		/* the local APIC's timer */
	VECTOR_SPURIOUS = 255,
	ISA_IRQ_COUNT = 16,
};

/* A controller pair: how ISA interrupts are routed. Chosen once at boot by what the machine has. */
struct interrupt_controller {
	const char *name;
	void (*enable)(unsigned isa_irq);
	void (*end)(unsigned vector);	/* end of interrupt */
	bool (*is_spurious)(unsigned vector);
};

/* Picks APIC (unless @safe or absent) or PIC. After it irq_register works; interrupts stay off. */
void interrupts_init(bool safe);
bool interrupts_use_apic(void);

/* From trap.c, interrupts off. */
void interrupts_dispatch(struct trap_frame *frame);

/* Handler of VECTOR_TIMER (and of ISA interrupt 0 when the PIT is the timer). */
void interrupts_set_timer_handler(void (*handler)(struct trap_frame *frame));

/* Counts since boot, for /proc/interrupts: returns the name or NULL when @isa_irq has no handler. */
const char *interrupts_describe(unsigned isa_irq, uint64_t *count);
uint64_t interrupts_total(void);

extern const struct interrupt_controller pic_controller, apic_controller;
void pic_remap_and_mask(void);
/* Finds and sets up local APIC and I/O APIC from the MADT. False: use the PIC. */
bool apic_init(void);
void apic_timer_start(uint64_t ticks);
uint32_t apic_timer_count(void);
