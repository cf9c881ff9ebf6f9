/* SPDX-License-Identifier: MIT */
/*
 * Calls of the manager's that are answered when something has happened: a fixed number of places. Reading logs is anybody's, so those who wait for one
 * have a few places of their own and cannot take those of who starts and stops services.
 */
#ifndef SERVERS_LIB_WAITERS_H
#define SERVERS_LIB_WAITERS_H

#include <stdbool.h>
#include <stdint.h>

enum { WAITERS_FOR_LOGS = 4, WAITERS_MAX = 16 };

enum waiter_kind { WAIT_READY, WAIT_ENDED, WAIT_COPIED, WAIT_LOG };

struct waiter {
	uint64_t token;              /* of the call; 0: the place is free */
	enum waiter_kind for_what;
	int index;                   /* of the service; of a ring for WAIT_LOG */
	uint32_t restarts;           /* it had when the call came */
	uint64_t position;
	uint64_t end_ns;             /* of patience */
};

struct waiters {
	struct waiter list[WAITERS_MAX];
	bool (*alive)(uint64_t token);   /* the caller still waits */
	void (*drop)(uint64_t token);    /* nobody does: the call is over */
};

/*
 * A free place for such a call, NULL: there is none. Places of callers who have gone are cleared first when it takes that. The place stays free until its
 * token is set.
 */
struct waiter *waiters_place(struct waiters *waiters, enum waiter_kind for_what);

/* When the patience of one of them ends, UINT64_MAX: never. */
uint64_t waiters_due(const struct waiters *waiters);

#endif
