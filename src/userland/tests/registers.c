/* SPDX-License-Identifier: MIT */
/*
 * System calls leave every register alone but rax, rcx and r11: also when a handler runs before the call returns or is made again, when the process
 * is stopped meanwhile, and in both processes after fork.
 */
#include "check.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/* In this order in memory; rsp is not among them: the call returns by it. */
enum { RAX, RBX, RCX, RDX, RSI, RDI, RBP, R8, R9, R10, R11, R12, R13, R14, R15, REGISTERS };

/* Makes the system call with the registers @in and leaves in @out what they are after it. */
void registers_call(const uint64_t in[REGISTERS], uint64_t out[REGISTERS]);

__asm__(
	".text\n"
	".globl registers_call\n"
	"registers_call:\n"
	"	push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15; push %rsi\n"
	"	mov 0(%rdi), %rax; mov 8(%rdi), %rbx; mov 16(%rdi), %rcx; mov 24(%rdi), %rdx; mov 32(%rdi), %rsi\n"
	"	mov 48(%rdi), %rbp; mov 56(%rdi), %r8; mov 64(%rdi), %r9; mov 72(%rdi), %r10; mov 80(%rdi), %r11\n"
	"	mov 88(%rdi), %r12; mov 96(%rdi), %r13; mov 104(%rdi), %r14; mov 112(%rdi), %r15; mov 40(%rdi), %rdi\n"
	"	syscall\n"
	"	xchg %rdi, (%rsp)\n"
	"	mov %rax, 0(%rdi); mov %rbx, 8(%rdi); mov %rcx, 16(%rdi); mov %rdx, 24(%rdi); mov %rsi, 32(%rdi)\n"
	"	mov %rbp, 48(%rdi); mov %r8, 56(%rdi); mov %r9, 64(%rdi); mov %r10, 72(%rdi); mov %r11, 80(%rdi)\n"
	"	mov %r12, 88(%rdi); mov %r13, 96(%rdi); mov %r14, 104(%rdi); mov %r15, 112(%rdi)\n"
	"	pop %rax\n"
	"	mov %rax, 40(%rdi)\n"
	"	pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
	"	ret\n");

static int ends[2];
static volatile sig_atomic_t handled;

/* Call @number with @arguments, which may be fewer than 6, and values of their own in all other registers. */
static void prepare(uint64_t in[REGISTERS], long number, unsigned count, const long *arguments)
{
	static const int places[6] = { RDI, RSI, RDX, R10, R8, R9 };

	for (unsigned i = 0; i < REGISTERS; i++)
		in[i] = 0x1111111111111111ull * (i + 1) ^ 0xfedcba9876543210ull;
	in[RAX] = number;
	for (unsigned i = 0; i < count; i++)
		in[places[i]] = arguments[i];
}

static int same(const uint64_t in[REGISTERS], const uint64_t out[REGISTERS])
{
	int differing = 0;

	for (unsigned i = 0; i < REGISTERS; i++)
		differing += i != RAX && i != RCX && i != R11 && in[i] != out[i];
	return !differing;
}

/* The call's result, after checking the registers. */
static long try(long number, unsigned count, const long *arguments)
{
	uint64_t in[REGISTERS], out[REGISTERS];

	prepare(in, number, count, arguments);
	registers_call(in, out);
	CHECK(same(in, out));
	return out[RAX];
}

/* Spoils what it can. */
static void on_signal(int number)
{
	char byte = 'x';

	if (number == SIGALRM)
		write(ends[1], &byte, 1);
	handled++;
	__asm__ volatile(
		"	mov $-1, %%rax; mov %%rax, %%rbx; mov %%rax, %%rcx; mov %%rax, %%rdx; mov %%rax, %%rsi; mov %%rax, %%rdi\n"
		"	mov %%rax, %%r8; mov %%rax, %%r9; mov %%rax, %%r10; mov %%rax, %%r11; mov %%rax, %%r12; mov %%rax, %%r13\n"
		"	mov %%rax, %%r14; mov %%rax, %%r15; pcmpeqd %%xmm0, %%xmm0; pcmpeqd %%xmm15, %%xmm15\n"
		::: "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0", "xmm15");
}

static void handle(int number, int flags)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = flags };

	CHECK_EQ(sigaction(number, &action, NULL), 0);
}

static void plain_calls(void)
{
	CHECK_EQ(try(SYS_getppid, 0, NULL), getppid());
	CHECK_EQ(try(SYS_sched_yield, 0, NULL), 0);
	CHECK_EQ(try(SYS_close, 1, (long[]){ 999 }), -EBADF);
	CHECK_EQ(try(100000, 0, NULL), -ENOSYS);
	CHECK_EQ(try(SYS_execve, 3, (long[]){ (long)"/nothing/here", 0, 0 }), -ENOENT);
	CHECK_EQ(try(SYS_clone, 1, (long[]){ CLONE_THREAD }), -EINVAL);
}

static void signal_to_oneself(void)
{
	handle(SIGUSR1, 0);
	CHECK_EQ(try(SYS_kill, 2, (long[]){ getpid(), SIGUSR1 }), 0);
	CHECK_EQ(try(SYS_tkill, 2, (long[]){ gettid(), SIGUSR1 }), 0);
	CHECK_EQ(try(SYS_tgkill, 3, (long[]){ getpid(), gettid(), SIGUSR1 }), 0);
	CHECK_EQ(handled, 3);
	handle(SIGUSR1, SA_NODEFER | SA_RESETHAND);
	CHECK_EQ(try(SYS_kill, 2, (long[]){ getpid(), SIGUSR1 }), 0);
	CHECK_EQ(handled, 4);
	CHECK_EQ(try(SYS_kill, 2, (long[]){ getpid(), 0 }), 0);
}

/* A read that a timer's handler interrupts: it ends the call, or feeds the pipe and the call is made again. */
static void interrupted_call(int flags, long result)
{
	struct itimerval soon = { .it_value.tv_usec = 30000 };
	char byte = 0;

	CHECK_EQ(pipe(ends), 0);
	handle(SIGALRM, flags);
	setitimer(ITIMER_REAL, &soon, NULL);
	CHECK_EQ(try(SYS_read, 3, (long[]){ ends[0], (long)&byte, 1 }), result);
	CHECK_EQ(handled, 1);
}

static void call_ended_by_handler(void) { interrupted_call(0, -EINTR); }
static void call_made_again(void) { interrupted_call(SA_RESTART, 1); }

static void stop_parent(void *unused)
{
	pid_t parent = getppid();

	(void)unused;
	CHECK(check_state(parent, 'S', 5000));
	CHECK_EQ(kill(parent, SIGSTOP), 0);
	CHECK(check_state(parent, 'T', 5000));
	CHECK_EQ(kill(parent, SIGCONT), 0);
	CHECK(check_state(parent, 'S', 5000));
	CHECK_EQ(write(ends[1], "x", 1), 1);
}

static void call_made_again_after_stop(void)
{
	pid_t child;
	char byte;

	CHECK_EQ(pipe(ends), 0);
	child = check_spawn(stop_parent, NULL);
	CHECK_EQ(try(SYS_read, 3, (long[]){ ends[0], (long)&byte, 1 }), 1);
	CHECK_EQ(check_wait(child), 0);
}

static void both_after_fork(void)
{
	static const struct { long number, flags; } ways[] = { { SYS_fork, 0 }, { SYS_clone, SIGCHLD } };

	for (unsigned i = 0; i < 2; i++) {
		/* Without a stack, thread identities and so on. */
		long pid = try(ways[i].number, i ? 5 : 0, (long[]){ ways[i].flags, 0, 0, 0, 0 });

		if (!pid)
			_exit(0);
		CHECK(pid > 0);
		CHECK_EQ(check_wait(pid), 0);
	}
}

/* A signal from another process, at whatever instruction. */
static void asynchronous_signals(void)
{
	volatile int *stop = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t parent = getpid(), child;

	handle(SIGUSR2, SA_RESTART);
	child = fork();
	if (!child) {
		for (int i = 0; i < 300; i++) {
			kill(parent, SIGUSR2);
			sched_yield();
		}
		*stop = 1;
		_exit(0);
	}
	while (!*stop) {
		CHECK_EQ(try(SYS_getppid, 0, NULL), getppid());
		CHECK_EQ(try(SYS_sched_yield, 0, NULL), 0);
	}
	CHECK(handled > 0);
	CHECK_EQ(check_wait(child), 0);
}

static const struct check_case cases[] = {
	CASE(plain_calls), CASE(signal_to_oneself), CASE(call_ended_by_handler), CASE(call_made_again), CASE(call_made_again_after_stop),
	CASE(both_after_fork), CASE(asynchronous_signals), { NULL, NULL },
};

int main(int argc, char **argv)
{
	return check_main("registers", cases, argc, argv);
}
