/* SPDX-License-Identifier: MIT */
/*
 * /proc/served (root): what the kernel has asked the services that are file systems, and what it has of their blocks, a line for each, of names and numbers;
 * then a line for all of how answers were wrong.
 */
#include "block/block_cache.h"
#include "lib/atomic.h"
#include "proto/names.h"
#include "vfs/mapped/mapped.h"
#include "vfs/procfs/entry.h"
#include "vfs/served/answers.h"
#include "vfs/served/served_mount.h"

_Static_assert(ARRAY_LEN(protocol_type_names) == SERVED_REQUESTS, "a name for each request");

static void show_cache(struct proc_text *text, struct block_cache *cache)
{
	struct block_cache_stats stats;

	block_cache_get_stats(cache, &stats);
	proc_text_print(text, " cached=%lu dirty=%lu hits=%lu reads=%lu commits=%lu stale=%lu commits_refused=%lu groups=%lu written=%lu "
			"flushes=%lu errors=%lu", stats.cached, stats.dirty, stats.hits, stats.reads, stats.commits, stats.stale,
			stats.refused, stats.groups, stats.blocks_written, stats.flushes, stats.errors);
}

int proc_show_served(struct proc_text *text, const struct proc_subject *subject)
{
	for (struct served *served = served_next(NULL); served; served = served_next(served)) {
		struct block_cache *cache = served_cache(served);
		uint64_t free_blocks = atomic_load(&served->free_blocks);

		proc_text_print(text, "%s disk=%s", served->port_name, served->disk ? served->disk->name : "-");
		for (unsigned i = 0; i < SERVED_REQUESTS; i++)
			proc_text_print(text, " %s=%lu", protocol_type_names[i].name + sizeof("fs.") - 1, atomic_load(&served->asked[i]));
		proc_text_print(text, " refused=%lu unanswered=%lu wrong=%lu", atomic_load(&served->refused), atomic_load(&served->unanswered),
				atomic_load(&served->wrong));
		if (free_blocks != UINT64_MAX)
			proc_text_print(text, " free=%lu", free_blocks);
		if (served->mapped)
			proc_text_print(text, " promised=%lu", mapped_promised(served->mapped));
		if (cache)
			show_cache(text, cache);
		proc_text_add(text, "\n", 1);
	}
	proc_text_print(text, "wrong:");
	for (unsigned i = 0; i < SERVED_FAULTS; i++)
		proc_text_print(text, " %s=%lu", served_fault_names[i], atomic_load(&served_faults[i]));
	proc_text_add(text, "\n", 1);
	return 0;
}
