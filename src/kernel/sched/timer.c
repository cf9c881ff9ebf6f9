/* SPDX-License-Identifier: MIT */
/*
 * Timer queues, one a CPU: armed timers in a tree by deadline. A timer is armed on the CPU that arms it, unless another runs its expire(). The hardware
 * is programmed for the earliest of them and the end of the running thread's quantum (scheduler.c); there is no periodic tick.
 */
#include "sched/timer.h"
#include "arch/x86_64/clock_hw.h"
#include "sched/clock.h"
#include "sched/scheduler.h"
#include "sync/spinlock.h"

#define PAUSE_MOST_NS (NS_PER_SEC / 10)

struct timer_queue {
	struct spinlock lock;		/* guards all of it; taken with interrupts off */
	struct rb_tree timers;
	struct timer *running;		/* whose expire() runs now */
} __attribute__((aligned(64)));

static struct timer_queue queues[CPU_MAX];

void timer_queues_init(void)
{
	for (unsigned i = 0; i < CPU_MAX; i++)
		spinlock_init(&queues[i].lock, LOCK_TIMER_QUEUE);
}

void timer_init(struct timer *timer, void (*expire)(struct timer *timer))
{
	*timer = (struct timer){ .expire = expire };
}

static void insert(struct timer_queue *queue, struct timer *timer)
{
	struct rb_node **place = &queue->timers.root, *parent = NULL;

	while (*place) {
		parent = *place;
		place = timer->deadline < rb_entry(parent, struct timer, node)->deadline ? &parent->left : &parent->right;
	}
	rb_insert(&queue->timers, &timer->node, parent, place, NULL);
	timer->armed = true;
}

static void take_out(struct timer_queue *queue, struct timer *timer)
{
	rb_remove(&queue->timers, &timer->node, NULL);
	timer->armed = false;
}

/*
 * Programs this CPU's hardware if it would come too late. Coming too early is harmless, and cheaper than reprogramming at every switch.
 * @deadline is the TSC's. Interrupts off.
 */
static inline void program(struct cpu *cpu, uint64_t deadline)
{
	if (deadline < cpu->timer_event) {
		cpu->timer_event = deadline;
		clock_hw_program(deadline);
	}
}

void timer_program(struct cpu *cpu, uint64_t deadline)
{
	program(cpu, deadline);
}

/* Locks the queue that @timer is on, or was on last. Interrupts off. */
static struct timer_queue *lock_queue_of(const struct timer *timer)
{
	for (;;) {
		unsigned cpu = __atomic_load_n(&timer->cpu, __ATOMIC_RELAXED);

		spin_lock(&queues[cpu].lock);
		if (likely(timer->cpu == cpu))
			return &queues[cpu];
		spin_unlock(&queues[cpu].lock);
	}
}

void timer_arm(struct timer *timer, uint64_t deadline)
{
	uint64_t flags = interrupts_save();
	struct timer_queue *own = &queues[this_cpu()->id], *queue;

	for (;;) {
		queue = lock_queue_of(timer);
		if (timer->armed)
			take_out(queue, timer);
		/* While expire() runs it stays there, for timer_cancel() to find; that CPU looks at its queue again afterwards. */
		if (likely(queue == own) || queue->running == timer)
			break;
		__atomic_store_n(&timer->cpu, own - queues, __ATOMIC_RELAXED);
		spin_unlock(&queue->lock);	/* somebody else may arm it before we have the lock of our own queue */
	}
	timer->deadline = deadline;
	insert(queue, timer);
	if (likely(queue == own && !queue->running))	/* else timer_run_expired() does it when it is through */
		program(this_cpu(), clock_hw_deadline(deadline));
	spin_unlock_irq(&queue->lock, flags);
}

bool timer_cancel(struct timer *timer)
{
	bool was_armed, busy;

	do {
		uint64_t flags = interrupts_save();
		struct timer_queue *queue = lock_queue_of(timer);

		busy = queue->running == timer;
		was_armed = timer->armed;
		if (was_armed)
			take_out(queue, timer);
		spin_unlock_irq(&queue->lock, flags);
		if (busy)
			cpu_relax();	/* expire() runs on another CPU and will end soon */
	} while (busy);
	return was_armed;
}

/* Programs the hardware for what comes next, if anything does: for no timer before @earliest. */
static void program_next(struct cpu *cpu, const struct timer_queue *queue, uint64_t earliest)
{
	struct rb_node *first = rb_first(&queue->timers);

	if (first)
		program(cpu, clock_hw_deadline(MAX(rb_entry(first, struct timer, node)->deadline, earliest)));
	if (cpu->quantum_end)
		program(cpu, cpu->quantum_end);
}

/*
 * Those that are due when it begins, each once: what they arm comes later, and not before threads have had as much time as this took. So timers, of
 * which a user can have many that are due again at once, leave them half of it. Not for long, as it may have been the machine that stood still.
 */
void timer_run_expired(void)
{
	struct cpu *cpu = this_cpu();
	struct timer_queue *queue = &queues[cpu->id];
	uint64_t flags = spin_lock_irq(&queue->lock);
	uint64_t begin = clock_monotonic_ns(), now;
	struct rb_node *first;

	cpu->timer_event = UINT64_MAX;
	while ((first = rb_first(&queue->timers))) {
		struct timer *timer = rb_entry(first, struct timer, node);

		if (timer->deadline > begin)
			break;
		take_out(queue, timer);
		queue->running = timer;
		spin_unlock_irq(&queue->lock, flags);
		timer->expire(timer);
		flags = spin_lock_irq(&queue->lock);
		queue->running = NULL;
	}
	if (cpu->quantum_end <= cpu_read_tsc())
		cpu->quantum_end = 0;	/* the scheduler is about to see it; it sets the next one */
	now = clock_monotonic_ns();
	program_next(cpu, queue, now + MIN(now - begin, PAUSE_MOST_NS));
	spin_unlock_irq(&queue->lock, flags);
}
