/* SPDX-License-Identifier: MIT */
/* Process 1: made from nothing by a kernel thread, with its descriptors on the console. */
#include <linux/fcntl.h>

#include "arch/x86_64/fpu.h"
#include "arch/x86_64/trap.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "process/exec.h"
#include "process/init_restart.h"
#include "process/limits.h"
#include "vfs/file.h"

enum { CONSOLE_MAJOR = 5, CONSOLE_MINOR = 1, STANDARD_DESCRIPTORS = 3 };

static const struct file_ops unopened;	/* until the console's driver sets its own */

/* Opens /dev/console without a file system: nothing is mounted yet that has it. */
static struct file *open_console(void)
{
	struct file *console = file_create(&unopened, O_RDWR | O_NOCTTY, NULL);
	int error = console ? char_device_open(make_dev(CONSOLE_MAJOR, CONSOLE_MINOR), console) : -ENOMEM;

	panic_if_no_memory(error, "opening the console for process 1");
	if (error)
		panic("process 1: cannot open the console (error %d)", -error);
	return console;
}

/*
 * Descriptors are installed in the caller's process: for a moment this kernel thread is process 1. It must not be switched away meanwhile,
 * because it has no user state to switch back to.
 */
static void install_descriptors(struct process *process, struct file *console)
{
	struct thread *self = current_thread();

	preempt_disable();
	self->process = process;
	for (int i = 0; i < STANDARD_DESCRIPTORS; i++) {
		file_get(console);
		if (fd_install(console, i, false) != i)
			panic("process 1: cannot install descriptor %d", i);
	}
	self->process = NULL;
	preempt_enable();
	file_put(console);
}

/* An empty process 1 with its own group and session. */
static struct process *make_process(void)
{
	struct process *process = process_alloc();
	struct session *session = kzalloc(sizeof(*session));
	struct process_group *group = kzalloc(sizeof(*group));
	uint64_t flags;

	if (!process || !session || !group)
		return NULL;
	process->credentials = credentials_get(&root_credentials);
	process->account = user_account_get(0);
	process->handlers = signal_handlers_create();
	process->files = fd_table_create();
	process->fs = fs_context_create_root();
	if (!process->account || !process->handlers || !process->files || !process->fs)
		return NULL;
	limits_init(process);
	thread_count_charge();
	process_charge(process, UINT64_MAX);

	flags = spin_lock_irq(&process_tree_lock);
	process->pid = pid_alloc();
	panic_if_no_memory(process->pid, "numbering process 1");
	pid_slot(process->pid)->process = process;
	pid_slot(process->pid)->session = session;
	pid_slot(process->pid)->group = group;
	session->sid = group->pgid = process->pid;
	group->session = session;
	list_init(&group->members);
	refcount_init(&session->refs, 1);
	process_join_group(process, group);
	process_join_session(process, session);
	spin_unlock_irq(&process_tree_lock, flags);
	session_put(session);
	return process;
}

struct thread *init_make_thread(struct process *process, const struct exec *exec)
{
	struct trap_frame frame = { 0 };
	struct thread *thread;
	uint64_t flags;

	exec_start_frame(exec, &frame);
	thread = thread_create_user(process, &frame);
	if (!thread)
		panic("out of memory while making process 1's thread");
	/* When it is started again its maker is the thread that ended. */
	fpu_init_area(thread->fpu_area);
	thread->fs_base = thread->gs_base = 0;
	thread_state_init(&thread->user);
	thread->user.credentials = credentials_get(process->credentials);
	thread->user.missing = ~process->credentials->effective;
	thread_set_name(thread, exec->name);
	flags = spin_lock_irq(&process_tree_lock);
	spin_lock(&process->signal_lock);
	thread->tid = process->pid;
	pid_slot(thread->tid)->thread = thread;
	process->leader = thread;
	process->thread_count = 1;
	process->exec_count = 1;
	list_push_back(&process->threads, &thread->process_link);
	thread->user.blocked = process->queue.set;
	spin_unlock(&process->signal_lock);
	spin_unlock_irq(&process_tree_lock, flags);
	return thread;
}

void process_start_init(const char *path, char *const argv[])
{
	static char *const environment[] = { "HOME=/", "TERM=linux", NULL };
	struct process *process = make_process();
	struct thread *thread;
	struct exec *exec;
	int error;

	if (!process)
		panic("out of memory while making process 1");
	init_process = process;
	install_descriptors(process, open_console());
	init_keep_program(path);
	exec = exec_create(process, kstrdup(path));
	error = exec ? exec_args_from_kernel(&exec->args, argv, environment) : -ENOMEM;
	if (!error)
		error = init_load_program(exec);
	panic_if_no_memory(error, "loading process 1");
	if (error)
		panic("cannot run %s as process 1 (error %d): is the root image complete?", path, -error);
	process->as = exec->as;
	exec->as = NULL;
	process->executable = exec->vnode;
	exec->vnode = NULL;
	string_copy(process->name, exec->name, sizeof(process->name));
	thread = init_make_thread(process, exec);
	exec_free(exec);
	thread_start(thread);
}
