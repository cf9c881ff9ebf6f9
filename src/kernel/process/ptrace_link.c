/* SPDX-License-Identifier: MIT */
/* Who traces whom: how it begins, by the one or the other, by itself for children, and how it ends. */
#include "debug/trace/trace.h"
#include "ipc/ipc.h"
#include "process/clone.h"
#include "process/ptrace_internal.h"
#include "security/capabilities.h"
#include "vfs/procfs/entry.h"

#include <linux/sched.h>

static unsigned tracees;	/* atomic: linked ones */
static bool calls_watched;	/* a guess; the trace lock settles it */

bool ptrace_options_valid(uint64_t options)
{
	const uint64_t known = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC |
			       PTRACE_O_TRACEVFORKDONE | PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL;

	return !(options & ~known);
}

void ptrace_watch_calls(void)
{
	atomic_store(&calls_watched, true);
	trace_calls_watch(&tracees);
}

void ptrace_settle(void)
{
	if (likely(!atomic_load_relaxed(&calls_watched)) || atomic_load(&tracees))
		return;
	atomic_store(&calls_watched, false);
	trace_calls_watch(&tracees);
}

/* Both locks held. */
static void link(struct process *tracer, struct thread *thread, bool seized, uint32_t options)
{
	struct traced *traced = &thread->user.traced;

	traced->links++;
	traced->seized = seized;
	traced->options = options;
	traced->watch = 0;
	traced->trap = traced->listening = traced->unreported = false;
	list_push_back(&tracer->tracees, &traced->link);
	atomic_store(&traced->tracer, tracer);
	atomic_add(&tracees, 1);
}

void ptrace_let_go(struct thread *thread)
{
	thread->user.traced.stopped = thread->user.traced.unreported = false;
	wake_all(&thread->process->stop_queue);
}

void ptrace_unlink(struct thread *thread)
{
	struct traced *traced = &thread->user.traced;

	list_remove(&traced->link);
	atomic_store(&traced->tracer, NULL);
	traced->ready = traced->listening = traced->trap = false;
	traced->watch = 0;
	/* Who was sent on while its process stays stopped stops again. */
	if (thread->process->stopped && !thread->user.gone)
		atomic_or(&thread->user.work, THREAD_WORK_STOP);
	if (traced->stopped)
		ptrace_let_go(thread);
	atomic_sub(&tracees, 1);
}

/* May @parent trace the caller, its child, which wants that? It could otherwise do by way of it what it cannot do itself. */
static bool parent_may(struct process *parent)
{
	const struct credentials *mine = credentials_current(), *theirs = credentials_of(parent);
	const struct port_names *ports = atomic_load_relaxed(&parent->port_names);
	bool same_user = theirs->fsuid == mine->uid && theirs->fsuid == mine->euid && theirs->fsuid == mine->suid;
	bool can_more = ((mine->effective | mine->permitted) & ~theirs->effective) || (ports && ports != current_process()->port_names);
	bool traces = theirs->effective & CAPABILITY_PROC_TRACE;
	bool may = (credentials_is_root(theirs) && traces) || (same_user && (!can_more || traces));

	credentials_put(theirs);
	return may;
}

long ptrace_trace_me(void)
{
	struct thread *self = current_thread();
	struct process *process = self->process, *parent;
	uint64_t flags = spin_lock_irq(&process_tree_lock);
	long result = -EPERM;

	parent = process->parent;
	if (parent)
		process_get(parent);
	spin_unlock_irq(&process_tree_lock, flags);
	if (!parent)
		return -EPERM;
	if (parent_may(parent)) {
		flags = spin_lock_irq(&process_tree_lock);
		spin_lock(&process->signal_lock);
		/* Process 1 waits for ends, and would take stops for such. */
		if (!ptrace_is_traced(self) && process->parent == parent && parent != init_process && !parent->zombie) {
			link(parent, self, false, 0);
			self->user.traced.ready = true;
			result = 0;
		}
		spin_unlock(&process->signal_lock);
		spin_unlock_irq(&process_tree_lock, flags);
	}
	process_put(parent);
	return result;
}

/*
 * The caller begins to trace @thread; *@number: for the how manyth time somebody does. It is not ready until the caller has been found to be one that may while
 * it is linked: no exec comes in between then.
 */
static long try_link(struct thread *thread, bool seize, uint64_t options, uint32_t *number)
{
	struct process *process = thread->process;
	uint64_t flags = spin_lock_irq(&process_tree_lock);
	long result = -EPERM;

	spin_lock(&process->signal_lock);
	if (thread->user.traced.ended)
		result = -ESRCH;
	else if (!ptrace_is_traced(thread)) {
		link(current_process(), thread, seize, options);
		*number = thread->user.traced.links;
		result = 0;
	}
	spin_unlock(&process->signal_lock);
	spin_unlock_irq(&process_tree_lock, flags);
	return result;
}

/* Only that link: if an exec has ended it, another thread of the caller's process may have made a new one, which it asks about itself. */
static long confirm_link(struct thread *thread, uint32_t number)
{
	struct process *process = thread->process;
	bool may = !proc_check_inspect(process), linked, dead;
	uint64_t flags = spin_lock_irq(&process_tree_lock);

	spin_lock(&process->signal_lock);
	linked = ptrace_is_traced_by(thread, current_process()) && thread->user.traced.links == number;
	may &= linked;
	dead = linked && !may && thread->user.traced.dead;
	if (may)
		thread->user.traced.ready = true;
	else if (linked)
		ptrace_unlink(thread);
	spin_unlock(&process->signal_lock);
	if (dead)
		ptrace_release(thread);
	spin_unlock_irq(&process_tree_lock, flags);
	if (dead)
		thread_put(thread);
	return may ? 0 : -EPERM;
}

/* Is @pid a process of which only its end is still to be heard? */
static bool has_ended(int pid)
{
	struct process *process = process_find(pid);

	process_put(process);
	return process;
}

long ptrace_attach(int tid, bool seize, uint64_t addr, uint64_t options)
{
	struct signal_info stop = signal_info_kernel(SIGSTOP);
	struct thread *thread;
	uint32_t number = 0;
	long result;

	if (seize && (addr || !ptrace_options_valid(options)))
		return -EIO;
	thread = thread_find(tid);
	if (!thread)
		return has_ended(tid) ? -EPERM : -ESRCH;
	if (thread->process == current_process() || thread->process == init_process || proc_check_inspect(thread->process))
		result = -EPERM;
	else
		result = try_link(thread, seize, options, &number) ?: confirm_link(thread, number);
	if (!result && !seize)
		signal_send(thread->process, thread, &stop);
	/* If its process is stopped, it is to tell; and what it told before the caller was found to be one that may is heard now. */
	if (!result) {
		wake_all(&thread->process->stop_queue);
		wake_all(&current_process()->child_events);
	}
	thread_put(thread);
	return result;
}

static int clone_event(const struct clone_request *request)
{
	if (request->flags & CLONE_VFORK)
		return PTRACE_EVENT_VFORK;
	return request->exit_signal == SIGCHLD ? PTRACE_EVENT_FORK : PTRACE_EVENT_CLONE;
}

int ptrace_follow_clone(struct thread *child, const struct clone_request *request)
{
	struct traced *mine = &current_thread()->user.traced;
	struct signal_info stop = signal_info_kernel(SIGSTOP);
	int event = clone_event(request);
	bool linked = false;
	uint64_t flags;

	if (mine->own_step)
		traced_frame(child)->rflags &= ~(uint64_t)PTRACE_RFLAGS_TF;
	if (!(mine->options & 1u << event) || (request->flags & CLONE_UNTRACED))
		event = 0;
	if (!event && !(request->flags & CLONE_PTRACE))
		return 0;
	flags = spin_lock_irq(&process_tree_lock);
	spin_lock(&child->process->signal_lock);
	/* A tracer that is not found to be one that may yet may not trace children either. */
	if (mine->tracer && mine->ready && !ptrace_is_traced(child)) {
		link(mine->tracer, child, mine->seized, mine->options);
		child->user.traced.ready = linked = true;
		child->user.traced.trap = mine->seized;
		if (mine->seized)
			atomic_or(&child->user.work, THREAD_WORK_TRAP);
	}
	spin_unlock(&child->process->signal_lock);
	spin_unlock_irq(&process_tree_lock, flags);
	if (linked && !mine->seized)
		signal_send(child->process, child, &stop);
	return event;
}

void ptrace_drop_weak_tracer(void)
{
	struct thread *self = current_thread();
	uint64_t flags = spin_lock_irq(&process_tree_lock);
	struct process *tracer = self->user.traced.tracer;
	const struct credentials *theirs = tracer ? credentials_of(tracer) : NULL;

	if (tracer && !(credentials_is_root(theirs) && theirs->effective & CAPABILITY_PROC_TRACE)) {
		spin_lock(&self->process->signal_lock);
		ptrace_unlink(self);
		spin_unlock(&self->process->signal_lock);
	}
	spin_unlock_irq(&process_tree_lock, flags);
	if (theirs)
		credentials_put(theirs);
}

int ptrace_tracer_pid(struct thread *thread)
{
	uint64_t flags = spin_lock_irq(&process_tree_lock);
	int pid = thread && thread->user.traced.tracer ? thread->user.traced.tracer->pid : 0;

	spin_unlock_irq(&process_tree_lock, flags);
	return pid;
}
