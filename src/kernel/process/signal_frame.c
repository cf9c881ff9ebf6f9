/* SPDX-License-Identifier: MIT */
/*
 * The frame a signal handler runs on, laid out as Linux does for x86-64: return address (the restorer), ucontext, siginfo, and above
 * them the FPU image, 64-byte aligned. And rt_sigreturn, which trusts nothing it finds there.
 */
#include <linux/signal.h>
#include <asm/sigcontext.h>
#include <asm/ucontext.h>

#include "arch/x86_64/fpu.h"
#include "arch/x86_64/trap.h"
#include "arch/x86_64/user_access.h"
#include "arch/x86_64/user_words.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/user_copy.h"
#include "process/internal.h"
#include "process/rseq.h"
#include "syscall_prototypes.h"

struct frame_stack { uint64_t base; int32_t flags, pad; uint64_t size; };

struct signal_registers {
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
	uint16_t cs, gs, fs, ss;
	uint64_t error, trap, old_mask, cr2;
	uint64_t fpstate;
	uint64_t reserved[8];
};

struct signal_frame {
	uint64_t return_address;
	uint64_t flags, link;			/* struct ucontext begins */
	struct frame_stack stack;
	struct signal_registers registers;
	signal_set mask;			/* struct ucontext ends */
	struct signal_info info;
};
_Static_assert(sizeof(struct signal_registers) == sizeof(struct sigcontext), "as Linux lays it out");
_Static_assert(sizeof(struct signal_frame) == 440, "as Linux lays it out");

enum {
	RED_ZONE = 128,			/* below the stack pointer belongs to the interrupted function (psABI §3.2.2) */
	FPU_ALIGN = 64,
	FXSAVE_SIZE = 512,
	XSAVE_HEADER_SIZE = 64,
	SW_BYTES_OFFSET = 464,		/* struct _fpx_sw_bytes in the FXSAVE image's software area */
	RFLAGS_CF_TO_DF = 0xcd5,	/* CF PF AF ZF SF DF OF */
	RFLAGS_TF = 0x100, RFLAGS_IF = 0x200, RFLAGS_DF = 0x400, RFLAGS_RF = 0x10000, RFLAGS_AC = 0x40000,
	RFLAGS_ALWAYS = 0x2,
	/* What a program may set by sigreturn. */
	RFLAGS_USER = RFLAGS_CF_TO_DF | RFLAGS_TF | RFLAGS_RF | RFLAGS_AC,
};

static struct slab_cache *image_cache;	/* FPU images, aligned for XRSTOR */
static void *fresh_image;		/* the state a handler starts with */

void signal_frame_init(void)
{
	image_cache = slab_cache_create("fpu image", cpu_features.fpu_area_size, FPU_ALIGN);
	fresh_image = image_cache ? slab_alloc(image_cache) : NULL;
	panic_if_no_memory(fresh_image ? 0 : -ENOMEM, "making an FPU image");
	fpu_init_area(fresh_image);
}

unsigned signal_min_stack_size(void)
{
	return ROUND_UP(sizeof(struct signal_frame) + cpu_features.fpu_area_size + sizeof(uint32_t) + RED_ZONE + FPU_ALIGN + 16, 16);
}

bool signal_on_alt_stack(uint64_t rsp)
{
	struct thread_state *state = &current_thread()->user;

	return !(state->alt_stack_flags & SS_DISABLE) && rsp > state->alt_stack_base && rsp - state->alt_stack_base <= state->alt_stack_size;
}

static bool has_xsave_image(void)
{
	return cpu_features.fpu_area_size > FXSAVE_SIZE;
}

/* Bytes of the FPU image in the frame: with extended state a magic word ends it. */
static size_t fpu_frame_size(void)
{
	return cpu_features.fpu_area_size + (has_xsave_image() ? FP_XSTATE_MAGIC2_SIZE : 0);
}

/* Marks the image at @to as one with extended state, and its end. */
static int describe_image(uaddr_t to)
{
	size_t size = cpu_features.fpu_area_size;
	struct _fpx_sw_bytes software = {
		.magic1 = FP_XSTATE_MAGIC1, .extended_size = size + FP_XSTATE_MAGIC2_SIZE, .xfeatures = cpu_features.xsave_mask,
		.xstate_size = size,
	};

	if (copy_to_user(to + SW_BYTES_OFFSET, &software, sizeof(software)))
		return -EFAULT;
	return put_user_u32(to + size, FP_XSTATE_MAGIC2);
}

/* Writes the caller's FPU state to @to, whose range was checked. 0 or -EFAULT. */
static int save_extended(uaddr_t to)
{
	/* XSAVE leaves most of its header as it is. */
	if (clear_user(to + FXSAVE_SIZE, XSAVE_HEADER_SIZE) || user_fpu_store(to, cpu_features.xsave_mask))
		return -EFAULT;
	return describe_image(to);
}

static inline int save_legacy(uaddr_t to)
{
	char (*image)[FXSAVE_SIZE] = (void *)to;

	user_words_begin();
	USER_FXSAVE(*image, fault);
	USER_PUT((*image)[SW_BYTES_OFFSET], 0, fault);
	user_words_end();
	return 0;
fault:
	user_words_end();
	return -EFAULT;
}

/* Writes the caller's FPU state to @to, whose range was checked, and gives it a fresh one. 0 or -EFAULT. */
static inline int save_fpu(uaddr_t to)
{
	if (has_xsave_image() ? save_extended(to) : save_legacy(to))
		return -EFAULT;
	fpu_restore(fresh_image);
	return 0;
}

/* Was the image at @from written with the extended state of this machine? */
static bool extended_image_ok(uaddr_t from)
{
	struct _fpx_sw_bytes software;
	uint32_t magic2;

	if (!has_xsave_image() || copy_from_user(&software, from + SW_BYTES_OFFSET, sizeof(software)))
		return false;
	if (software.magic1 != FP_XSTATE_MAGIC1 || software.xstate_size != cpu_features.fpu_area_size ||
	    software.extended_size < software.xstate_size)
		return false;
	return !get_user_u32(&magic2, from + software.xstate_size) && magic2 == FP_XSTATE_MAGIC2;
}

/* The long way, for images that the CPU does not take as they are: without extended state, or with bits that have to be cleared. */
static int load_fpu_copy(uaddr_t from, bool extended)
{
	void *image = slab_alloc(image_cache);
	int error = 0;

	if (!image)
		return -ENOMEM;
	if (!extended)
		memcpy(image, fresh_image, cpu_features.fpu_area_size);
	if (copy_from_user(image, from, extended ? cpu_features.fpu_area_size : FXSAVE_SIZE))
		error = -EFAULT;
	else if (!fpu_sanitize(image))
		error = -EINVAL;
	/* The registers are loaded from here: the thread's own area is only written when it loses the CPU. */
	fpu_restore(error ? fresh_image : image);
	slab_free(image_cache, image);
	return error;
}

/* Loads the caller's FPU state from user memory; @from 0 means a fresh state. 0 or negative errno. */
static int load_fpu(uaddr_t from)
{
	bool extended;

	if (!from) {
		fpu_restore(fresh_image);
		return 0;
	}
	if (!user_range_ok(from, cpu_features.fpu_area_size))
		return -EFAULT;
	extended = extended_image_ok(from);
	if ((extended || !has_xsave_image()) && !user_fpu_load(from, cpu_features.xsave_mask))
		return 0;
	return load_fpu_copy(from, extended);
}

/* All but the FPU's state. What the kernel never sets (reserved words, the rest of siginfo) stays as it was in the program's memory. */
static int write_frame(struct signal_frame *out, const struct trap_frame *frame, const struct thread_state *state,
		       const struct signal_action *action, const struct signal_info *info, signal_set mask, uint64_t fpu, bool on_alt_stack)
{
	const uint64_t *in = (const uint64_t *)info;
	struct signal_registers *registers = &out->registers;
	int32_t stack_flags = state->alt_stack_flags | (on_alt_stack && !(state->alt_stack_flags & SS_DISABLE) ? SS_ONSTACK : 0);

	user_words_begin();
	USER_PUT(out->return_address, action->restorer, fault);
	USER_PUT(out->flags, UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS | (has_xsave_image() ? UC_FP_XSTATE : 0), fault);
	USER_PUT(out->link, 0, fault);
	USER_PUT(out->stack.base, state->alt_stack_base, fault);
	USER_PUT(*(uint64_t *)&out->stack.flags, (uint32_t)stack_flags, fault);
	USER_PUT(out->stack.size, state->alt_stack_size, fault);
	USER_PUT(registers->r8, frame->r8, fault);
	USER_PUT(registers->r9, frame->r9, fault);
	USER_PUT(registers->r10, frame->r10, fault);
	USER_PUT(registers->r11, frame->r11, fault);
	USER_PUT(registers->r12, frame->r12, fault);
	USER_PUT(registers->r13, frame->r13, fault);
	USER_PUT(registers->r14, frame->r14, fault);
	USER_PUT(registers->r15, frame->r15, fault);
	USER_PUT(registers->rdi, frame->rdi, fault);
	USER_PUT(registers->rsi, frame->rsi, fault);
	USER_PUT(registers->rbp, frame->rbp, fault);
	USER_PUT(registers->rbx, frame->rbx, fault);
	USER_PUT(registers->rdx, frame->rdx, fault);
	USER_PUT(registers->rax, frame->rax, fault);
	USER_PUT(registers->rcx, frame->rcx, fault);
	USER_PUT(registers->rsp, frame->rsp, fault);
	USER_PUT(registers->rip, frame->rip, fault);
	USER_PUT(registers->rflags, frame->rflags, fault);
	USER_PUT(*(uint64_t *)&registers->cs, SELECTOR_USER_CODE | (uint64_t)SELECTOR_USER_DATA << 48, fault);
	USER_PUT(registers->error, state->fault_error, fault);
	USER_PUT(registers->trap, state->fault_trap, fault);
	USER_PUT(registers->old_mask, mask, fault);
	USER_PUT(registers->cr2, state->fault_address, fault);
	USER_PUT(registers->fpstate, fpu, fault);
	USER_PUT(out->mask, mask, fault);
	for (unsigned i = 0; i < SIGNAL_INFO_KEPT / sizeof(uint64_t); i += 3) {
		USER_PUT(((uint64_t *)&out->info)[i], in[i], fault);
		USER_PUT(((uint64_t *)&out->info)[i + 1], in[i + 1], fault);
		USER_PUT(((uint64_t *)&out->info)[i + 2], in[i + 2], fault);
	}
	user_words_end();
	return 0;
fault:
	user_words_end();
	return -EFAULT;
}

/* Where the frame goes: the alternate stack if the action asks for it and it is not in use, below the red zone otherwise. */
static uint64_t choose_stack(const struct trap_frame *frame, const struct thread_state *state, uint64_t action_flags)
{
	if ((action_flags & SA_ONSTACK) && state->alt_stack_size && !(state->alt_stack_flags & SS_DISABLE) &&
	    !signal_on_alt_stack(frame->rsp))
		return state->alt_stack_base + state->alt_stack_size;
	return frame->rsp - RED_ZONE;
}

int signal_frame_setup(struct trap_frame *frame, int number, const struct signal_action *action, const struct signal_info *info,
		       signal_set mask)
{
	struct thread_state *state = &current_thread()->user;
	uint64_t top = choose_stack(frame, state, action->flags);
	uint64_t fpu = ROUND_DOWN(top - fpu_frame_size(), (uint64_t)FPU_ALIGN);
	/* On entry to a function rsp + 8 is a multiple of 16. */
	uint64_t base = ROUND_DOWN(fpu - sizeof(struct signal_frame), 16ull) - 8;
	bool was_on_alt = signal_on_alt_stack(frame->rsp);

	if (rseq_before_handler(frame))
		return -EFAULT;
	if (!(action->flags & SA_RESTORER))
		return -EFAULT;		/* x86-64 has no other way back */
	if (!user_range_ok(base, top - base) || base > top)
		return -EFAULT;
	if (!user_range_ok(action->handler, 1))
		return -EFAULT;		/* IRET to an address that is not canonical would fault in the kernel */
	/* On the alternate stack, or about to enter it, and it is too small. */
	if ((was_on_alt || top != frame->rsp - RED_ZONE) && !(was_on_alt && state->alt_stack_flags & SS_AUTODISARM) &&
	    !signal_on_alt_stack(base))
		return -EFAULT;

	if (write_frame((struct signal_frame *)base, frame, state, action, info, mask, fpu, was_on_alt) || save_fpu(fpu) < 0)
		return -EFAULT;
	if (state->alt_stack_flags & SS_AUTODISARM) {
		state->alt_stack_base = state->alt_stack_size = 0;
		state->alt_stack_flags = SS_DISABLE;
	}

	frame->rdi = number;
	frame->rsi = base + offsetof(struct signal_frame, info);
	frame->rdx = base + offsetof(struct signal_frame, flags);
	frame->rax = 0;
	frame->rsp = base;
	frame->rip = action->handler;
	frame->rflags &= ~(uint64_t)(RFLAGS_DF | RFLAGS_RF | RFLAGS_TF);
	frame->cs = SELECTOR_USER_CODE;
	frame->ss = SELECTOR_USER_DATA;
	return 0;
}

/* What sigreturn takes of a frame besides registers. */
struct frame_rest { uint64_t fpstate; signal_set mask; struct frame_stack stack; };

/*
 * Takes the general registers of the frame at @in over. Segments are always the user's own, and so are the flags a program may not touch; the
 * instruction address must lie in user space: IRET to one that is not canonical would fault in the kernel. 0 or -EFAULT; the registers then
 * may be partly taken.
 */
static int read_frame(struct trap_frame *frame, const struct signal_frame *in, struct frame_rest *rest)
{
	const struct signal_registers *registers = &in->registers;
	uint64_t rip, flags, stack_flags;

	user_words_begin();
	USER_GET(rip, registers->rip, fault);
	USER_GET(flags, registers->rflags, fault);
	if (unlikely(!user_range_ok(rip, 1)))
		goto fault;
	frame->rip = rip;
	frame->rflags = (flags & RFLAGS_USER) | RFLAGS_IF | RFLAGS_ALWAYS;
	USER_GET(frame->r8, registers->r8, fault);
	USER_GET(frame->r9, registers->r9, fault);
	USER_GET(frame->r10, registers->r10, fault);
	USER_GET(frame->r11, registers->r11, fault);
	USER_GET(frame->r12, registers->r12, fault);
	USER_GET(frame->r13, registers->r13, fault);
	USER_GET(frame->r14, registers->r14, fault);
	USER_GET(frame->r15, registers->r15, fault);
	USER_GET(frame->rdi, registers->rdi, fault);
	USER_GET(frame->rsi, registers->rsi, fault);
	USER_GET(frame->rbp, registers->rbp, fault);
	USER_GET(frame->rbx, registers->rbx, fault);
	USER_GET(frame->rdx, registers->rdx, fault);
	USER_GET(frame->rax, registers->rax, fault);
	USER_GET(frame->rcx, registers->rcx, fault);
	USER_GET(frame->rsp, registers->rsp, fault);
	USER_GET(rest->fpstate, registers->fpstate, fault);
	USER_GET(rest->mask, in->mask, fault);
	USER_GET(stack_flags, *(const uint64_t *)&in->stack.flags, fault);
	rest->stack.flags = stack_flags;
	USER_GET(rest->stack.base, in->stack.base, fault);
	USER_GET(rest->stack.size, in->stack.size, fault);
	user_words_end();
	return 0;
fault:
	user_words_end();
	return -EFAULT;
}

long sys_rt_sigreturn(void)
{
	struct trap_frame *frame = cpu_user_frame();
	struct thread_state *state = &current_thread()->user;
	/* The handler's return took the return address off the stack. */
	uint64_t base = frame->rsp - sizeof(uint64_t);
	struct frame_rest in;

	/* Not a system call any more: nothing of it may be restarted. */
	frame->error = UINT64_MAX;
	if (!user_range_ok(base, sizeof(struct signal_frame)) || read_frame(frame, (const struct signal_frame *)base, &in) ||
	    load_fpu(in.fpstate) < 0) {
		signal_force_fault(SIGSEGV, SI_KERNEL, 0, 0, 0);
		return frame->rax;
	}
	if (!signal_on_alt_stack(frame->rsp)) {
		state->alt_stack_base = in.stack.base;
		state->alt_stack_size = in.stack.size;
		state->alt_stack_flags = in.stack.flags & (int)(SS_AUTODISARM | SS_DISABLE);
	}
	signal_set_mask(in.mask);
	return frame->rax;
}
