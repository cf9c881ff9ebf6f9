/* SPDX-License-Identifier: MIT */
/*
 * Quanta and levels. Inside a class that shares time a thread sinks a level with each quantum it uses up, and rises one for each quantum's time that it
 * sleeps: who computes half of the time or less stays ahead of hogs, and naps of a hog count for what they are.
 *
 * A thread of the idle class runs when nobody else wants to; but not while it is in the kernel, where it may hold what others wait for. From when it
 * sleeps or is preempted there until it is back in user mode it is the last of the low class, which has its share.
 */
#include "sched/internal.h"
#include "arch/x86_64/clock_hw.h"
#include "process/process.h"

enum { QUANTUM_MS = 10, LEVEL_IDLE_IN_KERNEL = LEVEL_IDLE - 1 };

uint64_t quantum_cycles(void)
{
	return clock_hw_tsc_hz() / 1000 * QUANTUM_MS;
}

/* A step of nice is worth a factor of 1.25. Beyond 10 either way a thread is in another class (process/sched_calls.c). */
static uint64_t quantum_of(const struct thread *thread)
{
	uint64_t cycles = quantum_cycles();
	int nice = thread->sched_class == CLASS_NORMAL ? thread->nice : 0;

	for (; nice > 0; nice--)
		cycles = cycles * 4 / 5;
	for (; nice < 0; nice++)
		cycles += cycles / 4;
	return cycles;
}

uint64_t quantum_begin(struct cpu *cpu, struct thread *thread, uint64_t now)
{
	if (runs_realtime(thread))
		return realtime_begin(cpu, thread, now);
	return thread->quantum_left = quantum_of(thread);
}

/*
 * Sleep between messages is not counted (arch/x86_64/message_path.inc): so what a thread has had since its last quantum ended is held against the time that
 * has gone by, if it gave the CPU up by itself all the time.
 */
static bool slept_half(struct thread *thread, uint64_t now)
{
	uint64_t ran = thread->run_cycles - thread->quantum_mark.run, passed = now - thread->quantum_mark.at;
	bool by_itself = thread->voluntary_switches - thread->quantum_mark.voluntary > 2 * (thread->involuntary_switches - thread->quantum_mark.involuntary);

	thread->quantum_mark.run = thread->run_cycles;
	thread->quantum_mark.at = now;
	thread->quantum_mark.voluntary = thread->voluntary_switches;
	thread->quantum_mark.involuntary = thread->involuntary_switches;
	return thread->endpoint != &no_endpoint && by_itself && ran <= passed - passed / 4;
}

bool quantum_end(struct cpu *cpu, struct thread *thread, uint64_t now)
{
	bool over;

	if (!runs_realtime(thread)) {
		if (slept_half(thread, now))
			return true;
		/* Not below what is lent to it. */
		if (thread->priority < class_base_level(thread->sched_class) + LEVELS_PER_CLASS - 1 && thread->priority < thread->lent)
			thread->priority++;
		return true;
	}
	realtime_charge(cpu, thread, now);
	over = thread->turn_left == 0;
	if (over)
		thread->turn_left = quantum_cycles();
	return over;
}

void priority_raise_in_kernel(struct thread *thread)
{
	if (!thread->process || thread->priority <= LEVEL_IDLE_IN_KERNEL)
		return;
	thread->priority = LEVEL_IDLE_IN_KERNEL;
	atomic_or(&thread->user.work, THREAD_WORK_LEVEL);
}

void sched_leave_kernel(struct thread *thread)
{
	/* Interrupts off: it shall not give way here, which is in the kernel, but on its last steps to user mode (syscall_exit_work). */
	uint64_t flags = interrupts_save();

	atomic_and(&thread->user.work, ~THREAD_WORK_LEVEL);
	if (thread->sched_class == CLASS_IDLE)
		sched_update_priority(thread);
	interrupts_restore(flags);
}

void priority_rise(struct thread *thread)
{
	if (thread->sched_class == CLASS_IDLE) {
		thread->rise_after = 0;
		priority_raise_in_kernel(thread);
		return;
	}
	thread->rise_after -= (int64_t)(cpu_read_tsc() - thread->run_stamp);
	for (; thread->rise_after <= 0 && thread->priority > thread->best_priority; thread->priority--)
		thread->rise_after += quantum_cycles();
	if (thread->priority == thread->best_priority)
		thread->rise_after = quantum_cycles();
}

unsigned class_base_level(enum sched_class sched_class)
{
	static const uint8_t bases[CLASS_COUNT] = { LEVEL_REALTIME, LEVEL_HIGH, LEVEL_NORMAL, LEVEL_LOW, LEVEL_IDLE };

	return bases[sched_class];
}

static unsigned level_of(const struct thread *thread)
{
	unsigned base = class_base_level(thread->sched_class);

	return thread->sched_class == CLASS_REALTIME ? base + 99 - thread->rt_priority : base;
}

void sched_update_priority(struct thread *thread)
{
	uint64_t flags = interrupts_save();
	struct run_queue *queue;
	struct cpu *cpu;
	unsigned level;

	preempt_disable();
	cpu = lock_cpu_of(thread);
	queue = cpu->run_queue;
	level = level_of(thread);
	thread->own_level = level;
	/* Always "sunk", so that rising is looked at. */
	thread->best_priority = thread->sched_class == CLASS_IDLE ? LEVEL_IDLE_IN_KERNEL : level;
	thread->rise_after = thread->sched_class == CLASS_IDLE ? 0 : quantum_cycles();
	level = MIN(level, thread->lent);
	if (thread->run_state == THREAD_READY) {
		run_queue_remove(queue, &thread->run_link, thread->priority);
		run_queue_push(queue, &thread->run_link, level, false);
	}
	thread->priority = level;
	/* A real-time thread's quantum begins whenever it gets the CPU. */
	thread->quantum_left = runs_realtime(thread) ? 0 : MIN(thread->quantum_left, quantum_of(thread));
	if (run_queue_best(queue) < cpu->current->priority || (thread == cpu->current && runs_realtime(thread)))
		ask_to_reschedule(cpu);
	queue_unlock(queue);
	interrupts_restore(flags);
	preempt_enable();
}
