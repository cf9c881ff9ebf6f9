/* SPDX-License-Identifier: MIT */
/* Capabilities: the calls about them, and grants. README.md has the rules. */
#include "security/capabilities.h"
#include "ipc/ipc.h"
#include "mm/user_copy.h"
#include "process/internal.h"
#include "syscall_prototypes.h"

bool capabilities_may_administer(void)
{
	return credentials_is_root(credentials_current()) && capabilities_hold(CAPABILITY_SYS_ADMIN);
}

static void set_granted(uint64_t bits)
{
	struct thread_state *state = &current_thread()->user;

	state->granted = bits;
	state->missing = ~(credentials_current()->effective | bits);
	endpoint_forget_descriptors();	/* the short ways that were found allowed may not be any more */
}

void capabilities_grant(uint64_t bits)
{
	set_granted(bits & CAPABILITIES_ALL);
}

void capabilities_end_grant(void)
{
	atomic_store(&current_thread()->user.grant_over, false);
	if (current_thread()->user.granted)
		set_granted(0);
}

long sys_cap_get(int pid, uaddr_t out)
{
	struct thread *thread = pid ? thread_find(pid) : NULL;
	const struct credentials *credentials;
	struct capability_sets sets;

	if (pid && !thread)
		return -ESRCH;
	credentials = credentials_of(thread ? thread->process : current_process());
	sets = (struct capability_sets){ credentials->effective, credentials->permitted };
	credentials_put(credentials);
	if (thread)
		thread_put(thread);
	return copy_to_user(out, &sets, sizeof(sets)) ? -EFAULT : 0;
}

/*
 * Without SYS_ADMIN of its own (one that is granted counts for one message, not for ever) a process gets no bit that it does not have already. What
 * is effective need not be permitted: so a launcher keeps FILE_EXECUTE for its exec alone.
 */
long sys_cap_set(uaddr_t in)
{
	const struct credentials *old = credentials_current();
	struct capability_sets sets;
	struct credentials *fresh;

	if (copy_from_user(&sets, in, sizeof(sets)))
		return -EFAULT;
	if ((sets.effective | sets.permitted) & ~(uint64_t)CAPABILITIES_ALL)
		return -EINVAL;
	if (!(old->effective & CAPABILITY_SYS_ADMIN) && (sets.permitted & ~old->permitted || sets.effective & ~(old->effective | old->permitted)))
		return -EPERM;
	fresh = credentials_copy(old);
	if (!fresh)
		return -ENOMEM;
	fresh->effective = sets.effective;
	fresh->permitted = sets.permitted;
	fresh->chosen = true;
	endpoint_forget_descriptors();
	return credentials_commit(fresh, old);
}

long sys_cap_check(uint64_t mask)
{
	return capabilities_hold(mask) ? 0 : -EPERM;
}
