/* SPDX-License-Identifier: MIT */
/* Signals: handlers and their flags, masks, waiting, delivery to processes and groups, timers, register state. */
#include "check.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static volatile int hits, nested, depth;
static siginfo_t last;

static void count_hit(int number)
{
	(void)number;
	hits++;
}

static void keep_info(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	last = *info;
	hits++;
}

static void set_handler(int number, void (*handler)(int), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

	CHECK_EQ(sigaction(number, &action, NULL), 0);
}

static void set_info_handler(int number, int flags)
{
	struct sigaction action = { .sa_sigaction = keep_info, .sa_flags = flags | SA_SIGINFO };

	CHECK_EQ(sigaction(number, &action, NULL), 0);
}

/* There are only those that it may not signal: no error. */
static void signal_strangers(void *unused)
{
	(void)unused;
	CHECK_EQ(setuid(4321), 0);
	CHECK_EQ(kill(-1, 0), 0);
	CHECK_EQ(kill(-1, SIGUSR1), 0);
}

static void handlers(void)
{
	struct sigaction old;

	set_handler(SIGUSR1, count_hit, SA_RESTART);
	CHECK_EQ(sigaction(SIGUSR1, NULL, &old), 0);
	CHECK(old.sa_handler == count_hit && (old.sa_flags & SA_RESTART));
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK_EQ(hits, 1);
	CHECK_EQ(kill(getpid(), SIGUSR1), 0);
	CHECK_EQ(hits, 2);
	set_handler(SIGUSR1, SIG_IGN, 0);
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK_EQ(hits, 2);
	CHECK_ERR(sigaction(SIGKILL, &old, NULL), EINVAL);
	CHECK_ERR(sigaction(SIGSTOP, &old, NULL), EINVAL);
	CHECK_ERR(sigaction(65, &old, NULL), EINVAL);
	CHECK_ERR(kill(getpid(), 65), EINVAL);
	CHECK_EQ(check_child(signal_strangers, NULL), 0);
	CHECK_ERR(kill(0x7fffffff, 0), ESRCH);
	CHECK_EQ(kill(getpid(), 0), 0);
	/* Whether there is such a process comes first, and before all whether the action can be read. */
	CHECK_ERR(kill(0x7fffffff, 65), ESRCH);
	CHECK_ERR(kill(-0x7fffffff, 65), ESRCH);
	CHECK_ERR(syscall(SYS_tgkill, 0x7fffffff, 0x7fffffff, 65), ESRCH);
	CHECK_ERR(syscall(SYS_tgkill, getpid(), getpid(), 65), EINVAL);
	CHECK_ERR(syscall(SYS_rt_sigaction, 65, 8, NULL, 8), EFAULT);
	CHECK_ERR(syscall(SYS_rt_sigaction, SIGKILL, 8, NULL, 8), EFAULT);
	CHECK_EQ(syscall(SYS_rt_sigaction, SIGKILL, NULL, &old, 8), 0);
}

static void die_by(void *number)
{
	raise((long)number);
}

static void default_actions(void)
{
	static const int deadly[] = { SIGHUP, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGKILL, SIGUSR1,
				      SIGSEGV, SIGUSR2, SIGPIPE, SIGALRM, SIGTERM, SIGVTALRM, SIGPROF, SIGIO, SIGSYS,
				      SIGXCPU, SIGXFSZ };
	static const int harmless[] = { SIGCHLD, SIGCONT, SIGURG, SIGWINCH };

	for (unsigned i = 0; i < sizeof deadly / sizeof *deadly; i++)
		CHECK_EQ(check_child(die_by, (void *)(long)deadly[i]), CHECK_KILLED + deadly[i]);
	for (unsigned i = 0; i < sizeof harmless / sizeof *harmless; i++)
		CHECK_EQ(check_child(die_by, (void *)(long)harmless[i]), 0);
	CHECK_EQ(check_child(die_by, (void *)(long)SIGRTMIN), CHECK_KILLED + SIGRTMIN);
}

static void note_nesting(int number)
{
	depth++;
	if (depth > nested)
		nested = depth;
	if (++hits < 3)
		raise(number);
	depth--;
}

/* The kernel's struct sigaction. */
struct kernel_action { void (*handler)(int); unsigned long flags; void (*restorer)(void); unsigned long mask; };

/* A program sees by flags that are gone what the kernel does not know. */
static void unknown_flags(void)
{
	enum { UNSUPPORTED = 0x400, EXPOSE_TAGBITS = 0x800 };
	struct kernel_action action = { SIG_IGN, SA_RESTART | SA_RESETHAND | UNSUPPORTED | EXPOSE_TAGBITS | 0x20000 | 1ul << 40, NULL, 0 };

	CHECK_EQ(syscall(SYS_rt_sigaction, SIGUSR1, &action, NULL, 8), 0);
	CHECK_EQ(syscall(SYS_rt_sigaction, SIGUSR1, NULL, &action, 8), 0);
	CHECK_EQ(action.flags, (unsigned)(SA_RESTART | SA_RESETHAND | EXPOSE_TAGBITS));
}

static void handler_flags(void)
{
	struct sigaction now;

	/* Blocked while it runs, unless SA_NODEFER. */
	set_handler(SIGUSR1, note_nesting, 0);
	raise(SIGUSR1);
	CHECK_EQ(nested, 1);
	CHECK_EQ(hits, 3);
	hits = nested = 0;
	set_handler(SIGUSR1, note_nesting, SA_NODEFER);
	raise(SIGUSR1);
	CHECK_EQ(nested, 3);
	hits = 0;
	set_handler(SIGUSR2, count_hit, SA_RESETHAND);
	raise(SIGUSR2);
	CHECK_EQ(hits, 1);
	CHECK_EQ(sigaction(SIGUSR2, NULL, &now), 0);
	CHECK(now.sa_handler == SIG_DFL);
}

static void information(void)
{
	union sigval value = { .sival_int = 4711 };

	set_info_handler(SIGUSR1, 0);
	set_info_handler(SIGCHLD, 0);
	set_info_handler(SIGRTMIN, 0);
	kill(getpid(), SIGUSR1);
	CHECK_EQ(last.si_signo, SIGUSR1);
	CHECK_EQ(last.si_code, SI_USER);
	CHECK_EQ(last.si_pid, getpid());
	CHECK_EQ(last.si_uid, getuid());
	CHECK_EQ(syscall(SYS_tgkill, getpid(), getpid(), SIGUSR1), 0);
	CHECK_EQ(last.si_code, SI_TKILL);
	CHECK_EQ(sigqueue(getpid(), SIGRTMIN, value), 0);
	CHECK_EQ(last.si_code, SI_QUEUE);
	CHECK_EQ(last.si_value.sival_int, 4711);
	pid_t child = check_spawn(die_by, (void *)(long)SIGTERM);
	CHECK_EQ(check_wait(child), CHECK_KILLED + SIGTERM);
	CHECK_EQ(last.si_signo, SIGCHLD);
	CHECK_EQ(last.si_code, CLD_KILLED);
	CHECK_EQ(last.si_pid, child);
	CHECK_EQ(last.si_status, SIGTERM);
}

static void masks(void)
{
	sigset_t set, old, pending;

	set_handler(SIGUSR1, count_hit, 0);
	set_handler(SIGRTMIN, count_hit, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, &old), 0);
	CHECK_EQ(sigismember(&old, SIGUSR1), 0);
	/* Standard signals merge, real-time ones queue. */
	for (int i = 0; i < 3; i++) {
		raise(SIGUSR1);
		raise(SIGRTMIN);
	}
	CHECK_EQ(hits, 0);
	CHECK_EQ(sigpending(&pending), 0);
	CHECK_EQ(sigismember(&pending, SIGUSR1), 1);
	CHECK_EQ(sigismember(&pending, SIGUSR2), 0);
	CHECK_EQ(sigprocmask(SIG_SETMASK, &old, NULL), 0);
	CHECK_EQ(hits, 4);
	/* SIGKILL and SIGSTOP are never blocked. */
	sigfillset(&set);
	CHECK_EQ(sigprocmask(SIG_SETMASK, &set, NULL), 0);
	CHECK_EQ(sigprocmask(SIG_SETMASK, NULL, &set), 0);
	CHECK_EQ(sigismember(&set, SIGKILL), 0);
	CHECK_EQ(sigismember(&set, SIGTERM), 1);
	CHECK_ERR(sigprocmask(99, &set, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, NULL, 7), EINVAL);
}

static void send_after(void *argument)
{
	long number = (long)argument;

	check_signal_parent((int)number);
}

static void waiting(void)
{
	struct timespec brief = { 0, 30000000 }, none = { 0, 0 };
	sigset_t set, empty, blocked;
	siginfo_t info;
	pid_t child;
	long start;

	set_handler(SIGUSR1, count_hit, SA_RESTART);
	sigemptyset(&empty);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	raise(SIGUSR1);
	CHECK_ERR(sigsuspend(&empty), EINTR);
	CHECK_EQ(hits, 1);
	CHECK_EQ(sigprocmask(SIG_BLOCK, NULL, &blocked), 0);
	CHECK_EQ(sigismember(&blocked, SIGUSR1), 1);
	child = check_spawn(send_after, (void *)(long)SIGUSR1);
	CHECK_EQ(sigwaitinfo(&set, &info), SIGUSR1);
	CHECK_EQ(info.si_pid, child);
	CHECK_EQ(hits, 1);
	check_wait(child);
	start = check_now();
	CHECK_ERR(sigtimedwait(&set, &info, &brief), EAGAIN);
	CHECK(check_now() - start >= 29);
	CHECK_ERR(sigtimedwait(&set, &info, &none), EAGAIN);
	CHECK_EQ(sigprocmask(SIG_UNBLOCK, &set, NULL), 0);
	child = check_spawn(send_after, (void *)(long)SIGUSR1);
	CHECK_ERR(pause(), EINTR);
	CHECK_EQ(hits, 2);
	check_wait(child);
}

static void restarting(void)
{
	int ends[2];
	char byte;
	pid_t child;

	CHECK_EQ(pipe(ends), 0);
	set_handler(SIGUSR1, count_hit, 0);
	child = check_spawn(send_after, (void *)(long)SIGUSR1);
	CHECK_ERR(read(ends[0], &byte, 1), EINTR);
	check_wait(child);
	set_handler(SIGUSR1, count_hit, SA_RESTART);
	child = fork();
	if (child == 0) {
		check_sleep(30);
		kill(getppid(), SIGUSR1);
		check_sleep(30);
		_exit(write(ends[1], "x", 1) != 1);
	}
	CHECK_EQ(read(ends[0], &byte, 1), 1);
	CHECK_EQ(hits, 2);
	/* wait restarts too; the handler ran in between. */
	CHECK_EQ(check_wait(child), 0);
	child = check_spawn(send_after, (void *)(long)SIGUSR1);
	CHECK_EQ(waitpid(child, NULL, 0), child);
	CHECK_EQ(hits, 3);
}

static void group_target(void *ready)
{
	(void)ready;
	signal(SIGUSR2, SIG_DFL);
	check_sleep(20000);
}

static void groups(void)
{
	pid_t first = check_spawn(group_target, NULL), second;

	CHECK_EQ(setpgid(first, first), 0);
	second = check_spawn(group_target, NULL);
	CHECK_EQ(setpgid(second, first), 0);
	CHECK_EQ(kill(-first, SIGUSR2), 0);
	CHECK_EQ(check_wait(first), CHECK_KILLED + SIGUSR2);
	CHECK_EQ(check_wait(second), CHECK_KILLED + SIGUSR2);
	CHECK_ERR(kill(-first, 0), ESRCH);
	/* Group 0 is one's own. */
	set_handler(SIGUSR1, count_hit, 0);
	CHECK_EQ(kill(0, SIGUSR1), 0);
	CHECK_EQ(hits, 1);
}

static void permission(void)
{
	pid_t target = check_spawn(group_target, NULL), child = fork();

	if (child == 0) {
		CHECK_EQ(setresuid(1000, 1000, 1000), 0);
		CHECK_ERR(kill(target, SIGTERM), EPERM);
		CHECK_ERR(kill(1, 0), EPERM);
		_exit(0);
	}
	CHECK_EQ(check_wait(child), 0);
	CHECK_EQ(kill(target, SIGKILL), 0);
	CHECK_EQ(check_wait(target), CHECK_KILLED + SIGKILL);
}

static void count_forever(void *shared)
{
	for (volatile int *counter = shared;;)
		++*counter;
}

static void stop_and_continue(void)
{
	volatile int *counter = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child = check_spawn(count_forever, (void *)counter);
	int status, seen;

	CHECK(check_await(counter, 3000));
	CHECK_EQ(kill(child, SIGTSTP), 0);
	CHECK_EQ(waitpid(child, &status, WUNTRACED), child);
	CHECK_EQ(WSTOPSIG(status), SIGTSTP);
	seen = *counter;
	check_sleep(40);
	CHECK_EQ(*counter, seen);
	/* A deadly signal waits until the process continues. */
	CHECK_EQ(kill(child, SIGTERM), 0);
	CHECK_EQ(waitpid(child, &status, WNOHANG), 0);
	CHECK_EQ(kill(child, SIGCONT), 0);
	CHECK_EQ(check_wait(child), CHECK_KILLED + SIGTERM);
}

static void wait_until_killed(void *unused)
{
	(void)unused;
	for (;;)
		pause();
}

/* The parent hears of each, unless it does not want to. */
static void told_of_stops(void)
{
	pid_t child = check_spawn(wait_until_killed, NULL);
	int status;

	set_info_handler(SIGCHLD, 0);
	CHECK_EQ(kill(child, SIGSTOP), 0);
	while (waitpid(child, &status, WUNTRACED) < 0 && errno == EINTR)
		;
	CHECK(check_await(&hits, 10000));
	CHECK_EQ(last.si_code, CLD_STOPPED);
	CHECK_EQ(last.si_status, SIGSTOP);
	hits = 0;
	CHECK_EQ(kill(child, SIGCONT), 0);
	CHECK(check_await(&hits, 10000));
	CHECK_EQ(last.si_code, CLD_CONTINUED);
	CHECK_EQ(last.si_status, SIGCONT);
	CHECK_EQ(last.si_pid, child);
	set_info_handler(SIGCHLD, SA_NOCLDSTOP);
	hits = 0;
	CHECK_EQ(kill(child, SIGSTOP), 0);
	CHECK_EQ(waitpid(child, &status, WUNTRACED), child);
	CHECK_EQ(kill(child, SIGKILL), 0);
	CHECK(check_await(&hits, 10000));
	CHECK_EQ(last.si_code, CLD_KILLED);
	CHECK_EQ(check_wait(child), CHECK_KILLED + SIGKILL);
}

static void file_too_big(void)
{
	struct rlimit limit = { 10, 10 };
	int fd = open("file", O_WRONLY | O_CREAT, 0600);

	set_info_handler(SIGXFSZ, 0);
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
	CHECK_EQ(write(fd, "0123456789abc", 13), 10);
	CHECK_EQ(hits, 0);
	CHECK_ERR(write(fd, "x", 1), EFBIG);
	CHECK_EQ(hits, 1);
	CHECK_EQ(last.si_code, SI_USER);
	CHECK_EQ(last.si_pid, getpid());
}

static void broken_pipe(void)
{
	int ends[2];

	CHECK_EQ(pipe(ends), 0);
	close(ends[0]);
	set_info_handler(SIGPIPE, 0);
	CHECK_ERR(write(ends[1], "x", 1), EPIPE);
	CHECK_EQ(hits, 1);
	CHECK_EQ(last.si_code, SI_USER);
	CHECK_EQ(last.si_pid, getpid());
	CHECK_EQ(last.si_uid, getuid());
	set_handler(SIGPIPE, SIG_IGN, 0);
	CHECK_ERR(write(ends[1], "x", 1), EPIPE);
}

static volatile char *stack_seen;

static void note_stack(int number)
{
	char here;

	(void)number;
	stack_seen = &here;
	hits++;
}

static void alternate_stack(void)
{
	static char area[65536];
	stack_t stack = { .ss_sp = area, .ss_size = sizeof area }, old, small = { .ss_sp = area, .ss_size = 64 };

	CHECK_ERR(sigaltstack(&small, NULL), ENOMEM);
	CHECK_EQ(sigaltstack(&stack, NULL), 0);
	CHECK_EQ(sigaltstack(NULL, &old), 0);
	CHECK(old.ss_sp == area && old.ss_size == sizeof area && old.ss_flags == 0);
	set_handler(SIGUSR1, note_stack, SA_ONSTACK);
	raise(SIGUSR1);
	CHECK(stack_seen >= area && stack_seen < area + sizeof area);
	set_handler(SIGUSR1, note_stack, 0);
	raise(SIGUSR1);
	CHECK(!(stack_seen >= area && stack_seen < area + sizeof area));
}

static char handlers_stack[65536];

static void change_stack(int number)
{
	stack_t stack = { .ss_sp = handlers_stack, .ss_size = sizeof handlers_stack };

	(void)number;
	CHECK_EQ(sigaltstack(&stack, NULL), 0);
}

static void end_stack(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)info;
	((ucontext_t *)context)->uc_stack = (stack_t){ .ss_flags = SS_DISABLE };
}

static void spoil_stack(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)info;
	((ucontext_t *)context)->uc_stack.ss_flags = SS_DISABLE;
	hits++;
}

/* What the handler's context says of the stack is what there is after its return. */
static void stack_after_return(void)
{
	struct sigaction action = { .sa_sigaction = end_stack, .sa_flags = SA_SIGINFO };
	stack_t now;

	set_handler(SIGUSR1, change_stack, 0);
	raise(SIGUSR1);
	CHECK_EQ(sigaltstack(NULL, &now), 0);
	CHECK_EQ(now.ss_flags, SS_DISABLE);
	change_stack(0);
	raise(SIGUSR1);
	CHECK_EQ(sigaltstack(NULL, &now), 0);
	CHECK(now.ss_sp == handlers_stack && now.ss_size == sizeof handlers_stack && now.ss_flags == 0);
	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	raise(SIGUSR1);
	CHECK_EQ(sigaltstack(NULL, &now), 0);
	CHECK_EQ(now.ss_flags, SS_DISABLE);
	/* No longer the stack of handlers that ask for one. */
	change_stack(0);
	action.sa_sigaction = spoil_stack;
	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	raise(SIGUSR1);
	set_handler(SIGUSR1, note_stack, SA_ONSTACK);
	raise(SIGUSR1);
	CHECK(!(stack_seen >= handlers_stack && stack_seen < handlers_stack + sizeof handlers_stack));
}

static void timers(void)
{
	struct itimerval once = { { 0, 0 }, { 0, 30000 } }, repeat = { { 0, 10000 }, { 0, 10000 } }, late = { { 0, 0 }, { 60, 0 } }, off = { 0 }, now;
	struct itimerval only_interval = { { 7, 0 }, { 0, 0 } };
	sigset_t block, before;

	set_handler(SIGALRM, count_hit, 0);
	CHECK_EQ(alarm(100), 0);
	CHECK(alarm(0) >= 99);
	CHECK_EQ(setitimer(ITIMER_REAL, &late, NULL), 0);
	CHECK_EQ(getitimer(ITIMER_REAL, &now), 0);
	CHECK(now.it_value.tv_sec == 60 ? now.it_value.tv_usec == 0 : now.it_value.tv_sec >= 30 && now.it_value.tv_sec < 60);
	/* It may come before anybody waits. */
	sigemptyset(&block);
	sigaddset(&block, SIGALRM);
	sigprocmask(SIG_BLOCK, &block, &before);
	CHECK_EQ(setitimer(ITIMER_REAL, &once, &now), 0);
	CHECK(now.it_value.tv_sec >= 30);
	sigsuspend(&before);
	sigprocmask(SIG_SETMASK, &before, NULL);
	CHECK_EQ(hits, 1);
	CHECK_EQ(setitimer(ITIMER_REAL, &repeat, NULL), 0);
	while (hits < 4)
		pause();
	CHECK_EQ(setitimer(ITIMER_REAL, &off, &now), 0);
	CHECK_EQ(now.it_interval.tv_usec, 10000);
	/* One that is off has no interval; of CPU time it has. */
	for (int which = ITIMER_REAL; which <= ITIMER_PROF; which++) {
		CHECK_EQ(setitimer(which, &only_interval, NULL), 0);
		CHECK_EQ(getitimer(which, &now), 0);
		CHECK_EQ(now.it_interval.tv_sec, which == ITIMER_REAL ? 0 : 7);
		CHECK_EQ(now.it_value.tv_sec, 0);
	}
	/* CPU time of the process, not the clock's. */
	set_handler(SIGVTALRM, count_hit, 0);
	hits = 0;
	CHECK_EQ(setitimer(ITIMER_VIRTUAL, &once, NULL), 0);
	check_sleep(60);
	CHECK_EQ(hits, 0);
	for (long end = check_now() + 5000; !hits && check_now() < end;)
		for (volatile int i = 0; i < 10000; i++)
			;
	CHECK_EQ(hits, 1);
}

/* A handler that uses SSE and x87 must not disturb what it interrupts. */
static void disturb_registers(int number)
{
	volatile double value = number;

	for (int i = 0; i < 50; i++)
		value = value * 1.5 + 1;
	__asm__ volatile("pcmpeqb %%xmm0, %%xmm0; movaps %%xmm0, %%xmm15; movaps %%xmm0, %%xmm7; fninit; fldpi"
			 ::: "xmm0", "xmm7", "xmm15");
	hits++;
}

static int registers_survive(int rounds)
{
	long low = 0x0123456789abcdef, high = 0x7766554433221100, got_low = 0, got_high = 0, wrong = 0;
	double kept = 0;

	for (int i = 0; i < rounds; i++) {
		__asm__ volatile(
			"movq %[low], %%xmm0; movq %[high], %%xmm15; movq %[low], %%xmm7; fninit; fld1\n"
			"mov $20000, %%ecx\n"
			"1: dec %%ecx; jnz 1b\n"
			"movq %%xmm0, %[got_low]; movq %%xmm15, %[got_high]; fstpl %[kept]\n"
			: [got_low] "=&r"(got_low), [got_high] "=&r"(got_high), [kept] "=m"(kept)
			: [low] "r"(low), [high] "r"(high) : "rcx", "xmm0", "xmm7", "xmm15", "cc");
		wrong += got_low != low || got_high != high || kept != 1.0;
	}
	return wrong == 0;
}

static void disturb_forever(void *unused)
{
	(void)unused;
	for (;;)
		disturb_registers(3);
}

static void register_state(void)
{
	struct itimerval often = { { 0, 2000 }, { 0, 2000 } };
	pid_t child = check_spawn(disturb_forever, NULL);

	set_handler(SIGALRM, disturb_registers, 0);
	CHECK_EQ(setitimer(ITIMER_REAL, &often, NULL), 0);
	for (long end = check_now() + 10000; hits < 20 && check_now() < end;)
		if (!CHECK(registers_survive(50)))
			break;
	CHECK(hits >= 20);
	kill(child, SIGKILL);
	check_wait(child);
}

static void take_no_ticks(void *unused)
{
	struct itimerval always = { { 0, 1 }, { 0, 1 } };
	sigset_t block;

	(void)unused;
	sigemptyset(&block);
	sigaddset(&block, SIGALRM);
	sigprocmask(SIG_BLOCK, &block, NULL);
	setitimer(ITIMER_REAL, &always, NULL);
	for (;;)
		pause();
}

/* So many timers are due again as soon as they have been looked at that a machine could do nothing else. */
static void ticks_not_taken(void)
{
	enum { CHILDREN = 48 };
	pid_t children[CHILDREN];

	for (int i = 0; i < CHILDREN; i++)
		children[i] = check_spawn(take_no_ticks, NULL);
	for (int i = 0; i < 10; i++)
		check_sleep(1);
	for (int i = 0; i < CHILDREN; i++)
		kill(children[i], SIGKILL);
	for (int i = 0; i < CHILDREN; i++)
		CHECK_EQ(check_wait(children[i]), CHECK_KILLED + SIGKILL);
}

/* The 128 bytes below the stack pointer belong to what was interrupted (the ABI's red zone). */
static void red_zone(void)
{
	struct itimerval often = { { 0, 1000 }, { 0, 1000 } };
	long wrong = 0;

	set_handler(SIGALRM, disturb_registers, 0);
	CHECK_EQ(setitimer(ITIMER_REAL, &often, NULL), 0);
	for (long end = check_now() + 10000; hits < 20 && check_now() < end;) {
		long bad;

		__asm__ volatile(
			"lea -128(%%rsp), %%rdi\n"
			"mov $0x5a5a5a5a5a5a5a5a, %%rax\n"
			"mov $16, %%ecx\n"
			"rep stosq\n"
			"mov $100000, %%ecx\n"
			"1: dec %%ecx; jnz 1b\n"
			"lea -128(%%rsp), %%rdi\n"
			"mov $16, %%ecx\n"
			"repe scasq\n"
			"setne %b0\n"
			"movzbq %b0, %0\n"
			: "=&q"(bad) :: "rax", "rcx", "rdi", "cc", "memory");
		wrong += bad;
	}
	CHECK_EQ(wrong, 0);
	CHECK(hits >= 20);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(handlers), CASE(default_actions), CASE(unknown_flags), CASE(handler_flags), CASE(information), CASE(masks), CASE(waiting),
		CASE(restarting), CASE(groups), CASE(permission), CASE(stop_and_continue), CASE(told_of_stops), CASE(file_too_big), CASE(broken_pipe),
		CASE(alternate_stack), CASE(stack_after_return), CASE(timers), CASE(register_state), CASE(ticks_not_taken), CASE(red_zone), { NULL, NULL },
	};

	return check_main("signals", cases, argc, argv);
}
