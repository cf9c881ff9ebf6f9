/* SPDX-License-Identifier: MIT */
/* Dispatch of system calls. The entry path itself is arch/x86_64/entry.asm. */
#include "syscall/syscall.h"
#include "syscall_prototypes.h"
#include "arch/x86_64/trap.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "process/ptrace.h"
#include "process/rseq.h"
#include "sched/scheduler.h"
#include "sched/thread.h"

static syscall_fn no_handler;

syscall_fn *const syscall_handlers[SYSCALL_COUNT] = {
#include "syscall_table.inc"
};

const char syscall_names[] =
#include "syscall_names.inc"
;

_Static_assert(offsetof(struct thread, user) + offsetof(struct thread_state, work) == 0, "entry.asm counts on it");

enum { REPORTED_MAX = 64 };

/* Which unknown calls were reported already; a full table just stops further reports. */
static struct { uint64_t number; char name[THREAD_NAME_LEN]; } reported[REPORTED_MAX];
static size_t reported_count;
static struct spinlock reported_lock = SPINLOCK_INIT(LOCK_UNKNOWN_CALLS);

static long no_handler(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
	return syscall_unknown(thread_user_frame());
}

/* Where the name of call @number is: see gen-syscalls.py. */
static uint64_t name_index(uint64_t number)
{
	if (number < SYSCALL_LINUX_COUNT)
		return number;
	return number < SYSCALL_NATIVE ? number + SYSCALL_COUNT - SYSCALL_LINUX_COUNT : syscall_table_index(number);
}

const char *syscall_name(uint64_t number)
{
	const char *name = syscall_names, *end = syscall_names + sizeof(syscall_names) - 1;

	if (number >= SYSCALL_NATIVE + SYSCALL_COUNT - SYSCALL_LINUX_COUNT)
		return "unknown";
	for (number = name_index(number); name < end && number; number--)
		name += strlen(name) + 1;
	return name < end && *name ? name : "unknown";
}

static bool report_once(uint64_t number, const char *name)
{
	bool fresh = false;
	size_t i;

	spin_lock(&reported_lock);
	for (i = 0; i < reported_count; i++)
		if (reported[i].number == number && strcmp(reported[i].name, name) == 0)
			break;
	if (i == reported_count && reported_count < REPORTED_MAX) {
		reported[reported_count].number = number;
		string_copy(reported[reported_count].name, name, THREAD_NAME_LEN);
		reported_count++;
		fresh = true;
	}
	spin_unlock(&reported_lock);
	return fresh;
}

COLD long syscall_unknown(struct trap_frame *frame)
{
	struct thread *thread = current_thread();
	uint64_t number = (uint32_t)frame->error;

	if (ptrace_is_watched(thread) && ptrace_enter_unknown(frame))
		return frame->rax;
	/* In the log (dmesg), but not across the screen of somebody who works. */
	if (report_once(number, thread->name))
		log_debug("syscall: %s (pid %d) called %lu (%s), which is not implemented: ENOSYS", thread->name, thread->process->pid,
			  number, syscall_name(number));
	return -ENOSYS;
}

void syscall_exit_work(struct trap_frame *frame)
{
	struct thread *thread = current_thread();

	while (this_cpu()->need_resched | atomic_load_relaxed(&thread->user.work)) {
		interrupts_enable();
		if (this_cpu()->need_resched)
			scheduler_reschedule();
		if (atomic_load_relaxed(&thread->user.work))
			signal_handle_work(frame);
		interrupts_disable();
		rseq_disturb_if_switched(thread);
	}
}
