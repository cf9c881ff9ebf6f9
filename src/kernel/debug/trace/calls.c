/* SPDX-License-Identifier: MIT */
/*
 * Tracing system calls, and messages, which are what some of them send and receive: the dispatch table is filled with stubs
 * (arch/x86_64/trace_entry.inc), so that untraced calls cost nothing more. The short ways of messages are left while either is traced.
 */
#include "debug/trace/rings.h"
#include "arch/x86_64/boot_layout.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "sched/thread.h"
#include "syscall/syscall.h"
#include "syscall_prototypes.h"

syscall_fn *trace_handlers[SYSCALL_COUNT];	/* set before the first stub is put in */
static unsigned traced;				/* atomic: of the groups what is recorded here */

/* trace_entry.inc gives the number, or for most calls the index in the table, which is the same for Linux's. */
static unsigned number_of(unsigned number)
{
	return number < SYSCALL_COUNT ? syscall_number(number) : number;
}

static bool is_message_call(unsigned number)
{
	return (number >= SYSCALL_msg_call && number <= SYSCALL_port_notify) || number == SYSCALL_msg_ask || number == SYSCALL_msg_serve;
}

/* What @number sends. */
static uint64_t message_sent(unsigned number, uint64_t second, uint64_t token)
{
	bool answers = number == SYSCALL_msg_serve || number == SYSCALL_msg_reply_recv;

	return number == SYSCALL_msg_recv || number == SYSCALL_msg_recv_many || (answers && !token) ? TRACE_NO_MESSAGE : second;
}

void trace_call_enter(unsigned number, uint64_t first, uint64_t second, uint64_t third)
{
	unsigned groups = atomic_load_relaxed(&traced);
	uint32_t tid = trace_tid(current_thread());

	number = number_of(number);
	if (groups & TRACE_GROUP_SYSCALL)
		trace_add(TRACE_CALL_ENTER, tid, number, first);
	if (groups & TRACE_GROUP_MESSAGE && is_message_call(number))
		trace_add(TRACE_MESSAGE_ENTER, tid, number, message_sent(number, second, third));
}

void trace_call_leave(unsigned number, long result)
{
	unsigned groups = atomic_load_relaxed(&traced);
	uint32_t tid = trace_tid(current_thread());

	number = number_of(number);
	if (groups & TRACE_GROUP_MESSAGE && is_message_call(number))
		trace_add(TRACE_MESSAGE_LEAVE, tid, number, result);
	if (groups & TRACE_GROUP_SYSCALL)
		trace_add(TRACE_CALL_LEAVE, tid, number, result);
}

static syscall_fn *stand_in(syscall_fn *handler)
{
	for (syscall_fn *const *pair = trace_frame_calls; *pair; pair += 2)
		if (*pair == handler)
			return pair[1];
	return trace_call;
}

static bool is_traced(unsigned number, unsigned groups)
{
	return groups & TRACE_GROUP_SYSCALL || (groups & TRACE_GROUP_MESSAGE && is_message_call(number));
}

#ifdef PTRACE

syscall_fn *unwatched_handlers[SYSCALL_COUNT];	/* what would be in the table; set before the first ptrace_call is put in */
static bool watched;				/* trace_lock */

/* What stands in the table for @handler. */
static syscall_fn *seen_by_tracer(unsigned i, syscall_fn *handler)
{
	atomic_store(&unwatched_handlers[i], handler);
	return watched ? ptrace_call : handler;
}

#else

static syscall_fn *seen_by_tracer(unsigned i, syscall_fn *handler)
{
	return handler;
}

#endif

void trace_calls_switch(unsigned groups)
{
	/* The table is read-only where it is read; its alias in the direct map is writable. */
	syscall_fn **table = phys_to_virt(kernel_virt_to_phys(syscall_handlers));

	if (!trace_handlers[0])
		memcpy(trace_handlers, table, sizeof(trace_handlers));
	atomic_store(&traced, groups & (TRACE_GROUP_SYSCALL | TRACE_GROUP_MESSAGE));
	for (unsigned i = 0; i < SYSCALL_COUNT; i++)
		atomic_store(&table[i], seen_by_tracer(i, is_traced(syscall_number(i), groups) ? stand_in(trace_handlers[i]) : trace_handlers[i]));
}

#ifdef PTRACE

void trace_calls_watch_locked(const unsigned *wanted)
{
	bool watch = atomic_load(wanted);

	if (watch == watched)
		return;
	watched = watch;
	trace_calls_switch(traced);
}

#endif
