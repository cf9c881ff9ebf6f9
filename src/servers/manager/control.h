/* SPDX-License-Identifier: MIT */
/*
 * Answers `svc`: the protocol proto/svc.def at the port "manager". Anybody may ask; only who has uid 0 and SYS_ADMIN may change something. What takes time (a
 * stop, a start) is answered when it is done, and refused (EBUSY) before it is begun when too many calls wait. After a restart of the manager their callers
 * get ECONNRESET: what they asked for may have been begun; `svc status` tells.
 */
#ifndef MANAGER_CONTROL_H
#define MANAGER_CONTROL_H

#include "service.h"

/* Makes the port, or takes it over from the manager before. Without one (Linux, for tests) nothing is answered. */
void control_open(struct service_table *table);

/* The port to wait for, -1: none. */
int control_fd(void);

/* Serves the requests that are there, and those whose time has come. Does not block. */
void control_serve(bool readable, uint64_t now_ns);

/* The copy for an upgrade of @service is there (0), or there will be none (a negative errno). */
void control_copied(const struct service *service, int result);

/* When control_serve() is to be called next, at the latest. */
uint64_t control_due(void);

#endif
