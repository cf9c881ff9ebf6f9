/* SPDX-License-Identifier: MIT */
/*
 * Younger relatives of older calls: preadv2, pwritev2, sync_file_range, openat2; membarrier, personality; and what looks into other processes:
 * process_vm_readv, process_vm_writev, kcmp.
 */
/* calls: openat2 */
#include "check.h"

#include "built_with.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	HIPRI = 1, DSYNC_ = 2, SYNC_ = 4, NOWAIT = 8, APPEND = 16, UNKNOWN_FLAG = 0x80, PAGE = 4096, USER = 1000, PATIENCE_MS = 20000,
	SYS_OPENAT2 = 437,
	NO_XDEV = 1, NO_MAGICLINKS = 2, NO_SYMLINKS = 4, BENEATH = 8, IN_ROOT = 16, CACHED = 32,
	BARRIER_QUERY = 0, BARRIER_GLOBAL = 1, BARRIER_EXPEDITED = 2, BARRIER_REGISTER_GLOBAL = 4, BARRIER_PRIVATE = 8, BARRIER_REGISTER = 16,
	BARRIER_CORE = 32, BARRIER_REGISTER_CORE = 64, BARRIER_RSEQ = 128, BARRIER_REGISTER_RSEQ = 256, BARRIER_ALL = 511, FLAG_CPU = 1,
	COMPARE_FILE = 0, COMPARE_VM, COMPARE_FILES, COMPARE_FS, COMPARE_SIGHAND,
};

/* ---- preadv2, pwritev2, sync_file_range ---- */

static ssize_t put(int fd, const char *text, long pos, int flags)
{
	struct iovec parts[2] = { { (void *)text, 2 }, { (void *)(text + 2), strlen(text) - 2 } };

	return syscall(SYS_pwritev2, fd, parts, 2, pos, 0, flags);
}

static char text[64];

static ssize_t take(int fd, size_t len, long pos, int flags)
{
	struct iovec parts[3] = { { text, 2 }, { NULL, 0 }, { text + 2, len - 2 } };

	memset(text, 0, sizeof text);
	return syscall(SYS_preadv2, fd, parts, 3, pos, 0, flags);
}

static void vectors(void)
{
	int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600), ends[2];
	ssize_t got;

	CHECK_EQ(put(fd, "0123456789", 0, 0), 10);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 0);
	CHECK_EQ(take(fd, 4, 3, 0), 4);
	CHECK_STR(text, "3456");
	/* -1: where the file stands. */
	CHECK_EQ(take(fd, 4, -1, HIPRI), 4);
	CHECK_STR(text, "0123");
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 4);
	CHECK_EQ(put(fd, "ab", -1, DSYNC_), 2);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 6);
	CHECK_EQ(put(fd, "cd", 0, SYNC_), 2);
	/* At the end, wherever that is; the position moves along only if it was to be used. */
	CHECK_EQ(put(fd, "xyz", 1, APPEND), 3);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 6);
	CHECK_EQ(put(fd, "uvw", -1, APPEND | DSYNC_), 3);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 16);
	CHECK_EQ(fcntl(fd, F_GETFL) & O_APPEND, 0);
	CHECK_EQ(take(fd, 20, 0, 0), 16);
	CHECK_STR(text, "cd23ab6789xyzuvw");
	/* What is in memory can be had at once, where the file system knows of it; never is less told than there is. */
	got = take(fd, 16, 0, NOWAIT);
	if (got < 0)
		got = -errno;
	CHECK(got == 16 || got == -EOPNOTSUPP || got == -EAGAIN);
	if (got == 16)
		CHECK_STR(text, "cd23ab6789xyzuvw");
	if (got == 16)
		CHECK_EQ(take(fd, 4, 16, NOWAIT), 0);
	CHECK_ERR(take(open("/proc/self/stat", O_RDONLY), 4, 0, NOWAIT), EOPNOTSUPP);
	CHECK_ERR(put(fd, "ab", 0, UNKNOWN_FLAG), EOPNOTSUPP);
	CHECK_ERR(take(fd, 4, 0, UNKNOWN_FLAG), EOPNOTSUPP);
	CHECK_EQ(syscall(SYS_preadv2, fd, NULL, 0, 0, 0, UNKNOWN_FLAG), 0);
	CHECK_ERR(take(syscall(SYS_epoll_create1, 0), 4, -1, UNKNOWN_FLAG), EINVAL);
	CHECK_ERR(take(fd, 4, -2, 0), EINVAL);
	CHECK_ERR(take(99, 4, 0, UNKNOWN_FLAG), EBADF);
	CHECK_ERR(take(open("file", O_WRONLY), 4, 0, 0), EBADF);
	CHECK_ERR(put(open("file", O_RDONLY), "ab", 0, APPEND), EBADF);
	CHECK_ERR(syscall(SYS_preadv2, fd, 8, 1, 0, 0, 0), EFAULT);
	CHECK_ERR(syscall(SYS_preadv2, fd, &got, -1, 0, 0, 0), EINVAL);
	CHECK_ERR(syscall(SYS_preadv2, fd, &got, 1025, 0, 0, 0), EINVAL);
	CHECK_EQ(pipe(ends), 0);
	CHECK_ERR(put(ends[1], "ab", 0, 0), ESPIPE);
	CHECK_EQ(put(ends[1], "abcd", -1, 0), 4);
	CHECK_EQ(take(ends[0], 4, -1, 0), 4);
	CHECK_STR(text, "abcd");
}

static void ranges(void)
{
	int fd = open("file", O_RDWR | O_CREAT, 0600), ends[2];

	CHECK_EQ(write(fd, "text", 4), 4);
	CHECK_EQ(syscall(SYS_sync_file_range, fd, 0l, 0l, 7), 0);
	CHECK_EQ(syscall(SYS_sync_file_range, fd, 0l, 4096l, 2), 0);
	CHECK_EQ(syscall(SYS_sync_file_range, fd, 1l << 40, 1l, 0), 0);
	CHECK_ERR(syscall(SYS_sync_file_range, fd, 0l, 0l, 8), EINVAL);
	CHECK_ERR(syscall(SYS_sync_file_range, fd, -1l, 0l, 2), EINVAL);
	CHECK_ERR(syscall(SYS_sync_file_range, fd, 1l, -2l, 2), EINVAL);
	CHECK_ERR(syscall(SYS_sync_file_range, fd, INT64_MAX, 1l, 2), EINVAL);
	CHECK_ERR(syscall(SYS_sync_file_range, 99, 0l, 0l, 2), EBADF);
	CHECK_EQ(pipe(ends), 0);
	CHECK_ERR(syscall(SYS_sync_file_range, ends[1], 0l, 0l, 2), ESPIPE);
	CHECK_EQ(syscall(SYS_sync_file_range, open(".", O_RDONLY), 0l, 0l, 2), 0);
}

/* ---- openat2 ---- */

struct how { uint64_t flags, mode, resolve; };

static int open_at(int dir, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve)
{
	struct how how = { flags, mode, resolve };

	return (int)syscall(SYS_OPENAT2, dir, path, &how, sizeof how);
}

static int can(int dir, const char *path, uint64_t resolve)
{
	int fd = open_at(dir, path, O_RDONLY, 0, resolve);

	return fd < 0 ? -errno : close(fd);
}

static void arguments(void)
{
	struct { struct how how; uint64_t more; } grown = { { O_RDONLY, 0, 0 }, 0 };
	int fd;

	fd = open_at(AT_FDCWD, "made", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640, 0);
	CHECK(fd >= 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_ERR(open_at(AT_FDCWD, "made", O_RDWR | O_CREAT | O_EXCL, 0640, 0), EEXIST);
	CHECK_ERR(open_at(AT_FDCWD, "made", O_RDONLY, 0640, 0), EINVAL);
	CHECK_ERR(open_at(AT_FDCWD, "other", O_RDWR | O_CREAT, 010640, 0), EINVAL);
	CHECK_ERR(open_at(AT_FDCWD, "made", 1ull << 40, 0, 0), EINVAL);
	CHECK_ERR(open_at(AT_FDCWD, "made", 1 << 30, 0, 0), EINVAL);
	CHECK_ERR(open_at(AT_FDCWD, "made", O_RDONLY, 0, 0x40), EINVAL);
	CHECK_ERR(open_at(AT_FDCWD, "made", O_RDONLY, 0, BENEATH | IN_ROOT), EINVAL);
	CHECK_ERR(open_at(AT_FDCWD, "made", O_PATH | O_RDWR, 0, 0), EINVAL);
	CHECK_ERR(open_at(AT_FDCWD, "made", O_TRUNC | O_RDWR, 0, CACHED), EAGAIN);
	CHECK(syscall(SYS_OPENAT2, AT_FDCWD, "made", &grown, sizeof grown) >= 0);
	grown.more = 1;
	CHECK_ERR(syscall(SYS_OPENAT2, AT_FDCWD, "made", &grown, sizeof grown), E2BIG);
	CHECK_ERR(syscall(SYS_OPENAT2, AT_FDCWD, "made", &grown, 16), EINVAL);
	CHECK_ERR(syscall(SYS_OPENAT2, AT_FDCWD, "made", &grown, 5000), E2BIG);
	CHECK_ERR(syscall(SYS_OPENAT2, AT_FDCWD, "made", 8, sizeof grown.how), EFAULT);
	CHECK_ERR(syscall(SYS_OPENAT2, AT_FDCWD, 8, &grown, sizeof grown.how), EFAULT);
	CHECK_ERR(open_at(99, "made", O_RDONLY, 0, 0), EBADF);
	CHECK_ERR(open_at(fd, "made", O_RDONLY, 0, BENEATH), ENOTDIR);
	CHECK_ERR(open_at(99, "made", O_RDONLY, 0, BENEATH), EBADF);
	CHECK_ERR(open_at(AT_FDCWD, "", O_RDONLY, 0, BENEATH), ENOENT);
}

static void resolving(void)
{
	char here[256], path[512];
	int dir, known;

	CHECK(getcwd(here, sizeof here) != NULL);
	mkdir("top", 0755);
	mkdir("top/a", 0755);
	mkdir("top/a/b", 0755);
	check_write_file("top/a/file", "inside", 0644);
	check_write_file("outside", "outside", 0644);
	CHECK_EQ(symlink("a/file", "top/link"), 0);
	CHECK_EQ(symlink("../outside", "top/out"), 0);
	CHECK_EQ(symlink("/a/file", "top/absolute"), 0);
	CHECK_EQ(symlink("../../../../../a/file", "top/far"), 0);
	CHECK_EQ(symlink("../a/b/../file", "top/a/around"), 0);
	CHECK_EQ(symlink("/proc/self/root", "top/root"), 0);
	snprintf(path, sizeof path, "%s/top/a/file", here);
	dir = open("top", O_RDONLY | O_DIRECTORY);

	CHECK_EQ(can(dir, "a/file", BENEATH), 0);
	CHECK_EQ(can(dir, "a/b/../file", BENEATH), 0);
	CHECK_EQ(can(dir, "link", BENEATH), 0);
	CHECK_EQ(can(dir, "a/around", BENEATH), 0);
	CHECK_EQ(can(dir, ".", BENEATH), 0);
	CHECK_EQ(can(dir, "..", BENEATH), -EXDEV);
	CHECK_EQ(can(dir, "a/../..", BENEATH), -EXDEV);
	CHECK_EQ(can(dir, "../top/a/file", BENEATH), -EXDEV);
	CHECK_EQ(can(dir, "out", BENEATH), -EXDEV);
	CHECK_EQ(can(dir, "absolute", BENEATH), -EXDEV);
	CHECK_EQ(can(dir, path, BENEATH), -EXDEV);
	CHECK_EQ(can(AT_FDCWD, "top/out", BENEATH), 0);
	CHECK_EQ(can(AT_FDCWD, "..", BENEATH), -EXDEV);
	CHECK_EQ(can(dir, "absent", BENEATH), -ENOENT);
	CHECK_ERR(open_at(dir, "../made", O_RDWR | O_CREAT, 0600, BENEATH), EXDEV);
	CHECK(open_at(dir, "made", O_RDWR | O_CREAT, 0600, BENEATH) >= 0);

	CHECK_EQ(can(dir, "/a/file", IN_ROOT), 0);
	CHECK_EQ(can(dir, "../../a/file", IN_ROOT), 0);
	CHECK_EQ(can(dir, "absolute", IN_ROOT), 0);
	CHECK_EQ(can(dir, "far", IN_ROOT), 0);
	CHECK_EQ(can(dir, "out", IN_ROOT), -ENOENT);
	CHECK_EQ(can(dir, path, IN_ROOT), -ENOENT);
	CHECK_EQ(can(AT_FDCWD, "/top/absolute", IN_ROOT), -ENOENT);
	CHECK_EQ(can(AT_FDCWD, "/top/link", IN_ROOT), 0);
	CHECK_EQ(can(dir, "root", IN_ROOT), -ENOENT);

	CHECK_EQ(can(dir, "a/file", NO_SYMLINKS), 0);
	CHECK_EQ(can(dir, "link", NO_SYMLINKS), -ELOOP);
	CHECK_EQ(can(dir, "root/x", NO_SYMLINKS), -ELOOP);
	CHECK(open_at(dir, "link", O_PATH | O_NOFOLLOW, 0, NO_SYMLINKS) >= 0);
	CHECK_EQ(can(dir, "link", NO_MAGICLINKS), 0);
	CHECK_EQ(can(AT_FDCWD, "/proc/self/root", 0), 0);
	CHECK_EQ(can(AT_FDCWD, "/proc/self/root", NO_MAGICLINKS), -ELOOP);
	CHECK_EQ(can(AT_FDCWD, "/proc/self/stat", NO_MAGICLINKS), 0);
	CHECK_EQ(can(AT_FDCWD, "/proc/self/stat", NO_SYMLINKS), -ELOOP);
	CHECK_EQ(can(open("/proc/self", O_RDONLY), "root", BENEATH), -EXDEV);

	CHECK_EQ(can(AT_FDCWD, "/proc/self/stat", NO_XDEV), -EXDEV);
	CHECK_EQ(can(open("/proc", O_RDONLY), "self/stat", NO_XDEV), 0);
	CHECK_EQ(can(open("/proc", O_RDONLY), "../etc", NO_XDEV), -EXDEV);
	CHECK_EQ(can(open("/proc", O_RDONLY), "self/root", NO_XDEV), -EXDEV);
	CHECK_EQ(can(dir, "link", NO_XDEV), 0);
	/* Walked just now, so known: but it may be forgotten at any time. */
	known = can(dir, "a/file", CACHED);
	CHECK(known == 0 || known == -EAGAIN);
	CHECK_EQ(can(dir, "never-asked-for", CACHED), -EAGAIN);
}

/* ---- Other processes ---- */

static void wait_to_be_killed(void *unused)
{
	(void)unused;
	for (;;)
		pause();
}

static ssize_t move(long call, pid_t pid, void *own, size_t own_len, void *other, size_t other_len)
{
	struct iovec mine = { own, own_len }, theirs = { other, other_len };

	return syscall(call, pid, &mine, 1l, &theirs, 1l, 0l);
}

static void ask_as_user(void *argument)
{
	pid_t child = *(pid_t *)argument;

	if (setresuid(USER, USER, USER))
		_exit(9);
	CHECK_ERR(move(SYS_process_vm_readv, child, text, 8, text, 8), EPERM);
	CHECK_ERR(move(SYS_process_vm_writev, child, text, 8, text, 8), EPERM);
	CHECK_ERR(syscall(SYS_kcmp, getpid(), child, COMPARE_VM, 0l, 0l), EPERM);
}

static void memory(void)
{
	char *area = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *own = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec mine[3], theirs[2];
	siginfo_t ended;
	pid_t child;

	strcpy(area, "first page");
	strcpy(area + PAGE - 4, "across the border");
	mprotect(area + 2 * PAGE, PAGE, PROT_NONE);
	child = check_spawn(wait_to_be_killed, NULL);
	CHECK(check_state(child, 'S', PATIENCE_MS));
	strcpy(area, "ours now");
	CHECK_EQ(move(SYS_process_vm_readv, child, own, 11, area, 11), 11);
	CHECK_STR(own, "first page");
	CHECK_EQ(move(SYS_process_vm_readv, child, own, 5, area + PAGE - 4, 100), 5);
	CHECK_EQ(move(SYS_process_vm_writev, child, "theirs", 7, area, 7), 7);
	CHECK_STR(area, "ours now");
	CHECK_EQ(move(SYS_process_vm_readv, child, own, 11, area, 11), 11);
	CHECK_STR(own, "theirs");
	/* Scattered on both sides. */
	mine[0] = (struct iovec){ own, 3 };
	mine[1] = (struct iovec){ own + 100, 0 };
	mine[2] = (struct iovec){ own + 200, 10 };
	theirs[0] = (struct iovec){ area, 2 };
	theirs[1] = (struct iovec){ area + PAGE - 4, 6 };
	CHECK_EQ(syscall(SYS_process_vm_readv, child, mine, 3l, theirs, 2l, 0l), 8);
	own[3] = own[205] = 0;
	CHECK_STR(own, "tha");
	CHECK_STR(own + 200, "cross");
	/* As far as it goes. */
	CHECK_EQ(move(SYS_process_vm_readv, child, own, 2 * PAGE, area + PAGE, 2 * PAGE), PAGE);
	CHECK_ERR(move(SYS_process_vm_readv, child, own, 8, area + 2 * PAGE, 8), EFAULT);
	CHECK_ERR(move(SYS_process_vm_readv, child, own, 8, (void *)0xffff800000000000, 8), EFAULT);
	CHECK_ERR(move(SYS_process_vm_writev, child, own, 8, (void *)&memory, 8), EFAULT);
	CHECK_ERR(move(SYS_process_vm_readv, child, (void *)8, 8, area, 8), EFAULT);
	CHECK_EQ(move(SYS_process_vm_readv, child, own, 0, area, 8), 0);
	CHECK_ERR(move(SYS_process_vm_readv, 32760, own, 8, area, 8), ESRCH);
	CHECK_ERR(syscall(SYS_process_vm_readv, child, mine, 1l, theirs, 1l, 1l), EINVAL);
	CHECK_ERR(syscall(SYS_process_vm_readv, child, mine, 1025l, theirs, 1l, 0l), EINVAL);
	CHECK_ERR(syscall(SYS_process_vm_readv, child, mine, 1l, 8l, 1l, 0l), EFAULT);
	CHECK_EQ(check_child(ask_as_user, &child), 0);
	kill(child, SIGKILL);
	CHECK_EQ(waitid(P_PID, child, &ended, WEXITED | WNOWAIT), 0);
	CHECK_ERR(move(SYS_process_vm_readv, child, own, 8, area, 8), ESRCH);
	CHECK_EQ(check_wait(child), CHECK_KILLED + SIGKILL);
}

static long compare(pid_t first, pid_t second, int type, long a, long b)
{
	return syscall(SYS_kcmp, first, second, type, a, b);
}

static void comparing(void)
{
	int fd = open("/dev/null", O_RDWR), same = dup(fd), other = open("/dev/null", O_RDWR);
	pid_t self = getpid(), child = check_spawn(wait_to_be_killed, NULL), thread;
	long order = compare(self, self, COMPARE_FILE, fd, other);

	CHECK_EQ(compare(self, self, COMPARE_FILE, fd, same), 0);
	CHECK(order == 1 || order == 2);
	CHECK_EQ(compare(self, self, COMPARE_FILE, other, fd), 3 - order);
	CHECK_EQ(compare(self, child, COMPARE_FILE, fd, same), 0);
	CHECK_ERR(compare(self, child, COMPARE_FILE, fd, 99), EBADF);
	CHECK_ERR(compare(self, child, COMPARE_FILE, -1, fd), EBADF);
	CHECK_EQ(compare(self, self, COMPARE_VM, 0, 0), 0);
	CHECK(compare(self, child, COMPARE_VM, 0, 0) > 0);
	CHECK(compare(self, child, COMPARE_FILES, 0, 0) > 0);
	CHECK(compare(self, child, COMPARE_FS, 0, 0) > 0);
	CHECK(compare(self, child, COMPARE_SIGHAND, 0, 0) > 0);
	CHECK_ERR(compare(self, child, 99, 0, 0), EINVAL);
	CHECK_ERR(compare(self, 32760, COMPARE_VM, 0, 0), ESRCH);
	kill(child, SIGKILL);
	check_wait(child);
	thread = (pid_t)syscall(SYS_clone, CLONE_FILES | CLONE_FS | SIGCHLD, 0, 0, 0, 0);
	if (!thread)
		wait_to_be_killed(NULL);
	CHECK_EQ(compare(self, thread, COMPARE_FILES, 0, 0), 0);
	CHECK_EQ(compare(self, thread, COMPARE_FS, 0, 0), 0);
	CHECK(compare(self, thread, COMPARE_VM, 0, 0) > 0);
	kill(thread, SIGKILL);
	check_wait(thread);
}

/* ---- Barriers ---- */

static int barrier(int command, unsigned flags)
{
	return (int)syscall(SYS_membarrier, command, flags, 0);
}

enum { ROUNDS = 2000 };
static volatile int wrote_first, wrote_second, saw_second;
static int go, done;

/* The side with no fence of its own: the other side's barrier is one for both. */
static void *fast_side(void *unused)
{
	(void)unused;
	for (int i = 1; i <= ROUNDS; i++) {
		while (__atomic_load_n(&go, __ATOMIC_ACQUIRE) < i)
			sched_yield();
		wrote_second = i;
		__asm__ volatile("" ::: "memory");
		saw_second = wrote_first;
		__atomic_store_n(&done, i, __ATOMIC_RELEASE);
	}
	return NULL;
}

static void forked_barrier(void *unused)
{
	(void)unused;
	CHECK_EQ(barrier(BARRIER_PRIVATE, 0), 0);
}

static void barriers(void)
{
	const int all = BARRIER_GLOBAL | BARRIER_PRIVATE | BARRIER_REGISTER;
	pthread_t thread;
	int saw_first;

	CHECK_EQ(barrier(BARRIER_QUERY, 0) & all, all);
	CHECK_ERR(barrier(BARRIER_QUERY, 2), EINVAL);
	CHECK_ERR(barrier(1 << 20, 0), EINVAL);
	CHECK_ERR(barrier(-1, 0), EINVAL);
	CHECK_ERR(barrier(BARRIER_PRIVATE, 0), EPERM);
	CHECK_EQ(barrier(BARRIER_GLOBAL, 0), 0);
	CHECK_EQ(barrier(BARRIER_REGISTER, 0), 0);
	CHECK_EQ(barrier(BARRIER_REGISTER, 0), 0);
	CHECK_EQ(barrier(BARRIER_PRIVATE, 0), 0);
	CHECK_EQ(check_child(forked_barrier, NULL), 0);
	CHECK_EQ(pthread_create(&thread, NULL, fast_side, NULL), 0);
	for (int i = 1; i <= ROUNDS; i++) {
		__atomic_store_n(&go, i, __ATOMIC_RELEASE);
		wrote_first = i;
		if (!CHECK_EQ(barrier(BARRIER_PRIVATE, 0), 0))
			break;
		saw_first = wrote_second;
		while (__atomic_load_n(&done, __ATOMIC_ACQUIRE) < i)
			sched_yield();
		/* One of the two has seen the other's. */
		if (!CHECK(saw_first == i || saw_second == i))
			break;
	}
	pthread_join(thread, NULL);
}

static void every_barrier(void)
{
	int all = BARRIER_ALL & ~(kernel_has(RSEQ) ? 0 : BARRIER_RSEQ | BARRIER_REGISTER_RSEQ);

	CHECK_EQ(barrier(BARRIER_QUERY, 0), all);
	CHECK_EQ(barrier(BARRIER_EXPEDITED, 0), 0);
	CHECK_EQ(barrier(BARRIER_REGISTER_GLOBAL, 0), 0);
	CHECK_EQ(barrier(BARRIER_EXPEDITED, 0), 0);
	/* Each is registered for itself. */
	CHECK_EQ(barrier(BARRIER_REGISTER, 0), 0);
	CHECK_ERR(barrier(BARRIER_CORE, 0), EPERM);
	CHECK_EQ(barrier(BARRIER_REGISTER_CORE, 0), 0);
	CHECK_EQ(barrier(BARRIER_CORE, 0), 0);
	CHECK_ERR(barrier(BARRIER_CORE, FLAG_CPU), EINVAL);
	CHECK_ERR(barrier(BARRIER_CORE | BARRIER_REGISTER_CORE, 0), EINVAL);
	if (!(all & BARRIER_RSEQ))
		return;
	CHECK_ERR(barrier(BARRIER_RSEQ, 0), EPERM);
	CHECK_EQ(barrier(BARRIER_REGISTER_RSEQ, 0), 0);
	CHECK_EQ(barrier(BARRIER_RSEQ, 0), 0);
	CHECK_EQ(barrier(BARRIER_RSEQ, FLAG_CPU), 0);
	CHECK_ERR(barrier(BARRIER_RSEQ, 2), EINVAL);
}

/* Code that is replaced, and called by another thread after a barrier, is the new code. */
static void code_changes(void)
{
	static const unsigned char code[] = { 0xb8, 0, 0, 0, 0, 0xc3 };	/* mov $N, %eax; ret */
	unsigned char *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memcpy(at, code, sizeof(code));
	CHECK_EQ(barrier(BARRIER_REGISTER_CORE, 0), 0);
	for (int i = 1; i < 100; i++) {
		at[1] = i;
		CHECK_EQ(barrier(BARRIER_CORE, 0), 0);
		CHECK_EQ(((int (*)(void))at)(), i);
	}
}

static void personalities(void)
{
	CHECK_EQ(personality(0xffffffff), PER_LINUX);
	CHECK_EQ(personality(PER_LINUX), PER_LINUX);
	CHECK_EQ(personality(0xffffffff), PER_LINUX);
}

static const struct check_case cases[] = {
	CASE(vectors), CASE(ranges), CASE(arguments), CASE(resolving), CASE(memory), CASE(comparing), CASE(barriers), CASE(every_barrier), CASE(code_changes),
	CASE(personalities), { NULL, NULL },
};

int main(int argc, char **argv)
{
	return check_main("relatives", cases, argc, argv);
}
