/* SPDX-License-Identifier: MIT */
/*
 * Capabilities: which kinds of things a process may acquire at all (README.md). The sets are a process's and lie in its credentials; each thread
 * keeps the complement of what it can use (thread_state.missing), which the gates of system calls test (abi/gen-syscalls.py).
 */
#pragma once

#include "process/credentials.h"
#include "sched/thread.h"
#include <raeen/caps.h>

/* What the calling thread can use: its process's effective set and what is granted to it. Kernel threads can use all. */
static inline uint64_t capabilities_current(void)
{
	return ~current_thread()->user.missing & CAPABILITIES_ALL;
}

/* Can the calling thread use all of @bits? */
static inline bool capabilities_hold(uint64_t bits)
{
	return !(current_thread()->user.missing & bits);
}

/*
 * May the calling thread, as far as capabilities go, act on a process with @other: can it do all that the process can, or add it? A process that can do
 * more is not to be stopped, slowed down or steered by one that can do less, though both run as the same user.
 */
static inline bool capabilities_cover(const struct credentials *other)
{
	return !(current_thread()->user.missing & (other->effective | other->permitted)) || capabilities_hold(CAPABILITY_SYS_ADMIN);
}

/* Uid 0 and SYS_ADMIN: for what concerns the whole system, or other users. */
bool capabilities_may_administer(void);

/*
 * For a message that is being served: @bits hold for the calling thread, too, until capabilities_end_grant(). Who grants must be able to use them itself,
 * which the caller has seen to. A further grant replaces the one before; no child, no other thread and no program that is exec'd gets it.
 */
void capabilities_grant(uint64_t bits);
void capabilities_end_grant(void);
