/* SPDX-License-Identifier: MIT */
/*
 * Mounts what services serve: `mount` lines of services.conf. Each is done by a child, because who asks a file system may wait for it. For the root file
 * system a second child follows, which brings in the overlay, and pinned programs.
 */
#ifndef MANAGER_STORAGE_H
#define MANAGER_STORAGE_H

#include "service.h"

/* Pins programs: those that the root file system needs at once, the others when that is there, if there is one to wait for. */
void storage_pin(struct service_table *table);

/* Does what is due for @service's mount. */
void storage_look(struct service_table *table, struct service *service, uint64_t now_ns);

/* Its child (service->mounter) ended with @status. */
void storage_ended(struct service_table *table, struct service *service, int status, uint64_t now_ns);

#endif
