/* SPDX-License-Identifier: MIT */
/* /proc/sys/fs/inotify: what each user gets of inotify (vfs/inotify.c). */
#include "lib/errno.h"
#include "vfs/inotify_inside.h"
#include "vfs/procfs/entry.h"
#include <linux/stat.h>

static int show_limit(struct proc_text *text, const struct proc_subject *subject)
{
	proc_text_print(text, "%u\n", inotify_limit(subject->entry->argument));
	return 0;
}

static int store_limit(const struct proc_subject *subject, const char *text, size_t len)
{
	int64_t value;

	if (!proc_parse_number(text, len, &value) || value < 0)
		return -EINVAL;
	atomic_store(&inotify_limits[subject->entry->argument], value);
	return 0;
}

static const struct proc_stored inotify_limit_file = { show_limit, store_limit };

static const struct proc_entry inotify_entries[] = {
	{ .name = "max_queued_events", .mode = S_IFREG | 0644, .kind = PROC_STORED, .argument = INOTIFY_QUEUED_EVENTS, .stored = &inotify_limit_file },
	{ .name = "max_user_instances", .mode = S_IFREG | 0644, .kind = PROC_STORED, .argument = INOTIFY_INSTANCES, .stored = &inotify_limit_file },
	{ .name = "max_user_watches", .mode = S_IFREG | 0644, .kind = PROC_STORED, .argument = INOTIFY_WATCHES, .stored = &inotify_limit_file },
};

const struct proc_directory proc_sys_inotify = { .number = PROC_SYS_INOTIFY, .entries = inotify_entries,
						 .entry_count = ARRAY_LEN(inotify_entries) };
