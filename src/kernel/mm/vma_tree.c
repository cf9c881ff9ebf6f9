/* SPDX-License-Identifier: MIT */
/* The tree of VMAs; see vma_tree.h. */
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

/*
 * max_gap is an upper bound: it is raised at once when a gap grows, but lowered only by a search that found out. So most changes,
 * which make and unmake a mapping at the edge of one large gap, touch no ancestor.
 */
static bool augment(struct rb_node *node, bool moved)
{
	struct vma *vma = rb_entry(node, struct vma, node);
	uint64_t bound = bound_of(vma);

	if (!moved && vma->max_gap >= bound)
		return false;
	vma->max_gap = bound;
	return true;
}

static inline uint64_t gap_between(const struct vma *prev, const struct vma *vma)
{
	uint64_t from = prev ? prev->end : 0, to = vma_gap_end(vma);

	return to > from ? to - from : 0;
}

/* Recomputes the gap before @vma, whose neighbour below is @prev. */
static inline void update_gap(struct vma *prev, struct vma *vma)
{
	uint64_t gap = gap_between(prev, vma);

	vma->gap = gap;
	if (gap > vma->max_gap)
		rb_propagate(&vma->node, augment);
}

void vma_tree_update(struct vma *vma)
{
	update_gap(vma_prev(vma), vma);
}

struct vma *vma_tree_find(const struct rb_tree *tree, uint64_t addr)
{
	struct rb_node *node = tree->root;
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

void vma_tree_insert_at(struct rb_tree *tree, struct vma *vma, const struct vma_place *at)
{
	uint64_t gap = gap_between(at->prev, vma);

	vma->gap = vma->max_gap = gap;
	rb_link(&vma->node, at->parent, at->link);
	for (struct rb_node *up = at->parent; up && rb_entry(up, struct vma, node)->max_gap < gap; up = up->parent)
		rb_entry(up, struct vma, node)->max_gap = gap;
	rb_balance_inserted(tree, &vma->node, augment);
	if (at->next)
		at->next->gap = gap_between(vma, at->next);
}

void vma_tree_insert(struct rb_tree *tree, struct vma *vma)
{
	struct vma_place at = vma_tree_locate(tree, vma->start);

	vma_tree_insert_at(tree, vma, &at);
}

void vma_tree_remove(struct rb_tree *tree, struct vma *vma)
{
	vma_tree_remove_between(tree, vma, vma_prev(vma), vma_next(vma));
}

void vma_tree_remove_between(struct rb_tree *tree, struct vma *vma, struct vma *prev, struct vma *next)
{
	rb_remove_bounded(tree, &vma->node, augment);
	if (next)
		update_gap(prev, next);
}

void vma_tree_resize(struct rb_tree *tree, struct vma *vma, uint64_t start, uint64_t end)
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

uint64_t vma_tree_find_gap(struct rb_tree *tree, uint64_t low, uint64_t high, uint64_t len, uint64_t align)
{
	struct gap_search search = { low, high, len, align };
	struct rb_node *last = rb_last(tree);
	uint64_t at;

	at = fit(&search, last ? rb_entry(last, struct vma, node)->end : 0, high);
	return at || !tree->root ? at : search_subtree(&search, tree->root);
}

bool vma_tree_is_free(const struct rb_tree *tree, uint64_t start, uint64_t end)
{
	struct vma *vma = vma_tree_find(tree, start);

	return !vma || vma->start >= end;
}
