/* SPDX-License-Identifier: MIT */
/* How the checks of the debug build report. */
#pragma once

#include "debug/checks.h"

/* A panic, unless a test has asked for the report. Then, and while a panic is reported, it returns. */
__attribute__((format(printf, 1, 2))) void checks_report(const char *format, ...);

/* "function+0x12" for a code address. Returns @text. */
enum { PLACE_MAX = 80 };
const char *place_name(const void *place, char text[PLACE_MAX]);

/* Until checks_found(), reports of the calling thread are kept instead of ending everything. */
void checks_expect(void);
/* Ends that. Returns the first report's text, "" if there was none, until the next checks_expect(). */
const char *checks_found(void);

/* alloc_sites.c: fail_alloc=N on the command line makes the allocation of that number fail. Before the first one. */
void alloc_sites_from_command_line(void);
/* Is the call of an allocator that returns to @address to fail? Any context. */
bool alloc_call_fails(void *address);

/* The mistakes that can be made on purpose: debug_crash=NAME, and the self-test those whose report names what was noticed. */
struct mistake {
	const char *name;
	void (*make)(void);
	const char *report;	/* what its report begins with; NULL: the processor ends it, and nothing can go on after it */
};
extern const struct mistake mistakes[];
extern const size_t mistake_count;

/* provoke_locks.c */
void provoke_spin_twice(void);
void provoke_spin_release(void);
void provoke_spin_order(void);
void provoke_spin_two(void);
void provoke_spin_interrupts(void);
void provoke_spin_unclassed(void);
void provoke_spin_in_interrupt(void);
void provoke_spin_forever(void);
void provoke_mutex_twice(void);
void provoke_mutex_order(void);
void provoke_mutex_addresses(void);
void provoke_rwlock_release(void);
void provoke_user_copy(void);
void provoke_free_held(void);
void provoke_exit_held(void);
void provoke_return_held(void);

/* provoke_protection.c: what the processor must refuse. */
void provoke_smep(void);
void provoke_smap(void);
void provoke_write_text(void);
void provoke_write_constant(void);
void provoke_execute_data(void);
void provoke_stack_overflow(void);
void provoke_stack_smash(void);
void provoke_exception_stack_overflow(void);
