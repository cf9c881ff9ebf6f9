/* SPDX-License-Identifier: MIT */
/* /proc/net: local sockets; /proc/sys/net. */
#include "net/net.h"
#include "net/unix.h"
#include "vfs/procfs/entry.h"
#include <linux/stat.h>

static int show_local_sockets(struct proc_text *text, const struct proc_subject *subject)
{
	unix_show_all(text);
	return 0;
}

/* There are no others: programs that list all sockets find the heads of empty tables (netstat, fuser). */
static const char tcp_head[] = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";
static const char udp_head[] = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops";

static const struct proc_entry net_entries[] = {
	{ .name = "unix", .mode = S_IFREG | 0444, .show = show_local_sockets },
	{ .name = "tcp", .mode = S_IFREG | 0444, .kind = PROC_LINE, .line = tcp_head },
	{ .name = "udp", .mode = S_IFREG | 0444, .kind = PROC_LINE, .line = udp_head },
};

/* /proc/sys/net */
static const struct proc_entry core_entries[] = {
	{ .name = "somaxconn", .mode = S_IFREG | 0444, .kind = PROC_FIGURE, .figure = UNIX_BACKLOG_MAX },
};
const struct proc_directory proc_sys_net_core = { .number = PROC_SYS_NET_CORE, .entries = core_entries, .entry_count = ARRAY_LEN(core_entries) };

static const struct proc_entry sys_net_entries[] = { { .name = "core", .mode = S_IFDIR | 0555, .directory = &proc_sys_net_core } };
const struct proc_directory proc_sys_net = { .number = PROC_SYS_NET, .entries = sys_net_entries, .entry_count = 1 };

const struct proc_directory proc_net = { .number = PROC_NET, .entries = net_entries, .entry_count = ARRAY_LEN(net_entries) };
