/* SPDX-License-Identifier: MIT */
/* LINK: lib/bounded.c lib/run_state.c */
/* Work that succeeds, fails, takes too long, and dies. */
#include "bounded.h"
#include "check.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <unistd.h>

static int result(void *argument)
{
	return (int)(intptr_t)argument;
}

static int hang(void *argument)
{
	(void)argument;
	pause();
	return 0;
}

static int die(void *argument)
{
	(void)argument;
	raise(SIGKILL);
	return 0;
}

int main(void)
{
	CHECK(bounded_run(result, (void *)0, 10000) == 0, "success");
	CHECK(bounded_run(result, (void *)(intptr_t)-EFBIG, 10000) == -EFBIG, "an error");
	CHECK(bounded_run(hang, NULL, 20) == -ETIMEDOUT, "too long");
	CHECK(bounded_run(die, NULL, 10000) == -EINTR, "killed");
	return check_result("lib/bounded");
}
