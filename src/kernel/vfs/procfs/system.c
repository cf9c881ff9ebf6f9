/* SPDX-License-Identifier: MIT */
/* The root of /proc: its table and the files about the whole system. */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/interrupts.h"
#include "init/boot_info.h"
#include "ipc/ipc.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/mm.h"
#include "process/process.h"
#include "process/system_name.h"
#include "sched/clock.h"
#include "sysv/sysv.h"
#include "vfs/file.h"
#include "vfs/fs.h"
#include "vfs/lock.h"
#include "vfs/procfs/entry.h"
#include "vfs/stat_bits.h"

enum { NS_PER_TICK = 10000000 };	/* USER_HZ is 100 */

/* A figure of the kernel's memory: @field is its place in struct memory_stats, in which all are numbers of pages; NONE: one that is always 0. */
struct memory_line { char name[15]; uint8_t field; };
#define LINE(name, field) { name, offsetof(struct memory_stats, field) / sizeof(uint64_t) }
enum { NONE = sizeof(struct memory_stats) / sizeof(uint64_t) };

static __attribute__((noinline)) int add_lines(struct proc_text *text, const struct memory_line *line, unsigned count, const char *format, unsigned shift)
{
	uint64_t figures[NONE + 1];

	memory_get_stats((struct memory_stats *)figures);
	figures[NONE] = 0;
	for (; count; count--, line++)
		proc_text_print(text, format, line->name, (unsigned long long)figures[line->field] << shift);
	return 0;
}

/* There is no swap and no buffer cache of its own; free pages and clean file pages are what can be had. */
static int show_meminfo(struct proc_text *text, const struct proc_subject *subject)
{
	static const struct memory_line lines[] = {
		LINE("MemTotal:", total), LINE("MemFree:", free), LINE("MemAvailable:", available), { "Buffers:", NONE }, LINE("Cached:", cached),
		{ "SwapCached:", NONE }, { "SwapTotal:", NONE }, { "SwapFree:", NONE }, LINE("Dirty:", dirty), LINE("Writeback:", write_back),
		LINE("AnonPages:", anonymous), LINE("Shmem:", shared), LINE("Slab:", slab), { "SReclaimable:", NONE }, LINE("SUnreclaim:", slab),
		LINE("KernelStack:", kernel_stacks), LINE("PageTables:", page_tables),
	};

	return add_lines(text, lines, ARRAY_LEN(lines), PROC_KIB_FORMAT, PAGE_SHIFT - 10);
}

/* The same in pages, under other names. vmstat takes the lines that are not here for 0: nothing is swapped, and no disk's traffic is counted. */
static int show_vmstat(struct proc_text *text, const struct proc_subject *subject)
{
	static const struct memory_line lines[] = {
		LINE("nr_free_pages", free), LINE("nr_anon_pages", anonymous), LINE("nr_file_pages", cached), LINE("nr_dirty", dirty),
		LINE("nr_writeback", write_back), LINE("nr_shmem", shared),
	};

	return add_lines(text, lines, ARRAY_LEN(lines), "%s %llu\n", 0);
}

/* The second format of Linux's slabinfo(5). A name there is one word. */
static int show_slabinfo(struct proc_text *text, const struct proc_subject *subject)
{
	struct slab_stats stats;

	proc_text_print(text, "slabinfo - version: 2.1\n# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>"
			" : tunables <limit> <batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>\n");
	for (unsigned i = 0; heap_get_stats(i, &stats); i++) {
		char name[32];

		string_copy(name, stats.name, sizeof(name));
		for (char *at = name; *at; at++)
			if (*at == ' ')
				*at = '_';
		proc_text_print(text, "%-17s %6zu %6zu %6zu %4zu %4zu : tunables    0    0    0 : slabdata %6zu %6zu      0\n", name,
				stats.used, stats.total, stats.object_size, stats.per_slab, stats.frames_per_slab, stats.slabs, stats.slabs);
	}
	return 0;
}

static int show_uptime(struct proc_text *text, const struct proc_subject *subject)
{
	struct sched_stats stats;

	sched_get_stats(&stats);
	proc_text_add_seconds(text, clock_monotonic_ns());
	proc_text_add(text, " ", 1);
	proc_text_add_seconds(text, stats.idle_ns);
	proc_text_add(text, "\n", 1);
	return 0;
}

static int show_loadavg(struct proc_text *text, const struct proc_subject *subject)
{
	struct sched_stats stats;

	sched_get_stats(&stats);
	for (size_t i = 0; i < ARRAY_LEN(stats.load); i++) {
		proc_text_add_load(text, stats.load[i]);
		proc_text_add(text, " ", 1);
	}
	proc_text_print(text, "%u/%u %d\n", stats.runnable, stats.threads, process_last_pid());
	return 0;
}

static unsigned long long ticks(uint64_t ns)
{
	return ns / NS_PER_TICK;
}

static int show_stat(struct proc_text *text, const struct proc_subject *subject)
{
	uint64_t boot = clock_realtime_ns() - clock_monotonic_ns();
	struct sched_cpu_stats one;
	struct sched_stats stats;

	sched_get_stats(&stats);
	proc_text_print(text, "cpu  %llu 0 %llu %llu 0 0 0 0 0 0\n", ticks(stats.user_ns), ticks(stats.system_ns), ticks(stats.idle_ns));
	for (unsigned cpu = 0; cpu < CPU_MAX; cpu++)
		if (sched_get_cpu_stats(cpu, &one))
			proc_text_print(text, "cpu%u %llu 0 %llu %llu 0 0 0 0 0 0\n", cpu, ticks(one.user_ns), ticks(one.system_ns), ticks(one.idle_ns));
	proc_text_print(text, "intr %llu\nctxt %llu\nbtime %llu\nprocesses %llu\nprocs_running %u\nprocs_blocked 0\n",
			(unsigned long long)stats.interrupts, (unsigned long long)stats.switches, (unsigned long long)(boot / NS_PER_SEC),
			(unsigned long long)stats.forks, stats.runnable);
	return 0;
}

/* A row of counts that each CPU has at @offset of its struct cpu. */
static void add_cpu_counts(struct proc_text *text, const char *label, size_t offset, const char *what)
{
	proc_text_print(text, "%3s:", label);
	for (unsigned cpu = 0; cpu < CPU_MAX; cpu++)
		if (cpus[cpu])
			proc_text_print(text, " %10llu", (unsigned long long)*(const uint64_t *)((const char *)cpus[cpu] + offset));
	proc_text_print(text, "   %s\n", what);
}

/* The lines of devices all lead to the boot CPU. */
static int show_interrupts(struct proc_text *text, const struct proc_subject *subject)
{
	bool apic = interrupts_use_apic();
	uint64_t count;

	proc_text_print(text, "    ");
	for (unsigned cpu = 0; cpu < CPU_MAX; cpu++)
		if (cpus[cpu])
			proc_text_print(text, "       CPU%-2u", cpu);
	proc_text_print(text, "\n");
	for (unsigned irq = apic; irq < ISA_IRQ_COUNT; irq++) {
		const char *name = interrupts_describe(irq, &count);

		if (!name)
			continue;
		proc_text_print(text, "%3u: %10llu", irq, (unsigned long long)count);
		for (unsigned cpu = 1; cpu < CPU_MAX; cpu++)
			if (cpus[cpu])
				proc_text_print(text, " %10u", 0);
		proc_text_print(text, "   %-8s %s\n", apic ? "IO-APIC" : "XT-PIC", name);
	}
	if (apic) {
		add_cpu_counts(text, "LOC", offsetof(struct cpu, interrupts.timer), "Local timer interrupts");
		add_cpu_counts(text, "RES", offsetof(struct cpu, interrupts.reschedule), "Rescheduling interrupts");
		add_cpu_counts(text, "TLB", offsetof(struct cpu, interrupts.tlb), "TLB shootdowns");
	}
	return 0;
}

/* Every class in the lock order: how often a lock was found taken, and how often the waiter slept or, of spinlocks, looked again. */
static int show_lock_stat(struct proc_text *text, const struct proc_subject *subject)
{
	static const char kinds[][9] = { [LOCK_KIND_SLEEPING] = "sleeping", [LOCK_KIND_SPIN] = "spin", [LOCK_KIND_IRQ] = "irq" };

	proc_text_print(text, "%-18s %-8s %12s %12s\n", "class", "kind", "contended", "rounds");
	for (unsigned i = LOCK_UNCLASSED + 1; i < LOCK_CLASS_COUNT; i++)
		proc_text_print(text, "%-18s %-8s %12llu %12llu\n", lock_classes[i].name, kinds[lock_classes[i].kind],
				(unsigned long long)atomic_load_relaxed(&lock_waits[i].contended),
				(unsigned long long)atomic_load_relaxed(&lock_waits[i].rounds));
	return 0;
}

static int show_cmdline(struct proc_text *text, const struct proc_subject *subject)
{
	proc_text_print(text, "%s\n", boot_info.command_line);
	return 0;
}

static int show_version(struct proc_text *text, const struct proc_subject *subject)
{
	proc_text_print(text, "%s version %s %s\n", SYSTEM_NAME, SYSTEM_RELEASE, SYSTEM_VERSION);
	return 0;
}

static int show_filesystems(struct proc_text *text, const struct proc_subject *subject)
{
	for (struct fs_type *type = fs_type_next(NULL); type; type = fs_type_next(type))
		proc_text_print(text, "%s\t%s\n", type->needs_device ? "" : "nodev", type->name);
	return 0;
}

/* Lists each major number once, by the name of its first device up to a '/' or digit. */
static int show_devices(struct proc_text *text, const struct proc_subject *subject)
{
	proc_text_print(text, "Character devices:\n");
	for (unsigned major = 1; major < 512; major++)
		for (struct char_device *device = char_device_next(NULL); device; device = char_device_next(device))
			if (device->major == major) {
				int len = strlen(device->name);

				for (int i = 1; i < len; i++)
					if (device->name[i] == '/' || (device->name[i] >= '0' && device->name[i] <= '9'))
						len = i;
				proc_text_print(text, "%3u %.*s\n", major, major == 1 ? 3 : len, major == 1 ? "mem" : device->name);
				break;
			}
	proc_text_print(text, "\nBlock devices:\n");
	return 0;
}

static int show_swaps(struct proc_text *text, const struct proc_subject *subject)
{
	proc_text_print(text, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
	return 0;
}

static int show_locks(struct proc_text *text, const struct proc_subject *subject)
{
	file_locks_show(text, NULL, NULL);
	return 0;
}

static int link_self(const struct proc_subject *subject, char *buf, size_t size)
{
	char text[16];
	size_t len;

	if (!current_process())
		return -ENOENT;
	len = snprintf(text, sizeof(text), "%d", current_process()->pid);
	len = MIN(len, size);
	memcpy(buf, text, len);
	return len;
}

static int link_thread_self(const struct proc_subject *subject, char *buf, size_t size)
{
	char text[40];
	size_t len;

	if (!current_process())
		return -ENOENT;
	len = snprintf(text, sizeof(text), "%d/task/%d", current_process()->pid, current_thread()->tid);
	len = MIN(len, size);
	memcpy(buf, text, len);
	return len;
}

static int link_mounts(const struct proc_subject *subject, char *buf, size_t size)
{
	static const char target[] = "self/mounts";
	size_t len = MIN(sizeof(target) - 1, size);

	memcpy(buf, target, len);
	return len;
}

/* Every port: ipc/README.md. */
static int show_ports(struct proc_text *text, const struct proc_subject *subject)
{
	char line[PORT_NAME_MAX + 96];

	proc_text_print(text, "%-32s %5s %3s %6s %6s %8s %5s %8s\n", "name", "epoch", "is", "queued", "held", "receiver", "refs", "replayed");
	for (struct port *port = port_next(NULL); port; port = port_next(port)) {
		port_summary(port, line, sizeof(line));
		proc_text_print(text, "%s\n", line);
	}
	return 0;
}

static int next_process(const struct proc_subject *subject, int from)
{
	struct process *process = process_next(from - 1);
	int pid = process ? process->pid : -1;

	if (process)
		process_put(process);
	return pid;
}

static const struct proc_entry root_entries[] = {
	{ .name = "self", .mode = S_IFLNK | 0777, .kind = PROC_LINK, .link = link_self },
	{ .name = "thread-self", .mode = S_IFLNK | 0777, .kind = PROC_LINK, .link = link_thread_self },
	{ .name = "mounts", .mode = S_IFLNK | 0777, .kind = PROC_LINK, .link = link_mounts },
	{ .name = "sys", .mode = S_IFDIR | 0555, .directory = &proc_sys },
	{ .name = "sysvipc", .mode = S_IFDIR | 0555, .directory = &proc_sysvipc },
	PROC_NET_ENTRIES
	PROC_CRASH_ENTRIES PROC_DEBUG_ENTRIES
	{ .name = "disks", .mode = S_IFDIR | 0500, .directory = &proc_disks },
	{ .name = "meminfo", .mode = S_IFREG | 0444, .show = show_meminfo },
	{ .name = "slabinfo", .mode = S_IFREG | 0400, .show = show_slabinfo },
	{ .name = "cpuinfo", .mode = S_IFREG | 0444, .show = proc_show_cpuinfo },
	{ .name = "uptime", .mode = S_IFREG | 0444, .show = show_uptime },
	{ .name = "loadavg", .mode = S_IFREG | 0444, .show = show_loadavg },
	{ .name = "stat", .mode = S_IFREG | 0444, .show = show_stat },
	{ .name = "cmdline", .mode = S_IFREG | 0444, .show = show_cmdline },
	{ .name = "version", .mode = S_IFREG | 0444, .show = show_version },
	{ .name = "filesystems", .mode = S_IFREG | 0444, .show = show_filesystems },
	{ .name = "devices", .mode = S_IFREG | 0444, .show = show_devices },
	{ .name = "interrupts", .mode = S_IFREG | 0444, .show = show_interrupts },
	{ .name = "lock_stat", .mode = S_IFREG | 0400, .show = show_lock_stat },
	{ .name = "ports", .mode = S_IFREG | 0400, .show = show_ports },
	{ .name = "served", .mode = S_IFREG | 0400, .show = proc_show_served },
	{ .name = "vmstat", .mode = S_IFREG | 0444, .show = show_vmstat },
	{ .name = "diskstats", .mode = S_IFREG | 0444, .show = proc_show_nothing },
	{ .name = "modules", .mode = S_IFREG | 0444, .show = proc_show_nothing },
	{ .name = "partitions", .mode = S_IFREG | 0444, .show = proc_show_nothing },
	{ .name = "locks", .mode = S_IFREG | 0444, .show = show_locks },
	{ .name = "swaps", .mode = S_IFREG | 0444, .show = show_swaps },
};

static const struct proc_entry sysvipc_entries[] = {
	{ .name = "shm", .mode = S_IFREG | 0444, .show = sysv_show_shm },
	{ .name = "sem", .mode = S_IFREG | 0444, .show = sysv_show_sem },
	{ .name = "msg", .mode = S_IFREG | 0444, .show = sysv_show_msg },
};

const struct proc_directory proc_sysvipc = { .number = PROC_SYSVIPC, .entries = sysvipc_entries, .entry_count = ARRAY_LEN(sysvipc_entries) };

static const struct proc_entry process_template = { .mode = S_IFDIR | 0555, .directory = &proc_process };

const struct proc_directory proc_root = { .number = PROC_ROOT, .entries = root_entries, .entry_count = ARRAY_LEN(root_entries),
					  .member_kind = PROC_MEMBERS_PROCESSES, .member = &process_template, .next = next_process };
