/* SPDX-License-Identifier: MIT */
#include "session.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const int64_t now = 1700000000123456789;

struct request {
	struct ext2_new new;
	struct ext2_map map;
	struct ext2_node node;
	struct ext2_name name;
	struct ext2_attr attr;
	struct ext2_removed removed;
	struct ext2_extent *extents;
	unsigned flags, max;
	bool clean;
};

static int do_start(struct ext2_txn *txn, void *arguments)
{
	(void)arguments;
	return ext2_start(txn, now);
}

static int do_create(struct ext2_txn *txn, void *arguments)
{
	struct request *request = arguments;

	return ext2_create(txn, &request->new, &request->attr);
}

static int do_remove(struct ext2_txn *txn, void *arguments)
{
	struct request *request = arguments;

	return ext2_remove(txn, request->node, request->name, request->flags, now, &request->removed);
}

static int do_release(struct ext2_txn *txn, void *arguments)
{
	struct request *request = arguments;

	return ext2_release(txn, request->node);
}

static int do_resize(struct ext2_txn *txn, void *arguments)
{
	struct request *request = arguments;
	struct ext2_attr out;
	int result = ext2_setattr(txn, request->node, EXT2_SIZE, &request->attr, &out);

	if (!result)
		request->attr = out;
	return result;
}

static int do_map(struct ext2_txn *txn, void *arguments)
{
	struct request *request = arguments;

	return ext2_map(txn, &request->map, request->extents, request->max);
}

static int do_sync(struct ext2_txn *txn, void *arguments)
{
	struct request *request = arguments;

	return ext2_sync(txn, now, request->clean);
}

int session_open(struct session *session, uint8_t *bytes, size_t size, unsigned flags)
{
	int error;

	memset(session, 0, sizeof(*session));
	session->memory = malloc(ext2_memory(0));
	store_open(&session->store, bytes, size);
	session->store.quiet = true;
	error = ext2_mount(&session->store.io, session->memory, ext2_memory(0), flags, &session->fs);
	session->root = (struct ext2_node){ 2, 0 };
	if (error || ext2_is_read_only(session->fs))
		return error;
	error = ext2_run(session->fs, do_start, NULL, NULL, 0);
	/* An orphan is broken. */
	return error == -117 ? ext2_run(session->fs, do_start, NULL, NULL, 0) : error;
}

void session_close(struct session *session)
{
	store_close(&session->store);
	free(session->memory);
}

int session_lookup(struct session *session, struct ext2_node dir, const char *name, struct ext2_attr *out)
{
	struct ext2_txn *txn = ext2_begin(session->fs, false);
	int error = ext2_lookup(txn, dir, (struct ext2_name){ name, strlen(name) }, out);

	ext2_abort(txn);
	return error;
}

int session_create(struct session *session, struct ext2_node dir, const char *name, uint32_t mode, struct ext2_attr *out)
{
	struct request request = { .new = { .dir = dir, .name = { name, strlen(name) }, .mode = mode, .rdev = 0x801, .target = { "target", 6 }, .time = now } };
	int error = ext2_run(session->fs, do_create, &request, NULL, 0);

	*out = request.attr;
	return error;
}

int session_remove(struct session *session, struct ext2_node dir, const char *name, unsigned flags, struct ext2_attr *out)
{
	struct request request = { .node = dir, .name = { name, strlen(name) }, .flags = flags };
	int error = ext2_run(session->fs, do_remove, &request, NULL, 0);

	*out = request.removed.attr;
	if (error || !request.removed.to_release || flags & EXT2_KEEP)
		return error;
	return session_release(session, out->node);
}

int session_release(struct session *session, struct ext2_node node)
{
	struct request request = { .node = node };

	return ext2_run(session->fs, do_release, &request, NULL, 0);
}

int session_resize(struct session *session, struct ext2_node node, uint64_t size, struct ext2_attr *out)
{
	struct request request = { .node = node, .attr = { .size = size } };
	int error = ext2_run(session->fs, do_resize, &request, NULL, 0);

	*out = request.attr;
	return error;
}

int session_map(struct session *session, struct ext2_node node, uint64_t first, uint64_t count, struct ext2_extent *extents, unsigned max)
{
	struct ext2_map map = { .node = node, .first = first, .count = count };
	struct ext2_txn *txn = ext2_begin(session->fs, false);
	int result = ext2_map(txn, &map, extents, max);

	ext2_abort(txn);
	return result;
}

uint64_t session_grow(struct session *session, struct ext2_node node, uint64_t first, uint64_t count, unsigned flags)
{
	struct ext2_extent extents[16];
	struct request request = { .extents = extents, .max = 16 };
	uint64_t done = 0;

	while (done < count) {
		int result;

		request.map = (struct ext2_map){ .node = node, .first = first + done, .count = count - done, .allocate = true,
						 .privileged = flags & EXT2_GROW_PRIVILEGED, .time = now,
						 .size = (first + count) * session->store.io.block_size };
		result = ext2_run(session->fs, do_map, &request, NULL, 0);
		if (result <= 0)
			break;
		for (int i = 0; i < result; i++)
			done += extents[i].count;
	}
	return done;
}

int session_sync(struct session *session, bool clean)
{
	struct request request = { .clean = clean };

	return ext2_run(session->fs, do_sync, &request, NULL, 0);
}

int session_statfs(struct session *session, struct ext2_statfs *out)
{
	ext2_statfs(session->fs, out);
	return 0;
}
