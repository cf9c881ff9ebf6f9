/* SPDX-License-Identifier: MIT */
/* The tree that files-service serves, as it and the test that reads it (src/userland/tests/served.c) know it. */
#pragma once

#include <stdint.h>

enum {
	TREE_ROOT = 1,
	TREE_DIRECTORIES = 8,		/* below the root, "d0" to "d7", inodes 2 to 9 */
	TREE_FILES = 16,		/* in each, "f0" to "f15"; the inode is 1000 * the directory's + its number */
	TREE_LINK = 999,		/* and a symbolic link "link" to "f7" */
	TREE_SIZE_MAX = 40000,
};

static inline uint64_t tree_inode(unsigned directory, unsigned file) { return (directory + 2) * 1000 + file; }

static inline uint64_t tree_size(uint64_t inode) { return inode * 2654435761u % TREE_SIZE_MAX; }

static inline uint8_t tree_byte(uint64_t inode, uint64_t offset)
{
	return (uint8_t)((inode * 131 + offset * 7 + (offset >> 8)) >> 1);
}
