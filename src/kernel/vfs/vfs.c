/* SPDX-License-Identifier: MIT */
/* The start of the VFS, the first root, and figures about it. */
#include "vfs/mount.h"
#include "lib/log.h"
#include "net/net.h"
#include "vfs/dentry_cache.h"
#include "vfs/epoll.h"
#include "vfs/fd_table.h"
#include "vfs/file_life.h"
#include "vfs/filesystems.h"
#include "vfs/fs_context.h"
#include "vfs/fs_registry.h"
#include "vfs/memfd.h"
#include "vfs/mount_list.h"
#include "vfs/path_ready.h"
#include "vfs/pipe.h"
#include "vfs/vfs_stats.h"
#include "vfs/vnode_cache.h"

void vfs_init(void)
{
	dentry_init();
	mount_init();
	vnode_cache_init();
	file_init();
	fd_table_init();
	pipe_init();
	epoll_init();
	net_init();
	filesystems_init();
	memfd_init();
	if (!path_ready_init_cpu(this_cpu()))
		panic("vfs: no memory for the boot CPU's path");
}

int vfs_mount_root(const void *image, size_t len)
{
	struct fs *lower, *fs;
	struct mount *mount;
	struct path root;
	int error = ext2_mount_memory(image, len, &lower);

	if (error) {
		log_error("vfs: the root image cannot be used (error %d)", -error);
		return error;
	}
	error = tmpfs_create(lower, "", &fs);
	if (!error)
		error = mount_create_fs(fs, "", "root", 0, &mount);
	if (error) {
		log_error("vfs: no root file system (error %d)", -error);
		return error;
	}
	mount_attach_root(mount);
	root = (struct path){ mount, mount->root };
	fs_context_init(&root);
	mount_put(mount);
	return 0;
}

void vfs_get_stats(struct vfs_stats *stats)
{
	*stats = (struct vfs_stats){
		.files = file_count(), .dentries = dentry_cache_total(), .dentries_cached = dentry_cache_hashed(),
		.vnodes = vnode_cache_total(), .vnodes_cached = vnode_cache_cached(), .mounts = mount_count(), .pipes = pipe_count(),
	};
}

void vfs_drop_caches(void)
{
	size_t before, after = dentry_cache_hashed();

	do {
		before = after;
		/* Twice: the first visit takes the marks of recent use away. */
		dentry_cache_shrink_all();
		dentry_cache_shrink_all();
		after = dentry_cache_hashed();
	} while (after < before);
	vnode_cache_shrink_all();
}
