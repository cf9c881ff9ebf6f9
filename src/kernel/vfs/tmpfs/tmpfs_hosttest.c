/* SPDX-License-Identifier: MIT */
/*
 * Host test of tmpfs's names: links, renames, listing while names come and go, limits, options, and the overlay over a lower file system. A random
 * walk compares the tree with a simple model; TMPFS_TEST_SEED changes it.
 */
/* LINK: vfs/tmpfs/node.c vfs/tmpfs/directory.c vfs/tmpfs/names.c vfs/tmpfs/rename.c vfs/tmpfs/data.c */
/* LINK: vfs/tmpfs/options.c vfs/tmpfs/mount.c vfs/tmpfs/table.c */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "mm/frame.h"
#include "mm/mm.h"
#include "sched/clock.h"
#include "vfs/fs_registry.h"
#include "vfs/mount.h"
#include "vfs/stat_bits.h"
#include "vfs/tmpfs/tmpfs.h"

/* The rest of the kernel. */
void fs_register_instance(struct fs *fs) { refcount_init(&fs->refs, 1); }
void fs_end(struct fs *fs) { fs->ops->unmount(fs); }
void fs_type_register(struct fs_type *type) { }
size_t frame_total(void) { return 100000; }
static uint64_t available = 50000;
void memory_get_stats(struct memory_stats *stats) { *stats = (struct memory_stats){ .total = 100000, .available = available }; }
uint64_t clock_realtime_ns(void) { static uint64_t now; return ++now; }

static struct fs *fs;

static struct fs_node_id make(struct fs_node_id dir, const char *name, uint32_t mode)
{
	struct fs_attr in = { .mode = mode }, out;
	int error;

	if (S_ISDIR(mode))
		error = fs->ops->mkdir(fs, dir, name, strlen(name), &in, &out);
	else
		error = fs->ops->create(fs, dir, name, strlen(name), &in, &out);
	assert(!error);
	assert(out.mode == mode && out.links == (S_ISDIR(mode) ? 2 : 1));
	return out.node;
}

static int look(struct fs_node_id dir, const char *name, struct fs_attr *out)
{
	return fs->ops->lookup(fs, dir, name, strlen(name), out);
}

static struct fs_attr attr_of(struct fs_node_id node)
{
	struct fs_attr attr;

	assert(!fs->ops->getattr(fs, node, &attr));
	return attr;
}

static int move(struct fs_node_id from, const char *from_name, struct fs_node_id to, const char *to_name, unsigned flags)
{
	struct fs_replaced replaced = { .links = 0 };
	struct fs_attr moved, old;
	bool both = !look(from, from_name, &moved) && !look(to, to_name, &old) && moved.node.id != old.node.id;
	int error = fs->ops->rename(fs, from, from_name, strlen(from_name), to, to_name, strlen(to_name), flags, &replaced);

	assert(replaced.node.id == (both && !error && !(flags & FS_RENAME_EXCHANGE) ? old.node.id : 0));
	assert(!replaced.node.id || replaced.links == (S_ISDIR(old.mode) ? 0 : old.links - 1));
	return error;
}

static int unlink_name(struct fs_node_id dir, const char *name)
{
	struct fs_attr out;
	int error = fs->ops->unlink(fs, dir, name, strlen(name), &out);

	if (!error && !out.links)
		fs->ops->release(fs, out.node);
	return error;
}

static int rmdir_name(struct fs_node_id dir, const char *name)
{
	struct fs_attr out;
	int error = fs->ops->rmdir(fs, dir, name, strlen(name), &out);

	if (!error) {
		assert(!out.links);
		fs->ops->release(fs, out.node);
	}
	return error;
}

static void test_names(void)
{
	struct fs_node_id root, dir, file;
	struct fs_attr attr, in = { .mode = S_IFREG | 0644 };
	char target[16];

	assert(!tmpfs_create(NULL, "", &fs));
	root = fs->root;
	assert(attr_of(root).mode == (S_IFDIR | 01777));
	file = make(root, "file", S_IFREG | 0644);
	dir = make(root, "dir", S_IFDIR | 0755);
	assert(attr_of(root).links == 3);
	assert(fs->ops->create(fs, root, "file", 4, &in, &attr) == -EEXIST);
	assert(fs->ops->mkdir(fs, root, "file", 4, &in, &attr) == -EEXIST);
	assert(fs->ops->create(fs, file, "x", 1, &in, &attr) == -ENOTDIR);
	assert(look(root, "none", &attr) == -ENOENT);

	assert(!fs->ops->link(fs, file, dir, "hard", 4, &attr) && attr.links == 2);
	assert(fs->ops->link(fs, dir, root, "d2", 2, &attr) == -EPERM);
	assert(!unlink_name(root, "file"));
	assert(!look(dir, "hard", &attr) && attr.links == 1 && attr.node.id == file.id);

	assert(unlink_name(root, "dir") == -EISDIR);
	assert(rmdir_name(dir, "hard") == -ENOTDIR);
	assert(rmdir_name(root, "dir") == -ENOTEMPTY);
	assert(!unlink_name(dir, "hard"));
	assert(!rmdir_name(root, "dir"));
	assert(attr_of(root).links == 2);
	assert(fs->ops->getattr(fs, dir, &attr) == -ENOENT);
	assert(fs->ops->create(fs, dir, "x", 1, &in, &attr) == -ENOENT);

	assert(!fs->ops->symlink(fs, root, "link", 4, "a/target", 8, &in, &attr));
	assert(attr.mode == (S_IFLNK | 0777) && attr.size == 8);
	assert(fs->ops->readlink(fs, attr.node, target, sizeof(target)) == 8 && !memcmp(target, "a/target", 8));
	assert(fs->ops->readlink(fs, attr.node, target, 3) == 3);
	assert(fs->ops->readlink(fs, root, target, 3) == -EINVAL);

	/* An unlinked file lives until it is released. */
	file = make(root, "open", S_IFREG | 0600);
	assert(!fs->ops->unlink(fs, root, "open", 4, &attr) && !attr.links);
	assert(!fs->ops->getattr(fs, file, &attr));
	assert(fs->ops->link(fs, file, root, "back", 4, &attr) == -ENOENT);
	fs->ops->release(fs, file);
	assert(fs->ops->getattr(fs, file, &attr) == -ENOENT);
	fs_put(fs);
}

static void test_rename(void)
{
	struct fs_node_id root, a, b, c, x, y;
	struct fs_attr attr;

	assert(!tmpfs_create(NULL, "", &fs));
	root = fs->root;
	a = make(root, "a", S_IFDIR | 0755);
	b = make(a, "b", S_IFDIR | 0755);
	c = make(b, "c", S_IFDIR | 0755);
	x = make(root, "x", S_IFREG | 0644);
	y = make(root, "y", S_IFREG | 0644);

	assert(move(root, "a", c, "a", 0) == -EINVAL);
	assert(move(root, "a", a, "a", 0) == -EINVAL);
	assert(move(root, "a", b, "c", FS_RENAME_EXCHANGE) == -EINVAL);
	assert(move(b, "c", root, "a", FS_RENAME_EXCHANGE) == -EINVAL);
	assert(move(b, "c", root, "a", 0) == -ENOTEMPTY);
	assert(move(root, "x", root, "a", 0) == -EISDIR);
	assert(move(root, "a", root, "x", 0) == -ENOTDIR);
	assert(move(root, "none", root, "x", 0) == -ENOENT);
	assert(move(root, "x", root, "y", FS_RENAME_NOREPLACE) == -EEXIST);
	assert(move(root, "x", root, "z", FS_RENAME_EXCHANGE) == -ENOENT);

	assert(!move(root, "x", root, "x", 0));
	assert(!move(root, "x", root, "y", 0));
	assert(look(root, "x", &attr) == -ENOENT && !look(root, "y", &attr) && attr.node.id == x.id);
	assert(attr_of(y).links == 0);
	fs->ops->release(fs, y);

	/* c moves up: its parent's and the new parent's links change. */
	assert(!move(b, "c", root, "c", 0));
	assert(attr_of(b).links == 2 && attr_of(root).links == 4);
	assert(!move(root, "a", c, "a", 0));
	assert(attr_of(root).links == 3 && attr_of(c).links == 3);
	assert(move(root, "c", b, "loop", 0) == -EINVAL);

	/* A file and a directory change places. */
	assert(!move(c, "a", root, "y", FS_RENAME_EXCHANGE));
	assert(!look(root, "y", &attr) && attr.node.id == a.id && !look(c, "a", &attr) && attr.node.id == x.id);
	assert(attr_of(root).links == 4 && attr_of(c).links == 2);
	assert(move(root, "y", b, "new", 0) == -EINVAL);	/* a into its own subtree */

	/* Two names of one file: nothing happens. */
	assert(!fs->ops->link(fs, x, root, "x2", 2, &attr));
	assert(!move(c, "a", root, "x2", 0));
	assert(!look(c, "a", &attr) && attr.links == 2);

	/* An empty directory is replaced. */
	make(root, "empty", S_IFDIR | 0700);
	assert(!move(root, "c", root, "gone", 0));
	assert(!unlink_name(c, "a"));
	assert(!move(root, "gone", root, "empty", 0));
	assert(!look(root, "empty", &attr) && attr.node.id == c.id);
	assert(attr_of(root).links == 4);
	fs_put(fs);
}

struct listing { unsigned seen[2000]; uint64_t next; unsigned batch, limit; };

static bool note(void *context, struct fs_dirent *entry)
{
	struct listing *listing = context;

	if (listing->batch == listing->limit)
		return false;
	listing->batch++;
	listing->next = entry->next;
	if (entry->name[0] == 'f') {
		char name[16];

		memcpy(name, entry->name, entry->name_len);
		name[entry->name_len] = 0;
		listing->seen[atoi(name + 1)]++;
	}
	return true;
}

static bool list_some(struct fs_node_id dir, struct listing *listing, unsigned limit)
{
	listing->batch = 0;
	listing->limit = limit;
	assert(!fs->ops->readdir(fs, dir, listing->next, note, listing));
	return listing->batch != 0;
}

/* Renames with a whiteout: 0, and what the old name leads to then, or negative errno. */
static int move_leaving(struct fs_node_id from, const char *from_name, struct fs_node_id to, const char *to_name, struct fs_attr *left)
{
	const struct fs_attr in = { .mode = S_IFCHR, .links = 1, .uid = 7 };
	struct fs_replaced replaced = { .links = 0 };
	struct fs_node_id whiteout;
	struct fs_attr made;
	int error;

	assert(!fs->ops->make_unnamed(fs, &in, &made));
	whiteout = replaced.node = made.node;
	error = fs->ops->rename(fs, from, from_name, strlen(from_name), to, to_name, strlen(to_name), FS_RENAME_WHITEOUT, &replaced);
	if (replaced.node.id)
		fs->ops->release(fs, replaced.node);
	if (error) {
		assert(!replaced.node.id && fs->ops->getattr(fs, whiteout, &made) == -ENOENT);
		return error;
	}
	assert(!look(from, from_name, left));
	assert(left->node.id != whiteout.id || (left->mode == S_IFCHR && left->links == 1 && left->uid == 7));
	return left->node.id == whiteout.id;
}

static void test_whiteouts(void)
{
	struct fs_node_id root, a, x;
	struct fs_attr left;
	char name[256] = "", other[256] = "";

	memset(name, 'n', 255);
	memset(other, 'o', 255);
	assert(!tmpfs_create(NULL, "nr_inodes=6", &fs));
	root = fs->root;
	a = make(root, "a", S_IFDIR | 0755);
	x = make(root, "x", S_IFREG | 0644);
	make(root, "y", S_IFREG | 0644);
	assert(move_leaving(root, "none", root, "z", &left) == -ENOENT);
	assert(move_leaving(root, "x", root, "a", &left) == -EISDIR);
	assert(move_leaving(root, "a", a, "z", &left) == -EINVAL);
	assert(move_leaving(root, "x", root, "x", &left) == 0 && left.node.id == x.id);
	assert(move_leaving(root, "x", root, "z", &left) == 1);
	assert(move_leaving(root, "z", root, "x", &left) == 1);	/* over a whiteout */
	assert(move_leaving(root, "x", root, "y", &left) == 1);
	assert(move_leaving(root, "y", root, name, &left) == 1);
	assert(!unlink_name(root, "x"));
	assert(!unlink_name(root, "y"));
	assert(move_leaving(root, name, root, other, &left) == 1);
	assert(!look(root, other, &left) && left.node.id == x.id);
	assert(!unlink_name(root, "z"));
	assert(move_leaving(root, "a", root, "b", &left) == 1);
	assert(attr_of(root).links == 3);
	fs_put(fs);
}

/* What stays is listed once, whatever is removed, added and renamed meanwhile, and by two at a time. */
static void test_listing_during_changes(void)
{
	static struct listing listing, other_listing;
	struct fs_node_id root;
	char name[16], other[16];
	bool removed[1000] = { false };

	assert(!tmpfs_create(NULL, "", &fs));
	root = fs->root;
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		make(root, name, S_IFREG | 0644);
	}
	for (unsigned round = 0; list_some(root, &listing, 1 + rand() % 20); round++) {
		unsigned victim = rand() % 1000;

		snprintf(name, sizeof(name), "f%u", victim);
		if (!removed[victim])
			assert(!unlink_name(root, name));
		removed[victim] = true;
		snprintf(other, sizeof(other), "f%u", 1000 + round);
		make(root, other, S_IFREG | 0644);
		assert(round < 1000);
		list_some(root, &other_listing, 1 + rand() % 7);
	}
	while (list_some(root, &other_listing, 100))
		;
	for (unsigned i = 0; i < 1000; i++) {
		assert(listing.seen[i] <= 1 && (removed[i] || listing.seen[i] == 1));
		assert(other_listing.seen[i] <= 1 && (removed[i] || other_listing.seen[i] == 1));
	}

	/* A loop that removes all that it lists, as rm -r does. */
	listing.next = 0;
	while (list_some(root, &listing, 7))
		for (unsigned i = 0; i < 2000; i++) {
			snprintf(name, sizeof(name), "f%u", i);
			if (listing.seen[i])
				unlink_name(root, name);
		}
	memset(&listing, 0, sizeof(listing));
	assert(!list_some(root, &listing, 1) || listing.next);
	fs_put(fs);
}

/* What a listing would come to next is removed: the newest, one in the middle, the oldest. */
static void test_listing_after_removal(void)
{
	static const char *const names[] = { "f0", "f1", "f2", "f3", "f4" };
	struct listing listing;
	struct fs_node_id root;

	for (unsigned listed = 0; listed < ARRAY_LEN(names); listed++) {
		memset(&listing, 0, sizeof(listing));
		assert(!tmpfs_create(NULL, "", &fs));
		root = fs->root;
		for (unsigned i = 0; i < ARRAY_LEN(names); i++)
			make(root, names[i], S_IFREG | 0644);
		if (listed)
			assert(list_some(root, &listing, listed));
		else
			assert(!list_some(root, &listing, 0));
		assert(!unlink_name(root, names[ARRAY_LEN(names) - 1 - listed]));
		while (list_some(root, &listing, 1))
			;
		for (unsigned i = 0; i < ARRAY_LEN(names); i++)
			assert(listing.seen[i] == (i != ARRAY_LEN(names) - 1 - listed));
		fs_put(fs);
	}
}

/* A node has room for one entry, which may come to lead to another node and outlive it. */
static void test_entry_outlives_node(void)
{
	struct fs_node_id root, a, b, c;
	struct fs_attr attr;
	char name[256];

	assert(!tmpfs_create(NULL, "", &fs));
	root = fs->root;
	a = make(root, "a", S_IFREG | 0644);
	b = make(root, "b", S_IFREG | 0644);
	assert(!move(root, "a", root, "b", 0));
	fs->ops->release(fs, b);
	assert(!look(root, "b", &attr) && attr.node.id == a.id);
	assert(fs->ops->getattr(fs, b, &attr) == -ENOENT);
	assert(!fs->ops->link(fs, a, root, "a2", 2, &attr) && attr.links == 2);
	assert(!unlink_name(root, "b") && !unlink_name(root, "a2"));

	b = make(root, "b", S_IFREG | 0644);
	c = make(root, "c", S_IFREG | 0644);
	assert(!move(root, "b", root, "c", FS_RENAME_EXCHANGE));
	assert(!unlink_name(root, "c") && !look(root, "b", &attr) && attr.node.id == c.id);
	assert(!move(root, "b", root, "d", 0) && !look(root, "d", &attr) && attr.node.id == c.id);

	/* Names that fit and names that do not, some of them left to the unmount. */
	memset(name, 'n', 255);
	for (unsigned len = 255; len; len--) {
		name[len] = 0;
		make(root, name, S_IFREG | 0644);
	}
	memset(name, 'n', 255);
	for (unsigned len = 2; len < 255; len += 2) {
		name[len] = 0;
		assert(!unlink_name(root, name) && look(root, name, &attr) == -ENOENT);
		name[len] = 'n';
	}
	b = make(root, "from", S_IFREG | 0644);
	c = make(root, "to", S_IFREG | 0644);
	assert(!move(root, "from", root, "to", 0));
	fs->ops->release(fs, c);
	fs_put(fs);
}

static uint64_t blocks_with(const char *options)
{
	struct fs_statfs stats;

	assert(!tmpfs_create(NULL, options, &fs));
	assert(!fs->ops->statfs(fs, &stats));
	fs_put(fs);
	return stats.blocks;
}

static void test_limits_and_options(void)
{
	struct fs_attr in = { .mode = S_IFREG | 0644 }, out;
	struct fs_statfs stats;

	assert(tmpfs_create(NULL, "size=10x", &fs) == -EINVAL);
	assert(tmpfs_create(NULL, "bogus", &fs) == -EINVAL);
	assert(tmpfs_create(NULL, "mode=999", &fs) == -EINVAL);
	assert(tmpfs_create(NULL, "size=1kk", &fs) == -EINVAL);
	assert(tmpfs_create(NULL, "size=1@", &fs) == -EINVAL);
	assert(tmpfs_create(NULL, "size=0x", &fs) == -EINVAL);
	assert(tmpfs_create(NULL, "uid=@", &fs) == -EINVAL);
	assert(tmpfs_create(NULL, "size=1%k", &fs) == -EINVAL);
	assert(tmpfs_create(NULL, "nr_inodes=1%", &fs) == -EINVAL);
	assert(tmpfs_create(NULL, "uid=", &fs) == -EINVAL);
	/* Modulo 2^64, as Linux has it. */
	assert(blocks_with("size=18446744073709551617") == 1);
	assert(blocks_with("size=17592186044416t") == 0);
	assert(blocks_with("size=16e") == 0);
	assert(blocks_with("size=1E") == 1ull << 48);
	assert(blocks_with("size=0x2000") == 2 && blocks_with("size=020000") == 2 && blocks_with("size=0") == 0);
	assert(tmpfs_create(NULL, "uid=4294967295", &fs) == -EINVAL);
	assert(!tmpfs_create(NULL, "size=50%", &fs));
	assert(!fs->ops->statfs(fs, &stats) && stats.blocks == 50000);
	fs_put(fs);
	assert(!tmpfs_create(NULL, "size=1m,mode=700,uid=5,gid=6,nr_inodes=3", &fs));
	out = attr_of(fs->root);
	assert(out.mode == (S_IFDIR | 0700) && out.uid == 5 && out.gid == 6);
	assert(!fs->ops->statfs(fs, &stats) && stats.blocks == 256 && stats.files == 3 && stats.files_free == 2);
	make(fs->root, "a", S_IFREG | 0600);
	make(fs->root, "b", S_IFREG | 0600);
	assert(fs->ops->create(fs, fs->root, "c", 1, &in, &out) == -ENOSPC);
	assert(!unlink_name(fs->root, "a"));
	make(fs->root, "c", S_IFREG | 0600);
	assert(!fs->ops->charge(fs, 256) && fs->ops->charge(fs, 1) == -ENOSPC && !fs->ops->charge(fs, -1) && !fs->ops->charge(fs, 1));
	assert(!fs->ops->charge(fs, -256));

	/* Memory runs out before the limit is reached. */
	available = 1000;
	for (unsigned i = 1; i < 16; i++)
		assert(!fs->ops->charge(fs, 1));
	assert(fs->ops->charge(fs, 1) == -ENOSPC && fs->ops->charge(fs, 1) == -ENOSPC);
	assert(!fs->ops->statfs(fs, &stats) && stats.blocks_available == 0 && stats.blocks_free == 241);
	available = 50000;
	assert(!fs->ops->charge(fs, 1) && !fs->ops->charge(fs, -16));
	fs_put(fs);
}

static uint64_t nodes_used(void)
{
	struct fs_statfs stats;

	assert(!fs->ops->statfs(fs, &stats));
	return stats.files - stats.files_free;
}

/* A lower file system: / holds f (two links, with g in d), d, big and l. */
struct lower_name { uint64_t dir, id; const char *name; };
static const struct lower_name lower_names[] = { { 2, 11, "f" }, { 2, 12, "d" }, { 2, 13, "l" }, { 12, 11, "g" }, { 12, 14, "deep" },
						 { 14, 15, "h" } };
static unsigned lower_calls;

static int lower_getattr(struct fs *lower, struct fs_node_id node, struct fs_attr *out)
{
	*out = (struct fs_attr){ .node = node, .links = node.id == 11 ? 2 : 1, .size = 10000 };
	out->mode = node.id == 2 || node.id == 12 || node.id == 14 ? S_IFDIR | 0755 : node.id == 13 ? S_IFLNK | 0777 : S_IFREG | 0644;
	return 0;
}

static int lower_lookup(struct fs *lower, struct fs_node_id dir, const char *name, size_t len, struct fs_attr *out)
{
	lower_calls++;
	for (unsigned i = 0; i < ARRAY_LEN(lower_names); i++)
		if (lower_names[i].dir == dir.id && strlen(lower_names[i].name) == len && !memcmp(lower_names[i].name, name, len))
			return lower_getattr(lower, (struct fs_node_id){ lower_names[i].id, 0 }, out);
	return -ENOENT;
}

static int lower_readdir(struct fs *lower, struct fs_node_id dir, uint64_t cookie, fs_readdir_emit *emit, void *context)
{
	struct fs_attr attr;

	for (unsigned i = cookie; i < ARRAY_LEN(lower_names); i++) {
		struct fs_dirent entry = { .id = lower_names[i].id, .next = i + 1, .name_len = strlen(lower_names[i].name) };

		if (lower_names[i].dir != dir.id)
			continue;
		lower_getattr(lower, (struct fs_node_id){ entry.id, 0 }, &attr);
		entry.type = attr.mode >> 12;
		memcpy(entry.name, lower_names[i].name, entry.name_len);
		if (!emit(context, &entry))
			break;
	}
	return 0;
}

static int lower_fill_page(struct fs *lower, struct fs_node_id node, uint64_t index, void *page)
{
	memset(page, 'A' + index, PAGE_SIZE);
	return 0;
}

static int lower_readlink(struct fs *lower, struct fs_node_id node, char *buf, size_t size)
{
	memcpy(buf, "f", 1);
	return 1;
}

static int lower_statfs(struct fs *lower, struct fs_statfs *out)
{
	*out = (struct fs_statfs){ .files = 100 };
	return 0;
}

static bool lower_unmounted;
static void lower_unmount(struct fs *lower) { lower_unmounted = true; }

static const struct fs_ops lower_ops = { .lookup = lower_lookup, .getattr = lower_getattr, .readdir = lower_readdir,
					 .fill_page = lower_fill_page, .readlink = lower_readlink, .statfs = lower_statfs,
					 .unmount = lower_unmount };

static unsigned count_names(struct fs_node_id dir)
{
	struct listing listing = { .next = 0 };

	list_some(dir, &listing, 2000);
	return listing.batch;
}

static void test_overlay(void)
{
	struct fs lower = { .ops = &lower_ops, .root = { 2, 0 } };
	struct fs_node_id root, d, f;
	struct fs_attr attr, in = { .size = 5000, .mode = 0600, .uid = 9 };
	uint8_t page[PAGE_SIZE];
	char text[8];

	refcount_init(&lower.refs, 1);
	assert(!tmpfs_create(&lower, "", &fs));
	root = fs->root;
	assert(root.id == 2 && attr_of(root).mode == (S_IFDIR | 0755));
	assert(count_names(root) == 3 && attr_of(root).links == 3);

	/* Two names, one node, its data from below. */
	assert(!look(root, "f", &attr) && attr.node.id == 11 && attr.size == 10000);
	f = attr.node;
	assert(!look(root, "d", &attr));
	d = attr.node;
	assert(!look(d, "g", &attr) && attr.node.id == 11 && attr.links == 2);
	assert(!fs->ops->fill_page(fs, f, 1, page) && page[0] == 'B' && page[4095] == 'B');
	memset(page, 0, sizeof(page));
	assert(!fs->ops->fill_page(fs, f, 2, page) && page[0] == 'C' && page[10000 - 8192 - 1] == 'C' && !page[10000 - 8192]);
	memset(page, 0, sizeof(page));
	assert(!fs->ops->fill_page(fs, f, 3, page) && !page[0]);
	assert(!fs->ops->fill_page(fs, f, UINT64_MAX, page) && !page[0]);
	lower_calls = 0;
	assert(!look(root, "f", &attr) && !lower_calls);

	/* Attributes change without data; what truncation cut off does not come back. */
	assert(!fs->ops->setattr(fs, f, FS_SET_MODE | FS_SET_UID, &in, &attr) && attr.mode == (S_IFREG | 0600) && attr.uid == 9);
	assert(attr.size == 10000);
	assert(!fs->ops->setattr(fs, f, FS_SET_SIZE, &in, &attr) && attr.size == 5000);
	in.size = 20000;
	assert(!fs->ops->setattr(fs, f, FS_SET_SIZE, &in, &attr) && attr.size == 20000);
	memset(page, 0, sizeof(page));
	assert(!fs->ops->fill_page(fs, f, 1, page) && page[903] == 'B' && !page[904]);
	memset(page, 0, sizeof(page));
	assert(!fs->ops->fill_page(fs, f, 2, page) && !page[0]);

	assert(!look(root, "l", &attr) && fs->ops->readlink(fs, attr.node, text, sizeof(text)) == 1 && text[0] == 'f');

	/* Our own numbers do not meet the lower ones. */
	assert(make(root, "own", S_IFREG | 0644).id > 100);

	/* Names that a lower file has count as no nodes, those that it gets do. */
	assert(nodes_used() == 1);
	assert(!fs->ops->link(fs, f, root, "more", 4, &attr) && attr.links == 3 && nodes_used() == 2);
	assert(!fs->ops->link(fs, f, d, "more", 4, &attr) && nodes_used() == 3);
	assert(!unlink_name(d, "more") && !unlink_name(root, "more") && nodes_used() == 1);

	/* A directory moves with all that is below it. */
	assert(!move(root, "d", root, "moved", 0));
	assert(!look(root, "moved", &attr) && attr.node.id == d.id && look(root, "d", &attr) == -ENOENT);
	assert(!look(d, "deep", &attr));
	assert(move(root, "moved", attr.node, "x", 0) == -EINVAL);

	/* Removed and made again: nothing of the lower one shows. */
	assert(rmdir_name(root, "moved") == -ENOTEMPTY);
	assert(rmdir_name(d, "deep") == -ENOTEMPTY);
	assert(!unlink_name(attr.node, "h"));
	assert(!rmdir_name(d, "deep"));
	assert(!unlink_name(d, "g"));
	assert(!look(root, "f", &attr) && attr.links == 1);
	assert(!rmdir_name(root, "moved"));
	d = make(root, "d", S_IFDIR | 0755);
	assert(d.id > 100 && count_names(d) == 0 && look(d, "g", &attr) == -ENOENT);
	assert(nodes_used() == 2);
	assert(!unlink_name(root, "f"));
	make(root, "f", S_IFREG | 0644);
	assert(nodes_used() == 3);
	assert(!look(root, "f", &attr) && attr.size == 0 && attr.node.id > 100);
	fs_put(fs);
	assert(lower_unmounted);
}

/* A random walk against a model: names are "0" to "9" in directories "0" to "9" of the root; the model knows which node each leads to. */
static void test_random_walk(void)
{
	enum { DIRS = 5, NAMES = 10 };
	const char *seed_text = getenv("TMPFS_TEST_SEED");
	uint64_t model[DIRS][NAMES] = { { 0 } };
	struct fs_node_id dirs[DIRS];
	struct fs_attr in = { .mode = S_IFREG | 0644 }, out;

	srand(seed_text ? atoi(seed_text) : 1);
	assert(!tmpfs_create(NULL, "", &fs));
	for (unsigned i = 0; i < DIRS; i++)
		dirs[i] = make(fs->root, (char[]){ '0' + i, 0 }, S_IFDIR | 0755);
	for (unsigned step = 0; step < 200000; step++) {
		unsigned a = rand() % DIRS, b = rand() % DIRS, x = rand() % NAMES, y = rand() % NAMES, flags = rand() % 3;
		char from[2] = { '0' + x, 0 }, to[2] = { '0' + y, 0 };
		uint64_t old = model[b][y];
		int error;

		switch (rand() % 4) {
		case 0:
			error = fs->ops->create(fs, dirs[a], from, 1, &in, &out);
			assert(error == (model[a][x] ? -EEXIST : 0));
			if (!error)
				model[a][x] = out.node.id;
			break;
		case 1:
			error = unlink_name(dirs[a], from);
			assert(error == (model[a][x] ? 0 : -ENOENT));
			model[a][x] = 0;
			break;
		case 2:
			error = fs->ops->link(fs, (struct fs_node_id){ model[a][x], 0 }, dirs[b], to, 1, &out);
			assert(error == (old ? -EEXIST : model[a][x] ? 0 : -ENOENT));
			if (!error)
				model[b][y] = model[a][x];
			break;
		default:
			error = move(dirs[a], from, dirs[b], to, flags);
			if (!model[a][x] || (flags == FS_RENAME_EXCHANGE && !old)) {
				assert(error == -ENOENT);
				break;
			}
			if (flags == FS_RENAME_NOREPLACE && old) {
				assert(error == -EEXIST);
				break;
			}
			assert(!error);
			if (old == model[a][x])
				break;
			model[b][y] = model[a][x];
			model[a][x] = flags == FS_RENAME_EXCHANGE ? old : 0;
			if (old && flags != FS_RENAME_EXCHANGE)
				fs->ops->release(fs, (struct fs_node_id){ old, 0 });
		}
		assert(look(dirs[b], to, &out) == (model[b][y] ? 0 : -ENOENT));
		if (model[b][y]) {
			unsigned links = 0;

			for (unsigned i = 0; i < DIRS * NAMES; i++)
				links += model[i / NAMES][i % NAMES] == model[b][y];
			assert(out.node.id == model[b][y] && out.links == links);
		}
	}
	fs_put(fs);
}

int main(void)
{
	log_set_console_level(0);
	tmpfs_node_init();
	test_names();
	test_rename();
	test_whiteouts();
	test_listing_during_changes();
	test_listing_after_removal();
	test_entry_outlives_node();
	test_limits_and_options();
	test_overlay();
	test_random_walk();
	return 0;
}
