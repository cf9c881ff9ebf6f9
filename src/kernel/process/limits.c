/* SPDX-License-Identifier: MIT */
/*
 * Resource limits. Each is enforced where the resource is: descriptors and file sizes by vfs, memory by mm, threads by fork.c, signals by
 * signal.c, CPU time by itimer.c.
 */
#include <linux/resource.h>

#include "mm/address_space.h"
#include "mm/memory_limits.h"
#include "mm/user_copy.h"
#include "process/internal.h"
#include "process/limits.h"
#include "security/capabilities.h"
#include "syscall_prototypes.h"

enum { STACK_DEFAULT = 8 << 20, MEMLOCK_DEFAULT = 8 << 20, NOFILE_SOFT = 1024, NOFILE_HARD = 4096,
       MSGQUEUE_DEFAULT = 819200 };

void limits_init(struct process *process)
{
	uint64_t threads = process_limit_threads() / 2;

	for (unsigned i = 0; i < RLIMIT_COUNT; i++)
		process->limits[i] = (struct resource_limit){ RLIM_INFINITY, RLIM_INFINITY };
	process->limits[RLIMIT_STACK].soft = STACK_DEFAULT;
	process->limits[RLIMIT_CORE].soft = 0;
	process->limits[RLIMIT_NPROC] = (struct resource_limit){ threads, threads };
	process->limits[RLIMIT_NOFILE] = (struct resource_limit){ NOFILE_SOFT, NOFILE_HARD };
	process->limits[RLIMIT_MEMLOCK] = (struct resource_limit){ MEMLOCK_DEFAULT, MEMLOCK_DEFAULT };
	process->limits[RLIMIT_SIGPENDING] = (struct resource_limit){ threads, threads };
	process->limits[RLIMIT_MSGQUEUE] = (struct resource_limit){ MSGQUEUE_DEFAULT, MSGQUEUE_DEFAULT };
	process->limits[RLIMIT_NICE] = (struct resource_limit){ 0, 0 };
	process->limits[RLIMIT_RTPRIO] = (struct resource_limit){ 0, 0 };
}

void limits_apply(struct process *process, struct address_space *as)
{
	as->stack_limit = process_limit_of(process, RLIMIT_STACK);
	as->data_limit = process_limit_of(process, RLIMIT_DATA);
	as->space_limit = process_limit_of(process, RLIMIT_AS);
	memory_limits_changed(as);
}

/* Reads and, with @fresh, replaces a limit of @process. 0 or -EPERM, -EINVAL. */
static int exchange(struct process *process, unsigned resource, const struct resource_limit *fresh, struct resource_limit *old)
{
	bool privileged = capabilities_may_administer();
	struct resource_limit *limit = &process->limits[resource];
	struct address_space *as;
	uint64_t flags;
	int error = 0;

	if (fresh && fresh->soft > fresh->hard)
		return -EINVAL;
	if (fresh && resource == RLIMIT_NOFILE && fresh->hard > NOFILE_CEILING)
		return -EPERM;
	/* A process with a limit of CPU time has timers: so fork knows it, and so setting it cannot fail half-way. */
	if (fresh && (resource == RLIMIT_CPU || resource == RLIMIT_RTTIME) && fresh->soft != RLIM_INFINITY && !itimers_of(process))
		return -ENOMEM;
	flags = spin_lock_irq(&process->lock);
	*old = *limit;
	if (fresh && fresh->hard > limit->hard && !privileged)
		error = -EPERM;
	else if (fresh)
		*limit = *fresh;
	spin_unlock_irq(&process->lock, flags);
	if (!fresh || error)
		return error;
	if (resource == RLIMIT_CPU || resource == RLIMIT_RTTIME)
		return itimer_set_limit(process, resource);
	as = process_get_address_space(process);
	if (as) {
		rwlock_write_lock(&as->lock);
		limits_apply(process, as);
		rwlock_write_unlock(&as->lock);
		address_space_put(as);
	}
	return 0;
}

long sys_getrlimit(unsigned resource, uaddr_t out)
{
	struct resource_limit old;

	if (resource >= RLIMIT_COUNT)
		return -EINVAL;
	exchange(current_process(), resource, NULL, &old);
	return copy_to_user(out, &old, sizeof(old));
}

long sys_setrlimit(unsigned resource, uaddr_t in)
{
	struct resource_limit fresh, old;

	if (copy_from_user(&fresh, in, sizeof(fresh)))
		return -EFAULT;
	return resource < RLIMIT_COUNT ? exchange(current_process(), resource, &fresh, &old) : -EINVAL;
}

/* The caller must be the same user in every respect, and be able to do as much, or root. */
static bool may_change(struct process *process)
{
	const struct credentials *self = credentials_current(), *other;
	bool ok;

	if (process == current_process() || capabilities_may_administer())
		return true;
	other = credentials_of(process);
	ok = self->uid == other->uid && self->uid == other->euid && self->uid == other->suid && self->gid == other->gid &&
	     self->gid == other->egid && self->gid == other->sgid && capabilities_cover(other);
	credentials_put(other);
	return ok;
}

long sys_prlimit64(int pid, unsigned resource, uaddr_t in, uaddr_t out)
{
	struct resource_limit fresh, old;
	struct process *process;
	int error;

	if (in && copy_from_user(&fresh, in, sizeof(fresh)))
		return -EFAULT;
	process = process_find_any(pid ? pid : current_process()->pid);
	if (!process)
		return -ESRCH;
	error = !may_change(process) ? -EPERM : resource >= RLIMIT_COUNT ? -EINVAL : exchange(process, resource, in ? &fresh : NULL, &old);
	process_put(process);
	if (!error && out)
		error = copy_to_user(out, &old, sizeof(old));
	return error;
}
