/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void world_fail(const struct world *world, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "ext2: seed %u, operation %lu: ", world->seed, world->operations);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, " (last of the log: %s)\n", world->store.last_log);
	exit(1);
}

unsigned world_random(struct world *world, unsigned below)
{
	static unsigned long long state;
	static const struct world *owner;
	static unsigned seed;

	if (owner != world || seed != world->seed || !state) {
		owner = world;
		seed = world->seed;
		state = seed * 0x9e3779b97f4a7c15ull + 1;
	}
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 33) % below;
}

static void touch(const struct world *world, unsigned long *when)
{
	if (!*when)
		*when = world->operations;
}

void world_forget_touches(struct world *world)
{
	memset(world->touches, 0, sizeof(world->touches));
}

void touch_moved(struct world *world, const struct node *node)
{
	touch(world, &world->touches[node->id.id % 4096].moved);
}

void touch_removed(struct world *world, const struct node *node)
{
	touch(world, &world->touches[node->id.id % 4096].removed);
}

void touch_written(struct world *world, const struct node *node)
{
	touch(world, &world->touches[node->id.id % 4096].written);
}

struct name *tree_find(struct world *world, const struct node *dir, const char *text)
{
	for (unsigned i = 0; i < world->name_count; i++)
		if (world->names[i].dir == dir && strcmp(world->names[i].text, text) == 0)
			return &world->names[i];
	return NULL;
}

struct name *tree_add(struct world *world, struct node *dir, const char *text, struct node *node)
{
	struct name *name = &world->names[world->name_count++];

	if (world->name_count > WORLD_NODES * 2 - 1)
		world_fail(world, "too many names");
	name->dir = dir;
	name->node = node;
	snprintf(name->text, sizeof(name->text), "%s", text);
	touch_moved(world, node);
	return name;
}

void tree_remove(struct world *world, struct name *name)
{
	touch_moved(world, name->node);
	*name = world->names[--world->name_count];
}

struct node *tree_new(struct world *world)
{
	for (unsigned i = 0; i < world->max_nodes; i++) {
		if (world->nodes[i].used)
			continue;
		memset(&world->nodes[i], 0, sizeof(world->nodes[i]));
		return &world->nodes[i];
	}
	return NULL;
}

struct node *tree_pick(struct world *world, unsigned type)
{
	unsigned start = world_random(world, WORLD_NODES);

	for (unsigned i = 0; i < WORLD_NODES; i++) {
		struct node *node = &world->nodes[(start + i) % WORLD_NODES];

		if (node->used && node->links && (!type || (node->mode & S_IFMT) == type))
			return node;
	}
	return NULL;
}

bool tree_is_below(const struct node *node, const struct node *above)
{
	for (; node; node = node->parent)
		if (node == above)
			return true;
	return false;
}

bool tree_is_empty(const struct world *world, const struct node *dir)
{
	for (unsigned i = 0; i < world->name_count; i++)
		if (world->names[i].dir == dir)
			return false;
	return true;
}
