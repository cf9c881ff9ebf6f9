/* SPDX-License-Identifier: MIT */
/* Entering a profile: what the calling process has is narrowed step by step, capabilities last. */
#include "profile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <raeen/view.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CALL_PORT_RESTRICT = 1036, CALL_VIEW_ENTER = 1050 };	/* src/kernel/abi/syscalls.def */

/* What every program finds, whatever its views. */
static const char *const devices[] = { "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty" };
enum { DEVICES = sizeof(devices) / sizeof(devices[0]) };

_Static_assert(PROFILE_VIEWS_MAX + DEVICES <= VIEW_PARTS_MAX, "a call takes them all");

/* A directory that is open leads out of every view. */
static bool close_directory(int fd, struct profile_message *message)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISDIR(st.st_mode))
		return true;
	close(fd);
	if (fd > STDERR_FILENO || open("/dev/null", O_RDWR) == fd)
		return true;
	return profile_complain(message, "/dev/null: %s", strerror(errno));
}

static bool close_directories(struct profile_message *message)
{
	struct rlimit limit;
	int last = STDERR_FILENO;
	DIR *list = opendir("/proc/self/fd");
	struct dirent *entry;

	if (list) {
		while ((entry = readdir(list)))
			if (atoi(entry->d_name) > last)
				last = atoi(entry->d_name);
		closedir(list);
	} else if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		last = limit.rlim_max > INT32_MAX ? INT32_MAX - 1 : (int)limit.rlim_max;
	}
	for (int fd = 0; fd <= last; fd++)
		if (!close_directory(fd, message))
			return false;
	return true;
}

/* Does a view bring the whole of /dev? */
static bool has_devices(const struct profile *profile)
{
	for (unsigned i = 0; i < profile->view_count; i++)
		if (strcmp(profile->views[i].target, "/") == 0 || strcmp(profile->views[i].target, "/dev") == 0)
			return true;
	return false;
}

static struct view_part part(const char *source, const char *target, bool read_only)
{
	return (struct view_part){ .source = (uintptr_t)source, .target = (uintptr_t)target, .flags = read_only ? VIEW_READ_ONLY : 0 };
}

static bool enter_view(const struct profile *profile, struct profile_message *message)
{
	struct view_part parts[VIEW_PARTS_MAX];
	unsigned count = 0;
	struct stat st;

	for (unsigned i = 0; i < profile->view_count; i++) {
		const struct profile_view *view = &profile->views[i];

		if (stat(view->source, &st) != 0)
			return profile_complain(message, "the view of %s: %s", view->source, strerror(errno));
		parts[count++] = part(view->source, view->target, view->read_only);
	}
	/* Read-only, so that nobody changes their permissions; they can be written to all the same. */
	for (unsigned i = 0; i < DEVICES && !has_devices(profile); i++)
		if (stat(devices[i], &st) == 0)
			parts[count++] = part(devices[i], devices[i], true);
	if (syscall(CALL_VIEW_ENTER, parts, (size_t)count, 0u) == 0)
		return true;
	return errno == ENOSYS ? profile_complain(message, "this kernel has no views") :
				 profile_complain(message, "cannot make the view: %s", strerror(errno));
}

/* The view, with the working directory at the same place in it, or at its root. */
static bool restrict_views(const struct profile *profile, struct profile_message *message)
{
	char *folder = getcwd(NULL, 0);
	bool done = close_directories(message) && enter_view(profile, message);

	if (done && (!folder || chdir(folder) != 0))
		done = chdir("/") == 0 || profile_complain(message, "/: %s", strerror(errno));
	free(folder);
	return done;
}

/* Never above what is allowed already. @grace is between the two limits, so that a program can hear of the first. */
static bool limit(int resource, uint64_t value, uint64_t grace, const char *what, struct profile_message *message)
{
	struct rlimit old, fresh;

	if (!value)
		return true;
	if (getrlimit(resource, &old) == 0) {
		fresh.rlim_max = old.rlim_max < value + grace ? old.rlim_max : value + grace;
		fresh.rlim_cur = old.rlim_cur < value ? old.rlim_cur : value;
		if (fresh.rlim_cur > fresh.rlim_max)
			fresh.rlim_cur = fresh.rlim_max;
		if (setrlimit(resource, &fresh) == 0)
			return true;
	}
	return profile_complain(message, "the limit of %s: %s", what, strerror(errno));
}

static bool restrict_ports(const struct profile *profile, struct profile_message *message)
{
	if (syscall(CALL_PORT_RESTRICT, profile->ports, profile->ports_size) == 0)
		return true;
	return profile_complain(message, "cannot restrict ports: %s", strerror(errno));
}

bool profile_enter(const struct profile *profile, struct profile_message *message)
{
	/* Who is in a view, or has less than others, must not have set-id programs work in it for them. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return profile_complain(message, "cannot give up new privileges: %s", strerror(errno));
	if (profile->restricts_views && !restrict_views(profile, message))
		return false;
	if (profile->restricts_ports && !restrict_ports(profile, message))
		return false;
	if (!limit(RLIMIT_NOFILE, profile->files, 0, "files", message) || !limit(RLIMIT_CPU, profile->cpu_seconds, 1, "CPU time", message) ||
	    !limit(RLIMIT_AS, profile->memory, 0, "memory", message))
		return false;
	if (profile_drop_capabilities(profile) != 0)
		return profile_complain(message, "cannot give up capabilities: %s", strerror(errno));
	return true;
}
