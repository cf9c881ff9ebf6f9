/* SPDX-License-Identifier: MIT */
/*
 * The profiler's samples: a timer on each CPU looks at what it has interrupted and follows frame pointers, in the kernel and then, by copies that end
 * at what is not there, in the program.
 */
#include "debug/trace/rings.h"
#include "arch/x86_64/entry.h"
#include "arch/x86_64/trap.h"
#include "arch/x86_64/user_access_now.h"
#include "mm/user_copy.h"
#include "sched/clock.h"
#include "sched/thread.h"

enum { KERNEL_MAX = STACK_MAX / 2 };

struct walk {
	uint64_t *stack;
	unsigned kernel, user;
	uint64_t low, high;	/* the kernel stack */
};

/* A pair of saved frame pointer and return address at @rbp on the kernel stack, or NULL. */
static const uint64_t *kernel_pair(const struct walk *walk, uint64_t rbp)
{
	return !(rbp & 7) && rbp >= walk->low && rbp <= walk->high - 16 ? (const uint64_t *)rbp : NULL;
}

static void walk_user(struct walk *walk, uint64_t rip, uint64_t rbp)
{
	uint64_t pair[2];

	for (;;) {
		walk->stack[walk->kernel + walk->user++] = rip;
		if (walk->kernel + walk->user == STACK_MAX || (rbp & 7) || !user_range_ok(rbp, sizeof(pair)) ||
		    !user_copy_in_now(pair, rbp, sizeof(pair)) || pair[0] <= rbp || !user_range_ok(pair[1], 1))
			return;
		rip = pair[1];
		rbp = pair[0];
	}
}

static void walk_trap(struct walk *walk, const struct trap_frame *frame)
{
	const uint64_t *pair;
	uint64_t rbp, next;

	if (trap_from_user(frame)) {
		walk_user(walk, frame->rip, frame->rbp);
		return;
	}
	walk->stack[walk->kernel++] = frame->rip;
	for (rbp = frame->rbp; walk->kernel < KERNEL_MAX && (pair = kernel_pair(walk, rbp)); rbp = next) {
		next = pair[0];
		/* A trap in the kernel: the pointer to its frame is where a frame pointer would be. */
		if (pair[1] == (uint64_t)trap_return) {
			frame = (const struct trap_frame *)next;
			if (!kernel_pair(walk, next) || next > walk->high - sizeof(*frame))
				return;
			if (trap_from_user(frame)) {
				walk_user(walk, frame->rip, frame->rbp);
				return;
			}
			walk->stack[walk->kernel++] = frame->rip;
			next = frame->rbp;
		/* A system call: handlers are called with the program's frame pointer. */
		} else if (pair[1] > (uint64_t)syscall_entry && pair[1] <= (uint64_t)syscall_entry_end) {
			walk_user(walk, thread_user_frame()->rip, next);
			return;
		} else {
			walk->stack[walk->kernel++] = pair[1];
		}
		if (next <= rbp)
			return;
	}
}

/* The registers that the running interrupt has interrupted; NULL if there is no sense in the stack. */
static const struct trap_frame *interrupted(const struct walk *walk)
{
	const uint64_t *pair = kernel_pair(walk, (uint64_t)__builtin_frame_address(0));

	while (pair && pair[1] != (uint64_t)trap_return)
		pair = pair[0] > (uint64_t)pair ? kernel_pair(walk, pair[0]) : NULL;
	return pair ? (const struct trap_frame *)pair[0] : NULL;
}

static void take_sample(struct trace_ring *ring)
{
	const struct thread *thread = current_thread();
	struct walk walk = { ring->stack, 0, 0, (uint64_t)thread->stack_base, (uint64_t)thread->stack_base + KERNEL_STACK_SIZE };
	const struct trap_frame *frame = interrupted(&walk);
	uint32_t tid = trace_tid(thread);
	unsigned count;

	if (!frame)
		return;
	walk_trap(&walk, frame);
	count = walk.kernel + walk.user;
	if (tid && !thread->process)
		trace_add_name(thread);
	trace_put(ring, cpu_read_tsc(), TRACE_SAMPLE, tid, walk.kernel | walk.user << 8, ring->stack[0]);
	for (unsigned i = 1; i < count; i += 2)
		trace_put(ring, ring->stack[i], TRACE_FRAMES, tid, 0, i + 1 < count ? ring->stack[i + 1] : 0);
}

static void expire(struct timer *timer)
{
	struct trace_ring *ring = container_of(timer, struct trace_ring, sampler);
	uint64_t now = clock_monotonic_ns(), next = timer->deadline + ring->period;

	if (trace_rings[this_cpu()->id] == ring)
		take_sample(ring);
	timer_arm(timer, next > now ? next : now + ring->period);
}

void trace_sampler_start(struct trace_ring *ring, uint64_t period)
{
	ring->period = period;
	timer_init(&ring->sampler, expire);
	timer_arm(&ring->sampler, clock_monotonic_ns() + period);
}

void trace_sampler_stop(struct trace_ring *ring)
{
	if (ring->period)
		timer_cancel(&ring->sampler);
	ring->period = 0;
}
