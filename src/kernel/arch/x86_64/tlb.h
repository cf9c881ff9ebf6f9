/* SPDX-License-Identifier: MIT */
/*
 * TLB flushes on all CPUs. The page-table entries have been changed already; when these functions return no CPU uses the old ones. They wait for the
 * other CPUs, which answer in an interrupt, or while they wait for a lock themselves (sync/spinlock.h): so they may be called with spinlocks held
 * and with interrupts off.
 */
#pragma once

#include "arch/x86_64/cpu.h"

/*
 * Of the program whose page tables have the root @root. CPUs that do not have it loaded are not disturbed; those that have, but idle, flush when
 * they stop idling, unless page tables (not only pages) are about to be freed: @tables. Preemption off.
 */
void tlb_flush_range(paddr_t root, uint64_t start, uint64_t end, bool tables);
void tlb_flush_all(paddr_t root, bool tables);

/* Only this CPU's: the others' entries may stay as they are. Preemption off. */
void tlb_flush_range_local(paddr_t root, uint64_t start, uint64_t end);

/* Of the kernel half. May be called with preemption on. */
void tlb_flush_kernel_range(uint64_t start, uint64_t end);

/* On this CPU alone: all it has. Interrupts off. */
void tlb_flush_everything_local(void);

/* Makes every CPU that still has @root loaded, although nobody runs on it any more, load the kernel's tables. Interrupts on. */
void tlb_forget_root(paddr_t root);

/* Does what other CPUs ask this one for. Interrupts or preemption off. */
void tlb_answer(void);

enum tlb_state {
	TLB_ACTIVE,		/* a program runs */
	TLB_LAZY,		/* none does, the last one's tables are still loaded: flushing them can wait */
	TLB_STALE,		/* and it has to be done before a program runs */
};

/* The scheduler's part, for @cpu, this one. Interrupts off. A thread without a program comes: */
void tlb_become_lazy(struct cpu *cpu);
/* A program with the page tables @root comes: */
void tlb_stop_being_lazy(struct cpu *cpu, paddr_t root);

enum { TLB_ROOT_CHANGING = 1 };

static inline void tlb_load_root(struct cpu *cpu, paddr_t root)
{
	__atomic_store_n(&cpu->loaded_root, (paddr_t)TLB_ROOT_CHANGING, __ATOMIC_RELEASE);
	cpu_write_cr3(root);
	__atomic_store_n(&cpu->loaded_root, root, __ATOMIC_RELEASE);
}

static inline void tlb_use_root(struct cpu *cpu, paddr_t root)
{
	if (unlikely(cpu->tlb_state != TLB_ACTIVE))
		tlb_stop_being_lazy(cpu, root);
	else if (cpu->loaded_root != root)
		tlb_load_root(cpu, root);
}

static inline void tlb_flush_page_local(uint64_t virt)
{
	__asm__ volatile("invlpg (%0)" :: "r"(virt) : "memory");
}
