/* SPDX-License-Identifier: MIT */
/* System V IPC: shared memory, semaphores and message queues that programs find by keys (README.md). What other parts of the kernel call. */
#pragma once

#include "sched/thread.h"

struct proc_subject;
struct proc_text;

/* Gives @child, which does not run yet, what undoes the operations of the caller (CLONE_SYSVSEM). False when out of memory. */
bool sysv_share_undo(struct thread *child);
/*
 * @thread, the caller or one that never ran, has no more to do with what undoes its operations; who is the last does undo them. May sleep, and cannot be
 * interrupted.
 */
void sysv_put_undo(struct thread *thread);	/* if it has */
static inline void sysv_leave_undo(struct thread *thread)
{
	if (unlikely(thread->user.undo))
		sysv_put_undo(thread);
}

/* /proc/sysvipc */
int sysv_show_shm(struct proc_text *text, const struct proc_subject *subject);
int sysv_show_sem(struct proc_text *text, const struct proc_subject *subject);
int sysv_show_msg(struct proc_text *text, const struct proc_subject *subject);
