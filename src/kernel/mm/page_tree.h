/* SPDX-License-Identifier: MIT */
/*
 * A radix tree from page index to a pointer, 64 slots a level. It grows in height with the highest index and frees nodes that become empty. Not
 * locked. Nodes come from kmalloc. (The structure itself is in mm/vm_object.h.)
 */
#pragma once

#include "mm/vm_object.h"

void *page_tree_get(const struct page_tree *tree, uint64_t index);
/* Puts @item (not NULL) at an empty @index. 0 or -ENOMEM. */
int page_tree_insert(struct page_tree *tree, uint64_t index, void *item);
/* Takes the item at @index out and returns it, NULL if there is none. */
void *page_tree_remove(struct page_tree *tree, uint64_t index);
/* The first item at *@index or after; sets *@index to its index. NULL if there is none. */
void *page_tree_next(const struct page_tree *tree, uint64_t *index);

enum { PAGE_TREE_SLOTS = 64 };

/* The slots of the lowest node that covers @index (its own is index % PAGE_TREE_SLOTS), or NULL if there is no such node. */
void *const *page_tree_leaf(const struct page_tree *tree, uint64_t index);
