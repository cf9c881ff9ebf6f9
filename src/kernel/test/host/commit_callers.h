/* SPDX-License-Identifier: MIT */
/* Commits that do not come from a server's system call (vfs/served/server_calls_hosttest.c has those): what block_commit finds wrong itself. */
#pragma once

#include "block/disk.h"

/* @disk: 1 MiB at least. */
void test_commit_callers(struct disk *disk);
/* With fibers and a cut disk. */
void test_commit_while_reading(void);
