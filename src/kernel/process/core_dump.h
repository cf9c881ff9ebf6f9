/* SPDX-License-Identifier: MIT */
/*
 * Core files: registers and memory of a process that a signal ends whose default action says so, in a file that gdb reads. What the rest of process/ calls
 * of it, and nothing where the kernel is built without (../README.md, "Switches").
 */
#pragma once

#include "process/internal.h"

#ifdef CORE_FILES

/* struct process.core_filter is the difference from the usual one; the bits are Linux's (core(5)). Those that no mapping here is of are kept. */
enum { CORE_FILTER_USUAL = 0x33, CORE_FILTER_ALL = 0x1ff };
static inline unsigned core_filter_of(const struct process *process) { return atomic_load_relaxed(&process->core_filter) ^ CORE_FILTER_USUAL; }
static inline void core_inherit(struct process *child, const struct process *parent) { child->core_filter = parent->core_filter; }

/*
 * Is process @number's death to leave a core file? Then the signal does not end it where it is sent, but where a thread takes it, which calls core_dump().
 * Any context.
 */
bool core_is_wanted(const struct process *process, int number);
/*
 * The calling thread has taken signal @number, which ends the process: writes the core file if there is to be one, and has begun the end then. Only the
 * first SIGNAL_INFO_KEPT bytes of @info count. May sleep, for as long as the file system does, or until the process is killed.
 */
void core_dump(int number, const struct signal_info *info);
/* The calling thread is to end: waits until a core file that is being written has its registers and the memory. */
void core_wait(void);
/* @process is exiting, and was sent signal @number. process->signal_lock held. */
void core_hear(struct process *process, int number);
/* Is one being written? A hint. */
static inline bool core_is_dumped(const struct process *process) { return atomic_load_relaxed(&process->core); }

#else

static inline void core_inherit(struct process *child, const struct process *parent) { }
static inline bool core_is_wanted(const struct process *process, int number) { return false; }
static inline void core_dump(int number, const struct signal_info *info) { }
static inline void core_wait(void) { }
static inline void core_hear(struct process *process, int number) { }
static inline bool core_is_dumped(const struct process *process) { return false; }

#endif
