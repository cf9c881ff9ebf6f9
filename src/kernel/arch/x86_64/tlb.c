/* SPDX-License-Identifier: MIT */
/*
 * TLB shootdown. Each CPU has one request, its own, that others read; whom it concerns is told by a bit in the other's tlb_requests and an interrupt.
 *
 * Who has to be told is read from each CPU's loaded_root, which says TLB_ROOT_CHANGING before, while and until after CR3 is loaded. Loading CR3 serialises
 * (Intel SDM vol. 3A §8.3), and entries are changed before we look: so either we see the root there, or that CPU's walks see the new entries; and
 * nobody frees tables that CR3 still holds.
 */
#include "arch/x86_64/tlb.h"
#include "arch/x86_64/interrupts.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/smp.h"
#include "lib/atomic.h"

enum { FLUSH_PAGES_MAX = 32, CR4_PGE = 1 << 7 };

enum request_kind { FLUSH_PROGRAM, FLUSH_KERNEL, FORGET_ROOT };

struct request {
	enum request_kind kind;
	paddr_t root;
	uint64_t start, end;
	uint64_t waiting;	/* atomic: CPUs that have not answered */
} __attribute__((aligned(64)));

static struct request requests[CPU_MAX];	/* by CPU; its own except for `waiting` */

static void flush_local(paddr_t root, uint64_t start, uint64_t end)
{
	if (end - start > FLUSH_PAGES_MAX * (uint64_t)PAGE_SIZE) {
		cpu_write_cr3(root);
		return;
	}
	for (; start < end; start += PAGE_SIZE)
		tlb_flush_page_local(start);
}

/* Global entries outlive a load of CR3; a change of CR4.PGE drops all there are (Intel SDM vol. 3A §4.10.4.1). */
void tlb_flush_everything_local(void)
{
	uint64_t cr4;

	__asm__ volatile("movq %%cr4, %0" : "=r"(cr4));
	if (cr4 & CR4_PGE)
		__asm__ volatile("movq %0, %%cr4; movq %1, %%cr4" :: "r"(cr4 ^ CR4_PGE), "r"(cr4) : "memory");
	else
		cpu_write_cr3(cpu_read_cr3());
}

static void flush_kernel_local(uint64_t start, uint64_t end)
{
	if (end - start > FLUSH_PAGES_MAX * (uint64_t)PAGE_SIZE) {
		tlb_flush_everything_local();
		return;
	}
	for (; start < end; start += PAGE_SIZE)
		tlb_flush_page_local(start);
}

static void answer(struct cpu *cpu, const struct request *request)
{
	if (request->kind == FLUSH_KERNEL)
		flush_kernel_local(request->start, request->end);
	else if (cpu->loaded_root != request->root)
		return;
	else if (request->kind == FORGET_ROOT)
		tlb_load_root(cpu, paging_kernel_root());
	else
		flush_local(request->root, request->start, request->end);
}

void tlb_answer(void)
{
	struct cpu *cpu = this_cpu();
	uint64_t asking;

	if (!atomic_load_relaxed(&cpu->tlb_requests))
		return;
	for (asking = atomic_exchange(&cpu->tlb_requests, 0); asking; asking &= asking - 1) {
		struct request *request = &requests[__builtin_ctzll(asking)];

		answer(cpu, request);
		atomic_and(&request->waiting, ~(1ull << cpu->id));
	}
}

/* Asks the CPUs in @targets and waits until all have done it. Preemption off. */
static void ask(struct cpu *cpu, uint64_t targets, enum request_kind kind, paddr_t root, uint64_t start, uint64_t end)
{
	struct request *request = &requests[cpu->id];

	if (!targets)
		return;
	request->kind = kind;
	request->root = root;
	request->start = start;
	request->end = end;
	atomic_store(&request->waiting, targets);
	for (; targets; targets &= targets - 1) {
		struct cpu *other = cpus[__builtin_ctzll(targets)];

		/* If somebody else's bit is still there, so is the interrupt. */
		if (!atomic_or(&other->tlb_requests, 1ull << cpu->id))
			apic_send_vector(other->apic_id, VECTOR_TLB);
	}
	/* In a panic the others have stopped, and answer no more. */
	while (atomic_load(&request->waiting) && !smp_is_stopping()) {
		tlb_answer();
		cpu_relax();
	}
}

/* Whether @other, which idles, has been told to flush later. */
static bool put_off(struct cpu *other)
{
	uint32_t state = TLB_LAZY;

	return atomic_compare_exchange(&other->tlb_state, &state, TLB_STALE) || state == TLB_STALE;
}

static uint64_t others_with_root(struct cpu *cpu, paddr_t root, bool disturb_idle)
{
	uint64_t targets = 0;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (uint64_t rest = atomic_load(&cpus_online) & ~(1ull << cpu->id); rest; rest &= rest - 1) {
		struct cpu *other = cpus[__builtin_ctzll(rest)];

		paddr_t loaded = atomic_load(&other->loaded_root);

		if (loaded == TLB_ROOT_CHANGING || (loaded == root && (disturb_idle || !put_off(other))))
			targets |= 1ull << other->id;
	}
	return targets;
}

static __attribute__((noinline)) void flush_others(struct cpu *cpu, paddr_t root, uint64_t start, uint64_t end, bool tables)
{
	ask(cpu, others_with_root(cpu, root, tables), FLUSH_PROGRAM, root, start, end);
}

void tlb_flush_range_local(paddr_t root, uint64_t start, uint64_t end)
{
	if (this_cpu()->loaded_root == root)
		flush_local(root, start, end);
}

void tlb_flush_range(paddr_t root, uint64_t start, uint64_t end, bool tables)
{
	struct cpu *cpu = this_cpu();

	if (cpu->loaded_root == root)
		flush_local(root, start, end);
	if (unlikely(cpus_several()))
		flush_others(cpu, root, start, end, tables);
}

void tlb_flush_all(paddr_t root, bool tables)
{
	tlb_flush_range(root, 0, UINT64_MAX, tables);
}

void tlb_flush_kernel_range(uint64_t start, uint64_t end)
{
	struct cpu *cpu;

	preempt_disable();
	cpu = this_cpu();
	flush_kernel_local(start, end);
	if (cpus_several())
		ask(cpu, atomic_load(&cpus_online) & ~(1ull << cpu->id), FLUSH_KERNEL, 0, start, end);
	preempt_enable();
}

void tlb_forget_root(paddr_t root)
{
	struct cpu *cpu;
	uint64_t flags = interrupts_save();

	preempt_disable();
	cpu = this_cpu();
	if (cpu->loaded_root == root)
		tlb_load_root(cpu, paging_kernel_root());
	interrupts_restore(flags);
	if (unlikely(cpus_several()))
		ask(cpu, others_with_root(cpu, root, true), FORGET_ROOT, root, 0, 0);
	preempt_enable();
}

void tlb_become_lazy(struct cpu *cpu)
{
	if (cpu->tlb_state == TLB_ACTIVE)
		atomic_store(&cpu->tlb_state, (uint32_t)TLB_LAZY);
}

void tlb_stop_being_lazy(struct cpu *cpu, paddr_t root)
{
	bool stale = atomic_exchange(&cpu->tlb_state, (uint32_t)TLB_ACTIVE) == TLB_STALE;

	if (stale || cpu->loaded_root != root)
		tlb_load_root(cpu, root);
}
