/* SPDX-License-Identifier: MIT */
/*
 * Each place in the kernel that allocates, made to fail in turn, while ordinary work is done (works.h). The debug kernel counts these places, sites, as they
 * are passed, and lets one fail on request (/proc/fail_alloc; src/kernel/debug/README.md). First every work runs as it is, to learn which sites it passes.
 * Then it runs once for each, which fails: the work may get errors, but must end, and must not get wrong results without an error; and afterwards the kernel
 * has as many objects and frames as before.
 *
 *	SEED=N		for what is chosen at random: which pass of a site fails first, and with SHARE which sites
 *	SHARE=N		only one site of N
 *	SITES=PATTERN	only those whose names match (fnmatch)
 *	WORKS=N		a site that more works pass fails for N of them only
 *	VERBOSE=1	a line for each run
 */
#include "check.h"
#include "group_threads.h"
#include "leak.h"
#include "works.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SITES_MAX = 1024, WORKS_MAX = 32, TIME_LIMIT_MS = 30000, FRAME_SLACK = 2, LARGE_SLACK = 24, PAGE_KIB = 4, PIDS_PER_CHUNK = 128, CHUNK_PAGES = 2 };

struct site {
	long passed, meant, failed;
	long by_work[WORKS_MAX];	/* passes by each work */
	char place[80];
};

/* Frames that the kernel has for itself: in large allocations, and those that no figure explains. */
struct own_frames { long large, other; };

static struct site sites[SITES_MAX + 1];	/* by number */
static long site_count, stock_frames;
static uint64_t seed, random_state;
static struct leak_mark objects;
static struct own_frames frames;
static long runs, reached, with_errors;

static unsigned long random_below(unsigned long limit)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (random_state >> 33) % limit;
}

/* What is chosen at random for a site depends on the seed and its name: numbers differ between boots. */
static void seed_for(const struct site *site, unsigned work)
{
	random_state = seed + work;
	for (const char *at = site->place; *at; at++)
		random_state = (random_state ^ (unsigned char)*at) * 1099511628211u;
	random_below(1);
}

static long from_environment(const char *name, long otherwise)
{
	const char *text = getenv(name);

	return text ? atol(text) : otherwise;
}

/* ---- The kernel's side ---- */

static void read_sites(void)
{
	FILE *file = fopen("/proc/fail_alloc", "r");
	long number, boot;
	struct site site;
	char line[256];

	if (!CHECK(file != NULL))
		_exit(1);
	CHECK(fgets(line, sizeof line, file) && sscanf(line, "site %*u group %*d skip %*u times %*u passes %*u stocks %ld", &stock_frames) == 1);
	while (fgets(line, sizeof line, file))
		if (sscanf(line, "%ld %ld %ld %ld %ld %79s", &number, &boot, &site.passed, &site.meant, &site.failed, site.place) == 6 &&
		    number <= SITES_MAX) {
			sites[number].passed = site.passed;
			sites[number].meant = site.meant;
			sites[number].failed = site.failed;
			strcpy(sites[number].place, site.place);
			site_count = number;
		}
	fclose(file);
}

/* From now on @site fails (0: none) for process group @group, after @skip passes, @times times (0: each time). */
static void plan(long site, int group, long skip, long times)
{
	char text[80];
	int fd = open("/proc/fail_alloc", O_WRONLY | O_CLOEXEC), len = snprintf(text, sizeof text, "%ld %d %ld %ld\n", site, group, skip, times);

	CHECK_EQ(write(fd, text, len), len);
	close(fd);
}

/* The pages of a line of /proc/meminfo. */
static long pages_of(const char *text, const char *name)
{
	const char *line = strstr(text, name);

	return line ? atol(line + strlen(name)) / PAGE_KIB : 0;
}

static void read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len, done = 0;

	while (fd >= 0 && (len = read(fd, text + done, size - 1 - done)) > 0)
		done += len;
	text[done] = 0;
	close(fd);
}

/* Frames of slabs of the caches, by /proc/slabinfo. */
static long slab_frames(const char *line)
{
	long per_slab, slabs, sum = 0;

	for (; line; line = strchr(line + 1, '\n'))
		if (sscanf(line, " %*s %*d %*d %*d %*d %ld : tunables %*d %*d %*d : slabdata %ld", &per_slab, &slabs) == 2)
			sum += per_slab * slabs;
	return sum;
}

/* After leak_mark() or leak_check(), which have emptied the caches. The kernel's table of process numbers grows as they are used. */
static struct own_frames count_frames(void)
{
	static char memory[4096], slabs[32768], load[128], disk[128];
	struct own_frames count;
	const char *last;
	long chunks;

	read_sites();
	read_text("/proc/meminfo", memory, sizeof memory);
	read_text("/proc/slabinfo", slabs, sizeof slabs);
	read_text("/proc/loadavg", load, sizeof load);
	read_text("/proc/disks/ram0/control", disk, sizeof disk);
	last = strrchr(load, ' ');
	chunks = last ? atol(last) / PIDS_PER_CHUNK + 1 : 0;
	count.large = pages_of(memory, "Slab:") - slab_frames(slabs) - chunks * CHUNK_PAGES;
	count.other = pages_of(memory, "MemTotal:") - pages_of(memory, "MemFree:") - pages_of(memory, "Slab:") - pages_of(memory, "\nCached:") -
		      pages_of(memory, "AnonPages:") - pages_of(memory, "PageTables:") - pages_of(memory, "KernelStack:") - stock_frames;
	if (!strncmp(disk, "frames ", 7))
		count.other -= atol(disk + 7);
	return count;
}

/* ---- One run of a work ---- */

/* In the child: says that it is ready, and waits until the parent has made its plan. */
static void do_work(const struct work *work, int ready, int go)
{
	char byte = 0;

	setpgid(0, 0);
	mkdir("work", 0700);
	if (chdir("work") || write(ready, &byte, 1) != 1 || read(go, &byte, 1) < 0)
		_exit(99);
	close(ready);
	close(go);
	_exit(work_run(work));
}

static int wait_for(pid_t pid, const char *what)
{
	long end = check_now() + TIME_LIMIT_MS;
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (check_now() < end) {
			check_sleep(1);
			continue;
		}
		printf("%s does not end:\n", what);
		CHECK(!"ended in time");
		group_threads_print(pid);
		kill(-pid, SIGKILL);
		waitpid(pid, &status, 0);
		return WORK_ERRORS;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : WORK_ERRORS;
}

/* Everything that came of @pid's work ends, and its files go. */
static void clean_after(pid_t pid)
{
	kill(-pid, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
	check_remove("work");
	check_remove("/root/works");
	works_clean();
}

/* Runs @work while @site fails; for @group, or the work's own if that is 0. Returns how it ended. */
static int run(const struct work *work, long site, int group, long skip, long times)
{
	char what[160], byte;
	int ready[2], go[2], end;
	pid_t pid;

	snprintf(what, sizeof what, "%s without %s (skip %ld, times %ld)", work->name, site ? sites[site].place : "failures", skip, times);
	CHECK_EQ(pipe2(ready, O_CLOEXEC), 0);
	CHECK_EQ(pipe2(go, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		close(ready[0]);
		close(go[1]);
		do_work(work, ready[1], go[0]);
	}
	CHECK(pid > 0);
	close(ready[1]);
	close(go[0]);
	CHECK_EQ(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	plan(site, group ? group : pid, skip, times);
	close(go[1]);
	end = wait_for(pid, what);
	plan(0, group ? group : pid, 0, 0);
	clean_after(pid);
	if (end != WORK_DONE && end != WORK_ERRORS) {
		printf("%s ended with %d\n", what, end);
		CHECK(end == WORK_DONE || end == WORK_ERRORS);
	}
	return end;
}

/* ---- All of them ---- */

static void mark(void)
{
	leak_mark(&objects);
	frames = count_frames();
}

/* Is as much in use as at the mark? Else a new one is made, so that each leak is told of once. */
static void check_leaks(const char *what)
{
	struct own_frames now;
	int kept = leak_check(&objects, what);

	now = count_frames();
	kept &= CHECK(now.other <= frames.other + FRAME_SLACK);
	kept &= CHECK(now.large <= frames.large + LARGE_SLACK);
	if (kept)
		return;
	printf("after %s: %ld and %ld frames before, %ld and %ld now\n", what, frames.large, frames.other, now.large, now.other);
	mark();
}

/* Without failures a work must succeed. The first run is for what stays for good. */
static void learn(void)
{
	static long before[SITES_MAX + 1];

	for (unsigned work = 0; work < work_count; work++) {
		run(&works[work], 0, 0, 0, 0);
		leak_mark(&objects);	/* empties the caches, as after each run later */
		read_sites();
		for (long site = 1; site <= site_count; site++)
			before[site] = sites[site].meant;
		if (run(&works[work], 0, 0, 0, 0) != WORK_DONE) {
			printf("%s fails as it is\n", works[work].name);
			CHECK(!"a work succeeds");
		}
		read_sites();
		for (long site = 1; site <= site_count; site++)
			sites[site].by_work[work] = sites[site].meant - before[site];
	}
	mark();
}

/* One work, one site, which fails from the first pass of the work on or a later one. */
static void attempt(unsigned work, long site, int group, long times)
{
	long failed = sites[site].failed, passes = sites[site].by_work[work], skip = 0;
	char what[200];
	int end;

	seed_for(&sites[site], work);
	if (passes && random_below(2))
		skip = random_below(passes);
	end = run(&works[work], site, group, skip, times);

	snprintf(what, sizeof what, "%s without %s (skip %ld, times %ld)", works[work].name, sites[site].place, skip, times);
	check_leaks(what);
	runs++;
	if (sites[site].failed == failed)
		return;
	reached++;
	with_errors += end != WORK_DONE;
	if (getenv("VERBOSE"))
		printf("%s: %s\n", what, end == WORK_DONE ? "no error" : "errors");
}

static bool is_wanted(long site)
{
	const char *pattern = getenv("SITES");

	if (pattern)
		return fnmatch(pattern, sites[site].place, 0) == 0;
	seed_for(&sites[site], work_count);
	return random_below(from_environment("SHARE", 1)) == 0;
}

static void begin(void)
{
	seed = from_environment("SEED", getpid());
	printf("SEED=%lu SHARE=%ld\n", (unsigned long)seed, from_environment("SHARE", 1));
	CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	learn();
}

static void finish(void)
{
	printf("%ld sites; %ld runs, in %ld of them the site failed, %ld times with errors for the program\n", site_count, runs, reached, with_errors);
	CHECK(!runs || reached);
}

/* @site fails, @times times (0: each time), for some of the works that pass it, @most of them. */
static void attempt_works(long site, unsigned most, long times)
{
	unsigned chosen[WORKS_MAX], count = 0;

	for (unsigned work = 0; work < work_count; work++)
		if (sites[site].by_work[work])
			chosen[count++] = work;
	seed_for(&sites[site], 0);
	for (; count > most; chosen[random_below(count)] = chosen[count - 1], count--)
		;
	for (unsigned i = 0; i < count; i++)
		attempt(chosen[i], site, 0, times);
}

/* Each site fails once: for each work that passes it. */
static void once(void)
{
	begin();
	for (long site = 1; site <= site_count; site++)
		if (is_wanted(site))
			attempt_works(site, from_environment("WORKS", WORKS_MAX), 1);
	finish();
}

/* Each site fails from some pass on: for one of the works that pass it. */
static void each_time(void)
{
	begin();
	for (long site = 1; site <= site_count; site++)
		if (is_wanted(site))
			attempt_works(site, 1, 0);
	finish();
}

/* Sites that only others pass, servers and the kernel's own threads: they fail for everybody but these programs. */
static void others(void)
{
	static long before[SITES_MAX + 1];
	static const char *const names[] = { "root", "shell" };

	begin();
	for (long site = 1; site <= site_count; site++)
		before[site] = sites[site].passed;
	for (unsigned i = 0; i < 2; i++)
		for (unsigned work = 0; work < work_count; work++)
			if (!strcmp(works[work].name, names[i]))
				run(&works[work], 0, 0, 0, 0);
	read_sites();
	for (long site = 1; site <= site_count; site++) {
		bool own = sites[site].passed == before[site];

		for (unsigned work = 0; work < work_count && !own; work++)
			own = sites[site].by_work[work];
		for (unsigned work = 0; work < work_count && !own && is_wanted(site); work++)
			if (!strcmp(works[work].name, "root"))
				attempt(work, site, -getpgrp(), 1);
	}
	finish();
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = { CASE(once), CASE(each_time), CASE(others), { NULL, NULL } };

	if (access("/proc/fail_alloc", F_OK)) {
		printf("ok alloc_failures: skipped, as this is no debug kernel\n");
		return 0;
	}
	return check_main("alloc_failures", cases, argc, argv);
}
