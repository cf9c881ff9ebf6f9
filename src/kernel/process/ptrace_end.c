/* SPDX-License-Identifier: MIT */
/*
 * What wait4 tells a tracer, and the ends: of traced threads, which keep their number until the tracer has heard of it (a process's first thread has the
 * process's; and the tracer's own child is heard of as any child is), and of tracers.
 */
#include <linux/wait.h>

#include "process/ptrace_internal.h"
#include "process/usage.h"

enum { STATUS_STOPPED = 0x7f };

static bool is_first(const struct thread *thread)
{
	return thread->tid == thread->process->pid;
}

void ptrace_release(struct thread *thread)
{
	struct traced *traced = &thread->user.traced;

	if (thread->process->traced_leader == thread)
		thread->process->traced_leader = NULL;
	if (traced->kept_number)
		pid_release(thread->tid);
	if (traced->charged) {
		process_uncharge(thread->process);
		thread_count_uncharge();
	}
	traced->kept_number = traced->charged = false;
}

/* As ptrace_unlink, which takes signal_lock. */
static void unlink_locked(struct thread *thread)
{
	spin_lock(&thread->process->signal_lock);
	ptrace_unlink(thread);
	spin_unlock(&thread->process->signal_lock);
}

static __attribute__((noinline)) bool keep_number(struct thread *self)
{
	struct traced *traced = &self->user.traced;

	if (traced->breakpoints)
		ptrace_drop_breakpoints(self);
	traced->ended_traced = traced->tracer;
	traced->kept_number = traced->tracer && !is_first(self);
	return traced->kept_number;
}

bool ptrace_keeps_number(struct thread *self)
{
	struct traced *traced = &self->user.traced;

	traced->ended = true;
	if (likely(!((uintptr_t)traced->tracer | (uintptr_t)traced->breakpoints)))
		return false;
	return keep_number(self);
}

/* si_code of an end, whose status is as wait4 has it. */
static int end_code(int status)
{
	return !(status & 0x7f) ? CLD_EXITED : status & 0x80 ? CLD_DUMPED : CLD_KILLED;
}

/* process_tree_lock held. */
static void tell_end(struct thread *thread, int status)
{
	ptrace_tell_tracer(thread, end_code(status), status & 0x7f ?: status >> 8);
}

/* Another first thread came by exec: what was to be told of the one before is out of date. process_tree_lock held. */
static struct thread *forget_leader(struct process *process)
{
	struct thread *before = process->traced_leader;

	if (before) {
		unlink_locked(before);
		ptrace_release(before);
	}
	return before;
}

bool ptrace_report_end_to_tracer(struct thread *self, int code, bool last)
{
	struct process *process = self->process;
	struct traced *traced = &self->user.traced;
	struct thread *before = NULL;
	uint64_t flags;

	flags = spin_lock_irq(&process_tree_lock);
	if (traced->tracer && !(is_first(self) && traced->tracer == process->parent)) {
		traced->status = process->exiting ? process->exit_status : (code & 0xff) << 8;
		thread_get(self);
		traced->dead = true;
		traced->charged = !last;
		if (is_first(self)) {
			before = forget_leader(process);
			process->traced_leader = self;
		} else {
			tell_end(self, traced->status);
		}
	} else {
		if (traced->tracer) {
			process->traced_by_parent = is_first(self);
			unlink_locked(self);
		}
		ptrace_release(self);
	}
	spin_unlock_irq(&process_tree_lock, flags);
	/* Preemption is off. */
	if (before)
		thread_put(before);
	return traced->dead && !last;
}

/* What the process traced: dead ones stay on its list, for ptrace_put_ended. process_tree_lock held. */
static void abandon(struct process *process)
{
	struct signal_info kill = signal_info_kernel(SIGKILL);
	struct traced *traced, *next;
	struct list dead;

	list_init(&dead);
	list_for_each_safe(traced, next, &process->tracees, link) {
		struct thread *thread = traced_thread(traced);

		unlink_locked(thread);
		if (traced->dead) {
			ptrace_release(thread);
			list_push_back(&dead, &traced->link);
		} else if (traced->options & PTRACE_O_EXITKILL) {
			signal_send(thread->process, NULL, &kill);
		}
	}
	list_for_each_safe(traced, next, &dead, link) {
		list_remove(&traced->link);
		list_push_back(&process->tracees, &traced->link);
	}
}

void ptrace_tell_end(struct process *process)
{
	struct thread *leader = process->traced_leader;

	if (leader)
		tell_end(leader, process->exit_status);
	abandon(process);
}

void ptrace_put_ended(struct process *process)
{
	/* Nobody is traced by a zombie, so the list is the caller's. */
	while (!list_empty(&process->tracees)) {
		struct traced *traced = list_first(&process->tracees, struct traced, link);

		list_remove(&traced->link);
		thread_put(traced_thread(traced));
	}
	ptrace_settle();
}

void ptrace_put(struct thread *ended)
{
	if (ended)
		thread_put(ended);
	ptrace_settle();
}

/* ---- wait4 ---- */

static bool wanted(const struct thread *thread, const struct wait_request *request)
{
	switch (request->type) {
	case P_PID:
		return thread->tid == request->id;
	case P_PGID:
		return thread->process->pgid == request->id;
	case P_PIDFD:
		return thread->process == request->process && is_first(thread);
	default:
		return true;
	}
}

static bool take_stop(struct thread *thread, const struct wait_request *request, struct wait_event *event)
{
	struct traced *traced = &thread->user.traced;
	struct spinlock *lock = &thread->process->signal_lock;
	bool found;

	spin_lock(lock);
	found = traced->stopped && traced->unreported;
	event->code = CLD_TRAPPED;
	event->status = traced->code << 8 | STATUS_STOPPED;
	/* From now on the tracer has its signal: if it ends without a word of it, that is lost. */
	if (found && !(request->options & WNOWAIT)) {
		traced->unreported = false;
		traced->signal = 0;
	}
	spin_unlock(lock);
	return found;
}

bool ptrace_threads_end_first(const struct process *process)
{
	struct traced *traced;

	list_for_each(traced, &current_process()->tracees, link)
		if (traced->kept_number && traced_thread(traced)->process == process)
			return true;
	return false;
}

/* A dead thread. A first one is one with its process, and is told of when that has ended. */
static bool take_end(struct thread *thread, const struct wait_request *request, struct wait_event *event, struct thread **ended)
{
	struct process *process = thread->process;

	if (!(request->options & WEXITED) || (is_first(thread) && (!process->zombie || ptrace_threads_end_first(process))))
		return false;
	event->status = is_first(thread) ? process->exit_status : thread->user.traced.status;
	event->code = end_code(event->status);
	if (!(request->options & WNOWAIT)) {
		unlink_locked(thread);
		ptrace_release(thread);
		*ended = thread;
		/* Another thread of the tracer may wait for the process. */
		if (process->zombie)
			wake_all(&current_process()->child_events);
	}
	return true;
}

int ptrace_look(struct process *tracer, const struct wait_request *request, struct wait_event *event, struct thread **ended, int result)
{
	struct traced *traced;

	if (result > 0)
		return result;
	list_for_each(traced, &tracer->tracees, link) {
		struct thread *thread = traced_thread(traced);

		if (!traced->ready || !wanted(thread, request))
			continue;
		result = 0;
		if (traced->dead ? take_end(thread, request, event, ended) : take_stop(thread, request, event)) {
			event->pid = thread->tid;
			event->uid = process_uid(thread->process);
			usage_of_process(thread->process, &event->usage);
			return 1;
		}
	}
	return result;
}
