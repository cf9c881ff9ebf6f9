/* SPDX-License-Identifier: MIT */
/* fallocate in each mode, copy_file_range, sendfile, and what splice, tee and vmsplice refuse: limits, kinds of files, overlaps, positions. */
#include "check.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PAGE = 4096, KEEP_SIZE = 1, PUNCH_HOLE = 2, NO_HIDE_STALE = 4, COLLAPSE_RANGE = 8, ZERO_RANGE = 0x10, INSERT_RANGE = 0x20, UNSHARE_RANGE = 0x40 };
enum { IN, OUT };
enum { NOWAIT = 8 };		/* RWF_NOWAIT */

static char page[PAGE];

static long failed(long result)
{
	return result < 0 ? -errno : result;
}

static long size_of(int fd)
{
	struct stat info;

	return fstat(fd, &info) ? -errno : info.st_size;
}

static int letters(const char *name, int size)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);

	memset(page, 'x', sizeof page);
	CHECK_EQ(write(fd, page, size), size);
	return fd;
}

static void allocation(void)
{
	struct rlimit limit = { 3 * PAGE, RLIM_INFINITY };
	int fd = letters("f", 100), ends[2];
	static const int refused[] = {
		PUNCH_HOLE, ZERO_RANGE, ZERO_RANGE | KEEP_SIZE, COLLAPSE_RANGE, INSERT_RANGE, UNSHARE_RANGE, UNSHARE_RANGE | KEEP_SIZE, NO_HIDE_STALE,
		NO_HIDE_STALE | KEEP_SIZE, PUNCH_HOLE | ZERO_RANGE | KEEP_SIZE, 0x80, -1,
	};

	for (unsigned i = 0; i < sizeof refused / sizeof *refused; i++)
		CHECK_EQ(failed(fallocate(fd, refused[i], 0, PAGE)), -EOPNOTSUPP);
	CHECK_EQ(size_of(fd), 100);
	CHECK_EQ(failed(fallocate(fd, 0, 0, 0)), -EINVAL);
	CHECK_EQ(failed(fallocate(fd, 0, 0, -1)), -EINVAL);
	CHECK_EQ(failed(fallocate(fd, 0, -1, 1)), -EINVAL);
	CHECK_EQ(failed(fallocate(fd, 0x80, 0, 0)), -EINVAL);
	CHECK_EQ(failed(fallocate(fd, 0, LONG_MAX, 1)), -EFBIG);
	CHECK_EQ(failed(fallocate(fd, 0, LONG_MAX, LONG_MAX)), -EFBIG);
	CHECK_EQ(failed(fallocate(fd, PUNCH_HOLE | KEEP_SIZE, LONG_MAX, 1)), -EFBIG);
	CHECK_EQ(failed(fallocate(fd, 0x80, LONG_MAX, 1)), -EOPNOTSUPP);
	CHECK_EQ(failed(fallocate(fd, 0, 0, 1l << 50)), -ENOSPC);
	CHECK_EQ(size_of(fd), 100);
	CHECK_EQ(failed(fallocate(fd, KEEP_SIZE, 0, 2 * PAGE)), 0);
	CHECK_EQ(size_of(fd), 100);
	CHECK_EQ(failed(fallocate(fd, 0, 0, 50)), 0);
	CHECK_EQ(size_of(fd), 100);
	CHECK_EQ(failed(fallocate(fd, 0, 50, 100)), 0);
	CHECK_EQ(size_of(fd), 150);
	CHECK_EQ(failed(fallocate(fd, PUNCH_HOLE | KEEP_SIZE, 0, 1l << 60)), 0);
	CHECK_EQ(size_of(fd), 150);
	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(failed(fallocate(-1, 0, 0, 1)), -EBADF);
	CHECK_EQ(failed(fallocate(open("f", O_PATH), 0, 0, 1)), -EBADF);
	CHECK_EQ(failed(fallocate(open("f", O_RDONLY), 0, 0, 1)), -EBADF);
	CHECK_EQ(failed(fallocate(open(".", O_RDONLY), 0, 0, 1)), -EBADF);
	CHECK_EQ(failed(fallocate(ends[IN], 0, 0, 1)), -EBADF);
	CHECK_EQ(failed(fallocate(ends[OUT], 0, 0, 1)), -ESPIPE);
	CHECK_EQ(failed(fallocate(open("/dev/null", O_WRONLY), 0, 0, 1)), -ENODEV);
	CHECK_EQ(failed(fallocate(eventfd(0, 0), 0, 0, 1)), -ENODEV);
	CHECK_EQ(failed(fallocate(open("f", O_WRONLY | O_APPEND), 0, 0, 1)), 0);
	signal(SIGXFSZ, SIG_IGN);
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
	CHECK_EQ(failed(fallocate(fd, 0, 0, 3 * PAGE)), 0);
	CHECK_EQ(failed(fallocate(fd, 0, 0, 3 * PAGE + 1)), -EFBIG);
	CHECK_EQ(failed(fallocate(fd, KEEP_SIZE, 0, 3 * PAGE + 1)), -EFBIG);
	CHECK_EQ(failed(fallocate(fd, PUNCH_HOLE | KEEP_SIZE, 0, 9 * PAGE)), 0);
	CHECK_EQ(size_of(fd), 3 * PAGE);
}

static long copied(int in, long *from, int out, long *to, size_t size)
{
	return failed(syscall(SYS_copy_file_range, in, from, out, to, size, 0));
}

static void copies(void)
{
	int in = letters("in", 100), out = letters("out", 10), ends[2];
	long from = 0, to = 0, minus = -1, far = LONG_MAX, end = 200;

	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(copied(in, &from, out, &to, 0), 0);
	CHECK_EQ(copied(-1, &from, out, &to, 0), -EBADF);
	CHECK_EQ(copied(in, &end, out, &to, 10), 0);
	CHECK_EQ(copied(in, &minus, out, &to, 10), -EOVERFLOW);
	CHECK_EQ(copied(in, &from, out, &minus, 10), -EOVERFLOW);
	CHECK_EQ(copied(in, &from, out, &far, 10), -EFBIG);
	CHECK_EQ(copied(in, &far, out, &to, 10), 0);
	CHECK_EQ(copied(in, &far, out, &to, 0), 0);
	CHECK_EQ(copied(in, &from, in, &from, 10), -EINVAL);
	CHECK_EQ(copied(in, &from, in, &from, 0), 0);
	to = 100, from = 0;
	CHECK_EQ(copied(in, &from, in, &to, 100), 100);
	from = 0, to = 0;
	/* Whether it overlaps is asked of what there is to copy. */
	to = 10;
	CHECK_EQ(copied(out, &from, out, &to, 1 << 20), 10);
	to = 15, from = 0;
	CHECK_EQ(copied(out, &from, out, &to, 1 << 20), -EINVAL);
	to = 15, from = 20;
	CHECK_EQ(copied(out, &from, out, &to, 1 << 20), 0);
	from = 0, to = 0;
	CHECK_EQ(copied(in, (long *)8, out, &to, 10), -EFAULT);
	CHECK_EQ(copied(in, &from, out, (long *)8, 10), -EFAULT);
	CHECK_EQ(copied(ends[IN], NULL, out, NULL, 10), -EINVAL);
	CHECK_EQ(copied(ends[IN], &from, out, NULL, 10), -EINVAL);
	CHECK_EQ(copied(in, NULL, ends[OUT], NULL, 10), -EINVAL);
	CHECK_EQ(copied(open(".", O_RDONLY), NULL, out, NULL, 10), -EISDIR);
	CHECK_EQ(copied(in, NULL, open(".", O_RDONLY), NULL, 10), -EISDIR);
	CHECK_EQ(copied(open("in", O_PATH), NULL, out, NULL, 10), -EBADF);
	CHECK_EQ(copied(open("in", O_WRONLY), NULL, out, NULL, 10), -EBADF);
	CHECK_EQ(copied(in, NULL, open("out", O_RDONLY), NULL, 10), -EBADF);
	CHECK_EQ(copied(in, NULL, open("out", O_WRONLY | O_APPEND), NULL, 10), -EBADF);
	CHECK_EQ(copied(in, NULL, open("out", O_WRONLY | O_APPEND), NULL, 0), -EBADF);
	CHECK_EQ(copied(open("/dev/zero", O_RDONLY), NULL, out, NULL, 10), -EINVAL);
	CHECK_EQ(copied(in, NULL, open("/dev/null", O_WRONLY), NULL, 10), -EINVAL);
	CHECK_EQ(copied(eventfd(1, 0), NULL, out, NULL, 8), -EINVAL);
	CHECK_EQ(copied(memfd_create("m", 0), NULL, out, NULL, 8), -EXDEV);
	CHECK_EQ(failed(syscall(SYS_copy_file_range, in, NULL, out, NULL, 1, 1)), -EINVAL);
	CHECK_EQ(failed(syscall(SYS_copy_file_range, -1, NULL, out, NULL, 1, 1)), -EBADF);
}

static void sent(void)
{
	int in = letters("in", 100), out = letters("out", 10), ends[2];
	off_t offset = 0, minus = -1, end = 200, far = LONG_MAX;

	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(failed(sendfile(out, in, &offset, 0)), 0);
	CHECK_EQ(failed(sendfile(out, in, &minus, 1)), -EINVAL);
	CHECK_EQ(failed(sendfile(out, in, &end, 1)), 0);
	CHECK_EQ(failed(sendfile(out, in, &far, 1)), -EINVAL);
	CHECK_EQ(failed(sendfile(out, in, &offset, SIZE_MAX)), -EINVAL);
	CHECK_EQ(failed(sendfile(out, in, &offset, LONG_MAX)), 100);
	CHECK_EQ(offset, 100);
	CHECK_EQ(failed(sendfile(out, in, (off_t *)8, 1)), -EFAULT);
	CHECK_EQ(failed(sendfile(out, ends[IN], NULL, 1)), -EINVAL);
	CHECK_EQ(failed(sendfile(out, ends[IN], &offset, 1)), -ESPIPE);
	CHECK_EQ(failed(sendfile(out, -1, NULL, 0)), -EBADF);
	CHECK_EQ(failed(sendfile(-1, in, NULL, 0)), -EBADF);
	CHECK_EQ(failed(sendfile(out, open("in", O_WRONLY), NULL, 1)), -EBADF);
	CHECK_EQ(failed(sendfile(open("out", O_RDONLY), in, NULL, 1)), -EBADF);
	CHECK_EQ(failed(sendfile(open("out", O_PATH), in, NULL, 1)), -EBADF);
	CHECK_EQ(failed(sendfile(open("out", O_WRONLY | O_APPEND), in, NULL, 1)), -EINVAL);
	CHECK_EQ(failed(sendfile(out, open(".", O_RDONLY), NULL, 1)), -EINVAL);
	CHECK_EQ(failed(sendfile(open(".", O_RDONLY), in, NULL, 1)), -EBADF);
	CHECK_EQ(failed(sendfile(out, eventfd(1, 0), NULL, 8)), -EINVAL);
	CHECK_EQ(failed(sendfile(open("/dev/null", O_WRONLY), in, NULL, 5)), 0);
	CHECK_EQ(lseek(in, 0, SEEK_SET), 0);
	CHECK_EQ(failed(sendfile(open("/dev/null", O_WRONLY), in, NULL, 5)), 5);
	CHECK_EQ(lseek(in, 0, SEEK_SET), 0);
	CHECK_EQ(failed(sendfile(ends[OUT], in, NULL, 7)), 7);
	CHECK_EQ(lseek(in, 0, SEEK_CUR), 7);
	CHECK_EQ(lseek(in, 0, SEEK_SET), 0);
	CHECK_EQ(failed(sendfile(in, in, NULL, 10)), 10);
}

static void spliced(void)
{
	int file = letters("f", 100), ends[2], to[2], closed[2];
	struct iovec none = { NULL, 0 };
	loff_t zero = 0;

	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(pipe(to), 0);
	CHECK_EQ(pipe(closed), 0);
	close(closed[IN]);
	signal(SIGPIPE, SIG_IGN);
	CHECK_EQ(write(ends[OUT], "0123456789", 10), 10);
	CHECK_EQ(failed(splice(file, &zero, closed[OUT], NULL, 1, 0)), -EPIPE);
	CHECK_EQ(failed(splice(file, &zero, closed[OUT], NULL, 0, 0)), 0);
	CHECK_EQ(failed(splice(ends[IN], NULL, open("/dev/null", O_WRONLY), NULL, 3, 0)), 3);
	CHECK_EQ(failed(splice(ends[IN], NULL, open(".", O_RDONLY), NULL, 1, 0)), -EBADF);
	CHECK_EQ(failed(splice(ends[IN], NULL, open("f", O_RDONLY), NULL, 1, 0)), -EBADF);
	CHECK_EQ(failed(splice(open("f", O_WRONLY), NULL, to[OUT], NULL, 1, 0)), -EBADF);
	CHECK_EQ(failed(splice(memfd_create("m", 0), NULL, to[OUT], NULL, 1, 0)), 0);
	CHECK_EQ(failed(splice(file, NULL, file, NULL, 1, 0)), -EINVAL);
	CHECK_EQ(failed(splice(ends[IN], NULL, ends[OUT], NULL, 1, 0)), -EINVAL);
	CHECK_EQ(failed(tee(ends[IN], ends[OUT], 1, 0)), -EINVAL);
	CHECK_EQ(failed(tee(ends[IN], open("f", O_PATH), 1, 0)), -EBADF);
	CHECK_EQ(failed(tee(ends[IN], closed[OUT], 1, 0)), -EPIPE);
	CHECK_EQ(failed(tee(ends[IN], to[OUT], SIZE_MAX, SPLICE_F_MOVE | SPLICE_F_GIFT | SPLICE_F_MORE)), 7);
	CHECK_EQ(failed(vmsplice(closed[OUT], &none, 1, 0)), 0);
	CHECK_EQ(failed(vmsplice(open("f", O_PATH), &none, 1, 0)), -EBADF);
	CHECK_EQ(failed(vmsplice(ends[OUT], &none, 0, SPLICE_F_GIFT)), 0);
	CHECK_EQ(failed(vmsplice(ends[OUT], NULL, 1, 0)), -EFAULT);
}

/* A vector without bytes, which files do not hear of once they could be read or written. */
static void empty_vectors(void)
{
	struct iovec none[2] = { { page, 0 }, { NULL, 0 } };
	int event = eventfd(1, 0), file = letters("f", 100), closed[2];

	CHECK_EQ(failed(write(event, page, 0)), -EINVAL);
	CHECK_EQ(failed(writev(event, none, 2)), 0);
	CHECK_EQ(failed(syscall(SYS_pwritev2, event, none, 2, -1l, 0l, 0)), 0);
	CHECK_EQ(failed(readv(event, none, 2)), 0);
	CHECK_EQ(failed(syscall(SYS_preadv2, event, none, 1, -1l, 0l, NOWAIT)), 0);
	CHECK_EQ(failed(preadv(event, none, 2, 0)), -ESPIPE);
	CHECK_EQ(failed(readv(open(".", O_RDONLY), none, 2)), 0);
	CHECK_EQ(failed(syscall(SYS_preadv2, open(".", O_RDONLY), none, 2, -1l, 0l, 0)), 0);
	CHECK_EQ(failed(readv(epoll_create1(0), none, 2)), -EINVAL);
	CHECK_EQ(failed(syscall(SYS_preadv2, epoll_create1(0), none, 2, -1l, 0l, 0)), -EINVAL);
	CHECK_EQ(failed(readv(open("f", O_WRONLY), none, 2)), -EBADF);
	CHECK_EQ(failed(writev(open("f", O_RDONLY), none, 2)), -EBADF);
	CHECK_EQ(failed(syscall(SYS_pwritev2, open("f", O_RDONLY), none, 2, -1l, 0l, 0)), -EBADF);
	CHECK_EQ(failed(syscall(SYS_pwritev2, file, none, 2, 1000l, 0l, NOWAIT)), 0);
	CHECK_EQ(failed(pwritev(file, none, 2, 1000)), 0);
	CHECK_EQ(failed(pwritev(file, none, 2, -1)), -EINVAL);
	CHECK_EQ(size_of(file), 100);
	CHECK_EQ(pipe(closed), 0);
	close(closed[IN]);
	CHECK_EQ(failed(writev(closed[OUT], none, 2)), 0);
	CHECK_EQ(failed(writev(open("/dev/full", O_WRONLY), none, 2)), 0);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = { CASE(allocation), CASE(copies), CASE(sent), CASE(spliced), CASE(empty_vectors), { NULL, NULL } };

	return check_main("transfers", cases, argc, argv);
}
