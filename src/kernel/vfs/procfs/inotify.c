/* SPDX-License-Identifier: MIT */
/* /proc/sys/fs/inotify: what each user gets of inotify (vfs/inotify.c). */
#include "lib/errno.h"
#include "vfs/inotify_inside.h"
#include "vfs/procfs/entry.h"
#include <linux/stat.h>

#define INOTIFY_SETTING(name, limit)													\
	static int show_##name(struct proc_text *text, const struct proc_subject *subject) { return show_inotify(text, limit); }	\
	static int store_##name(const struct proc_subject *subject, const char *text, size_t len) { return store_inotify(text, len, limit); }

static int show_inotify(struct proc_text *text, enum inotify_limit limit)
{
	proc_text_print(text, "%u\n", inotify_limit(limit));
	return 0;
}

static int store_inotify(const char *text, size_t len, enum inotify_limit limit)
{
	int64_t value;

	if (!proc_parse_number(text, len, &value) || value < 0)
		return -EINVAL;
	atomic_store(&inotify_limits[limit], value);
	return 0;
}

INOTIFY_SETTING(max_queued_events, INOTIFY_QUEUED_EVENTS)
INOTIFY_SETTING(max_user_instances, INOTIFY_INSTANCES)
INOTIFY_SETTING(max_user_watches, INOTIFY_WATCHES)

static const struct proc_entry inotify_entries[] = {
	{ .name = "max_queued_events", .mode = S_IFREG | 0644, .show = show_max_queued_events, .store = store_max_queued_events },
	{ .name = "max_user_instances", .mode = S_IFREG | 0644, .show = show_max_user_instances, .store = store_max_user_instances },
	{ .name = "max_user_watches", .mode = S_IFREG | 0644, .show = show_max_user_watches, .store = store_max_user_watches },
};

const struct proc_directory proc_sys_inotify = { .number = PROC_SYS_INOTIFY, .entries = inotify_entries,
						 .entry_count = ARRAY_LEN(inotify_entries) };
