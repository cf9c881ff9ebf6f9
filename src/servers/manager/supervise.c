/* SPDX-License-Identifier: MIT */
/* The manager's event loop (supervise.h). */
#include "supervise.h"
#include "control.h"
#include "lib/console_switch.h"
#include "lib/file.h"
#include "lib/log.h"
#include "lib/output.h"
#include "lib/pin.h"
#include "lib/session.h"
#include "ports.h"
#include "spawn.h"
#include "storage.h"
#include "table.h"
#include "lib/run_state.h"
#include "lib/services_conf/values.h"

#include <errno.h>
#include <poll.h>
#include <raeen/message.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Between SIGTERM and SIGKILL; the same in an upgrade, while requests are held; between two looks at what has no event. */
static const uint64_t stop_patience_ns = 5 * NS_PER_S, drain_patience_ns = 20 * NS_PER_S, look_ns = 50 * NS_PER_MS, session_look_ns = 2 * NS_PER_MS;

/* For copying a program, whose file system may not answer. */
static const uint64_t copy_patience_ns = 5 * NS_PER_S;

enum { REAPED_AT_ONCE = 64 };

static struct service_table *table;
static bool more_to_reap;
static uint64_t stop_begun_ns;
static void end_copy(struct service *service, int result);

static struct output outputs[CONFIG_MAX_SERVICES + 1];

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
		log_error("%s %s and is NOT restarted any more: more than %u restarts within %llu s; \"svc start %s\" starts it", config->name,
			  how, config->restart.give_up_count, (unsigned long long)(config->restart.give_up_ns / NS_PER_S), config->name);
		break;
	case VERDICT_FAILED:
		log_error("%s %s and is not restarted", config->name, how);
		break;
	case VERDICT_REVERTED:
		log_error("%s %s before its new program was ready: the program before is started again", config->name, how);
		break;
	case VERDICT_AGAIN:
	case VERDICT_ENDED:
		log_info("%s %s", config->name, how);
		break;
	}
}

/* Why it is where it is, for svc. */
static void keep_reason(struct service *service, enum service_verdict verdict, const char *how)
{
	static const char *const consequences[] = {
		[VERDICT_RESTART] = "and is restarted", [VERDICT_AGAIN] = "as it was asked to", [VERDICT_ENDED] = "",
		[VERDICT_FAILED] = "and is not restarted", [VERDICT_GAVE_UP] = "too often: the manager gave up",
		[VERDICT_REVERTED] = "before it was ready",
	};

	snprintf(service->reason, sizeof(service->reason), "%.60s%s%s", how, *consequences[verdict] ? " " : "", consequences[verdict]);
}

static void start(struct service *service)
{
	struct spawn_word failed;
	pid_t pid = spawn_service(table, service, &failed);
	enum service_verdict verdict;
	uint64_t time = now_ns();
	char how[160];

	if (pid > 0) {
		service_forked(service, pid, time);
		return;
	}
	snprintf(how, sizeof(how), "could not be started (%s: %s)", failed.step, strerror(failed.error));
	service->started_ns = time;
	verdict = service_ended(service, -1, time);
	keep_reason(service, verdict, how);
	log_end(service, verdict, how, time);
}

static void start_waiting(void)
{
	for (unsigned i = 0; i < table->count; i++) {
		if (service_may_start(table, &table->list[i], now_ns()))
			start(&table->list[i]);
	}
}

/* Takes the child's word on how its start went. Returns false when it cannot be started; its process ends by itself. */
static bool read_report(struct service *service)
{
	struct spawn_word word = { .pid = 0 };
	enum spawn_report report = spawn_read_report(service->fds.report, &word);
	bool unknown = service_is_unknown(service);

	/* The manager before did not live to see the fork: the child says who it is, if there is one. */
	if (unknown && word.pid > 0)
		service_forked(service, word.pid, now_ns());
	if (report == SPAWN_PENDING)
		return true;
	fd_drop(&service->fds.report);
	if (unknown && word.pid == 0) {
		service->state = SERVICE_WAITING;
		return true;
	}
	if (report == SPAWN_EXECUTED) {
		service_executed(service, now_ns());
		/* What has a terminal is seen there; a line behind its "login:" would be in the way. */
		if (!service->config->console)
			log_info("%s started (pid %d)", service->config->name, (int)service->pid);
		return true;
	}
	snprintf(service->reason, sizeof(service->reason), "cannot start: %.40s: %.35s", word.step, strerror(word.error));
	if (word.no_console)
		log_warning("%s skipped: %s: %s", service->config->name, word.step, strerror(word.error));
	else
		log_error("%s cannot start: %s: %s", service->config->name, word.step, strerror(word.error));
	service_unstartable(service, word.no_console, now_ns());
	if (service->state == SERVICE_WAITING)
		log_error("%s: the program before is started again", service->config->name);
	return false;
}

/* The children of services are the main process, the one that mounts what it serves, and the one that copies its next program: @place is that of the field. */
static struct service *find_child(pid_t pid, size_t place)
{
	for (unsigned i = 0; i < table->count; i++) {
		if (*(const pid_t *)((const char *)&table->list[i] + place) == pid)
			return &table->list[i];
	}
	return NULL;
}

static struct service *find_process(pid_t pid)
{
	for (unsigned i = 0; i < table->count; i++) {
		if (service_is_unknown(&table->list[i]))
			read_report(&table->list[i]);
	}
	return find_child(pid, offsetof(struct service, pid));
}

static bool take_output(const struct service *service)
{
	unsigned index = (unsigned)(service - table->list);

	return output_take(&outputs[index], service->fds.output, table_ring(index));
}

/* The user of a terminal has logged out, which is what a login is restarted for: not worth a line on that terminal. */
static bool is_logout(const struct service *service, enum service_verdict verdict, int status, uint64_t ended_ns)
{
	return service->config->console && verdict == VERDICT_RESTART && WIFEXITED(status) &&
	       service->due_ns == ended_ns;
}

static void take_notification(struct service *service)
{
	uint64_t bits = service->fds.supervision < 0 ? 0 : message_bits(service->fds.supervision, 0);

	if (bits && service->pid > 0)
		service_notified(service, bits, now_ns(), process_cpu_ns(service->pid));
}

/* Ends who is left of the instance before. Not all are gone at once: until then the next one does not start. */
static void end_before(struct service *service, uint64_t time)
{
	if (service->before == 0)
		return;
	if (!session_end(service->before, service->config->state_bytes > 0))
		service->before = 0;
	else if (service->due_ns < time + session_look_ns)
		service->due_ns = time + session_look_ns;
}

/* Starts the next instance first, if there is to be one now; what there is to say about this one comes after. */
static void on_end(struct service *service, int status)
{
	uint64_t time = now_ns();
	enum service_verdict verdict;
	char how[80];

	/* Its last word may be that it has served. */
	take_notification(service);
	verdict = service_ended(service, status, time);
	keep_reason(service, verdict, process_describe_end(status, how, sizeof(how)));
	end_before(service, time);
	if (service_may_start(table, service, time))
		start(service);
	take_output(service);
	if (!is_logout(service, verdict, status, time))
		log_end(service, verdict, how, time);
}

/* Reaps what has ended: main processes of services, and orphans, which need nothing but that; some in a turn. */
static void reap(void)
{
	int status;
	pid_t pid = 1;

	for (unsigned i = 0; i < REAPED_AT_ONCE && (pid = waitpid(-1, &status, WNOHANG)) > 0; i++) {
		struct service *service = find_process(pid), *of_copier = find_child(pid, offsetof(struct service, copier));
		struct service *of_mounter = find_child(pid, offsetof(struct service, mounter));

		if (service && (service->fds.report < 0 || read_report(service)))
			on_end(service, status);
		else if (of_copier)
			end_copy(of_copier, pin_result(status));
		else if (of_mounter)
			storage_ended(table, of_mounter, status, now_ns());
		else
			shutdown_child_ended(pid, status);
	}
	more_to_reap = pid > 0;
}

/* Interactive shells ignore SIGTERM, but end when their terminal hangs up. */
static void ask_to_end(const struct service *service)
{
	if (service->config->console)
		session_signal(service->pid, SIGHUP);
	session_signal(service->pid, SIGTERM);
	session_signal(service->pid, SIGCONT);
}

static void stop(struct service *service, bool again)
{
	uint64_t time = now_ns();

	ask_to_end(service);
	service_stopping(service, time, time + stop_patience_ns, again);
}

void supervise_end(struct service *service)
{
	if (service->pid > 0)
		stop(service, false);
	else
		service_cancel(service, now_ns());
}

/* Who was asked to end and does not. */
static void lose_patience(struct service *service, uint64_t time)
{
	if (service->state != SERVICE_STOPPING || service->killed || time < service->due_ns)
		return;
	/* Who has just answered the last one needs a moment to end. */
	if (service->drains && time < service->since_ns + drain_patience_ns) {
		service->drains = ports_hold(service);
		service->due_ns = time + (service->drains ? look_ns : NS_PER_S);
		return;
	}
	log_warning("%s did not end within %llu s and is killed", service->config->name, (unsigned long long)((time - service->since_ns) / NS_PER_S));
	session_signal(service->pid, SIGKILL);
	service->killed = true;
}

static void watch(struct service *service, uint64_t time)
{
	bool over;

	if (service_trial_over(service, time)) {
		log_error("%s is not ready in time with its new program and is killed", service->config->name);
		session_signal(service->pid, SIGKILL);
		service->killed = true;
	}
	if (service->state != SERVICE_RUNNING || service->killed || time < watchdog_due(&service->watchdog))
		return;
	over = watchdog_look(&service->watchdog, time, process_cpu_ns(service->pid), process_is_ready(service->pid));
	if (!over)
		return;
	log_error("%s gave no heartbeat for %llu ms of its own time and is killed", service->config->name,
		  (unsigned long long)(service->config->watchdog_ns / NS_PER_MS));
	session_signal(service->pid, SIGKILL);
	service->killed = true;
	service->watchdog_kills++;
}

static void check_times(void)
{
	uint64_t time = now_ns();

	for (unsigned i = 0; i < table->count; i++) {
		struct service *service = &table->list[i];
		int unneeded = service_take_unneeded(service);

		fd_drop(&unneeded);
		end_before(service, time);
		if (service->copier > 0 && time >= service->copy_due_ns)
			end_copy(service, -ETIMEDOUT);
		storage_look(table, service, time);
		watch(service, time);
		lose_patience(service, time);
		output_look(&outputs[i], service->fds.output, table_ring(i), service->config->name, time);
		if (service_at_rest(service))
			ports_refuse(service);
		if (service_late(service, time))
			log_warning("%s is not ready yet: those that start after it do not wait longer", service->config->name);
	}
}

/* What is waited for: the descriptors of each service by what they are for, then the port of svc, the orders to shut down, then ports that refuse. */
enum { POLL_REPORT, POLL_OUTPUT, POLL_SUPERVISION, POLL_KINDS };
static struct pollfd polled[(CONFIG_MAX_SERVICES + 1) * (POLL_KINDS + CONFIG_MAX_PORTS) + 2];

static nfds_t list_descriptors(void)
{
	struct pollfd *next = polled;

	for (unsigned i = 0; i < table->count; i++) {
		const struct service_fds *fds = &table->list[i].fds;

		*next++ = (struct pollfd){ .fd = fds->report, .events = POLLIN };
		*next++ = (struct pollfd){ .fd = output_floods(&outputs[i]) ? -1 : fds->output, .events = POLLIN };
		*next++ = (struct pollfd){ .fd = fds->supervision, .events = POLLIN };
	}
	*next++ = (struct pollfd){ .fd = control_fd(), .events = POLLIN };
	*next++ = (struct pollfd){ .fd = table->stopping ? -1 : shutdown_order_fd(), .events = POLLIN };
	for (unsigned i = 0; i < table->count * CONFIG_MAX_PORTS; i++) {
		int fd = table->list[i / CONFIG_MAX_PORTS].fds.refused[i % CONFIG_MAX_PORTS];

		if (fd >= 0)
			*next++ = (struct pollfd){ .fd = fd, .events = POLLIN };
	}
	return (nfds_t)(next - polled);
}

/* Sleeps until a signal, something to read or the next due time. */
static void wait_for_event(void)
{
	uint64_t due = service_table_due(table), asked = control_due(), time = now_ns(), sleep_ns;
	struct timespec timeout;
	nfds_t count = list_descriptors();

	for (unsigned i = 0; i < table->count; i++)
		due = output_due(&outputs[i]) < due ? output_due(&outputs[i]) : due;
	due = more_to_reap ? 0 : asked < due ? asked : due;
	/* Then orders are looked for by time. */
	if (!table->stopping && shutdown_order_fd() < 0 && due > time + NS_PER_S)
		due = time + NS_PER_S;
	sleep_ns = due > time ? due - time : 0;
	timeout = (struct timespec){ .tv_sec = (time_t)(sleep_ns / NS_PER_S), .tv_nsec = (long)(sleep_ns % NS_PER_S) };
	if (ppoll(polled, count, due == UINT64_MAX ? NULL : &timeout, shutdown_wait_mask()) >= 0)
		return;
	for (nfds_t i = 0; i < count; i++)
		polled[i].revents = 0;
	if (errno != EINTR) {
		log_error("ppoll: %s", strerror(errno));
		nanosleep(&(struct timespec){ .tv_sec = 1 }, NULL);
	}
}

static void take_events(void)
{
	for (unsigned i = 0; i < table->count; i++) {
		struct service *service = &table->list[i];
		const struct pollfd *of_it = &polled[i * POLL_KINDS];

		/* Who was reaped in this turn may have a new instance, with descriptors of its own. */
		if (of_it[POLL_REPORT].revents && of_it[POLL_REPORT].fd == service->fds.report)
			read_report(service);
		if (of_it[POLL_SUPERVISION].revents && of_it[POLL_SUPERVISION].fd == service->fds.supervision)
			take_notification(service);
		if (of_it[POLL_OUTPUT].revents)
			take_output(service);
	}
}

int supervise_start(struct service *service)
{
	return table->stopping ? -ESHUTDOWN : service_ask_start(service, now_ns());
}

int supervise_stop(struct service *service, bool again)
{
	if (table->stopping)
		return -ESHUTDOWN;
	if (service->copier > 0)
		end_copy(service, -ECANCELED);
	if (service->pid == 0) {
		service_cancel(service, now_ns());
		return again ? service_ask_start(service, now_ns()) : 0;
	}
	/* A second time: what was asked for last holds. */
	if (service->state == SERVICE_STOPPING)
		service->again = again;
	else
		stop(service, again);
	return 0;
}

/* Of an upgrade: the program is there, or there will be none. */
static void end_copy(struct service *service, int result)
{
	const struct service_config *config = service->config;
	int32_t program = service->fds.program_next;

	/* Should it not have ended, or not end at once either, that is nobody's business any more. */
	if (result == -ETIMEDOUT || result == -ECANCELED)
		kill(service->copier, SIGKILL);
	service->copier = 0;
	service->fds.program_next = -1;
	if (result == 0 && table->stopping)
		result = -ESHUTDOWN;
	/* It may have begun meanwhile. */
	for (unsigned i = 0; result == 0 && service->pid > 0 && i < config->port_count; i++)
		result = config->ports[i].persistent ? 0 : -ENOTSUP;
	if (result == 0) {
		program = service_upgrade(service, program);
		supervise_stop(service, true);
		service->drains = true;
	}
	fd_drop(&program);
	control_copied(service, result);
}

int supervise_kill(struct service *service, int number)
{
	if (service->pid == 0)
		return -ESRCH;
	session_signal(service->pid, number);
	return 0;
}

int supervise_upgrade(struct service *service, const char *path)
{
	const struct service_config *config = service->config;
	int result;

	if (service->copier > 0)
		return -EBUSY;
	if (table->stopping || !config->valid)
		return table->stopping ? -ESHUTDOWN : -EINVAL;
	service->copier = pin_begin(*path ? path : config->argv[0], *path || config->pinned, &service->fds.program_next);
	service->copy_due_ns = now_ns() + copy_patience_ns;
	if (service->copier > 0)
		return 0;
	result = service->copier;
	service->copier = 0;
	return result;
}

/* Somebody looks at a console that nobody has open: who offers a login there is started. */
static void start_shown(void)
{
	const char *console = console_switch_take();

	for (unsigned i = 0; console && i < table->count; i++) {
		struct service *service = &table->list[i];

		if (service->config->when_shown && strcmp(service->config->console, console) == 0 && service_at_rest(service))
			supervise_start(service);
	}
}

/* What is still to be written needs the root's services, even if somebody has stopped them. */
static void begin_stop(void)
{
	log_info("stopping the services to %s", shutdown_name(shutdown_asked()));
	region_set(TABLE_SHUTDOWN, shutdown_asked());
	table->stopping = true;
	stop_begun_ns = now_ns();
	for (unsigned i = 0; i < table->count; i++) {
		if (table->list[i].marks & SERVICE_KEPT)
			service_ask_start(&table->list[i], stop_begun_ns);
	}
}

static void stop_next(void)
{
	bool may[CONFIG_MAX_SERVICES + 1];

	/* All are asked before the first one changes its state. */
	for (unsigned i = 0; i < table->count; i++)
		may[i] = service_may_stop(table, &table->list[i]);
	for (unsigned i = 0; i < table->count; i++) {
		if (may[i])
			stop(&table->list[i], false);
	}
}

/* All services have ended but those whose file systems are mounted, and what they need. True when these are not needed either. */
static bool prepare_shutdown(void)
{
	pid_t kept[CONFIG_MAX_SERVICES + 1];
	unsigned count = 0;

	for (unsigned i = 0; i < table->count; i++) {
		const struct service *service = &table->list[i];

		if (!(service->marks & SERVICE_KEPT))
			continue;
		/* One that is just to start again would be taken for somebody who is left. */
		if (service->state == SERVICE_WAITING && now_ns() < stop_begun_ns + stop_patience_ns)
			return false;
		kept[count++] = service->pid;
	}
	return count == 0 || shutdown_prepare(kept, count);
}

enum shutdown_kind supervise(struct service_table *services, const struct service *essential)
{
	table = services;
	shutdown_ask((enum shutdown_kind)region_get(TABLE_SHUTDOWN));
	control_open(table);
	for (;;) {
		reap();
		take_events();
		start_shown();
		check_times();
		if (essential && service_at_rest(essential))
			shutdown_ask(SHUTDOWN_POWER_OFF);
		if (!table->stopping && shutdown_asked() != SHUTDOWN_NONE)
			begin_stop();
		if (table->stopping)
			stop_next();
		control_serve(polled[table->count * POLL_KINDS].revents != 0, now_ns());
		if (table->stopping && service_table_quiet(table) && prepare_shutdown())
			return shutdown_asked();
		start_waiting();
		table_save(table);
		wait_for_event();
	}
}
