/* SPDX-License-Identifier: MIT */
/* /proc/net: local sockets. */
#include "net/net.h"
#include "vfs/procfs/entry.h"
#include <linux/stat.h>

static int show_local_sockets(struct proc_text *text, const struct proc_subject *subject)
{
	unix_show_all(text);
	return 0;
}

static const struct proc_entry net_entries[] = {
	{ .name = "unix", .mode = S_IFREG | 0444, .show = show_local_sockets },
};

const struct proc_directory proc_net = { .number = PROC_NET, .entries = net_entries, .entry_count = ARRAY_LEN(net_entries) };
