/* SPDX-License-Identifier: MIT */
/*
 * Timer queues, one a CPU: armed timers in a tree by deadline. A timer is armed on the CPU that arms it. The hardware is programmed for
 * the earliest of them and the end of the running thread's quantum (scheduler.c); there is no periodic tick.
 */
#include "sched/timer.h"
#include "arch/x86_64/clock_hw.h"
#include "sched/clock.h"
#include "sched/scheduler.h"
#include "sync/spinlock.h"

struct timer_queue {
	struct spinlock lock;		/* guards all of it; taken with interrupts off */
	struct rb_tree timers;
	struct timer *running;		/* whose expire() runs now */
	uint64_t quantum_end;		/* 0: none */
	uint64_t programmed;		/* when the hardware will interrupt; 0: it will not */
} __attribute__((aligned(64)));

static struct timer_queue queues[CPU_MAX];

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
 */
static void program(struct timer_queue *queue, uint64_t deadline)
{
	if (!queue->programmed || deadline < queue->programmed) {
		queue->programmed = deadline;
		clock_hw_program(deadline);
	}
}

void timer_arm(struct timer *timer, uint64_t deadline)
{
	uint64_t flags = interrupts_save();
	struct timer_queue *queue = &queues[this_cpu()->id], *old = &queues[timer->cpu];

	spin_lock(&old->lock);
	if (timer->armed)
		take_out(old, timer);
	if (old != queue) {
		spin_unlock(&old->lock);
		spin_lock(&queue->lock);
	}
	timer->cpu = queue - queues;
	timer->deadline = deadline;
	insert(queue, timer);
	program(queue, deadline);
	spin_unlock_irq(&queue->lock, flags);
}

bool timer_cancel(struct timer *timer)
{
	bool was_armed, busy;

	do {
		struct timer_queue *queue = &queues[timer->cpu];
		uint64_t flags = spin_lock_irq(&queue->lock);

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

void timer_set_quantum_end(uint64_t deadline)
{
	struct timer_queue *queue = &queues[this_cpu()->id];
	uint64_t flags = spin_lock_irq(&queue->lock);

	queue->quantum_end = deadline;
	program(queue, deadline);
	spin_unlock_irq(&queue->lock, flags);
}

/* When the hardware must come next; UINT64_MAX: never. */
static uint64_t next_event(const struct timer_queue *queue)
{
	struct rb_node *first = rb_first(&queue->timers);
	uint64_t timer = first ? rb_entry(first, struct timer, node)->deadline : UINT64_MAX;

	return queue->quantum_end ? MIN(timer, queue->quantum_end) : timer;
}

void timer_run_expired(void)
{
	struct timer_queue *queue = &queues[this_cpu()->id];
	uint64_t flags = spin_lock_irq(&queue->lock), next;
	struct rb_node *first;

	queue->programmed = 0;
	while ((first = rb_first(&queue->timers))) {
		struct timer *timer = rb_entry(first, struct timer, node);

		if (timer->deadline > clock_monotonic_ns())
			break;
		take_out(queue, timer);
		queue->running = timer;
		spin_unlock_irq(&queue->lock, flags);
		timer->expire(timer);
		flags = spin_lock_irq(&queue->lock);
		queue->running = NULL;
	}
	if (queue->quantum_end <= clock_monotonic_ns())
		queue->quantum_end = 0;	/* the scheduler has seen it; it sets the next one */
	next = next_event(queue);
	if (next != UINT64_MAX)
		program(queue, next);
	spin_unlock_irq(&queue->lock, flags);
}
