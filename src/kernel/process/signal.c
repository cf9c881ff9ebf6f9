/* SPDX-License-Identifier: MIT */
/*
 * Sending signals: what is dropped, what is queued where, which thread is woken, and when a process starts to die of it. Everything
 * but the handler tables works from interrupts.
 */
#include "lib/string.h"
#include "mm/heap.h"
#include "process/core_dump.h"
#include "process/internal.h"
#include "process/posix_timer.h"
#include "process/ptrace.h"
#include "process/signalfd.h"

enum { INIT_PID = 1 };

struct signal_handlers *signal_handlers_create(void)
{
	struct signal_handlers *handlers = kzalloc(sizeof(*handlers));

	if (!handlers)
		return NULL;
	refcount_init(&handlers->refs, 1);
	spinlock_init(&handlers->lock, LOCK_SIGNAL_HANDLERS);
	return handlers;
}

struct signal_handlers *signal_handlers_copy(struct signal_handlers *from)
{
	struct signal_handlers *handlers = kmalloc(sizeof(*handlers));
	uint64_t flags;

	if (!handlers)
		return NULL;
	refcount_init(&handlers->refs, 1);
	spinlock_init(&handlers->lock, LOCK_SIGNAL_HANDLERS);
	flags = spin_lock_irq(&from->lock);
	handlers->changed = from->changed;
	memcpy(handlers->actions, from->actions, sizeof(handlers->actions));
	spin_unlock_irq(&from->lock, flags);
	return handlers;
}

void signal_handlers_get(struct signal_handlers *handlers)
{
	refcount_get(&handlers->refs);
}

void signal_handlers_put(struct signal_handlers *handlers)
{
	if (handlers && refcount_put(&handlers->refs))
		kfree(handlers);
}

void signal_handlers_reset(struct signal_handlers *handlers, bool ignored_too)
{
	uint64_t flags = spin_lock_irq(&handlers->lock);

	for (signal_set left = handlers->changed; left; left &= left - 1) {
		struct signal_action *action = &handlers->actions[__builtin_ctzll(left)];
		bool ignored = action->handler == HANDLER_IGNORE && !ignored_too;

		*action = (struct signal_action){ .handler = ignored ? HANDLER_IGNORE : HANDLER_DEFAULT };
		if (!ignored)
			handlers->changed &= ~(left & -left);
	}
	spin_unlock_irq(&handlers->lock, flags);
}

static struct signal_action signal_action_get(struct signal_handlers *handlers, int number)
{
	uint64_t flags = spin_lock_irq(&handlers->lock);
	struct signal_action action = handlers->actions[number - 1];

	spin_unlock_irq(&handlers->lock, flags);
	return action;
}

struct signal_action process_signal_action(struct process *process, int number)
{
	uint64_t flags = spin_lock_irq(&process->signal_lock);
	struct signal_action action = signal_action_get(process->handlers, number);

	spin_unlock_irq(&process->signal_lock, flags);
	return action;
}

static bool signal_default_is_fatal(int number)
{
	return !((SIGNAL_SET_STOP | SIGNAL_SET_IGNORED) & signal_bit(number));
}

struct signal_info signal_info_kernel(int number)
{
	return (struct signal_info){ .number = number, .code = SI_KERNEL };
}

static uint64_t handler_of(struct process *process, int number)
{
	return atomic_load_relaxed(&process->handlers->actions[number - 1].handler);
}

/* Would nobody notice it? Blocked signals are kept: their action may change until they are unblocked. */
static bool is_dropped(struct process *process, struct thread *thread, int number)
{
	uint64_t handler = handler_of(process, number);
	/* Process 1 gets what it has asked for, and what makes it start again. */
	signal_set ignored = process == init_process ? ~signal_bit(SIGKILL) : SIGNAL_SET_IGNORED;

	if (handler != HANDLER_IGNORE && !(handler == HANDLER_DEFAULT && (ignored & signal_bit(number))))
		return false;
	if (!thread)
		thread = process->leader;
	if (ptrace_is_traced(thread) && number != SIGKILL)
		return false;
	return !((thread->user.blocked | thread->user.waited_for) & signal_bit(number));
}

/* A stop signal and SIGCONT cancel each other, whatever their actions. */
static signal_set opposites_of(int number)
{
	return SIGNAL_SET_STOP & signal_bit(number) ? signal_bit(SIGCONT) : number == SIGCONT ? SIGNAL_SET_STOP : 0;
}

static void cancel_opposites(struct process *process, int number)
{
	signal_set opposites = opposites_of(number);
	struct thread *thread;

	if (opposites) {
		process->queued_signals -= signal_queue_flush(&process->queue, opposites);
		list_for_each(thread, &process->threads, process_link) {
			process->queued_signals -= signal_queue_flush(&thread->user.queue, opposites);
			if (number == SIGCONT)
				thread->user.took_stop = false;
		}
	}
	if (number == SIGCONT || number == SIGKILL)
		signal_continue(process);
}

static bool takes(struct thread *thread, int number)
{
	signal_set blocked = thread->user.blocked & ~thread->user.waited_for;

	return !(blocked & signal_bit(number)) && !((thread->user.stopped || ptrace_is_stopped(thread)) && number != SIGKILL);
}

/* The thread to interrupt for a new signal; NULL if all of them block it: then it waits. */
static struct thread *choose_thread(struct process *process, struct thread *wanted, int number)
{
	struct thread *thread = current_thread();

	if (wanted)
		return takes(wanted, number) ? wanted : NULL;
	/* Programs rely on the first thread's being interrupted, as on Linux. */
	if (takes(process->leader, number))
		return process->leader;
	if (thread && thread->process == process && !thread->user.gone && takes(thread, number))
		return thread;
	list_for_each(thread, &process->threads, process_link)
		if (takes(thread, number))
			return thread;
	return NULL;
}

static void wake_for(struct process *process, struct thread *thread, int number)
{
	thread = choose_thread(process, thread, number);
	if (!thread) {
		signalfd_wake(process);
		return;
	}
	if (number == SIGKILL || (process != init_process && handler_of(process, number) == HANDLER_DEFAULT && signal_default_is_fatal(number) &&
				  !ptrace_is_traced(thread) &&
				  !((thread->user.blocked | thread->user.waited_for) & signal_bit(number)) && !core_is_wanted(process, number))) {
		process_begin_exit(process, number);
		return;
	}
	atomic_or(&thread->user.work, THREAD_WORK_SIGNAL);
	/* An interrupt may have come just as the current thread went to sleep. */
	if (thread != current_thread() || thread->run_state != THREAD_RUNNING)
		thread_interrupt(thread, false);
}

/* Process 1 starts again in place: what it is told to do while it dies, the next instance is to hear. */
static COLD void keep_for_heir(struct process *process, const struct signal_info *info)
{
	if ((SIGNAL_SET_ORDERS & signal_bit(info->number)) && signal_queue_add(&process->queue, info, true) == SIGNAL_QUEUED)
		process->queued_signals++;
}

COLD __attribute__((noinline)) enum signal_queue_result signal_queue_charged(struct process *process, struct signal_queue *queue,
									    const struct signal_info *info)
{
	bool realtime = info->number >= SIGNAL_REALTIME_FIRST;
	uint64_t limit = process_limit_of(process, RLIMIT_SIGPENDING);
	/* Timers count as well, of which there are as many at most: twice as many, and theirs always come. */
	bool may = !realtime || process_charge_signal(process, info->code == SI_TIMER ? limit + MIN(limit, UINT64_MAX - limit) : limit);
	enum signal_queue_result result = signal_queue_add(queue, info, may);

	if (result == SIGNAL_QUEUED)
		process->queued_signals++;
	else if (realtime && may)
		process_uncharge_signals(process, 1);
	return result;
}

COLD void signal_flush(struct process *process, struct signal_queue *queue, signal_set set)
{
	unsigned realtime;

	if (!(queue->set & set))
		return;
	realtime = signal_queue_flush(queue, set & SIGNAL_SET_REALTIME);
	process_uncharge_signals(process, realtime);
	process->queued_signals -= realtime + signal_queue_flush(queue, set);
}

int signal_send(struct process *process, struct thread *thread, const struct signal_info *info)
{
	uint64_t flags = spin_lock_irq(&process->signal_lock);
	struct signal_queue *queue = thread ? &thread->user.queue : &process->queue;
	int error = 0;

	if (!process->thread_count || process->exiting || (thread && thread->user.gone)) {
		/* Sent to one who is dying: accepted and gone. */
		core_hear(process, info->number);
		if (process == init_process && !thread)
			keep_for_heir(process, info);
		if (info->number == SIGKILL)
			ptrace_killed(process);
		goto out;
	}
	if (SIGNAL_SET_CANCELLING & signal_bit(info->number))
		cancel_opposites(process, info->number);
	if (is_dropped(process, thread, info->number))
		goto out;
	if (likely(signal_queue_add_first(queue, info))) {
		process->queued_signals++;
		wake_for(process, thread, info->number);
		goto out;
	}
	switch (signal_queue_charged(process, queue, info)) {
	case SIGNAL_ALREADY_PENDING:
		goto out;
	case SIGNAL_NO_MEMORY:
		error = -EAGAIN;
		goto out;
	case SIGNAL_QUEUED:
	case SIGNAL_QUEUED_WITHOUT_INFO:
		break;
	}
	wake_for(process, thread, info->number);
out:
	spin_unlock_irq(&process->signal_lock, flags);
	return error;
}

void signal_send_process(struct process *process, const struct signal_info *info)
{
	signal_send(process, NULL, info);
}

COLD void signal_send_init(int signal)
{
	struct process *init = process_find(INIT_PID);
	struct signal_info info = signal_info_kernel(signal);

	if (!init)
		return;
	signal_send_process(init, &info);
	process_put(init);
}

void signal_send_thread(struct thread *thread, const struct signal_info *info)
{
	if (thread->process)
		signal_send(thread->process, thread, info);
}

/* What another thread took just now, the process had before it forked. */
COLD void signal_note_in_forks(struct process *process, int number)
{
	if (number && (process->queue.set & signal_bit(number)))
		for (struct fork_signals *fork = process->forks; fork; fork = fork->next)
			fork->came = (fork->came & ~opposites_of(number)) | signal_bit(number);
}

COLD int signal_send_group_locked(int pgid, const struct signal_info *info)
{
	struct process_group *group = process_group_find(pgid);
	struct process *process;
	int count = 0;

	if (!group)
		return 0;
	list_for_each(process, &group->members, group_link) {
		signal_send(process, NULL, info);
		signal_note_in_forks(process, info->number);
		count++;
	}
	return count;
}

COLD void signal_send_foreground(const struct session *session, int pgid, int signal)
{
	const struct process_group *group = process_group_find(pgid);
	struct signal_info info = signal_info_kernel(signal);

	if (group && group->session == session)
		signal_send_group_locked(pgid, &info);
}

COLD int signal_send_group(int pgid, const struct signal_info *info)
{
	uint64_t flags = spin_lock_irq(&process_tree_lock);
	int count = signal_send_group_locked(pgid, info);

	spin_unlock_irq(&process_tree_lock, flags);
	return count;
}

void signal_recompute(struct thread *thread)
{
	signal_set pending = (thread->user.queue.set | thread->process->queue.set) & ~thread->user.blocked;

	if (unlikely(pending))
		atomic_or(&thread->user.work, THREAD_WORK_SIGNAL);
	else
		atomic_and(&thread->user.work, ~THREAD_WORK_SIGNAL);
}

void signal_retarget(struct thread *self, signal_set no_longer)
{
	struct process *process = self->process;
	signal_set waiting = process->queue.set & no_longer;
	struct thread *thread;

	list_for_each(thread, &process->threads, process_link) {
		if (!waiting)
			break;
		if (thread == self || !(waiting & ~thread->user.blocked))
			continue;
		waiting &= thread->user.blocked;
		atomic_or(&thread->user.work, THREAD_WORK_SIGNAL);
		thread_interrupt(thread, false);
	}
	/* What was to interrupt this thread can be read now. */
	if (waiting | (self->user.queue.set & no_longer))
		signalfd_wake(process);
}

/* Not the usual case of a standard signal alone. */
static COLD __attribute__((noinline)) unsigned take_next(struct process *process, struct signal_queue *queue, int number, struct signal_info *info)
{
	unsigned freed = signal_queue_take(queue, number, info);

	if (number >= SIGNAL_REALTIME_FIRST)
		process_uncharge_signals(process, freed);
	return freed;
}

int signal_dequeue(struct thread *thread, signal_set blocked, struct signal_info *info)
{
	struct process *process = thread->process;
	struct signal_queue *queue = &thread->user.queue;
	int number = signal_choose(queue->set & ~blocked);

	if (!number) {
		queue = &process->queue;
		number = signal_choose(queue->set & ~blocked);
	}
	if (likely(number)) {
		unsigned freed = signal_queue_take_first(queue, number, info) ? 1 : take_next(process, queue, number, info);

		process->queued_signals -= freed;
	}
	if (number && info && info->code == SI_TIMER)
		posix_timer_taken(process, info);
	return number;
}

COLD void signal_force_fault(int number, int code, uint64_t addr, uint64_t trap_number, uint64_t error_code)
{
	struct thread *thread = current_thread();
	struct process *process = thread->process;
	struct signal_info info = { .number = number, .code = code, .fault = { addr } };
	struct signal_handlers *handlers = process->handlers;
	uint64_t flags;
	struct signal_action *action = &handlers->actions[number - 1];

	thread->user.fault_address = addr;
	thread->user.fault_trap = trap_number;
	thread->user.fault_error = error_code;

	flags = spin_lock_irq(&process->signal_lock);
	spin_lock(&handlers->lock);
	if (action->handler == HANDLER_IGNORE || (thread->user.blocked & signal_bit(number))) {
		action->handler = HANDLER_DEFAULT;
		thread->user.blocked &= ~signal_bit(number);
	}
	spin_unlock(&handlers->lock);
	if (action->handler == HANDLER_DEFAULT && !ptrace_is_traced(thread) && !core_is_wanted(process, number)) {
		process_begin_exit(process, number);	/* process 1 too: there is no way on */
	} else {
		if (signal_queue_add(&thread->user.queue, &info, true) == SIGNAL_QUEUED)
			process->queued_signals++;
		atomic_or(&thread->user.work, THREAD_WORK_SIGNAL);
	}
	spin_unlock_irq(&process->signal_lock, flags);
}

bool signal_pending(void)
{
	struct thread *thread = current_thread();

	return thread->process && (atomic_load(&thread->user.work) & THREAD_WORK_INTERRUPTS);
}

bool signal_fatal_pending(void)
{
	struct thread *thread = current_thread();

	return thread->process && (atomic_load(&thread->user.work) & THREAD_WORK_EXIT);
}

bool signal_is_ignored_or_blocked(int number)
{
	struct thread *thread = current_thread();

	return (thread->user.blocked & signal_bit(number)) || handler_of(thread->process, number) == HANDLER_IGNORE;
}

void signal_set_mask(signal_set mask)
{
	struct thread *thread = current_thread();
	struct process *process = thread->process;
	uint64_t flags = spin_lock_irq(&process->signal_lock);

	signal_block_locked(thread, mask & ~SIGNAL_SET_UNBLOCKABLE);
	spin_unlock_irq(&process->signal_lock, flags);
}

void signal_set_mask_until_return(signal_set mask)
{
	struct thread *thread = current_thread();

	thread->user.saved_blocked = thread->user.blocked;
	atomic_or(&thread->user.work, THREAD_WORK_MASK);
	signal_set_mask(mask);
}
