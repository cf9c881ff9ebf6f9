/* SPDX-License-Identifier: MIT */
/* Red-black trees as in Cormen, Leiserson, Rivest, Stein, chapter 13, with NULL for the leaves. */
#include "lib/rbtree.h"

static bool is_red(const struct rb_node *node)
{
	return node && node->red;
}

static void replace_child(struct rb_tree *tree, struct rb_node *parent, struct rb_node *old, struct rb_node *new)
{
	if (!parent)
		tree->root = new;
	else if (parent->left == old)
		parent->left = new;
	else
		parent->right = new;
	if (new)
		new->parent = parent;
}

/* Lifts @node's child on the side opposite to @left above it. */
static void rotate(struct rb_tree *tree, struct rb_node *node, bool left, rb_augment_fn *augment)
{
	struct rb_node *up = left ? node->right : node->left;
	struct rb_node *middle = left ? up->left : up->right;

	replace_child(tree, node->parent, node, up);
	if (left) {
		node->right = middle;
		up->left = node;
	} else {
		node->left = middle;
		up->right = node;
	}
	if (middle)
		middle->parent = node;
	node->parent = up;
	if (augment) {
		augment(node, true);
		augment(up, true);
	}
}

/* Recomputes subtree data from @node upwards, after the node's own key or size changed. */
static void rb_propagate(struct rb_node *node, rb_augment_fn *augment)
{
	if (!augment)
		return;
	while (node && augment(node, false))
		node = node->parent;
}

/* @node is new and red. */
static void balance_inserted(struct rb_tree *tree, struct rb_node *node, rb_augment_fn *augment)
{
	while (is_red(node->parent)) {
		struct rb_node *up = node->parent, *grand = up->parent;
		bool up_is_left = up == grand->left;
		struct rb_node *uncle = up_is_left ? grand->right : grand->left;

		if (is_red(uncle)) {
			up->red = uncle->red = false;
			grand->red = true;
			node = grand;
			continue;
		}
		if (node == (up_is_left ? up->right : up->left)) {
			rotate(tree, up, up_is_left, augment);
			node = up;
			up = node->parent;
		}
		up->red = false;
		grand->red = true;
		rotate(tree, grand, !up_is_left, augment);
	}
	tree->root->red = false;
}

void rb_insert(struct rb_tree *tree, struct rb_node *node, struct rb_node *parent, struct rb_node **place, rb_augment_fn *augment)
{
	node->parent = parent;
	node->left = node->right = NULL;
	node->red = true;
	*place = node;
	if (augment)
		augment(node, true);
	rb_propagate(parent, augment);
	balance_inserted(tree, node, augment);
}

/* @node (possibly NULL, below @parent) is one black short. */
static void fix_removal(struct rb_tree *tree, struct rb_node *node, struct rb_node *parent, rb_augment_fn *augment)
{
	while (parent && !is_red(node)) {
		bool left = node == parent->left;
		struct rb_node *sibling = left ? parent->right : parent->left;
		struct rb_node *near, *far;

		if (is_red(sibling)) {
			sibling->red = false;
			parent->red = true;
			rotate(tree, parent, left, augment);
			sibling = left ? parent->right : parent->left;
		}
		near = left ? sibling->left : sibling->right;
		far = left ? sibling->right : sibling->left;
		if (!is_red(near) && !is_red(far)) {
			sibling->red = true;
			node = parent;
			parent = node->parent;
			continue;
		}
		if (!is_red(far)) {
			near->red = false;
			sibling->red = true;
			rotate(tree, sibling, !left, augment);
			far = sibling;
			sibling = near;
		}
		sibling->red = parent->red;
		parent->red = false;
		far->red = false;
		rotate(tree, parent, left, augment);
		return;
	}
	if (node)
		node->red = false;
}

void rb_remove(struct rb_tree *tree, struct rb_node *node, rb_augment_fn *augment)
{
	struct rb_node *child, *parent, *above = NULL;
	bool removed_black;

	if (node->left && node->right) {
		struct rb_node *next = node->right;

		while (next->left)
			next = next->left;
		child = next->right;
		parent = next->parent;
		removed_black = !next->red;
		if (parent == node)
			parent = next;
		else
			replace_child(tree, next->parent, next, child);
		replace_child(tree, node->parent, node, next);
		next->red = node->red;
		next->left = node->left;
		next->left->parent = next;
		if (next != node->right) {
			next->right = node->right;
			next->right->parent = next;
		}
		if (augment)
			augment(next, true);
		above = next->parent;
	} else {
		child = node->left ? node->left : node->right;
		parent = node->parent;
		removed_black = !node->red;
		replace_child(tree, parent, node, child);
	}
	rb_propagate(parent, augment);
	rb_propagate(above, augment);
	if (removed_black)
		fix_removal(tree, child, parent, augment);
}

struct rb_node *rb_first(const struct rb_tree *tree)
{
	struct rb_node *node = tree->root;

	while (node && node->left)
		node = node->left;
	return node;
}

struct rb_node *rb_last(const struct rb_tree *tree)
{
	struct rb_node *node = tree->root;

	while (node && node->right)
		node = node->right;
	return node;
}

struct rb_node *rb_next(const struct rb_node *node)
{
	if (node->right) {
		node = node->right;
		while (node->left)
			node = node->left;
		return (struct rb_node *)node;
	}
	while (node->parent && node == node->parent->right)
		node = node->parent;
	return node->parent;
}

struct rb_node *rb_prev(const struct rb_node *node)
{
	if (node->left) {
		node = node->left;
		while (node->right)
			node = node->right;
		return (struct rb_node *)node;
	}
	while (node->parent && node == node->parent->left)
		node = node->parent;
	return node->parent;
}
