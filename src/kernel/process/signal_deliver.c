/* SPDX-License-Identifier: MIT */
/*
 * What happens to a thread with THREAD_WORK_* on its way to user mode: it dies, stops, gets a handler's frame, or has its interrupted
 * system call restarted.
 */
#include "arch/x86_64/trap.h"
#include "process/core_dump.h"
#include "process/internal.h"
#include "process/ptrace.h"
#include "process/rseq.h"

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
	if (!(atomic_load_relaxed(&thread->user.work) & THREAD_WORK_MASK))
		return;
	atomic_and(&thread->user.work, ~THREAD_WORK_MASK);
	signal_set_mask(thread->user.saved_blocked);
}

/* A signal on its way to a handler. */
struct delivery {
	int number;
	struct signal_action action;
	struct signal_info info;	/* SIGNAL_INFO_KEPT bytes */
	signal_set mask_before;
};

/* Copies the action for @number; one with SA_RESETHAND is used up. Returns its handler. signal_lock held. */
static uint64_t take_action(struct process *process, int number, struct signal_action *out)
{
	struct signal_handlers *handlers = process->handlers;
	struct signal_action *action = &handlers->actions[number - 1];

	spin_lock_nested(&handlers->lock);
	*out = *action;
	if ((out->flags & SA_RESETHAND) && out->handler != HANDLER_IGNORE)
		action->handler = HANDLER_DEFAULT;
	spin_unlock_nested(&handlers->lock);
	return out->handler;
}

/* The mask a handler runs with. signal_lock held. */
static void block_for_handler(struct thread *thread, struct delivery *delivery)
{
	signal_set added = delivery->action.mask | (delivery->action.flags & SA_NODEFER ? 0 : signal_bit(delivery->number));

	delivery->mask_before = thread->user.blocked;
	signal_block_locked(thread, delivery->mask_before | added);
}

/* Stops and deaths: what the default action of the signal asks for. Returns whether to look for further signals. */
static bool act_by_default(struct process *process, const struct delivery *delivery)
{
	int number = delivery->number;
	bool orphaned = false;
	uint64_t flags;

	if ((SIGNAL_SET_IGNORED & signal_bit(number)) || process == init_process)
		return true;
	if (!(SIGNAL_SET_STOP & signal_bit(number))) {
		core_dump(number, &delivery->info);
		flags = spin_lock_irq(&process->signal_lock);
		process_begin_exit(process, number);
		spin_unlock_irq(&process->signal_lock, flags);
		return false;
	}
	/* Nobody could continue an orphaned group again: the terminal's stops are ignored there. */
	if (number != SIGSTOP) {
		flags = spin_lock_irq(&process_tree_lock);
		orphaned = process_group_orphaned(process->pgid);
		spin_unlock_irq(&process_tree_lock, flags);
	}
	if (!orphaned)
		signal_stop_process(number);
	return orphaned;
}

/*
 * Takes the next signal that runs a handler, and blocks what the handler does not want to see; ignored ones vanish, stops are obeyed, deadly
 * ones begin the end. False when there is none (or other work came up).
 */
static bool next_handled_signal(struct thread *thread, struct delivery *delivery)
{
	struct process *process = thread->process;

	for (;;) {
		uint64_t flags = spin_lock_irq(&process->signal_lock);
		uint64_t handler = HANDLER_DEFAULT;

		do
			delivery->number = signal_dequeue(thread, thread->user.blocked, &delivery->info);
		while (delivery->number && !(delivery->number = ptrace_filter_signal(thread, delivery->number, &delivery->info, &flags)));
		if (delivery->number) {
			handler = take_action(process, delivery->number, &delivery->action);
			if (handler > HANDLER_IGNORE)
				block_for_handler(thread, delivery);
			else if (SIGNAL_SET_STOP & signal_bit(delivery->number))
				thread->user.took_stop = true;
		} else {
			signal_recompute(thread);
		}
		spin_unlock_irq(&process->signal_lock, flags);
		if (handler > HANDLER_IGNORE)
			return true;
		if (!delivery->number || (handler == HANDLER_DEFAULT && !act_by_default(process, delivery)))
			return false;
	}
}

/* The stack frame could not be written: SIGSEGV, which cannot be handled if it was SIGSEGV that failed. */
static COLD void fail_delivery(struct thread *thread, const struct delivery *delivery)
{
	struct signal_handlers *handlers = thread->process->handlers;
	uint64_t flags;

	signal_set_mask(delivery->mask_before);
	if (delivery->number == SIGSEGV) {
		flags = spin_lock_irq(&handlers->lock);
		handlers->actions[SIGSEGV - 1].handler = HANDLER_DEFAULT;
		spin_unlock_irq(&handlers->lock, flags);
	}
	signal_force_fault(SIGSEGV, SI_KERNEL, 0, 0, 0);
}

static void run_handler(struct trap_frame *frame, struct thread *thread, struct delivery *delivery)
{
	signal_set mask = delivery->mask_before;
	bool stepping = ptrace_ends_step(frame);

	/* The frame remembers the mask from before sigsuspend and the like; sigreturn puts that back. */
	if ((atomic_load_relaxed(&thread->user.work) & THREAD_WORK_MASK)) {
		atomic_and(&thread->user.work, ~THREAD_WORK_MASK);
		mask = thread->user.saved_blocked;
	}
	settle_call_for_handler(frame, &delivery->action);
	if (signal_frame_setup(frame, delivery->number, &delivery->action, &delivery->info, mask) < 0)
		fail_delivery(thread, delivery);
	else if (stepping)
		ptrace_handler_begins();
}

bool signal_deliver_to_self(const struct signal_info *info)
{
	struct thread *thread = current_thread();
	struct process *process = thread->process;
	struct trap_frame *frame = cpu_user_frame();
	uint64_t flags = spin_lock_irq(&process->signal_lock);
	struct delivery delivery;

	delivery.number = info->number;
	/* Other work comes first: other signals, stops, the end, a borrowed mask. Another thread may just have taken the handler away. */
	if (((thread->user.blocked | SIGNAL_SET_CANCELLING) & signal_bit(info->number)) || atomic_load_relaxed(&thread->user.work) ||
	    ptrace_is_traced(thread) || take_action(process, info->number, &delivery.action) <= HANDLER_IGNORE) {
		spin_unlock_irq(&process->signal_lock, flags);
		return false;
	}
	block_for_handler(thread, &delivery);
	spin_unlock_irq(&process->signal_lock, flags);
	frame->rax = 0;
	frame->error = NO_RESTART;
	if (signal_frame_setup(frame, delivery.number, &delivery.action, info, delivery.mask_before) < 0)
		fail_delivery(thread, &delivery);
	return true;
}

static void handle_signals(struct trap_frame *frame, struct thread *thread)
{
	struct delivery delivery;

	if (!call_was_interrupted(frame))
		restore_mask(thread);
	if (unlikely(atomic_load_relaxed(&thread->process->notify_continued)))
		signal_notify_continued();
	if (next_handled_signal(thread, &delivery))
		run_handler(frame, thread, &delivery);
}

static void do_work(struct trap_frame *frame)
{
	struct thread *thread = current_thread();
	uint32_t work;

	while ((work = atomic_load(&thread->user.work))) {
		if (work & THREAD_WORK_EXIT) {
			core_wait();
			process_thread_exit(ptrace_exit_code(thread));
		}
		if (ptrace_handle_work(frame, work))
			continue;
		if (work & THREAD_WORK_STOP)
			signal_stop_self();
		else if (work & THREAD_WORK_CREDENTIALS) {
			atomic_and(&thread->user.work, ~THREAD_WORK_CREDENTIALS);
			credentials_refresh(thread);
		} else if (work & THREAD_WORK_LEVEL) {
			sched_leave_kernel(thread);
		} else if (rseq_is_due(work)) {
			rseq_resume(frame);
		} else if (work & THREAD_WORK_SIGNAL) {
			handle_signals(frame, thread);
		} else {
			/* Only the mask is left: nothing was delivered, so the call that wanted it ends here or starts again. */
			settle_call_without_handler(frame);
			restore_mask(thread);
			ptrace_end_work(frame, work);
		}
	}
	settle_call_without_handler(frame);
}

void signal_handle_work(struct trap_frame *frame)
{
	do
		do_work(frame);
	while (ptrace_leads_nowhere(frame->rip));
}
