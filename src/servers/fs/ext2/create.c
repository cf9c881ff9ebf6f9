/* SPDX-License-Identifier: MIT */
/* New names: files, directories, device nodes, symlinks, and links. */
#include "internal.h"

/* A directory in which @name can be made. With a commit of its own (EXT2_MORE) it gets room for it. */
static int open_place(struct ext2_txn *txn, struct ext2_node node, struct ext2_name name, struct ext2_inode *dir)
{
	struct ext2_place place;
	int error = txn->fs->read_only ? -EROFS : ext2_check_name(name);

	if (!error)
		error = ext2_load_directory(txn, node, dir);
	if (!error && !dir->disk.links)
		error = -ENOENT;
	if (!error && dir->disk.flags & EXT2_FLAG_IMMUTABLE)
		error = -EPERM;
	if (error)
		return error;
	error = ext2_find(txn, dir, name, &place);
	if (error != -ENOENT)
		return error ? error : -EEXIST;
	return 0;
}

static int check_new(const struct ext2 *fs, const struct ext2_new *new)
{
	switch (new->mode & S_IFMT) {
	case S_IFLNK:
		if (!new->target.len || memchr(new->target.bytes, 0, new->target.len))
			return -EINVAL;
		return new->target.len >= fs->block_size ? -ENAMETOOLONG : 0;
	case S_IFREG: case S_IFDIR: case S_IFCHR: case S_IFBLK: case S_IFIFO: case S_IFSOCK:
		return 0;
	default:
		return -EINVAL;
	}
}

/* An inode that nothing names yet, all of it set but what has to do with blocks. */
static int make_inode(struct ext2_txn *txn, const struct ext2_new *new, struct ext2_inode *inode)
{
	const struct ext2 *fs = txn->fs;
	bool directory = S_ISDIR(new->mode);
	uint32_t number = 0;
	int error = ext2_alloc_inode(txn, new->dir.id, directory, &number);

	if (!error)
		error = ext2_load_raw(txn, number, inode);
	if (!error && inode->disk.links)
		error = ext2_corrupt(txn->fs, "inode %u has %u links, but its bitmap calls it free", number, inode->disk.links);
	if (!error)
		error = ext2_clear(txn, inode);
	if (error)
		return error;
	inode->disk.generation = inode->disk.generation + 1 ? inode->disk.generation + 1 : 1;
	inode->disk.mode = new->mode;
	inode->disk.links = 1 + directory;
	inode->disk.extra_size = fs->extra_size;
	inode->disk.born = txn->group;
	txn->bears = true;
	ext2_set_owner(inode, new->uid, new->gid);
	ext2_set_times(fs, inode, EXT2_T_ACCESS | EXT2_T_MODIFY | EXT2_T_CHANGE | EXT2_T_BIRTH, new->time);
	if (S_ISCHR(new->mode) || S_ISBLK(new->mode))
		ext2_set_rdev(inode, new->rdev);
	return 0;
}

static int first_block(struct ext2_txn *txn, struct ext2_inode *inode, uint32_t *block)
{
	uint32_t count;
	int error = ext2_fill(txn, inode, 0, 1, block, &count);

	return error ? error : ext2_make_fresh(txn, *block);
}

static int make_content(struct ext2_txn *txn, const struct ext2_new *new, struct ext2_inode *inode)
{
	uint32_t block;
	int error;

	if (S_ISDIR(new->mode)) {
		error = first_block(txn, inode, &block);
		if (!error)
			error = ext2_first_entries(txn, block, inode->number, new->dir.id);
		return error ? error : ext2_set_size(txn, inode, txn->fs->block_size);
	}
	if (!S_ISLNK(new->mode))
		return 0;
	if (new->target.len < sizeof(inode->disk.block)) {
		memcpy(inode->disk.block, new->target.bytes, new->target.len);
		return ext2_set_size(txn, inode, new->target.len);
	}
	error = first_block(txn, inode, &block);
	if (!error)
		error = ext2_poke(txn, block, 0, new->target.bytes, new->target.len, EXT2_FIRST);
	return error ? error : ext2_set_size(txn, inode, new->target.len);
}

/*
 * The directory must not be as new as its new file: whatever of both reached the disk, a live inode without a name is not mended by e2fsck -p. Unless one
 * block has both inodes, and the directory's pointers, so that they get there together.
 */
static bool needs_settled(const struct ext2 *fs, const struct ext2_inode *dir, const struct ext2_inode *inode)
{
	return dir->table_block != inode->table_block || ext2_size(dir) > (uint64_t)EXT2_DIRECT << fs->block_shift;
}

int ext2_create(struct ext2_txn *txn, const struct ext2_new *new, struct ext2_attr *out)
{
	struct ext2_inode dir, inode;
	int error = check_new(txn->fs, new);

	if (!error)
		error = open_place(txn, new->dir, new->name, &dir);
	if (!error && S_ISDIR(new->mode) && dir.disk.links >= EXT2_LINK_MAX)
		error = -EMLINK;
	if (!error)
		error = ext2_make_room(txn, &dir, new->name.len);
	if (error)
		return error;
	error = make_inode(txn, new, &inode);
	if (!error)
		error = make_content(txn, new, &inode);
	if (!error)
		error = ext2_store(txn, &inode);
	if (error)
		return error;
	dir.disk.links += S_ISDIR(new->mode);
	ext2_set_times(txn->fs, &dir, EXT2_T_MODIFY | EXT2_T_CHANGE, new->time);
	error = ext2_add_entry(txn, &dir, new->name, inode.number, new->mode, needs_settled(txn->fs, &dir, &inode) ? EXT2_SETTLED : 0);
	ext2_attr(txn->fs, &inode, out);
	return error == EXT2_MORE ? -EIO : error;
}

int ext2_link(struct ext2_txn *txn, struct ext2_node node, struct ext2_node dir_node, struct ext2_name name, int64_t time, struct ext2_attr *out)
{
	struct ext2_inode dir, inode;
	int error = open_place(txn, dir_node, name, &dir);

	if (!error)
		error = ext2_load(txn, node, &inode);
	if (!error)
		error = S_ISDIR(inode.disk.mode) ? -EPERM : ext2_may_change(&inode);
	if (!error && !inode.disk.links)
		error = -ENOENT;
	if (!error && inode.disk.links >= EXT2_LINK_MAX)
		error = -EMLINK;
	if (!error)
		error = ext2_make_room(txn, &dir, name.len);
	if (error)
		return error;
	inode.disk.links++;
	ext2_set_times(txn->fs, &inode, EXT2_T_CHANGE, time);
	error = ext2_store(txn, &inode);
	if (error)
		return error;
	ext2_set_times(txn->fs, &dir, EXT2_T_MODIFY | EXT2_T_CHANGE, time);
	error = ext2_add_entry(txn, &dir, name, inode.number, inode.disk.mode, 0);
	ext2_attr(txn->fs, &inode, out);
	return error == EXT2_MORE ? -EIO : error;
}
