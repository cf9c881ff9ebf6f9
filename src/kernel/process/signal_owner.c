/* SPDX-License-Identifier: MIT */
/* Signals of events that a program has asked for, sent when they happen: by whoever is there then, with the rights of who asked. */
#include "process/internal.h"
#include "security/capabilities.h"

struct signal_sender signal_sender_self(void)
{
	const struct credentials *self = credentials_current();

	return (struct signal_sender){ self->uid, self->euid, capabilities_current() };
}

/* As kill(2) asks. */
static bool may_reach(const struct signal_sender *sender, struct process *process)
{
	uint64_t flags = spin_lock_irq(&process->lock);
	const struct credentials *other = process->credentials;
	bool same = (sender->euid == 0 && sender->capabilities & CAPABILITY_SYS_ADMIN) || sender->euid == other->uid || sender->euid == other->suid ||
		    sender->uid == other->uid || sender->uid == other->suid;

	same &= !((other->effective | other->permitted) & ~sender->capabilities);
	spin_unlock_irq(&process->lock, flags);
	return same;
}

/* Which signal was sent; 0: none. */
static int send_checked(const struct signal_sender *sender, struct process *process, struct thread *thread, const struct signal_info *info)
{
	struct signal_info plain = signal_info_kernel(SIGIO);

	if (!may_reach(sender, process))
		return 0;
	if (info->number && !signal_send(process, thread, info))
		return info->number;
	signal_send(process, thread, &plain);
	return SIGIO;
}

bool process_number_is_used(int number)
{
	uint64_t flags = spin_lock_irq(&process_tree_lock);
	bool used = pid_next_used(number - 1) == number;

	spin_unlock_irq(&process_tree_lock, flags);
	return used;
}

void signal_send_for(const struct signal_sender *sender, int target, const struct signal_info *info)
{
	uint64_t flags = spin_lock_irq(&process_tree_lock);
	const struct pid_slot *slot = pid_slot(target < 0 ? -target : target & ~SIGNAL_TO_THREAD);
	struct process *process;

	if (slot && target < 0 && slot->group) {
		list_for_each(process, &slot->group->members, group_link)
			signal_note_in_forks(process, send_checked(sender, process, NULL, info));
	} else if (slot && target > 0) {
		struct thread *thread = target & SIGNAL_TO_THREAD ? slot->thread : NULL;

		process = thread ? thread->process : target & SIGNAL_TO_THREAD ? NULL : slot->process;
		if (process)
			send_checked(sender, process, thread, info);
	}
	spin_unlock_irq(&process_tree_lock, flags);
}
