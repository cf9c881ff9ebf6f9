/* SPDX-License-Identifier: MIT */
/* For host tests of block caches, which have no thread: tests write back themselves. */
#include "block/block_internal.h"

void block_cache_wake_thread(struct block_cache *cache)
{
}

void block_cache_stop_thread(struct block_cache *cache)
{
}
