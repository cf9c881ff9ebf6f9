/* SPDX-License-Identifier: MIT */
/* Caches and commits that do not come from a server's system call (vfs/served/server_calls_hosttest.c has those): what block/ finds wrong itself. */
#pragma once

#include "block/disk.h"

/* What the block size and count are that a server tells. @disk: 1 MiB. */
void test_cache_sizes(struct disk *disk);
/* The same disk. */
void test_commit_callers(struct disk *disk);
/* With fibers and a cut disk. */
void test_commit_while_reading(void);
