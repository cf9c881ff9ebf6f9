/* SPDX-License-Identifier: MIT */
/* Mounting what services serve (storage.h). */
#include "storage.h"
#include "supervise.h"
#include "lib/boot_mounts.h"
#include "lib/boot_files.h"
#include "lib/crash_report.h"
#include "lib/file.h"
#include "lib/launch.h"
#include "lib/log.h"
#include "lib/pin.h"
#include "lib/services_conf/values.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const uint64_t mount_patience_ns = 20 * NS_PER_S, fill_patience_ns = 600 * NS_PER_S;

/* Exits with what @work returns. The child's signals are as they were before the manager had its own. 0: there is none. */
static pid_t run_child(int (*work)(struct service_table *table, const struct service *service), struct service_table *table, const struct service *service)
{
	pid_t pid = fork();

	if (pid == 0) {
		log_keep(NULL);
		launch_reset_signals();
		_exit(work(table, service));
	}
	if (pid < 0)
		log_error("%s: cannot fork: %s", service->config->name, strerror(errno));
	return pid > 0 ? pid : 0;
}

static int mount_it(struct service_table *table, const struct service *service)
{
	const struct service_config *config = service->config;
	const char *wrong = mounts_mount(config->ports[0].name, config->mount.directory, config->mount.type, config->mount.options);

	(void)table;
	if (wrong)
		log_error("%s: %s: cannot %s: %s", config->name, config->mount.directory, wrong, strerror(errno));
	return wrong != NULL;
}

/* The overlay, what a panic has left, and then the programs that must start without a file system. */
static int fill(struct service_table *table, const struct service *root)
{
	bool whole = !root || overlay_bring_in(NULL, 0);
	int svc = pin_make("/sbin/svc");

	crash_report_keep();
	for (unsigned i = 0; i < table->count; i++) {
		const struct service *service = &table->list[i];

		if (service->config->pinned && service->fds.program >= 0)
			boot_pin(service->config->name, service->fds.program, service->config->argv[0]);
	}
	/* Its path keeps it. */
	boot_pin("svc", svc, "/sbin/svc");
	close(svc);
	if (root && !root->mounted)
		mounts_clean_up();
	return !whole;
}

/* What could not be pinned is executed by its path. */
static void drop_unfilled(struct service_table *table)
{
	for (unsigned i = 0; i < table->count; i++) {
		if (table->list[i].fds.program >= 0 && !pin_is_filled(table->list[i].fds.program))
			fd_drop(&table->list[i].fds.program);
	}
}

void storage_pin(struct service_table *table)
{
	for (unsigned i = 0; i < table->count; i++) {
		struct service *service = &table->list[i];

		if (!service->config->pinned || service->state == SERVICE_FAILED)
			continue;
		service->fds.program = pin_make(service->config->argv[0]);
		if (service->marks & SERVICE_FOR_ROOT && service->fds.program >= 0)
			pin_fill(service->fds.program, service->config->argv[0]);
	}
	if (!table->root) {
		fill(table, NULL);
		drop_unfilled(table);
	}
}

static void over(struct service_table *table, struct service *service)
{
	service->mounter = 0;
	service->mount_state = MOUNT_OVER;
	if (service == table->root)
		drop_unfilled(table);
}

/* The root's next step, or the end of another mount. */
static void go_on(struct service_table *table, struct service *service, uint64_t time)
{
	service->mounter = 0;
	if (service == table->root) {
		service->mount_state = MOUNT_FILLS;
		service->mount_due_ns = time + fill_patience_ns;
		service->mounter = run_child(fill, table, service);
	}
	if (service->mounter == 0)
		over(table, service);
}

/* Its service ends, so that nobody waits for it. */
static void fail(struct service_table *table, struct service *service, uint64_t time)
{
	log_error("%s does not serve %s%s", service->config->name, service->config->mount.directory,
		  service == table->root ? ": the system goes on with the root file system of the boot; WHAT IS WRITTEN TO IT IS IN MEMORY ONLY" : "");
	supervise_end(service);
	go_on(table, service, time);
}

void storage_look(struct service_table *table, struct service *service, uint64_t time)
{
	if (!service->config->mount.directory || service->mount_state == MOUNT_OVER)
		return;
	if ((service->mount_state == MOUNT_UNDER_WAY || service->mount_state == MOUNT_FILLS) && time >= service->mount_due_ns) {
		log_error("%s: %s takes too long", service->config->name, service->mount_state == MOUNT_FILLS ? "bringing in the overlay" : "mounting");
		if (service->mounter > 0)
			kill(service->mounter, SIGKILL);
		storage_ended(table, service, 1, time);
	} else if (service->mount_state == MOUNT_WAITS && service->ready) {
		service->mount_state = MOUNT_UNDER_WAY;
		service->mount_due_ns = time + mount_patience_ns;
		service->mounter = run_child(mount_it, table, service);
		if (service->mounter == 0)
			fail(table, service, time);
	} else if (service->mount_state == MOUNT_WAITS && (service_at_rest(service) || (service->mount_due_ns && time >= service->mount_due_ns))) {
		fail(table, service, time);
	}
}

void storage_ended(struct service_table *table, struct service *service, int status, uint64_t time)
{
	/* It may have been killed when it was done. */
	if (service->mount_state == MOUNT_UNDER_WAY && (status == 0 || mounts_has(service->config->ports[0].name, service->config->mount.directory))) {
		service_mounted(table, service);
		log_info("%s serves %s", service->config->name, service->config->mount.directory);
		go_on(table, service, time);
	} else if (service->mount_state == MOUNT_UNDER_WAY) {
		fail(table, service, time);
	} else {
		service->mount_due_ns = UINT64_MAX;
		if (status == 0 || !overlay_incomplete())
			over(table, service);
		else
			kill(getpid(), SIGUSR2);
	}
}
