/* SPDX-License-Identifier: MIT */
/* Where every exception and interrupt arrives from entry.asm. */
#include "arch/x86_64/debug_registers.h"
#include "arch/x86_64/entry.h"
#include "arch/x86_64/fpu.h"
#include "arch/x86_64/trap.h"
#include "arch/x86_64/interrupts.h"
#include "arch/x86_64/smp.h"
#include "debug/panic_internal.h"
#include "debug/trace/trace.h"
#include "lib/log.h"
#include "lib/panic.h"
#include "mm/address_space.h"
#include "mm/kernel_map.h"
#include "mm/user_copy.h"
#include "process/ptrace.h"
#include "process/rseq.h"
#include "process/signal.h"
#include "sched/scheduler.h"
#include "syscall/syscall.h"

#include <asm/siginfo.h>
#include <asm/signal.h>

enum {
	VECTOR_DEBUG = 1, VECTOR_NMI = 2, VECTOR_BREAKPOINT = 3, VECTOR_DOUBLE_FAULT = 8, VECTOR_PAGE_FAULT = 14, VECTOR_X87 = 16, VECTOR_SIMD = 19,
	FLAGS_IF = 0x200,
};

static const struct { const char *name; uint8_t signal; int code; } exceptions[32] = {
	[0] = { "divide error", SIGFPE, FPE_INTDIV },
	[1] = { "debug exception", SIGTRAP, TRAP_BRKPT },
	[2] = { "non-maskable interrupt", 0, 0 },
	[3] = { "breakpoint", SIGTRAP, SI_KERNEL },
	[4] = { "overflow", SIGSEGV, SI_KERNEL },
	[5] = { "bound range exceeded", SIGSEGV, SI_KERNEL },
	[6] = { "invalid opcode", SIGILL, ILL_ILLOPN },
	[7] = { "device not available", SIGFPE, SI_KERNEL },
	[8] = { "double fault", 0, 0 },
	[10] = { "invalid TSS", SIGSEGV, SI_KERNEL },
	[11] = { "segment not present", SIGBUS, SI_KERNEL },
	[12] = { "stack fault", SIGBUS, SI_KERNEL },
	[13] = { "general protection fault", SIGSEGV, SI_KERNEL },
	[14] = { "page fault", SIGSEGV, SI_KERNEL },
	[16] = { "x87 floating-point error", SIGFPE, FPE_FLTINV },
	[17] = { "alignment check", SIGBUS, BUS_ADRALN },
	[18] = { "machine check", 0, 0 },
	[19] = { "SIMD floating-point error", SIGFPE, FPE_FLTINV },
};

struct trap_frame *thread_user_frame(void)
{
	struct thread *thread = current_thread();

	return (struct trap_frame *)((char *)thread->stack_base + KERNEL_STACK_SIZE) - 1;
}

/* The flags have the same order in both control words (Intel SDM vol. 1 §8.1.3 and §10.2.3). */
static int float_code(unsigned flags)
{
	enum { INVALID = 1, DENORMAL = 2, DIVIDE = 4, OVERFLOW = 8, UNDERFLOW = 16, PRECISION = 32 };

	if (flags & INVALID)
		return FPE_FLTINV;
	if (flags & DIVIDE)
		return FPE_FLTDIV;
	if (flags & OVERFLOW)
		return FPE_FLTOVF;
	if (flags & (UNDERFLOW | DENORMAL))
		return FPE_FLTUND;
	return flags & PRECISION ? FPE_FLTRES : FPE_FLTINV;
}

static void exception(struct trap_frame *frame)
{
	uint64_t fixup;

	if (frame->vector == VECTOR_NMI && smp_is_stopping())	/* another CPU's (smp_stop_others) */
		for (;;)
			__asm__ volatile("cli; hlt");
	if (frame->vector == VECTOR_BREAKPOINT && trace_point_skip(frame))
		return;
	if (trap_from_user(frame) && exceptions[frame->vector].signal) {
		int code = exceptions[frame->vector].code;
		uint64_t addr = code == SI_KERNEL ? 0 : frame->rip;

		if (frame->vector == VECTOR_DEBUG) {
			code = ptrace_debug_code(frame, debug_take_status());
			if (!code || ptrace_forgets_step(frame))
				return;
		} else if (frame->vector == VECTOR_X87 || frame->vector == VECTOR_SIMD) {
			code = float_code(fpu_pending_exceptions(frame->vector == VECTOR_SIMD));
		}
		interrupts_enable();
		signal_force_fault(exceptions[frame->vector].signal, code, addr, frame->vector, frame->error);
		return;
	}
	if (frame->vector == VECTOR_DEBUG && ptrace_ignores_debug(frame))
		return;
	/* A user copy with a non-canonical address raises #GP instead of a page fault. */
	fixup = frame->vector == 13 ? user_copy_fixup(frame->rip) : 0;
	if (fixup) {
		frame->rip = fixup;
		return;
	}
	/* The CPU cannot push a page fault's frame on a stack that has run into its guard page. */
	if (frame->vector == VECTOR_DOUBLE_FAULT && kernel_address_is_stack_guard(cpu_read_cr2()))
		panic_with_frame(frame, "kernel stack overflow at %#lx", cpu_read_cr2());
	panic_with_frame(frame, "%s in the kernel (vector %lu, error %#lx)",
			 exceptions[frame->vector].name ? exceptions[frame->vector].name : "unexpected exception",
			 frame->vector, frame->error);
}

/* Called from entry.asm with interrupts off. On return to user mode pending work is done and the frame may have been changed. */
void trap_dispatch(struct trap_frame *frame)
{
	if (frame->vector == VECTOR_PAGE_FAULT) {
		uint64_t addr = cpu_read_cr2();

		if (frame->rflags & FLAGS_IF)
			interrupts_enable();
		trace_fault_enter(frame, addr);
		page_fault(frame, addr);
		trace_fault_leave();
		interrupts_disable();
	} else if (frame->vector < VECTOR_FIRST_IRQ) {
		exception(frame);
		interrupts_disable();
	} else {
		trace_interrupt_enter(frame->vector);
		interrupts_dispatch(frame);
		trace_interrupt_leave();
		scheduler_preempt_from_interrupt(frame);
	}
	if (!trap_from_user(frame))
		return;
	if (frame->vector < VECTOR_FIRST_IRQ)
		rseq_disturb_if_switched(current_thread());
	syscall_exit_work(frame);
}
