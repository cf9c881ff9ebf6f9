/* SPDX-License-Identifier: MIT */
/* The file-system types that mount(2) knows, and the instances' device numbers and lives. Types are registered at boot and stay. */
#include "vfs/fs_registry.h"
#include "lib/string.h"
#include "sync/spinlock.h"
#include "vfs/worker.h"
#include "vfs/watch.h"

static struct spinlock types_lock = SPINLOCK_INIT(LOCK_FILESYSTEM_TYPES);
static struct list types = LIST_INIT(types);	/* types_lock */
static uint64_t last_dev;			/* atomic */

void fs_type_register(struct fs_type *type)
{
	spin_lock(&types_lock);
	list_push_back(&types, &type->link);
	spin_unlock(&types_lock);
}

struct fs_type *fs_type_find(const char *name)
{
	struct fs_type *type, *found = NULL;

	spin_lock(&types_lock);
	list_for_each(type, &types, link)
		if (!strcmp(type->name, name))
			found = type;
	spin_unlock(&types_lock);
	return found;
}

struct fs_type *fs_type_next(struct fs_type *previous)
{
	struct list *next;

	spin_lock(&types_lock);
	next = previous ? previous->link.next : types.next;
	spin_unlock(&types_lock);
	return next == &types ? NULL : list_entry(next, struct fs_type, link);
}

void fs_register_instance(struct fs *fs)
{
	refcount_init(&fs->refs, 1);
	fs->worker = NULL;
	mutex_init(&fs->remount_lock, LOCK_REMOUNT);
	list_init(&fs->mounts);
	inotify_mounted_first(fs);
	list_init(&fs->mounted_link);
	/* Like Linux's anonymous devices: major 0, minors from 1 (20 bits of them, then they repeat). */
	uint64_t minor = (atomic_add(&last_dev, 1) - 1) % 0xfffff + 1;

	fs->dev = (minor & 0xff) | (minor & ~0xffull) << 12;
}

void fs_end(struct fs *fs)
{
	if (fs->worker)
		fs_worker_end(fs);
	else
		fs->ops->unmount(fs);
}
