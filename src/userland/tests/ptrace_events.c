/* SPDX-License-Identifier: MIT */
/* ptrace: attaching and seizing, stops of whole processes, children, threads, exec, and the ends of tracees and tracers. */
#include "ptrace_kit.h"
/* calls: ptrace */

#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>

enum { EXEC_TRAP = SIGTRAP | EVENT_EXEC << 8, STOP_TRAP = SIGTRAP | EVENT_STOP << 8, STATUS_TEXT = 4096 };

static void for_ever(void *unused)
{
	(void)unused;
	for (;;)
		pause();
}

static pid_t sleeper(void)
{
	pid_t pid = check_spawn(for_ever, NULL);

	CHECK(check_state(pid, 'S', 10000));
	return pid;
}

/* The number behind @name in /proc/PID/status. */
static int status_number(pid_t pid, const char *name)
{
	char path[64], text[STATUS_TEXT + 1] = "", *found;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/status", pid);
	file = fopen(path, "r");
	if (!file)
		return -1;
	text[fread(text, 1, STATUS_TEXT, file)] = 0;
	fclose(file);
	found = strstr(text, name);
	return found ? atoi(found + strlen(name)) : -1;
}

/* ---- Attaching ---- */

static void attach_and_detach(void)
{
	pid_t pid = sleeper();

	CHECK_EQ(status_number(pid, "TracerPid:"), 0);
	CHECK_EQ(request(PTRACE_ATTACH, pid, 0, 0), 0);
	CHECK_EQ(stop_of(pid), SIGSTOP);
	CHECK_EQ(status_number(pid, "TracerPid:"), getpid());
	CHECK(check_state(pid, 't', 10000));
	CHECK_EQ(request(PTRACE_DETACH, pid, 0, 0), 0);
	CHECK_EQ(status_number(pid, "TracerPid:"), 0);
	CHECK(check_state(pid, 'S', 10000));
	CHECK_ERR(request(PTRACE_CONT, pid, 0, 0), ESRCH);
	CHECK_EQ(request(PTRACE_ATTACH, pid, 0, 0), 0);
	CHECK_EQ(stop_of(pid), SIGSTOP);
	CHECK_EQ(request(PTRACE_DETACH, pid, 0, SIGSTOP), 0);	/* now it stops by itself */
	CHECK(check_state(pid, 'T', 10000));
	CHECK_EQ(request(PTRACE_ATTACH, pid, 0, 0), 0);		/* and tells of that */
	CHECK_EQ(stop_of(pid), SIGSTOP);
	CHECK_EQ(request(PTRACE_DETACH, pid, 0, 0), 0);
	CHECK(check_state(pid, 'T', 10000));
	CHECK_EQ(kill(pid, SIGTERM), 0);
	CHECK_EQ(kill(pid, SIGCONT), 0);
	CHECK_EQ(check_wait(pid), CHECK_KILLED + SIGTERM);
}

/* A process that is no child of its tracer, which hears of its stops and its end all the same. */
/* A SIGCHLD that waits blocked: of whose end by a signal? */
static pid_t told_of(void)
{
	sigset_t set;
	siginfo_t info = { 0 };

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	CHECK_EQ(sigtimedwait(&set, &info, &(struct timespec){ 0 }), SIGCHLD);
	CHECK_EQ(info.si_code, CLD_KILLED);
	return info.si_pid;
}

static void strangers(void)
{
	struct sigaction no_stops = { .sa_handler = SIG_DFL, .sa_flags = SA_NOCLDSTOP };
	volatile int *words = shared;
	pid_t child, pid;
	sigset_t all;

	sigfillset(&all);
	sigaction(SIGCHLD, &no_stops, NULL);
	memset((void *)shared, 0, 4096);
	child = fork();
	if (!child) {
		words[0] = sleeper();
		CHECK_EQ(check_wait(words[0]), CHECK_KILLED + SIGTERM);
		_exit(0);
	}
	CHECK(check_await(&words[0], 10000));
	pid = words[0];
	sigprocmask(SIG_BLOCK, &all, NULL);
	CHECK_EQ(waitpid(pid, NULL, WALL), -1);
	CHECK_EQ(request(PTRACE_SEIZE, pid, 0, 0), 0);
	CHECK_EQ(waitpid(pid, NULL, WALL | WNOHANG), 0);
	kill(pid, SIGUSR1);
	CHECK_EQ(stop_of(pid), SIGUSR1);
	kill(pid, SIGTERM);
	CHECK_EQ(CONTINUE(pid, 0), SIGTERM);
	CHECK_EQ(CONTINUE(pid, SIGTERM), EXITED + SIGTERM);
	CHECK_EQ(told_of(), pid);
	CHECK_EQ(check_wait(child), 0);
	CHECK_EQ(waitpid(pid, NULL, WALL), -1);
}

static void the_dead(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	CHECK(check_state(pid, 'Z', 10000));
	CHECK_ERR(request(PTRACE_ATTACH, pid, 0, 0), EPERM);
	CHECK_EQ(stop_of(pid), EXITED);
	CHECK_ERR(request(PTRACE_ATTACH, pid, 0, 0), ESRCH);
}

static void seize_and_interrupt(void)
{
	pid_t pid = sleeper();
	siginfo_t info = { 0 };

	CHECK_EQ(request(PTRACE_SEIZE, pid, 0, 0), 0);
	CHECK_EQ(waitpid(pid, NULL, WALL | WNOHANG), 0);
	CHECK_ERR(request(PTRACE_CONT, pid, 0, 0), ESRCH);
	CHECK_EQ(request(PTRACE_INTERRUPT, pid, 0, 0), 0);
	CHECK_EQ(waitid(P_PID, pid, &info, WSTOPPED | WNOWAIT | WALL), 0);
	CHECK_EQ(info.si_code, CLD_TRAPPED);
	CHECK_EQ(info.si_status, STOP_TRAP);
	CHECK_EQ(stop_of(pid), STOP_TRAP);
	CHECK_EQ(waitpid(pid, NULL, WALL | WNOHANG), 0);
	CHECK_EQ(request(PTRACE_CONT, pid, 0, 0), 0);
	CHECK(check_state(pid, 'S', 10000));			/* its call goes on */
	/* A call that is interrupted so is made again. */
	CHECK_EQ(request(PTRACE_INTERRUPT, pid, 0, 0), 0);
	CHECK_EQ(stop_of(pid), STOP_TRAP);
	CHECK_EQ(go(pid, PTRACE_SYSCALL, 0), SIGTRAP);
	CHECK_EQ(registers_of(pid).orig_rax, SYS_pause);
	CHECK_EQ(request(PTRACE_DETACH, pid, 0, 0), 0);
	CHECK(check_state(pid, 'S', 10000));
	kill_child(pid);
}

/* ---- Where a thread goes on ---- */

enum { NOWHERE_BIT = 60 };

static void goes_nowhere(pid_t pid)
{
	CHECK_EQ(request(PTRACE_POKEUSER, pid, REGISTER(rip), 1l << NOWHERE_BIT), 0);
	CHECK_EQ(CONTINUE(pid, 0), SIGSEGV);
	kill_child(pid);
}

static void block_all(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
}

static void fork_only(void)
{
	syscall(SYS_fork);
}

static void enter(pid_t pid, unsigned long number)
{
	int stop;

	do
		stop = go(pid, PTRACE_SYSCALL, 0);
	while (stop == SIGTRAP && registers_of(pid).orig_rax != number);
	CHECK_EQ(stop, SIGTRAP);
}

static void suspend(void *unused)
{
	sigset_t set;

	(void)unused;
	sigemptyset(&set);
	sigaddset(&set, SIGSEGV);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigemptyset(&set);
	sigsuspend(&set);
}

/*
 * To an address that no program has, with SIGSEGV blocked by the call that it makes, or by the mask that comes back at a call's end, and when what else begins
 * there is a child. (The debug kernel looks that nobody gets there.)
 */
static void nowhere(void)
{
	pid_t pid = traced_child(block_all);

	enter(pid, SYS_rt_sigprocmask);
	goes_nowhere(pid);
	pid = traced_child(fork_only);
	enter(pid, SYS_fork);
	goes_nowhere(pid);

	pid = check_spawn(suspend, NULL);
	CHECK(check_state(pid, 'S', 10000));
	CHECK_EQ(request(PTRACE_SEIZE, pid, 0, 0), 0);
	CHECK_EQ(request(PTRACE_INTERRUPT, pid, 0, 0), 0);
	CHECK_EQ(stop_of(pid), STOP_TRAP);
	CHECK_EQ(request(PTRACE_POKEUSER, pid, REGISTER(orig_rax), -1), 0);
	CHECK_EQ(request(PTRACE_POKEUSER, pid, REGISTER(rax), 0), 0);
	goes_nowhere(pid);
}

/* ---- Stops of whole processes ---- */

static void stop_of_the_process(void)
{
	pid_t pid = sleeper();
	siginfo_t info;

	CHECK_EQ(request(PTRACE_SEIZE, pid, 0, 0), 0);
	kill(pid, SIGSTOP);
	CHECK_EQ(stop_of(pid), SIGSTOP);				/* the signal */
	CHECK_EQ(CONTINUE(pid, SIGSTOP), SIGSTOP | EVENT_STOP << 8);	/* what it does */
	CHECK_EQ(request(PTRACE_LISTEN, pid, 0, 0), 0);
	CHECK_ERR(request(PTRACE_CONT, pid, 0, 0), ESRCH);
	CHECK_EQ(waitpid(pid, NULL, WALL | WNOHANG), 0);
	CHECK_EQ(request(PTRACE_INTERRUPT, pid, 0, 0), 0);
	CHECK_EQ(stop_of(pid), SIGSTOP | EVENT_STOP << 8);
	CHECK_EQ(request(PTRACE_LISTEN, pid, 0, 0), 0);
	kill(pid, SIGCONT);
	CHECK_EQ(stop_of(pid), STOP_TRAP);				/* the stop is over */
	CHECK_EQ(CONTINUE(pid, 0), SIGCONT);
	CHECK_EQ(request(PTRACE_CONT, pid, 0, 0), 0);
	CHECK(check_state(pid, 'S', 10000));
	/* Whoever is attached, and not seized, is told of no event, and has no more to say about the signal. */
	CHECK_EQ(request(PTRACE_INTERRUPT, pid, 0, 0), 0);
	CHECK_EQ(stop_of(pid), STOP_TRAP);
	CHECK_EQ(request(PTRACE_DETACH, pid, 0, 0), 0);
	CHECK_EQ(request(PTRACE_ATTACH, pid, 0, 0), 0);
	CHECK_EQ(stop_of(pid), SIGSTOP);
	CHECK_EQ(CONTINUE(pid, SIGSTOP), SIGSTOP);
	CHECK_ERR(request(PTRACE_GETSIGINFO, pid, 0, (long)&info), EINVAL);
	CHECK_EQ(request(PTRACE_CONT, pid, 0, 0), 0);			/* runs, stopped or not */
	CHECK(check_state(pid, 'S', 10000));
	kill_child(pid);
}

/* ---- Children ---- */

static void fork_and_wait(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(3);
	_exit(check_wait(pid) == 3);
}

static void vfork_and_wait(void)
{
	pid_t pid = vfork();

	if (!pid)
		_exit(3);
	_exit(check_wait(pid) == 3);
}

/* With @options the child of @pid, which is about to be made, is traced as well: its number. */
static pid_t next_child(pid_t pid, long options, int event)
{
	CHECK_EQ(request(PTRACE_SETOPTIONS, pid, 0, options), 0);
	CHECK_EQ(CONTINUE(pid, 0), SIGTRAP | event << 8);
	return message_of(pid);
}

static void forks(void)
{
	pid_t pid = traced_child(fork_and_wait), child;

	child = next_child(pid, OPTION(EVENT_FORK), EVENT_FORK);
	CHECK(child > 0 && child != pid);
	CHECK_EQ(stop_of(child), SIGSTOP);
	CHECK_EQ(status_number(child, "TracerPid:"), getpid());
	CHECK_EQ(CONTINUE(child, 0), EXITED + (3 << 8));
	CHECK_EQ(CONTINUE(pid, 0), SIGCHLD);
	CHECK_EQ(CONTINUE(pid, SIGCHLD), EXITED + (1 << 8));
}

static void vforks(void)
{
	pid_t pid = traced_child(vfork_and_wait), child;

	child = next_child(pid, OPTION(EVENT_VFORK) | OPTION(EVENT_VFORK_DONE), EVENT_VFORK);
	CHECK_EQ(stop_of(child), SIGSTOP);
	CHECK_EQ(request(PTRACE_CONT, pid, 0, 0), 0);
	CHECK_EQ(CONTINUE(child, 0), EXITED + (3 << 8));
	CHECK_EQ(stop_of(pid), SIGTRAP | EVENT_VFORK_DONE << 8);
	CHECK_EQ(message_of(pid), child);
	CHECK_EQ(CONTINUE(pid, 0), SIGCHLD);
	CHECK_EQ(CONTINUE(pid, 0), EXITED + (1 << 8));
}

/* Nobody asked for the child: it is its parent's only. A seized one's child begins with a trap, and ends its first call like any other. */
static void children_of_others(void)
{
	pid_t pid = traced_child(fork_and_wait), child;

	CHECK_EQ(CONTINUE(pid, 0), SIGCHLD);
	CHECK_EQ(CONTINUE(pid, 0), EXITED + (1 << 8));
	pid = traced_child(fork_and_wait);
	CHECK_EQ(request(PTRACE_DETACH, pid, 0, SIGSTOP), 0);
	CHECK(check_state(pid, 'T', 10000));
	CHECK_EQ(request(PTRACE_SEIZE, pid, 0, OPTION(EVENT_FORK) | OPTION_SYSGOOD), 0);
	CHECK_EQ(stop_of(pid), SIGSTOP | EVENT_STOP << 8);
	kill(pid, SIGCONT);
	CHECK_EQ(CONTINUE(pid, 0), STOP_TRAP);
	CHECK_EQ(CONTINUE(pid, 0), SIGCONT);
	CHECK_EQ(CONTINUE(pid, 0), SIGTRAP | EVENT_FORK << 8);
	child = message_of(pid);
	CHECK_EQ(stop_of(child), STOP_TRAP);
	CHECK_EQ(go(child, PTRACE_SYSCALL, 0), CALL_STOP);
	CHECK_EQ(registers_of(child).rax, -ENOSYS);		/* the beginning of one, not the end of fork */
	CHECK_EQ(go(pid, PTRACE_SYSCALL, 0), CALL_STOP);
	CHECK_EQ(registers_of(pid).rax, child);
	CHECK_EQ(request(PTRACE_DETACH, pid, 0, 0), 0);
	CHECK_EQ(request(PTRACE_DETACH, child, 0, 0), 0);
	CHECK_EQ(check_wait(pid), 1);
}

static void exec_self(void)
{
	char *arguments[] = { "ptrace_events", "exit-5", NULL };

	execv("/proc/self/exe", arguments);
}

static void exec_is_told(void)
{
	pid_t pid = traced_child(exec_self);

	CHECK_EQ(CONTINUE(pid, 0), SIGTRAP);
	CHECK_EQ(registers_of(pid).rax, 0);
	CHECK_EQ(CONTINUE(pid, 0), EXITED + (5 << 8));
	pid = traced_child(exec_self);
	CHECK_EQ(request(PTRACE_SETOPTIONS, pid, 0, OPTION(EVENT_EXEC) | OPTION(EVENT_EXIT) | OPTION_SYSGOOD), 0);
	CHECK_EQ(CONTINUE(pid, 0), EXEC_TRAP);
	CHECK_EQ(message_of(pid), pid);
	CHECK_EQ(go(pid, PTRACE_SYSCALL, 0), CALL_STOP);
	CHECK_EQ(registers_of(pid).orig_rax, SYS_execve);
	CHECK_EQ(registers_of(pid).rax, 0);
	CHECK_EQ(CONTINUE(pid, 0), SIGTRAP | EVENT_EXIT << 8);
	CHECK_EQ(message_of(pid), 5 << 8);
	CHECK_EQ(registers_of(pid).orig_rax, SYS_exit_group);
	CHECK_EQ(CONTINUE(pid, 0), EXITED + (5 << 8));
}

static void killed_in_its_last_stop(void)
{
	pid_t pid = traced_child((void (*)(void))for_ever);

	CHECK_EQ(request(PTRACE_SETOPTIONS, pid, 0, OPTION(EVENT_EXIT)), 0);
	kill(pid, SIGTERM);
	CHECK_EQ(CONTINUE(pid, 0), SIGTERM);
	CHECK_EQ(CONTINUE(pid, SIGTERM), SIGTRAP | EVENT_EXIT << 8);
	CHECK_EQ(message_of(pid) & 0x7f, SIGTERM);
	kill(pid, SIGKILL);
	request(PTRACE_CONT, pid, 0, 0);	/* on Linux it waits for that, here the signal is enough */
	CHECK(stop_of(pid) > EXITED);
}

/* ---- Threads ---- */

enum { THREADS = 4 };

static void *end_thread(void *number)
{
	shared[1 + (long)number] = syscall(SYS_gettid);
	return NULL;
}

static void make_threads(void)
{
	pthread_t threads[THREADS];

	for (long i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, end_thread, (void *)i);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	_exit(9);
}

/* Goes on with whoever stops until @pid ends: how many threads began, and how many ended. */
static int follow_all(pid_t pid, int *began, int *ended)
{
	for (;;) {
		int status;
		pid_t who = waitpid(-1, &status, WALL);

		if (who < 0 || (who == pid && (WIFEXITED(status) || WIFSIGNALED(status))))
			return who < 0 ? -1 : status;
		if (!WIFSTOPPED(status)) {
			++*ended;
			/* Who has told that it ends may not have ended when the process does. */
			CHECK(status == 0 || status == 9 << 8);
			CHECK_EQ(syscall(SYS_tgkill, pid, who, 0) < 0 && errno == ESRCH, 1);
			continue;
		}
		*began += status >> 16 == EVENT_CLONE;
		CHECK_EQ(request(PTRACE_SYSCALL, who, 0, 0), 0);
	}
}

static void threads_are_followed(void)
{
	pid_t pid = traced_child(make_threads);
	int began = 0, ended = 0;

	CHECK_EQ(request(PTRACE_SETOPTIONS, pid, 0, OPTION(EVENT_CLONE) | OPTION_SYSGOOD), 0);
	CHECK_EQ(request(PTRACE_SYSCALL, pid, 0, 0), 0);
	CHECK_EQ(follow_all(pid, &began, &ended), 9 << 8);
	CHECK_EQ(began, THREADS);
	CHECK_EQ(ended, THREADS);
}

static void *exec_in_thread(void *unused)
{
	(void)unused;
	exec_self();
	return NULL;
}

static void exec_by_another(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, exec_in_thread, NULL);
	for (;;)
		pause();
}

static void exec_of_a_thread(void)
{
	pid_t pid = traced_child(exec_by_another), thread, who;
	int status;

	CHECK_EQ(request(PTRACE_SETOPTIONS, pid, 0, OPTION(EVENT_CLONE) | OPTION(EVENT_EXEC)), 0);
	CHECK_EQ(CONTINUE(pid, 0), SIGTRAP | EVENT_CLONE << 8);
	thread = message_of(pid);
	CHECK_EQ(stop_of(thread), SIGSTOP);
	CHECK_EQ(request(PTRACE_CONT, pid, 0, 0), 0);
	CHECK_EQ(request(PTRACE_CONT, thread, 0, 0), 0);
	who = waitpid(-1, &status, WALL);
	CHECK_EQ(who, pid);
	CHECK_EQ(status >> 8, EXEC_TRAP);
	CHECK_EQ(message_of(pid), thread);
	CHECK_EQ(CONTINUE(pid, 0), EXITED + (5 << 8));
}

/* ---- The ends of tracers ---- */

static void seize_and_end(void *target)
{
	pid_t pid = *(pid_t *)target;

	CHECK_EQ(request(PTRACE_SEIZE, pid, 0, shared[0]), 0);
	CHECK_EQ(request(PTRACE_INTERRUPT, pid, 0, 0), 0);
	CHECK_EQ(stop_of(pid), STOP_TRAP);
	if (shared[1])
		CHECK_EQ(request(PTRACE_SINGLESTEP, pid, 0, 0), 0);
}

static void count_in_memory(void *unused)
{
	(void)unused;
	for (;;)
		shared[2]++;
}

/* The tracee goes on, also out of a stop, and in the middle of a step. */
static void tracer_ends(void)
{
	memset((void *)shared, 0, 4096);
	for (int stepping = 0; stepping < 2; stepping++) {
		pid_t pid = check_spawn(count_in_memory, NULL);
		int before;

		shared[1] = stepping;
		CHECK_EQ(check_child(seize_and_end, &pid), 0);
		if (!stepping) {		/* on Linux a step may be the tracee's end */
			CHECK_EQ(status_number(pid, "TracerPid:"), 0);
			before = shared[2];
			while (shared[2] == before)
				sched_yield();
		}
		kill(pid, SIGKILL);
		CHECK(check_wait(pid) > CHECK_KILLED);
	}
	shared[0] = OPTION_EXITKILL;
	shared[1] = 0;
	{
		pid_t pid = sleeper();

		CHECK_EQ(check_child(seize_and_end, &pid), 0);
		CHECK_EQ(check_wait(pid), CHECK_KILLED + SIGKILL);
	}
}

static void attach_and_end(void *target)
{
	pid_t pid = *(pid_t *)target;
	siginfo_t info;

	CHECK_EQ(request(PTRACE_ATTACH, pid, 0, 0), 0);
	CHECK_EQ(waitid(P_PID, pid, &info, WSTOPPED | WNOWAIT), 0);
	if (shared[1])
		CHECK_EQ(stop_of(pid), SIGSTOP);
}

/* The signal of the stop that it leaves is lost if it has heard of it. */
static void tracer_ends_with_a_signal(void)
{
	memset((void *)shared, 0, 4096);
	for (int heard = 0; heard < 2; heard++) {
		pid_t pid = check_spawn(count_in_memory, NULL);
		int before, status;

		shared[1] = heard;
		CHECK_EQ(check_child(attach_and_end, &pid), 0);
		if (heard) {
			before = shared[2];
			while (shared[2] == before)
				sched_yield();
		} else {
			CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
			CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
		}
		kill(pid, SIGKILL);
		CHECK_EQ(check_wait(pid), CHECK_KILLED + SIGKILL);
	}
}

/* Waits until nobody is left, of whom all have been killed. */
static void end_all(void)
{
	int status;
	pid_t who;

	while ((who = waitpid(-1, &status, WALL)) > 0)
		if (WIFSTOPPED(status))
			request(PTRACE_CONT, who, 0, 0);
	CHECK_EQ(waitpid(-1, NULL, WALL) < 0 && errno == ECHILD, 1);
}

/* Kills tracees at any moment, whatever they do. */
static void any_moment(void)
{
	for (int round = 0; round < 60; round++) {
		pid_t pid = traced_child(round % 2 ? make_threads : fork_and_wait);

		CHECK_EQ(request(PTRACE_SETOPTIONS, pid, 0, OPTION(EVENT_CLONE) | OPTION(EVENT_FORK) | OPTION(EVENT_EXIT) | OPTION_EXITKILL), 0);
		for (int i = 0; i < round; i++) {
			int status;
			pid_t who;

			request(i % 3 ? PTRACE_SYSCALL : PTRACE_SINGLESTEP, pid, 0, 0);
			who = waitpid(-1, &status, WALL);
			if (who < 0 || (who == pid && !WIFSTOPPED(status)))
				break;
			if (who != pid && WIFSTOPPED(status))
				request(PTRACE_CONT, who, 0, 0);
		}
		kill(pid, SIGKILL);
		request(PTRACE_CONT, pid, 0, 0);	/* on Linux its last stop does not end by that */
		end_all();
	}
}

static const struct check_case cases[] = {
	CASE(attach_and_detach), CASE(strangers), CASE(the_dead), CASE(seize_and_interrupt), CASE(nowhere), CASE(stop_of_the_process), CASE(forks),
	CASE(vforks), CASE(children_of_others), CASE(exec_is_told), CASE(killed_in_its_last_stop), CASE(threads_are_followed), CASE(exec_of_a_thread),
	CASE(tracer_ends), CASE(tracer_ends_with_a_signal), CASE(any_moment), { NULL, NULL },
};

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "exit-5"))
		_exit(5);
	return run_cases("ptrace_events", cases, argc, argv);
}
