/* SPDX-License-Identifier: MIT */
/*
 * Which CPU a thread runs on. A thread that becomes ready goes to a CPU that idles, if one does, and else stays where it ran last; but a real-time or
 * high thread that would wait there goes where it need not. Who is about to sleep takes the thread that it wakes to its own CPU, so that two that take
 * turns share one. A CPU that runs out of work takes some from the others, and a busy one looks now and then whether more threads wait elsewhere than here.
 *
 * A thread moves in the state THREAD_MOVING, in which nobody else touches it, and with one queue locked at a time.
 */
#include "sched/internal.h"
#include "arch/x86_64/clock_hw.h"
#include "debug/trace/trace.h"
#include "lib/errno.h"
#include "process/rseq.h"
#include "sched/clock.h"

enum { SEARCH_MAX = 256 /* threads looked at, with interrupts off, for one that may move */, BALANCE_MS = 50, OFFER_AFTER_US = 100 };

uint64_t idle_cpus;	/* also read by arch/x86_64/notify_path.inc */

static uint64_t bit_of(const struct cpu *cpu)
{
	return 1ull << cpu->id;
}

static bool may_run(const struct thread *thread, const struct cpu *cpu)
{
	return thread->affinity & bit_of(cpu);
}

/* One of @candidates that idles, which is told so nobody else picks it; or NULL. */
static struct cpu *claim_idle(uint64_t candidates, const struct cpu *preferred)
{
	uint64_t found;

	while ((found = atomic_load(&idle_cpus) & candidates)) {
		uint64_t bit = found >> preferred->id & 1 ? 1ull << preferred->id : found & -found;

		if (atomic_and(&idle_cpus, ~bit) & bit)
			return cpus[__builtin_ctzll(bit)];
	}
	return NULL;
}

static uint64_t allowed_cpus(const struct thread *thread)
{
	return thread->affinity & atomic_load(&cpus_online);
}

/* The CPU of @allowed where the fewest threads wait. Looked at without locks. */
static struct cpu *least_busy(uint64_t allowed)
{
	struct cpu *best = NULL;

	for (; allowed; allowed &= allowed - 1) {
		struct cpu *cpu = cpus[__builtin_ctzll(allowed)];

		if (!best || atomic_load_relaxed(&cpu->run_queue->count) < atomic_load_relaxed(&best->run_queue->count))
			best = cpu;
	}
	return best;
}

static void offer_soon(struct cpu *cpu)
{
	timer_program(cpu, cpu_read_tsc() + clock_hw_tsc_hz() / 1000000 * OFFER_AFTER_US);
}

void placement_offer_later(struct cpu *cpu, const struct thread *thread)
{
	if (atomic_load_relaxed(&idle_cpus) & thread->affinity)
		offer_soon(cpu);
}

/* Where @thread, of @cpu, had best run. */
static struct cpu *choose(struct cpu *cpu, const struct thread *thread, bool soon)
{
	uint64_t allowed = allowed_cpus(thread);
	struct cpu *self = this_cpu(), *idle;

	if (soon && (allowed & bit_of(self)) && !atomic_load_relaxed(&self->run_queue->count) && self->current != self->idle) {
		/* If the caller stays busy, somebody who idles gets the thread then. */
		placement_offer_later(self, thread);
		return self;
	}
	idle = claim_idle(allowed, cpu);
	if (idle)
		return idle;
	return allowed & bit_of(cpu) ? cpu : least_busy(allowed);
}

/* Moves @thread, which is on no queue, from @cpu, locked, to @target; locks that instead. */
static void change_cpu(struct cpu *cpu, struct cpu *target, struct thread *thread)
{
	thread->run_state = THREAD_MOVING;
	trace_migrate(thread, target->id);
	thread->moved_at = cpu_read_tsc();
	__atomic_store_n(&thread->cpu, target->id, __ATOMIC_RELAXED);
	rseq_disturb(thread);
	queue_unlock(cpu->run_queue);
	queue_lock(target->run_queue);
}

/* Would @thread run on @cpu, locked, at once? */
static bool would_run(const struct thread *thread, const struct cpu *cpu)
{
	return thread->priority < cpu->current->priority && !(thread->priority < LEVEL_HIGH && cpu->run_queue->realtime_throttled);
}

/*
 * @thread, in THREAD_MOVING and of a class before the normal one, would wait on @cpu, where it belongs: the allowed CPU that runs what is worst, if that
 * is worse than @thread. No queue is locked; what is found may have changed when it is used, then the thread waits there.
 */
static struct cpu *find_worse(struct cpu *cpu, const struct thread *thread)
{
	unsigned worst = 0;
	struct cpu *best = cpu;

	for (uint64_t rest = allowed_cpus(thread) & ~bit_of(cpu); rest; rest &= rest - 1) {
		struct cpu *other = cpus[__builtin_ctzll(rest)];

		queue_lock(other->run_queue);
		if (would_run(thread, other) && other->current->priority > worst) {
			worst = other->current->priority;
			best = other;
		}
		queue_unlock(other->run_queue);
	}
	return best;
}

/* Moves @thread, of @cpu, locked, to where it runs at once, if there is such a CPU. Returns its CPU, locked. */
static struct cpu *avoid_waiting(struct cpu *cpu, struct thread *thread)
{
	struct cpu *target;

	thread->run_state = THREAD_MOVING;
	queue_unlock(cpu->run_queue);
	target = find_worse(cpu, thread);
	queue_lock(cpu->run_queue);
	if (target != cpu)
		change_cpu(cpu, target, thread);
	return target;
}

/* @cpu may have been claimed because it idles, and gets nothing: it looks for work once more, and says again that it idles. */
static void let_go(struct cpu *cpu)
{
	if (cpu != this_cpu() && cpu->current == cpu->idle)
		smp_send_reschedule(cpu);
}

/* Makes @thread, of @cpu, locked, wait where it had best; returns that CPU, locked instead. */
static struct cpu *enqueue(struct cpu *cpu, struct thread *thread, bool soon)
{
	for (;;) {
		struct cpu *target = choose(cpu, thread, soon);

		if (target != cpu)
			change_cpu(cpu, target, thread);
		cpu = target;
		if (unlikely(thread->priority < LEVEL_NORMAL) && !would_run(thread, cpu)) {
			cpu = avoid_waiting(cpu, thread);
			if (cpu != target)
				let_go(target);
		}
		if (likely(may_run(thread, cpu)))
			break;
		let_go(cpu);	/* the thread's affinity was changed meanwhile */
	}
	enqueue_ready(cpu, thread);
	return cpu;
}

/* A thread waits on a busy CPU: somebody of @allowed who has begun to idle meanwhile may want it. */
static bool offer(uint64_t allowed, const struct cpu *cpu)
{
	struct cpu *idle;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);	/* it was put there before we look; the idle look there after they say so */
	idle = claim_idle(allowed, cpu);
	if (idle)
		smp_send_reschedule(idle);
	return idle;
}

void placement_enqueue(struct cpu *cpu, struct thread *thread, bool soon, uint32_t *woken)
{
	uint64_t allowed;
	bool waits;

	cpu = enqueue(cpu, thread, soon);
	allowed = thread->affinity;
	waits = !cpu->need_resched;
	if (woken)
		atomic_store(woken, 1);
	queue_unlock(cpu->run_queue);
	if (waits && !soon)
		offer(allowed, cpu);
}

void placement_rehome(struct thread *thread)
{
	placement_enqueue(lock_cpu_of(thread), thread, false, NULL);
}

/* ---- Taking work from others ---- */

/* A thread that waits on @queue, locked, may run on one of @targets, and is of a level from @first on, before @limit; the one whose turn is next, if it may. */
static struct thread *find_movable(struct run_queue *queue, uint64_t targets, unsigned first, unsigned limit)
{
	unsigned looked_at = 0;

	for (unsigned word = first / 64; word < BITMAP_WORDS; word++) {
		for (uint64_t bits = queue->bitmap[word]; bits; bits &= bits - 1) {
			unsigned level = word * 64 + __builtin_ctzll(bits);
			struct thread *thread;

			if (level >= limit)
				return NULL;
			list_for_each(thread, &queue->levels[level], run_link) {
				if (thread->affinity & targets)
					return thread;
				if (++looked_at == SEARCH_MAX)
					return NULL;
			}
		}
	}
	return NULL;
}

/*
 * @thread waits on @from, locked, where @cpu found one more waiting than on itself: should it come, so that they take turns in having a CPU for
 * themselves? Of it and the one that runs there, the one that has been there longer comes; the other has just had to share. Who is kept from running by a
 * real-time thread takes no turns with that.
 */
static bool turn_to_move(const struct thread *thread, const struct cpu *from, const struct cpu *cpu)
{
	const struct thread *running = from->current;

	if (from->run_queue->count > atomic_load_relaxed(&cpu->run_queue->count) + 1 || !may_run(running, cpu) ||
	    (running->priority < LEVEL_HIGH && thread->priority >= LEVEL_HIGH))
		return true;
	return thread->moved_at <= running->moved_at;
}

/* Takes a thread better than @limit from @from. @alternate: as turn_to_move. */
static bool pull(struct cpu *cpu, struct cpu *from, unsigned limit, bool alternate)
{
	struct thread *thread;

	queue_lock(from->run_queue);
	thread = find_movable(from->run_queue, bit_of(cpu), cpu->run_queue->realtime_throttled ? LEVEL_HIGH : 0, limit);
	if (!thread || (alternate && !turn_to_move(thread, from, cpu))) {
		queue_unlock(from->run_queue);
		return false;
	}
	run_queue_remove(from->run_queue, &thread->run_link, thread->priority);
	change_cpu(from, cpu, thread);
	if (likely(may_run(thread, cpu))) {
		enqueue_ready(cpu, thread);
		queue_unlock(cpu->run_queue);
	} else {	/* its affinity was changed meanwhile */
		placement_enqueue(cpu, thread, false, NULL);
	}
	return true;
}

/* The CPU of @others where most threads wait, if more than @least do; or NULL. */
static struct cpu *busiest_of(uint64_t others, unsigned least)
{
	struct cpu *busiest = NULL;

	for (; others; others &= others - 1) {
		struct cpu *other = cpus[__builtin_ctzll(others)];
		unsigned count = atomic_load_relaxed(&other->run_queue->count);

		if (count > least) {
			busiest = other;
			least = count;
		}
	}
	return busiest;
}

/* As pull(), from where more than @least wait: the busiest first, and if nothing there may come, the next. */
static bool pull_from_others(struct cpu *cpu, unsigned least, unsigned limit, bool alternate)
{
	uint64_t others = atomic_load(&cpus_online) & ~bit_of(cpu);
	struct cpu *from;

	while ((from = busiest_of(others, least))) {
		if (pull(cpu, from, limit, alternate))
			return true;
		others &= ~bit_of(from);
	}
	return false;
}

/*
 * @cpu has said that it idles. Who has not seen that makes a thread ready with its queue locked (arch/x86_64/notify_path.inc): that is waited for, so that the
 * thread is found. Whoever locks a queue from now on sees it.
 */
static void await_makers(const struct cpu *cpu)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (uint64_t rest = atomic_load(&cpus_online) & ~bit_of(cpu); rest; rest &= rest - 1)
		while (atomic_load(&cpus[__builtin_ctzll(rest)]->run_queue->lock.locked))
			cpu_relax();
}

bool placement_idle(struct cpu *cpu)
{
	if (cpus_several() && !cpu->need_resched) {
		atomic_or(&idle_cpus, bit_of(cpu));
		await_makers(cpu);
		pull_from_others(cpu, 0, LEVEL_COUNT, false);
	}
	if (!cpu->need_resched)
		return true;
	if (atomic_load(&idle_cpus) & bit_of(cpu))
		atomic_and(&idle_cpus, ~bit_of(cpu));
	return false;
}

/* Threads wait on @cpu, this one, while others idle: one of those that may take one is told. Returns whether there was one. */
static bool offer_waiting(struct cpu *cpu)
{
	struct thread *thread;
	uint64_t allowed;

	queue_lock(cpu->run_queue);
	thread = find_movable(cpu->run_queue, atomic_load(&idle_cpus), 0, LEVEL_COUNT);
	allowed = thread ? thread->affinity : 0;
	queue_unlock(cpu->run_queue);
	return offer(allowed, cpu);
}

void placement_balance(struct cpu *cpu, uint64_t now)
{
	unsigned waiting = atomic_load_relaxed(&cpu->run_queue->count), running = cpu->current->priority, limit;

	/* That one takes a single thread: the others are for other CPUs. */
	if (waiting && atomic_load(&idle_cpus) && offer_waiting(cpu) && waiting > 1)
		offer_soon(cpu);
	if (now < cpu->balance_at)
		return;
	/* Nobody who would only wait here for what runs: of worse classes, or of any but the real-time one. */
	limit = running < LEVEL_HIGH ? LEVEL_HIGH : running - (running - LEVEL_HIGH) % LEVELS_PER_CLASS + LEVELS_PER_CLASS;
	/* Also when only one more waits there, so that three that share two CPUs take turns. If it is not the turn of what waits now, look again soon. */
	if (!busiest_of(atomic_load(&cpus_online) & ~bit_of(cpu), waiting) || pull_from_others(cpu, waiting, limit, true))
		cpu->balance_at = now + clock_hw_tsc_hz() / 1000 * BALANCE_MS;
}

/* ---- Affinity ---- */

int sched_set_affinity(struct thread *thread, uint64_t mask)
{
	uint64_t flags;
	struct cpu *cpu;
	unsigned state;

	if (!(mask & atomic_load(&cpus_online)))
		return -EINVAL;
	flags = interrupts_save();
	preempt_disable();
	cpu = lock_cpu_of(thread);
	thread->affinity = mask;
	/* Who sleeps is woken elsewhere then, also by a message past the scheduler (arch/x86_64/message_path.inc). */
	state = thread->run_state;	/* once: of a thread with another CPU it is guarded by another lock */
	if (!may_run(thread, cpu) && state == THREAD_SLEEPING) {
		thread->fpu_cpu = CPU_MAX;
		rseq_disturb(thread);
		__atomic_store_n(&thread->cpu, least_busy(allowed_cpus(thread))->id, __ATOMIC_RELEASE);
	}
	if (may_run(thread, cpu) || (state != THREAD_READY && state != THREAD_RUNNING)) {
		queue_unlock(cpu->run_queue);
	} else if (state == THREAD_READY) {
		run_queue_remove(cpu->run_queue, &thread->run_link, thread->priority);
		placement_enqueue(cpu, thread, false, NULL);
	} else {
		ask_to_reschedule(cpu);
		queue_unlock(cpu->run_queue);
	}
	interrupts_restore(flags);
	preempt_enable();
	/* What its affinity is now: somebody else may have allowed it again to stay there. */
	while (atomic_load_relaxed(&thread->run_state) == THREAD_RUNNING &&
	       !(atomic_load_relaxed(&thread->affinity) >> atomic_load_relaxed(&thread->cpu) & 1))
		cpu_relax();
	return 0;
}
