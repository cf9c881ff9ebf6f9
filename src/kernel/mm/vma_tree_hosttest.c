/* SPDX-License-Identifier: MIT */
/* Host test of the VMA tree: random insertions, removals and resizes of mappings against a plain map of pages. */
/* LINK: mm/vma_tree.c lib/rbtree.c */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "mm/vma_tree.h"

enum { PAGES = 4096, LOW_PAGE = 8 };

static struct vma *owner[PAGES];	/* of each page, or NULL */
static bool guarded[PAGES];		/* free, but in the guard gap of a stack above */

static uint64_t addr_of(size_t page)
{
	return (uint64_t)page * PAGE_SIZE;
}

static void paint(struct vma *vma, struct vma *with)
{
	for (uint64_t page = vma->start / PAGE_SIZE; page < vma->end / PAGE_SIZE; page++)
		owner[page] = with;
}

static void compute_guards(void)
{
	size_t reach = 0;

	memset(guarded, 0, sizeof(guarded));
	for (size_t page = PAGES; page-- > 0;) {
		if (owner[page]) {
			bool first = !page || owner[page - 1] != owner[page];

			reach = first && owner[page]->flags & VMA_GROWS_DOWN ? STACK_GUARD_GAP / PAGE_SIZE : 0;
		} else if (reach) {
			guarded[page] = true;
			reach--;
		}
	}
}

static uint64_t model_gap(size_t low, size_t high, size_t len, size_t align)
{
	compute_guards();
	for (size_t start = high - len; start >= low && start < high; start--) {
		size_t i = 0;

		if (start % align)
			continue;
		while (i < len && !owner[start + i] && !guarded[start + i])
			i++;
		if (i == len)
			return addr_of(start);
	}
	return 0;
}

static void check_gap(struct vma_tree *tree)
{
	size_t low = LOW_PAGE + rand() % 1000, high = low + 1 + rand() % (PAGES - low);
	size_t len = 1 + rand() % (rand() % 3 ? 40 : 400), align = (size_t)1 << rand() % 5;

	if (len > high - low)
		return;
	assert(vma_tree_find_gap(tree, addr_of(low), addr_of(high), len * PAGE_SIZE, align * PAGE_SIZE) ==
	       model_gap(low, high, len, align));
}

/* Returns the largest gap of the subtree, which max_gap bounds from above. */
static uint64_t check_subtree(struct rb_node *node, uint64_t bound)
{
	uint64_t max;

	if (!node)
		return 0;
	assert(vma_of(node)->max_gap <= bound);
	max = MAX(check_subtree(node->left, vma_of(node)->max_gap), check_subtree(node->right, vma_of(node)->max_gap));
	max = MAX(max, vma_of(node)->gap);
	assert(vma_of(node)->max_gap >= max);
	return max;
}

static void check_order(struct vma_tree *tree)
{
	size_t page = 0;
	struct vma *vma, *prev = NULL;

	for (vma = vma_first(tree); vma; vma = vma_next(vma)) {
		for (; page < vma->start / PAGE_SIZE; page++)
			assert(!owner[page]);
		for (; page < vma->end / PAGE_SIZE; page++)
			assert(owner[page] == vma);
		assert(vma_prev(vma) == prev);
		prev = vma;
	}
	for (; page < PAGES; page++)
		assert(!owner[page]);
	check_subtree(tree->links.root, UINT64_MAX);
}

static void check_find(struct vma_tree *tree)
{
	size_t page = rand() % PAGES, i = page;
	struct vma *found = vma_tree_find(tree, addr_of(page) + rand() % PAGE_SIZE);

	while (i < PAGES && !owner[i])
		i++;
	assert(found == (i < PAGES ? owner[i] : NULL));
}

static void insert_random(struct vma_tree *tree)
{
	size_t start = LOW_PAGE + rand() % (PAGES - LOW_PAGE), len = 0, want = 1 + rand() % 60;
	struct vma *vma;

	while (len < want && start + len < PAGES && !owner[start + len])
		len++;
	assert(vma_tree_is_free(tree, addr_of(start), addr_of(start + MAX(len, (size_t)1))) == (len != 0));
	if (!len)
		return;
	vma = calloc(1, sizeof(*vma));
	vma->start = addr_of(start);
	vma->end = addr_of(start + len);
	vma->flags = rand() % 50 ? 0 : VMA_GROWS_DOWN;
	vma_tree_insert(tree, vma);
	paint(vma, vma);
}

static void change_random(struct vma_tree *tree)
{
	struct vma *vma = owner[rand() % PAGES];

	if (!vma)
		return;
	if (rand() % 2) {
		vma_tree_remove(tree, vma);
		paint(vma, NULL);
		free(vma);
		return;
	}
	struct vma *prev = vma_prev(vma), *next = vma_next(vma);
	size_t low = prev ? prev->end / PAGE_SIZE : LOW_PAGE, high = next ? next->start / PAGE_SIZE : PAGES;
	size_t start = low + rand() % (high - low), end = start + 1 + rand() % (high - start);

	paint(vma, NULL);
	vma_tree_resize(tree, vma, addr_of(start), addr_of(end));
	paint(vma, vma);
}

/* Takes a mapping out and puts it, or its first part, back. */
static void remove_and_insert(struct vma_tree *tree)
{
	struct vma *vma = owner[rand() % PAGES];

	if (!vma)
		return;
	paint(vma, NULL);
	vma_tree_remove(tree, vma);
	if (rand() % 2)
		check_gap(tree);
	if (rand() % 2)
		vma->end = vma->start + (vma->end - vma->start + PAGE_SIZE) / 2 / PAGE_SIZE * PAGE_SIZE;
	vma_tree_insert(tree, vma);
	paint(vma, vma);
}

static unsigned height_of(const struct rb_node *node)
{
	unsigned left, right;

	if (!node)
		return 0;
	assert((!node->left || node->left->parent == node) && (!node->right || node->right->parent == node));
	left = height_of(node->left);
	right = height_of(node->right);
	return 1 + MAX(left, right);
}

/* The worst orders of insertion keep the tree low: upwards, downwards, and from both ends. */
static void check_balance(unsigned order)
{
	static struct vma vmas[PAGES];
	struct vma_tree tree = { 0 };
	unsigned log = 0;

	memset(owner, 0, sizeof(owner));
	for (size_t i = 1; i < PAGES; i++) {
		size_t page = order == 0 ? i : order == 1 ? PAGES - i : i % 2 ? i : PAGES - i;

		vmas[page] = (struct vma){ .start = addr_of(page), .end = addr_of(page + 1) };
		vma_tree_insert(&tree, &vmas[page]);
		paint(&vmas[page], &vmas[page]);
		log += (size_t)2 << log <= i;
		assert(height_of(tree.links.root) <= 2 * log + 3);
	}
	assert(tree.count == PAGES - 1);
	check_order(&tree);
}

int main(void)
{
	for (unsigned order = 0; order < 3; order++)
		check_balance(order);
	for (unsigned seed = 1; seed <= 12; seed++) {
		struct vma_tree tree = { 0 };

		srand(seed);
		memset(owner, 0, sizeof(owner));
		for (unsigned step = 0; step < 3000; step++) {
			if (rand() % 3)
				insert_random(&tree);
			else
				change_random(&tree);
			if (rand() % 4 == 0)
				remove_and_insert(&tree);
			check_find(&tree);
			check_gap(&tree);
			if (step % 20 == 0)
				check_order(&tree);
		}
		while (tree.links.root) {
			struct vma *vma = vma_first(&tree);

			vma_tree_remove(&tree, vma);
			free(vma);
		}
	}
	return 0;
}
