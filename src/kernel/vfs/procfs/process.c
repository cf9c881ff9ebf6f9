/* SPDX-License-Identifier: MIT */
/* /proc/PID and /proc/PID/task/TID: their tables, and the files that show a process's own texts. */
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/address_space.h"
#include "mm/heap.h"
#include "process/layout.h"
#include "process/process.h"
#include "security/capabilities.h"
#include "vfs/mount.h"
#include "vfs/file.h"
#include "vfs/path.h"
#include "vfs/path_string.h"
#include "vfs/procfs/entry.h"
#include "vfs/stat_bits.h"
#include "vfs/vnode.h"
#include <linux/oom.h>

/* Adds bytes [start, end) of the memory; what cannot be read ends the text. */
static void add_memory(struct proc_text *text, struct address_space *as, uint64_t start, uint64_t end)
{
	while (start < end && !text->failed) {
		size_t len = MIN(end - start, (uint64_t)PAGE_SIZE);
		char *room = proc_text_reserve(text, len);
		size_t done = room ? address_space_peek(as, start, room, len) : 0;

		proc_text_commit(text, done);
		start += done;
		if (done < len)
			break;
	}
}

static int show_cmdline(struct proc_text *text, const struct proc_subject *subject)
{
	struct address_space *as = process_get_address_space(subject->process);

	if (!as)
		return 0;
	add_memory(text, as, as->arg_start, as->arg_end);
	/* As on Linux, who overwrote the last NUL may have gone on over the environment: then it is the string that begins there, of at most a page. */
	if (text->len && text->len == as->arg_end - as->arg_start && text->data[text->len - 1]) {
		text->len = 0;
		add_memory(text, as, as->arg_start, MIN(as->arg_start + PAGE_SIZE, MAX(as->arg_end, as->env_end)));
		text->len = MIN(strnlen(text->data, text->len) + 1, text->len);
	}
	address_space_put(as);
	return 0;
}

static int show_environ(struct proc_text *text, const struct proc_subject *subject)
{
	struct address_space *as = process_get_address_space(subject->process);
	int error;

	if (!as)
		return 0;
	/* The one who opened the file may not be trusted any more: the process may run a set-id program now. */
	error = proc_check_inspect(subject->process);
	if (!error && !process_has_address_space(subject->process, as))
		error = -EACCES;
	if (!error)
		add_memory(text, as, as->env_start, as->env_end);
	address_space_put(as);
	return error;
}

static int show_comm(struct proc_text *text, const struct proc_subject *subject)
{
	proc_text_print(text, "%s\n", subject->thread ? subject->thread->name : subject->process->name);
	return 0;
}

/* A process may be renamed by its own threads only. */
static int store_comm(const struct proc_subject *subject, const char *text, size_t len)
{
	char name[THREAD_NAME_LEN];
	uint64_t flags;

	if (subject->process != current_process())
		return -EINVAL;
	if (len && text[len - 1] == '\n')
		len--;
	len = MIN(len, sizeof(name) - 1);
	memcpy(name, text, len);
	name[len] = 0;
	if (subject->thread && subject->thread->tid != subject->pid) {
		thread_set_name(subject->thread, name);
		return 0;
	}
	flags = spin_lock_irq(&subject->process->lock);
	string_copy(subject->process->name, name, sizeof(subject->process->name));
	spin_unlock_irq(&subject->process->lock, flags);
	if (subject->thread)
		thread_set_name(subject->thread, name);
	return 0;
}

static void add_mount(void *argument, const struct mount_line *line)
{
	struct proc_text *text = argument;

	proc_text_add_escaped(text, line->source);
	proc_text_add(text, " ", 1);
	proc_text_add_escaped(text, line->target);
	proc_text_print(text, " %s %s 0 0\n", line->type, line->options);
}

static void add_mount_info(void *argument, const struct mount_line *line)
{
	struct proc_text *text = argument;

	proc_text_print(text, "%u %u %u:%u ", line->id, line->parent_id, dev_major(line->dev), dev_minor(line->dev));
	proc_text_add_escaped(text, line->root);
	proc_text_add(text, " ", 1);
	proc_text_add_escaped(text, line->target);
	proc_text_print(text, " %s - %s ", line->options, line->type);
	proc_text_add_escaped(text, line->source);
	proc_text_print(text, " %s\n", line->fs_read_only ? "ro" : "rw");
}

static int list_mounts(struct proc_text *text, const struct proc_subject *subject, void (*emit)(void *argument, const struct mount_line *line))
{
	struct fs_context *context = process_get_fs(subject->process);
	int error = -EINVAL;	/* as Linux has it for who has ended */

	if (!context)
		return error;
	error = fs_context_is_hidden(context) ? -EACCES : mount_list(context, emit, text);
	fs_context_put(context);
	return error;
}

static int show_mounts(struct proc_text *text, const struct proc_subject *subject)
{
	return list_mounts(text, subject, add_mount);
}

static int show_mount_info(struct proc_text *text, const struct proc_subject *subject)
{
	return list_mounts(text, subject, add_mount_info);
}

/* May the caller, who entered a view, see what @process does? Its files may lie outside. */
static bool is_hidden(struct process *process)
{
	struct fs_context *context = process_get_fs(process);
	bool hidden = fs_context_is_hidden(context);

	if (context)
		fs_context_put(context);
	return hidden;
}

int proc_check_inspect(struct process *process)
{
	const struct credentials *mine = credentials_current(), *theirs;
	const struct port_names *ports = atomic_load_relaxed(&current_process()->port_names);
	bool same_user, can_more;

	if (process == current_process())
		return 0;
	if (is_hidden(process))
		return -EACCES;
	if (credentials_is_root(mine) && capabilities_hold(CAPABILITY_PROC_TRACE))
		return 0;
	theirs = credentials_of(process);
	same_user = process->dumpable && mine->fsuid == theirs->uid && mine->fsuid == theirs->euid && mine->fsuid == theirs->suid;
	can_more = (theirs->effective | theirs->permitted) & current_thread()->user.missing;
	/* By way of it ports could be opened that the caller may not open. */
	can_more |= ports && ports != atomic_load_relaxed(&process->port_names);
	credentials_put(theirs);
	if (!same_user)
		return credentials_is_root(mine) ? -EPERM : -EACCES;
	return can_more && !capabilities_hold(CAPABILITY_PROC_TRACE) ? -EPERM : 0;
}

static int follow_context(const struct proc_subject *subject, struct path *path, void (*get)(struct fs_context *, struct path *))
{
	int error = proc_check_inspect(subject->process);
	struct fs_context *context;

	if (error)
		return error;
	context = process_get_fs(subject->process);
	if (!context)
		return -ENOENT;
	get(context, path);
	fs_context_put(context);
	return 0;
}

static int follow_cwd(const struct proc_subject *subject, struct path *path)
{
	return follow_context(subject, path, fs_context_get_cwd);
}

static int follow_root(const struct proc_subject *subject, struct path *path)
{
	return follow_context(subject, path, fs_context_get_root);
}

/* The name of where a link leads. */
static int link_place(const struct proc_subject *subject, char *buf, size_t size)
{
	struct path path;
	ssize_t len = subject->entry->place->follow(subject, &path);
	char *text;

	if (len)
		return len;
	text = kmalloc(PATH_MAX_LEN);
	len = -ENOMEM;
	if (text) {
		len = path_to_string(&path, text, PATH_MAX_LEN);
		if (len > 0) {
			len = MIN((size_t)len, size);
			memcpy(buf, text, len);
		}
		kfree(text);
	}
	path_put(&path);
	return len;
}

static int link_exe(const struct proc_subject *subject, char *buf, size_t size)
{
	int len = proc_check_inspect(subject->process);
	struct vnode *vnode;
	char *text;

	if (len)
		return len;
	vnode = process_get_executable(subject->process);
	if (!vnode)
		return -ENOENT;
	text = kmalloc(PATH_MAX_LEN);
	len = -ENOMEM;
	if (text) {
		vnode->object.ops->describe(&vnode->object, text, PATH_MAX_LEN);
		len = MIN(strlen(text), size);
		memcpy(buf, text, len);
		kfree(text);
	}
	vnode_put(vnode);
	return len;
}

/* Also where the caller could not go by the link's text. */
static int follow_exe(const struct proc_subject *subject, struct path *path)
{
	int error = proc_check_inspect(subject->process);
	struct vnode *vnode = error ? NULL : process_get_executable(subject->process);

	if (!vnode)
		return error ?: -ENOENT;
	error = vnode_get_path(vnode, path);
	vnode_put(vnode);
	if (!error && path_is_hidden(path)) {
		path_put(path);
		error = -EACCES;
	}
	return error;
}

static int show_oom_score(struct proc_text *text, const struct proc_subject *subject)
{
	proc_text_print(text, "%u\n", process_oom_score(subject->process));
	return 0;
}

static int show_oom_score_adj(struct proc_text *text, const struct proc_subject *subject)
{
	proc_text_print(text, "%d\n", subject->process->oom_score_adj);
	return 0;
}

static int store_oom_score_adj(const struct proc_subject *subject, const char *text, size_t len)
{
	int64_t value;

	/* Else a sandbox could say who is ended for memory outside. */
	if (proc_check_inspect(subject->process))
		return -EACCES;
	if (!proc_parse_number(text, len, &value) || value < OOM_SCORE_ADJ_MIN || value > OOM_SCORE_ADJ_MAX)
		return -EINVAL;
	return process_set_oom_score_adj(subject->process, value);
}

/* Nobody notes where in the kernel threads wait. */
static int show_wchan(struct proc_text *text, const struct proc_subject *subject)
{
	proc_text_add(text, "0", 1);
	return 0;
}

static int show_personality(struct proc_text *text, const struct proc_subject *subject)
{
	int error = proc_check_inspect(subject->process);

	if (!error)
		proc_text_print(text, "%08x\n", layout_personality(subject->process));
	return error;
}

static int next_thread(const struct proc_subject *subject, int from)
{
	struct thread *thread = process_next_thread(subject->process, from - 1);
	int tid = thread ? thread->tid : -1;

	if (thread)
		thread_put(thread);
	return tid;
}

static const struct proc_entry process_entries[] = {
	{ .name = "stat", .mode = S_IFREG | 0444, .show = proc_show_stat },
	{ .name = "status", .mode = S_IFREG | 0444, .show = proc_show_status },
	{ .name = "statm", .mode = S_IFREG | 0444, .show = proc_show_statm },
	{ .name = "cmdline", .mode = S_IFREG | 0444, .show = show_cmdline },
	{ .name = "comm", .mode = S_IFREG | 0644, PROC_STORED_BY(show_comm, store_comm) },
	{ .name = "environ", .mode = S_IFREG | 0400, .show = show_environ },
	{ .name = "maps", .mode = S_IFREG | 0400, .show = proc_show_maps },
	{ .name = "smaps", .mode = S_IFREG | 0400, .show = proc_show_smaps },
	{ .name = "smaps_rollup", .mode = S_IFREG | 0400, .show = proc_show_smaps_rollup },
	{ .name = "oom_score", .mode = S_IFREG | 0444, .show = show_oom_score },
	{ .name = "oom_score_adj", .mode = S_IFREG | 0644, PROC_STORED_BY(show_oom_score_adj, store_oom_score_adj) },
	/* As where no groups are mounted: there are none. */
	{ .name = "cgroup", .mode = S_IFREG | 0444, .show = proc_show_nothing },
	{ .name = "schedstat", .mode = S_IFREG | 0444, .show = proc_show_schedstat },
	{ .name = "wchan", .mode = S_IFREG | 0444, .show = show_wchan },
	{ .name = "personality", .mode = S_IFREG | 0400, .show = show_personality },
	{ .name = "runstate", .mode = S_IFREG | 0444, .show = proc_show_runstate },
	{ .name = "limits", .mode = S_IFREG | 0444, .show = proc_show_limits },
	{ .name = "mounts", .mode = S_IFREG | 0444, .show = show_mounts },
	{ .name = "mountinfo", .mode = S_IFREG | 0444, .show = show_mount_info },
	{ .name = "fd", .mode = S_IFDIR | 0500, .directory = &proc_fd },
	{ .name = "fdinfo", .mode = S_IFDIR | 0500, .directory = &proc_fdinfo },
	{ .name = "cwd", .mode = S_IFLNK | 0777, PROC_PLACE_BY(link_place, follow_cwd) },
	{ .name = "root", .mode = S_IFLNK | 0777, PROC_PLACE_BY(link_place, follow_root) },
	{ .name = "exe", .mode = S_IFLNK | 0777, PROC_PLACE_BY(link_exe, follow_exe) },
	PROC_NET_ENTRIES
	PROC_TRACE_ENTRIES
	/* What threads do not have comes last. */
	PROC_CORE_FILTER_ENTRIES
	{ .name = "task", .mode = S_IFDIR | 0555, .directory = &proc_tasks },
};
enum { OF_PROCESSES_ONLY = 1 + PROC_CORE_FILTERS };

static const struct proc_entry task_template = { .mode = S_IFDIR | 0555, .directory = &proc_task };

const struct proc_directory proc_process = { .number = PROC_PROCESS, .entries = process_entries, .entry_count = ARRAY_LEN(process_entries) };
const struct proc_directory proc_task = { .number = PROC_TASK, .entries = process_entries,
					  .entry_count = ARRAY_LEN(process_entries) - OF_PROCESSES_ONLY };
const struct proc_directory proc_tasks = { .number = PROC_TASKS, .member_kind = PROC_MEMBERS_THREADS, .member = &task_template,
					   .next = next_thread };
