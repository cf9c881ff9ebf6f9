/* SPDX-License-Identifier: MIT */
/*
 * Makes files, changes, renames and removes them, and writes down each time that fsync says it is on the disk: a block of the file "acks" for each, so that
 * the disk's own log tells what must be there after which write (ci/lib/synced.py reads both). Among it work that nobody has synced. What is
 * made stays in $TMPDIR/synced. SEED=N ROUNDS=N (default 150).
 *
 * An acknowledgement is "RAEEN-ACK NUMBER KIND NAME VALUE". Kinds: size (an appended file has so many bytes at least), version (a replaced file is
 * this one or a later one, and whole), there (a file that never changes), going (it may be removed), gone, page (VALUE is page << 32 | version),
 * moving (a directory with a file goes to place-VALUE), moved (it is there).
 */
#include "check.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 4096, ACKS = 1024, APPENDED = 3, REPLACED = 3, STEADY = 40, PAGES = 32, NOISE = 12, APPEND_MAX = 200000 };
enum { PLACES = 3, MOVERS = 4, MOVED_LENGTH = 3000 };
enum { NEVER, THERE, GONE };

static uint8_t ack[PAGE] __attribute__((aligned(PAGE))), page[PAGE] __attribute__((aligned(PAGE))), bytes[20000];
static int acks, folder, mapped, places[PLACES];
static uint8_t *map;
static uint64_t state, appended[APPENDED];
static uint32_t replaced[REPLACED], versions[PAGES];
static int steady[STEADY];
static unsigned movers[MOVERS];	/* where they are */
static unsigned ack_count;

static void must(int right, const char *what)
{
	int error = errno;

	if (CHECK(right))
		return;
	printf("%s: %s\n", what, strerror(error));
	_exit(1);
}

static uint64_t draw(uint64_t limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state * 0x2545f4914f6cdd1dull >> 16) % limit;
}

/* The byte at @at of what is called @name in its version @version: synced.py has the same. */
static uint8_t byte_of(const char *name, uint32_t version, uint64_t at)
{
	uint32_t sum = version * 101;

	for (; *name; name++)
		sum = sum * 31 + (uint8_t)*name;
	return (uint8_t)(sum + at * 7 + (at >> 8) * 3);
}

static void fill(uint8_t *out, size_t length, const char *name, uint32_t version, uint64_t from)
{
	for (size_t i = 0; i < length; i++)
		out[i] = byte_of(name, version, from + i);
}

static void acknowledge(const char *kind, const char *name, uint64_t value)
{
	if (ack_count == ACKS)
		return;
	memset(ack, 0, sizeof ack);
	snprintf((char *)ack, sizeof ack, "RAEEN-ACK %u %s %s %llu\n", ack_count, kind, name, (unsigned long long)value);
	must(pwrite(acks, ack, PAGE, (off_t)ack_count++ * PAGE) == PAGE && fdatasync(acks) == 0, "an acknowledgement");
}

static void name_mover(char *text, size_t size, unsigned place, unsigned which, const char *inside)
{
	snprintf(text, size, "place-%u/mover-%u%s", place, which, inside);
}

/* Directories with a directory and a file, which go from place to place. */
static void make_movers(void)
{
	char name[64];
	int fd;

	for (unsigned i = 0; i < PLACES; i++) {
		snprintf(name, sizeof name, "place-%u", i);
		must(mkdir(name, 0755) == 0 && (places[i] = open(name, O_RDONLY)) >= 0, name);
	}
	for (unsigned i = 0; i < MOVERS; i++) {
		movers[i] = i % PLACES;
		name_mover(name, sizeof name, movers[i], i, "");
		must(mkdir(name, 0755) == 0, name);
		name_mover(name, sizeof name, movers[i], i, "/below");
		must(mkdir(name, 0755) == 0, name);
		name_mover(name, sizeof name, movers[i], i, "/below/file");
		fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0644);
		snprintf(name, sizeof name, "mover-%u", i);
		fill(bytes, MOVED_LENGTH, name, 0, 0);
		must(fd >= 0 && write(fd, bytes, MOVED_LENGTH) == MOVED_LENGTH && close(fd) == 0, name);
	}
}

static void begin(void)
{
	const char *text = getenv("SEED");
	unsigned long seed = text ? strtoul(text, NULL, 10) : (unsigned long)check_now();

	printf("SEED=%lu\n", seed);
	state = (seed + 1) * 0x9e3779b97f4a7c15ull;
	must(chdir(getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp") == 0, "the place");
	must(mkdir("synced", 0755) == 0 && chdir("synced") == 0, "the folder");
	must((folder = open(".", O_RDONLY)) >= 0, "the folder");
	must((acks = open("acks", O_RDWR | O_CREAT | O_EXCL, 0644)) >= 0, "the acknowledgements");
	for (unsigned i = 0; i < ACKS; i++)
		must(pwrite(acks, page, PAGE, (off_t)i * PAGE) == PAGE, "their file");
	must((mapped = open("mapped", O_RDWR | O_CREAT | O_EXCL, 0644)) >= 0, "the mapped file");
	for (unsigned i = 0; i < PAGES; i++)
		must(pwrite(mapped, page, PAGE, (off_t)i * PAGE) == PAGE, "its pages");
	map = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, mapped, 0);
	must(map != MAP_FAILED, "the mapping");
	make_movers();
	sync();
	/* Straight to the disk, so that an acknowledgement begins no group of commits. Where there is no such thing, it is merely slower. */
	fcntl(acks, F_SETFL, O_DIRECT);
	acknowledge("begin", "-", 0);
	for (unsigned i = 0; i < MOVERS; i++) {
		char name[32];

		snprintf(name, sizeof name, "mover-%u", i);
		acknowledge("moved", name, movers[i]);
	}
}

static void append(void)
{
	unsigned which = (unsigned)draw(APPENDED);
	size_t length = 1 + draw(9000);
	char name[32];
	int fd;

	if (appended[which] + length > APPEND_MAX)
		return;
	snprintf(name, sizeof name, "appended-%u", which);
	fd = open(name, O_WRONLY | O_CREAT | O_APPEND, 0644);
	fill(bytes, length, name, 0, appended[which]);
	must(fd >= 0 && write(fd, bytes, length) == (ssize_t)length, name);
	must((draw(2) ? fsync : fdatasync)(fd) == 0 && close(fd) == 0, name);
	/* The name, too. */
	if (!appended[which])
		must(fsync(folder) == 0, name);
	appended[which] += length;
	acknowledge("size", name, appended[which]);
}

static void replace(void)
{
	unsigned which = (unsigned)draw(REPLACED);
	uint32_t version = ++replaced[which];
	size_t length = 100 + draw(sizeof bytes - 100);
	char name[32];
	int fd, head;

	snprintf(name, sizeof name, "replaced-%u", which);
	fd = open("new", O_WRONLY | O_CREAT | O_TRUNC, 0644);
	fill(bytes, length, name, version, 0);
	head = snprintf((char *)bytes, sizeof bytes, "RAEEN-FILE %u %zu\n", version, length);
	bytes[head] = '\n';			/* where snprintf put its zero */
	must(fd >= 0 && write(fd, bytes, length) == (ssize_t)length && fsync(fd) == 0 && close(fd) == 0, name);
	must(rename("new", name) == 0 && fsync(folder) == 0, name);
	acknowledge("version", name, version);
}

static void make_steady(unsigned which, const char *name)
{
	size_t length = 1 + draw(sizeof bytes - 1);
	char inside[64];
	int fd, parent = folder;

	/* Each fourth is in a folder of its own. */
	snprintf(inside, sizeof inside, which % 4 ? "%s" : "%s/file", name);
	if (which % 4 == 0)
		must(mkdir(name, 0755) == 0 && (parent = open(name, O_RDONLY)) >= 0, name);
	fd = open(inside, O_WRONLY | O_CREAT | O_EXCL, 0644);
	fill(bytes, length, name, 0, 0);
	must(fd >= 0 && write(fd, bytes, length) == (ssize_t)length && fsync(fd) == 0 && close(fd) == 0, name);
	must(fsync(parent) == 0 && fsync(folder) == 0, name);
	if (parent != folder)
		close(parent);
	acknowledge("there", name, length);
}

static void come_or_go(void)
{
	unsigned which = (unsigned)draw(STEADY);
	char name[32], inside[64];

	snprintf(name, sizeof name, "steady-%u", which);
	snprintf(inside, sizeof inside, "%s/file", name);
	if (steady[which] == NEVER)
		make_steady(which, name);
	if (steady[which] == THERE) {
		acknowledge("going", name, 0);
		must(which % 4 ? unlink(name) == 0 : unlink(inside) == 0 && rmdir(name) == 0, name);
		must(fsync(folder) == 0, name);
		acknowledge("gone", name, 0);
	}
	if (steady[which] != GONE)
		steady[which]++;
}

/* By a store, by write, and by a write past the cache. */
static void change_page(void)
{
	unsigned which = (unsigned)draw(PAGES), how = (unsigned)draw(3);
	uint32_t version = ++versions[which];
	int fd;

	fill(page, PAGE, "mapped", version, (uint64_t)which * PAGE);
	memcpy(page, &version, sizeof version);
	if (how == 0) {
		memcpy(map + which * PAGE, page, PAGE);
		must(msync(map + which * PAGE, PAGE, MS_SYNC) == 0, "msync");
	} else {
		fd = open("mapped", O_WRONLY | (how == 1 ? O_DIRECT : 0));
		if (fd < 0)
			fd = open("mapped", O_WRONLY);
		must(fd >= 0 && pwrite(fd, page, PAGE, (off_t)which * PAGE) == PAGE && fdatasync(fd) == 0 && close(fd) == 0, "a page");
	}
	acknowledge("page", "mapped", (uint64_t)which << 32 | version);
}

/* Each third time over an empty directory. */
static void move(void)
{
	unsigned which = (unsigned)draw(MOVERS), from = movers[which], to = (from + 1 + (unsigned)draw(PLACES - 1)) % PLACES;
	char name[32], old[64], new[64];

	snprintf(name, sizeof name, "mover-%u", which);
	name_mover(old, sizeof old, from, which, "");
	name_mover(new, sizeof new, to, which, "");
	if (draw(3) == 0)
		must(mkdir(new, 0755) == 0, new);
	acknowledge("moving", name, to);
	must(rename(old, new) == 0 && fsync(places[from]) == 0 && fsync(places[to]) == 0, new);
	movers[which] = to;
	acknowledge("moved", name, to);
}

/* What may be lost, and may not harm the rest. */
static void make_noise(void)
{
	size_t length = 1 + draw(sizeof bytes - 1);
	char name[32], other[32];
	int fd;

	snprintf(name, sizeof name, "noise-%u", (unsigned)draw(NOISE));
	snprintf(other, sizeof other, "noise-%u", (unsigned)draw(NOISE));
	switch (draw(4)) {
	case 0:
		unlink(name);
		break;
	case 1:
		rename(name, other);
		break;
	case 2:
		truncate(name, (off_t)draw(30000));
		break;
	default:
		fd = open(name, O_WRONLY | O_CREAT, 0644);
		memset(bytes, 'n', length);
		must(fd >= 0 && pwrite(fd, bytes, length, (off_t)draw(100000)) == (ssize_t)length && close(fd) == 0, name);
	}
}

static void synced(void)
{
	const char *text = getenv("ROUNDS");

	begin();
	for (long left = text ? atol(text) : 150; left > 0; left--) {
		switch (draw(8)) {
		case 0:
		case 1:
			append();
			break;
		case 2:
			replace();
			break;
		case 3:
			come_or_go();
			break;
		case 4:
			change_page();
			break;
		case 5:
			move();
			break;
		default:
			make_noise();
		}
	}
	must(munmap(map, PAGES * PAGE) == 0, "munmap");
	printf("%u acknowledgements\n", ack_count);
}

static const struct check_case cases[] = {
	CASE(synced),
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	return check_main("root_synced", cases, argc, argv);
}
