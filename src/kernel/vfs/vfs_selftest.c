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
	unsigned tries = 0;
	int error;

	if (!walks)
		return -ENOMEM;
	do {
		path_walk_init(&walks[0]);
		path_walk_init(&walks[1]);
		walks[0].insist = walks[1].insist = ++tries > NAME_TRIES;
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
	SELFTEST_CHECK(!tmpfs_create(NULL, "", &fs) && !mount_create_fs(fs, "", "none", 0, &mount) && !mount_attach(mount, &at, mount_namespace_current()));
	path_put(&at);
	SELFTEST_CHECK(!make("/m/inside", S_IFREG | 0644, NULL));
	SELFTEST_CHECK(drop("/m", true) == -EBUSY && move("/m", "/n", 0) == -EBUSY);
	SELFTEST_CHECK(!look("/m/..", 0, &above) && above == mount_root->fs->root.id);
	SELFTEST_CHECK(!make("/other", S_IFREG | 0644, NULL) && move("/other", "/m/other", 0) == -EXDEV && !drop("/other", false));
	SELFTEST_CHECK(!path_lookup(AT_FDCWD, "/m/inside", 0, &inside));
	mount_get(mount);
	SELFTEST_CHECK(mount_detach(mount, 1, false, false) == -EBUSY);
	SELFTEST_CHECK(!mount_detach(mount, 1, true, false));
	SELFTEST_CHECK(look("/m/inside", 0, NULL) == -ENOENT && path_vnode(&inside)->type == S_IFREG);
	path_put(&inside);
	mount_put(mount);
	SELFTEST_CHECK(!drop("/m", true));
	count(&after);
	SELFTEST_CHECK(same_counts(&before, &after));
}

/*
 * A file system that lets others run before and after everything it does, so that lookups and changes really overlap: tmpfs behind operations that
 * yield.
 */
static const struct fs_ops *real_ops;
static void (*before_rename)(void);	/* NULL, or what comes once between the checks of a rename and the rename */

static void let_others_run(void)
{
	static uint64_t seed;	/* which way a race on it goes does not matter */

	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	for (uint64_t i = seed >> 62; i; i--)
		sched_yield();
}

static int slow_lookup(struct fs *fs, struct fs_node_id dir, const char *name, size_t len, struct fs_attr *out)
{
	let_others_run();
	int error = real_ops->lookup(fs, dir, name, len, out);

	let_others_run();
	return error;
}

static int slow_create(struct fs *fs, struct fs_node_id dir, const char *name, size_t len, const struct fs_attr *in, struct fs_attr *out)
{
	let_others_run();
	int error = real_ops->create(fs, dir, name, len, in, out);

	let_others_run();
	return error;
}

static int slow_mkdir(struct fs *fs, struct fs_node_id dir, const char *name, size_t len, const struct fs_attr *in, struct fs_attr *out)
{
	let_others_run();
	int error = real_ops->mkdir(fs, dir, name, len, in, out);

	let_others_run();
	return error;
}

static int slow_unlink(struct fs *fs, struct fs_node_id dir, const char *name, size_t len, struct fs_attr *out)
{
	let_others_run();
	int error = real_ops->unlink(fs, dir, name, len, out);

	let_others_run();
	return error;
}

static int slow_rmdir(struct fs *fs, struct fs_node_id dir, const char *name, size_t len, struct fs_attr *out)
{
	let_others_run();
	int error = real_ops->rmdir(fs, dir, name, len, out);

	let_others_run();
	return error;
}

static int slow_rename(struct fs *fs, struct fs_node_id from_dir, const char *from, size_t from_len, struct fs_node_id to_dir, const char *to,
		       size_t to_len, unsigned flags, struct fs_replaced *replaced)
{
	let_others_run();
	void (*first)(void) = before_rename;

	before_rename = NULL;
	if (first)
		first();
	int error = real_ops->rename(fs, from_dir, from, from_len, to_dir, to, to_len, flags, replaced);

	let_others_run();
	return error;
}

static void slow_release(struct fs *fs, struct fs_node_id node)
{
	let_others_run();
	real_ops->release(fs, node);
	let_others_run();
}

/* Mounts such a file system over @at. */
static struct mount *mount_slow(const char *at)
{
	static struct fs_ops slow_ops;
	struct mount *mount = NULL;
	struct path path;
	struct fs *fs;

	if (path_lookup(AT_FDCWD, at, 0, &path))
		return NULL;
	if (!tmpfs_create(NULL, "", &fs)) {
		real_ops = fs->ops;
		slow_ops = *fs->ops;
		slow_ops.lookup = slow_lookup;
		slow_ops.create = slow_create;
		slow_ops.mkdir = slow_mkdir;
		slow_ops.unlink = slow_unlink;
		slow_ops.rmdir = slow_rmdir;
		slow_ops.rename = slow_rename;
		slow_ops.release = slow_release;
		fs->ops = &slow_ops;
		if (!mount_create_fs(fs, "", "none", 0, &mount)) {
			mount_get(mount);
			mount_attach(mount, &path, mount_namespace_current());
		}
	}
	path_put(&path);
	return mount;
}

/* Makes a directory the one that relative names start from (all kernel threads share it): it stays in use while it is moved and removed. */
static void stand_in(const char *name)
{
	struct path path;

	if (!path_lookup(AT_FDCWD, name, PATH_DIRECTORY, &path))
		fs_context_set_cwd(fs_context_current(), &path);
}

static bool visited;

static void visit_the_other(void)
{
	visited = !move("/r/b", "/r/a/b", 0) && !look("/r/a/b", 0, NULL) && !move("/r/a/b", "/r/b", 0);
}

/* The tree may still have a directory below one that is below it by now, as both moved at once: this is no circle. */
SELFTEST(vfs_tree_that_is_behind_has_no_circle)
{
	struct mount *mount;
	uint64_t above = 0, b = 1;

	if (!need_root())
		return;
	SELFTEST_CHECK(!make("/r", S_IFDIR | 0755, NULL));
	mount = mount_slow("/r");
	if (!mount)
		return;
	SELFTEST_CHECK(!make("/r/a", S_IFDIR | 0755, NULL) && !make("/r/b", S_IFDIR | 0755, NULL));
	stand_in("/r/b");
	before_rename = visit_the_other;
	SELFTEST_CHECK(!move("/r/a", "x", 0) && visited);
	SELFTEST_CHECK(!look("x", 0, NULL) && !look("/r/b", 0, &b) && !look("/r/b/x/..", 0, &above) && above == b);
	stand_in("/");
	SELFTEST_CHECK(!drop("/r/b/x", true) && !drop("/r/b", true) && !mount_detach(mount, 1, false, false));
	mount_put(mount);
	SELFTEST_CHECK(!drop("/r", true));
}

/* Threads that make, rename, look up and remove a few names in one directory, so that lookups and changes meet in every order. */
enum { RACERS = 4, RACE_ROUNDS = 80, RACE_BURSTS = 150 };
static const char *const race_names[] = { "/r/a", "/r/b", "/r/c", "/r/a/x", "/r/b/x", "/r/c/y", "/r/a/x/y",
						    "x", "y", "x/y" };
static unsigned racers_left;	/* atomic */
static unsigned race_errors;	/* atomic */

/* What the file system may say while others change the same names. */
static void expect_plausible(int error)
{
	switch (error) {
	case 0:
	case -EEXIST:
	case -ENOENT:
	case -ENOTDIR:
	case -EISDIR:
	case -ENOTEMPTY:
	case -EINVAL:
	case -ESTALE:
		return;
	}
	atomic_add(&race_errors, 1);
}

static void race(void *argument)
{
	uint64_t seed = (uint64_t)argument * 0x9e3779b97f4a7c15ull + 1;

	for (int round = 0; round < RACE_ROUNDS; round++) {
		const char *from, *to;

		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		from = race_names[(seed >> 40) % ARRAY_LEN(race_names)];
		to = race_names[(seed >> 50) % ARRAY_LEN(race_names)];
		switch (seed >> 60) {
		case 0 ... 2:
			expect_plausible(make(from, S_IFREG | 0644, NULL));
			break;
		case 3 ... 5:
			expect_plausible(make(from, S_IFDIR | 0755, NULL));
			break;
		case 6 ... 8:
			expect_plausible(drop(from, seed >> 33 & 1));
			break;
		case 9 ... 10:
			expect_plausible(move(from, to, 0));
			break;
		case 11:
			expect_plausible(move(from, to, FS_RENAME_EXCHANGE));
			break;
		case 12:
			stand_in(from);
			break;
		default:
			expect_plausible(look(from, 0, NULL));
		}
		if (seed >> 32 & 1)
			sched_yield();
	}
	atomic_sub(&racers_left, 1);
}

struct one_entry { char name[64]; bool found; };

static bool take_first(void *context, struct fs_dirent *entry)
{
	struct one_entry *one = context;

	if (one->found)
		return false;
	memcpy(one->name, entry->name, MIN(entry->name_len, sizeof(one->name) - 1));
	one->name[MIN(entry->name_len, sizeof(one->name) - 1)] = 0;
	one->found = true;
	return true;
}

/* The first name that the file system itself has in @directory. */
static bool first_name(const char *directory, struct one_entry *one)
{
	struct path path;
	struct vnode *vnode;

	one->found = false;
	if (path_lookup(AT_FDCWD, directory, 0, &path))
		return false;
	vnode = path_vnode(&path);
	vnode->fs->ops->readdir(vnode->fs, vnode->node, 0, take_first, one);
	path_put(&path);
	return one->found;
}

/* Does what the cache says of @name agree with what the file system says? */
static bool agrees(const char *directory, const char *last, const char *name)
{
	struct path path;
	struct fs_attr attr;
	struct vnode *vnode;
	uint64_t id = 0;
	int said, truth;

	if (path_lookup(AT_FDCWD, directory, 0, &path))
		return false;
	vnode = path_vnode(&path);
	truth = vnode->fs->ops->lookup(vnode->fs, vnode->node, last, strlen(last), &attr);
	said = look(name, PATH_NO_FOLLOW, &id);
	path_put(&path);
	return said == truth && (truth || id == attr.node.id);
}

/* Empties "/r" name by name as the file system lists them; each must be what the cache takes it for. */
static void check_and_empty(void)
{
	char *directory = kmalloc(PATH_MAX_LEN), *name = kmalloc(PATH_MAX_LEN);
	struct one_entry one;

	string_copy(directory, "/r", PATH_MAX_LEN);
	while (directory && name) {
		if (first_name(directory, &one)) {
			snprintf(name, PATH_MAX_LEN, "%s/%s", directory, one.name);
			SELFTEST_CHECK(agrees(directory, one.name, name));
			if (!drop(name, false) || !drop(name, true))
				continue;
			string_copy(directory, name, PATH_MAX_LEN);
			if (!first_name(directory, &one)) {
				SELFTEST_CHECK(!"a name that cannot be removed");
				break;
			}
			continue;
		}
		if (!strcmp(directory, "/r"))
			break;
		*strrchr(directory, '/') = 0;
	}
	kfree(directory);
	kfree(name);
}

static void run_racers(uint64_t first_seed)
{
	racers_left = RACERS;
	for (uint64_t i = 0; i < RACERS; i++) {
		struct thread *thread = thread_create_kernel("vfs-race", race, (void *)(first_seed + i + 1), CLASS_NORMAL);

		if (thread)
			thread_start(thread);
		else
			atomic_sub(&racers_left, 1);
	}
	while (atomic_load(&racers_left))
		sched_yield();
}

SELFTEST(vfs_cache_agrees_after_a_race)
{
	struct vfs_stats before, after;
	struct mount *mount;

	if (!need_root())
		return;
	count(&before);
	SELFTEST_CHECK(!make("/r", S_IFDIR | 0755, NULL));
	mount = mount_slow("/r");
	SELFTEST_CHECK(mount != NULL);
	if (!mount)
		return;
	race_errors = 0;
	for (uint64_t burst = 0; burst < RACE_BURSTS; burst++) {
		stand_in("/r");
		run_racers(burst * RACERS);
		stand_in("/");
		for (size_t i = 0; i < 3; i++)
			SELFTEST_CHECK(agrees("/r", race_names[i] + 3, race_names[i]));
		check_and_empty();
	}
	SELFTEST_CHECK(!race_errors);
	SELFTEST_CHECK(!mount_detach(mount, 1, false, false));
	mount_put(mount);
	SELFTEST_CHECK(!drop("/r", true));
	count(&after);
	SELFTEST_CHECK(same_counts(&before, &after));
}
