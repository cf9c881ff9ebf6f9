/* SPDX-License-Identifier: MIT */
/*
 * The timer queue: armed timers in a tree by deadline. The hardware is programmed for the earliest of them and the end of the running
 * thread's quantum (scheduler.c); there is no periodic tick.
 */
#include "sched/timer.h"
#include "arch/x86_64/clock_hw.h"
#include "sched/clock.h"
#include "sched/scheduler.h"
#include "sync/spinlock.h"

static struct spinlock queue_lock;	/* taken with interrupts off */
static struct rb_tree queue;		/* guarded by queue_lock */
static struct timer *running;		/* whose expire() runs now; guarded by queue_lock */
static uint64_t quantum_end = UINT64_MAX;	/* this CPU's; guarded by queue_lock */
static uint64_t programmed = UINT64_MAX;	/* when the hardware will interrupt; guarded by queue_lock */

void timer_init(struct timer *timer, void (*expire)(struct timer *timer))
{
	*timer = (struct timer){ .expire = expire };
}

static void insert(struct timer *timer)
{
	struct rb_node **place = &queue.root, *parent = NULL;

	while (*place) {
		parent = *place;
		place = timer->deadline < rb_entry(parent, struct timer, node)->deadline ? &parent->left : &parent->right;
	}
	rb_insert(&queue, &timer->node, parent, place, NULL);
	timer->armed = true;
}

/* Programs the hardware if it would come too late. Coming too early is harmless, and cheaper than reprogramming at every switch. */
static void program(uint64_t deadline)
{
	if (deadline < programmed) {
		programmed = deadline;
		clock_hw_program(deadline);
	}
}

void timer_arm(struct timer *timer, uint64_t deadline)
{
	uint64_t flags = spin_lock_irq(&queue_lock);

	if (timer->armed)
		rb_remove(&queue, &timer->node, NULL);
	timer->deadline = deadline;
	insert(timer);
	program(deadline);
	spin_unlock_irq(&queue_lock, flags);
}

bool timer_cancel(struct timer *timer)
{
	bool was_armed;

	for (;;) {
		uint64_t flags = spin_lock_irq(&queue_lock);
		bool busy = running == timer;

		was_armed = timer->armed;
		if (was_armed) {
			rb_remove(&queue, &timer->node, NULL);
			timer->armed = false;
		}
		spin_unlock_irq(&queue_lock, flags);
		if (!busy)
			return was_armed;
		cpu_relax();	/* expire() runs on another CPU and will end soon */
	}
}

void timer_set_quantum_end(uint64_t deadline)
{
	uint64_t flags = spin_lock_irq(&queue_lock);

	quantum_end = deadline;
	program(deadline);
	spin_unlock_irq(&queue_lock, flags);
}

void timer_run_expired(void)
{
	uint64_t flags = spin_lock_irq(&queue_lock);
	struct rb_node *first;

	programmed = UINT64_MAX;
	for (;;) {
		struct timer *timer;

		first = rb_first(&queue);
		timer = first ? rb_entry(first, struct timer, node) : NULL;

		if (!timer || timer->deadline > clock_monotonic_ns())
			break;
		rb_remove(&queue, &timer->node, NULL);
		timer->armed = false;
		running = timer;
		spin_unlock_irq(&queue_lock, flags);
		timer->expire(timer);
		flags = spin_lock_irq(&queue_lock);
		running = NULL;
	}
	if (quantum_end <= clock_monotonic_ns())
		quantum_end = UINT64_MAX;	/* the scheduler has seen it; it sets the next one */
	program(MIN(first ? rb_entry(first, struct timer, node)->deadline : UINT64_MAX, quantum_end));
	spin_unlock_irq(&queue_lock, flags);
}
