/* SPDX-License-Identifier: MIT */
/*
 * The manager's event loop: starts services whose turn has come, reaps every process that ends, restarts, watches heartbeats, keeps logs, does what
 * `svc` asks, and stops all in reverse order when a signal asks to shut down. One thread; waits in one ppoll().
 */
#ifndef MANAGER_SUPERVISE_H
#define MANAGER_SUPERVISE_H

#include "lib/shutdown.h"
#include "service.h"

/*
 * Takes the signals of shutdown_signals(). Returns what was asked for when every service has ended. When @essential (may be NULL) has ended for good, that asks
 * for a power-off.
 */
enum shutdown_kind supervise(struct service_table *services, const struct service *essential);

/* For svc. Each returns 0 or a negative errno; what shall come of it is in the service's state. */
int supervise_start(struct service *service);
int supervise_stop(struct service *service, bool again);
int supervise_kill(struct service *service, int signal);
/* As stop and start again, with a new program. A child copies it before the old one is stopped, which comes back if it fails (control_copied). */
int supervise_upgrade(struct service *service, const char *path);

/* It ends, or does not start, whatever is going on. */
void supervise_end(struct service *service);

#endif
