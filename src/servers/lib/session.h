/* SPDX-License-Identifier: MIT */
/* Ending what is left of a session whose leader has ended. */
#ifndef SERVERS_LIB_SESSION_H
#define SERVERS_LIB_SESSION_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Kills the process group of @leader, who has ended and was reaped, and when somebody is left of it, or @thorough, all others of its session, too: they
 * have groups of their own, and each process of the system is looked at for them. Returns whether somebody was still alive: then it is to be
 * called again soon, as processes end a little later, and may have forked on the way. Who began a session of his own has left this one. Does not block.
 */
bool session_end(pid_t leader, bool thorough);

/*
 * Sends @number to every process but process 1, the caller, and those of the @count sessions @kept; 0 only counts. Returns how many there are.
 */
unsigned session_signal_others(const pid_t *kept, unsigned count, int number);

/* To the process group of a session's leader, which a child makes itself: until then, to the child. */
void session_signal(pid_t leader, int number);

#endif
