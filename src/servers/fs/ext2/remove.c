/* SPDX-License-Identifier: MIT */
/* Names that go, and inodes that lose their last one. */
#include "internal.h"

/* May it be freed in the transaction that takes its name? */
static bool is_small(const struct ext2 *fs, const struct ext2_inode *inode)
{
	return !ext2_has_blocks(fs, inode) || !(inode->disk.block[12] || inode->disk.block[13] || inode->disk.block[14]);
}

static int free_now(struct ext2_txn *txn, struct ext2_inode *inode)
{
	bool directory = S_ISDIR(inode->disk.mode);
	uint64_t end;
	int error = ext2_has_blocks(txn->fs, inode) ? ext2_truncate(txn, inode, 0, &end) : 0;

	if (error == EXT2_MORE)
		return error;
	if (!error)
		error = ext2_free_xattrs(txn, inode);
	if (!error)
		error = ext2_wipe(txn, inode);
	return error ? error : ext2_free_inode(txn, inode->number, directory);
}

int ext2_drop_link(struct ext2_txn *txn, struct ext2_inode *inode, bool keep, int64_t time, struct ext2_removed *out)
{
	int result = EXT2_MORE;

	if (!inode->disk.links)
		return ext2_corrupt(txn->fs, "inode %u has a name and no links", inode->number);
	inode->disk.links = S_ISDIR(inode->disk.mode) ? 0 : inode->disk.links - 1;
	ext2_set_times(txn->fs, inode, EXT2_T_CHANGE, time);
	ext2_attr(txn->fs, inode, &out->attr);
	out->to_release = false;
	if (inode->disk.links)
		return ext2_store(txn, inode);
	if (!keep && is_small(txn->fs, inode)) {
		txn->frees_early = ext2_is_unborn(txn, inode) && !inode->disk.file_acl;
		result = free_now(txn, inode);
		txn->frees_early = false;
	}
	if (result != EXT2_MORE)
		return result;
	out->to_release = true;
	return ext2_orphan_add(txn, inode);
}

static int check_removal(struct ext2_txn *txn, const struct ext2_inode *dir, const struct ext2_inode *inode, unsigned flags)
{
	uint32_t parent;
	int error = ext2_may_change(inode);

	if (error || dir->disk.flags & (EXT2_FLAG_IMMUTABLE | EXT2_FLAG_APPEND))
		return -EPERM;
	if (!(flags & EXT2_DIRECTORY))
		return S_ISDIR(inode->disk.mode) ? -EISDIR : 0;
	if (!S_ISDIR(inode->disk.mode))
		return -ENOTDIR;
	error = ext2_parent(txn, inode, &parent);
	if (!error && (parent != dir->number || inode->number == EXT2_ROOT || inode->number == dir->number))
		error = ext2_corrupt(txn->fs, "directory inode %u is in directory %u, but its .. is %u", inode->number, dir->number, parent);
	return error ? error : ext2_is_empty(txn, inode);
}

int ext2_remove(struct ext2_txn *txn, struct ext2_node node, struct ext2_name name, unsigned flags, int64_t time, struct ext2_removed *out)
{
	struct ext2_inode dir, inode;
	struct ext2_place place;
	int error = txn->fs->read_only ? -EROFS : ext2_check_name(name);

	out->attr = (struct ext2_attr){ 0 };
	out->to_release = false;
	if (!error)
		error = ext2_load_directory(txn, node, &dir);
	if (!error)
		error = ext2_find(txn, &dir, name, &place);
	if (!error)
		error = ext2_load(txn, (struct ext2_node){ place.entry.inode, 0 }, &inode);
	if (!error)
		error = check_removal(txn, &dir, &inode, flags);
	if (error)
		return error;
	if (S_ISDIR(inode.disk.mode) && dir.disk.links > 2)
		dir.disk.links--;
	ext2_set_times(txn->fs, &dir, EXT2_T_MODIFY | EXT2_T_CHANGE, time);
	error = ext2_remove_entry(txn, &dir, &place, ext2_is_unborn(txn, &inode));
	return error ? error : ext2_drop_link(txn, &inode, flags & EXT2_KEEP && inode.number != out->unused, time, out);
}

/* What began in the open group may end in it early, unless another orphan, which the disk may know, leads to it. */
static int destroy(struct ext2_txn *txn, struct ext2_inode *inode)
{
	struct ext2_super super;
	int error = ext2_super_peek(txn, &super);

	if (error)
		return error;
	txn->frees_early = super.last_orphan == inode->number && !inode->disk.file_acl && ext2_is_unborn(txn, inode);
	error = ext2_destroy(txn, inode);
	txn->frees_early = false;
	return error;
}

int ext2_release(struct ext2_txn *txn, struct ext2_node node)
{
	struct ext2_inode inode;
	int error;

	if (txn->fs->read_only)
		return 0;
	error = ext2_load(txn, node, &inode);
	if (error == -ESTALE) {
		/* What waited for it to go may go, too. */
		error = ext2_orphan_last(txn, &inode);
		return error <= 0 ? error : inode.disk.mode ? 0 : ext2_destroy(txn, &inode);
	}
	return error || inode.disk.links ? error : destroy(txn, &inode);
}
