/* SPDX-License-Identifier: MIT */
/*
 * Forks a service's process and gives it what its block says, and nothing else: session, terminal, class, CPUs, user, ports, what it may do.
 *
 * The child speaks through a close-on-exec pipe: first its process id, so that a manager that was killed while it forked finds out; then a step that
 * failed. End of file means that exec succeeded.
 */
#ifndef MANAGER_SPAWN_H
#define MANAGER_SPAWN_H

#include "service.h"

#include <sys/types.h>

struct spawn_word {
	int error;           /* errno; 0: none, this is the first word */
	pid_t pid;
	bool no_console;     /* its terminal does not exist on this machine */
	char step[100];      /* "open /dev/tty1" */
};

/*
 * Makes descriptors and pipes of @service as they are needed, saves @table when they are in place, so that the next manager knows of them, and forks.
 * Returns the child's process id, or -1 with *@failed. What could not be applied is logged at the first start.
 */
pid_t spawn_service(const struct service_table *table, struct service *service, struct spawn_word *failed);

enum spawn_report { SPAWN_PENDING, SPAWN_EXECUTED, SPAWN_FAILED };

/* What the child has said since. Does not block. *@word is the last one; its pid is 0 when none came. */
enum spawn_report spawn_read_report(int report_fd, struct spawn_word *word);

#endif
