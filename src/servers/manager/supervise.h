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

#endif
