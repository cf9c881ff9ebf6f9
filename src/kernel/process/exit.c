/* SPDX-License-Identifier: MIT */
/*
 * The end of threads and processes.
 *
 * A thread leaves by process_thread_exit(): it clears its tid word and robust futexes, goes off the thread list, and the scheduler frees
 * it after the last switch. The last one takes the process with it: memory, descriptors and directories go first, then, under
 * process_tree_lock, children are handed to process 1 (or a subreaper) and the process becomes a zombie that its parent reaps (wait.c).
 */
#include <linux/futex.h>

#include "ipc/ipc.h"
#include "lib/log.h"
#include "mm/address_space.h"
#include "mm/user_copy.h"
#include "process/futex.h"
#include "process/init_restart.h"
#include "process/posix_timer.h"
#include "process/ptrace.h"
#include "syscall_prototypes.h"
#include "sysv/sysv.h"
#include "tty/tty.h"
#include "vfs/file.h"

void process_begin_exit(struct process *process, int status)
{
	struct thread *thread;

	if (process->exiting)
		return;
	process->exiting = true;
	process->exit_status = status;
	process->stopping = process->stopped = false;
	process->stop_unreported = process->continue_unreported = process->notify_continued = false;
	list_for_each(thread, &process->threads, process_link) {
		thread->user.stopped = false;
		atomic_and(&thread->user.work, ~THREAD_WORK_STOP);
		atomic_or(&thread->user.work, THREAD_WORK_EXIT);
		if (thread != current_thread() || thread->run_state != THREAD_RUNNING)
			thread_interrupt(thread, true);
	}
	ptrace_killed(process);
	wake_all(&process->stop_queue);
}

int process_kill_other_threads(void)
{
	struct thread *self = current_thread(), *thread;
	struct process *process = self->process;
	struct waiter waiter;
	uint64_t flags;
	int error = 0;
	bool alone;

	wait_begin(&process->thread_gone, &waiter);
	flags = spin_lock_irq(&process->signal_lock);
	if (process->exiting || (process->exec_thread && process->exec_thread != self)) {
		spin_unlock_irq(&process->signal_lock, flags);
		wait_end(&waiter);
		return -EINTR;
	}
	process->exec_thread = self;
	list_for_each(thread, &process->threads, process_link) {
		if (thread == self)
			continue;
		atomic_or(&thread->user.work, THREAD_WORK_EXIT);
		thread_interrupt(thread, true);
	}
	/* A stop cannot finish any more: the threads it waits for are dying. */
	signal_continue(process);
	for (;;) {
		alone = process->thread_count == 1;
		spin_unlock_irq(&process->signal_lock, flags);
		if (alone || error)
			break;
		error = wait_block(&waiter, WAIT_FOREVER, WAIT_KILLABLE);
		flags = spin_lock_irq(&process->signal_lock);
	}
	wait_end(&waiter);
	return alone ? 0 : -EINTR;
}

void vfork_release(struct thread *thread)
{
	if (atomic_exchange(&thread->user.vfork_pending, false))
		wake_all(&thread->process->exited);
}

/* What the program asked to be done to its memory when the thread ends. */
void thread_release_user_memory(struct thread *thread)
{
	uaddr_t tid_word = thread->user.clear_child_tid;

	ipc_thread_release(thread);
	robust_list_exit(thread);
	futex_pi_exit(thread);
	thread->user.clear_child_tid = 0;
	/* Nobody else looks at the word when the memory goes with this thread. */
	if (tid_word && atomic_load_relaxed(&thread->process->as->refs.count) + atomic_load_relaxed(&thread->process->thread_count) > 2 &&
	    !put_user_u32(tid_word, 0))
		futex_wake_address(tid_word, 1);
}

static void pick_new_leader(struct process *process)
{
	process->leader = list_empty(&process->threads) ? NULL : list_first(&process->threads, struct thread, process_link);
}

/* Takes the caller off its process. Returns true when it was the last thread. */
static bool leave_thread_list(struct thread *thread, int code)
{
	struct process *process = thread->process;
	bool stop_done, last, was_first = thread->tid == process->pid;
	uint64_t user, system, flags;

	flags = spin_lock_irq(&process->signal_lock);
	/* Under the lock, or the process's sum, which others read meanwhile, would go back. */
	thread_own_times(&user, &system);
	list_remove(&thread->process_link);
	thread->user.gone = true;
	last = --process->thread_count == 0;
	process->dead_user_ns += user;
	process->dead_system_ns += system;
	process->dead_minor_faults += thread->minor_faults;
	process->dead_switches[0] += thread->voluntary_switches;
	process->dead_switches[1] += thread->involuntary_switches;
	/* The first thread's code is the process's, unless somebody ended it as a whole. */
	if (was_first && !process->exiting)
		process->exit_status = (code & 0xff) << 8;
	if (process->leader == thread)
		pick_new_leader(process);
	signal_retarget(thread, ~0ull);
	if (unlikely(thread->user.queue.set))
		signal_flush(process, &thread->user.queue, ~0ull);
	stop_done = signal_stop_leave(thread) && !last;
	wake_all(&process->thread_gone);
	spin_unlock_irq(&process->signal_lock, flags);
	if (stop_done)
		signal_stop_notify(process);
	return last;
}

/* A group that lost its last tie to its session and has stopped members is hung up and continued (POSIX, exit). process_tree_lock held. */
static void release_orphaned_group(int pgid)
{
	struct process_group *group = process_group_find(pgid);
	struct signal_info hangup = signal_info_kernel(SIGHUP), resume = signal_info_kernel(SIGCONT);
	struct process *member;
	bool any_stopped = false;

	if (!group || !process_group_orphaned(pgid))
		return;
	list_for_each(member, &group->members, group_link)
		any_stopped |= atomic_load(&member->stopped);
	if (!any_stopped)
		return;
	signal_send_group_locked(pgid, &hangup);
	signal_send_group_locked(pgid, &resume);
}

/*
 * Tells @process's parent that it is a zombie. process_tree_lock held. Returns true when the parent does not want to know: then the
 * process was taken out of the tables and the caller drops the table's reference.
 */
static bool notify_parent_of_death(struct process *process)
{
	struct process *parent = process->parent;
	struct signal_info info = { .number = process->exit_signal };
	struct signal_action action;
	bool unwanted = false, silent = false;
	int status = process->exit_status;
	uint64_t user, system;

	process_times(process, &user, &system);
	info.child.pid = process->pid;
	info.child.uid = process_uid(process);
	info.code = status & 0x7f ? (status & 0x80 ? CLD_DUMPED : CLD_KILLED) : CLD_EXITED;
	info.child.status = status & 0x7f ? status & 0x7f : status >> 8;
	info.child.utime = user / NS_PER_CLOCK_TICK;
	info.child.stime = system / NS_PER_CLOCK_TICK;
	if (process->exit_signal == SIGCHLD) {
		action = process_signal_action(parent, SIGCHLD);
		silent = action.handler == HANDLER_IGNORE;
		unwanted = silent || (action.flags & SA_NOCLDWAIT);
	}
	/* clone() takes numbers that are no signal's, and says nothing with them. */
	if (process->exit_signal && process->exit_signal <= SIGNAL_COUNT && !silent)
		signal_send(parent, NULL, &info);
	if (unwanted)
		process_unlink(process);
	wake_all(&parent->child_events);
	return unwanted;
}

/* Who takes the children: the nearest ancestor that asked for orphans, else process 1. process_tree_lock held. */
static struct process *find_reaper(struct process *process)
{
	struct process *ancestor = process->parent;

	while (ancestor != init_process && !ancestor->child_subreaper)
		ancestor = ancestor->parent;
	return ancestor;
}

/* Hands the caller's children on. process_tree_lock held. Zombies nobody wants are moved to @unwanted. */
static void give_away_children(struct process *process, struct list *unwanted)
{
	struct process *child, *next, *reaper;

	if (list_empty(&process->children))
		return;
	reaper = find_reaper(process);

	list_for_each_safe(child, next, &process->children, sibling) {
		list_remove(&child->sibling);
		process_set_parent(child, reaper);
		child->exit_signal = SIGCHLD;
		list_push_back(&reaper->children, &child->sibling);
		if (child->death_signal) {
			struct signal_info info = { .number = child->death_signal, .code = SI_USER };

			info.sender.pid = process->pid;
			signal_send(child, NULL, &info);
		}
		if (child->zombie) {
			if (notify_parent_of_death(child))
				list_push_back(unwanted, &child->sibling);
		} else if (child->pgid != process->pgid && child->session == process->session) {
			release_orphaned_group(child->pgid);
		}
	}
}

static void become_zombie(struct process *process)
{
	struct process *child, *next;
	struct list unwanted;
	bool reaped;
	uint64_t flags;

	list_init(&unwanted);
	flags = spin_lock_irq(&process_tree_lock);
	process->zombie = true;		/* before the orphan checks, which skip zombies */
	ptrace_tell_end(process);
	give_away_children(process, &unwanted);
	if (process->parent->pgid != process->pgid && process->parent->session == process->session)
		release_orphaned_group(process->pgid);
	reaped = notify_parent_of_death(process);
	spin_unlock_irq(&process_tree_lock, flags);
	wake_all(&process->exited);
	ptrace_put_ended(process);

	list_for_each_safe(child, next, &unwanted, sibling) {
		list_remove(&child->sibling);
		process_put(child);
	}
	if (reaped)
		process_put(process);
}

/* A session leader takes its terminal along. If that was hung up before, the foreground group hears of it now. */
static void end_session(struct session *session)
{
	uint64_t flags;

	tty_session_leader_exit(session);
	flags = spin_lock_irq(&process_tree_lock);
	signal_send_foreground(session, session->hung_up_pgid, SIGHUP);
	signal_send_foreground(session, session->hung_up_pgid, SIGCONT);
	spin_unlock_irq(&process_tree_lock, flags);
}

static void end_process(struct process *process)
{
	itimers_stop(process);
	posix_timers_end(process);
	process_release_resources(process);
	if (process->session->sid == process->pid)
		end_session(process->session);
	become_zombie(process);
}

static void leave_tid(struct thread *thread)
{
	uint64_t flags = spin_lock_irq(&process_tree_lock);

	pid_slot(thread->tid)->thread = NULL;
	if (!ptrace_keeps_number(thread))
		pid_release(thread->tid);
	spin_unlock_irq(&process_tree_lock, flags);
}

void process_thread_exit(int code)
{
	struct thread *thread = current_thread();
	struct process *process = thread->process;
	bool last, held;

	if (ptrace_is_traced(thread))
		ptrace_tell_exit(process->exiting ? process->exit_status : (code & 0xff) << 8);
	/* From here on the thread is as good as dead: no signal interrupts what it still has to wait for. */
	thread_release_user_memory(thread);
	sysv_leave_undo(thread);
	leave_tid(thread);
	/*
	 * Off the list it has no more right to the process's memory: another thread may free that now. So this CPU keeps the thread to its end, and does not
	 * come back to it from another one, when it would load the page tables again.
	 */
	preempt_disable();
	last = leave_thread_list(thread, code);
	held = ptrace_report_end(thread, code, last);
	/* The parent in vfork goes on once this thread will not touch the shared memory again. */
	if (last && unlikely(process == init_process)) {
		preempt_enable();
		init_restart(process);
	} else if (last) {
		preempt_enable();
		end_process(process);
		preempt_disable();
	} else if (!held) {
		process_uncharge(process);
	}
	vfork_release(thread);
	credentials_put(thread->user.credentials);
	thread->user.credentials = NULL;
	if (!held)
		thread_count_uncharge();
	interrupts_disable();
	preempt_enable();	/* thread_exit() wants to be the one that forbids it */
	thread_exit();
}

void process_exit(int status)
{
	struct process *process = current_process();
	uint64_t flags = spin_lock_irq(&process->signal_lock);

	process_begin_exit(process, status);
	spin_unlock_irq(&process->signal_lock, flags);
	process_thread_exit(0);
}

/* A tracer may look at the thread once more: by way of signal_handle_work all its registers are in its frame. */
static long exit_traced(struct thread *self, int code, bool group)
{
	uint64_t flags = spin_lock_irq(&self->process->signal_lock);

	self->user.exit_code = code;
	if (group)
		process_begin_exit(self->process, (code & 0xff) << 8);
	atomic_or(&self->user.work, THREAD_WORK_EXIT);
	spin_unlock_irq(&self->process->signal_lock, flags);
	return 0;
}

long sys_exit(int code)
{
	if (ptrace_is_traced(current_thread()))
		return exit_traced(current_thread(), code, false);
	process_thread_exit(code);
}

long sys_exit_group(int code)
{
	if (ptrace_is_traced(current_thread()))
		return exit_traced(current_thread(), code, true);
	process_exit((code & 0xff) << 8);
}
