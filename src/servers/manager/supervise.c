/* SPDX-License-Identifier: MIT */
/* The manager's event loop (supervise.h). */
#include "supervise.h"
#include "log.h"
#include "spawn.h"
#include "values.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Between SIGTERM and SIGKILL. */
static const uint64_t stop_patience_ns = 5 * NS_PER_S;

/* Set by signals, which are only delivered inside ppoll(). */
static volatile sig_atomic_t asked_for;

static sigset_t mask_while_waiting;

static void on_signal(int number)
{
	if (asked_for != SHUTDOWN_NONE)
		return;
	if (number == SIGUSR2)
		asked_for = SHUTDOWN_POWER_OFF;
	else if (number == SIGTERM || number == SIGINT)
		asked_for = SHUTDOWN_REBOOT;
	else if (number == SIGUSR1)
		asked_for = SHUTDOWN_HALT;
}

static const int numbers[] = { SIGCHLD, SIGUSR1, SIGUSR2, SIGTERM, SIGINT };

void supervise_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t blocked;

	sigemptyset(&blocked);
	for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		sigaddset(&blocked, numbers[i]);
		sigaction(numbers[i], &action, NULL);
	}
	sigprocmask(SIG_BLOCK, &blocked, &mask_while_waiting);
	for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigdelset(&mask_while_waiting, numbers[i]);
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * NS_PER_S + (uint64_t)time.tv_nsec;
}

/* "ended with status 1", "was ended by signal 9 (Killed)" */
static const char *describe(int status, char *text, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(text, size, "was ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(text, size, "ended with status %d", WEXITSTATUS(status));
	return text;
}

static void log_end(const struct service *service, enum service_verdict verdict, const char *how, uint64_t ended_ns)
{
	const struct service_config *config = service->config;

	switch (verdict) {
	case VERDICT_RESTART:
		if (service->due_ns > ended_ns)
			log_warning("%s %s, restart %u follows in %llu ms", config->name, how, service->restart_count,
				    (unsigned long long)((service->due_ns - ended_ns) / NS_PER_MS));
		else
			log_warning("%s %s, restart %u follows at once", config->name, how, service->restart_count);
		break;
	case VERDICT_GAVE_UP:
		log_error("%s %s and is NOT restarted any more: more than %u restarts within %llu s", config->name, how,
			  config->restart.give_up_count, (unsigned long long)(config->restart.give_up_ns / NS_PER_S));
		break;
	case VERDICT_FAILED:
		log_error("%s %s and is not restarted", config->name, how);
		break;
	case VERDICT_ENDED:
		log_info("%s %s", config->name, how);
		break;
	}
}

static void start(struct service *service)
{
	int report_fd = -1;
	pid_t pid = spawn_service(service->config, service->restart_count == 0, &report_fd);
	uint64_t time = now();
	char how[80];

	if (pid > 0) {
		service_forked(service, pid, report_fd, time);
		return;
	}
	snprintf(how, sizeof(how), "could not be forked (%s)", strerror(errno));
	service->started_ns = time;
	log_end(service, service_ended(service, -1, time), how, time);
}

static void start_ready(struct service_table *table)
{
	for (unsigned i = 0; i < table->count; i++) {
		if (service_ready(table, &table->list[i], now()))
			start(&table->list[i]);
	}
}

/* Takes the child's word on how its start went. Returns false when it cannot be started; its process ends by itself. */
static bool read_report(struct service *service)
{
	struct spawn_failure failure;
	enum spawn_report report = spawn_read_report(service->report_fd, &failure);

	if (report == SPAWN_PENDING)
		return true;
	close(service->report_fd);
	service->report_fd = -1;
	if (report == SPAWN_EXECUTED) {
		service_executed(service);
		if (service->restart_count == 0 || !service->config->console)
			log_info("%s started (pid %d)", service->config->name, (int)service->pid);
		return true;
	}
	if (failure.no_console)
		log_warning("%s skipped: %s: %s", service->config->name, failure.step, strerror(failure.error));
	else
		log_error("%s cannot start: %s: %s", service->config->name, failure.step, strerror(failure.error));
	service_unstartable(service, failure.no_console);
	return false;
}

static struct service *find_process(struct service_table *table, pid_t pid)
{
	for (unsigned i = 0; i < table->count; i++) {
		if (table->list[i].pid == pid)
			return &table->list[i];
	}
	return NULL;
}

/* The user of a terminal has logged out, which is what a login is restarted for: not worth a line on that terminal. */
static bool is_logout(const struct service *service, enum service_verdict verdict, int status, uint64_t ended_ns)
{
	return service->config->console && verdict == VERDICT_RESTART && WIFEXITED(status) &&
	       service->due_ns == ended_ns;
}

/* Reaps what has ended: main processes of services, and orphans, which need nothing but that. */
static void reap(struct service_table *table)
{
	int status;
	pid_t pid;
	char how[80];

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct service *service = find_process(table, pid);
		enum service_verdict verdict;
		uint64_t time = now();

		if (!service || (service->report_fd >= 0 && !read_report(service)))
			continue;
		verdict = service_ended(service, status, time);
		if (!is_logout(service, verdict, status, time))
			log_end(service, verdict, describe(status, how, sizeof(how)), time);
	}
}

/* To the process group of the service's leader, which a child makes itself: until then, to the child. */
static void send_signal(const struct service *service, int number)
{
	if (kill(-service->pid, number) < 0)
		kill(service->pid, number);
}

/* Interactive shells ignore SIGTERM, but end when their terminal hangs up. */
static void ask_to_end(const struct service *service)
{
	if (service->config->console)
		send_signal(service, SIGHUP);
	send_signal(service, SIGTERM);
	send_signal(service, SIGCONT);
}

static void stop_next(struct service_table *table)
{
	for (unsigned i = 0; i < table->count; i++) {
		struct service *service = &table->list[i];

		if (service_may_stop(table, service)) {
			ask_to_end(service);
			service_stopping(service, now() + stop_patience_ns);
		} else if (service->state == SERVICE_STOPPING && !service->killed && now() >= service->due_ns) {
			log_warning("%s did not end within %llu s and is killed", service->config->name,
				    (unsigned long long)(stop_patience_ns / NS_PER_S));
			send_signal(service, SIGKILL);
			service->killed = true;
		}
	}
}

/* Sleeps until a signal, a report or the next due time. */
static void wait_for_event(struct service_table *table)
{
	struct pollfd polled[CONFIG_MAX_SERVICES + 1];
	uint64_t due = service_table_due(table), time = now(), sleep_ns = due > time ? due - time : 0;
	struct timespec timeout = { .tv_sec = (time_t)(sleep_ns / NS_PER_S), .tv_nsec = (long)(sleep_ns % NS_PER_S) };
	nfds_t count = 0;

	for (unsigned i = 0; i < table->count; i++) {
		if (table->list[i].report_fd >= 0)
			polled[count++] = (struct pollfd){ .fd = table->list[i].report_fd, .events = POLLIN };
	}
	if (ppoll(polled, count, due == UINT64_MAX ? NULL : &timeout, &mask_while_waiting) < 0 && errno != EINTR) {
		log_error("ppoll: %s", strerror(errno));
		nanosleep(&(struct timespec){ .tv_sec = 1 }, NULL);
	}
}

static void begin_stop(struct service_table *table)
{
	static const char *const names[] = { "", "power off", "reboot", "halt" };

	log_info("stopping the services to %s", names[asked_for]);
	table->stopping = true;
}

enum shutdown_kind supervise(struct service_table *table, const struct service *essential)
{
	for (;;) {
		for (unsigned i = 0; i < table->count; i++) {
			if (table->list[i].report_fd >= 0)
				read_report(&table->list[i]);
		}
		reap(table);
		if (essential && essential->state != SERVICE_WAITING && essential->pid == 0 && !asked_for)
			asked_for = SHUTDOWN_POWER_OFF;
		if (asked_for != SHUTDOWN_NONE && !table->stopping)
			begin_stop(table);
		if (table->stopping)
			stop_next(table);
		else
			start_ready(table);
		if (table->stopping && service_table_quiet(table))
			return (enum shutdown_kind)asked_for;
		wait_for_event(table);
	}
}
