/* SPDX-License-Identifier: MIT */
/*
 * An instance knows nothing at first. The one that is asked for the root, or to start, mounts; any other goes on with what an instance that died left
 * (EXT2_ADOPT). A request that a dying instance held is asked again, and was not committed: the last commit of each is its answer.
 */
#include "handlers.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum { EXT2_F_TYPE = 0xef53, NAME_MAX_LENGTH = 255, ROOT = 2 };

/* The library's; of its blocks only those are touched that it keeps, or one transaction has needed. */
static _Alignas(4096) uint8_t memory[352 << 10];

static struct ext2_server *server_of(const struct server_call *call)
{
	return call->server->context;
}

static void alive(void *context)
{
	server_beat(context);
}

/* The library's own errors, and those that mean nothing to programs, stay here. */
static int to_error(int result)
{
	switch (result) {
	case -ESTALE: case -EUCLEAN: case -EAGAIN: case -EINTR: case -EBADF: case -ENOTCONN: case -EFAULT:
		return -EIO;
	default:
		return result < 0 ? result : 0;
	}
}

static int mount_disk(struct server_call *call, unsigned flags)
{
	struct ext2_server *server = server_of(call);
	bool started;
	int error;

	server->fs = NULL;
	server->blocks.alive = alive;
	server->blocks.context = call->server;
	error = blocks_open(&server->blocks, call->server->port, &started);
	if (error)
		return error;
	server->adopted = flags & EXT2_ADOPT;
	return ext2_mount(&server->blocks.io, memory, sizeof(memory), flags, &server->fs);
}

/* Mounted, and what follows is done for this call. 0 or an errno. */
static int begin_any(struct server_call *call, const void *answer, unsigned length)
{
	struct ext2_server *server = server_of(call);
	int error = server->fs ? 0 : mount_disk(call, EXT2_ADOPT);

	if (error)
		server->fs = NULL;
	else
		blocks_begin(&server->blocks, call->token, answer, length);
	return to_error(error);
}

static int do_forget_kept(struct ext2_txn *txn, void *arguments)
{
	(void)arguments;
	return ext2_forget_kept(txn, NULL);
}

/* Ends what a rename has left that will not be asked again, if it has. Where the disk fails, that stays until the next request. */
static void end_rename(struct ext2_server *server)
{
	if (!server->fs || !ext2_may_have_kept(server->fs))
		return;
	blocks_begin(&server->blocks, 0, NULL, 0);
	ext2_run(server->fs, do_forget_kept, NULL, NULL, 0);
}

/* The same, with nothing left of a rename whose caller and server died: it is nobody's to see. */
static int begin(struct server_call *call, const void *answer, unsigned length)
{
	struct ext2_server *server = server_of(call);
	int error = begin_any(call, answer, length);

	if (error || !ext2_may_have_kept(server->fs))
		return error;
	end_rename(server);
	return begin_any(call, answer, length);
}

/* Runs an operation for the call that was begun. */
static int run(struct ext2_server *server, ext2_operation *operation, void *arguments)
{
	int result = ext2_run(server->fs, operation, arguments, NULL, 0);

	return server->blocks.answered ? SERVER_ANSWERED : to_error(result);
}

/* Runs an operation that changes something, and answers. */
static int change(struct server_call *call, ext2_operation *operation, void *arguments, const void *answer, unsigned length)
{
	int result = begin(call, answer, length);

	return result ? result : run(server_of(call), operation, arguments);
}

/* ext2's numbers are of 32 bits. One that is not is nobody's: 0 is none, and no generation is the largest of a node that is nobody's. */
static struct ext2_node to_node(struct fs_inode inode)
{
	bool fits = inode.id <= UINT32_MAX && inode.generation <= UINT32_MAX;

	return fits ? (struct ext2_node){ inode.id, inode.generation } : (struct ext2_node){ 0, UINT32_MAX };
}

static struct ext2_name to_name(const uint8_t *bytes, uint32_t length)
{
	return (struct ext2_name){ (const char *)bytes, length };
}

static void put_attributes(const struct ext2_attr *attr, struct fs_attributes *out)
{
	*out = (struct fs_attributes){ .node = { attr->node.id, attr->node.generation }, .mode = attr->mode, .links = attr->links, .uid = attr->uid,
				       .gid = attr->gid, .rdev = attr->rdev, .size = attr->size, .blocks = attr->blocks, .atime = attr->atime,
				       .mtime = attr->mtime, .ctime = attr->ctime, .btime = attr->btime };
}

/* ---- The file system ---- */

static int on_root(struct server_call *call, struct fs_root_reply *reply)
{
	struct ext2_attr attr;
	struct ext2_txn *txn;
	int error = mount_disk(call, 0);

	if (error) {
		server_of(call)->fs = NULL;
		return to_error(error);
	}
	txn = ext2_begin(server_of(call)->fs, false);
	error = ext2_getattr(txn, (struct ext2_node){ ROOT, 0 }, &attr);
	ext2_abort(txn);
	memcpy(reply->type, "ext2", 5);
	put_attributes(&attr, &reply->root);
	reply->time_step = ext2_time_step(server_of(call)->fs);
	return to_error(error);
}

static int do_start(struct ext2_txn *txn, void *arguments)
{
	return ext2_start(txn, *(const int64_t *)arguments);
}

/* Nothing is in use before it is answered, so whoever is asked begins, even if one that died had begun. No commit of it is an answer. */
static int on_start(struct server_call *call, const struct fs_start_request *request)
{
	struct ext2_server *server = server_of(call);
	int64_t time = request->time;
	int result = server->fs && !server->adopted ? 0 : mount_disk(call, 0);

	if (result) {
		server->fs = NULL;
		return to_error(result);
	}
	if (ext2_is_read_only(server->fs))
		return -EROFS;
	blocks_begin(&server->blocks, call->token, NULL, 0);
	result = ext2_run(server->fs, do_start, &time, NULL, 0);
	/* An orphan is broken: without it. */
	if (result == -EUCLEAN)
		result = ext2_run(server->fs, do_start, &time, NULL, 0);
	/* That it stays small is in the log, and no reason to have nothing. */
	if (!result && server->grow) {
		result = ext2_grow_all(server->fs);
		result = result == -EOPNOTSUPP || result == -ENOSPC ? 0 : result;
	}
	return to_error(result);
}

static int on_statfs(struct server_call *call, struct fs_statfs_reply *reply)
{
	struct ext2_statfs statfs;
	int error = begin(call, NULL, 0);

	if (error)
		return error;
	ext2_statfs(server_of(call)->fs, &statfs);
	*reply = (struct fs_statfs_reply){ .type = EXT2_F_TYPE, .block_size = statfs.block_size, .blocks = statfs.blocks, .blocks_free = statfs.blocks_free,
					   .files = statfs.inodes, .files_free = statfs.inodes_free, .name_max = NAME_MAX_LENGTH };
	return 0;
}

struct sync { int64_t time; bool clean; };

static int do_sync(struct ext2_txn *txn, void *arguments)
{
	const struct sync *sync = arguments;

	return ext2_sync(txn, sync->time, sync->clean);
}

static int on_sync(struct server_call *call, const struct fs_sync_request *request)
{
	struct sync sync = { request->time, request->clean };

	return change(call, do_sync, &sync, "", 0);
}

/* ---- What is only read ---- */

static int on_lookup(struct server_call *call, const struct fs_lookup_request *request, struct fs_lookup_reply *reply)
{
	struct ext2_attr attr;
	struct ext2_txn *txn;
	int error = begin(call, NULL, 0);

	if (error)
		return error;
	txn = ext2_begin(server_of(call)->fs, false);
	error = ext2_lookup(txn, to_node(request->directory), to_name(request->name, request->name_length), &attr);
	ext2_abort(txn);
	if (!error)
		put_attributes(&attr, &reply->attributes);
	return to_error(error);
}

static int on_getattr(struct server_call *call, const struct fs_getattr_request *request, struct fs_getattr_reply *reply)
{
	struct ext2_attr attr;
	struct ext2_txn *txn;
	int error = begin(call, NULL, 0);

	if (error)
		return error;
	txn = ext2_begin(server_of(call)->fs, false);
	error = ext2_getattr(txn, to_node(request->node), &attr);
	ext2_abort(txn);
	if (!error)
		put_attributes(&attr, &reply->attributes);
	return to_error(error);
}

static int on_readlink(struct server_call *call, const struct fs_readlink_request *request, struct fs_readlink_reply *reply)
{
	struct ext2_txn *txn;
	int length = begin(call, NULL, 0);

	if (length)
		return length;
	txn = ext2_begin(server_of(call)->fs, false);
	length = ext2_readlink(txn, to_node(request->node), (char *)reply->target, sizeof(reply->target));
	ext2_abort(txn);
	reply->target_length = length > 0 ? length : 0;
	return to_error(length);
}

static bool take_entry(void *context, const struct ext2_seen *seen)
{
	struct fs_readdir_reply *reply = context;
	struct fs_entry entry = { .id = seen->id, .next = seen->next, .type = seen->type, .name_length = seen->name_len };
	uint32_t padded = (seen->name_len + 7u) & ~7u;
	uint8_t *to = reply->entries + reply->entries_length;

	if (sizeof(entry) + padded > sizeof(reply->entries) - reply->entries_length)
		return false;
	memcpy(to, &entry, sizeof(entry));
	memset(to + sizeof(entry) + padded - 8, 0, 8);
	memcpy(to + sizeof(entry), seen->name, seen->name_len);
	reply->entries_length += sizeof(entry) + padded;
	return true;
}

static int on_readdir(struct server_call *call, const struct fs_readdir_request *request, struct fs_readdir_reply *reply)
{
	struct ext2_txn *txn;
	int error = begin(call, NULL, 0);

	if (error)
		return error;
	txn = ext2_begin(server_of(call)->fs, false);
	error = ext2_list(txn, to_node(request->directory), request->cookie, take_entry, reply);
	ext2_abort(txn);
	return to_error(error);
}

/* ---- What changes inodes ---- */

struct setattr { const struct fs_setattr_request *request; struct fs_setattr_reply *reply; };

static int do_setattr(struct ext2_txn *txn, void *arguments)
{
	const struct setattr *setattr = arguments;
	const struct fs_setattr_request *request = setattr->request;
	struct ext2_attr attr = { .mode = request->mode, .uid = request->uid, .gid = request->gid, .size = request->size, .atime = request->atime,
				  .mtime = request->mtime, .ctime = request->ctime }, after;
	int result = ext2_setattr(txn, to_node(request->node), request->mask, &attr, &after);

	if (!result)
		put_attributes(&after, &setattr->reply->attributes);
	return result;
}

static int on_setattr(struct server_call *call, const struct fs_setattr_request *request, struct fs_setattr_reply *reply)
{
	struct setattr setattr = { request, reply };
	unsigned all = EXT2_MODE | EXT2_UID | EXT2_GID | EXT2_SIZE | EXT2_ATIME | EXT2_MTIME | EXT2_CTIME;

	return request->mask & ~all ? -EINVAL : change(call, do_setattr, &setattr, reply, sizeof(*reply));
}

enum { EXTENTS_MAX = sizeof(((struct fs_map_extents_reply *)0)->extents) / sizeof(struct fs_extent) };

struct map { struct ext2_map map; struct fs_map_extents_reply *reply; struct blocks *blocks; };

static int do_map(struct ext2_txn *txn, void *arguments)
{
	static struct ext2_extent extents[EXTENTS_MAX];
	struct map *map = arguments;
	struct fs_map_extents_reply *reply = map->reply;
	int count = ext2_map(txn, &map->map, extents, EXTENTS_MAX);

	if (count < 0)
		return count;
	reply->blocks = map->map.sectors_after;
	reply->size = map->map.size_after;
	reply->extents_length = count * sizeof(struct fs_extent);
	for (int i = 0; i < count; i++) {
		struct fs_extent extent = { .first = extents[i].first, .block = extents[i].block, .count = extents[i].count, .fresh = extents[i].fresh };

		memcpy(reply->extents + i * sizeof(extent), &extent, sizeof(extent));
	}
	map->blocks->answer_length = offsetof(struct fs_map_extents_reply, extents) + reply->extents_length;
	return 0;
}

static int on_map_extents(struct server_call *call, const struct fs_map_extents_request *request, struct fs_map_extents_reply *reply)
{
	struct map map = { .map = { .node = to_node(request->node), .first = request->first, .count = request->count, .allocate = request->allocate != 0,
				    .privileged = request->privileged != 0, .size = request->allocate ? request->size : 0, .time = request->time },
			   .reply = reply, .blocks = &server_of(call)->blocks };

	return request->count ? change(call, do_map, &map, reply, 0) : -EINVAL;
}

static int do_release(struct ext2_txn *txn, void *arguments)
{
	return ext2_release(txn, *(const struct ext2_node *)arguments);
}

static int on_release(struct server_call *call, const struct fs_release_request *request)
{
	struct ext2_node node = to_node(request->node);

	return node.id ? change(call, do_release, &node, "", 0) : 0;
}

/* ---- What changes names ---- */

struct create { struct ext2_new new; struct fs_attributes *attributes; };

static int do_create(struct ext2_txn *txn, void *arguments)
{
	const struct create *create = arguments;
	struct ext2_attr attr;
	int result = ext2_create(txn, &create->new, &attr);

	if (!result)
		put_attributes(&attr, create->attributes);
	return result;
}

static int on_create(struct server_call *call, const struct fs_create_request *request, struct fs_create_reply *reply)
{
	struct create create = { .new = { .dir = to_node(request->directory), .name = to_name(request->name, request->name_length), .mode = request->mode,
					  .uid = request->uid, .gid = request->gid, .rdev = request->rdev, .time = request->time },
				 .attributes = &reply->attributes };

	if (request->mode > UINT16_MAX || S_ISDIR(request->mode) || S_ISLNK(request->mode))
		return -EINVAL;
	return change(call, do_create, &create, reply, sizeof(*reply));
}

static int on_mkdir(struct server_call *call, const struct fs_mkdir_request *request, struct fs_mkdir_reply *reply)
{
	struct create create = { .new = { .dir = to_node(request->directory), .name = to_name(request->name, request->name_length),
					  .mode = S_IFDIR | (request->mode & ~S_IFMT & UINT16_MAX), .uid = request->uid, .gid = request->gid,
					  .time = request->time },
				 .attributes = &reply->attributes };

	return change(call, do_create, &create, reply, sizeof(*reply));
}

static int on_symlink(struct server_call *call, const struct fs_symlink_request *request, struct fs_symlink_reply *reply)
{
	uint32_t size = request->name_size;
	struct create create = { .new = { .dir = to_node(request->directory), .name = to_name(request->text, size), .mode = S_IFLNK | 0777,
					  .uid = request->uid, .gid = request->gid, .time = request->time },
				 .attributes = &reply->attributes };

	if (!size || size >= request->text_length)
		return -EINVAL;
	create.new.target = to_name(request->text + size, request->text_length - size);
	return change(call, do_create, &create, reply, sizeof(*reply));
}

static int do_link(struct ext2_txn *txn, void *arguments)
{
	const struct create *link = arguments;
	struct fs_attributes *out = link->attributes;
	struct ext2_attr attr;
	int result = ext2_link(txn, (struct ext2_node){ out->node.id, out->node.generation }, link->new.dir, link->new.name, link->new.time, &attr);

	if (!result)
		put_attributes(&attr, out);
	return result;
}

static int on_link(struct server_call *call, const struct fs_link_request *request, struct fs_link_reply *reply)
{
	struct create link = { .new = { .dir = to_node(request->directory), .name = to_name(request->name, request->name_length), .time = request->time },
			       .attributes = &reply->attributes };
	struct ext2_node node = to_node(request->node);

	reply->attributes.node = (struct fs_inode){ node.id, node.generation };
	return change(call, do_link, &link, reply, sizeof(*reply));
}

/* What was removed is in use by nobody, but was too large to end with its name: freed after the answer. Should this end, the next start does it. */
static void free_removed(struct server_call *call, const struct ext2_removed *removed, bool keep)
{
	struct ext2_server *server = server_of(call);
	struct ext2_node node = removed->attr.node;

	if (!removed->to_release || keep)
		return;
	blocks_begin(&server->blocks, 0, NULL, 0);
	ext2_run(server->fs, do_release, &node, NULL, 0);
}

struct removal {
	struct ext2_node directory;
	struct ext2_name name;
	unsigned flags;
	int64_t time;
	struct ext2_removed removed;
	struct fs_inode *node;
	uint32_t *links;
};

static int do_remove(struct ext2_txn *txn, void *arguments)
{
	struct removal *removal = arguments;
	int result = ext2_remove(txn, removal->directory, removal->name, removal->flags, removal->time, &removal->removed);

	*removal->node = (struct fs_inode){ removal->removed.attr.node.id, removal->removed.attr.node.generation };
	*removal->links = removal->removed.attr.links;
	return result;
}

static int on_remove(struct server_call *call, struct removal *removal, const void *reply, unsigned length)
{
	int result = change(call, do_remove, removal, reply, length);

	if (result == SERVER_ANSWERED)
		free_removed(call, &removal->removed, removal->removed.attr.node.id != removal->removed.unused);
	return result;
}

static int on_unlink(struct server_call *call, const struct fs_unlink_request *request, struct fs_unlink_reply *reply)
{
	struct removal removal = { .directory = to_node(request->directory), .name = to_name(request->name, request->name_length),
				   .flags = EXT2_KEEP, .time = request->time, .removed.unused = request->unused, .node = &reply->node,
				   .links = &reply->links };

	return on_remove(call, &removal, reply, sizeof(*reply));
}

static int on_rmdir(struct server_call *call, const struct fs_rmdir_request *request, struct fs_rmdir_reply *reply)
{
	struct removal removal = { .directory = to_node(request->directory), .name = to_name(request->name, request->name_length),
				   .flags = EXT2_DIRECTORY | EXT2_KEEP, .time = request->time, .removed.unused = request->unused, .node = &reply->node,
				   .links = &reply->links };

	return on_remove(call, &removal, reply, sizeof(*reply));
}

struct move { struct ext2_rename rename; struct ext2_removed removed; struct fs_rename_reply *reply; };

static int do_rename(struct ext2_txn *txn, void *arguments)
{
	struct move *move = arguments;
	int result = ext2_rename(txn, &move->rename, &move->removed);

	move->reply->replaced = (struct fs_inode){ move->removed.attr.node.id, move->removed.attr.node.generation };
	move->reply->links = move->removed.attr.links;
	return result;
}

static int on_rename(struct server_call *call, const struct fs_rename_request *request, struct fs_rename_reply *reply)
{
	struct ext2_server *server = server_of(call);
	struct move move = { .reply = reply };
	uint32_t size = request->from_size;
	int result;

	_Static_assert(EXT2_NOREPLACE == 1 && EXT2_EXCHANGE == 2 && EXT2_KEEP_TARGET == 4, "as the protocol has them");
	if (!size || size >= request->names_length || request->flags > 7)
		return -EINVAL;
	move.rename = (struct ext2_rename){ to_node(request->from), to_node(request->to), to_name(request->names, size),
					    to_name(request->names + size, request->names_length - size), request->flags, request->time };
	result = begin_any(call, reply, sizeof(*reply));
	if (!result)
		result = run(server, do_rename, &move);
	if (result == SERVER_ANSWERED)
		free_removed(call, &move.removed, request->flags & EXT2_KEEP_TARGET);
	end_rename(server);
	return result;
}

const struct fs_operations ext2_operations = {
	.root = on_root, .lookup = on_lookup, .getattr = on_getattr, .readlink = on_readlink, .readdir = on_readdir, .statfs = on_statfs, .start = on_start,
	.setattr = on_setattr, .create = on_create, .mkdir = on_mkdir, .symlink = on_symlink, .link = on_link, .unlink = on_unlink, .rmdir = on_rmdir,
	.rename = on_rename, .map_extents = on_map_extents, .release = on_release, .sync = on_sync,
};
