/* SPDX-License-Identifier: MIT */
/* Who a process is: user and group ids in their three kinds, supplementary groups, set-user-id programs, priorities. */
#include "check.h"

#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void uids_are(uid_t real, uid_t effective, uid_t saved)
{
	uid_t r = 99, e = 99, s = 99;

	CHECK_EQ(getresuid(&r, &e, &s), 0);
	CHECK_EQ(r, real);
	CHECK_EQ(e, effective);
	CHECK_EQ(s, saved);
	CHECK_EQ(getuid(), real);
	CHECK_EQ(geteuid(), effective);
}

static void root_changes(void)
{
	uids_are(0, 0, 0);
	CHECK_EQ(setresuid(-1, 1000, -1), 0);
	uids_are(0, 1000, 0);
	CHECK_EQ(seteuid(0), 0);
	uids_are(0, 0, 0);
	CHECK_EQ(setreuid(1000, 0), 0);
	uids_are(1000, 0, 0);
	CHECK_EQ(setuid(1001), 0);		/* as root it sets all three */
	uids_are(1001, 1001, 1001);
	CHECK_ERR(setuid(0), EPERM);
	CHECK_ERR(setresuid(0, -1, -1), EPERM);
	CHECK_EQ(setuid(1001), 0);
}

static void user_changes(void)
{
	CHECK_EQ(setresuid(1000, 1001, 1002), 0);
	CHECK_EQ(seteuid(1002), 0);
	CHECK_EQ(seteuid(1000), 0);
	uids_are(1000, 1000, 1002);
	CHECK_ERR(seteuid(1001), EPERM);
	CHECK_EQ(setreuid(-1, 1002), 0);
	uids_are(1000, 1002, 1002);
	CHECK_ERR(setreuid(1005, -1), EPERM);
	CHECK_EQ(setresuid(1002, 1002, 1002), 0);
	CHECK_ERR(seteuid(1000), EPERM);
	CHECK_ERR(setgid(0) == 0 ? setgid(77) : -1, EPERM);
}

static void groups(void)
{
	gid_t list[3] = { 10, 20, 30 }, mixed[5] = { 30, 10, 20, 10, 70000 }, sorted[5] = { 10, 10, 20, 30, 70000 }, none[2] = { 10, -1 }, got[8];
	gid_t real, effective, saved;

	CHECK_EQ(setgroups(5, mixed), 0);
	CHECK_EQ(getgroups(8, got), 5);
	CHECK(!memcmp(sorted, got, sizeof sorted));
	CHECK_ERR(setgroups(2, none), EINVAL);
	CHECK_EQ(getgroups(0, NULL), 5);
	CHECK_EQ(setgroups(3, list), 0);
	CHECK_EQ(getgroups(0, NULL), 3);
	CHECK_EQ(getgroups(8, got), 3);
	CHECK(!memcmp(list, got, sizeof list));
	CHECK_ERR(getgroups(2, got), EINVAL);
	CHECK_EQ(setresgid(1, 2, 3), 0);
	CHECK_EQ(getresgid(&real, &effective, &saved), 0);
	CHECK_EQ(real, 1);
	CHECK_EQ(effective, 2);
	CHECK_EQ(saved, 3);
	CHECK_EQ(setegid(3), 0);
	CHECK_EQ(getegid(), 3);
	check_write_file("f", "", 0060);
	CHECK_EQ(chown("f", 0, 20), 0);
	CHECK_EQ(setresuid(1000, 1000, 1000), 0);
	CHECK(open("f", O_RDWR) >= 0);		/* through a supplementary group */
	CHECK_ERR(setgroups(1, list), EPERM);
	CHECK_ERR(setgid(20), EPERM);
	CHECK_EQ(setgid(1), 0);
}

static void inherited(void)
{
	gid_t list[2] = { 5, 6 }, got[4];
	pid_t child;

	CHECK_EQ(setgroups(2, list), 0);
	CHECK_EQ(setresgid(7, 8, 9), 0);
	CHECK_EQ(setresuid(1000, 1001, 1002), 0);
	child = fork();
	if (child == 0) {
		uids_are(1000, 1001, 1002);
		CHECK_EQ(getegid(), 8);
		CHECK_EQ(getgroups(4, got), 2);
		_exit(0);
	}
	CHECK_EQ(check_wait(child), 0);
}

static void file_system_ids(void)
{
	check_write_file("f", "", 0600);
	CHECK_EQ(setfsuid(1000), 0);
	CHECK_EQ(setfsuid(-1), 1000);
	CHECK_ERR(open("f", O_RDONLY), EACCES);
	CHECK_EQ(geteuid(), 0);
	setfsuid(0);
	CHECK(open("f", O_RDONLY) >= 0);
}

/* Copies this program, so that the copy may have set-id bits. */
static void copy_self(const char *target)
{
	static char data[65536];
	int in = open("/proc/self/exe", O_RDONLY), out = open(target, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	ssize_t got;

	CHECK(in >= 0 && out >= 0);
	while ((got = read(in, data, sizeof data)) > 0)
		CHECK_EQ(write(out, data, got), got);
	close(in);
	close(out);
}

static int run_as_user(const char *path, const char *how)
{
	pid_t child = fork();

	if (child == 0) {
		setgroups(0, NULL);
		setresgid(1000, 1000, 1000);
		setresuid(1000, 1000, 1000);
		execl(path, "program", how, (char *)NULL);
		_exit(99);
	}
	return check_wait(child);
}

/* AT_SECURE as the kernel gave it: getauxval() of musl says what musl makes of it and of the ids. */
static int is_secure(void)
{
	unsigned long *word = (unsigned long *)environ;

	while (*word++)
		;
	while (*word != AT_NULL && *word != AT_SECURE)
		word += 2;
	return *word == AT_SECURE && word[1];
}

static int helper_identity(void)
{
	uid_t r, e, s;
	gid_t gr, ge, gs;

	getresuid(&r, &e, &s);
	getresgid(&gr, &ge, &gs);
	if (r != 1000 || gr != 1000)
		return 80;
	return (e == 0 && s == 0) | (ge == 44 && gs == 44) << 1 | is_secure() << 2;
}

/* A child made with @signal as the news of its end ends when the caller has become the set-id program @path: that must not bring the program to its end. */
static int outlive_child(const char *path, int signal)
{
	pid_t child = fork();
	int ends[2];
	char byte;

	if (child == 0) {
		setresuid(1000, 1000, 1000);
		if (pipe2(ends, O_CLOEXEC) || (child = syscall(SYS_clone, signal, 0, 0, 0, 0)) < 0)
			_exit(98);
		if (!child) {
			close(ends[1]);
			read(ends[0], &byte, 1);
			check_sleep(50);	/* on Linux descriptors are closed before the program is another */
			_exit(0);
		}
		execl(path, "program", "--linger", (char *)NULL);
		_exit(99);
	}
	return check_wait(child);
}

/* /tmp may be mounted without set-id programs: work in a folder of the root file system. */
static void set_id_programs(void)
{
	char folder[] = "/ids.XXXXXX";
	struct stat info;

	if (!CHECK(mkdtemp(folder) != NULL) || !CHECK_EQ(chmod(folder, 0755), 0) || !CHECK_EQ(chdir(folder), 0))
		return;
	copy_self("program");
	CHECK_EQ(run_as_user("./program", "--identity"), 0);
	CHECK_EQ(chmod("program", 04755), 0);
	CHECK_EQ(run_as_user("./program", "--identity"), 1 | 4);
	CHECK_EQ(outlive_child("./program", SIGKILL), 0);
	CHECK_EQ(outlive_child("./program", SIGUSR2), 0);
	/* What it runs in turn is no less in danger from its caller: who has other effective ids than real ones is secure too. */
	copy_self("plain");
	CHECK_EQ(run_as_user("./program", "--run-plain"), 1 | 4);
	CHECK_EQ(unlink("plain"), 0);
	CHECK_EQ(chown("program", 0, 44), 0);
	CHECK_EQ(chmod("program", 02755), 0);
	CHECK_EQ(run_as_user("./program", "--identity"), 2 | 4);
	CHECK_EQ(chmod("program", 06755), 0);
	CHECK_EQ(run_as_user("./program", "--identity"), 1 | 2 | 4);
	/* On a script the bits mean nothing. */
	check_write_file("script", "#!./program --identity\n", 04755);
	CHECK_EQ(chmod("program", 0755), 0);
	CHECK_EQ(run_as_user("./script", "--identity"), 0);
	/* Writing takes the bits away. */
	CHECK_EQ(chmod("program", 06755), 0);
	CHECK_EQ(chown("program", 1000, 1000), 0);
	CHECK_EQ(chmod("program", 06755), 0);
	if (fork() == 0) {
		setresuid(1000, 1000, 1000);
		_exit(write(open("program", O_WRONLY | O_APPEND), "x", 1) == 1 ? 0 : 1);
	}
	CHECK_EQ(check_wait(-1), 0);
	CHECK_EQ(stat("program", &info), 0);
	CHECK_EQ(info.st_mode & 06000, 0);
	CHECK_EQ(unlink("program"), 0);
	CHECK_EQ(unlink("script"), 0);
	CHECK_EQ(rmdir(folder), 0);
}

enum { TO_SHARER = 10, FROM_SHARER };

/* Bit 0: it is root; bit 1: somebody else has changed its working directory. */
static int helper_is_moved(void)
{
	char before[PATH_MAX], after[PATH_MAX], byte;

	getcwd(before, sizeof before);
	write(TO_SHARER, "", 1);
	read(FROM_SHARER, &byte, 1);
	getcwd(after, sizeof after);
	return (geteuid() == 0) | (strcmp(before, after) != 0) << 1;
}

static int start_at, to_sharer[2], from_sharer[2];

/* Makes a process that shares working directory and umask, while the caller's program is being replaced. */
static void *share_late(void *go)
{
	char byte;

	*(volatile int *)go = 1;
	for (struct timespec now = { 0, 0 }; now.tv_sec * 1000000 + now.tv_nsec / 1000 < start_at;)
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	if (!syscall(SYS_clone, CLONE_FS | SIGCHLD, 0, 0, 0, 0)) {
		read(to_sharer[0], &byte, 1);
		chdir("/");
		write(from_sharer[1], "", 1);
		_exit(0);
	}
	for (;;)
		pause();
}

static void become_root_meanwhile(void *delay)
{
	static char *arguments[18] = { "program", "--is-moved" }, long_one[100000];	/* many, which takes time */
	volatile int go = 0;
	pthread_t thread;

	start_at = *(int *)delay;
	signal(SIGPIPE, SIG_IGN);
	CHECK_EQ(setresuid(1000, 1000, 1000), 0);
	CHECK_EQ(pipe2(to_sharer, O_CLOEXEC) | pipe2(from_sharer, O_CLOEXEC), 0);
	CHECK(dup2(to_sharer[1], TO_SHARER) >= 0 && dup2(from_sharer[0], FROM_SHARER) >= 0);
	memset(long_one, 'a', sizeof long_one - 1);
	for (int i = 2; i < 17; i++)
		arguments[i] = long_one;
	CHECK_EQ(pthread_create(&thread, NULL, share_late, (void *)&go), 0);
	while (!go)
		;
	execv("./program", arguments);
	_exit(99);
}

static void *look_at_folder(void *pid)
{
	char name[40], folder[PATH_MAX];
	pid_t of;

	while ((of = *(volatile pid_t *)pid) >= 0) {
		snprintf(name, sizeof name, "/proc/%d/cwd", of);
		readlink(name, folder, sizeof folder);
	}
	return NULL;
}

static void become_root_seen(void *rounds)
{
	volatile pid_t pid = 0;
	pthread_t thread;

	CHECK_EQ(setresgid(1000, 1000, 1000) | setresuid(1000, 1000, 1000), 0);
	CHECK_EQ(pthread_create(&thread, NULL, look_at_folder, (void *)&pid), 0);
	for (int i = 0; i < *(int *)rounds; i++) {
		pid_t child = vfork();

		if (!child) {
			pid = getpid();
			execl("./program", "program", "--identity", (char *)NULL);
			_exit(99);
		}
		CHECK_EQ(check_wait(child), 1 | 4);
	}
	pid = -1;
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

/* Nobody shares the working directory of a program with more rights than its own, and who only looks at it does not share it. */
static void shared_folder(void)
{
	enum { DELAYS = 24, STEP_US = 250 };
	char folder[] = "/ids.XXXXXX";
	int rounds = 200;

	if (!CHECK(mkdtemp(folder) != NULL) || !CHECK_EQ(chmod(folder, 0755), 0) || !CHECK_EQ(chdir(folder), 0))
		return;
	copy_self("program");
	CHECK_EQ(chmod("program", 04755), 0);
	for (int delay = 0; delay < DELAYS * STEP_US; delay += STEP_US) {
		int result = check_child(become_root_meanwhile, &delay);

		CHECK(result == 1 || result == 2);
	}
	CHECK_EQ(check_child(become_root_seen, &rounds), 0);
	CHECK_EQ(unlink("program"), 0);
	CHECK_EQ(rmdir(folder), 0);
}

static void niceness(void)
{
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), 0);
	CHECK_EQ(setpriority(PRIO_PROCESS, 0, 5), 0);
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), 5);
	CHECK_EQ(nice(3), 8);
	CHECK_EQ(setpriority(PRIO_PROCESS, 0, -3), 0);
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), -3);
	CHECK_EQ(setpriority(PRIO_PROCESS, 0, 100), 0);
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), 19);
	CHECK_ERR(setpriority(77, 0, 0), EINVAL);
	CHECK_ERR(getpriority(PRIO_PROCESS, 0x7fffffff), ESRCH);
	CHECK_EQ(setresuid(1000, 1000, 1000), 0);
	CHECK_ERR(setpriority(PRIO_PROCESS, 0, 0), EACCES);
	CHECK_ERR(setpriority(PRIO_PROCESS, 1, 0), EPERM);
}

static void scheduling(void)
{
	struct sched_param parameter = { .sched_priority = 0 }, got;
	struct timespec interval;
	cpu_set_t set;
	unsigned cpu = 99, node = 99;

	CHECK_EQ(sched_yield(), 0);
	CHECK_EQ(syscall(SYS_sched_getscheduler, 0), SCHED_OTHER);
	CHECK_EQ(syscall(SYS_sched_getparam, 0, &got), 0);
	CHECK_EQ(got.sched_priority, 0);
	CHECK_EQ(sched_get_priority_max(SCHED_FIFO), 99);
	CHECK_EQ(sched_get_priority_min(SCHED_RR), 1);
	CHECK_EQ(sched_get_priority_max(SCHED_OTHER), 0);
	CHECK_EQ(syscall(SYS_sched_setscheduler, 0, SCHED_BATCH, &parameter), 0);
	CHECK_EQ(syscall(SYS_sched_getscheduler, 0), SCHED_BATCH);
	parameter.sched_priority = 10;
	CHECK_ERR(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &parameter), EINVAL);
	CHECK_EQ(syscall(SYS_sched_setscheduler, 0, SCHED_RR, &parameter), 0);
	CHECK_EQ(syscall(SYS_sched_getscheduler, 0), SCHED_RR);
	CHECK_EQ(syscall(SYS_sched_rr_get_interval, 0, &interval), 0);
	CHECK(interval.tv_sec == 0 && interval.tv_nsec > 0);
	parameter.sched_priority = 0;
	CHECK_EQ(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &parameter), 0);
	CHECK_EQ(sched_getaffinity(0, sizeof set, &set), 0);
	CHECK(CPU_COUNT(&set) >= 1);
	CHECK_EQ(CPU_COUNT(&set), sysconf(_SC_NPROCESSORS_ONLN));
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	CHECK_EQ(sched_setaffinity(0, sizeof set, &set), 0);
	CHECK_EQ(syscall(SYS_getcpu, &cpu, &node, NULL), 0);
	CHECK_EQ(cpu, 0);
	CPU_ZERO(&set);
	CHECK_ERR(sched_setaffinity(0, sizeof set, &set), EINVAL);
	CHECK_ERR(sched_getaffinity(0x7fffffff, sizeof set, &set), ESRCH);
}

static uint64_t all_capabilities;

static int get_capabilities(int pid, uint64_t *effective, uint64_t *permitted)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, pid };
	struct __user_cap_data_struct data[2] = { 0 };
	int result = syscall(SYS_capget, &header, data);

	*effective = data[0].effective | (uint64_t)data[1].effective << 32;
	*permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	return result;
}

static int set_capabilities(int pid, uint64_t effective, uint64_t permitted)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, pid };
	struct __user_cap_data_struct data[2] = {
		{ .effective = effective, .permitted = permitted }, { .effective = effective >> 32, .permitted = permitted >> 32 },
	};

	return syscall(SYS_capset, &header, data);
}

static void as_user_in_effect(void *unused)
{
	uint64_t effective, permitted;

	(void)unused;
	CHECK_EQ(seteuid(1000), 0);
	CHECK_EQ(get_capabilities(0, &effective, &permitted), 0);
	CHECK(effective == 0 && permitted == all_capabilities);
	CHECK_EQ(seteuid(0), 0);
	CHECK_EQ(get_capabilities(0, &effective, &permitted), 0);
	CHECK(effective == all_capabilities);
	CHECK_EQ(setuid(1000), 0);
	CHECK_EQ(get_capabilities(0, &effective, &permitted), 0);
	CHECK(effective == 0 && permitted == 0);
	CHECK_EQ(set_capabilities(0, 0, 0), 0);
	CHECK_ERR(set_capabilities(0, 0, 1), EPERM);
	CHECK_ERR(set_capabilities(0, 1, 0), EPERM);
	CHECK_ERR(set_capabilities(getppid(), 0, 0), EPERM);
	CHECK_EQ(get_capabilities(getppid(), &effective, &permitted), 0);
	CHECK(effective == all_capabilities);
}

static void capabilities(void)
{
	struct __user_cap_header_struct header = { 1, 0 };
	struct __user_cap_data_struct data[2];
	uint64_t effective, permitted;

	CHECK_EQ(get_capabilities(0, &effective, &permitted), 0);
	all_capabilities = permitted;
	CHECK(effective == permitted && (permitted & 0x1ffffffffful) == 0x1ffffffffful);
	CHECK_ERR(syscall(SYS_capget, &header, data), EINVAL);
	CHECK_EQ(header.version, _LINUX_CAPABILITY_VERSION_3);
	header.version = 1;
	CHECK_EQ(syscall(SYS_capget, &header, NULL), 0);
	CHECK_EQ(header.version, _LINUX_CAPABILITY_VERSION_3);
	CHECK_ERR(get_capabilities(0x7fffffff, &effective, &permitted), ESRCH);
	CHECK_ERR(get_capabilities(-1, &effective, &permitted), EINVAL);
	CHECK_EQ(set_capabilities(getpid(), all_capabilities, all_capabilities), 0);
	CHECK_ERR(set_capabilities(0, all_capabilities, 0), EPERM);
	header.version = _LINUX_CAPABILITY_VERSION_1;
	data[1].effective = 12345;
	CHECK_EQ(syscall(SYS_capget, &header, data), 0);
	CHECK_EQ(data[1].effective, 12345);
	CHECK_EQ(data[0].effective, (uint32_t)all_capabilities);
	CHECK_EQ(check_child(as_user_in_effect, NULL), 0);
}

static void accounts(void)
{
	struct passwd *user = getpwnam("raeen"), *root;

	CHECK(user && user->pw_uid == 1000 && user->pw_gid == 1000);
	root = getpwuid(0);
	CHECK(root && !strcmp(root->pw_name, "root") && !strcmp(root->pw_dir, "/root"));
	CHECK(getgrgid(0) != NULL);
}

/* Exit code: its effective user, and AT_SECURE. */
static int helper_effective(void)
{
	return (geteuid() == 1000 ? 1 : geteuid() == 1001 ? 2 : 0) | (getauxval(AT_SECURE) ? 4 : 0);
}

static int run_as_others(uid_t real, uid_t effective, int renounce)
{
	pid_t child = fork();

	if (!child) {
		setresuid(real, effective, effective);
		if (renounce)
			prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		execl("./program", "program", "--effective", (char *)NULL);
		_exit(100);
	}
	return check_wait(child);
}

/* Who has renounced more rights than it has is left with its real ids; its programs know that it was not so. */
static void renounced_rights(void)
{
	CHECK_EQ(chmod(".", 0755), 0);
	copy_self("program");
	CHECK_EQ(run_as_others(1000, 1000, 0), 1);
	CHECK_EQ(run_as_others(1000, 1001, 0), 2 | 4);
	CHECK_EQ(run_as_others(1000, 1001, 1), 1 | 4);
	CHECK_EQ(run_as_others(1000, 0, 0), 4);
	CHECK_EQ(run_as_others(1000, 0, 1), 1 | 4);
	CHECK_EQ(run_as_others(1000, 1000, 1), 1);
}

static void look_into(void *pid)
{
	char name[40];
	int fd;

	CHECK_EQ(setresuid(1000, 1000, 1000), 0);
	snprintf(name, sizeof name, "/proc/%d/maps", *(pid_t *)pid);
	fd = open(name, O_RDONLY);
	CHECK(fd < 0 || read(fd, name, 1) != 1);
	snprintf(name, sizeof name, "/proc/%d/mem", *(pid_t *)pid);
	CHECK_ERR(open(name, O_RDONLY), EACCES);
}

/* A program that its user may run but not read is not read by way of its memory. */
static void unreadable_programs(void)
{
	int ends[2];
	char byte;
	pid_t child;

	CHECK_EQ(chmod(".", 0755), 0);
	copy_self("program");
	CHECK_EQ(run_as_user("./program", "--dumpable"), 1);
	CHECK_EQ(chmod("program", 0711), 0);
	CHECK_EQ(run_as_user("./program", "--dumpable"), 0);
	CHECK_EQ(pipe(ends), 0);
	child = fork();
	if (!child) {
		setresuid(1000, 1000, 1000);
		dup2(ends[1], 1);
		execl("./program", "program", "--await-end", (char *)NULL);
		_exit(100);
	}
	CHECK_EQ(read(ends[0], &byte, 1), 1);
	CHECK_EQ(check_child(look_into, &child), 0);
	CHECK_EQ(kill(child, SIGKILL), 0);
	CHECK_EQ(check_wait(child), CHECK_KILLED + SIGKILL);
	/* Of the script it is the interpreter that is run. */
	check_write_file("script", "#!./program --dumpable\n", 0755);
	CHECK_EQ(run_as_user("./script", "--dumpable"), 0);
	CHECK_EQ(chmod("program", 0755), 0);
	CHECK_EQ(run_as_user("./script", "--dumpable"), 1);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(root_changes), CASE(user_changes), CASE(groups), CASE(inherited), CASE(file_system_ids),
		CASE(set_id_programs), CASE(shared_folder), CASE(niceness), CASE(scheduling), CASE(capabilities),
		CASE(accounts), CASE(renounced_rights), CASE(unreadable_programs), { NULL, NULL },
	};

	if (argc > 1 && !strcmp(argv[1], "--run-plain"))
		execl("./plain", "plain", "--identity", (char *)NULL);
	if (argc > 1 && !strcmp(argv[1], "--is-moved"))
		return helper_is_moved();
	if (argc > 1 && !strcmp(argv[1], "--identity"))
		return helper_identity();
	if (argc > 1 && !strcmp(argv[1], "--effective"))
		return helper_effective();
	if (argc > 1 && !strcmp(argv[1], "--dumpable"))
		return prctl(PR_GET_DUMPABLE);
	if (argc > 1 && !strcmp(argv[1], "--await-end")) {
		write(1, "", 1);
		for (;;)
			pause();
	}
	if (argc > 1 && !strcmp(argv[1], "--linger")) {
		check_sleep(300);
		return 0;
	}
	return check_main("ids", cases, argc, argv);
}
