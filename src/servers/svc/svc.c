/* SPDX-License-Identifier: MIT */
/*
 * svc: what the services do, and how to make them do something else. usage() lists its commands.
 *
 * It talks to the service manager, by its port "manager" (../proto/svc.def). Exit status: 0; 1 when the manager refuses or cannot; 2 for a wrong command line;
 * 3 from `svc status NAME` when the service does not run; 4 when there is no such service.
 */
#include "lib/plain_text.h"
#include "proto/svc.h"

#include <errno.h>
#include <raeen/message.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_REFUSED = 1, EXIT_USAGE = 2, EXIT_NOT_RUNNING = 3, EXIT_UNKNOWN = 4 };

static const int64_t patience_ns = 60ll * 1000000000, open_patience_ns = 2ll * 1000000000;
static int port;
static bool coloured;

static int usage(FILE *to)
{
	fputs("usage: svc list                      names and states\n"
	      "       svc status [NAME]             the same for people; all about one\n"
	      "       svc start|stop|restart NAME\n"
	      "       svc kill NAME [SIGNAL]        SIGNAL: a number or a name such as TERM; else KILL\n"
	      "       svc log [-f] NAME             what it has printed; -f: and what it prints from now on. \"manager\": the manager's own\n"
	      "       svc upgrade NAME [PROGRAM]    a new instance, without a failed request\n", to);
	return to == stdout ? 0 : EXIT_USAGE;
}

static const char *state_name(uint32_t state)
{
	static const char *const names[] = {
		[SVC_STATE_WAITING] = "waiting", [SVC_STATE_STARTING] = "starting", [SVC_STATE_RUNNING] = "running",
		[SVC_STATE_STOPPING] = "stopping", [SVC_STATE_ENDED] = "ended", [SVC_STATE_FAILED] = "failed", [SVC_STATE_SKIPPED] = "skipped",
	};

	return state < sizeof(names) / sizeof(names[0]) ? names[state] : "?";
}

/* The SGR parameter that a state has on a terminal. */
static const char *state_colour(uint32_t state)
{
	switch (state) {
	case SVC_STATE_RUNNING:
		return "32";
	case SVC_STATE_FAILED:
		return "1;31";
	case SVC_STATE_ENDED:
	case SVC_STATE_SKIPPED:
		return "2";
	default:
		return "33";
	}
}

/* Prints @text, padded to @width, in a colour where there are some. */
static void print_in(const char *colour, const char *text, int width)
{
	if (coloured)
		printf("\033[%sm%-*s\033[0m", colour, width, text);
	else
		printf("%-*s", width, text);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* "3 s", "12 min", "5 h", "2 d" */
static const char *span(uint64_t ns, char text[32])
{
	uint64_t seconds = ns / 1000000000;

	if (ns < 1000000000)
		snprintf(text, 32, "%llu ms", (unsigned long long)(ns / 1000000));
	else if (seconds < 120)
		snprintf(text, 32, "%llu s", (unsigned long long)seconds);
	else if (seconds < 7200)
		snprintf(text, 32, "%llu min", (unsigned long long)(seconds / 60));
	else if (seconds < 172800)
		snprintf(text, 32, "%llu h", (unsigned long long)(seconds / 3600));
	else
		snprintf(text, 32, "%llu d", (unsigned long long)(seconds / 86400));
	return text;
}

/* Says why @name could not be what it was asked to be. Returns the exit status. */
static int explain(const char *name, int error)
{
	switch (error) {
	case -ENOENT:
		fprintf(stderr, "svc: there is no service %s; \"svc list\" names them\n", name);
		return EXIT_UNKNOWN;
	case -EPERM:
		fprintf(stderr, "svc: %s: only root may do that\n", name);
		break;
	case -EINVAL:
		fprintf(stderr, "svc: %s: its block in services.conf is wrong; see \"manager --check /etc/services.conf\"\n", name);
		break;
	case -ENOEXEC:
		fprintf(stderr, "svc: %s: the program is no regular file\n", name);
		break;
	case -EFBIG:
		fprintf(stderr, "svc: %s: the program is larger than 64 MiB\n", name);
		break;
	case -EBUSY:
		fprintf(stderr, "svc: %s: too many wait for the manager; try again later\n", name);
		break;
	case -ESRCH:
		fprintf(stderr, "svc: %s does not run\n", name);
		break;
	case -ENOTSUP:
		fprintf(stderr, "svc: %s has a port that is not persistent, so its clients would notice; \"svc restart %s\" does it all the same\n", name,
			name);
		break;
	case -ESHUTDOWN:
		fprintf(stderr, "svc: %s: the system is shutting down\n", name);
		break;
	case -ETIMEDOUT:
		fprintf(stderr, "svc: %s: not yet; \"svc status %s\" tells when\n", name, name);
		break;
	case -ECONNRESET:
		fprintf(stderr, "svc: %s: the manager was restarted on the way; \"svc status %s\" tells what came of it\n", name, name);
		break;
	default:
		fprintf(stderr, "svc: %s: %s\n", name, message_error_text(error));
	}
	return EXIT_REFUSED;
}

static bool take_name(char to[32], const char *name)
{
	memset(to, 0, 32);
	if (strlen(name) > 31)
		return false;
	strcpy(to, name);
	return true;
}

/* Asks a question again that the manager died with; once, for it may have died of it. */
#define ASK(error, call)                                                                                                                       \
	do {                                                                                                                                   \
		(error) = (call);                                                                                                              \
		if ((error) == -ECONNRESET)                                                                                                    \
			(error) = (call);                                                                                                      \
	} while (0)

static int get_status(const char *name, struct svc_status_reply *status)
{
	struct svc_status_request request;
	int error;

	if (!take_name(request.name, name))
		return -ENOENT;
	ASK(error, svc_status(port, &request, status, patience_ns));
	return error;
}

static void print_row(const struct svc_service *service, bool for_people)
{
	char pid[16] = "-", since[32];

	if (service->pid > 0)
		snprintf(pid, sizeof(pid), "%d", service->pid);
	if (for_people) {
		print_in(state_colour(service->state), service->state == SVC_STATE_RUNNING ? "* " : "o ", 2);
		printf("%-20s ", service->name);
		print_in(state_colour(service->state), state_name(service->state), 9);
		printf("%7s %9s %8u\n", pid, span(now_ns() - service->since_ns, since), service->restarts);
	} else {
		printf("%s %s %s %u\n", service->name, state_name(service->state), pid, service->restarts);
	}
}

static int list(bool for_people)
{
	static struct svc_list_reply reply;
	struct svc_list_request request = { .index = 0 };

	if (for_people)
		printf("  %-20s %-9s%7s %9s %8s\n", "service", "state", "pid", "since", "restarts");
	do {
		int error;

		ASK(error, svc_list(port, &request, &reply, patience_ns));
		if (error < 0)
			return explain("list", error);
		for (uint32_t i = 0; i < reply.services_count; i++)
			print_row(&reply.services[i], for_people);
		request.index += reply.services_count;
	} while (reply.services_count > 0 && request.index < reply.total);
	return 0;
}

static void print_line(const char *what, const char *text)
{
	if (*text)
		printf("  %-10s %s\n", what, text);
}

static void print_heartbeat(const struct svc_status_reply *status)
{
	char ago[32], within[32];

	if (status->watchdog_ns == 0)
		return;
	span(status->watchdog_ns, within);
	if (status->heartbeat_ns == UINT64_MAX)
		printf("  %-10s one within %s", "heartbeat", within);
	else
		printf("  %-10s %s ago, one within %s", "heartbeat", span(status->heartbeat_ns, ago), within);
	if (status->watchdog_kills > 0)
		printf("; killed for want of one %u times", status->watchdog_kills);
	printf("\n");
}

static int show(const char *name)
{
	struct svc_status_reply status;
	const struct svc_service *service = &status.service;
	int error = get_status(name, &status);
	char text[64], since[32];

	if (error < 0)
		return explain(name, error);
	printf("%s: ", service->name);
	print_in(state_colour(service->state), state_name(service->state), 0);
	printf(" for %s", span(now_ns() - service->since_ns, since));
	if (service->pid > 0)
		printf(", process %d", service->pid);
	printf(", %u restart%s\n", service->restarts, service->restarts == 1 ? "" : "s");
	print_line("reason", status.reason);
	print_line("command", status.command);
	print_line("after", status.after);
	print_line("ports", status.ports);
	print_heartbeat(&status);
	snprintf(text, sizeof(text), "%llu times told", (unsigned long long)status.served);
	print_line("served", status.served ? text : "");
	snprintf(text, sizeof(text), "%u bytes", status.log_bytes);
	print_line("log", status.log_bytes ? text : "");
	return service->state == SVC_STATE_RUNNING || service->state == SVC_STATE_STARTING ? 0 : EXIT_NOT_RUNNING;
}

/* A start that came to nothing: why, if the manager knows. */
static int explain_start(const char *name, int error)
{
	struct svc_status_reply status;

	if (error != -ECHILD || get_status(name, &status) < 0)
		return explain(name, error);
	fprintf(stderr, "svc: %s did not stay up: %s%s\"svc log %s\" has what it printed\n", name, status.reason, *status.reason ? "; " : "", name);
	return EXIT_REFUSED;
}

/* start, restart and upgrade print the process that runs then. */
static int started(const char *name, const char *verb, int32_t pid)
{
	printf("%s %s (process %d)\n", name, verb, pid);
	return 0;
}

static int start(const char *name, const char *unused)
{
	struct svc_start_request request;
	struct svc_start_reply reply;
	int error = take_name(request.name, name) ? svc_start(port, &request, &reply, patience_ns) : -ENOENT;

	(void)unused;
	if (error == -EALREADY) {
		fprintf(stderr, "svc: %s runs already\n", name);
		return EXIT_REFUSED;
	}
	return error < 0 ? explain_start(name, error) : started(name, "started", reply.pid);
}

static int stop(const char *name, const char *unused)
{
	struct svc_stop_request request;
	int error = take_name(request.name, name) ? svc_stop(port, &request, patience_ns) : -ENOENT;

	(void)unused;
	if (error < 0)
		return explain(name, error == -EALREADY ? -ESRCH : error);
	printf("%s stopped\n", name);
	return 0;
}

static int restart(const char *name, const char *unused)
{
	struct svc_restart_request request;
	struct svc_restart_reply reply;
	int error = take_name(request.name, name) ? svc_restart(port, &request, &reply, patience_ns) : -ENOENT;

	(void)unused;
	return error < 0 ? explain_start(name, error) : started(name, "restarted", reply.pid);
}

static int upgrade(const char *name, const char *program)
{
	struct svc_upgrade_request request = { .path = "" };
	struct svc_upgrade_reply reply;
	struct svc_status_reply status;
	int error;

	if (program && (*program != '/' || strlen(program) >= sizeof(request.path))) {
		fprintf(stderr, "svc: found program %s, expected a path from / on of less than %zu bytes\n", program, sizeof(request.path));
		return EXIT_USAGE;
	}
	if (program)
		strcpy(request.path, program);
	error = take_name(request.name, name) ? svc_upgrade(port, &request, &reply, patience_ns) : -ENOENT;
	if (error == -ENOENT && get_status(name, &status) == 0) {
		fprintf(stderr, "svc: %s: %s: %s\n", name, program ? program : "its program", strerror(ENOENT));
		return EXIT_REFUSED;
	}
	if (error == -ECHILD && program) {
		fprintf(stderr, "svc: %s: the new program did not become ready; the one before is started again. \"svc log %s\" may say why\n", name, name);
		return EXIT_REFUSED;
	}
	return error < 0 ? explain_start(name, error) : started(name, "upgraded", reply.pid);
}

/* A number, or a name with or without SIG; 0: neither. */
static int signal_number(const char *text)
{
	static const struct { const char *name; int number; } signals[] = {
		{ "HUP", SIGHUP }, { "INT", SIGINT }, { "QUIT", SIGQUIT }, { "ABRT", SIGABRT }, { "KILL", SIGKILL }, { "USR1", SIGUSR1 },
		{ "SEGV", SIGSEGV }, { "USR2", SIGUSR2 }, { "TERM", SIGTERM }, { "CONT", SIGCONT }, { "STOP", SIGSTOP },
	};
	char *end;
	long number = strtol(text, &end, 10);

	if (end != text && !*end)
		return number >= 1 && number <= 64 ? (int)number : 0;
	if (strncasecmp(text, "SIG", 3) == 0)
		text += 3;
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		if (strcasecmp(text, signals[i].name) == 0)
			return signals[i].number;
	}
	return 0;
}

static int send_signal(const char *name, const char *text)
{
	struct svc_kill_request request = { .signal = text ? signal_number(text) : SIGKILL };
	int error;

	if (request.signal == 0) {
		fprintf(stderr, "svc: found signal %s, expected 1 to 64 or a name such as TERM\n", text);
		return EXIT_USAGE;
	}
	error = take_name(request.name, name) ? svc_kill(port, &request, patience_ns) : -ENOENT;
	return error < 0 ? explain(name, error) : 0;
}

static int show_log(const char *name, bool follow)
{
	static struct svc_log_reply reply;
	struct svc_log_request request = { .wait_ns = 0 };
	struct plain_text plain = { 0 };
	uint64_t position = 0;
	int error = take_name(request.name, name) ? 0 : -ENOENT;

	while (error == 0) {
		request.position = position;
		ASK(error, svc_log(port, &request, &reply, MSG_WAIT));
		if (error == -EBUSY) {
			/* Too many follow a log already: looks now and then. */
			nanosleep(&(struct timespec){ .tv_nsec = 300000000 }, NULL);
			error = 0;
			continue;
		}
		if (error < 0 || (reply.data_length == 0 && !follow))
			break;
		if (position != 0 && reply.position != position)
			fprintf(stderr, "svc: %llu bytes were lost\n", (unsigned long long)(reply.position - position));
		position = reply.position + reply.data_length;
		if (coloured)
			reply.data_length = (uint32_t)plain_text(&plain, (char *)reply.data, reply.data_length);
		fwrite(reply.data, 1, reply.data_length, stdout);
		fflush(stdout);
		request.wait_ns = follow ? (uint64_t)patience_ns / 2 : 0;
	}
	return error < 0 ? explain(name, error) : 0;
}

static const struct command {
	const char *name;
	int (*run)(const char *service, const char *more);
	bool more;              /* takes another word */
} commands[] = {
	{ "start", start, false }, { "stop", stop, false }, { "restart", restart, false }, { "kill", send_signal, true }, { "upgrade", upgrade, true },
};

static int run(int count, char **words)
{
	if (count == 1 && strcmp(words[0], "list") == 0)
		return list(false);
	if (count == 1 && strcmp(words[0], "status") == 0)
		return list(true);
	if (count == 2 && strcmp(words[0], "status") == 0)
		return show(words[1]);
	if (count == 2 && strcmp(words[0], "log") == 0)
		return show_log(words[1], false);
	if (count == 3 && strcmp(words[0], "log") == 0 && strcmp(words[1], "-f") == 0)
		return show_log(words[2], true);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (count >= 2 && count <= 2 + commands[i].more && strcmp(words[0], commands[i].name) == 0)
			return commands[i].run(words[1], count > 2 ? words[2] : NULL);
	}
	return usage(stderr);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return usage(stderr);
	if (strcmp(argv[1], "--help") == 0)
		return usage(stdout);
	coloured = isatty(STDOUT_FILENO);
	port = message_open("manager", PORT_SEND, open_patience_ns);
	if (port < 0) {
		fprintf(stderr, "svc: cannot reach the service manager: %s\n", message_error_text(port));
		return EXIT_REFUSED;
	}
	return run(argc - 1, argv + 1);
}
