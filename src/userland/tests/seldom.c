/* SPDX-License-Identifier: MIT */
/* Calls that libraries have replaced by newer ones, or that programs seldom make, by their numbers: no other program here makes them. */
#include "check.h"
#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pty.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

static volatile sig_atomic_t caught;
static siginfo_t last;

static void keep(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)context;
	last = *info;
	caught++;
}

static void catch(int signal, int flags)
{
	struct sigaction action = { .sa_sigaction = keep, .sa_flags = SA_SIGINFO | flags };

	CHECK_EQ(sigaction(signal, &action, NULL), 0);
}

struct old_entry { unsigned long inode, next; unsigned short size; char name[]; };

/* The type of an entry is its last byte. */
static void directory_entries(void)
{
	char room[1024];
	int fd = open(".", O_RDONLY | O_DIRECTORY), seen = 0;
	struct stat status;

	check_write_file("name", "", 0644);
	CHECK_EQ(stat("name", &status), 0);
	CHECK_EQ(symlink("name", "link"), 0);
	CHECK_ERR(syscall(SYS_getdents, fd, room, 8), EINVAL);
	for (long size; (size = syscall(SYS_getdents, fd, room, sizeof room)) > 0;)
		for (long at = 0; at < size; at += ((struct old_entry *)(room + at))->size) {
			struct old_entry *entry = (void *)(room + at);
			char type = room[at + entry->size - 1];

			seen++;
			if (!strcmp(entry->name, "name")) {
				CHECK_EQ(type, DT_REG);
				CHECK_EQ(entry->inode, status.st_ino);
			} else if (!strcmp(entry->name, "link")) {
				CHECK_EQ(type, DT_LNK);
			} else {
				CHECK_EQ(type, DT_DIR);
			}
		}
	CHECK_EQ(seen, 4);
	CHECK_ERR(syscall(SYS_getdents, open("name", O_RDONLY), room, sizeof room), ENOTDIR);
}

static void creation(void)
{
	struct stat status;
	char byte;
	int fd;

	umask(022);
	fd = syscall(SYS_creat, "made", 0666);
	CHECK_EQ(write(fd, "abc", 3), 3);
	CHECK_ERR(read(fd, &byte, 1), EBADF);
	CHECK_EQ(fstat(fd, &status), 0);
	CHECK_EQ(status.st_mode & 07777, 0644);
	CHECK_EQ(status.st_size, 3);
	CHECK(syscall(SYS_creat, "made", 0600) > fd);
	CHECK_EQ(fstat(fd, &status), 0);
	CHECK_EQ(status.st_mode & 07777, 0644);
	CHECK_EQ(status.st_size, 0);
	CHECK_ERR(syscall(SYS_creat, ".", 0600), EISDIR);
}

static void times_of_files(void)
{
	struct utimbuf seconds = { 1000, 2000 };
	struct timeval fine[2] = { { 3000, 250000 }, { 4000, 750000 } }, bad[2] = { { 0, 1000000 }, { 0, 0 } };
	struct stat status;

	check_write_file("f", "", 0644);
	CHECK_EQ(syscall(SYS_utime, "f", &seconds), 0);
	CHECK_EQ(stat("f", &status), 0);
	CHECK_EQ(status.st_atim.tv_sec, 1000);
	CHECK_EQ(status.st_mtim.tv_sec, 2000);
	CHECK_EQ(status.st_mtim.tv_nsec, 0);
	CHECK_EQ(syscall(SYS_utimes, "f", fine), 0);
	CHECK_EQ(stat("f", &status), 0);
	CHECK_EQ(status.st_atim.tv_sec, 3000);
	CHECK_EQ(status.st_atim.tv_nsec, 250000000);
	CHECK_EQ(status.st_mtim.tv_nsec, 750000000);
	fine[1].tv_sec = 5000;
	CHECK_EQ(syscall(SYS_futimesat, AT_FDCWD, "f", fine), 0);
	CHECK_EQ(syscall(SYS_futimesat, open("f", O_RDONLY), NULL, fine), 0);
	CHECK_EQ(stat("f", &status), 0);
	CHECK_EQ(status.st_mtim.tv_sec, 5000);
	CHECK_ERR(syscall(SYS_utimes, "f", bad), EINVAL);
	CHECK_ERR(syscall(SYS_futimesat, AT_FDCWD, "f", bad), EINVAL);
	CHECK_ERR(syscall(SYS_utime, "missing", NULL), ENOENT);
	CHECK_EQ(syscall(SYS_utime, "f", NULL), 0);
	CHECK_EQ(stat("f", &status), 0);
	CHECK(status.st_mtim.tv_sec > 1000000);
}

static void extended_attributes_and_owners(void)
{
	struct stat status;
	int fd, folder = open(".", O_RDONLY | O_DIRECTORY);

	check_write_file("f", "", 0644);
	CHECK_EQ(symlink("f", "link"), 0);
	fd = open("f", O_RDWR);
	CHECK_ERR(lsetxattr("f", "user.x", "v", 1, 0), EOPNOTSUPP);
	CHECK_ERR(lremovexattr("f", "user.x"), EOPNOTSUPP);
	CHECK_ERR(fremovexattr(fd, "user.x"), EOPNOTSUPP);
	CHECK_ERR(lsetxattr("missing", "user.x", "v", 1, 0), ENOENT);
	CHECK_ERR(fremovexattr(-1, "user.x"), EBADF);
	CHECK_EQ(fchownat(folder, "link", 11, 22, AT_SYMLINK_NOFOLLOW), 0);
	CHECK_EQ(lstat("link", &status), 0);
	CHECK_EQ(status.st_uid * 100 + status.st_gid, 1122);
	CHECK_EQ(stat("f", &status), 0);
	CHECK_EQ(status.st_uid, 0);
	CHECK_EQ(fchownat(folder, "link", 33, -1, 0), 0);
	CHECK_EQ(fchownat(fd, "", -1, 44, AT_EMPTY_PATH), 0);
	CHECK_EQ(stat("f", &status), 0);
	CHECK_EQ(status.st_uid * 100 + status.st_gid, 3344);
	CHECK_ERR(fchownat(folder, "f", 0, 0, 0x8000), EINVAL);
	CHECK_ERR(fchownat(fd, "x", 0, 0, 0), ENOTDIR);
}

static void epoll_events(void)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = 77 }, found;
	int ends[2], epoll = syscall(SYS_epoll_create, 1);

	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event), 0);
	CHECK_EQ(syscall(SYS_epoll_wait, epoll, &found, 1, 0), 0);
	CHECK_EQ(write(ends[1], "x", 1), 1);
	CHECK_EQ(syscall(SYS_epoll_wait, epoll, &found, 1, -1), 1);
	CHECK_EQ(found.data.u64, 77);
	CHECK_ERR(syscall(SYS_epoll_wait, epoll, &found, 0, 0), EINVAL);
	CHECK_ERR(syscall(SYS_epoll_create, 0), EINVAL);
}

static void locked_memory(void)
{
	long page = sysconf(_SC_PAGESIZE);
	char *memory = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK_EQ(syscall(SYS_mlock2, memory, 4 * page, 0), 0);
	CHECK_EQ(munlock(memory + page, page), 0);
	CHECK_EQ(munlock(memory, 4 * page), 0);
	CHECK_EQ(syscall(SYS_mlock2, memory, page, 1), 0);
	CHECK_ERR(syscall(SYS_mlock2, memory, page, 2), EINVAL);
	CHECK_EQ(munmap(memory + page, page), 0);
	CHECK_ERR(munlock(memory, 4 * page), ENOMEM);
	CHECK_ERR(syscall(SYS_mlock2, memory, 2 * page, 0), ENOMEM);
	CHECK_EQ(mlockall(MCL_CURRENT), 0);
	CHECK_EQ(munlockall(), 0);
	CHECK_EQ(munlockall(), 0);
}

static void user_without_rights(void *argument)
{
	struct timeval now;

	(void)argument;
	CHECK_EQ(setgid(1000), 0);
	CHECK_EQ(setuid(1000), 0);
	CHECK_EQ(syscall(SYS_gettimeofday, &now, NULL), 0);
	CHECK_ERR(syscall(SYS_settimeofday, &now, NULL), EPERM);
	CHECK_ERR(syscall(SYS_setdomainname, "x", 1), EPERM);
	CHECK_ERR(syscall(SYS_vhangup), EPERM);
	CHECK_EQ(getgid(), 1000);
	CHECK_ERR(setregid(0, -1), EPERM);
	CHECK_EQ(syscall(SYS_setfsgid, 0), 1000);
	CHECK_EQ(syscall(SYS_setfsgid, -1), 1000);
}

static void identities(void)
{
	CHECK_EQ(getgid(), 0);
	CHECK_EQ(syscall(SYS_getpgrp), getpgid(0));
	CHECK_EQ(check_child(user_without_rights, NULL), 0);
	CHECK_EQ(syscall(SYS_setfsgid, 5), 0);
	CHECK_EQ(syscall(SYS_setfsgid, -1), 5);
	CHECK_EQ(setregid(7, 8), 0);
	CHECK_EQ(getgid() * 10 + getegid(), 78);
	CHECK_EQ(syscall(SYS_setfsgid, -1), 8);
	CHECK_EQ(setregid(-1, 7), 0);
	CHECK_EQ(getegid(), 7);
}

static void times_of_day(void)
{
	struct timeval before, after, bad = { 0, 1000000 };
	struct timespec precise;

	CHECK_EQ(syscall(SYS_gettimeofday, &before, NULL), 0);
	CHECK_EQ(clock_gettime(CLOCK_REALTIME, &precise), 0);
	CHECK(precise.tv_sec >= before.tv_sec && precise.tv_sec <= before.tv_sec + 60);
	CHECK_EQ(syscall(SYS_settimeofday, &(struct timeval){ before.tv_sec + 5000, 0 }, NULL), 0);
	CHECK_EQ(syscall(SYS_gettimeofday, &after, NULL), 0);
	CHECK(after.tv_sec >= before.tv_sec + 5000 && after.tv_sec < before.tv_sec + 5060);
	CHECK_EQ(syscall(SYS_settimeofday, &(struct timeval){ after.tv_sec - 5000, after.tv_usec }, NULL), 0);
	CHECK_ERR(syscall(SYS_settimeofday, &bad, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_gettimeofday, 8, NULL), EFAULT);
}

static void limits_and_names(void)
{
	struct rlimit limit = { 100, 200 }, found;
	struct utsname name, changed;

	CHECK_EQ(syscall(SYS_setrlimit, RLIMIT_NOFILE, &limit), 0);
	CHECK_EQ(syscall(SYS_getrlimit, RLIMIT_NOFILE, &found), 0);
	CHECK_EQ(found.rlim_cur * 1000 + found.rlim_max, 100200);
	CHECK_ERR(syscall(SYS_setrlimit, RLIMIT_NOFILE, &(struct rlimit){ 201, 200 }), EINVAL);
	CHECK_ERR(syscall(SYS_getrlimit, 99, &found), EINVAL);
	CHECK_EQ(uname(&name), 0);
	CHECK_EQ(syscall(SYS_setdomainname, "somewhere", 9), 0);
	CHECK_EQ(uname(&changed), 0);
	CHECK_STR(changed.domainname, "somewhere");
	CHECK_EQ(syscall(SYS_setdomainname, name.domainname, strlen(name.domainname)), 0);
	CHECK_ERR(syscall(SYS_setdomainname, "x", 65), EINVAL);
	CHECK_ERR(syscall(SYS_setdomainname, 8, 3), EFAULT);
}

static void sleep_for_long(void *argument)
{
	(void)argument;
	struct timespec span = { 0, 600000000 };
	long began = check_now();

	CHECK_EQ(syscall(SYS_nanosleep, &span, NULL), 0);
	CHECK(check_now() - began >= 600);
}

/* Stopped and continued, a sleeper goes on by the call restart_syscall; a program that makes it by itself is told that it was interrupted. */
static void sleeps(void)
{
	struct timespec span = { 30, 0 }, left = { 0, 0 };
	pid_t child = check_spawn(sleep_for_long, NULL);

	check_sleep(100);
	CHECK_EQ(kill(child, SIGSTOP), 0);
	CHECK(check_state(child, 'T', 5000));
	CHECK_EQ(kill(child, SIGCONT), 0);
	CHECK_EQ(check_wait(child), 0);
	CHECK_ERR(syscall(SYS_restart_syscall), EINTR);
	catch(SIGALRM, 0);
	CHECK_EQ(syscall(SYS_alarm, 100), 0);
	CHECK_EQ(syscall(SYS_alarm, 1), 100);
	CHECK_ERR(syscall(SYS_nanosleep, &span, &left), EINTR);
	CHECK(left.tv_sec >= 10 && left.tv_sec < 30);
	CHECK_EQ(caught, 1);
	CHECK_EQ(syscall(SYS_alarm, 0), 0);
	CHECK_ERR(syscall(SYS_nanosleep, &(struct timespec){ 0, 1000000000 }, NULL), EINVAL);
}

static void signals_with_values(void)
{
	siginfo_t info = { .si_code = SI_QUEUE, .si_value.sival_int = 4711 };

	catch(SIGUSR1, 0);
	CHECK_EQ(syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), SIGUSR1, &info), 0);
	CHECK_EQ(caught, 1);
	CHECK_EQ(last.si_value.sival_int, 4711);
	CHECK_EQ(last.si_code, SI_QUEUE);
	CHECK_ERR(syscall(SYS_rt_tgsigqueueinfo, getpid(), 1, SIGUSR1, &info), ESRCH);
	info.si_code = SI_USER;
	CHECK_ERR(syscall(SYS_rt_tgsigqueueinfo, getppid(), getppid(), SIGUSR1, &info), EPERM);
	CHECK_ERR(syscall(SYS_rt_tgsigqueueinfo, 0, 1, SIGUSR1, &info), EINVAL);
}

/* The terminal's session is told, and what is open of it is at its end. */
static void hang_up(void)
{
	int master, slave;
	char byte;

	CHECK_EQ(openpty(&master, &slave, NULL, NULL, NULL), 0);
	pid_t child = fork();

	if (child == 0) {
		catch(SIGHUP, 0);
		CHECK(setsid() > 0);
		CHECK_EQ(syscall(SYS_vhangup), 0);
		CHECK_EQ(ioctl(slave, TIOCSCTTY, 0), 0);
		CHECK_EQ(syscall(SYS_vhangup), 0);
		CHECK(check_await(&caught, 5000));
		CHECK_EQ(read(slave, &byte, 1), 0);
		CHECK_ERR(write(slave, "x", 1), EIO);
		CHECK_ERR(open("/dev/tty", O_RDWR), ENXIO);
		_exit(0);
	}
	CHECK_EQ(check_wait(child), 0);
}

/* class << 13 | level */
static void io_priorities(void)
{
	enum { BEST_EFFORT = 2 << 13, IDLE = 3 << 13, REAL_TIME = 1 << 13, PROCESS = 1, GROUP = 2, USER = 3 };
	static const int hinted[] = { BEST_EFFORT | 9, REAL_TIME | 3 | 0x1ff8, 1 << 16 | BEST_EFFORT | 1, 1 << 31 | IDLE, 8 };

	setpgid(0, 0);
	CHECK_EQ(syscall(SYS_ioprio_get, PROCESS, 0), 0);
	CHECK_EQ(syscall(SYS_ioprio_get, GROUP, 0), BEST_EFFORT | 4);
	CHECK_EQ(syscall(SYS_ioprio_set, PROCESS, getpid(), BEST_EFFORT | 6), 0);
	CHECK_EQ(syscall(SYS_ioprio_get, PROCESS, 0), BEST_EFFORT | 6);
	if (fork() == 0)
		_exit(syscall(SYS_ioprio_get, PROCESS, 0) != (BEST_EFFORT | 6));
	CHECK_EQ(check_wait(-1), 0);
	CHECK_EQ(syscall(SYS_ioprio_set, GROUP, 0, IDLE), 0);
	CHECK_EQ(syscall(SYS_ioprio_get, GROUP, 0), IDLE);
	CHECK_EQ(syscall(SYS_ioprio_set, PROCESS, 0, REAL_TIME | 2), 0);
	CHECK(syscall(SYS_ioprio_get, USER, 0) > 0);
	CHECK_ERR(syscall(SYS_ioprio_get, 9, 0), EINVAL);
	CHECK_ERR(syscall(SYS_ioprio_get, 1u << 31, 0), EINVAL);
	CHECK_ERR(syscall(SYS_ioprio_set, 9, 0, IDLE), EINVAL);
	CHECK_ERR(syscall(SYS_ioprio_get, PROCESS, 0x7fffffff), ESRCH);
	CHECK_ERR(syscall(SYS_ioprio_set, PROCESS, 0, 7 << 13), EINVAL);
	CHECK_ERR(syscall(SYS_ioprio_set, PROCESS, 0, 5), EINVAL);
	/* Hints between class and level are kept, whatever is above the class is not. */
	for (unsigned i = 0; i < sizeof hinted / sizeof *hinted; i++) {
		CHECK_EQ(syscall(SYS_ioprio_set, PROCESS, 0, hinted[i]), 0);
		CHECK_EQ(syscall(SYS_ioprio_get, PROCESS, 0), hinted[i] & 0xffff);
	}
	CHECK_EQ(syscall(SYS_ioprio_get, GROUP, 0), BEST_EFFORT | 4);
	CHECK_EQ(setresuid(1000, 1000, 1000), 0);
	CHECK_ERR(syscall(SYS_ioprio_set, PROCESS, 0, REAL_TIME), EPERM);
	CHECK_ERR(syscall(SYS_ioprio_set, PROCESS, getppid(), IDLE), EPERM);
}

struct handle { unsigned bytes; int type; char number[128]; };

static void file_numbers(void)
{
	struct handle handle = { .bytes = 0 }, other = { .bytes = sizeof other.number };
	unsigned long status[32];	/* struct statx */
	int mount = -1, mount2 = -1;

	check_write_file("f", "text", 0644);
	check_write_file("g", "", 0644);
	symlink("f", "link");
	CHECK_ERR(syscall(SYS_name_to_handle_at, AT_FDCWD, "f", &handle, &mount, 0), EOVERFLOW);
	CHECK(handle.bytes > 0 && handle.bytes <= sizeof handle.number);
	CHECK_EQ(syscall(SYS_name_to_handle_at, AT_FDCWD, "f", &handle, &mount, 0), 0);
	CHECK_EQ(syscall(SYS_statx, AT_FDCWD, "f", 0, 0x1000, status), 0);
	CHECK(status[0] & 0x1000);		/* stx_mask */
	CHECK_EQ(status[18], mount);	/* stx_mnt_id */
	CHECK_EQ(syscall(SYS_name_to_handle_at, open("f", O_RDONLY), "", &other, &mount2, AT_EMPTY_PATH), 0);
	CHECK(mount == mount2 && other.bytes == handle.bytes && other.type == handle.type && !memcmp(other.number, handle.number, handle.bytes));
	CHECK_EQ(syscall(SYS_name_to_handle_at, AT_FDCWD, "link", &other, &mount2, AT_SYMLINK_FOLLOW), 0);
	CHECK(!memcmp(other.number, handle.number, handle.bytes));
	CHECK_EQ(syscall(SYS_name_to_handle_at, AT_FDCWD, "link", &other, &mount2, 0), 0);
	CHECK(memcmp(other.number, handle.number, handle.bytes) != 0);
	CHECK_ERR(syscall(SYS_name_to_handle_at, AT_FDCWD, "f", &other, &mount2, 1), EINVAL);
	other.bytes = 129;
	CHECK_ERR(syscall(SYS_name_to_handle_at, AT_FDCWD, "f", &other, &mount2, 0), EINVAL);
	CHECK_EQ(setresuid(1000, 1000, 1000), 0);
	CHECK_ERR(syscall(SYS_open_by_handle_at, AT_FDCWD, &handle, O_RDONLY), EPERM);
}

static void remapped_files(void)
{
	enum { PAGES = 4 };
	long page = sysconf(_SC_PAGESIZE);
	char *map = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), *own;

	for (int i = 0; i < PAGES; i++)
		map[i * page] = 'a' + i;
	for (int i = 0; i < PAGES; i++)
		CHECK_EQ(syscall(SYS_remap_file_pages, map + i * page, page, 0, PAGES - 1 - i, 0), 0);
	for (int i = 0; i < PAGES; i++)
		CHECK_EQ(map[i * page], 'a' + PAGES - 1 - i);
	map[0] = 'x';
	CHECK_EQ(syscall(SYS_remap_file_pages, map + page, page, 0, PAGES - 1, 0), 0);
	CHECK_EQ(map[page], 'x');
	CHECK_ERR(syscall(SYS_remap_file_pages, map, page, PROT_READ, 0, 0), EINVAL);
	CHECK_ERR(syscall(SYS_remap_file_pages, map, 0, 0, 0, 0), EINVAL);
	CHECK_ERR(syscall(SYS_remap_file_pages, map, page, 0, -1ul, 0), EINVAL);
	own = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK_ERR(syscall(SYS_remap_file_pages, own, page, 0, 0, 0), EINVAL);
	munmap(own, page);
	CHECK_ERR(syscall(SYS_remap_file_pages, own, page, 0, 0, 0), EINVAL);
}

/* What file systems are said to be behind what is in none, and the controls of every file. */
static void nameless(void)
{
	struct statfs status;
	int fds[2], value = -1, file = open("f", O_CREAT | O_RDWR, 0600);

	pipe(fds);
	CHECK_EQ(fstatfs(fds[0], &status), 0);
	CHECK_EQ(status.f_type, 0x50495045);
	CHECK_EQ(status.f_bsize, 4096);
	CHECK_EQ(status.f_namelen, 255);
	CHECK_EQ(fstatfs(epoll_create1(0), &status), 0);
	CHECK_EQ(status.f_type, 0x09041934);
	CHECK_EQ(fstatfs(socket(AF_UNIX, SOCK_STREAM, 0), &status), 0);
	CHECK_EQ(status.f_type, 0x534f434b);
	CHECK_EQ(fstatfs(socket(AF_INET, SOCK_STREAM, 0), &status), 0);
	CHECK_EQ(status.f_type, 0x534f434b);
	CHECK_EQ(ioctl(file, FIGETBSZ, &value), 0);
	CHECK_EQ(value, 4096);
	CHECK_EQ(ioctl(fds[0], FIGETBSZ, &value), 0);
	CHECK_EQ(value, 4096);
	CHECK_EQ(ioctl(file, FS_IOC_GETFLAGS, &value), 0);
	CHECK_EQ(value & FS_IMMUTABLE_FL, 0);
	CHECK_ERR(ioctl(fds[0], FS_IOC_GETFLAGS, &value), ENOTTY);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(directory_entries), CASE(creation), CASE(times_of_files), CASE(extended_attributes_and_owners), CASE(epoll_events),
		CASE(locked_memory), CASE(identities), CASE(times_of_day), CASE(limits_and_names), CASE(sleeps), CASE(signals_with_values),
		CASE(hang_up), CASE(io_priorities), CASE(file_numbers), CASE(remapped_files), CASE(nameless), { NULL, NULL },
	};

	return check_main("seldom", cases, argc, argv);
}
