/* SPDX-License-Identifier: MIT */
/*
 * Ordinary work of many kinds, for alloc_failures to do while the kernel has no memory for one thing or another. A work goes on whatever fails, always ends,
 * and leaves nothing behind but files in the folder where it was begun. It counts the calls that failed; as long as none did, what came must be right.
 */
#ifndef WORKS_H
#define WORKS_H

#include <stdbool.h>

struct work {
	const char *name;
	void (*run)(void);
};

extern const struct work works[];
extern const unsigned work_count;

/* As exit status, too: what no shell ends with. */
enum work_end { WORK_DONE, WORK_ERRORS = 101, WORK_WRONG };

/* Runs @work in the calling process; tells how it ended. */
enum work_end work_run(const struct work *work);

/* What a killed work may have left outside its folder. */
void works_clean(void);

/* ---- For the works themselves ---- */

/* Did a call succeed that returned @result? -1 is an error, which is noted unless this kernel does not have the call at all. */
bool did(long result);
#define DID(call) did((long)(call))

/* What must hold as long as no call failed, and what must hold in any case. */
#define EXPECT(right) expect(right, false, #right, __LINE__)
#define KEPT(right) expect(right, true, #right, __LINE__)
void expect(bool right, bool always, const char *what, int line);

/* The same in a child, waited for; and to take over how a child ended. */
void in_child(void (*body)(void));
void await_child(int pid);
/* Ends a child as it went. */
void end_child(void) __attribute__((noreturn));

/* works_files.c */
void work_files(void);
void work_many_files(void);
void work_names(void);
void work_root(void);
void work_data(void);
void work_pipes(void);
void work_locks(void);
void work_mounts(void);
void work_proc(void);
void work_devices(void);
void work_terminals(void);

/* works_processes.c */
void work_memory(void);
void work_shared_memory(void);
void work_tables(void);
void work_fork(void);
void work_exec(void);
void work_threads(void);
void work_signals(void);
void work_timers(void);
void work_sessions(void);
void work_users(void);
void work_events(void);
void work_ipc(void);
void work_ports(void);
void work_views(void);
void work_shell(void);

#endif
