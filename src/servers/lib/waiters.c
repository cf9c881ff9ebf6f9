/* SPDX-License-Identifier: MIT */
/* Places of calls that wait (waiters.h). */
#include "waiters.h"

#include <stddef.h>

static struct waiter *find_free(struct waiter *first, const struct waiter *end)
{
	for (struct waiter *waiter = first; waiter < end; waiter++) {
		if (!waiter->token)
			return waiter;
	}
	return NULL;
}

struct waiter *waiters_place(struct waiters *waiters, enum waiter_kind for_what)
{
	struct waiter *logs_end = waiters->list + WAITERS_FOR_LOGS;
	struct waiter *first = for_what == WAIT_LOG ? waiters->list : logs_end, *end = for_what == WAIT_LOG ? logs_end : waiters->list + WAITERS_MAX;
	struct waiter *place = find_free(first, end);

	if (place)
		return place;
	for (struct waiter *waiter = first; waiter < end; waiter++) {
		if (waiters->alive(waiter->token))
			continue;
		waiters->drop(waiter->token);
		waiter->token = 0;
	}
	return find_free(first, end);
}

uint64_t waiters_due(const struct waiters *waiters)
{
	uint64_t due = UINT64_MAX;

	for (unsigned i = 0; i < WAITERS_MAX; i++) {
		if (waiters->list[i].token && waiters->list[i].end_ns < due)
			due = waiters->list[i].end_ns;
	}
	return due;
}
