/* SPDX-License-Identifier: MIT */
/*
 * Restartable sequences (rseq(2)), as Linux 6.1 has them: an area of a thread's memory says on which CPU it runs, and in which section of code it is (struct
 * rseq_cs) that must not be interrupted. Whoever was goes on at the section's abort address. Nothing in user memory is believed: the address is
 * one only if the word before it is the signature that the area was registered with.
 */
#include <linux/rseq.h>

#include "mm/user_copy.h"
#include "process/internal.h"
#include "process/rseq.h"
#include "process/signal.h"
#include "syscall_prototypes.h"

enum { AREA_SIZE = sizeof(struct rseq) };

_Static_assert(AREA_SIZE == 32 && sizeof(struct rseq_cs) == 32, "as Linux lays them out");

static int write_cpu(uaddr_t area, uint32_t start, uint32_t id)
{
	if (put_user_u32(area + offsetof(struct rseq, cpu_id_start), start) || put_user_u32(area + offsetof(struct rseq, cpu_id), id))
		return -EFAULT;
	return 0;
}

/* Reads the section at @from. 0, -EFAULT, or -EINVAL when it is none. */
static int read_section(struct rseq_cs *section, uaddr_t from)
{
	uint32_t signature;

	if (copy_from_user(section, from, sizeof(*section)))
		return -EFAULT;
	if (section->version || section->start_ip >= USER_END || section->post_commit_offset >= USER_END - section->start_ip || section->abort_ip >= USER_END ||
	    section->abort_ip - section->start_ip < section->post_commit_offset)
		return -EINVAL;
	if (get_user_u32(&signature, section->abort_ip - sizeof(signature)))
		return -EFAULT;
	return signature == current_thread()->user.rseq_signature ? 0 : -EINVAL;
}

/* Ends the section at @from, if @frame is in it. Flags, by which sections were once spared, are refused. */
static int end_section(struct trap_frame *frame, uaddr_t area, uaddr_t from)
{
	struct rseq_cs section;
	uint32_t flags;
	int error = read_section(&section, from);

	if (error || frame->rip - section.start_ip >= section.post_commit_offset)
		return error;
	if (get_user_u32(&flags, area + offsetof(struct rseq, flags)))
		return -EFAULT;
	if (flags | section.flags)
		return -EINVAL;
	frame->rip = section.abort_ip;
	return 0;
}

int rseq_settle(struct trap_frame *frame)
{
	struct thread *thread = current_thread();
	uaddr_t area = thread->user.rseq, from;
	uint32_t cpu;
	int error;

	thread->user.rseq_switches = thread->voluntary_switches + thread->involuntary_switches;
	if (get_user_u64(&from, area + offsetof(struct rseq, rseq_cs)))
		return -EFAULT;
	error = from ? end_section(frame, area, from) : 0;
	if (error || put_user_u64(area + offsetof(struct rseq, rseq_cs), 0))
		return error ? error : -EFAULT;
	/* Switched or moved meanwhile, it comes by again. */
	cpu = this_cpu()->id;
	return write_cpu(area, cpu, cpu);
}

void rseq_resume(struct trap_frame *frame)
{
	struct thread *thread = current_thread();

	atomic_and(&thread->user.work, ~THREAD_WORK_RSEQ);
	if (thread->user.rseq && rseq_settle(frame))
		signal_force_fault(SIGSEGV, SI_KERNEL, 0, 0, 0);
}

/* What an earlier user of the memory left is no section. */
static int clear_section(uaddr_t area)
{
	uint64_t left;

	if (get_user_u64(&left, area + offsetof(struct rseq, rseq_cs)) || (left && put_user_u64(area + offsetof(struct rseq, rseq_cs), 0)))
		return -EFAULT;
	return 0;
}

static long unregister(struct thread_state *state, uint32_t signature)
{
	if (state->rseq_signature != signature)
		return -EPERM;
	if (write_cpu(state->rseq, 0, (uint32_t)RSEQ_CPU_ID_UNINITIALIZED))
		return -EFAULT;
	state->rseq = 0;
	return 0;
}

long sys_rseq(uaddr_t area, unsigned size, int flags, unsigned signature)
{
	struct thread *thread = current_thread();
	struct thread_state *state = &thread->user;

	if (flags & ~RSEQ_FLAG_UNREGISTER)
		return -EINVAL;
	if ((flags || state->rseq) && (!state->rseq || state->rseq != area || size != AREA_SIZE))
		return -EINVAL;
	if (flags)
		return unregister(state, signature);
	if (state->rseq)
		return state->rseq_signature == signature ? -EBUSY : -EPERM;
	if (area % AREA_SIZE || size != AREA_SIZE)
		return -EINVAL;
	if (!user_range_ok(area, size) || clear_section(area))
		return -EFAULT;
	state->rseq = area;
	state->rseq_signature = signature;
	rseq_disturb(thread);
	return 0;
}
