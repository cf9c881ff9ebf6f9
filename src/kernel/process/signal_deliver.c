/* SPDX-License-Identifier: MIT */
/*
 * What happens to a thread with THREAD_WORK_* on its way to user mode: it dies, stops, gets a handler's frame, or has its interrupted
 * system call restarted.
 */
#include "arch/x86_64/trap.h"
#include "process/internal.h"

enum {
	NO_RESTART = -1,		/* in frame->error: this frame is no longer that of a system call */
	SYSCALL_LEN = 2,		/* bytes of the SYSCALL instruction */
	CALL_RESTART_SYSCALL = 219,
};

static bool in_system_call(const struct trap_frame *frame)
{
	return frame->vector == TRAP_SYSCALL && frame->error != (uint64_t)NO_RESTART;
}

static void start_again(struct trap_frame *frame, uint64_t number)
{
	frame->rax = number;
	frame->rip -= SYSCALL_LEN;
}

/* A handler runs: the call ends with EINTR or is made again after it. */
static void settle_call_for_handler(struct trap_frame *frame, const struct signal_action *action)
{
	if (!in_system_call(frame))
		return;
	switch (-(int64_t)frame->rax) {
	case ERESTARTSYS:
		if (action->flags & SA_RESTART)
			start_again(frame, frame->error);
		else
			frame->rax = -EINTR;
		break;
	case ERESTARTNOINTR:
		start_again(frame, frame->error);
		break;
	case ERESTARTNOHAND:
	case ERESTART_RESTARTBLOCK:
		frame->rax = -EINTR;
		break;
	}
	frame->error = NO_RESTART;
}

/* No handler runs: the program must not notice that anything happened. */
static void settle_call_without_handler(struct trap_frame *frame)
{
	if (!in_system_call(frame))
		return;
	switch (-(int64_t)frame->rax) {
	case ERESTARTSYS:
	case ERESTARTNOINTR:
	case ERESTARTNOHAND:
		start_again(frame, frame->error);
		break;
	case ERESTART_RESTARTBLOCK:
		start_again(frame, CALL_RESTART_SYSCALL);
		break;
	default:
		return;
	}
	frame->error = NO_RESTART;
}

static bool call_was_interrupted(const struct trap_frame *frame)
{
	int64_t result = frame->rax;

	return in_system_call(frame) && (result == -EINTR || (result <= -ERESTARTSYS && result >= -ERESTART_RESTARTBLOCK));
}

static void restore_mask(struct thread *thread)
{
	if (atomic_and(&thread->user.work, ~THREAD_WORK_MASK) & THREAD_WORK_MASK)
		signal_set_mask(thread->user.saved_blocked);
}

/*
 * Takes the next signal that runs a handler; ignored ones vanish, stops are obeyed, deadly ones begin the end. Returns its number with
 * *@info and *@action, or 0 when there is none (or other work came up).
 */
static int next_handled_signal(struct thread *thread, struct signal_info *info, struct signal_action *action)
{
	struct process *process = thread->process;

	for (;;) {
		uint64_t flags = spin_lock_irq(&process->signal_lock);
		int number = signal_dequeue(thread, thread->user.blocked, info);

		if (!number)
			signal_recompute(thread);
		spin_unlock_irq(&process->signal_lock, flags);
		if (!number)
			return 0;
		*action = signal_action_get(process->handlers, number);
		if (action->handler == HANDLER_IGNORE)
			continue;
		if (action->handler != HANDLER_DEFAULT)
			return number;
		if ((SIGNAL_SET_IGNORED & signal_bit(number)) || process == init_process)
			continue;
		if (SIGNAL_SET_STOP & signal_bit(number)) {
			bool orphaned = false;

			/* Nobody could continue an orphaned group again: the terminal's stops are ignored there. */
			if (number != SIGSTOP) {
				flags = spin_lock_irq(&process_tree_lock);
				orphaned = process_group_orphaned(process->pgid);
				spin_unlock_irq(&process_tree_lock, flags);
			}
			if (orphaned)
				continue;
			signal_stop_process(number);
			return 0;
		}
		flags = spin_lock_irq(&process->signal_lock);
		process_begin_exit(process, number);
		spin_unlock_irq(&process->signal_lock, flags);
		return 0;
	}
}

/* The stack frame could not be written: SIGSEGV, which cannot be handled if it was SIGSEGV that failed. */
static void fail_delivery(struct thread *thread, int number)
{
	struct signal_handlers *handlers = thread->process->handlers;
	uint64_t flags;

	if (number == SIGSEGV) {
		flags = spin_lock_irq(&handlers->lock);
		handlers->actions[number - 1].handler = HANDLER_DEFAULT;
		spin_unlock_irq(&handlers->lock, flags);
	}
	signal_force_fault(SIGSEGV, SI_KERNEL, 0, 0, 0);
}

static void run_handler(struct trap_frame *frame, struct thread *thread, int number, const struct signal_info *info,
			struct signal_action *action)
{
	struct process *process = thread->process;
	signal_set mask = thread->user.blocked;
	uint64_t flags;

	/* The frame remembers the mask from before sigsuspend and the like; sigreturn puts that back. */
	if (atomic_and(&thread->user.work, ~THREAD_WORK_MASK) & THREAD_WORK_MASK)
		mask = thread->user.saved_blocked;
	settle_call_for_handler(frame, action);
	if (action->flags & SA_RESETHAND) {
		flags = spin_lock_irq(&process->handlers->lock);
		process->handlers->actions[number - 1].handler = HANDLER_DEFAULT;
		spin_unlock_irq(&process->handlers->lock, flags);
	}
	if (signal_frame_setup(frame, number, action, info, mask) < 0) {
		fail_delivery(thread, number);
		return;
	}
	signal_set_mask(thread->user.blocked | action->mask | (action->flags & SA_NODEFER ? 0 : signal_bit(number)));
}

static void handle_signals(struct trap_frame *frame, struct thread *thread)
{
	struct signal_info info;
	struct signal_action action;
	int number;

	if (!call_was_interrupted(frame))
		restore_mask(thread);
	if (atomic_load_relaxed(&thread->process->notify_continued))
		signal_notify_continued();
	number = next_handled_signal(thread, &info, &action);
	if (number)
		run_handler(frame, thread, number, &info, &action);
}

void signal_handle_work(struct trap_frame *frame)
{
	struct thread *thread = current_thread();
	uint32_t work;

	while ((work = atomic_load(&thread->user.work) & ~(uint32_t)THREAD_WORK_FRAME)) {
		if (work & THREAD_WORK_EXIT)
			process_thread_exit(0);
		if (work & THREAD_WORK_STOP)
			signal_stop_self();
		else if (work & THREAD_WORK_CREDENTIALS) {
			atomic_and(&thread->user.work, ~THREAD_WORK_CREDENTIALS);
			credentials_refresh(thread);
		} else if (work & THREAD_WORK_SIGNAL) {
			handle_signals(frame, thread);
		} else {
			/* Only the mask is left: nothing was delivered, so the call that wanted it ends here or starts again. */
			settle_call_without_handler(frame);
			restore_mask(thread);
		}
	}
	settle_call_without_handler(frame);
}
