/* SPDX-License-Identifier: MIT */
/*
 * Robust futexes: when a thread ends, the locks it still holds are marked FUTEX_OWNER_DIED and a waiter is woken. The list lies in user
 * memory, so nothing in it is believed: its length is bounded and a bad pointer ends the walk.
 */
#include <linux/futex.h>

#include "mm/user_copy.h"
#include "process/futex.h"
#include "process/internal.h"
#include "security/capabilities.h"
#include "syscall_prototypes.h"

/* struct robust_list_head of user memory. */
struct robust_head { uint64_t first, offset, pending; };

/* Marks one lock. @pending: the thread may have died between taking or giving up the lock and changing the list. False ends the walk. */
static bool release_lock(uaddr_t word, bool priority_inheriting, bool pending, uint32_t tid)
{
	uint32_t value, found;

	if (word % sizeof(uint32_t) || get_user_u32(&value, word))
		return false;
	/* Unlocked, or marked by another's end, but the thread may have died before it could wake the next. */
	if (pending && !priority_inheriting && !(value & FUTEX_TID_MASK)) {
		futex_wake_address(word, 1);
		return true;
	}
	for (;;) {
		if ((value & FUTEX_TID_MASK) != tid)
			return true;
		if (user_compare_exchange_u32(word, value, (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED, &found))
			return false;
		if (found == value)
			break;
		value = found;
	}
	if (!priority_inheriting && (value & FUTEX_WAITERS))
		futex_wake_address(word, 1);
	return true;
}

void robust_list_exit(struct thread *thread)
{
	uaddr_t head_addr = thread->user.robust_list;
	struct robust_head head;
	uint64_t entry, next;
	unsigned left = ROBUST_LIST_LIMIT;
	bool more;

	thread->user.robust_list = 0;
	if (!head_addr || copy_from_user(&head, head_addr, sizeof(head)))
		return;
	/* The low bit of a link tells a priority-inheriting lock. */
	for (entry = head.first; (entry & ~1ull) != head_addr && left; entry = next, left--) {
		/* Read on first: the waiter that is woken may free the lock. */
		more = !get_user_u64(&next, entry & ~1ull);
		if ((entry ^ head.pending) >> 1 && !release_lock((entry & ~1ull) + head.offset, entry & 1, false, thread->tid))
			return;
		if (!more)
			return;
	}
	if (head.pending)
		release_lock((head.pending & ~1ull) + head.offset, head.pending & 1, true, thread->tid);
}

long sys_set_robust_list(uaddr_t head, size_t len)
{
	struct thread_state *state = &current_thread()->user;

	if (len != sizeof(struct robust_head))
		return -EINVAL;
	state->robust_list = head;
	state->robust_list_len = len;
	return 0;
}

long sys_get_robust_list(int pid, uaddr_t head, uaddr_t len)
{
	struct thread *thread = current_thread();
	const struct credentials *self = credentials_current();
	uint64_t value;

	if (pid) {
		thread = thread_find(pid);
		if (!thread)
			return -ESRCH;
		if (process_uid(thread->process) != self->euid && !(credentials_is_root(self) && capabilities_hold(CAPABILITY_PROC_TRACE))) {
			thread_put(thread);
			return -EPERM;
		}
	}
	value = thread->user.robust_list;
	if (pid)
		thread_put(thread);
	if (put_user_u64(len, sizeof(struct robust_head)) || put_user_u64(head, value))
		return -EFAULT;
	return 0;
}
