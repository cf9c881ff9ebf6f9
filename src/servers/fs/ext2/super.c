/* SPDX-License-Identifier: MIT */
/* The superblock: what is checked at mount, the marks of who writes, and the totals. */
#include "internal.h"

#include <stdarg.h>
#include <stdio.h>

enum { MAX_ERRORS_LOGGED = 100 };

struct feature { uint32_t bit; const char *name; };

static const struct feature incompat_names[] = {
	{ 0x1, "compression" }, { 0x4, "needs_recovery" }, { 0x8, "journal_dev" }, { 0x10, "meta_bg" }, { 0x40, "extents" }, { 0x80, "64bit" },
	{ 0x100, "mmp" }, { 0x200, "flex_bg" }, { 0x400, "ea_inode" }, { 0x1000, "dirdata" }, { 0x2000, "metadata_csum_seed" },
	{ 0x4000, "large_dir" }, { 0x8000, "inline_data" }, { 0x10000, "encrypt" }, { 0x20000, "casefold" },
};
static const struct feature ro_compat_names[] = {
	{ 0x4, "btree_dir" }, { 0x8, "huge_file" }, { 0x10, "uninit_bg" }, { 0x20, "dir_nlink" }, { 0x40, "extra_isize" }, { 0x80, "snapshot" },
	{ 0x100, "quota" }, { 0x200, "bigalloc" }, { 0x400, "metadata_csum" }, { 0x800, "replica" }, { 0x1000, "read-only" },
	{ 0x2000, "project" }, { 0x4000, "shared_blocks" }, { 0x8000, "verity" }, { 0x10000, "orphan_present" },
};

void ext2_say(struct ext2_io *io, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	io->log(io, text);
}

int ext2_corrupt(struct ext2 *fs, const char *format, ...)
{
	char text[256];
	va_list args;

	if (fs->errors_logged++ < MAX_ERRORS_LOGGED) {
		va_start(args, format);
		vsnprintf(text, sizeof(text), format, args);
		va_end(args);
		fs->io->log(fs->io, text);
	}
	return -EUCLEAN;
}

static void name_features(struct ext2_io *io, const char *what, uint32_t bits, const struct feature *names, unsigned count)
{
	char text[256];
	int len = snprintf(text, sizeof(text), "%s:", what);

	for (unsigned bit = 0; bit < 32; bit++) {
		const char *name = NULL;

		if (!(bits >> bit & 1) || len > (int)sizeof(text) - 32)
			continue;
		for (unsigned i = 0; i < count; i++)
			name = names[i].bit == 1u << bit ? names[i].name : name;
		if (name)
			len += snprintf(text + len, sizeof(text) - len, " %s", name);
		else
			len += snprintf(text + len, sizeof(text) - len, " 0x%x", 1u << bit);
	}
	io->log(io, text);
}

static int check_features(struct ext2 *fs, const struct ext2_super *super)
{
	uint32_t incompat = super->incompat & ~EXT2_INCOMPAT_FILETYPE, ro = super->ro_compat & ~(EXT2_RO_SPARSE_SUPER | EXT2_RO_LARGE_FILE);

	if (!fs->revision1)
		return 0;
	if (incompat) {
		name_features(fs->io, "cannot mount, unknown features", incompat, incompat_names, sizeof(incompat_names) / sizeof(incompat_names[0]));
		return -EOPNOTSUPP;
	}
	/* A superblock copy only in some places cannot be told from a checksum's by a reader: all that is unknown just forbids writing. */
	if (ro && !fs->read_only)
		name_features(fs->io, "read-only, because of unknown features", ro, ro_compat_names, sizeof(ro_compat_names) / sizeof(ro_compat_names[0]));
	fs->read_only |= ro != 0;
	fs->file_types = super->incompat & EXT2_INCOMPAT_FILETYPE;
	fs->sparse_super = super->ro_compat & EXT2_RO_SPARSE_SUPER;
	return 0;
}

static bool inode_fields_are_good(const struct ext2 *fs, const struct ext2_super *super)
{
	uint32_t size = fs->inode_size;

	return size >= EXT2_OLD_INODE_SIZE && size <= fs->block_size && !(size & (size - 1)) && super->inodes_per_group &&
	       super->inodes_per_group <= fs->block_size * 8 && super->inodes_per_group % (fs->block_size / size) == 0 &&
	       super->inodes_count == (uint64_t)fs->group_count * super->inodes_per_group && fs->first_inode > EXT2_ROOT &&
	       fs->first_inode < super->inodes_count;
}

/* Where everything is, as far as the superblock tells. */
static int read_geometry(struct ext2 *fs, const struct ext2_super *super)
{
	uint32_t size = fs->block_size;

	if (super->first_data_block != (size == 1024) || super->blocks_count <= super->first_data_block + 1 ||
	    super->blocks_per_group < 8 || super->blocks_per_group > size * 8 || super->blocks_per_group % 8) {
		ext2_say(fs->io, "first block %u, %u blocks, %u in a group: expected %u, more, and 8 to %u in steps of 8", super->first_data_block,
		    super->blocks_count, super->blocks_per_group, size == 1024, size * 8);
		return -EINVAL;
	}
	fs->first_data_block = super->first_data_block;
	fs->blocks_count = super->blocks_count;
	fs->blocks_per_group = super->blocks_per_group;
	fs->reserved_blocks = MIN(super->reserved_blocks, super->blocks_count);
	fs->group_count = (super->blocks_count - super->first_data_block + super->blocks_per_group - 1) / super->blocks_per_group;
	fs->inode_size = fs->revision1 ? super->inode_size : EXT2_OLD_INODE_SIZE;
	fs->first_inode = fs->revision1 ? super->first_inode : EXT2_OLD_FIRST_INODE;
	if (!inode_fields_are_good(fs, super)) {
		ext2_say(fs->io, "%u inodes of %u bytes, %u in a group, the first free one %u: this does not fit", super->inodes_count, fs->inode_size,
		    super->inodes_per_group, fs->first_inode);
		return -EINVAL;
	}
	fs->inodes_count = super->inodes_count;
	fs->inodes_per_group = super->inodes_per_group;
	fs->table_blocks = super->inodes_per_group / (size / fs->inode_size);
	fs->descriptor_blocks = (fs->group_count + size / sizeof(struct ext2_group) - 1) / (size / sizeof(struct ext2_group));
	/* Compatible feature 0x10, resize_inode, says whether the field means anything. */
	fs->reserved_descriptors = fs->revision1 && super->compat & 0x10 ? MIN(super->reserved_descriptors, size / 4) : 0;
	if (fs->descriptor_blocks + 1 >= ext2_group_blocks(fs, 0)) {
		ext2_say(fs->io, "%u groups: their descriptors do not fit into the first", fs->group_count);
		return -EINVAL;
	}
	if (fs->inode_size > EXT2_OLD_INODE_SIZE)
		fs->extra_size = MIN(MAX(super->want_extra_size, EXT2_EXTRA_SIZE) & ~3u, fs->inode_size - EXT2_OLD_INODE_SIZE);
	return 0;
}

/* What triple indirection reaches, as far as 32 bits of 512-byte sectors can count it, with the indirect blocks. */
static void set_limits(struct ext2 *fs)
{
	uint64_t pointers = fs->pointers, countable = (uint64_t)UINT32_MAX / (fs->block_size / 512);

	fs->max_blocks = MIN(EXT2_DIRECT + pointers + pointers * pointers + pointers * pointers * pointers, countable - countable / (pointers - 1) - 4);
	fs->max_blocks = MIN(fs->max_blocks, (uint64_t)UINT32_MAX);
	fs->max_size = fs->max_blocks << fs->block_shift;
	if (!fs->revision1)
		fs->max_size = MIN(fs->max_size, (uint64_t)INT32_MAX);
}

static int read_super(struct ext2 *fs, struct ext2_super *super)
{
	struct ext2_io *io = fs->io;
	int error;

	if (io->size < EXT2_SUPER_OFFSET + EXT2_SUPER_SIZE) {
		ext2_say(io, "the disk has %llu bytes: too few for a superblock", (unsigned long long)io->size);
		return -EINVAL;
	}
	error = io->read(io, EXT2_SUPER_OFFSET, super, sizeof(*super));
	if (error)
		return error;
	if (super->magic != EXT2_MAGIC || super->log_block_size > 2) {
		ext2_say(io, "magic number 0x%x, block size 1024 << %u: expected 0x%x, at most 2", super->magic, super->log_block_size, EXT2_MAGIC);
		return -EINVAL;
	}
	if (super->revision > 1) {
		ext2_say(io, "revision %u, expected 0 or 1", super->revision);
		return -EOPNOTSUPP;
	}
	fs->block_shift = 10 + super->log_block_size;
	fs->block_size = io->block_size = 1u << fs->block_shift;
	fs->pointers = fs->block_size / 4;
	fs->revision1 = super->revision == 1;
	error = check_features(fs, super);
	return error ? error : read_geometry(fs, super);
}

size_t ext2_memory(uint32_t block_size)
{
	return sizeof(struct ext2) + (size_t)2 * EXT2_BUFFERS * (block_size ? block_size : 4096);
}

int ext2_mount(struct ext2_io *io, void *memory, size_t size, unsigned flags, struct ext2 **out)
{
	struct ext2 *fs = memory;
	struct ext2_super super;
	struct ext2_kept kept[EXT2_KEPT];
	struct ext2_inode root;
	struct ext2_txn *txn;
	int error;

	if (size < ext2_memory(1024))
		return -ENOMEM;
	memset(fs, 0, sizeof(*fs));
	fs->io = io;
	fs->read_only = flags & EXT2_READ_ONLY;
	fs->adopted = flags & EXT2_ADOPT;
	error = read_super(fs, &super);
	if (!error && size < ext2_memory(fs->block_size))
		error = -ENOMEM;
	if (!error && io->size >> fs->block_shift < fs->blocks_count) {
		ext2_say(io, "the disk has %llu blocks, the file system %u", (unsigned long long)(io->size >> fs->block_shift), fs->blocks_count);
		error = -EINVAL;
	}
	if (error)
		return error;
	set_limits(fs);
	fs->was_clean = super.state == EXT2_STATE_VALID && !super.last_orphan;
	fs->txn.fs = fs;
	ext2_init_buffers(fs, (uint8_t *)memory + sizeof(*fs));
	txn = ext2_begin(fs, false);
	error = ext2_check_groups(txn);
	if (!error)
		error = ext2_load_directory(txn, (struct ext2_node){ EXT2_ROOT, 0 }, &root);
	if (!error)
		error = ext2_read_kept(txn, kept);
	fs->may_have_kept = !error && (kept[0].dir || kept[1].dir);
	ext2_abort(txn);
	*out = fs;
	return error == -ENOTDIR ? -EINVAL : error;
}

bool ext2_is_read_only(const struct ext2 *fs)
{
	return fs->read_only;
}

bool ext2_was_clean(const struct ext2 *fs)
{
	return fs->was_clean;
}

int ext2_reload(struct ext2_txn *txn)
{
	struct ext2_super super;
	int error = ext2_super_peek(txn, &super);

	if (!error)
		error = read_geometry(txn->fs, &super);
	for (unsigned i = 0; i < EXT2_BUFFERS; i++)
		txn->fs->buffers[i].is_content = false;
	return error ? error : ext2_check_groups(txn);
}

static uint32_t super_block(const struct ext2 *fs, uint32_t *offset)
{
	*offset = EXT2_SUPER_OFFSET % fs->block_size;
	return EXT2_SUPER_OFFSET / fs->block_size;
}

int ext2_super_peek(struct ext2_txn *txn, struct ext2_super *super)
{
	uint32_t offset, block = super_block(txn->fs, &offset);

	return ext2_peek(txn, block, offset, super, sizeof(*super));
}

int ext2_read_kept(struct ext2_txn *txn, struct ext2_kept notes[EXT2_KEPT])
{
	uint32_t offset, block = super_block(txn->fs, &offset);

	return ext2_peek(txn, block, offset + EXT2_SUPER_KEPT, notes, EXT2_KEPT * sizeof(notes[0]));
}

int ext2_super_poke(struct ext2_txn *txn, uint32_t at, const void *bytes, uint32_t len)
{
	uint32_t offset, block = super_block(txn->fs, &offset);

	return ext2_poke(txn, block, offset + at, bytes, len, EXT2_LATE);
}

/* A count on the disk may be wrong. */
static uint32_t all_blocks(const struct ext2 *fs, uint64_t free)
{
	return MIN(free, (uint64_t)fs->blocks_count);
}

static uint32_t all_inodes(const struct ext2 *fs)
{
	return MIN(fs->free_inodes, (uint64_t)fs->inodes_count);
}

uint32_t ext2_available(const struct ext2 *fs, uint64_t free)
{
	uint32_t blocks = all_blocks(fs, free);

	return blocks > fs->reserved_blocks ? blocks - fs->reserved_blocks : 0;
}

int ext2_check_reserve(struct ext2_txn *txn)
{
	const struct ext2 *fs = txn->fs;

	return fs->reserved_blocks && !ext2_available(fs, fs->free_blocks) ? -ENOSPC : 0;
}

void ext2_statfs(const struct ext2 *fs, struct ext2_statfs *out)
{
	*out = (struct ext2_statfs){ .block_size = fs->block_size, .blocks = fs->blocks_count, .blocks_free = all_blocks(fs, fs->free_blocks),
				     .blocks_available = ext2_available(fs, fs->free_blocks), .inodes = fs->inodes_count, .inodes_free = all_inodes(fs) };
}

static int write_totals(struct ext2_txn *txn, struct ext2_super *super, int64_t time)
{
	const struct ext2 *fs = txn->fs;

	super->free_blocks = all_blocks(fs, fs->free_blocks);
	super->free_inodes = all_inodes(fs);
	super->write_time = time / 1000000000;
	return ext2_super_poke(txn, 0, super, offsetof(struct ext2_super, max_mount_count));
}

/* One orphan less, from the end of the list. 0: there is none; else EXT2_MORE or an error. */
static int free_last_orphan(struct ext2_txn *txn)
{
	struct ext2_inode last;
	int found = ext2_orphan_last(txn, &last);

	if (found <= 0)
		return found;
	found = ext2_destroy(txn, &last);
	return found < 0 ? found : EXT2_MORE;
}

/* What a cut has left of names that were kept elsewhere, e2fsck has counted: they are names like others. */
static int own_kept(struct ext2_txn *txn)
{
	static const struct ext2_kept none[EXT2_KEPT];

	return txn->fs->may_have_kept ? ext2_super_poke(txn, EXT2_SUPER_KEPT, none, sizeof(none)) : 0;
}

int ext2_start(struct ext2_txn *txn, int64_t time)
{
	struct ext2_super super;
	int error = ext2_super_peek(txn, &super);

	if (error || txn->fs->adopted)
		return error;
	if (txn->fs->read_only)
		return -EROFS;
	if (super.state & EXT2_STATE_VALID) {
		super.state &= ~EXT2_STATE_VALID;
		super.mount_count++;
		super.mount_time = time / 1000000000;
		txn->flags |= EXT2_BOUNDARY_AFTER;
		error = ext2_super_poke(txn, offsetof(struct ext2_super, state), &super.state, sizeof(super.state));
		if (!error)
			error = write_totals(txn, &super, time);
		if (!error)
			error = own_kept(txn);
		return error ? error : EXT2_MORE;
	}
	/* What is broken about an orphan is e2fsck's to mend; it must not keep everything else away. */
	if (txn->fs->skip_orphans)
		return 0;
	error = free_last_orphan(txn);
	txn->fs->skip_orphans = error == -EUCLEAN;
	return error;
}

int ext2_sync(struct ext2_txn *txn, int64_t time, bool clean)
{
	struct ext2_super super;
	int error;

	if (txn->fs->read_only)
		return 0;
	if (clean) {
		error = free_last_orphan(txn);
		if (error)
			return error;
	}
	error = ext2_super_peek(txn, &super);
	if (!error)
		error = write_totals(txn, &super, time);
	if (error || !clean)
		return error;
	super.state |= EXT2_STATE_VALID;
	txn->flags |= EXT2_BOUNDARY_BEFORE;
	return ext2_super_poke(txn, offsetof(struct ext2_super, state), &super.state, sizeof(super.state));
}
