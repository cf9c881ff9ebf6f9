/* SPDX-License-Identifier: MIT */
/* The end: message, registers, backtrace on every console, then reboot or halt (panic=N). Takes no locks. */
#include "lib/panic.h"
#include "arch/x86_64/boot_layout.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/entry.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/smp.h"
#include "debug/crash_dump.h"
#include "debug/panic_internal.h"
#include "debug/symbols.h"
#include "drivers/power/power.h"
#include "init/boot_info.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "sched/clock.h"
#include "sched/thread.h"

enum { BACKTRACE_MAX = 32, LINE_MAX = 256 };

static uint32_t panicking;	/* atomic: how many panics have begun */
static unsigned panicking_cpu = CPU_MAX;	/* of the first */
static bool booted;

bool panic_started(void)
{
	return atomic_load(&panicking);
}

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	char line[LINE_MAX];
	va_list args;
	size_t len;

	va_start(args, format);
	len = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	len = MIN(len, sizeof(line) - 1);
	console_write_panic(line, len);
	crash_dump_add(line, len);
}

static void say_address(uint64_t addr)
{
	struct symbol_place place;

	symbol_find(addr, &place);
	say("  0x%016lx  %s+0x%lx  (link 0x%lx)\n", addr, place.name, place.offset, addr - boot_layout.slide);
}

/* Boot code is trusted until there are tables to ask. */
static bool readable(uint64_t addr)
{
	return addr >= DIRECT_MAP_BASE && (!paging_kernel_root() || paging_kernel_entry(addr));
}

/* A broken frame pointer may point anywhere: a fault here would cost the rest of the report. */
static bool plausible_frame(uint64_t rbp, uint64_t previous)
{
	return !(rbp & 7) && (!previous || (rbp > previous && rbp - previous < KERNEL_STACK_SIZE)) && readable(rbp) && readable(rbp + 8);
}

/* Goes on in the code that the trap frame at @addr interrupted: its frame pointer, or 0 where the backtrace ends. */
static uint64_t cross_trap(uint64_t addr)
{
	const struct trap_frame *trap = (const struct trap_frame *)addr;

	if (!plausible_frame(addr, 0) || !readable((uint64_t)(trap + 1) - 1))
		return 0;
	say("  -- trap, vector %lu, error %#lx, from %s\n", trap->vector, trap->error, trap_from_user(trap) ? "user mode" : "the kernel");
	if (trap_from_user(trap))
		return 0;
	say_address(trap->rip);
	return trap->rbp;
}

static bool is_code(uint64_t addr)
{
	return addr >= (uint64_t)image_start && addr < (uint64_t)image_rodata;
}

/* @rsp: of the code at @rip, or 0. */
static void backtrace(uint64_t rip, uint64_t rsp, uint64_t rbp)
{
	uint64_t previous = 0;

	say("backtrace (newest first):\n");
	say_address(rip);
	/* A call into nowhere has made no frame yet; its return address is the newest word of the stack. */
	if (!is_code(rip) && !(rsp & 7) && readable(rsp))
		say_address(*(const uint64_t *)rsp);
	for (int i = 0; i < BACKTRACE_MAX && plausible_frame(rbp, previous); i++) {
		const uint64_t *frame = (const uint64_t *)rbp;

		if (frame[1] < KERNEL_IMAGE_AREA)
			break;
		previous = rbp;
		rbp = frame[0];
		if (frame[1] == (uint64_t)trap_return) {
			previous = 0;	/* traps may change stacks */
			rbp = cross_trap(rbp);
		} else {
			say_address(frame[1]);
			if (frame[1] > (uint64_t)syscall_entry && frame[1] <= (uint64_t)syscall_entry_end)
				break;
		}
	}
}

static void say_registers(const struct trap_frame *f)
{
	say("rip %016lx rsp %016lx rflags %016lx cs %04lx ss %04lx\n", f->rip, f->rsp, f->rflags, f->cs, f->ss);
	say("rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", f->rax, f->rbx, f->rcx, f->rdx);
	say("rsi %016lx rdi %016lx rbp %016lx cr2 %016lx\n", f->rsi, f->rdi, f->rbp, cpu_read_cr2());
	say("r8  %016lx r9  %016lx r10 %016lx r11 %016lx\n", f->r8, f->r9, f->r10, f->r11);
	say("r12 %016lx r13 %016lx r14 %016lx r15 %016lx cr3 %016lx\n", f->r12, f->r13, f->r14, f->r15, cpu_read_cr3());
}

void panic_reboot_from_now_on(void)
{
	booted = true;
}

__attribute__((noreturn)) static void finish(void)
{
	uint64_t seconds = 0, start;
	char value[16];
	bool asked;

	crash_dump_finish();
	asked = command_line_get("panic", value, sizeof(value)) && string_to_u64(value, &seconds);

	/* What stops a boot would stop the next one too: the message stays on the screen instead of a loop of reboots. */
	if (asked ? seconds == 0 : !booted) {
		say("halted\n");
		cpu_stop();
	}
	say("rebooting%s\n", seconds ? " soon" : "");
	for (start = clock_monotonic_ns(); clock_monotonic_ns() - start < seconds * NS_PER_SEC;)
		cpu_relax();
	power_reboot();
}

static void begin(const char *format, va_list args)
{
	char line[LINE_MAX];
	struct thread *thread = this_cpu()->current;

	uint32_t count;

	interrupts_disable();
	count = atomic_add(&panicking, 1);
	if (count > 2 || (count == 2 && panicking_cpu != this_cpu()->id))
		cpu_stop();
	panicking_cpu = this_cpu()->id;
	if (count == 1)
		smp_stop_others();
	vsnprintf(line, sizeof(line), format, args);
	if (count == 2) {
		say("\nkernel panic: while reporting the first: %s\n", line);
		finish();
	}
	say("\nkernel panic: %s\n", line);
	say("cpu %u, thread %s, tid %d; kernel slide %#lx\n", this_cpu()->id, thread ? thread->name : "(boot)",
	    thread ? thread->tid : 0, boot_layout.slide);
}

void panic_with_frame(const struct trap_frame *frame, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	begin(format, args);
	va_end(args);
	say_registers(frame);
	backtrace(frame->rip, frame->rsp, frame->rbp);
	finish();
}

void panic(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	begin(format, args);
	va_end(args);
	backtrace((uint64_t)__builtin_return_address(0), 0, (uint64_t)__builtin_frame_address(0));
	finish();
}

void assertion_failed(const char *condition, const char *file, int line)
{
	panic("%s:%d: assertion failed: %s", file, line, condition);
}

void panic_if_no_memory(int error, const char *doing)
{
	/* ENFILE is how the maker of an open file says it. */
	if (error == -ENOMEM || error == -ENFILE)
		panic("out of memory while %s", doing);
}

/* GCC's stack protector found a changed canary. */
__attribute__((noreturn)) void __stack_chk_fail(void);

void __stack_chk_fail(void)
{
	panic("stack smashing detected in %p", __builtin_return_address(0));
}
