/* SPDX-License-Identifier: MIT */
/*
 * Per-CPU data, reached through GS while in the kernel, and the small privileged instructions. `struct cpu` of another CPU
 * is only touched where a field says so.
 */
#pragma once

#include "lib/types.h"
#include "lib/list.h"

struct thread;
struct run_queue;
struct frame;
struct trap_frame;
struct path_memo;

/* Task state segment (Intel SDM vol. 3A §8.7): stacks for the kernel. */
struct tss {
	uint32_t reserved0;
	uint64_t rsp[3];
	uint64_t reserved1;
	uint64_t ist[7];
	uint64_t reserved2;
	uint16_t reserved3, io_map;
} __attribute__((packed));

/* How busy time divides into the user's and the system's, guarded by the CPU's run queue lock but for the ticks, which its timer interrupt counts. */
struct time_split {
	uint64_t user_ticks, system_ticks;	/* how often the timer has interrupted either */
	uint64_t user_ns, total_ns;		/* what was told last (sched/stats.c) */
};

/* Free frames at hand (mm/frame.c), and clean page tables (paging.c). Each CPU's own; others read counts now and then. */
enum { FRAME_MAGAZINE_SIZE = 63, TABLE_STOCK_SIZE = 23 };
struct frame_magazine {
	size_t count;
	struct frame *frames[FRAME_MAGAZINE_SIZE];
};
struct table_stock {
	size_t count;
	struct frame *tables[TABLE_STOCK_SIZE];
};

/* In groups that begin with a cache line each, so that other CPUs disturb this one only where they really have something to do with it. */
struct cpu {
	/* What everybody reads, and only this CPU writes, at a switch or never. */
	struct cpu *self;		/* offset 0: this_cpu() is one load */
	struct thread *current;		/* the running thread; written by the context switch only */
	struct run_queue *run_queue;
	struct thread *idle;
	uint64_t sleeps_here;		/* what thread->run_state and ->cpu are for a thread that sleeps and belongs here (message_path.inc) */
	uint64_t stack_canary;		/* offset 40: GCC's stack protector reads %gs:40; the same on all CPUs */
	unsigned id;			/* 0 is the boot CPU */
	unsigned apic_id;
	struct path_memo *path_memos;	/* paths walked here (vfs/path_ready.h) */

	/* What other CPUs write, or read in order to write. */
	uint32_t need_resched __attribute__((aligned(64)));	/* set to ask for a switch at the next chance */
	uint32_t tlb_state;		/* enum tlb_state; atomic */
	uint64_t tlb_requests;		/* atomic: which CPUs wait for this one to flush its TLB (arch/x86_64/tlb.c) */
	paddr_t loaded_root;		/* what CR3 holds; written by this CPU only */
	uint32_t start_state;		/* enum cpu_start_state; atomic */

	/* Its own; others read counts and times now and then. */
	struct trap_frame *user_frame __attribute__((aligned(64)));	/* at the top of current's kernel stack, for SYSCALL entry */
	uint64_t scratch_rsp;		/* the user's RSP for the few instructions after SYSCALL */
	uint32_t preempt_count;		/* > 0 forbids preemption: spinlocks held + interrupt depth */
	struct thread *fpu_owner;	/* whose FPU registers are left here by who left last for a thread without any; see thread->fpu_cpu */
	uint64_t quantum_end;		/* TSC: when the running thread's quantum ends; 0: no need to interrupt it */
	uint64_t timer_event;		/* TSC: by when the timer hardware will interrupt; UINT64_MAX: it will not */
	struct thread *left;		/* left the CPU dead or to run elsewhere; seen to by the thread after it. @idle: see sched/realtime.c */
	uint64_t switches, forks;
	struct time_split times;
	void *gdt;
	struct tss tss;
	uint64_t balance_at;		/* TSC: when it looks again whether another CPU has more to do (sched/placement.c) */
	struct { uint64_t since, used, period_end; } realtime;	/* TSC, cycles, TSC; own CPU, interrupts off (sched/realtime.c) */
	int64_t memory_counts[7];	/* mm/memory_counters.h; read by anybody */
	struct { uint64_t all, timer, reschedule, tlb; } interrupts;	/* counts; read by anybody */
	struct frame_magazine magazine;
	struct table_stock table_stock;
} __attribute__((aligned(64)));

_Static_assert(__builtin_offsetof(struct cpu, self) == 0 && __builtin_offsetof(struct cpu, stack_canary) == 40, "as the compiler and this_cpu() have it");
_Static_assert(__builtin_offsetof(struct cpu, need_resched) == 64, "the first group has one line");

/* A field of this CPU's, as an operand; with the field's offset as operand N: CPU_FIELD(N). */
#define CPU_OFFSET(field) "i"(__builtin_offsetof(struct cpu, field))
#define CPU_FIELD(n) "%%gs:%c" #n

enum { CPU_MAX = 64 };

extern struct cpu *cpus[CPU_MAX];	/* by id; NULL where no CPU runs. Each is set once, before the CPU's bit in cpus_online */
extern uint64_t cpus_online;		/* atomic: a bit for each CPU that runs; bits are never taken away */

unsigned cpus_count(void);		/* how many run */

/* Whether there are others to think of. Once true it stays true. */
static inline bool cpus_several(void)
{
	return __atomic_load_n(&cpus_online, __ATOMIC_RELAXED) != 1;
}

/* The calling CPU's data. Stable only while preemption is off. */
static inline struct cpu *this_cpu(void)
{
	struct cpu *cpu;

	__asm__ volatile("movq %%gs:0, %0" : "=r"(cpu));
	return cpu;
}

/* The running thread. Its own identity never changes under it, so the compiler may keep the value. */
SHARED_INLINE struct thread *current_thread(void)
{
	struct thread *thread;

	__asm__("movq " CPU_FIELD(1) ", %0" : "=r"(thread) : CPU_OFFSET(current));
	return thread;
}

/* Its user registers: thread_user_frame() in one load. Only in system calls, and by user threads. */
static inline struct trap_frame *cpu_user_frame(void)
{
	struct trap_frame *frame;

	__asm__("movq " CPU_FIELD(1) ", %0" : "=r"(frame) : CPU_OFFSET(user_frame));
	return frame;
}

SHARED_INLINE void preempt_disable(void)
{
	__asm__ volatile("incl " CPU_FIELD(0) :: CPU_OFFSET(preempt_count) : "memory");
}

/* In one instruction: two could read the count of a CPU that the thread has left in between. */
static inline bool preemption_is_off(void)
{
	uint32_t count;

	__asm__ volatile("movl " CPU_FIELD(1) ", %0" : "=r"(count) : CPU_OFFSET(preempt_count));
	return count;
}

/* Switches if a switch was asked for, preemption is allowed and interrupts are on (sched/scheduler.c). */
void preempt_check(void);

/* Leaves a no-preemption section. Returns whether the caller must call preempt_check(): a switch was asked for meanwhile. */
SHARED_INLINE uint32_t preempt_enable_quietly(void)
{
	uint32_t wanted;

	__asm__ volatile("decl " CPU_FIELD(1) "; movl " CPU_FIELD(2) ", %0" : "=r"(wanted) : CPU_OFFSET(preempt_count), CPU_OFFSET(need_resched) : "memory");
	return wanted;
}

/* Leaves one where somebody else will see to a switch that was asked for. */
static inline void preempt_enable_unseen(void)
{
	__asm__ volatile("decl " CPU_FIELD(0) :: CPU_OFFSET(preempt_count) : "memory");
}

/* Leaves a no-preemption section; switches at once if a switch was asked for meanwhile. */
SHARED_INLINE void preempt_enable(void)
{
	if (unlikely(preempt_enable_quietly()))
		preempt_check();
}

SHARED_INLINE uint64_t interrupts_save(void)
{
	uint64_t flags;

	__asm__ volatile("pushfq; popq %0; cli" : "=r"(flags) :: "memory");
	return flags;
}

SHARED_INLINE void interrupts_restore(uint64_t flags)
{
	if (flags & 0x200)
		__asm__ volatile("sti" ::: "memory");
}

static inline void interrupts_enable(void) { __asm__ volatile("sti" ::: "memory"); }
static inline void interrupts_disable(void) { __asm__ volatile("cli" ::: "memory"); }

static inline bool interrupts_enabled(void)
{
	uint64_t flags;

	__asm__ volatile("pushfq; popq %0" : "=r"(flags));
	return flags & 0x200;
}

static inline void cpu_relax(void) { __asm__ volatile("pause"); }
static inline void cpu_write_caches_back(void) { __asm__ volatile("wbinvd" ::: "memory"); }

/* Interrupts are off, and on afterwards: none comes between that and the wait. */
static inline void cpu_wait_for_interrupt(void) { __asm__ volatile("sti; hlt"); }

/* NMIs wake it, but it goes nowhere. */
__attribute__((noreturn)) static inline void cpu_stop(void)
{
	for (;;)
		__asm__ volatile("cli; hlt");
}

/* A fault whose handler faults, and no handler for that: a triple fault, which resets every PC. */
static inline void cpu_reset(void)
{
	static const struct { uint16_t limit; uint64_t base; } __attribute__((packed)) empty_idt;

	__asm__ volatile("lidt %0; int3" :: "m"(empty_idt));
}

/* Adds to @field of this CPU's in one instruction that nothing can come between. */
#define CPU_ADD(field, delta) __asm__ volatile("addq %0, " CPU_FIELD(1) :: "er"(delta), CPU_OFFSET(field) : "memory", "cc")

/* False when there is none just now. Only if cpu_features has the instruction. */
static inline bool cpu_rdseed(uint64_t *value)
{
	bool ok;

	__asm__ volatile("rdseed %0" : "=r"(*value), "=@ccc"(ok));
	return ok;
}

static inline bool cpu_rdrand(uint64_t *value)
{
	bool ok;

	__asm__ volatile("rdrand %0" : "=r"(*value), "=@ccc"(ok));
	return ok;
}

static inline uint64_t cpu_read_tsc(void)
{
	uint64_t low, high;	/* the upper halves are cleared */

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return high << 32 | low;
}

static inline uint64_t cpu_read_msr(uint32_t msr)
{
	uint32_t low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return (uint64_t)high << 32 | low;
}

static inline void cpu_write_msr(uint32_t msr, uint64_t value)
{
	__asm__ volatile("wrmsr" :: "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}

static inline void cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
	__asm__ volatile("cpuid" : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3]) : "a"(leaf), "c"(subleaf));
}

static inline uint64_t cpu_read_cr2(void) { uint64_t v; __asm__ volatile("movq %%cr2, %0" : "=r"(v)); return v; }
static inline uint64_t cpu_read_cr3(void) { uint64_t v; __asm__ volatile("movq %%cr3, %0" : "=r"(v)); return v; }
static inline void cpu_write_cr3(uint64_t v) { __asm__ volatile("movq %0, %%cr3" :: "r"(v) : "memory"); }

/* What the CPU offers, found once at boot (arch/x86_64/features.c). */
struct cpu_features {
	bool smep, smap, umip, nx, pge, xsave, xsaveopt, rdrand, rdseed, page_1g, erms, pat;
	uint64_t xsave_mask;	/* XCR0 as set */
	unsigned fpu_area_size;	/* bytes of a thread's FPU save area */
	char vendor[13];
	char brand[49];
	unsigned family, model, stepping;
};
extern struct cpu_features cpu_features;
