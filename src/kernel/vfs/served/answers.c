/* SPDX-License-Identifier: MIT */
/* Answers of file systems in servers, looked at: see answers.h. */
#include "vfs/served/answers.h"
#include "lib/atomic.h"
#include "vfs/stat_bits.h"

enum { ERRNO_MAX = 133 /* EHWPOISON, Linux's last */, BLOCK_SIZE_MIN = 512, BLOCK_SIZE_MAX = 65536, NAME_MAX_BYTES = 255, TYPE_NAME_MAX = 16,
       SECOND = 1000000000 };
#define COOKIE_MAX (INT64_MAX - 16)	/* the VFS adds its own places */

uint64_t served_faults[SERVED_FAULTS];
const char *const served_fault_names[SERVED_FAULTS] = {
	"length", "type_name", "node", "mode", "links", "size", "root", "loop", "target", "entry", "entry_name", "cookie", "statfs", "type",
	"removed", "extent", "file",
};

static int fault(enum served_fault which)
{
	atomic_add(&served_faults[which], 1);
	return -EIO;
}

/* The errno of a refusal, as a program may see it. Some would mean something to the VFS: that it asks again, or that memory is to be made free. */
static int refusal(long error)
{
	bool ours = error == -ESTALE || error == -ENOMEM || error == -EAGAIN;

	return error < -ERRNO_MAX || ours ? -EIO : (int)error;
}

static bool mode_is_right(uint32_t mode)
{
	return !(mode & ~(uint32_t)(S_IFMT | 07777)) && (S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode) || S_ISCHR(mode) || S_ISBLK(mode) ||
							 S_ISFIFO(mode) || S_ISSOCK(mode));
}

/* @named: it has a name, surely. */
static int take_attributes(const struct fs_attributes *in, bool named, struct fs_attr *out)
{
	if (!in->node.id)
		return fault(SERVED_BAD_NODE);
	if (!mode_is_right(in->mode))
		return fault(SERVED_BAD_MODE);
	if (named && !in->links)
		return fault(SERVED_BAD_LINKS);
	if (in->size > INT64_MAX)
		return fault(SERVED_BAD_SIZE);
	*out = (struct fs_attr){
		.node = { in->node.id, in->node.generation }, .mode = in->mode, .links = in->links, .uid = in->uid, .gid = in->gid,
		.rdev = S_ISCHR(in->mode) || S_ISBLK(in->mode) ? in->rdev : 0, .size = in->size, .blocks = in->blocks,
		.atime = in->atime, .mtime = in->mtime, .ctime = in->ctime, .btime = in->btime,
	};
	return 0;
}

static bool is_node(struct fs_node_id node, struct fs_node_id other)
{
	return node.id == other.id && node.generation == other.generation;
}

int served_take_root(const void *message, long length, char type[16], struct fs_attr *root, int64_t *time_step)
{
	const struct fs_root_reply *reply = message;
	int error;

	if (length < 0)
		return refusal(length);
	if (length != sizeof(*reply))
		return fault(SERVED_BAD_LENGTH);
	for (size_t i = 0; i < TYPE_NAME_MAX; i++) {
		char c = reply->type[i];

		if (!c && i)
			break;
		if (i == TYPE_NAME_MAX - 1 || c <= ' ' || c > '~')
			return fault(SERVED_BAD_TYPE_NAME);
	}
	error = take_attributes(&reply->root, true, root);
	if (error)
		return error;
	if (!S_ISDIR(root->mode) || reply->time_step > SECOND)
		return fault(SERVED_BAD_ROOT);
	memcpy(type, reply->type, TYPE_NAME_MAX);
	*time_step = reply->time_step;
	return 0;
}

int served_take_lookup(const void *message, long length, struct fs_node_id directory, struct fs_node_id root, struct fs_attr *attr)
{
	const struct fs_lookup_reply *reply = message;
	int error;

	if (length < 0)
		return refusal(length);
	if (length != sizeof(*reply))
		return fault(SERVED_BAD_LENGTH);
	error = take_attributes(&reply->attributes, true, attr);
	if (error)
		return error;
	/* Longer circles are found where names are kept (vfs/dentry.c). */
	return is_node(attr->node, directory) || is_node(attr->node, root) ? fault(SERVED_BAD_LOOP) : 0;
}

/* All of these answers are attributes, and no more. */
_Static_assert(sizeof(struct fs_getattr_reply) == sizeof(struct fs_attributes) && sizeof(struct fs_setattr_reply) == sizeof(struct fs_attributes) &&
	       sizeof(struct fs_link_reply) == sizeof(struct fs_attributes) && sizeof(struct fs_lookup_reply) == sizeof(struct fs_attributes) &&
	       sizeof(struct fs_create_reply) == sizeof(struct fs_attributes) && sizeof(struct fs_mkdir_reply) == sizeof(struct fs_attributes) &&
	       sizeof(struct fs_symlink_reply) == sizeof(struct fs_attributes), "attributes");

int served_take_attributes(const void *message, long length, struct fs_node_id node, bool named, struct fs_attr *attr)
{
	const struct fs_getattr_reply *reply = message;
	int error;

	if (length < 0)
		return refusal(length);
	if (length != sizeof(*reply))
		return fault(SERVED_BAD_LENGTH);
	error = take_attributes(&reply->attributes, named, attr);
	return error ?: is_node(attr->node, node) ? 0 : fault(SERVED_BAD_NODE);
}

int served_take_made(const void *message, long length, struct fs_node_id directory, struct fs_node_id root, uint32_t type, struct fs_attr *attr)
{
	int error = served_take_lookup(message, length, directory, root, attr);

	return error ?: (attr->mode & S_IFMT) == type ? 0 : fault(SERVED_BAD_TYPE);
}

_Static_assert(sizeof(struct fs_unlink_reply) == sizeof(struct fs_rmdir_reply) && offsetof(struct fs_unlink_reply, links) ==
	       offsetof(struct fs_rmdir_reply, links), "the same answer");

int served_take_removed(const void *message, long length, struct fs_node_id directory, struct fs_node_id root, bool was_directory, struct fs_attr *attr)
{
	const struct fs_unlink_reply *reply = message;
	struct fs_node_id node;

	if (length < 0)
		return refusal(length);
	if (length != sizeof(*reply))
		return fault(SERVED_BAD_LENGTH);
	node = (struct fs_node_id){ reply->node.id, reply->node.generation };
	if (!node.id || reply->reserved1 || (was_directory && reply->links) || is_node(node, directory) || is_node(node, root))
		return fault(SERVED_BAD_REMOVED);
	*attr = (struct fs_attr){ .node = node, .links = reply->links };
	return 0;
}

int served_take_renamed(const void *message, long length, struct fs_node_id from, struct fs_node_id to, struct fs_node_id root, bool replaces)
{
	const struct fs_rename_reply *reply = message;
	struct fs_node_id node;

	if (length < 0)
		return refusal(length);
	if (length != sizeof(*reply))
		return fault(SERVED_BAD_LENGTH);
	node = (struct fs_node_id){ reply->replaced.id, reply->replaced.generation };
	if (reply->reserved0 || (node.id ? !replaces : reply->links != 0))
		return fault(SERVED_BAD_REMOVED);
	return node.id && (is_node(node, from) || is_node(node, to) || is_node(node, root)) ? fault(SERVED_BAD_REMOVED) : 0;
}

int served_take_done(const void *message, long length)
{
	return length < 0 ? refusal(length) : length ? fault(SERVED_BAD_LENGTH) : 0;
}

/* Is an answer of @length bytes @head bytes and then *@count, which lies in the head, and at most @most? */
static bool tail_is_right(long length, size_t head, const uint32_t *count, size_t most)
{
	return length >= (long)head && *count <= most && length == (long)(head + *count);
}

int served_take_target(const void *message, long length, char *buf, size_t size)
{
	const struct fs_readlink_reply *reply = message;
	size_t count;

	if (length < 0)
		return refusal(length);
	if (!tail_is_right(length, offsetof(struct fs_readlink_reply, target), &reply->target_length, sizeof(reply->target)))
		return fault(SERVED_BAD_LENGTH);
	count = reply->target_length;
	if (!count || memchr(reply->target, 0, count))
		return fault(SERVED_BAD_TARGET);
	count = MIN(count, size);
	memcpy(buf, reply->target, count);
	return count;
}

int served_take_page(const void *message, long length, void *page)
{
	const struct fs_fill_reply *reply = message;

	if (length < 0)
		return refusal(length);
	if (!tail_is_right(length, offsetof(struct fs_fill_reply, data), &reply->data_length, sizeof(reply->data)))
		return fault(SERVED_BAD_LENGTH);
	memcpy(page, reply->data, reply->data_length);
	return 0;
}

int served_take_statfs(const void *message, long length, struct fs_statfs *out)
{
	const struct fs_statfs_reply *in = message;

	if (length < 0)
		return refusal(length);
	if (length != sizeof(*in))
		return fault(SERVED_BAD_LENGTH);
	if (in->block_size < BLOCK_SIZE_MIN || in->block_size > BLOCK_SIZE_MAX || in->block_size & (in->block_size - 1) ||
	    in->blocks_free > in->blocks || in->files_free > in->files || !in->name_max || in->name_max > NAME_MAX_BYTES)
		return fault(SERVED_BAD_STATFS);
	*out = (struct fs_statfs){ .type = in->type, .block_size = in->block_size, .blocks = in->blocks, .blocks_free = in->blocks_free,
				   .blocks_available = in->blocks_free, .files = in->files, .files_free = in->files_free, .name_max = in->name_max };
	return 0;
}

static bool name_is_right(const char *name, size_t len)
{
	bool dots = name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.'));

	return !dots && !memchr(name, 0, len) && !memchr(name, '/', len);
}

/* The entry at @at of the @left bytes there: how many it takes, or -EIO. */
static long take_entry(const uint8_t *at, size_t left, struct fs_dirent *out)
{
	struct fs_entry entry;
	size_t size;

	if (left < sizeof(entry))
		return fault(SERVED_BAD_ENTRY);
	memcpy(&entry, at, sizeof(entry));
	size = sizeof(entry) + ROUND_UP((size_t)entry.name_length, 8);
	if (!entry.id || !entry.name_length || size > left)
		return fault(SERVED_BAD_ENTRY);
	out->id = entry.id;
	out->next = entry.next;
	out->type = entry.type & 15;
	out->name_len = entry.name_length;
	memcpy(out->name, at + sizeof(entry), entry.name_length);
	if (!name_is_right(out->name, out->name_len))
		return fault(SERVED_BAD_ENTRY_NAME);
	return size;
}

int served_take_entries(const void *message, long length, uint64_t *cookie, bool *end, bool *full, fs_readdir_emit *emit, void *context)
{
	const struct fs_readdir_reply *reply = message;
	size_t at = 0;

	if (length < 0)
		return refusal(length);
	if (!tail_is_right(length, offsetof(struct fs_readdir_reply, entries), &reply->entries_length, sizeof(reply->entries)))
		return fault(SERVED_BAD_LENGTH);
	*end = !reply->entries_length;
	*full = false;
	while (at < reply->entries_length) {
		struct fs_dirent entry;
		long size = take_entry(reply->entries + at, reply->entries_length - at, &entry);

		if (size < 0)
			return size;
		/* Forward, so that every listing ends. */
		if (entry.next <= *cookie || entry.next > COOKIE_MAX)
			return fault(SERVED_BAD_COOKIE);
		if (!emit(context, &entry)) {
			*full = true;
			return 0;
		}
		*cookie = entry.next;
		at += size;
	}
	return 0;
}

/* Is this what follows @next, the file's block that comes next? @end: the first block after what was asked for, @file_end: after the file. */
static bool extent_is_right(const struct fs_extent *extent, uint64_t next, uint64_t end, uint64_t file_end, const struct served_map_request *request,
			    uint64_t blocks)
{
	if (extent->first != next || !extent->count || extent->count > end - next || extent->fresh > request->allocate)
		return false;
	if (!extent->block)
		return !extent->fresh && (!request->allocate || next >= file_end);
	return extent->block < blocks && extent->count <= blocks - extent->block;
}

int served_take_extents(const void *message, long length, const struct served_map_request *request, uint64_t blocks, unsigned block_size,
			struct served_extent *extents, unsigned max, struct served_map_result *result)
{
	const struct fs_map_extents_reply *reply = message;
	uint64_t next = request->first, file_end;
	unsigned count, i;

	if (length < 0)
		return refusal(length);
	if (!tail_is_right(length, offsetof(struct fs_map_extents_reply, extents), &reply->extents_length, sizeof(reply->extents)) ||
	    reply->extents_length % sizeof(struct fs_extent))
		return fault(SERVED_BAD_LENGTH);
	if (reply->size > INT64_MAX)
		return fault(SERVED_BAD_FILE);
	file_end = reply->size / block_size + (reply->size % block_size != 0);
	count = reply->extents_length / sizeof(struct fs_extent);
	for (i = 0; i < count; i++) {
		struct fs_extent extent;

		memcpy(&extent, reply->extents + i * sizeof(extent), sizeof(extent));
		if (!extent_is_right(&extent, next, request->first + request->count, file_end, request, blocks))
			return fault(SERVED_BAD_EXTENT);
		next += extent.count;
		if (i < max)
			extents[i] = (struct served_extent){ extent.first, extent.block, extent.count, extent.fresh };
	}
	if (!count)
		return fault(SERVED_BAD_EXTENT);
	/* It is as long as was asked for as far as the answer goes. */
	if (request->allocate && reply->size < MIN(request->size, next * block_size))
		return fault(SERVED_BAD_FILE);
	*result = (struct served_map_result){ .blocks = reply->blocks, .size = reply->size };
	return MIN(count, max);
}
