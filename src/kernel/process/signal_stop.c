/* SPDX-License-Identifier: MIT */
/*
 * Job control: stopping all threads of a process, continuing them, and telling the parent. A stop begins when a thread takes a stop
 * signal; the parent hears of it when the last thread has stopped. SIGCONT and SIGKILL end it at once, from any context.
 *
 * The parent is told with process_tree_lock and never under this process's own signal_lock, because SIGCHLD takes the parent's.
 */
#include "process/ptrace.h"

/* SIGCHLD with @code (CLD_STOPPED, CLD_CONTINUED) and a wake-up for wait4. process_tree_lock held. */
static void tell_parent(struct process *process, int code, int status)
{
	struct process *parent = process->parent;
	struct signal_info info = { .number = SIGCHLD, .code = code };
	struct signal_action action;
	uint64_t user, system;

	if (!parent)
		return;
	process_times(process, &user, &system);
	info.child.pid = process->pid;
	info.child.uid = process_uid(process);
	info.child.status = status;
	info.child.utime = user / NS_PER_CLOCK_TICK;
	info.child.stime = system / NS_PER_CLOCK_TICK;
	action = process_signal_action(parent, SIGCHLD);
	if (action.handler != HANDLER_IGNORE && !(action.flags & SA_NOCLDSTOP))
		signal_send(parent, NULL, &info);
	wake_all(&parent->child_events);
}

void signal_stop_notify(struct process *process)
{
	uint64_t flags = spin_lock_irq(&process_tree_lock);

	/* A SIGCONT may have come meanwhile: then nothing stopped. */
	if (atomic_load(&process->stopped) && !process->zombie)
		tell_parent(process, CLD_STOPPED, process->stop_signal);
	spin_unlock_irq(&process_tree_lock, flags);
}

void signal_notify_continued(void)
{
	struct process *process = current_process();
	uint64_t flags = spin_lock_irq(&process->signal_lock);
	bool notify = process->notify_continued;

	process->notify_continued = false;
	spin_unlock_irq(&process->signal_lock, flags);
	if (!notify)
		return;
	flags = spin_lock_irq(&process_tree_lock);
	tell_parent(process, CLD_CONTINUED, SIGCONT);
	spin_unlock_irq(&process_tree_lock, flags);
}

void signal_stop_process(int number)
{
	struct thread *self = current_thread(), *thread;
	struct process *process = self->process;
	uint64_t flags = spin_lock_irq(&process->signal_lock);

	if (ptrace_rejoins_stop(self))
		atomic_or(&self->user.work, THREAD_WORK_STOP);
	/* A SIGCONT that came since the signal was taken has undone it. */
	if (process->exiting || process->exec_thread || process->stopping || !self->user.took_stop)
		goto out;
	process->stopping = true;
	process->stop_signal = number;
	process->running_in_stop = process->thread_count;
	list_for_each(thread, &process->threads, process_link) {
		atomic_or(&thread->user.work, THREAD_WORK_STOP);
		if (thread != self)
			thread_interrupt(thread, false);
	}
out:
	spin_unlock_irq(&process->signal_lock, flags);
}

/* One thread less to wait for. signal_lock held. True if it was the last. */
static bool one_stopped(struct process *process)
{
	if (!process->stopping || process->stopped || --process->running_in_stop)
		return false;
	process->stopped = true;
	process->stop_unreported = true;
	process->continue_unreported = false;
	return true;
}

bool signal_stop_leave(struct thread *thread)
{
	if (!(atomic_and(&thread->user.work, ~THREAD_WORK_STOP) & THREAD_WORK_STOP) || thread->user.stopped)
		return false;
	return one_stopped(thread->process);
}

/* Counts the caller among the stopped, once a stop. signal_lock held. Returns whether it still has to stop; *@last: it was the last one. */
static bool join_stop(struct thread *self, bool *last)
{
	*last = false;
	if (!(atomic_load(&self->user.work) & THREAD_WORK_STOP) || self->process->exiting) {
		atomic_and(&self->user.work, ~THREAD_WORK_STOP);
		self->user.stopped = false;
		return false;
	}
	if (!self->user.stopped) {
		self->user.stopped = true;
		*last = one_stopped(self->process);
	}
	return true;
}

void signal_stop_self(void)
{
	struct thread *self = current_thread();
	struct process *process = self->process;
	struct waiter waiter;
	uint64_t flags;

	wait_begin(&process->stop_queue, &waiter);
	for (;;) {
		bool stop, last;

		flags = spin_lock_irq(&process->signal_lock);
		stop = join_stop(self, &last);
		spin_unlock_irq(&process->signal_lock, flags);
		if (!stop)
			break;
		if (last)
			signal_stop_notify(process);
		else if (!ptrace_group_stop())
			wait_block(&waiter, WAIT_FOREVER, WAIT_UNINTERRUPTIBLE);
	}
	wait_end(&waiter);
}

void signal_continue(struct process *process)
{
	struct thread *thread;

	if (!process->stopping)
		return;
	if (process->stopped) {
		process->notify_continued = true;
		process->continue_unreported = true;
	}
	process->stopping = process->stopped = process->stop_unreported = false;
	process->running_in_stop = 0;
	list_for_each(thread, &process->threads, process_link) {
		atomic_and(&thread->user.work, ~THREAD_WORK_STOP);
		ptrace_continued(thread);
		thread->user.stopped = false;
		/*
		 * All pass by signal_handle_work: to find signals that were left to wait, to tell the parent, and because a call
		 * that the stop interrupted has to be started again.
		 */
		atomic_or(&thread->user.work, THREAD_WORK_SIGNAL);
	}
	wake_all(&process->stop_queue);
}
