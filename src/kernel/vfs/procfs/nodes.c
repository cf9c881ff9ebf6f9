/* SPDX-License-Identifier: MIT */
/* Inode numbers of /proc: directory (8 bits), index in it (8 bits, 0 for a numbered member), process (16 bits), member (32 bits). */
#include "vfs/procfs/nodes.h"
#include "lib/errno.h"
#include "process/process.h"
#include "vfs/stat_bits.h"

_Static_assert(PROC_ROOT == 0, "a process's directory has nothing above its number: proc_names_process()");
_Static_assert(PID_MAX <= 65536, "a process id has 16 bits in an inode number");

static const struct proc_directory *const directories[PROC_DIRECTORY_COUNT] = {
	[PROC_ROOT] = &proc_root, [PROC_PROCESS] = &proc_process, [PROC_TASKS] = &proc_tasks, [PROC_TASK] = &proc_task,
	[PROC_FD] = &proc_fd, [PROC_FDINFO] = &proc_fdinfo, [PROC_SYS] = &proc_sys, [PROC_SYS_KERNEL] = &proc_sys_kernel,
	[PROC_SYS_RANDOM] = &proc_sys_random, [PROC_SYS_VM] = &proc_sys_vm, [PROC_SYS_FS] = &proc_sys_fs,
	[PROC_DISKS] = &proc_disks, [PROC_DISKS_RAM0] = &proc_disks_ram0, [PROC_SYSVIPC] = &proc_sysvipc,
	[PROC_SYSFS_ABOVE] = &proc_sysfs_above, [PROC_SYSFS] = &proc_sysfs, [PROC_SYSFS_DEVICES] = &proc_sysfs_devices,
	[PROC_SYSFS_SYSTEM] = &proc_sysfs_system, [PROC_SYSFS_CPUS] = &proc_sysfs_cpus, [PROC_SYSFS_CPU] = &proc_sysfs_cpu,
	[PROC_SYSFS_TOPOLOGY] = &proc_sysfs_topology, [PROC_SYSFS_DEV] = &proc_sysfs_dev, [PROC_SYSFS_EMPTY] = &proc_sysfs_empty,
	[PROC_SYSFS_FS] = &proc_sysfs_fs,
	PROC_NET_DIRECTORIES
	PROC_INOTIFY_DIRECTORIES
};

static const struct proc_entry root_entry = { .name = "/", .mode = S_IFDIR | 0555, .directory = &proc_root };

uint64_t proc_node_id(const struct proc_directory *in, unsigned index, int pid, int member)
{
	/* The root's own number, 1, cannot come out: a member of the root has its pid, all else an index. */
	return (uint64_t)in->number << 56 | (uint64_t)index << 48 | (uint64_t)pid << 32 | (uint32_t)member;
}

/* The generation is the process's time of birth, so that a number given out again names another node. 0 (a fresh lookup) fits any. */
static int take_subject(struct proc_subject *subject, uint64_t generation, bool is_thread)
{
	subject->process = process_find(subject->pid);
	if (!subject->process || (generation && generation != subject->process->start_ns))
		return -ENOENT;
	if (!is_thread)
		return 0;
	subject->thread = thread_find(subject->member);
	return subject->thread && subject->thread->process == subject->process ? 0 : -ENOENT;
}

/* In task/TID, that itself, or /proc/TID of a thread that is not the first. */
static bool is_of_thread(unsigned number, unsigned index, int member)
{
	return number == PROC_TASK || (number == PROC_TASKS && !index) || (number <= PROC_PROCESS && member);
}

int proc_node_get(struct fs_node_id id, struct proc_node *node)
{
	unsigned number = id.id >> 56, index = id.id >> 48 & 0xff;
	int error = 0;

	*node = (struct proc_node){ .subject.entry = &root_entry };
	if (id.id == PROC_ROOT_ID)
		return 0;
	if (number >= PROC_DIRECTORY_COUNT || index > directories[number]->entry_count)
		return -ENOENT;
	node->in = directories[number];
	node->subject.entry = index ? &node->in->entries[index - 1] : node->in->member;
	node->subject.pid = id.id >> 32 & 0xffff;
	node->subject.member = (int)(uint32_t)id.id;
	node->subject.whole = number <= PROC_PROCESS;
	if (!node->subject.entry)
		return -ENOENT;
	if (node->subject.pid)
		error = take_subject(&node->subject, id.generation, is_of_thread(number, index, node->subject.member));
	if (error)
		proc_node_put(node);
	return error;
}

void proc_node_put(struct proc_node *node)
{
	if (node->subject.thread)
		thread_put(node->subject.thread);
	if (node->subject.process)
		process_put(node->subject.process);
	node->subject.thread = NULL;
	node->subject.process = NULL;
}
