/* SPDX-License-Identifier: MIT */
/* The tree in memory that root_model compares a file system with. One thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { PAGE = 4096, NODES = 96, NAMES = 128, NAME_LENGTH = 256, FILE_PAGES = 96 };

struct tree_page {
	uint64_t index;
	uint8_t bytes[PAGE];
};

/* A file's pages that are no holes are in no order. */
struct node {
	mode_t mode;			/* 0: free */
	uint64_t size, inode;		/* inode: 0: not seen yet */
	time_t mtime;			/* what it was set to; 0: whatever it is */
	char *target;
	struct tree_page *pages[FILE_PAGES];
	unsigned page_count;
};

struct name {
	struct node *folder, *node;
	char text[NAME_LENGTH];
};

/* Of folders node 0 is the one where it begins, without a name. */
struct tree {
	uint64_t random;
	struct node nodes[NODES];
	struct name names[NAMES];
	unsigned name_count;
};

/* A name in a folder; @node: what has it now, or NULL. */
struct place {
	struct node *folder, *node;
	char text[NAME_LENGTH];
};

void tree_make(struct tree *tree, uint64_t seed);
/* Below @limit, which is not 0. */
uint64_t tree_random(struct tree *tree, uint64_t limit);
void tree_fill(struct tree *tree, uint8_t *bytes, size_t length);
/* Mostly near the start, and around the borders of ext2's indirect blocks. */
uint64_t tree_offset(struct tree *tree);

/* A place: one that has a name if @named and there is any, else any. */
void tree_pick(struct tree *tree, struct place *place, int named);
/* Some regular file with a name; 0 when there is none. */
int tree_find_file(struct tree *tree, struct place *place);
struct node *tree_any_folder(struct tree *tree);
/* Sets @place's node by its folder and text. */
void tree_find(struct tree *tree, struct place *place);
/* A name after whose end no other is in it; 0 when there are none. */
int tree_last(struct tree *tree, struct place *place);
int tree_has_room(const struct tree *tree);

void tree_path(const struct tree *tree, const struct place *place, char *path, size_t size);
void tree_folder_path(const struct tree *tree, const struct node *folder, char *path, size_t size);

struct node *tree_add(struct tree *tree, const struct place *place, mode_t mode);
void tree_set_target(struct node *node, const char *target);
void tree_name(struct tree *tree, const struct place *place, struct node *node);
void tree_unname(struct tree *tree, const struct place *place);
/* If it has no name any more. */
void tree_drop(struct tree *tree, struct node *node);

unsigned tree_links(const struct tree *tree, const struct node *node);
unsigned tree_count(const struct tree *tree, const struct node *folder);
int tree_is_empty(const struct tree *tree, const struct node *folder);
/* @node is @folder, or one that it is in. */
int tree_is_above(const struct tree *tree, const struct node *node, const struct node *folder);

/* 0, and nothing is done, when the file would have too many pages. */
int tree_write(struct node *node, uint64_t offset, const uint8_t *bytes, size_t length);
void tree_read(const struct node *node, uint64_t offset, uint8_t *bytes, size_t length);
void tree_truncate(struct node *node, uint64_t size);
