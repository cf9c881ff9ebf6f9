/* SPDX-License-Identifier: MIT */
/*
 * overlay [--only PATH]... ARCHIVE: unpacks a cpio archive over /: the folder that `ci/vm --overlay` brings; or only what is named, where it is in the
 * archive. The manager runs it at boot.
 *
 * Files replace what had their name; directories that exist stay as they are. What is made is as old as the archive says. Stops at the first
 * error, which is its one line on standard error, with status 1. lib/cpio.c reads the archive; this file makes what it holds.
 */
#include "../lib/cpio.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { BUFFER_SIZE = 1 << 20 };

/* Times of directories are set last: what is made in them changes them. */
struct made_directory {
	struct made_directory *next;
	uint32_t mtime;
	char path[];
};

struct unpacking {
	int archive;
	char *const *only;           /* "--only", PATH, "--only", PATH... */
	int only_count;              /* 0: all is wanted */
	int file;                    /* being written, or -1: what comes is not wanted */
	uint32_t file_mtime;
	struct made_directory *directories;
	unsigned entries;
	unsigned long long bytes;
};

static ssize_t read_archive(void *context, void *buffer, size_t length)
{
	struct unpacking *unpacking = context;
	ssize_t got;

	do {
		got = read(unpacking->archive, buffer, length);
	} while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

/* An archive need not name every directory above an entry. */
static int make_parents(const char *path)
{
	char parent[CPIO_MAX_NAME + 1];

	snprintf(parent, sizeof(parent), "%s", path);
	for (char *slash = strchr(parent + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(parent, 0755) < 0 && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return 0;
}

static int make_directory(const char *path, mode_t mode)
{
	struct stat status;

	if (mkdir(path, mode) == 0)
		return 0;
	/* A symbolic link to a directory is as good: /bin may be one. */
	if (errno == EEXIST && stat(path, &status) == 0)
		errno = S_ISDIR(status.st_mode) ? EISDIR : ENOTDIR;
	return -errno;
}

/* One try to make the entry. Returns a descriptor for the data of a regular file, else 0, or a negative errno value. */
static int try_make(const struct cpio_entry *entry, const char *path, const char *link_path)
{
	int result;

	switch (entry->mode & S_IFMT) {
	case S_IFDIR:
		return make_directory(path, entry->mode & 07777);
	case S_IFLNK:
		result = symlink(entry->target, path);
		break;
	case S_IFREG:
		if (entry->link)
			result = link(link_path, path);
		else
			result = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, entry->mode & 07777);
		break;
	default:
		result = mknod(path, (mode_t)entry->mode, makedev(entry->device_major, entry->device_minor));
	}
	return result < 0 ? -errno : result;
}

/* Makes the entry, and on the way the directories above it; what has its name already is removed. */
static int make(const struct cpio_entry *entry, const char *path, const char *link_path)
{
	int result = try_make(entry, path, link_path);

	if (result == -ENOENT) {
		result = make_parents(path);
		if (result == 0)
			result = try_make(entry, path, link_path);
	}
	if (result == -EEXIST) {
		if (unlink(path) < 0)
			return -errno;
		result = try_make(entry, path, link_path);
	}
	return result;
}

/* A new entry belongs to root; any other owner is set, and then the bits that a change of owner takes away. */
static int set_owner(const struct cpio_entry *entry, const char *path)
{
	if (entry->uid == 0 && entry->gid == 0)
		return 0;
	if (lchown(path, entry->uid, entry->gid) < 0)
		return -errno;
	if (!S_ISLNK(entry->mode) && entry->mode & 07000 && chmod(path, entry->mode & 07777) < 0)
		return -errno;
	return 0;
}

static int set_time(const char *path, uint32_t mtime)
{
	struct timespec times[2] = { { .tv_sec = mtime }, { .tv_sec = mtime } };

	return utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

static int remember_directory(struct unpacking *unpacking, const char *path, uint32_t mtime)
{
	struct made_directory *made = malloc(sizeof(*made) + strlen(path) + 1);

	if (!made)
		return -ENOMEM;
	made->next = unpacking->directories;
	made->mtime = mtime;
	strcpy(made->path, path);
	unpacking->directories = made;
	return 0;
}

static int set_times_of_directories(struct unpacking *unpacking)
{
	struct made_directory *made;
	int result = 0;

	while ((made = unpacking->directories)) {
		/* One may have been replaced by something else since. */
		int error = set_time(made->path, made->mtime);

		result = error && error != -ENOENT ? error : result;
		unpacking->directories = made->next;
		free(made);
	}
	return result;
}

static bool is_wanted(const struct unpacking *unpacking, const char *path)
{
	for (int i = 1; i < unpacking->only_count; i += 2) {
		if (strcmp(unpacking->only[i], path) == 0)
			return true;
	}
	return unpacking->only_count == 0;
}

static int finish_file(void *context)
{
	struct unpacking *unpacking = context;
	struct timespec times[2] = { { .tv_sec = unpacking->file_mtime }, { .tv_sec = unpacking->file_mtime } };
	int result = unpacking->file < 0 ? 0 : futimens(unpacking->file, times);

	if (unpacking->file >= 0 && close(unpacking->file) < 0)
		result = -1;
	unpacking->file = -1;
	return result < 0 ? -errno : 0;
}

/* What has no data to come is as old as it should be. */
static int settle(struct unpacking *unpacking, const struct cpio_entry *entry, const char *path)
{
	if (S_ISDIR(entry->mode))
		return remember_directory(unpacking, path, entry->mtime);
	if (S_ISREG(entry->mode))
		return unpacking->file >= 0 && entry->size == 0 ? finish_file(unpacking) : 0;
	return set_time(path, entry->mtime);
}

static int begin_entry(void *context, const struct cpio_entry *entry)
{
	struct unpacking *unpacking = context;
	char path[CPIO_MAX_NAME + 1], link_path[CPIO_MAX_NAME + 1] = "";
	int result;

	if (entry->name[0] == '\0')
		return 0;
	snprintf(path, sizeof(path), "/%s", entry->name);
	if (!is_wanted(unpacking, path))
		return 0;
	if (entry->link)
		snprintf(link_path, sizeof(link_path), "/%s", entry->link);
	result = make(entry, path, link_path);
	if (result == -EISDIR && S_ISDIR(entry->mode))
		return 0;
	if (result < 0)
		return result;
	unpacking->entries++;
	unpacking->file_mtime = entry->mtime;
	if (S_ISREG(entry->mode) && !entry->link)
		unpacking->file = result;
	result = set_owner(entry, path);
	/* Of several names, the last one brings the data. */
	if (result == 0 && S_ISREG(entry->mode) && entry->link && entry->size > 0) {
		unpacking->file = open(path, O_WRONLY | O_TRUNC | O_NOFOLLOW | O_CLOEXEC);
		result = unpacking->file < 0 ? -errno : 0;
	}
	return result ? result : settle(unpacking, entry, path);
}

static int write_data(void *context, const void *bytes, size_t length)
{
	struct unpacking *unpacking = context;
	const char *from = bytes;

	if (unpacking->file < 0)
		return 0;
	unpacking->bytes += length;
	while (length > 0) {
		ssize_t put = write(unpacking->file, from, length);

		if (put < 0 && errno != EINTR)
			return -errno;
		if (put == 0)
			return -ENOSPC;
		if (put > 0) {
			from += put;
			length -= (size_t)put;
		}
	}
	return 0;
}

/* Returns 0, or -1 after a message. */
static int unpack(struct unpacking *unpacking)
{
	struct cpio_source source = { .context = unpacking, .read = read_archive };
	struct cpio_sink sink = {
		.context = unpacking, .begin = begin_entry, .data = write_data, .finish = finish_file,
	};
	char error[CPIO_ERROR_TEXT];

	int result = cpio_read(&source, &sink, BUFFER_SIZE, error);

	if (result < 0) {
		fprintf(stderr, "overlay: %s\n", error);
		return -1;
	}
	result = set_times_of_directories(unpacking);
	if (result < 0)
		fprintf(stderr, "overlay: cannot set the times of directories: %s\n", strerror(-result));
	return result;
}

static int usage(FILE *to)
{
	fputs("usage: overlay [--only PATH]... ARCHIVE\n", to);
	return to == stdout ? 0 : 2;
}

int main(int argc, char **argv)
{
	struct unpacking unpacking = { .file = -1 };

	while (unpacking.only_count + 2 < argc && strcmp(argv[unpacking.only_count + 1], "--only") == 0)
		unpacking.only_count += 2;
	if (argc == 2 && strcmp(argv[1], "--help") == 0)
		return usage(stdout);
	if (argc != unpacking.only_count + 2)
		return usage(stderr);
	unpacking.only = argv + 1;
	unpacking.archive = open(argv[argc - 1], O_RDONLY | O_CLOEXEC);
	if (unpacking.archive < 0) {
		fprintf(stderr, "overlay: cannot open %s: %s\n", argv[argc - 1], strerror(errno));
		return 1;
	}
	umask(0);
	if (unpack(&unpacking) < 0)
		return 1;
	if (unpacking.only_count == 0)
		printf("overlay: unpacked %u entries, %llu KiB\n", unpacking.entries, (unpacking.bytes + 1023) / 1024);
	return 0;
}
