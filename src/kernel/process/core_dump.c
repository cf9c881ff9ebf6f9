/* SPDX-License-Identifier: MIT */
/*
 * When a core file is written, by whom, and where. The thread that takes the signal begins the end of the process, waits until each other thread is on its
 * way out and sleeps in core_wait(), and then writes with the rights of the process. While it does, only SIGKILL reaches the process.
 */
#include "process/core_internal.h"

#include <linux/fcntl.h>

#include "arch/x86_64/fpu.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "process/core_name.h"
#include "process/system_name.h"
#include "security/capabilities.h"
#include "sched/clock.h"
#include "vfs/file.h"
#include "vfs/name_change.h"
#include "vfs/path.h"

#define SIGNAL_SET_CORE (1ull << (SIGQUIT - 1) | 1ull << (SIGILL - 1) | 1ull << (SIGTRAP - 1) | 1ull << (SIGABRT - 1) | 1ull << (SIGBUS - 1) | \
			 1ull << (SIGFPE - 1) | 1ull << (SIGSEGV - 1) | 1ull << (SIGXCPU - 1) | 1ull << (SIGXFSZ - 1) | 1ull << (SIGSYS - 1))

enum { DUMPED = 0x80, FILE_MODE = 0600 };

/* ---- Settings ---- */

static struct spinlock pattern_lock = SPINLOCK_INIT(LOCK_HOST_NAME);
static char core_pattern[CORE_PATTERN_SIZE] = "core";	/* pattern_lock */
uint32_t core_uses_pid;

void core_pattern_get(char pattern[CORE_PATTERN_SIZE])
{
	spin_lock(&pattern_lock);
	string_copy(pattern, core_pattern, CORE_PATTERN_SIZE);
	spin_unlock(&pattern_lock);
}

int core_pattern_set(const char *text, size_t len)
{
	if (len && text[len - 1] == '\n')
		len--;
	if (len >= CORE_PATTERN_SIZE || memchr(text, '\0', len))
		return -EINVAL;
	if (len && text[0] == '|')
		return -EOPNOTSUPP;
	spin_lock(&pattern_lock);
	memcpy(core_pattern, text, len);
	core_pattern[len] = '\0';
	spin_unlock(&pattern_lock);
	return 0;
}

/* ---- Threads ---- */

bool core_is_wanted(const struct process *process, int number)
{
	return SIGNAL_SET_CORE & signal_bit(number) && process != init_process && process->dumpable && !process->serves_files &&
	       atomic_load_relaxed(&process->limits[RLIMIT_CORE].soft) >= PAGE_SIZE;
}

/* Begins the end of the process, but not of the caller. False if another thread has begun it already, or an exec. */
static bool begin(struct core_dump *core)
{
	struct thread *self = core->thread;
	struct process *process = self->process;
	uint64_t flags = spin_lock_irq(&process->signal_lock);
	bool begins = !process->exiting && !process->exec_thread;

	if (begins) {
		core->blocked = self->user.blocked;
		signal_block_locked(self, ~0ull);
		process->core = core;
		process_begin_exit(process, core->number);
		/* Nothing is to break its writes off. */
		atomic_and(&self->user.work, ~THREAD_WORK_INTERRUPTS);
	}
	spin_unlock_irq(&process->signal_lock, flags);
	return begins;
}

static void end(struct core_dump *core, bool dumped)
{
	struct thread *self = core->thread;
	struct process *process = self->process;
	uint64_t flags = spin_lock_irq(&process->signal_lock);

	if (dumped && !(atomic_load(&self->user.work) & THREAD_WORK_EXIT))
		process->exit_status |= DUMPED;
	process->core = NULL;
	atomic_or(&self->user.work, THREAD_WORK_EXIT);
	wake_all(&process->thread_gone);
	spin_unlock_irq(&process->signal_lock, flags);
}

/* Do all threads but @self wait? Those that have ended are not on the list any more. */
static bool others_wait(struct process *process, const struct thread *self)
{
	uint64_t flags = spin_lock_irq(&process->signal_lock);
	struct thread *thread;
	bool wait = true;

	list_for_each(thread, &process->threads, process_link)
		wait &= thread == self || thread->user.waits_for_core;
	spin_unlock_irq(&process->signal_lock, flags);
	return wait;
}

/* False when the process is killed before. */
static bool await_others(struct core_dump *core)
{
	struct process *process = core->thread->process;
	struct waiter waiter;
	int error = 0;

	wait_begin(&process->thread_gone, &waiter);
	while (!others_wait(process, core->thread) && !error)
		error = wait_block(&waiter, WAIT_FOREVER, WAIT_KILLABLE);
	wait_end(&waiter);
	return !error;
}

/* Returns whether the caller has to wait. */
static bool join(struct thread *self)
{
	struct process *process = self->process;
	uint64_t flags = spin_lock_irq(&process->signal_lock);
	bool waits = process->core;

	if (waits && !self->user.waits_for_core) {
		fpu_save_current();
		self->user.waits_for_core = true;
		wake_all(&process->thread_gone);
	}
	spin_unlock_irq(&process->signal_lock, flags);
	return waits;
}

void core_wait(void)
{
	struct thread *self = current_thread();
	struct waiter waiter;

	/* It was there before the caller heard of the end, or there is none. */
	if (!atomic_load(&self->process->core))
		return;
	wait_begin(&self->process->thread_gone, &waiter);
	while (join(self))
		wait_block(&waiter, WAIT_FOREVER, WAIT_UNINTERRUPTIBLE);
	wait_end(&waiter);
}

void core_hear(struct process *process, int number)
{
	if (number != SIGKILL || !process->core)
		return;
	process->exit_status = number;
	atomic_or(&process->core->thread->user.work, THREAD_WORK_EXIT);
	thread_interrupt(process->core->thread, true);
}

/* ---- The file ---- */

/* The name, in @scratch; "" if it is too long. */
static void make_name(struct core_dump *core)
{
	const struct credentials *credentials = credentials_current();
	char pattern[CORE_PATTERN_SIZE], host[65];
	struct core_facts facts = {
		.pid = core->thread->process->pid, .tid = core->thread->tid, .signal = core->number, .uid = credentials->uid, .gid = credentials->gid,
		.limit = core->room, .time = clock_realtime_ns() / 1000000000, .host = host, .program = core->thread->name,
	};

	given_name_get(HOST_NAME, host);
	core_pattern_get(pattern);
	if (!core_name_make(core->scratch, pattern, atomic_load(&core_uses_pid), &facts))
		core->scratch[0] = '\0';
}

/* Always a new one: what has the name may be read by others, or lead to something that is not to be overwritten. */
static bool open_file(struct core_dump *core)
{
	int error;

	make_name(core);
	name_remove_known(core->scratch);
	core->file = file_open(AT_FDCWD, core->scratch, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, FILE_MODE, &error);
	return core->file;
}

/* Returns whether there is a file, though it may have been cut short. */
static bool write_file(struct core_dump *core)
{
	bool begun = false;

	core->buffer = kmalloc(PAGE_SIZE);
	core->scratch = kmalloc(PATH_MAX_LEN);
	if (core->buffer && core->scratch && open_file(core)) {
		preempt_disable();
		fpu_save_current();
		preempt_enable();
		core_write(core);
		file_put(core->file);
		begun = true;
	}
	kfree(core->scratch);
	kfree(core->buffer);
	return begun;
}

void core_dump(int number, const struct signal_info *info)
{
	struct thread *self = current_thread();
	struct core_dump core = { .thread = self, .number = number, .info = info, .as = self->process->as, .room = process_limit(RLIMIT_CORE),
				   .filter = core_filter_of(self->process) };

	/* The file is made with the rights of the process: one that may write none leaves none. */
	if (!core_is_wanted(self->process, number) || !capabilities_hold(CAPABILITY_FILE_WRITE) || !begin(&core))
		return;
	end(&core, await_others(&core) && write_file(&core));
}
