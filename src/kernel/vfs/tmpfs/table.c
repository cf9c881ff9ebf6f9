/* SPDX-License-Identifier: MIT */
/* tmpfs: the hash tables of nodes and names. */
#include "vfs/tmpfs/table.h"
#include "mm/heap.h"

enum { CHAINS_MAX = 1 << 16 };

void tmpfs_table_init(struct tmpfs_table *table)
{
	table->chains = table->first;
	table->mask = TMPFS_TABLE_FIRST - 1;
	table->grow_at = TMPFS_TABLE_FIRST;
}

void tmpfs_table_free(struct tmpfs_table *table)
{
	if (table->chains != table->first)
		kfree(table->chains);
}

static void move_chain(struct tmpfs_link *link, struct tmpfs_link **chains, uint64_t mask)
{
	struct tmpfs_link *next;

	for (; link; link = next) {
		next = link->next;
		link->next = chains[link->key & mask];
		chains[link->key & mask] = link;
	}
}

void tmpfs_table_grow(struct tmpfs_table *table)
{
	uint64_t count = 4 * (table->mask + 1);
	struct tmpfs_link **chains = count <= CHAINS_MAX ? kmalloc_array(count, sizeof(*chains)) : NULL;

	/* Longer chains will do; the next try is when they have doubled. */
	table->grow_at *= 2;
	if (!chains)
		return;
	for (uint64_t i = 0; i <= table->mask; i++)
		move_chain(table->chains[i], chains, count - 1);
	tmpfs_table_free(table);
	table->chains = chains;
	table->mask = count - 1;
	table->grow_at = count;
}
