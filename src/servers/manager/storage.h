/* SPDX-License-Identifier: MIT */
/*
 * Mounts what services serve: `mount` lines of services.conf. Each is done by a child, because who asks a file system may wait for it. For the root file
 * system a second child follows, which brings in the overlay, and pinned programs.
 */
#ifndef MANAGER_STORAGE_H
#define MANAGER_STORAGE_H

#include "service.h"

/* What the event loop does where the root file system cannot be mounted: its service ends, so that nobody waits for it. */
typedef void storage_stop(struct service *service);

/* Pins programs: those that the root file system needs at once, the others when that is there, if there is one to wait for. */
void storage_pin(struct service_table *table);

/* Does what is due for @service's mount. */
void storage_look(struct service_table *table, struct service *service, storage_stop *stop, uint64_t now_ns);

/* Was @pid, which ended with @status, a mount's child? Then it has been dealt with. */
bool storage_ended(struct service_table *table, pid_t pid, int status, storage_stop *stop, uint64_t now_ns);

#endif
