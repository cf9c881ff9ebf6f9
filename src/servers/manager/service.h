/* SPDX-License-Identifier: MIT */
/*
 * The life of a service: a pure state machine. It is told what happened and when, and says what shall happen next;
 * forking, killing and the clock are supervise.c's.
 *
 *   WAITING --start--> STARTING --exec succeeded--> RUNNING --ended--> WAITING (restart) | ENDED | FAILED
 *                          |                           |
 *                          +--exec failed--> FAILED    +--stop--> STOPPING --ended--> ENDED | WAITING (start again)
 *                          +--no such terminal--> SKIPPED
 *
 * A service that has a port or a watchdog is ready with its first heartbeat or when it says so, any other once its program runs. Times are nanoseconds
 * of one monotonic clock. Everything here but @config lies in memory that the next manager reads (table.h), so there are no other pointers.
 */
#ifndef MANAGER_SERVICE_H
#define MANAGER_SERVICE_H

#include "lib/services_conf/config.h"
#include "lib/watchdog.h"

#include <sys/types.h>

enum service_state {
	SERVICE_WAITING,     /* for its turn (`after`) or its time (back-off) */
	SERVICE_STARTING,    /* forked; exec has not succeeded yet */
	SERVICE_RUNNING,
	SERVICE_STOPPING,    /* asked to end; killed at due_ns */
	SERVICE_ENDED,       /* and stays so */
	SERVICE_FAILED,      /* cannot be started, or ended too often */
	SERVICE_SKIPPED,     /* has no place on this machine or in this boot */
	SERVICE_STATES,
};

/* What becomes of a service's `mount` line; the steps of the root file system's decide when all others start. */
enum mount_state {
	MOUNT_WAITS,         /* for the service to be ready */
	MOUNT_UNDER_WAY,     /* a child mounts it */
	MOUNT_FILLS,         /* of the root only: a child brings in the overlay, into the new root or, where there is none, the old one */
	MOUNT_OVER,
};

/* What is so for a service, and then for all that it starts after. */
enum service_mark {
	SERVICE_FOR_ROOT = 1 << 0,   /* the root file system needs it: it starts before all that do not */
	SERVICE_KEPT = 1 << 1,       /* it serves what is mounted: it ends with the machine, since what is written may still need it */
};

/* What a service tells over its supervision port: bits of a notification. */
enum {
	SERVICE_BIT_HEARTBEAT = 1 << 0,
	SERVICE_BIT_READY = 1 << 1,
	SERVICE_BIT_SERVED = 1 << 2,  /* has answered a request, and not by an error: what went wrong before is forgiven */
};

/* Descriptors of the manager's that belong to a service; -1: none. */
struct service_fds {
	int32_t report, report_write;        /* pipe by which the child reports before exec (spawn.h); the manager closes the second after the fork */
	int32_t output, output_write;        /* pipe of what it prints; both ends stay, for the instances to come */
	int32_t supervision;                 /* port that its notifications come by, one an instance */
	int32_t state;                       /* memory that its instances hand on */
	int32_t program;                     /* sealed memory with its executable (pin.h); -1: the file is executed */
	int32_t program_before;              /* while upgrading: the one that is known to work */
	int32_t program_next;                /* that a child copies for an upgrade */
	int32_t ports[CONFIG_MAX_PORTS];     /* MANAGE */
	int32_t refused[CONFIG_MAX_PORTS];   /* RECV of those, while the service is at rest (ports_refuse) */
};

struct service {
	const struct service_config *config;
	struct service_fds fds;
	uint32_t state;                      /* enum service_state */
	pid_t pid;                           /* leader of its session; 0: none, or (STARTING) not known yet */
	pid_t before;                        /* session of the instance before, which is ended before the next one starts; 0: nobody is left of it */
	bool supervised;                     /* this instance was given a supervision port */
	bool ready;                          /* this instance is */
	bool was_ready;                      /* one was, or none was in time: those `after` it may start */
	bool killed;                         /* SIGKILL has been sent */
	bool upgrading;                      /* no instance of fds.program has been ready yet: fds.program_before comes back if none will be */
	bool again;                          /* STOPPING: it starts again when it has ended */
	bool drains;                         /* STOPPING for an upgrade: has longer while it holds requests */
	uint64_t since_ns;                   /* when it came into its state */
	uint64_t started_ns;
	uint64_t due_ns;                     /* WAITING: not before; STOPPING: the end of patience */
	uint64_t backoff_ns;                 /* before the next restart; 0: at once */
	uint64_t restarts_ns[CONFIG_MAX_RATE]; /* ring of the times of the last restarts */
	uint32_t restart_count;              /* of all restarts */
	uint32_t forgiven;                   /* so many of them do not count any more */
	uint64_t served;                     /* notifications with SERVICE_BIT_SERVED */
	uint32_t watchdog_kills;
	uint32_t mount_state;                /* enum mount_state */
	uint32_t marks;                      /* enum service_mark */
	bool mounted;                        /* it is */
	pid_t mounter;                       /* the child of mount_state; 0: none */
	uint64_t mount_due_ns;               /* the child is killed then */
	pid_t copier;                        /* the child that copies fds.program_next; 0: none */
	uint64_t copy_due_ns;                /* it is killed then */
	int32_t last_status;                 /* as waitpid() gives it; -1: none has ended */
	char reason[96];                     /* why it is in this state, for people */
	struct watchdog watchdog;
};

struct service_table {
	struct service *list;
	unsigned count;
	bool stopping;                       /* nothing is started any more */
	struct service *root;                /* whose mount is the root file system; NULL: the one of the boot stays */
};

enum service_verdict { VERDICT_RESTART, VERDICT_AGAIN, VERDICT_ENDED, VERDICT_FAILED, VERDICT_GAVE_UP, VERDICT_REVERTED };

void service_init(struct service *service, const struct service_config *config);

/* True when it has to say that it is ready, and may have a watchdog. */
bool service_has_supervision(const struct service_config *config);

/* The root file system comes from @disk: the first valid service that mounts that becomes table->root, other services that mount one are skipped. */
void service_choose_root(struct service_table *table, const char *disk, uint64_t now_ns);

/* What @service serves is mounted. */
void service_mounted(struct service_table *table, struct service *service);

/* True when it has no process, and gets none unless somebody asks. */
bool service_at_rest(const struct service *service);

/* True when it is not known whether it was forked: the manager that did it, or was about to, has died. */
bool service_is_unknown(const struct service *service);

/* True when a WAITING service's turn and time have come. */
bool service_may_start(const struct service_table *table, const struct service *service, uint64_t now_ns);

void service_forked(struct service *service, pid_t pid, uint64_t now_ns);
void service_executed(struct service *service, uint64_t now_ns);

/* It has sent @bits. @cpu_ns: CPU time its process has used. */
void service_notified(struct service *service, uint64_t bits, uint64_t now_ns, uint64_t cpu_ns);

/*
 * Its next instance shall run @program (a descriptor; -1: the file), which is on trial: should an instance of it end before it is ready, the program
 * before is started again. Returns a descriptor that is not needed any more, or -1.
 */
int service_upgrade(struct service *service, int program);

/* The descriptor of a program that has been replaced for good, or has failed; the service has it no longer. -1: none. */
int service_take_unneeded(struct service *service);

/* True when a program on trial has had long enough to become ready. */
bool service_trial_over(const struct service *service, uint64_t now_ns);

/* True, once, when those that start after it have waited long enough for it to become ready. */
bool service_late(struct service *service, uint64_t now_ns);

/* The main process ended with a wait status, or (status -1) could not be forked. Says what the state has become. */
enum service_verdict service_ended(struct service *service, int status, uint64_t now_ns);

/* The main process ended before exec, for a reason that trying again does not cure. @skip: it is no failure. A program on trial makes room. */
void service_unstartable(struct service *service, bool skip, uint64_t now_ns);

/* Somebody wants it to run: what went wrong before is forgiven. Returns 0, -EALREADY when it runs, -EINVAL when its block is wrong. */
int service_ask_start(struct service *service, uint64_t now_ns);

/* True when the service runs, and nothing that was started after it does any more; or when that is so for none, and none is stopping: a circle. */
bool service_may_stop(const struct service_table *table, const struct service *service);

/* It has been asked to end. @again: and shall start again then. */
void service_stopping(struct service *service, uint64_t now_ns, uint64_t patience_end_ns, bool again);

/* A service that has no process, and waits for its time, shall not start. */
void service_cancel(struct service *service, uint64_t now_ns);

/* True when no service has a process. */
bool service_table_quiet(const struct service_table *table);

/* The next time at which something is due, UINT64_MAX: never. */
uint64_t service_table_due(const struct service_table *table);

/* True when what another process has left in memory may be a service's state: numbers within their bounds. */
bool service_plausible(const struct service *service);

#endif
