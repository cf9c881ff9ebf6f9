/* SPDX-License-Identifier: MIT */
/* Tracing system calls: the dispatch table is filled with stubs (arch/x86_64/trace_entry.inc), so that untraced calls cost nothing more. */
#include "debug/trace/rings.h"
#include "arch/x86_64/boot_layout.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "sched/thread.h"
#include "syscall/syscall.h"
#include "syscall_prototypes.h"

syscall_fn *trace_handlers[SYSCALL_COUNT];	/* set before the first stub is put in */

/* trace_entry.inc gives the number, or for most calls the index in the table, which is the same for Linux's. */
static unsigned number_of(unsigned number)
{
	return number < SYSCALL_COUNT ? syscall_number(number) : number;
}

void trace_call_enter(unsigned number, uint64_t argument)
{
	trace_add(TRACE_CALL_ENTER, trace_tid(current_thread()), number_of(number), argument);
}

void trace_call_leave(unsigned number, long result)
{
	trace_add(TRACE_CALL_LEAVE, trace_tid(current_thread()), number_of(number), result);
}

static syscall_fn *stand_in(syscall_fn *handler)
{
	for (syscall_fn *const *pair = trace_frame_calls; *pair; pair += 2)
		if (*pair == handler)
			return pair[1];
	return trace_call;
}

void trace_calls_switch(bool on)
{
	/* The table is read-only where it is read; its alias in the direct map is writable. */
	syscall_fn **table = phys_to_virt(kernel_virt_to_phys(syscall_handlers));

	if (!trace_handlers[0])
		memcpy(trace_handlers, table, sizeof(trace_handlers));
	for (unsigned i = 0; i < SYSCALL_COUNT; i++)
		atomic_store(&table[i], on ? stand_in(trace_handlers[i]) : trace_handlers[i]);
}
