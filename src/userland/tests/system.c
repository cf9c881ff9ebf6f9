/* SPDX-License-Identifier: MIT */
/* The system around a process: uname, sysinfo, random numbers, limits, prctl, /proc, mounts, unknown calls. */
#include "check.h"

#include <fcntl.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

static char text[16384];

static const char *read_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = 0, have = 0;

	CHECK(fd >= 0);
	while (have < (ssize_t)sizeof text - 1 && (got = read(fd, text + have, sizeof text - 1 - have)) > 0)
		have += got;
	CHECK(got >= 0);
	close(fd);
	text[have] = '\0';
	return text;
}

static void names(void)
{
	struct utsname name;
	char host[65];

	CHECK_EQ(uname(&name), 0);
	CHECK_STR(name.sysname, "Linux");
	CHECK(name.release[0] && name.version[0]);
	CHECK_STR(name.machine, "x86_64");
	CHECK_EQ(sethostname("a-name", 6), 0);
	CHECK_EQ(gethostname(host, sizeof host), 0);
	CHECK_STR(host, "a-name");
	CHECK_EQ(uname(&name), 0);
	CHECK_STR(name.nodename, "a-name");
	CHECK_ERR(sethostname(host, 65), EINVAL);
	CHECK_EQ(setresuid(1000, 1000, 1000), 0);
	CHECK_ERR(sethostname("x", 1), EPERM);
	CHECK_ERR(syscall(SYS_uname, 8), EFAULT);
}

static void information(void)
{
	struct sysinfo info;

	CHECK_EQ(sysinfo(&info), 0);
	CHECK(info.uptime < 36000);
	CHECK(info.totalram > 0 && info.freeram > 0 && info.freeram < info.totalram);
	CHECK(info.procs > 0);
	CHECK(info.mem_unit > 0);
	CHECK_EQ(sysconf(_SC_PAGESIZE), 4096);
	CHECK(sysconf(_SC_NPROCESSORS_ONLN) >= 1);
	CHECK_ERR(syscall(SYS_sysinfo, 8), EFAULT);
}

static void random_numbers(void)
{
	unsigned char a[64], b[64];
	int counts[256] = { 0 }, least = 1 << 30;

	CHECK_EQ(getrandom(a, sizeof a, 0), sizeof a);
	CHECK_EQ(getrandom(b, sizeof b, GRND_NONBLOCK), sizeof b);
	CHECK(memcmp(a, b, sizeof a));
	CHECK_EQ(getrandom(a, 0, 0), 0);
	CHECK_EQ(getrandom(a, 8, GRND_RANDOM), 8);
	CHECK_ERR(getrandom(a, 8, 0xff0), EINVAL);
	CHECK_ERR(syscall(SYS_getrandom, 8, 8, 0), EFAULT);
	CHECK_EQ(getrandom(text, sizeof text, 0), sizeof text);
	for (unsigned i = 0; i < sizeof text; i++)
		counts[(unsigned char)text[i]]++;
	for (int i = 0; i < 256; i++)
		least = counts[i] < least ? counts[i] : least;
	CHECK(least > 20);
}

static void limits(void)
{
	struct rlimit limit, lower;

	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
	CHECK(limit.rlim_cur >= 256 && limit.rlim_cur <= limit.rlim_max);
	lower = limit;
	lower.rlim_cur = 100;
	CHECK_EQ(syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &lower, &limit), 0);
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
	CHECK_EQ(limit.rlim_cur, 100);
	lower.rlim_cur = lower.rlim_max + 1;
	CHECK_ERR(setrlimit(RLIMIT_NOFILE, &lower), EINVAL);
	CHECK_ERR(getrlimit(99, &limit), EINVAL);
	CHECK_ERR(syscall(SYS_prlimit64, 0x7fffffff, RLIMIT_NOFILE, NULL, &limit), ESRCH);
	lower.rlim_cur = lower.rlim_max = 50;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &lower), 0);
	CHECK_EQ(setresuid(1000, 1000, 1000), 0);
	lower.rlim_max = 60;
	CHECK_ERR(setrlimit(RLIMIT_NOFILE, &lower), EPERM);
	CHECK_ERR(syscall(SYS_prlimit64, 1, RLIMIT_NOFILE, NULL, &limit), EPERM);
}

static void process_controls(void)
{
	char name[17] = "";
	int number = -1;

	CHECK_EQ(prctl(PR_SET_NAME, "a name that is too long"), 0);
	CHECK_EQ(prctl(PR_GET_NAME, name), 0);
	CHECK_STR(name, "a name that is ");
	CHECK(strstr(read_file("/proc/self/stat"), "(a name that is )") != NULL);
	CHECK_STR(read_file("/proc/self/comm"), "a name that is \n");
	CHECK_EQ(prctl(PR_SET_PDEATHSIG, SIGTERM), 0);
	CHECK_EQ(prctl(PR_GET_PDEATHSIG, &number), 0);
	CHECK_EQ(number, SIGTERM);
	CHECK_ERR(prctl(PR_SET_PDEATHSIG, 99), EINVAL);
	CHECK_EQ(prctl(PR_GET_DUMPABLE), 1);
	CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	CHECK_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
	CHECK_ERR(prctl(0x7ffffff, 0, 0, 0, 0), EINVAL);
}

static void has_huge_pages_off(void *want)
{
	CHECK_EQ(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), *(int *)want);
}

/* Who wants none is remembered, and children have it from their parents. */
static void huge_pages(void)
{
	int off = 0;

	has_huge_pages_off(&off);
	CHECK_ERR(prctl(PR_GET_THP_DISABLE, 1, 0, 0, 0), EINVAL);
	CHECK_ERR(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 1), EINVAL);
	CHECK_ERR(prctl(PR_SET_THP_DISABLE, 1, 1, 0, 0), EINVAL);
	CHECK_ERR(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 1), EINVAL);
	has_huge_pages_off(&off);
	CHECK_EQ(prctl(PR_SET_THP_DISABLE, 100, 0, 0, 0), 0);
	off = 1;
	has_huge_pages_off(&off);
	CHECK_EQ(check_child(has_huge_pages_off, &off), 0);
	CHECK_EQ(prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0), 0);
	off = 0;
	has_huge_pages_off(&off);
	CHECK_EQ(check_child(has_huge_pages_off, &off), 0);
}

/* Modes with one value, and Linux's capabilities, which nobody here has changed. */
static void fixed_controls(void)
{
	int number = -1;

	CHECK_EQ(prctl(PR_GET_KEEPCAPS), 0);
	CHECK_EQ(prctl(PR_SET_KEEPCAPS, 0), 0);
	CHECK_ERR(prctl(PR_SET_KEEPCAPS, 2), EINVAL);
	CHECK_EQ(prctl(PR_GET_SECUREBITS), 0);
	CHECK_EQ(prctl(PR_CAPBSET_READ, 0), 1);
	CHECK_EQ(prctl(PR_CAPBSET_READ, 40), 1);
	CHECK_ERR(prctl(PR_CAPBSET_READ, 63), EINVAL);
	CHECK_EQ(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 1, 0, 0), 0);
	CHECK_ERR(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 63, 0, 0), EINVAL);
	CHECK_EQ(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, 1, 0, 0), 0);
	CHECK_ERR(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 1, 0, 0), EPERM);
	CHECK_EQ(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), 0);
	CHECK_ERR(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 1, 0, 0), EINVAL);
	CHECK_ERR(prctl(PR_CAP_AMBIENT, 9, 0, 0, 0), EINVAL);
	CHECK_EQ(prctl(PR_GET_SECCOMP, 0, 0, 0, 0), 0);
	CHECK_EQ(prctl(PR_GET_TIMING), PR_TIMING_STATISTICAL);
	CHECK_EQ(prctl(PR_GET_TSC, &number), 0);
	CHECK_EQ(number, PR_TSC_ENABLE);
	CHECK_EQ(prctl(PR_SET_TIMING, PR_TIMING_STATISTICAL, 0, 0, 0), 0);
	CHECK_ERR(prctl(PR_SET_TIMING, PR_TIMING_TIMESTAMP, 0, 0, 0), EINVAL);
	CHECK_EQ(prctl(PR_SET_TSC, PR_TSC_ENABLE, 0, 0, 0), 0);
	CHECK_ERR(prctl(PR_SET_TSC, 3, 0, 0, 0), EINVAL);
	/* They are root's. */
	CHECK_EQ(setresuid(1000, 1000, 1000), 0);
	CHECK_ERR(prctl(PR_CAPBSET_DROP, 1), EPERM);
	CHECK_ERR(prctl(PR_SET_SECUREBITS, 0), EPERM);
}

static long field(const char *content, const char *name)
{
	const char *at = strstr(content, name);

	return at ? strtol(at + strlen(name), NULL, 10) : -1;
}

static void process_files(void)
{
	char link[64], path[64];
	const char *status = read_file("/proc/self/status");
	DIR *folder;
	int numbers = 0;
	struct dirent *entry;

	CHECK_EQ(field(status, "\nPid:\t"), getpid());
	CHECK_EQ(field(status, "\nPPid:\t"), getppid());
	CHECK_EQ(field(status, "\nUid:\t"), 0);
	CHECK(field(status, "\nVmRSS:\t") > 0);
	CHECK_EQ(field(status, "\nThreads:\t"), 1);
	CHECK(!strncmp(status, "Name:\tsystem\n", 13));
	snprintf(path, sizeof path, "%d", getpid());
	memset(link, 0, sizeof link);
	CHECK_EQ(readlink("/proc/self", link, sizeof link), strlen(path));
	CHECK_STR(link, path);
	CHECK(readlink("/proc/self/cwd", link, sizeof link) > 0);
	memset(link, 0, sizeof link);
	CHECK_EQ(readlink("/proc/self/root", link, sizeof link), 1);
	CHECK_STR(link, "/");
	folder = opendir("/proc/self/fd");
	while (folder && (entry = readdir(folder)))
		numbers += entry->d_name[0] != '.';
	CHECK(numbers >= 4);
	CHECK_ERR(open("/proc/999999/stat", O_RDONLY), ENOENT);
	CHECK_ERR(open("/proc/self/newfile", O_RDWR | O_CREAT, 0600), ENOENT);
}

static void system_files(void)
{
	const char *content = read_file("/proc/meminfo");
	long total = field(content, "MemTotal:"), free_memory = field(content, "MemFree:");

	CHECK(total > 16384 && free_memory > 0 && free_memory < total);
	CHECK(field(content, "MemAvailable:") > 0);
	content = read_file("/proc/cpuinfo");
	CHECK(strstr(content, "processor\t: 0\n") != NULL);
	CHECK(strstr(content, "model name") != NULL);
	content = read_file("/proc/uptime");
	CHECK(strtod(content, NULL) > 0);
	content = read_file("/proc/stat");
	CHECK(!strncmp(content, "cpu  ", 5) && strstr(content, "\ncpu0 ") && strstr(content, "\nbtime "));
	content = read_file("/proc/mounts");
	CHECK(strstr(content, " /proc proc ") && strstr(content, " /tmp tmpfs ") && strstr(content, " /dev/pts devpts "));
	CHECK(strlen(read_file("/proc/cmdline")) > 0);
	CHECK(strlen(read_file("/proc/version")) > 0);
	CHECK(read_file("/proc/loadavg")[0] >= '0');
	CHECK(strstr(read_file("/proc/filesystems"), "tmpfs") != NULL);
}

static void mounts(void)
{
	CHECK_EQ(mkdir("m", 0755), 0);
	check_write_file("m/below", "", 0644);
	CHECK_EQ(mount("none", "m", "tmpfs", 0, NULL), 0);
	CHECK_ERR(access("m/below", F_OK), ENOENT);
	check_write_file("m/above", "", 0644);
	CHECK_ERR(rename("m/above", "above"), EXDEV);
	CHECK_ERR(link("m/above", "above"), EXDEV);
	CHECK_ERR(rmdir("m"), EBUSY);
	{
		int fd = open("m/above", O_RDONLY);

		CHECK_ERR(umount("m"), EBUSY);
		close(fd);
	}
	CHECK_EQ(mount(NULL, "m", NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	CHECK_ERR(open("m/new", O_RDWR | O_CREAT, 0600), EROFS);
	CHECK_ERR(unlink("m/above"), EROFS);
	CHECK_EQ(umount("m"), 0);
	CHECK_EQ(access("m/below", F_OK), 0);
	CHECK_ERR(umount("m"), EINVAL);
	CHECK_ERR(mount("none", "m", "nosuchfs", 0, NULL), ENODEV);
	CHECK_ERR(mount("none", "missing", "tmpfs", 0, NULL), ENOENT);
	CHECK_EQ(setresuid(1000, 1000, 1000), 0);
	CHECK_ERR(mount("none", "m", "tmpfs", 0, NULL), EPERM);
	CHECK_ERR(umount("/tmp"), EPERM);
}

static void change_root(void)
{
	char folder[64];

	CHECK_EQ(mkdir("new", 0755), 0);
	check_write_file("new/inside", "", 0644);
	check_write_file("outside", "", 0644);
	CHECK_EQ(chroot("new"), 0);
	CHECK_EQ(chdir("/"), 0);
	CHECK_EQ(access("/inside", F_OK), 0);
	CHECK_ERR(access("/../outside", F_OK), ENOENT);
	CHECK(getcwd(folder, sizeof folder) != NULL);
	CHECK_STR(folder, "/");
	CHECK_EQ(setresuid(1000, 1000, 1000), 0);
	CHECK_ERR(chroot("/"), EPERM);
}

static void unknown_calls(void)
{
	static const long numbers[] = { SYS_uselib, 400, 600, 999, 5000, 0x7fffffff, -1 };

	for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++)
		CHECK_ERR(syscall(numbers[i], 1, 2, 3, 4, 5, 6), ENOSYS);
	/* Only the low 32 bits count. */
	CHECK_EQ(syscall(1L << 40 | SYS_getpid), getpid());
}

static void refused_reboot(void)
{
	CHECK_ERR(syscall(SYS_reboot, 1, 2, RB_AUTOBOOT, NULL), EINVAL);
	CHECK_EQ(setresuid(1000, 1000, 1000), 0);
	CHECK_ERR(reboot(RB_AUTOBOOT), EPERM);
}

/* The call keeps every register but rax, rcx and r11, and the direction flag and stack pointer. */
static void registers(void)
{
	unsigned long wrong = 0;

	__asm__ volatile(
		"mov $0x1111, %%rdi; mov $0x2222, %%rsi; mov $0x3333, %%rdx; mov $0x4444, %%r10\n"
		"mov $0x5555, %%r8; mov $0x6666, %%r9; mov $0x7777, %%r12; mov $0x8888, %%r13\n"
		"mov %[number], %%eax\n"
		"syscall\n"
		"xor $0x1111, %%rdi; or %%rdi, %[wrong]; xor $0x2222, %%rsi; or %%rsi, %[wrong]\n"
		"xor $0x3333, %%rdx; or %%rdx, %[wrong]; xor $0x4444, %%r10; or %%r10, %[wrong]\n"
		"xor $0x5555, %%r8; or %%r8, %[wrong]; xor $0x6666, %%r9; or %%r9, %[wrong]\n"
		"xor $0x7777, %%r12; or %%r12, %[wrong]; xor $0x8888, %%r13; or %%r13, %[wrong]\n"
		: [wrong] "+b"(wrong) : [number] "i"(SYS_getppid)
		: "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "cc", "memory");
	CHECK_EQ(wrong, 0);
}

static void read_log_as_user(void *unused)
{
	char text[256];

	(void)unused;
	CHECK_EQ(setresgid(1000, 1000, 1000), 0);
	CHECK_EQ(setresuid(1000, 1000, 1000), 0);
	CHECK_ERR(syscall(SYS_syslog, 3, text, sizeof text), EPERM);
	CHECK_ERR(syscall(SYS_syslog, 10, NULL, 0), EPERM);
	CHECK_ERR(open("/dev/kmsg", O_RDONLY | O_NONBLOCK), EPERM);
}

/* The kernel's log is root's: it tells addresses, and what others do. */
static void kernel_log(void)
{
	char text[256];
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);

	CHECK(syscall(SYS_syslog, 3, text, sizeof text) > 0);
	CHECK(syscall(SYS_syslog, 10, NULL, 0) > 0);
	CHECK(read(fd, text, sizeof text) > 0 || errno == EINVAL);	/* a record may be longer */
	close(fd);
	CHECK_EQ(check_child(read_log_as_user, NULL), 0);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(names), CASE(information), CASE(random_numbers), CASE(limits), CASE(process_controls), CASE(huge_pages), CASE(fixed_controls),
		CASE(process_files), CASE(system_files), CASE(mounts), CASE(change_root), CASE(unknown_calls),
		CASE(refused_reboot), CASE(registers), CASE(kernel_log), { NULL, NULL },
	};

	return check_main("system", cases, argc, argv);
}
