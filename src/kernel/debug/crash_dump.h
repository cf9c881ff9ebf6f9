/* SPDX-License-Identifier: MIT */
/*
 * What a panic leaves for the next boot: its report and the end of the log, in memory that nobody else uses and that a warm reboot leaves as it is. And
 * nothing where the kernel is built without (../README.md, "Switches").
 */
#pragma once

#include "mm/frame.h"

#ifdef CRASH_DUMP

/* That memory: for the list of what is not free. */
#define CRASH_DUMP_RANGES crash_dump_range(),
struct memory_range crash_dump_range(void);
/* Looks what is there. Once, when that memory is mapped and kept out of use. */
void crash_dump_init(void);
/* A panic says @text; and has said all of it. Take no locks. */
void crash_dump_add(const char *text, size_t len);
void crash_dump_finish(void);

/* What the boot before has left: its length, 0 for nothing; and *@text, which stays until a panic or crash_dump_clear(). */
size_t crash_dump_text(const char **text);
/* Is known now, and is not told again. */
void crash_dump_clear(void);

#else

#define CRASH_DUMP_RANGES
static inline void crash_dump_init(void) { }
static inline void crash_dump_add(const char *text, size_t len) { }
static inline void crash_dump_finish(void) { }

#endif
