/* SPDX-License-Identifier: MIT */
/* Between the files of the ext2 library. Sizes and numbers of blocks are those of the file system unless said otherwise. */
#ifndef EXT2_INTERNAL_H
#define EXT2_INTERNAL_H

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "ext2.h"
#include "format.h"

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

enum {
	EXT2_BUFFERS = 42,
	EXT2_BUCKETS = 64,
	EXT2_KEPT_BYTES = 64 << 10,	/* more buffers only as long as one transaction has them pinned or changed */
	EXT2_MAX_CHANGED = 28,	/* blocks changed by one transaction; the others are for what it reads meanwhile */
	EXT2_MAX_CHANGES = 128,
	EXT2_MAX_DELTAS = 6,	/* groups whose counts one transaction changes */
	EXT2_RESERVE_CHANGES = 30,	/* what an operation may still add when it has found that there is room */
};

/*
 * A block. Changes are made here at once, but for those that their transaction is not to see. Should it be aborted, what it changed is read again.
 */
struct ext2_buffer {
	struct ext2_buffer *next;	/* in its bucket */
	uint8_t *data;
	uint8_t *early;			/* without the late changes of the open group, if has_early; else these are the same */
	uint64_t generation;
	uint32_t number;
	uint32_t used_at;
	uint16_t pins;
	bool in_use;			/* it is in a bucket */
	bool has_early;
	bool is_content;		/* it was found to be no block of the file system itself */
	/* By the open transaction: */
	bool changed, fresh;
	bool discarded;			/* its changes were taken back */
	uint8_t last_change;		/* the last one of it: index + 1 */
};

struct ext2_delta { uint32_t group; int32_t blocks, inodes, directories; };

/* Bytes of a directory's block that no name needs. */
struct ext2_gap {
	uint32_t start, len;
	uint32_t owner, owner_len;	/* the entry that they belong to and what it needs of its record; UINT32_MAX: an entry not in use begins here */
};

struct ext2_txn {
	struct ext2 *fs;
	bool boundary;		/* it begins a group: what was freed before may be used again */
	bool hidden;		/* something did not fit that would in a new group */
	bool needs_group;	/* it must be in the open group */
	bool bears;		/* it makes an inode, which is marked with the open group */
	bool unseen;		/* some changes are yet to be made to the buffers */
	bool frees_early;	/* what is freed was never on the disk, so that it may be used again at once */
	unsigned flags;		/* of the commit */
	/* Where ext2_make_room has found room, for ext2_add_entry. */
	struct { uint32_t dir, len, block; struct ext2_gap gap; } room;	/* dir 0: nowhere yet */
	uint32_t group;		/* the one that was open at its beginning */
	unsigned changed_count, change_count, delta_count;
	int64_t freed_blocks, freed_inodes;	/* with write_counts(): by how much the totals change */
	struct ext2_buffer *changed[EXT2_MAX_CHANGED];
	struct ext2_change changes[EXT2_MAX_CHANGES];
	struct ext2_delta deltas[EXT2_MAX_DELTAS];
};

struct ext2 {
	struct ext2_io *io;
	uint32_t block_size, block_shift, pointers;	/* pointers: in an indirect block */
	uint32_t blocks_count, first_data_block, blocks_per_group, reserved_blocks;
	uint32_t inodes_count, inodes_per_group, first_inode, inode_size, extra_size;
	uint32_t group_count, descriptor_blocks, reserved_descriptors, table_blocks;
	uint64_t max_blocks, max_size;	/* of a file */
	bool file_types, sparse_super, revision1, read_only, was_clean, adopted, skip_orphans;
	uint64_t free_blocks, free_inodes;	/* of all groups, as committed: who changes them is this instance alone */
	bool may_have_kept;	/* a rename may have kept a name elsewhere that is still there */
	uint32_t grown_from;	/* ext2_grow: what the first group had before; 0: not known */
	unsigned errors_logged;
	uint32_t group;		/* that has_early of the buffers is about */
	uint32_t clock;		/* of transactions and reads */
	unsigned buffer_count;	/* those that were used at some time */
	struct ext2_buffer *buckets[EXT2_BUCKETS];
	struct ext2_buffer buffers[EXT2_BUFFERS];
	struct ext2_txn txn;
};

/* Logs unless too much was logged. Returns -EUCLEAN. */
__attribute__((format(printf, 2, 3))) int ext2_corrupt(struct ext2 *fs, const char *format, ...);

/* buffers.c */

/* Nothing is in them. Their bytes are at @memory. */
void ext2_init_buffers(struct ext2 *fs, uint8_t *memory);

static inline struct ext2_buffer *ext2_find_buffer(struct ext2 *fs, uint32_t number)
{
	struct ext2_buffer *buffer = fs->buckets[number % EXT2_BUCKETS];

	while (buffer && buffer->number != number)
		buffer = buffer->next;
	return buffer;
}

/* @fresh: its content does not matter, and is not read. */
int ext2_load_buffer(struct ext2 *fs, uint32_t number, bool fresh, struct ext2_buffer **buffer);

/* Block @number as this transaction sees it, until another one is asked for. 0 or a negative errno. */
static inline int ext2_get(struct ext2_txn *txn, uint32_t number, struct ext2_buffer **buffer)
{
	*buffer = ext2_find_buffer(txn->fs, number);
	if (!*buffer)
		return ext2_load_buffer(txn->fs, number, false, buffer);
	(*buffer)->used_at = txn->fs->clock;
	return 0;
}

/* The same until ext2_unpin. */
static inline int ext2_pin(struct ext2_txn *txn, uint32_t number, struct ext2_buffer **buffer)
{
	int error = ext2_get(txn, number, buffer);

	if (!error)
		(*buffer)->pins++;
	return error;
}

static inline void ext2_unpin(struct ext2_buffer *buffer)
{
	buffer->pins--;
}

static inline int ext2_peek(struct ext2_txn *txn, uint32_t block, uint32_t offset, void *bytes, uint32_t len)
{
	struct ext2_buffer *buffer;
	int error = ext2_get(txn, block, &buffer);

	if (!error)
		memcpy(bytes, buffer->data + offset, len);
	return error;
}

/* What the block looks like on its way to the disk; space that is free in its data but not here must wait for the next group. */
static inline const uint8_t *ext2_early(const struct ext2_txn *txn, const struct ext2_buffer *buffer)
{
	return buffer->has_early && !txn->boundary && !buffer->fresh ? buffer->early : buffer->data;
}

/* It is to be read again, once nobody has it pinned. */
void ext2_drop_buffer(struct ext2 *fs, struct ext2_buffer *buffer);
void ext2_drop_buffers(struct ext2 *fs);
/* Perhaps the open group is another one now: what was late in the one before is settled. */
void ext2_note_group(struct ext2 *fs);

/* transaction.c */

/* Changes bytes of a block (@bytes NULL: to zeroes); @flags are those of the change. */
int ext2_poke(struct ext2_txn *txn, uint32_t block, uint32_t offset, const void *bytes, uint32_t len, unsigned flags);
/* Zeroes 4 bytes late. This transaction goes on seeing them as they were. */
int ext2_poke_zero_late(struct ext2_txn *txn, uint32_t block, uint32_t offset);
/* Makes @block, which this transaction has allocated, all zeroes. */
int ext2_make_fresh(struct ext2_txn *txn, uint32_t block);
int ext2_set_bits(struct ext2_txn *txn, uint32_t bitmap, uint32_t first, uint32_t count);
/* -EUCLEAN if one of them was cleared by this transaction already. It goes on seeing them set. */
int ext2_clear_bits(struct ext2_txn *txn, uint32_t bitmap, uint32_t first, uint32_t count);
/* A note for the kernel about blocks: EXT2_FORGET, EXT2_NEW_DATA. */
int ext2_note(struct ext2_txn *txn, uint8_t kind, uint32_t block, uint32_t count);
/* Takes back what was changed in @block. */
void ext2_discard(struct ext2_txn *txn, uint32_t block);
/* Counts of a group change with the commit. */
int ext2_count(struct ext2_txn *txn, uint32_t group, int blocks, int inodes, int directories);
/*
 * May so many more blocks and counts of groups change? What an operation does as long as there is room for it says so before each time; what is left
 * must do for its end, too.
 */
bool ext2_has_room(const struct ext2_txn *txn, unsigned blocks, unsigned deltas);

/* groups.c */

static inline uint32_t ext2_descriptor_block(const struct ext2 *fs, uint32_t group, uint32_t *offset)
{
	enum { SHIFT = 5 /* sizeof(struct ext2_group) */ };

	*offset = (group << SHIFT) & (fs->block_size - 1);
	return fs->first_data_block + 1 + (group >> (fs->block_shift - SHIFT));
}

static inline int ext2_read_group(struct ext2_txn *txn, uint32_t group, struct ext2_group *out)
{
	uint32_t offset, block = ext2_descriptor_block(txn->fs, group, &offset);

	return ext2_peek(txn, block, offset, out, sizeof(*out));
}

static inline int ext2_inode_table(struct ext2_txn *txn, uint32_t group, uint32_t *block)
{
	uint32_t offset, descriptors = ext2_descriptor_block(txn->fs, group, &offset);

	return ext2_peek(txn, descriptors, offset + offsetof(struct ext2_group, inode_table), block, sizeof(*block));
}

int ext2_write_group(struct ext2_txn *txn, uint32_t group, const struct ext2_group *in);
/* Those of free blocks, free inodes and directories alone. */
int ext2_write_group_counts(struct ext2_txn *txn, uint32_t group, const struct ext2_group *in);
/* Its first block, and how many it has. */
uint32_t ext2_group_start(const struct ext2 *fs, uint32_t group);
uint32_t ext2_group_blocks(const struct ext2 *fs, uint32_t group);
uint32_t ext2_block_group(const struct ext2 *fs, uint32_t block);
uint32_t ext2_inode_group(const struct ext2 *fs, uint32_t inode);
/* If block @block of @group holds the file system's own structures: the first block after them; else 0. */
uint32_t ext2_system_end(const struct ext2 *fs, uint32_t group, const struct ext2_group *descriptor, uint32_t block);
/* Can a file own @block? 0 or -EUCLEAN. */
int ext2_check_block(struct ext2_txn *txn, uint32_t inode, uint32_t block);
/* Also adds up what is free. */
int ext2_check_groups(struct ext2_txn *txn);
/* The first block after the copies of superblock and descriptors, if the group has some; else its first. */
uint32_t ext2_copies_end(const struct ext2 *fs, uint32_t group);

/* block_alloc.c */

/*
 * Allocates 1 to @want blocks in a row, near @goal; with @follow they should come right after what is before it, else begin where there is room to grow.
 * -ENOSPC.
 */
int ext2_alloc_blocks(struct ext2_txn *txn, uint32_t goal, bool follow, uint32_t want, uint32_t *start, uint32_t *count);
/* -EUCLEAN if they are free already, or no file's. @inode is for the message. */
int ext2_free_blocks(struct ext2_txn *txn, uint32_t inode, uint32_t start, uint32_t count);
/* -ENOSPC if only reserved blocks are left. */
int ext2_check_reserve(struct ext2_txn *txn);
uint32_t ext2_next_free(const uint8_t *bits, const uint8_t *early, uint32_t from, uint32_t end);

/* inode_alloc.c */

int ext2_alloc_inode(struct ext2_txn *txn, uint32_t parent, bool directory, uint32_t *number);
int ext2_free_inode(struct ext2_txn *txn, uint32_t number, bool directory);

/* inode.c */

struct ext2_inode {
	uint32_t number;
	uint32_t table_block, table_offset;
	struct ext2_disk_inode disk;
};

/* @node.generation 0 fits any. -ESTALE: it is not that inode any more; -EUCLEAN. */
int ext2_load(struct ext2_txn *txn, struct ext2_node node, struct ext2_inode *inode);
/* The same, and a directory, else -ENOTDIR. */
int ext2_load_directory(struct ext2_txn *txn, struct ext2_node node, struct ext2_inode *inode);
/* For the orphan list: nothing of the inode but its place and its number is checked. */
int ext2_load_raw(struct ext2_txn *txn, uint32_t number, struct ext2_inode *inode);
int ext2_store(struct ext2_txn *txn, const struct ext2_inode *inode);
/* Is it other than the transaction has it? */
int ext2_is_changed(struct ext2_txn *txn, const struct ext2_inode *inode, bool *changed);
/* Everything of the inode but its generation becomes zero; to be stored. */
int ext2_clear(struct ext2_txn *txn, struct ext2_inode *inode);
/* The same, and stored. */
int ext2_wipe(struct ext2_txn *txn, struct ext2_inode *inode);
uint64_t ext2_size(const struct ext2_inode *inode);
int ext2_set_size(struct ext2_txn *txn, struct ext2_inode *inode, uint64_t size);
void ext2_attr(const struct ext2 *fs, const struct ext2_inode *inode, struct ext2_attr *out);
enum ext2_times { EXT2_T_ACCESS = 1, EXT2_T_MODIFY = 2, EXT2_T_CHANGE = 4, EXT2_T_BIRTH = 8 };
void ext2_set_times(const struct ext2 *fs, struct ext2_inode *inode, unsigned which, int64_t time);
void ext2_set_rdev(struct ext2_inode *inode, uint64_t rdev);
void ext2_set_owner(struct ext2_inode *inode, uint32_t uid, uint32_t gid);
/* Has it a map of blocks (not a device, a symlink whose target is in the inode …)? */
bool ext2_has_blocks(const struct ext2 *fs, const struct ext2_inode *inode);
int ext2_may_change(const struct ext2_inode *inode);
/*
 * Was it made in the open group, so that the disk does not know it at all? The transaction then has to be in that group, too: ext2_run begins again if
 * it turns out that it will not.
 */
bool ext2_is_unborn(struct ext2_txn *txn, const struct ext2_inode *inode);

/* map.c */

/* Block @index of the file; 0 for a hole. */
int ext2_map_block(struct ext2_txn *txn, const struct ext2_inode *inode, uint64_t index, uint32_t *block);
/* Fills the hole at @index with up to @want blocks in a row. The inode changes and is not yet stored. */
int ext2_fill(struct ext2_txn *txn, struct ext2_inode *inode, uint64_t index, uint32_t want, uint32_t *block, uint32_t *count);

/* truncate.c */

/*
 * Frees the blocks from @keep on, the last one first. The inode changes and is not yet stored. Returns 0 with *@end = @keep, or EXT2_MORE when the
 * transaction is full; then all from *@end on are free.
 */
int ext2_truncate(struct ext2_txn *txn, struct ext2_inode *inode, uint64_t keep, uint64_t *end);
/* Frees all an inode without names has, and the inode. EXT2_MORE: stored, and to be gone on with. */
int ext2_destroy(struct ext2_txn *txn, struct ext2_inode *inode);
/* Frees its block of extended attributes, or one reference to it. */
int ext2_free_xattrs(struct ext2_txn *txn, struct ext2_inode *inode);

/* directory.c, directory_change.c */

struct ext2_place {
	uint32_t block;		/* on the disk */
	uint64_t index;		/* in the directory */
	uint32_t offset;	/* in the block */
	struct ext2_entry entry;
};

int ext2_check_name(struct ext2_name name);
/* Says what is wrong with it. */
void ext2_bad_entry(struct ext2 *fs, uint32_t dir, uint32_t offset, const uint8_t *block);

/* The entry at @offset of a directory's block, which must be a multiple of 4; NULL and a line in the log when it cannot be one. */
static inline const struct ext2_entry *ext2_record_at(struct ext2 *fs, uint32_t dir, uint32_t offset, const uint8_t *block)
{
	const struct ext2_entry *record = (const struct ext2_entry *)(block + offset);
	uint32_t room = fs->block_size - offset, len = room < EXT2_ENTRY_HEADER ? 0 : record->record_len;

	if (len < EXT2_ENTRY_HEADER || len % 4 || len > room ||
	    (record->inode && (!record->name_len || EXT2_ENTRY_HEADER + (uint32_t)record->name_len > len || (!fs->file_types && record->type) ||
			       record->inode > fs->inodes_count))) {
		ext2_bad_entry(fs, dir, offset, block);
		return NULL;
	}
	return record;
}

/* 0, -ENOENT, or an error. */
int ext2_find(struct ext2_txn *txn, const struct ext2_inode *dir, struct ext2_name name, struct ext2_place *place);
int ext2_directory_block(struct ext2_txn *txn, const struct ext2_inode *dir, uint64_t index, uint32_t *block);
int ext2_is_empty(struct ext2_txn *txn, const struct ext2_inode *dir);
/* The inode that ".." names. */
int ext2_parent(struct ext2_txn *txn, const struct ext2_inode *dir, uint32_t *parent);
uint8_t ext2_entry_type(const struct ext2 *fs, uint32_t mode);

/*
 * Names @inode in @dir. The directory's inode changes and is stored. Returns EXT2_MORE when the directory had to grow first: nothing else may
 * be in this transaction then.
 */
int ext2_add_entry(struct ext2_txn *txn, struct ext2_inode *dir, struct ext2_name name, uint32_t inode, uint32_t mode, unsigned flags);
/* Makes sure that ext2_add_entry will find room. 0, or EXT2_MORE like it. */
int ext2_make_room(struct ext2_txn *txn, struct ext2_inode *dir, uint32_t name_len);
/* The entry's inode number becomes 0, late unless @unborn. */
int ext2_remove_entry(struct ext2_txn *txn, struct ext2_inode *dir, const struct ext2_place *place, bool unborn);
/* The entry names @inode from now on. */
int ext2_set_entry(struct ext2_txn *txn, const struct ext2_place *place, uint32_t inode, uint32_t mode);
/* Gives an entry another name, if that fits into its record; or by another entry in its block, which changes as a whole, if that has room. */
int ext2_rename_in_place(struct ext2_txn *txn, struct ext2_inode *dir, const struct ext2_place *place, struct ext2_name name, bool *done);
int ext2_rename_beside(struct ext2_txn *txn, struct ext2_inode *dir, const struct ext2_place *place, struct ext2_name name, bool *done);
int ext2_set_parent(struct ext2_txn *txn, const struct ext2_inode *dir, uint32_t parent);
/* Writes "." and ".." into a new directory's first block. */
int ext2_first_entries(struct ext2_txn *txn, uint32_t block, uint32_t self, uint32_t parent);

/* The first gap of @len bytes in a block; @now: without what is on its way out. 1, 0 if there is none, or an error. */
int ext2_find_gap(struct ext2_txn *txn, uint32_t dir, uint32_t block, uint32_t len, bool now, struct ext2_gap *gap);
/* Puts an entry into a gap. Its record takes all of it. */
int ext2_put_entry(struct ext2_txn *txn, uint32_t block, const struct ext2_gap *gap, struct ext2_name name, uint32_t inode, uint8_t type, unsigned flags);

/* kept.c */

/*
 * Before the entry at @place gets another inode: until all else of this group is on the disk, its old inode keeps a name. Returns EXT2_MORE when that
 * needed a commit of its own. A directory, which must not have two names, keeps one only if that is in the same block.
 */
int ext2_keep_name(struct ext2_txn *txn, struct ext2_inode *dir, const struct ext2_place *place, bool directory);

/* orphan.c */

int ext2_orphan_add(struct ext2_txn *txn, struct ext2_inode *inode);
/*
 * Frees the inode, which has no blocks any more, or leaves it to whoever frees the one after it in the list. EXT2_MORE: the one before it was left so, and
 * is the last now.
 */
int ext2_orphan_end(struct ext2_txn *txn, struct ext2_inode *inode);
/* The last orphan of the list: 1, or 0 if there is none. */
int ext2_orphan_last(struct ext2_txn *txn, struct ext2_inode *last);

/* remove.c */

/* One name less: frees @inode, or makes it an orphan when somebody has it open or it is too large for one transaction. */
int ext2_drop_link(struct ext2_txn *txn, struct ext2_inode *inode, bool keep, int64_t time, struct ext2_removed *out);

/* super.c */

/* Takes over what the superblock says now: where all is, and what is free. */
int ext2_reload(struct ext2_txn *txn);
/* One line in the log. */
__attribute__((format(printf, 2, 3))) void ext2_say(struct ext2_io *io, const char *format, ...);
/* What of @free blocks is not reserved. */
uint32_t ext2_available(const struct ext2 *fs, uint64_t free);

int ext2_super_peek(struct ext2_txn *txn, struct ext2_super *super);
/* Where names were kept elsewhere. */
int ext2_read_kept(struct ext2_txn *txn, struct ext2_kept notes[EXT2_KEPT]);
/* Changes @len bytes at @offset of the superblock, late. */
int ext2_super_poke(struct ext2_txn *txn, uint32_t offset, const void *bytes, uint32_t len);

#endif
