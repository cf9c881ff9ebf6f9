/* SPDX-License-Identifier: MIT */
/* Scheduling calls: policies with their limits and rights, attributes, what children inherit, nice values of groups and users, affinity. */
#include "check.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { USER = 4711, RESET = 0x40000000, FLAG_RESET = 1, FLAG_KEEP_POLICY = 8, FLAG_KEEP_PARAMETERS = 16 };

/* As the kernel has it; C libraries differ in whether they have it. */
struct attributes {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
};

static long set_policy(int tid, int policy, int priority)
{
	return syscall(SYS_sched_setscheduler, tid, policy, &priority);
}

static long policy_of(int tid)
{
	return syscall(SYS_sched_getscheduler, tid);
}

static long priority_of(int tid)
{
	int priority = -1;

	return syscall(SYS_sched_getparam, tid, &priority) ? -1 : priority;
}

static long set_attributes(int tid, struct attributes *attributes)
{
	return syscall(SYS_sched_setattr, tid, attributes, 0);
}

static long get_attributes(int tid, struct attributes *attributes)
{
	memset(attributes, 0xff, sizeof *attributes);
	return syscall(SYS_sched_getattr, tid, attributes, 48, 0);
}

static void policies(void)
{
	struct timespec interval;
	int five = 5;

	CHECK_EQ(policy_of(0), SCHED_OTHER);
	CHECK_ERR(set_policy(0, 77, 0), EINVAL);
	CHECK_ERR(set_policy(0, -1, 0), EINVAL);
	CHECK_ERR(set_policy(-1, SCHED_OTHER, 0), EINVAL);
	CHECK_ERR(set_policy(0x7fffffff, SCHED_OTHER, 0), ESRCH);
	CHECK_ERR(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, 8), EFAULT);
	CHECK_ERR(set_policy(0, SCHED_FIFO, 0), EINVAL);
	CHECK_ERR(set_policy(0, SCHED_FIFO, 100), EINVAL);
	CHECK_ERR(set_policy(0, SCHED_BATCH, 1), EINVAL);
	CHECK_EQ(set_policy(0, SCHED_FIFO, 99), 0);
	CHECK_EQ(policy_of(getpid()), SCHED_FIFO);
	CHECK_EQ(priority_of(0), 99);
	CHECK_EQ(syscall(SYS_sched_rr_get_interval, 0, &interval), 0);
	CHECK_EQ(interval.tv_sec + interval.tv_nsec, 0);
	CHECK_EQ(syscall(SYS_sched_setparam, 0, &five), 0);
	CHECK_EQ(priority_of(0), 5);
	CHECK_EQ(policy_of(0), SCHED_FIFO);
	CHECK_EQ(set_policy(0, SCHED_RR, 1), 0);
	CHECK_EQ(syscall(SYS_sched_rr_get_interval, 0, &interval), 0);
	CHECK(interval.tv_nsec > 0);
	CHECK_EQ(set_policy(0, SCHED_IDLE, 0), 0);
	CHECK_EQ(policy_of(0), SCHED_IDLE);
	CHECK_ERR(syscall(SYS_sched_setparam, 0, &five), EINVAL);
	CHECK_EQ(set_policy(0, SCHED_BATCH, 0), 0);
	CHECK_EQ(priority_of(0), 0);
	CHECK_ERR(policy_of(-1), EINVAL);
	CHECK_ERR(policy_of(0x7fffffff), ESRCH);
	CHECK_ERR(syscall(SYS_sched_getparam, 0, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_sched_rr_get_interval, -1, &interval), EINVAL);
	for (int i = 0; i < 6; i++) {
		CHECK_EQ(sched_get_priority_max(i), i == SCHED_FIFO || i == SCHED_RR ? 99 : i == 4 ? -1 : 0);
		CHECK_EQ(sched_get_priority_min(i), i == SCHED_FIFO || i == SCHED_RR ? 1 : i == 4 ? -1 : 0);
	}
}

static void attributes(void)
{
	struct attributes set = { .size = sizeof set, .policy = SCHED_FIFO, .priority = 7 }, got;
	struct { struct attributes known; uint64_t more; } longer = { .known = { .size = sizeof longer }, .more = 0 };

	CHECK_EQ(set_attributes(0, &set), 0);
	CHECK_EQ(get_attributes(0, &got), 0);
	CHECK_EQ(got.size, 48);
	CHECK_EQ(got.policy, SCHED_FIFO);
	CHECK_EQ(got.priority, 7);
	CHECK_EQ(got.flags | got.nice, 0);
	set = (struct attributes){ .size = 48, .policy = SCHED_OTHER, .nice = 11 };
	CHECK_EQ(set_attributes(0, &set), 0);
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), 11);
	set.nice = -100;
	set.flags = FLAG_KEEP_POLICY;
	CHECK_EQ(set_attributes(0, &set), 0);
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), -20);
	set = (struct attributes){ .policy = SCHED_BATCH, .flags = FLAG_KEEP_PARAMETERS | FLAG_RESET };	/* size 0: the first one */
	CHECK_EQ(set_attributes(0, &set), 0);
	CHECK_EQ(get_attributes(0, &got), 0);
	CHECK_EQ(got.policy, SCHED_OTHER);	/* the policy counts as a parameter */
	CHECK_EQ(got.nice, -20);
	CHECK_EQ(got.flags, FLAG_RESET);
	CHECK_EQ(policy_of(0), SCHED_OTHER | RESET);
	set.flags = 1 << 20;
	CHECK_ERR(set_attributes(0, &set), EINVAL);
	set = (struct attributes){ .size = 48, .policy = SCHED_FIFO, .priority = 100 };
	CHECK_ERR(set_attributes(0, &set), EINVAL);
	set = (struct attributes){ .size = 40 };
	CHECK_ERR(set_attributes(0, &set), E2BIG);
	CHECK(set.size >= 48);
	CHECK_EQ(set_attributes(0, &longer.known), 0);
	longer.more = 1;
	CHECK_ERR(set_attributes(0, &longer.known), E2BIG);
	CHECK_ERR(syscall(SYS_sched_setattr, 0, NULL, 0), EINVAL);
	CHECK_ERR(syscall(SYS_sched_setattr, 0, 8, 0), EFAULT);
	CHECK_ERR(syscall(SYS_sched_setattr, 0, &set, 1), EINVAL);
	CHECK_ERR(set_attributes(-1, &set), EINVAL);
	set = (struct attributes){ .size = 48 };
	CHECK_ERR(set_attributes(0x7fffffff, &set), ESRCH);
	CHECK_ERR(syscall(SYS_sched_getattr, 0, &got, 47, 0), EINVAL);
	CHECK_ERR(syscall(SYS_sched_getattr, 0, &got, 5000, 0), EINVAL);
	CHECK_ERR(syscall(SYS_sched_getattr, 0, &got, 48, 1), EINVAL);
	CHECK_ERR(syscall(SYS_sched_getattr, 0, 8, 48, 0), EFAULT);
}

static void reset_on_fork(void)
{
	pid_t child;

	CHECK_EQ(set_policy(0, SCHED_FIFO | RESET, 3), 0);
	CHECK_EQ(policy_of(0), SCHED_FIFO | RESET);
	child = fork();
	if (child == 0)
		_exit(policy_of(0) == SCHED_OTHER && priority_of(0) == 0 && getpriority(PRIO_PROCESS, 0) == 0 ? 0 : 1);
	CHECK_EQ(check_wait(child), 0);
	CHECK_EQ(set_policy(0, SCHED_OTHER | RESET, 0), 0);
	CHECK_EQ(setpriority(PRIO_PROCESS, 0, -5), 0);
	child = fork();
	if (child == 0)
		_exit(policy_of(0) == SCHED_OTHER && getpriority(PRIO_PROCESS, 0) == 0 ? 0 : 1);
	CHECK_EQ(check_wait(child), 0);
	CHECK_EQ(set_policy(0, SCHED_BATCH, 0), 0);
	child = fork();
	if (child == 0)
		_exit(policy_of(0) == SCHED_BATCH && getpriority(PRIO_PROCESS, 0) == -5 ? 0 : 1);
	CHECK_EQ(check_wait(child), 0);
}

/* As a user: what RLIMIT_RTPRIO and RLIMIT_NICE allow. */
static void limits(void)
{
	struct rlimit rtprio = { 10, 10 }, nice_limit = { 20 - 4, 20 - 4 }, none = { 0, 0 };
	struct attributes set = { .size = 48, .policy = SCHED_OTHER, .nice = 3 };

	CHECK_EQ(setrlimit(RLIMIT_RTPRIO, &rtprio), 0);
	CHECK_EQ(setrlimit(RLIMIT_NICE, &nice_limit), 0);
	CHECK_EQ(setresuid(USER, USER, USER), 0);
	CHECK_ERR(set_policy(1, SCHED_BATCH, 0), EPERM);
	CHECK_EQ(set_policy(0, SCHED_FIFO, 10), 0);
	CHECK_ERR(set_policy(0, SCHED_FIFO, 11), EPERM);
	CHECK_EQ(set_policy(0, SCHED_RR, 4), 0);
	CHECK_EQ(set_policy(0, SCHED_OTHER, 0), 0);
	CHECK_EQ(setpriority(PRIO_PROCESS, 0, 10), 0);
	CHECK_EQ(setpriority(PRIO_PROCESS, 0, 4), 0);
	CHECK_ERR(setpriority(PRIO_PROCESS, 0, 3), EACCES);
	CHECK_ERR(set_attributes(0, &set), EPERM);
	set.nice = 4;
	CHECK_EQ(set_attributes(0, &set), 0);
	CHECK_EQ(set_policy(0, SCHED_IDLE, 0), 0);
	CHECK_EQ(set_policy(0, SCHED_OTHER, 0), 0);
	/* Less than before is always allowed; the way back is not. */
	CHECK_EQ(set_policy(0, SCHED_FIFO, 9), 0);
	CHECK_EQ(setrlimit(RLIMIT_RTPRIO, &none), 0);
	CHECK_EQ(setrlimit(RLIMIT_NICE, &none), 0);
	CHECK_EQ(set_policy(0, SCHED_FIFO, 8), 0);
	CHECK_ERR(set_policy(0, SCHED_FIFO, 9), EPERM);
	CHECK_ERR(set_policy(0, SCHED_RR, 1), EPERM);
	CHECK_EQ(set_policy(0, SCHED_OTHER | RESET, 0), 0);
	CHECK_ERR(set_policy(0, SCHED_OTHER, 0), EPERM);
	CHECK_ERR(set_policy(0, SCHED_FIFO | RESET, 1), EPERM);
	CHECK_EQ(set_policy(0, SCHED_IDLE | RESET, 0), 0);
	CHECK_ERR(set_policy(0, SCHED_OTHER | RESET, 0), EPERM);
	CHECK_EQ(setpriority(PRIO_PROCESS, 0, 19), 0);
	CHECK_ERR(setpriority(PRIO_PROCESS, 0, 18), EACCES);
}

struct helper { sem_t ready, leave; volatile int tid; };

static void *stay(void *argument)
{
	struct helper *helper = argument;

	helper->tid = syscall(SYS_gettid);
	sem_post(&helper->ready);
	while (sem_wait(&helper->leave))
		;
	return NULL;
}

static pthread_t start_helper(struct helper *helper)
{
	pthread_t thread;

	sem_init(&helper->ready, 0, 0);
	sem_init(&helper->leave, 0, 0);
	CHECK_EQ(pthread_create(&thread, NULL, stay, helper), 0);
	while (sem_wait(&helper->ready))
		;
	return thread;
}

/* Each thread has its own values, which others may set by its number. */
static void threads(void)
{
	struct helper helper;
	pthread_t thread = start_helper(&helper);
	cpu_set_t set;

	CHECK_EQ(setpriority(PRIO_PROCESS, helper.tid, 7), 0);
	CHECK_EQ(getpriority(PRIO_PROCESS, helper.tid), 7);
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), 0);
	CHECK_EQ(set_policy(helper.tid, SCHED_RR, 6), 0);
	CHECK_EQ(policy_of(helper.tid), SCHED_RR);
	CHECK_EQ(policy_of(0), SCHED_OTHER);
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	CHECK_EQ(sched_setaffinity(helper.tid, sizeof set, &set), 0);
	CPU_ZERO(&set);
	CHECK_EQ(sched_getaffinity(helper.tid, sizeof set, &set), 0);
	CHECK_EQ(CPU_COUNT(&set), 1);
	CHECK(CPU_ISSET(0, &set));
	CPU_ZERO(&set);
	CHECK_ERR(sched_setaffinity(helper.tid, sizeof set, &set), EINVAL);
	CHECK_ERR(sched_setaffinity(0x7fffffff, sizeof set, &set), ESRCH);
	CHECK_ERR(sched_setaffinity(0, sizeof set, (void *)8), EFAULT);
	CHECK_ERR(syscall(SYS_sched_getaffinity, 0, 7, &set), EINVAL);
	CHECK_ERR(syscall(SYS_sched_getaffinity, 0, 12, &set), EINVAL);
	sem_post(&helper.leave);
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

/* A group, and all of a user: the lowest value is read, all are set. */
static void groups(void)
{
	int ready[2], leave[2];
	pid_t children[2];
	char byte;

	CHECK_EQ(pipe(ready) | pipe(leave), 0);
	for (int i = 0; i < 2; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			close(leave[1]);
			setpgid(0, i ? children[0] : 0);
			setpriority(PRIO_PROCESS, 0, 4 + i);
			setresuid(USER + 1, USER + 1, USER + 1);
			write(ready[1], "x", 1);
			read(leave[0], &byte, 1);
			_exit(getpriority(PRIO_PROCESS, 0));
		}
		CHECK_EQ(read(ready[0], &byte, 1), 1);
	}
	CHECK_EQ(getpriority(PRIO_PGRP, children[0]), 4);
	CHECK_EQ(getpriority(PRIO_USER, USER + 1), 4);
	CHECK_EQ(setpriority(PRIO_PGRP, children[0], 9), 0);
	CHECK_EQ(getpriority(PRIO_PROCESS, children[0]), 9);
	CHECK_EQ(getpriority(PRIO_PROCESS, children[1]), 9);
	CHECK_EQ(setpriority(PRIO_USER, USER + 1, 12), 0);
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), 0);
	CHECK_ERR(getpriority(PRIO_USER, USER + 2), ESRCH);
	CHECK_ERR(setpriority(PRIO_PGRP, 0x7fffffff, 1), ESRCH);
	/* Another's threads: not for a user, and no error is lost behind those that work. */
	CHECK_EQ(setresuid(USER + 3, USER + 3, USER + 3), 0);
	CHECK_ERR(setpriority(PRIO_PGRP, children[0], 13), EPERM);
	CHECK_ERR(sched_setaffinity(children[0], sizeof(cpu_set_t), &(cpu_set_t){ { 1 } }), EPERM);
	CHECK_ERR(set_policy(children[0], SCHED_BATCH, 0), EPERM);
	close(leave[0]);
	close(leave[1]);
	CHECK_EQ(check_wait(children[0]), 12);
	CHECK_EQ(check_wait(children[1]), 12);
}

static void which_cpu(void)
{
	unsigned cpu = 999, node = 999;
	cpu_set_t set;

	CHECK_EQ(syscall(SYS_getcpu, &cpu, &node, NULL), 0);
	CHECK(cpu < 64);
	CHECK_EQ(node, 0);
	CHECK_EQ(sched_getaffinity(0, sizeof set, &set), 0);
	CHECK(CPU_ISSET(cpu, &set));
	CHECK_EQ(syscall(SYS_getcpu, NULL, NULL, NULL), 0);
	CHECK_ERR(syscall(SYS_getcpu, 8, NULL, NULL), EFAULT);
	CHECK_ERR(syscall(SYS_getcpu, NULL, 8, NULL), EFAULT);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(policies), CASE(attributes), CASE(reset_on_fork), CASE(limits), CASE(threads), CASE(groups), CASE(which_cpu),
		{ NULL, NULL },
	};

	return check_main("sched", cases, argc, argv);
}
