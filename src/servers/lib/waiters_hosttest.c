/* SPDX-License-Identifier: MIT */
/* LINK: lib/waiters.c */
/* Who may take whose place. */
#include "waiters.h"
#include "check.h"

#include <stddef.h>

static uint64_t gone, dropped;

static bool is_alive(uint64_t token)
{
	return token != gone;
}

static void drop(uint64_t token)
{
	dropped = token;
}

static unsigned fill(struct waiters *waiters, enum waiter_kind for_what, uint64_t token)
{
	unsigned count = 0;
	struct waiter *place;

	for (; count < 100 && (place = waiters_place(waiters, for_what)); count++)
		*place = (struct waiter){ .token = token + count, .for_what = for_what, .end_ns = 1000 - token - count };
	return count;
}

int main(void)
{
	struct waiters waiters = { .alive = is_alive, .drop = drop };

	CHECK(waiters_due(&waiters) == UINT64_MAX, "nobody waits");
	CHECK(waiters_place(&waiters, WAIT_LOG) == waiters_place(&waiters, WAIT_LOG), "a place is free until it is taken");
	CHECK(fill(&waiters, WAIT_LOG, 100) == WAITERS_FOR_LOGS, "logs have theirs");
	CHECK(fill(&waiters, WAIT_READY, 200) == WAITERS_MAX - WAITERS_FOR_LOGS, "which others do not take");
	CHECK(!waiters_place(&waiters, WAIT_ENDED) && !waiters_place(&waiters, WAIT_LOG) && dropped == 0, "full");
	CHECK(waiters_due(&waiters) == 1000 - 200 - (WAITERS_MAX - WAITERS_FOR_LOGS - 1), "the earliest");
	gone = 102;
	CHECK(!waiters_place(&waiters, WAIT_ENDED) && dropped == 0, "the place of a log is not for others");
	CHECK(waiters_place(&waiters, WAIT_LOG) == &waiters.list[2] && dropped == 102, "who has gone makes room");
	gone = 205;
	CHECK(waiters_place(&waiters, WAIT_READY) && dropped == 205, "of each kind");
	return check_result("lib/waiters");
}
