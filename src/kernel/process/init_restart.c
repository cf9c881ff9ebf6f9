/* SPDX-License-Identifier: MIT */
/*
 * Process 1 started again in place (adr/0015). When its last thread ends, that thread, instead of taking the process along, gives it new memory with the
 * program from a sealed copy that the kernel has kept since boot, the identity and the signals of a new process, and a new first thread. All else
 * stays: number, family, group, session, descriptors (close-on-exec ones too), directories, limits. So nothing of what process 1 answers for is lost,
 * and no file system is needed. A death in the first moments, again and again, is a panic: then there is no way on.
 */
#include <linux/fcntl.h>

#include "lib/log.h"
#include "lib/panic.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "process/exec.h"
#include "process/init_restart.h"
#include "process/posix_timer.h"
#include "sched/clock.h"
#include "sched/scheduler.h"
#include "vfs/file.h"
#include "vfs/memfd.h"
#include "vfs/vnode.h"

/* The fifth death within this time is the last. */
enum { DEATHS_MAX = 5, DEATHS_WINDOW_S = 10, MEMORY_TRIES = 50, MEMORY_PAUSE_MS = 100, COPY_BYTES = 4 * PAGE_SIZE };

/* All set at boot, then only used by process 1's last thread. */
static struct file *program;
static char *program_path;
static uint64_t death_times[DEATHS_MAX - 1];	/* monotonic; the last ones, in a ring */
static unsigned deaths;

static int copy_file(struct file *from, struct file *to)
{
	char *buffer = kmalloc(COPY_BYTES);
	uint64_t pos = 0;
	ssize_t got = buffer ? 0 : -ENOMEM;

	while (buffer && (got = file_read_kernel(from, buffer, COPY_BYTES, pos)) > 0) {
		ssize_t put = file_write_kernel(to, buffer, got, &pos);

		if (put != got) {
			got = put < 0 ? put : -ENOSPC;
			break;
		}
	}
	kfree(buffer);
	return got;
}

void init_keep_program(const char *path)
{
	struct file *from;
	int error;

	program_path = kstrdup(path);
	program = memfd_create_file(path, &error);
	from = program && program_path ? file_open(AT_FDCWD, path, O_RDONLY, 0, &error) : NULL;
	if (from) {
		error = copy_file(from, program);
		/* What was read for that is not needed twice. */
		vm_object_forget(&from->vnode->object, 0, UINT64_MAX);
		file_put(from);
	}
	if (!program_path)
		error = -ENOMEM;
	if (!error)
		error = memfd_seal(program);
	panic_if_no_memory(error, "keeping a copy of process 1's program");
	if (error)
		panic("cannot keep a copy of %s, process 1's program (error %d)", path, -error);
}

int init_load_program(struct exec *exec)
{
	return exec_load_place(exec, &program->path);
}

/* Writes down the death of process 1 for the log; ends here when it is one too many. */
static void note_death(const struct process *process, int status)
{
	uint64_t now = clock_monotonic_ns(), *oldest = &death_times[deaths % (DEATHS_MAX - 1)];
	const char *how = status & 0x7f ? "signal" : "code";
	int what = status & 0x7f ? status & 0x7f : status >> 8;

	if (deaths >= DEATHS_MAX - 1 && now - *oldest < DEATHS_WINDOW_S * NS_PER_SEC)
		panic("process 1 (%s) ended with %s %d, %d times within %d s", process->name, how, what, DEATHS_MAX, DEATHS_WINDOW_S);
	*oldest = now;
	deaths++;
	log_error("process 1 (%s) ended with %s %d: it is started again in place", process->name, how, what);
}

/* Whatever it had become: it begins as it did at boot. */
static void reset_identity(struct process *process, struct thread *thread)
{
	const struct credentials *old;
	struct user_account *account;
	uint64_t flags = spin_lock_irq(&process->lock);

	old = process->credentials;
	process->credentials = credentials_get(&root_credentials);
	spin_unlock_irq(&process->lock, flags);
	credentials_put(old);
	thread->user.granted = 0;
	credentials_refresh(thread);
	account = user_account_get(0);
	if (account)
		process_set_account(process, account);
	process->no_new_privs = false;
	process->dumpable = true;
	process->death_signal = 0;
}

static struct exec *load_program(struct process *process, int status)
{
	char restarted[32], last[32];
	char *const argv[] = { program_path, NULL };
	char *const environment[] = { "HOME=/", "TERM=linux", restarted, last, NULL };
	struct exec *exec;
	int error;

	snprintf(restarted, sizeof(restarted), "INIT_RESTARTED=%u", deaths);
	snprintf(last, sizeof(last), "INIT_STATUS=%d", status);
	for (unsigned tries = 1;; tries++) {
		exec = exec_create(process, kstrdup(program_path));
		error = exec ? exec_args_from_kernel(&exec->args, argv, environment) : -ENOMEM;
		if (!error)
			error = init_load_program(exec);
		if (!error)
			return exec;
		if (exec)
			exec_free(exec);
		if (error != -ENOMEM || tries == MEMORY_TRIES)
			panic("cannot start process 1 (%s) again (error %d)", process->name, -error);
		/* Others give memory back, or are ended for it. */
		sched_sleep_until(clock_monotonic_ns() + MEMORY_PAUSE_MS * NS_PER_MS, false);
	}
}

/* No handlers, nothing under way, nothing pending but orders, which outlive who was to hear them. */
static void reset_signals(struct process *process)
{
	struct signal_handlers *fresh = signal_handlers_create(), *old;
	uint64_t flags;

	if (!fresh)
		panic("out of memory while starting process 1 again");
	flags = spin_lock_irq(&process->signal_lock);
	old = process->handlers;
	process->handlers = fresh;
	signal_flush(process, &process->queue, ~SIGNAL_SET_ORDERS);
	process->exec_thread = NULL;
	process->stopping = process->stopped = process->stop_unreported = process->continue_unreported = process->notify_continued = false;
	process->exit_status = 0;
	process->exiting = false;
	spin_unlock_irq(&process->signal_lock, flags);
	signal_handlers_put(old);
}

void init_restart(struct process *process)
{
	struct thread *self = current_thread(), *heir;
	int status = process->exit_status;
	struct exec *exec;

	note_death(process, status);
	/* It ends, but what it does before that must not be broken off. */
	atomic_store(&self->user.work, 0);
	itimers_stop(process);
	posix_timers_end(process);
	reset_identity(process, self);
	exec = load_program(process, status);
	exec_replace_memory(exec);
	reset_signals(process);
	thread_count_charge_anyway();
	heir = init_make_thread(process, exec);
	exec_free(exec);
	/* From here on another thread may free the memory: see process_thread_exit(). */
	preempt_disable();
	thread_start(heir);
}
