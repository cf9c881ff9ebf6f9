/* SPDX-License-Identifier: MIT */
/* Taking over from the manager before (adopt.h). */
#include "adopt.h"
#include "lib/log.h"
#include "spawn.h"
#include "table.h"
#include "lib/run_state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FORK_PATIENCE_MS = 1000, DESCRIPTORS = sizeof(struct service_fds) / sizeof(int32_t) };

static void check_descriptors(struct service *service)
{
	int32_t *fds = (int32_t *)&service->fds;

	for (unsigned i = 0; i < DESCRIPTORS; i++) {
		if (fds[i] >= 0 && fcntl(fds[i], F_GETFD) < 0)
			fds[i] = -1;
	}
}

static void drop(int32_t *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* The manager was killed on its way through fork(): the child, if there is one, has said its number. */
static void finish_fork(struct service *service)
{
	struct pollfd polled = { .fd = service->fds.report, .events = POLLIN };
	struct spawn_word word = { .pid = 0 };
	enum spawn_report report = SPAWN_EXECUTED;

	drop(&service->fds.report_write);
	if (service->fds.report >= 0 && poll(&polled, 1, FORK_PATIENCE_MS) > 0)
		report = spawn_read_report(service->fds.report, &word);
	if (word.pid > 0)
		service_forked(service, word.pid, now_ns());
	else
		service->state = SERVICE_WAITING;
	if (report == SPAWN_PENDING && word.pid > 0)
		return;
	drop(&service->fds.report);
	if (word.pid > 0 && report == SPAWN_EXECUTED)
		service_executed(service, now_ns());
}

static bool is_my_child(pid_t pid)
{
	siginfo_t info;

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WSTOPPED | WNOHANG | WNOWAIT) == 0;
}

static bool is_known(const struct service_table *table, int fd)
{
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

static void close_unknown(const struct service_table *table)
{
	DIR *folder = opendir("/proc/self/fd");
	struct dirent *entry;

	while (folder && (entry = readdir(folder))) {
		int fd = atoi(entry->d_name);

		if (entry->d_name[0] != '.' && fd != dirfd(folder) && !is_known(table, fd))
			close(fd);
	}
	if (folder)
		closedir(folder);
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
		if (service->state == SERVICE_STARTING && service->pid == 0)
			finish_fork(service);
		if (service->pid > 0 && !is_my_child(service->pid)) {
			log_warning("%s ended while there was no manager", service->config->name);
			service_ended(service, -1, now_ns());
		}
		running += service->pid > 0;
	}
	close_unknown(table);
	region_set(TABLE_RESTARTS, region_get(TABLE_RESTARTS) + 1);
	log_warning("restarted in place, restart %d: %u services run on", (int)region_get(TABLE_RESTARTS), running);
}

void adopt_nothing(void)
{
	kill(-1, SIGKILL);
	while (wait(NULL) > 0 || errno == EINTR)
		;
	close_unknown(&(struct service_table){ .count = 0 });
}
