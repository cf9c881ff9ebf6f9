/* SPDX-License-Identifier: MIT */
/*
 * procs: readers of /proc against processes and threads that begin and end. What can be opened is whole and about the process it
 * was opened for; what cannot be is gone. A process that stays is listed exactly once.
 */
#include "stress.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { TARGETS = 4, TEXT = 8192, PAGE = 4096, PIECES = 12, CHANGES = 20 };

static _Atomic int *targets;	/* process numbers that come and go; shared by all */

static bool gone(int error)
{
	return error == ENOENT || error == ESRCH;
}

/* The text of /proc/@pid/@file; false when the process is gone. */
static bool read_file(int pid, const char *file, char *text)
{
	char path[64];
	ssize_t length = 0, got;
	int fd;

	snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		EXPECT(gone(errno), "%s", path);
		return false;
	}
	while ((got = read(fd, text + length, TEXT - 1 - length)) > 0)
		length += got;
	EXPECT(got == 0 || gone(errno), "%s", path);
	close(fd);
	text[length] = 0;
	return got == 0 && length > 0;
}

static void read_stat(int pid, char *text)
{
	char state = 0, *end;
	int found = -1, parent = -1;

	if (!read_file(pid, "stat", text))
		return;
	end = strrchr(text, ')');
	EXPECT(end && sscanf(text, "%d (", &found) == 1 && found == pid, "stat of %d: %s", pid, text);
	EXPECT(sscanf(end + 1, " %c %d", &state, &parent) == 2 && strchr("RSDZTtXI", state), "stat of %d: %s", pid, text);
}

static void read_status(int pid, char *text)
{
	char *line;
	int found = -1;

	if (!read_file(pid, "status", text))
		return;
	line = strstr(text, "\nPid:");
	EXPECT(line && sscanf(line, "\nPid: %d", &found) == 1 && found == pid, "status of %d: %s", pid, text);
	EXPECT(!strncmp(text, "Name:\t", 6) && strstr(text, "\nThreads:"), "status of %d: %s", pid, text);
}

/* Ascending, none over another. */
static void read_maps(int pid, char *text)
{
	unsigned long start, end, last = 0;

	if (!read_file(pid, "maps", text))
		return;
	for (char *line = text, *next; (next = strchr(line, '\n')); line = next + 1) {
		EXPECT(sscanf(line, "%lx-%lx ", &start, &end) == 2 && start < end && start >= last, "maps of %d: %lx before %.60s", pid, last, line);
		last = end;
	}
}

static void read_tasks(int pid, char *text)
{
	char path[64];
	struct dirent *entry;
	DIR *folder;

	snprintf(path, sizeof path, "/proc/%d/task", pid);
	folder = opendir(path);
	EXPECT(folder || gone(errno), "%s", path);
	while (folder && (entry = readdir(folder)))
		if (isdigit((unsigned char)entry->d_name[0])) {
			int tid = atoi(entry->d_name), found = -1;

			snprintf(path, sizeof path, "task/%d/stat", tid);
			if (read_file(pid, path, text))
				EXPECT(sscanf(text, "%d", &found) == 1 && found == tid, "%s of %d: %s", path, pid, text);
		}
	if (folder)
		closedir(folder);
}

static void read_descriptors(int pid, char *text)
{
	char path[64];
	ssize_t length;

	snprintf(path, sizeof path, "/proc/%d/fd/1", pid);
	length = readlink(path, text, TEXT);
	EXPECT(length > 0 || gone(errno), "%s", path);
	if (length < 0 && read_file(pid, "cmdline", text))
		EXPECT(!strcmp(text, "stress") || strstr(text, "stress"), "cmdline of %d: %s", pid, text);
}

static void list_processes(void)
{
	DIR *folder = opendir("/proc");
	struct dirent *entry;
	int own = 0, first = 0;

	EXPECT(folder, "/proc");
	while ((entry = readdir(folder))) {
		own += atoi(entry->d_name) == getpid();
		first += atoi(entry->d_name) == 1;
	}
	closedir(folder);
	EXPECT(own == 1 && first == 1, "process %d was listed %d times, process 1 %d times", getpid(), own, first);
}

static void read_on(struct worker *worker)
{
	char *text = malloc(TEXT);

	while (storm_goes_on(worker)) {
		int pid = targets[storm_pick(worker, TARGETS)];

		if (storm_pick(worker, 16) == 0)
			list_processes();
		if (!pid)
			continue;
		switch (storm_pick(worker, 6)) {
		case 0: read_status(pid, text); break;
		case 1:
		case 5: read_maps(pid, text); break;
		case 2: read_tasks(pid, text); break;
		case 3: read_descriptors(pid, text); break;
		default: read_stat(pid, text); break;
		}
	}
	free(text);
}

/* Many mappings that come and go under the readers of maps. */
static void *map_and_end(void *argument)
{
	for (int i = 0; i < CHANGES; i++) {
		char *memory = mmap(NULL, PIECES * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		for (int piece = i % 2; piece < PIECES; piece += 2)
			mprotect(memory + piece * PAGE, PAGE, PROT_READ | PROT_WRITE);
		munmap(memory, (PIECES - i % 3) * PAGE);
	}
	return argument;
}

/* A process that changes all the time while it lives, and not for long. */
noreturn static void live(struct worker *worker)
{
	for (unsigned i = storm_pick(worker, 4); i > 0; i--)
		storm_thread(map_and_end, NULL);
	map_and_end(NULL);
	if (storm_pick(worker, 4) == 0)
		storm_exec(&procs_storm, NULL, NULL);
	_exit(0);
}

static int child(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

static void come_and_go(struct worker *worker)
{
	unsigned slot = worker->index % TARGETS;

	while (storm_goes_on(worker)) {
		pid_t pid = storm_fork();
		int status;

		if (!pid)
			live(worker);
		storm_random(worker);
		targets[slot] = pid;
		if (storm_pick(worker, 2))
			storm_nap(storm_pick(worker, 500000));
		status = storm_wait(pid);
		EXPECT(status == 0, "process %d ended with %#x", pid, status);
	}
}

static void work(struct worker *worker)
{
	if (worker->index % 2)
		come_and_go(worker);
	else
		read_on(worker);
}

static void run(unsigned workers)
{
	targets = storm_shared(TARGETS * sizeof *targets);
	storm_processes(workers, work);
}

const struct storm procs_storm = { "procs", "readers of /proc against processes that begin and end", run, child };
