/* SPDX-License-Identifier: MIT */
/* ptrace: the processor's breakpoints and watchpoints, set by way of struct user's debug registers. */
#include "ptrace_kit.h"
/* calls: ptrace */

#include <pthread.h>
#include <sched.h>

#define DEBUG_REGISTER(n) offsetof(struct user, u_debugreg[n])
enum { EXECUTED, WRITTEN, ACCESSED = 3, BYTES_1 = 0, BYTES_2 = 4, BYTES_8 = 8, BYTES_4 = 12, TRAP_HARDWARE = 4 };
#define DR6_EMPTY 0xffff0ff0ul
/* Slot @n of DR7, switched on. */
#define SLOT(n, what) (1ul << (n) * 2 | (unsigned long)(what) << (16 + (n) * 4))

static volatile long watched, other;

static long debug_register(pid_t pid, int n)
{
	long value = -1;

	CHECK_EQ(request(PTRACE_PEEKUSER, pid, DEBUG_REGISTER(n), (long)&value), 0);
	return value;
}

static long set(pid_t pid, int n, unsigned long value)
{
	return request(PTRACE_POKEUSER, pid, DEBUG_REGISTER(n), value);
}

/* By slot 0. */
static void watch(pid_t pid, const volatile void *address, int what)
{
	CHECK_EQ(set(pid, 7, 0), 0);
	CHECK_EQ(set(pid, 0, (long)address), 0);
	CHECK_EQ(set(pid, 7, SLOT(0, what)), 0);
}

/* The stop is one of the processor's, for @slots; where the thread is then. */
static unsigned long hit(pid_t pid, unsigned long slots)
{
	siginfo_t info = { 0 };
	unsigned long rip = registers_of(pid).rip;

	CHECK_EQ(request(PTRACE_GETSIGINFO, pid, 0, (long)&info), 0);
	CHECK_EQ(info.si_signo, SIGTRAP);
	CHECK_EQ(info.si_code, TRAP_HARDWARE);
	CHECK_EQ((unsigned long)info.si_addr, rip);
	CHECK_EQ(debug_register(pid, 6), DR6_EMPTY | slots);
	return rip;
}

static void for_ever(void)
{
	for (;;)
		pause();
}

/* ---- What can be set ---- */

static void registers_are_kept(void)
{
	pid_t pid = traced_child(for_ever);

	for (int i = 0; i < 8; i++)
		CHECK_EQ(debug_register(pid, i), i == 6 ? (long)DR6_EMPTY : 0);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(set(pid, i, 0x1000 + i), 0);
	CHECK_ERR(set(pid, 4, 0), EIO);
	CHECK_ERR(set(pid, 5, 0), EIO);
	CHECK_EQ(set(pid, 6, 0), 0);
	CHECK_EQ(debug_register(pid, 6), 0);
	CHECK_EQ(set(pid, 6, 0x123456789), 0);
	CHECK_EQ(debug_register(pid, 6), 0x123456789);
	CHECK_EQ(set(pid, 7, SLOT(0, WRITTEN) | SLOT(3, EXECUTED) | 0x2700), 0);
	CHECK_EQ(debug_register(pid, 7), SLOT(0, WRITTEN) | SLOT(3, EXECUTED) | 0x2700);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(debug_register(pid, i), 0x1000 + i);
	CHECK_ERR(request(PTRACE_PEEKUSER, pid, DEBUG_REGISTER(0) + 4, (long)&other), EIO);
	CHECK_ERR(request(PTRACE_POKEUSER, pid, DEBUG_REGISTER(0) + 4, 0), EIO);
	kill_child(pid);
}

static void bad_control_is_refused(void)
{
	pid_t pid = traced_child(for_ever);

	CHECK_ERR(set(pid, 7, SLOT(1, 2)), EINVAL);			/* ports */
	CHECK_ERR(set(pid, 7, SLOT(1, EXECUTED | BYTES_4)), EINVAL);
	CHECK_EQ(debug_register(pid, 7), 0);
	CHECK_EQ(set(pid, 7, 2ul << 20), 0);				/* of what is not switched on */
	CHECK_EQ(set(pid, 1, 0x1001), 0);
	CHECK_ERR(set(pid, 7, 2ul << 20), EINVAL);			/* of what there is */
	CHECK_ERR(set(pid, 7, SLOT(1, WRITTEN | BYTES_2)), EINVAL);	/* odd */
	CHECK_ERR(set(pid, 7, SLOT(1, WRITTEN | BYTES_4)), EINVAL);
	CHECK_ERR(set(pid, 7, SLOT(1, ACCESSED | BYTES_8)), EINVAL);
	CHECK_EQ(set(pid, 7, SLOT(1, ACCESSED | BYTES_1)), 0);
	CHECK_EQ(set(pid, 1, 0x1004), 0);
	CHECK_EQ(set(pid, 7, SLOT(1, WRITTEN | BYTES_4)), 0);
	CHECK_ERR(set(pid, 1, 0x1006), EINVAL);
	CHECK_EQ(debug_register(pid, 1), 0x1004);
	CHECK_ERR(set(pid, 7, SLOT(1, WRITTEN | BYTES_8)), EINVAL);
	CHECK_EQ(debug_register(pid, 7), SLOT(1, WRITTEN | BYTES_4));
	kill_child(pid);
}

static void kernel_addresses_are_refused(void)
{
	static const unsigned long outside[] = { 1ul << 63, 0xffff800000000000, 0xffffffff80000000, -8ul };
	pid_t pid = traced_child(for_ever);

	for (unsigned i = 0; i < sizeof outside / sizeof *outside; i++) {
		CHECK_ERR(set(pid, 2, outside[i]), EINVAL);
		CHECK_EQ(debug_register(pid, 2), 0);
	}
	CHECK_EQ(set(pid, 2, 0x7fffffffeff8), 0);
	CHECK_EQ(set(pid, 7, SLOT(2, WRITTEN | BYTES_8)), 0);
	kill_child(pid);
}

static void addresses(void)
{
	kernel_addresses_are_refused();
	CHECK_EQ(setresuid(65534, 65534, 65534), 0);
	kernel_addresses_are_refused();
}

/* ---- What happens ---- */

__attribute__((noinline)) static void store(volatile long *to, long value)
{
	*to = value;
}

__attribute__((noinline)) static long load(volatile long *from)
{
	return *from;
}

static void use_memory(void)
{
	store(&other, 1);
	store(&watched, 2);
	store(&other, load(&watched));
	store(&watched, 3);
	_exit(other + watched);
}

static void writes_are_seen(void)
{
	pid_t pid = traced_child(use_memory);

	watch(pid, &watched, WRITTEN | BYTES_8);
	CHECK_EQ(CONTINUE(pid, 0), SIGTRAP);
	hit(pid, 1);
	CHECK_EQ(peek(pid, &watched), 2);
	CHECK_EQ(peek(pid, &other), 1);
	CHECK_EQ(CONTINUE(pid, 0), SIGTRAP);
	CHECK_EQ(peek(pid, &watched), 3);
	CHECK_EQ(peek(pid, &other), 2);
	CHECK_EQ(CONTINUE(pid, 0), EXITED + (5 << 8));
}

static void accesses_are_seen(void)
{
	pid_t pid = traced_child(use_memory);

	CHECK_EQ(set(pid, 3, (long)&watched + 4), 0);
	CHECK_EQ(set(pid, 7, SLOT(3, ACCESSED | BYTES_4)), 0);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(CONTINUE(pid, 0), SIGTRAP);
		hit(pid, 8);
	}
	CHECK_EQ(peek(pid, &watched), 3);
	CHECK_EQ(set(pid, 7, 0), 0);
	CHECK_EQ(CONTINUE(pid, 0), EXITED + (5 << 8));
}

static void execution_is_seen(void)
{
	pid_t pid = traced_child(use_memory);

	watch(pid, (void *)store, EXECUTED);
	for (int i = 0; i < 4; i++) {
		CHECK_EQ(CONTINUE(pid, 0), SIGTRAP);
		CHECK_EQ(hit(pid, 1), (unsigned long)store);
	}
	CHECK_EQ(peek(pid, &watched), 2);
	CHECK_EQ(CONTINUE(pid, 0), EXITED + (5 << 8));
}

static void several_at_once(void)
{
	pid_t pid = traced_child(use_memory);

	CHECK_EQ(set(pid, 1, (long)&watched), 0);
	CHECK_EQ(set(pid, 2, (long)&other), 0);
	CHECK_EQ(set(pid, 7, SLOT(1, WRITTEN) | SLOT(2, ACCESSED)), 0);
	CHECK_EQ(CONTINUE(pid, 0), SIGTRAP);
	hit(pid, 4);
	CHECK_EQ(CONTINUE(pid, 0), SIGTRAP);
	hit(pid, 2);
	CHECK_EQ(peek(pid, &watched), 2);
	CHECK_EQ(CONTINUE(pid, 0), SIGTRAP);
	hit(pid, 4);
	CHECK_EQ(peek(pid, &other), 2);
	CHECK_EQ(set(pid, 7, 0), 0);
	CHECK_EQ(CONTINUE(pid, 0), EXITED + (5 << 8));
}

/* A call that writes there is none of the program's own accesses. */
static void read_there(void)
{
	int ends[2];

	if (pipe(ends) < 0 || write(ends[1], "12345678", 8) != 8)
		_exit(9);
	signal_self(SIGUSR1);
	if (read(ends[0], (void *)&watched, 8) != 8)
		_exit(8);
	signal_self(SIGUSR2);
	_exit(7);
}

static void calls_do_not_trap(void)
{
	pid_t pid = traced_child(read_there);

	CHECK_EQ(CONTINUE(pid, 0), SIGUSR1);
	watch(pid, &watched, ACCESSED | BYTES_8);
	CHECK_EQ(CONTINUE(pid, 0), SIGUSR2);
	CHECK_EQ(peek(pid, &watched), 0x3837363534333231);
	CHECK_EQ(debug_register(pid, 6), DR6_EMPTY);
	CHECK_EQ(CONTINUE(pid, 0), EXITED + (7 << 8));
}

/* ---- Whose they are ---- */

static int there[2], back[2];

/* Two processes write at the same address, in turns. */
static void take_turns(int from, int to)
{
	char byte;

	for (int i = 0; i < 20; i++) {
		if (read(from, &byte, 1) != 1)
			_exit(99);
		store(&watched, i);
		if (write(to, "x", 1) != 1)
			_exit(98);
	}
}

static void turn_there(void)
{
	take_turns(there[0], back[1]);
}

static int untouched(void)
{
	take_turns(back[0], there[1]);
	return 0;
}

static void others_do_not_stop(void)
{
	pid_t pid, beside;
	int stops = 0, status;

	CHECK_EQ(pipe(there), 0);
	CHECK_EQ(pipe(back), 0);
	beside = fork();
	if (beside == 0)
		_exit(untouched());
	pid = traced_child(turn_there);
	watch(pid, &watched, WRITTEN);
	CHECK_EQ(write(there[1], "x", 1), 1);
	while ((status = CONTINUE(pid, 0)) == SIGTRAP) {
		CHECK_EQ(peek(pid, &watched), stops++);
		hit(pid, 1);
		/* To the other processor, if there is one. */
		CHECK(!sched_setaffinity(pid, sizeof(cpu_set_t), &(cpu_set_t){ { 1 + stops % 2 } }) || errno == EINVAL);
	}
	CHECK_EQ(stops, 20);
	CHECK_EQ(status, EXITED);
	CHECK_EQ(waitpid(beside, &status, 0), beside);
	CHECK_EQ(status, 0);
}

static void *store_too(void *argument)
{
	store(&watched, 10);
	return argument;
}

static void make_thread(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, store_too, NULL);
	pthread_join(thread, NULL);
	store(&watched, 11);
	if (fork() == 0) {
		store(&watched, 12);
		_exit(0);
	}
	store(&watched, 13);
	_exit(0);
}

static void threads_have_their_own(void)
{
	pid_t pid = traced_child(make_thread), child;
	int status;

	CHECK_EQ(request(PTRACE_SETOPTIONS, pid, 0, OPTION(EVENT_FORK)), 0);
	watch(pid, &watched, WRITTEN);
	CHECK_EQ(CONTINUE(pid, 0), SIGTRAP);
	CHECK_EQ(peek(pid, &watched), 11);
	CHECK_EQ(CONTINUE(pid, 0), SIGTRAP | EVENT_FORK << 8);
	child = message_of(pid);
	CHECK_EQ(stop_of(child), SIGSTOP);
	CHECK_EQ(debug_register(child, 0), 0);
	CHECK_EQ(CONTINUE(child, 0), EXITED);
	while ((status = CONTINUE(pid, 0)) == SIGCHLD)
		;
	CHECK_EQ(status, SIGTRAP);
	CHECK_EQ(peek(pid, &watched), 13);
	kill_child(pid);
}

static void run_again(void)
{
	execl("/proc/self/exe", "ptrace_breakpoints", "--store", NULL);
}

static void exec_takes_them_away(void)
{
	pid_t pid = traced_child(run_again);

	watch(pid, &watched, WRITTEN);
	CHECK_EQ(set(pid, 6, 1), 0);
	CHECK_EQ(request(PTRACE_SETOPTIONS, pid, 0, OPTION(EVENT_EXEC)), 0);
	CHECK_EQ(CONTINUE(pid, 0), SIGTRAP | EVENT_EXEC << 8);
	CHECK_EQ(debug_register(pid, 0), 0);
	CHECK_EQ(debug_register(pid, 6), DR6_EMPTY);
	CHECK_EQ(debug_register(pid, 7), 0);
	CHECK_EQ(CONTINUE(pid, 0), EXITED + (6 << 8));
}

/* Who traced it does not any more; the processor stops it all the same. */
static void they_stay_without_tracer(void)
{
	pid_t pid = traced_child(use_memory);

	watch(pid, &watched, WRITTEN);
	CHECK_EQ(request(PTRACE_DETACH, pid, 0, 0), 0);
	CHECK_EQ(stop_of(pid), EXITED + SIGTRAP);
}

static const struct check_case cases[] = {
	CASE(registers_are_kept), CASE(bad_control_is_refused), CASE(addresses), CASE(writes_are_seen), CASE(accesses_are_seen), CASE(execution_is_seen),
	CASE(several_at_once), CASE(calls_do_not_trap), CASE(others_do_not_stop), CASE(threads_have_their_own), CASE(exec_takes_them_away),
	CASE(they_stay_without_tracer), { NULL, NULL },
};

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--store")) {
		store(&watched, 6);
		return load(&watched);
	}
	return run_cases("ptrace_breakpoints", cases, argc, argv);
}
