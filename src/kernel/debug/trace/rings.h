/* SPDX-License-Identifier: MIT */
/* Between the files of debug/trace/. */
#pragma once

#include "arch/x86_64/cpu.h"
#include "debug/trace/trace.h"
#include "sched/timer.h"
#include "syscall/syscall.h"

enum {
	RING_MARGIN = 64,	/* records that readers leave to the writer: more than one event ever has */
	STACK_MAX = 48,		/* addresses in a sample */
};

/* What one CPU has recorded: the last @capacity of @head records. */
struct trace_ring {
	uint64_t head;			/* atomic; written by the CPU itself with interrupts off */
	uint32_t next;			/* head % capacity; the CPU's own */
	uint32_t capacity;
	struct trace_record *records;
	struct timer sampler;
	uint64_t period;		/* of samples, ns */
	uint64_t stack[STACK_MAX];	/* of the sample being taken */
};

/* By CPU; NULL: nothing is recorded there. Changed with trace_lock held; read with interrupts off. */
extern struct trace_ring *trace_rings[CPU_MAX];

/* Adds a record to the calling CPU's ring, if there is one. Any context but NMI. */
void trace_add(unsigned event, uint32_t tid, unsigned extra, uint64_t argument);
/* The same with interrupts off and @ring the CPU's; words as they go into the record. */
void trace_put(struct trace_ring *ring, uint64_t tsc, unsigned event, uint32_t tid, unsigned extra, uint64_t argument);
void trace_add_name(const struct thread *thread);	/* TRACE_NAME */
uint32_t trace_tid(const struct thread *thread);

/* From trace_thunk (arch/x86_64/trace_entry.inc). */
void trace_hit(unsigned event, uint64_t first, uint64_t second);

/* No groups of a program's: always on where the CPU has XSAVE (arch/x86_64/message_path.inc), where there are other CPUs (notify_path.inc). */
enum { TRACE_GROUP_XSAVE = 1 << 31, TRACE_GROUP_CPUS = 1 << 30 };

/* points.c: makes exactly the points of @groups (enum trace_group) record. When it returns no CPU is inside one that was switched off. */
void trace_points_switch(unsigned groups);

struct trace_point { int32_t site, target; uint32_t groups; };	/* the first two: distances from the entry */
extern const struct trace_point trace_points_start[], trace_points_end[];	/* kernel.ld */

/* calls.c and trace_entry.inc: the stubs, the calls of the whole frame as pairs of handler and stand-in with a NULL at the end, the handlers proper. */
extern syscall_fn trace_call;
extern syscall_fn *const trace_frame_calls[];
extern syscall_fn *trace_handlers[];
void trace_call_enter(unsigned number, uint64_t first, uint64_t second, uint64_t third);
void trace_call_leave(unsigned number, long result);

/* calls.c: puts tracing handlers in where calls are to be recorded for @groups (TRACE_GROUP_SYSCALL, TRACE_GROUP_MESSAGE), and takes the others out. */
void trace_calls_switch(unsigned groups);
/* trace_calls_watch() with trace_lock held. */
void trace_calls_watch_locked(const unsigned *wanted);

/* sampler.c: samples every @period ns on the ring's CPU, which is the calling one; or no more. */
void trace_sampler_start(struct trace_ring *ring, uint64_t period);
void trace_sampler_stop(struct trace_ring *ring);
