/* SPDX-License-Identifier: MIT */
/* Making and ending threads: kernel stacks with a guard page, FPU areas, the first context on a new stack. */
#include "sched/thread.h"
#include "arch/x86_64/clock_hw.h"
#include "arch/x86_64/entry.h"
#include "arch/x86_64/fpu.h"
#include "debug/trace/trace.h"
#include "lib/errno.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/kernel_map.h"
#include "process/process.h"
#include "sched/scheduler.h"
#include "sched/clock.h"
#include "sched/stats.h"

enum { FPU_ALIGN = 64 };

/* Where context_switch goes on, and what thread_trampoline finds there (entry.asm). */
struct first_context { uint64_t rip, frame_pointer, function, argument; };

static struct slab_cache *thread_cache, *fpu_cache;

static void sleep_timer_expire(struct timer *timer)
{
	struct thread *thread = container_of(timer, struct thread, sleep_timer);

	thread->wait_timed_out = true;
	scheduler_make_ready(thread, THREAD_SLEEPING);
}

static void thread_init_fields(struct thread *thread, enum sched_class sched_class)
{
	refcount_init(&thread->refs, 1);	/* the scheduler's, dropped after the last switch away */
	list_init(&thread->run_link);
	list_init(&thread->process_link);
	timer_init(&thread->sleep_timer, sleep_timer_expire);
	thread->run_state = THREAD_NEW;
	thread->sched_class = sched_class;
	thread->endpoint = &no_endpoint;
	thread->affinity = UINT64_MAX;
	thread->cpu = this_cpu()->id;	/* any: from here on others may lock its queue */
	thread->fpu_cpu = CPU_MAX;
	thread->lent = thread->lent_by[LENT_BY_LOCKS] = thread->lent_by[LENT_BY_CALLS] = LEVEL_COUNT;
	sched_counters_thread(1);
}

static struct thread *thread_alloc(enum sched_class sched_class)
{
	struct thread *thread = slab_zalloc(thread_cache);

	if (!thread)
		return NULL;
	thread->stack_base = kernel_stack_alloc(KERNEL_STACK_SIZE);
	if (!thread->stack_base) {
		slab_free(thread_cache, thread);
		return NULL;
	}
	thread_init_fields(thread, sched_class);
	return thread;
}

static void push_first_context(struct thread *thread, uint64_t top, void (*fn)(void *), void *arg)
{
	struct first_context *context = (struct first_context *)top - 1;

	*context = (struct first_context){ .rip = (uint64_t)thread_trampoline, .function = (uint64_t)fn, .argument = (uint64_t)arg };
	thread->switch_rsp = (uint64_t)context;
}

static void kernel_thread_main(void *arg)
{
	struct { void (*fn)(void *); void *arg; } *start = arg, copy = *start;

	kfree(start);
	copy.fn(copy.arg);
	thread_exit();
}

COLD struct thread *thread_create_kernel(const char *name, void (*fn)(void *arg), void *arg, enum sched_class sched_class)
{
	struct { void (*fn)(void *); void *arg; } *start = kmalloc(sizeof(*start));
	struct thread *thread = start ? thread_alloc(sched_class) : NULL;

	if (!thread) {
		kfree(start);
		return NULL;
	}
	thread_set_name(thread, name);
	start->fn = fn;
	start->arg = arg;
	push_first_context(thread, (uint64_t)thread->stack_base + KERNEL_STACK_SIZE, kernel_thread_main, start);
	sched_update_priority(thread);
	return thread;
}

struct thread *thread_create_user(struct process *process, const struct trap_frame *frame)
{
	struct thread *parent = current_thread();
	struct thread *thread = thread_alloc(parent->sched_class);
	struct trap_frame *user_frame;

	if (!thread)
		return NULL;
	thread->fpu_area = slab_alloc(fpu_cache);
	if (!thread->fpu_area) {
		thread_put(thread);
		return NULL;
	}
	if (parent->fpu_area) {
		preempt_disable();
		fpu_save_current();
		memcpy(thread->fpu_area, parent->fpu_area, fpu_area_size());
		preempt_enable();
	} else {
		fpu_init_area(thread->fpu_area);
		thread->sched_class = CLASS_NORMAL;	/* process 1, made by a kernel thread */
	}
	memcpy(thread->name, parent->name, sizeof(thread->name));
	thread->fs_base = parent->fs_base;
	thread->gs_base = parent->gs_base;
	thread->nice = parent->nice;
	thread->policy = parent->policy;
	thread->rt_priority = parent->rt_priority;
	thread->affinity = parent->affinity;
	thread->process = process;
	process_get(process);
	user_frame = (struct trap_frame *)((uint64_t)thread->stack_base + KERNEL_STACK_SIZE) - 1;
	*user_frame = *frame;
	push_first_context(thread, (uint64_t)user_frame, NULL, NULL);
	if (parent->fpu_area && thread->sched_class != CLASS_IDLE) {
		/* The level, too: nobody gets ahead by making threads, and the new one waits until its maker has had its turn. */
		thread->priority = sched_own_level(parent);
		thread->best_priority = parent->best_priority;
		thread->rise_after = parent->rise_after;
	} else {
		sched_update_priority(thread);
	}
	return thread;
}

COLD struct thread *thread_create_idle(struct cpu *cpu, void *stack_base)
{
	struct thread *thread = slab_zalloc(thread_cache);
	uint64_t unused;

	if (!thread)
		return NULL;
	thread_init_fields(thread, CLASS_IDLE);
	thread_set_name(thread, "idle");
	thread->stack_base = stack_base ? stack_base : kernel_stack_alloc(KERNEL_STACK_SIZE);
	if (!thread->stack_base) {
		thread_put(thread);
		return NULL;
	}
	thread->run_state = THREAD_RUNNING;
	thread->priority = LEVEL_COUNT;	/* everybody is better */
	thread->cpu = cpu->id;
	thread->affinity = 1ull << cpu->id;
	/* Until its CPU starts it idles. */
	clock_hw_describe(&thread->run_stamp, &unused);
	return thread;
}

void thread_caches_init(void)
{
	thread_cache = slab_cache_create("thread", sizeof(struct thread), 64);
	fpu_cache = slab_cache_create("fpu", fpu_area_size(), FPU_ALIGN);
}

void thread_set_name(struct thread *thread, const char *name)
{
	string_copy(thread->name, name, THREAD_NAME_LEN);
	trace_name(thread);
}

void thread_get(struct thread *thread)
{
	refcount_get(&thread->refs);
}

void thread_put(struct thread *thread)
{
	if (!refcount_put(&thread->refs))
		return;
	sched_counters_thread(-1);
	process_put(thread->process);
	kernel_stack_free(thread->stack_base, KERNEL_STACK_SIZE);
	if (thread->fpu_area)
		slab_free(fpu_cache, thread->fpu_area);
	slab_free(thread_cache, thread);
}

void thread_exit(void)
{
	if (KERNEL_CHECKS)
		lock_check_thread_exit();
	scheduler_end_thread();
}

int sched_sleep_until(uint64_t deadline, bool interruptible)
{
	struct wait_queue queue;
	struct waiter waiter;
	int error = 0;

	wait_queue_init(&queue);
	wait_begin(&queue, &waiter);
	while (!error && clock_monotonic_ns() < deadline)
		error = wait_block(&waiter, deadline, interruptible ? WAIT_INTERRUPTIBLE : WAIT_UNINTERRUPTIBLE);
	wait_end(&waiter);
	return error == -ETIMEDOUT ? 0 : error;
}
