/* SPDX-License-Identifier: MIT */
/*
 * Capabilities: what cap_set, fork, exec, threads, set-id programs and changes of ids do to a process's sets; descriptors that it holds; terminals; sockets.
 * Which call needs which: capability_calls. On Linux there is nothing to check.
 */
#include "check.h"
#include "built_with.h"
#include "ports.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <raeen/caps.h>
#include <signal.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

enum { CAP_GET = 1037, CAP_SET = 1038, CAP_CHECK = 1039, NO_ADDRESS = 8, USER = 1000, IDLE_SECONDS = 100 };

static bool have_capabilities(void)
{
	return syscall(CAP_CHECK, 0L) == 0;
}

static int set(uint64_t effective, uint64_t permitted)
{
	struct capability_sets sets = { effective, permitted };

	return (int)syscall(CAP_SET, &sets);
}

static struct capability_sets sets_of(pid_t pid)
{
	struct capability_sets sets = { ~0ull, ~0ull };

	CHECK_EQ(syscall(CAP_GET, pid, &sets), 0);
	return sets;
}

static void sets_are(uint64_t effective, uint64_t permitted)
{
	struct capability_sets sets = sets_of(0);

	CHECK_EQ(sets.effective, effective);
	CHECK_EQ(sets.permitted, permitted);
}

static const uint64_t all = CAPABILITIES_ALL, user_set = CAPABILITIES_USER;

static void dropping_and_adding(void)
{
	const uint64_t few = CAPABILITY_FILE_READ | CAPABILITY_IPC_SEND;
	struct capability_sets sets;

	sets_are(all, all);
	CHECK_EQ(set(all & ~(uint64_t)CAPABILITY_FILE_WRITE, all), 0);
	CHECK_ERR(open("made", O_WRONLY | O_CREAT, 0600), EPERM);
	CHECK_EQ(set(all, all), 0);
	CHECK_EQ(set(few | CAPABILITY_SYS_ADMIN, few), 0);
	CHECK_EQ(set(all, all), 0);			/* SYS_ADMIN adds, while it is effective */
	CHECK_EQ(set(few, all), 0);
	CHECK_ERR(set(few, all | 1ull << 40), EINVAL);
	CHECK_ERR(set(all | 1ull << 63, few), EINVAL);
	sets_are(few, all);
	CHECK_EQ(set(all, all), 0);			/* what is permitted comes back */
	CHECK_EQ(set(few, few), 0);
	CHECK_ERR(set(few | CAPABILITY_FILE_WRITE, few), EPERM);
	CHECK_ERR(set(few, few | CAPABILITY_FILE_WRITE), EPERM);
	sets_are(few, few);
	CHECK_EQ(set(few, CAPABILITY_FILE_READ), 0);	/* effective may be what is not permitted, for an exec */
	CHECK_EQ(set(0, CAPABILITY_FILE_READ), 0);
	CHECK_ERR(set(few, CAPABILITY_FILE_READ), EPERM);	/* once gone it is gone */
	CHECK_EQ(syscall(CAP_CHECK, 0L), 0);
	CHECK_ERR(syscall(CAP_CHECK, (long)CAPABILITY_FILE_READ), EPERM);
	CHECK_EQ(set(CAPABILITY_FILE_READ, CAPABILITY_FILE_READ), 0);
	CHECK_EQ(syscall(CAP_CHECK, (long)CAPABILITY_FILE_READ), 0);
	CHECK_ERR(syscall(CAP_CHECK, (long)few), EPERM);
	CHECK_ERR(syscall(CAP_CHECK, 1L << 50), EPERM);
	CHECK_ERR(syscall(CAP_GET, 999999, &sets), ESRCH);
	CHECK_ERR(syscall(CAP_GET, -1, &sets), ESRCH);
	CHECK_ERR(syscall(CAP_GET, 0, NO_ADDRESS), EFAULT);
	CHECK_ERR(syscall(CAP_SET, NO_ADDRESS), EFAULT);
	CHECK_EQ(sets_of(getppid()).effective, all);
}

static void sets_follow_fork(void *unused)
{
	(void)unused;
	sets_are(CAPABILITY_FILE_READ | CAPABILITY_FILE_EXECUTE, CAPABILITY_FILE_READ);
	CHECK_EQ(syscall(CAP_CHECK, (long)(CAPABILITY_FILE_READ | CAPABILITY_FILE_EXECUTE)), 0);
	CHECK_ERR(syscall(CAP_CHECK, (long)CAPABILITY_FILE_WRITE), EPERM);
	CHECK_ERR(open("made", O_WRONLY | O_CREAT, 0600), EPERM);
	CHECK_EQ(set(0, 0), 0);
}

static void forking(void)
{
	CHECK_EQ(set(CAPABILITY_FILE_READ | CAPABILITY_FILE_EXECUTE, CAPABILITY_FILE_READ), 0);
	CHECK_EQ(check_child(sets_follow_fork, NULL), 0);
	sets_are(CAPABILITY_FILE_READ | CAPABILITY_FILE_EXECUTE, CAPABILITY_FILE_READ);
}

/* Runs this program as @path, which writes its ids and sets (main), and reads them. */
static struct self { uid_t uid, euid; struct capability_sets sets; } run_self(const char *path)
{
	struct self self = { 0 };
	int pipes[2];
	pid_t child;

	if (pipe(pipes) < 0)
		return self;
	child = fork();
	if (!child) {
		dup2(pipes[1], STDOUT_FILENO);
		execl(path, "capabilities", "--self", (char *)NULL);
		_exit(errno);
	}
	close(pipes[1]);
	if (read(pipes[0], &self, sizeof self) != sizeof self)
		self.uid = -1;
	close(pipes[0]);
	CHECK_EQ(check_wait(child), 0);
	return self;
}

static int write_self(void)
{
	struct self self = { getuid(), geteuid(), { 0 } };

	syscall(CAP_GET, 0, &self.sets);
	return write(STDOUT_FILENO, &self, sizeof self) != sizeof self;
}

/* effective, permitted before; both after. */
static void executing(void)
{
	static const struct { uint64_t effective, permitted, after; } rows[] = {
		{ CAPABILITIES_ALL, CAPABILITIES_ALL, CAPABILITIES_ALL },
		{ CAPABILITY_FILE_EXECUTE | CAPABILITY_SYS_ADMIN, CAPABILITIES_ALL, CAPABILITIES_ALL },
		{ CAPABILITIES_ALL, CAPABILITIES_USER, CAPABILITIES_USER },
		{ CAPABILITY_FILE_EXECUTE | CAPABILITY_SYS_ADMIN, CAPABILITIES_SANDBOX, CAPABILITIES_SANDBOX },
		{ CAPABILITY_FILE_EXECUTE | CAPABILITY_SYS_ADMIN, 0, 0 },
	};
	struct self self;

	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		CHECK_EQ(set(rows[i].effective, rows[i].permitted), 0);
		self = run_self("/proc/self/exe");
		CHECK_EQ(self.sets.effective, rows[i].after);
		CHECK_EQ(self.sets.permitted, rows[i].after);
	}
	/* FILE_EXECUTE gates exec, not the launch into a set without it; that set then cannot. */
	CHECK_EQ(set(CAPABILITY_FILE_READ, CAPABILITY_FILE_READ), 0);
	CHECK_ERR(execl("/bin/true", "true", (char *)NULL), EPERM);
	CHECK_ERR(execl("/absent", "true", (char *)NULL), EPERM);
}

static void copy_self(const char *to, mode_t mode)
{
	static char block[65536];
	int from = open("/proc/self/exe", O_RDONLY), copy = open(to, O_WRONLY | O_CREAT | O_EXCL, 0700);
	ssize_t count;

	while ((count = read(from, block, sizeof block)) > 0)
		write(copy, block, count);
	CHECK(from >= 0 && copy >= 0 && !close(from) && !close(copy));
	CHECK_EQ(chmod(to, mode), 0);
}

static void run_as_user(void *unused)
{
	struct self self;

	(void)unused;
	CHECK_EQ(setuid(USER), 0);
	self = run_self("./root-program");
	CHECK_EQ(self.uid, USER);
	CHECK_EQ(self.euid, 0);
	CHECK_EQ(self.sets.effective, user_set);
	CHECK_EQ(self.sets.permitted, user_set);
	CHECK_EQ(set(CAPABILITY_FILE_EXECUTE, CAPABILITY_FILE_EXECUTE), 0);
	self = run_self("./root-program");
	CHECK_EQ(self.euid, 0);
	CHECK_EQ(self.sets.permitted, CAPABILITY_FILE_EXECUTE);
}

/* Uid 0 by a set-id program adds nothing, neither for an ordinary user nor for one with less. */
static void set_id_programs(void)
{
	char folder[] = "/capabilities.XXXXXX";	/* /tmp may be mounted without set-id programs */

	if (!CHECK(mkdtemp(folder)) || !CHECK_EQ(chmod(folder, 0755), 0) || !CHECK_EQ(chdir(folder), 0))
		return;
	copy_self("root-program", 04755);
	CHECK_EQ(check_child(run_as_user, NULL), 0);
	CHECK_EQ(unlink("root-program"), 0);
	CHECK_EQ(rmdir(folder), 0);
}

static void leave_for_good(void *unused)
{
	(void)unused;
	CHECK_EQ(setresuid(USER, USER, 0), 0);
	sets_are(all, all);
	CHECK_EQ(seteuid(0), 0);
	sets_are(all, all);
	CHECK_EQ(setreuid(USER, USER), 0);
	sets_are(user_set, user_set);
	CHECK_ERR(set(all, all), EPERM);
}

static void leave_by_each_call(void *call)
{
	long id = USER;

	CHECK_EQ(syscall((long)call, id, id, id), 0);
	sets_are(user_set, user_set);
}

static void leave_after_choosing(void *unused)
{
	const uint64_t chosen = CAPABILITY_FILE_READ | CAPABILITY_HW_AUDIO | CAPABILITY_FILE_EXECUTE;
	struct self self;

	(void)unused;
	CHECK_EQ(set(chosen, chosen), 0);
	CHECK_EQ(setuid(USER), 0);
	sets_are(chosen, chosen);
	self = run_self("/proc/self/exe");
	CHECK_EQ(self.sets.permitted, chosen);
}

/* As root may come from a program with fewer: nothing is added. */
static void narrow_what_is_narrow(void *unused)
{
	char *const arguments[] = { "capabilities", "--leave", NULL };

	(void)unused;
	CHECK_EQ(set(CAPABILITY_FILE_EXECUTE | CAPABILITY_HW_DISK, CAPABILITY_FILE_EXECUTE | CAPABILITY_HW_DISK), 0);
	execv("/proc/self/exe", arguments);
	_exit(99);
}

static int leave_in_new_program(void)
{
	struct capability_sets sets = { 0 };

	if (setuid(USER) < 0 || syscall(CAP_GET, 0, &sets) < 0)
		return 1;
	return sets.effective == CAPABILITY_FILE_EXECUTE && sets.permitted == CAPABILITY_FILE_EXECUTE ? 0 : 2;
}

static void changes_of_ids(void)
{
	CHECK_EQ(check_child(leave_for_good, NULL), 0);
	CHECK_EQ(check_child(leave_by_each_call, (void *)SYS_setuid), 0);
	CHECK_EQ(check_child(leave_by_each_call, (void *)SYS_setreuid), 0);
	CHECK_EQ(check_child(leave_by_each_call, (void *)SYS_setresuid), 0);
	CHECK_EQ(check_child(leave_after_choosing, NULL), 0);
	CHECK_EQ(check_child(narrow_what_is_narrow, NULL), 0);
	/* Root without SYS_ADMIN goes on being root of its files, and can become anybody. */
	CHECK_EQ(set(user_set, user_set), 0);
	CHECK_EQ(seteuid(USER), 0);
	CHECK_EQ(seteuid(0), 0);
	sets_are(user_set, user_set);
	CHECK_ERR(sethostname("name", 4), EPERM);
}

/* ---- Use, with and without ---- */

static void held_descriptors(void)
{
	int written, folder;
	char text[8] = "";
	struct stat status;

	check_write_file("file", "text", 0644);
	written = open("file", O_RDWR);
	folder = open(".", O_RDONLY | O_DIRECTORY);
	CHECK_EQ(set(0, 0), 0);
	CHECK_EQ(write(written, "more", 4), 4);
	CHECK_EQ(pread(written, text, sizeof text, 0), 4);
	CHECK_STR(text, "more");
	CHECK_EQ(ftruncate(written, 2), 0);
	CHECK_EQ(fstat(written, &status), 0);
	CHECK_EQ(status.st_size, 2);
	CHECK_EQ(fchmod(written, 0600), 0);
	CHECK_EQ(fsync(written), 0);
	CHECK_EQ(fcntl(dup(written), F_GETFL) & O_ACCMODE, O_RDWR);
	CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, written, 0) != MAP_FAILED);
	CHECK_EQ(fchdir(folder), 0);
	/* It is no way to others. */
	CHECK_ERR(openat(folder, "file", O_RDONLY), EPERM);
	CHECK_ERR(openat(folder, "absent", O_RDONLY), EPERM);
	CHECK_ERR(fchmod(folder, 0777), EPERM);
	CHECK_ERR(open("/proc/self/fd/3", O_RDWR), EPERM);
	CHECK_ERR(unlinkat(folder, "file", 0), EPERM);
	CHECK_ERR(chdir("/"), EPERM);
	CHECK_ERR(stat("file", &status), EPERM);
	CHECK_ERR(access("absent", F_OK), EPERM);
}

/* Names that lead to what needs no bit, and then elsewhere: what was looked at is what is opened. */
static void links_to_harmless(void)
{
	check_write_file("file", "text", 0666);
	CHECK_EQ(symlink("/dev/null", "to-null"), 0);
	CHECK_EQ(symlink("file", "to-file"), 0);
	CHECK_EQ(mknod("null", S_IFCHR | 0666, makedev(1, 3)), 0);
	CHECK_EQ(set(0, 0), 0);
	CHECK(open("to-null", O_WRONLY | O_CREAT | O_TRUNC, 0600) >= 0);
	CHECK_ERR(open("to-null", O_WRONLY | O_NOFOLLOW), EPERM);
	CHECK_ERR(open("to-file", O_WRONLY), EPERM);
	CHECK_ERR(open("/dev/null", O_WRONLY | O_CREAT | O_EXCL, 0600), EPERM);
	CHECK_ERR(open("/dev/null/x", O_WRONLY), EPERM);
	CHECK_ERR(open("/dev/console", O_WRONLY), EPERM);
	CHECK_ERR(open((char *)NO_ADDRESS, O_WRONLY), EFAULT);
	/* Where device nodes do not count this is none. */
	errno = 0;
	CHECK(open("null", O_RDWR) >= 0 || errno == EACCES);
}

static void on_a_terminal(void *unused)
{
	int master = open("/dev/ptmx", O_RDWR | O_NOCTTY), other_master = open("/dev/ptmx", O_RDWR | O_NOCTTY), slave;
	char name[64], other_name[64];

	(void)unused;
	CHECK(master >= 0 && other_master >= 0 && !unlockpt(master) && !unlockpt(other_master));
	CHECK(!ptsname_r(master, name, sizeof name) && !ptsname_r(other_master, other_name, sizeof other_name));
	setsid();
	slave = open(name, O_RDWR);
	CHECK(slave >= 0);
	CHECK_EQ(set(0, 0), 0);
	CHECK(open("/dev/tty", O_RDWR) >= 0);
	CHECK(open(name, O_WRONLY) >= 0);
	CHECK_ERR(open(other_name, O_RDWR | O_NOCTTY), EPERM);
	CHECK_ERR(open("/dev/ptmx", O_RDWR | O_NOCTTY), EPERM);
	signal(SIGHUP, SIG_IGN);
}

static void own_terminal(void)
{
	CHECK_EQ(check_child(on_a_terminal, NULL), 0);
	setsid();
	CHECK_EQ(set(0, 0), 0);
	CHECK_ERR(open("/dev/tty", O_RDWR), ENXIO);	/* it has none */
}

static volatile int told, seen;

static void *watching(void *unused)
{
	(void)unused;
	told = 1;
	while (syscall(CAP_CHECK, (long)CAPABILITY_FILE_WRITE) == 0)
		continue;
	seen = 1;
	CHECK_ERR(open("made", O_WRONLY | O_CREAT, 0600), EPERM);
	return NULL;
}

static void other_threads(void)
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, watching, NULL), 0);
	CHECK(check_await(&told, 10000));
	CHECK_EQ(set(0, 0), 0);
	CHECK(check_await(&seen, 10000));
	CHECK_EQ(pthread_join(thread, NULL), 0);
	/* One that is made later has no more either. */
	seen = 0;
	CHECK_EQ(pthread_create(&thread, NULL, watching, NULL), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK(seen);
}

static void idle_as_nobody(void *unused)
{
	(void)unused;
	setresuid(65534, 65534, 65534);
	sleep(IDLE_SECONDS);
}

static void looking_into_others(void)
{
	pid_t parent = getpid(), mine, child;
	char maps[64], more[64];

	child = check_spawn(idle_as_nobody, NULL);
	CHECK(check_state(child, 'S', 20000));
	snprintf(maps, sizeof maps, "/proc/%d/environ", child);
	snprintf(more, sizeof more, "/proc/%d/environ", parent);
	mine = fork();
	if (!mine) {
		char text[16];

		CHECK(read(open(maps, O_RDONLY), text, sizeof text) >= 0);
		CHECK_EQ(set(all & ~(uint64_t)CAPABILITY_PROC_TRACE, all & ~(uint64_t)CAPABILITY_PROC_TRACE), 0);
		CHECK_ERR(read(open(maps, O_RDONLY), text, sizeof text), EPERM);
		CHECK_ERR(read(open(more, O_RDONLY), text, sizeof text), EPERM);	/* the same user's, which can more */
		CHECK(read(open("/proc/self/environ", O_RDONLY), text, sizeof text) >= 0);
		_exit(0);
	}
	CHECK_EQ(check_wait(mine), 0);
	kill(child, SIGKILL);
	CHECK_EQ(check_wait(child), CHECK_KILLED + SIGKILL);
}

static void idle(void *unused)
{
	(void)unused;
	sleep(IDLE_SECONDS);
}

/* What stops, slows down or steers @pid is refused. */
static void all_refused(pid_t pid)
{
	const struct rlimit limit = { 0, RLIM_INFINITY };
	const struct sched_param none = { 0 };
	siginfo_t info = { .si_code = SI_QUEUE };
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	CHECK_EQ(kill(pid, 0), 0);
	CHECK_ERR(kill(pid, SIGURG), EPERM);
	CHECK_ERR(kill(pid, SIGKILL), EPERM);
	CHECK_ERR(syscall(SYS_tkill, pid, SIGURG), EPERM);
	CHECK_ERR(syscall(SYS_tgkill, pid, pid, SIGURG), EPERM);
	CHECK_ERR(syscall(SYS_rt_sigqueueinfo, pid, SIGURG, &info), EPERM);
	CHECK_ERR(prlimit(pid, RLIMIT_CORE, &limit, NULL), EPERM);
	CHECK_ERR(setpriority(PRIO_PROCESS, pid, 1), EPERM);
	CHECK_ERR(syscall(SYS_sched_setscheduler, pid, SCHED_BATCH, &none), EPERM);
	CHECK_ERR(sched_setaffinity(pid, sizeof set, &set), EPERM);
}

/* As the user it is: others who can do more, who could if they wanted to, who can do as much, and who can do less. */
static void act_on_others(void *user)
{
	pid_t like_before, reserved, twin, weaker;

	if (user)
		CHECK_EQ(setuid(USER), 0);
	like_before = check_spawn(idle, NULL);
	CHECK_EQ(set(CAPABILITIES_SANDBOX, user_set), 0);
	reserved = check_spawn(idle, NULL);
	CHECK_EQ(set(CAPABILITIES_SANDBOX, CAPABILITIES_SANDBOX), 0);
	twin = check_spawn(idle, NULL);
	CHECK_EQ(set(0, 0), 0);
	weaker = check_spawn(idle, NULL);
	all_refused(twin);
	CHECK_EQ(kill(weaker, SIGKILL), 0);
	CHECK_EQ(check_wait(weaker), CHECK_KILLED + SIGKILL);
	all_refused(like_before);
	all_refused(reserved);
	/* Who goes on with the job, as shells do, may be anybody of the session. */
	CHECK_EQ(kill(reserved, SIGCONT), 0);
	if (!user) {
		all_refused(getppid());
		CHECK_ERR(kill(1, SIGUSR2), EPERM);	/* to power off */
	}
	CHECK_EQ(kill(getpid(), SIGURG), 0);
	CHECK_EQ(setpriority(PRIO_PROCESS, 0, 1), 0);
}

/* Under SANDBOX one can stop what runs under it, and still not more. */
static void act_on_equals(void *unused)
{
	pid_t stronger = check_spawn(idle, NULL), twin;

	(void)unused;
	CHECK_EQ(set(CAPABILITIES_SANDBOX, CAPABILITIES_SANDBOX), 0);
	twin = check_spawn(idle, NULL);
	CHECK_EQ(setpriority(PRIO_PROCESS, twin, 1), 0);
	CHECK_EQ(kill(twin, SIGKILL), 0);
	CHECK_EQ(check_wait(twin), CHECK_KILLED + SIGKILL);
	all_refused(stronger);
}

static void stronger_processes(void)
{
	setpgid(0, 0);
	CHECK_EQ(check_child(act_on_others, NULL), 0);
	CHECK_EQ(check_child(act_on_others, (void *)1), 0);
	CHECK_EQ(check_child(act_on_equals, NULL), 0);
	signal(SIGTERM, SIG_IGN);
	CHECK_EQ(kill(0, SIGTERM), 0);	/* what still idles */
}

static void status_shows_them(void)
{
	static char text[8192];
	char line[64];
	int file;

	CHECK_EQ(set(CAPABILITIES_USER, CAPABILITIES_SANDBOX), 0);
	file = open("/proc/self/status", O_RDONLY);
	CHECK(read(file, text, sizeof text - 1) > 0);
	snprintf(line, sizeof line, "\nRaeenCapEff:\t%016lx\nRaeenCapPrm:\t%016lx\n", (long)CAPABILITIES_USER, (long)CAPABILITIES_SANDBOX);
	CHECK(strstr(text, line));
}

static const struct sockaddr_in inet_address = { .sin_family = AF_INET, .sin_port = 0x5000, .sin_addr.s_addr = 0x0100007f };
static const struct sockaddr_un unix_address = { .sun_family = AF_UNIX, .sun_path = "socket" };

/* What sockets say beside EPERM. */
static void sockets(void)
{
	int local = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), inet = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), value = -1;
	struct sockaddr_storage address;
	socklen_t size = sizeof value;
	struct stat status;

	CHECK(local >= 0 && inet >= 0);
	CHECK_EQ(fcntl(local, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(inet, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	CHECK_EQ(getsockopt(inet, SOL_SOCKET, SO_TYPE, &value, &size), 0);
	CHECK_EQ(value, SOCK_DGRAM);
	CHECK_EQ(getsockopt(inet, SOL_SOCKET, SO_DOMAIN, &value, &size), 0);
	CHECK_EQ(value, AF_INET);
	CHECK_EQ(getsockopt(inet, SOL_SOCKET, SO_PROTOCOL, &value, &size), 0);
	CHECK_EQ(value, IPPROTO_UDP);
	CHECK_EQ(getsockopt(local, SOL_SOCKET, SO_ERROR, &value, &size), 0);
	CHECK_EQ(value, 0);
	CHECK_ERR(getsockopt(local, SOL_SOCKET, 9999, &value, &size), ENOPROTOOPT);
	size = sizeof address;
	CHECK_EQ(getsockname(inet, (void *)&address, &size), 0);
	CHECK_EQ(size, sizeof(struct sockaddr_in));
	CHECK_EQ(address.ss_family, AF_INET);
	CHECK_ERR(getpeername(local, (void *)&address, &size), ENOTCONN);
	CHECK_ERR(connect(local, (const void *)&unix_address, sizeof unix_address), ENOENT);
	check_write_file("socket", "", 0600);
	CHECK_ERR(connect(local, (const void *)&unix_address, sizeof unix_address), ECONNREFUSED);
	CHECK_ERR(connect(local, (const void *)&inet_address, sizeof inet_address), EINVAL);
	CHECK_ERR(connect(inet, (const void *)&inet_address, 4), EINVAL);
	CHECK_ERR(connect(inet, (const void *)NO_ADDRESS, sizeof inet_address), EFAULT);
	CHECK_EQ(fstat(local, &status), 0);
	CHECK(S_ISSOCK(status.st_mode));
	CHECK_ERR(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
	CHECK_ERR(socket(AF_INET, SOCK_SEQPACKET, 0), ESOCKTNOSUPPORT);
	CHECK_ERR(socket(AF_INET, 0, 0), ESOCKTNOSUPPORT);
	CHECK_ERR(socket(AF_INET, 11, 0), EINVAL);
	CHECK_ERR(socket(AF_INET, SOCK_STREAM, -1), EINVAL);
	CHECK_ERR(socket(AF_INET, SOCK_STREAM, 300), EINVAL);
	CHECK_ERR(socket(99, 11, 0), EAFNOSUPPORT);
	CHECK_ERR(socket(AF_UNIX, 9, 0), ESOCKTNOSUPPORT);
	CHECK_ERR(socket(AF_UNIX, 0, 0), kernel_has(UNIX_SOCKETS) ? ESOCKTNOSUPPORT : EINVAL);
	CHECK_ERR(socket(77, SOCK_STREAM, 0), EAFNOSUPPORT);
	CHECK_ERR(listen(STDIN_FILENO, 1), ENOTSOCK);
	CHECK_ERR(listen(-1, 1), EBADF);
	CHECK_EQ(close(local) | close(inet), 0);
	/* What only this machine answers: it has no network, and nobody listens. */
	inet = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_ERR(connect(inet, (const void *)&inet_address, sizeof inet_address), ENETUNREACH);
	CHECK_ERR(bind(inet, (const void *)&inet_address, sizeof inet_address), EADDRNOTAVAIL);
	CHECK_ERR(listen(inet, 1), EADDRNOTAVAIL);
	CHECK_ERR(write(inet, "x", 1), ENOTCONN);
}

enum { ASK = 1044, SERVE = 1045, ROUNDS = 10, MESSAGE = 7 };

static void serve_rounds(void *port)
{
	struct result got;

	msg_buffer();
	got = msg_recv((long)port, MSG_WAIT, NULL);
	for (int i = 0; i < ROUNDS; i++)
		got = native(SERVE, (long)port, HEADER(MESSAGE, 8), got.token, 0, 0);
	/* The next call has come already. It is answered, but no further one is waited for. */
	CHECK_EQ(got.value, HEADER(MESSAGE, 8));
	CHECK_EQ(set(all & ~(uint64_t)CAPABILITY_IPC_RECV, all), 0);
	CHECK_EQ(native(SERVE, (long)port, HEADER(MESSAGE, 8), got.token, 0, 0).value, -EPERM);
	CHECK_EQ(msg_reply((long)port, HEADER(MESSAGE, 8), got.token, NULL), 0);
}

/* Also the short way of messages, which passes no gate, asks. */
static void messages(void)
{
	int port = port_create(NULL, PORT_PERSISTENT | PORT_KEEP), receiver = port_control(port, PORT_TAKE, PORT_KEEP);
	pid_t server = check_spawn(serve_rounds, (void *)(long)receiver);

	close(receiver);
	CHECK((long)msg_buffer() > 0);
	for (int i = 0; i <= ROUNDS; i++) {
		CHECK_EQ(set(all & ~(uint64_t)CAPABILITY_IPC_SEND, all), 0);
		CHECK_EQ(native(ASK, port, HEADER(MESSAGE, 8), 0, 0, 0).value, -EPERM);
		CHECK_ERR(msg_send(port, HEADER(MESSAGE, 8), 0, NULL), EPERM);
		CHECK_EQ(set(all, all), 0);
		CHECK_EQ(native(ASK, port, HEADER(MESSAGE, 8), 0, 0, 0).value, HEADER(MESSAGE, 8));
	}
	CHECK_EQ(check_wait(server), 0);
	CHECK_EQ(set(all & ~(uint64_t)CAPABILITY_IPC_CREATE, all), 0);
	CHECK_ERR(port_create("test.capabilities", 0), EPERM);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(dropping_and_adding), CASE(forking), CASE(executing),
		CASE(set_id_programs), CASE(changes_of_ids), CASE(held_descriptors), CASE(links_to_harmless), CASE(own_terminal),
		CASE(other_threads), CASE(looking_into_others), CASE(stronger_processes), CASE(status_shows_them), CASE(sockets),
		CASE(messages), { NULL, NULL },
	}, none[] = { { NULL, NULL } };

	if (argc == 2 && !strcmp(argv[1], "--self"))
		return write_self();
	if (argc == 2 && !strcmp(argv[1], "--leave"))
		return leave_in_new_program();
	return check_main("capabilities", have_capabilities() ? cases : none, argc, argv);
}
