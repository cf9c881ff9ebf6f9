/* SPDX-License-Identifier: MIT */
/* Signals that are read from descriptors. */
#pragma once

struct process;

void signalfd_init(void);
/* A signal has come that all threads of @process block: wakes those who wait for one by a descriptor. process->signal_lock held. */
void signalfd_wake(struct process *process);
