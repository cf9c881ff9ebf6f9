/* SPDX-License-Identifier: MIT */
/*
 * What a kernel may be built without (src/kernel/README.md, "Switches"), and how a program finds out: by a call, which is there with it and fails then, or by
 * a file.
 */
#ifndef BUILT_WITH_H
#define BUILT_WITH_H

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The names in syscalls.def. */
#define UNIX_SOCKETS "unix_sockets"
#define INOTIFY "inotify"
#define CORE_FILES "core_files"
#define RSEQ "rseq"
#define PTRACE "ptrace"
#define AIO "aio"

static inline int kernel_has(const char *feature)
{
	long call = !strcmp(feature, INOTIFY) ? SYS_inotify_rm_watch : !strcmp(feature, RSEQ) ? SYS_rseq :
		    !strcmp(feature, PTRACE) ? SYS_ptrace : !strcmp(feature, AIO) ? SYS_io_destroy : SYS_setsockopt;

	if (!strcmp(feature, CORE_FILES))
		return !access("/proc/sys/kernel/core_pattern", F_OK);
	return syscall(call, -1, 0, 0, 0, 0) < 0 && errno != ENOSYS;
}

/* What main() returns in place of what check_main() does. */
static inline int skip_program(const char *name, const char *feature)
{
	printf("ok %s: skipped, as this kernel is built without %s\n", name, feature);
	return 0;
}

#endif
