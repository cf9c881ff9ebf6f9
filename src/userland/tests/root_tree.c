/* SPDX-License-Identifier: MIT */
/* See root_tree.h. */
#include "root_tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { NEAR = 200000, AROUND = 40000, TEXTS = 40 };

/* Bytes at which ext2 with blocks of 4 KiB (and of 1 KiB: the first three) begins with another kind of indirect block. */
static const uint64_t borders[] = { 12 << 10, 268 << 10, 65804ull << 10, 12 << 12, 1036 << 12, 1049612ull << 12 };

uint64_t tree_random(struct tree *tree, uint64_t limit)
{
	tree->random ^= tree->random << 13;
	tree->random ^= tree->random >> 7;
	tree->random ^= tree->random << 17;
	return (tree->random * 0x2545f4914f6cdd1dull >> 16) % limit;
}

void tree_fill(struct tree *tree, uint8_t *bytes, size_t length)
{
	uint8_t first = (uint8_t)tree_random(tree, 256), add = (uint8_t)(1 + 2 * tree_random(tree, 100));

	for (size_t i = 0; i < length; i++, first += add)
		bytes[i] = first;
}

uint64_t tree_offset(struct tree *tree)
{
	uint64_t border;

	if (tree_random(tree, 3))
		return tree_random(tree, NEAR);
	border = borders[tree_random(tree, sizeof borders / sizeof borders[0])];
	return border < AROUND ? tree_random(tree, 2 * AROUND) : border - AROUND + tree_random(tree, 2 * AROUND);
}

static void clear_node(struct node *node)
{
	for (unsigned i = 0; i < node->page_count; i++)
		free(node->pages[i]);
	free(node->target);
	memset(node, 0, sizeof *node);
}

void tree_make(struct tree *tree, uint64_t seed)
{
	for (unsigned i = 0; i < NODES; i++)
		clear_node(&tree->nodes[i]);
	memset(tree, 0, sizeof *tree);
	tree->random = (seed + 1) * 0x9e3779b97f4a7c15ull | 1;
	tree->nodes[0].mode = S_IFDIR | 0755;
}

struct node *tree_any_folder(struct tree *tree)
{
	for (int tries = 0; tries < 20; tries++) {
		struct node *node = &tree->nodes[tree_random(tree, NODES)];

		if (S_ISDIR(node->mode))
			return node;
	}
	return &tree->nodes[0];
}

void tree_find(struct tree *tree, struct place *place)
{
	place->node = NULL;
	for (unsigned i = 0; i < tree->name_count; i++)
		if (tree->names[i].folder == place->folder && !strcmp(tree->names[i].text, place->text))
			place->node = tree->names[i].node;
}

static void place_of(const struct name *name, struct place *place)
{
	*place = (struct place){ .folder = name->folder, .node = name->node };
	memcpy(place->text, name->text, sizeof place->text);
}

void tree_pick(struct tree *tree, struct place *place, int named)
{
	unsigned number;

	if (named && tree->name_count) {
		place_of(&tree->names[tree_random(tree, tree->name_count)], place);
		return;
	}
	number = (unsigned)tree_random(tree, TEXTS);
	place->folder = tree_any_folder(tree);
	/* A fifth of them are long, so that directories have more than a block. */
	snprintf(place->text, sizeof place->text, "%0*u", number % 5 ? 1 + (int)number % 20 : 255 - (int)number, number);
	tree_find(tree, place);
}

int tree_find_file(struct tree *tree, struct place *place)
{
	for (int tries = 0; tries < 20 && tree->name_count; tries++) {
		place_of(&tree->names[tree_random(tree, tree->name_count)], place);
		if (S_ISREG(place->node->mode))
			return 1;
	}
	return 0;
}

int tree_last(struct tree *tree, struct place *place)
{
	for (unsigned i = tree->name_count; i-- > 0;) {
		place_of(&tree->names[i], place);
		if (!S_ISDIR(place->node->mode) || tree_is_empty(tree, place->node))
			return 1;
	}
	return 0;
}

static struct node *free_node(const struct tree *tree)
{
	for (unsigned i = 1; i < NODES; i++)
		if (!tree->nodes[i].mode)
			return (struct node *)&tree->nodes[i];
	return NULL;
}

int tree_has_room(const struct tree *tree)
{
	return tree->name_count < NAMES && free_node(tree);
}

void tree_folder_path(const struct tree *tree, const struct node *folder, char *path, size_t size)
{
	struct place place = { .folder = NULL };

	snprintf(path, size, ".");
	for (unsigned i = 0; i < tree->name_count; i++) {
		if (tree->names[i].node == folder) {
			place_of(&tree->names[i], &place);
			tree_path(tree, &place, path, size);
			return;
		}
	}
}

void tree_path(const struct tree *tree, const struct place *place, char *path, size_t size)
{
	size_t length;

	tree_folder_path(tree, place->folder, path, size);
	length = strlen(path);
	snprintf(path + length, size - length, "/%s", place->text);
}

void tree_name(struct tree *tree, const struct place *place, struct node *node)
{
	struct name *name = &tree->names[tree->name_count++];

	name->folder = place->folder;
	name->node = node;
	memcpy(name->text, place->text, sizeof name->text);
}

struct node *tree_add(struct tree *tree, const struct place *place, mode_t mode)
{
	struct node *node = free_node(tree);

	node->mode = mode;
	tree_name(tree, place, node);
	return node;
}

void tree_set_target(struct node *node, const char *target)
{
	if (target)
		node->target = strdup(target);
}

void tree_unname(struct tree *tree, const struct place *place)
{
	for (unsigned i = 0; i < tree->name_count; i++) {
		if (tree->names[i].folder == place->folder && !strcmp(tree->names[i].text, place->text)) {
			tree->names[i] = tree->names[--tree->name_count];
			return;
		}
	}
	abort();
}

static unsigned names_of(const struct tree *tree, const struct node *node)
{
	unsigned count = 0;

	for (unsigned i = 0; i < tree->name_count; i++)
		count += tree->names[i].node == node;
	return count;
}

void tree_drop(struct tree *tree, struct node *node)
{
	if (names_of(tree, node) == 0)
		clear_node(node);
}

unsigned tree_links(const struct tree *tree, const struct node *node)
{
	unsigned count = 2;

	if (!S_ISDIR(node->mode))
		return names_of(tree, node);
	for (unsigned i = 0; i < tree->name_count; i++)
		count += tree->names[i].folder == node && S_ISDIR(tree->names[i].node->mode);
	return count;
}

unsigned tree_count(const struct tree *tree, const struct node *folder)
{
	unsigned count = 0;

	for (unsigned i = 0; i < tree->name_count; i++)
		count += tree->names[i].folder == folder;
	return count;
}

int tree_is_empty(const struct tree *tree, const struct node *folder)
{
	return tree_count(tree, folder) == 0;
}

int tree_is_above(const struct tree *tree, const struct node *node, const struct node *folder)
{
	while (folder && folder != node) {
		const struct node *above = NULL;

		for (unsigned i = 0; i < tree->name_count; i++)
			if (tree->names[i].node == folder)
				above = tree->names[i].folder;
		folder = above;
	}
	return folder != NULL;
}

static uint8_t *page_at(const struct node *node, uint64_t index)
{
	for (unsigned i = 0; i < node->page_count; i++)
		if (node->pages[i]->index == index)
			return node->pages[i]->bytes;
	return NULL;
}

int tree_write(struct node *node, uint64_t offset, const uint8_t *bytes, size_t length)
{
	unsigned missing = 0;

	for (uint64_t index = offset / PAGE; index <= (offset + length - 1) / PAGE; index++)
		missing += !page_at(node, index);
	if (node->page_count + missing > FILE_PAGES)
		return 0;
	if (offset + length > node->size)
		node->size = offset + length;
	while (length) {
		size_t in = offset % PAGE, part = PAGE - in < length ? PAGE - in : length;
		uint8_t *page = page_at(node, offset / PAGE);

		if (!page) {
			struct tree_page *added = calloc(1, sizeof *added);

			added->index = offset / PAGE;
			node->pages[node->page_count++] = added;
			page = added->bytes;
		}
		memcpy(page + in, bytes, part);
		offset += part;
		bytes += part;
		length -= part;
	}
	return 1;
}

void tree_read(const struct node *node, uint64_t offset, uint8_t *bytes, size_t length)
{
	while (length) {
		size_t in = offset % PAGE, part = PAGE - in < length ? PAGE - in : length;
		const uint8_t *page = page_at(node, offset / PAGE);

		if (page)
			memcpy(bytes, page + in, part);
		else
			memset(bytes, 0, part);
		offset += part;
		bytes += part;
		length -= part;
	}
}

void tree_truncate(struct node *node, uint64_t size)
{
	for (unsigned i = 0; i < node->page_count;) {
		uint64_t start = node->pages[i]->index * PAGE;

		if (start >= size) {
			free(node->pages[i]);
			node->pages[i] = node->pages[--node->page_count];
			continue;
		}
		if (size - start < PAGE)
			memset(node->pages[i]->bytes + (size - start), 0, PAGE - (size - start));
		i++;
	}
	node->size = size;
}
