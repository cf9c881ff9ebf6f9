/* SPDX-License-Identifier: MIT */
/*
 * A radix tree from page index to a pointer, 64 slots a level. It grows in height with the highest index and frees nodes that become empty. Not
 * locked. Nodes come from kmalloc. (The structure itself is in mm/vm_object.h.)
 */
#pragma once

#include "mm/vm_object.h"

enum { PAGE_TREE_SHIFT = 6, PAGE_TREE_SLOTS = 1 << PAGE_TREE_SHIFT };

struct page_tree_node {
	uint64_t used;			/* one bit a slot that is not NULL */
	void *slots[PAGE_TREE_SLOTS];	/* nodes, or items at the lowest level */
};

/* Is @index beyond what a tree of @height levels covers? */
SHARED_INLINE bool page_tree_too_high(unsigned height, uint64_t index)
{
	return height * PAGE_TREE_SHIFT < 64 && index >> height * PAGE_TREE_SHIFT;
}

static inline unsigned page_tree_slot(uint64_t index, unsigned level)
{
	return index >> level * PAGE_TREE_SHIFT & (PAGE_TREE_SLOTS - 1);
}

/* The same as page_tree_get() for a tree of one level; NULL also if it has more. */
static inline void *page_tree_get_low(const struct page_tree *tree, uint64_t index)
{
	const struct page_tree_node *node = tree->root;

	return likely(tree->height == 1 && index < PAGE_TREE_SLOTS) ? node->slots[index] : NULL;
}

/* The item at @index, NULL if there is none. */
SHARED_INLINE void *page_tree_get(const struct page_tree *tree, uint64_t index)
{
	const struct page_tree_node *node = tree->root;
	unsigned shift;

	if (likely(tree->height == 1))
		return index < PAGE_TREE_SLOTS ? node->slots[index] : NULL;
	if (page_tree_too_high(tree->height, index))
		return NULL;
	for (shift = tree->height * PAGE_TREE_SHIFT; shift && node; shift -= PAGE_TREE_SHIFT)
		node = node->slots[index >> (shift - PAGE_TREE_SHIFT) & (PAGE_TREE_SLOTS - 1)];
	return (void *)node;
}

/* Puts @item (not NULL) at an empty @index. 0 or -ENOMEM. */
int page_tree_insert(struct page_tree *tree, uint64_t index, void *item);
/* Takes the item at @index out and returns it, NULL if there is none. */
void *page_tree_remove(struct page_tree *tree, uint64_t index);
/* The first item at *@index or after; sets *@index to its index. NULL if there is none. */
void *page_tree_next(const struct page_tree *tree, uint64_t *index);

/* The slots of the lowest node that covers @index (its own is index % PAGE_TREE_SLOTS), or NULL if there is no such node. */
void *const *page_tree_leaf(const struct page_tree *tree, uint64_t index);
