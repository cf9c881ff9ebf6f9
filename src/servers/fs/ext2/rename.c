/* SPDX-License-Identifier: MIT */
/*
 * Rename and exchange. In memory each is one commit. On the disk a file always has a name: the new one is there before the old one goes, and what is
 * replaced keeps one until it is dead (kept.c). A new name in the same block changes with the old one. Between different blocks that cannot be had
 * for directories, since e2fsck -p mends neither two names nor none: these are written apart from all else, and have too many names rather than none.
 */
#include "internal.h"

struct move {
	struct ext2_txn *txn;
	const struct ext2_rename *what;
	struct ext2_inode dirs[2], *from_dir, *to_dir;
	struct ext2_inode from, to;	/* to.number 0: there is none */
	struct ext2_place from_place, to_place;
};

static bool is_directory(const struct ext2_inode *inode)
{
	return inode->number && S_ISDIR(inode->disk.mode);
}

static int load_dirs(struct move *move)
{
	const struct ext2_rename *what = move->what;
	int error = ext2_load_directory(move->txn, what->from_dir, &move->dirs[0]);

	move->from_dir = move->to_dir = &move->dirs[0];
	if (error || what->to_dir.id == what->from_dir.id)
		return error;
	move->to_dir = &move->dirs[1];
	error = ext2_load_directory(move->txn, what->to_dir, &move->dirs[1]);
	return error ? error : move->to_dir->disk.links ? 0 : -ENOENT;
}

static int load_ends(struct move *move)
{
	struct ext2_txn *txn = move->txn;
	int error = ext2_find(txn, move->from_dir, move->what->from, &move->from_place);

	if (!error)
		error = ext2_load(txn, (struct ext2_node){ move->from_place.entry.inode, 0 }, &move->from);
	if (error)
		return error;
	error = ext2_find(txn, move->to_dir, move->what->to, &move->to_place);
	move->to.number = 0;
	if (error == -ENOENT)
		return move->what->flags & EXT2_EXCHANGE ? error : 0;
	if (!error && move->what->flags & EXT2_NOREPLACE)
		error = -EEXIST;
	return error ? error : ext2_load(txn, (struct ext2_node){ move->to_place.entry.inode, 0 }, &move->to);
}

/* -EINVAL if @inode is @dir or above it. */
static int check_not_above(struct ext2_txn *txn, const struct ext2_inode *inode, const struct ext2_inode *dir)
{
	struct ext2_inode at = *dir;
	uint32_t parent, steps = 0;

	while (at.number != EXT2_ROOT) {
		int error;

		if (at.number == inode->number)
			return -EINVAL;
		if (steps++ > txn->fs->inodes_count)
			return ext2_corrupt(txn->fs, "directory inode %u is not below the root", dir->number);
		error = ext2_parent(txn, &at, &parent);
		if (!error)
			error = ext2_load_directory(txn, (struct ext2_node){ parent, 0 }, &at);
		if (error)
			return error == -ENOTDIR ? ext2_corrupt(txn->fs, "inode %u is the parent of one, but not a directory", parent) : error;
	}
	return inode->number == EXT2_ROOT ? -EINVAL : 0;
}

static int check_types(const struct move *move)
{
	bool exchange = move->what->flags & EXT2_EXCHANGE;
	int error;

	if ((move->from_dir->disk.flags | move->to_dir->disk.flags) & (EXT2_FLAG_IMMUTABLE | EXT2_FLAG_APPEND))
		return -EPERM;
	if (ext2_may_change(&move->from) || (move->to.number && ext2_may_change(&move->to)))
		return -EPERM;
	if (move->to.number && !exchange && is_directory(&move->from) != is_directory(&move->to))
		return is_directory(&move->to) ? -EISDIR : -ENOTDIR;
	if (is_directory(&move->from)) {
		error = check_not_above(move->txn, &move->from, move->to_dir);
		if (error)
			return error;
	}
	if (is_directory(&move->to)) {
		error = check_not_above(move->txn, &move->to, move->from_dir);
		if (error)
			return error == -EINVAL && !exchange ? -ENOTEMPTY : error;
		if (!exchange)
			return ext2_is_empty(move->txn, &move->to);
	}
	return 0;
}

static int store_dirs(struct move *move)
{
	int error = 0;

	for (unsigned i = 0; !error && i <= (move->to_dir != move->from_dir); i++) {
		ext2_set_times(move->txn->fs, &move->dirs[i], EXT2_T_MODIFY | EXT2_T_CHANGE, move->what->time);
		move->dirs[i].disk.flags &= ~EXT2_FLAG_INDEX;
		error = ext2_store(move->txn, &move->dirs[i]);
	}
	return error;
}

/* A directory has another parent now. */
static int adopt(struct move *move, const struct ext2_inode *inode, struct ext2_inode *old, struct ext2_inode *new)
{
	if (!is_directory(inode) || old == new)
		return 0;
	if (old->disk.links > 2)
		old->disk.links--;
	new->disk.links++;
	return ext2_set_parent(move->txn, inode, new->number);
}

/* Files first: they may need commits before this one, in which no directory may get a second name. */
static int keep_both(struct move *move)
{
	int error = 0;

	for (unsigned directories = 0; !error && directories < 2; directories++) {
		if (is_directory(&move->from) == directories)
			error = ext2_keep_name(move->txn, move->from_dir, &move->from_place, directories);
		if (!error && is_directory(&move->to) == directories)
			error = ext2_keep_name(move->txn, move->to_dir, &move->to_place, directories);
	}
	return error;
}

static int exchange(struct move *move)
{
	struct ext2_txn *txn = move->txn;
	bool apart = move->from_place.block != move->to_place.block;
	int error = apart ? keep_both(move) : 0;

	if (!error && (is_directory(&move->from) || is_directory(&move->to)) && (apart || move->from_dir != move->to_dir))
		txn->flags |= EXT2_BOUNDARY_BEFORE | EXT2_BOUNDARY_AFTER;
	if (!error)
		error = ext2_set_entry(txn, &move->from_place, move->to.number, move->to.disk.mode);
	if (!error)
		error = ext2_set_entry(txn, &move->to_place, move->from.number, move->from.disk.mode);
	if (!error)
		error = adopt(move, &move->from, move->from_dir, move->to_dir);
	if (!error)
		error = adopt(move, &move->to, move->to_dir, move->from_dir);
	if (error)
		return error;
	ext2_set_times(txn->fs, &move->to, EXT2_T_CHANGE, move->what->time);
	return ext2_store(txn, &move->to);
}

/* The name is new. */
static int move_to_new(struct move *move)
{
	struct ext2_txn *txn = move->txn;
	bool done = false;
	int error = 0;

	if (is_directory(&move->from) && move->from_dir != move->to_dir && move->to_dir->disk.links >= EXT2_LINK_MAX)
		return -EMLINK;
	if (move->from_dir == move->to_dir) {
		error = ext2_rename_in_place(txn, move->from_dir, &move->from_place, move->what->to, &done);
		if (!error && !done)
			error = ext2_rename_beside(txn, move->from_dir, &move->from_place, move->what->to, &done);
	}
	if (error || done)
		return error;
	error = ext2_make_room(txn, move->to_dir, move->what->to.len);
	if (error)
		return error;
	if (is_directory(&move->from))
		txn->flags |= EXT2_BOUNDARY_BEFORE | EXT2_BOUNDARY_AFTER;
	error = ext2_add_entry(txn, move->to_dir, move->what->to, move->from.number, move->from.disk.mode, 0);
	if (error)
		return error == EXT2_MORE ? -EIO : error;
	error = ext2_remove_entry(txn, move->from_dir, &move->from_place, ext2_is_unborn(txn, &move->from));
	return error ? error : adopt(move, &move->from, move->from_dir, move->to_dir);
}

/* Something has the name already. */
static int move_over(struct move *move, struct ext2_removed *out)
{
	struct ext2_txn *txn = move->txn;
	bool same_block = move->from_place.block == move->to_place.block, unborn = ext2_is_unborn(txn, &move->to);
	int error = 0;

	/* In one block both entries change at once, so the old one can name what is replaced until that is dead. */
	if (same_block && !unborn)
		error = ext2_set_entry(txn, &move->from_place, move->to.number, move->to.disk.mode);
	else if (!unborn)
		error = ext2_keep_name(txn, move->to_dir, &move->to_place, is_directory(&move->to));
	if (!error && !same_block && is_directory(&move->from))
		txn->flags |= EXT2_BOUNDARY_BEFORE | EXT2_BOUNDARY_AFTER;
	if (!error)
		error = ext2_set_entry(txn, &move->to_place, move->from.number, move->from.disk.mode);
	/* A directory's two names, in one block, change at once, too. */
	if (!error)
		error = ext2_remove_entry(txn, move->from_dir, &move->from_place,
					  unborn && same_block ? is_directory(&move->from) || ext2_is_unborn(txn, &move->from)
							       : !same_block && ext2_is_unborn(txn, &move->from));
	if (!error)
		error = adopt(move, &move->from, move->from_dir, move->to_dir);
	if (error)
		return error;
	if (is_directory(&move->to) && move->to_dir->disk.links > 2)
		move->to_dir->disk.links--;
	return ext2_drop_link(txn, &move->to, move->what->flags & EXT2_KEEP_TARGET, move->what->time, out);
}

/* A name kept elsewhere by a rename that has ended may be what this one needs, too. */
static int forget_others(struct move *move)
{
	struct ext2_kept needed[EXT2_KEPT] = { { move->to_dir->number, move->to.number } };

	if (move->what->flags & EXT2_EXCHANGE)
		needed[1] = (struct ext2_kept){ move->from_dir->number, move->from.number };
	return ext2_forget_kept(move->txn, needed);
}

int ext2_rename(struct ext2_txn *txn, const struct ext2_rename *rename, struct ext2_removed *out)
{
	struct move move = { .txn = txn, .what = rename };
	unsigned modes = EXT2_NOREPLACE | EXT2_EXCHANGE;
	int error = txn->fs->read_only ? -EROFS : (rename->flags & modes) == modes ? -EINVAL : ext2_check_name(rename->from);

	memset(out, 0, sizeof(*out));
	if (!error)
		error = ext2_check_name(rename->to);
	if (!error)
		error = load_dirs(&move);
	if (!error)
		error = load_ends(&move);
	if (!error && txn->fs->may_have_kept)
		error = forget_others(&move);
	if (error || move.to.number == move.from.number)
		return error;
	error = check_types(&move);
	if (error)
		return error;
	if (rename->flags & EXT2_EXCHANGE)
		error = exchange(&move);
	else if (move.to.number)
		error = move_over(&move, out);
	else
		error = move_to_new(&move);
	if (error)
		return error;
	ext2_set_times(txn->fs, &move.from, EXT2_T_CHANGE, rename->time);
	error = ext2_store(txn, &move.from);
	if (!error)
		error = store_dirs(&move);
	if (error || !txn->fs->may_have_kept)
		return error;
	error = ext2_forget_kept(txn, NULL);
	return error == EXT2_MORE ? 0 : error;
}
