/* SPDX-License-Identifier: MIT */
/* From a service's block to its process (spawn.h). */
#include "spawn.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MAX_GROUPS = 32, MAX_CPUS = 64 };

/* Never returns; the parent logs it. */
__attribute__((noreturn))
static void fail(int report_fd, bool no_console, const char *step, const char *what)
{
	struct spawn_failure failure = { .error = errno, .no_console = no_console };

	snprintf(failure.step, sizeof(failure.step), "%s %s", step, what);
	if (write(report_fd, &failure, sizeof(failure)) != sizeof(failure))
		log_error("%s: %s", failure.step, strerror(failure.error));
	_exit(127);
}

/* exec does both for handlers, but a signal may come before exec; the mask would be inherited. */
static void reset_signals(void)
{
	sigset_t none;

	for (int number = 1; number < SIGRTMIN; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Makes @fd standard input, output and error as far as @from says. */
static void make_standard(int fd, int from, int to)
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

static bool means_absent(int error)
{
	return error == ENOENT || error == ENXIO || error == ENODEV || error == EIO || error == ENOTTY;
}

static void open_console(const char *name, int report_fd)
{
	char path[CONFIG_MAX_NAME + 8];
	int fd;

	snprintf(path, sizeof(path), "/dev/%s", name);
	/* Without O_NONBLOCK the open of a serial line may wait for a carrier. */
	fd = open(path, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		fail(report_fd, means_absent(errno), "open", path);
	/* Asks the terminal for its settings: a serial line without hardware opens, but has none. */
	if (!isatty(fd))
		fail(report_fd, means_absent(errno), "use", path);
	fcntl(fd, F_SETFL, O_RDWR);
	if (ioctl(fd, TIOCSCTTY, 1) < 0)
		log_warning("%s cannot be a controlling terminal: %s", path, strerror(errno));
	make_standard(fd, STDIN_FILENO, STDERR_FILENO);
}

/* Without a terminal: no input; what it prints goes to the console log, as the manager's own standard output does. */
static void open_no_input(int report_fd)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		fail(report_fd, false, "open", "/dev/null");
	make_standard(fd, STDIN_FILENO, STDIN_FILENO);
}

/* Nice values up to 10 either way stay in the kernel's normal class (src/kernel/process/sched_calls.c). */
enum { NICE_OF_CLASS_HIGH = -15, NICE_OF_CLASS_LOW = 15, REAL_TIME_PRIORITY = 10 };

/* musl's sched_setscheduler() refuses, because POSIX means processes by it and the kernel threads. A service has one thread when it starts. */
static int set_policy(int policy, int priority)
{
	struct sched_param param = { .sched_priority = priority };

	return (int)syscall(SYS_sched_setscheduler, 0, policy, &param);
}

static int apply_class(enum service_class class)
{

	switch (class) {
	case CLASS_REAL_TIME:
		return set_policy(SCHED_RR, REAL_TIME_PRIORITY);
	case CLASS_HIGH:
		return setpriority(PRIO_PROCESS, 0, NICE_OF_CLASS_HIGH);
	case CLASS_LOW:
		return setpriority(PRIO_PROCESS, 0, NICE_OF_CLASS_LOW);
	case CLASS_IDLE:
		return set_policy(SCHED_IDLE, 0);
	case CLASS_NORMAL:
		break;
	}
	return 0;
}

/* Those of @mask that the calling process may really use, of which there may be none. */
static uint64_t use_cpus(uint64_t mask)
{
	uint64_t usable = 0;
	cpu_set_t set;

	CPU_ZERO(&set);
	for (int cpu = 0; cpu < MAX_CPUS; cpu++) {
		if (mask & 1ull << cpu)
			CPU_SET(cpu, &set);
	}
	if (sched_setaffinity(0, sizeof(set), &set) < 0 || sched_getaffinity(0, sizeof(set), &set) < 0)
		return 0;
	for (int cpu = 0; cpu < MAX_CPUS; cpu++) {
		if (CPU_ISSET(cpu, &set))
			usable |= 1ull << cpu;
	}
	return usable;
}

static void apply_cpus(const struct service_config *config, bool first)
{
	uint64_t usable = config->cpus ? use_cpus(config->cpus) : 0, missing = config->cpus & ~usable;
	char list[256] = "";
	size_t length = 0;

	for (int cpu = 0; cpu < MAX_CPUS; cpu++) {
		if (missing & 1ull << cpu)
			length += (size_t)snprintf(list + length, sizeof(list) - length, "%s%d", length ? "," : "", cpu);
	}
	if (missing && first)
		log_warning("%s: cpus %s: this machine runs no such CPU; %s", config->name, list,
			    usable ? "the others are used" : "the service may use all");
}

/* Scheduling is a wish: a service that cannot have it still runs, and the log says so. */
static void apply_scheduling(const struct service_config *config, bool first)
{
	if (apply_class(config->class) < 0 && first)
		log_warning("%s: class not applied: %s", config->name, strerror(errno));
	apply_cpus(config, first);
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

/* Returns the user's home directory. */
static const char *become_user(const char *name, int report_fd)
{
	FILE *file = fopen("/etc/passwd", "re");
	struct passwd *entry;
	gid_t groups[MAX_GROUPS];

	if (!file)
		fail(report_fd, false, "open", "/etc/passwd");
	do {
		errno = 0;
		entry = fgetpwent(file);
	} while (entry && strcmp(entry->pw_name, name) != 0);
	if (!entry) {
		errno = ENOENT;
		fail(report_fd, false, "find user", name);
	}
	/* This order: without uid 0 the others are refused. */
	if (setgroups((size_t)read_groups(name, entry->pw_gid, groups), groups) < 0 || setgid(entry->pw_gid) < 0 ||
	    setuid(entry->pw_uid) < 0)
		fail(report_fd, false, "become user", name);
	return entry->pw_dir;
}

__attribute__((noreturn))
static void child(const struct service_config *config, bool first, int report_fd)
{
	char home[128] = "HOME=/", user[48] = "USER=root", logname[48] = "LOGNAME=root";
	char *environment[] = { home, user, logname, "PATH=/sbin:/bin:/usr/sbin:/usr/bin", "TERM=linux", NULL };

	reset_signals();
	setsid();
	umask(022);
	if (chdir("/") < 0)
		fail(report_fd, false, "enter", "/");
	if (config->console)
		open_console(config->console, report_fd);
	else
		open_no_input(report_fd);
	apply_scheduling(config, first);
	if (config->user) {
		snprintf(home, sizeof(home), "HOME=%s", become_user(config->user, report_fd));
		snprintf(user, sizeof(user), "USER=%s", config->user);
		snprintf(logname, sizeof(logname), "LOGNAME=%s", config->user);
	}
	execve(config->argv[0], (char *const *)config->argv, environment);
	fail(report_fd, false, "execute", config->argv[0]);
}

pid_t spawn_service(const struct service_config *config, bool first, int *report_fd)
{
	int ends[2], error;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	pid = fork();
	if (pid == 0)
		child(config, first, ends[1]);
	error = errno;
	close(ends[1]);
	if (pid < 0)
		close(ends[0]);
	else
		*report_fd = ends[0];
	errno = error;
	return pid;
}

enum spawn_report spawn_read_report(int report_fd, struct spawn_failure *failure)
{
	ssize_t got = read(report_fd, failure, sizeof(*failure));

	if (got == (ssize_t)sizeof(*failure))
		return SPAWN_FAILED;
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return SPAWN_PENDING;
	return SPAWN_EXECUTED;
}
