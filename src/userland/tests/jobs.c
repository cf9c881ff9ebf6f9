/* SPDX-License-Identifier: MIT */
/* Sessions, process groups, the controlling terminal and job control: what a shell does between ^C, ^Z, fg and bg. */
#include "check.h"

#include <fcntl.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static int master, slave;

static volatile int hangups, continues, interrupts;

static void note(int number)
{
	if (number == SIGHUP)
		hangups++;
	if (number == SIGCONT)
		continues++;
	if (number == SIGINT)
		interrupts++;
}

static volatile pid_t *shared;		/* for what a session tells the person at its keyboard */

/* Runs @body as leader of a new session on a new terminal; the case's process plays the person at the keyboard. */
static pid_t start_session(void (*body)(void))
{
	pid_t child;

	if (!CHECK_EQ(openpty(&master, &slave, NULL, NULL, NULL), 0))
		_exit(1);
	child = fork();
	if (child == 0) {
		close(master);
		CHECK(setsid() == getpid());
		CHECK_EQ(ioctl(slave, TIOCSCTTY, 0), 0);
		body();
		_exit(0);
	}
	return child;
}

static pid_t start_job(void (*body)(void))
{
	pid_t child = fork();

	if (child == 0) {
		setpgid(0, 0);
		body();
		_exit(0);
	}
	setpgid(child, child);
	return child;
}

static void idle(void)
{
	check_sleep(20000);
}

static void groups_and_sessions(void)
{
	pid_t child;

	CHECK_EQ(getpgid(0), getpgrp());
	CHECK_EQ(getpgid(getpid()), getpgrp());
	CHECK_ERR(getpgid(0x7fffffff), ESRCH);
	CHECK_ERR(setsid(), EPERM);		/* a group leader already */
	child = start_job(idle);
	CHECK_EQ(getpgid(child), child);
	CHECK(check_state(child, 'S', 10000));	/* it has done the same by itself */
	CHECK_EQ(getsid(child), getsid(0));
	CHECK_EQ(setpgid(child, getpgrp()), 0);
	CHECK_EQ(getpgid(child), getpgrp());
	CHECK_ERR(setpgid(child, 1), EPERM);
	CHECK_ERR(setpgid(child, -5), EINVAL);
	CHECK_ERR(setpgid(1, 1), ESRCH);
	kill(child, SIGKILL);
	check_wait(child);
	child = fork();
	if (child == 0) {
		CHECK(setsid() == getpid());
		CHECK_EQ(getsid(0), getpid());
		CHECK_EQ(getpgrp(), getpid());
		CHECK_ERR(setpgid(0, 0), EPERM);
		CHECK_ERR(open("/dev/tty", O_RDWR), ENXIO);
		_exit(0);
	}
	CHECK_EQ(check_wait(child), 0);
}

static void sleep_on(void *unused)
{
	(void)unused;
	idle();
}

static void leave_session(void *unused)
{
	(void)unused;
	CHECK(setsid() == getpid());
	raise(SIGSTOP);
}

static void own_terminal(void)
{
	pid_t group;
	int fd = open("/dev/tty", O_RDWR);

	CHECK(fd >= 0);
	CHECK_EQ(tcgetpgrp(fd), getpgrp());
	CHECK_EQ(tcgetsid(slave), getsid(0));
	CHECK_EQ(ioctl(fd, TIOCGPGRP, &group), 0);
	CHECK_EQ(group, getpgrp());
	CHECK_ERR(tcsetpgrp(fd, 0x7fffffff), ESRCH);
	CHECK_ERR(tcsetpgrp(fd, 1), EPERM);
	signal(SIGTTOU, SIG_IGN);
	/* A child that has yet to begin its group, as shells give it the terminal at once; not one that has left the session. */
	group = check_spawn(sleep_on, NULL);
	CHECK_EQ(tcsetpgrp(fd, group), 0);
	CHECK_EQ(tcgetpgrp(fd), group);
	CHECK_EQ(tcsetpgrp(fd, getpgrp()), 0);
	kill(group, SIGKILL);
	check_wait(group);
	group = check_spawn(leave_session, NULL);
	CHECK(check_state(group, 'T', 5000));
	CHECK_ERR(tcsetpgrp(fd, group), EPERM);
	kill(group, SIGKILL);
	check_wait(group);
	CHECK_ERR(tcgetpgrp(open("/dev/null", O_RDONLY)), ENOTTY);
	signal(SIGHUP, SIG_IGN);
	CHECK_EQ(ioctl(fd, TIOCNOTTY), 0);
	CHECK_ERR(open("/dev/tty", O_RDWR), ENXIO);
}

static void terminal_of_session(void)
{
	CHECK_EQ(check_wait(start_session(own_terminal)), 0);
}

/* The key that sends a signal also throws away what is queued for output: say nothing until that is done. */
static void tell_ready(void)
{
	check_sleep(30);
	CHECK_EQ(write(slave, "r", 1), 1);
}

static void interrupt_foreground(void)
{
	pid_t first = start_job(idle), second = start_job(idle);
	int status;

	signal(SIGINT, note);
	CHECK_EQ(tcsetpgrp(slave, first), 0);
	signal(SIGTTOU, SIG_IGN);
	tell_ready();
	CHECK_EQ(waitpid(first, &status, 0), first);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
	CHECK_EQ(interrupts, 0);
	CHECK_EQ(waitpid(second, &status, WNOHANG), 0);
	CHECK_EQ(tcsetpgrp(slave, second), 0);
	tell_ready();
	CHECK_EQ(waitpid(second, &status, 0), second);
	CHECK_EQ(status & 0x7f, SIGQUIT);
	CHECK_EQ(status, SIGQUIT);
	CHECK_EQ(tcsetpgrp(slave, getpgrp()), 0);
	tell_ready();
	CHECK(check_await(&interrupts, 5000));
}

/* Reads from the terminal until the session says that it is ready for the next key. */
static void await_ready(void)
{
	char byte = 0;

	while (byte != 'r')
		if (!CHECK_EQ(read(master, &byte, 1), 1))
			_exit(1);
}

static void keys_send_signals(void)
{
	static const char keys[] = { 3, 28, 3 };
	pid_t session = start_session(interrupt_foreground);

	for (int i = 0; i < 3; i++) {
		await_ready();
		CHECK_EQ(write(master, &keys[i], 1), 1);
	}
	CHECK_EQ(check_wait(session), 0);
}

static int in_front[2];		/* a pipe: the job has put itself in front */

static void read_line(void)
{
	char line[16];

	/* As shells do: parent and job both see to it that the job is in front before it reads. */
	CHECK_EQ(tcsetpgrp(slave, getpgrp()), 0);
	CHECK_EQ(write(in_front[1], "f", 1), 1);
	_exit(read(slave, line, sizeof line) == 3 ? 21 : 1);
}

static void suspend_and_resume(void)
{
	pid_t job;
	int status;
	char byte;

	signal(SIGTTOU, SIG_IGN);
	CHECK_EQ(pipe(in_front), 0);
	job = start_job(read_line);
	CHECK_EQ(tcsetpgrp(slave, job), 0);
	CHECK_EQ(read(in_front[0], &byte, 1), 1);	/* else it would put itself in front after it was stopped */
	tell_ready();
	CHECK_EQ(waitpid(job, &status, WUNTRACED), job);
	CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTSTP);
	CHECK_EQ(tcsetpgrp(slave, getpgrp()), 0);
	/* In the background it may not read: SIGTTIN. */
	CHECK_EQ(kill(-job, SIGCONT), 0);
	/* That it went on is news only until it stops again. */
	do
		CHECK_EQ(waitpid(job, &status, WUNTRACED | WCONTINUED), job);
	while (WIFCONTINUED(status));
	CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTIN);
	CHECK_EQ(tcsetpgrp(slave, job), 0);
	CHECK_EQ(kill(-job, SIGCONT), 0);
	tell_ready();
	CHECK_EQ(waitpid(job, &status, 0), job);
	CHECK_EQ(WEXITSTATUS(status), 21);
}

static void stop_key(void)
{
	pid_t session = start_session(suspend_and_resume);

	await_ready();
	check_sleep(20);
	CHECK_EQ(write(master, "\x1a", 1), 1);
	await_ready();
	CHECK_EQ(write(master, "ok\n", 3), 3);
	CHECK_EQ(check_wait(session), 0);
}

static void write_word(void)
{
	_exit(write(slave, "word", 4) == 4 ? 22 : 1);
}

static void change_mode(void)
{
	struct termios mode;

	tcgetattr(slave, &mode);
	_exit(tcsetattr(slave, TCSANOW, &mode) == 0 ? 23 : 1);
}

static void ignoring_reader(void)
{
	char byte;

	signal(SIGTTIN, SIG_IGN);
	_exit(read(slave, &byte, 1) == -1 && errno == EIO ? 24 : 1);
}

static void background_output(void)
{
	struct termios mode;
	int status;
	pid_t job = start_job(write_word);

	CHECK_EQ(check_wait(job), 22);			/* allowed without TOSTOP */
	job = start_job(change_mode);
	CHECK_EQ(waitpid(job, &status, WUNTRACED), job);
	CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTOU);
	CHECK_EQ(tcsetpgrp(slave, job), 0);
	kill(-job, SIGCONT);
	CHECK_EQ(check_wait(job), 23);
	signal(SIGTTOU, SIG_IGN);
	CHECK_EQ(tcsetpgrp(slave, getpgrp()), 0);
	signal(SIGTTOU, SIG_DFL);
	tcgetattr(slave, &mode);
	mode.c_lflag |= TOSTOP;
	CHECK_EQ(tcsetattr(slave, TCSANOW, &mode), 0);
	job = start_job(write_word);
	CHECK_EQ(waitpid(job, &status, WUNTRACED), job);
	CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTOU);
	kill(-job, SIGKILL);
	CHECK_EQ(check_wait(job), CHECK_KILLED + SIGKILL);
	CHECK_EQ(check_wait(start_job(ignoring_reader)), 24);
}

static void background_access(void)
{
	CHECK_EQ(check_wait(start_session(background_output)), 0);
}

static void wait_for_hangup(void)
{
	struct sigaction action = { .sa_handler = note };
	char byte = 0;

	shared[0] = start_job(idle);
	sigaction(SIGHUP, &action, NULL);
	CHECK_EQ(tcsetpgrp(slave, shared[0]), 0);
	CHECK_EQ(write(slave, "r", 1), 1);
	CHECK(check_await(&hangups, 5000));
	CHECK_EQ(read(slave, &byte, 1), 0);
	CHECK_ERR(write(slave, &byte, 1), EIO);
}

static int gone(pid_t pid)
{
	for (int i = 0; i < 1000; i++, check_sleep(2))
		if (check_state(pid, 'Z', 0) || kill(pid, 0) == -1)
			return 1;
	return 0;
}

/* The leader is told at once, the foreground group when the leader has gone. */
static void master_closes(void)
{
	pid_t session;

	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	session = start_session(wait_for_hangup);
	close(slave);
	await_ready();
	close(master);
	CHECK_EQ(check_wait(session), 0);
	CHECK(gone(shared[0]));
}

/* When the session's leader exits, the foreground group is told and the terminal is free for another session. */
static void leave_job_behind(void)
{
	pid_t job = start_job(idle);

	signal(SIGTTOU, SIG_IGN);
	CHECK_EQ(tcsetpgrp(slave, job), 0);
	CHECK_EQ(write(slave, (char *)&job, sizeof job), sizeof job);
}

static void take_terminal(void)
{
	CHECK(open("/dev/tty", O_RDWR) >= 0);
}

static void leader_exits(void)
{
	struct termios mode;
	pid_t job = 0, session;
	int fd;

	CHECK_EQ(openpty(&master, &slave, NULL, NULL, NULL), 0);
	tcgetattr(slave, &mode);
	cfmakeraw(&mode);
	CHECK_EQ(tcsetattr(slave, TCSANOW, &mode), 0);
	session = fork();
	if (session == 0) {
		setsid();
		CHECK_EQ(ioctl(slave, TIOCSCTTY, 0), 0);
		leave_job_behind();
		_exit(0);
	}
	CHECK_EQ(read(master, &job, sizeof job), sizeof job);
	CHECK_EQ(check_wait(session), 0);
	CHECK(gone(job));
	fd = slave;
	CHECK_EQ(check_wait(start_session(take_terminal)), 0);
	slave = fd;
}

static int end_thread(void *unused)
{
	(void)unused;
	return syscall(SYS_exit, 0);
}

/* For a thread, which is quicker than a process. */
static pid_t use_number(void)
{
	static _Alignas(16) char stack[4096];

	return clone(end_thread, stack + sizeof stack, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_VFORK, NULL);
}

/* The number before the job's stays free. */
static void leave_foreground_empty(void)
{
	pid_t job;

	while (use_number() < 400)	/* lower ones are not used again */
		;
	job = start_job(idle);
	CHECK_EQ(tcsetpgrp(slave, job), 0);
	kill(job, SIGKILL);
	CHECK_EQ(check_wait(job), CHECK_KILLED + SIGKILL);
	shared[0] = job;
	/* Until all numbers have been used once. */
	for (int i = 0; i < 10; i++)
		idle();
}

static void idle_elsewhere(void)
{
	close(master);
	idle();
}

/* What the terminal has for its foreground group is told nothing when it is another session's, that has got the number of one that is gone. */
static void number_used_again(void)
{
	int limit = open("/proc/sys/kernel/pid_max", O_RDWR);
	pid_t session, stranger = 0;
	char before[16] = "";

	if (check_on_linux()) {
		CHECK(read(limit, before, sizeof before) > 0);
		CHECK_EQ(pwrite(limit, "1500", 4, 0), 4);
	}
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	session = start_session(leave_foreground_empty);
	while (!shared[0])
		check_sleep(1);
	for (int i = 0; i < 5 && stranger != shared[0]; i++) {	/* somebody else may have got it */
		while (use_number() != shared[0] - 1)
			;
		stranger = start_job(idle_elsewhere);
		if (stranger != shared[0]) {
			kill(stranger, SIGKILL);
			check_wait(stranger);
		}
	}
	CHECK_EQ(stranger, shared[0]);
	CHECK_EQ(write(master, "\003", 1), 1);
	CHECK_EQ(ioctl(master, TIOCSIG, SIGINT), 0);
	check_sleep(50);
	CHECK_EQ(waitpid(stranger, NULL, WNOHANG), 0);
	close(slave);
	close(master);
	CHECK_EQ(check_wait(session), CHECK_KILLED + SIGHUP);
	check_sleep(50);
	CHECK_EQ(waitpid(stranger, NULL, WNOHANG), 0);
	if (before[0])
		CHECK(pwrite(limit, before, strlen(before), 0) > 0);
	kill(stranger, SIGKILL);
	CHECK_EQ(check_wait(stranger), CHECK_KILLED + SIGKILL);
}

/* A stopped group that becomes orphaned is sent SIGHUP and SIGCONT. */
static void make_orphaned_group(void)
{
	pid_t job = start_job(idle);

	kill(job, SIGSTOP);
	waitpid(job, NULL, WUNTRACED);
	CHECK_EQ(write(slave, (char *)&job, sizeof job), sizeof job);
}

static void orphaned_group(void)
{
	struct termios mode;
	pid_t job = 0, middle;

	CHECK_EQ(openpty(&master, &slave, NULL, NULL, NULL), 0);
	tcgetattr(slave, &mode);
	cfmakeraw(&mode);
	tcsetattr(slave, TCSANOW, &mode);
	middle = fork();
	if (middle == 0) {
		make_orphaned_group();
		_exit(0);
	}
	CHECK_EQ(read(master, &job, sizeof job), sizeof job);
	CHECK_EQ(check_wait(middle), 0);
	CHECK(gone(job));
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(groups_and_sessions), CASE(terminal_of_session), CASE(keys_send_signals), CASE(stop_key),
		CASE(background_access), CASE(master_closes), CASE(leader_exits), CASE(number_used_again), CASE(orphaned_group), { NULL, NULL },
	};

	return check_main("jobs", cases, argc, argv);
}
