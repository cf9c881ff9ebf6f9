/* SPDX-License-Identifier: MIT */
/* Times between user memory and the kernel's nanoseconds. */
#pragma once

#include "lib/types.h"
#include <linux/time.h>

/* What a timespec or timeval too large for 64 bits of nanoseconds becomes: 292 years. */
#define TIME_FAR_AWAY ((uint64_t)INT64_MAX)

/* 0, -EFAULT, or -EINVAL for a negative time or a fraction that is not one. */
int timespec_from_user(uint64_t *ns, uaddr_t from);
int timespec_to_user(uaddr_t to, uint64_t ns);
int timeval_from_user(uint64_t *ns, uaddr_t from);
int timeval_to_user(uaddr_t to, uint64_t ns);

/*
 * Of a clock that would wake the machine, if that ever slept, makes the same one without. 0, or -EPERM for who may not have it woken, to be told when all
 * else is found to be right.
 */
int clock_leave_alarm(int *clock);

/* Deadlines on the monotonic clock, as wait_block takes them. */
uint64_t deadline_after(uint64_t ns);
uint64_t deadline_from_realtime(uint64_t realtime_ns);
