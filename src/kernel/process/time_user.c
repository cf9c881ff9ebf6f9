/* SPDX-License-Identifier: MIT */
/* Times between user memory and the kernel's nanoseconds. */
#include "process/time_user.h"
#include "lib/errno.h"
#include "mm/user_copy.h"
#include "sched/clock.h"

struct user_time { int64_t seconds, fraction; };

static int from_user(uint64_t *ns, uaddr_t from, uint64_t fractions_per_second)
{
	struct user_time time;

	if (copy_from_user(&time, from, sizeof(time)))
		return -EFAULT;
	if (time.seconds < 0 || time.fraction < 0 || (uint64_t)time.fraction >= fractions_per_second)
		return -EINVAL;
	if ((uint64_t)time.seconds >= TIME_FAR_AWAY / NS_PER_SEC)
		*ns = TIME_FAR_AWAY;
	else
		*ns = time.seconds * NS_PER_SEC + time.fraction * (NS_PER_SEC / fractions_per_second);
	return 0;
}

static int to_user(uaddr_t to, uint64_t ns, uint64_t fractions_per_second)
{
	struct user_time time = { ns / NS_PER_SEC, ns % NS_PER_SEC / (NS_PER_SEC / fractions_per_second) };

	return copy_to_user(to, &time, sizeof(time));
}

int timespec_from_user(uint64_t *ns, uaddr_t from) { return from_user(ns, from, NS_PER_SEC); }
int timespec_to_user(uaddr_t to, uint64_t ns) { return to_user(to, ns, NS_PER_SEC); }
int timeval_from_user(uint64_t *ns, uaddr_t from) { return from_user(ns, from, 1000000); }
int timeval_to_user(uaddr_t to, uint64_t ns) { return to_user(to, ns, 1000000); }

uint64_t deadline_after(uint64_t ns)
{
	uint64_t now = clock_monotonic_ns();

	return ns < TIME_FAR_AWAY - now ? now + ns : TIME_FAR_AWAY;
}

uint64_t deadline_from_realtime(uint64_t realtime_ns)
{
	uint64_t now = clock_realtime_ns();

	return realtime_ns > now ? deadline_after(realtime_ns - now) : clock_monotonic_ns();
}
