/* SPDX-License-Identifier: MIT */
/*
 * Red-black trees with embedded nodes. The caller finds the place of a new node itself (so that any key works), links it
 * with rb_insert, and may keep per-subtree data up to date with @augment. Not locked.
 */
#pragma once

#include "lib/types.h"

struct rb_node {
	struct rb_node *parent, *left, *right;
	bool red;
};

struct rb_tree {
	struct rb_node *root;
};

/*
 * Called for a node whose subtree changed; recomputes its subtree data from itself and its children. With @moved the node has got other children by a
 * rotation, took a removed node's place, or is new. Otherwise calls go from the change up to the root until one returns false:
 * the data of @node, and so of all above it, needs no change.
 */
typedef bool rb_augment_fn(struct rb_node *node, bool moved);

/* Links @node below @parent at *@place (a child pointer of @parent, or &tree->root) and rebalances. @augment may be NULL. */
void rb_insert(struct rb_tree *tree, struct rb_node *node, struct rb_node *parent, struct rb_node **place,
	       rb_augment_fn *augment);
void rb_remove(struct rb_tree *tree, struct rb_node *node, rb_augment_fn *augment);

struct rb_node *rb_first(const struct rb_tree *tree);
struct rb_node *rb_last(const struct rb_tree *tree);
struct rb_node *rb_next(const struct rb_node *node);
struct rb_node *rb_prev(const struct rb_node *node);

#define rb_entry(node, type, member) container_of(node, type, member)
