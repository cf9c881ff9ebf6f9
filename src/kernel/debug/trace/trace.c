/* SPDX-License-Identifier: MIT */
/* What the trace points record, and the rings it goes to. */
#include "debug/trace/rings.h"
#include "arch/x86_64/trap.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "process/process.h"
#include "sched/thread.h"

struct trace_ring *trace_rings[CPU_MAX];

void trace_put(struct trace_ring *ring, uint64_t tsc, unsigned event, uint32_t tid, unsigned extra, uint64_t argument)
{
	ring->records[ring->next] = (struct trace_record){ tsc, argument, tid, event, this_cpu()->id, extra };
	if (++ring->next == ring->capacity)
		ring->next = 0;
	atomic_store(&ring->head, ring->head + 1);
}

void trace_add(unsigned event, uint32_t tid, unsigned extra, uint64_t argument)
{
	uint64_t flags = interrupts_save();
	struct trace_ring *ring = trace_rings[this_cpu()->id];

	if (ring)
		trace_put(ring, cpu_read_tsc(), event, tid, extra, argument);
	interrupts_restore(flags);
}

uint32_t trace_tid(const struct thread *thread)
{
	if (thread->process)
		return thread->tid;
	return thread == cpus[thread->cpu]->idle ? 0 : 1u << 31 | (uint32_t)((uint64_t)thread >> 6);
}

void trace_add_name(const struct thread *thread)
{
	uint64_t flags = interrupts_save(), words[2];
	struct trace_ring *ring = trace_rings[this_cpu()->id];

	_Static_assert(sizeof(words) == THREAD_NAME_LEN, "a name fills two words of a record");
	memcpy(words, thread->name, sizeof(words));
	if (ring)
		trace_put(ring, words[0], TRACE_NAME, trace_tid(thread), 0, words[1]);
	interrupts_restore(flags);
}

static unsigned state_letter(const struct thread *thread)
{
	switch (thread->run_state) {
	case THREAD_SLEEPING:
		return thread->wait_mode == WAIT_INTERRUPTIBLE ? 'S' : 'D';
	case THREAD_DEAD:
		return 'X';
	default:
		return 'R';
	}
}

static void add_switch(const struct thread *prev, const struct thread *next)
{
	if (!next->process && next != this_cpu()->idle)
		trace_add_name(next);
	trace_add(TRACE_SWITCH, trace_tid(prev), state_letter(prev), trace_tid(next));
}

void trace_hit(unsigned event, uint64_t first, uint64_t second)
{
	const struct thread *thread = (const struct thread *)first;
	uint32_t tid = trace_tid(current_thread());

	switch (event) {
	case TRACE_SWITCH:
		add_switch(thread, (const struct thread *)second);
		break;
	case TRACE_WAKE:
		trace_add(event, tid, thread->cpu, trace_tid(thread));
		break;
	case TRACE_MIGRATE:
		trace_add(event, trace_tid(thread), thread->cpu, second);
		break;
	case TRACE_FORK:
		if (thread->process)
			trace_add(event, tid, 0, thread->tid | (uint64_t)thread->process->pid << 32);
		break;
	case TRACE_NAME:
		if (thread->run_state != THREAD_NEW)	/* while it is made it has no number; TRACE_FORK tells of it */
			trace_add_name(thread);
		break;
	case TRACE_FAULT_ENTER:
		trace_add(event, tid, ((const struct trap_frame *)first)->error, second);
		break;
	default:
		trace_add(event, tid, first, second);
	}
}
