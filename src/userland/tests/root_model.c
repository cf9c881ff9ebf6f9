/* SPDX-License-Identifier: MIT */
/*
 * Random operations on names and files, compared with a tree in memory: content by write, mapping and O_DIRECT, holes, links, renames of all kinds,
 * files that are open without a name, mappings that outlive both. Everything must be as on Linux, errors too, whatever becomes of the file system's server.
 *
 * SEED=N OPERATIONS=N (each worker's) WORKERS=N; SECONDS=N: as many operations as fit in that time. The tree is root_tree.c, this file the operations.
 */
#include "check.h"
#include "root_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#define RENAME_EXCHANGE 2
#endif

enum { DIRECT_PAGES = 8, WINDOW = 16 * PAGE, STEP_MAX = 20000, HANDLES = 8, ENOUGH_NAMES = 60 };

struct handle {
	struct node *node;		/* NULL: free */
	int fd;
	uint8_t *map;			/* its first WINDOW bytes, shared; NULL: not mapped */
};

static struct handle handles[HANDLES];
static struct tree tree;
static uint8_t bytes[STEP_MAX + PAGE], wanted[DIRECT_PAGES * PAGE + STEP_MAX];
static uint8_t direct[DIRECT_PAGES * PAGE] __attribute__((aligned(PAGE)));
static char doing[9000];
static unsigned long step;
static int exchanges;			/* the file system can exchange names */

/* The operation of @doing came out as it had to, or the worker ends: after that the model is worth nothing. */
static void expect(long result, int want)
{
	int error = result < 0 ? errno : 0;

	if (CHECK_EQ(error, want))
		return;
	printf("operation %lu: %s: errno %d, expected %d\n", step, doing, error, want);
	_exit(1);
}

static void insist(int right, const char *what)
{
	if (CHECK(right))
		return;
	printf("operation %lu: %s: %s\n", step, doing, what);
	_exit(1);
}

/* What was read into @got must be what is in wanted[]. */
static void compare(const uint8_t *got, size_t length, const char *what)
{
	size_t at = 0, last = length;

	if (CHECK(!memcmp(got, wanted, length)))
		return;
	while (got[at] == wanted[at])
		at++;
	while (got[last - 1] == wanted[last - 1])
		last--;
	printf("operation %lu: %s: %s: bytes %zu to %zu differ, the first is %#x, expected %#x\n", step, doing, what, at, last - 1, got[at], wanted[at]);
	_exit(1);
}

/* Two paths may be in use at once. */
static const char *path_of(const struct place *place)
{
	static char paths[2][4096];
	static int turn;
	char *path = paths[turn ^= 1];

	tree_path(&tree, place, path, sizeof paths[0]);
	return path;
}

static void look_at(struct node *node, const struct stat *info, const char *what)
{
	insist((info->st_mode & S_IFMT) == (node->mode & S_IFMT), "the type");
	insist((info->st_mode & 07777) == (node->mode & 07777), "permissions");
	insist(info->st_nlink == tree_links(&tree, node), "the number of links");
	insist(!node->inode || node->inode == info->st_ino, "the inode's number");
	if (S_ISREG(node->mode))
		insist((uint64_t)info->st_size == node->size, what);
	if (node->mtime)
		insist(info->st_mtime == node->mtime, "the time that was set");
	node->inode = info->st_ino;
}

static void check_stat(const struct place *place)
{
	struct stat info;

	snprintf(doing, sizeof doing, "lstat %s", path_of(place));
	expect(lstat(path_of(place), &info), place->node ? 0 : ENOENT);
	if (place->node)
		look_at(place->node, &info, "the size");
}

static void make_file(const struct place *place)
{
	mode_t mode = 0600 | (mode_t)tree_random(&tree, 0100);
	int fd;

	snprintf(doing, sizeof doing, "create %s", path_of(place));
	fd = open(path_of(place), O_RDWR | O_CREAT | O_EXCL, mode);
	expect(fd, place->node ? EEXIST : 0);
	if (fd < 0)
		return;
	close(fd);
	tree_add(&tree, place, S_IFREG | (mode & ~022));
}

static void make_other(const struct place *place)
{
	static char target[400];
	mode_t kinds[] = { S_IFDIR | 0755, S_IFDIR | 0755, S_IFLNK | 0777, S_IFIFO | 0640 }, mode = kinds[tree_random(&tree, 4)];
	const char *path = path_of(place);
	int result;

	snprintf(doing, sizeof doing, "make %s with mode 0%o", path, mode);
	memset(target, 'a' + (int)tree_random(&tree, 26), sizeof target);
	target[1 + tree_random(&tree, tree_random(&tree, 2) ? 58 : sizeof target - 2)] = '\0';
	if (S_ISDIR(mode))
		result = mkdir(path, mode & 07777);
	else
		result = S_ISLNK(mode) ? symlink(target, path) : mkfifo(path, mode & 07777);
	expect(result, place->node ? EEXIST : 0);
	if (result == 0)
		tree_set_target(tree_add(&tree, place, mode), S_ISLNK(mode) ? target : NULL);
}

static void make_link(const struct place *from, const struct place *to)
{
	int want = !from->node ? ENOENT : to->node ? EEXIST : S_ISDIR(from->node->mode) ? EPERM : 0;

	snprintf(doing, sizeof doing, "link %s %s", path_of(from), path_of(to));
	expect(linkat(AT_FDCWD, path_of(from), AT_FDCWD, path_of(to), 0), want);
	if (!want)
		tree_name(&tree, to, from->node);
}

static int in_use(const struct node *node)
{
	for (int i = 0; i < HANDLES; i++)
		if (handles[i].node == node)
			return 1;
	return 0;
}

static void forget(struct node *node)
{
	if (!in_use(node))
		tree_drop(&tree, node);
}

static void remove_one(const struct place *place)
{
	struct node *node = place->node;
	int as_folder = node && tree_random(&tree, 10) ? S_ISDIR(node->mode) : (int)tree_random(&tree, 2), want;

	if (!node)
		want = ENOENT;
	else if (as_folder)
		want = !S_ISDIR(node->mode) ? ENOTDIR : tree_is_empty(&tree, node) ? 0 : ENOTEMPTY;
	else
		want = S_ISDIR(node->mode) ? EISDIR : 0;
	snprintf(doing, sizeof doing, "%s %s", as_folder ? "rmdir" : "unlink", path_of(place));
	expect((as_folder ? rmdir : unlink)(path_of(place)), want);
	if (want)
		return;
	tree_unname(&tree, place);
	forget(node);
}

/* What Linux answers, in the order in which it looks. */
static int rename_result(const struct place *from, const struct place *to, unsigned flags)
{
	if (!from->node || (flags == RENAME_EXCHANGE && !to->node))
		return ENOENT;
	if (to->node && flags == RENAME_NOREPLACE)
		return EEXIST;
	if (S_ISDIR(from->node->mode) && tree_is_above(&tree, from->node, to->folder))
		return EINVAL;
	if (to->node && S_ISDIR(to->node->mode) && tree_is_above(&tree, to->node, from->folder))
		return flags == RENAME_EXCHANGE ? EINVAL : ENOTEMPTY;
	if (!to->node || to->node == from->node || flags == RENAME_EXCHANGE)
		return 0;
	if (S_ISDIR(from->node->mode) != S_ISDIR(to->node->mode))
		return S_ISDIR(to->node->mode) ? EISDIR : ENOTDIR;
	return S_ISDIR(to->node->mode) && !tree_is_empty(&tree, to->node) ? ENOTEMPTY : 0;
}

static void move(const struct place *from, const struct place *to)
{
	unsigned flags = exchanges && tree_random(&tree, 3) == 0 ? 1 + (unsigned)tree_random(&tree, 2) : 0;
	struct node *moved = from->node, *other = to->node;
	int want = rename_result(from, to, flags);

	snprintf(doing, sizeof doing, "rename %s %s, flags %u", path_of(from), path_of(to), flags);
	expect(syscall(SYS_renameat2, AT_FDCWD, path_of(from), AT_FDCWD, path_of(to), flags), want);
	if (want || moved == other)
		return;
	tree_unname(&tree, from);
	if (other)
		tree_unname(&tree, to);
	tree_name(&tree, to, moved);
	if (flags == RENAME_EXCHANGE)
		tree_name(&tree, from, other);
	else if (other)
		forget(other);
}

static void check_content(const struct node *node, int fd)
{
	uint64_t offset = tree_offset(&tree);
	size_t length = 1 + tree_random(&tree, STEP_MAX), there = node->size <= offset ? 0 : node->size - offset < length ? node->size - offset : length;

	snprintf(doing, sizeof doing, "read %zu bytes at %llu of inode %llu", length, (unsigned long long)offset, (unsigned long long)node->inode);
	insist(pread(fd, bytes, length, (off_t)offset) == (ssize_t)there, "how much was read");
	tree_read(node, offset, wanted, there);
	compare(bytes, there, "what was read");
}

static void write_some(struct node *node, int fd)
{
	int append = tree_random(&tree, 3) == 0;
	uint64_t offset = append ? node->size : tree_offset(&tree);
	size_t length = 1 + tree_random(&tree, tree_random(&tree, 2) ? 100 : STEP_MAX);

	tree_fill(&tree, bytes, length);
	if (!tree_write(node, offset, bytes, length))
		return;
	snprintf(doing, sizeof doing, "write %zu bytes at %llu of inode %llu", length, (unsigned long long)offset, (unsigned long long)node->inode);
	insist(pwrite(fd, bytes, length, (off_t)offset) == (ssize_t)length, "how much was written");
	node->mtime = 0;
}

static void cut(struct node *node, int fd)
{
	uint64_t size = tree_random(&tree, 4) ? tree_offset(&tree) : 0;

	snprintf(doing, sizeof doing, "truncate inode %llu from %llu to %llu", (unsigned long long)node->inode, (unsigned long long)node->size,
		 (unsigned long long)size);
	expect(ftruncate(fd, (off_t)size), 0);
	tree_truncate(node, size);
	node->mtime = 0;
}

/* Whole pages straight to the disk and from it, past those that are cached. Some file systems know no such thing. */
static void go_direct(struct node *node, int fd)
{
	uint64_t offset = tree_offset(&tree) & ~(uint64_t)(PAGE - 1);
	size_t length = (1 + tree_random(&tree, DIRECT_PAGES)) * PAGE, there;

	if (fcntl(fd, F_SETFL, O_DIRECT) < 0)
		return;
	snprintf(doing, sizeof doing, "direct, %zu bytes at %llu of inode %llu, size %llu", length, (unsigned long long)offset,
		 (unsigned long long)node->inode, (unsigned long long)node->size);
	if (tree_random(&tree, 2)) {
		tree_fill(&tree, direct, length);
		if (tree_write(node, offset, direct, length))
			insist(pwrite(fd, direct, length, (off_t)offset) == (ssize_t)length, "how much was written");
		node->mtime = 0;
	}
	there = node->size <= offset ? 0 : node->size - offset < length ? node->size - offset : length;
	insist(pread(fd, direct, length, (off_t)offset) == (ssize_t)there, "how much was read");
	tree_read(node, offset, wanted, there);
	compare(direct, there, "what was read");
	insist(fcntl(fd, F_SETFL, 0) == 0, "O_DIRECT off");
}

/* In a mapping that may be older than the file's size, its name, or its last name's end. */
static void touch_map(struct handle *handle)
{
	struct node *node = handle->node;
	size_t there = node->size < WINDOW ? node->size : WINDOW, offset, length;

	snprintf(doing, sizeof doing, "mapping of inode %llu, size %llu", (unsigned long long)node->inode, (unsigned long long)node->size);
	if (!handle->map) {
		handle->map = mmap(NULL, WINDOW, PROT_READ | PROT_WRITE, MAP_SHARED, handle->fd, 0);
		insist(handle->map != MAP_FAILED, "mmap");
	}
	if (!there)
		return;
	offset = tree_random(&tree, there);
	length = 1 + tree_random(&tree, there - offset < 9000 ? there - offset : 9000);
	tree_read(node, offset, wanted, length);
	compare(handle->map + offset, length, "what is mapped");
	tree_fill(&tree, bytes, length);
	if (!tree_write(node, offset, bytes, length))
		return;
	memcpy(handle->map + offset, bytes, length);
	node->mtime = 0;
	if (tree_random(&tree, 5) == 0)
		expect(msync(handle->map, WINDOW, tree_random(&tree, 2) ? MS_SYNC : MS_ASYNC), 0);
}

static void let_go(struct handle *handle)
{
	struct node *node = handle->node;

	snprintf(doing, sizeof doing, "close inode %llu", (unsigned long long)node->inode);
	if (handle->map)
		expect(munmap(handle->map, WINDOW), 0);
	expect(close(handle->fd), 0);
	*handle = (struct handle){ 0 };
	if (tree_links(&tree, node) == 0)
		forget(node);
}

static void use_handle(void)
{
	struct handle *handle = &handles[tree_random(&tree, HANDLES)];
	struct place place;

	if (handle->node && tree_random(&tree, 12) == 0) {
		let_go(handle);
	} else if (handle->node) {
		struct stat info;

		if (tree_random(&tree, 2))
			touch_map(handle);
		else if (tree_random(&tree, 3))
			write_some(handle->node, handle->fd);
		else
			cut(handle->node, handle->fd);
		check_content(handle->node, handle->fd);
		expect(fstat(handle->fd, &info), 0);
		look_at(handle->node, &info, "the size of an open file");
	} else if (tree_find_file(&tree, &place)) {
		snprintf(doing, sizeof doing, "open %s", path_of(&place));
		handle->fd = open(path_of(&place), O_RDWR);
		expect(handle->fd, 0);
		handle->node = place.node;
	}
}

static void use_file(void)
{
	struct place place;
	int fd, what = (int)tree_random(&tree, 12);

	if (!tree_find_file(&tree, &place))
		return;
	snprintf(doing, sizeof doing, "open %s", path_of(&place));
	fd = open(path_of(&place), O_RDWR);
	expect(fd, 0);
	if (what < 4)
		write_some(place.node, fd);
	else if (what < 6)
		cut(place.node, fd);
	else if (what < 8)
		go_direct(place.node, fd);
	check_content(place.node, fd);
	snprintf(doing, sizeof doing, "sync inode %llu", (unsigned long long)place.node->inode);
	if (what >= 9)
		expect((what == 9 ? fsync : what == 10 ? fdatasync : syncfs)(fd), 0);
	expect(close(fd), 0);
}

static void change_attributes(const struct place *place)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = 1000000000 + (time_t)step } };
	mode_t mode = (mode_t)tree_random(&tree, 01000) | 0700;

	if (!place->node || S_ISLNK(place->node->mode))
		return;
	snprintf(doing, sizeof doing, "chmod %s 0%o", path_of(place), mode);
	expect(chmod(path_of(place), mode), 0);
	place->node->mode = (place->node->mode & S_IFMT) | mode;
	if (S_ISDIR(place->node->mode) || in_use(place->node))
		return;
	snprintf(doing, sizeof doing, "utimensat %s", path_of(place));
	expect(utimensat(AT_FDCWD, path_of(place), times, AT_SYMLINK_NOFOLLOW), 0);
	place->node->mtime = times[1].tv_sec;
	check_stat(place);
}

static void check_folder(struct node *folder)
{
	struct place place = { .folder = folder };
	char path[4096];
	struct dirent *entry;
	unsigned count = 0;
	DIR *list;

	tree_folder_path(&tree, folder, path, sizeof path);
	snprintf(doing, sizeof doing, "list %s", path);
	list = opendir(path);
	insist(list != NULL, "opendir");
	while ((errno = 0, entry = readdir(list))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		count++;
		snprintf(place.text, sizeof place.text, "%s", entry->d_name);
		tree_find(&tree, &place);
		insist(place.node != NULL, entry->d_name);
		insist(!place.node->inode || place.node->inode == entry->d_ino, "the number of a listed inode");
	}
	insist(errno == 0, "readdir");
	closedir(list);
	insist(count == tree_count(&tree, folder), "the number of entries");
}

static void check_target(const struct place *place)
{
	static char target[4096];
	ssize_t length;

	snprintf(doing, sizeof doing, "readlink %s", path_of(place));
	length = readlink(path_of(place), target, sizeof target - 1);
	insist(length > 0 && (target[length] = '\0', !strcmp(target, place->node->target)), "where it leads");
}

static void drop_caches(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);

	if (fd >= 0) {
		write(fd, "3\n", 2);
		close(fd);
	}
}

static void do_something(void)
{
	struct place place, other;
	int what = (int)tree_random(&tree, 100);

	tree_pick(&tree, &place, tree.name_count > ENOUGH_NAMES || what % 2);
	tree_pick(&tree, &other, what % 3 == 0);
	if (what < 30)
		use_file();
	else if (what < 52)
		use_handle();
	else if (what < 60 && tree_has_room(&tree))
		make_file(&place);
	else if (what < 66 && tree_has_room(&tree))
		make_other(&place);
	else if (what < 70 && tree_has_room(&tree))
		make_link(&place, &other);
	else if (what < 78)
		move(&place, &other);
	else if (what < 86)
		remove_one(&place);
	else if (what < 90)
		change_attributes(&place);
	else if (what < 94)
		check_folder(tree_any_folder(&tree));
	else if (what < 99)
		check_stat(&place);
	else if (tree_random(&tree, 4) == 0)
		drop_caches();
	if (what > 86 && place.node && S_ISLNK(place.node->mode) && (tree_find(&tree, &place), place.node) && S_ISLNK(place.node->mode))
		check_target(&place);
}

/* All that is there, and then nothing. */
static void check_and_remove_all(void)
{
	struct place place;

	for (int i = 0; i < HANDLES; i++)
		if (handles[i].node)
			let_go(&handles[i]);
	drop_caches();
	for (unsigned i = 0; i < NODES; i++)
		if (tree.nodes[i].mode && S_ISDIR(tree.nodes[i].mode))
			check_folder(&tree.nodes[i]);
	while (tree_last(&tree, &place)) {
		check_stat(&place);
		snprintf(doing, sizeof doing, "read all of %s", path_of(&place));
		if (S_ISREG(place.node->mode)) {
			int fd = open(path_of(&place), O_RDONLY);

			/* Permissions may be any; but root reads all, and the owner what it made. */
			expect(fd, 0);
			for (int i = 0; i < 6; i++)
				check_content(place.node, fd);
			close(fd);
		}
		snprintf(doing, sizeof doing, "remove %s", path_of(&place));
		expect(S_ISDIR(place.node->mode) ? rmdir(path_of(&place)) : unlink(path_of(&place)), 0);
		tree_unname(&tree, &place);
		if (tree_links(&tree, place.node) == 0 || S_ISDIR(place.node->mode))
			tree_drop(&tree, place.node);
	}
	check_folder(&tree.nodes[0]);
}

static long number(const char *name, long usual)
{
	const char *text = getenv(name);

	return text ? atol(text) : usual;
}

static void work(void *argument)
{
	unsigned long seed = (unsigned long)number("SEED", check_now()) + (unsigned long)(uintptr_t)argument;
	unsigned long count = (unsigned long)number("OPERATIONS", 3000);
	long end = check_now() + number("SECONDS", 0) * 1000;
	char folder[32];

	printf("SEED=%lu\n", seed);
	snprintf(folder, sizeof folder, "worker-%lu", (unsigned long)(uintptr_t)argument);
	insist(mkdir(folder, 0755) == 0 && chdir(folder) == 0, "the worker's folder");
	check_write_file("a", "", 0600);
	check_write_file("b", "", 0600);
	exchanges = syscall(SYS_renameat2, AT_FDCWD, "a", AT_FDCWD, "b", RENAME_EXCHANGE) == 0;
	unlink("a");
	unlink("b");
	do {
		tree_make(&tree, seed++);
		for (step = 1; step <= count; step++)
			do_something();
		check_and_remove_all();
	} while (check_now() < end);
	insist(chdir("..") == 0 && rmdir(folder) == 0, "the end of the worker's folder");
}

static void operations(void)
{
	long workers = number("WORKERS", 1);
	pid_t pids[16];

	for (long i = 0; i < workers && i < 16; i++)
		pids[i] = check_spawn(work, (void *)(uintptr_t)(1000 * i));
	for (long i = 0; i < workers && i < 16; i++)
		CHECK_EQ(check_wait(pids[i]), 0);
}

static const struct check_case cases[] = {
	CASE(operations),
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	return check_main("root_model", cases, argc, argv);
}
