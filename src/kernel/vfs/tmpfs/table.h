/* SPDX-License-Identifier: MIT */
/* A hash table whose links are embedded in the elements and which grows with them. Keys are well mixed in their low bits, or count up. */
#pragma once

#include "lib/types.h"

enum { TMPFS_TABLE_FIRST = 16 };

struct tmpfs_link {
	struct tmpfs_link *next;
	uint64_t key;
};

struct tmpfs_table {
	struct tmpfs_link **chains;	/* mask + 1 of them: of @first, or from kmalloc */
	uint64_t mask;
	size_t count, grow_at;
	struct tmpfs_link *first[TMPFS_TABLE_FIRST];
};

void tmpfs_table_init(struct tmpfs_table *table);	/* a cleared one */
void tmpfs_table_free(struct tmpfs_table *table);	/* the chains, not the elements */
/* More chains, if there is memory for them. */
void tmpfs_table_grow(struct tmpfs_table *table);

static inline struct tmpfs_link **tmpfs_table_chain(const struct tmpfs_table *table, uint64_t key)
{
	return &table->chains[key & table->mask];
}

/* @link->key is set. */
static inline void tmpfs_table_insert(struct tmpfs_table *table, struct tmpfs_link *link)
{
	struct tmpfs_link **chain = tmpfs_table_chain(table, link->key);

	link->next = *chain;
	*chain = link;
	if (unlikely(++table->count > table->grow_at))
		tmpfs_table_grow(table);
}

static inline void tmpfs_table_remove(struct tmpfs_table *table, struct tmpfs_link *link)
{
	struct tmpfs_link **place = tmpfs_table_chain(table, link->key);

	while (*place != link)
		place = &(*place)->next;
	*place = link->next;
	table->count--;
}
