/* SPDX-License-Identifier: MIT */
/*
 * The registers of a stopped thread, as Linux shows them to tracers: struct user_regs_struct, FXSAVE's and XSAVE's images. Nothing that a tracer
 * sets lets the program do what it could not do itself: segments stay what they are, of RFLAGS only the program's own bits change. The address of the
 * next instruction is looked at when the thread goes on (ptrace_stop.c).
 */
#include "arch/x86_64/fpu.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/user_copy.h"
#include "process/ptrace_internal.h"

#include <linux/elf.h>

enum { ORIG_RAX = 15, RIP, CS, EFLAGS, RSP, SS, FS_BASE, GS_BASE, DS, ES, FS, GS };
/* What programs know: Linux's selectors, by which tracers tell 64-bit programs. */
enum { SHOWN_CS = 0x33, SHOWN_SS = 0x2b };
enum { XSAVE_HEADER = 512, XSAVE_HEADER_WORDS = 8, XSAVE_X87_SSE = 3, XCR0_SHOWN_AT = 464, MXCSR_AT = 24 };
/* CF PF AF ZF SF TF DF OF RF AC */
#define RFLAGS_SETTABLE (0xcd5ull | PTRACE_RFLAGS_TF | 0x10000 | 0x40000)

uint64_t ptrace_get_register(const struct thread *thread, unsigned index)
{
	const struct trap_frame *frame = traced_frame(thread);

	switch (index) {
	case ORIG_RAX:
		return frame->vector == TRAP_SYSCALL ? frame->error : UINT64_MAX;
	case RIP:
		return frame->rip;
	case CS:
		return SHOWN_CS;
	case EFLAGS:
		return frame->rflags;
	case RSP:
		return frame->rsp;
	case SS:
		return SHOWN_SS;
	case FS_BASE:
		return thread->fs_base;
	case GS_BASE:
		return thread->gs_base;
	case DS: case ES: case FS: case GS:
		return 0;
	default:
		return (&frame->r15)[index];
	}
}

/* A number makes the frame one of that call, which begins again if its result says so; a negative one that of no call. */
static void set_call(struct trap_frame *frame, uint64_t number)
{
	if ((int32_t)number < 0) {
		frame->error = UINT64_MAX;
		return;
	}
	frame->vector = TRAP_SYSCALL;
	frame->error = (uint32_t)number;
}

static int set_base(uint64_t *base, uint64_t value)
{
	if (value >= USER_END)
		return -EIO;
	*base = value;
	return 0;
}

int ptrace_set_register(struct thread *thread, unsigned index, uint64_t value)
{
	struct trap_frame *frame = traced_frame(thread);

	switch (index) {
	case ORIG_RAX:
		set_call(frame, value);
		return 0;
	case RIP:
		frame->rip = value;
		return 0;
	case EFLAGS:
		frame->rflags = (frame->rflags & ~RFLAGS_SETTABLE) | (value & RFLAGS_SETTABLE);
		return 0;
	case RSP:
		frame->rsp = value;
		return 0;
	case FS_BASE:
		return set_base(&thread->fs_base, value);
	case GS_BASE:
		return set_base(&thread->gs_base, value);
	case CS: case SS: case DS: case ES: case FS: case GS:
		return value == ptrace_get_register(thread, index) ? 0 : -EIO;
	default:
		(&frame->r15)[index] = value;
		return 0;
	}
}

size_t ptrace_set_size(unsigned type)
{
	switch (type) {
	case NT_PRSTATUS:
		return PTRACE_REGISTERS_SIZE;
	case NT_PRFPREG:
		return PTRACE_FPU_SIZE;
	case NT_X86_XSTATE:
		return cpu_features.xsave ? fpu_area_size() : 0;
	default:
		return 0;
	}
}

static void read_set(const struct thread *thread, unsigned type, uint64_t *words, size_t size)
{
	const void *fpu = thread->user.traced.fpu ? thread->user.traced.fpu : thread->fpu_area;

	if (type == NT_PRSTATUS) {
		for (unsigned i = 0; i < PTRACE_REGISTERS; i++)
			words[i] = ptrace_get_register(thread, i);
		return;
	}
	memcpy(words, fpu, size);
	/* Where FXSAVE leaves room for software tracers look for which parts the image can have. */
	memset((char *)words + XCR0_SHOWN_AT, 0, PTRACE_FPU_SIZE - XCR0_SHOWN_AT);
	if (type == NT_X86_XSTATE)
		words[XCR0_SHOWN_AT / sizeof(*words)] = cpu_features.xsave_mask;
}

static int write_registers(struct thread *thread, const uint64_t *words, size_t len)
{
	int error = 0;

	for (unsigned i = 0; i < len / sizeof(*words) && !error; i++)
		error = ptrace_set_register(thread, i, words[i]);
	return error;
}

/* Would the processor load it? What @fpu has that it refuses is taken out. */
static bool is_loadable(void *fpu)
{
	uint64_t before[XSAVE_HEADER_WORDS + 1], *header = (uint64_t *)((char *)fpu + XSAVE_HEADER), *mxcsr = (uint64_t *)((char *)fpu + MXCSR_AT);
	size_t size = cpu_features.xsave ? XSAVE_HEADER_WORDS * sizeof(*header) : 0;

	memcpy(before, header, size);
	before[XSAVE_HEADER_WORDS] = *mxcsr;
	fpu_sanitize(fpu);
	return !memcmp(before, header, size) && before[XSAVE_HEADER_WORDS] == *mxcsr;
}

/*
 * Whole images only: *@fpu, of which @len bytes came from the tracer. The thread loads it when it goes on, from a copy of its own; *@fpu is then what to free.
 * 0 or -EINVAL.
 */
static int write_fpu(struct thread *thread, void **buffer, size_t len)
{
	const void *now = thread->user.traced.fpu ? thread->user.traced.fpu : thread->fpu_area;
	void *before = thread->user.traced.fpu, *fpu = *buffer;

	memcpy((char *)fpu + len, (const char *)now + len, fpu_area_size() - len);
	if (len == PTRACE_FPU_SIZE && cpu_features.xsave)
		*(uint64_t *)((char *)fpu + XSAVE_HEADER) |= XSAVE_X87_SSE;
	if (!is_loadable(fpu))
		return -EINVAL;
	thread->user.traced.fpu = fpu;
	*buffer = before;
	return 0;
}

static long write_set(struct thread *thread, unsigned type, void **buffer, size_t len)
{
	if (type == NT_PRSTATUS)
		return write_registers(thread, *buffer, len);
	if (len != ptrace_set_size(type))
		return type == NT_X86_XSTATE ? -EFAULT : -EINVAL;
	return write_fpu(thread, buffer, len);
}

long ptrace_move_set(struct thread *thread, unsigned type, uaddr_t at, size_t len, bool write)
{
	size_t size = ptrace_set_size(type);
	void *buffer = kzalloc(MAX(fpu_area_size(), (size_t)PTRACE_FPU_SIZE));
	long result = -ESRCH;
	uint64_t flags;

	if (!buffer)
		return -ENOMEM;
	len = MIN(len, size);
	if (write && copy_from_user(buffer, at, len)) {
		kfree(buffer);
		return -EFAULT;
	}
	flags = spin_lock_irq(&thread->process->signal_lock);
	if (traced_may_touch(thread)) {
		result = 0;
		if (write)
			result = write_set(thread, type, &buffer, len);
		else
			read_set(thread, type, buffer, size);
	}
	spin_unlock_irq(&thread->process->signal_lock, flags);
	if (!result && !write && copy_to_user(at, buffer, len))
		result = -EFAULT;
	kfree(buffer);
	return result;
}
