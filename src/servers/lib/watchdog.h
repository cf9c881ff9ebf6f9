/* SPDX-License-Identifier: MIT */
/*
 * How long a service has gone without a heartbeat, counting only time in which it ran or was blocked: who was ready while others had the CPU is not to
 * blame. Pure: told the time, the CPU time used and what the service was doing.
 *
 * The first half of the period is looked at once, at its end; from then on every twentieth of it is. A look counts for at most the time that was to pass
 * since the last one, so that a manager that itself got no CPU blames nobody for that. Of a service that was ready at the look, the CPU time that it has
 * used counts.
 */
#ifndef SERVERS_LIB_WATCHDOG_H
#define SERVERS_LIB_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

struct watchdog {
	uint64_t period_ns;     /* 0: nobody watches */
	uint64_t beat_ns;       /* when the last heartbeat was heard, or the process began */
	uint64_t looked_ns;     /* when it was last looked at, or beat_ns */
	uint64_t counted_ns;    /* of the time since the heartbeat */
	uint64_t cpu_ns;        /* CPU time it had used then */
};

/* A heartbeat, or the start. @cpu_ns: CPU time that the process has used so far. */
void watchdog_beat(struct watchdog *watchdog, uint64_t now_ns, uint64_t cpu_ns);

/* When the service is to be looked at next; UINT64_MAX: never. */
uint64_t watchdog_due(const struct watchdog *watchdog);

/* A look. @ready: it waits for a CPU, and no part of it has one. Returns true when its time is used up. Does nothing before watchdog_due(). */
bool watchdog_look(struct watchdog *watchdog, uint64_t now_ns, uint64_t cpu_ns, bool ready);

#endif
