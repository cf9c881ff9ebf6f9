/* SPDX-License-Identifier: MIT */
/*
 * After the manager was killed: the kernel has started it again in the same process, so that its children are still its children and its descriptors are
 * open. What the one before has saved (table.h) is compared with what there is.
 */
#ifndef MANAGER_ADOPT_H
#define MANAGER_ADOPT_H

#include "service.h"

/*
 * Fills the states of @table from the region; services of which it has none begin anew. Closes every descriptor that belongs to nobody. One that was
 * being forked stays STARTING without a process until its child says its number. Does not block.
 */
void adopt_services(struct service_table *table);

/* Ends every other process: nobody knows any more which of them are services. */
void adopt_nothing(void);

#endif
