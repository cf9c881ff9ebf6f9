/* SPDX-License-Identifier: MIT */
/* /proc/sys: the few settings that exist. */
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/oom.h"
#include "process/limits.h"
#include "process/process.h"
#include "process/system_name.h"
#include "security/random.h"
#include "sync/mutex.h"
#include "sysv/limits.h"
#include "vfs/aio.h"
#include "vfs/mapped/mapped.h"
#include "vfs/pipe.h"
#include "vfs/procfs/entry.h"
#include "vfs/stat_bits.h"
#include "vfs/vfs_stats.h"
#include <linux/capability.h>
#include <linux/msg.h>
#include <linux/sem.h>

static int show_name(struct proc_text *text, const struct proc_subject *subject)
{
	char name[65];

	given_name_get(subject->entry->argument, name);
	proc_text_print(text, "%s\n", name);
	return 0;
}

/* As elsewhere the rest of what is too long, or has several lines, is lost. */
static int store_name(const struct proc_subject *subject, const char *text, size_t len)
{
	size_t used = 0;

	while (used < MIN(len, 64) && text[used] && text[used] != '\n')
		used++;
	given_name_set(subject->entry->argument, text, used);
	return 0;
}

static const struct proc_stored name_file = { show_name, store_name };

static int show_threads_max(struct proc_text *text, const struct proc_subject *subject)
{
	proc_text_print(text, "%u\n", process_limit_threads());
	return 0;
}

/* Open files; none that are kept though nobody uses them; how many there can be. */
static int show_file_nr(struct proc_text *text, const struct proc_subject *subject)
{
	struct slab_stats stats;

	for (unsigned i = 0; heap_get_stats(i, &stats); i++)
		if (!strcmp(stats.name, "file"))
			proc_text_print(text, "%zu\t0\t%lu\n", stats.used, INT64_MAX);
	return 0;
}

static int show_sem(struct proc_text *text, const struct proc_subject *subject)
{
	proc_text_print(text, "%d\t%d\t%d\t%d\n", SEMMSL, SEMMNS, SEMOPM, SEMMNI);
	return 0;
}

/* Files to write to, which root may open for reading, too. And in the root: no disk of this kernel's is a block device that programs could name. */
int proc_show_nothing(struct proc_text *text, const struct proc_subject *subject)
{
	return 0;
}

/* Like Linux's: 1 is for pages, 2 for names and nodes. What is dirty or in use stays, mapped pages too. */
static int store_drop_caches(const struct proc_subject *subject, const char *text, size_t len)
{
	if (len && text[len - 1] == '\n')
		len--;
	if (len != 1 || text[0] < '1' || text[0] > '3')
		return -EINVAL;
	if (text[0] & 2)
		vfs_drop_caches();
	if (text[0] & 1)
		memory_reclaim(SIZE_MAX);
	return 0;
}

bool proc_parse_number(const char *text, size_t len, int64_t *value)
{
	bool negative = len && *text == '-';
	char digits[24];
	uint64_t number;

	if (len && text[len - 1] == '\n')
		len--;
	if (len >= sizeof(digits))
		return false;
	memcpy(digits, text, len);
	digits[len] = '\0';
	if (!string_to_u64(digits + negative, &number) || number > INT32_MAX)
		return false;
	*value = negative ? -(int64_t)number : (int64_t)number;
	return true;
}

/* What real-time threads may have of each period, and that (sched/realtime.c). */
enum { RT_RUNTIME, RT_PERIOD };

static int show_rt_limit(struct proc_text *text, const struct proc_subject *subject)
{
	int64_t limits[2];

	sched_realtime_limits(&limits[RT_RUNTIME], &limits[RT_PERIOD]);
	proc_text_print(text, "%ld\n", (long)limits[subject->entry->argument]);
	return 0;
}

static int store_rt_limit(const struct proc_subject *subject, const char *text, size_t len)
{
	static struct mutex lock = MUTEX_INIT(lock, LOCK_PROC_SYS);
	int64_t limits[2], value;
	int error;

	if (!len)
		return 0;
	if (!proc_parse_number(text, len, &value))
		return -EINVAL;
	mutex_lock(&lock);
	sched_realtime_limits(&limits[RT_RUNTIME], &limits[RT_PERIOD]);
	limits[subject->entry->argument] = value;
	error = sched_set_realtime_limits(limits[RT_RUNTIME], limits[RT_PERIOD]);
	mutex_unlock(&lock);
	return error;
}

static const struct proc_stored rt_file = { show_rt_limit, store_rt_limit };

/* How long and how much may be dirty: in per cent or in bytes, whatever was set last; the other one is 0. */
enum { PERCENT = 0x80 };

static int show_dirty(struct proc_text *text, const struct proc_subject *subject)
{
	enum mapped_limit which = subject->entry->argument & ~PERCENT;
	bool is_percent = subject->entry->argument & PERCENT;
	uint64_t value = atomic_load(&mapped_limits[which]);

	proc_text_print(text, "%lu\n", which == MAPPED_EXPIRE || (value <= 100) == is_percent ? value : 0);
	return 0;
}

static int store_dirty(const struct proc_subject *subject, const char *text, size_t len)
{
	enum mapped_limit which = subject->entry->argument & ~PERCENT;
	int64_t value;

	if (!len)
		return 0;
	if (!proc_parse_number(text, len, &value) || value < 0)
		return -EINVAL;
	if (which != MAPPED_EXPIRE && (subject->entry->argument & PERCENT ? value > 100 : value < 2 * PAGE_SIZE))
		return -EINVAL;
	atomic_store(&mapped_limits[which], value);
	return 0;
}

static const struct proc_stored dirty_file = { show_dirty, store_dirty };

/* RFC 9562 §5.4: version 4, variant 10. */
static void make_uuid(uint8_t uuid[16])
{
	random_bytes(uuid, 16);
	uuid[6] = (uuid[6] & 0x0f) | 0x40;
	uuid[8] = (uuid[8] & 0x3f) | 0x80;
}

static void print_uuid(struct proc_text *text, const uint8_t uuid[16])
{
	for (unsigned i = 0; i < 16; i++)
		proc_text_print(text, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid[i]);
	proc_text_add(text, "\n", 1);
}

static int show_boot_id(struct proc_text *text, const struct proc_subject *subject)
{
	static struct mutex lock = MUTEX_INIT(lock, LOCK_PROC_SYS);
	static uint8_t boot_id[16];	/* lock; made at the first look */
	static bool made;		/* lock */

	mutex_lock(&lock);
	if (!made)
		make_uuid(boot_id);
	made = true;
	mutex_unlock(&lock);
	print_uuid(text, boot_id);
	return 0;
}

static int show_uuid(struct proc_text *text, const struct proc_subject *subject)
{
	uint8_t uuid[16];

	make_uuid(uuid);
	print_uuid(text, uuid);
	return 0;
}

static const struct proc_entry random_entries[] = {
	{ .name = "boot_id", .mode = S_IFREG | 0444, .show = show_boot_id },
	{ .name = "uuid", .mode = S_IFREG | 0444, .show = show_uuid },
};

#define FIGURE(file, value) { .name = file, .mode = S_IFREG | 0444, .kind = PROC_FIGURE, .figure = value }

static const struct proc_entry kernel_entries[] = {
	{ .name = "hostname", .mode = S_IFREG | 0644, .kind = PROC_STORED, .argument = HOST_NAME, .stored = &name_file },
	{ .name = "domainname", .mode = S_IFREG | 0644, .kind = PROC_STORED, .argument = DOMAIN_NAME, .stored = &name_file },
	{ .name = "osrelease", .mode = S_IFREG | 0444, .kind = PROC_LINE, .line = SYSTEM_RELEASE },
	{ .name = "ostype", .mode = S_IFREG | 0444, .kind = PROC_LINE, .line = SYSTEM_NAME },
	{ .name = "version", .mode = S_IFREG | 0444, .kind = PROC_LINE, .line = SYSTEM_VERSION },
	FIGURE("pid_max", PID_MAX),
	{ .name = "threads-max", .mode = S_IFREG | 0444, .show = show_threads_max },
	FIGURE("cap_last_cap", CAP_LAST_CAP),
	FIGURE("randomize_va_space", 2),
	FIGURE("dmesg_restrict", 1),		/* the log is root's (syslog(2), /dev/kmsg) */
	FIGURE("ngroups_max", GROUPS_MAX),
	FIGURE("shmmax", SHMMAX),
	FIGURE("shmall", SHMMAX),
	FIGURE("shmmni", SHMMNI),
	{ .name = "sem", .mode = S_IFREG | 0444, .show = show_sem },
	FIGURE("msgmax", MSGMAX),
	FIGURE("msgmnb", MSGMNB),
	FIGURE("msgmni", MSGMNI),
	{ .name = "sched_rt_period_us", .mode = S_IFREG | 0644, .kind = PROC_STORED, .argument = RT_PERIOD, .stored = &rt_file },
	{ .name = "sched_rt_runtime_us", .mode = S_IFREG | 0644, .kind = PROC_STORED, .argument = RT_RUNTIME, .stored = &rt_file },
	{ .name = "random", .mode = S_IFDIR | 0555, .directory = &proc_sys_random },
	PROC_CORE_ENTRIES
};

static const struct proc_entry vm_entries[] = {
	FIGURE("overcommit_memory", 0),		/* only what plainly cannot be is refused (mm/README.md) */
	{ .name = "dirty_expire_centisecs", .mode = S_IFREG | 0644, .kind = PROC_STORED, .argument = MAPPED_EXPIRE, .stored = &dirty_file },
	{ .name = "dirty_ratio", .mode = S_IFREG | 0644, .kind = PROC_STORED, .argument = MAPPED_MOST | PERCENT, .stored = &dirty_file },
	{ .name = "dirty_bytes", .mode = S_IFREG | 0644, .kind = PROC_STORED, .argument = MAPPED_MOST, .stored = &dirty_file },
	{ .name = "dirty_background_ratio", .mode = S_IFREG | 0644, .kind = PROC_STORED, .argument = MAPPED_BACKGROUND | PERCENT, .stored = &dirty_file },
	{ .name = "dirty_background_bytes", .mode = S_IFREG | 0644, .kind = PROC_STORED, .argument = MAPPED_BACKGROUND, .stored = &dirty_file },
	{ .name = "drop_caches", .mode = S_IFREG | 0200, PROC_STORED_BY(proc_show_nothing, store_drop_caches) },
};

static const struct proc_entry fs_entries[] = {
	FIGURE("file-max", INT64_MAX),		/* memory is the only limit */
	{ .name = "file-nr", .mode = S_IFREG | 0444, .show = show_file_nr },
	FIGURE("nr_open", NOFILE_CEILING),
	FIGURE("pipe-max-size", PIPE_PAGES_MAX << PAGE_SHIFT),
	PROC_INOTIFY_ENTRIES
	PROC_AIO_ENTRIES
};

static const struct proc_entry sys_entries[] = {
	{ .name = "kernel", .mode = S_IFDIR | 0555, .directory = &proc_sys_kernel },
	{ .name = "vm", .mode = S_IFDIR | 0555, .directory = &proc_sys_vm },
	{ .name = "fs", .mode = S_IFDIR | 0555, .directory = &proc_sys_fs },
	PROC_SYS_NET_ENTRIES
};

const struct proc_directory proc_sys = { .number = PROC_SYS, .entries = sys_entries, .entry_count = ARRAY_LEN(sys_entries) };
const struct proc_directory proc_sys_kernel = { .number = PROC_SYS_KERNEL, .entries = kernel_entries,
						.entry_count = ARRAY_LEN(kernel_entries) };
const struct proc_directory proc_sys_random = { .number = PROC_SYS_RANDOM, .entries = random_entries,
						.entry_count = ARRAY_LEN(random_entries) };
const struct proc_directory proc_sys_vm = { .number = PROC_SYS_VM, .entries = vm_entries, .entry_count = ARRAY_LEN(vm_entries) };
const struct proc_directory proc_sys_fs = { .number = PROC_SYS_FS, .entries = fs_entries, .entry_count = ARRAY_LEN(fs_entries) };
