/* SPDX-License-Identifier: MIT */
#include "exercise.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "session.h"

enum { MAX_DEPTH = 6, MAX_ENTRIES = 60 };

/* No operation on a small image looks at so many blocks. */
enum { MAX_GETS = 400000 };

static struct session session;
static struct exercise *counts;
static unsigned entries_left;

static int note(int result)
{
	counts->done++;
	counts->errors += result < 0;
	assert(session.store.gets_left > 0);
	session.store.gets_left = MAX_GETS;
	return result;
}

static int do_rename(struct ext2_txn *txn, void *arguments)
{
	struct ext2_removed removed;

	return ext2_rename(txn, arguments, &removed);
}

struct link { struct ext2_node node, dir; };

static int do_link(struct ext2_txn *txn, void *arguments)
{
	const struct link *link = arguments;
	struct ext2_attr attr;

	return ext2_link(txn, link->node, link->dir, (struct ext2_name){ "linked", 6 }, 1, &attr);
}

static int do_setattr(struct ext2_txn *txn, void *arguments)
{
	struct ext2_attr attr = { .mode = 0600, .uid = 70000, .mtime = 1ll << 62 };

	return ext2_setattr(txn, *(const struct ext2_node *)arguments, EXT2_MODE | EXT2_UID | EXT2_MTIME, &attr, &attr);
}

static void change_file(struct ext2_attr *attr, struct ext2_node dir)
{
	static const uint64_t places[] = { 0, 11, 13, 300, 70000, 20000000 };
	struct link link = { attr->node, dir };
	struct ext2_extent extents[4];
	char target[4096];
	struct ext2_txn *txn = ext2_begin(session.fs, false);

	note(ext2_readlink(txn, attr->node, target, sizeof(target)));
	ext2_abort(txn);
	note(ext2_run(session.fs, do_setattr, &attr->node, NULL, 0));
	note(ext2_run(session.fs, do_link, &link, NULL, 0));
	for (unsigned i = 0; S_ISREG(attr->mode) && i < sizeof(places) / sizeof(places[0]); i++) {
		note(session_map(&session, attr->node, places[i], 4, extents, 4));
		note(session_grow(&session, attr->node, places[i], 2, 0));
	}
	if (S_ISREG(attr->mode))
		note(session_resize(&session, attr->node, attr->size / 2 + 1, attr));
}

static void rename_entry(struct ext2_node from_dir, const struct ext2_dirent *entry, struct ext2_node to_dir, const char *to, unsigned flags)
{
	struct ext2_rename rename = { from_dir, to_dir, { entry->name, entry->name_len }, { to, strlen(to) }, flags, 1 };

	note(ext2_run(session.fs, do_rename, &rename, NULL, 0));
}

static void visit(struct ext2_node dir, unsigned depth);

static void visit_entry(struct ext2_node dir, const struct ext2_dirent *entry, unsigned depth)
{
	struct ext2_attr attr, removed;
	char name[256];
	struct ext2_txn *txn = ext2_begin(session.fs, false);
	int error = ext2_lookup(txn, dir, (struct ext2_name){ entry->name, entry->name_len }, &attr);

	ext2_abort(txn);
	note(error);
	snprintf(name, sizeof(name), "%.*s", entry->name_len, entry->name);
	if (!error && S_ISDIR(attr.mode))
		visit(attr.node, depth + 1);
	else if (!error)
		change_file(&attr, dir);
	if (depth % 2)
		rename_entry(dir, entry, session.root, "moved", entry->id % 2 ? EXT2_EXCHANGE : 0);
	note(session_remove(&session, dir, name, (!error && S_ISDIR(attr.mode) ? EXT2_DIRECTORY : 0) | (entry->id % 3 ? 0 : EXT2_KEEP), &removed));
}

static void visit(struct ext2_node dir, unsigned depth)
{
	struct ext2_dirent entries[5];
	struct ext2_attr attr;
	uint64_t cookie = 0;
	int count;

	if (depth > MAX_DEPTH)
		return;
	note(session_create(&session, dir, "file", S_IFREG | 0600, &attr));
	note(session_create(&session, dir, "directory", S_IFDIR | 0700, &attr));
	note(session_create(&session, dir, "link", S_IFLNK | 0777, &attr));
	do {
		struct ext2_txn *txn = ext2_begin(session.fs, false);

		count = note(ext2_readdir(txn, dir, cookie, entries, 5));
		ext2_abort(txn);
		for (int i = 0; i < count && entries_left; i++, entries_left--) {
			assert(entries[i].next > cookie);
			cookie = entries[i].next;
			visit_entry(dir, &entries[i], depth);
		}
	} while (count > 0 && entries_left);
}

int exercise_image(const uint8_t *image, size_t size, struct exercise *result)
{
	/* Of its exact size, so that every read past the end is seen. */
	uint8_t *copy = malloc(size ? size : 1);
	struct ext2_statfs statfs;
	int error;

	if (size)
		memcpy(copy, image, size);
	memset(result, 0, sizeof(*result));
	counts = result;
	entries_left = MAX_ENTRIES;
	error = session_open(&session, copy, size, 0);
	if (!error) {
		session.store.gets_left = MAX_GETS;
		visit(session.root, 0);
		note(session_statfs(&session, &statfs));
		note(session_sync(&session, true));
	}
	session_close(&session);
	return error;
}
