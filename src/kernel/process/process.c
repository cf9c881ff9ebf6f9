/* SPDX-License-Identifier: MIT */
/* Processes as objects: making and freeing the structure, looking one up, groups and sessions, and what others may ask about one. */
#include <linux/wait.h>

#include "ipc/ipc.h"
#include "lib/string.h"
#include "mm/address_space.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "process/futex.h"
#include "process/ptrace.h"
#include "process/signalfd.h"
#include "sched/clock.h"
#include "vfs/file.h"
#include "vfs/vnode.h"

struct spinlock process_tree_lock = SPINLOCK_INIT(LOCK_PROCESS_TREE);
struct process *init_process;

static struct slab_cache *process_cache;
static unsigned live_processes;		/* atomic */
static unsigned live_threads;		/* atomic */
static unsigned thread_limit;

void process_init(void)
{
	pid_table_init();
	signal_frame_init();
	futex_init();
	signalfd_init();
	process_cache = slab_cache_create("process", sizeof(struct process), 16);
	KASSERT(process_cache);
	/* A thread costs a stack, tables and its share of copied pages: about 32 frames may not exhaust memory. */
	thread_limit = MIN(MAX(frame_total() / 32, 128), PID_MAX / 2);
}

unsigned process_limit_threads(void)
{
	return thread_limit;
}

bool thread_count_charge(void)
{
	if (atomic_add(&live_threads, 1) <= thread_limit)
		return true;
	atomic_sub(&live_threads, 1);
	return false;
}

void thread_count_charge_anyway(void)
{
	atomic_add(&live_threads, 1);
}

void thread_count_uncharge(void)
{
	atomic_sub(&live_threads, 1);
}

struct process *process_alloc(void)
{
	struct process *process = slab_zalloc(process_cache);

	if (!process)
		return NULL;
	refcount_init(&process->refs, 1);
	list_init(&process->children);
	list_init(&process->sibling);
	list_init(&process->group_link);
	list_init(&process->threads);
	ptrace_init_process(process);
	wait_queue_init(&process->child_events);
	wait_queue_init(&process->exited);
	wait_queue_init(&process->stop_queue);
	wait_queue_init(&process->thread_gone);
	wait_queue_init(&process->message_room);
	spinlock_init(&process->signal_lock, LOCK_SIGNAL);
	spinlock_init(&process->lock, LOCK_PROCESS);
	signal_queue_init(&process->queue);
	process->dumpable = true;
	process->exit_signal = SIGCHLD;
	process->start_ns = clock_monotonic_ns();
	atomic_add(&live_processes, 1);
	return process;
}

void process_get(struct process *process)
{
	refcount_get(&process->refs);
}

void process_put(struct process *process)
{
	if (!process || !refcount_put(&process->refs))
		return;
	itimers_destroy(process);
	signal_handlers_put(process->handlers);
	credentials_put(process->credentials);
	if (process->session)
		session_put(process->session);
	port_names_put(process->port_names);
	if (process->account)
		user_account_put(process->account);
	atomic_sub(&live_processes, 1);
	slab_free(process_cache, process);
}

unsigned process_count(void)
{
	return atomic_load_relaxed(&live_processes);
}

int executable_mark(struct vnode *vnode)
{
	int error = vnode_begin_execute(vnode);

	if (!error)
		vnode_get(vnode);
	return error;
}

void executable_release(struct vnode *vnode)
{
	if (!vnode)
		return;
	vnode_end_execute(vnode);
	vnode_put(vnode);
}

void process_set_executable(struct process *process, struct vnode *vnode)
{
	uint64_t flags = spin_lock_irq(&process->lock);
	struct vnode *old = process->executable;

	process->executable = vnode;
	spin_unlock_irq(&process->lock, flags);
	executable_release(old);
}

void process_leave_memory(struct process *process)
{
	if (process->as)
		process->max_resident = MAX(process->max_resident, address_space_resident_peak(process->as));
}

COLD size_t process_max_resident(struct process *process)
{
	uint64_t flags = spin_lock_irq(&process->lock);
	size_t peak = process->max_resident;

	if (process->as)
		peak = MAX(peak, address_space_resident_peak(process->as));
	spin_unlock_irq(&process->lock, flags);
	return peak;
}

void process_release_resources(struct process *process)
{
	uint64_t flags = spin_lock_irq(&process->lock);
	struct address_space *as = process->as;
	struct fd_table *files = process->files;
	struct fs_context *fs = process->fs;

	process_leave_memory(process);
	process->as = NULL;
	process->files = NULL;
	process->fs = NULL;
	spin_unlock_irq(&process->lock, flags);

	if (as) {
		if (current_process() == process)
			address_space_switch(NULL);
		address_space_put(as);
	}
	if (files)
		fd_table_put(files);
	if (fs)
		fs_context_put(fs);
	process_set_executable(process, NULL);
}

COLD struct address_space *process_get_address_space(struct process *process)
{
	uint64_t flags = spin_lock_irq(&process->lock);
	struct address_space *as = process->as;

	if (as)
		address_space_get(as);
	spin_unlock_irq(&process->lock, flags);
	return as;
}

COLD bool process_has_address_space(struct process *process, const struct address_space *as)
{
	uint64_t flags = spin_lock_irq(&process->lock);
	bool has = process->as == as;

	spin_unlock_irq(&process->lock, flags);
	return has;
}

COLD struct fd_table *process_get_files(struct process *process)
{
	uint64_t flags = spin_lock_irq(&process->lock);
	struct fd_table *files = process->files;

	if (files)
		fd_table_get(files);
	spin_unlock_irq(&process->lock, flags);
	return files;
}

COLD struct fs_context *process_get_fs(struct process *process)
{
	uint64_t flags = spin_lock_irq(&process->lock);
	struct fs_context *fs = process->fs;

	if (fs)
		fs_context_get(fs);
	spin_unlock_irq(&process->lock, flags);
	return fs;
}

struct vnode *process_get_executable(struct process *process)
{
	uint64_t flags = spin_lock_irq(&process->lock);
	struct vnode *vnode = process->executable;

	if (vnode)
		vnode_get(vnode);
	spin_unlock_irq(&process->lock, flags);
	return vnode;
}

COLD struct thread *process_get_leader(struct process *process)
{
	uint64_t flags = spin_lock_irq(&process->signal_lock);
	struct thread *thread = process->leader;

	if (thread)
		thread_get(thread);
	spin_unlock_irq(&process->signal_lock, flags);
	return thread;
}

struct address_space *address_space_current(void)
{
	struct thread *thread = current_thread();

	return thread && thread->process ? thread->process->as : NULL;
}

struct process *process_find_locked(int pid)
{
	struct pid_slot *slot = pid_slot(pid);

	return slot ? slot->process : NULL;
}

struct process *process_find_any_locked(int tid)
{
	struct pid_slot *slot = pid_slot(tid);

	return !slot ? NULL : slot->process || !slot->thread ? slot->process : slot->thread->process;
}

static struct process *find(int pid, struct process *(*find_locked)(int pid))
{
	uint64_t flags = spin_lock_irq(&process_tree_lock);
	struct process *process = find_locked(pid);

	if (process)
		process_get(process);
	spin_unlock_irq(&process_tree_lock, flags);
	return process;
}

struct process *process_find(int pid)
{
	return find(pid, process_find_locked);
}

struct process *process_find_any(int tid)
{
	return find(tid, process_find_any_locked);
}

COLD struct process *process_next(int pid)
{
	uint64_t flags = spin_lock_irq(&process_tree_lock);
	struct process *process = NULL;

	for (pid = pid_next_used(MAX(pid, 0)); pid >= 0 && !process; pid = pid_next_used(pid))
		process = process_find_locked(pid);
	if (process)
		process_get(process);
	spin_unlock_irq(&process_tree_lock, flags);
	return process;
}

struct thread *thread_find(int tid)
{
	uint64_t flags = spin_lock_irq(&process_tree_lock);
	struct pid_slot *slot = pid_slot(tid);
	struct thread *thread = slot ? slot->thread : NULL;

	if (thread)
		thread_get(thread);
	spin_unlock_irq(&process_tree_lock, flags);
	return thread;
}

COLD struct thread *process_next_thread(struct process *process, int after_tid)
{
	uint64_t flags = spin_lock_irq(&process->signal_lock);
	struct thread *thread, *best = NULL;

	list_for_each(thread, &process->threads, process_link)
		if (thread->tid > after_tid && (!best || thread->tid < best->tid))
			best = thread;
	if (best)
		thread_get(best);
	spin_unlock_irq(&process->signal_lock, flags);
	return best;
}

void process_times_locked(struct process *process, uint64_t *user_ns, uint64_t *system_ns)
{
	struct thread *thread;

	*user_ns = process->dead_user_ns;
	*system_ns = process->dead_system_ns;
	list_for_each(thread, &process->threads, process_link) {
		uint64_t user, system;

		thread_times(thread, &user, &system);
		*user_ns += user;
		*system_ns += system;
	}
}

void process_times(struct process *process, uint64_t *user_ns, uint64_t *system_ns)
{
	uint64_t flags = spin_lock_irq(&process->signal_lock);

	process_times_locked(process, user_ns, system_ns);
	spin_unlock_irq(&process->signal_lock, flags);
}

COLD char process_state_letter(struct process *process)
{
	uint64_t flags = spin_lock_irq(&process->signal_lock);
	struct thread *thread;
	char letter = 'Z';

	list_for_each(thread, &process->threads, process_link) {
		uint32_t state = atomic_load_relaxed(&thread->run_state);

		if (ptrace_is_stopped(thread)) {
			letter = 't';
			break;
		}
		if (thread->user.stopped) {
			letter = 'T';
			break;
		}
		if (state != THREAD_SLEEPING && state != THREAD_DEAD) {
			letter = 'R';
			break;
		}
		if (letter != 'D')
			letter = thread->wait_mode == WAIT_INTERRUPTIBLE ? 'S' : 'D';
	}
	spin_unlock_irq(&process->signal_lock, flags);
	return letter;
}

uint32_t process_uid(struct process *process)
{
	uint64_t flags = spin_lock_irq(&process->lock);
	uint32_t uid = process->credentials->uid;

	spin_unlock_irq(&process->lock, flags);
	return uid;
}

uint64_t process_limit_of(struct process *process, unsigned resource)
{
	return atomic_load_relaxed(&process->limits[resource].soft);
}

uint64_t process_limit(unsigned resource)
{
	struct process *process = current_process();

	return process && resource < RLIMIT_COUNT ? process_limit_of(process, resource) : UINT64_MAX;
}

void session_get(struct session *session)
{
	refcount_get(&session->refs);
}

void session_put(struct session *session)
{
	if (session && refcount_put(&session->refs))
		kfree(session);
}

struct process_group *process_group_find(int pgid)
{
	struct pid_slot *slot = pid_slot(pgid);

	return slot ? slot->group : NULL;
}

void process_join_group(struct process *process, struct process_group *group)
{
	process->group = group;
	process->pgid = group->pgid;
	list_push_back(&group->members, &process->group_link);
}

void process_leave_group(struct process *process)
{
	struct process_group *group = process->group;

	if (!group)
		return;
	list_remove(&process->group_link);
	process->group = NULL;
	if (!list_empty(&group->members))
		return;
	pid_slot(group->pgid)->group = NULL;
	pid_release(group->pgid);
	kfree(group);
}

void process_join_session(struct process *process, struct session *session)
{
	session_get(session);
	session->members++;
	process->session = session;
}

/* The number is free again; the pointer stays until the process is freed, for those who still look at it. */
void process_leave_session(struct process *process)
{
	struct session *session = process->session;

	if (--session->members)
		return;
	pid_slot(session->sid)->session = NULL;
	pid_release(session->sid);
}

bool process_group_orphaned(int pgid)
{
	struct process_group *group = process_group_find(pgid);
	struct process *member;

	if (!group)
		return true;
	list_for_each(member, &group->members, group_link) {
		struct process *parent = member->parent;

		if (member->zombie || !parent || parent == init_process)
			continue;
		if (parent->pgid != pgid && parent->session == member->session)
			return false;
	}
	return true;
}
