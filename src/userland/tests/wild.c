/* SPDX-License-Identifier: MIT */
/*
 * Wild pointers in every pointer argument of every call: the table is made from syscalls.def, so no call is forgotten. All other arguments
 * are good ones. Each try is a process of its own, which must come back with a result, or be killed by a signal; then a further program runs.
 *
 *	wild		the test
 *	wild --list	prints what each try gave; ci/tests compares that with Linux
 */
#include "calls.h"
#include "check.h"
#include "leak.h"

#include <fcntl.h>
#include <grp.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { ARCH_GET_FS = 0x1003, NATIVE_CALLS = 1024, NATIVE_CAP_CHECK = 1039 };
enum { PAGE = 4096, ALARM_SECONDS = 5, SIGNAL_SET_SIZE = 8, ROBUST_HEAD_SIZE = 24, RSEQ_AREA_SIZE = 32, OUTCOME_SIGNAL = 10000, OUTCOME_LOST = 20000 };

/* Three pages: good, read-only, not to be touched. */
static char *area;

/* Calls whose pointer is behind an argument without a type: a row each, like those of the table. */
static const struct call more_calls[] = {
	{ SYS_ioctl, "ioctl-TCGETS", 3, { { ARG_FD, "pty" }, { ARG_NUMBER, "TCGETS" }, { ARG_POINTER, "argument" } }, 0, 0, NULL },
	{ SYS_ioctl, "ioctl-TCSETS", 3, { { ARG_FD, "pty" }, { ARG_NUMBER, "TCSETS" }, { ARG_POINTER, "argument" } }, 0, 0, NULL },
	{ SYS_ioctl, "ioctl-TIOCGWINSZ", 3, { { ARG_FD, "pty" }, { ARG_NUMBER, "TIOCGWINSZ" }, { ARG_POINTER, "argument" } }, 0, 0, NULL },
	{ SYS_ioctl, "ioctl-TIOCSWINSZ", 3, { { ARG_FD, "pty" }, { ARG_NUMBER, "TIOCSWINSZ" }, { ARG_POINTER, "argument" } }, 0, 0, NULL },
	{ SYS_ioctl, "ioctl-FIONREAD", 3, { { ARG_FD, "pipe" }, { ARG_NUMBER, "FIONREAD" }, { ARG_POINTER, "argument" } }, 0, 0, NULL },
	{ SYS_ioctl, "ioctl-TCGETA", 3, { { ARG_FD, "pty" }, { ARG_NUMBER, "TCGETA" }, { ARG_POINTER, "argument" } }, 0, 0, NULL },
	{ SYS_ioctl, "ioctl-TCSETA", 3, { { ARG_FD, "pty" }, { ARG_NUMBER, "TCSETA" }, { ARG_POINTER, "argument" } }, 0, 0, NULL },
	{ SYS_ioctl, "ioctl-TCSETAW", 3, { { ARG_FD, "pty" }, { ARG_NUMBER, "TCSETAW" }, { ARG_POINTER, "argument" } }, 0, 0, NULL },
	{ SYS_ioctl, "ioctl-TCSETAF", 3, { { ARG_FD, "pty" }, { ARG_NUMBER, "TCSETAF" }, { ARG_POINTER, "argument" } }, 0, 0, NULL },
	{ SYS_ioctl, "ioctl-TCSETSW", 3, { { ARG_FD, "pty" }, { ARG_NUMBER, "TCSETSW" }, { ARG_POINTER, "argument" } }, 0, 0, NULL },
	{ SYS_ioctl, "ioctl-TCSETSF", 3, { { ARG_FD, "pty" }, { ARG_NUMBER, "TCSETSF" }, { ARG_POINTER, "argument" } }, 0, 0, NULL },
	{ SYS_ioctl, "ioctl-TIOCGPTN", 3, { { ARG_FD, "pty" }, { ARG_NUMBER, "TIOCGPTN" }, { ARG_POINTER, "argument" } }, 0, 0, NULL },
	{ SYS_ioctl, "ioctl-TIOCSPTLCK", 3, { { ARG_FD, "pty" }, { ARG_NUMBER, "TIOCSPTLCK" }, { ARG_POINTER, "argument" } }, 0, 0, NULL },
	{ SYS_ioctl, "ioctl-TIOCGPTLCK", 3, { { ARG_FD, "pty" }, { ARG_NUMBER, "TIOCGPTLCK" }, { ARG_POINTER, "argument" } }, 0, 0, NULL },
	{ SYS_ioctl, "ioctl-TIOCPKT", 3, { { ARG_FD, "pty" }, { ARG_NUMBER, "TIOCPKT" }, { ARG_POINTER, "argument" } }, 0, 0, NULL },
	{ SYS_ioctl, "ioctl-TIOCGPKT", 3, { { ARG_FD, "pty" }, { ARG_NUMBER, "TIOCGPKT" }, { ARG_POINTER, "argument" } }, 0, 0, NULL },
	{ SYS_ioctl, "ioctl-TIOCGEXCL", 3, { { ARG_FD, "pty" }, { ARG_NUMBER, "TIOCGEXCL" }, { ARG_POINTER, "argument" } }, 0, 0, NULL },
	{ SYS_ioctl, "ioctl-TIOCGETD", 3, { { ARG_FD, "pty" }, { ARG_NUMBER, "TIOCGETD" }, { ARG_POINTER, "argument" } }, 0, 0, NULL },
	{ SYS_ioctl, "ioctl-TIOCSETD", 3, { { ARG_FD, "pty" }, { ARG_NUMBER, "TIOCSETD" }, { ARG_POINTER, "argument" } }, 0, 0, NULL },
	{ SYS_ioctl, "ioctl-TIOCSTI", 3, { { ARG_FD, "pty" }, { ARG_NUMBER, "TIOCSTI" }, { ARG_POINTER, "argument" } }, 0, 0, NULL },
	{ SYS_ioctl, "ioctl-TIOCOUTQ", 3, { { ARG_FD, "pty" }, { ARG_NUMBER, "TIOCOUTQ" }, { ARG_POINTER, "argument" } }, 0, 0, NULL },
	{ SYS_ioctl, "ioctl-TIOCSPGRP", 3, { { ARG_FD, "pty" }, { ARG_NUMBER, "TIOCSPGRP" }, { ARG_POINTER, "argument" } }, 0, 0, NULL },
	{ SYS_ioctl, "ioctl-TIOCGDEV", 3, { { ARG_FD, "pty" }, { ARG_NUMBER, "TIOCGDEV" }, { ARG_POINTER, "argument" } }, 0, 0, NULL },
	{ SYS_ioctl, "ioctl-FIONBIO", 3, { { ARG_FD, "pipe" }, { ARG_NUMBER, "FIONBIO" }, { ARG_POINTER, "argument" } }, 0, 0, NULL },
	{ SYS_fcntl, "fcntl-F_SETLKW", 3, { { ARG_FD, "fd" }, { ARG_NUMBER, "F_SETLKW" }, { ARG_POINTER, "argument" } }, 0, 0, NULL },
	{ SYS_fcntl, "fcntl-F_OFD_GETLK", 3, { { ARG_FD, "fd" }, { ARG_NUMBER, "F_OFD_GETLK" }, { ARG_POINTER, "argument" } }, 0, 0, NULL },
	{ SYS_fcntl, "fcntl-F_OFD_SETLK", 3, { { ARG_FD, "fd" }, { ARG_NUMBER, "F_OFD_SETLK" }, { ARG_POINTER, "argument" } }, 0, 0, NULL },
	{ SYS_fcntl, "fcntl-F_OFD_SETLKW", 3, { { ARG_FD, "fd" }, { ARG_NUMBER, "F_OFD_SETLKW" }, { ARG_POINTER, "argument" } }, 0, 0, NULL },
	{ SYS_fcntl, "fcntl-F_SETOWN_EX", 3, { { ARG_FD, "fd" }, { ARG_NUMBER, "F_SETOWN_EX" }, { ARG_POINTER, "argument" } }, 0, 0, NULL },
	{ SYS_fcntl, "fcntl-F_GETOWN_EX", 3, { { ARG_FD, "fd" }, { ARG_NUMBER, "F_GETOWN_EX" }, { ARG_POINTER, "argument" } }, 0, 0, NULL },
	{ SYS_prctl, "prctl-PR_GET_CHILD_SUBREAPER", 2, { { ARG_NUMBER, "PR_GET_CHILD_SUBREAPER" }, { ARG_POINTER, "a" } }, 0, 0, NULL },
	{ SYS_prctl, "prctl-PR_GET_TID_ADDRESS", 2, { { ARG_NUMBER, "PR_GET_TID_ADDRESS" }, { ARG_POINTER, "a" } }, 0, 0, NULL },
	{ SYS_fcntl, "fcntl-F_GETLK", 3, { { ARG_FD, "fd" }, { ARG_NUMBER, "F_GETLK" }, { ARG_POINTER, "argument" } }, 0, 0, NULL },
	{ SYS_fcntl, "fcntl-F_SETLK", 3, { { ARG_FD, "fd" }, { ARG_NUMBER, "F_SETLK" }, { ARG_POINTER, "argument" } }, 0, 0, NULL },
	{ SYS_prctl, "prctl-PR_SET_NAME", 2, { { ARG_NUMBER, "PR_SET_NAME" }, { ARG_POINTER, "a" } }, 0, 0, NULL },
	{ SYS_prctl, "prctl-PR_GET_NAME", 2, { { ARG_NUMBER, "PR_GET_NAME" }, { ARG_POINTER, "a" } }, 0, 0, NULL },
	{ SYS_prctl, "prctl-PR_GET_PDEATHSIG", 2, { { ARG_NUMBER, "PR_GET_PDEATHSIG" }, { ARG_POINTER, "a" } }, 0, 0, NULL },
	{ SYS_arch_prctl, "arch_prctl-GET_FS", 2, { { ARG_NUMBER, "ARCH_GET_FS" }, { ARG_POINTER, "addr" } }, 0, 0, NULL },
};
enum { MORE_CALLS = sizeof more_calls / sizeof *more_calls };

#define NUMBER(name) { NULL, #name, name }

static const struct { const char *call, *argument; long value; } special[] = {
	{ "set_robust_list", "len", ROBUST_HEAD_SIZE },
	{ "rseq", "size", RSEQ_AREA_SIZE },
	{ "inotify_add_watch", "mask", IN_OPEN },
	{ "syslog", "type", 3 },			/* read all */
	{ "syslog", "len", 4096 },
	{ "timer_create", "event", 0 },			/* the default: a pointer to zeroes is none */
	{ "sigaltstack", "in", 0 },
	{ "process_vm_readv", "own_count", 1 }, { "process_vm_readv", "other_count", 1 },
	{ "process_vm_writev", "own_count", 1 }, { "process_vm_writev", "other_count", 1 },
	{ "getgroups", "size", 8 },
	{ "wait4", "pid", -1 },
	{ "clone3", "size", 64 },			/* the first version's size */
	{ "waitid", "options", WEXITED },
	{ "epoll_ctl", "op", EPOLL_CTL_ADD },
	{ NULL, "timeout_ms", 0 },
	{ NULL, "TCGETS", TCGETS }, { NULL, "TCSETS", TCSETS }, { NULL, "TIOCGWINSZ", TIOCGWINSZ }, { NULL, "TIOCSWINSZ", TIOCSWINSZ },
	{ NULL, "FIONREAD", FIONREAD }, { NULL, "F_GETLK", F_GETLK }, { NULL, "F_SETLK", F_SETLK },
	{ NULL, "PR_SET_NAME", PR_SET_NAME }, { NULL, "PR_GET_NAME", PR_GET_NAME }, { NULL, "PR_GET_PDEATHSIG", PR_GET_PDEATHSIG },
	{ NULL, "ARCH_GET_FS", ARCH_GET_FS },
	NUMBER(TCGETA), NUMBER(TCSETA), NUMBER(TCSETAW), NUMBER(TCSETAF), NUMBER(TCSETSW), NUMBER(TCSETSF), NUMBER(TIOCGPTN), NUMBER(TIOCSPTLCK),
	NUMBER(TIOCGPTLCK), NUMBER(TIOCPKT), NUMBER(TIOCGPKT), NUMBER(TIOCGEXCL), NUMBER(TIOCGETD), NUMBER(TIOCSETD), NUMBER(TIOCSTI), NUMBER(TIOCOUTQ),
	NUMBER(TIOCSPGRP), NUMBER(TIOCGDEV), NUMBER(FIONBIO), NUMBER(F_SETLKW), NUMBER(F_OFD_GETLK), NUMBER(F_OFD_SETLK), NUMBER(F_OFD_SETLKW),
	NUMBER(F_SETOWN_EX), NUMBER(F_GETOWN_EX), NUMBER(PR_GET_CHILD_SUBREAPER), NUMBER(PR_GET_TID_ADDRESS),
};

/* A queue with a message in it. */
static long good_queue(void)
{
	struct mq_attr shape = { .mq_maxmsg = 2, .mq_msgsize = 64 };
	char name[32];
	mqd_t queue;

	snprintf(name, sizeof name, "/wild-%d", getpid());
	queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &shape);
	mq_unlink(name);
	return queue < 0 || mq_send(queue, "text", 4, 1) < 0 ? -1 : queue;
}

static long good_descriptor(const struct call *call, const char *name)
{
	static int pair[2];

	if (!strncmp(call->name, "getdents", 8))
		return open(".", O_RDONLY);
	if (!strncmp(call->name, "mq_", 3))
		return good_queue();
	if (!strncmp(call->name, "inotify_", 8))
		return inotify_init();
	if (!strncmp(call->name, "timerfd_", 8))
		return timerfd_create(CLOCK_MONOTONIC, 0);
	if (!strncmp(call->name, "signalfd", 8))
		return -1;
	if (!strcmp(call->name, "pidfd_send_signal"))
		return syscall(SYS_pidfd_open, getpid(), 0);
	if (!strcmp(name, "pty"))
		return open("/dev/ptmx", O_RDWR | O_NOCTTY);
	if (!strcmp(name, "pipe") || !strcmp(call->name, "epoll_ctl"))
		return pipe(pair) < 0 ? -1 : pair[0];
	return open("file", O_RDWR);
}

/* One that has something to report. */
static long good_epoll(void)
{
	int epoll = epoll_create1(0);
	struct epoll_event event = { .events = EPOLLIN };

	return epoll_ctl(epoll, EPOLL_CTL_ADD, eventfd(1, 0), &event) < 0 ? -1 : epoll;
}

/* What pointers of some calls lead to, where zeroes would be refused before the next pointer is looked at. */
static long good_structure(const struct call *call, const char *name)
{
	static struct { uint32_t version; int pid; } capabilities = { 0x20080522, 0 };
	static struct iovec vector;
	static sigset_t signals;

	if (strstr(call->name, "xattr") && !strcmp(name, "name"))
		return (long)"user.wild";
	if (!strncmp(call->name, "cap", 3) && !strcmp(name, "header"))
		return (long)&capabilities;
	if (!strncmp(call->name, "process_vm_", 11)) {
		vector = (struct iovec){ area, 16 };
		return (long)&vector;
	}
	if (!strcmp(call->name, "rt_sigtimedwait") && !strcmp(name, "set")) {
		sigemptyset(&signals);
		sigaddset(&signals, SIGUSR2);
		return (long)&signals;
	}
	return (long)area;
}

/* What calls need besides their arguments: a child that has ended, a signal that is pending, a timer. */
static void set_scene(const struct call *call)
{
	sigset_t signals;
	pid_t pid;

	if (!strncmp(call->name, "wait", 4)) {
		pid = fork();
		if (pid == 0)
			_exit(0);
		waitid(P_PID, pid, &(siginfo_t){ 0 }, WEXITED | WNOWAIT);
	}
	if (!strcmp(call->name, "rt_sigtimedwait")) {
		sigemptyset(&signals);
		sigaddset(&signals, SIGUSR2);
		sigprocmask(SIG_BLOCK, &signals, NULL);
		raise(SIGUSR2);
	}
	if (!strcmp(call->name, "getgroups"))
		setgroups(1, (gid_t[]){ 0 });
}

static long good_timer(void)
{
	int timer = -1;

	syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, &timer);
	return timer;
}

/* Of a process, or what else is told by such a name. */
static long good_number(const struct call *call)
{
	if (!strncmp(call->name, "timer_", 6))
		return good_timer();
	return strstr(call->name, "process_vm") || strstr(call->name, "sigqueueinfo") ? getpid() : 0;
}

/* An argument that the call would take; pointers mostly point to zeroes. */
static long good_argument(const struct call *call, unsigned index)
{
	const char *name = call->arguments[index].name;

	for (unsigned i = 0; i < sizeof special / sizeof *special; i++)
		if ((!special[i].call || !strcmp(special[i].call, call->name)) && !strcmp(special[i].argument, name))
			return special[i].value;
	switch (call->arguments[index].kind) {
	case ARG_COUNT: return 1;
	case ARG_SIZE: return 64;
	case ARG_SET_SIZE: return SIGNAL_SET_SIZE;
	case ARG_RESOURCE: return 4;	/* RLIMIT_CORE: a limit of nothing does no harm */
	case ARG_SIGNAL: return SIGUSR1;
	case ARG_FD: return good_descriptor(call, name);
	case ARG_EPOLL: return good_epoll();
	case ARG_DIR: return AT_FDCWD;
	case ARG_PATH: return (long)(!strncmp(call->name, "readlink", 8) ? "link" : index > 1 ? "new" : "file");
	case ARG_PID: return good_number(call);
	case ARG_POINTER: return good_structure(call, name);
	case ARG_ADDRESS: return 0;
	default: return 0;
	}
}

enum wildness { WILD_ONE, WILD_HOLE, WILD_EDGE, WILD_READ_ONLY, WILD_LAST_PAGE, WILD_NOT_CANONICAL, WILD_KERNEL, WILD_IMAGE, WILD_TOP, WILD_COUNT };
static const char *const wild_names[WILD_COUNT] = { "one", "hole", "edge", "read-only", "last-page", "not-canonical", "kernel", "image", "top" };

static long wild_pointer(enum wildness which)
{
	switch (which) {
	case WILD_ONE: return 1;
	case WILD_HOLE: return (long)area + 2 * PAGE;
	case WILD_EDGE: return (long)area + 2 * PAGE - 1;
	case WILD_READ_ONLY: return (long)area + PAGE;
	case WILD_LAST_PAGE: return 0x7ffffffff000;
	case WILD_NOT_CANONICAL: return 0x800000000000;
	case WILD_KERNEL: return 0xffff800000000000;
	case WILD_IMAGE: return 0xffffffff80200000;
	default: return -8;
	}
}

/* In a process of its own: what it changes, and whether it survives, is nobody else's matter. */
static void try_in_child(const struct call *call, unsigned index, enum wildness which, int *outcome)
{
	long a[CALL_ARGUMENTS] = { 0 }, result;
	pid_t self = getpid();

	signal(SIGUSR1, SIG_IGN);
	alarm(ALARM_SECONDS);
	set_scene(call);
	for (unsigned i = 0; i < call->count; i++)
		a[i] = good_argument(call, i);
	a[index] = wild_pointer(which);
	result = syscall(call->number, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (syscall(SYS_getpid) == self)
		*outcome = result == -1 ? errno : 0;
	_exit(0);
}

static int outcome_of(const struct call *call, unsigned index, enum wildness which, int *shared)
{
	pid_t pid;
	int status = 0;

	*shared = OUTCOME_LOST;
	pid = fork();
	if (pid == 0)
		try_in_child(call, index, which, shared);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return OUTCOME_LOST;
	return WIFSIGNALED(status) ? OUTCOME_SIGNAL + WTERMSIG(status) : *shared;
}

/* RaeenOS's own calls are tried where they are, and not listed: there is nothing to compare. */
enum { FIRST_NATIVE = 1024 };
static int native_too;

/* reboot would end the guest; and what sets the clock may do so whatever the other pointer is. */
static int is_left_out(const struct call *call)
{
	return call->number == SYS_reboot || call->number == SYS_settimeofday || (call->number >= FIRST_NATIVE && !native_too);
}

static void set_stage(void)
{
	int file = open("file", O_RDWR | O_CREAT, 0600);

	CHECK_EQ(write(file, "0123456789", 10), 10);
	close(file);
	CHECK_EQ(symlink("file", "link"), 0);
	area = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(area != MAP_FAILED);
	CHECK_EQ(mprotect(area + PAGE, PAGE, PROT_READ), 0);
	CHECK_EQ(mprotect(area + 2 * PAGE, PAGE, PROT_NONE), 0);
}

typedef void visitor(const struct call *call, unsigned index, enum wildness which, int outcome);

static void try_call(const struct call *call, visitor *visit)
{
	int *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(shared != MAP_FAILED);
	for (unsigned i = 0; i < call->count && !is_left_out(call); i++) {
		if (call->arguments[i].kind != ARG_PATH && call->arguments[i].kind != ARG_POINTER)
			continue;
		for (enum wildness which = 0; which < WILD_COUNT; which++) {
			visit(call, i, which, outcome_of(call, i, which, shared));
			unlink("new");
			rmdir("new");
		}
	}
	munmap(shared, PAGE);
}

static void print_outcome(const struct call *call, unsigned index, enum wildness which, int outcome)
{
	printf("%s %s %s ", call->name, call->arguments[index].name, wild_names[which]);
	if (outcome >= OUTCOME_SIGNAL)
		printf(outcome == OUTCOME_LOST ? "lost\n" : "signal %d\n", outcome - OUTCOME_SIGNAL);
	else
		printf(outcome ? "errno %d\n" : "done\n", outcome);
}

/* RaeenOS's own calls: on Linux there is nothing to try, and nothing to compare with. */
static bool has_native_calls(void)
{
	return syscall(NATIVE_CAP_CHECK, 0) == 0;
}

static void try_all(visitor *visit)
{
	bool native = has_native_calls();

	for (unsigned i = 0; i < CALLS; i++)
		if (call_is_here(&calls[i]) && (calls[i].number < NATIVE_CALLS || (native && visit != print_outcome)))
			try_call(&calls[i], visit);
	for (unsigned i = 0; i < MORE_CALLS; i++)
		try_call(&more_calls[i], visit);
}

/* Can the call wait for ever, because its pointer is one that can be read? */
static int may_wait(const struct call *call, enum wildness which)
{
	return call->number == SYS_rt_sigsuspend && which == WILD_READ_ONLY;
}

/* No pointer makes a process vanish, hang, or fail as if the kernel did not know. */
static void check_outcome(const struct call *call, unsigned index, enum wildness which, int outcome)
{
	if (!CHECK(outcome != OUTCOME_LOST && (outcome != OUTCOME_SIGNAL + SIGALRM || may_wait(call, which)) && outcome != ENOSYS))
		print_outcome(call, index, which, outcome);
}

static void run_shell(void *unused)
{
	(void)unused;
	execl("/bin/sh", "sh", "-c", "test \"$(echo alive | cat)\" = alive", (char *)NULL);
	_exit(99);
}

static void check_all(void *unused)
{
	(void)unused;
	try_all(check_outcome);
}

static void every_pointer(void)
{
	static struct leak_mark mark;

	set_stage();
	CHECK_EQ(check_child(run_shell, NULL), 0);
	/* What stays: the list of a file's locks, for one. */
	for (unsigned i = 0; i < MORE_CALLS; i++)
		try_call(&more_calls[i], check_outcome);
	leak_mark(&mark);
	CHECK_EQ(check_child(check_all, NULL), 0);
	CHECK_EQ(check_child(run_shell, NULL), 0);
	leak_check(&mark, "wild pointers");
}

static void list(void)
{
	set_stage();
	try_all(print_outcome);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = { CASE(every_pointer), { NULL, NULL } }, lists[] = { CASE(list), { NULL, NULL } };

	if (argc > 1 && !strcmp(argv[1], "--list"))
		return check_main("wild", lists, 1, argv);
	native_too = !check_on_linux();
	return check_main("wild", cases, argc, argv);
}
