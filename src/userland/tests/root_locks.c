/* SPDX-License-Identifier: MIT */
/* Locks that are held for SECONDS=N (default 2), on files that change meanwhile and are looked up again and again, whatever becomes of who serves them. */
#include "check.h"
#include "held_locks.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FEWEST = 20, PAUSE_MS = 5 };

static void drop_caches(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);

	if (fd >= 0) {
		write(fd, "2\n", 2);
		close(fd);
	}
}

static void held(void)
{
	long end = check_now() + (getenv("SECONDS") ? atol(getenv("SECONDS")) : 2) * 1000;
	unsigned long looked = 0;

	held_locks_take();
	for (; looked < FEWEST || check_now() < end; looked++) {
		drop_caches();
		CHECK_EQ(truncate("locked-whole", (off_t)(looked % 7 * 1000)), 0);
		held_locks_check();
		check_sleep(PAUSE_MS);
	}
	printf("looked %lu times\n", looked);
}

static const struct check_case cases[] = {
	CASE(held),
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	return check_main("root_locks", cases, argc, argv);
}
