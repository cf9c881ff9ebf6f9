/* SPDX-License-Identifier: MIT */
/*
 * The scheduler: picks, switches, accounts. A thread's run_state and its place on a run queue are guarded by the queue's lock. The lock
 * is held across the switch itself: the thread that leaves takes it, the one that comes releases it.
 *
 * Inside a class a thread that uses up its quantum sinks one level, one that sleeps and wakes rises one: interactive programs stay
 * ahead of hogs, and run_queue_pick serves the lowest level now and then.
 */
#include "sched/scheduler.h"
#include "arch/x86_64/clock_hw.h"
#include "arch/x86_64/descriptors.h"
#include "arch/x86_64/entry.h"
#include "arch/x86_64/fpu.h"
#include "arch/x86_64/interrupts.h"
#include "lib/panic.h"
#include "mm/address_space.h"
#include "process/process.h"
#include "sched/clock.h"
#include "sched/stats.h"

enum { MSR_FS_BASE = 0xc0000100, MSR_KERNEL_GS_BASE = 0xc0000102, QUANTUM_MS = 10 };

struct cpu *cpus[CPU_MAX];

static struct run_queue boot_queue;

/* Raw: the preemption count is managed by the callers, which hold the lock across a switch. */
static void queue_lock(struct run_queue *queue)
{
	while (__atomic_exchange_n(&queue->lock.locked, 1, __ATOMIC_ACQUIRE))
		cpu_relax();
}

static void queue_unlock(struct run_queue *queue)
{
	__atomic_store_n(&queue->lock.locked, 0, __ATOMIC_RELEASE);
}

/*
 * The CPU whose queue @thread is on or will join. thread->cpu changes under that queue's lock only, so the caller locks the queue and
 * may use the answer while it holds the lock. One CPU runs so far; a second one needs the look repeated after locking, and an interrupt
 * sent to the CPU whose need_resched was set.
 */
static struct cpu *thread_cpu(const struct thread *thread)
{
	return cpus[thread->cpu];
}

static __attribute__((noinline)) uint64_t quantum_cycles(const struct thread *thread)
{
	uint64_t quantum = clock_hw_tsc_hz() / 1000 * QUANTUM_MS;

	return thread->sched_class == CLASS_NORMAL ? quantum * (20 - thread->nice) / 20 : quantum;
}

static unsigned class_base_level(enum sched_class sched_class)
{
	static const unsigned bases[CLASS_COUNT] = { LEVEL_REALTIME, LEVEL_HIGH, LEVEL_NORMAL, LEVEL_LOW, LEVEL_IDLE };

	return bases[sched_class];
}

/* A thread of a time-sharing class that used its quantum up goes one level down inside its class. */
static void sink(struct thread *thread)
{
	if (thread->sched_class != CLASS_REALTIME && thread->priority < thread->best_priority + LEVELS_PER_CLASS - 1)
		thread->priority++;
}

static inline void account(struct thread *thread, uint64_t now)
{
	uint64_t ran = now - thread->run_stamp;

	thread->run_cycles += ran;
	thread->run_stamp = now;
	thread->quantum_left = thread->quantum_left > ran ? thread->quantum_left - ran : 0;
}

/*
 * When the running thread's quantum ends. The timer hardware is only told if it would come too late: coming early is harmless and cheaper
 * than programming it at every switch. Interrupts off.
 */
static inline void set_quantum_end(struct cpu *cpu, uint64_t end)
{
	cpu->quantum_end = end;
	if (unlikely(end < cpu->timer_event))
		timer_program_quantum(cpu);
}

static inline void load_user_state(struct cpu *cpu, struct thread *next)
{
	struct address_space *as = next->process->as;

	if (unlikely(!as))
		address_space_switch(NULL);
	else if (cpu_read_cr3() != as->root)
		cpu_write_cr3(as->root);
	if (cpu->fpu_owner != next) {
		if (likely(cpu->fpu_owner))
			fpu_switch(cpu->fpu_owner->fpu_area, next->fpu_area);
		else
			fpu_restore(next->fpu_area);
		cpu->fpu_owner = next;
	}
	/* Always: a program may have changed a base by loading the selector, which leaves no trace. */
	cpu_write_msr(MSR_FS_BASE, next->fs_base);
	cpu_write_msr(MSR_KERNEL_GS_BASE, next->gs_base);
}

/* The first thing on the new thread's stack: queue lock held, interrupts off, preemption count 1. */
static inline void finish_switch(void)
{
	struct cpu *cpu = this_cpu();
	struct thread *dead = cpu->dead;

	queue_unlock(cpu->run_queue);
	if (unlikely(dead)) {
		cpu->dead = NULL;
		thread_put(dead);
	}
}

/* Returns on this thread's stack when it is chosen again, lock released. */
static inline __attribute__((always_inline)) void switch_to(struct cpu *cpu, struct thread *prev, struct thread *next, uint64_t now)
{
	next->run_state = THREAD_RUNNING;
	next->run_stamp = now;
	if (unlikely(!next->quantum_left))	/* it was used up when the thread went to sleep */
		next->quantum_left = quantum_cycles(next);
	if (likely(next != cpu->idle))
		set_quantum_end(cpu, now + next->quantum_left);
	else
		cpu->quantum_end = 0;
	if (likely(next->process))
		load_user_state(cpu, next);
	descriptors_set_kernel_stack(cpu, (uint64_t)next->stack_base + KERNEL_STACK_SIZE);
	cpu->current = next;
	sched_counters.switches++;
	context_switch(&prev->switch_rsp, next->switch_rsp);
	finish_switch();
}

static inline struct thread *pick(struct cpu *cpu)
{
	unsigned level;
	struct list *link = run_queue_pick(cpu->run_queue, &level);

	return likely(link) ? list_entry(link, struct thread, run_link) : cpu->idle;
}

/* The running thread has left the run queue's sight (asleep or dead). As switch_to. Queue lock held, interrupts off, preemption count 1. */
static inline __attribute__((always_inline)) void leave_cpu(struct cpu *cpu)
{
	struct thread *prev = cpu->current;
	uint64_t now = cpu_read_tsc();

	account(prev, now);
	cpu->need_resched = 0;
	switch_to(cpu, prev, pick(cpu), now);
}

/* The running thread may have to give way. As leave_cpu. */
static void give_way(struct cpu *cpu)
{
	struct thread *prev = cpu->current, *next;
	uint64_t now = cpu_read_tsc();

	account(prev, now);
	cpu->need_resched = 0;
	if (prev != cpu->idle) {
		bool used_up = prev->quantum_left == 0;

		if (used_up) {
			prev->quantum_left = quantum_cycles(prev);
			sink(prev);
		}
		prev->run_state = THREAD_READY;
		run_queue_push(cpu->run_queue, &prev->run_link, prev->priority, !used_up);
	}
	next = pick(cpu);
	if (next == prev) {
		prev->run_state = THREAD_RUNNING;
		if (prev != cpu->idle)
			set_quantum_end(cpu, now + prev->quantum_left);
		queue_unlock(cpu->run_queue);
		return;
	}
	switch_to(cpu, prev, next, now);
}

void thread_first_run(void)
{
	finish_switch();
	interrupts_enable();
	preempt_enable();
}

void scheduler_reschedule(void)
{
	while (this_cpu()->need_resched) {
		uint64_t flags;

		preempt_disable();
		flags = interrupts_save();
		queue_lock(this_cpu()->run_queue);
		current_thread()->involuntary_switches++;
		give_way(this_cpu());
		interrupts_restore(flags);
		__asm__ volatile("decl %%gs:32" ::: "memory");
	}
}

void preempt_check(void)
{
	if (this_cpu()->preempt_count == 0 && interrupts_enabled() && this_cpu()->current)
		scheduler_reschedule();
}

void scheduler_preempt_from_interrupt(struct trap_frame *frame)
{
	struct cpu *cpu = this_cpu();

	/* Threads that were in user mode switch on their way out (syscall_exit_work). */
	if (cpu->need_resched && cpu->preempt_count == 0 && !trap_from_user(frame))
		scheduler_reschedule();
}

void scheduler_sleep_now(const uint32_t *woken, enum wait_mode mode)
{
	struct cpu *cpu = this_cpu();
	struct thread *thread = cpu->current;

	if (unlikely(cpu->preempt_count != 1))
		panic("thread %s sleeps with a spinlock held (preemption count %u)", thread->name, cpu->preempt_count);
	queue_lock(cpu->run_queue);
	if (unlikely(__atomic_load_n(woken, __ATOMIC_RELAXED) | thread->wait_timed_out |
		     (__atomic_load_n(&thread->user.work, __ATOMIC_RELAXED) & mode))) {
		queue_unlock(cpu->run_queue);
		return;
	}
	thread->run_state = THREAD_SLEEPING;
	thread->wait_mode = mode;
	thread->voluntary_switches++;
	leave_cpu(cpu);
}

void scheduler_sleep(const uint32_t *woken, enum wait_mode mode)
{
	uint64_t flags = interrupts_save();

	preempt_disable();
	scheduler_sleep_now(woken, mode);
	interrupts_restore(flags);
	preempt_enable();
}

void scheduler_end_thread(void)
{
	struct thread *thread = current_thread();
	struct cpu *cpu;

	preempt_disable();
	interrupts_disable();
	cpu = this_cpu();
	queue_lock(cpu->run_queue);
	thread->run_state = THREAD_DEAD;
	if (cpu->fpu_owner == thread)
		cpu->fpu_owner = NULL;
	cpu->dead = thread;
	leave_cpu(cpu);
	panic("a dead thread was run again");
}

/* Queue lock held. */
static inline void enqueue_ready(struct cpu *cpu, struct run_queue *queue, struct thread *thread)
{
	thread->run_state = THREAD_READY;
	run_queue_push(queue, &thread->run_link, thread->priority, false);
	if (thread->priority < cpu->current->priority)
		cpu->need_resched = 1;
}

/* Queue lock held. */
static inline void enqueue_woken(struct cpu *cpu, struct run_queue *queue, struct thread *thread)
{
	if (thread->priority > thread->best_priority)
		thread->priority--;	/* who slept rises a level */
	enqueue_ready(cpu, queue, thread);
}

void scheduler_wake(struct thread *thread, uint32_t *woken)
{
	struct cpu *cpu = thread_cpu(thread);
	struct run_queue *queue = cpu->run_queue;

	queue_lock(queue);
	if (likely(thread->run_state == THREAD_SLEEPING))
		enqueue_woken(cpu, queue, thread);
	atomic_store(woken, 1);
	queue_unlock(queue);
}

bool scheduler_make_ready(struct thread *thread, enum thread_run_state from_state)
{
	uint64_t flags = interrupts_save();
	struct cpu *cpu = thread_cpu(thread);
	struct run_queue *queue = cpu->run_queue;
	bool did;

	preempt_disable();
	queue_lock(queue);
	did = thread->run_state == from_state;
	if (did && from_state == THREAD_SLEEPING)
		enqueue_woken(cpu, queue, thread);
	else if (did)
		enqueue_ready(cpu, queue, thread);
	queue_unlock(queue);
	interrupts_restore(flags);
	preempt_enable();
	return did;
}

void thread_interrupt(struct thread *thread, bool kill)
{
	uint64_t flags = interrupts_save();
	struct cpu *cpu = thread_cpu(thread);
	struct run_queue *queue = cpu->run_queue;
	bool wake;

	preempt_disable();
	queue_lock(queue);
	wake = thread->run_state == THREAD_SLEEPING &&
	       (thread->wait_mode == WAIT_INTERRUPTIBLE || (kill && thread->wait_mode == WAIT_KILLABLE));
	if (wake)
		enqueue_ready(cpu, queue, thread);
	/* A running thread notices on its way to user mode; make it come by. */
	else if (thread->run_state == THREAD_RUNNING && thread != current_thread())
		cpu->need_resched = 1;
	queue_unlock(queue);
	interrupts_restore(flags);
	preempt_enable();
}

void thread_start(struct thread *thread)
{
	sched_counters.forks++;
	scheduler_make_ready(thread, THREAD_NEW);
}

void sched_yield(void)
{
	KASSERT(!this_cpu()->preempt_count);	/* no spinlock is held */
	current_thread()->quantum_left = 0;
	this_cpu()->need_resched = 1;
	scheduler_reschedule();
}

void sched_update_priority(struct thread *thread)
{
	uint64_t flags = interrupts_save();
	struct cpu *cpu = thread_cpu(thread);
	struct run_queue *queue = cpu->run_queue;
	unsigned level;

	preempt_disable();
	queue_lock(queue);
	level = thread->sched_class == CLASS_REALTIME ? LEVEL_REALTIME + 99 - thread->rt_priority : class_base_level(thread->sched_class);
	if (thread->run_state == THREAD_READY) {
		run_queue_remove(queue, &thread->run_link, thread->priority);
		run_queue_push(queue, &thread->run_link, level, false);
	}
	thread->priority = thread->best_priority = level;
	thread->quantum_left = MIN(thread->quantum_left, quantum_cycles(thread));
	if (run_queue_best(queue) < cpu->current->priority)
		cpu->need_resched = 1;
	queue_unlock(queue);
	interrupts_restore(flags);
	preempt_enable();
}

/* The timer interrupt: due timers, time-slice, and a sample of who was running. */
static void timer_interrupt(struct trap_frame *frame)
{
	struct cpu *cpu = this_cpu();
	struct thread *thread = cpu->current;

	/* Before the accounting: a quantum that is over for the timer queue, which forgets it then, must be over below too. */
	timer_run_expired();
	if (thread != cpu->idle) {
		if (trap_from_user(frame)) {
			thread->user_ticks++;
			cpu->user_ticks++;
		} else {
			thread->system_ticks++;
			cpu->system_ticks++;
		}
		account(thread, cpu_read_tsc());
		if (thread->quantum_left == 0)
			cpu->need_resched = 1;
	}
}

void scheduler_init(void)
{
	struct cpu *cpu = this_cpu();

	cpus[cpu->id] = cpu;
	cpu->timer_event = UINT64_MAX;
	run_queue_init(&boot_queue);
	cpu->run_queue = &boot_queue;
	cpu->idle = thread_adopt_boot_context();
	cpu->current = cpu->idle;
	interrupts_set_timer_handler(timer_interrupt);
	if (!interrupts_use_apic())
		irq_register(0, NULL, NULL, "timer");
	sched_stats_init();
}

void scheduler_idle_loop(void)
{
	for (;;) {
		interrupts_disable();
		if (this_cpu()->need_resched) {
			interrupts_enable();
			scheduler_reschedule();
			continue;
		}
		__asm__ volatile("sti; hlt");
	}
}
