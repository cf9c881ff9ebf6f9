/* SPDX-License-Identifier: MIT */
/* How a core file is called: by a pattern as core(5) describes it, but for programs to pipe it to. */
#pragma once

#include "lib/types.h"

enum { CORE_PATTERN_SIZE = 128, CORE_NAME_SIZE = 256 };

/* What a pattern can name. */
struct core_facts {
	int pid, tid, signal;
	uint32_t uid, gid;
	uint64_t limit;		/* RLIMIT_CORE */
	uint64_t time;		/* seconds since 1970 */
	const char *host, *program;
};

/*
 * Writes to @name what @pattern means; with @uses_pid, ".PID" comes behind a pattern without %p. Specifiers that it does not know are left out. False if that
 * is too long. Pure.
 */
bool core_name_make(char name[CORE_NAME_SIZE], const char *pattern, bool uses_pid, const struct core_facts *facts);

/* /proc/sys/kernel/core_pattern and core_uses_pid (core_dump.c). */
void core_pattern_get(char pattern[CORE_PATTERN_SIZE]);
int core_pattern_set(const char *text, size_t len);	/* 0; -EOPNOTSUPP for a pipe, -EINVAL for what is too long or no text */
extern uint32_t core_uses_pid;				/* atomic */
