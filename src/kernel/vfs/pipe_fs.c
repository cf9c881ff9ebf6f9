/* SPDX-License-Identifier: MIT */
/* Where pipes live, so that /proc/PID/fd/N of a pipe can be opened again. */
#include "vfs/pipe_fs.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "process/credentials.h"
#include "sched/clock.h"
#include "vfs/file.h"
#include "vfs/fs_registry.h"
#include "vfs/mount_tree.h"
#include <linux/stat.h>

enum { PIPE_FS_MAGIC = 0x50495045 };

static uint64_t last_pipe_id;		/* atomic */
static struct mount *pipe_mount;

static int new_place(const struct fs_attr *attr, const char *name, struct path *path)
{
	struct vnode *vnode = vnode_create_private(pipe_mount->fs, attr);

	if (!vnode)
		return -ENOMEM;
	path->dentry = dentry_create_root(vnode, name);
	if (!path->dentry)
		return -ENOMEM;
	mount_get(pipe_mount);
	path->mount = pipe_mount;
	return 0;
}

int pipe_fs_new_place(struct path *path)
{
	uint64_t id = atomic_add(&last_pipe_id, 1);
	const struct credentials *credentials = credentials_current();
	int64_t now = clock_realtime_ns();
	struct fs_attr attr = { .node.id = id + 1, .mode = S_IFIFO | 0600, .links = 1, .uid = credentials->fsuid, .gid = credentials->fsgid,
				.atime = now, .mtime = now, .ctime = now, .btime = now };
	char name[32] __attribute__((aligned(8)));

	snprintf(name, sizeof(name), "pipe:[%llu]", (unsigned long long)id + 1);
	return new_place(&attr, name, path);
}

COLD int pipe_fs_place_of(struct file *file, struct path *path)
{
	struct fs_attr attr;
	int error = file_getattr(file, &attr);

	if (error)
		return error;
	if ((attr.mode & S_IFMT) != S_IFSOCK)
		attr.mode &= ~S_IFMT;
	return new_place(&attr, "anon_inode", path);
}

uint64_t pipe_fs_dev(void)
{
	return pipe_mount->fs->dev;
}

/* Not asked for pipes, which are opened as FIFOs. */
static int pipe_fs_open(struct fs *fs, struct fs_node_id node, struct file *file)
{
	return -ENXIO;
}

static int pipe_fs_setattr(struct fs *fs, struct fs_node_id node, unsigned mask, const struct fs_attr *in, struct fs_attr *out)
{
	return 0;	/* a pipe's attributes live in its vnode only */
}

static int pipe_fs_statfs(struct fs *fs, struct fs_statfs *out)
{
	*out = (struct fs_statfs){ .type = PIPE_FS_MAGIC, .block_size = PAGE_SIZE, .name_max = NAME_MAX_LEN };
	return 0;
}

static const struct fs_ops pipe_fs_ops = { .setattr = pipe_fs_setattr, .statfs = pipe_fs_statfs, .open = pipe_fs_open };
static struct fs pipe_fs = { .ops = &pipe_fs_ops, .type = "pipefs", .root = { 1, 0 } };

int pipe_fs_init(void)
{
	fs_register_instance(&pipe_fs);
	fs_get(&pipe_fs);	/* it never ends, also when it cannot be mounted */
	return mount_create_fs(&pipe_fs, "", "pipefs", 0, &pipe_mount);
}
