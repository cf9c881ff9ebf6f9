/* SPDX-License-Identifier: MIT */
/* From a service's block to its process (spawn.h). */
#include "spawn.h"
#include "lib/file.h"
#include "lib/log.h"
#include "ports.h"
#include "table.h"
#include "lib/launch.h"
#include "lib/region.h"
#include "lib/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Says a word; a failed step is logged by the parent. */
static void say(int report_fd, const struct spawn_word *word)
{
	if (write(report_fd, word, sizeof(*word)) != sizeof(*word) && word->error)
		log_error("%s: %s", word->step, strerror(word->error));
}

__attribute__((noreturn))
static void fail(int report_fd, bool no_console, const char *step, const char *what)
{
	struct spawn_word word = { .error = errno, .pid = getpid(), .no_console = no_console };

	snprintf(word.step, sizeof(word.step), "%s %s", step, what);
	say(report_fd, &word);
	_exit(127);
}

static void open_console(const char *name, int report_fd)
{
	char path[CONFIG_MAX_NAME + 8];
	const char *wrong;

	snprintf(path, sizeof(path), "/dev/%s", name);
	wrong = launch_open_console(path);
	if (wrong)
		fail(report_fd, errno == ENOENT || errno == ENXIO || errno == ENODEV || errno == EIO || errno == ENOTTY, wrong, path);
}

static void apply_cpus(const struct service_config *config, bool first)
{
	uint64_t usable = config->cpus ? launch_use_cpus(config->cpus) : 0, missing = config->cpus & ~usable;
	char list[LAUNCH_CPUS_TEXT];

	if (missing && first)
		log_warning("%s: cpus %s: this machine runs no such CPU; %s", config->name, launch_list_cpus(missing, list),
			    usable ? "the others are used" : "the service may use all");
}

/* Scheduling is a wish: a service that cannot have it still runs, and the log says so. */
static void apply_scheduling(const struct service_config *config, bool first)
{
	if (launch_use_class(config->class) < 0 && first)
		log_warning("%s: class not applied: %s", config->name, strerror(errno));
	apply_cpus(config, first);
}

/* Where the service finds its ports: lib/server.h. @numbers holds the texts. */
static void add_ports(char **environment, char numbers[][LAUNCH_NUMBER_TEXT], const struct service *service, const struct ports_given *given)
{
	static const char *const names[] = { "RAEEN_PORT", "RAEEN_PORT2", "RAEEN_PORT3", "RAEEN_PORT4" };

	_Static_assert(sizeof(names) / sizeof(names[0]) == CONFIG_MAX_PORTS, "a name for each");
	for (unsigned i = 0; i < CONFIG_MAX_PORTS && given->ports[i] >= 0; i++)
		launch_add_number(environment, numbers[i], names[i], given->ports[i]);
	if (given->supervisor >= 0)
		launch_add_number(environment, numbers[CONFIG_MAX_PORTS], "RAEEN_SUPERVISOR", given->supervisor);
	if (given->supervisor >= 0 && service->config->watchdog_ns > 0)
		launch_add_number(environment, numbers[CONFIG_MAX_PORTS + 1], "RAEEN_WATCHDOG_MS", (long)(service->config->watchdog_ns / 1000000));
}

__attribute__((noreturn))
static void child(const struct service *service, const struct ports_given *given)
{
	const struct service_config *config = service->config;
	char home[128] = "HOME=/", user[48] = "USER=root", logname[48] = "LOGNAME=root", numbers[CONFIG_MAX_PORTS + 3][LAUNCH_NUMBER_TEXT];
	char *environment[9 + CONFIG_MAX_PORTS] = { home, user, logname, "PATH=/sbin:/bin:/usr/sbin:/usr/bin", "TERM=linux" };
	struct spawn_word first = { .pid = getpid() };
	const char *wrong;
	int report_fd = service->fds.report_write, program = service->fds.program;

	/* The ring has one writer: the parent. What the child logs goes to the console only. */
	log_keep(NULL);
	say(report_fd, &first);
	launch_reset_signals();
	setsid();
	umask(022);
	if (chdir("/") < 0)
		fail(report_fd, false, "enter", "/");
	/* Without a terminal what it prints goes to the manager, into its log and to the console. */
	if (config->console)
		open_console(config->console, report_fd);
	else if ((wrong = launch_open_no_input(service->fds.output_write)))
		fail(report_fd, false, "arrange its output:", wrong);
	log_wait_for_room(1000);
	apply_scheduling(config, service->restart_count == 0);
	if (config->user) {
		const char *place = launch_become_user(config->user);

		if (!place)
			fail(report_fd, false, "become user", config->user);
		snprintf(home, sizeof(home), "HOME=%s", place);
		snprintf(user, sizeof(user), "USER=%s", config->user);
		snprintf(logname, sizeof(logname), "LOGNAME=%s", config->user);
	}
	add_ports(environment, numbers, service, given);
	if (service->fds.state >= 0) {
		fcntl(service->fds.state, F_SETFD, 0);
		launch_add_number(environment, numbers[CONFIG_MAX_PORTS + 2], "RAEEN_STATE", service->fds.state);
	}
	/* In its view the program need not be. */
	if (program < 0 && config->view_count > 0)
		program = open(config->argv[0], O_PATH | O_CLOEXEC);
	wrong = confine(config);
	if (wrong)
		fail(report_fd, false, "enter its profile:", wrong);
	if (program >= 0)
		syscall(SYS_execveat, program, "", config->argv, environment, AT_EMPTY_PATH);
	else
		execve(config->argv[0], (char *const *)config->argv, environment);
	fail(report_fd, false, "execute", config->argv[0]);
}

static pid_t give_up(struct service *service, struct spawn_word *failed, int error, const char *step, const char *what)
{
	*failed = (struct spawn_word){ .error = error };
	snprintf(failed->step, sizeof(failed->step), "%s %s", step, what);
	fd_drop(&service->fds.report);
	fd_drop(&service->fds.report_write);
	return -1;
}

pid_t spawn_service(const struct service_table *table, struct service *service, struct spawn_word *failed)
{
	struct ports_given given;
	const char *what = "";
	int error;
	pid_t pid;

	if (service->fds.output < 0 && !service->config->console && fd_pipe(&service->fds.output, &service->fds.output_write) < 0)
		return give_up(service, failed, errno, "make", "a pipe for its log");
	if (fd_pipe(&service->fds.report, &service->fds.report_write) < 0)
		return give_up(service, failed, errno, "make", "a pipe");
	if (service->config->state_bytes > 0 && service->fds.state < 0) {
		service->fds.state = region_memory(service->config->name, service->config->state_bytes);
		if (service->fds.state < 0)
			return give_up(service, failed, errno, "make", "its state");
	}
	error = ports_give(service, &given, &what);
	if (error < 0)
		return give_up(service, failed, -error, "make port", what);
	if (service_has_supervision(service->config) && !service->supervised && service->restart_count == 0)
		log_warning("%s: this kernel has no ports: it runs without its own, and nobody watches it", service->config->name);
	service->state = SERVICE_STARTING;
	table_save(table);
	pid = fork();
	if (pid == 0)
		child(service, &given);
	error = errno;
	ports_given_close(&given);
	fd_drop(&service->fds.report_write);
	if (pid > 0)
		return pid;
	return give_up(service, failed, error, "fork", "a process");
}

enum spawn_report spawn_read_report(int report_fd, struct spawn_word *word)
{
	struct spawn_word read_word;
	ssize_t got;

	for (;;) {
		got = read(report_fd, &read_word, sizeof(read_word));
		if (got != (ssize_t)sizeof(read_word))
			break;
		*word = read_word;
		if (word->error)
			return SPAWN_FAILED;
	}
	return got < 0 && (errno == EAGAIN || errno == EINTR) ? SPAWN_PENDING : SPAWN_EXECUTED;
}
