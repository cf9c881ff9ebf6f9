/* SPDX-License-Identifier: MIT */
/* What calls say that are not for every kind of descriptor: a table of calls and of kinds without a file behind them. */
#include "built_with.h"
#include "check.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <termios.h>
#include <unistd.h>

enum kind { READER, WRITER, STREAM, DATAGRAM, NETLINK, EPOLL, EVENTFD, TIMERFD, SIGNALFD, INOTIFY_, PIDFD, KINDS };
static const char *const names[KINDS] = { "the reading end of a pipe", "the writing end of a pipe", "a stream socket", "a datagram socket", "a netlink socket",
					  "an epoll", "an eventfd", "a timerfd", "a signalfd", "an inotify", "a pidfd" };
static char byte;
static int file, pipe_ends[2];

static int open_kind(enum kind kind)
{
	static int ends[2];
	sigset_t set;

	if (kind >= STREAM && kind <= NETLINK && !kernel_has(UNIX_SOCKETS))
		return -1;
	if (kind == INOTIFY_ && !kernel_has(INOTIFY))
		return -1;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	switch (kind) {
	case READER:
	case WRITER: CHECK_EQ(pipe(ends), 0); break;
	case STREAM: CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0); break;
	case DATAGRAM: CHECK_EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0); break;
	case NETLINK: return socket(AF_NETLINK, SOCK_RAW, 0);
	case EPOLL: return epoll_create1(0);
	case EVENTFD: return eventfd(5, 0);
	case TIMERFD: return timerfd_create(CLOCK_MONOTONIC, 0);
	case SIGNALFD: return signalfd(-1, &set, 0);
	case INOTIFY_: return inotify_init1(0);
	case PIDFD: return syscall(SYS_pidfd_open, getpid(), 0);
	case KINDS: break;
	}
	return ends[kind == WRITER];
}

/* Each: 0 or more, or -1 with errno. */
static long truncates(int fd) { return ftruncate(fd, 10); }
static long truncates_less(int fd) { return ftruncate(fd, -1); }
static long synced(int fd) { return fsync(fd); }
static long data_synced(int fd) { return fdatasync(fd); }
static long all_synced(int fd) { return syncfs(fd); }
static long range_synced(int fd) { return sync_file_range(fd, 0, 0, 0); }
static long seeks(int fd) { return lseek(fd, 0, SEEK_CUR); }
static long seeks_oddly(int fd) { return lseek(fd, 0, 99); }
static long reads_nothing(int fd) { return read(fd, &byte, 0); }
static long reads(int fd) { return read(fd, &byte, 1); }
static long reads_to_nowhere(int fd) { return read(fd, (void *)8, 4); }
static long writes_nothing(int fd) { return write(fd, &byte, 0); }
static long reads_at(int fd) { return pread(fd, &byte, 1, -1); }
static long maps(int fd) { return mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0; }
static long maps_privately(int fd) { return mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -1 : 0; }
static long allocates(int fd) { return fallocate(fd, 0, 0, 10); }
static long changes_folder(int fd) { return fchdir(fd); }
static long lists(int fd) { return syscall(SYS_getdents64, fd, &byte, 64); }
static long opens_below(int fd) { return openat(fd, "x", O_RDONLY); }
static long tees(int fd) { return tee(fd, pipe_ends[1], 1, SPLICE_F_NONBLOCK); }
static long sends_from(int fd) { return sendfile(file, fd, NULL, 1); }
static long copies_from(int fd) { return copy_file_range(fd, NULL, file, NULL, 1, 0); }
static long is_watched(int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	return epoll_ctl(epoll_create1(0), EPOLL_CTL_ADD, fd, &event);
}
static long seals(int fd) { return fcntl(fd, F_GET_SEALS); }
static long has_pipe_size(int fd) { return fcntl(fd, F_GETPIPE_SZ) > 0 ? 0 : -1; }
static long is_leased(int fd) { return fcntl(fd, F_SETLEASE, F_RDLCK); }
static long is_direct(int fd)
{
	long result = fcntl(fd, F_SETFL, O_NONBLOCK | O_DIRECT);

	return result ? result : fcntl(fd, F_SETFL, O_NONBLOCK);
}
static long asks_for(int fd, unsigned long request)
{
	int value[16] = { 0 };

	return ioctl(fd, request, value);
}
static long has_bytes(int fd) { return asks_for(fd, FIONREAD); }
static long has_unsent(int fd) { return asks_for(fd, SIOCOUTQ); }
static long is_terminal(int fd) { return asks_for(fd, TCGETS); }
static long knows_nonsense(int fd) { return asks_for(fd, 0xdeadbeef); }
static long has_type(int fd)
{
	int value;
	socklen_t size = sizeof value;

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &size);
}
static long listens(int fd) { return listen(fd, 1); }
static long shuts(int fd) { return shutdown(fd, 9); }
static long is_process(int fd) { return syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0); }
static long is_timer(int fd)
{
	struct itimerspec now;

	return timerfd_gettime(fd, &now);
}
static long is_opened_again(int fd)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_NONBLOCK);
}

/* What Linux says of lseek on those is 0, and we that they cannot (ESPIPE). */
#define ANY -1
#define ALL(error) { error, error, error, error, error, error, error, error, error, error, error }
#define SOCKETS(error, others) { others, others, error, error, error, others, others, others, others, others, others }

static const struct row {
	const char *name;
	long (*call)(int fd);
	int errors[KINDS];	/* 0: it works */
} rows[] = {
	{ "ftruncate", truncates, ALL(EINVAL) },
	{ "ftruncate to less than nothing", truncates_less, ALL(EINVAL) },
	{ "fsync", synced, ALL(EINVAL) },
	{ "fdatasync", data_synced, ALL(EINVAL) },
	{ "syncfs", all_synced, ALL(0) },
	{ "sync_file_range", range_synced, ALL(ESPIPE) },
	{ "lseek", seeks, { ESPIPE, ESPIPE, ESPIPE, ESPIPE, ESPIPE, ANY, ANY, ANY, ANY, ANY, ESPIPE } },
	{ "lseek by nonsense", seeks_oddly, ALL(EINVAL) },
	{ "read of nothing", reads_nothing, { 0, EBADF, 0, 0, 0, EINVAL, EINVAL, EINVAL, EINVAL, EAGAIN, EINVAL } },
	{ "read", reads, { EAGAIN, EBADF, EAGAIN, EAGAIN, EAGAIN, EINVAL, EINVAL, EINVAL, EINVAL, EAGAIN, EINVAL } },
	{ "read to nowhere", reads_to_nowhere, { EAGAIN, EBADF, EAGAIN, EAGAIN, EAGAIN, EINVAL, EINVAL, EINVAL, EINVAL, EAGAIN, EINVAL } },
	{ "write of nothing", writes_nothing, { EBADF, 0, 0, 0, ENODATA, EINVAL, EINVAL, EINVAL, EINVAL, EBADF, EINVAL } },
	{ "pread", reads_at, ALL(EINVAL) },
	{ "mmap", maps, { ENODEV, EACCES, ENODEV, ENODEV, ENODEV, ENODEV, ENODEV, ENODEV, ENODEV, ENODEV, ENODEV } },
	{ "private mmap", maps_privately, { ENODEV, EACCES, ENODEV, ENODEV, ENODEV, ENODEV, ENODEV, ENODEV, ENODEV, ENODEV, ENODEV } },
	{ "fallocate", allocates, { EBADF, ESPIPE, ENODEV, ENODEV, ENODEV, ENODEV, ENODEV, ENODEV, ENODEV, EBADF, ENODEV } },
	{ "fchdir", changes_folder, ALL(ENOTDIR) },
	{ "getdents64", lists, ALL(ENOTDIR) },
	{ "openat", opens_below, ALL(ENOTDIR) },
	{ "tee", tees, { EAGAIN, EBADF, EINVAL, EINVAL, EINVAL, EINVAL, EINVAL, EINVAL, EINVAL, EINVAL, EINVAL } },
	{ "sendfile", sends_from, { EINVAL, EBADF, EINVAL, EINVAL, EINVAL, EINVAL, EINVAL, EINVAL, EINVAL, EINVAL, EINVAL } },
	{ "copy_file_range", copies_from, ALL(EINVAL) },
	{ "epoll_ctl", is_watched, ALL(0) },
	{ "F_GET_SEALS", seals, ALL(EINVAL) },
	{ "F_GETPIPE_SZ", has_pipe_size, { 0, 0, EBADF, EBADF, EBADF, EBADF, EBADF, EBADF, EBADF, EBADF, EBADF } },
	{ "F_SETLEASE", is_leased, ALL(EINVAL) },
	{ "F_SETFL with O_DIRECT", is_direct, { 0, 0, EINVAL, EINVAL, EINVAL, EINVAL, EINVAL, EINVAL, EINVAL, EINVAL, EINVAL } },
	{ "FIONREAD", has_bytes, { 0, 0, 0, 0, ENOTTY, ENOTTY, ENOTTY, ENOTTY, ENOTTY, 0, ENOTTY } },
	{ "SIOCOUTQ", has_unsent, { ENOTTY, ENOTTY, 0, 0, ENOTTY, ENOTTY, ENOTTY, ENOTTY, ENOTTY, ENOTTY, ENOTTY } },
	{ "TCGETS", is_terminal, ALL(ENOTTY) },
	{ "ioctl of nonsense", knows_nonsense, ALL(ENOTTY) },
	{ "getsockopt", has_type, SOCKETS(0, ENOTSOCK) },
	{ "listen", listens, { ENOTSOCK, ENOTSOCK, EINVAL, EOPNOTSUPP, EOPNOTSUPP, ENOTSOCK, ENOTSOCK, ENOTSOCK, ENOTSOCK, ENOTSOCK, ENOTSOCK } },
	{ "shutdown", shuts, { ENOTSOCK, ENOTSOCK, EINVAL, EINVAL, EOPNOTSUPP, ENOTSOCK, ENOTSOCK, ENOTSOCK, ENOTSOCK, ENOTSOCK, ENOTSOCK } },
	{ "pidfd_send_signal", is_process, { EBADF, EBADF, EBADF, EBADF, EBADF, EBADF, EBADF, EBADF, EBADF, EBADF, 0 } },
	{ "timerfd_gettime", is_timer, { EINVAL, EINVAL, EINVAL, EINVAL, EINVAL, EINVAL, EINVAL, 0, EINVAL, EINVAL, EINVAL } },
	{ "open of /proc/self/fd", is_opened_again, { 0, 0, ENXIO, ENXIO, ENXIO, ENXIO, ENXIO, ENXIO, ENXIO, ENXIO, ENXIO } },
};

static void table(void)
{
	CHECK((file = open("file", O_CREAT | O_RDWR, 0600)) >= 0);
	CHECK_EQ(pipe(pipe_ends), 0);
	for (const struct row *row = rows; row < rows + sizeof rows / sizeof *rows; row++)
		for (enum kind kind = 0; kind < KINDS; kind++) {
			int fd = open_kind(kind);
			long result;

			if (fd < 0 || row->errors[kind] == ANY)
				continue;
			CHECK_EQ(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
			result = row->call(fd) < 0 ? errno : 0;
			if (!CHECK_EQ(result, row->errors[kind]))
				printf("(%s on %s)\n", row->name, names[kind]);
			close(fd);
		}
}

static const struct check_case cases[] = { CASE(table), { NULL, NULL } };

int main(int argc, char **argv)
{
	return check_main("descriptors", cases, argc, argv);
}
