/* SPDX-License-Identifier: MIT */
/* What the tests of ptrace have in common: tracees, and their stops. Linked to none: each program has its copy. */
#ifndef PTRACE_KIT_H
#define PTRACE_KIT_H

#include "built_with.h"
#include "check.h"

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

/* The C library has these as names of an enum, or not at all, by the library. */
enum { EVENT_FORK = 1, EVENT_VFORK, EVENT_CLONE, EVENT_EXEC, EVENT_VFORK_DONE, EVENT_EXIT, EVENT_STOP = 128 };
enum { CALL_STOP = SIGTRAP | 0x80, CALL_INFO = 0x420e, NO_PROCESS = 0x7ffffff0, WALL = 0x40000000, USER_SIZE = 928 };
#define OPTION(event) (1l << (event))
#define OPTION_SYSGOOD 1l
#define OPTION_EXITKILL (1l << 20)
#define REGISTER(name) offsetof(struct user_regs_struct, name)

static inline long request(long number, pid_t pid, long addr, long data)
{
	return syscall(SYS_ptrace, number, pid, addr, data);
}

/* What @pid stopped for: signal, or signal | event << 8; 1000 + status if it has ended (whether it left a core or not), -1 if there was nothing. */
static inline int stop_of(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, WALL) != pid)
		return -1;
	return (status & 0xff) == 0x7f ? status >> 8 : 1000 + (status & ~0x80);
}

enum { EXITED = 1000 };		/* stop_of() adds code << 8, or the signal */

static inline int go(pid_t pid, long number, int signal)
{
	return request(number, pid, 0, signal) < 0 ? -2 : stop_of(pid);
}

#define CONTINUE(pid, signal) go(pid, PTRACE_CONT, signal)

/* By one call, and no others as raise() makes them. */
static inline void signal_self(int number)
{
	syscall(SYS_tkill, syscall(SYS_gettid), number);
}

/* Memory that a child of the case shares with it; zeroes when a traced child begins. */
static volatile int *shared;

/* A child that is traced and has stopped before it runs @body. */
static inline pid_t traced_child(void (*body)(void))
{
	pid_t pid;

	memset((void *)shared, 0, 4096);
	pid = fork();
	if (pid < 0)
		_exit(1);
	if (pid == 0) {
		if (request(PTRACE_TRACEME, 0, 0, 0) < 0)
			_exit(98);
		signal_self(SIGSTOP);
		body();
		_exit(0);
	}
	CHECK_EQ(stop_of(pid), SIGSTOP);
	return pid;
}

static inline void kill_child(pid_t pid)
{
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(stop_of(pid), EXITED + SIGKILL);
}

static inline long peek(pid_t pid, const volatile void *addr)
{
	long word = 0;

	CHECK_EQ(request(PTRACE_PEEKDATA, pid, (long)addr, (long)&word), 0);
	return word;
}

static inline struct user_regs_struct registers_of(pid_t pid)
{
	struct user_regs_struct registers = { 0 };

	CHECK_EQ(request(PTRACE_GETREGS, pid, 0, (long)&registers), 0);
	return registers;
}

static inline void set_registers(pid_t pid, struct user_regs_struct registers)
{
	CHECK_EQ(request(PTRACE_SETREGS, pid, 0, (long)&registers), 0);
}

static inline unsigned long message_of(pid_t pid)
{
	unsigned long message = 0;

	CHECK_EQ(request(PTRACE_GETEVENTMSG, pid, 0, (long)&message), 0);
	return message;
}

/* Places in ptrace.c's text. */
extern char count_down_end[], call_at[], after_call[], in_text[];

/* What main() returns. */
static inline int run_cases(const char *name, const struct check_case *cases, int argc, char **argv)
{
	if (!kernel_has(PTRACE))
		return skip_program(name, PTRACE);
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return check_main(name, cases, argc, argv);
}

#endif
