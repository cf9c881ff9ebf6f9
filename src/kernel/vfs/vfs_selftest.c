/* SPDX-License-Identifier: MIT */
/* Self-tests of the VFS core on a tmpfs: names, caches, mounts, files, pipes, and threads that change one directory at the same time. */
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/uio.h"
#include "sched/thread.h"
#include "test/selftest.h"
#include "vfs/dentry_cache.h"
#include "vfs/file.h"
#include "vfs/fs_context.h"
#include "vfs/mount_list.h"
#include "vfs/name_change.h"
#include "vfs/vfs_stats.h"
#include "vfs/vnode_cache.h"
#include <linux/fcntl.h>
#include <linux/stat.h>

enum { WALK_NEW = PATH_CREATE | WALK_PARENT | WALK_LAST_RAW | PATH_NO_FOLLOW, WALK_OLD = WALK_PARENT | WALK_LAST_RAW | PATH_NO_FOLLOW };

/* The tests run before the root is mounted: an empty tmpfs takes its place. */
static bool need_root(void)
{
	struct mount *mount;
	struct path root;
	struct fs *fs;

	if (mount_root)
		return true;
	if (tmpfs_create(NULL, "", &fs) || mount_create_fs(fs, "", "selftest", 0, &mount))
		return false;
	mount_attach_root(mount);
	root = (struct path){ mount, mount->root };
	fs_context_init(&root);
	mount_put(mount);
	return true;
}

static int make(const char *name, uint32_t mode, const char *target)
{
	struct new_node node = { .mode = mode, .target = target };
	struct path_walk walk;
	int error;

	do {
		path_walk_init(&walk);
		error = path_walk_kernel(&walk, AT_FDCWD, name, WALK_NEW);
		if (!error)
			error = name_create(&walk, &node);
		path_walk_end(&walk);
	} while (error == NAME_WALK_AGAIN);
	return error;
}

static int drop(const char *name, bool directory)
{
	struct path_walk walk;
	int error;

	do {
		path_walk_init(&walk);
		error = path_walk_kernel(&walk, AT_FDCWD, name, WALK_OLD);
		if (!error)
			error = name_remove(&walk, directory);
		path_walk_end(&walk);
	} while (error == NAME_WALK_AGAIN);
	return error;
}

static int move(const char *from, const char *to, unsigned flags)
{
	struct path_walk *walks = kmalloc(2 * sizeof(*walks));
	int error;

	if (!walks)
		return -ENOMEM;
	do {
		path_walk_init(&walks[0]);
		path_walk_init(&walks[1]);
		error = path_walk_kernel(&walks[0], AT_FDCWD, from, WALK_OLD);
		if (!error)
			error = path_walk_kernel(&walks[1], AT_FDCWD, to, WALK_NEW);
		if (!error)
			error = name_rename(&walks[0], &walks[1], flags);
		path_walk_end(&walks[1]);
		path_walk_end(&walks[0]);
	} while (error == NAME_WALK_AGAIN);
	kfree(walks);
	return error;
}

/* What looking @name up gives: 0 or an error; *id, if not NULL, becomes the node's number. */
static int look(const char *name, unsigned flags, uint64_t *id)
{
	struct path path;
	int error = path_lookup(AT_FDCWD, name, flags, &path);

	if (error)
		return error;
	if (id)
		*id = path_vnode(&path)->node.id;
	path_put(&path);
	return 0;
}

/* Everything that can be given back is given back, so that what is left can be compared. */
static void count(struct vfs_stats *stats)
{
	vfs_drop_caches();
	vfs_get_stats(stats);
}

static bool same_counts(const struct vfs_stats *a, const struct vfs_stats *b)
{
	return a->files == b->files && a->dentries == b->dentries && a->vnodes == b->vnodes && a->mounts == b->mounts && a->pipes == b->pipes;
}

SELFTEST(vfs_names_come_and_go)
{
	struct vfs_stats before, after;
	uint64_t first = 0, second = 0;

	if (!need_root())
		return;
	count(&before);
	SELFTEST_CHECK(!make("/d", S_IFDIR | 0755, NULL));
	SELFTEST_CHECK(make("/d", S_IFDIR | 0755, NULL) == -EEXIST);
	SELFTEST_CHECK(look("/d/a", 0, NULL) == -ENOENT);
	SELFTEST_CHECK(!make("/d/a", S_IFREG | 0644, NULL));
	SELFTEST_CHECK(!look("/d/a", 0, &first));
	SELFTEST_CHECK(!make("/d/l", S_IFLNK | 0777, "a"));
	SELFTEST_CHECK(!look("/d/l", 0, &second) && first == second);
	SELFTEST_CHECK(!look("/d/l", PATH_NO_FOLLOW, &second) && first != second);
	SELFTEST_CHECK(look("/d/a/", 0, NULL) == -ENOTDIR && look("/d/a/x", 0, NULL) == -ENOTDIR);
	SELFTEST_CHECK(!look("/d/./../d//a", 0, &second) && first == second);
	SELFTEST_CHECK(drop("/d", true) == -ENOTEMPTY && drop("/d", false) == -EISDIR && drop("/d/a", true) == -ENOTDIR);
	SELFTEST_CHECK(!move("/d/a", "/d/a-rather-long-name-that-does-not-fit-into-the-dentry-itself", 0));
	SELFTEST_CHECK(look("/d/a", 0, NULL) == -ENOENT && look("/d/l", 0, NULL) == -ENOENT);
	SELFTEST_CHECK(!look("/d/a-rather-long-name-that-does-not-fit-into-the-dentry-itself", 0, &second) && first == second);
	SELFTEST_CHECK(move("/d", "/d/x", 0) == -EINVAL);
	SELFTEST_CHECK(!drop("/d/l", false));
	SELFTEST_CHECK(!drop("/d/a-rather-long-name-that-does-not-fit-into-the-dentry-itself", false));
	SELFTEST_CHECK(!drop("/d", true) && look("/d", 0, NULL) == -ENOENT);
	count(&after);
	SELFTEST_CHECK(same_counts(&before, &after));
}

SELFTEST(vfs_rename_replaces_and_exchanges)
{
	struct vfs_stats before, after;
	uint64_t a = 0, b = 0, now = 0;

	if (!need_root())
		return;
	count(&before);
	SELFTEST_CHECK(!make("/a", S_IFREG | 0644, NULL) && !make("/b", S_IFREG | 0644, NULL) && !make("/c", S_IFDIR | 0755, NULL));
	SELFTEST_CHECK(!look("/a", 0, &a) && !look("/b", 0, &b));
	SELFTEST_CHECK(!move("/a", "/b", FS_RENAME_EXCHANGE));
	SELFTEST_CHECK(!look("/a", 0, &now) && now == b && !look("/b", 0, &now) && now == a);
	SELFTEST_CHECK(move("/a", "/b", FS_RENAME_NOREPLACE) == -EEXIST);
	SELFTEST_CHECK(!move("/a", "/b", 0) && look("/a", 0, NULL) == -ENOENT && !look("/b", 0, &now) && now == b);
	SELFTEST_CHECK(move("/b", "/c", 0) == -EISDIR && move("/c", "/b", 0) == -ENOTDIR);
	SELFTEST_CHECK(!move("/b", "/c/b", 0) && !look("/c/b", 0, &now) && now == b);
	SELFTEST_CHECK(!drop("/c/b", false) && !drop("/c", true));
	count(&after);
	SELFTEST_CHECK(same_counts(&before, &after));
}

SELFTEST(vfs_removed_file_lives_while_open)
{
	struct vfs_stats before, after;
	struct file *file;
	char text[32] = "", name[64];
	uint64_t pos = 0;
	int error;

	if (!need_root())
		return;
	count(&before);
	file = file_open(AT_FDCWD, "/f", O_CREAT | O_RDWR, 0644, &error);
	SELFTEST_CHECK(file != NULL);
	if (!file)
		return;
	SELFTEST_CHECK(file_write_kernel(file, "hello", 5, &pos) == 5 && pos == 5);
	SELFTEST_CHECK(path_to_string(&file->path, name, sizeof(name)) == 2 && !strcmp(name, "/f"));
	SELFTEST_CHECK(!drop("/f", false) && look("/f", 0, NULL) == -ENOENT);
	SELFTEST_CHECK(path_to_string(&file->path, name, sizeof(name)) == 12 && !strcmp(name, "/f (deleted)"));
	SELFTEST_CHECK(file_read_kernel(file, text, sizeof(text), 0) == 5 && !strcmp(text, "hello"));
	SELFTEST_CHECK(file->vnode->attr.links == 0 && !file->vnode->cached);
	file_put(file);
	count(&after);
	SELFTEST_CHECK(same_counts(&before, &after));
}

/* Is @file @len bytes long, 'x' up to @kept and zeroes after it? */
static bool kept_and_zeroes(struct file *file, size_t len, size_t kept)
{
	char piece[256];

	for (size_t at = 0; at < len; at += sizeof(piece)) {
		if (file_read_kernel(file, piece, sizeof(piece), at) != sizeof(piece))
			return false;
		for (size_t i = 0; i < sizeof(piece); i++)
			if (piece[i] != (at + i < kept ? 'x' : 0))
				return false;
	}
	return file_read_kernel(file, piece, sizeof(piece), len) == 0;
}

SELFTEST(vfs_truncated_bytes_do_not_come_back)
{
	struct fs_attr in = { .size = 3 };
	struct file *file;
	char piece[256];
	uint64_t pos = 0;
	int error;

	if (!need_root())
		return;
	file = file_open(AT_FDCWD, "/t", O_CREAT | O_RDWR, 0644, &error);
	SELFTEST_CHECK(file != NULL);
	if (!file)
		return;
	memset(piece, 'x', sizeof(piece));
	while (pos < 8192)
		if (file_write_kernel(file, piece, sizeof(piece), &pos) != sizeof(piece))
			break;
	SELFTEST_CHECK(kept_and_zeroes(file, 8192, 8192));
	SELFTEST_CHECK(!vnode_setattr(file->vnode, FS_SET_SIZE, &in));
	in.size = 8192;
	SELFTEST_CHECK(!vnode_setattr(file->vnode, FS_SET_SIZE, &in));
	SELFTEST_CHECK(kept_and_zeroes(file, 8192, 3));
	file_put(file);
	SELFTEST_CHECK(!drop("/t", false));
}

SELFTEST(vfs_mounts_cover_and_uncover)
{
	struct vfs_stats before, after;
	struct mount *mount;
	struct path at, inside;
	struct fs *fs;
	uint64_t below = 0, above = 0;

	if (!need_root())
		return;
	count(&before);
	SELFTEST_CHECK(!make("/m", S_IFDIR | 0755, NULL) && !look("/m", 0, &below));
	SELFTEST_CHECK(!path_lookup(AT_FDCWD, "/m", 0, &at));
	SELFTEST_CHECK(!tmpfs_create(NULL, "", &fs) && !mount_create_fs(fs, "", "none", 0, &mount) && !mount_attach(mount, &at));
	path_put(&at);
	SELFTEST_CHECK(!make("/m/inside", S_IFREG | 0644, NULL));
	SELFTEST_CHECK(drop("/m", true) == -EBUSY && move("/m", "/n", 0) == -EBUSY);
	SELFTEST_CHECK(!look("/m/..", 0, &above) && above == mount_root->fs->root.id);
	SELFTEST_CHECK(!make("/other", S_IFREG | 0644, NULL) && move("/other", "/m/other", 0) == -EXDEV && !drop("/other", false));
	SELFTEST_CHECK(!path_lookup(AT_FDCWD, "/m/inside", 0, &inside));
	mount_get(mount);
	SELFTEST_CHECK(mount_detach(mount, 1, false) == -EBUSY);
	SELFTEST_CHECK(!mount_detach(mount, 1, true));
	SELFTEST_CHECK(look("/m/inside", 0, NULL) == -ENOENT && path_vnode(&inside)->type == S_IFREG);
	path_put(&inside);
	mount_put(mount);
	SELFTEST_CHECK(!drop("/m", true));
	count(&after);
	SELFTEST_CHECK(same_counts(&before, &after));
}

/* Threads that make, rename, look up and remove a few names in one directory, so that lookups and changes meet in every order. */
enum { RACERS = 4, RACE_ROUNDS = 3000, RACE_NAMES = 3 };
static unsigned racers_left;	/* atomic */
static unsigned race_errors;	/* atomic */

static void expect_one_of(int error, int a, int b, int c)
{
	if (error && error != a && error != b && error != c)
		atomic_add(&race_errors, 1);
}

static void race(void *argument)
{
	uint64_t seed = (uint64_t)argument * 0x9e3779b97f4a7c15ull + 1;
	char from[16], to[16];

	for (int round = 0; round < RACE_ROUNDS; round++) {
		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		snprintf(from, sizeof(from), "/r/%c", 'a' + (int)(seed >> 40) % RACE_NAMES);
		snprintf(to, sizeof(to), "/r/%c", 'a' + (int)(seed >> 50) % RACE_NAMES);
		switch (seed >> 60) {
		case 0 ... 4:
			expect_one_of(make(from, S_IFREG | 0644, NULL), -EEXIST, -EEXIST, -ESTALE);
			break;
		case 5 ... 8:
			expect_one_of(drop(from, false), -ENOENT, -ENOENT, -ENOENT);
			break;
		case 9 ... 11:
			expect_one_of(move(from, to, 0), -ENOENT, -ENOENT, -ENOENT);
			break;
		default:
			expect_one_of(look(from, 0, NULL), -ENOENT, -ENOENT, -ENOENT);
		}
		if (seed >> 32 & 1)
			sched_yield();
	}
	atomic_sub(&racers_left, 1);
}

/* Does what the cache says of each name agree with what the file system says? */
static void check_agreement(void)
{
	struct path directory;
	char name[16];

	if (path_lookup(AT_FDCWD, "/r", 0, &directory))
		return;
	for (int i = 0; i < RACE_NAMES; i++) {
		struct fs *fs = directory.mount->fs;
		struct fs_attr attr;
		char letter = 'a' + i;
		uint64_t id = 0;
		int said, truth = fs->ops->lookup(fs, path_vnode(&directory)->node, &letter, 1, &attr);

		snprintf(name, sizeof(name), "/r/%c", letter);
		said = look(name, 0, &id);
		SELFTEST_CHECK(said == truth && (truth || id == attr.node.id));
		if (!said)
			SELFTEST_CHECK(!drop(name, false));
	}
	path_put(&directory);
}

SELFTEST(vfs_cache_agrees_after_a_race)
{
	struct vfs_stats before, after;

	if (!need_root())
		return;
	count(&before);
	SELFTEST_CHECK(!make("/r", S_IFDIR | 0755, NULL));
	race_errors = 0;
	racers_left = RACERS;
	for (uint64_t i = 0; i < RACERS; i++) {
		struct thread *thread = thread_create_kernel("vfs-race", race, (void *)(i + 1), CLASS_NORMAL);

		if (thread)
			thread_start(thread);
		else
			atomic_sub(&racers_left, 1);
	}
	while (atomic_load(&racers_left))
		sched_yield();
	SELFTEST_CHECK(!race_errors);
	check_agreement();
	SELFTEST_CHECK(!drop("/r", true));
	count(&after);
	SELFTEST_CHECK(same_counts(&before, &after));
}
