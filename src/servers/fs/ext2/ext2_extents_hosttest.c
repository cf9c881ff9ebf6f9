/* SPDX-License-Identifier: MIT */
/*
 * What preallocation is for: files that are appended to in turn, a block each time, with write-back between, have few extents nevertheless; so has what
 * is written in long runs to a disk on which small files have left gaps.
 */
/* LINK: fs/ext2/super.c fs/ext2/transaction.c fs/ext2/buffers.c fs/ext2/groups.c fs/ext2/block_alloc.c fs/ext2/inode_alloc.c fs/ext2/inode.c fs/ext2/map.c */
/* LINK: fs/ext2/truncate.c fs/ext2/directory.c fs/ext2/directory_change.c fs/ext2/orphan.c fs/ext2/ops.c fs/ext2/create.c fs/ext2/remove.c */
/* LINK: fs/ext2/rename.c fs/ext2/kept.c fs/ext2/grow.c fs/ext2/check/store.c fs/ext2/check/disk_log.c */
/* LINK: fs/ext2/check/session.c fs/ext2/check/image.c */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "check/session.h"
#include "check/world.h"
#include "lib/check.h"

enum { FILES_MAX = 4, RUN = 64, EXTENTS_MAX = 1024 };

static struct session session;
static uint8_t *image;
static size_t size;

static void begin(const char *options, unsigned kib)
{
	image = make_image(options, kib, &size);
	CHECK(session_open(&session, image, size, 0) == 0, "mounted");
}

static void end(void)
{
	uint8_t *left;

	CHECK(session_sync(&session, true) == 0, "ended");
	left = store_image(&session.store);
	CHECK(fsck("-fn", left, size, NULL) == 0, "e2fsck -fn");
	free(left);
	session_close(&session);
}

/* Gaps in the file's numbering are none; the rest are runs on the disk. */
static unsigned extents_of(struct ext2_node node, uint64_t blocks)
{
	unsigned count = 0;
	uint32_t last = 0;

	for (uint64_t at = 0; at < blocks;) {
		struct ext2_extent extent;

		CHECK(session_map(&session, node, at, blocks - at, &extent, 1) == 1 && extent.block, "mapped");
		count += extent.block != last;
		last = extent.block + extent.count;
		at += extent.count;
	}
	return count;
}

static void append_in_turn(const char *options, unsigned kib, unsigned files, uint64_t blocks)
{
	struct ext2_attr attr[FILES_MAX];
	char name[] = "file0";
	unsigned most = 0;

	begin(options, kib);
	for (unsigned i = 0; i < files; i++, name[4]++)
		CHECK(session_create(&session, session.root, name, S_IFREG | 0600, &attr[i]) == 0, "made");
	for (uint64_t at = 0; at < blocks; at++)
		for (unsigned i = 0; i < files; i++) {
			CHECK(session_grow(&session, attr[i].node, at, 1, 0) == 1, "appended");
			store_end_group(&session.store);
		}
	for (unsigned i = 0; i < files; i++) {
		unsigned count = extents_of(attr[i].node, blocks);

		most = count > most ? count : most;
	}
	printf("  %s: %u files of %llu blocks in turn have %u extents at most\n", options, files, (unsigned long long)blocks, most);
	/* The first run is shorter; an indirect block may be in the middle of one. */
	CHECK(most <= blocks / RUN + 3 + blocks / (session.store.io.block_size / 4), "few extents");
	end();
}

/* Each third of many small files goes; then a large one comes. */
static void fill_gaps(const char *options, unsigned kib)
{
	enum { SMALL = 60, SMALL_BLOCKS = 3, LARGE = 512 };
	struct ext2_attr attr;
	char name[16];

	begin(options, kib);
	for (unsigned i = 0; i < SMALL; i++) {
		snprintf(name, sizeof(name), "small%u", i);
		CHECK(session_create(&session, session.root, name, S_IFREG | 0600, &attr) == 0, "made");
		CHECK(session_grow(&session, attr.node, 0, SMALL_BLOCKS, 0) == SMALL_BLOCKS, "written");
	}
	for (unsigned i = 0; i < SMALL; i += 3) {
		snprintf(name, sizeof(name), "small%u", i);
		CHECK(session_remove(&session, session.root, name, 0, &attr) == 0, "removed");
	}
	store_end_group(&session.store);
	CHECK(session_create(&session, session.root, "large", S_IFREG | 0600, &attr) == 0, "made");
	CHECK(session_grow(&session, attr.node, 0, LARGE, 0) == LARGE, "written");
	printf("  %s: %u blocks at once among small files have %u extents\n", options, LARGE, extents_of(attr.node, LARGE));
	CHECK(extents_of(attr.node, LARGE) <= 4 + LARGE / (session.store.io.block_size / 4), "few extents");
	end();
}

int main(void)
{
	append_in_turn("-b 4096 -O ^resize_inode", 16384, 2, 512);
	append_in_turn("-b 1024 -O ^resize_inode", 8192, 2, 512);
	append_in_turn("-b 4096 -O ^resize_inode", 16384, 4, 256);
	fill_gaps("-b 4096 -O ^resize_inode", 16384);
	fill_gaps("-b 1024 -O ^resize_inode", 8192);
	return check_result("ext2_extents");
}
