/* SPDX-License-Identifier: MIT */
/* wait4 and waitid: finding a child with something to tell, reaping zombies, passing resource usage on. */
#include <linux/resource.h>
#include <linux/wait.h>

#include "lib/string.h"
#include "mm/user_copy.h"
#include "process/internal.h"
#include "process/pidfd.h"
#include "process/ptrace.h"
#include "process/usage.h"
#include "syscall_prototypes.h"

enum { STATUS_CONTINUED = 0xffff, STATUS_STOPPED = 0x7f };

void process_unlink(struct process *process)
{
	list_remove(&process->sibling);
	process_leave_group(process);
	process_leave_session(process);
	pid_slot(process->pid)->process = NULL;
	pid_release(process->pid);
	/* What waited for it is its user's to use again, even if something still refers to the process. */
	if (unlikely(process->queue.set)) {
		spin_lock(&process->signal_lock);
		signal_flush(process, &process->queue, ~0ull);
		spin_unlock(&process->signal_lock);
	}
	process_uncharge(process);
}

static bool matches(const struct process *child, const struct wait_request *request)
{
	bool clone_child = child->exit_signal != SIGCHLD;

	switch (request->type) {
	case P_PID:
		if (child->pid != request->id)
			return false;
		break;
	case P_PGID:
		if (child->pgid != request->id)
			return false;
		break;
	case P_PIDFD:
		if (child != request->process)
			return false;
		break;
	}
	return (request->options & __WALL) || child->traced_by_parent || clone_child == !!(request->options & __WCLONE);
}

/* A reaped child's figures become its parent's "children" figures. process_tree_lock held. */
static void inherit_usage(struct process *parent, struct process *child)
{
	parent->children_user_ns += child->dead_user_ns + child->children_user_ns;
	parent->children_system_ns += child->dead_system_ns + child->children_system_ns;
	parent->children_minor_faults += child->dead_minor_faults + child->children_minor_faults;
	parent->children_max_resident = MAX(parent->children_max_resident, MAX(child->max_resident, child->children_max_resident));
	for (unsigned i = 0; i < 2; i++)
		parent->children_switches[i] += child->dead_switches[i] + child->children_switches[i];
}

/* Job control news of a child that lives. process_tree_lock held. */
static bool take_job_event(struct process *child, const struct wait_request *request, struct wait_event *event)
{
	bool found = false;
	uint64_t flags;

	if (!(request->options & (WUNTRACED | WCONTINUED)))
		return false;
	flags = spin_lock_irq(&child->signal_lock);
	if ((request->options & WUNTRACED) && child->stopped && child->stop_unreported && !ptrace_is_traced_by(child->leader, current_process())) {
		event->code = CLD_STOPPED;
		event->status = child->stop_signal << 8 | STATUS_STOPPED;
		if (!(request->options & WNOWAIT))
			child->stop_unreported = false;
		found = true;
	} else if ((request->options & WCONTINUED) && child->continue_unreported) {
		event->code = CLD_CONTINUED;
		event->status = STATUS_CONTINUED;
		if (!(request->options & WNOWAIT))
			child->continue_unreported = false;
		found = true;
	}
	spin_unlock_irq(&child->signal_lock, flags);
	return found;
}

static void describe(struct process *child, struct wait_event *event)
{
	event->pid = child->pid;
	event->uid = process_uid(child);
	usage_of_process(child, &event->usage);
}

/*
 * Looks once through the children. 1 with *@event and *@reaped (a zombie taken out, or NULL); 0 when those that match have no news;
 * -ECHILD when none matches that can still have any. process_tree_lock held.
 */
static int look(struct process *parent, const struct wait_request *request, struct wait_event *event, struct process **reaped)
{
	struct process *child;
	int result = -ECHILD;

	*reaped = NULL;
	list_for_each(child, &parent->children, sibling) {
		if (!matches(child, request))
			continue;
		if (child->zombie && (request->options & WEXITED) && ptrace_threads_end_first(child)) {
			result = 0;
			continue;
		}
		if (child->zombie && (request->options & WEXITED)) {
			int status = child->exit_status;

			event->code = !(status & 0x7f) ? CLD_EXITED : status & 0x80 ? CLD_DUMPED : CLD_KILLED;
			event->status = status;
			describe(child, event);
			if (!(request->options & WNOWAIT)) {
				inherit_usage(parent, child);
				process_unlink(child);
				*reaped = child;
			}
			return 1;
		}
		if (child->zombie)
			continue;
		result = 0;
		if (take_job_event(child, request, event)) {
			describe(child, event);
			return 1;
		}
	}
	return result;
}

/* 1 with an event; 0: WNOHANG and no news; or a negative errno. */
static int wait_for_child(const struct wait_request *request, struct wait_event *event)
{
	struct process *parent = current_process(), *reaped;
	struct thread *ended = NULL;
	struct waiter waiter;
	int result, error = 0;

	wait_begin(&parent->child_events, &waiter);
	for (;;) {
		uint64_t flags = spin_lock_irq(&process_tree_lock);

		result = look(parent, request, event, &reaped);
		result = ptrace_look(parent, request, event, &ended, result);
		spin_unlock_irq(&process_tree_lock, flags);
		if (result || (request->options & WNOHANG) || error)
			break;
		error = wait_block(&waiter, WAIT_FOREVER, WAIT_INTERRUPTIBLE);
	}
	wait_end(&waiter);
	process_put(reaped);	/* the table's reference */
	ptrace_put(ended);
	return result ? result : error;
}

long sys_wait4(int pid, uaddr_t status, int options, uaddr_t usage)
{
	struct wait_request request = { .type = P_PID, .id = pid };
	struct wait_event event;
	int result;

	if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | (int)__WALL))
		return -EINVAL;
	if (pid == INT32_MIN)
		return -ESRCH;
	if (pid == -1) {
		request.type = P_ALL;
	} else if (pid < 0) {
		request.type = P_PGID;
		request.id = -pid;
	} else if (pid == 0) {
		request.type = P_PGID;
		request.id = current_process()->pgid;
	}
	request.options = options | WEXITED;
	result = wait_for_child(&request, &event);
	if (result <= 0)
		return result;
	if (status && put_user_u32(status, event.status))
		return -EFAULT;
	if (usage && copy_to_user(usage, &event.usage, sizeof(event.usage)))
		return -EFAULT;
	return event.pid;
}

static COLD int waitid_status(const struct wait_event *event)
{
	if (ptrace_reports_code(event->code))
		return event->status >> 8;
	switch (event->code) {
	case CLD_EXITED:
	case CLD_STOPPED:
		return event->status >> 8 & 0xff;
	case CLD_CONTINUED:
		return SIGCONT;
	default:
		return event->status & 0x7f;
	}
}

/* As wait_for_child, for a descriptor of a process. */
static COLD int wait_for_descriptor(int fd, struct wait_request *request, struct wait_event *event)
{
	bool nonblocking, wait = !(request->options & WNOHANG);
	struct process *process = pidfd_get(fd, &nonblocking);
	int result;

	if (!process)
		return -EBADF;
	request->process = process;
	if (nonblocking)
		request->options |= WNOHANG;
	result = wait_for_child(request, event);
	process_put(process);
	return !result && wait && nonblocking ? -EAGAIN : result;
}

static COLD bool waitid_allows(int type, int id, int options)
{
	if (options & ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | __WNOTHREAD | __WCLONE | (int)__WALL))
		return false;
	if (!(options & (WEXITED | WSTOPPED | WCONTINUED)))
		return false;
	return type == P_ALL || (type == P_PID && id > 0) || ((type == P_PGID || type == P_PIDFD) && id >= 0);
}

COLD long sys_waitid(int type, int id, uaddr_t info, int options, uaddr_t usage)
{
	struct wait_request request = { .type = type, .id = id, .options = options };
	struct wait_event event;
	struct signal_info out = { 0 };
	int result = -EINVAL;

	if (type == P_PGID && id == 0)
		request.id = current_process()->pgid;
	if (waitid_allows(type, id, options))
		result = type == P_PIDFD ? wait_for_descriptor(id, &request, &event) : wait_for_child(&request, &event);
	if (result > 0) {
		out.number = SIGCHLD;
		out.code = event.code;
		out.child.pid = event.pid;
		out.child.uid = event.uid;
		out.child.status = waitid_status(&event);
		if (usage && copy_to_user(usage, &event.usage, sizeof(event.usage)))
			return -EFAULT;
	}
	/* Linux writes these fields only, and zeroes when there was nothing, even when it fails. */
	if (info && copy_to_user(info, &out, offsetof(struct signal_info, child) + offsetof(typeof(out.child), pad)))
		return -EFAULT;
	return MIN(result, 0);
}
