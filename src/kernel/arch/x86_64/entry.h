/* SPDX-License-Identifier: MIT */
/* The symbols of entry.asm and boot.asm that C code names. */
#pragma once

#include "lib/types.h"

extern char trap_stubs[];		/* 256 entry points, 16 bytes apart */
extern char trap_return[];		/* where trap_dispatch returns to: what a backtrace knows a trap frame by */
extern char syscall_entry[];		/* what MSR_LSTAR points to */
extern char syscall_entry_end[];	/* code up to here calls handlers with the program's frame pointer: a backtrace ends there */
extern char thread_trampoline[];	/* the first instruction of a new thread */
extern char boot_stack_base[];		/* the boot stack, KERNEL_STACK_SIZE bytes; the boot CPU's idle thread keeps it */

/* Saves the callee-saved registers and the stack pointer, continues on the other stack. */
void context_switch(uint64_t *save_rsp, uint64_t load_rsp);

/* Called by thread_trampoline on the new stack. */
void thread_first_run(void);

struct trap_frame;
void trap_dispatch(struct trap_frame *frame);
