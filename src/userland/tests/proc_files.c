/* SPDX-License-Identifier: MIT */
/*
 * Files of /proc that tools read: the lines of status, memory, locks, descriptors, threads' folders, who goes first when memory is out, settings;
 * and CPUs in /sys.
 */
#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, MIB = 1 << 20, SLACK_KIB = 1024, USER = 1000 };

static char text[65536];

static const char *read_file(const char *path)
{
	int file = open(path, O_RDONLY);
	ssize_t len = file < 0 ? -1 : read(file, text, sizeof text - 1);

	CHECK(len >= 0);
	text[len > 0 ? len : 0] = '\0';
	close(file);
	return text;
}

/* What follows @name and a colon at the start of a line of @path. */
static const char *line_of(const char *path, const char *name)
{
	char start[64];
	const char *at;

	snprintf(start, sizeof start, "\n%s:", name);
	read_file(path);
	at = strncmp(text, start + 1, strlen(start) - 1) ? strstr(text, start) : text - 1;
	return at ? at + strlen(start) : "";
}

static long figure(const char *path, const char *name)
{
	const char *at = line_of(path, name);

	return *at ? atol(at) : -1;
}

static int write_text(const char *path, const char *what)
{
	int file = open(path, O_WRONLY), result, error;

	if (file < 0)
		return -1;
	result = write(file, what, strlen(what));
	error = errno;
	close(file);
	errno = error;
	return result < 0 ? -1 : 0;
}

/* ---- status, smaps_rollup ---- */

static void lines_of_status(void)
{
	static const char *const names[] = {
		"Name", "Umask", "State", "Tgid", "Ngid", "Pid", "PPid", "TracerPid", "Uid", "Gid", "FDSize", "Groups", "NStgid", "NSpid", "NSpgid", "NSsid",
		"VmPeak", "VmSize", "VmLck", "VmPin", "VmHWM", "VmRSS", "RssAnon", "RssFile", "RssShmem", "VmData", "VmStk", "VmExe", "VmPTE", "VmSwap",
		"CoreDumping", "THP_enabled", "Threads", "SigQ", "SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt", "CapInh", "CapPrm", "CapEff", "CapBnd",
		"CapAmb", "NoNewPrivs", "Seccomp", "Seccomp_filters", "Cpus_allowed", "Cpus_allowed_list", "Mems_allowed", "Mems_allowed_list",
		"voluntary_ctxt_switches", "nonvoluntary_ctxt_switches",
	};
	const char *at = read_file("/proc/self/status");

	for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
		char start[64];
		const char *found;

		snprintf(start, sizeof start, "%s:\t", names[i]);
		for (found = at; found && strncmp(found, start, strlen(start)); found += found != NULL)
			found = strchr(found, '\n');
		if (!CHECK(found != NULL))
			printf("%s is not there, or not in its place\n", names[i]);
		else
			at = found;
	}
}

static long kib_of(const char *name)
{
	return figure("/proc/self/status", name);
}

static char *map(size_t bytes, int flags)
{
	char *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);

	if (!CHECK(at != MAP_FAILED))
		exit(1);
	for (size_t done = 0; done < bytes; done += PAGE)
		*(volatile char *)(at + done) = 1;
	return at;
}

static int near(long value, long wanted)
{
	return value >= wanted - SLACK_KIB && value <= wanted + SLACK_KIB;
}

static void kinds_of_memory(void)
{
	long anonymous = kib_of("RssAnon"), shared = kib_of("RssShmem"), rolled = figure("/proc/self/smaps_rollup", "Anonymous");
	char *locked;

	map(8 * MIB, MAP_PRIVATE | MAP_ANONYMOUS);
	map(4 * MIB, MAP_SHARED | MAP_ANONYMOUS);
	CHECK(near(kib_of("RssAnon"), anonymous + 8 * 1024));
	CHECK(near(kib_of("RssShmem"), shared + 4 * 1024));
	CHECK(near(kib_of("VmRSS"), kib_of("RssAnon") + kib_of("RssFile") + kib_of("RssShmem")));
	CHECK(near(figure("/proc/self/smaps_rollup", "Anonymous"), rolled + 8 * 1024));
	CHECK(near(figure("/proc/self/smaps_rollup", "Rss"), kib_of("VmRSS")));
	CHECK(figure("/proc/self/smaps_rollup", "Pss") <= figure("/proc/self/smaps_rollup", "Rss"));
	CHECK(strstr(read_file("/proc/self/smaps_rollup"), " ---p 00000000 00:00 0 ") != NULL);
	CHECK(strstr(text, " [rollup]\nRss: ") != NULL);
	CHECK_EQ(kib_of("VmLck"), 0);
	locked = map(16 * PAGE, MAP_PRIVATE | MAP_ANONYMOUS);
	CHECK_EQ(mlock(locked, 16 * PAGE), 0);
	CHECK_EQ(kib_of("VmLck"), 64);
	CHECK_EQ(munlock(locked, 16 * PAGE), 0);
	CHECK_EQ(kib_of("VmLck"), 0);
}

static unsigned long mask_of(const char *name)
{
	return strtoul(line_of("/proc/self/status", name), NULL, 16);
}

static void capabilities_in_status(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct sets[2];
	unsigned long all = (2ul << atol(read_file("/proc/sys/kernel/cap_last_cap"))) - 1;

	CHECK_EQ(syscall(SYS_capget, &header, sets), 0);
	CHECK_EQ(mask_of("CapEff"), sets[0].effective | (unsigned long)sets[1].effective << 32);
	CHECK_EQ(mask_of("CapPrm"), sets[0].permitted | (unsigned long)sets[1].permitted << 32);
	CHECK_EQ(mask_of("CapEff"), all);
	CHECK_EQ(mask_of("CapBnd"), all);
	CHECK_EQ(mask_of("CapInh") | mask_of("CapAmb"), 0);
	CHECK_EQ(seteuid(USER), 0);
	CHECK_EQ(mask_of("CapEff"), 0);
	CHECK_EQ(mask_of("CapPrm"), all);
	CHECK_EQ(seteuid(0), 0);
	CHECK_EQ(setuid(USER), 0);
	CHECK_EQ(mask_of("CapEff") | mask_of("CapPrm"), 0);
}

/* ---- Locks and descriptors ---- */

static int set_lock(int file, int command, int type, long start, long len)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len };

	return fcntl(file, command, &lock);
}

/* Is there such a line, whatever its number, in @path? The file's place comes between @before and @after. */
static int has_lock(const char *path, const char *before, int file, const char *after)
{
	char wanted[256];
	struct stat status;

	CHECK_EQ(fstat(file, &status), 0);
	snprintf(wanted, sizeof wanted, ": %s %02x:%02x:%lu %s\n", before, major(status.st_dev), minor(status.st_dev), (unsigned long)status.st_ino, after);
	return strstr(read_file(path), wanted) != NULL;
}

static void locks_are_shown(void)
{
	char info[64], posix[64], read[64], whole[64];
	int file = open("file", O_RDWR | O_CREAT, 0600), other = open("file", O_RDWR), beside = open("beside", O_RDWR | O_CREAT, 0600);

	snprintf(info, sizeof info, "/proc/self/fdinfo/%d", file);
	snprintf(posix, sizeof posix, "POSIX  ADVISORY  WRITE %d", getpid());
	snprintf(read, sizeof read, "POSIX  ADVISORY  READ %d", getpid());
	snprintf(whole, sizeof whole, "FLOCK  ADVISORY  WRITE %d", getpid());
	CHECK(!has_lock("/proc/locks", posix, file, "0 EOF"));
	CHECK_EQ(set_lock(file, F_SETLK, F_WRLCK, 0, 0), 0);
	CHECK(has_lock("/proc/locks", posix, file, "0 EOF"));
	CHECK(has_lock(info, posix, file, "0 EOF"));
	CHECK_EQ(strncmp(line_of(info, "lock"), "\t1: ", 4), 0);
	CHECK_EQ(set_lock(file, F_SETLK, F_UNLCK, 0, 0), 0);
	CHECK(!has_lock("/proc/locks", posix, file, "0 EOF"));
	CHECK_STR(line_of(info, "lock"), "");
	CHECK_EQ(set_lock(file, F_SETLK, F_RDLCK, 10, 20), 0);
	CHECK_EQ(set_lock(file, F_OFD_SETLK, F_WRLCK, 100, 1), 0);
	CHECK_EQ(flock(file, LOCK_EX), 0);
	CHECK(has_lock("/proc/locks", read, file, "10 29"));
	CHECK(has_lock("/proc/locks", "OFDLCK ADVISORY  WRITE -1", file, "100 100"));
	CHECK(has_lock("/proc/locks", whole, file, "0 EOF"));
	CHECK(has_lock(info, read, file, "10 29"));
	CHECK(has_lock(info, "OFDLCK ADVISORY  WRITE -1", file, "100 100"));
	CHECK(has_lock(info, whole, file, "0 EOF"));
	/* Another open file's are not this one's, and another file's not at all. */
	snprintf(info, sizeof info, "/proc/self/fdinfo/%d", other);
	CHECK(!has_lock(info, whole, file, "0 EOF"));
	snprintf(info, sizeof info, "/proc/self/fdinfo/%d", beside);
	CHECK_STR(line_of(info, "lock"), "");
	CHECK_EQ(close(file), 0);
	CHECK(!has_lock("/proc/locks", whole, other, "0 EOF"));
}

static void fdinfo_says_where(void)
{
	char path[64], *at;
	int file = open("file", O_RDWR | O_CREAT, 0600), ends[2];
	long mount, parent, id;
	struct stat status;
	unsigned high, low;

	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", file);
	CHECK_EQ(fstat(file, &status), 0);
	CHECK_EQ(figure(path, "ino"), status.st_ino);
	id = figure(path, "mnt_id");
	read_file("/proc/self/mountinfo");
	for (at = text; at; at += at != NULL) {
		if (sscanf(at, "%ld %ld %u:%u ", &mount, &parent, &high, &low) == 4 && mount == id)
			break;
		at = strchr(at, '\n');
	}
	CHECK(at && high == major(status.st_dev) && low == minor(status.st_dev));
	CHECK_EQ(pipe(ends), 0);
	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", ends[0]);
	CHECK_EQ(fstat(ends[0], &status), 0);
	CHECK_EQ(figure(path, "ino"), status.st_ino);
}

/* ---- Threads ---- */

static void *look_from_thread(void *unused)
{
	static const char *const names[] = { "cgroup", "cmdline", "comm", "cwd", "environ", "exe", "fd", "fdinfo", "limits", "maps", "mountinfo", "mounts",
					     "oom_score", "oom_score_adj", "personality", "root", "schedstat", "smaps", "smaps_rollup", "stat", "statm",
					     "status", "wchan" };
	char path[128], other[128], to[256] = "", same[256] = "-";
	int tid = syscall(SYS_gettid), file = open("file", O_RDONLY | O_CREAT, 0600);
	struct stat one, two;
	DIR *folder;

	for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(path, sizeof path, "/proc/self/task/%d/%s", tid, names[i]);
		if (!CHECK_EQ(access(path, F_OK), 0))
			printf("%s\n", path);
		snprintf(path, sizeof path, "/proc/self/%s", names[i]);
		CHECK_EQ(access(path, F_OK), 0);
	}
	snprintf(path, sizeof path, "/proc/self/task/%d/task", tid);
	CHECK_ERR(access(path, F_OK), ENOENT);
	snprintf(path, sizeof path, "/proc/self/task/%d/fd/%d", tid, file);
	snprintf(other, sizeof other, "/proc/self/fd/%d", file);
	CHECK(readlink(path, to, sizeof to - 1) > 0);
	CHECK(readlink(other, same, sizeof same - 1) > 0);
	CHECK_STR(to, same);
	CHECK_EQ(stat(path, &one), 0);
	CHECK_EQ(fstat(file, &two), 0);
	CHECK_EQ(one.st_ino, two.st_ino);
	snprintf(path, sizeof path, "/proc/self/task/%d/fd", tid);
	folder = opendir(path);
	CHECK(folder && readdir(folder));
	if (folder)
		closedir(folder);
	snprintf(path, sizeof path, "/proc/self/task/%d/maps", tid);
	CHECK(strstr(read_file(path), "[stack]") != NULL);
	return unused;
}

static void folders_of_threads(void)
{
	pthread_t thread;

	look_from_thread(NULL);
	CHECK_EQ(pthread_create(&thread, NULL, look_from_thread, NULL), 0);
	pthread_join(thread, NULL);
}

static void scheduling(void)
{
	unsigned long ran, waited, slices, later;

	CHECK_EQ(sscanf(read_file("/proc/self/schedstat"), "%lu %lu %lu", &ran, &waited, &slices), 3);
	do
		CHECK_EQ(sscanf(read_file("/proc/self/schedstat"), "%lu %lu %lu", &later, &waited, &slices), 3);
	while (later <= ran + 1000000);
	CHECK_STR(read_file("/proc/self/personality"), "00000000\n");
	CHECK_STR(read_file("/proc/self/wchan"), "0");
	CHECK_STR(read_file("/proc/self/cgroup"), "");
}

/* ---- Who goes when memory is out ---- */

#define ADJ "/proc/self/oom_score_adj"

static void adjusted_child(void *unused)
{
	(void)unused;
	CHECK_STR(read_file(ADJ), "300\n");
	execl("/bin/sh", "sh", "-c", "read x < " ADJ "; exit $x", NULL);
}

static void adjustment(void)
{
	long score = atol(read_file("/proc/self/oom_score"));

	CHECK_STR(read_file(ADJ), "0\n");
	CHECK(score >= 600 && score < 700);
	CHECK_EQ(write_text(ADJ, "1000\n"), 0);
	CHECK_STR(read_file(ADJ), "1000\n");
	CHECK(atol(read_file("/proc/self/oom_score")) > score + 600);
	CHECK_EQ(write_text(ADJ, "-500"), 0);
	CHECK_STR(read_file(ADJ), "-500\n");
	CHECK(atol(read_file("/proc/self/oom_score")) < score - 300);
	CHECK_EQ(write_text(ADJ, "-1000"), 0);
	CHECK_STR(read_file("/proc/self/oom_score"), "0\n");
	CHECK_ERR(write_text(ADJ, "1001"), EINVAL);
	CHECK_ERR(write_text(ADJ, "-1001"), EINVAL);
	CHECK_ERR(write_text(ADJ, "x"), EINVAL);
	CHECK_STR(read_file(ADJ), "-1000\n");
	CHECK_EQ(write_text(ADJ, "300"), 0);
	CHECK_EQ(check_child(adjusted_child, NULL), 300 & 255);
	CHECK_STR(read_file("/proc/1/oom_score"), "0\n");
}

/* A user may raise it, and go back to what he was given last. */
static void adjustment_of_users(void)
{
	pid_t other = fork();
	char path[64];

	if (!other) {
		pause();
		_exit(0);
	}
	CHECK_EQ(write_text(ADJ, "200"), 0);
	CHECK_EQ(setgid(USER), 0);
	CHECK_EQ(setuid(USER), 0);
	CHECK_ERR(write_text(ADJ, "100"), EACCES);
	snprintf(path, sizeof path, "/proc/%d/oom_score_adj", other);
	CHECK_ERR(write_text(path, "900"), EACCES);
	CHECK_STR(read_file(path), "0\n");
	kill(other, SIGKILL);
}

static void adjustment_and_exec(void *unused)
{
	(void)unused;
	CHECK_EQ(write_text(ADJ, "200"), 0);
	CHECK_EQ(setgid(USER), 0);
	CHECK_EQ(setuid(USER), 0);
	/* The new program's files in /proc are the user's own. */
	execl("/bin/sh", "sh", "-c", "echo 700 > " ADJ " && echo 200 > " ADJ " && ! (echo 199 > " ADJ ") && read x < " ADJ " && exit $x", NULL);
}

static void adjustment_back(void)
{
	CHECK_EQ(check_child(adjustment_and_exec, NULL), 200);
}

/* ---- Settings ---- */

static void settings(void)
{
	long used, spare, most;

	CHECK_STR(read_file("/proc/sys/fs/nr_open"), "1048576\n");
	CHECK_STR(read_file("/proc/sys/fs/pipe-max-size"), "1048576\n");
	CHECK_STR(read_file("/proc/sys/kernel/randomize_va_space"), "2\n");
	CHECK(atol(read_file("/proc/sys/kernel/threads-max")) > 100);
	CHECK_EQ(sscanf(read_file("/proc/sys/fs/file-nr"), "%ld\t%ld\t%ld\n", &used, &spare, &most), 3);
	CHECK(used >= 0 && used < most);
	CHECK_EQ(spare, 0);
	CHECK_EQ(atol(read_file("/proc/sys/fs/file-max")), most);
}

#define CPUS "/sys/devices/system/cpu"

/* As lscpu reads it: each CPU is one of those that share its core and its package. */
static void check_topology(int number)
{
	static const char *const names[] = { "thread_siblings", "core_siblings" }, *const figures[] = { "core_id", "physical_package_id" };
	char path[96];

	for (unsigned i = 0; i < 2; i++) {
		snprintf(path, sizeof path, CPUS "/cpu%d/topology/%s", number, names[i]);
		CHECK(strtoul(read_file(path), NULL, 16) >> number & 1);
		snprintf(path, sizeof path, CPUS "/cpu%d/topology/%s", number, figures[i]);
		CHECK(read_file(path)[0] >= '0' && read_file(path)[0] <= '9');
	}
}

/* As htop and C libraries count them. */
static void cpus_are_counted(void)
{
	DIR *folder = opendir(CPUS);
	struct dirent *entry;
	struct statfs status;
	char online[32];
	int found = 0, last = sysconf(_SC_NPROCESSORS_ONLN) - 1, number;

	while (CHECK(folder != NULL) && (entry = readdir(folder)))
		if (sscanf(entry->d_name, "cpu%d", &number) == 1) {
			CHECK_EQ(entry->d_type, DT_DIR);
			CHECK(number >= 0 && number <= last);
			check_topology(number);
			found++;
		}
	CHECK_EQ(found, last + 1);
	snprintf(online, sizeof online, last ? "0-%d\n" : "0\n", last);
	CHECK_STR(read_file(CPUS "/online"), online);
	CHECK_STR(read_file(CPUS "/present"), online);
	CHECK_EQ(read_file(CPUS "/possible")[0], '0');
	CHECK_EQ(access(CPUS "/cpu0/.", F_OK), 0);
	CHECK_ERR(access(CPUS "/cpu63", F_OK), ENOENT);
	CHECK_ERR(access(CPUS "/cpu", F_OK), ENOENT);
	CHECK_ERR(access(CPUS "/cpu00", F_OK), ENOENT);
	CHECK_ERR(access(CPUS "/0", F_OK), ENOENT);
	CHECK_ERR(access("/proc/cpu0", F_OK), ENOENT);
	CHECK_EQ(statfs("/sys/fs/cgroup", &status), 0);
	CHECK_EQ(status.f_type, SYSFS_MAGIC);
	CHECK_EQ(statfs("/sys", &status), 0);
	CHECK_EQ(status.f_type, SYSFS_MAGIC);
	CHECK_EQ(statfs("/proc", &status), 0);
	CHECK_EQ(status.f_type, PROC_SUPER_MAGIC);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(lines_of_status), CASE(kinds_of_memory), CASE(capabilities_in_status), CASE(locks_are_shown), CASE(fdinfo_says_where),
		CASE(folders_of_threads), CASE(scheduling), CASE(adjustment), CASE(adjustment_of_users), CASE(adjustment_back), CASE(settings),
		CASE(cpus_are_counted), { NULL, NULL },
	};

	return check_main("proc_files", cases, argc, argv);
}
