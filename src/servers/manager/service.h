/* SPDX-License-Identifier: MIT */
/*
 * The life of a service: a pure state machine. It is told what happened and when, and says what shall happen next;
 * forking, killing and the clock are supervise.c's.
 *
 *   WAITING --start--> STARTING --exec succeeded--> RUNNING --ended--> WAITING (restart) | ENDED | FAILED
 *                          |                           |
 *                          +--exec failed--> FAILED    +--stop--> STOPPING --ended--> ENDED
 *                          +--no such terminal--> SKIPPED
 *
 * Times are nanoseconds of one monotonic clock.
 */
#ifndef MANAGER_SERVICE_H
#define MANAGER_SERVICE_H

#include "config.h"

#include <sys/types.h>

enum service_state {
	SERVICE_WAITING,     /* for its turn (`after`) or its time (back-off) */
	SERVICE_STARTING,    /* forked; exec has not succeeded yet */
	SERVICE_RUNNING,
	SERVICE_STOPPING,    /* asked to end; killed at due_ns */
	SERVICE_ENDED,       /* and stays so */
	SERVICE_FAILED,      /* cannot be started, or ended too often */
	SERVICE_SKIPPED,     /* has no place on this machine or in this boot */
};

struct service {
	const struct service_config *config;
	enum service_state state;
	pid_t pid;                           /* leader of its session; 0: none */
	int report_fd;                       /* the child reports a failure before exec here (spawn.h); -1: none */
	bool was_up;                         /* has run once: those `after` it may start */
	bool killed;                         /* SIGKILL has been sent while stopping */
	uint64_t started_ns;
	uint64_t due_ns;                     /* WAITING: not before; STOPPING: the end of patience */
	uint64_t backoff_ns;                 /* before the next restart; 0: at once */
	uint64_t restarts_ns[CONFIG_MAX_RATE]; /* ring of the times of the last restarts */
	unsigned restart_count;              /* of all restarts */
};

struct service_table {
	struct service *list;
	unsigned count;
	bool stopping;                       /* nothing is started any more */
};

enum service_verdict { VERDICT_RESTART, VERDICT_ENDED, VERDICT_FAILED, VERDICT_GAVE_UP };

void service_init(struct service *service, const struct service_config *config);

/* True when a WAITING service's turn and time have come. */
bool service_ready(const struct service_table *table, const struct service *service, uint64_t now_ns);

void service_forked(struct service *service, pid_t pid, int report_fd, uint64_t now_ns);
void service_executed(struct service *service);

/* The main process ended with a wait status, or (status -1) could not be forked. Says what the state has become. */
enum service_verdict service_ended(struct service *service, int status, uint64_t now_ns);

/* The main process ended before exec, for a reason that trying again does not cure. @skip: it is no failure. */
void service_unstartable(struct service *service, bool skip);

/* True when the service runs, and nothing that was started after it does any more. */
bool service_may_stop(const struct service_table *table, const struct service *service);

void service_stopping(struct service *service, uint64_t patience_end_ns);

/* True when no service has a process. */
bool service_table_quiet(const struct service_table *table);

/* The next time at which something is due, UINT64_MAX: never. */
uint64_t service_table_due(const struct service_table *table);

#endif
