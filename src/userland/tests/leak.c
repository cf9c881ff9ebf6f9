/* SPDX-License-Identifier: MIT */
/* Counting the kernel's objects; see leak.h. */
#include "leak.h"
#include "check.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Frames that stocks of page tables and kernel stacks may hold more than before. */
enum { FRAME_SLACK = 96, NODE_SLACK = 64, QUESTIONS_KEPT = 8, PATIENCE_MS = 8000, PAGE_KIB = 4 };

static void drop_caches(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);

	CHECK_EQ(write(fd, "3", 1), 1);
	close(fd);
}

/* Ports that are free are kept for the next ones: those in use count. */
static void count_ports(struct leak_mark *mark, unsigned cache)
{
	FILE *file = fopen("/proc/ports", "r");
	char line[256];

	mark->caches[cache].used = 0;
	while (file && fgets(line, sizeof line, file))
		mark->caches[cache].used++;
	if (file)
		fclose(file);
}

static void count_objects(struct leak_mark *mark)
{
	FILE *file = fopen("/proc/slabinfo", "r");
	char line[256];

	mark->count = 0;
	if (!CHECK(file != NULL))
		return;
	while (mark->count < LEAK_CACHES && fgets(line, sizeof line, file))
		if (sscanf(line, "%23s %ld", mark->caches[mark->count].name, &mark->caches[mark->count].used) == 2)
			mark->count++;
	fclose(file);
	for (unsigned i = 0; i < mark->count; i++)
		if (strcmp(mark->caches[i].name, "port") == 0)
			count_ports(mark, i);
}

static long frames_in_use(void)
{
	FILE *file = fopen("/proc/meminfo", "r");
	char line[128];
	long total = 0, free = 0, slab = 0;

	while (file && fgets(line, sizeof line, file)) {
		sscanf(line, "MemTotal: %ld", &total);
		sscanf(line, "MemFree: %ld", &free);
		sscanf(line, "Slab: %ld", &slab);
	}
	if (file)
		fclose(file);
	CHECK(total > 0);
	return (total - free - slab) / PAGE_KIB;
}

void leak_mark(struct leak_mark *mark)
{
	if (check_on_linux())	/* its counts are not exact */
		return;
	check_sleep(50);	/* what ended just now is still being taken apart */
	sync();			/* what is still to be written takes memory */
	drop_caches();
	count_objects(mark);
	mark->frames = frames_in_use();
}

static long count_of(const struct leak_mark *mark, const char *name)
{
	for (unsigned i = 0; i < mark->count; i++)
		if (strcmp(mark->caches[i].name, name) == 0)
			return mark->caches[i].used;
	return 0;
}

/* The first cache with more objects than at @mark, or -1; @now is of the same system, so the order is the same. */
static int find_growth(const struct leak_mark *mark, const struct leak_mark *now)
{
	long vnodes = count_of(now, "vnode");

	for (unsigned i = 0; i < now->count; i++) {
		const char *name = now->caches[i].name;
		long most = i < mark->count ? mark->caches[i].used : 0;

		/* What a file in use has beside its vnode, which counts, is made when its data are needed again, as memory has it. */
		if (strcmp(name, "mapped_file") == 0)
			most = vnodes;
		if (strcmp(name, "page_tree_node") == 0)
			most += NODE_SLACK;
		/* The kernel keeps some of its questions to servers for the next ones. */
		if (strcmp(name, "kmalloc-768") == 0)
			most += QUESTIONS_KEPT;
		if (now->caches[i].used > most)
			return i;
	}
	return -1;
}

int leak_check(const struct leak_mark *mark, const char *what)
{
	static struct leak_mark now;
	long end = check_now() + PATIENCE_MS;
	int grown, kept;

	if (check_on_linux())	/* its counts are not exact */
		return 1;
	do {
		leak_mark(&now);
		grown = find_growth(mark, &now);
	} while ((grown >= 0 || now.frames > mark->frames + FRAME_SLACK) && check_now() < end);
	if (grown >= 0)
		printf("after %s, objects of %s: %ld before, %ld now\n", what, now.caches[grown].name, mark->caches[grown].used,
		       now.caches[grown].used);
	kept = CHECK_EQ(grown, -1);
	if (CHECK(now.frames <= mark->frames + FRAME_SLACK))
		return kept;
	printf("after %s: %ld frames in use before, %ld now\n", what, mark->frames, now.frames);
	return 0;
}
