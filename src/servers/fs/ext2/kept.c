/* SPDX-License-Identifier: MIT */
/*
 * Names that an inode has only until an entry of it has got another inode on the disk (rename.c). Mostly one is in the entry's block: added first and cleared
 * late by the commit that needs it, so that nobody sees it. Where that block is full, a commit of its own puts it elsewhere before, and says so in the
 * superblock: it goes with what it is for, or, should whoever asked be killed before, ahead of anything else that is done, if need be by the next instance.
 */
#include "internal.h"

#include <stdio.h>

enum { HERE_NAME = 4, ELSEWHERE_NAME = 16 };

/* Has the block, in use or on its way out, an entry of this name? */
static bool has_name(const uint8_t *data, uint32_t size, const char *name, uint32_t len)
{
	struct ext2_entry entry;

	for (uint32_t at = 0; at + EXT2_ENTRY_HEADER <= size; at += entry.record_len) {
		memcpy(&entry, data + at, sizeof(entry));
		if (entry.record_len < EXT2_ENTRY_HEADER)
			return true;
		if (entry.name_len == len && at + EXT2_ENTRY_HEADER + len <= size && memcmp(data + at + EXT2_ENTRY_HEADER, name, len) == 0)
			return true;
	}
	return false;
}

static int keep_here(struct ext2_txn *txn, const struct ext2_place *place, const struct ext2_gap *gap)
{
	struct ext2_buffer *buffer;
	char name[HERE_NAME + 1];
	unsigned number = 0;
	int error = ext2_pin(txn, place->block, &buffer);

	if (error)
		return error;
	do
		snprintf(name, sizeof(name), "~%03x", number++ & 0xfff);
	while (number < 0x1000 && has_name(buffer->data, txn->fs->block_size, name, HERE_NAME));
	ext2_unpin(buffer);
	error = ext2_put_entry(txn, place->block, gap, (struct ext2_name){ name, HERE_NAME }, place->entry.inode, place->entry.type, 0);
	return error ? error : ext2_poke_zero_late(txn, place->block, gap->start);
}

static struct ext2_name name_elsewhere(char text[ELSEWHERE_NAME], uint32_t inode)
{
	return (struct ext2_name){ text, snprintf(text, ELSEWHERE_NAME, ".~%08x", inode) };
}

static int write_notes(struct ext2_txn *txn, const struct ext2_kept notes[EXT2_KEPT])
{
	return ext2_super_poke(txn, EXT2_SUPER_KEPT, notes, EXT2_KEPT * sizeof(notes[0]));
}

static int add_note(struct ext2_txn *txn, struct ext2_kept note)
{
	struct ext2_kept notes[EXT2_KEPT];
	int error = ext2_read_kept(txn, notes);

	for (unsigned i = 0; !error && i < EXT2_KEPT; i++) {
		if (notes[i].dir)
			continue;
		notes[i] = note;
		txn->fs->may_have_kept = true;
		return write_notes(txn, notes);
	}
	return error ? error : -EIO;
}

/* Perhaps the name is there already: after a commit that was for this, or it is somebody's own. Then it must be on the disk first. */
static int keep_elsewhere(struct ext2_txn *txn, struct ext2_inode *dir, const struct ext2_place *place)
{
	char text[ELSEWHERE_NAME];
	struct ext2_name name = name_elsewhere(text, place->entry.inode);
	struct ext2_inode inode;
	struct ext2_place kept;
	int error = ext2_find(txn, dir, name, &kept);

	if (!error && kept.entry.inode != place->entry.inode)
		return ext2_corrupt(txn->fs, "directory inode %u: %s is not inode %u", dir->number, text, place->entry.inode);
	if (!error)
		txn->flags |= EXT2_BOUNDARY_BEFORE;
	if (error != -ENOENT)
		return error;
	error = ext2_load(txn, (struct ext2_node){ place->entry.inode, 0 }, &inode);
	if (!error)
		error = ext2_add_entry(txn, dir, name, inode.number, inode.disk.mode, 0);
	if (!error)
		error = add_note(txn, (struct ext2_kept){ dir->number, inode.number });
	return error ? error : EXT2_MORE;
}

int ext2_keep_name(struct ext2_txn *txn, struct ext2_inode *dir, const struct ext2_place *place, bool directory)
{
	enum { NEEDED = EXT2_ENTRY_HEADER + HERE_NAME };
	struct ext2_gap gap;
	int found = ext2_find_gap(txn, dir->number, place->block, NEEDED, true, &gap);

	if (found < 0)
		return found;
	if (found)
		return keep_here(txn, place, &gap);
	if (!txn->boundary) {
		found = ext2_find_gap(txn, dir->number, place->block, NEEDED, false, &gap);
		txn->hidden |= found > 0;
		if (found)
			return found < 0 ? found : -ENOSPC;
	}
	return directory ? 0 : keep_elsewhere(txn, dir, place);
}

/* Takes one away, late. What the note says may be anybody's. */
static int forget(struct ext2_txn *txn, struct ext2_kept note)
{
	char text[ELSEWHERE_NAME];
	struct ext2_inode dir;
	struct ext2_place kept;
	int error = ext2_load_directory(txn, (struct ext2_node){ note.dir, 0 }, &dir);

	if (!error)
		error = ext2_find(txn, &dir, name_elsewhere(text, note.inode), &kept);
	if (!error && kept.entry.inode == note.inode)
		error = ext2_remove_entry(txn, &dir, &kept, false);
	return error == -EIO ? error : 0;
}

int ext2_forget_kept(struct ext2_txn *txn, const struct ext2_kept *but)
{
	struct ext2_kept notes[EXT2_KEPT];
	int error = ext2_read_kept(txn, notes);
	bool any = false, more = false;

	for (unsigned i = 0; !error && i < EXT2_KEPT; i++) {
		bool needed = false;

		for (unsigned n = 0; but && n < EXT2_KEPT; n++)
			needed |= but[n].dir == notes[i].dir && but[n].inode == notes[i].inode;
		any |= notes[i].dir != 0;
		if (!notes[i].dir || needed)
			continue;
		error = forget(txn, notes[i]);
		notes[i] = (struct ext2_kept){ 0, 0 };
		more = true;
	}
	if (error)
		return error;
	txn->fs->may_have_kept = any;
	error = more ? write_notes(txn, notes) : 0;
	return error ? error : more ? EXT2_MORE : 0;
}

bool ext2_may_have_kept(const struct ext2 *fs)
{
	return fs->may_have_kept && !fs->read_only;
}
