/* SPDX-License-Identifier: MIT */
/*
 * Making processes and threads. Everything that can fail is done before the child is linked anywhere; linking is the last step and only
 * refuses when a signal decided otherwise. A child that was not linked is taken apart again by the same functions that end processes.
 */
#include <linux/sched.h>

#include "ipc/ipc.h"
#include "lib/string.h"
#include "mm/address_space.h"
#include "mm/user_copy.h"
#include "process/clone.h"
#include "process/core_dump.h"
#include "process/internal.h"
#include "process/layout.h"
#include "process/pidfd.h"
#include "process/ptrace.h"
#include "process/rseq.h"
#include "sched/thread.h"
#include "security/capabilities.h"
#include "sysv/sysv.h"
#include "vfs/fd_table.h"
#include "vfs/path.h"
#include "vfs/vnode.h"

#define CLONE_OTHER_NAMESPACES (CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME)

void thread_state_init(struct thread_state *state)
{
	signal_queue_init(&state->queue);
	state->alt_stack_flags = SS_DISABLE;
}

/* Those that are not there, and a descriptor, which only processes have, at a place of its own. */
static COLD int check_unusual_flags(const struct clone_request *request)
{
	uint64_t flags = request->flags;
	bool same_place = (flags & CLONE_PARENT_SETTID) && request->pidfd == request->parent_tid;

	return flags & (CLONE_OTHER_NAMESPACES | CLONE_INTO_CGROUP | CLONE_THREAD) || same_place ? -EINVAL : 0;
}

static int check_flags(const struct clone_request *request)
{
	uint64_t flags = request->flags;

	if (unlikely(flags & (CLONE_OTHER_NAMESPACES | CLONE_PIDFD | CLONE_INTO_CGROUP)) && check_unusual_flags(request))
		return -EINVAL;
	/* A thread lives where its process does. */
	if ((flags & CLONE_NEWNS) && (flags & (CLONE_FS | CLONE_THREAD)))
		return -EINVAL;
	if ((flags & CLONE_THREAD) && !(flags & CLONE_SIGHAND))
		return -EINVAL;
	if ((flags & CLONE_SIGHAND) && !(flags & CLONE_VM))
		return -EINVAL;
	if ((flags & CLONE_SIGHAND) && (flags & CLONE_CLEAR_SIGHAND))
		return -EINVAL;
	if ((flags & CLONE_PARENT) && current_process() == init_process)
		return -EINVAL;
	if ((flags & CLONE_SETTLS) && !user_range_ok(request->tls, 1))
		return -EPERM;
	return 0;
}

/* Counts one more thread against the machine's limit and that of the user. */
static int charge(struct process *process)
{
	uint64_t limit = UINT64_MAX;

	if (!thread_count_charge())
		return -EAGAIN;
	if (!capabilities_may_administer() && process->account)
		limit = process_limit(RLIMIT_NPROC);
	if (process_charge(process, limit))
		return 0;
	thread_count_uncharge();
	return -EAGAIN;
}

static void uncharge(struct process *process)
{
	process_uncharge(process);
	thread_count_uncharge();
}

/* The new thread's part of the caller's state. */
static void inherit_thread_state(struct thread *child, const struct clone_request *request)
{
	struct thread_state *from = &current_thread()->user, *to = &child->user;

	thread_state_init(to);
	/* A mask that is only borrowed for this call cannot be there: fork does not borrow one. */
	to->blocked = from->blocked;
	to->credentials = credentials_get(from->credentials);
	to->missing = ~from->credentials->effective;	/* what is granted to the parent is not the child's */
	to->kept = from->kept;
	if (!(request->flags & CLONE_VM) || (request->flags & CLONE_VFORK)) {
		to->alt_stack_base = from->alt_stack_base;
		to->alt_stack_size = from->alt_stack_size;
		to->alt_stack_flags = from->alt_stack_flags;
	}
	if (!(request->flags & CLONE_VM))
		rseq_inherit(child);
	if (request->flags & CLONE_CHILD_CLEARTID)
		to->clear_child_tid = request->child_tid;
	if (request->flags & CLONE_SETTLS)
		child->fs_base = request->tls;
	to->vfork_pending = request->flags & CLONE_VFORK;
	if (unlikely(current_thread()->reset_on_fork))
		sched_reset_child(child);
}

static void discard_thread(struct thread *child)
{
	sysv_leave_undo(child);
	credentials_put(child->user.credentials);
	child->user.credentials = NULL;
	thread_put(child);
}

static struct thread *make_thread(struct process *process, const struct clone_request *request)
{
	struct trap_frame frame = *thread_user_frame();
	struct thread *child;

	frame.rax = 0;
	if (request->stack)
		frame.rsp = request->stack;
	child = thread_create_user(process, &frame);
	if (!child)
		return NULL;
	inherit_thread_state(child, request);
	if (!(request->flags & CLONE_SYSVSEM) || sysv_share_undo(child))
		return child;
	discard_thread(child);
	return NULL;
}

/* The tid words the caller asked for. Errors are not reported, as on Linux: the child exists. */
static void write_tids(const struct clone_request *request, struct process *process, int tid)
{
	if (request->flags & CLONE_PARENT_SETTID)
		(void)put_user_u32(request->parent_tid, tid);
	if (!(request->flags & CLONE_CHILD_SETTID))
		return;
	if (request->flags & CLONE_VM)
		(void)put_user_u32(request->child_tid, tid);
	else
		(void)address_space_access(process->as, request->child_tid, &tid, sizeof(tid), true);
}

/* Waits until the vfork child has its own memory or is gone. A deadly signal ends the wait; the child lives on. */
static void wait_for_vfork(struct thread *child)
{
	struct waiter waiter;
	int error = 0;

	wait_begin(&child->process->exited, &waiter);
	while (!error && atomic_load(&child->user.vfork_pending))
		error = wait_block(&waiter, WAIT_FOREVER, WAIT_KILLABLE);
	wait_end(&waiter);
}

/* Lets the child go, and tells the caller's tracer, which may wait; with CLONE_VFORK the caller does. @number: the child's, in the caller's eyes. */
static void start(struct thread *child, const struct clone_request *request, int number)
{
	int event = ptrace_begin_clone(child, request);
	bool needed = event || (request->flags & CLONE_VFORK);

	if (needed)
		thread_get(child);
	thread_start(child);
	ptrace_end_clone(event, child);
	if (request->flags & CLONE_VFORK) {
		wait_for_vfork(child);
		ptrace_end_vfork(event, number);
	}
	if (needed)
		thread_put(child);
}

/* Gives the thread its number and puts it on the thread list, unless the process is on its way out. */
static int link_thread(struct process *process, struct thread *child)
{
	uint64_t flags = spin_lock_irq(&process_tree_lock);
	int tid = pid_alloc();

	if (tid < 0)
		goto out;
	spin_lock(&process->signal_lock);
	if (process->exiting || process->exec_thread) {
		pid_release(tid);
		tid = -ERESTARTNOINTR;
	} else {
		child->tid = tid;
		pid_slot(tid)->thread = child;
		list_push_back(&process->threads, &child->process_link);
		process->thread_count++;
		if (process->stopping) {
			process->running_in_stop++;
			atomic_or(&child->user.work, THREAD_WORK_STOP);
		}
		signal_recompute(child);
		/* Changed since the caller entered the kernel: the news went to the threads of the list only. */
		if (unlikely(child->user.credentials != atomic_load_relaxed(&process->credentials)))
			atomic_or(&child->user.work, THREAD_WORK_CREDENTIALS);
	}
	spin_unlock(&process->signal_lock);
out:
	spin_unlock_irq(&process_tree_lock, flags);
	return tid;
}

static long clone_thread(const struct clone_request *request)
{
	struct process *process = current_process();
	struct thread *child;
	int tid, error = charge(process);

	if (error)
		return error;
	child = make_thread(process, request);
	if (!child) {
		uncharge(process);
		return -ENOMEM;
	}
	tid = link_thread(process, child);
	if (tid < 0) {
		discard_thread(child);
		uncharge(process);
		return tid;
	}
	write_tids(request, process, tid);
	endpoint_forget_descriptors();
	start(child, request, tid);
	return tid;
}

static int copy_memory(struct process *child, struct process *parent, uint64_t flags)
{
	unsigned tries = 0;

	if (flags & CLONE_VM) {
		child->as = parent->as;
		address_space_get(child->as);
	} else {
		do
			child->as = address_space_fork(parent->as);
		while (unlikely(!child->as) && process_make_room(&tries));
	}
	return child->as ? 0 : -ENOMEM;
}

static int copy_files(struct process *child, struct process *parent, uint64_t flags)
{
	if (flags & CLONE_FILES) {
		child->files = parent->files;
		fd_table_get(child->files);
		child->files_shared = parent->files_shared = true;
		endpoint_forget_descriptors();
	} else {
		child->files = fd_table_copy(parent->files, true);
	}
	if (!child->files)
		return -ENOMEM;
	if (flags & CLONE_FS) {
		child->fs = parent->fs;
		fs_context_get(child->fs);
		child->fs_shared = parent->fs_shared = true;
	} else {
		child->fs = fs_context_copy(parent->fs);
	}
	if (child->fs && unlikely(flags & CLONE_NEWNS))
		return mount_check_privilege() ?: fs_context_copy_namespace(child->fs);
	return child->fs ? 0 : -ENOMEM;
}

static int copy_handlers(struct process *child, struct process *parent, uint64_t flags)
{
	if (flags & CLONE_SIGHAND) {
		child->handlers = parent->handlers;
		signal_handlers_get(child->handlers);
		return 0;
	}
	child->handlers = signal_handlers_copy(parent->handlers);
	if (!child->handlers)
		return -ENOMEM;
	if (flags & CLONE_CLEAR_SIGHAND)
		signal_handlers_reset(child->handlers, false);
	return 0;
}

/* Identity, limits, names: what cannot fail. */
static void copy_attributes(struct process *child, struct process *parent, const struct clone_request *request)
{
	uint64_t flags = spin_lock_irq(&parent->lock);

	memcpy(child->limits, parent->limits, sizeof(child->limits));
	memcpy(child->name, parent->name, sizeof(child->name));
	child->account = parent->account;
	user_account_ref(child->account);
	child->port_names = port_names_get(parent->port_names);
	child->executable = parent->executable;
	if (child->executable)
		vnode_get(child->executable);
	spin_unlock_irq(&parent->lock, flags);
	if (child->executable) {
		spin_lock(&child->executable->attr_lock);
		child->executable->executing++;
		spin_unlock(&child->executable->attr_lock);
	}
	child->credentials = credentials_get(credentials_current());
	child->exit_signal = request->exit_signal;
	child->inherited = parent->inherited;
	core_inherit(child, parent);
	layout_inherit(child, parent);
}

static struct process *copy_process(struct process *parent, const struct clone_request *request, int *error)
{
	struct process *child = process_alloc();

	*error = -ENOMEM;
	if (!child)
		return NULL;
	copy_attributes(child, parent, request);
	*error = charge(child);
	if (*error) {
		process_release_resources(child);
		process_put(child);
		return NULL;
	}
	*error = copy_handlers(child, parent, request->flags);
	if (!*error)
		*error = copy_files(child, parent, request->flags);
	if (!*error)
		*error = copy_memory(child, parent, request->flags);
	/* Who has a limit of CPU time has timers. */
	if (!*error && unlikely(parent->timers))
		*error = itimer_set_limit(child, RLIMIT_CPU) ?: itimer_set_limit(child, RLIMIT_RTTIME);
	if (!*error)
		return child;
	uncharge(child);
	process_release_resources(child);
	process_put(child);
	return NULL;
}

/* CLONE_PARENT makes a sibling. process_tree_lock held. */
static void link_to_parent(struct process *child, struct process *creator, const struct clone_request *request)
{
	struct process *parent = creator;

	if (request->flags & CLONE_PARENT) {
		parent = creator->parent;
		child->exit_signal = creator->exit_signal;
	}
	process_set_parent(child, parent);
	list_push_back(&parent->children, &child->sibling);
	process_join_group(child, creator->group);
	process_join_session(child, creator->session);
	child->terminal = creator->terminal;
}

/* Makes the child visible: number, family, group, session. The pid or a negative errno. */
static int link_process(struct process *child, struct thread *thread, const struct clone_request *request, const struct fork_signals *signals)
{
	struct process *creator = current_process();
	uint64_t flags = spin_lock_irq(&process_tree_lock);
	int pid = atomic_load(&creator->exiting) ? -ERESTARTNOINTR : pid_alloc();

	if (pid >= 0) {
		struct pid_slot *slot = pid_slot(pid);

		if (unlikely(signals->came)) {
			child->queue.set = signals->came;
			atomic_or(&thread->user.work, THREAD_WORK_SIGNAL);
		}
		child->pid = thread->tid = pid;
		child->leader = thread;
		child->thread_count = 1;
		list_push_back(&child->threads, &thread->process_link);
		slot->process = child;
		slot->thread = thread;
		link_to_parent(child, creator, request);
	}
	spin_unlock_irq(&process_tree_lock, flags);
	return pid;
}

/* A descriptor that CLONE_PIDFD asks for, reserved and told to the program, and its file. */
struct pending_pidfd { int fd; struct file *file; };

/* 0 or a negative errno. */
static COLD __attribute__((noinline)) int begin_pidfd(struct pending_pidfd *pending, struct process *child, uaddr_t out)
{
	pending->file = NULL;
	pending->fd = fd_reserve(0, true);
	if (pending->fd < 0)
		return pending->fd;
	pending->file = pidfd_create_file(child, 0);
	return !pending->file ? -ENFILE : put_user_u32(out, pending->fd);
}

/* The child is there, or is not to be. */
static COLD __attribute__((noinline)) void end_pidfd(struct pending_pidfd *pending, bool made)
{
	if (made) {
		fd_fill(pending->fd, pending->file);
		return;
	}
	if (pending->fd >= 0)
		fd_unreserve(pending->fd);
	if (pending->file)
		file_put(pending->file);
}

static long make_process(const struct clone_request *request, const struct fork_signals *signals)
{
	struct process *parent = current_process(), *child;
	bool wants_pidfd = request->flags & CLONE_PIDFD;
	struct pending_pidfd pidfd;
	struct thread *thread;
	int pid, error;

	child = copy_process(parent, request, &error);
	if (!child)
		return error;
	thread = make_thread(child, request);
	pid = thread ? 0 : -ENOMEM;
	if (unlikely(wants_pidfd))
		pid = begin_pidfd(&pidfd, child, request->pidfd) ?: pid;
	if (likely(!pid))
		pid = link_process(child, thread, request, signals);
	if (unlikely(wants_pidfd))
		end_pidfd(&pidfd, pid > 0);
	if (pid < 0) {
		uncharge(child);
		process_release_resources(child);
		if (thread)
			discard_thread(thread);
		process_put(child);
		return pid;
	}
	write_tids(request, child, pid);
	start(thread, request, pid);
	return pid;
}

/* What came for the group before is the parent's alone, which has to take it first; what comes from then on is the child's, too. */
static long clone_process(const struct clone_request *request)
{
	struct process *parent = current_process();
	struct fork_signals signals = { 0 }, **link = &parent->forks;
	uint64_t flags = spin_lock_irq(&process_tree_lock);
	long pid;

	signals.next = *link;
	*link = &signals;
	spin_unlock_irq(&process_tree_lock, flags);
	pid = unlikely(signal_pending()) ? -ERESTARTNOINTR : make_process(request, &signals);
	flags = spin_lock_irq(&process_tree_lock);
	while (*link != &signals)
		link = &(*link)->next;
	*link = signals.next;
	spin_unlock_irq(&process_tree_lock, flags);
	/* Perhaps there is no signal left for this thread to take: the call starts again all the same. */
	if (unlikely(pid == -ERESTARTNOINTR))
		atomic_or(&current_thread()->user.work, THREAD_WORK_SIGNAL);
	return pid;
}

long clone_perform(const struct clone_request *request)
{
	int error = check_flags(request);

	if (error)
		return error;
	return request->flags & CLONE_THREAD ? clone_thread(request) : clone_process(request);
}
