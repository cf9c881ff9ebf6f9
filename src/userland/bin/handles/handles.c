/* SPDX-License-Identifier: MIT */
/*
 * handles: lists what processes have open: files, pipes, terminals, and the kernel's own objects, from /proc/PID/fd and fdinfo.
 *
 *	handles [PID...]	of these processes; of all without
 *
 * RIGHTS is what the descriptor allows. FLAGS: cloexec and clofork (not passed by exec, fork), nonblock, append. OBJECT numbers the objects of one
 * kind: handles with the same number lead to the same one. What may not be looked at is left out.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/proc.h"

struct row {
	char kind[24], rights[80], object[24];
	unsigned long flags;
	bool clofork;
};

/* Copies the rest of the line of @text that begins with @key. */
static bool find_line(const char *text, const char *key, char *value, size_t size)
{
	size_t length = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, length) == 0 && line[length] == ':') {
			line += length + 1;
			line += strspn(line, " \t");
			snprintf(value, size, "%.*s", (int)strcspn(line, "\n"), line);
			return true;
		}
	}
	return false;
}

static void parse_info(const char *text, struct row *row)
{
	char value[24];

	if (find_line(text, "flags", value, sizeof value))
		row->flags = strtoul(value, NULL, 8);
	row->clofork = find_line(text, "clofork", value, sizeof value);
	find_line(text, "kind", row->kind, sizeof row->kind);
	find_line(text, "object", row->object, sizeof row->object);
	if (!find_line(text, "rights", row->rights, sizeof row->rights)) {
		static const char *const by_mode[] = { "READ", "WRITE", "READ WRITE", "-" };

		strcpy(row->rights, row->flags & O_PATH ? "PLACE" : by_mode[row->flags & O_ACCMODE]);
	}
}

/* What is behind a descriptor of POSIX: "pipe:[12]" and the like say it themselves. */
static void guess_kind(const char *link, const char *name, struct row *row)
{
	struct stat info;
	size_t length = strcspn(name, ":");

	if (sscanf(name, "anon_inode:[%23[^]]", row->kind) == 1)
		return;
	if (strncmp(name, "/memfd:", 7) == 0)
		strcpy(row->kind, "memfd");
	else if (name[0] != '/' && name[length] && length < sizeof row->kind)
		snprintf(row->kind, sizeof row->kind, "%.*s", (int)length, name);
	else if (stat(link, &info) < 0)
		strcpy(row->kind, "?");
	else
		strcpy(row->kind, S_ISREG(info.st_mode) ? "file" : S_ISDIR(info.st_mode) ? "directory" : S_ISCHR(info.st_mode) ? "device" :
		       S_ISFIFO(info.st_mode) ? "fifo" : "?");
}

static void print_name(const char *name)
{
	for (; *name; name++)
		if (isprint((unsigned char)*name))
			putchar(*name);
		else
			printf("\\x%02x", (unsigned char)*name);
	putchar('\n');
}

static void show_descriptor(int pid, int fd)
{
	struct row row = { .object = "-" };
	char path[64], text[1024], name[4096], flags[64];
	ssize_t length;

	snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", pid, fd);
	if (!proc_read(path, text, sizeof text))
		return;		/* closed meanwhile */
	parse_info(text, &row);
	snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, fd);
	length = readlink(path, name, sizeof name - 1);
	name[length < 0 ? 0 : length] = '\0';
	if (!row.kind[0])
		guess_kind(path, name, &row);
	snprintf(flags, sizeof flags, "%s%s%s%s", row.flags & O_CLOEXEC ? " cloexec" : "", row.clofork ? " clofork" : "",
		 row.flags & O_NONBLOCK ? " nonblock" : "", row.flags & O_APPEND ? " append" : "");
	printf("%5d %5d %-10s %6s %-28s %-24s ", pid, fd, row.kind, row.object, row.rights, flags[0] ? flags + 1 : "-");
	print_name(name);
}

static bool show_process(int pid)
{
	char path[40];

	snprintf(path, sizeof path, "/proc/%d/fd", pid);
	return proc_for_each_number(path, pid, show_descriptor);
}

static void visit_process(int unused, int pid)
{
	(void)unused;
	show_process(pid);
}

static int usage(FILE *to)
{
	fputs("usage: handles [PID...]\n", to);
	return to == stdout ? 0 : 2;
}

int main(int argc, char **argv)
{
	int status = 0;

	if (argc > 1 && argv[1][0] == '-')
		return usage(strcmp(argv[1], "--help") == 0 ? stdout : stderr);
	printf("  PID    FD KIND       OBJECT RIGHTS                       FLAGS                    NAME\n");
	if (argc == 1)
		return !proc_for_each_number("/proc", 0, visit_process);
	for (int i = 1; i < argc; i++)
		if (!show_process(atoi(argv[i]))) {
			fprintf(stderr, "handles: %s: %s\n", argv[i], strerror(errno));
			status = 1;
		}
	return status;
}
