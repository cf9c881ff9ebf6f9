/* SPDX-License-Identifier: MIT */
/* The CPUs beside the one that boots: starting them, and interrupts sent between CPUs. */
#pragma once

#include "arch/x86_64/cpu.h"

enum cpu_start_state { CPU_STARTING, CPU_STARTED, CPU_GIVEN_UP };

/* Starts the other CPUs from a thread of its own; boot goes on meanwhile. Each runs threads as soon as it is up. */
void smp_start_others(void);

/* How many CPUs smp_start_others(), called before, starts besides this one. */
unsigned smp_others_wanted(void);

/* Waits for those CPUs of @mask that are about to start, until they run or are given up. May sleep. */
void smp_await(uint64_t mask);

/* Makes @cpu look at need_resched, or, when it idles, for work. Any context. */
void smp_send_reschedule(const struct cpu *cpu);

/* Stops all other CPUs wherever they are, for good, with the locks that they hold: for panics and the very end. */
void smp_stop_others(void);
bool smp_is_stopping(void);
