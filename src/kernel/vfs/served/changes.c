/* SPDX-License-Identifier: MIT */
/* The operations that change a file system in a server. Each is a request that may be given out again, to the next instance. */
#include "lib/errno.h"
#include "lib/string.h"
#include "sched/clock.h"
#include "vfs/mapped/mapped.h"
#include "vfs/served/ask.h"
#include "vfs/stat_bits.h"

enum { RENAME_KEEP = 4, TARGET_BYTES = 4095 };

_Static_assert(SERVED_REQUESTS == (FS_SYNC & 0xffff) + 1, "a counter for each request");
_Static_assert(FS_RENAME_NOREPLACE == 1 && FS_RENAME_EXCHANGE == 2, "flags as in fs.def");
_Static_assert(FS_SET_MODE == 1 && FS_SET_UID == 2 && FS_SET_GID == 4 && FS_SET_SIZE == 8 && FS_SET_ATIME == 16 && FS_SET_MTIME == 32 &&
	       FS_SET_CTIME == 64, "masks as in fs.def");

int served_setattr(struct fs *fs, struct fs_node_id node, unsigned mask, const struct fs_attr *in, struct fs_attr *out)
{
	struct fs_setattr_request request = {
		.node = inode_of(node), .mask = mask, .mode = in->mode & 07777, .uid = in->uid, .gid = in->gid, .size = in->size,
		.atime = in->atime, .mtime = in->mtime, .ctime = in->ctime,
	};
	struct kernel_call *call = kernel_call_begin();
	long length;

	if (!call)
		return -ENOMEM;
	length = served_ask(served_of(fs), call, FS_SETATTR, &request, sizeof(request));
	return served_done(served_of(fs), call, length, served_take_attributes(kernel_call_payload(call), length, node, false, out));
}

/* A call that blocks may be needed for. */
static struct kernel_call *begin_with_blocks(struct fs *fs)
{
	if (served_of(fs)->mapped)
		mapped_make_room(served_of(fs)->mapped);
	return kernel_call_begin();
}

/* When what is made was made. */
static int64_t birth(const struct fs_attr *in)
{
	return in->ctime ? in->ctime : (int64_t)clock_realtime_ns();
}

int served_create(struct fs *fs, struct fs_node_id dir, const char *name, size_t len, const struct fs_attr *in, struct fs_attr *out)
{
	struct kernel_call *call = begin_with_blocks(fs);
	struct fs_create_request *request;
	long length;

	if (!call)
		return -ENOMEM;
	request = kernel_call_payload(call);
	request->directory = inode_of(dir);
	request->mode = in->mode;
	request->uid = in->uid;
	request->gid = in->gid;
	request->reserved0 = 0;
	request->rdev = S_ISCHR(in->mode) || S_ISBLK(in->mode) ? in->rdev : 0;
	request->time = birth(in);
	request->name_length = len;
	memcpy(request->name, name, len);
	length = served_send(served_of(fs), call, FS_CREATE, offsetof(struct fs_create_request, name) + len);
	return served_done(served_of(fs), call, length, served_take_made(request, length, dir, fs->root, in->mode & S_IFMT, out));
}

int served_mkdir(struct fs *fs, struct fs_node_id dir, const char *name, size_t len, const struct fs_attr *in, struct fs_attr *out)
{
	struct kernel_call *call = begin_with_blocks(fs);
	struct fs_mkdir_request *request;
	long length;

	if (!call)
		return -ENOMEM;
	request = kernel_call_payload(call);
	memset(request, 0, offsetof(struct fs_mkdir_request, name));
	request->directory = inode_of(dir);
	request->mode = in->mode;
	request->uid = in->uid;
	request->gid = in->gid;
	request->time = birth(in);
	request->name_length = len;
	memcpy(request->name, name, len);
	length = served_send(served_of(fs), call, FS_MKDIR, offsetof(struct fs_mkdir_request, name) + len);
	return served_done(served_of(fs), call, length, served_take_made(request, length, dir, fs->root, S_IFDIR, out));
}

int served_symlink(struct fs *fs, struct fs_node_id dir, const char *name, size_t len, const char *target, size_t target_len, const struct fs_attr *in,
		   struct fs_attr *out)
{
	struct fs_symlink_request *request;
	struct kernel_call *call;
	long length;

	if (target_len > TARGET_BYTES)
		return -ENAMETOOLONG;
	call = begin_with_blocks(fs);
	if (!call)
		return -ENOMEM;
	request = kernel_call_payload(call);
	request->directory = inode_of(dir);
	request->uid = in->uid;
	request->gid = in->gid;
	request->time = birth(in);
	request->name_size = len;
	request->text_length = len + target_len;
	memcpy(request->text, name, len);
	memcpy(request->text + len, target, target_len);
	length = served_send(served_of(fs), call, FS_SYMLINK, offsetof(struct fs_symlink_request, text) + request->text_length);
	return served_done(served_of(fs), call, length, served_take_made(request, length, dir, fs->root, S_IFLNK, out));
}

int served_link(struct fs *fs, struct fs_node_id node, struct fs_node_id dir, const char *name, size_t len, struct fs_attr *out)
{
	struct kernel_call *call = begin_with_blocks(fs);
	struct fs_link_request *request;
	long length;

	if (!call)
		return -ENOMEM;
	request = kernel_call_payload(call);
	request->node = inode_of(node);
	request->directory = inode_of(dir);
	request->time = clock_realtime_ns();
	request->name_length = len;
	memcpy(request->name, name, len);
	length = served_send(served_of(fs), call, FS_LINK, offsetof(struct fs_link_request, name) + len);
	return served_done(served_of(fs), call, length, served_take_attributes(request, length, node, true, out));
}

_Static_assert(sizeof(struct fs_unlink_request) == sizeof(struct fs_rmdir_request) && offsetof(struct fs_unlink_request, name) ==
	       offsetof(struct fs_rmdir_request, name) && offsetof(struct fs_unlink_request, time) == offsetof(struct fs_rmdir_request, time) &&
	       offsetof(struct fs_unlink_request, unused) == offsetof(struct fs_rmdir_request, unused), "the same question");

/* A node may be in use, by who has it open or just looked it up: it stays until release, unless it is known to be @unused (vnode_seclude_locked). */
static int remove_name(struct fs *fs, struct fs_node_id dir, const char *name, size_t len, bool directory, struct fs_attr *out)
{
	struct kernel_call *call = kernel_call_begin();
	struct fs_unlink_request *request;
	uint64_t unused = directory ? 0 : out->node.id;
	int64_t now = clock_realtime_ns();
	long length;
	int result;

	if (!call)
		return -ENOMEM;
	request = kernel_call_payload(call);
	request->directory = inode_of(dir);
	request->time = now;
	request->unused = unused;
	request->name_length = len;
	memcpy(request->name, name, len);
	length = served_send(served_of(fs), call, directory ? FS_RMDIR : FS_UNLINK, offsetof(struct fs_unlink_request, name) + len);
	result = served_take_removed(request, length, dir, fs->root, directory, out);
	out->ctime = now;
	if (!result && unused && out->node.id == unused && !out->links)
		result = FS_NODE_ENDED;
	return served_done(served_of(fs), call, length, result);
}

int served_unlink(struct fs *fs, struct fs_node_id dir, const char *name, size_t len, struct fs_attr *out)
{
	return remove_name(fs, dir, name, len, false, out);
}

int served_rmdir(struct fs *fs, struct fs_node_id dir, const char *name, size_t len, struct fs_attr *out)
{
	return remove_name(fs, dir, name, len, true, out);
}

int served_rename(struct fs *fs, struct fs_node_id from_dir, const char *from, size_t from_len, struct fs_node_id to_dir, const char *to, size_t to_len,
		  unsigned flags, struct fs_replaced *replaced)
{
	bool replaces = !(flags & (FS_RENAME_NOREPLACE | FS_RENAME_EXCHANGE));
	struct kernel_call *call = begin_with_blocks(fs);
	struct fs_rename_request *request;
	const struct fs_rename_reply *reply;
	long length;
	int error;

	if (!call)
		return -ENOMEM;
	request = kernel_call_payload(call);
	request->from = inode_of(from_dir);
	request->to = inode_of(to_dir);
	request->time = clock_realtime_ns();
	request->flags = flags | RENAME_KEEP;
	request->from_size = from_len;
	request->names_length = from_len + to_len;
	memcpy(request->names, from, from_len);
	memcpy(request->names + from_len, to, to_len);
	length = served_send(served_of(fs), call, FS_RENAME, offsetof(struct fs_rename_request, names) + request->names_length);
	error = served_take_renamed(request, length, from_dir, to_dir, fs->root, replaces);
	reply = kernel_call_payload(call);
	if (!error)
		*replaced = (struct fs_replaced){ { reply->replaced.id, reply->replaced.generation }, reply->links };
	return served_done(served_of(fs), call, length, error);
}

/* If it fails the node stays until the file system is checked, or adopted by the next instance. */
void served_release(struct fs *fs, struct fs_node_id node)
{
	struct fs_inode inode = inode_of(node);
	struct kernel_call *call;
	long length;

	if (!served_of(fs)->started)
		return;
	call = kernel_call_begin();
	if (!call)
		return;
	length = served_ask(served_of(fs), call, FS_RELEASE, &inode, sizeof(inode));
	served_done(served_of(fs), call, length, served_take_done(kernel_call_payload(call), length));
}

int served_start(struct served *served)
{
	struct fs_start_request request = { .time = clock_realtime_ns() };
	struct kernel_call *call = kernel_call_begin();
	long length;

	if (!call)
		return -ENOMEM;
	length = served_ask(served, call, FS_START, &request, sizeof(request));
	return served_done(served, call, length, served_take_done(kernel_call_payload(call), length));
}

static int ask_sync(struct served *served, bool clean)
{
	struct fs_sync_request request = { .time = clock_realtime_ns(), .clean = clean };
	struct kernel_call *call = kernel_call_begin();
	long length;

	if (!call)
		return -ENOMEM;
	length = served_ask(served, call, FS_SYNC, &request, sizeof(request));
	return served_done(served, call, length, served_take_done(kernel_call_payload(call), length));
}

int served_sync_as(struct served *served, bool clean)
{
	int error = 0, disk_error = 0;

	/* The totals come after what was promised. Whether it went well shows where the pages are written. */
	if (served->mapped)
		mapped_keep_all_promises(served->mapped);
	if (served->started)
		error = ask_sync(served, clean);
	/* Whatever the server said, what it has changed goes to the disk. */
	if (served->cache)
		disk_error = block_sync(served->cache, &served->mark);
	return disk_error ?: error;
}

int served_remount(struct fs *fs, bool read_only)
{
	int error;

	atomic_store(&served_of(fs)->clean, false);
	if (!read_only)
		return served_start(served_of(fs));
	/* Pages may need blocks, so they are written before the file system is marked as clean. */
	error = served_sync_as(served_of(fs), false);
	(void)atomic_exchange(&served_of(fs)->clean, true);
	return served_drain(fs) ?: served_sync_as(served_of(fs), true) ?: error;
}

int served_sync(struct fs *fs)
{
	return served_sync_as(served_of(fs), false);
}
