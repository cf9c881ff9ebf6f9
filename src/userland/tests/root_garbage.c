/* SPDX-License-Identifier: MIT */
/*
 * Asks the server of the file system of TMPDIR as much as it can, and believes nothing: ROUNDS=N random operations (SEED=N) of which each may fail or return
 * nonsense, since the server lies. All that is looked at is that each one comes to an end, and that no descriptors are left.
 */
#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

enum { NAMES = 24, PAGE = 4096, ENTRIES_MAX = 64, DROP_EVERY = 48, ANEW_EVERY = 512 };

static uint64_t state;
static sigjmp_buf after_fault;
static uint8_t bytes[8 * PAGE];

static unsigned draw(unsigned limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)((state * 0x2545f4914f6cdd1dull >> 33) % limit);
}

static void on_fault(int number)
{
	siglongjmp(after_fault, number);
}

static void use_file(int folder, const char *name)
{
	int fd = openat(folder, name, O_RDWR | (draw(2) ? O_CREAT : 0) | (draw(8) ? 0 : O_TRUNC) | O_NONBLOCK, 0644);
	uint8_t *map;

	if (fd < 0)
		return;
	for (unsigned i = draw(4); i > 0; i--) {
		off_t place = (off_t)draw(64) * 1024;

		if (draw(2))
			pwrite(fd, bytes, draw(sizeof bytes), place);
		else
			pread(fd, bytes, draw(sizeof bytes), place);
	}
	if (!draw(4))
		ftruncate(fd, (off_t)draw(100000));
	map = draw(4) ? MAP_FAILED : mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map != MAP_FAILED) {
		if (!sigsetjmp(after_fault, 1))
			map[draw(PAGE)]++;
		munmap(map, PAGE);
	}
	if (!draw(3))
		fsync(fd);
	close(fd);
}

static void list(int folder, const char *name)
{
	int fd = openat(folder, name, O_RDONLY | O_DIRECTORY);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);

	for (unsigned i = 0; directory && i < ENTRIES_MAX && readdir(directory); i++)
		;
	if (directory)
		closedir(directory);
	else if (fd >= 0)
		close(fd);
}

static void one(int folder)
{
	char name[16], other[16], text[256];
	struct stat info;

	snprintf(name, sizeof name, "n%u", draw(NAMES));
	snprintf(other, sizeof other, "n%u", draw(NAMES));
	switch (draw(16)) {
	case 0: mkdirat(folder, name, 0755); break;
	case 1: unlinkat(folder, name, AT_REMOVEDIR); break;
	case 2: unlinkat(folder, name, 0); break;
	case 3: renameat(folder, name, folder, other); break;
	case 4: linkat(folder, name, folder, other, 0); break;
	case 5: symlinkat("n1", folder, name); break;
	case 6: readlinkat(folder, name, text, sizeof text); break;
	case 7: fchmodat(folder, name, 0700 | draw(64), 0); break;
	case 8: utimensat(folder, name, NULL, 0); break;
	case 9: list(folder, "."); break;
	case 10: list(folder, name); break;
	case 11: case 12: fstatat(folder, name, &info, 0); break;
	default: use_file(folder, name);
	}
}

static void drop_caches(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);

	if (fd >= 0) {
		write(fd, "3\n", 2);
		close(fd);
	}
}

int main(void)
{
	const char *rounds = getenv("ROUNDS"), *seed = getenv("SEED"), *place = getenv("TMPDIR");
	struct sigaction action = { .sa_handler = on_fault, .sa_flags = SA_NODEFER };
	unsigned long count = rounds ? strtoul(rounds, NULL, 10) : 1000, done;
	struct statfs statistics;
	int folder = -1, last;

	state = ((seed ? strtoul(seed, NULL, 10) : (unsigned long)check_now()) + 1) * 0x9e3779b97f4a7c15ull;
	sigaction(SIGBUS, &action, NULL);
	mlockall(MCL_CURRENT | MCL_FUTURE);
	for (done = 0; done < count; done++) {
		if (folder < 0 || done % ANEW_EVERY == 0) {
			char name[32];

			snprintf(name, sizeof name, "garbage-%s-%lu", seed ? seed : "", done);
			if (folder >= 0)
				close(folder);
			chdir(place ? place : "/");
			mkdir(name, 0755);
			folder = open(name, O_RDONLY | O_DIRECTORY);
			if (folder < 0)
				folder = open(place ? place : "/", O_RDONLY | O_DIRECTORY);
		}
		one(folder);
		if (done % DROP_EVERY == 0) {
			statfs("/", &statistics);
			drop_caches();
		}
	}
	last = open("/dev/null", O_RDONLY);
	printf("%lu operations, the next descriptor is %d\n", done, last);
	return last > 4;
}
