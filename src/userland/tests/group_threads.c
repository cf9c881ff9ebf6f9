/* SPDX-License-Identifier: MIT */
/* What the threads of a group of processes do, as /proc shows it; see group_threads.h. */
#include "group_threads.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINES_MAX = 200 };

/* Reads the file @path as text; false when there is none. */
static bool read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, text, size - 1);

	if (fd >= 0)
		close(fd);
	if (length < 0)
		return false;
	text[length] = 0;
	text[strcspn(text, "\n")] = 0;
	return true;
}

/* The fields of proc(5)'s stat that are of use here. */
struct thread_stat {
	char name[64], state;
	int parent, group, cpu;
	unsigned long user, system;
};

static bool read_stat(const char *path, struct thread_stat *stat)
{
	char text[1024], *end;
	int skipped = 0;

	if (!read_text(path, text, sizeof text) || !(end = strrchr(text, ')')) || !strchr(text, '('))
		return false;
	*end = 0;
	snprintf(stat->name, sizeof stat->name, "%s", strchr(text, '(') + 1);
	stat->cpu = -1;
	if (sscanf(end + 2, "%c %d %d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu%n", &stat->state, &stat->parent, &stat->group, &stat->user,
		   &stat->system, &skipped) < 5)
		return false;
	/* The processor is field 39; the last one read is 15. */
	for (end += 2 + skipped, skipped = 15; *end && skipped < 39; end++)
		skipped += *end == ' ';
	sscanf(end, "%d", &stat->cpu);
	return true;
}

static void print_thread(const char *process, const char *thread)
{
	struct thread_stat stat;
	char path[600], where[128] = "", call[256] = "";

	snprintf(path, sizeof path, "/proc/%.20s/task/%.20s/stat", process, thread);
	if (!read_stat(path, &stat))
		return;
	snprintf(path, sizeof path, "/proc/%.20s/task/%.20s/wchan", process, thread);
	read_text(path, where, sizeof where);
	snprintf(path, sizeof path, "/proc/%.20s/task/%.20s/syscall", process, thread);
	read_text(path, call, sizeof call);
	printf("  process %s thread %s (%s): state %c, CPU %d, %lu user and %lu system ticks%s%s%s%s\n", process, thread, stat.name, stat.state,
	       stat.cpu, stat.user, stat.system, *where ? ", in " : "", where, *call ? ", call " : "", call);
}

/* Calls @each(name) for each entry of the folder @path that is a number. */
static int for_each_number(const char *path, const char *process, void (*each)(const char *process, const char *name), int left)
{
	DIR *folder = opendir(path);
	struct dirent *entry;

	while (folder && left > 0 && (entry = readdir(folder)))
		if (isdigit((unsigned char)entry->d_name[0])) {
			each(process, entry->d_name);
			left--;
		}
	if (folder)
		closedir(folder);
	return left;
}

void group_threads_print(pid_t group)
{
	DIR *folder = opendir("/proc");
	struct dirent *entry;
	struct thread_stat stat;
	char path[600];
	int left = LINES_MAX;

	while (folder && left > 0 && (entry = readdir(folder))) {
		snprintf(path, sizeof path, "/proc/%.20s/stat", entry->d_name);
		if (!isdigit((unsigned char)entry->d_name[0]) || !read_stat(path, &stat) || stat.group != group)
			continue;
		snprintf(path, sizeof path, "/proc/%.20s/task", entry->d_name);
		if (stat.state == 'Z')
			left -= printf("  process %s (%s): state Z, child of %d\n", entry->d_name, stat.name, stat.parent) > 0;
		else
			left = for_each_number(path, entry->d_name, print_thread, left);
	}
	if (folder)
		closedir(folder);
	fflush(stdout);
}
