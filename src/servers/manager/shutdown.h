/* SPDX-License-Identifier: MIT */
/* The end of the machine's run: the processes that are left, file systems, and power. */
#ifndef MANAGER_SHUTDOWN_H
#define MANAGER_SHUTDOWN_H

#include "service.h"
#include "supervise.h"

/*
 * Where the root file system is a service's (service_is_kept()): a child ends all others, syncs and makes the root read-only, while the manager goes on
 * supervising. Call until it returns true. Where the root needs nobody shutdown_machine() does that.
 */
bool shutdown_prepare(const struct service_table *table);

/* The child that shutdown_prepare() has is @pid: it ended with @status. */
void shutdown_child_ended(pid_t pid, int status);

/* Never returns. */
__attribute__((noreturn))
void shutdown_machine(enum shutdown_kind kind);

#endif
