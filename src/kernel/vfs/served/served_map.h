/* SPDX-License-Identifier: MIT */
/* Where the blocks of a file are whose file system is a service: what vfs/mapped/ asks. */
#pragma once

#include "vfs/fs.h"

/* Asks where blocks of a file are. @allocate and what follows it: see map_extents in fs.def. */
struct served_map_request {
	uint64_t first, count;		/* blocks; count is not 0 */
	uint64_t size;			/* bytes; allocate only */
	bool allocate, privileged;
};

struct served_extent {
	uint64_t first, block;		/* the file's block and the disk's; block 0: a hole */
	uint32_t count;			/* not 0 */
	bool fresh;			/* allocated by this request: what the disk has there must not be shown */
};

struct served_map_result {
	uint64_t blocks;		/* of 512 bytes, of the whole file */
	uint64_t size;			/* bytes */
};

/*
 * Fills up to @max (not 0) @extents, which begin with @request->first, have no gaps and lie on the disk (block 0 is a hole; with allocate only beyond
 * @result->size); they may be fewer than asked for. Returns how many, at least 1, or -ENOSPC, -EFBIG, -EINTR (killed), -EIO, -ENOMEM and what else the server
 * said. Sleeps; no lock is to be held that the server, or anybody whom it needs, could wait for.
 */
int served_map(struct fs *fs, struct fs_node_id node, const struct served_map_request *request, struct served_extent *extents, unsigned max,
	       struct served_map_result *result);
