/* SPDX-License-Identifier: MIT */
/*
 * Directories, read linearly: an index hides in entries that are not in use, so it need not be known. A cookie is a byte offset; entries never move, so
 * it stays good while names come and go.
 */
#include "internal.h"

int ext2_check_name(struct ext2_name name)
{
	if (!name.len || (name.len <= 2 && name.bytes[0] == '.' && name.bytes[name.len - 1] == '.'))
		return -EINVAL;
	if (name.len > EXT2_NAME_MAX)
		return -ENAMETOOLONG;
	for (size_t i = 0; i < name.len; i++)
		if (!name.bytes[i] || name.bytes[i] == '/')
			return -EINVAL;
	return 0;
}

/* File types by ext2's numbers, as DT_* and as S_IFMT >> 12. */
static const uint8_t dirent_types[] = { 0, 8, 4, 2, 6, 1, 12, 10 };

uint8_t ext2_entry_type(const struct ext2 *fs, uint32_t mode)
{
	if (fs->file_types)
		for (uint8_t i = 1; i < sizeof(dirent_types); i++)
			if (dirent_types[i] == mode >> 12)
				return i;
	return 0;
}

void ext2_bad_entry(struct ext2 *fs, uint32_t dir, uint32_t offset, const uint8_t *block)
{
	const struct ext2_entry *record = (const struct ext2_entry *)(block + offset);
	uint32_t room = fs->block_size - offset;

	if (room < EXT2_ENTRY_HEADER)
		ext2_corrupt(fs, "directory inode %u: %u bytes are left for an entry", dir, room);
	else if (record->record_len % 4 || record->record_len < EXT2_ENTRY_HEADER || record->record_len > room)
		ext2_corrupt(fs, "directory inode %u: record length %u, expected 8 to %u in steps of 4", dir, record->record_len, room);
	else if (record->inode > fs->inodes_count)
		ext2_corrupt(fs, "directory inode %u: inode %u, expected at most %u", dir, record->inode, fs->inodes_count);
	else
		ext2_corrupt(fs, "directory inode %u: name of %u bytes in a record of %u", dir, record->name_len, record->record_len);
}

int ext2_directory_block(struct ext2_txn *txn, const struct ext2_inode *dir, uint64_t index, uint32_t *block)
{
	int error = ext2_map_block(txn, dir, index, block);

	if (!error && !*block)
		error = ext2_corrupt(txn->fs, "directory inode %u has a hole at block %llu", dir->number, (unsigned long long)index);
	return error;
}

/* The C library's memcmp goes byte by byte, and costs more than the rest of the search. */
static bool is_same(const uint8_t *a, const char *b, size_t len)
{
	for (uint64_t x, y; len >= sizeof(x); a += sizeof(x), b += sizeof(x), len -= sizeof(x)) {
		memcpy(&x, a, sizeof(x));
		memcpy(&y, b, sizeof(y));
		if (x != y)
			return false;
	}
	while (len && *a == (uint8_t)*b)
		a++, b++, len--;
	return !len;
}

/* Searches one image of a block. 0, -ENOENT, or an error. */
static int search_image(struct ext2_txn *txn, const struct ext2_inode *dir, const uint8_t *image, struct ext2_name name, struct ext2_place *place)
{
	struct ext2 *fs = txn->fs;
	const struct ext2_entry *record;

	for (uint32_t at = 0; at < fs->block_size; at += record->record_len) {
		record = ext2_record_at(fs, dir->number, at, image);
		if (!record)
			return -EUCLEAN;
		if (record->name_len == name.len && record->inode && is_same(image + at + EXT2_ENTRY_HEADER, name.bytes, name.len)) {
			place->offset = at;
			place->entry = *record;
			return 0;
		}
	}
	return -ENOENT;
}

static int find_in_block(struct ext2_txn *txn, const struct ext2_inode *dir, struct ext2_name name, struct ext2_place *place)
{
	struct ext2_buffer *buffer;
	int error = ext2_get(txn, place->block, &buffer);

	if (error)
		return error;
	error = search_image(txn, dir, buffer->data, name, place);
	/* On its way to the disk the name is still there: were it made again now, there would be two. */
	if (error == -ENOENT && ext2_early(txn, buffer) != buffer->data && !search_image(txn, dir, ext2_early(txn, buffer), name, place)) {
		txn->boundary = true;
		txn->flags |= EXT2_BOUNDARY_BEFORE;
	}
	return error;
}

int ext2_find(struct ext2_txn *txn, const struct ext2_inode *dir, struct ext2_name name, struct ext2_place *place)
{
	uint64_t blocks = ext2_size(dir) >> txn->fs->block_shift;

	for (place->index = 0; place->index < blocks; place->index++) {
		int error = ext2_directory_block(txn, dir, place->index, &place->block);

		if (!error)
			error = find_in_block(txn, dir, name, place);
		if (error != -ENOENT)
			return error;
	}
	return -ENOENT;
}

static bool is_dots(const struct ext2_entry *entry, const uint8_t *name)
{
	return name[0] == '.' && (entry->name_len == 1 || (entry->name_len == 2 && name[1] == '.'));
}

int ext2_is_empty(struct ext2_txn *txn, const struct ext2_inode *dir)
{
	struct ext2_dirent entry;
	int found = ext2_readdir(txn, (struct ext2_node){ dir->number, 0 }, 0, &entry, 1);

	return found < 0 ? found : found ? -ENOTEMPTY : 0;
}

int ext2_parent(struct ext2_txn *txn, const struct ext2_inode *dir, uint32_t *parent)
{
	struct ext2_place place = { .index = 0 };
	int error = ext2_size(dir) ? ext2_directory_block(txn, dir, 0, &place.block)
				   : ext2_corrupt(txn->fs, "directory inode %u is empty", dir->number);

	if (!error)
		error = find_in_block(txn, dir, (struct ext2_name){ "..", 2 }, &place);
	*parent = place.entry.inode;
	return error == -ENOENT ? ext2_corrupt(txn->fs, "directory inode %u has no ..", dir->number) : error;
}

int ext2_set_parent(struct ext2_txn *txn, const struct ext2_inode *dir, uint32_t parent)
{
	struct ext2_place place = { .index = 0 };
	int error = ext2_directory_block(txn, dir, 0, &place.block);

	if (!error)
		error = find_in_block(txn, dir, (struct ext2_name){ "..", 2 }, &place);
	if (error == -ENOENT)
		error = ext2_corrupt(txn->fs, "directory inode %u has no ..", dir->number);
	return error ? error : ext2_set_entry(txn, &place, parent, S_IFDIR);
}

/* Without types in the entries the inode tells. */
static uint8_t dirent_type(struct ext2_txn *txn, const struct ext2_entry *entry)
{
	struct ext2_inode inode;

	if (txn->fs->file_types)
		return entry->type < sizeof(dirent_types) ? dirent_types[entry->type] : 0;
	return ext2_load_raw(txn, entry->inode, &inode) ? 0 : inode.disk.mode >> 12;
}

struct listing { ext2_take *take; void *context; bool full; };

static int emit(struct ext2_txn *txn, const struct ext2_inode *dir, const struct ext2_entry *entry, const uint8_t *name, uint64_t next,
		struct listing *listing)
{
	struct ext2_seen seen = { .id = entry->inode, .name_len = entry->name_len, .name = (const char *)name, .next = next };

	if (memchr(name, '/', entry->name_len) || memchr(name, 0, entry->name_len))
		return ext2_corrupt(txn->fs, "directory inode %u: a name holds '/' or NUL", dir->number);
	seen.type = dirent_type(txn, entry);
	listing->full = !listing->take(listing->context, &seen);
	return 0;
}

/* Entries of one block from byte @from of it on. */
static int read_block(struct ext2_txn *txn, const struct ext2_inode *dir, uint64_t index, uint32_t from, struct listing *listing)
{
	struct ext2_buffer *buffer;
	const struct ext2_entry *entry;
	uint32_t block;
	int error = ext2_directory_block(txn, dir, index, &block);

	if (!error)
		error = ext2_pin(txn, block, &buffer);
	if (error)
		return error;
	for (uint32_t at = 0; !error && !listing->full && at < txn->fs->block_size; at += entry->record_len) {
		const uint8_t *name = buffer->data + at + EXT2_ENTRY_HEADER;

		entry = ext2_record_at(txn->fs, dir->number, at, buffer->data);
		if (!entry) {
			error = -EUCLEAN;
			break;
		}
		if (!entry->inode || at < from || is_dots(entry, name))
			continue;
		error = emit(txn, dir, entry, name, (index << txn->fs->block_shift) + at + entry->record_len, listing);
	}
	ext2_unpin(buffer);
	return error;
}

int ext2_list(struct ext2_txn *txn, struct ext2_node node, uint64_t cookie, ext2_take *take, void *context)
{
	const struct ext2 *fs = txn->fs;
	struct listing listing = { .take = take, .context = context };
	struct ext2_inode dir;
	int error = ext2_load_directory(txn, node, &dir);

	while (!error && !listing.full && cookie < ext2_size(&dir)) {
		uint64_t index = cookie >> fs->block_shift;

		error = read_block(txn, &dir, index, cookie & (fs->block_size - 1), &listing);
		cookie = (index + 1) << fs->block_shift;
	}
	return error;
}

struct array { struct ext2_dirent *entries; unsigned used, max; };

static bool take_into_array(void *context, const struct ext2_seen *seen)
{
	struct array *array = context;
	struct ext2_dirent *entry = &array->entries[array->used];

	if (array->used == array->max)
		return false;
	*entry = (struct ext2_dirent){ .id = seen->id, .type = seen->type, .name_len = seen->name_len, .next = seen->next };
	memcpy(entry->name, seen->name, seen->name_len);
	array->used++;
	return true;
}

int ext2_readdir(struct ext2_txn *txn, struct ext2_node dir, uint64_t cookie, struct ext2_dirent *entries, unsigned max)
{
	struct array array = { .entries = entries, .max = max };
	int error = ext2_list(txn, dir, cookie, take_into_array, &array);

	return error ? error : (int)array.used;
}
