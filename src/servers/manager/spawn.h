/* SPDX-License-Identifier: MIT */
/*
 * Forks a service's process and gives it what its block says: session, terminal, class, CPUs, user.
 *
 * The child reports a step that failed through a close-on-exec pipe: end of file means that exec succeeded.
 */
#ifndef MANAGER_SPAWN_H
#define MANAGER_SPAWN_H

#include "config.h"

#include <sys/types.h>

struct spawn_failure {
	int error;           /* errno */
	bool no_console;     /* its terminal does not exist on this machine */
	char step[60];       /* "open /dev/tty1" */
};

/*
 * Returns the child's process id and the reading end of its report pipe (non-blocking, close-on-exec), or -1 and errno.
 * @first: the first start, in which what could not be applied is logged.
 */
pid_t spawn_service(const struct service_config *config, bool first, int *report_fd);

enum spawn_report { SPAWN_PENDING, SPAWN_EXECUTED, SPAWN_FAILED };

/* What the child has reported so far. Does not block. */
enum spawn_report spawn_read_report(int report_fd, struct spawn_failure *failure);

#endif
