/* SPDX-License-Identifier: MIT */
/* What the programs about System V IPC share. For one program each: the functions are static. */
#ifndef SYSV_KIT_H
#define SYSV_KIT_H

#include "check.h"
#include "leak.h"

#include <grp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000, USER = 1007, OTHER = 1008, GROUP = 1009, KEY = 0x5a5a0000 };

/* Linux lets users have as much as there is. */
static inline bool has_shares(void)
{
	return !check_on_linux();
}

static inline void become(int uid, int gid)
{
	CHECK_EQ(setgroups(0, NULL), 0);
	CHECK_EQ(setresgid(gid, gid, gid), 0);
	CHECK_EQ(setresuid(uid, uid, uid), 0);
}

/* Whether @holds(@argument) before long. */
static inline bool comes_true(bool (*holds)(int argument), int argument)
{
	long end = check_now() + PATIENCE_MS;

	while (!holds(argument) && check_now() < end)
		check_sleep(1);
	return holds(argument);
}

/* Whether the file @path has a line that begins with @start. */
static inline bool has_line(const char *path, const char *start)
{
	FILE *file = fopen(path, "r");
	char line[512];
	bool found = false;

	while (file && !found && fgets(line, sizeof line, file))
		found = !strncmp(line, start, strlen(start));
	if (file)
		fclose(file);
	return found;
}

static inline void kill_and_wait(pid_t pid)
{
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(check_wait(pid), CHECK_KILLED + SIGKILL);
}

static inline void ignore_signal(int number)
{
	(void)number;
}

static inline void catch_signal(int flags)
{
	struct sigaction action = { .sa_handler = ignore_signal, .sa_flags = flags };

	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
}

#endif
