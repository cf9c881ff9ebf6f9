/* SPDX-License-Identifier: MIT */
/*
 * rseq: registering areas; sections that signals, other threads and moves end, and only their end and no other; areas and sections that are wrong; what
 * fork, threads and exec make of an area. A section here runs until it is ended, so that no time has to be guessed.
 */
#include "check.h"
#include "built_with.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

enum { SIZE = 32, SIGNATURE = 0x53053053, OTHER_SIGNATURE = 0x12345678, UNREGISTER = 1, NO_CPU = -1, PAGE = 4096, COUNTERS = 4, ROUNDS = 2000, DELAY = 3000 };

struct section { uint32_t version, flags; uint64_t start, length, abort; } __attribute__((aligned(32)));
struct area { volatile uint32_t cpu_start, cpu; struct section *volatile section; volatile uint32_t flags; } __attribute__((aligned(32)));

/* What other processes see of a section, and it of them. */
static volatile struct shared { int entered, handled, spin; } *shared;

static struct section forever, add;
static uint64_t unsigned_abort;	/* before which there is another signature */
static int cpus;

/* Where a label of the assembly below is. */
#define ADDRESS(label) ({ uint64_t address; __asm__("leaq " #label "(%%rip), %0" : "=r"(address)); address; })

static long rseq(volatile void *area, unsigned size, int flags, unsigned signature)
{
	return syscall(SYS_rseq, area, size, flags, signature);
}

/* A section without an end, that says that it was entered. Returns when it was aborted. */
__attribute__((noinline, noclone)) static void run_forever(volatile struct area *area, struct section *section, volatile int *entered)
{
	__asm__ volatile(
		"movq %[section], %[slot]\n"
		"forever_start:\n"
		"1:	movl $1, %[entered]\n"
		"	pause\n"
		"	jmp 1b\n"
		"forever_end:\n"
		"	ud2\n"
		"	.long %c[other]\n"
		"wrong_abort:\n"
		"	ud2\n"
		"	.long %c[signature]\n"
		"forever_abort:\n"
		: [slot] "=m"(area->section), [entered] "=m"(*entered)
		: [section] "r"(section), [signature] "i"(SIGNATURE), [other] "i"(OTHER_SIGNATURE) : "memory");
}

/* Adds one to *@count, which others add to as well on this CPU, slowly and without a lock. Whether it was done. */
__attribute__((noinline, noclone)) static int add_one(volatile struct area *area, volatile long *count)
{
	long seen, left = DELAY;
	int done = 1;

	__asm__ volatile(
		"movq %[section], %[slot]\n"
		"add_start:\n"
		"	movq %[count], %[seen]\n"
		"	incq %[seen]\n"
		"1:	decq %[left]\n"
		"	jnz 1b\n"
		"	movq %[seen], %[count]\n"
		"add_end:\n"
		"	jmp 2f\n"
		"	.long %c[signature]\n"
		"add_abort:\n"
		"	xorl %[done], %[done]\n"
		"2:\n"
		: [slot] "=m"(area->section), [count] "+m"(*count), [seen] "=&r"(seen), [left] "+&r"(left), [done] "+&r"(done)
		: [section] "r"(&add), [signature] "i"(SIGNATURE) : "memory", "cc");
	return done;
}

static void begin(void)
{
	forever = (struct section){ .start = ADDRESS(forever_start), .abort = ADDRESS(forever_abort) };
	forever.length = ADDRESS(forever_end) - forever.start;
	add = (struct section){ .start = ADDRESS(add_start), .abort = ADDRESS(add_abort) };
	add.length = ADDRESS(add_end) - add.start;
	unsigned_abort = ADDRESS(wrong_abort);
	shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static void stay_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	CHECK_EQ(sched_setaffinity(0, sizeof set, &set), 0);
}

static void registering(void)
{
	static struct area areas[2];
	struct area *area = &areas[0];

	area->cpu = 77;
	CHECK_ERR(rseq(area, SIZE, 2, SIGNATURE), EINVAL);
	CHECK_ERR(rseq(area, SIZE, -1, SIGNATURE), EINVAL);
	CHECK_ERR(rseq(area, SIZE - 1, 0, SIGNATURE), EINVAL);
	CHECK_ERR(rseq(area, 2 * SIZE, 0, SIGNATURE), EINVAL);
	CHECK_ERR(rseq((char *)area + 8, SIZE, 0, SIGNATURE), EINVAL);
	CHECK_ERR(rseq((void *)0xffff800000000000, SIZE, 0, SIGNATURE), EFAULT);
	CHECK_ERR(rseq((void *)0x1000, SIZE, 0, SIGNATURE), EFAULT);
	CHECK_ERR(rseq(area, SIZE, UNREGISTER, SIGNATURE), EINVAL);
	CHECK_ERR(rseq(NULL, SIZE, UNREGISTER, 0), EINVAL);
	CHECK_EQ(area->cpu, 77);
	area->section = (struct section *)8;
	CHECK_EQ(rseq(area, SIZE, 0, SIGNATURE), 0);
	CHECK(area->cpu < (uint32_t)cpus && area->cpu_start < (uint32_t)cpus);
	CHECK(!area->section);
	CHECK_ERR(rseq(area, SIZE, 0, SIGNATURE), EBUSY);
	CHECK_ERR(rseq(area, SIZE, 0, OTHER_SIGNATURE), EPERM);
	CHECK_ERR(rseq(area, SIZE - 1, 0, SIGNATURE), EINVAL);
	CHECK_ERR(rseq(&areas[1], SIZE, 0, SIGNATURE), EINVAL);
	CHECK_ERR(rseq(&areas[1], SIZE, UNREGISTER, SIGNATURE), EINVAL);
	CHECK_ERR(rseq(area, SIZE, UNREGISTER | 2, SIGNATURE), EINVAL);
	CHECK_ERR(rseq(area, SIZE - 1, UNREGISTER, SIGNATURE), EINVAL);
	CHECK_ERR(rseq(area, SIZE, UNREGISTER, OTHER_SIGNATURE), EPERM);
	CHECK_EQ(rseq(area, SIZE, UNREGISTER, SIGNATURE), 0);
	CHECK_EQ((int)area->cpu, NO_CPU);
	CHECK_EQ(area->cpu_start, 0);
	CHECK_ERR(rseq(area, SIZE, UNREGISTER, SIGNATURE), EINVAL);
	CHECK_EQ(rseq(&areas[1], SIZE, 0, OTHER_SIGNATURE), 0);
	CHECK_EQ((int)area->cpu, NO_CPU);
}

static void cpu_numbers(void)
{
	static struct area area;

	CHECK_EQ(rseq(&area, SIZE, 0, SIGNATURE), 0);
	for (int round = 0; round < 3; round++)
		for (int cpu = 0; cpu < cpus; cpu++) {
			stay_on(cpu);
			CHECK_EQ(area.cpu, cpu);
			CHECK_EQ(area.cpu_start, cpu);
		}
}

/* ---- What ends a section ---- */

static struct area own;
static volatile uint64_t handler_rip;
static struct section *volatile handler_section;

static void on_signal(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)info;
	handler_rip = ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
	handler_section = own.section;
	shared->handled = 1;
}

static void handle(int number)
{
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };

	CHECK_EQ(sigaction(number, &action, NULL), 0);
}

/* Sends the parent a signal each time that it is in its section, until one was handled. */
static void signal_when_entered(void *number)
{
	while (!shared->handled) {
		if (__atomic_exchange_n(&shared->entered, 0, __ATOMIC_SEQ_CST))
			kill(getppid(), (int)(long)number);
		sched_yield();
	}
}

/* The handler finds the section left, and afterwards it goes on at its abort address. */
static void by_a_signal(void)
{
	pid_t pid;

	begin();
	handle(SIGUSR1);
	CHECK_EQ(rseq(&own, SIZE, 0, SIGNATURE), 0);
	pid = check_spawn(signal_when_entered, (void *)SIGUSR1);
	while (!shared->handled)
		run_forever(&own, &forever, &shared->entered);
	CHECK(handler_rip - forever.start >= forever.length);
	CHECK(!handler_section && !own.section);
	CHECK_EQ(check_wait(pid), 0);
	/* A signal outside of the section that is said to be run leaves all as it is, but says that none is. */
	own.section = &forever;
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK(!own.section);
}

static void spin(void *unused)
{
	(void)unused;
	stay_on(0);
	while (shared->spin)
		;
}

/* Another process on the same CPU is all that ends it. */
static void by_preemption(void)
{
	pid_t pid;

	begin();
	stay_on(0);
	CHECK_EQ(rseq(&own, SIZE, 0, SIGNATURE), 0);
	shared->spin = 1;
	pid = check_spawn(spin, NULL);
	for (int i = 0; i < 5; i++) {
		run_forever(&own, &forever, &shared->entered);
		CHECK(!own.section);
		CHECK_EQ(own.cpu, 0);
	}
	shared->spin = 0;
	CHECK_EQ(check_wait(pid), 0);
}

static void move_when_entered(void *cpu)
{
	cpu_set_t set;

	while (!shared->entered)
		sched_yield();
	CPU_ZERO(&set);
	CPU_SET((int)(long)cpu, &set);
	CHECK_EQ(sched_setaffinity(getppid(), sizeof set, &set), 0);
}

static void by_a_move(void)
{
	if (cpus < 2)
		return;
	begin();
	stay_on(1);
	CHECK_EQ(rseq(&own, SIZE, 0, SIGNATURE), 0);
	for (int cpu = 0; cpu < 4; cpu++) {
		pid_t pid;

		shared->entered = 0;
		pid = check_spawn(move_when_entered, (void *)(long)(cpu & 1));
		while (own.cpu != (uint32_t)(cpu & 1))
			run_forever(&own, &forever, &shared->entered);
		CHECK_EQ(own.cpu_start, cpu & 1);
		CHECK_EQ(check_wait(pid), 0);
	}
}

static void stop_parent(void *unused)
{
	pid_t parent = getppid();

	(void)unused;
	while (!shared->entered)
		sched_yield();
	kill(parent, SIGSTOP);
	CHECK(check_state(parent, 'T', 10000));
	shared->handled = 1;
	kill(parent, SIGCONT);
}

/* A stop is an interruption, too. */
static void stopped(void *unused)
{
	pid_t pid;

	(void)unused;
	CHECK_EQ(rseq(&own, SIZE, 0, SIGNATURE), 0);
	pid = check_spawn(stop_parent, NULL);
	do
		run_forever(&own, &forever, &shared->entered);
	while (!shared->handled);
	CHECK_EQ(check_wait(pid), 0);
}

static void by_a_stop(void)
{
	begin();
	CHECK_EQ(check_child(stopped, NULL), 0);
}

static volatile long count;

static void *add_many(void *unused)
{
	static __thread struct area area;
	long done = 0;

	(void)unused;
	stay_on(0);
	CHECK_EQ(rseq(&area, SIZE, 0, SIGNATURE), 0);
	while (done < ROUNDS)
		done += add_one(&area, &count);
	CHECK_EQ(rseq(&area, SIZE, UNREGISTER, SIGNATURE), 0);
	return NULL;
}

/* Threads of one CPU that add to one number without a lock lose nothing. */
static void counting(void)
{
	pthread_t threads[COUNTERS];

	begin();
	for (int i = 0; i < COUNTERS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, add_many, NULL), 0);
	for (int i = 0; i < COUNTERS; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	CHECK_EQ(count, COUNTERS * ROUNDS);
}

/* ---- What is wrong ---- */

/* Runs in the section @wrong until something ends that. */
static void run_wrong(void *wrong)
{
	CHECK_EQ(rseq(&own, SIZE, 0, SIGNATURE), 0);
	for (;;)
		run_forever(&own, wrong, &shared->entered);
}

static void expect_end(struct section *wrong)
{
	siginfo_t info = { .si_pid = 0 };
	pid_t pid;

	shared->entered = 0;
	pid = check_spawn(run_wrong, wrong);
	/* It may be found wrong before it is entered. */
	while (!shared->entered && !info.si_pid && waitid(P_PID, pid, &info, WEXITED | WNOWAIT | WNOHANG) == 0)
		sched_yield();
	kill(pid, SIGUSR1);
	CHECK_EQ(check_wait(pid), CHECK_KILLED + SIGSEGV);
}

static void wrong_sections(void)
{
	static struct section wrong;

	begin();
	handle(SIGUSR1);
	for (int flag = 1; flag <= 8; flag <<= 1) {
		wrong = forever, wrong.flags = flag;
		expect_end(&wrong);
	}
	/* Of what is wrong wherever the program is a handler of SIGSEGV does not hear. */
	handle(SIGSEGV);
	wrong = forever, wrong.abort = unsigned_abort;
	expect_end(&wrong);
	wrong = forever, wrong.version = 1;
	expect_end(&wrong);
	wrong = forever, wrong.abort = wrong.start;
	expect_end(&wrong);
	wrong = forever, wrong.abort = 0xffff800000000000;
	expect_end(&wrong);
	wrong = forever, wrong.abort = 0;
	expect_end(&wrong);
	wrong = forever, wrong.start = 0xffff800000000000;
	expect_end(&wrong);
	wrong = forever, wrong.length = -wrong.start;
	expect_end(&wrong);
	expect_end((struct section *)8);
	expect_end((struct section *)0xffff800000000000);
}

static void lose_area(void *how)
{
	struct area *area = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK_EQ(rseq(area, SIZE, 0, SIGNATURE), 0);
	if (how)
		mprotect(area, PAGE, PROT_READ);
	else
		munmap(area, PAGE);
	for (;;)
		raise(SIGUSR1);
}

static void register_nothing(void *area)
{
	rseq(area, SIZE, 0, SIGNATURE);
	for (;;)
		sched_yield();
}

static void wrong_areas(void)
{
	void *fixed = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	begin();
	handle(SIGUSR1);
	CHECK_EQ(check_child(lose_area, NULL), CHECK_KILLED + SIGSEGV);
	CHECK_EQ(check_child(lose_area, fixed), CHECK_KILLED + SIGSEGV);
	CHECK_EQ(check_child(register_nothing, fixed), CHECK_KILLED + SIGSEGV);
}

/* ---- Other threads, processes and programs ---- */

static void *in_a_thread(void *unused)
{
	static struct area area;

	(void)unused;
	CHECK_ERR(rseq(&own, SIZE, UNREGISTER, SIGNATURE), EINVAL);
	CHECK_EQ(rseq(&area, SIZE, 0, OTHER_SIGNATURE), 0);
	CHECK(area.cpu < (uint32_t)cpus);
	return NULL;
}

static void in_a_child(void *unused)
{
	(void)unused;
	CHECK(own.cpu < (uint32_t)cpus);
	CHECK_ERR(rseq(&own, SIZE, 0, SIGNATURE), EBUSY);
	CHECK_EQ(rseq(&own, SIZE, UNREGISTER, SIGNATURE), 0);
}

static char self[64];

static void in_a_program(void *unused)
{
	(void)unused;
	execl(self, self, "--after-exec", (char *)NULL);
	_exit(100);
}

static void inheriting(void)
{
	pthread_t thread;

	CHECK_EQ(rseq(&own, SIZE, 0, SIGNATURE), 0);
	CHECK_EQ(pthread_create(&thread, NULL, in_a_thread, NULL), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	own.cpu = 99;
	CHECK_EQ(check_child(in_a_child, NULL), 0);
	CHECK_EQ(check_child(in_a_program, NULL), 0);
	CHECK_ERR(rseq(&own, SIZE, 0, SIGNATURE), EBUSY);
}

/* A program that has just begun has no area. */
static int after_exec(void)
{
	static struct area area;

	return rseq(&own, SIZE, UNREGISTER, SIGNATURE) == 0 || rseq(&area, SIZE, 0, SIGNATURE) != 0 || rseq(&area, SIZE, UNREGISTER, SIGNATURE) != 0;
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(registering), CASE(cpu_numbers), CASE(by_a_signal), CASE(by_preemption), CASE(by_a_move), CASE(by_a_stop), CASE(counting),
		CASE(wrong_sections), CASE(wrong_areas), CASE(inheriting), { NULL, NULL },
	};

	cpus = sysconf(_SC_NPROCESSORS_ONLN);
	if (argc == 2 && !strcmp(argv[1], "--after-exec"))
		return after_exec();
	if (readlink("/proc/self/exe", self, sizeof self - 1) < 0)
		return 1;
	return kernel_has(RSEQ) ? check_main("rseq", cases, argc, argv) : skip_program("rseq", RSEQ);
}
