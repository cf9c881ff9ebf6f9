/* SPDX-License-Identifier: MIT */
/* The end of the machine's run: the processes that are left, file systems, and power. For process 1. */
#ifndef SERVERS_LIB_SHUTDOWN_H
#define SERVERS_LIB_SHUTDOWN_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

enum shutdown_kind { SHUTDOWN_NONE, SHUTDOWN_POWER_OFF, SHUTDOWN_REBOOT, SHUTDOWN_HALT };

/* Blocks SIGCHLD, SIGWINCH and the signals that ask for a shutdown, as busybox's tools send them. Call before the first fork. */
void shutdown_signals(void);

/* What to wait with: SIGCHLD and SIGWINCH are delivered. */
const sigset_t *shutdown_wait_mask(void);

/* Readable once a shutdown was asked for by a signal, for good: nobody reads it. -1: it could not be made, ask again later, and shutdown_asked(), too. */
int shutdown_order_fd(void);

/* What was asked for first, by a signal or shutdown_ask(). */
enum shutdown_kind shutdown_asked(void);
void shutdown_ask(enum shutdown_kind kind);

/* "power off" */
const char *shutdown_name(enum shutdown_kind kind);

/*
 * Where the root file system needs services, whose @count sessions are @kept: a child ends everybody else, syncs and makes the root read-only, while the
 * caller goes on supervising. Call until it returns true. Not needed elsewhere: then shutdown_machine() does all that.
 */
bool shutdown_prepare(const pid_t *kept, unsigned count);

/* A child of the caller's ended with @status; perhaps it is that of shutdown_prepare(). */
void shutdown_child_ended(pid_t pid, int status);

/*
 * Reboots, as a manager that does not know its services any more, because of @wrong, cannot go on with a root file system that one of them serves. Waits 10 s
 * for what is to be written.
 */
__attribute__((noreturn))
void shutdown_at_once(const char *wrong);

/* Never returns. */
__attribute__((noreturn))
void shutdown_machine(enum shutdown_kind kind);

#endif
