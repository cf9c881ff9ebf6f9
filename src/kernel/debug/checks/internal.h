/* SPDX-License-Identifier: MIT */
/* How the checks of the debug build report. */
#pragma once

#include "debug/checks.h"

/* A panic, unless a test has asked for the report. Then, and while a panic is reported, it returns. */
__attribute__((format(printf, 1, 2))) void checks_report(const char *format, ...);

/* Until checks_found(), reports of the calling thread are kept instead of ending everything. */
void checks_expect(void);
/* Ends that. Returns the first report's text, "" if there was none, until the next checks_expect(). */
const char *checks_found(void);

/* The mistakes that can be made on purpose: debug_crash=NAME, and the self-test those whose report names what was noticed. */
struct mistake {
	const char *name;
	void (*make)(void);
	const char *report;	/* what its report begins with; NULL: the processor ends it, and nothing can go on after it */
};
extern const struct mistake mistakes[];
extern const size_t mistake_count;

/* provoke_protection.c: what the processor must refuse. */
void provoke_smep(void);
void provoke_smap(void);
void provoke_write_text(void);
void provoke_write_constant(void);
void provoke_execute_data(void);
void provoke_stack_overflow(void);
void provoke_stack_smash(void);
void provoke_exception_stack_overflow(void);
