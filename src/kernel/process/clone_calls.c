/* SPDX-License-Identifier: MIT */
/* fork, vfork, clone and clone3: unpacking what the caller wants. */
#include <linux/sched.h>

#include "mm/user_copy.h"
#include "process/clone.h"
#include "process/internal.h"
#include "syscall_prototypes.h"

long sys_fork(void)
{
	struct clone_request request = { .exit_signal = SIGCHLD };

	return clone_perform(&request);
}

long sys_vfork(void)
{
	struct clone_request request = { .flags = CLONE_VM | CLONE_VFORK, .exit_signal = SIGCHLD };

	return clone_perform(&request);
}

long sys_clone(unsigned long flags, uint64_t stack, uaddr_t parent_tid, uaddr_t child_tid, uint64_t tls)
{
	struct clone_request request;

	if ((flags & CLONE_PIDFD) && (flags & CLONE_DETACHED))
		return -EINVAL;
	request = (struct clone_request){
		/* These two mean something else, or nothing, in clone's 32 bits. */
		.flags = (uint32_t)flags & ~(uint64_t)(CSIGNAL | CLONE_DETACHED),
		.exit_signal = flags & CSIGNAL,
		.stack = stack,
		.parent_tid = parent_tid,
		.child_tid = child_tid,
		.pidfd = parent_tid,
		.tls = tls,
	};

	return clone_perform(&request);
}

/* Copies a structure that may grow: what is beyond ours must be zero. */
static int read_arguments(struct clone_args *args, uaddr_t from, size_t size)
{
	uint8_t extra;

	if (size < CLONE_ARGS_SIZE_VER0)
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	*args = (struct clone_args){ 0 };
	if (copy_from_user(args, from, MIN(size, sizeof(*args))))
		return -EFAULT;
	for (size_t i = sizeof(*args); i < size; i++) {
		if (copy_from_user(&extra, from + i, 1))
			return -EFAULT;
		if (extra)
			return -E2BIG;
	}
	return 0;
}

long sys_clone3(uaddr_t args_addr, size_t size)
{
	struct clone_request request;
	struct clone_args args;
	int error = read_arguments(&args, args_addr, size);

	if (error)
		return error;
	if (args.flags & (CSIGNAL | CLONE_DETACHED) || args.flags >> 34)
		return -EINVAL;
	if (args.exit_signal > SIGNAL_COUNT || args.set_tid_size || args.set_tid)
		return -EINVAL;
	if ((args.flags & (CLONE_THREAD | CLONE_PARENT)) && args.exit_signal)
		return -EINVAL;
	if (!args.stack != !args.stack_size || !user_range_ok(args.stack, args.stack_size))
		return -EINVAL;
	request = (struct clone_request){
		.flags = args.flags,
		.exit_signal = args.exit_signal,
		.stack = args.stack + args.stack_size,
		.parent_tid = args.parent_tid,
		.child_tid = args.child_tid,
		.pidfd = args.pidfd,
		.tls = args.tls,
	};
	return clone_perform(&request);
}
