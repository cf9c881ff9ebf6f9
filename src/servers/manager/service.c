/* SPDX-License-Identifier: MIT */
/* The life of a service, without a system call (service.h). */
#include "service.h"
#include "values.h"

#include <string.h>
#include <sys/wait.h>

/* A service that ran at least this long and its longest back-off has recovered: its next restart is immediate. */
static const uint64_t recovered_ns = NS_PER_S;

void service_init(struct service *service, const struct service_config *config)
{
	memset(service, 0, sizeof(*service));
	service->config = config;
	service->state = SERVICE_WAITING;
	service->report_fd = -1;
}

static bool has_process(const struct service *service)
{
	return service->pid > 0;
}

/* A service that failed or was skipped holds nobody back; that it did is in the log. */
static bool lets_others_start(const struct service *service)
{
	return service->was_up || service->state == SERVICE_ENDED || service->state == SERVICE_FAILED ||
	       service->state == SERVICE_SKIPPED;
}

bool service_ready(const struct service_table *table, const struct service *service, uint64_t now_ns)
{
	if (service->state != SERVICE_WAITING || table->stopping || now_ns < service->due_ns)
		return false;
	for (unsigned a = 0; a < service->config->after_count; a++) {
		int index = service->config->after_index[a];

		if (index >= 0 && !lets_others_start(&table->list[index]))
			return false;
	}
	return true;
}

void service_forked(struct service *service, pid_t pid, int report_fd, uint64_t now_ns)
{
	service->state = SERVICE_STARTING;
	service->pid = pid;
	service->report_fd = report_fd;
	service->started_ns = now_ns;
}

void service_executed(struct service *service)
{
	service->was_up = true;
	if (service->state == SERVICE_STARTING)
		service->state = SERVICE_RUNNING;
}

/* True when one more restart now would be one too many. */
static bool restarts_too_often(const struct service *service, uint64_t now_ns)
{
	const struct restart_rule *rule = &service->config->restart;
	uint64_t oldest;

	if (rule->give_up_count == 0 || service->restart_count < rule->give_up_count)
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
	service->state = SERVICE_WAITING;
	service->due_ns = now_ns + service->backoff_ns;
	if (service->backoff_ns == 0)
		service->backoff_ns = rule->backoff_min_ns;
	else if (service->backoff_ns * 2 < rule->backoff_max_ns)
		service->backoff_ns *= 2;
	else
		service->backoff_ns = rule->backoff_max_ns;
}

enum service_verdict service_ended(struct service *service, int status, uint64_t now_ns)
{
	enum restart_policy policy = service->config->restart.policy;
	bool failed = !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	bool asked = service->state == SERVICE_STOPPING;

	service->pid = 0;
	if (asked || (!failed && policy != RESTART_ALWAYS)) {
		service->state = SERVICE_ENDED;
		return VERDICT_ENDED;
	}
	if (policy == RESTART_NEVER) {
		service->state = SERVICE_FAILED;
		return VERDICT_FAILED;
	}
	if (restarts_too_often(service, now_ns)) {
		service->state = SERVICE_FAILED;
		return VERDICT_GAVE_UP;
	}
	schedule_restart(service, now_ns);
	return VERDICT_RESTART;
}

void service_unstartable(struct service *service, bool skip)
{
	service->pid = 0;
	service->state = skip ? SERVICE_SKIPPED : SERVICE_FAILED;
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

bool service_may_stop(const struct service_table *table, const struct service *service)
{
	if (service->state != SERVICE_STARTING && service->state != SERVICE_RUNNING)
		return false;
	for (unsigned i = 0; i < table->count; i++) {
		if (has_process(&table->list[i]) && starts_after(table, &table->list[i], service))
			return false;
	}
	return true;
}

void service_stopping(struct service *service, uint64_t patience_end_ns)
{
	service->state = SERVICE_STOPPING;
	service->due_ns = patience_end_ns;
	service->killed = false;
}

bool service_table_quiet(const struct service_table *table)
{
	for (unsigned i = 0; i < table->count; i++) {
		if (has_process(&table->list[i]))
			return false;
	}
	return true;
}

uint64_t service_table_due(const struct service_table *table)
{
	uint64_t due = UINT64_MAX;

	for (unsigned i = 0; i < table->count; i++) {
		const struct service *service = &table->list[i];
		bool timed = (service->state == SERVICE_WAITING && !table->stopping && service->restart_count > 0) ||
			     (service->state == SERVICE_STOPPING && !service->killed);

		if (timed && service->due_ns < due)
			due = service->due_ns;
	}
	return due;
}
