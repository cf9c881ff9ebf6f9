/* SPDX-License-Identifier: MIT */
/* The mounts of a process, for /proc/PID/mounts and mountinfo. */
#include "lib/errno.h"
#include "lib/printf.h"
#include "mm/heap.h"
#include "vfs/mount_list.h"
#include "vfs/path_string.h"
#include <linux/mount.h>

unsigned mount_flags(const struct mount *mount)
{
	return atomic_load_relaxed(&mount->flags) | (mount->fs->flags & FS_READ_ONLY ? MS_RDONLY : 0);
}

static void options_text(unsigned flags, char *buf, size_t size)
{
	static const struct { unsigned flag; const char *text; } names[] = {
		{ MS_NOSUID, ",nosuid" }, { MS_NODEV, ",nodev" }, { MS_NOEXEC, ",noexec" }, { MS_SYNCHRONOUS, ",sync" },
		{ MS_DIRSYNC, ",dirsync" }, { MS_NOATIME, ",noatime" }, { MS_NODIRATIME, ",nodiratime" }, { MS_RELATIME, ",relatime" },
	};
	size_t len;

	flags = flags & (MS_NOATIME | MS_STRICTATIME) ? flags & ~MS_RELATIME : flags | MS_RELATIME;
	len = snprintf(buf, size, "%s", flags & MS_RDONLY ? "ro" : "rw");

	for (size_t i = 0; i < ARRAY_LEN(names) && len < size; i++)
		if (flags & names[i].flag)
			len += snprintf(buf + len, size - len, "%s", names[i].text);
}

/* @text: room for two paths. */
static void show_mount(struct mount *mount, const struct path *root, char *text, void (*emit)(void *argument, const struct mount_line *line),
		       void *argument)
{
	struct path path = { mount, mount->root };
	char options[96];
	struct mount_line line = { .source = mount->source->text, .target = text, .type = mount->fs->type, .root = text + PATH_MAX_LEN,
				   .options = options, .fs_read_only = mount->fs->flags & FS_READ_ONLY, .id = mount->id, .dev = mount->fs->dev };

	if (path_to_string_from(&path, root, text, PATH_MAX_LEN) < 0 || dentry_to_string(mount->root, text + PATH_MAX_LEN, PATH_MAX_LEN) < 0)
		return;
	spin_lock(&vfs_tree_lock);
	line.parent_id = mount->parent ? mount->parent->id : mount->id;
	spin_unlock(&vfs_tree_lock);
	options_text(mount_flags(mount), options, sizeof(options));
	emit(argument, &line);
}

int mount_list(struct fs_context *context, void (*emit)(void *argument, const struct mount_line *line), void *argument)
{
	struct mount_namespace *namespace;
	char *text = kmalloc(2 * PATH_MAX_LEN);
	struct mount *mount = NULL;
	struct path root;

	if (!text)
		return -ENOMEM;
	spin_lock(&vfs_tree_lock);
	namespace = context->namespace;
	mount_namespace_get(namespace);
	root = context->root;
	path_get(&root);
	spin_unlock(&vfs_tree_lock);
	while ((mount = mount_next(namespace, mount)))
		show_mount(mount, &root, text, emit, argument);
	path_put(&root);
	mount_namespace_put(namespace);
	kfree(text);
	return 0;
}
