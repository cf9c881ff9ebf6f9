/* SPDX-License-Identifier: MIT */
/* Taking over from the manager before (adopt.h). */
#include "adopt.h"
#include "lib/file.h"
#include "lib/log.h"
#include "table.h"
#include "lib/run_state.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DESCRIPTORS = sizeof(struct service_fds) / sizeof(int32_t) };

static void check_descriptors(struct service *service)
{
	int32_t *fds = (int32_t *)&service->fds;

	for (unsigned i = 0; i < DESCRIPTORS; i++) {
		if (fds[i] >= 0 && fcntl(fds[i], F_GETFD) < 0)
			fds[i] = -1;
	}
}

static bool is_known(const void *argument, int fd)
{
	const struct service_table *table = argument;

	if (fd <= STDERR_FILENO || (table->count > 0 && (fd == TABLE_FD || fd == table_control_port())))
		return true;
	for (unsigned i = 0; i < table->count; i++) {
		const int32_t *fds = (const int32_t *)&table->list[i].fds;

		for (unsigned k = 0; k < DESCRIPTORS; k++) {
			if (fds[k] == fd)
				return true;
		}
	}
	return false;
}

void adopt_services(struct service_table *table)
{
	unsigned running = 0;

	for (unsigned i = 0; i < table->count; i++) {
		struct service *service = &table->list[i];

		if (!table_load(i, service)) {
			log_error("%s: its state is lost; it begins anew", service->config->name);
			continue;
		}
		check_descriptors(service);
		/* Was it forked? The child says so by its report, or nobody has that any more; the event loop reads it (find_process). */
		fd_drop(&service->fds.report_write);
		if (service_is_unknown(service) && service->fds.report < 0)
			service->state = SERVICE_WAITING;
		/* What the manager before held of them ends. */
		for (unsigned p = 0; p < CONFIG_MAX_PORTS; p++)
			fd_drop(&service->fds.refused[p]);
		if (service->pid > 0 && !process_is_child(service->pid)) {
			log_warning("%s ended while there was no manager", service->config->name);
			service_ended(service, -1, now_ns());
		}
		/* It has ended, with what result is to be seen. */
		if (service->mounter > 0 && !process_is_child(service->mounter))
			service->mount_due_ns = 0;
		if (service->copier == 0 || !process_is_child(service->copier)) {
			service->copier = 0;
			fd_drop(&service->fds.program_next);
		}
		running += service->pid > 0;
	}
	fd_close_others(is_known, table);
	region_set(TABLE_RESTARTS, region_get(TABLE_RESTARTS) + 1);
	log_warning("restarted in place, restart %d: %u services run on", (int)region_get(TABLE_RESTARTS), running);
}

void adopt_nothing(void)
{
	kill(-1, SIGKILL);
	while (wait(NULL) > 0 || errno == EINTR)
		;
	fd_close_others(is_known, &(struct service_table){ .count = 0 });
}
