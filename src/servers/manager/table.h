/* SPDX-License-Identifier: MIT */
/*
 * What outlives the manager, in a region (lib/region.h) at a descriptor that the next instance knows by its number: the text of services.conf as it was at
 * boot (so that services keep their places in the table), the state of each service, and the rings of their logs.
 */
#ifndef MANAGER_TABLE_H
#define MANAGER_TABLE_H

#include "lib/region.h"
#include "lib/ring.h"
#include "service.h"

enum {
	TABLE_FD = 60,
	TABLE_WITH_COMMAND = 1 << 0, /* a command is run: nobody logs in */
	TABLE_EMERGENCY = 1 << 1,    /* no service is valid: a shell runs in place of them */
};

/* Makes the region with the text of services.conf, the TABLE_ bits and the number of services that @boot has. Returns 0, or -1 and errno. */
int table_make(struct region_shape *boot);

/* Takes over the region of the manager before, and says in @boot what it was made with. Returns NULL, or what is wrong with it. */
const char *table_find(struct region_shape *boot);

/* The last state saved of service number @index, but for its config. False: none, or one that cannot be. */
bool table_load(unsigned index, struct service *service);

/* Saves what has changed since the last time. */
void table_save(const struct service_table *table);

/* The log of service number @index; of the manager itself where that is the number of services. */
struct ring *table_ring(unsigned index);

/* Words of the region (region_get, region_set): the shutdown that was asked for, how often the manager has died. */
enum table_word { TABLE_SHUTDOWN, TABLE_RESTARTS, TABLE_CONTROL_PORT, TABLE_WORDS };

/* The port of svc, MANAGE; -1: none. */
int table_control_port(void);
void table_set_control_port(int fd);

#endif
