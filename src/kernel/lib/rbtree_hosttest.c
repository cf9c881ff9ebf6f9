/* SPDX-License-Identifier: MIT */
/* Random inserts and removals; after each the red-black rules, the order and the subtree counts are checked. */
/* LINK: lib/rbtree.c */
#include "lib/rbtree.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

struct item { struct rb_node node; int key; int count; bool in_tree; };

static int subtree_count(const struct rb_node *node)
{
	return node ? rb_entry(node, struct item, node)->count : 0;
}

static bool augment(struct rb_node *node, bool moved)
{
	int old = rb_entry(node, struct item, node)->count;

	rb_entry(node, struct item, node)->count = 1 + subtree_count(node->left) + subtree_count(node->right);
	return rb_entry(node, struct item, node)->count != old;
}

/* Returns the black height. */
static int check(const struct rb_node *node, const struct rb_node *parent)
{
	int left, right;

	if (!node)
		return 1;
	assert(node->parent == parent);
	assert(!(node->red && parent && parent->red));
	left = check(node->left, node);
	right = check(node->right, node);
	assert(left == right);
	assert(subtree_count(node) == 1 + subtree_count(node->left) + subtree_count(node->right));
	return left + !node->red;
}

static void insert(struct rb_tree *tree, struct item *item)
{
	struct rb_node **place = &tree->root, *parent = NULL;

	while (*place) {
		parent = *place;
		place = item->key < rb_entry(parent, struct item, node)->key ? &parent->left : &parent->right;
	}
	rb_insert(tree, &item->node, parent, place, augment);
}

static void check_order(const struct rb_tree *tree, int expected)
{
	int seen = 0, last = -1;

	for (struct rb_node *node = rb_first(tree); node; node = rb_next(node), seen++) {
		assert(rb_entry(node, struct item, node)->key >= last);
		last = rb_entry(node, struct item, node)->key;
	}
	assert(seen == expected);
	for (struct rb_node *node = rb_last(tree); node; node = rb_prev(node))
		seen--;
	assert(seen == 0);
}

int main(void)
{
	enum { COUNT = 300, STEPS = 20000, SEED = 7 };
	static struct item items[COUNT];
	struct rb_tree tree = { 0 };
	int in_tree = 0;

	printf("rbtree: seed %d\n", SEED);
	srand(SEED);
	for (int step = 0; step < STEPS; step++) {
		struct item *item = &items[rand() % COUNT];

		if (item->in_tree) {
			rb_remove(&tree, &item->node, augment);
			in_tree--;
		} else {
			item->key = rand() % 100;
			insert(&tree, item);
			in_tree++;
		}
		item->in_tree = !item->in_tree;
		check(tree.root, NULL);
		if (step % 100 == 0)
			check_order(&tree, in_tree);
	}
	return 0;
}
