/* SPDX-License-Identifier: MIT */
/* References to file-system instances; types are in fs.h. */
#pragma once

#include "vfs/fs.h"

static inline void fs_get(struct fs *fs) { refcount_get(&fs->refs); }
void fs_end(struct fs *fs);	/* unmounts what nobody refers to any more; may sleep */

static inline void fs_put(struct fs *fs)	/* the last one unmounts; may sleep */
{
	if (refcount_put(&fs->refs))
		fs_end(fs);
}
