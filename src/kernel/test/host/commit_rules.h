/* SPDX-License-Identifier: MIT */
/* What <raeen/fs.h> and block/block_cache.h say of commits, written down a second time, for host tests to hold the kernel's answers against. */
#pragma once

#include "abi/raeen/fs.h"
#include "abi/raeen/ipc.h"
#include "block/block_cache.h"

/* Commits to @blocks blocks of @block_size bytes. */
struct commit_rules { uint64_t blocks; uint32_t block_size; };

enum commit_verdict {
	COMMIT_RIGHT,
	COMMIT_MALFORMED,		/* can never be: -EINVAL */
	COMMIT_STALE,			/* a base or the group is not current: -ESTALE */
	COMMIT_NEEDS_GROUP,		/* right, but the group that it relies on may have to end for it: -ESTALE, too */
};

/* Before it is tried. @bases and @changes: as many as it says there are, as far as there can be so many. */
enum commit_verdict commit_judge(const struct commit_rules *rules, struct block_cache *cache, const struct fs_commit *commit, const struct fs_base *bases,
				 const struct fs_change *changes);
