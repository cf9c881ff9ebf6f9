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
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { ARCH_GET_FS = 0x1003, NATIVE_CALLS = 1024, NATIVE_CAP_CHECK = 1039 };
enum { PAGE = 4096, ALARM_SECONDS = 5, SIGNAL_SET_SIZE = 8, ROBUST_HEAD_SIZE = 24, OUTCOME_SIGNAL = 10000, OUTCOME_LOST = 20000 };

/* Three pages: good, read-only, not to be touched. */
static char *area;

/* Calls whose pointer is behind an argument without a type: a row each, like those of the table. */
static const struct call more_calls[] = {
	{ SYS_ioctl, "ioctl-TCGETS", 3, { { ARG_FD, "pty" }, { ARG_NUMBER, "TCGETS" }, { ARG_POINTER, "argument" } }, 0, 0 },
	{ SYS_ioctl, "ioctl-TCSETS", 3, { { ARG_FD, "pty" }, { ARG_NUMBER, "TCSETS" }, { ARG_POINTER, "argument" } }, 0, 0 },
	{ SYS_ioctl, "ioctl-TIOCGWINSZ", 3, { { ARG_FD, "pty" }, { ARG_NUMBER, "TIOCGWINSZ" }, { ARG_POINTER, "argument" } }, 0, 0 },
	{ SYS_ioctl, "ioctl-TIOCSWINSZ", 3, { { ARG_FD, "pty" }, { ARG_NUMBER, "TIOCSWINSZ" }, { ARG_POINTER, "argument" } }, 0, 0 },
	{ SYS_ioctl, "ioctl-FIONREAD", 3, { { ARG_FD, "pipe" }, { ARG_NUMBER, "FIONREAD" }, { ARG_POINTER, "argument" } }, 0, 0 },
	{ SYS_fcntl, "fcntl-F_GETLK", 3, { { ARG_FD, "fd" }, { ARG_NUMBER, "F_GETLK" }, { ARG_POINTER, "argument" } }, 0, 0 },
	{ SYS_fcntl, "fcntl-F_SETLK", 3, { { ARG_FD, "fd" }, { ARG_NUMBER, "F_SETLK" }, { ARG_POINTER, "argument" } }, 0, 0 },
	{ SYS_prctl, "prctl-PR_SET_NAME", 2, { { ARG_NUMBER, "PR_SET_NAME" }, { ARG_POINTER, "a" } }, 0, 0 },
	{ SYS_prctl, "prctl-PR_GET_NAME", 2, { { ARG_NUMBER, "PR_GET_NAME" }, { ARG_POINTER, "a" } }, 0, 0 },
	{ SYS_prctl, "prctl-PR_GET_PDEATHSIG", 2, { { ARG_NUMBER, "PR_GET_PDEATHSIG" }, { ARG_POINTER, "a" } }, 0, 0 },
	{ SYS_arch_prctl, "arch_prctl-GET_FS", 2, { { ARG_NUMBER, "ARCH_GET_FS" }, { ARG_POINTER, "addr" } }, 0, 0 },
};
enum { MORE_CALLS = sizeof more_calls / sizeof *more_calls };

static const struct { const char *call, *argument; long value; } special[] = {
	{ "set_robust_list", "len", ROBUST_HEAD_SIZE },
	{ "syslog", "type", 3 },			/* read all */
	{ "clone3", "size", 64 },			/* the first version's size */
	{ "waitid", "options", WEXITED },
	{ "epoll_ctl", "op", EPOLL_CTL_ADD },
	{ NULL, "timeout_ms", 0 },
	{ NULL, "TCGETS", TCGETS }, { NULL, "TCSETS", TCSETS }, { NULL, "TIOCGWINSZ", TIOCGWINSZ }, { NULL, "TIOCSWINSZ", TIOCSWINSZ },
	{ NULL, "FIONREAD", FIONREAD }, { NULL, "F_GETLK", F_GETLK }, { NULL, "F_SETLK", F_SETLK },
	{ NULL, "PR_SET_NAME", PR_SET_NAME }, { NULL, "PR_GET_NAME", PR_GET_NAME }, { NULL, "PR_GET_PDEATHSIG", PR_GET_PDEATHSIG },
	{ NULL, "ARCH_GET_FS", ARCH_GET_FS },
};

static long good_descriptor(const struct call *call, const char *name)
{
	static int pair[2];

	if (!strncmp(call->name, "getdents", 8))
		return open(".", O_RDONLY);
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

/* An argument that the call would take; pointers point to zeroes. */
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
	case ARG_POINTER: return (long)area;
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
		if (calls[i].number < NATIVE_CALLS || (native && visit != print_outcome))
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

	struct utsname name;

	if (argc > 1 && !strcmp(argv[1], "--list"))
		return check_main("wild", lists, 1, argv);
	native_too = uname(&name) == 0 && strcmp(name.sysname, "Linux") != 0;
	return check_main("wild", cases, argc, argv);
}
