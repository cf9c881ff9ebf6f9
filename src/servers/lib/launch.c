/* SPDX-License-Identifier: MIT */
/* What a launcher gives a program (launch.h). */
#include "launch.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

enum { MAX_GROUPS = 32 };

/* Nice values up to 10 either way stay in the kernel's normal class (src/kernel/process/sched_calls.c). */
enum { NICE_OF_CLASS_HIGH = -15, NICE_OF_CLASS_LOW = 15, REAL_TIME_PRIORITY = 10 };

/* musl's sched_setscheduler() refuses, because POSIX means processes by it and the kernel threads. A service has one thread when it starts. */
static int set_policy(int policy, int priority)
{
	struct sched_param param = { .sched_priority = priority };

	return (int)syscall(SYS_sched_setscheduler, 0, policy, &param);
}

void launch_reset_signals(void)
{
	sigset_t none;

	for (int number = 1; number < SIGRTMIN; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

void launch_make_standard(int fd, int from, int to)
{
	for (int target = from; target <= to; target++) {
		if (fd != target)
			dup2(fd, target);
	}
	if (fd > STDERR_FILENO)
		close(fd);
	else
		fcntl(fd, F_SETFD, 0);
}

const char *launch_open_console(const char *path)
{
	/* Without O_NONBLOCK the open of a serial line may wait for a carrier. */
	int fd = open(path, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return "open";
	/* Asks the terminal for its settings: a serial line without hardware opens, but has none. */
	if (!isatty(fd))
		return "use";
	fcntl(fd, F_SETFL, O_RDWR);
	if (ioctl(fd, TIOCSCTTY, 1) < 0)
		log_warning("%s cannot be a controlling terminal: %s", path, strerror(errno));
	launch_make_standard(fd, STDIN_FILENO, STDERR_FILENO);
	return NULL;
}

const char *launch_open_no_input(int output)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return "open /dev/null";
	launch_make_standard(fd, STDIN_FILENO, STDIN_FILENO);
	if (output >= 0 && (dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0))
		return "use the pipe of its log";
	return NULL;
}

void launch_add_number(char **environment, char text[LAUNCH_NUMBER_TEXT], const char *name, long number)
{
	while (*environment)
		environment++;
	snprintf(text, LAUNCH_NUMBER_TEXT, "%s=%ld", name, number);
	*environment = text;
}

int launch_use_class(enum service_class class)
{
	int nice = class == CLASS_HIGH ? NICE_OF_CLASS_HIGH : class == CLASS_LOW ? NICE_OF_CLASS_LOW : 0;

	if (setpriority(PRIO_PROCESS, 0, nice) < 0)
		return -1;
	if (class == CLASS_REAL_TIME)
		return set_policy(SCHED_RR, REAL_TIME_PRIORITY);
	return class == CLASS_IDLE ? set_policy(SCHED_IDLE, 0) : 0;
}

uint64_t launch_use_cpus(uint64_t mask)
{
	uint64_t usable = 0;
	cpu_set_t set;

	CPU_ZERO(&set);
	for (int cpu = 0; cpu < LAUNCH_CPUS; cpu++) {
		if (mask & 1ull << cpu)
			CPU_SET(cpu, &set);
	}
	if (sched_setaffinity(0, sizeof(set), &set) < 0 || sched_getaffinity(0, sizeof(set), &set) < 0)
		return 0;
	for (int cpu = 0; cpu < LAUNCH_CPUS; cpu++) {
		if (CPU_ISSET(cpu, &set))
			usable |= 1ull << cpu;
	}
	return usable;
}

const char *launch_list_cpus(uint64_t mask, char text[LAUNCH_CPUS_TEXT])
{
	size_t length = 0;

	*text = '\0';
	for (int cpu = 0; cpu < LAUNCH_CPUS; cpu++) {
		if (mask & 1ull << cpu)
			length += (size_t)snprintf(text + length, LAUNCH_CPUS_TEXT - length, "%s%d", length ? "," : "", cpu);
	}
	return text;
}

/* The groups of /etc/group that list @name. Plain file reads: no name-service daemon is asked this early. */
static int read_groups(const char *name, gid_t primary, gid_t groups[MAX_GROUPS])
{
	FILE *file = fopen("/etc/group", "re");
	int count = 0;
	struct group *entry;

	groups[count++] = primary;
	while (file && count < MAX_GROUPS && (entry = fgetgrent(file))) {
		for (char **member = entry->gr_mem; *member; member++) {
			if (strcmp(*member, name) == 0 && entry->gr_gid != primary) {
				groups[count++] = entry->gr_gid;
				break;
			}
		}
	}
	if (file)
		fclose(file);
	return count;
}

const char *launch_become_user(const char *name)
{
	FILE *file = fopen("/etc/passwd", "re");
	struct passwd *entry;
	gid_t groups[MAX_GROUPS];

	if (!file)
		return NULL;
	do {
		errno = 0;
		entry = fgetpwent(file);
	} while (entry && strcmp(entry->pw_name, name) != 0);
	if (!entry) {
		errno = errno ? errno : ENOENT;
		return NULL;
	}
	/* This order: without uid 0 the others are refused. */
	if (setgroups((size_t)read_groups(name, entry->pw_gid, groups), groups) < 0 || setgid(entry->pw_gid) < 0 ||
	    setuid(entry->pw_uid) < 0)
		return NULL;
	return entry->pw_dir;
}
