/* SPDX-License-Identifier: MIT */
/*
 * A tree in memory and an ext2 image that has to stay the same: random operations are done to both, the library dying around its commits (store.h) and
 * beginning again.
 */
#ifndef EXT2_CHECK_WORLD_H
#define EXT2_CHECK_WORLD_H

#include <sys/types.h>

#include "store.h"

enum { WORLD_NODES = 96, WORLD_BLOCKS = 48, WORLD_TARGET = 200, WORLD_NAME = 120 };

struct node {
	bool used, open;
	struct ext2_node id;
	uint32_t mode, uid, gid, links;
	uint64_t size, rdev;
	struct node *parent;		/* of directories */
	char target[WORLD_TARGET + 1];
	struct { uint64_t index; uint32_t block, version; } blocks[WORLD_BLOCKS];
	unsigned block_count;
};

/* The operations that first did so to an inode since world_forget_touches; 0: none. */
struct touch { unsigned long removed, moved, written; };

struct name { struct node *dir, *node; char text[WORLD_NAME]; };

enum world_kills { KILL_NEVER, KILL_ALWAYS, KILL_RANDOM };

struct world {
	struct store store;
	struct ext2 *fs;
	void *memory;
	unsigned seed;
	enum world_kills kills;
	struct node nodes[WORLD_NODES];
	struct name names[WORLD_NODES * 2];
	unsigned name_count;
	uint32_t version;
	unsigned long operations, refused, full;
	unsigned long kills_done, failures;
	unsigned max_nodes;
	uint64_t max_size;		/* of files, at least where the operations go */
	struct touch touches[4096];	/* by inode number */
};

unsigned world_random(struct world *world, unsigned below);
/* Takes @bytes. The image's own tree (lost+found) becomes the model's. */
void world_open(struct world *world, uint8_t *bytes, size_t size, unsigned seed);
void world_close(struct world *world);
/* One random operation on both. Exits when they differ. */
void world_step(struct world *world);
/* Compares all of both. */
void world_compare(struct world *world);
/*
 * Are the blocks that the library has kept what the store has, where their generations are its own, which are @ahead of the store's; and is none in use?
 * Returns how many were.
 */
unsigned world_check_kept(struct world *world, const struct ext2 *fs, unsigned ahead, bool may_be_old);
void world_sync(struct world *world, bool clean);
/* The node that was made, if any. */
struct node *world_create(struct world *world, struct node *dir, uint32_t kind, const char *text);
void world_rename(struct world *world, struct name *from, struct node *to_dir, const char *text, unsigned flags);
/* Everything goes. */
void world_empty(struct world *world);
int64_t world_time(struct world *world);

/* What may be asked. */
enum call_kind { CALL_START, CALL_GROW, CALL_CREATE, CALL_LINK, CALL_REMOVE, CALL_RELEASE, CALL_RENAME, CALL_MAP, CALL_SETATTR, CALL_SYNC };
struct call {
	struct answer *answer;
	struct ext2_new new;
	struct ext2_rename rename;
	struct ext2_map map;
	struct ext2_node node, dir;
	struct ext2_name name;
	struct ext2_attr attr;
	unsigned flags;
	int64_t time;
	bool clean;
};

/* direct.c, or requests.c: runs one to its end through all deaths. The answer's first member is its result. */
struct answer {
	int result;
	union {
		struct ext2_attr attr;
		struct ext2_removed removed;
		struct ext2_extent extents[16];
		struct ext2_statfs statfs;
	};
};
int world_run(struct world *world, enum call_kind kind, struct call *call, struct answer *answer);
void world_mount(struct world *world, unsigned flags);

__attribute__((format(printf, 2, 3), noreturn)) void world_fail(const struct world *world, const char *format, ...);

/* tree.c */
void world_forget_touches(struct world *world);
void touch_moved(struct world *world, const struct node *node);
void touch_removed(struct world *world, const struct node *node);
void touch_written(struct world *world, const struct node *node);
struct name *tree_find(struct world *world, const struct node *dir, const char *text);
struct name *tree_add(struct world *world, struct node *dir, const char *text, struct node *node);
void tree_remove(struct world *world, struct name *name);
struct node *tree_new(struct world *world);
struct node *tree_pick(struct world *world, unsigned type);	/* in use and named; S_IF*, 0 for any */
bool tree_is_below(const struct node *node, const struct node *above);
bool tree_is_empty(const struct world *world, const struct node *dir);

/* image.c */
__attribute__((format(printf, 1, 2))) int shell(const char *format, ...);
const char *scratch_folder(void);
uint8_t *load_file(const char *path, size_t *len);
void save_file(const char *path, const uint8_t *bytes, size_t len);
/* What mke2fs makes of @options, of @kib KiB. */
uint8_t *make_image(const char *options, unsigned kib, size_t *len);
/* The exit status of e2fsck @options on an image; what it leaves of it if @mended. */
int fsck(const char *options, const uint8_t *image, size_t len, uint8_t **mended);

#endif
