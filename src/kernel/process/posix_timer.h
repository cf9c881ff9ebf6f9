/* SPDX-License-Identifier: MIT */
/* What signals and the end of a process have to do with the timers of timer_create. */
#pragma once

struct process;
struct signal_info;

/* A signal with SI_TIMER was taken from a queue: fills in the overrun, and its timer goes on. process->signal_lock held. */
void posix_timer_taken(struct process *process, struct signal_info *info);

/* Removes all timers. The caller is the process's only thread. */
void posix_timers_end(struct process *process);
