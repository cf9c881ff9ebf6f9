/* SPDX-License-Identifier: MIT */
/*
 * The recorder. The command waits at a pipe until tracing is on; then the rings are emptied every few milliseconds until it has ended.
 *
 * With maps: the file gets, as TRACE_TEXT records, the lines "map PID START END OFFSET PATH" of what each sampled process has mapped executable. They
 * are read when a process has begun a program, and again now and then when it was sampled; a process that lives for less than that stays unknown.
 *
 * With messages recorded: likewise the lines "message TYPE NAME" of the types that were met and have names.
 */
#include "raeen/message.h"
#include "recorder.h"
#include "trace_records.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER = 256 << 10, INTERVAL_MS = 10, MAPS_INTERVAL_MS = 200, TID_MAX = 65536, TEXT_BYTES = 16, TEXT_CPU = 255, TYPES_MAX = 256 };

static const struct recording *task;
static int device, output;
static long dropped;			/* records lost, as the kernel says */
static struct trace_record buffer[BUFFER / sizeof(struct trace_record)];

/* By thread id and process id. */
static int process_of[TID_MAX];
static struct { bool sampled, fresh; unsigned long hash; long read_at; } processes[TID_MAX];

static bool complain(const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", task->program, what, strerror(errno));
	return false;
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool write_all(const void *data, size_t length)
{
	const char *at = data;

	while (length) {
		ssize_t done = write(output, at, length);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return complain(task->output);
		at += done;
		length -= done;
	}
	return true;
}

static bool add_text(const char *text, size_t length)
{
	struct trace_record record = { .event = TRACE_TEXT, .cpu = TEXT_CPU };

	for (; length; text += record.extra, length -= record.extra) {
		record.extra = length < TEXT_BYTES ? length : TEXT_BYTES;
		memcpy(&record, text, record.extra);	/* the first two words */
		if (!write_all(&record, sizeof record))
			return false;
	}
	return true;
}
_Static_assert(offsetof(struct trace_record, tid) == TEXT_BYTES, "text lies in the first two words");

/* Adds the executable mappings of process @pid if they are not those that the file has already. */
static bool add_maps(int pid)
{
	static char text[65536];
	char path[40], line[4200], name[4096];
	size_t length = 0;
	unsigned long start, end, offset, hash = 5381;
	FILE *maps;

	processes[pid].read_at = now_ms();
	processes[pid].sampled = processes[pid].fresh = false;
	snprintf(path, sizeof path, "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	if (!maps)
		return true;	/* it is gone */
	while (fgets(line, sizeof line, maps)) {
		char access[5];
		int found = sscanf(line, "%lx-%lx %4s %lx %*s %*s %4095[^\n]", &start, &end, access, &offset, name);

		if (found == 5 && access[2] == 'x' && length + strlen(name) + 80 < sizeof text)
			length += sprintf(text + length, "map %d %lx %lx %lx %s\n", pid, start, end, offset, name);
	}
	fclose(maps);
	for (size_t i = 0; i < length; i++)
		hash = hash * 33 + (unsigned char)text[i];
	if (!length || hash == processes[pid].hash)
		return true;
	processes[pid].hash = hash;
	return add_text(text, length);
}

/* Adds the names of messages whose types have not been met before. */
static bool name_messages(const struct trace_record *records, size_t count)
{
	static uint32_t met[TYPES_MAX];
	static size_t met_count;

	for (const struct trace_record *record = records; record < records + count; record++) {
		uint32_t type = record->argument;
		char line[160];
		size_t at = 0;

		if ((record->event != TRACE_MESSAGE_ENTER && record->event != TRACE_MESSAGE_LEAVE) || !message_type_name(type))
			continue;
		while (at < met_count && met[at] != type)
			at++;
		if (at < met_count || met_count == TYPES_MAX)
			continue;
		met[met_count++] = type;
		if (!add_text(line, snprintf(line, sizeof line, "message %u %.120s\n", type, message_type_name(type))))
			return false;
	}
	return true;
}

static int process_of_thread(unsigned tid)
{
	return tid < TID_MAX ? process_of[tid] : 0;
}

/* Looks for processes whose mappings are wanted. */
static bool look_at(const struct trace_record *records, size_t count)
{
	for (const struct trace_record *record = records; record < records + count; record++) {
		int pid = process_of_thread(record->tid);

		if (record->event == TRACE_FORK && (uint32_t)record->argument < TID_MAX)
			process_of[(uint32_t)record->argument] = record->argument >> 32 & (TID_MAX - 1);
		else if (record->event == TRACE_NAME && pid)
			processes[pid].fresh = true;
		else if (record->event == TRACE_SAMPLE && record->extra >> 8)
			processes[pid].sampled = true;
	}
	for (int pid = 1; pid < TID_MAX; pid++)
		if (processes[pid].fresh ||
		    (processes[pid].sampled && (!processes[pid].read_at || now_ms() - processes[pid].read_at >= MAPS_INTERVAL_MS)))
			if (!add_maps(pid))
				return false;
	return true;
}

static void learn_threads(char *text)
{
	int tid, pid;

	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		if (sscanf(line, "thread %d %d", &tid, &pid) == 2 && tid >= 0 && tid < TID_MAX && pid > 0 && pid < TID_MAX) {
			process_of[tid] = pid;
			processes[pid].sampled = true;
		}
}

/* The text before the records; it comes by itself, whatever the size of the reads. */
static bool copy_head(void)
{
	size_t length = 0, room = 0;
	char *text = NULL;
	ssize_t got;

	do {
		if (room - length < 4096)
			text = realloc(text, room += 65536);
		got = text ? read(device, text + length, room - length - 1) : -1;
		if (got <= 0)
			return complain("the head of /dev/trace");
		length += got;
		text[length] = '\0';
	} while (length < 5 || strcmp(text + length - 5, "\nend\n"));
	if (!write_all(text, length))
		return false;
	learn_threads(text);
	free(text);
	return true;
}

/* Copies what there is; once, or until nothing more comes. */
static bool copy_records(bool all)
{
	ssize_t got;

	do {
		got = read(device, buffer, sizeof buffer);
		if (got < 0)
			return complain("/dev/trace");
		for (ssize_t i = 0; i < got / (ssize_t)sizeof *buffer; i++)
			if (buffer[i].event == TRACE_LOST)
				dropped += buffer[i].argument;
		if (!write_all(buffer, got) || !name_messages(buffer, got / sizeof *buffer) || (task->maps && !look_at(buffer, got / sizeof *buffer)))
			return false;
	} while (all ? got > 0 : got > (ssize_t)sizeof buffer / 2);
	return true;
}

static pid_t start_command(int *go)
{
	int pipe_ends[2];
	pid_t child;
	char byte;

	if (pipe2(pipe_ends, O_CLOEXEC) < 0 || (child = fork()) < 0)
		return complain("cannot start the command") - 1;
	if (child) {
		close(pipe_ends[0]);
		*go = pipe_ends[1];
		return child;
	}
	close(pipe_ends[1]);
	if (read(pipe_ends[0], &byte, 1) != 1)
		_exit(1);
	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	execvp(task->command[0], task->command);
	complain(task->command[0]);
	_exit(errno == ENOENT ? 127 : 126);
}

/* Records until @child has ended; its wait status, or -1. */
static int follow(pid_t child)
{
	const struct timespec interval = { 0, INTERVAL_MS * 1000000 };
	int status;
	pid_t ended;

	do {
		ended = waitpid(child, &status, WNOHANG);
		if (ended < 0) {
			complain("waitpid");
			return -1;
		}
		if (!copy_records(false))
			return -1;
		if (!ended)
			nanosleep(&interval, NULL);
	} while (!ended);
	return status;
}

int record(const struct recording *recording)
{
	int go = -1, status = -1;
	pid_t child;

	task = recording;
	device = open("/dev/trace", O_RDWR | O_CLOEXEC);
	if (device < 0)
		return complain("/dev/trace") + 1;
	output = open(task->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (output < 0)
		return complain(task->output) + 1;
	signal(SIGINT, SIG_IGN);	/* meant for the command, whose end ends this */
	signal(SIGQUIT, SIG_IGN);
	child = start_command(&go);
	if (child < 0)
		return 1;
	if (write(device, task->switch_on, strlen(task->switch_on)) < 0) {
		complain(errno == EBUSY ? "/dev/trace is used by somebody else" : "/dev/trace");
	} else if (copy_head()) {
		if (write(go, "", 1) == 1)
			status = follow(child);
		if (write(device, "off", 3) < 0 || !copy_records(true) || close(output) < 0)
			status = -1;
	}
	close(go);
	if (dropped)
		fprintf(stderr, "%s: %ld records were lost: the ring was full (-s KIB makes it larger)\n", task->program, dropped);
	if (status < 0)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
