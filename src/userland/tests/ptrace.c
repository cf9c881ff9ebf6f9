/* SPDX-License-Identifier: MIT */
/* ptrace: signals that are stopped for, calls and their registers, memory, single steps, what is refused. */
#include "ptrace_kit.h"
/* calls: ptrace */

#include <elf.h>
#include <sys/uio.h>


static void for_ever(void)
{
	for (;;)
		pause();
}

static void count_signal(int number)
{
	shared[number]++;
}

static void handle(int number, void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler };

	sigaction(number, &action, NULL);
}

/* ---- Signals ---- */

static void raise_several(void)
{
	handle(SIGUSR1, count_signal);
	handle(SIGUSR2, count_signal);
	handle(SIGURG, SIG_IGN);
	for (int i = 0; i < 4; i++)
		signal_self(SIGUSR1);
	signal_self(SIGURG);
	signal_self(SIGCHLD);
	_exit(7);
}

static void signals_are_asked_about(void)
{
	siginfo_t info, other = { .si_signo = SIGUSR2, .si_code = SI_QUEUE };
	pid_t pid = traced_child(raise_several);

	CHECK_EQ(CONTINUE(pid, 0), SIGUSR1);
	CHECK_EQ(request(PTRACE_GETSIGINFO, pid, 0, (long)&info), 0);
	CHECK_EQ(info.si_signo, SIGUSR1);
	CHECK_EQ(info.si_code, SI_TKILL);
	CHECK_EQ(info.si_pid, pid);
	CHECK_EQ(shared[SIGUSR1], 0);
	CHECK_EQ(CONTINUE(pid, SIGUSR1), SIGUSR1);	/* it was handled, this is the next */
	CHECK_EQ(shared[SIGUSR1], 1);
	CHECK_EQ(CONTINUE(pid, 0), SIGUSR1);		/* it was not */
	CHECK_EQ(shared[SIGUSR1], 1);
	CHECK_EQ(request(PTRACE_SETSIGINFO, pid, 0, (long)&other), 0);
	CHECK_EQ(CONTINUE(pid, SIGUSR2), SIGUSR1);	/* another in its place */
	CHECK_EQ(shared[SIGUSR1], 1);
	CHECK_EQ(shared[SIGUSR2], 1);
	CHECK_EQ(CONTINUE(pid, 0), SIGURG);		/* also what is ignored */
	CHECK_EQ(CONTINUE(pid, SIGURG), SIGCHLD);
	CHECK_EQ(CONTINUE(pid, SIGCHLD), EXITED + (7 << 8));
}

static void deadly_signals(void)
{
	pid_t pid = traced_child(for_ever);

	kill(pid, SIGTERM);
	CHECK_EQ(CONTINUE(pid, 0), SIGTERM);
	kill(pid, SIGHUP);
	CHECK_EQ(CONTINUE(pid, 0), SIGHUP);
	CHECK_EQ(CONTINUE(pid, SIGTERM), EXITED + SIGTERM);
	pid = traced_child(for_ever);
	kill_child(pid);			/* out of a stop */
	pid = traced_child(for_ever);
	CHECK_EQ(request(PTRACE_CONT, pid, 0, 0), 0);
	kill_child(pid);
	pid = traced_child(for_ever);
	CHECK_EQ(request(PTRACE_KILL, pid, 0, 0), 0);
	CHECK_EQ(stop_of(pid), EXITED + SIGKILL);
}

static void mask_is_read_and_set(void)
{
	uint64_t mask = 0, usr1 = 1ull << (SIGUSR1 - 1);
	pid_t pid = traced_child(raise_several);

	CHECK_EQ(request(PTRACE_SETSIGMASK, pid, 8, (long)&usr1), 0);
	CHECK_EQ(request(PTRACE_GETSIGMASK, pid, 8, (long)&mask), 0);
	CHECK_EQ(mask, usr1);
	CHECK_EQ(CONTINUE(pid, 0), SIGURG);
	CHECK_ERR(request(PTRACE_GETSIGMASK, pid, 4, (long)&mask), EINVAL);
	kill_child(pid);
}

/* ---- Calls ---- */

static void make_calls(void)
{
	long result = syscall(SYS_getppid);

	shared[0] = result == getppid();
	shared[1] = syscall(SYS_getppid);
	shared[2] = syscall(SYS_getppid);
	shared[3] = syscall(SYS_getppid);
	shared[4] = syscall(SYS_getuid) == getuid();
	shared[5] = syscall(100000) == -1 && errno == ENOSYS;
	_exit(0);
}

static int at_call(pid_t pid, long number)
{
	struct user_regs_struct registers = registers_of(pid);

	return CHECK_EQ(registers.orig_rax, number) && CHECK_EQ(registers.rax, -ENOSYS);
}

static void calls_are_seen_and_changed(void)
{
	pid_t pid = traced_child(make_calls);
	struct user_regs_struct registers;

	CHECK_EQ(go(pid, PTRACE_SYSCALL, 0), SIGTRAP);
	at_call(pid, SYS_getppid);
	CHECK_EQ(request(PTRACE_SETOPTIONS, pid, 0, OPTION_SYSGOOD), 0);
	CHECK_EQ(go(pid, PTRACE_SYSCALL, 0), CALL_STOP);
	CHECK_EQ(registers_of(pid).rax, getpid());
	CHECK_EQ(registers_of(pid).orig_rax, SYS_getppid);
	CHECK_EQ(go(pid, PTRACE_SYSCALL, 0), CALL_STOP);	/* getppid() of the C library */
	CHECK_EQ(go(pid, PTRACE_SYSCALL, 0), CALL_STOP);
	CHECK_EQ(go(pid, PTRACE_SYSCALL, 0), CALL_STOP);
	at_call(pid, SYS_getppid);				/* made another one */
	CHECK_EQ(request(PTRACE_POKEUSER, pid, REGISTER(orig_rax), SYS_getpid), 0);
	CHECK_EQ(go(pid, PTRACE_SYSCALL, 0), CALL_STOP);
	CHECK_EQ(registers_of(pid).rax, pid);
	CHECK_EQ(go(pid, PTRACE_SYSCALL, 0), CALL_STOP);
	at_call(pid, SYS_getppid);				/* not made */
	registers = registers_of(pid);
	registers.orig_rax = -1;
	registers.rax = 4242;
	set_registers(pid, registers);
	CHECK_EQ(go(pid, PTRACE_SYSCALL, 0), CALL_STOP);
	CHECK_EQ(go(pid, PTRACE_SYSCALL, 0), CALL_STOP);
	at_call(pid, SYS_getppid);				/* another result */
	CHECK_EQ(go(pid, PTRACE_SYSCALL, 0), CALL_STOP);
	CHECK_EQ(request(PTRACE_POKEUSER, pid, REGISTER(rax), 4343), 0);
	CHECK_EQ(CONTINUE(pid, 0), EXITED);
	CHECK_EQ(shared[0], 1);
	CHECK_EQ(shared[1], pid);
	CHECK_EQ(shared[2], 4242);
	CHECK_EQ(shared[3], 4343);
	CHECK_EQ(shared[4], 1);
	CHECK_EQ(shared[5], 1);
}

/* As strace -c does. */
static void count_calls(void)
{
	static int counts[512];
	pid_t pid = traced_child(make_calls);
	int stop, entries = 0, unknown = 0, exits = 0, inside = 0;

	CHECK_EQ(request(PTRACE_SETOPTIONS, pid, 0, OPTION_SYSGOOD), 0);
	while ((stop = go(pid, PTRACE_SYSCALL, 0)) == CALL_STOP) {
		unsigned long number = registers_of(pid).orig_rax;

		inside = !inside;
		entries += inside;
		exits += !inside;
		if (inside && number == 100000)
			unknown++;
		else if (inside && number < 512)
			counts[number]++;
	}
	CHECK_EQ(stop, EXITED);
	CHECK_EQ(counts[SYS_getppid], 5);
	CHECK_EQ(counts[SYS_getuid], 2);
	CHECK_EQ(counts[SYS_exit_group], 1);
	CHECK_EQ(unknown, 1);
	CHECK_EQ(entries, exits + 1);
	for (int i = 0; i < 6; i++)
		CHECK(shared[i]);
}

static void call_info(void)
{
	struct { uint8_t op, pad[3]; uint32_t arch; uint64_t ip, sp, words[7]; } info;
	pid_t pid = traced_child(make_calls);

	CHECK_EQ(request(CALL_INFO, pid, sizeof info, (long)&info), 24);
	CHECK_EQ(info.op, 0);
	CHECK_EQ(info.arch, 0xc000003e);
	CHECK_EQ(request(PTRACE_SETOPTIONS, pid, 0, OPTION_SYSGOOD), 0);
	CHECK_EQ(go(pid, PTRACE_SYSCALL, 0), CALL_STOP);
	CHECK_EQ(request(CALL_INFO, pid, sizeof info, (long)&info), 80);
	CHECK_EQ(info.op, 1);
	CHECK_EQ(info.words[0], SYS_getppid);
	CHECK_EQ(info.ip, registers_of(pid).rip);
	CHECK_EQ(info.sp, registers_of(pid).rsp);
	CHECK_EQ(go(pid, PTRACE_SYSCALL, 0), CALL_STOP);
	memset(&info, 0xff, sizeof info);
	CHECK_EQ(request(CALL_INFO, pid, 28, (long)&info), 33);
	CHECK_EQ(info.op, 2);
	CHECK_EQ((uint32_t)info.words[0], getpid());
	CHECK_EQ(info.words[0] >> 32, 0xffffffff);	/* no more than was asked for */
	kill_child(pid);
}

static int pair[2];

static void read_interrupted(void)
{
	char byte = 0;

	handle(SIGUSR1, count_signal);
	shared[0] = read(pair[0], &byte, 1);
	_exit(byte);
}

/* A call that a signal interrupts ends, and is made again when the signal is dropped. */
static void interrupted_call_is_made_again(void)
{
	pid_t pid;

	CHECK_EQ(pipe(pair), 0);
	pid = traced_child(read_interrupted);
	while (go(pid, PTRACE_SYSCALL, 0) == SIGTRAP && registers_of(pid).orig_rax != SYS_read)
		;
	CHECK_EQ(request(PTRACE_SYSCALL, pid, 0, 0), 0);
	CHECK(check_state(pid, 'S', 10000));
	kill(pid, SIGUSR1);
	CHECK_EQ(stop_of(pid), SIGTRAP);
	CHECK_EQ(registers_of(pid).rax, -512);		/* ERESTARTSYS */
	CHECK_EQ(go(pid, PTRACE_SYSCALL, 0), SIGUSR1);
	CHECK_EQ(go(pid, PTRACE_SYSCALL, 0), SIGTRAP);
	at_call(pid, SYS_read);
	CHECK_EQ(write(pair[1], "x", 1), 1);
	CHECK_EQ(CONTINUE(pid, 0), EXITED + ('x' << 8));
	CHECK_EQ(shared[0], 1);
	CHECK_EQ(shared[SIGUSR1], 0);
}

/* ---- Registers and memory ---- */

/* Stops with values in registers, and leaves in the array at rdi what it finds in them afterwards. */
void stop_with_values(uint64_t found[4]);
/* Counts down: one step, and two for each of 100 rounds. */
void count_down(void);

__asm__(
	".text\n"
	".globl stop_with_values, count_down, count_down_end, call_at, after_call, in_text\n"
	"stop_with_values:\n"
	"	push %rbx; push %r12\n"
	"	mov $0x1234567890, %rbx; mov $-2, %r12; mov $77, %r10d; movq %rbx, %xmm3\n"
	"	int3\n"
	"	mov %rbx, 0(%rdi); mov %r12, 8(%rdi); mov %r10, 16(%rdi); movq %xmm3, 24(%rdi)\n"
	"	pop %r12; pop %rbx\n"
	"	ret\n"
	"count_down:\n"
	"	mov $100, %ecx\n"
	"1:	dec %ecx\n"
	"	jnz 1b\n"
	"count_down_end:\n"
	"	mov $39, %eax\n"
	"call_at:\n"
	"	syscall\n"
	"after_call:\n"
	"	ret\n"
	".balign 8\n"
	"in_text:\n"
	"	.quad 0x1122334455667788\n");

static void use_registers(void)
{
	uint64_t found[4] = { 0 };

	stop_with_values(found);
	for (int i = 0; i < 4; i++)
		shared[i] = found[i];
}

static void registers_are_read_and_set(void)
{
	struct user_fpregs_struct fpu;
	struct user_regs_struct registers, partly = { 0 };
	struct iovec vector = { &partly, 16 };
	pid_t pid = traced_child(use_registers);
	long word = 0, xmm3 = 0;

	CHECK_EQ(CONTINUE(pid, 0), SIGTRAP);
	registers = registers_of(pid);
	CHECK_EQ(registers.rbx, 0x1234567890);
	CHECK_EQ(registers.r12, -2);
	CHECK_EQ(registers.r10, 77);
	CHECK_EQ(registers.orig_rax, -1);
	CHECK_EQ(registers.cs, 0x33);
	CHECK_EQ(registers.ss, 0x2b);
	CHECK_EQ(registers.eflags & 0x3300, 0x200);
	CHECK_EQ(request(PTRACE_PEEKUSER, pid, REGISTER(rbx), (long)&word), 0);
	CHECK_EQ(word, 0x1234567890);
	CHECK_EQ(request(PTRACE_GETFPREGS, pid, 0, (long)&fpu), 0);
	memcpy(&xmm3, &fpu.xmm_space[12], sizeof xmm3);
	CHECK_EQ(xmm3, 0x1234567890);
	CHECK_EQ(fpu.cwd, 0x37f);
	xmm3 = 404;
	memcpy(&fpu.xmm_space[12], &xmm3, sizeof xmm3);
	CHECK_EQ(request(PTRACE_SETFPREGS, pid, 0, (long)&fpu), 0);
	fpu.mxcsr |= 1u << 31;
	CHECK_ERR(request(PTRACE_SETFPREGS, pid, 0, (long)&fpu), EINVAL);
	memset(&fpu, 0, sizeof fpu);
	CHECK_EQ(request(PTRACE_GETFPREGS, pid, 0, (long)&fpu), 0);
	memcpy(&xmm3, &fpu.xmm_space[12], sizeof xmm3);
	CHECK_EQ(xmm3, 404);
	registers.rbx = 101;
	set_registers(pid, registers);
	CHECK_EQ(request(PTRACE_POKEUSER, pid, REGISTER(r12), 202), 0);
	CHECK_EQ(request(PTRACE_GETREGSET, pid, NT_PRSTATUS, (long)&vector), 0);
	CHECK_EQ(vector.iov_len, 16);
	CHECK_EQ(partly.r15, registers.r15);
	CHECK_EQ(partly.r13, 0);
	vector = (struct iovec){ &registers, sizeof registers };
	registers.r12 = 202;
	registers.r10 = 303;
	CHECK_EQ(request(PTRACE_SETREGSET, pid, NT_PRSTATUS, (long)&vector), 0);
	CHECK_EQ(CONTINUE(pid, 0), EXITED);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(shared[i], 101 + 101 * i);
}

/* What a processor does not load is refused: parts that it does not know, another format, reserved bytes, and half an image. */
static void bad_images(pid_t pid, char *image, size_t size)
{
	static const int words[] = { 24, 512 + 4, 512 + 8, 512 + 16 };
	struct iovec vector = { image, size - 8 };

	CHECK_ERR(request(PTRACE_SETREGSET, pid, NT_X86_XSTATE, (long)&vector), EFAULT);
	for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
		uint32_t *word = (uint32_t *)(image + words[i]), good = *word;

		vector = (struct iovec){ image, size };
		*word = 1u << 31;
		CHECK_ERR(request(PTRACE_SETREGSET, pid, NT_X86_XSTATE, (long)&vector), EINVAL);
		*word = good;
	}
}

static void extended_state(void)
{
	static char image[16384] __attribute__((aligned(64)));
	struct iovec vector = { image, sizeof image };
	pid_t pid = traced_child(use_registers);
	int error;

	CHECK_EQ(CONTINUE(pid, 0), SIGTRAP);
	if (request(PTRACE_GETREGSET, pid, NT_X86_XSTATE, (long)&vector) < 0) {
		error = errno;
		CHECK(error == ENODEV || error == EINVAL);	/* a processor without */
	} else {
		CHECK(vector.iov_len >= 576 && vector.iov_len < sizeof image);
		CHECK_EQ(*(uint64_t *)(image + 464) & 3, 3);
		CHECK_EQ(*(uint64_t *)(image + 160 + 3 * 16), 0x1234567890);
		*(uint64_t *)(image + 160 + 3 * 16) = 505;
		CHECK_EQ(request(PTRACE_SETREGSET, pid, NT_X86_XSTATE, (long)&vector), 0);
		bad_images(pid, image, vector.iov_len);
		CHECK_EQ(CONTINUE(pid, 0), EXITED);
		CHECK_EQ(shared[3], 505);
		return;
	}
	kill_child(pid);
}

static void set_bad(pid_t pid, size_t offset, long value)
{
	CHECK_ERR(request(PTRACE_POKEUSER, pid, offset, value), EIO);
}

/* What a program may not have it does not get from its tracer. */
static void dangerous_registers(void)
{
	struct user_regs_struct registers;
	pid_t pid = traced_child(for_ever);

	set_bad(pid, REGISTER(cs), 0x10);
	set_bad(pid, REGISTER(ss), 0x18);
	set_bad(pid, REGISTER(ds), 0x10);
	set_bad(pid, REGISTER(fs_base), 1l << 62);
	set_bad(pid, REGISTER(gs_base), -1);
	CHECK_EQ(request(PTRACE_POKEUSER, pid, REGISTER(eflags), 0x3001), 0);	/* IOPL 3, interrupts off, carry */
	CHECK_EQ(registers_of(pid).eflags & 0x3301, 0x201);
	for (int i = 0; i < 3; i++) {
		static const unsigned long wild[] = { 1ul << 63, 1ul << 47, 0x7ffffffffffful };

		registers = registers_of(pid);
		registers.rip = wild[i];
		registers.orig_rax = -1;
		set_registers(pid, registers);
		CHECK_EQ(CONTINUE(pid, 0), SIGSEGV);
	}
	CHECK_EQ(CONTINUE(pid, SIGSEGV), EXITED + SIGSEGV);
	/* By the end of a call, too. */
	pid = traced_child(make_calls);
	CHECK_EQ(go(pid, PTRACE_SYSCALL, 0), SIGTRAP);
	CHECK_EQ(request(PTRACE_POKEUSER, pid, REGISTER(rip), 1l << 60), 0);
	CHECK_EQ(CONTINUE(pid, 0), SIGSEGV);
	kill_child(pid);
}

static int plus_one(int value)
{
	return value + 1;
}

static int (*volatile function)(int) = plus_one;

static void call_function(void)
{
	_exit(function(4));
}

static void breakpoint(void)
{
	pid_t pid = traced_child(call_function);
	long word = peek(pid, (void *)function), mine;
	struct user_regs_struct registers;

	memcpy(&mine, (void *)function, sizeof mine);
	CHECK_EQ(word, mine);
	CHECK_EQ(request(PTRACE_POKETEXT, pid, (long)function, (word & ~0xffl) | 0xcc), 0);
	CHECK_EQ(peek(pid, (void *)function) & 0xff, 0xcc);
	CHECK_EQ(memcmp(&mine, (void *)function, sizeof mine), 0);	/* the tracee's page alone has changed */
	CHECK_EQ(CONTINUE(pid, 0), SIGTRAP);
	registers = registers_of(pid);
	CHECK_EQ(registers.rip, (unsigned long)function + 1);
	CHECK_EQ(registers.rdi, 4);
	registers.rip--;
	registers.rdi = 40;
	set_registers(pid, registers);
	CHECK_EQ(request(PTRACE_POKETEXT, pid, (long)function, word), 0);
	CHECK_EQ(CONTINUE(pid, 0), EXITED + (41 << 8));
}

static void memory(void)
{
	volatile long *across = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *read_only;
	volatile long *end = (volatile long *)((char *)across + 4092);
	long word = 0;
	pid_t pid;

	read_only = mmap(NULL, 4096, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid = traced_child(for_ever);
	CHECK_EQ(request(PTRACE_POKEDATA, pid, (long)end, 0x0102030405060708), 0);
	CHECK_EQ(peek(pid, end), 0x0102030405060708);
	CHECK_EQ(peek(pid, in_text), 0x1122334455667788);
	CHECK_EQ(request(PTRACE_POKEDATA, pid, (long)in_text, 5), 0);
	CHECK_EQ(peek(pid, in_text), 5);
	CHECK_EQ(*(volatile long *)in_text, 0x1122334455667788);
	CHECK_EQ(*end, 0);
	CHECK_ERR(request(PTRACE_POKEDATA, pid, (long)read_only, 1), EIO);
	CHECK_ERR(request(PTRACE_PEEKDATA, pid, 8, (long)&word), EIO);
	CHECK_ERR(request(PTRACE_POKEDATA, pid, 8, 0), EIO);
	CHECK_ERR(request(PTRACE_PEEKDATA, pid, -8, (long)&word), EIO);
	CHECK_ERR(request(PTRACE_PEEKDATA, pid, (long)end, 8), EFAULT);
	kill_child(pid);
}

/* ---- Steps ---- */

static void step_here(void)
{
	handle(SIGUSR1, count_signal);
	signal_self(SIGTRAP);
	count_down();
}

static int step_to(pid_t pid, const char *where)
{
	int steps = 0;

	while (registers_of(pid).rip != (unsigned long)where && steps < 10000) {
		steps++;
		if (!CHECK_EQ(go(pid, PTRACE_SINGLESTEP, 0), SIGTRAP))
			break;
	}
	return steps;
}

static void single_steps(void)
{
	pid_t pid = traced_child(step_here);

	CHECK_EQ(CONTINUE(pid, 0), SIGTRAP);
	step_to(pid, (void *)count_down);
	CHECK_EQ(step_to(pid, count_down_end), 201);
	CHECK_EQ(registers_of(pid).eflags & 0x100, 0);
	CHECK_EQ(step_to(pid, call_at), 1);
	CHECK_EQ(go(pid, PTRACE_SINGLESTEP, 0), SIGTRAP);	/* over a call */
	CHECK_EQ(registers_of(pid).rip, (unsigned long)after_call);
	CHECK_EQ(registers_of(pid).rax, pid);
	CHECK_EQ(go(pid, PTRACE_SINGLESTEP, SIGUSR1), SIGTRAP);	/* into a handler */
	CHECK_EQ(registers_of(pid).rip, (unsigned long)count_signal);
	CHECK_EQ(CONTINUE(pid, 0), EXITED);
	CHECK_EQ(shared[SIGUSR1], 1);
}

/* ---- Refusals ---- */

static void refusals(void)
{
	struct user_regs_struct registers;
	struct iovec vector = { &registers, 7 };
	pid_t pid = traced_child(for_ever);
	long word;

	CHECK_ERR(request(PTRACE_CONT, NO_PROCESS, 0, 0), ESRCH);
	CHECK_ERR(request(12345, NO_PROCESS, 0, 0), ESRCH);
	CHECK_ERR(request(PTRACE_ATTACH, NO_PROCESS, 0, 0), ESRCH);
	CHECK_ERR(request(PTRACE_ATTACH, getpid(), 0, 0), EPERM);
	CHECK_ERR(request(PTRACE_ATTACH, pid, 0, 0), EPERM);
	CHECK_ERR(request(PTRACE_CONT, getpid(), 0, 0), ESRCH);
	CHECK_ERR(request(12345, pid, 0, 0), EIO);
	CHECK_ERR(request(PTRACE_CONT, pid, 0, 65), EIO);
	CHECK_ERR(request(PTRACE_SYSCALL, pid, 0, -1), EIO);
	CHECK_ERR(request(PTRACE_DETACH, pid, 0, 65), EIO);
	CHECK_ERR(request(PTRACE_SETOPTIONS, pid, 0, 1l << 30), EINVAL);
	CHECK_ERR(request(PTRACE_PEEKUSER, pid, 4, (long)&word), EIO);
	CHECK_ERR(request(PTRACE_PEEKUSER, pid, USER_SIZE, (long)&word), EIO);
	CHECK_ERR(request(PTRACE_POKEUSER, pid, USER_SIZE, 0), EIO);
	CHECK_EQ(request(PTRACE_PEEKUSER, pid, offsetof(struct user, u_debugreg[7]), (long)&word), 0);
	CHECK_EQ(word, 0);
	CHECK_EQ(request(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg[7]), 0), 0);
	CHECK_ERR(request(PTRACE_GETREGS, pid, 0, 8), EFAULT);
	CHECK_ERR(request(PTRACE_SETREGS, pid, 0, 8), EFAULT);
	CHECK_ERR(request(PTRACE_GETREGSET, pid, NT_PRSTATUS, (long)&vector), EINVAL);
	vector.iov_len = 8;
	CHECK_ERR(request(PTRACE_GETREGSET, pid, 9999, (long)&vector), EINVAL);
	CHECK_ERR(request(PTRACE_GETREGSET, pid, NT_PRSTATUS, 8), EFAULT);
	CHECK_ERR(request(PTRACE_GETSIGINFO, pid, 0, 8), EFAULT);
	CHECK_ERR(request(PTRACE_LISTEN, pid, 0, 0), EIO);
	CHECK_ERR(request(PTRACE_INTERRUPT, pid, 0, 0), EIO);
	CHECK_EQ(request(PTRACE_CONT, pid, 0, 0), 0);
	CHECK(check_state(pid, 'S', 10000));
	CHECK_ERR(request(PTRACE_CONT, pid, 0, 0), ESRCH);
	CHECK_ERR(request(PTRACE_GETREGS, pid, 0, (long)&registers), ESRCH);
	CHECK_ERR(request(PTRACE_DETACH, pid, 0, 0), ESRCH);
	kill_child(pid);
	CHECK_ERR(request(PTRACE_SEIZE, getppid(), 1, 0), EIO);
	CHECK_ERR(request(PTRACE_CONT, pid, 0, 0), ESRCH);
}

static void trace_me_twice(void)
{
	_exit(request(PTRACE_TRACEME, 0, 0, 0) == -1 && errno == EPERM);
}

/* A plain wait finds who is traced, and its end, whatever signal was to tell of that. */
static void odd_exit_signals(void)
{
	static const int signals[] = { 0, SIGUSR1, 64, 100 };
	int ends[2], status = 0;
	char byte;

	CHECK_EQ(pipe(ends), 0);
	signal(SIGUSR1, SIG_IGN);
	signal(64, SIG_IGN);
	for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) {
		pid_t pid = syscall(SYS_clone, signals[i], 0, 0, 0, 0);

		if (pid == 0) {
			request(PTRACE_TRACEME, 0, 0, 0);
			write(ends[1], "x", 1);
			kill(getpid(), SIGSTOP);
			_exit(6);
		}
		CHECK_EQ(read(ends[0], &byte, 1), 1);
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		CHECK(WIFSTOPPED(status));
		CHECK_EQ(request(PTRACE_CONT, pid, 0, 0), 0);
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		CHECK_EQ(status, 6 << 8);
	}
}

static void become_nobody(void *to_trace)
{
	if (setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0)
		return;
	CHECK_ERR(request(PTRACE_ATTACH, *(pid_t *)to_trace, 0, 0), EPERM);
	CHECK_ERR(request(PTRACE_SEIZE, *(pid_t *)to_trace, 0, 0), EPERM);
	CHECK_ERR(request(PTRACE_SEIZE, 1, 0, 0), EPERM);
}

static void access_is_checked(void)
{
	pid_t pid = traced_child(trace_me_twice);

	CHECK_EQ(CONTINUE(pid, 0), EXITED + (1 << 8));
	pid = check_spawn((void (*)(void *))for_ever, NULL);
	CHECK_EQ(check_child(become_nobody, &pid), 0);
	kill_child(pid);
}

static const struct check_case cases[] = {
	CASE(signals_are_asked_about), CASE(deadly_signals), CASE(mask_is_read_and_set), CASE(calls_are_seen_and_changed), CASE(count_calls), CASE(call_info),
	CASE(interrupted_call_is_made_again), CASE(registers_are_read_and_set), CASE(extended_state), CASE(dangerous_registers), CASE(breakpoint),
	CASE(memory), CASE(single_steps), CASE(refusals), CASE(odd_exit_signals), CASE(access_is_checked), { NULL, NULL },
};

int main(int argc, char **argv)
{
	return run_cases("ptrace", cases, argc, argv);
}
