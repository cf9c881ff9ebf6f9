/* SPDX-License-Identifier: MIT */
/*
 * /sbin/manager, process 1: mounts, brings in an overlay, starts the services of /etc/services.conf and keeps them
 * running until it is told to shut down (README.md). When it is killed the kernel starts it again in the same process, with INIT_RESTARTED set.
 *
 * "manager --check FILE" only parses a services.conf and prints what is wrong in it.
 */
#include "adopt.h"
#include "lib/log.h"
#include "storage.h"
#include "lib/boot_files.h"
#include "lib/boot_mounts.h"
#include "lib/console_switch.h"
#include "lib/file.h"
#include "lib/shutdown.h"
#include "supervise.h"
#include "table.h"
#include "lib/run_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <unistd.h>

#define CONFIG_PATH "/etc/services.conf"

enum { MAX_CONFIG_BYTES = 1 << 20 };

/* Runs the command of `ci/vm -- COMMAND`, sends back what it prints, and powers off. */
static const struct service_config agent_config = {
	.name = "vm-agent", .valid = true, .caps = CONFIG_CAPS_ALL, .open_any_port = true, .argv = { "/sbin/vm-agent", COMMAND_PATH, "/dev/ttyS1" },
	.class = CLASS_NORMAL, .restart = { .policy = RESTART_NEVER },
};

/* What is left when no service can be started. */
static const struct service_config emergency_config = {
	.name = "emergency-shell", .valid = true, .argv = { "/bin/sh" }, .console = "console", .class = CLASS_NORMAL,
	.caps = CONFIG_CAPS_ALL, .open_any_port = true,
	.restart = { .policy = RESTART_ALWAYS, .backoff_min_ns = 100000000, .backoff_max_ns = 5000000000 },
};

static struct config config;

/* One more than the file may have, for the agent or the emergency shell. */
static struct service services[CONFIG_MAX_SERVICES + 1];

static int check_config(const char *path)
{
	size_t length;
	char *text = file_read(path, MAX_CONFIG_BYTES, &length);
	int valid = text ? config_parse(&config, text, length) : -1;

	if (valid < 0)
		log_error("%s: %s", path, strerror(errno));
	else
		boot_config_log(&config, path);
	return valid <= 0 || config.error_count > 0;
}

/* Services in the order of the file, so that the indices of `after` hold, then the one that the boot adds. With a command there is nobody to log in. */
static struct service_table make_table(const struct region_shape *boot)
{
	struct service_table table = { .list = services };
	char disk[BOOT_DISK_NAME];

	for (unsigned i = 0; i < config.service_count; i++) {
		struct service *service = &services[table.count++];

		service_init(service, &config.services[i]);
		if (!config.services[i].valid)
			service_unstartable(service, false, now_ns());
		else if (config.services[i].when_shown || (boot->flags & TABLE_WITH_COMMAND && config.services[i].console))
			service_unstartable(service, true, now_ns());
	}
	root_disk(disk);
	service_choose_root(&table, disk, now_ns());
	if (boot->flags & (TABLE_WITH_COMMAND | TABLE_EMERGENCY))
		service_init(&services[table.count++], boot->flags & TABLE_WITH_COMMAND ? &agent_config : &emergency_config);
	return table;
}

/* Whoever serves the root file system is of no use alone. */
static bool nothing_to_start(const struct service_table *table)
{
	for (unsigned i = 0; i < table->count; i++) {
		if (!(table->list[i].marks & SERVICE_FOR_ROOT) && !service_at_rest(&table->list[i]))
			return false;
	}
	return true;
}

/* A new boot: reads services.conf and makes what outlives the manager. */
static struct service_table begin(void)
{
	struct region_shape boot = { .flags = access(COMMAND_PATH, F_OK) == 0 ? TABLE_WITH_COMMAND : 0 };
	struct service_table table;
	size_t length;

	boot.text = boot_config_read(&config, CONFIG_PATH, &length);
	boot.length = (uint32_t)length;
	if (!boot.text || config_parse(&config, boot.text, boot.length) < 0)
		log_error("%s: %s", CONFIG_PATH, strerror(errno));
	else
		boot_config_log(&config, CONFIG_PATH);
	table = make_table(&boot);
	if (nothing_to_start(&table)) {
		log_error("no service to start: an emergency shell is on /dev/console; leave with poweroff or reboot");
		boot.flags |= TABLE_EMERGENCY;
		table = make_table(&boot);
	}
	boot.count = table.count;
	if (table_make(&boot) < 0) {
		log_error("no memory for the table of services: %s", strerror(errno));
		shutdown_machine(SHUTDOWN_HALT);
	}
	free((char *)boot.text);
	storage_pin(&table);
	return table;
}

static enum shutdown_kind run(struct service_table *table)
{
	bool with_command = services[table->count - 1].config == &agent_config;

	log_keep(table_ring(table->count));
	return supervise(table, with_command ? &services[table->count - 1] : NULL);
}

/* What is done once a boot. */
static void prepare(void)
{
	setsid();
	reboot(RB_DISABLE_CAD);         /* ctrl-alt-del sends SIGINT, where the kernel lets one choose */
	mounts_all();                   /* /dev, /proc, ... */
	log_open();                     /* on /dev/console */
	boot_set_host_name();           /* from /etc/hostname */
}

/* After the manager was killed: goes on with the services of the one before. */
static struct service_table go_on(void)
{
	struct service_table table;
	struct region_shape boot;
	const char *wrong = table_find(&boot);

	if (!wrong && config_parse(&config, boot.text, boot.length) < 0)
		wrong = "no memory";
	if (!wrong) {
		table = make_table(&boot);
		wrong = table.count == boot.count ? NULL : "it has other services";
	}
	if (wrong && !mounts_has("root", "/"))
		shutdown_at_once(wrong);
	if (wrong) {
		log_error("restarted in place, and the table of services is of no use: %s; everything starts anew", wrong);
		adopt_nothing();
		return begin();
	}
	log_keep(table_ring(table.count));
	adopt_services(&table);
	return table;
}

static int boot(void)
{
	struct service_table table;

	shutdown_signals();             /* who sends one already is heard later */
	console_switch_watch();
	setpriority(PRIO_PROCESS, 0, -15);      /* who has died is not to wait behind who runs */
	if (getenv("INIT_RESTARTED")) {
		table = go_on();
		log_open();
	} else {
		prepare();
		table = begin();
	}
	shutdown_machine(run(&table));
}

static int usage(FILE *to)
{
	fputs("usage: manager --check FILE   (anything else is for process 1)\n", to);
	return to == stdout ? 0 : 2;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--check") == 0)
		return check_config(argv[2]);
	if (argc == 2 && strcmp(argv[1], "--help") == 0)
		return usage(stdout);
	if (getpid() != 1)
		return usage(stderr);
	return boot();
}
