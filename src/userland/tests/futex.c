/* SPDX-License-Identifier: MIT */
/* What thread libraries stand on: futex operations, clone3, set_tid_address, robust lists, the FS base. */
/* calls: clone3 */
#include "check.h"

#include <asm/prctl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SYS_CLONE3 = 435 };

struct clone3_arguments {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
};

static volatile uint32_t *word, *other, *awake;

static long futex(volatile uint32_t *at, int operation, uint32_t value, const void *limit, volatile uint32_t *second,
		  uint32_t third)
{
	return syscall(SYS_futex, at, operation, value, limit, second, third);
}

static void share_words(void)
{
	word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	other = word + 1;
	awake = word + 2;
}

static void wait_on_word(void *bits)
{
	if (futex(word, bits ? FUTEX_WAIT_BITSET : FUTEX_WAIT, 0, NULL, NULL, (uint32_t)(long)bits))
		_exit(1);
	__atomic_add_fetch(awake, 1, __ATOMIC_SEQ_CST);
}

/* Waits until @pid sleeps in its futex call. */
static void settle(pid_t pid)
{
	CHECK(check_state(pid, 'S', 5000));
}

static void errors(void)
{
	struct timespec brief = { 0, 20000000 }, bad = { 0, 2000000000 };
	long start = check_now();

	share_words();
	CHECK_ERR(futex(word, FUTEX_WAIT, 1, NULL, NULL, 0), EAGAIN);
	CHECK_ERR(futex(word, FUTEX_WAIT, 0, &brief, NULL, 0), ETIMEDOUT);
	CHECK(check_now() - start >= 19);
	CHECK_ERR(futex(word, FUTEX_WAIT, 0, &bad, NULL, 0), EINVAL);
	CHECK_ERR(futex((void *)((char *)word + 1), FUTEX_WAIT, 0, &brief, NULL, 0), EINVAL);
	CHECK_ERR(futex((void *)8, FUTEX_WAIT, 0, &brief, NULL, 0), EFAULT);
	CHECK_ERR(futex(word, 99, 0, NULL, NULL, 0), ENOSYS);
	CHECK_ERR(futex(word, FUTEX_WAIT_BITSET, 0, &brief, NULL, 0), EINVAL);
	CHECK_EQ(futex(word, FUTEX_WAKE, 10, NULL, NULL, 0), 0);
	CHECK_EQ(futex(word, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0), 0);
}

static void absolute_time(void)
{
	struct timespec limit;
	long start = check_now();

	share_words();
	clock_gettime(CLOCK_MONOTONIC, &limit);
	limit.tv_nsec += 30000000;
	if (limit.tv_nsec >= 1000000000) {
		limit.tv_sec++;
		limit.tv_nsec -= 1000000000;
	}
	CHECK_ERR(futex(word, FUTEX_WAIT_BITSET, 0, &limit, NULL, ~0u), ETIMEDOUT);
	CHECK(check_now() - start >= 28);
	CHECK_ERR(futex(word, FUTEX_WAIT_BITSET, 0, &limit, NULL, ~0u), ETIMEDOUT);
	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec--;
	CHECK_ERR(futex(word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &limit, NULL, ~0u), ETIMEDOUT);
}

static void set_clock_later(void *until)
{
	settle(getppid());
	clock_settime(CLOCK_REALTIME, until);
}

/* A time of the wall clock comes at once when somebody sets that clock there; a time of the other one does not. */
static void clock_is_set(void)
{
	struct timespec now, limit;

	share_words();
	clock_gettime(CLOCK_REALTIME, &now);
	for (int i = 0; i < 2; i++) {
		pid_t child;
		long start = check_now();

		clock_gettime(CLOCK_REALTIME, &limit);
		limit.tv_sec += 4000;
		child = check_spawn(set_clock_later, &limit);
		if (i)
			CHECK_ERR(futex(word, FUTEX_LOCK_PI, 0, &limit, NULL, 0), ETIMEDOUT);
		else
			CHECK_ERR(futex(word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &limit, NULL, ~0u), ETIMEDOUT);
		CHECK(check_now() - start < 4000000);
		check_wait(child);
		*word = getppid();
	}
	clock_settime(CLOCK_REALTIME, &now);
}

static volatile uint32_t private_word;

static void *wait_privately(void *unused)
{
	while (futex(&private_word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0) && errno == EINTR)
		;
	return unused;
}

/* Private operations and others do not meet, neither on shared memory nor on private. */
static void private_and_shared(void)
{
	pthread_t thread;
	pid_t child;

	share_words();
	settle(child = check_spawn(wait_on_word, NULL));
	CHECK_EQ(futex(word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 0);
	CHECK_EQ(futex(word, FUTEX_WAKE, 1, NULL, NULL, 0), 1);
	CHECK_EQ(check_wait(child), 0);
	CHECK_EQ(pthread_create(&thread, NULL, wait_privately, NULL), 0);
	check_sleep(50);
	CHECK_EQ(futex(&private_word, FUTEX_WAKE, 1, NULL, NULL, 0), 0);
	for (long end = check_now() + 10000; futex(&private_word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) != 1 && CHECK(check_now() < end);)
		check_sleep(2);
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

static void wake_counts(void)
{
	pid_t waiters[3];

	share_words();
	for (int i = 0; i < 3; i++)
		settle(waiters[i] = check_spawn(wait_on_word, NULL));
	CHECK_EQ(futex(word, FUTEX_WAKE, 1, NULL, NULL, 0), 1);
	CHECK(check_await((volatile int *)awake, 5000));
	check_sleep(20);
	CHECK_EQ(*awake, 1);
	CHECK_EQ(futex(word, FUTEX_WAKE, 10, NULL, NULL, 0), 2);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(check_wait(waiters[i]), 0);
	CHECK_EQ(*awake, 3);
}

static void bit_sets(void)
{
	pid_t first, second;

	share_words();
	settle(first = check_spawn(wait_on_word, (void *)1L));
	settle(second = check_spawn(wait_on_word, (void *)2L));
	CHECK_EQ(futex(word, FUTEX_WAKE_BITSET, 10, NULL, NULL, 4), 0);
	CHECK_EQ(futex(word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 4), 0);
	CHECK_EQ(futex(word, FUTEX_WAKE_BITSET, 10, NULL, NULL, 2), 1);
	CHECK_EQ(check_wait(second), 0);
	CHECK_EQ(futex(word, FUTEX_WAKE, 10, NULL, NULL, 0), 1);
	CHECK_EQ(check_wait(first), 0);
	CHECK_ERR(futex(word, FUTEX_WAKE_BITSET, 10, NULL, NULL, 0), EINVAL);
}

/* Who waits on a word is not woken by wakes of others, some of which the kernel keeps in the same place. */
static void other_words(void)
{
	pid_t waiter;
	int woken = 0;

	share_words();
	settle(waiter = check_spawn(wait_on_word, NULL));
	for (int i = 1; i < 4096 / 4; i++)
		woken += futex(word + i, FUTEX_WAKE, 1, NULL, NULL, 0);
	CHECK_EQ(woken, 0);
	CHECK_EQ(futex(word, FUTEX_WAKE, 1, NULL, NULL, 0), 1);
	CHECK_EQ(check_wait(waiter), 0);
}

static void requeue(void)
{
	pid_t waiters[3];

	share_words();
	for (int i = 0; i < 3; i++)
		settle(waiters[i] = check_spawn(wait_on_word, NULL));
	CHECK_ERR(futex(word, FUTEX_CMP_REQUEUE, 1, (void *)10L, other, 7), EAGAIN);
	/* One wakes, two move: the answer counts both for CMP_REQUEUE. */
	CHECK_EQ(futex(word, FUTEX_CMP_REQUEUE, 1, (void *)10L, other, 0), 3);
	CHECK_EQ(futex(word, FUTEX_WAKE, 10, NULL, NULL, 0), 0);
	CHECK_EQ(futex(other, FUTEX_REQUEUE, 0, (void *)1L, word, 0), 1);
	CHECK_EQ(futex(other, FUTEX_WAKE, 10, NULL, NULL, 0), 1);
	CHECK_EQ(futex(word, FUTEX_WAKE, 10, NULL, NULL, 0), 1);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(check_wait(waiters[i]), 0);
}

static void wake_operation(void)
{
	pid_t waiter;

	share_words();
	*other = 5;
	settle(waiter = check_spawn(wait_on_word, NULL));
	/* other += 2, as it was 5 > 9 is false: only the first word's waiters wake. */
	CHECK_EQ(futex(word, FUTEX_WAKE_OP, 1, (void *)1L, other, FUTEX_OP(FUTEX_OP_ADD, 2, FUTEX_OP_CMP_GT, 9)), 1);
	CHECK_EQ(*other, 7);
	CHECK_EQ(check_wait(waiter), 0);
	/* An argument that is the number of a bit, the highest, too. */
	CHECK_EQ(futex(word, FUTEX_WAKE_OP, 1, (void *)1L, other, FUTEX_OP((FUTEX_OP_OR | FUTEX_OP_OPARG_SHIFT), 31, FUTEX_OP_CMP_EQ, 0)), 0);
	CHECK_EQ((unsigned)*other, 0x80000007u);
}

static volatile int interrupted;

static void on_signal(int number)
{
	(void)number;
	interrupted++;
}

static void signal_parent(void *unused)
{
	(void)unused;
	check_signal_parent(SIGUSR1);
}

static void signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct timespec limit = { 20, 0 };
	pid_t child;

	share_words();
	sigaction(SIGUSR1, &action, NULL);
	child = check_spawn(signal_parent, NULL);
	CHECK_ERR(futex(word, FUTEX_WAIT, 0, &limit, NULL, 0), EINTR);
	CHECK_EQ(interrupted, 1);
	check_wait(child);
}

/* A private mapping of one process and a shared one of two are different keys though the address is one. */
static void private_keys(void)
{
	volatile uint32_t *private = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct timespec brief = { 0, 500000000 };
	pid_t child;

	*private = 0;
	child = fork();
	if (child == 0)
		_exit(futex(private, FUTEX_WAIT, 0, &brief, NULL, 0) == -1 && errno == ETIMEDOUT ? 0 : 1);
	settle(child);
	CHECK_EQ(futex(private, FUTEX_WAKE, 10, NULL, NULL, 0), 0);
	CHECK_EQ(check_wait(child), 0);
}

static volatile uint32_t thread_tid = 1, thread_ran, parent_tid;
static char thread_stack[65536] __attribute__((aligned(16)));
static volatile int thread_storage = 4711;

/* The thread must not return: it leaves by the exit call alone, with nothing of the C library. */
static void thread_body(void)
{
	int value;

	__asm__ volatile("movl %%fs:0, %0" : "=r"(value));
	thread_ran = value == 4711 ? 1 : 2;
	for (;;)
		__asm__ volatile("syscall" :: "a"(SYS_exit), "D"(0) : "rcx", "r11", "memory");
}

static long start_thread(struct clone3_arguments *arguments)
{
	register long body __asm__("r8") = (long)thread_body;
	long result;

	__asm__ volatile("syscall\n"
			 "test %%rax, %%rax\n"
			 "jnz 1f\n"
			 "xor %%ebp, %%ebp\n"
			 "call *%%r8\n"
			 "1:"
			 : "=a"(result)
			 : "a"((long)SYS_CLONE3), "D"(arguments), "S"(sizeof *arguments), "r"(body) : "rcx", "r11", "memory");
	return result;
}

static void clone3_call(void)
{
	struct clone3_arguments arguments = {
		.flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS
			 | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID,
		.child_tid = (uint64_t)&thread_tid, .parent_tid = (uint64_t)&parent_tid,
		.stack = (uint64_t)thread_stack, .stack_size = sizeof thread_stack, .tls = (uint64_t)&thread_storage,
	}, child = { .exit_signal = SIGCHLD }, bad = { .flags = CLONE_THREAD };
	struct timespec limit = { 10, 0 };
	long tid = start_thread(&arguments), result;

	CHECK(tid > 0);
	CHECK_EQ(parent_tid, tid);
	/* The kernel clears the word and wakes it when the thread is gone. */
	while (thread_tid)
		if (futex(&thread_tid, FUTEX_WAIT, thread_tid, &limit, NULL, 0) < 0 && errno != EAGAIN)
			break;
	CHECK_EQ(thread_ran, 1);
	CHECK_EQ(thread_tid, 0);
	result = syscall(SYS_CLONE3, &child, sizeof child);
	if (result == 0)
		_exit(12);
	CHECK_EQ(check_wait(result), 12);
	CHECK_ERR(syscall(SYS_CLONE3, &bad, sizeof bad), EINVAL);
	CHECK_ERR(syscall(SYS_CLONE3, &child, 8), EINVAL);
	CHECK_ERR(syscall(SYS_CLONE3, (void *)8, sizeof child), EFAULT);
}

static void tid_address(void)
{
	volatile uint32_t *cleared;
	pid_t child;

	share_words();
	cleared = word;
	*cleared = 99;
	child = fork();
	if (child == 0) {
		/* Cleared only when others still share the memory: not for a process of its own. */
		if (syscall(SYS_set_tid_address, cleared) != getpid())
			_exit(1);
		_exit(0);
	}
	CHECK_EQ(check_wait(child), 0);
	CHECK_EQ(*cleared, 99);
	CHECK_EQ(syscall(SYS_set_tid_address, cleared), getpid());
}

struct robust_entry {
	struct robust_list list;
	volatile uint32_t lock;
};

static void robust_list(void)
{
	struct robust_list_head *head, *got;
	struct robust_entry *entry;
	size_t size;
	pid_t child;

	share_words();
	entry = (void *)(word + 16);
	child = fork();
	if (child == 0) {
		static struct robust_list_head own;

		entry->lock = getpid() | FUTEX_WAITERS;
		entry->list.next = &own.list;
		own.list.next = &entry->list;
		own.futex_offset = offsetof(struct robust_entry, lock);
		if (syscall(SYS_set_robust_list, &own, sizeof own))
			_exit(1);
		_exit(0);
	}
	CHECK_EQ(check_wait(child), 0);
	CHECK_EQ(entry->lock, FUTEX_OWNER_DIED | FUTEX_WAITERS);
	CHECK_ERR(syscall(SYS_set_robust_list, &head, 3), EINVAL);
	CHECK_EQ(syscall(SYS_get_robust_list, 0, &got, &size), 0);
	CHECK_EQ(size, sizeof *head);
	/* A list that runs in a circle or through wild pointers must not hold the kernel up. */
	child = fork();
	if (child == 0) {
		static struct robust_list_head circle, wild = { .list = { (void *)0xffff800000000000 } };
		static struct robust_list link;

		circle.list.next = &link;
		link.next = &link;
		syscall(SYS_set_robust_list, fork() ? &circle : &wild, sizeof circle);
		_exit(0);
	}
	CHECK_EQ(check_wait(child), 0);
}

static void fs_base(void)
{
	unsigned long base = 0, value;

	CHECK_EQ(syscall(SYS_arch_prctl, ARCH_GET_FS, &base), 0);
	CHECK(base != 0);
	__asm__ volatile("mov %%fs:0, %0" : "=r"(value));
	CHECK_EQ(value, base);		/* the thread pointer points at itself (x86-64 TLS ABI) */
	CHECK_ERR(syscall(SYS_arch_prctl, ARCH_SET_FS, 1UL << 63), EPERM);
	CHECK_ERR(syscall(SYS_arch_prctl, 0x9999, 0), EINVAL);
	CHECK_EQ(syscall(SYS_arch_prctl, ARCH_SET_GS, 0x12345000), 0);
	sched_yield();
	CHECK_EQ(syscall(SYS_arch_prctl, ARCH_GET_GS, &value), 0);
	CHECK_EQ(value, 0x12345000);
}

enum { MEETINGS = 20000, SPREAD = 1200 };

/* Gives the word back a little later each time, so that the wake-up comes at every moment of the other's falling asleep. */
static void give_back(void *argument)
{
	(void)argument;
	for (unsigned i = 0; i < MEETINGS; i++) {
		for (unsigned tries = 1; !*word; tries++)
			if (tries % 1000 == 0)
				sched_yield();
		for (volatile unsigned steps = i % SPREAD; steps; steps--)
			;
		__atomic_store_n(word, 0, __ATOMIC_SEQ_CST);
		futex(word, FUTEX_WAKE, 1, NULL, NULL, 0);
	}
}

/* No wake-up is lost between the look at the word and the sleep, which only shows with several CPUs. */
static void wakes_meet_sleeps(void)
{
	struct timespec patience = { 20, 0 };
	unsigned lost = 0;
	pid_t child;

	share_words();
	child = check_spawn(give_back, NULL);
	for (unsigned i = 0; i < MEETINGS && !lost; i++) {
		__atomic_store_n(word, 1, __ATOMIC_SEQ_CST);
		while (*word && !lost)
			lost = futex(word, FUTEX_WAIT, 1, &patience, NULL, 0) < 0 && errno == ETIMEDOUT;
	}
	CHECK_EQ(lost, 0);
	if (lost)
		kill(child, SIGKILL);
	CHECK_EQ(check_wait(child), lost ? CHECK_KILLED + SIGKILL : 0);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(errors), CASE(absolute_time), CASE(clock_is_set), CASE(private_and_shared),
		CASE(wakes_meet_sleeps), CASE(wake_counts), CASE(bit_sets), CASE(other_words), CASE(requeue), CASE(wake_operation),
		CASE(signals), CASE(private_keys), CASE(clone3_call), CASE(tid_address), CASE(robust_list), CASE(fs_base),
		{ NULL, NULL },
	};

	return check_main("futex", cases, argc, argv);
}
