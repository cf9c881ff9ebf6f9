/* SPDX-License-Identifier: MIT */
/*
 * Changing directories. An entry is removed by making its inode number 0, late; its space is used again only when that is on its way to the disk. Else an
 * entry never moves or shrinks, so the block without the late changes is a directory, too: the one before, with the new names.
 */
#include "internal.h"

enum { NO_OWNER = UINT32_MAX };

static uint32_t needed(uint32_t name_len)
{
	return (EXT2_ENTRY_HEADER + name_len + 3) & ~3u;
}

/* The first gap of @len bytes. 1, 0 if there is none, or an error. */
static int scan_block(struct ext2 *fs, uint32_t dir, const uint8_t *data, const uint8_t *early, uint32_t len, struct ext2_gap *gap)
{
	const struct ext2_entry *record;

	*gap = (struct ext2_gap){ .owner = NO_OWNER };
	for (uint32_t at = 0; at < fs->block_size; at += record->record_len) {
		record = ext2_record_at(fs, dir, at, data);
		if (!record)
			return -EUCLEAN;
		if (record->inode || ((const struct ext2_entry *)(early + at))->inode) {
			uint32_t need = needed(record->name_len);

			*gap = (struct ext2_gap){ .start = at + need, .len = record->record_len - MIN(need, record->record_len), .owner = at,
						  .owner_len = need };
		} else if (gap->len) {
			gap->len += record->record_len;
		} else {
			*gap = (struct ext2_gap){ .start = at, .len = record->record_len, .owner = NO_OWNER };
		}
		if (gap->len >= len)
			return 1;
	}
	return 0;
}

int ext2_find_gap(struct ext2_txn *txn, uint32_t dir, uint32_t block, uint32_t len, bool now, struct ext2_gap *gap)
{
	struct ext2_buffer *buffer;
	int error = ext2_get(txn, block, &buffer);

	return error ? error : scan_block(txn->fs, dir, buffer->data, now ? ext2_early(txn, buffer) : buffer->data, len, gap);
}

static int search_directory(struct ext2_txn *txn, const struct ext2_inode *dir, uint32_t len, bool now, uint32_t *block, struct ext2_gap *gap)
{
	uint64_t blocks = ext2_size(dir) >> txn->fs->block_shift;

	for (uint64_t i = 0; i < blocks; i++) {
		int found = ext2_directory_block(txn, dir, i, block);

		if (!found)
			found = ext2_find_gap(txn, dir->number, *block, len, now, gap);
		if (found)
			return found;
	}
	return 0;
}

/* 1, 0 if the directory has to grow, or an error; -ENOSPC with txn->hidden when a new group would do. */
static int find_room(struct ext2_txn *txn, const struct ext2_inode *dir, uint32_t len, uint32_t *block, struct ext2_gap *gap)
{
	int found = search_directory(txn, dir, len, true, block, gap);

	if (found || txn->boundary)
		return found;
	found = search_directory(txn, dir, len, false, block, gap);
	if (found <= 0)
		return found;
	txn->hidden = true;
	return -ENOSPC;
}

int ext2_put_entry(struct ext2_txn *txn, uint32_t block, const struct ext2_gap *gap, struct ext2_name name, uint32_t inode, uint8_t type,
		   unsigned flags)
{
	uint8_t bytes[EXT2_ENTRY_HEADER + EXT2_NAME_MAX];
	struct ext2_entry entry = { .inode = inode, .record_len = gap->len, .name_len = name.len, .type = type };
	uint16_t owner_len = gap->owner_len;
	int error;

	memcpy(bytes, &entry, sizeof(entry));
	memcpy(bytes + sizeof(entry), name.bytes, name.len);
	error = ext2_poke(txn, block, gap->start, bytes, sizeof(entry) + name.len, EXT2_FIRST | flags);
	if (!error && gap->owner != NO_OWNER)
		error = ext2_poke(txn, block, gap->owner + offsetof(struct ext2_entry, record_len), &owner_len, 2, EXT2_FIRST | flags);
	return error;
}

static int grow(struct ext2_txn *txn, struct ext2_inode *dir)
{
	uint32_t size = txn->fs->block_size, block, count;
	struct ext2_entry entry = { .record_len = size };
	uint64_t blocks = ext2_size(dir) >> txn->fs->block_shift;
	int error;

	if (ext2_size(dir) + size > INT32_MAX)
		return -ENOSPC;
	error = ext2_fill(txn, dir, blocks, 1, &block, &count);
	if (!error)
		error = ext2_make_fresh(txn, block);
	if (!error)
		error = ext2_poke(txn, block, 0, &entry, sizeof(entry), EXT2_FIRST);
	if (!error)
		error = ext2_set_size(txn, dir, ext2_size(dir) + size);
	dir->disk.flags &= ~EXT2_FLAG_INDEX;
	if (!error)
		error = ext2_store(txn, dir);
	return error ? error : EXT2_MORE;
}

static int lose_index(struct ext2_txn *txn, struct ext2_inode *dir)
{
	dir->disk.flags &= ~EXT2_FLAG_INDEX;
	return ext2_store(txn, dir);
}

int ext2_make_room(struct ext2_txn *txn, struct ext2_inode *dir, uint32_t name_len)
{
	struct ext2_gap gap;
	uint32_t block;
	int found = find_room(txn, dir, needed(name_len), &block, &gap);

	if (found <= 0)
		return found ? found : grow(txn, dir);
	txn->room.dir = dir->number;
	txn->room.len = needed(name_len);
	txn->room.block = block;
	txn->room.gap = gap;
	return 0;
}

int ext2_add_entry(struct ext2_txn *txn, struct ext2_inode *dir, struct ext2_name name, uint32_t inode, uint32_t mode, unsigned flags)
{
	struct ext2_gap gap = txn->room.gap;
	uint32_t block = txn->room.block;
	bool known = txn->room.dir == dir->number && txn->room.len == needed(name.len);
	int found = known ? 1 : find_room(txn, dir, needed(name.len), &block, &gap);

	txn->room.dir = 0;
	if (found <= 0)
		return found ? found : grow(txn, dir);
	found = ext2_put_entry(txn, block, &gap, name, inode, ext2_entry_type(txn->fs, mode), flags);
	return found ? found : lose_index(txn, dir);
}

int ext2_remove_entry(struct ext2_txn *txn, struct ext2_inode *dir, const struct ext2_place *place, bool unborn)
{
	uint32_t none = 0;
	int error = unborn ? ext2_poke(txn, place->block, place->offset, &none, sizeof(none), EXT2_FIRST)
			   : ext2_poke_zero_late(txn, place->block, place->offset);

	return error ? error : lose_index(txn, dir);
}

int ext2_set_entry(struct ext2_txn *txn, const struct ext2_place *place, uint32_t inode, uint32_t mode)
{
	uint8_t type = ext2_entry_type(txn->fs, mode);
	int error = ext2_poke(txn, place->block, place->offset, &inode, sizeof(inode), EXT2_FIRST);

	return error ? error : ext2_poke(txn, place->block, place->offset + offsetof(struct ext2_entry, type), &type, 1, EXT2_FIRST);
}

int ext2_rename_in_place(struct ext2_txn *txn, struct ext2_inode *dir, const struct ext2_place *place, struct ext2_name name, bool *done)
{
	uint8_t len = name.len;
	int error;

	*done = needed(name.len) <= place->entry.record_len;
	if (!*done)
		return 0;
	error = ext2_poke(txn, place->block, place->offset + offsetof(struct ext2_entry, name_len), &len, 1, EXT2_FIRST);
	if (!error)
		error = ext2_poke(txn, place->block, place->offset + EXT2_ENTRY_HEADER, name.bytes, name.len, EXT2_FIRST);
	return error ? error : lose_index(txn, dir);
}

int ext2_rename_beside(struct ext2_txn *txn, struct ext2_inode *dir, const struct ext2_place *place, struct ext2_name name, bool *done)
{
	struct ext2_gap gap;
	int found = ext2_find_gap(txn, dir->number, place->block, needed(name.len), true, &gap);

	*done = found > 0;
	if (found <= 0)
		return found;
	found = ext2_put_entry(txn, place->block, &gap, name, place->entry.inode, place->entry.type, 0);
	return found ? found : ext2_remove_entry(txn, dir, place, true);
}

int ext2_first_entries(struct ext2_txn *txn, uint32_t block, uint32_t self, uint32_t parent)
{
	uint8_t type = ext2_entry_type(txn->fs, S_IFDIR);
	struct ext2_gap one = { .start = 0, .len = needed(1), .owner = NO_OWNER };
	struct ext2_gap two = { .start = one.len, .len = txn->fs->block_size - one.len, .owner = NO_OWNER };
	int error = ext2_put_entry(txn, block, &one, (struct ext2_name){ ".", 1 }, self, type, 0);

	return error ? error : ext2_put_entry(txn, block, &two, (struct ext2_name){ "..", 2 }, parent, type, 0);
}
