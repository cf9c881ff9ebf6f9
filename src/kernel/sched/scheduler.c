/* SPDX-License-Identifier: MIT */
/*
 * The scheduler: picks, switches (switch.h), accounts. A thread's run_state and its place on a run queue are guarded by the queue's lock.
 *
 * What is not done at every switch is elsewhere: how quanta begin and end and how threads sink and rise in priority.c, the real-time budget in
 * realtime.c, on which CPU threads run in placement.c.
 */
#include "sched/switch.h"
#include "arch/x86_64/clock_hw.h"
#include "arch/x86_64/interrupts.h"
#include "mm/heap.h"
#include "sched/clock.h"
#include "sched/stats.h"

enum { FAIR_MS = 80 /* between fair turns */ };

struct cpu *cpus[CPU_MAX];

static struct run_queue boot_queue __attribute__((aligned(64)));

void switch_leave_user_state(struct cpu *cpu, struct thread *prev)
{
	if (prev->fpu_area) {
		fpu_save(prev->fpu_area);
		cpu->fpu_owner = prev;
		prev->fpu_cpu = cpu->id;
	}
	tlb_become_lazy(cpu);
}

void switch_see_to(struct cpu *cpu, struct thread *left)
{
	realtime_switched(cpu);
	if (left == cpu->idle)
		return;
	if (left->run_state == THREAD_DEAD)
		thread_put(left);
	else
		placement_rehome(left);
}

struct thread *switch_pick_with_care(struct cpu *cpu, uint64_t now)
{
	struct run_queue *queue = cpu->run_queue;
	unsigned level = run_queue_best(queue);

	if (level == LEVEL_COUNT)
		return cpu->idle;
	if (now >= queue->fair_at) {
		struct list *link = run_queue_take_fair(queue, level);

		queue->fair_at = now + clock_hw_tsc_hz() / 1000 * FAIR_MS;
		return list_entry(link, struct thread, run_link);
	}
	return list_entry(run_queue_take(queue, level), struct thread, run_link);
}

/* The running thread may have to give way. @in_kernel: where it will go on. As leave_cpu. */
static void give_way(struct cpu *cpu, bool in_kernel)
{
	struct thread *prev = cpu->current, *next;
	uint64_t now = cpu_read_tsc();
	bool used_up;

	account(prev, now);
	cpu->need_resched = 0;
	used_up = prev->quantum_left == 0;
	if (unlikely(!(prev->affinity >> cpu->id & 1))) {
		prev->run_state = THREAD_MOVING;
		cpu->left = prev;
	} else if (prev != cpu->idle) {
		bool to_back = used_up && quantum_end(cpu, prev, now);

		if (unlikely(in_kernel && prev->sched_class == CLASS_IDLE))
			priority_raise_in_kernel(prev);
		prev->run_state = THREAD_READY;
		run_queue_push(cpu->run_queue, &prev->run_link, prev->priority, !to_back);
		if (unlikely(&prev->run_link == cpu->run_queue->in_turn) && !used_up)
			cpu->run_queue->fair_at = FAIR_GOES_ON;
	}
	/* Who was woken to run here at once does. */
	next = pick(cpu, used_up ? now : 0);
	if (next == prev) {
		prev->run_state = THREAD_RUNNING;
		if (prev != cpu->idle)
			set_quantum_end(cpu, now + slice(cpu, prev, now));
		queue_unlock(cpu->run_queue);
		return;
	}
	/* Who idles has looked here before @prev had to wait, and a real-time thread may keep the CPU for long. */
	if (unlikely(cpus_several()) && prev != cpu->idle)
		placement_offer_later(cpu, prev);
	switch_to(cpu, prev, next, now);
}

void thread_first_run(void)
{
	finish_switch();
	interrupts_enable();
	preempt_enable();
}

void thread_came_back(void)
{
	finish_switch();
}

static void reschedule(bool in_kernel)
{
	while (this_cpu()->need_resched) {
		uint64_t flags = interrupts_save();
		struct cpu *cpu = this_cpu();

		preempt_disable();
		queue_lock(cpu->run_queue);
		current_thread()->involuntary_switches++;
		give_way(cpu, in_kernel);
		interrupts_restore(flags);
		preempt_enable_unseen();
	}
}

void scheduler_reschedule(void)
{
	reschedule(false);
}

void preempt_check(void)
{
	if (!preemption_is_off() && interrupts_enabled() && current_thread())
		reschedule(true);
}

void scheduler_preempt_from_interrupt(struct trap_frame *frame)
{
	struct cpu *cpu = this_cpu();

	/* Threads that were in user mode switch on their way out (syscall_exit_work). */
	if (cpu->need_resched && cpu->preempt_count == 0 && !trap_from_user(frame))
		reschedule(true);
}

void scheduler_sleep_now(const uint32_t *woken, enum wait_mode mode)
{
	sleep_now(woken, mode);
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
	cpu->left = thread;
	leave_cpu(cpu);
	panic("a dead thread was run again");
}

/* Makes @thread, of @cpu, locked, ready and sets *@woken if there is one. Unlocks. */
static inline void enqueue(struct cpu *cpu, struct thread *thread, bool soon, uint32_t *woken)
{
	trace_wake(thread);
	if (unlikely(cpus_several())) {
		placement_enqueue(cpu, thread, soon, woken);
		return;
	}
	enqueue_ready(cpu, thread);
	if (woken)
		atomic_store(woken, 1);
	queue_unlock(cpu->run_queue);
}

/* Counts what @thread has slept, if it has sunk. False: that is enough to rise, and nothing was counted. */
static inline bool count_sleep(struct thread *thread)
{
	int64_t left;

	if (likely(thread->priority <= thread->best_priority))
		return true;
	left = thread->rise_after - (int64_t)(cpu_read_tsc() - thread->run_stamp);
	if (unlikely(left <= 0))
		return false;
	thread->rise_after = left;
	return true;
}

/* Who has sunk rises by sleeping. */
static inline void rise(struct thread *thread)
{
	if (unlikely(!count_sleep(thread)))
		priority_rise(thread);
}

static __attribute__((noinline)) void wake_anywhere(struct thread *thread, uint32_t *woken, bool soon)
{
	struct cpu *cpu = lock_cpu_of(thread);

	if (unlikely(thread->run_state != THREAD_SLEEPING)) {
		atomic_store(woken, 1);
		queue_unlock(cpu->run_queue);
		return;
	}
	rise(thread);
	enqueue(cpu, thread, soon, woken);
}

void scheduler_wake(struct thread *thread, uint32_t *woken, bool soon)
{
	struct cpu *cpu = this_cpu();
	struct run_queue *queue = cpu->run_queue;

	if (unlikely(cpus_several())) {
		wake_anywhere(thread, woken, soon);
		return;
	}
	/* The same in fewer instructions, for who does not rise. A second CPU may have started just now. */
	queue_lock(queue);
	if (unlikely(thread->cpu != cpu->id) || (likely(thread->run_state == THREAD_SLEEPING) && unlikely(!count_sleep(thread)))) {
		queue_unlock(queue);
		wake_anywhere(thread, woken, soon);
		return;
	}
	if (likely(thread->run_state == THREAD_SLEEPING)) {
		thread->run_state = THREAD_READY;
		run_queue_push(queue, &thread->run_link, thread->priority, false);
		trace_wake(thread);
		if (thread->priority < cpu->current->priority)
			cpu->need_resched = 1;
	}
	atomic_store(woken, 1);
	queue_unlock(queue);
}

void scheduler_wake_caller(struct thread *thread, uint32_t *woken)
{
	struct cpu *cpu = this_cpu();
	struct run_queue *queue = cpu->run_queue;

	queue_lock(queue);
	/* Who has sunk may rise. */
	if (unlikely(cpus_several() || thread->run_state != THREAD_SLEEPING || thread->priority > thread->best_priority)) {
		queue_unlock(queue);
		scheduler_wake(thread, woken, true);
		return;
	}
	thread->run_state = THREAD_READY;
	run_queue_push(queue, &thread->run_link, thread->priority, true);
	trace_wake(thread);
	if (thread->priority < cpu->current->priority)
		cpu->need_resched = 1;
	atomic_store(woken, 1);
	queue_unlock(queue);
}

bool scheduler_make_ready(struct thread *thread, enum thread_run_state from_state)
{
	uint64_t flags = interrupts_save();
	struct cpu *cpu;
	bool did;

	preempt_disable();
	cpu = lock_cpu_of(thread);
	did = thread->run_state == from_state;
	if (did && from_state == THREAD_SLEEPING)
		rise(thread);
	if (did)
		enqueue(cpu, thread, false, NULL);
	else
		queue_unlock(cpu->run_queue);
	interrupts_restore(flags);
	preempt_enable();
	return did;
}

void thread_interrupt(struct thread *thread, bool kill)
{
	uint64_t flags = interrupts_save();
	struct cpu *cpu;

	preempt_disable();
	cpu = lock_cpu_of(thread);
	if (thread->run_state == THREAD_SLEEPING &&
	    (thread->wait_mode == WAIT_INTERRUPTIBLE || (kill && thread->wait_mode == WAIT_KILLABLE))) {
		rise(thread);
		enqueue(cpu, thread, false, NULL);
	} else {
		/* A running thread notices on its way to user mode; make it come by. */
		if (thread->run_state == THREAD_RUNNING && thread != current_thread())
			ask_to_reschedule(cpu);
		queue_unlock(cpu->run_queue);
	}
	interrupts_restore(flags);
	preempt_enable();
}

void thread_start(struct thread *thread)
{
	preempt_disable();
	this_cpu()->forks++;
	preempt_enable();
	trace_fork(thread);
	scheduler_make_ready(thread, THREAD_NEW);
}

void sched_yield(void)
{
	preempt_disable();
	KASSERT(this_cpu()->preempt_count == 1);	/* no spinlock is held */
	current_thread()->quantum_left = current_thread()->turn_left = 0;
	this_cpu()->need_resched = 1;
	preempt_enable();
}

/* The timer interrupt: due timers, time-slice, and a sample of who was running. */
static void timer_interrupt(struct trap_frame *frame)
{
	struct cpu *cpu = this_cpu();
	struct thread *thread = cpu->current;
	bool in_quantum = cpu->quantum_end;

	/* Before the accounting: a quantum that is over for the timer queue, which forgets it then, must be over below too. */
	timer_run_expired();
	if (thread != cpu->idle) {
		if (trap_from_user(frame)) {
			thread->times.user_ticks++;
			cpu->times.user_ticks++;
		} else {
			thread->times.system_ticks++;
			cpu->times.system_ticks++;
		}
		queue_lock(cpu->run_queue);
		account(thread, cpu_read_tsc());
		/* It may be another thread's that was handed over to this one with a message (arch/x86_64/message_path.inc). */
		if (in_quantum && !cpu->quantum_end)
			thread->quantum_left = 0;
		queue_unlock(cpu->run_queue);
		if (thread->quantum_left == 0)
			cpu->need_resched = 1;
		if (unlikely(cpus_several()))
			placement_balance(cpu, thread->run_stamp);
	}
}

static void use_idle_thread(struct cpu *cpu, struct run_queue *queue, struct thread *idle)
{
	cpu->timer_event = UINT64_MAX;
	run_queue_init(queue);
	cpu->run_queue = queue;
	cpu->idle = cpu->current = idle;
	cpu->tlb_state = TLB_LAZY;
	cpu->sleeps_here = THREAD_SLEEPING | (uint64_t)cpu->id << 32;
	descriptors_set_kernel_stack(cpu, (uint64_t)idle->stack_base + KERNEL_STACK_SIZE);
}

COLD void scheduler_init(void)
{
	struct cpu *cpu = this_cpu();
	struct thread *idle;

	thread_caches_init();
	idle = thread_create_idle(cpu, boot_stack_base);
	if (!idle)
		panic("out of memory while making the idle thread");
	use_idle_thread(cpu, &boot_queue, idle);
	cpus[cpu->id] = cpu;
	timer_queues_init();
	realtime_init();
	interrupts_set_timer_handler(timer_interrupt);
	if (!interrupts_use_apic())
		irq_register(0, NULL, NULL, "timer");
	sched_stats_init();
}

bool scheduler_init_cpu(struct cpu *cpu)
{
	struct frame *frame = frame_alloc(FRAME_ZERO | FRAME_KERNEL);	/* its cache lines are nobody else's */
	struct run_queue *queue = frame ? frame_to_virt(frame) : NULL;
	struct thread *idle = queue ? thread_create_idle(cpu, NULL) : NULL;

	if (!idle)
		return false;
	use_idle_thread(cpu, queue, idle);
	return true;
}

void scheduler_idle_loop(void)
{
	for (;;) {
		/* With preemption off interrupts come back here, so that placement_idle() knows who idles. */
		preempt_disable();
		interrupts_disable();
		while (placement_idle(this_cpu())) {
			cpu_wait_for_interrupt();
			interrupts_disable();
		}
		interrupts_enable();
		preempt_enable();
	}
}
