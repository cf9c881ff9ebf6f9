/* SPDX-License-Identifier: MIT */
/* The page-fault trap: who faulted, and what becomes of it. */
#include "mm/address_space.h"
#include "mm/kernel_map.h"
#include "mm/user_copy.h"
#include "arch/x86_64/trap.h"
#include "debug/panic_internal.h"
#include "lib/log.h"
#include "lib/panic.h"
#include "process/process.h"
#include "process/signal.h"

#include <asm/siginfo.h>
#include <asm/signal.h>

/* The CPU's error code (Intel SDM vol. 3A §4.7). */
enum { ERROR_PRESENT = 1, ERROR_WRITE = 2, ERROR_USER = 4, ERROR_RESERVED = 8, ERROR_FETCH = 16, PAGE_FAULT_VECTOR = 14 };

static enum fault_access access_of(uint64_t error)
{
	if (error & ERROR_FETCH)
		return FAULT_EXECUTE;
	return error & ERROR_WRITE ? FAULT_WRITE : FAULT_READ;
}

static inline struct fault_result resolve(uint64_t addr, enum fault_access access, bool user)
{
	struct thread *thread = current_thread();
	struct process *process = thread->process;

	if (unlikely(!process || !process->as || addr >= USER_END))
		return (struct fault_result){ SIGSEGV, SEGV_MAPERR };
	thread->minor_faults++;
	return address_space_fault(process->as, addr, access, user);
}

static const char *describe_kernel_fault(uint64_t addr, uint64_t error)
{
	if (addr < PAGE_SIZE)
		return error & ERROR_FETCH ? "call of a NULL function pointer" : "NULL pointer dereference";
	if (kernel_address_is_stack_guard(addr))
		return "kernel stack overflow";
	if (error & ERROR_RESERVED)
		return "corrupt page table (reserved bit set)";
	if (addr < USER_END && (error & ERROR_PRESENT))
		return error & ERROR_FETCH ? "execution of user memory (SMEP)" : "access to user memory outside a user copy (SMAP)";
	if (addr < USER_END)
		return "access to an unmapped user address";
	if (error & ERROR_FETCH)
		return error & ERROR_PRESENT ? "execution of data" : "jump to an unmapped address";
	if ((error & ERROR_WRITE) && (error & ERROR_PRESENT))
		return "write to read-only memory";
	return "access to an unmapped address";
}

static void fault_in_kernel(struct trap_frame *frame, uint64_t addr)
{
	uint64_t fixup = user_copy_fixup(frame->rip);

	if (!fixup || addr >= USER_END)
		panic_with_frame(frame, "page fault in the kernel: %s at %#lx (error %#lx)", describe_kernel_fault(addr, frame->error), addr,
				 frame->error);
	/* With preemption off the copy was meant for memory that is there: it ends here, and its caller goes the way that may sleep. */
	if (preemption_is_off()) {
		frame->rip = fixup;
		return;
	}
	struct fault_result result = resolve(addr, access_of(frame->error), false);

	if (!result.signal)
		return;
	if (result.signal == SIGKILL && process_end_for_memory())
		return;		/* the copy goes on where it was */
	frame->rip = fixup;
}

void page_fault(struct trap_frame *frame, uint64_t addr)
{
	if (!trap_from_user(frame)) {
		fault_in_kernel(frame, addr);
		return;
	}
	struct fault_result result = { SIGSEGV, SEGV_MAPERR };

	/*
	 * The CPU's own access on behalf of a program (QEMU reads the stack of IRET and far RET so) that SMAP forbids cannot be
	 * resolved: trying again would go on for ever.
	 */
	bool implicit = !(frame->error & ERROR_USER) && (frame->error & ERROR_PRESENT);

	if (likely(!(frame->error & ERROR_RESERVED) && !implicit))
		result = resolve(addr, access_of(frame->error), true);
	else if (!implicit)
		log_error("page fault at %#lx: corrupt page table (reserved bit set)", addr);
	if (likely(!result.signal))
		return;
	if (result.signal == SIGKILL)
		process_end_for_memory();
	else
		/* Nobody learns so what is there of the kernel. */
		signal_force_fault(result.signal, result.code, addr, PAGE_FAULT_VECTOR, frame->error | (addr >= USER_END ? ERROR_PRESENT : 0));
}
