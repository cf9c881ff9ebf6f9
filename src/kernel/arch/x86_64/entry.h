/* SPDX-License-Identifier: MIT */
/* The symbols of entry.asm and boot.asm that C code names. */
#pragma once

#include "lib/types.h"

extern char exception_stubs[];		/* the entry points of vectors 0 to 31, STUB_LEN bytes apart */
extern char interrupt_stubs[];		/* those of the others, SHORT_STUB_LEN apart, in groups with a jump behind each */
enum { STUB_LEN = 9, SHORT_STUB_LEN = 4, GROUP_STUBS = 28, GROUP_LEN = GROUP_STUBS * SHORT_STUB_LEN + 5 };
extern char trap_return[];		/* where trap_dispatch returns to: what a backtrace knows a trap frame by */
extern char syscall_entry[];		/* what MSR_LSTAR points to */
extern char syscall_entry_end[];	/* code up to here calls handlers with the program's frame pointer: a backtrace ends there */
/* Where a thread goes on that slept in the short way of messages (message_path.inc, notify_path.inc). */
extern char message_ask_resume[], message_serve_resume[], message_notified_resume[];
extern char thread_trampoline[];	/* the first instruction of a new thread */
extern char boot_tables[];		/* the tables that boot.asm starts with: a PML4 first, which maps the first 4 GiB where they are */
extern char ap_trampoline[], ap_trampoline_end[];	/* ap_start.asm: the code that is copied to low memory */
extern char ap_parameters[], ap_entry[];	/* in it: what smp.c fills in; in the image: where it goes on */
extern char boot_stack_base[];		/* the boot stack, KERNEL_STACK_SIZE bytes; the boot CPU's idle thread keeps it */

/*
 * Continues on another stack, where another thread has left in the same way: on top lies the address to go on at, then the frame pointer. The compiler
 * saves what else it needs.
 */
static inline __attribute__((always_inline)) void context_switch(uint64_t *save_rsp, uint64_t load_rsp)
{
	__asm__ volatile(
		"	pushq %%rbp\n"
		"	leaq 1f(%%rip), %%rax\n"
		"	pushq %%rax\n"
		"	movq %%rsp, (%0)\n"
		"	movq %1, %%rsp\n"
		"	ret\n"
		"1:	popq %%rbp\n"
		: "+D"(save_rsp), "+S"(load_rsp)
		:: "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc");
}

/* Called by thread_trampoline on the new stack. */
void thread_first_run(void);
/* Called by message_ask_from_kernel when the thread goes on: the run queue is locked. */
void thread_came_back(void);

struct endpoint;
struct port;
bool message_ask_from_kernel(struct endpoint *me, struct port *port);	/* message_path.inc */

struct trap_frame;
/* Leaves the kernel at once, as trap_dispatch's end does. @frame: the calling thread's; interrupts are off. */
__attribute__((noreturn)) static inline void enter_user_mode(struct trap_frame *frame)
{
	__asm__ volatile("movq %0, %%rsp; jmp trap_return" :: "r"(frame) : "memory");
	__builtin_unreachable();
}
void trap_dispatch(struct trap_frame *frame);
