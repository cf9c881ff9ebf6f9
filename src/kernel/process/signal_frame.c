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
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/user_copy.h"
#include "process/internal.h"
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
	KASSERT(fresh_image);
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

/* Writes the caller's FPU state to @to, whose range was checked, and gives it a fresh one. 0 or -EFAULT. */
static int save_fpu(uaddr_t to)
{
	/* XSAVE leaves most of its header as it is. */
	if (has_xsave_image() && clear_user(to + FXSAVE_SIZE, XSAVE_HEADER_SIZE))
		return -EFAULT;
	if (user_fpu_store(to, cpu_features.xsave_mask))
		return -EFAULT;
	if (has_xsave_image() ? describe_image(to) : put_user_u32(to + SW_BYTES_OFFSET, 0))
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

/* Field by field: a compound literal would be built elsewhere and copied. */
static void fill_registers(struct signal_registers *out, const struct trap_frame *frame, const struct thread_state *state)
{
	out->r8 = frame->r8, out->r9 = frame->r9, out->r10 = frame->r10, out->r11 = frame->r11;
	out->r12 = frame->r12, out->r13 = frame->r13, out->r14 = frame->r14, out->r15 = frame->r15;
	out->rdi = frame->rdi, out->rsi = frame->rsi, out->rbp = frame->rbp, out->rbx = frame->rbx;
	out->rdx = frame->rdx, out->rax = frame->rax, out->rcx = frame->rcx, out->rsp = frame->rsp;
	out->rip = frame->rip, out->rflags = frame->rflags;
	out->cs = frame->cs, out->gs = 0, out->fs = 0, out->ss = frame->ss;
	out->error = state->fault_error, out->trap = state->fault_trap, out->cr2 = state->fault_address;
	for (unsigned i = 0; i < ARRAY_LEN(out->reserved); i++)
		out->reserved[i] = 0;
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
	struct signal_frame out;
	uint64_t top = choose_stack(frame, state, action->flags);
	uint64_t fpu = ROUND_DOWN(top - fpu_frame_size(), (uint64_t)FPU_ALIGN);
	/* On entry to a function rsp + 8 is a multiple of 16. */
	uint64_t base = ROUND_DOWN(fpu - sizeof(out), 16ull) - 8;
	bool was_on_alt = signal_on_alt_stack(frame->rsp);

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

	out.return_address = action->restorer;
	out.flags = UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS | (has_xsave_image() ? UC_FP_XSTATE : 0);
	out.link = 0;
	out.stack = (struct frame_stack){ state->alt_stack_base, state->alt_stack_flags, 0, state->alt_stack_size };
	if (!(state->alt_stack_flags & SS_DISABLE) && was_on_alt)
		out.stack.flags |= SS_ONSTACK;
	fill_registers(&out.registers, frame, state);
	out.registers.old_mask = mask;
	out.registers.fpstate = fpu;
	out.mask = mask;
	memcpy(&out.info, info, SIGNAL_INFO_KEPT);
	memset((char *)&out.info + SIGNAL_INFO_KEPT, 0, sizeof(out.info) - SIGNAL_INFO_KEPT);
	if (copy_to_user(base, &out, sizeof(out)) || save_fpu(fpu) < 0)
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

/*
 * Takes the general registers of a frame over. Segments are always the user's own, and so are the flags a program may not touch; the
 * instruction address was checked to lie in user space: IRET to one that is not canonical would fault in the kernel.
 */
static void load_registers(struct trap_frame *frame, const struct signal_registers *in)
{
	frame->r8 = in->r8, frame->r9 = in->r9, frame->r10 = in->r10, frame->r11 = in->r11;
	frame->r12 = in->r12, frame->r13 = in->r13, frame->r14 = in->r14, frame->r15 = in->r15;
	frame->rdi = in->rdi, frame->rsi = in->rsi, frame->rbp = in->rbp, frame->rbx = in->rbx;
	frame->rdx = in->rdx, frame->rax = in->rax, frame->rcx = in->rcx, frame->rsp = in->rsp;
	frame->rip = in->rip;
	frame->rflags = (in->rflags & RFLAGS_USER) | RFLAGS_IF | RFLAGS_ALWAYS;
	frame->cs = SELECTOR_USER_CODE;
	frame->ss = SELECTOR_USER_DATA;
}

long sys_rt_sigreturn(void)
{
	struct trap_frame *frame = thread_user_frame();
	struct thread_state *state = &current_thread()->user;
	struct signal_frame in;

	/* The handler's return took the return address off the stack. */
	uint64_t base = frame->rsp - sizeof(uint64_t);

	if (copy_from_user(&in, base, offsetof(struct signal_frame, info)) || !user_range_ok(in.registers.rip, 1) ||
	    load_fpu(in.registers.fpstate) < 0) {
		signal_force_fault(SIGSEGV, SI_KERNEL, 0, 0, 0);
		return 0;
	}
	load_registers(frame, &in.registers);
	if (!signal_on_alt_stack(frame->rsp) && !(in.stack.flags & SS_DISABLE)) {
		state->alt_stack_base = in.stack.base;
		state->alt_stack_size = in.stack.size;
		state->alt_stack_flags = in.stack.flags & (int)SS_AUTODISARM;
	}
	signal_set_mask(in.mask);
	/* Not a system call any more: nothing of it may be restarted. */
	frame->error = UINT64_MAX;
	return frame->rax;
}
