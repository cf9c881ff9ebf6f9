/* SPDX-License-Identifier: MIT */
/*
 * sandbox: runs a program that can do and see less.
 *
 *	sandbox [OPTION...] [--] PROGRAM [ARGUMENT...]
 *
 *	--cap NAME		a capability it has ("none": none at all); without this option FILE_READ, IPC_SEND and IPC_RECV. "cap" lists them
 *	--view ro:PATH[:NAME]	what it sees of the files, read-only or (rw:) as the caller has it, inside perhaps by another name; nothing else exists
 *				then but null, zero, full, random, urandom and tty in /dev. "none": only these. Without this option: all files
 *	--port NAME		a port that it may open by name, or the start of names and "*"; without this option none
 *	--memory 64M		bytes of address space
 *	--files N		open files
 *	--cpu-time 10s		processor time, of each process
 *
 * All this holds for what the program starts, too, and cannot be undone; nor do set-id programs gain anything inside. PROGRAM is looked up outside of the
 * view and need not be in it; what it needs (its interpreter, libraries, for a script the script) must be. No privilege is needed.
 */
#include "lib/capability.h"
#include "lib/profile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { EXIT_USAGE = 2, EXIT_CANNOT_RUN = 126, EXIT_NOT_FOUND = 127 };

static int usage(FILE *to)
{
	fputs("usage: sandbox [--cap NAME]... [--view ro:PATH|rw:PATH]... [--port NAME]... [--memory SIZE] [--files N] [--cpu-time TIME]\n"
	      "               [--] PROGRAM [ARGUMENT...]\n", to);
	return to == stdout ? EXIT_SUCCESS : EXIT_USAGE;
}

/* The first --cap replaces the default. */
static bool add_capability(struct profile *profile, const char *name, struct profile_message *message)
{
	static bool given;
	uint64_t bit = capability_find(name);

	if (!given)
		profile->capabilities = 0;
	given = true;
	profile->capabilities |= bit;
	if (bit || strcmp(name, "none") == 0)
		return true;
	return profile_complain(message, "expected the name of a capability (\"cap\" lists them), found %s", name);
}

static const struct {
	const char *name;
	bool (*take)(struct profile *profile, const char *value, struct profile_message *message);
} options[] = {
	{ "--cap", add_capability }, { "--view", profile_add_view }, { "--port", profile_add_port }, { "--memory", profile_set_memory },
	{ "--files", profile_set_files }, { "--cpu-time", profile_set_cpu_time },
};

/* The program's place among the arguments, or 0 after a message. */
static int read_options(int argc, char **argv, struct profile *profile)
{
	struct profile_message message;
	size_t which;
	int at;

	for (at = 1; at < argc && argv[at][0] == '-'; at += 2) {
		if (strcmp(argv[at], "--") == 0) {
			at++;
			break;
		}
		for (which = 0; which < sizeof(options) / sizeof(options[0]); which++)
			if (strcmp(argv[at], options[which].name) == 0)
				break;
		if (which == sizeof(options) / sizeof(options[0])) {
			fprintf(stderr, "sandbox: there is no option %s\n", argv[at]);
			usage(stderr);
			return 0;
		}
		if (at + 1 == argc) {
			fprintf(stderr, "sandbox: %s: expected a value after it\n", argv[at]);
			return 0;
		}
		if (!options[which].take(profile, argv[at + 1], &message)) {
			fprintf(stderr, "sandbox: %s: %s\n", argv[at], message.text);
			return 0;
		}
	}
	if (at < argc)
		return at;
	usage(stderr);
	return 0;
}

/* The program, opened while all paths are still there, and its name. */
struct program {
	int fd;
	bool is_script;
	char path[PATH_MAX];
};

static bool is_script(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char head[2];
	bool script = fd >= 0 && read(fd, head, sizeof(head)) == sizeof(head) && memcmp(head, "#!", sizeof(head)) == 0;

	if (fd >= 0)
		close(fd);
	return script;
}

static bool open_at(struct program *program, const char *folder, size_t length, const char *name)
{
	if (snprintf(program->path, sizeof(program->path), "%.*s%s%s", (int)length, folder, length ? "/" : "", name) >= (int)sizeof(program->path)) {
		errno = ENAMETOOLONG;
		return false;
	}
	if (access(program->path, X_OK) != 0)
		return false;
	program->fd = open(program->path, O_PATH | O_CLOEXEC);
	program->is_script = is_script(program->path);
	return program->fd >= 0;
}

/* As execvp looks for it. */
static bool find_program(struct program *program, const char *name)
{
	const char *folder = getenv("PATH"), *end;
	bool forbidden = false;

	if (strchr(name, '/'))
		return open_at(program, "", 0, name);
	for (folder = folder ? folder : "/usr/bin:/bin"; folder; folder = *end ? end + 1 : NULL) {
		end = strchrnul(folder, ':');
		if (open_at(program, folder, end - folder, name))
			return true;
		forbidden |= errno == EACCES;
	}
	errno = forbidden ? EACCES : ENOENT;
	return false;
}

/* By its name if that is the same file inside: then scripts work, and it sees itself in /proc. */
static void run(const struct program *program, char **arguments)
{
	struct stat opened, named;

	if (fstat(program->fd, &opened) == 0 && stat(program->path, &named) == 0 && opened.st_ino == named.st_ino && opened.st_dev == named.st_dev)
		execve(program->path, arguments, environ);
	else if (program->is_script)	/* its interpreter would be told to open what is not there */
		errno = ENOENT;
	else
		syscall(SYS_execveat, program->fd, "", arguments, environ, AT_EMPTY_PATH);
}

int main(int argc, char **argv)
{
	struct profile_message message;
	struct profile profile;
	struct program program;
	int at;

	if (argc > 1 && strcmp(argv[1], "--help") == 0)
		return usage(stdout);
	profile_init(&profile, CAPABILITIES_SANDBOX);
	profile.restricts_ports = true;
	at = read_options(argc, argv, &profile);
	if (!at)
		return EXIT_USAGE;
	if (!find_program(&program, argv[at])) {
		fprintf(stderr, "sandbox: %s: %s\n", argv[at], strerror(errno));
		return errno == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
	}
	if (!profile_enter(&profile, &message)) {
		fprintf(stderr, "sandbox: %s\n", message.text);
		return EXIT_FAILURE;
	}
	run(&program, &argv[at]);
	fprintf(stderr, "sandbox: %s: %s%s\n", argv[at], strerror(errno),
		errno == ENOENT ? " (its interpreter, or a script itself, is not in the view)" : "");
	return EXIT_CANNOT_RUN;
}
