/* SPDX-License-Identifier: MIT */
/*
 * The ordered tree of an address space's VMAs with the free gaps between them: lookup, insertion, resizing, and the search for a free range. Pure:
 * knows nothing of page tables or locks; the caller holds as->lock. Tested on the host.
 */
#pragma once

#include "mm/address_space.h"

/* Kept free below a VMA that grows down, so that a stack running over cannot reach what lies below (256 pages, as Linux has it). */
#define STACK_GUARD_GAP (256ull * PAGE_SIZE)

static inline struct vma *vma_of(struct rb_node *node)
{
	return node ? rb_entry(node, struct vma, node) : NULL;
}

static inline struct vma *vma_first(const struct vma_tree *tree) { return vma_of(rb_first(&tree->links)); }
static inline struct vma *vma_next(const struct vma *vma) { return vma_of(rb_next(&vma->node)); }
static inline struct vma *vma_prev(const struct vma *vma) { return vma_of(rb_prev(&vma->node)); }

/* The first VMA that ends after @addr: it holds @addr, or is the next one above. NULL if there is none. */
struct vma *vma_tree_find(const struct vma_tree *tree, uint64_t addr);

/* Puts @vma, which overlaps nothing, into the tree. */
void vma_tree_insert(struct vma_tree *tree, struct vma *vma);
void vma_tree_remove(struct vma_tree *tree, struct vma *vma);

/* Is @at the place for a VMA that starts at @start? (Asked of tree->vacant, which may not be known.) */
static inline bool vma_place_fits(const struct vma_place *at, uint64_t start)
{
	return at->link && (!at->prev || at->prev->start <= start) && (!at->next || start < at->next->start);
}

/* Insertion in steps, for those who need the neighbours anyway. The tree must not change between locating and inserting. */
static inline struct vma_place vma_tree_locate(struct vma_tree *tree, uint64_t start)
{
	struct vma_place at = { .link = &tree->links.root };

	if (vma_place_fits(&tree->vacant, start))
		return tree->vacant;
	for (; *at.link; at.depth++) {
		struct vma *other = rb_entry(*at.link, struct vma, node);

		at.parent = *at.link;
		if (start < other->start) {
			at.next = other;
			at.link = &at.parent->left;
		} else {
			at.prev = other;
			at.link = &at.parent->right;
		}
	}
	return at;
}
/* Moves the bounds of @vma, not past its neighbours. */
void vma_tree_resize(struct vma_tree *tree, struct vma *vma, uint64_t start, uint64_t end);

/* The highest start of @len free bytes within [low, high), a multiple of @align (a power of two). 0 if there is none; @low > 0. */
uint64_t vma_tree_find_gap(struct vma_tree *tree, uint64_t low, uint64_t high, uint64_t len, uint64_t align);

/* Is [start, end) free of VMAs? */
bool vma_tree_is_free(const struct vma_tree *tree, uint64_t start, uint64_t end);

/* Where the free gap before @vma ends. */
static inline uint64_t vma_gap_end(const struct vma *vma)
{
	if (likely(!(vma->flags & VMA_GROWS_DOWN)))
		return vma->start;
	return vma->start > STACK_GUARD_GAP ? vma->start - STACK_GUARD_GAP : 0;
}

/* Is [start, end) free at @place, which was located for @start, and not in a stack's guard gap? */
static inline bool vma_place_is_free(const struct vma_place *place, uint64_t start, uint64_t end)
{
	return (!place->prev || place->prev->end <= start) && (!place->next || vma_gap_end(place->next) >= end);
}

/* ---- Inserting and removing at a known place ---- */

/* max_gap is an upper bound: it is raised at once when a gap grows, but lowered only by a search that found out. */
static inline void vma_raise_bounds(struct rb_node *node, uint64_t gap)
{
	for (; node && rb_entry(node, struct vma, node)->max_gap < gap; node = node->parent)
		rb_entry(node, struct vma, node)->max_gap = gap;
}

static inline uint64_t vma_gap_between(const struct vma *prev, const struct vma *vma)
{
	uint64_t from = prev ? prev->end : 0, to = vma_gap_end(vma);

	return to > from ? to - from : 0;
}

static inline unsigned vma_tree_depth_limit(unsigned count)
{
	unsigned log = 31 - __builtin_clz(count);

	return 2 * log + 2;
}

void vma_tree_rebalance(struct vma_tree *tree, struct vma *vma);
void vma_tree_remove_inner(struct vma_tree *tree, struct vma *vma, struct vma *next);

/* @at may be &tree->vacant. */
static inline void vma_tree_insert_at(struct vma_tree *tree, struct vma *vma, const struct vma_place *at)
{
	struct rb_node *node = &vma->node, *parent = at->parent;
	struct vma *next = at->next;
	unsigned depth = at->depth;

	vma->gap = vma->max_gap = vma_gap_between(at->prev, vma);
	node->parent = parent;
	node->left = node->right = NULL;
	*at->link = node;
	tree->vacant.link = NULL;
	tree->count++;
	if (next)
		next->gap = vma_gap_between(vma, next);
	vma_raise_bounds(parent, vma->gap);
	if (unlikely(depth > 2) && depth > vma_tree_depth_limit(tree->count))
		vma_tree_rebalance(tree, vma);
}

static inline void vma_tree_remove_between(struct vma_tree *tree, struct vma *vma, struct vma *prev, struct vma *next)
{
	struct rb_node *node = &vma->node, *parent = node->parent;

	tree->count--;
	if (likely(!node->left && !node->right)) {
		struct rb_node **link = !parent ? &tree->links.root : parent->left == node ? &parent->left : &parent->right;

		*link = NULL;
		tree->vacant = (struct vma_place){ prev, next, parent, link, 0 };
	} else {
		vma_tree_remove_inner(tree, vma, next);
	}
	if (!next)
		return;
	next->gap = vma_gap_between(prev, next);
	vma_raise_bounds(&next->node, next->gap);
}

/* What decides whether neighbours can be one VMA. */
struct vma_kind {
	unsigned prot, max_prot, flags;
	struct vm_object *object;
};

/* Can a mapping of @kind that starts at @vma's end, at @offset of the object, be part of @vma? */
static inline bool vma_continues(const struct vma *vma, const struct vma_kind *kind, uint64_t offset)
{
	return vma->prot == kind->prot && vma->object == kind->object && vma->max_prot == kind->max_prot &&
	       ((vma->flags ^ kind->flags) & ~(VMA_HAS_COPIES | VMA_TOUCHED)) == 0 &&
	       (!vma->object || vma->offset + (vma->end - vma->start) == offset);
}

/* May @right, which starts where @left ends, be joined to it? */
static inline bool vma_can_merge(const struct vma *left, const struct vma *right)
{
	struct vma_kind kind = { right->prot, right->max_prot, right->flags, right->object };

	return left->end == right->start && vma_continues(left, &kind, right->offset);
}
