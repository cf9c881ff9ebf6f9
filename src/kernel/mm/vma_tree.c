/* SPDX-License-Identifier: MIT */
/*
 * The tree of VMAs; see vma_tree.h.
 *
 * Programs make and unmake mappings at one place again and again, so inserting and removing must cost little there: they move no node but
 * the one in question. A VMA that lands too deep makes the part of the tree that is to blame be built anew (a scapegoat tree: Galperin and
 * Rivest, "Scapegoat Trees", 1993), which costs O(log n) an insertion in the long run and keeps the depth within 2 log2(n) + 2 of the
 * largest n there was.
 */
#include "mm/vma_tree.h"

static uint64_t max_gap_of(const struct rb_node *node)
{
	return node ? rb_entry(node, struct vma, node)->max_gap : 0;
}

static uint64_t bound_of(const struct vma *vma)
{
	uint64_t left = max_gap_of(vma->node.left), right = max_gap_of(vma->node.right);
	uint64_t gap = vma->gap;

	if (left > gap)
		gap = left;
	return right > gap ? right : gap;
}

/* Recomputes the gap before @vma, whose neighbour below is @prev. */
static inline void update_gap(struct vma *prev, struct vma *vma)
{
	vma->gap = vma_gap_between(prev, vma);
	vma_raise_bounds(&vma->node, vma->gap);
}

struct vma *vma_tree_find(const struct vma_tree *tree, uint64_t addr)
{
	struct rb_node *node = tree->links.root;
	struct vma *found = NULL;

	while (node) {
		struct vma *vma = rb_entry(node, struct vma, node);

		if (addr >= vma->end) {
			node = node->right;
			continue;
		}
		found = vma;
		if (addr >= vma->start)
			break;
		node = node->left;
	}
	return found;
}

/* ---- Balance ---- */

/* Recursion here and below: as deep as the tree. */
static COLD unsigned count_subtree(const struct rb_node *node)
{
	return node ? 1 + count_subtree(node->left) + count_subtree(node->right) : 0;
}

/* Puts the nodes of @node's subtree, in order, before @rest in a list linked by `right`. */
static COLD struct rb_node *flatten(struct rb_node *node, struct rb_node *rest)
{
	if (!node)
		return rest;
	node->right = flatten(node->right, rest);
	return flatten(node->left, node);
}

/* Makes a tree of the first @count nodes of *@list and takes them off. */
static struct rb_node *build(struct rb_node **list, unsigned count)
{
	struct rb_node *left, *node;

	if (!count)
		return NULL;
	left = build(list, count / 2);
	node = *list;
	*list = node->right;
	node->left = left;
	node->right = build(list, count - count / 2 - 1);
	if (left)
		left->parent = node;
	if (node->right)
		node->right->parent = node;
	rb_entry(node, struct vma, node)->max_gap = bound_of(rb_entry(node, struct vma, node));
	return node;
}

/* The link that @node hangs from. */
static struct rb_node **link_of(struct vma_tree *tree, const struct rb_node *node)
{
	struct rb_node *parent = node->parent;

	if (!parent)
		return &tree->links.root;
	return parent->left == node ? &parent->left : &parent->right;
}

/* @vma, a leaf, lies too deep: finds the lowest subtree around it that is too high for its size and builds that anew. */
COLD void vma_tree_rebalance(struct vma_tree *tree, struct vma *vma)
{
	struct rb_node *node = &vma->node, *parent, *list;
	unsigned size = 1, height = 0;

	while (node->parent && height <= vma_tree_depth_limit(size)) {
		parent = node->parent;
		size += 1 + count_subtree(parent->left == node ? parent->right : parent->left);
		height++;
		node = parent;
	}
	struct rb_node **link = link_of(tree, node);

	parent = node->parent;
	list = flatten(node, NULL);
	*link = build(&list, size);
	(*link)->parent = parent;
}

/* ---- Changes ---- */

void vma_tree_insert(struct vma_tree *tree, struct vma *vma)
{
	struct vma_place at = vma_tree_locate(tree, vma->start);

	vma_tree_insert_at(tree, vma, &at);
}

void vma_tree_remove(struct vma_tree *tree, struct vma *vma)
{
	vma_tree_remove_between(tree, vma, vma_prev(vma), vma_next(vma));
}

/* Puts @next, which follows @vma and lies below its right child, in @vma's place. */
static void replace_by_next(struct vma *vma, struct vma *next)
{
	struct rb_node *node = &vma->node, *up = &next->node;

	if (up != node->right) {
		up->parent->left = up->right;
		if (up->right)
			up->right->parent = up->parent;
		up->right = node->right;
		up->right->parent = up;
	}
	up->left = node->left;
	up->left->parent = up;
	next->max_gap = vma->max_gap;
}

/* The part of removing for nodes with children. */
void vma_tree_remove_inner(struct vma_tree *tree, struct vma *vma, struct vma *next)
{
	struct rb_node *node = &vma->node, *up, **link = link_of(tree, node);

	tree->vacant.link = NULL;
	if (node->left && node->right) {
		replace_by_next(vma, next);
		up = &next->node;
	} else {
		up = node->left ? node->left : node->right;
	}
	*link = up;
	up->parent = node->parent;
}

void vma_tree_resize(struct vma_tree *tree, struct vma *vma, uint64_t start, uint64_t end)
{
	bool start_moved = start != vma->start, end_moved = end != vma->end;

	vma->start = start;
	vma->end = end;
	if (start_moved)
		update_gap(vma_prev(vma), vma);
	if (end_moved) {
		struct vma *next = vma_next(vma);

		if (next)
			update_gap(vma, next);
	}
}

struct gap_search { uint64_t low, high, len, align; };

/* The highest fitting start in [from, to) clipped to the search, or 0. */
static uint64_t fit(const struct gap_search *search, uint64_t from, uint64_t to)
{
	uint64_t start;

	if (from < search->low)
		from = search->low;
	if (to > search->high)
		to = search->high;
	if (to < from || to - from < search->len)
		return 0;
	start = (to - search->len) & ~(search->align - 1);
	return start >= from ? start : 0;
}

/* Highest gap first; subtrees without a gap that is large enough, or out of bounds, are not entered. Depth: the tree's height. */
static uint64_t search_subtree(const struct gap_search *search, struct rb_node *node)
{
	struct vma *vma = rb_entry(node, struct vma, node);
	uint64_t at = 0, end = vma_gap_end(vma);

	if (vma->max_gap < search->len)
		return 0;
	if (vma->end < search->high && node->right)
		at = search_subtree(search, node->right);
	if (!at && vma->gap >= search->len)
		at = fit(search, end - vma->gap, end);
	if (!at && vma->start > search->low && node->left)
		at = search_subtree(search, node->left);
	if (!at)
		vma->max_gap = bound_of(vma);
	return at;
}

uint64_t vma_tree_find_gap(struct vma_tree *tree, uint64_t low, uint64_t high, uint64_t len, uint64_t align)
{
	struct gap_search search = { low, high, len, align };
	struct rb_node *last = rb_last(&tree->links);
	uint64_t at;

	at = fit(&search, last ? rb_entry(last, struct vma, node)->end : 0, high);
	return at || !tree->links.root ? at : search_subtree(&search, tree->links.root);
}

bool vma_tree_is_free(const struct vma_tree *tree, uint64_t start, uint64_t end)
{
	struct vma *vma = vma_tree_find(tree, start);

	return !vma || vma->start >= end;
}
