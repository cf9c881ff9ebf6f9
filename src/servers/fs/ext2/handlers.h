/* SPDX-License-Identifier: MIT */
/* The requests of ../../proto/fs.def, answered by the ext2 library. What is changed is answered by the commit that changes it. */
#ifndef EXT2_HANDLERS_H
#define EXT2_HANDLERS_H

#include "blocks.h"
#include "proto/fs_server.h"

/* An instance, as server.context. All zero but for the options at first. */
struct ext2_server {
	bool grow;			/* option: when it starts, the file system becomes as large as its disk */
	struct blocks blocks;
	struct ext2 *fs;		/* NULL: not mounted yet */
	bool adopted;			/* it was in use by an instance that died */
};

extern const struct fs_operations ext2_operations;

#endif
