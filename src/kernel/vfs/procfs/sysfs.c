/* SPDX-License-Identifier: MIT */
/*
 * The file system "sysfs", of which there is what programs count CPUs by, /sys/devices/system/cpu, and where they look for disks. Its tables are served as
 * those of /proc are.
 */
#include "arch/x86_64/cpu.h"
#include "lib/atomic.h"
#include "vfs/procfs/entry.h"
#include <linux/stat.h>

static int next_cpu(const struct proc_subject *subject, int from)
{
	uint64_t rest = from < CPU_MAX ? atomic_load(&cpus_online) & ~0ull << from : 0;

	return rest ? __builtin_ctzll(rest) : -1;
}

static int show_cpus(struct proc_text *text, const struct proc_subject *subject)
{
	proc_add_cpus(text, atomic_load(&cpus_online));
	proc_text_add(text, "\n", 1);
	return 0;
}

/* As /proc/cpuinfo has it: each is a core of one package. */
static int show_thread_siblings(struct proc_text *text, const struct proc_subject *subject)
{
	proc_add_cpu_mask(text, 1ull << subject->member);
	return 0;
}

static int show_core_siblings(struct proc_text *text, const struct proc_subject *subject)
{
	proc_add_cpu_mask(text, atomic_load(&cpus_online));
	return 0;
}

static int show_core(struct proc_text *text, const struct proc_subject *subject)
{
	proc_text_print(text, "%d\n", subject->member);
	return 0;
}

static const struct proc_entry topology_entries[] = {
	{ .name = "core_id", .mode = S_IFREG | 0444, .show = show_core },
	{ .name = "core_siblings", .mode = S_IFREG | 0444, .show = show_core_siblings },
	{ .name = "physical_package_id", .mode = S_IFREG | 0444, .kind = PROC_FIGURE, .figure = 0 },
	{ .name = "thread_siblings", .mode = S_IFREG | 0444, .show = show_thread_siblings },
};
const struct proc_directory proc_sysfs_topology = { .number = PROC_SYSFS_TOPOLOGY, .entries = topology_entries, .entry_count = ARRAY_LEN(topology_entries) };

static const struct proc_entry cpu_entries[] = { { .name = "topology", .mode = S_IFDIR | 0755, .directory = &proc_sysfs_topology } };
const struct proc_directory proc_sysfs_cpu = { .number = PROC_SYSFS_CPU, .entries = cpu_entries, .entry_count = 1 };
static const struct proc_entry cpu_template = { .mode = S_IFDIR | 0755, .directory = &proc_sysfs_cpu };

/* What did not begin to run at boot never will. */
static const struct proc_entry cpus_entries[] = {
	{ .name = "online", .mode = S_IFREG | 0444, .show = show_cpus },
	{ .name = "possible", .mode = S_IFREG | 0444, .show = show_cpus },
	{ .name = "present", .mode = S_IFREG | 0444, .show = show_cpus },
};

const struct proc_directory proc_sysfs_cpus = { .number = PROC_SYSFS_CPUS, .entries = cpus_entries, .entry_count = ARRAY_LEN(cpus_entries),
						.member_kind = PROC_MEMBERS_CPUS, .member = &cpu_template, .next = next_cpu };

static const struct proc_entry system_entries[] = { { .name = "cpu", .mode = S_IFDIR | 0755, .directory = &proc_sysfs_cpus } };
const struct proc_directory proc_sysfs_system = { .number = PROC_SYSFS_SYSTEM, .entries = system_entries, .entry_count = 1 };

static const struct proc_entry devices_entries[] = { { .name = "system", .mode = S_IFDIR | 0755, .directory = &proc_sysfs_system } };
const struct proc_directory proc_sysfs_devices = { .number = PROC_SYSFS_DEVICES, .entries = devices_entries, .entry_count = 1 };

/* No disk is a block device that programs could name: lsblk finds none. */
const struct proc_directory proc_sysfs_empty = { .number = PROC_SYSFS_EMPTY };
static const struct proc_entry dev_entries[] = { { .name = "block", .mode = S_IFDIR | 0755, .directory = &proc_sysfs_empty } };
const struct proc_directory proc_sysfs_dev = { .number = PROC_SYSFS_DEV, .entries = dev_entries, .entry_count = 1 };

/* The place for groups of processes, of which there are none: programs that find it empty do without. */
static const struct proc_entry fs_entries[] = { { .name = "cgroup", .mode = S_IFDIR | 0555, .directory = &proc_sysfs_empty } };
const struct proc_directory proc_sysfs_fs = { .number = PROC_SYSFS_FS, .entries = fs_entries, .entry_count = 1 };

static const struct proc_entry sysfs_entries[] = {
	{ .name = "block", .mode = S_IFDIR | 0755, .directory = &proc_sysfs_empty },
	{ .name = "dev", .mode = S_IFDIR | 0755, .directory = &proc_sysfs_dev },
	{ .name = "devices", .mode = S_IFDIR | 0755, .directory = &proc_sysfs_devices },
	{ .name = "fs", .mode = S_IFDIR | 0755, .directory = &proc_sysfs_fs },
};
const struct proc_directory proc_sysfs = { .number = PROC_SYSFS, .entries = sysfs_entries, .entry_count = ARRAY_LEN(sysfs_entries) };

/* In no tree: its only entry is the root. */
static const struct proc_entry root_entries[] = { { .name = "/", .mode = S_IFDIR | 0555, .directory = &proc_sysfs } };
const struct proc_directory proc_sysfs_above = { .number = PROC_SYSFS_ABOVE, .entries = root_entries, .entry_count = 1 };
