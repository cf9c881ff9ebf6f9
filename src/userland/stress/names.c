/* SPDX-License-Identifier: MIT */
/*
 * names: processes and threads that create, rename, link and remove names in the same directories. Names of one's own are there
 * when they should be; of those who want one name, by O_EXCL, mkdir or link, one gets it at a time; renamed tokens are neither
 * lost nor doubled; appended records all arrive whole; a listing shows each name that stays exactly once; a file that gets a second name
 * just as it loses its first one has one.
 */
#include "stress.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FOLDERS = 3, TOKENS = 6, STAYING = 20, LOCKS = 4, RECORD = 48, REPLACEMENTS = 250 };

static struct shared {
	_Atomic int inside[LOCKS];
	_Atomic uint64_t entered[LOCKS];
	uint64_t counted[LOCKS];	/* guarded by the name that is the lock */
	_Atomic uint64_t records;
	_Atomic int holders[2];		/* of the log's locks */
} *shared;

/* The name is the lock: who makes it is inside until he has removed it. */
static bool take_name(unsigned kind, const char *name, const char *own)
{
	int fd;

	switch (kind) {
	case 0:
		fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		EXPECT(fd >= 0 ? close(fd) == 0 : errno == EEXIST, "%s", name);
		return fd >= 0;
	case 1: fd = mkdir(name, 0700); break;
	case 2: fd = link(own, name); break;
	default: fd = symlink(own, name); break;
	}
	EXPECT(fd == 0 || errno == EEXIST, "%s", name);
	return fd == 0;
}

static void one_at_a_time(struct worker *worker, const char *own)
{
	unsigned kind = storm_pick(worker, LOCKS);
	char name[32];

	snprintf(name, sizeof name, "lock-%u", kind);
	if (!take_name(kind, name, own))
		return;
	EXPECT(shared->inside[kind]++ == 0, "two have made %s", name);
	shared->counted[kind]++;
	if (storm_pick(worker, 2))
		sched_yield();
	shared->entered[kind]++;
	EXPECT(shared->counted[kind] == shared->entered[kind], "%lu have entered, %lu were counted", (unsigned long)shared->entered[kind],
	       (unsigned long)shared->counted[kind]);
	shared->inside[kind]--;
	EXPECT((kind == 1 ? rmdir(name) : unlink(name)) == 0, "%s", name);
}

static void check_own(const char *name, uint64_t content, unsigned links)
{
	struct stat st;
	uint64_t found = 0;
	int fd = open(name, O_RDONLY | O_CLOEXEC);

	EXPECT(fd >= 0, "%s", name);
	EXPECT(read(fd, &found, sizeof found) == sizeof found && found == content, "%s holds %#lx, expected %#lx", name, (long)found, (long)content);
	EXPECT(fstat(fd, &st) == 0 && st.st_nlink == links, "%s has %u links, expected %u", name, (unsigned)st.st_nlink, links);
	close(fd);
}

/* Its life from the first name to the last, each step with what must be so then. */
static void live_of_a_file(struct worker *worker)
{
	char first[48], second[48], third[48];
	uint64_t content = storm_random(worker);
	struct stat st;
	int fd;

	snprintf(first, sizeof first, "d%u/first-%u", storm_pick(worker, FOLDERS), worker->index);
	snprintf(second, sizeof second, "d%u/second-%u", storm_pick(worker, FOLDERS), worker->index);
	snprintf(third, sizeof third, "d%u/third-%u", storm_pick(worker, FOLDERS), worker->index);
	EXPECT(stat(first, &st) == -1 && errno == ENOENT, "%s", first);
	fd = open(first, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	EXPECT(fd >= 0 && write(fd, &content, sizeof content) == sizeof content, "%s", first);
	EXPECT(close(fd) == 0 && link(first, second) == 0, "%s, %s", first, second);
	check_own(second, content, 2);
	EXPECT(rename(first, third) == 0, "%s, %s", first, third);
	EXPECT(stat(first, &st) == -1 && errno == ENOENT, "%s", first);
	check_own(third, content, 2);
	EXPECT(unlink(second) == 0 && access(second, F_OK) == -1 && errno == ENOENT, "%s", second);
	check_own(third, content, 1);
	EXPECT(unlink(third) == 0 && access(third, F_OK) == -1 && errno == ENOENT, "%s", third);
}

static void move_token(struct worker *worker)
{
	unsigned token = storm_pick(worker, TOKENS);
	char from[32], to[32];

	snprintf(from, sizeof from, "d%u/token-%u", storm_pick(worker, FOLDERS), token);
	snprintf(to, sizeof to, "d%u/token-%u", storm_pick(worker, FOLDERS), token);
	EXPECT(rename(from, to) == 0 || errno == ENOENT, "%s, %s", from, to);
}

static void append_record(struct worker *worker)
{
	char record[RECORD];
	int fd = open("log", O_WRONLY | O_APPEND | O_CLOEXEC);

	memset(record, 'a' + storm_pick(worker, 26), sizeof record);
	EXPECT(fd >= 0 && write(fd, record, sizeof record) == sizeof record && close(fd) == 0, "log");
	shared->records++;
}

static void list_folder(struct worker *worker)
{
	unsigned folder = storm_pick(worker, FOLDERS), seen[STAYING] = { 0 };
	struct dirent *entry;
	char name[16];
	DIR *stream;

	snprintf(name, sizeof name, "d%u", folder);
	stream = opendir(name);
	EXPECT(stream, "%s", name);
	while ((entry = readdir(stream))) {
		unsigned number;

		if (sscanf(entry->d_name, "stays-%u", &number) == 1)
			seen[number % STAYING]++;
	}
	closedir(stream);
	for (unsigned i = 0; i < STAYING; i++)
		EXPECT(seen[i] == 1, "%s/stays-%u was listed %u times", name, i, seen[i]);
}

/* By flock of a file opened anew, or by a record lock, which is the process's. */
static void lock_the_log(struct worker *worker)
{
	struct flock all = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open("log", O_RDWR | O_CLOEXEC);
	unsigned kind = storm_pick(worker, 2);

	EXPECT(fd >= 0 && (kind ? fcntl(fd, F_SETLKW, &all) : flock(fd, LOCK_EX)) == 0, "lock %u", kind);
	EXPECT(shared->holders[kind]++ == 0, "two hold the lock %u", kind);
	if (storm_pick(worker, 2))
		sched_yield();
	shared->holders[kind]--;
	EXPECT(close(fd) == 0, "close");
}

static void work(struct worker *worker)
{
	char own[32];
	int fd;

	snprintf(own, sizeof own, "own-%u", worker->index);
	fd = open(own, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	EXPECT(fd >= 0 && close(fd) == 0, "%s", own);
	while (storm_goes_on(worker)) {
		switch (storm_pick(worker, 8)) {
		case 0: live_of_a_file(worker); break;
		case 1:
		case 2: move_token(worker); break;
		case 3: append_record(worker); break;
		case 4: list_folder(worker); break;
		case 5: lock_the_log(worker); break;
		default: one_at_a_time(worker, own); break;
		}
	}
}

/* A name that one thread gives a second name, while another puts a fresh file in its place. */
struct replaced {
	char victim[32], fresh[32], kept[32];
	_Atomic unsigned ready, done;
};

static void meet(_Atomic unsigned *count, unsigned wanted)
{
	++*count;
	for (unsigned spins = 0; *count < wanted; spins++)
		if (spins % 1000 == 999)
			sched_yield();
}

static void *replace_victims(void *argument)
{
	struct replaced *replaced = argument;

	for (unsigned round = 1; round <= REPLACEMENTS; round++) {
		meet(&replaced->ready, 2 * round);
		EXPECT(rename(replaced->fresh, replaced->victim) == 0, "%s, %s", replaced->fresh, replaced->victim);
		meet(&replaced->done, 2 * round);
	}
	return NULL;
}

static void make_file(const char *name)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	EXPECT(fd >= 0 && close(fd) == 0, "%s", name);
}

/* Which file the second name leads to is open, but not how many names that file has. */
static void keep_replaced(struct worker *worker)
{
	struct replaced replaced = { .ready = 0 };
	pthread_t thread;

	snprintf(replaced.victim, sizeof replaced.victim, "d0/victim-%u", worker->index);
	snprintf(replaced.fresh, sizeof replaced.fresh, "d0/fresh-%u", worker->index);
	snprintf(replaced.kept, sizeof replaced.kept, "d1/kept-%u", worker->index);
	make_file(replaced.victim);
	make_file(replaced.fresh);
	thread = storm_thread(replace_victims, &replaced);
	for (unsigned round = 1; round <= REPLACEMENTS; round++) {
		struct stat victim, kept;
		bool linked;

		storm_advance(worker);
		meet(&replaced.ready, 2 * round);
		linked = link(replaced.victim, replaced.kept) == 0;
		EXPECT(linked || errno == ENOENT, "%s, %s", replaced.victim, replaced.kept);	/* it has just lost its last name */
		meet(&replaced.done, 2 * round);
		if (round < REPLACEMENTS)
			make_file(replaced.fresh);
		if (!linked)
			continue;
		EXPECT(stat(replaced.victim, &victim) == 0 && stat(replaced.kept, &kept) == 0, "%s", replaced.kept);
		EXPECT(kept.st_nlink == (kept.st_ino == victim.st_ino ? 2 : 1), "%s has %u links in round %u", replaced.kept,
		       (unsigned)kept.st_nlink, round);
		EXPECT(unlink(replaced.kept) == 0, "%s", replaced.kept);
	}
	pthread_join(thread, NULL);
	EXPECT(unlink(replaced.victim) == 0, "%s", replaced.victim);
}

static void *work_beside(void *argument)
{
	struct worker *worker = argument;

	for (int i = 0; i < 20 && !storm_state->stop; i++)
		live_of_a_file(worker);
	return NULL;
}

/* Every other process has a second thread at times. */
static void work_in_threads(struct worker *worker)
{
	struct worker beside = { .index = worker->index + STORM_WORKERS_MAX, .random = storm_random(worker) | 1 };
	pthread_t thread;

	keep_replaced(worker);
	thread = storm_thread(work_beside, &beside);
	work(worker);
	pthread_join(thread, NULL);
}

static void prepare(void)
{
	char name[32];
	int fd;

	shared = storm_shared(sizeof *shared);
	for (unsigned folder = 0; folder < FOLDERS; folder++) {
		snprintf(name, sizeof name, "d%u", folder);
		EXPECT(mkdir(name, 0700) == 0, "%s", name);
		for (unsigned i = 0; i < STAYING + TOKENS; i++) {
			if (i >= STAYING && folder)
				break;
			snprintf(name, sizeof name, i < STAYING ? "d%u/stays-%u" : "d%u/token-%u", folder, i < STAYING ? i : i - STAYING);
			fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
			EXPECT(fd >= 0 && close(fd) == 0, "%s", name);
		}
	}
	fd = open("log", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	EXPECT(fd >= 0 && close(fd) == 0, "log");
}

static void check_tokens(void)
{
	char name[32];

	for (unsigned token = 0; token < TOKENS; token++) {
		unsigned found = 0;

		for (unsigned folder = 0; folder < FOLDERS; folder++) {
			snprintf(name, sizeof name, "d%u/token-%u", folder, token);
			found += access(name, F_OK) == 0;
		}
		EXPECT(found == 1, "token %u is in %u places", token, found);
	}
}

static void check_log(void)
{
	char record[RECORD];
	uint64_t count = 0;
	int fd = open("log", O_RDONLY | O_CLOEXEC);
	ssize_t got;

	while ((got = read(fd, record, sizeof record)) == sizeof record) {
		count++;
		for (unsigned i = 1; i < sizeof record; i++)
			EXPECT(record[i] == record[0], "record %lu of the log is mixed", (unsigned long)count);
	}
	EXPECT(got == 0 && count == shared->records, "%lu records of %lu are in the log", (unsigned long)count, (unsigned long)shared->records);
	close(fd);
}

static void run(unsigned workers)
{
	prepare();
	storm_processes(workers, work_in_threads);
	check_tokens();
	check_log();
}

const struct storm names_storm = { "names", "names made, moved and removed in the same directories", run, NULL };
