/* SPDX-License-Identifier: MIT */
/*
 * /sbin/manager, process 1: mounts, brings in an overlay, starts the services of /etc/services.conf and keeps them
 * running until it is told to shut down (README.md).
 *
 * "manager --check FILE" only parses a services.conf and prints what is wrong in it.
 */
#include "config.h"
#include "log.h"
#include "mounts.h"
#include "overlay.h"
#include "service.h"
#include "shutdown.h"
#include "supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONFIG_PATH "/etc/services.conf"
#define OVERLAY_PATH "/dev/fw_cfg/overlay"
#define COMMAND_PATH "/dev/fw_cfg/command"

enum { MAX_CONFIG_BYTES = 1 << 20 };

/* Runs the command of `ci/vm -- COMMAND`, sends back what it prints, and powers off. */
static const struct service_config agent_config = {
	.name = "vm-agent", .valid = true, .argv = { "/sbin/vm-agent", COMMAND_PATH, "/dev/ttyS1" },
	.class = CLASS_NORMAL, .restart = { .policy = RESTART_NEVER },
};

/* What is left when no service can be started. */
static const struct service_config emergency_config = {
	.name = "emergency-shell", .valid = true, .argv = { "/bin/sh" }, .console = "console", .class = CLASS_NORMAL,
	.restart = { .policy = RESTART_ALWAYS, .backoff_min_ns = 100000000, .backoff_max_ns = 5000000000 },
};

static struct config config;

/* One more than the file may have, for the agent or the emergency shell. */
static struct service services[CONFIG_MAX_SERVICES + 1];

static bool exists(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0;
}

static void set_host_name(void)
{
	char name[65];
	int fd = open("/etc/hostname", O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, name, sizeof(name) - 1);

	if (fd >= 0)
		close(fd);
	if (length <= 0)
		return;
	name[length] = '\0';
	name[strcspn(name, "\n")] = '\0';
	if (sethostname(name, strlen(name)) < 0)
		log_warning("cannot set the host name: %s", strerror(errno));
}

/* Reads the whole file at @path into memory that the caller frees. NULL and errno on an error. */
static char *read_file(const char *path, size_t *length)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = fd < 0 ? NULL : malloc(MAX_CONFIG_BYTES);
	ssize_t got = 1;

	*length = 0;
	while (text && got > 0 && *length < MAX_CONFIG_BYTES) {
		got = read(fd, text + *length, MAX_CONFIG_BYTES - *length);
		if (got > 0)
			*length += (size_t)got;
	}
	if (text && got != 0) {
		int error = got < 0 ? errno : EFBIG;

		free(text);
		text = NULL;
		errno = error;
	}
	if (fd >= 0)
		close(fd);
	return text;
}

struct unenforced {
	const char *key;
	char services[200];
};

static void log_unenforced(const struct unenforced *unenforced)
{
	if (unenforced->key)
		log_warning("%s: parsed, not enforced yet (in%s)", unenforced->key, unenforced->services);
}

static void on_unenforced(void *context, const char *key, const char *service)
{
	struct unenforced *unenforced = context;
	size_t length;

	if (unenforced->key != key) {
		log_unenforced(unenforced);
		*unenforced = (struct unenforced){ .key = key };
	}
	length = strlen(unenforced->services);
	snprintf(unenforced->services + length, sizeof(unenforced->services) - length, " %s", service);
}

/* Parses the file at @path and logs what is wrong in it. Returns the number of valid services, -1 without a file. */
static int load_config(const char *path)
{
	struct unenforced unenforced = { .key = NULL };
	size_t length;
	char *text = read_file(path, &length);
	int valid = text ? config_parse(&config, text, length) : -1;

	if (valid < 0) {
		log_error("%s: %s", path, strerror(errno));
		free(text);
		return -1;
	}
	for (unsigned i = 0; i < config.error_count && i < CONFIG_MAX_ERRORS; i++)
		log_error("%s:%u: %s", path, config.errors[i].line, config.errors[i].text);
	if (config.error_count > CONFIG_MAX_ERRORS)
		log_error("%s: and %u more errors", path, config.error_count - CONFIG_MAX_ERRORS);
	for (unsigned i = 0; i < config.service_count; i++) {
		if (!config.services[i].valid)
			log_error("%s:%u: service %s is not started", path, config.services[i].line,
				  config.services[i].name);
	}
	config_unenforced(&config, on_unenforced, &unenforced);
	log_unenforced(&unenforced);
	free(text);
	return valid;
}

/* Services in the order of the file, so that the indices of `after` hold. With a command there is nobody to log in. */
static struct service_table make_table(bool with_command)
{
	struct service_table table = { .list = services };

	for (unsigned i = 0; i < config.service_count; i++) {
		struct service *service = &services[table.count++];

		service_init(service, &config.services[i]);
		if (!config.services[i].valid)
			service_unstartable(service, false);
		else if (with_command && config.services[i].console)
			service_unstartable(service, true);
	}
	return table;
}

static struct service *add_service(struct service_table *table, const struct service_config *extra)
{
	struct service *service = &services[table->count++];

	service_init(service, extra);
	return service;
}

static enum shutdown_kind run_services(bool with_command)
{
	int valid = load_config(CONFIG_PATH);
	struct service_table table = make_table(with_command);
	struct service *agent = NULL;

	if (with_command) {
		agent = add_service(&table, &agent_config);
	} else if (valid <= 0) {
		log_error("no service to start: an emergency shell is on /dev/console; leave with poweroff or reboot");
		add_service(&table, &emergency_config);
	}
	return supervise(&table, agent);
}

static int boot(void)
{
	enum shutdown_kind shutdown;
	bool with_command;

	setsid();
	supervise_signals();            /* who sends one already is heard later */
	reboot(RB_DISABLE_CAD);         /* ctrl-alt-del sends SIGINT, where the kernel lets one choose */
	mounts_all();                   /* /dev, /proc, ... */
	log_open();                     /* on /dev/console */
	set_host_name();                /* from /etc/hostname */
	with_command = exists(COMMAND_PATH);
	if (exists(OVERLAY_PATH) && !overlay_unpack(OVERLAY_PATH) && with_command) {
		log_error("the command is not run, as its overlay is not complete");
		shutdown = SHUTDOWN_POWER_OFF;
	} else {
		shutdown = run_services(with_command);
	}
	shutdown_machine(shutdown);
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--check") == 0)
		return load_config(argv[2]) <= 0 || config.error_count > 0;
	if (getpid() != 1) {
		fprintf(stderr, "usage: manager --check FILE   (anything else is for process 1)\n");
		return 2;
	}
	return boot();
}
