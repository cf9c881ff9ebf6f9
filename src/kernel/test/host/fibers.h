/* SPDX-License-Identifier: MIT */
/*
 * Threads for host tests of code that sleeps: fibers, of which one runs at a time and which switch only where they wait or yield, in an order that a seed
 * decides. Wait queues work among them; the clock goes on by itself, and jumps when nobody can run.
 */
#pragma once

#include "lib/types.h"

/* Random numbers of the test: one sequence for everything, so that a seed repeats a run. A failure prints the seed. */
void host_seed(uint64_t seed);
uint64_t host_random(uint64_t below);

/* A fiber that runs in the next fibers_run(). A @daemon may be waiting for ever. */
void fiber_start(void (*fn)(void *arg), void *arg, bool daemon);
/* Runs all until those that are no daemons have ended, then forgets the rest. Aborts when nobody can run any more. */
void fibers_run(void);
void fiber_yield(void);
/* Lets others run for so long. */
void fiber_sleep(uint64_t ns);

/* So many frames memory_reclaim() says it frees from now on; 0 at the start. */
void host_let_reclaim(size_t frames);

/* What memory_spare() says from now on, of frame_total() frames; all of them at the start. */
void host_leave_memory(size_t frames);
