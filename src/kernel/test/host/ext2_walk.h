/* SPDX-License-Identifier: MIT */
/* Reads everything in an ext2 image, looking at what comes: names, tree shape, and, if asked to, the same files on the host. */
#pragma once

#include "lib/types.h"
#include "vfs/fs.h"

enum { WALK_MAX = 20000 };

struct walk {
	struct fs *fs;
	unsigned visited, errors;
	uint64_t bytes, byte_sum;
	bool strict;			/* every error ends the test */
	char host_path[4096];		/* strict: the same file on the host, "" to compare nothing */
	struct { uint64_t ids[4096]; unsigned count; } open;	/* directories above, to catch loops */
};

/*
 * Mounts and reads everything. Returns mount's error. With @host ("" for no folder) it compares with that folder and lets no error pass.
 * @result may be NULL.
 */
int ext2_walk_image(const void *image, size_t len, const char *host, struct walk *result);
