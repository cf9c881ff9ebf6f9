/* SPDX-License-Identifier: MIT */
/* The radix tree of a VM object's pages; see page_tree.h. */
#include "mm/page_tree.h"
#include "mm/heap.h"
#include "lib/errno.h"
#include "lib/panic.h"

enum { SHIFT = PAGE_TREE_SHIFT, HEIGHT_MAX = 11 };

static struct slab_cache *nodes;

/* NULL when out of memory. */
static struct page_tree_node *node_alloc(void)
{
	/* The first one is made while the machine starts, with one CPU. */
	if (unlikely(!nodes))
		nodes = slab_cache_create("page_tree_node", sizeof(struct page_tree_node), 8);
	return slab_zalloc(nodes);
}

static void set_slot(struct page_tree_node *node, unsigned slot, void *value)
{
	node->slots[slot] = value;
	node->used |= 1ull << slot;
}

static void clear_slot(struct page_tree_node *node, unsigned slot)
{
	node->slots[slot] = NULL;
	node->used &= ~(1ull << slot);
}

void *const *page_tree_leaf(const struct page_tree *tree, uint64_t index)
{
	struct page_tree_node *node = tree->root;

	if (!node || page_tree_too_high(tree->height, index))
		return NULL;
	for (unsigned level = tree->height; level-- > 1 && node;)
		node = node->slots[page_tree_slot(index, level)];
	return node ? node->slots : NULL;
}

/* Frees the empty nodes on the way to @index, and levels at the top that have become needless. */
static void prune(struct page_tree *tree, uint64_t index)
{
	struct page_tree_node *path[HEIGHT_MAX];
	unsigned level = tree->height;
	void *at = tree->root;

	while (level-- > 0 && at) {
		path[level] = at;
		at = ((struct page_tree_node *)at)->slots[page_tree_slot(index, level)];
	}
	for (level = at ? 0 : level + 1; level < tree->height && !path[level]->used; level++) {
		if (level + 1 < tree->height)
			clear_slot(path[level + 1], page_tree_slot(index, level + 1));
		else
			tree->root = NULL;
		slab_free(nodes, path[level]);
	}
	if (!tree->root)
		tree->height = 0;
	while (tree->height > 1 && ((struct page_tree_node *)tree->root)->used == 1) {
		struct page_tree_node *top = tree->root;

		tree->root = top->slots[0];
		tree->height--;
		slab_free(nodes, top);
	}
}

/* Adds levels at the top until @index is covered; a tree that is empty has them at once, as a lower node without an item would never go. */
static bool grow(struct page_tree *tree, uint64_t index)
{
	unsigned height = MAX(tree->height, 1u);

	while (page_tree_too_high(height, index))
		height++;
	while (tree->height < height) {
		struct page_tree_node *top = node_alloc();

		if (!top)
			return false;
		if (tree->root)
			set_slot(top, 0, tree->root);
		tree->height = tree->root ? tree->height + 1 : height;
		tree->root = top;
	}
	return true;
}

int page_tree_insert(struct page_tree *tree, uint64_t index, void *item)
{
	KASSERT(item);
	if (!grow(tree, index))
		goto no_memory;
	struct page_tree_node *node = tree->root;

	for (unsigned level = tree->height; level-- > 1;) {
		unsigned slot = page_tree_slot(index, level);

		if (!node->slots[slot]) {
			struct page_tree_node *child = node_alloc();

			if (!child)
				goto no_memory;
			set_slot(node, slot, child);
		}
		node = node->slots[slot];
	}
	KASSERT(!node->slots[page_tree_slot(index, 0)]);
	set_slot(node, page_tree_slot(index, 0), item);
	return 0;

no_memory:
	if (tree->root && !page_tree_too_high(tree->height, index))
		prune(tree, index);
	else if (tree->root)
		prune(tree, 0);
	return -ENOMEM;
}

void *page_tree_remove(struct page_tree *tree, uint64_t index)
{
	struct page_tree_node *node = tree->root;
	void *item;

	if (!node || page_tree_too_high(tree->height, index))
		return NULL;
	for (unsigned level = tree->height; level-- > 1 && node;)
		node = node->slots[page_tree_slot(index, level)];
	if (!node)
		return NULL;
	item = node->slots[page_tree_slot(index, 0)];
	if (!item)
		return NULL;
	clear_slot(node, page_tree_slot(index, 0));
	if (!node->used || (node == tree->root ? false : ((struct page_tree_node *)tree->root)->used == 1))
		prune(tree, index);
	return item;
}

void *page_tree_next(const struct page_tree *tree, uint64_t *index)
{
	uint64_t at = *index;

	while (tree->root && !page_tree_too_high(tree->height, at)) {
		struct page_tree_node *node = tree->root;
		unsigned level = tree->height - 1;

		for (;;) {
			uint64_t rest = node->used & (~0ull << page_tree_slot(at, level));

			if (!rest)
				break;
			unsigned slot = __builtin_ctzll(rest);

			if (slot != page_tree_slot(at, level)) {
				at &= level + 1 < HEIGHT_MAX ? ~0ull << (level + 1) * SHIFT : 0;
				at |= (uint64_t)slot << level * SHIFT;
			}
			if (!level) {
				*index = at;
				return node->slots[slot];
			}
			node = node->slots[slot];
			level--;
		}
		/* Nothing more below this node: go on behind it. */
		if ((level + 1) * SHIFT >= 64)
			return NULL;
		uint64_t step = 1ull << (level + 1) * SHIFT;

		at = (at & ~(step - 1)) + step;
		if (!at)
			return NULL;
	}
	return NULL;
}
