/* SPDX-License-Identifier: MIT */
/* Ending what is left of a session (session.h). */
#include "session.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * True when process @name is alive and belongs to the session or the group of @leader. Asks for nothing that could wait for the process's memory, which
 * may lie in files that this system's services have to give: so not for its `stat` in /proc. One that has ended and was not reaped runs no program.
 */
static bool is_member(const char *name, pid_t pid, pid_t leader)
{
	char path[40], program[8];

	if (getsid(pid) != leader && getpgid(pid) != leader)
		return false;
	snprintf(path, sizeof(path), "/proc/%.20s/exe", name);
	return readlink(path, program, sizeof(program)) > 0;
}

static bool is_kept(pid_t pid, const pid_t *kept, unsigned count)
{
	pid_t session = getsid(pid);

	for (unsigned i = 0; i < count; i++) {
		if (session == kept[i])
			return true;
	}
	return pid <= 1 || pid == getpid() || session < 0;
}

unsigned session_signal_others(const pid_t *kept, unsigned count, int number)
{
	DIR *folder = opendir("/proc");
	struct dirent *entry;
	unsigned others = 0;

	while (folder && (entry = readdir(folder))) {
		pid_t pid = (pid_t)atoi(entry->d_name);

		if (!is_kept(pid, kept, count) && kill(pid, number) == 0)
			others++;
	}
	if (folder)
		closedir(folder);
	return others;
}

bool session_end(pid_t leader, bool thorough)
{
	bool found = false;
	struct dirent *entry;
	DIR *folder;

	if (leader <= 1 || (kill(-leader, SIGKILL) < 0 && !thorough))
		return false;
	folder = opendir("/proc");
	while (folder && (entry = readdir(folder))) {
		pid_t pid = (pid_t)atoi(entry->d_name);

		if (pid <= 1 || !is_member(entry->d_name, pid, leader))
			continue;
		kill(pid, SIGKILL);
		found = true;
	}
	if (folder)
		closedir(folder);
	return found;
}

void session_signal(pid_t leader, int number)
{
	if (kill(-leader, number) < 0)
		kill(leader, number);
}
