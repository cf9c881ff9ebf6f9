/* SPDX-License-Identifier: MIT */
/* A file system that is a service: each operation is a call to its port. Those that change something are in changes.c. */
#include "lib/errno.h"
#include "lib/string.h"
#include "sched/clock.h"
#include "vfs/mapped/mapped.h"
#include "vfs/served/ask.h"

/* Of a file: bytes stay below 2^63 with any size of block. */
#define FILE_BLOCKS_MAX (INT64_MAX / 4096)

_Static_assert(FS_RENAME - FS_CREATE == 6 && FS_CREATE - FS_SETATTR == 1 && FS_RELEASE - FS_SETATTR == 9, "changes are together, those of names among them");

static struct wait_queue drained = WAIT_QUEUE_INIT(drained);

/* Who began a change before the file system became read-only asks for it here, perhaps only now: later than its mark is too late. */
static bool is_too_late(const struct served *served, struct kernel_call *call, uint32_t type)
{
	if (atomic_load(&served->clean))
		return type != FS_MAP_EXTENTS || ((const struct fs_map_extents_request *)kernel_call_payload(call))->allocate;
	return served->fs.flags & FS_READ_ONLY && type - FS_CREATE <= FS_RENAME - FS_CREATE;
}

long served_send(struct served *served, struct kernel_call *call, uint32_t type, unsigned length)
{
	const bool change = type - FS_SETATTR <= FS_RELEASE - FS_SETATTR;
	long result = -EROFS;

	/* First it counts, then it looks: who makes it read-only does these the other way round. */
	if (change)
		atomic_add(&served->changing, 1);
	if (!change || !is_too_late(served, call, type)) {
		atomic_add(&served->asked[type & 0xffff], 1);
		result = kernel_call(call, served->port, type, length);
		if (result < 0)
			atomic_add(result == -EINTR ? &served->unanswered : &served->refused, 1);
	}
	if (change && !atomic_sub(&served->changing, 1))
		wake_all(&drained);
	return result;
}

int served_drain(struct fs *fs)
{
	struct waiter waiter;
	int error = 0;

	wait_begin(&drained, &waiter);
	while (atomic_load(&served_of(fs)->changing) && !error)
		error = wait_block(&waiter, WAIT_FOREVER, WAIT_KILLABLE);
	wait_end(&waiter);
	return error;
}

long served_ask(struct served *served, struct kernel_call *call, uint32_t type, const void *request, unsigned length)
{
	if (length)
		memcpy(kernel_call_payload(call), request, length);
	return served_send(served, call, type, length);
}

int served_done(struct served *served, struct kernel_call *call, long length, int result)
{
	if (length >= 0 && result < 0)
		atomic_add(&served->wrong, 1);
	kernel_call_end(call);
	return result;
}

/* An operation whose request is one node. *call is to be ended. */
static long ask_of_node(struct served *served, uint32_t type, struct fs_node_id node, struct kernel_call **call)
{
	struct fs_inode inode = inode_of(node);

	*call = kernel_call_begin();
	return *call ? served_ask(served, *call, type, &inode, sizeof(inode)) : -ENOMEM;
}

static int served_lookup(struct fs *fs, struct fs_node_id dir, const char *name, size_t len, struct fs_attr *out)
{
	struct kernel_call *call = kernel_call_begin();
	struct fs_lookup_request *request;
	long length;

	if (!call)
		return -ENOMEM;
	request = kernel_call_payload(call);
	request->directory = inode_of(dir);
	request->name_length = len;
	memcpy(request->name, name, len);
	length = served_send(served_of(fs), call, FS_LOOKUP, offsetof(struct fs_lookup_request, name) + len);
	return served_done(served_of(fs), call, length, served_take_lookup(request, length, dir, fs->root, out));
}

static int served_getattr(struct fs *fs, struct fs_node_id node, struct fs_attr *out)
{
	struct kernel_call *call;
	long length = ask_of_node(served_of(fs), FS_GETATTR, node, &call);

	return call ? served_done(served_of(fs), call, length, served_take_attributes(kernel_call_payload(call), length, node, false, out)) : -ENOMEM;
}

static int served_readlink(struct fs *fs, struct fs_node_id node, char *buf, size_t size)
{
	struct kernel_call *call;
	long length = ask_of_node(served_of(fs), FS_READLINK, node, &call);

	return call ? served_done(served_of(fs), call, length, served_take_target(kernel_call_payload(call), length, buf, size)) : -ENOMEM;
}

static int served_readdir(struct fs *fs, struct fs_node_id dir, uint64_t cookie, fs_readdir_emit *emit, void *context)
{
	struct kernel_call *call = kernel_call_begin();
	bool end = false, full = false;
	long length = 0;
	int result = 0;

	if (!call)
		return -ENOMEM;
	while (!end && !full && !result) {
		struct fs_readdir_request request = { .directory = inode_of(dir), .cookie = cookie };

		length = served_ask(served_of(fs), call, FS_READDIR, &request, sizeof(request));
		result = served_take_entries(kernel_call_payload(call), length, &cookie, &end, &full, emit, context);
	}
	return served_done(served_of(fs), call, length, result);
}

static int served_fill_page(struct fs *fs, struct fs_node_id node, uint64_t index, void *page)
{
	struct fs_fill_request request = { .node = inode_of(node), .index = index };
	struct kernel_call *call = kernel_call_begin();
	long length;

	if (!call)
		return -ENOMEM;
	length = served_ask(served_of(fs), call, FS_FILL, &request, sizeof(request));
	return served_done(served_of(fs), call, length, served_take_page(kernel_call_payload(call), length, page));
}

static int served_statfs(struct fs *fs, struct fs_statfs *out)
{
	struct kernel_call *call = kernel_call_begin();
	uint64_t promised = 0;
	long length;
	int result;

	if (!call)
		return -ENOMEM;
	length = served_ask(served_of(fs), call, FS_STATFS, NULL, 0);
	out->fs_id = fs->dev;
	result = served_done(served_of(fs), call, length, served_take_statfs(kernel_call_payload(call), length, out));
	if (!result && served_of(fs)->mapped)
		promised = mapped_promised(served_of(fs)->mapped);
	out->blocks_free -= MIN(out->blocks_free, promised);
	out->blocks_available -= MIN(out->blocks_available, promised);
	return result;
}

int served_map(struct fs *fs, struct fs_node_id node, const struct served_map_request *request, struct served_extent *extents, unsigned max,
	       struct served_map_result *result)
{
	struct served *served = served_of(fs);
	struct fs_map_extents_request wire = {
		.node = inode_of(node), .first = request->first, .count = request->count, .size = request->size, .allocate = request->allocate,
		.privileged = request->privileged,
	};
	struct kernel_call *call;
	long length;

	if (!served->cache || !request->count || !max || request->first > FILE_BLOCKS_MAX || request->count > FILE_BLOCKS_MAX - request->first)
		return -EINVAL;
	call = kernel_call_begin();
	if (!call)
		return -ENOMEM;
	length = served_ask(served, call, FS_MAP_EXTENTS, &wire, sizeof(wire));
	return served_done(served, call, length, served_take_extents(kernel_call_payload(call), length, request, served->block_count, served->block_size,
								      extents, max, result));
}

const struct fs_ops served_ops = {
	.lookup = served_lookup,
	.getattr = served_getattr,
	.setattr = served_setattr,
	.create = served_create,
	.mkdir = served_mkdir,
	.symlink = served_symlink,
	.link = served_link,
	.unlink = served_unlink,
	.rmdir = served_rmdir,
	.rename = served_rename,
	.readlink = served_readlink,
	.readdir = served_readdir,
	.fill_page = served_fill_page,
	.release = served_release,
	.sync = served_sync,
	.statfs = served_statfs,
	.remount = served_remount,
	.drain = served_drain,
	.unmount = served_unmount,
};
