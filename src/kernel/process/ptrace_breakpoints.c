/* SPDX-License-Identifier: MIT */
/*
 * The processor's breakpoints and watchpoints of threads: a tracer sets them as Linux's struct user has them. A thread that has some always has
 * THREAD_WORK_BREAKPOINTS, so that it passes by here whenever it goes to user mode, and loads them last of all. Nobody takes them out of the processor
 * where it switches: who is stopped by what another thread left there does that, and goes on.
 */
#include "arch/x86_64/debug_registers.h"
#include "arch/x86_64/entry.h"
#include "mm/heap.h"
#include "mm/user_copy.h"
#include "process/ptrace_internal.h"
#include "process/rseq.h"
#include "sched/scheduler.h"

#include <asm/siginfo.h>

enum { EXECUTE, WRITE, PORT, ACCESS, KIND = 3 };	/* what a slot stops */
enum { PTRACE_RFLAGS_RF = 0x10000 };

struct breakpoints {
	uint64_t registers[DEBUG_CONTROL + 1];	/* signal_lock, while the thread is stopped; else its own */
	uint8_t used;				/* slots that have ever been set: what DR7 says of them has to be right */
};

static struct breakpoints *breakpoints_of(struct thread *thread)
{
	struct breakpoints *all = thread->user.traced.breakpoints;

	if (all)
		return all;
	all = thread->user.traced.breakpoints = kzalloc(sizeof(*all));
	if (all)
		all->registers[DEBUG_STATUS] = DR6_EMPTY;
	return all;
}

void ptrace_drop_breakpoints(struct thread *self)
{
	struct breakpoints *all = self->user.traced.breakpoints;

	self->user.traced.breakpoints = NULL;
	kfree(all);
}

/* What DR7 says of a slot. */
static unsigned fields_of(uint64_t control, unsigned slot)
{
	return control >> (16 + slot * 4);
}

static bool is_on(uint64_t control, unsigned slot)
{
	return control >> slot * 2 & 3;
}

static bool slot_is_valid(uint64_t control, unsigned slot, uint64_t address)
{
	unsigned fields = fields_of(control, slot), kind = fields & KIND, length = fields >> 2 & 3;
	unsigned below = length == 2 ? 7 : length;	/* the bytes, less one */

	return kind != PORT && !(kind == EXECUTE && length) && !(address & below);
}

static bool set_address(struct breakpoints *all, unsigned slot, uint64_t address)
{
	if (address >= USER_END || (all->used >> slot & 1 && !slot_is_valid(all->registers[DEBUG_CONTROL], slot, address)))
		return false;
	all->used |= 1 << slot;
	return true;
}

static bool set_control(struct breakpoints *all, uint64_t control)
{
	unsigned used = all->used;

	for (unsigned i = 0; i < DEBUG_SLOTS; i++) {
		used |= is_on(control, i) << i;
		if (used >> i & 1 && !slot_is_valid(control, i, all->registers[i]))
			return false;
	}
	all->used = used;
	return true;
}

int ptrace_access_debug_register(struct thread *thread, unsigned index, uint64_t *word, bool write)
{
	struct breakpoints *all = thread->user.traced.breakpoints;

	if (!write) {
		*word = all ? all->registers[index] : index == DEBUG_STATUS ? DR6_EMPTY : 0;
		return 0;
	}
	if (index >= DEBUG_SLOTS && index < DEBUG_STATUS)
		return -EIO;
	all = breakpoints_of(thread);
	if (!all)
		return -ENOMEM;
	if (index < DEBUG_SLOTS ? !set_address(all, index, *word) : index == DEBUG_CONTROL && !set_control(all, *word))
		return -EINVAL;
	all->registers[index] = *word;
	atomic_or(&thread->user.work, THREAD_WORK_BREAKPOINTS);
	return 0;
}

/* Which of the thread's own slots have stopped it. */
static uint64_t take_hits(struct breakpoints *all, struct trap_frame *frame, uint64_t status)
{
	uint64_t control = all->registers[DEBUG_CONTROL];
	unsigned hits = 0;

	for (unsigned i = 0; i < DEBUG_SLOTS; i++) {
		if (!(status >> i & 1) || !is_on(control, i))
			continue;
		hits |= 1 << i;
		/* An instruction that stopped before it was executed does not stop again when it is. */
		if ((fields_of(control, i) & KIND) == EXECUTE)
			frame->rflags |= PTRACE_RFLAGS_RF;
	}
	all->registers[DEBUG_STATUS] = DR6_EMPTY | (status & DR6_SINGLE_STEP) | hits;
	return hits;
}

int ptrace_debug_code(struct trap_frame *frame, uint64_t status)
{
	struct breakpoints *all = current_thread()->user.traced.breakpoints;
	uint64_t hits = 0;

	debug_set_control(0);
	/*
	 * What the kernel does with the program's memory, also where it has come in the middle of an instruction's effects, is not told. After MOV SS the
	 * end of a program's single step may come with it.
	 */
	if (!trap_from_user(frame))
		return status & DR6_SLOTS ? 0 : TRAP_BRKPT;
	if (all)
		hits = take_hits(all, frame, status);
	if (status & DR6_SINGLE_STEP)
		return TRAP_TRACE;
	return hits ? TRAP_HWBKPT : status & DR6_SLOTS ? 0 : TRAP_BRKPT;
}

void ptrace_load_breakpoints(struct trap_frame *frame)
{
	struct thread *self = current_thread();
	struct breakpoints *all = self->user.traced.breakpoints;

	if (!all || !(all->registers[DEBUG_CONTROL] & DR7_ON)) {
		atomic_and(&self->user.work, ~THREAD_WORK_BREAKPOINTS);
		return;
	}
	if (ptrace_leads_nowhere(frame->rip))
		return;
	interrupts_disable();
	rseq_disturb_if_switched(self);
	if (!(this_cpu()->need_resched | (atomic_load_relaxed(&self->user.work) & ~THREAD_WORK_BREAKPOINTS))) {
		debug_load(all->registers);
		enter_user_mode(frame);
	}
	interrupts_enable();
	if (this_cpu()->need_resched)
		scheduler_reschedule();
}
