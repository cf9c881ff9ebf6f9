/* SPDX-License-Identifier: MIT */
/* Helper threads of self-tests: a group is started and joined. Groups are static, because a thread touches its group until it has ended. */
#pragma once

#include "sched/thread.h"
#include "sync/wait.h"

struct selftest_group {
	uint32_t running;		/* atomic */
	struct wait_queue ended;
};

/* Long enough that only a hang reaches it, however slow and busy the host is. */
#define SELFTEST_PATIENCE_NS (60 * 1000000000ull)

void selftest_group_init(struct selftest_group *group);

/* Starts a kernel thread of the group on the calling CPU. A failure is recorded; returns whether it was started. */
bool selftest_start(struct selftest_group *group, enum sched_class sched_class, void (*fn)(void *arg), void *arg);

/* Waits until all have ended. Records a failure and returns false if they do not. */
bool selftest_join(struct selftest_group *group);

