/* SPDX-License-Identifier: MIT */
/* Ending what is left of a session (session.h). */
#include "session.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* True when process @name is alive and belongs to the session or the group of @leader. */
static bool is_member(const char *name, pid_t leader)
{
	char path[40], text[512], *end, state;
	int fd, group, session;
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	text[length > 0 ? length : 0] = '\0';
	/* Its name, before that, may have any characters. */
	end = strrchr(text, ')');
	if (!end || sscanf(end, ") %c %*d %d %d", &state, &group, &session) != 3)
		return false;
	return (group == leader || session == leader) && state != 'Z' && state != 'X';
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

		if (pid <= 1 || !is_member(entry->d_name, leader))
			continue;
		kill(pid, SIGKILL);
		found = true;
	}
	if (folder)
		closedir(folder);
	return found;
}
