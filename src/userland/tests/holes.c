/* SPDX-License-Identifier: MIT */
/*
 * Holes in files of a tmpfs, in memfds and in shared memory: fallocate's FALLOC_FL_PUNCH_HOLE, madvise's MADV_REMOVE, and finding them (SEEK_HOLE, SEEK_DATA);
 * what mappings see of them, also at the same time; who may not make any.
 */
#include "check.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES = 8, HOLE = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FUTURE_WRITE = 0x10, ROUNDS = 3000, BLOCKS = PAGE / 512 };

/* A file of a tmpfs, which has no name any more by the end of the case. */
static int tmpfs_file(void)
{
	int fd;

	CHECK_EQ(mkdir("t", 0755), 0);
	CHECK_EQ(mount("none", "t", "tmpfs", 0, "size=1m"), 0);
	fd = open("t/file", O_RDWR | O_CREAT, 0644);
	CHECK(fd >= 0);
	CHECK_EQ(umount2("t", MNT_DETACH), 0);
	return fd;
}

static void fill(int fd)
{
	char page[PAGE];

	for (int i = 0; i < PAGES; i++) {
		memset(page, 'a' + i, PAGE);
		CHECK_EQ(pwrite(fd, page, PAGE, (off_t)i * PAGE), PAGE);
	}
}

static long blocks(int fd)
{
	struct stat stat;

	return fstat(fd, &stat) ? -1 : (long)stat.st_blocks;
}

static char at(int fd, off_t pos)
{
	char byte = '?';

	CHECK_EQ(pread(fd, &byte, 1, pos), 1);
	return byte;
}

static void look_in_child(void *shared)
{
	CHECK_EQ(((volatile char *)shared)[2 * PAGE], 0);
	CHECK_EQ(((volatile char *)shared)[PAGE - 1], 'a');
	((volatile char *)shared)[2 * PAGE] = 'C';
}

/* [half of page 0, half of page 4) goes. */
static void punch(int fd)
{
	volatile char *shared = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	volatile char *private;

	fill(fd);
	private = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	private[2 * PAGE] = 'P';
	CHECK_EQ(private[3 * PAGE] + shared[3 * PAGE], 2 * 'd');
	CHECK_EQ(blocks(fd), PAGES * BLOCKS);
	CHECK_EQ(fallocate(fd, HOLE, PAGE / 2, 4 * PAGE), 0);
	CHECK_EQ(lseek(fd, 0, SEEK_END), PAGES * PAGE);
	CHECK_EQ(blocks(fd), (PAGES - 3) * BLOCKS);
	CHECK_EQ(at(fd, PAGE / 2 - 1), 'a');
	CHECK_EQ(at(fd, PAGE / 2), 0);
	CHECK_EQ(at(fd, 2 * PAGE), 0);
	CHECK_EQ(at(fd, 4 * PAGE + PAGE / 2 - 1), 0);
	CHECK_EQ(at(fd, 4 * PAGE + PAGE / 2), 'e');
	CHECK_EQ(lseek(fd, 0, SEEK_HOLE), PAGE);
	CHECK_EQ(lseek(fd, PAGE + 7, SEEK_DATA), 4 * PAGE);
	CHECK_EQ(lseek(fd, 4 * PAGE + 7, SEEK_HOLE), PAGES * PAGE);
	CHECK_EQ(shared[PAGE / 2 - 1], 'a');
	CHECK_EQ(shared[PAGE / 2] | shared[PAGE] | shared[3 * PAGE] | shared[4 * PAGE], 0);
	/* What a private mapping has copied is its own. */
	CHECK_EQ(private[2 * PAGE], 'P');
	CHECK_EQ(private[3 * PAGE], 0);
	CHECK_EQ(private[PAGE - 1], 0);
	/* What is stored there is data again, for all. */
	shared[2 * PAGE] = 'S';
	CHECK_EQ(at(fd, 2 * PAGE), 'S');
	CHECK_EQ(lseek(fd, 2 * PAGE, SEEK_DATA), 2 * PAGE);
	CHECK_EQ(fallocate(fd, HOLE, 2 * PAGE, PAGE), 0);
	CHECK_EQ(shared[2 * PAGE], 0);
	CHECK_EQ(fallocate(fd, HOLE, 0, 100 * PAGE), 0);
	CHECK_EQ(lseek(fd, 0, SEEK_END), PAGES * PAGE);
	CHECK_EQ(shared[0] | shared[7 * PAGE], 0);
	CHECK_EQ(fallocate(fd, HOLE, 50 * PAGE, PAGE), 0);
	fill(fd);
	CHECK_EQ(fallocate(fd, HOLE, PAGE, 3 * PAGE), 0);
	CHECK_EQ(check_child(look_in_child, (void *)shared), 0);
	CHECK_EQ(shared[2 * PAGE], 'C');
	munmap((void *)shared, PAGES * PAGE);
	munmap((void *)private, PAGES * PAGE);
	close(fd);
}

static void punch_tmpfs(void)
{
	punch(tmpfs_file());
}

static void punch_memfd(void)
{
	punch(memfd_create("holes", 0));
}

static void seek(void)
{
	int fd = tmpfs_file();

	CHECK_EQ(ftruncate(fd, 10 * PAGE + 100), 0);
	CHECK_EQ(lseek(fd, 0, SEEK_HOLE), 0);
	CHECK_ERR(lseek(fd, 0, SEEK_DATA), ENXIO);
	CHECK_EQ(pwrite(fd, "x", 1, 5 * PAGE + 9), 1);
	CHECK_EQ(lseek(fd, 0, SEEK_DATA), 5 * PAGE);
	CHECK_EQ(lseek(fd, 5 * PAGE + 1, SEEK_DATA), 5 * PAGE + 1);
	CHECK_EQ(lseek(fd, 5 * PAGE, SEEK_HOLE), 6 * PAGE);
	CHECK_EQ(lseek(fd, 6 * PAGE + 1, SEEK_HOLE), 6 * PAGE + 1);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 6 * PAGE + 1);
	CHECK_ERR(lseek(fd, 6 * PAGE, SEEK_DATA), ENXIO);
	CHECK_EQ(pwrite(fd, "x", 1, 10 * PAGE), 1);
	CHECK_EQ(lseek(fd, 10 * PAGE + 1, SEEK_HOLE), 10 * PAGE + 100);
	CHECK_ERR(lseek(fd, 10 * PAGE + 100, SEEK_HOLE), ENXIO);
	CHECK_ERR(lseek(fd, -1, SEEK_HOLE), ENXIO);
	close(fd);
}

static void refusals(void)
{
	int fd = memfd_create("holes", MFD_ALLOW_SEALING), other = memfd_create("holes", MFD_ALLOW_SEALING), pipes[2], only_read;
	char *mapped;
	char path[32];

	fill(fd);
	CHECK_ERR(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, PAGE), EOPNOTSUPP);
	CHECK_ERR(fallocate(fd, HOLE, 0, 0), EINVAL);
	CHECK_ERR(fallocate(fd, HOLE, -1, PAGE), EINVAL);
	CHECK_EQ(pipe(pipes), 0);
	CHECK_ERR(fallocate(pipes[1], HOLE, 0, PAGE), ESPIPE);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	only_read = open(path, O_RDONLY);
	CHECK_ERR(fallocate(only_read, HOLE, 0, PAGE), EBADF);
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	CHECK_ERR(fallocate(fd, HOLE, 0, PAGE), EPERM);
	CHECK_EQ(at(fd, 0), 'a');
	fill(other);
	mapped = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, other, 0);
	CHECK_EQ(fcntl(other, F_ADD_SEALS, FUTURE_WRITE), 0);
	CHECK_ERR(fallocate(other, HOLE, 0, PAGE), EPERM);
	CHECK_ERR(madvise(mapped, PAGE, MADV_REMOVE), EPERM);
	CHECK_EQ(mapped[0], 'a');
	/* A smaller file is another thing. */
	CHECK_EQ(fcntl(other, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	CHECK_ERR(ftruncate(other, 0), EPERM);
}

static void remove_by_advice(void)
{
	int fd = tmpfs_file();
	char *shared = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), *file, *private, *readable;
	char path[32];

	memset(shared, 's', 4 * PAGE);
	CHECK_EQ(madvise(shared + PAGE, 2 * PAGE, MADV_REMOVE), 0);
	CHECK_EQ(shared[0], 's');
	CHECK_EQ(shared[PAGE] | shared[3 * PAGE - 1], 0);
	CHECK_EQ(shared[3 * PAGE], 's');
	fill(fd);
	file = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 2 * PAGE);
	CHECK_EQ(file[0], 'c');
	CHECK_EQ(madvise(file + PAGE, PAGE, MADV_REMOVE), 0);
	CHECK_EQ(at(fd, 3 * PAGE - 1), 'c');
	CHECK_EQ(at(fd, 3 * PAGE), 0);
	CHECK_EQ(at(fd, 4 * PAGE), 'e');
	CHECK_EQ(file[PAGE], 0);
	private = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK_ERR(madvise(private, PAGE, MADV_REMOVE), EACCES);
	/* What may become writable may be removed. */
	readable = mmap(NULL, 4 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	CHECK_EQ(madvise(readable, PAGE, MADV_REMOVE), 0);
	CHECK_EQ(at(fd, 0), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	readable = mmap(NULL, 4 * PAGE, PROT_READ, MAP_SHARED, open(path, O_RDONLY), 0);
	CHECK_ERR(madvise(readable, PAGE, MADV_REMOVE), EACCES);
	private = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK_ERR(madvise(private, PAGE, MADV_REMOVE), EINVAL);
	CHECK_ERR(madvise(file + 1, PAGE, MADV_REMOVE), EINVAL);
	CHECK_EQ(mlock(file, PAGE), 0);
	CHECK_ERR(madvise(file, PAGE, MADV_REMOVE), EINVAL);
	CHECK_EQ(munlock(file, PAGE), 0);
	/* What is there of the range is done. */
	CHECK_EQ(munmap(shared + PAGE, PAGE), 0);
	memset(shared + 2 * PAGE, 't', 2 * PAGE);
	CHECK_ERR(madvise(shared, 4 * PAGE, MADV_REMOVE), ENOMEM);
	CHECK_EQ(shared[0] | shared[3 * PAGE], 0);
}

/* ---- At the same time ---- */

static volatile char *raced;
static volatile int over;
static int raced_fd;

static void *store(void *unused)
{
	while (!over)
		for (int i = 0; i < PAGES; i++)
			raced[i * PAGE]++;
	return unused;
}

static void *punch_on(void *unused)
{
	for (int i = 0; i < ROUNDS; i++)
		if (i % 3 ? fallocate(raced_fd, HOLE, (i % PAGES) * PAGE, 2 * PAGE) : madvise((char *)raced + i % PAGES * PAGE, PAGE, MADV_REMOVE))
			return (void *)1;
	over = 1;
	return unused;
}

/* Whatever happens in between, mapping, file and other mappings are one in the end, and nothing is left over. */
static void at_once(void)
{
	pthread_t storing, punching;
	volatile char *other;
	void *failed;

	raced_fd = memfd_create("holes", 0);
	fill(raced_fd);
	raced = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, raced_fd, 0);
	other = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, raced_fd, 0);
	CHECK_EQ(pthread_create(&storing, NULL, store, NULL), 0);
	CHECK_EQ(pthread_create(&punching, NULL, punch_on, NULL), 0);
	for (int round = 0; !over && round < 1000000; round++) {
		char page[PAGE];

		memset(page, round, PAGE);
		pwrite(raced_fd, page, PAGE, round % PAGES * PAGE);
		other[round % PAGES * PAGE + 1] = 1;
	}
	pthread_join(punching, &failed);
	over = 1;
	pthread_join(storing, NULL);
	CHECK(!failed);
	for (int i = 0; i < PAGES; i++) {
		raced[i * PAGE] = 'A' + i;
		CHECK_EQ(at(raced_fd, i * PAGE), 'A' + i);
		CHECK_EQ(other[i * PAGE], 'A' + i);
	}
	CHECK_EQ(blocks(raced_fd), PAGES * BLOCKS);
	CHECK_EQ(fallocate(raced_fd, HOLE, 0, PAGES * PAGE), 0);
	CHECK_EQ(blocks(raced_fd), 0);
}

static const struct check_case cases[] = {
	CASE(punch_tmpfs), CASE(punch_memfd), CASE(seek), CASE(refusals), CASE(remove_by_advice), CASE(at_once), { NULL, NULL },
};

int main(int argc, char **argv)
{
	return check_main("holes", cases, argc, argv);
}
