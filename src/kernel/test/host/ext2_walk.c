/* SPDX-License-Identifier: MIT */
/* Walking a whole ext2 image through the reader's fs_ops, as the VFS would: what all host tests and the fuzz target of the reader share. */
#include "ext2_walk.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vfs/ext2/ext2.h"
#include "vfs/mount.h"

void fs_register_instance(struct fs *fs) { refcount_init(&fs->refs, 1); fs->dev = 1; }

static void check(struct walk *walk, int error, const char *what)
{
	if (error >= 0)
		return;
	walk->errors++;
	if (walk->strict) {
		fprintf(stderr, "%s: %s: %s\n", what, walk->host_path, strerror(-error));
		abort();
	}
}

static void walk_file(struct walk *walk, const struct fs_attr *attr)
{
	uint64_t pages = (attr->size + PAGE_SIZE - 1) / PAGE_SIZE;
	uint64_t step = pages > 256 ? pages / 256 : 1;	/* huge sparse files in samples */
	static uint8_t page[PAGE_SIZE], host[PAGE_SIZE];
	int fd = walk->strict && walk->host_path[0] ? open(walk->host_path, O_RDONLY) : -1;

	for (uint64_t i = 0; i < pages; i += step) {
		int error;

		memset(page, 0, sizeof(page));
		error = walk->fs->ops->fill_page(walk->fs, attr->node, i, page);
		check(walk, error, "fill_page");
		if (error)
			break;
		for (unsigned k = 0; k < PAGE_SIZE; k += 64)
			walk->byte_sum += page[k];
		walk->bytes += PAGE_SIZE;
		if (fd >= 0) {
			memset(host, 0, sizeof(host));
			assert(pread(fd, host, sizeof(host), i * PAGE_SIZE) >= 0);
			assert(memcmp(host, page, sizeof(page)) == 0);
		}
	}
	if (fd >= 0)
		close(fd);
}

static void walk_link(struct walk *walk, const struct fs_attr *attr)
{
	char target[4096], host[4096];
	int len = walk->fs->ops->readlink(walk->fs, attr->node, target, sizeof(target));

	check(walk, len, "readlink");
	if (len >= 0 && walk->strict && walk->host_path[0]) {
		assert(readlink(walk->host_path, host, sizeof(host)) == len);
		assert(memcmp(host, target, len) == 0);
	}
}

struct names { struct fs_dirent *list; unsigned count, batch; uint64_t next; };

static bool collect(void *context, struct fs_dirent *entry)
{
	struct names *names = context;

	if (names->batch == 7 || names->count == WALK_MAX)	/* small batches, to try the positions */
		return false;
	names->batch++;
	names->list = realloc(names->list, (names->count + 1) * sizeof(*names->list));
	names->list[names->count++] = *entry;
	names->next = entry->next;
	return true;
}

static struct names list_directory(struct walk *walk, struct fs_node_id dir)
{
	struct names names = { NULL, 0, 0, 0 };
	int error;

	do {
		names.batch = 0;
		error = walk->fs->ops->readdir(walk->fs, dir, names.next, collect, &names);
		check(walk, error, "readdir");
	} while (!error && names.batch && names.count < WALK_MAX);
	return names;
}

static void walk_node(struct walk *walk, const struct fs_attr *attr);

static unsigned count_host_names(const char *path)
{
	DIR *dir = opendir(path);
	unsigned count = 0;

	assert(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count - 2;
}

static void walk_directory(struct walk *walk, const struct fs_attr *attr)
{
	struct names names = list_directory(walk, attr->node);
	size_t path_len = strlen(walk->host_path);

	/* What lookup() lets through is a tree: no directory may be met below itself. */
	for (unsigned i = 0; i < walk->open.count; i++)
		assert(walk->open.ids[i] != attr->node.id);
	assert(walk->open.count < 4096);
	walk->open.ids[walk->open.count++] = attr->node.id;

	if (walk->strict && path_len)
		assert(count_host_names(walk->host_path) == names.count);
	for (unsigned i = 0; i < names.count && walk->visited < WALK_MAX; i++) {
		struct fs_dirent *entry = &names.list[i];
		struct fs_attr child;
		int error = walk->fs->ops->lookup(walk->fs, attr->node, entry->name, entry->name_len, &child);

		assert(entry->name_len && !memchr(entry->name, '/', entry->name_len) && !memchr(entry->name, 0, entry->name_len));
		check(walk, error, "lookup");
		if (error)
			continue;
		if (walk->strict) {
			assert(child.node.id == entry->id);
			assert(child.mode >> 12 == entry->type);
		}
		if (path_len)
			snprintf(walk->host_path + path_len, sizeof(walk->host_path) - path_len, "/%.*s", entry->name_len, entry->name);
		walk_node(walk, &child);
		walk->host_path[path_len] = 0;
	}
	walk->open.count--;
	free(names.list);
}

static void walk_node(struct walk *walk, const struct fs_attr *attr)
{
	struct stat host;

	walk->visited++;
	if (walk->strict && walk->host_path[0]) {
		assert(lstat(walk->host_path, &host) == 0);
		assert((host.st_mode & S_IFMT) == (attr->mode & S_IFMT));
		if (!S_ISDIR(attr->mode)) {
			assert(host.st_size == attr->size);
			assert(host.st_nlink == attr->links);
		}
	}
	if (S_ISDIR(attr->mode))
		walk_directory(walk, attr);
	else if (S_ISREG(attr->mode))
		walk_file(walk, attr);
	else if (S_ISLNK(attr->mode))
		walk_link(walk, attr);
}

int ext2_walk_image(const void *image, size_t len, const char *host, struct walk *result)
{
	struct walk *walk = calloc(1, sizeof(*walk));
	struct fs_statfs stats;
	struct fs_attr root;
	int error = ext2_mount_memory(image, len, &walk->fs);

	if (!error) {
		walk->strict = host != NULL;
		snprintf(walk->host_path, sizeof(walk->host_path), "%s", host ? host : "");
		assert(walk->fs->ops->statfs(walk->fs, &stats) == 0);
		check(walk, walk->fs->ops->getattr(walk->fs, walk->fs->root, &root), "getattr");
		walk_node(walk, &root);
		walk->fs->ops->unmount(walk->fs);
	}
	if (result)
		*result = *walk;
	free(walk);
	return error;
}
