/* SPDX-License-Identifier: MIT */
/*
 * The file system "proc" over the tables of entry.h. It keeps nothing: every call decodes the inode number and asks the kernel. No
 * locks of its own.
 */
#include "vfs/procfs/procfs.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "process/process.h"
#include "sched/clock.h"
#include "security/capabilities.h"
#include "vfs/file.h"
#include "vfs/fs.h"
#include "vfs/procfs/nodes.h"
#include "vfs/stat_bits.h"
#include "vfs/vnode.h"

#include <linux/magic.h>

enum { MEMBER_COOKIE = 0x1000 };	/* positions below are fixed entries */

static void node_attr(const struct proc_node *node, uint64_t id, struct fs_attr *attr)
{
	memset(attr, 0, sizeof(*attr));
	attr->node.id = id;
	attr->mode = node->subject.entry->mode;
	attr->links = S_ISDIR(attr->mode) ? 2 : 1;
	if (S_ISLNK(attr->mode) && node->in->member_kind == PROC_MEMBERS_DESCRIPTORS) {
		attr->mode = S_IFLNK | proc_descriptor_permissions(&node->subject);
		attr->size = 64;	/* as elsewhere: a hint for readlink's buffer */
	}
	attr->atime = clock_realtime_ns();
	if (node->subject.process) {
		const struct credentials *credentials = credentials_of(node->subject.process);

		attr->node.generation = node->subject.process->start_ns;
		attr->uid = credentials->euid;
		attr->gid = credentials->egid;
		credentials_put(credentials);
		attr->atime -= clock_monotonic_ns() - node->subject.process->start_ns;
	}
	attr->mtime = attr->ctime = attr->btime = attr->atime;
}

static bool has_type(const struct proc_node *node, uint32_t type)
{
	return (node->subject.entry->mode & S_IFMT) == type;
}

static int get_directory(struct fs_node_id id, struct proc_node *node)
{
	int error = proc_node_get(id, node);

	if (!error && !has_type(node, S_IFDIR)) {
		proc_node_put(node);
		error = -ENOTDIR;
	}
	return error;
}

static const char *member_prefix(const struct proc_directory *directory)
{
	return directory->member_kind == PROC_MEMBERS_CPUS ? "cpu" : "";
}

/* The number that @name writes, or -1: no signs, no leading zeroes. */
static int parse_member(const struct proc_directory *directory, const char *name, size_t len)
{
	const char *prefix = member_prefix(directory);
	size_t skipped = strlen(prefix);
	int64_t number = 0;

	if (len < skipped || memcmp(name, prefix, skipped))
		return -1;
	name += skipped;
	len -= skipped;
	if (!len || len > 10 || (name[0] == '0' && len > 1))
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (name[i] < '0' || name[i] > '9')
			return -1;
		number = number * 10 + (name[i] - '0');
	}
	return number <= INT32_MAX ? (int)number : -1;
}

static uint64_t member_id(const struct proc_directory *directory, int pid, int number)
{
	if (directory->member_kind == PROC_MEMBERS_PROCESSES)
		return proc_node_id(directory, 0, number, 0);
	return proc_node_id(directory, 0, pid, number);
}

/* The number of a thread that is not its process's first leads to the process as the thread has it, which no listing shows; 0 if there is none. */
static uint64_t thread_id(const struct proc_directory *root, int tid)
{
	struct thread *thread = thread_find(tid);
	uint64_t id = thread ? proc_node_id(root, 0, thread->process->pid, tid) : 0;

	if (thread)
		thread_put(thread);
	return id;
}

/* The inode number of @name in the directory @node; 0 if there is none. */
static uint64_t find_name(const struct proc_node *node, const char *name, size_t len)
{
	const struct proc_directory *directory = node->subject.entry->directory;
	int number;

	for (unsigned i = 0; i < directory->entry_count; i++)
		if (strlen(directory->entries[i].name) == len && memcmp(directory->entries[i].name, name, len) == 0)
			return proc_node_id(directory, i + 1, node->subject.pid, node->subject.member);
	number = directory->member ? parse_member(directory, name, len) : -1;
	if (number < 0 || (directory->member_kind == PROC_MEMBERS_PROCESSES && (number == 0 || number > PID_MAX)))
		return 0;
	if (directory->next(&node->subject, number) == number)
		return member_id(directory, node->subject.pid, number);
	return directory->member_kind == PROC_MEMBERS_PROCESSES ? thread_id(directory, number) : 0;
}

static int proc_getattr(struct fs *fs, struct fs_node_id id, struct fs_attr *out)
{
	struct proc_node node;
	int error = proc_node_get(id, &node);

	if (error)
		return error;
	node_attr(&node, id.id, out);
	proc_node_put(&node);
	return 0;
}

static int proc_lookup(struct fs *fs, struct fs_node_id dir, const char *name, size_t len, struct fs_attr *out)
{
	struct fs_node_id found = { 0, 0 };
	struct proc_node node;
	int error = get_directory(dir, &node);

	if (error)
		return error;
	found.id = find_name(&node, name, len);
	proc_node_put(&node);
	return found.id ? proc_getattr(fs, found, out) : -ENOENT;
}

static int list_members(const struct proc_node *node, uint64_t cookie, fs_readdir_emit *emit, void *context)
{
	const struct proc_directory *directory = node->subject.entry->directory;
	uint64_t from = cookie > MEMBER_COOKIE ? cookie - MEMBER_COOKIE : 0;

	while (from <= INT32_MAX) {
		int number = directory->next(&node->subject, from);
		struct fs_dirent entry;

		if (number < 0)
			break;
		entry.id = member_id(directory, node->subject.pid, number);
		entry.next = MEMBER_COOKIE + (uint64_t)number + 1;
		entry.type = directory->member->mode >> 12;
		entry.name_len = snprintf(entry.name, sizeof(entry.name), "%s%d", member_prefix(directory), number);
		if (!emit(context, &entry))
			break;
		from = (uint64_t)number + 1;
	}
	return 0;
}

static int proc_readdir(struct fs *fs, struct fs_node_id dir, uint64_t cookie, fs_readdir_emit *emit, void *context)
{
	const struct proc_directory *directory;
	struct proc_node node;
	bool more = true;
	int error = get_directory(dir, &node);

	if (error)
		return error;
	directory = node.subject.entry->directory;
	for (; cookie < directory->entry_count && more; cookie++) {
		const struct proc_entry *found = &directory->entries[cookie];
		struct fs_dirent entry;

		entry.id = proc_node_id(directory, cookie + 1, node.subject.pid, node.subject.member);
		entry.next = cookie + 1;
		entry.type = found->mode >> 12;
		entry.name_len = strlen(found->name);
		memcpy(entry.name, found->name, entry.name_len);
		more = emit(context, &entry);
	}
	if (more && directory->member)
		error = list_members(&node, cookie, emit, context);
	proc_node_put(&node);
	return error;
}

static int proc_readlink(struct fs *fs, struct fs_node_id id, char *buf, size_t size)
{
	const struct proc_entry *entry;
	struct proc_node node;
	int result = proc_node_get(id, &node);

	if (result)
		return result;
	entry = node.subject.entry;
	result = -EINVAL;
	if (entry->kind >= PROC_LINK)
		result = (entry->kind == PROC_PLACE ? entry->place->link : entry->link)(&node.subject, buf, size);
	proc_node_put(&node);
	return result;
}

static int proc_follow_link(struct fs *fs, struct fs_node_id id, struct path *path)
{
	struct proc_node node;
	int result = proc_node_get(id, &node);

	if (result)
		return result;
	result = node.subject.entry->kind == PROC_PLACE ? node.subject.entry->place->follow(&node.subject, path) : -ENOENT;
	proc_node_put(&node);
	return result;
}

static int proc_open(struct fs *fs, struct fs_node_id id, struct file *file)
{
	struct proc_node node;
	int error = proc_node_get(id, &node);

	if (error)
		return error;
	if (has_type(&node, S_IFREG)) {
		if (node.subject.entry->kind == PROC_OPENED) {
			error = node.subject.entry->open(file);
		} else if (node.subject.entry->kind == PROC_STORED && !node.subject.pid && file->rights & FILE_RIGHT_WRITE &&
			   !capabilities_may_administer()) {
			error = -EPERM;	/* the settings of the system, below /proc/sys */
		} else {
			error = proc_file_open(&node, file);
			if (!error)
				return 0;
		}
	}
	proc_node_put(&node);
	return error;
}

/* Nothing can be made here, and as elsewhere it is the name that does not exist. */
static int proc_create(struct fs *fs, struct fs_node_id dir, const char *name, size_t len, const struct fs_attr *in, struct fs_attr *out)
{
	return -ENOENT;
}

static int proc_statfs(struct fs *fs, struct fs_statfs *out)
{
	*out = (struct fs_statfs){ .type = fs->root.id == PROC_ROOT_ID ? PROC_SUPER_MAGIC : SYSFS_MAGIC, .block_size = PAGE_SIZE, .name_max = 255,
				   .fs_id = fs->dev };
	return 0;
}

static void proc_release(struct fs *fs, struct fs_node_id node)
{
}

static void proc_unmount(struct fs *fs)
{
	kfree(fs);
}

static const struct fs_ops proc_ops = {
	.lookup = proc_lookup,
	.getattr = proc_getattr,
	.create = proc_create,
	.mkdir = proc_create,
	.readlink = proc_readlink,
	.readdir = proc_readdir,
	.release = proc_release,
	.statfs = proc_statfs,
	.unmount = proc_unmount,
	.open = proc_open,
	.follow = proc_follow_link,
};

bool proc_names_process(const struct file *file, struct process **process)
{
	struct fs_node_id id;
	struct proc_node node;

	if (!file->vnode || file->vnode->fs->ops != &proc_ops)
		return false;
	id = file->vnode->node;
	/* A numbered member of the root. */
	if (id.id == PROC_ROOT_ID || id.id >> 48)
		return false;
	*process = NULL;
	if (!proc_node_get(id, &node)) {
		*process = node.subject.process;
		if (node.subject.thread)
			thread_put(node.subject.thread);
	}
	return true;
}

static int make(const char *type, uint64_t root, struct fs **out)
{
	struct fs *fs = kzalloc(sizeof(*fs));

	if (!fs)
		return -ENOMEM;
	fs->ops = &proc_ops;
	fs->type = type;
	fs->flags = FS_VOLATILE;
	fs->root.id = root;
	fs_register_instance(fs);
	*out = fs;
	return 0;
}

static int mount_proc(const char *source, const char *data, struct fs **out)
{
	return make("proc", PROC_ROOT_ID, out);
}

static int mount_sysfs(const char *source, const char *data, struct fs **out)
{
	return make("sysfs", proc_node_id(&proc_sysfs_above, 1, 0, 0), out);
}

static struct fs_type proc_type = { .name = "proc", .mount = mount_proc }, sysfs_type = { .name = "sysfs", .mount = mount_sysfs };

void procfs_register(void)
{
	fs_type_register(&proc_type);
	fs_type_register(&sysfs_type);
}
