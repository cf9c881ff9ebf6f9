/* SPDX-License-Identifier: MIT */
/* The bootstrap reader as a file system: read-only, over an image that stays mapped in memory. */
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "vfs/ext2/ext2.h"
#include "vfs/mount.h"
#include "vfs/stat_bits.h"

#include <linux/magic.h>

enum { ERRORS_LOGGED_MAX = 20 };

static struct ext2 *to_ext2(struct fs *fs)
{
	return container_of(fs, struct ext2, fs);
}

int ext2_corrupt(struct ext2 *ext2, const char *format, ...)
{
	unsigned logged = atomic_add(&ext2->errors_logged, 1);
	char text[160];
	va_list args;

	if (logged <= ERRORS_LOGGED_MAX) {
		va_start(args, format);
		vsnprintf(text, sizeof(text), format, args);
		va_end(args);
		log_error("ext2: %s%s", text, logged == ERRORS_LOGGED_MAX ? " (further errors of this image are not shown)" : "");
	}
	return -EUCLEAN;
}

static int ext2_getattr(struct fs *fs, struct fs_node_id node, struct fs_attr *out)
{
	struct ext2_inode inode;
	int error = ext2_read_inode(to_ext2(fs), node.id, &inode);

	if (!error)
		ext2_inode_attr(to_ext2(fs), &inode, out);
	return error;
}

static int read_directory_inode(struct ext2 *ext2, struct fs_node_id node, struct ext2_inode *dir)
{
	int error = ext2_read_inode(ext2, node.id, dir);

	if (!error && !S_ISDIR(dir->disk.mode))
		error = -ENOTDIR;
	return error;
}

/*
 * A directory has one parent and its ".." says which. Holding every lookup to that makes what is reachable from the root a tree: no loops
 * for programs to fall into, whatever the image says.
 */
static int check_parent(struct ext2 *ext2, const struct ext2_inode *dir, const struct ext2_inode *child)
{
	struct ext2_dirent entry;
	uint64_t offset = 0;
	int found;

	if (child->number == EXT2_ROOT_INODE || child->number == dir->number)
		return ext2_corrupt(ext2, "directory inode %u contains itself or the root directory", dir->number);
	do {
		found = ext2_next_dirent(ext2, child, offset, &entry);
		if (found < 0)
			return found;
		offset = entry.next;
	} while (found && !(ext2_dirent_is_dots(&entry) && entry.name_len == 2) && offset < ext2->block_size);
	if (!found || entry.name_len != 2 || !ext2_dirent_is_dots(&entry) || entry.inode != dir->number)
		return ext2_corrupt(ext2, "directory inode %u is in directory %u but its \"..\" is not", child->number, dir->number);
	return 0;
}

static int ext2_lookup(struct fs *fs, struct fs_node_id dir_node, const char *name, size_t len, struct fs_attr *out)
{
	struct ext2 *ext2 = to_ext2(fs);
	struct ext2_inode dir, child;
	struct ext2_dirent entry;
	uint64_t offset = 0;
	int found, error = read_directory_inode(ext2, dir_node, &dir);

	if (error)
		return error;
	for (;; offset = entry.next) {
		found = ext2_next_dirent(ext2, &dir, offset, &entry);
		if (found <= 0)
			return found ? found : -ENOENT;
		if (entry.name_len == len && memcmp(entry.name, name, len) == 0 && !ext2_dirent_is_dots(&entry))
			break;
	}
	error = ext2_read_inode(ext2, entry.inode, &child);
	if (!error && S_ISDIR(child.disk.mode))
		error = check_parent(ext2, &dir, &child);
	if (!error)
		ext2_inode_attr(ext2, &child, out);
	return error;
}

static int ext2_readdir(struct fs *fs, struct fs_node_id node, uint64_t cookie, fs_readdir_emit *emit, void *context)
{
	struct ext2 *ext2 = to_ext2(fs);
	struct ext2_inode dir;
	struct ext2_dirent entry;
	int found, error = read_directory_inode(ext2, node, &dir);

	if (error)
		return error;
	for (;; cookie = entry.next) {
		struct fs_dirent out;

		found = ext2_next_dirent(ext2, &dir, cookie, &entry);
		if (found <= 0)
			return found;
		if (ext2_dirent_is_dots(&entry))
			continue;
		out.id = entry.inode;
		out.next = entry.next;
		out.type = entry.type;
		out.name_len = entry.name_len;
		memcpy(out.name, entry.name, entry.name_len);
		if (!emit(context, &out))
			return 0;
	}
}

/* A short target lies in the inode itself, in place of the block pointers: then the file owns no blocks but perhaps that of its attributes. */
static bool symlink_is_fast(const struct ext2 *ext2, const struct ext2_inode *inode)
{
	uint32_t acl_sectors = inode->disk.file_acl ? ext2->block_size / 512 : 0;

	return inode->size < sizeof(inode->disk.block) && inode->disk.sectors <= acl_sectors;
}

static int ext2_readlink(struct fs *fs, struct fs_node_id node, char *buf, size_t size)
{
	struct ext2 *ext2 = to_ext2(fs);
	struct ext2_inode inode;
	const uint8_t *target;
	int error = ext2_read_inode(ext2, node.id, &inode);

	if (error)
		return error;
	if (!S_ISLNK(inode.disk.mode))
		return -EINVAL;
	if (symlink_is_fast(ext2, &inode)) {
		target = (const uint8_t *)inode.disk.block;
	} else {
		if (inode.size > ext2->block_size)
			return ext2_corrupt(ext2, "symlink inode %u: length %llu is more than a block", inode.number,
					    (unsigned long long)inode.size);
		error = ext2_map_block(ext2, &inode, 0, &target);
		if (!error && !target)
			error = ext2_corrupt(ext2, "symlink inode %u has no block", inode.number);
		if (error)
			return error;
	}
	if (memchr(target, 0, inode.size))
		return ext2_corrupt(ext2, "symlink inode %u: NUL in its target", inode.number);
	memcpy(buf, target, MIN(size, inode.size));
	return MIN(size, inode.size);
}

static int ext2_fill_page(struct fs *fs, struct fs_node_id node, uint64_t index, void *page)
{
	struct ext2 *ext2 = to_ext2(fs);
	struct ext2_inode inode;
	uint64_t start = index << PAGE_SHIFT;
	uint64_t end;
	int error = ext2_read_inode(ext2, node.id, &inode);

	if (error)
		return error;
	if (!S_ISREG(inode.disk.mode))
		return -EINVAL;
	if (index >= 1ull << (64 - PAGE_SHIFT) || start >= inode.size)
		return 0;
	end = MIN(start + PAGE_SIZE, inode.size);
	for (uint64_t at = start; at < end; at += ext2->block_size) {
		const uint8_t *data;

		error = ext2_map_block(ext2, &inode, at / ext2->block_size, &data);
		if (error)
			return error;
		if (data)
			memcpy((uint8_t *)page + (at - start), data, MIN((uint64_t)ext2->block_size, end - at));
	}
	return 0;
}

static int ext2_statfs(struct fs *fs, struct fs_statfs *out)
{
	struct ext2 *ext2 = to_ext2(fs);

	*out = (struct fs_statfs){ .type = EXT2_SUPER_MAGIC, .block_size = ext2->block_size, .blocks = ext2->blocks_count,
				   .blocks_free = ext2->free_blocks, .blocks_available = ext2->free_blocks, .files = ext2->inodes_count,
				   .files_free = ext2->free_inodes, .name_max = EXT2_NAME_MAX, .fs_id = fs->dev };
	return 0;
}

static int refuse_setattr(struct fs *fs, struct fs_node_id node, unsigned mask, const struct fs_attr *in, struct fs_attr *out)
{
	return -EROFS;
}

static int refuse_create(struct fs *fs, struct fs_node_id dir, const char *name, size_t len, const struct fs_attr *in, struct fs_attr *out)
{
	return -EROFS;
}

static int refuse_symlink(struct fs *fs, struct fs_node_id dir, const char *name, size_t len, const char *target, size_t target_len,
			  const struct fs_attr *in, struct fs_attr *out)
{
	return -EROFS;
}

static int refuse_link(struct fs *fs, struct fs_node_id node, struct fs_node_id dir, const char *name, size_t len, struct fs_attr *out)
{
	return -EROFS;
}

static int refuse_remove(struct fs *fs, struct fs_node_id dir, const char *name, size_t len, struct fs_attr *out)
{
	return -EROFS;
}

static int refuse_rename(struct fs *fs, struct fs_node_id from_dir, const char *from, size_t from_len, struct fs_node_id to_dir,
			 const char *to, size_t to_len, unsigned flags, struct fs_replaced *replaced)
{
	return -EROFS;
}

static void ext2_release(struct fs *fs, struct fs_node_id node)
{
}

static int ext2_sync(struct fs *fs)
{
	return 0;
}

static void ext2_unmount(struct fs *fs)
{
	log_info("root: nobody reads the image of the boot any more");
	kfree(to_ext2(fs));
}

static const struct fs_ops ext2_ops = {
	.lookup = ext2_lookup,
	.getattr = ext2_getattr,
	.setattr = refuse_setattr,
	.create = refuse_create,
	.mkdir = refuse_create,
	.symlink = refuse_symlink,
	.link = refuse_link,
	.unlink = refuse_remove,
	.rmdir = refuse_remove,
	.rename = refuse_rename,
	.readlink = ext2_readlink,
	.readdir = ext2_readdir,
	.fill_page = ext2_fill_page,
	.release = ext2_release,
	.sync = ext2_sync,
	.statfs = ext2_statfs,
	.unmount = ext2_unmount,
};

int ext2_mount_memory(const void *image, size_t len, struct fs **fs)
{
	struct ext2 *ext2 = kzalloc(sizeof(*ext2));
	struct ext2_inode root;
	int error;

	if (!ext2)
		return -ENOMEM;
	ext2->image = image;
	ext2->image_len = len;
	error = ext2_read_superblock(ext2);
	if (!error)
		error = ext2_read_inode(ext2, EXT2_ROOT_INODE, &root);
	if (!error && !S_ISDIR(root.disk.mode))
		error = ext2_corrupt(ext2, "the root inode has mode 0%o, expected a directory", root.disk.mode);
	if (error) {
		kfree(ext2);
		return error;
	}
	ext2->fs.ops = &ext2_ops;
	ext2->fs.type = "ext2";
	ext2->fs.flags = FS_FILLS_PAGES | FS_READ_ONLY;
	ext2->fs.root = (struct fs_node_id){ EXT2_ROOT_INODE, root.disk.generation };
	ext2->fs.private = ext2;
	fs_register_instance(&ext2->fs);
	*fs = &ext2->fs;
	return 0;
}
