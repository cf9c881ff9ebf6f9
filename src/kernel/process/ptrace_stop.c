/* SPDX-License-Identifier: MIT */
/* How a traced thread stops: for signals, calls, what its tracer wants to hear of, and with its process. All of the calling thread, but the telling. */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/fpu.h"
#include "ipc/ipc.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/user_copy.h"
#include "process/clone.h"
#include "process/ptrace_internal.h"
#include "syscall/syscall.h"
#include "syscall_prototypes.h"
#include "debug/trace/trace.h"

enum { MSR_FS_BASE = 0xc0000100, MSR_KERNEL_GS_BASE = 0xc0000102, VECTOR_DEBUG = 1, VECTOR_PROTECTION = 13, STATUS_SIGNAL = 0x7f };

enum stop_kind { STOP_SIGNAL, STOP_GROUP, STOP_EVENT, STOP_CALL, STOP_EXIT };

void ptrace_tell_tracer(struct thread *thread, int code, int status)
{
	struct process *tracer = thread->user.traced.tracer;
	struct signal_info info = { .number = SIGCHLD, .code = code };
	struct signal_action action;

	if (!tracer)
		return;
	info.child.pid = thread->tid;
	info.child.uid = process_uid(thread->process);
	info.child.status = status;
	action = process_signal_action(tracer, SIGCHLD);
	if (action.handler != HANDLER_IGNORE && !(code >= CLD_TRAPPED && action.flags & SA_NOCLDSTOP))
		signal_send(tracer, NULL, &info);
	wake_all(&tracer->child_events);
}

bool ptrace_fault_nowhere(void)
{
	signal_force_fault(SIGSEGV, SI_KERNEL, 0, VECTOR_PROTECTION, 0);
	return true;
}

/* What the tracer gave it, once it goes on. */
static void take_over(struct thread *self, void *fpu)
{
	preempt_disable();
	if (fpu) {
		memcpy(self->fpu_area, fpu, fpu_area_size());
		fpu_restore_current();
	}
	cpu_write_msr(MSR_FS_BASE, self->fs_base);
	cpu_write_msr(MSR_KERNEL_GS_BASE, self->gs_base);
	preempt_enable();
	kfree(fpu);
	/* The short ways of messages are not watched, and have no base in GS. */
	endpoint_forget_descriptors();
}

static void end_step(struct traced *traced, struct trap_frame *frame)
{
	if (traced->own_step)
		frame->rflags &= ~(uint64_t)PTRACE_RFLAGS_TF;
	traced->own_step = false;
}

static void describe(struct traced *traced, enum stop_kind kind, int code, const struct signal_info *info)
{
	struct thread *self = traced_thread(traced);
	struct signal_info own = { .number = SIGTRAP, .code = code };

	if (kind == STOP_GROUP && !traced->seized) {
		traced->info[0] = 0;
		return;
	}
	if (kind == STOP_EVENT || kind == STOP_EXIT || kind == STOP_GROUP) {
		own.sender.pid = self->tid;
		own.sender.uid = self->user.credentials->uid;
	}
	signal_info_copy(traced->info, info ? info : &own);
}

/* Until the tracer, a SIGKILL or the tracer's end lets it go on. signal_lock held at the end, with the flags returned. */
static uint64_t sleep_stopped(struct process *process, struct traced *traced, struct waiter *waiter, enum stop_kind kind)
{
	int error = 0;

	for (;;) {
		uint64_t flags = spin_lock_irq(&process->signal_lock);

		if (!traced->stopped || error) {
			traced->stopped = traced->unreported = false;
			return flags;
		}
		spin_unlock_irq(&process->signal_lock, flags);
		/* Who ends stops although it has been killed; then a further SIGKILL ends that (ptrace_killed). */
		error = wait_block(waiter, WAIT_FOREVER, kind == STOP_EXIT ? WAIT_UNINTERRUPTIBLE : WAIT_KILLABLE);
	}
}

static void tell_stop(struct thread *self, enum stop_kind kind, int code)
{
	uint64_t flags = spin_lock_irq(&process_tree_lock);

	ptrace_tell_tracer(self, kind == STOP_GROUP ? CLD_STOPPED : CLD_TRAPPED, code & STATUS_SIGNAL);
	spin_unlock_irq(&process_tree_lock, flags);
}

/* Returns the signal that the tracer lets the thread go on with. One that does not stop, or has no tracer any more, keeps its signal. */
static int stop(enum stop_kind kind, int code, uint64_t message, const struct signal_info *info)
{
	struct thread *self = current_thread();
	struct process *process = self->process;
	struct traced *traced = &self->user.traced;
	struct waiter waiter;
	uint64_t flags;
	void *fpu;
	int signal = kind == STOP_SIGNAL ? code : 0;

	preempt_disable();
	fpu_save_all(self->fpu_area);
	preempt_enable();
	wait_begin(&process->stop_queue, &waiter);
	flags = spin_lock_irq(&process->signal_lock);
	end_step(traced, traced_frame(self));
	if (!traced->tracer || (kind != STOP_EXIT && (atomic_load(&self->user.work) & THREAD_WORK_EXIT))) {
		spin_unlock_irq(&process->signal_lock, flags);
		wait_end(&waiter);
		return signal;
	}
	describe(traced, kind, code, info);
	traced->code = code;
	traced->signal = signal;
	traced->message = message;
	traced->listening = false;
	traced->stopped = traced->unreported = true;
	spin_unlock_irq(&process->signal_lock, flags);
	tell_stop(self, kind, code);

	flags = sleep_stopped(process, traced, &waiter, kind);
	signal = traced->signal;
	fpu = traced->fpu;
	traced->fpu = NULL;
	traced->phase = PTRACE_SYSCALL_INFO_NONE;
	/* What came meanwhile was left to wait. */
	if ((self->user.queue.set | process->queue.set) & ~self->user.blocked)
		atomic_or(&self->user.work, THREAD_WORK_SIGNAL);
	spin_unlock_irq(&process->signal_lock, flags);
	wait_end(&waiter);
	take_over(self, fpu);
	return signal;
}

static int stop_for_event(enum stop_kind kind, int event, int signal, uint64_t message)
{
	return stop(kind, event << 8 | signal, message, NULL);
}

/* An event inside a call: its tracer may want to see the end of the call only now, or have set where the thread goes on. */
static void stop_in_call(int event, uint64_t message)
{
	stop_for_event(STOP_EVENT, event, SIGTRAP, message);
	atomic_or(&current_thread()->user.work, THREAD_WORK_CALL);
}

static bool wants_event(int event)
{
	const struct traced *traced = &current_thread()->user.traced;

	return traced->tracer && traced->options & 1u << event;
}

/* ---- Signals ---- */

/* Another signal than that which was taken comes from the tracer. */
static void info_from_tracer(struct thread *self, int number, struct signal_info *info)
{
	uint64_t flags = spin_lock_irq(&process_tree_lock);
	struct process *tracer = self->user.traced.tracer;

	*info = (struct signal_info){ .number = number, .code = SI_USER };
	if (tracer) {
		info->sender.pid = tracer->pid;
		info->sender.uid = process_uid(tracer);
	}
	spin_unlock_irq(&process_tree_lock, flags);
}

int ptrace_ask_about(int number, struct signal_info *info, uint64_t *flags)
{
	struct thread *self = current_thread();
	struct process *process = self->process;
	struct signal_info fresh;
	bool same;

	if (number == SIGKILL)
		return number;
	/* Also if there is no tracer to stop for any more. */
	signal_info_copy(self->user.traced.info, info);
	spin_unlock_irq(&process->signal_lock, *flags);
	number = stop(STOP_SIGNAL, number, 0, info);
	info_from_tracer(self, number, &fresh);
	*flags = spin_lock_irq(&process->signal_lock);
	if (!number)
		return 0;
	same = (int)self->user.traced.info[0] == number;
	signal_info_copy(info, same ? (void *)self->user.traced.info : (void *)&fresh);
	if (!(self->user.blocked & signal_bit(number)))
		return number;
	/* The tracer has changed the mask, or the signal. */
	signal_queue_charged(process, &self->user.queue, info);
	return 0;
}

bool ptrace_ends_step(struct trap_frame *frame)
{
	struct traced *traced = &current_thread()->user.traced;
	bool stepping = traced->own_step;

	end_step(traced, frame);
	return stepping;
}

void ptrace_handler_begins(void)
{
	stop(STOP_EVENT, SIGTRAP, 0, NULL);
}

bool ptrace_forgets_step(struct trap_frame *frame)
{
	struct traced *traced = &current_thread()->user.traced;

	return !traced->tracer && ptrace_ends_step(frame);
}

bool ptrace_group_stop(void)
{
	struct thread *self = current_thread();
	struct process *process = self->process;
	struct traced *traced = &self->user.traced;
	uint64_t flags;

	if (!ptrace_is_traced(self))
		return false;
	stop_for_event(STOP_GROUP, traced->seized ? PTRACE_EVENT_STOP : 0, process->stop_signal, 0);
	flags = spin_lock_irq(&process->signal_lock);
	if (traced->tracer && !traced->listening) {
		atomic_and(&self->user.work, ~THREAD_WORK_STOP);
		self->user.stopped = false;
		/* What came since stop() looked found a stopped thread. */
		if ((self->user.queue.set | process->queue.set) & ~self->user.blocked)
			atomic_or(&self->user.work, THREAD_WORK_SIGNAL);
	}
	traced->listening = false;
	spin_unlock_irq(&process->signal_lock, flags);
	return true;
}

void ptrace_continued(struct thread *thread)
{
	struct traced *traced = &thread->user.traced;

	if (!traced->tracer || !traced->seized || !thread->user.stopped)
		return;
	traced->trap = true;
	atomic_or(&thread->user.work, THREAD_WORK_TRAP);
	if (traced->listening)
		ptrace_let_go(thread);
}

void ptrace_killed(struct process *process)
{
	struct thread *thread;

	list_for_each(thread, &process->threads, process_link)
		if (thread->user.traced.stopped)
			ptrace_let_go(thread);
}

/* ---- Calls ---- */

static void inject(int number)
{
	struct signal_info info = signal_info_kernel(number);

	if (number)
		signal_send(current_process(), current_thread(), &info);
}

static void stop_for_call(uint8_t phase)
{
	struct traced *traced = &current_thread()->user.traced;
	int code = SIGTRAP | (traced->options & PTRACE_O_TRACESYSGOOD ? 0x80 : 0);

	/* Linux tells what stops are about only those that it tells apart. */
	traced->phase = code & 0x80 ? phase : PTRACE_SYSCALL_INFO_NONE;
	inject(stop(STOP_CALL, code, phase == PTRACE_SYSCALL_INFO_ENTRY ? PTRACE_EVENTMSG_SYSCALL_ENTRY : PTRACE_EVENTMSG_SYSCALL_EXIT, NULL));
}

/* What the tracer has left of a call that it did not want. */
static long skip_call(void)
{
	return thread_user_frame()->rax;
}

void *ptrace_enter_call(struct trap_frame *frame)
{
	struct thread *self = current_thread();

	frame->rax = -ENOSYS;
	if (self->user.traced.watch & TRACED_CALLS)
		stop_for_call(PTRACE_SYSCALL_INFO_ENTRY);
	atomic_or(&self->user.work, THREAD_WORK_CALL);
	/* Nor does who cannot return from a call make it: a child would begin at the same place. */
	if (atomic_load(&self->user.work) & THREAD_WORK_EXIT || ptrace_is_nowhere(frame->rip))
		return skip_call;
	if (frame->error < SYSCALL_LINUX_COUNT)
		return unwatched_handlers[frame->error];
	if (frame->error >= SYSCALL_NATIVE && syscall_table_index(frame->error) < SYSCALL_COUNT)
		return unwatched_handlers[syscall_table_index(frame->error)];
	return skip_call;
}

bool ptrace_enter_unknown(struct trap_frame *frame)
{
	if (atomic_load(&current_thread()->user.work) & THREAD_WORK_CALL)
		return false;
	ptrace_enter_call(frame);
	return true;
}

static void leave_call(struct trap_frame *frame)
{
	uint8_t watch = current_thread()->user.traced.watch;

	if (watch & TRACED_CALLS)
		stop_for_call(PTRACE_SYSCALL_INFO_EXIT);
	else if (watch & TRACED_STEPS)
		signal_force_fault(SIGTRAP, TRAP_TRACE, frame->rip, VECTOR_DEBUG, 0);
}

/* Somebody asked it to stop. With its process it stops in another way. */
static void obey_trap(struct thread *self)
{
	struct traced *traced = &self->user.traced;
	uint64_t flags = spin_lock_irq(&self->process->signal_lock);
	bool trap = traced->trap && !(atomic_load(&self->user.work) & THREAD_WORK_STOP);

	traced->trap = false;
	spin_unlock_irq(&self->process->signal_lock, flags);
	if (trap)
		stop_for_event(STOP_EVENT, PTRACE_EVENT_STOP, SIGTRAP, 0);
}

bool ptrace_do_work(struct trap_frame *frame, uint32_t work)
{
	struct thread *self = current_thread();

	if (work & THREAD_WORK_CALL) {
		atomic_and(&self->user.work, ~THREAD_WORK_CALL);
		leave_call(frame);
	} else {
		atomic_and(&self->user.work, ~THREAD_WORK_TRAP);
		obey_trap(self);
	}
	return true;
}

/* ---- Events ---- */

void ptrace_end_clone(int event, const struct thread *child)
{
	if (unlikely(event))
		stop_in_call(event, child->tid);
}

void ptrace_end_vfork(int event, int tid)
{
	if (unlikely(ptrace_is_traced(current_thread())) && wants_event(PTRACE_EVENT_VFORK_DONE))
		stop_in_call(PTRACE_EVENT_VFORK_DONE, tid);
}

void ptrace_do_tell_exec(int old_tid)
{
	struct thread *self = current_thread();
	struct signal_info trap = { .number = SIGTRAP, .code = SI_USER };

	trap.sender.pid = self->process->pid;
	trap.sender.uid = self->user.credentials->uid;
	if (wants_event(PTRACE_EVENT_EXEC))
		stop_in_call(PTRACE_EVENT_EXEC, old_tid);
	else if (!self->user.traced.seized)
		signal_send(self->process, self, &trap);
}

void ptrace_tell_exit(int status)
{
	/* A SIGKILL is the end, whatever a tracer does. */
	if (wants_event(PTRACE_EVENT_EXIT) && status != SIGKILL)
		stop_for_event(STOP_EXIT, PTRACE_EVENT_EXIT, SIGTRAP, status);
}
