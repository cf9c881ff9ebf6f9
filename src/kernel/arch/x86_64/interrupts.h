/* SPDX-License-Identifier: MIT */
/* Hardware interrupts: vectors, the controllers behind them, and the per-CPU timer interrupt. */
#pragma once

#include "lib/types.h"
#include "arch/x86_64/trap.h"

enum {
	VECTOR_ISA_BASE = 32,		/* ISA interrupts 0 to 15 */
	VECTOR_TIMER = 48,		/* the local APIC's timer */
	VECTOR_RESCHEDULE = 49,		/* from other CPUs: look at need_resched (arch/x86_64/smp.h) */
	VECTOR_TLB = 50,		/* from other CPUs: look at tlb_requests (arch/x86_64/tlb.h) */
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
/* The same for a CPU that comes later: its local APIC. */
void interrupts_init_cpu(void);

/* From trap.c, interrupts off. */
void interrupts_dispatch(struct trap_frame *frame);

/* Handler of VECTOR_TIMER (and of ISA interrupt 0 when the PIT is the timer). */
void interrupts_set_timer_handler(void (*handler)(struct trap_frame *frame));

/* Counts since boot, for /proc/interrupts: returns the name or NULL when @isa_irq has no handler. */
const char *interrupts_describe(unsigned isa_irq, uint64_t *count);
uint64_t interrupts_total(void);	/* on all CPUs */

extern const struct interrupt_controller pic_controller, apic_controller;
void pic_remap_and_mask(void);
/* Finds and sets up local APIC and I/O APIC from the MADT. False: use the PIC. */
bool apic_init(void);
void apic_init_cpu(void);
/*
 * The APIC ids of the other CPUs that the MADT calls usable, at most @max of them, in its order; @ids may be NULL. Returns how many there are, at most
 * @max. None without an APIC.
 */
unsigned apic_other_cpus(unsigned *ids, unsigned max);
/* How many CPUs the MADT calls usable, with this one and those that are left out: beyond CPU_MAX, or with APIC ids above 254. 1 without an APIC. */
unsigned apic_cpus_there(void);
/* Interprocessor interrupts (Intel SDM vol. 3A §10.6). Any context. */
void apic_send_init(unsigned apic_id);
void apic_send_startup(unsigned apic_id, paddr_t page);	/* below 1 MiB */
void apic_send_vector(unsigned apic_id, unsigned vector);
void apic_send_nmi(unsigned apic_id);
void apic_timer_start(uint64_t ticks);
uint32_t apic_timer_count(void);
