/* SPDX-License-Identifier: MIT */
/* The life of a service, without a system call (service.h). */
#include "service.h"
#include "lib/services_conf/values.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>

/* A service that ran at least this long and its longest back-off has recovered: its next restart is immediate. */
static const uint64_t recovered_ns = NS_PER_S;

/* So long those that start after a service wait for it to become ready. */
static const uint64_t ready_patience_ns = 10 * NS_PER_S;

void service_init(struct service *service, const struct service_config *config)
{
	memset(service, 0, sizeof(*service));
	memset(&service->fds, 0xff, sizeof(service->fds));
	service->config = config;
	service->state = SERVICE_WAITING;
	service->last_status = -1;
}

static void enter(struct service *service, enum service_state state, uint64_t now_ns)
{
	service->state = state;
	service->since_ns = now_ns;
}

static bool has_process(const struct service *service)
{
	return service->pid > 0;
}

bool service_has_supervision(const struct service_config *config)
{
	return config->port_count > 0 || config->watchdog_ns > 0;
}

/* A service that failed or was skipped holds nobody back; that it did is in the log. */
static bool lets_others_start(const struct service *service)
{
	return (service->was_ready || service_at_rest(service)) && (!service->config->mount.directory || service->mount_state == MOUNT_OVER);
}

/* Gives the mark to @service and to all that it starts after. */
static void mark_needed(struct service_table *table, struct service *service, enum service_mark mark)
{
	if (service->marks & mark)
		return;
	service->marks |= mark;
	for (unsigned a = 0; a < service->config->after_count; a++) {
		if (service->config->after_index[a] >= 0)
			mark_needed(table, &table->list[service->config->after_index[a]], mark);
	}
}

void service_choose_root(struct service_table *table, const char *disk, uint64_t now_ns)
{
	for (unsigned i = 0; i < table->count; i++) {
		struct service *service = &table->list[i];
		const char *directory = service->config->mount.directory;

		if (!service->config->valid || !directory || strcmp(directory, "/") != 0)
			continue;
		if (!table->root && config_mounts_root(service->config, disk)) {
			table->root = service;
			mark_needed(table, service, SERVICE_FOR_ROOT);
			continue;
		}
		service->mount_state = MOUNT_OVER;
		strcpy(service->reason, "the kernel's command line does not say root= with its disk");
		service_unstartable(service, true, now_ns);
	}
}

void service_mounted(struct service_table *table, struct service *service)
{
	service->mounted = true;
	mark_needed(table, service, SERVICE_KEPT);
}

static bool has_its_turn(const struct service_table *table, const struct service *service)
{
	if (service->state != SERVICE_WAITING || !service->config->valid || (table->stopping && !(service->marks & SERVICE_KEPT)))
		return false;
	if (table->root && !(service->marks & SERVICE_FOR_ROOT) && table->root->mount_state != MOUNT_OVER)
		return false;
	for (unsigned a = 0; a < service->config->after_count; a++) {
		int index = service->config->after_index[a];

		if (index >= 0 && !lets_others_start(&table->list[index]))
			return false;
	}
	return true;
}

bool service_at_rest(const struct service *service)
{
	return service->state >= SERVICE_ENDED;
}

bool service_is_unknown(const struct service *service)
{
	return service->state == SERVICE_STARTING && !has_process(service);
}

bool service_may_start(const struct service_table *table, const struct service *service, uint64_t now_ns)
{
	return now_ns >= service->due_ns && service->before == 0 && has_its_turn(table, service);
}

void service_forked(struct service *service, pid_t pid, uint64_t now_ns)
{
	enter(service, SERVICE_STARTING, now_ns);
	service->pid = pid;
	service->started_ns = now_ns;
	service->ready = service->killed = false;
	if (service->config->mount.directory && service->mount_state == MOUNT_WAITS && service->mount_due_ns == 0)
		service->mount_due_ns = now_ns + ready_patience_ns;
	service->watchdog = (struct watchdog){ .period_ns = service->supervised ? service->config->watchdog_ns : 0 };
	watchdog_beat(&service->watchdog, now_ns, 0);
}

static void become_ready(struct service *service)
{
	service->ready = service->was_ready = true;
	service->reason[0] = '\0';
	/* The last words of the instance before, which is being stopped for it, say nothing about a program on trial. */
	if (service->state != SERVICE_STOPPING)
		service->upgrading = false;
}

int service_upgrade(struct service *service, int program)
{
	int unneeded = service->upgrading ? service->fds.program : -1;

	if (!service->upgrading)
		service->fds.program_before = service->fds.program;
	service->fds.program = program;
	service->upgrading = program >= 0 || service->fds.program_before >= 0;
	return unneeded;
}

int service_take_unneeded(struct service *service)
{
	int unneeded = service->upgrading ? -1 : service->fds.program_before;

	if (!service->upgrading)
		service->fds.program_before = -1;
	return unneeded;
}

bool service_trial_over(const struct service *service, uint64_t now_ns)
{
	return service->upgrading && !service->killed && service->state == SERVICE_RUNNING && now_ns >= service->started_ns + ready_patience_ns;
}

void service_executed(struct service *service, uint64_t now_ns)
{
	if (service->state == SERVICE_STARTING)
		enter(service, SERVICE_RUNNING, now_ns);
	if (!service->supervised)
		become_ready(service);
}

/* Back-off and give-up count start over. */
static void forgive(struct service *service)
{
	service->backoff_ns = 0;
	service->forgiven = service->restart_count;
}

void service_notified(struct service *service, uint64_t bits, uint64_t now_ns, uint64_t cpu_ns)
{
	if (bits & (SERVICE_BIT_HEARTBEAT | SERVICE_BIT_READY)) {
		watchdog_beat(&service->watchdog, now_ns, cpu_ns);
		become_ready(service);
	}
	if (bits & SERVICE_BIT_SERVED) {
		service->served++;
		forgive(service);
	}
}

static bool is_held_up(const struct service *service)
{
	return has_process(service) && !service->was_ready && service->state != SERVICE_STOPPING;
}

bool service_late(struct service *service, uint64_t now_ns)
{
	if (!is_held_up(service) || now_ns < service->started_ns + ready_patience_ns)
		return false;
	service->was_ready = true;
	return true;
}

/* True when one more restart now would be one too many. */
static bool restarts_too_often(const struct service *service, uint64_t now_ns)
{
	const struct restart_rule *rule = &service->config->restart;
	uint64_t oldest;

	if (rule->give_up_count == 0 || service->restart_count - service->forgiven < rule->give_up_count)
		return false;
	oldest = service->restarts_ns[(service->restart_count - rule->give_up_count) % CONFIG_MAX_RATE];
	return now_ns - oldest < rule->give_up_ns;
}

static void schedule_restart(struct service *service, uint64_t now_ns)
{
	const struct restart_rule *rule = &service->config->restart;
	uint64_t ran_ns = now_ns - service->started_ns;

	if (ran_ns >= recovered_ns && ran_ns >= rule->backoff_max_ns)
		service->backoff_ns = 0;
	service->restarts_ns[service->restart_count % CONFIG_MAX_RATE] = now_ns;
	service->restart_count++;
	enter(service, SERVICE_WAITING, now_ns);
	service->due_ns = now_ns + service->backoff_ns;
	if (service->backoff_ns == 0)
		service->backoff_ns = rule->backoff_min_ns;
	else if (service->backoff_ns * 2 < rule->backoff_max_ns)
		service->backoff_ns *= 2;
	else
		service->backoff_ns = rule->backoff_max_ns;
}

/* The program before comes back at once, whatever the rule of restarts is; that counts as a restart. */
static void revert(struct service *service, uint64_t now_ns)
{
	int32_t failed = service->fds.program;

	service->fds.program = service->fds.program_before;
	service->fds.program_before = failed;
	service->upgrading = false;
	service->backoff_ns = 0;
	schedule_restart(service, now_ns);
}

enum service_verdict service_ended(struct service *service, int status, uint64_t now_ns)
{
	enum restart_policy policy = service->config->restart.policy;
	bool failed = !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	bool asked = service->state == SERVICE_STOPPING;

	/* Who is left of it may have its state mapped. But a program that was done may leave a daemon, and a login what its user wants. */
	if (!service->config->console && (asked || failed || policy == RESTART_ALWAYS || service->config->state_bytes > 0))
		service->before = service->pid;
	service->pid = 0;
	service->ready = false;
	service->last_status = status;
	if (asked && service->again) {
		enter(service, SERVICE_WAITING, now_ns);
		service->due_ns = now_ns;
		return VERDICT_AGAIN;
	}
	if (!asked && service->upgrading) {
		revert(service, now_ns);
		return VERDICT_REVERTED;
	}
	if (asked || (!failed && policy != RESTART_ALWAYS)) {
		enter(service, SERVICE_ENDED, now_ns);
		return VERDICT_ENDED;
	}
	if (policy == RESTART_NEVER) {
		enter(service, SERVICE_FAILED, now_ns);
		return VERDICT_FAILED;
	}
	if (restarts_too_often(service, now_ns)) {
		enter(service, SERVICE_FAILED, now_ns);
		return VERDICT_GAVE_UP;
	}
	schedule_restart(service, now_ns);
	return VERDICT_RESTART;
}

void service_unstartable(struct service *service, bool skip, uint64_t now_ns)
{
	service->pid = 0;
	if (service->upgrading && service->state == SERVICE_STARTING && !skip) {
		revert(service, now_ns);
		return;
	}
	enter(service, skip ? SERVICE_SKIPPED : SERVICE_FAILED, now_ns);
}

int service_ask_start(struct service *service, uint64_t now_ns)
{
	if (!service->config->valid)
		return -EINVAL;
	switch (service->state) {
	case SERVICE_STARTING:
	case SERVICE_RUNNING:
		return -EALREADY;
	case SERVICE_STOPPING:
		service->again = true;
		break;
	default:
		enter(service, SERVICE_WAITING, now_ns);
		service->due_ns = now_ns;
	}
	forgive(service);
	return 0;
}

static bool starts_after(const struct service_table *table, const struct service *later, const struct service *service)
{
	for (unsigned a = 0; a < later->config->after_count; a++) {
		int index = later->config->after_index[a];

		if (index >= 0 && &table->list[index] == service)
			return true;
	}
	return false;
}

static bool is_up(const struct service *service)
{
	return has_process(service) && (service->state == SERVICE_STARTING || service->state == SERVICE_RUNNING);
}

static bool is_last(const struct service_table *table, const struct service *service)
{
	for (unsigned i = 0; i < table->count; i++) {
		if (has_process(&table->list[i]) && starts_after(table, &table->list[i], service))
			return false;
	}
	return true;
}

/* Nobody is on his way down, and everybody waits for another one to be first. */
static bool is_stuck(const struct service_table *table)
{
	for (unsigned i = 0; i < table->count; i++) {
		const struct service *service = &table->list[i];

		if (service->state == SERVICE_STOPPING || (is_up(service) && is_last(table, service)))
			return false;
	}
	return true;
}

bool service_may_stop(const struct service_table *table, const struct service *service)
{
	return is_up(service) && !(service->marks & SERVICE_KEPT) && (is_last(table, service) || is_stuck(table));
}

void service_stopping(struct service *service, uint64_t now_ns, uint64_t patience_end_ns, bool again)
{
	enter(service, SERVICE_STOPPING, now_ns);
	service->due_ns = patience_end_ns;
	service->killed = service->drains = false;
	service->again = again;
}

void service_cancel(struct service *service, uint64_t now_ns)
{
	if (service->state == SERVICE_WAITING)
		enter(service, SERVICE_ENDED, now_ns);
}

bool service_table_quiet(const struct service_table *table)
{
	for (unsigned i = 0; i < table->count; i++) {
		if (has_process(&table->list[i]) && !(table->list[i].marks & SERVICE_KEPT))
			return false;
	}
	return true;
}

/* The next time at which something is due for one service. */
static uint64_t service_due(const struct service_table *table, const struct service *service)
{
	uint64_t due = UINT64_MAX, late = service->started_ns + ready_patience_ns;

	if (has_its_turn(table, service))
		due = service->due_ns;
	if (service->state == SERVICE_STOPPING && !service->killed)
		due = service->due_ns;
	if (service->state == SERVICE_RUNNING && !service->killed)
		due = watchdog_due(&service->watchdog);
	if (service->upgrading && service->state == SERVICE_RUNNING && !service->killed && late < due)
		due = late;
	if (service->mount_state != MOUNT_OVER && service->mount_due_ns > 0 && service->mount_due_ns < due)
		due = service->mount_due_ns;
	if (service->copier > 0 && service->copy_due_ns < due)
		due = service->copy_due_ns;
	return is_held_up(service) && late < due ? late : due;
}

uint64_t service_table_due(const struct service_table *table)
{
	uint64_t due = UINT64_MAX;

	for (unsigned i = 0; i < table->count; i++) {
		uint64_t one = service_due(table, &table->list[i]);

		if (one < due)
			due = one;
	}
	return due;
}

bool service_plausible(const struct service *service)
{
	const int32_t *fds = (const int32_t *)&service->fds;
	bool alive;

	for (unsigned i = 0; i < sizeof(service->fds) / sizeof(*fds); i++) {
		if (fds[i] < -1 || fds[i] > 1 << 20)
			return false;
	}
	alive = service->state == SERVICE_STARTING || service->state == SERVICE_RUNNING || service->state == SERVICE_STOPPING;
	return service->state < SERVICE_STATES && memchr(service->reason, 0, sizeof(service->reason)) && service->pid >= 0 && service->before >= 0 &&
	       service->forgiven <= service->restart_count && (alive || service->pid == 0) && service->mount_state <= MOUNT_OVER && service->mounter >= 0 &&
	       service->copier >= 0;
}
