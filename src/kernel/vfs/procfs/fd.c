/* SPDX-License-Identifier: MIT */
/* /proc/PID/fd and fdinfo: open descriptors, as links to what they are open on. */
#include "raeen/handles.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "process/process.h"
#include "vfs/file.h"
#include "vfs/lock.h"
#include "vfs/mount_tree.h"
#include "vfs/pipe_fs.h"
#include "vfs/procfs/entry.h"
#include "vfs/stat_bits.h"
#include "vfs/vnode.h"
#include <linux/fcntl.h>

static int next_descriptor(const struct proc_subject *subject, int from)
{
	struct fd_table *files = process_get_files(subject->process);
	int fd = -1;

	if (files) {
		fd = fd_next_open(files, from);
		fd_table_put(files);
	}
	return fd;
}

/* The file, referenced, and the descriptor's flags; NULL with *error. */
static struct file *get_file(const struct proc_subject *subject, unsigned *flags, int *error)
{
	struct fd_table *files;
	struct file *file = NULL;

	*error = proc_check_inspect(subject->process);
	if (*error)
		return NULL;
	*error = -ENOENT;
	files = process_get_files(subject->process);
	if (files) {
		file = fd_get_from_with_flags(files, subject->member, flags);
		fd_table_put(files);
	}
	return file;
}

static ssize_t describe_file(struct file *file, char *text, size_t size)
{
	if (file->path.dentry)
		return path_to_string(&file->path, text, size);
	if (!file->ops->describe)
		return string_copy(text, "anon_inode:[file]", size);
	file->ops->describe(file, text, size);
	return strlen(text);
}

static int link_descriptor(const struct proc_subject *subject, char *buf, size_t size)
{
	unsigned unused;
	int error;
	struct file *file = get_file(subject, &unused, &error);
	ssize_t len = -ENOMEM;
	char *text;

	if (!file)
		return error;
	text = kmalloc(PATH_MAX_LEN);
	if (text) {
		len = describe_file(file, text, PATH_MAX_LEN);
		if (len > 0) {
			len = MIN((size_t)len, size);
			memcpy(buf, text, len);
		}
		kfree(text);
	}
	file_put(file);
	return len;
}

static int follow_descriptor(const struct proc_subject *subject, struct path *path)
{
	unsigned unused;
	int error;
	struct file *file = get_file(subject, &unused, &error);

	if (!file)
		return error;
	if (path_is_hidden(&file->path)) {
		error = -EACCES;
	} else if (file->path.dentry) {
		*path = file->path;
		path_get(path);
		error = 0;
	} else {
		error = pipe_fs_place_of(file, path);
	}
	file_put(file);
	return error;
}

/* As what the descriptor may be used: read, write. */
uint32_t proc_descriptor_permissions(const struct proc_subject *subject)
{
	struct fd_table *files = process_get_files(subject->process);
	struct file *file = files ? fd_get_from(files, subject->member) : NULL;
	uint32_t mode = S_IXUSR;

	if (file) {
		mode |= (file->rights & FILE_RIGHT_READ ? S_IRUSR : 0) | (file->rights & FILE_RIGHT_WRITE ? S_IWUSR : 0);
		file_put(file);
	}
	if (files)
		fd_table_put(files);
	return mode;
}

/* What a native handle is, and what it allows. */
static void show_handle(struct proc_text *text, struct file *file)
{
	static const char *const kinds[HANDLE_KIND_COUNT] = HANDLE_KIND_NAMES, *const rights[] = HANDLE_RIGHT_NAMES;
	struct handle_info info = { 0 };

	file->ops->info(file, &info);
	proc_text_print(text, "kind:\t%s\nobject:\t%llu\nrights:\t", kinds[info.kind], (unsigned long long)info.object);
	for (unsigned i = 0, count = 0; i < ARRAY_LEN(rights); i++)
		if (rights[i] && file->rights >> i & 1)
			proc_text_print(text, "%s%s", count++ ? " " : "", rights[i]);
	proc_text_add(text, "\n", 1);
}

static void show_locks(struct proc_text *text, const struct file *file, struct process *process)
{
	struct fd_table *files = process_get_files(process);

	if (files) {
		file_locks_show(text, file, files);
		fd_table_put(files);
	}
}

static int show_fdinfo(struct proc_text *text, const struct proc_subject *subject)
{
	unsigned flags;
	int error;
	struct file *file = get_file(subject, &flags, &error);
	struct fs_attr attr;

	if (!file)
		return error;
	proc_text_print(text, "pos:\t%llu\nflags:\t0%o\n", (unsigned long long)atomic_load_relaxed(&file->pos),
			atomic_load_relaxed(&file->flags) | (flags & FD_CLOEXEC ? O_CLOEXEC : 0));
	if (file->path.mount)
		proc_text_print(text, "mnt_id:\t%u\n", file->path.mount->id);
	/* A server that does not answer is not asked. */
	if (file->vnode)
		attr.node = file->vnode->node;
	if (file->vnode || !file_getattr(file, &attr))
		proc_text_print(text, "ino:\t%llu\n", (unsigned long long)attr.node.id);
	if (file->vnode)
		show_locks(text, file, subject->process);
	if (flags & FD_CLOFORK)
		proc_text_print(text, "clofork:\t1\n");
	if (file->ops->show_info)
		file->ops->show_info(file, text);
	if (file->ops->info)
		show_handle(text, file);
	file_put(file);
	return 0;
}

static const struct proc_entry fd_template = { .mode = S_IFLNK | 0700, PROC_PLACE_BY(link_descriptor, follow_descriptor) };
static const struct proc_entry fdinfo_template = { .mode = S_IFREG | 0400, .show = show_fdinfo };

const struct proc_directory proc_fd = { .number = PROC_FD, .member_kind = PROC_MEMBERS_DESCRIPTORS, .member = &fd_template,
					.next = next_descriptor };
const struct proc_directory proc_fdinfo = { .number = PROC_FDINFO, .member_kind = PROC_MEMBERS_DESCRIPTORS, .member = &fdinfo_template,
					    .next = next_descriptor };
