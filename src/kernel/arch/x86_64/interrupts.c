/* SPDX-License-Identifier: MIT */
/* Registration and dispatch of hardware interrupts. Handlers are registered at boot and never removed, so the table needs no lock. */
#include "arch/x86_64/interrupts.h"
#include "arch/x86_64/tlb.h"
#include "lib/atomic.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "security/random.h"
#include "sync/spinlock.h"

enum { HANDLERS_PER_IRQ = 2 };	/* COM1 and COM3 share one line, as do COM2 and COM4 */

static struct {
	struct { irq_handler_fn *handler; void *context; } handlers[HANDLERS_PER_IRQ];
	const char *name;
	uint64_t count;		/* written by the boot CPU, which gets them all */
} lines[ISA_IRQ_COUNT];

static const struct interrupt_controller *controller = &pic_controller;
static void (*timer_handler)(struct trap_frame *frame);
static struct spinlock register_lock = SPINLOCK_INIT(LOCK_IRQ_LINES);

void interrupts_init(bool safe)
{
	pic_remap_and_mask();
	if (!safe && apic_init())
		controller = &apic_controller;
	log_info("interrupts: %s", controller->name);
}

bool interrupts_use_apic(void)
{
	return controller == &apic_controller;
}

void interrupts_init_cpu(void)
{
	apic_init_cpu();
}

int irq_register(unsigned isa_irq, irq_handler_fn *handler, void *context, const char *name)
{
	uint64_t flags;
	int i;

	if (isa_irq >= ISA_IRQ_COUNT)
		return -EINVAL;
	flags = spin_lock_irq(&register_lock);
	for (i = 0; i < HANDLERS_PER_IRQ && lines[isa_irq].handlers[i].handler; i++)
		;
	if (i < HANDLERS_PER_IRQ) {
		lines[isa_irq].handlers[i].context = context;
		atomic_store(&lines[isa_irq].handlers[i].handler, handler);
		if (!lines[isa_irq].name)
			lines[isa_irq].name = name;
		controller->enable(isa_irq);
	}
	spin_unlock_irq(&register_lock, flags);
	return i < HANDLERS_PER_IRQ ? 0 : -EBUSY;
}

void interrupts_set_timer_handler(void (*handler)(struct trap_frame *frame))
{
	timer_handler = handler;
}

static void dispatch_line(unsigned isa_irq)
{
	lines[isa_irq].count++;
	for (int i = 0; i < HANDLERS_PER_IRQ; i++)
		if (lines[isa_irq].handlers[i].handler)
			lines[isa_irq].handlers[i].handler(lines[isa_irq].handlers[i].context);
}

void interrupts_dispatch(struct trap_frame *frame)
{
	unsigned vector = frame->vector;
	struct cpu *cpu = this_cpu();

	if (controller->is_spurious(vector))
		return;
	cpu->interrupts.all++;
	preempt_disable();
	if (KERNEL_CHECKS)
		lock_note_interrupt(true);
	if (vector == VECTOR_TIMER || (vector == VECTOR_ISA_BASE && !interrupts_use_apic())) {
		cpu->interrupts.timer++;
		controller->end(vector);
		if (timer_handler)
			timer_handler(frame);
	} else if (vector == VECTOR_TLB) {
		cpu->interrupts.tlb++;
		controller->end(vector);
		tlb_answer();
	} else if (vector == VECTOR_RESCHEDULE) {
		/* What it is for happens on the way back. */
		cpu->interrupts.reschedule++;
		controller->end(vector);
	} else if (vector >= VECTOR_ISA_BASE && vector < VECTOR_ISA_BASE + ISA_IRQ_COUNT) {
		dispatch_line(vector - VECTOR_ISA_BASE);
		controller->end(vector);
	} else {
		log_warning("interrupts: nobody expects vector %u", vector);
		controller->end(vector);
	}
	random_add_timing();
	if (KERNEL_CHECKS)
		lock_note_interrupt(false);
	/* Not preempt_enable(): the trap exit decides about switching, after the interrupt's own work is done. */
	preempt_enable_unseen();
}

const char *interrupts_describe(unsigned isa_irq, uint64_t *count)
{
	if (isa_irq >= ISA_IRQ_COUNT)
		return NULL;
	*count = lines[isa_irq].count;
	for (unsigned i = 0; isa_irq == 0 && i < CPU_MAX; i++)
		*count += cpus[i] ? cpus[i]->interrupts.timer : 0;
	return isa_irq == 0 ? "timer" : lines[isa_irq].name;
}

uint64_t interrupts_total(void)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < CPU_MAX; i++)
		total += cpus[i] ? cpus[i]->interrupts.all : 0;
	return total;
}
