/* SPDX-License-Identifier: MIT */
/* Inodes: read and checked, changed on a copy, and stored. */
#include "internal.h"

enum { NS = 1000000000 };

int ext2_load_raw(struct ext2_txn *txn, uint32_t number, struct ext2_inode *inode)
{
	struct ext2 *fs = txn->fs;
	uint32_t in_block = fs->block_size / fs->inode_size, index, table;
	struct ext2_buffer *buffer;
	int error;

	if (number != EXT2_ROOT && (number < fs->first_inode || number > fs->inodes_count))
		return ext2_corrupt(fs, "inode %u, expected %u or %u to %u", number, EXT2_ROOT, fs->first_inode, fs->inodes_count);
	error = ext2_inode_table(txn, ext2_inode_group(fs, number), &table);
	if (error)
		return error;
	index = (number - 1) % fs->inodes_per_group;
	inode->number = number;
	inode->table_block = table + index / in_block;
	inode->table_offset = index % in_block * fs->inode_size;
	error = ext2_get(txn, inode->table_block, &buffer);
	if (error)
		return error;
	if (fs->inode_size >= sizeof(inode->disk)) {
		memcpy(&inode->disk, buffer->data + inode->table_offset, sizeof(inode->disk));
	} else {
		memcpy(&inode->disk, buffer->data + inode->table_offset, EXT2_OLD_INODE_SIZE);
		memset((uint8_t *)&inode->disk + EXT2_OLD_INODE_SIZE, 0, EXT2_EXTRA_SIZE);
	}
	return 0;
}

bool ext2_has_blocks(const struct ext2 *fs, const struct ext2_inode *inode)
{
	uint32_t xattr_sectors = inode->disk.file_acl ? fs->block_size / 512 : 0;

	if (S_ISLNK(inode->disk.mode))
		return ext2_size(inode) >= sizeof(inode->disk.block) || inode->disk.sectors > xattr_sectors;
	return S_ISREG(inode->disk.mode) || S_ISDIR(inode->disk.mode);
}

static int check_inode(struct ext2 *fs, const struct ext2_inode *inode)
{
	const struct ext2_disk_inode *disk = &inode->disk;
	uint32_t unknown = EXT2_FLAG_COMPRESSED | EXT2_FLAG_ENCRYPTED | EXT2_FLAG_HUGE_FILE | EXT2_FLAG_EXTENTS | EXT2_FLAG_EA_INODE | EXT2_FLAG_INLINE_DATA;
	uint32_t kind = disk->mode & S_IFMT;
	uint64_t size = ext2_size(inode);

	if (kind != S_IFREG && kind != S_IFDIR && kind != S_IFLNK && kind != S_IFCHR && kind != S_IFBLK && kind != S_IFIFO && kind != S_IFSOCK)
		return ext2_corrupt(fs, "inode %u: mode 0%o is of no type", inode->number, disk->mode);
	if (disk->flags & unknown)
		return ext2_corrupt(fs, "inode %u: flags 0x%x, expected none of 0x%x", inode->number, disk->flags, unknown);
	if (size > fs->max_size || (kind == S_IFDIR && (size % fs->block_size || size > INT32_MAX)) || (kind == S_IFLNK && size >= fs->block_size))
		return ext2_corrupt(fs, "inode %u: a size of %llu does not fit", inode->number, (unsigned long long)size);
	return 0;
}

int ext2_load(struct ext2_txn *txn, struct ext2_node node, struct ext2_inode *inode)
{
	int error;

	if (node.id != EXT2_ROOT && (node.id < txn->fs->first_inode || node.id > txn->fs->inodes_count))
		return node.generation ? -ESTALE : ext2_corrupt(txn->fs, "inode %u, expected %u or %u to %u", node.id, EXT2_ROOT, txn->fs->first_inode,
								txn->fs->inodes_count);
	error = ext2_load_raw(txn, node.id, inode);
	if (error)
		return error;
	if (node.generation && node.generation != inode->disk.generation)
		return -ESTALE;
	if (!inode->disk.mode && !inode->disk.links)
		return node.generation ? -ESTALE : ext2_corrupt(txn->fs, "inode %u is in use and empty", node.id);
	return check_inode(txn->fs, inode);
}

int ext2_load_directory(struct ext2_txn *txn, struct ext2_node node, struct ext2_inode *inode)
{
	int error = ext2_load(txn, node, inode);

	return error ? error : S_ISDIR(inode->disk.mode) ? 0 : -ENOTDIR;
}

/* 8 bytes at a time, since few inodes change in one place alone. */
typedef uint64_t __attribute__((may_alias, aligned(4))) piece;
_Static_assert(sizeof(struct ext2_disk_inode) % sizeof(piece) == 0 && EXT2_OLD_INODE_SIZE % sizeof(piece) == 0, "an inode is so many of them");

static inline bool are_same(const piece *a, const piece *b)
{
	return !((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3]));
}

/* Bytes of the inode that hold all which differ from the block's; *@count 0: none. */
static int compare(struct ext2_txn *txn, const struct ext2_inode *inode, uint32_t *from, uint32_t *count)
{
	const piece *now = (const piece *)&inode->disk, *before, *start = now, *end;
	struct ext2_buffer *buffer;
	int error = ext2_get(txn, inode->table_block, &buffer);

	*from = *count = 0;
	if (error)
		return error;
	end = now + MIN(txn->fs->inode_size, sizeof(inode->disk)) / sizeof(piece);
	before = (const piece *)(buffer->data + inode->table_offset);
	/* Often nothing differs, or the first few alone. */
	while (now + 4 <= end && are_same(now, before))
		now += 4, before += 4;
	while (now < end && *now == *before)
		now++, before++;
	before += end - now;
	while (end >= now + 4 && are_same(end - 4, before - 4))
		end -= 4, before -= 4;
	while (end > now && end[-1] == before[-1])
		end--, before--;
	*from = (now - start) * sizeof(piece);
	*count = (end - now) * sizeof(piece);
	return 0;
}

int ext2_is_changed(struct ext2_txn *txn, const struct ext2_inode *inode, bool *changed)
{
	uint32_t from, count;
	int error = compare(txn, inode, &from, &count);

	*changed = count != 0;
	return error;
}

int ext2_store(struct ext2_txn *txn, const struct ext2_inode *inode)
{
	uint32_t from, count;
	int error = compare(txn, inode, &from, &count);

	if (error || !count)
		return error;
	return ext2_poke(txn, inode->table_block, inode->table_offset + from, (const uint8_t *)&inode->disk + from, count, 0);
}

/* What is behind the fields that are known: extended attributes in the inode. */
static int clear_rest(struct ext2_txn *txn, const struct ext2_inode *inode)
{
	typedef uint32_t __attribute__((may_alias)) word;
	uint32_t size = txn->fs->inode_size, at;
	struct ext2_buffer *buffer;
	int error;

	if (size <= sizeof(inode->disk))
		return 0;
	error = ext2_get(txn, inode->table_block, &buffer);
	if (error)
		return error;
	for (at = sizeof(inode->disk); at < size && !*(const word *)(buffer->data + inode->table_offset + at);)
		at += sizeof(word);
	return at < size ? ext2_poke(txn, inode->table_block, inode->table_offset + at, NULL, size - at, 0) : 0;
}

int ext2_clear(struct ext2_txn *txn, struct ext2_inode *inode)
{
	uint32_t generation = inode->disk.generation;

	memset(&inode->disk, 0, sizeof(inode->disk));
	inode->disk.generation = generation;
	return clear_rest(txn, inode);
}

int ext2_wipe(struct ext2_txn *txn, struct ext2_inode *inode)
{
	int error = ext2_clear(txn, inode);

	return error ? error : ext2_store(txn, inode);
}

uint64_t ext2_size(const struct ext2_inode *inode)
{
	return inode->disk.size | (S_ISREG(inode->disk.mode) ? (uint64_t)inode->disk.size_high << 32 : 0);
}

/* The first file of 2 GiB changes the superblock. */
static int allow_large(struct ext2_txn *txn)
{
	struct ext2_super super;
	int error = ext2_super_peek(txn, &super);

	if (error || super.ro_compat & EXT2_RO_LARGE_FILE)
		return error;
	super.ro_compat |= EXT2_RO_LARGE_FILE;
	return ext2_super_poke(txn, offsetof(struct ext2_super, ro_compat), &super.ro_compat, sizeof(super.ro_compat));
}

int ext2_set_size(struct ext2_txn *txn, struct ext2_inode *inode, uint64_t size)
{
	if (size > txn->fs->max_size)
		return -EFBIG;
	inode->disk.size = size;
	if (S_ISREG(inode->disk.mode))
		inode->disk.size_high = size >> 32;
	return size > INT32_MAX ? allow_large(txn) : 0;
}

static bool has_extra(const struct ext2 *fs, const struct ext2_inode *inode)
{
	return fs->inode_size >= sizeof(struct ext2_disk_inode) && inode->disk.extra_size >= EXT2_EXTRA_SIZE &&
	       inode->disk.extra_size <= fs->inode_size - EXT2_OLD_INODE_SIZE;
}

/* The two low bits of the extra word count epochs of 2^32 s, the others are ns. The last of these epochs ends after the last time in ns. */
static int64_t join_time(uint32_t seconds, uint32_t extra)
{
	int64_t whole = (int64_t)(int32_t)seconds + ((int64_t)(extra & 3) << 32);

	return MIN(whole, INT64_MAX / NS - 1) * NS + MIN(extra >> 2, NS - 1u);
}

static void split_time(int64_t time, bool extra, uint32_t *seconds, uint32_t *more)
{
	int64_t whole = time / NS - (time % NS < 0), most = extra ? INT32_MAX + (3ll << 32) : INT32_MAX;

	*more = 0;
	if (whole < INT32_MIN || whole > most) {
		*seconds = whole < 0 ? (uint32_t)INT32_MIN : (uint32_t)most;
		*more = extra && whole > 0 ? 3 : 0;
		return;
	}
	*seconds = whole;
	if (extra)
		*more = (uint32_t)((whole - (int32_t)whole) >> 32 & 3) | (uint32_t)(time - whole * NS) << 2;
}

uint32_t ext2_time_step(const struct ext2 *fs)
{
	return fs->inode_size >= sizeof(struct ext2_disk_inode) ? 1 : 1000000000;
}

void ext2_set_times(const struct ext2 *fs, struct ext2_inode *inode, unsigned which, int64_t time)
{
	struct ext2_disk_inode *disk = &inode->disk;
	bool extra = has_extra(fs, inode);
	uint32_t seconds, more;

	split_time(time, extra, &seconds, &more);
	if (which & EXT2_T_ACCESS)
		disk->atime = seconds;
	if (which & EXT2_T_MODIFY)
		disk->mtime = seconds;
	if (which & EXT2_T_CHANGE)
		disk->ctime = seconds;
	if (!extra)
		return;
	if (which & EXT2_T_ACCESS)
		disk->atime_extra = more;
	if (which & EXT2_T_MODIFY)
		disk->mtime_extra = more;
	if (which & EXT2_T_CHANGE)
		disk->ctime_extra = more;
	if (which & EXT2_T_BIRTH) {
		disk->btime = seconds;
		disk->btime_extra = more;
	}
}

/* Linux's old encoding of a device number in the first pointer, its new one in the second. */
static uint64_t get_rdev(const struct ext2_disk_inode *disk)
{
	if (disk->block[0])
		return disk->block[0] & 0xffff;
	return disk->block[1];
}

void ext2_set_rdev(struct ext2_inode *inode, uint64_t rdev)
{
	bool old = rdev <= 0xffff;

	inode->disk.block[0] = old ? rdev : 0;
	inode->disk.block[1] = old ? 0 : rdev;
}

void ext2_set_owner(struct ext2_inode *inode, uint32_t uid, uint32_t gid)
{
	inode->disk.uid = uid;
	inode->disk.uid_high = uid >> 16;
	inode->disk.gid = gid;
	inode->disk.gid_high = gid >> 16;
}

void ext2_attr(const struct ext2 *fs, const struct ext2_inode *inode, struct ext2_attr *out)
{
	const struct ext2_disk_inode *disk = &inode->disk;
	bool extra = has_extra(fs, inode);

	*out = (struct ext2_attr){
		.node = { inode->number, disk->generation }, .mode = disk->mode, .links = disk->links,
		.uid = disk->uid | (uint32_t)disk->uid_high << 16, .gid = disk->gid | (uint32_t)disk->gid_high << 16,
		.size = ext2_size(inode), .blocks = disk->sectors,
		.atime = join_time(disk->atime, extra ? disk->atime_extra : 0), .mtime = join_time(disk->mtime, extra ? disk->mtime_extra : 0),
		.ctime = join_time(disk->ctime, extra ? disk->ctime_extra : 0),
	};
	out->btime = extra ? join_time(disk->btime, disk->btime_extra) : out->ctime;
	if (S_ISCHR(disk->mode) || S_ISBLK(disk->mode))
		out->rdev = get_rdev(disk);
}

int ext2_may_change(const struct ext2_inode *inode)
{
	return inode->disk.flags & (EXT2_FLAG_IMMUTABLE | EXT2_FLAG_APPEND) ? -EPERM : 0;
}

bool ext2_is_unborn(struct ext2_txn *txn, const struct ext2_inode *inode)
{
	bool unborn = inode->disk.born && inode->disk.born == txn->group && !txn->boundary;

	txn->needs_group |= unborn;
	return unborn;
}
