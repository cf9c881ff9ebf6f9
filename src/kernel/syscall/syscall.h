/* SPDX-License-Identifier: MIT */
/* The system-call table and the way back to user mode. */
#pragma once

#include "lib/types.h"

struct trap_frame;

typedef long syscall_fn(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);

/* The dispatch table that entry.asm reads: SYSCALL_COUNT handlers, none NULL. While calls are traced debug/trace/calls.c has its own there. */
extern syscall_fn *const syscall_handlers[];

/* The index of the native call @number there, which follow Linux's calls, and the number of the call at an index. */
#define syscall_table_index(number) ((number) - SYSCALL_NATIVE + SYSCALL_LINUX_COUNT)
#define syscall_number(index) ((index) < SYSCALL_LINUX_COUNT ? (index) : (index) - SYSCALL_LINUX_COUNT + SYSCALL_NATIVE)

/* The names in the order of the table, one behind the other, each with a zero behind it; empty where there is no call. */
extern const char syscall_names[];

/* The name of call @number for logs, also of Linux calls that are not there; "unknown" beyond those. */
const char *syscall_name(uint64_t number);

/* entry.asm: a number beyond or without an entry. Logs it once a program and number; returns -ENOSYS. */
long syscall_unknown(struct trap_frame *frame);

/*
 * On the way to user mode, interrupts off: switches if asked, delivers signals, stops, exits. Returns with interrupts off and nothing
 * left to do.
 */
void syscall_exit_work(struct trap_frame *frame);
