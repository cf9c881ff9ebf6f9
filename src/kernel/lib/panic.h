/* SPDX-License-Identifier: MIT */
/* Ending it all: a broken invariant prints a message, registers and a symbolized backtrace on every console. */
#pragma once

#include <stdbool.h>

__attribute__((noreturn, format(printf, 1, 2))) void panic(const char *format, ...);

/* Checked in every build: the conditions are cheap and a broken one must never be run past. */
#define KASSERT(condition) ((condition) ? (void)0 : assertion_failed(#condition, __FILE__, __LINE__))
__attribute__((noreturn)) void assertion_failed(const char *condition, const char *file, int line);	/* panics */

/* If @error says so (-ENOMEM; -ENFILE, of open files): panics, as memory was out while the system was @doing something that it cannot do without. */
void panic_if_no_memory(int error, const char *doing);

/* Boot is over: a panic reboots unless panic=0 was given. Before, it halts unless panic=N was given. */
void panic_reboot_from_now_on(void);

/* Has a panic begun? Then consoles take no lock for granted and show everything at once. */
bool panic_started(void);
