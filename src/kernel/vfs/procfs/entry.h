/* SPDX-License-Identifier: MIT */
/*
 * The tree of /proc as tables. A directory has fixed entries and perhaps numbered members (processes, threads, descriptors) that all look like one
 * template. An inode number is made of the directory's number, the place in its table, the process and the member, so that nothing has
 * to be kept between calls.
 */
#pragma once

#include "vfs/procfs/proc_text.h"
#include "vfs/path.h"

struct file;
struct process;
struct thread;

/* Whom a file is about. */
struct proc_subject {
	const struct proc_entry *entry;	/* which file it is */
	struct process *process;	/* referenced; NULL outside process directories */
	struct thread *thread;		/* referenced; NULL but in task/TID, and /proc/TID of a thread that is not the first */
	int pid;			/* 0 outside process directories */
	int member;			/* thread id or descriptor */
	bool whole;			/* with a thread: the times are the process's all the same */
};

/* Each returns 0, or a length, or a negative errno. */
typedef int proc_show(struct proc_text *text, const struct proc_subject *subject);
typedef int proc_store(const struct proc_subject *subject, const char *text, size_t len);
typedef int proc_link(const struct proc_subject *subject, char *buf, size_t size);
typedef int proc_follow(const struct proc_subject *subject, struct path *path);

enum proc_kind { PROC_SHOWN, PROC_FIGURE, PROC_LINE, PROC_OPENED, PROC_STORED, PROC_LINK, PROC_PLACE };

struct proc_entry {
	const char *name;		/* NULL for templates */
	uint16_t mode;
	uint8_t kind;			/* of files and links: enum proc_kind */
	uint8_t argument;		/* for functions that several files share */
	union {
		const struct proc_directory *directory;
		uint64_t figure;				/* files that always say this, */
		const char *line;				/* or this, */
		proc_show *show;				/* or what this makes; */
		const struct proc_stored *stored;		/* those that can be written to; */
		int (*open)(struct file *file);			/* those with operations of their own: sets file->ops */
		proc_link *link;				/* links by their text, */
		const struct proc_place *place;			/* and those that lead straight to an object */
	};
};

struct proc_stored { proc_show *show; proc_store *store; };
struct proc_place { proc_link *link; proc_follow *follow; };

#define PROC_STORED_BY(show, store) .kind = PROC_STORED, .stored = &(const struct proc_stored){ show, store }
#define PROC_PLACE_BY(link, follow) .kind = PROC_PLACE, .place = &(const struct proc_place){ link, follow }

enum proc_member_kind { PROC_NO_MEMBERS, PROC_MEMBERS_PROCESSES, PROC_MEMBERS_THREADS, PROC_MEMBERS_DESCRIPTORS, PROC_MEMBERS_CPUS };

struct proc_directory {
	uint8_t number;			/* place in proc_directories */
	uint8_t entry_count;
	const struct proc_entry *entries;
	enum proc_member_kind member_kind;
	const struct proc_entry *member;
	/* The lowest member >= @from of the subject's directory, or -1. */
	int (*next)(const struct proc_subject *subject, int from);
};

enum proc_directory_number {
	PROC_ROOT, PROC_PROCESS, PROC_TASKS, PROC_TASK, PROC_FD, PROC_FDINFO, PROC_SYS, PROC_SYS_KERNEL, PROC_SYS_RANDOM, PROC_SYS_VM, PROC_SYS_FS,
	PROC_DISKS, PROC_DISKS_RAM0, PROC_SYSVIPC, PROC_SYSFS_ABOVE, PROC_SYSFS, PROC_SYSFS_DEVICES, PROC_SYSFS_SYSTEM, PROC_SYSFS_CPUS, PROC_SYSFS_CPU,
	PROC_SYSFS_TOPOLOGY, PROC_SYSFS_DEV, PROC_SYSFS_EMPTY, PROC_SYSFS_FS,
#ifdef UNIX_SOCKETS
	PROC_NET, PROC_SYS_NET, PROC_SYS_NET_CORE,
#endif
#ifdef INOTIFY
	PROC_SYS_INOTIFY,
#endif
	PROC_DIRECTORY_COUNT
};

extern const struct proc_directory proc_root, proc_process, proc_tasks, proc_task, proc_fd, proc_fdinfo, proc_sys, proc_sys_kernel,
	proc_sys_random, proc_sys_vm, proc_disks, proc_disks_ram0, proc_sysvipc, proc_net, proc_sys_net, proc_sys_net_core, proc_sys_fs, proc_sys_inotify,
	proc_sysfs_above, proc_sysfs, proc_sysfs_devices, proc_sysfs_system, proc_sysfs_cpus, proc_sysfs_cpu,
	proc_sysfs_topology, proc_sysfs_dev, proc_sysfs_empty, proc_sysfs_fs;

/* Rows of tables for what the build can leave out (../../README.md, "Switches"). */
#ifdef UNIX_SOCKETS
#define PROC_NET_DIRECTORIES [PROC_NET] = &proc_net, [PROC_SYS_NET] = &proc_sys_net, [PROC_SYS_NET_CORE] = &proc_sys_net_core,
#define PROC_SYS_NET_ENTRIES { .name = "net", .mode = S_IFDIR | 0555, .directory = &proc_sys_net },
#define PROC_NET_ENTRIES { .name = "net", .mode = S_IFDIR | 0555, .directory = &proc_net },
#else
#define PROC_NET_DIRECTORIES
#define PROC_SYS_NET_ENTRIES
#define PROC_NET_ENTRIES
#endif
#ifdef INOTIFY
#define PROC_INOTIFY_DIRECTORIES [PROC_SYS_INOTIFY] = &proc_sys_inotify,
#define PROC_INOTIFY_ENTRIES { .name = "inotify", .mode = S_IFDIR | 0555, .directory = &proc_sys_inotify },
#else
#define PROC_INOTIFY_DIRECTORIES
#define PROC_INOTIFY_ENTRIES
#endif
#ifdef CORE_FILES
#define PROC_CORE_ENTRIES \
	{ .name = "core_pattern", .mode = S_IFREG | 0644, PROC_STORED_BY(proc_show_core_pattern, proc_store_core_pattern) }, \
	{ .name = "core_uses_pid", .mode = S_IFREG | 0644, PROC_STORED_BY(proc_show_core_uses_pid, proc_store_core_uses_pid) },
#define PROC_CORE_FILTER_ENTRIES \
	{ .name = "coredump_filter", .mode = S_IFREG | 0644, PROC_STORED_BY(proc_show_core_filter, proc_store_core_filter) },
enum { PROC_CORE_FILTERS = 1 };
#else
#define PROC_CORE_ENTRIES
#define PROC_CORE_FILTER_ENTRIES
enum { PROC_CORE_FILTERS = 0 };
#endif
#ifdef PTRACE
#define PROC_TRACE_ENTRIES \
	{ .name = "auxv", .mode = S_IFREG | 0400, .show = proc_show_auxv }, \
	{ .name = "mem", .mode = S_IFREG | 0600, .kind = PROC_OPENED, .open = proc_open_memory },
#else
#define PROC_TRACE_ENTRIES
#endif
#ifdef CRASH_DUMP
#define PROC_CRASH_ENTRIES { .name = "crash", .mode = S_IFREG | 0600, PROC_STORED_BY(proc_show_crash, proc_store_crash) },
#else
#define PROC_CRASH_ENTRIES
#endif
#ifdef AIO
#define PROC_AIO_ENTRIES FIGURE("aio-max-nr", AIO_MAX_NR), { .name = "aio-nr", .mode = S_IFREG | 0444, .show = proc_show_aio_nr },
#else
#define PROC_AIO_ENTRIES
#endif
/* Of the debug build. */
#ifdef KERNEL_DEBUG
#define PROC_DEBUG_ENTRIES { .name = "fail_alloc", .mode = S_IFREG | 0600, PROC_STORED_BY(proc_show_fail_alloc, proc_store_fail_alloc) },
#else
#define PROC_DEBUG_ENTRIES
#endif

/* fd.c: what a descriptor's link allows. */
uint32_t proc_descriptor_permissions(const struct proc_subject *subject);

/* status.c, memory.c, process.c */
int proc_show_stat(struct proc_text *text, const struct proc_subject *subject);
int proc_show_status(struct proc_text *text, const struct proc_subject *subject);
int proc_show_statm(struct proc_text *text, const struct proc_subject *subject);
int proc_show_maps(struct proc_text *text, const struct proc_subject *subject);
int proc_show_smaps(struct proc_text *text, const struct proc_subject *subject);
int proc_show_smaps_rollup(struct proc_text *text, const struct proc_subject *subject);
int proc_show_schedstat(struct proc_text *text, const struct proc_subject *subject);
int proc_show_runstate(struct proc_text *text, const struct proc_subject *subject);
int proc_show_limits(struct proc_text *text, const struct proc_subject *subject);

/* status.c: "0-2,4". */
void proc_add_cpus(struct proc_text *text, uint64_t mask);
/* "17", as a mask. */
void proc_add_cpu_mask(struct proc_text *text, uint64_t mask);

/* sys.c: an empty file. */
int proc_show_nothing(struct proc_text *text, const struct proc_subject *subject);

bool proc_parse_number(const char *text, size_t len, int64_t *value);

/* core.c */
int proc_show_core_pattern(struct proc_text *text, const struct proc_subject *subject);
int proc_store_core_pattern(const struct proc_subject *subject, const char *text, size_t len);
int proc_show_core_uses_pid(struct proc_text *text, const struct proc_subject *subject);
int proc_store_core_uses_pid(const struct proc_subject *subject, const char *text, size_t len);
int proc_show_core_filter(struct proc_text *text, const struct proc_subject *subject);
int proc_store_core_filter(const struct proc_subject *subject, const char *text, size_t len);

/* trace.c */
int proc_show_auxv(struct proc_text *text, const struct proc_subject *subject);
int proc_open_memory(struct file *file);

/* crash.c */
int proc_show_crash(struct proc_text *text, const struct proc_subject *subject);
int proc_store_crash(const struct proc_subject *subject, const char *text, size_t len);

/* ../aio.c */
int proc_show_aio_nr(struct proc_text *text, const struct proc_subject *subject);

/* ../../debug/checks/alloc_sites.c */
int proc_show_fail_alloc(struct proc_text *text, const struct proc_subject *subject);
int proc_store_fail_alloc(const struct proc_subject *subject, const char *text, size_t len);

/* cpuinfo.c */
int proc_show_cpuinfo(struct proc_text *text, const struct proc_subject *subject);

/* served.c */
int proc_show_served(struct proc_text *text, const struct proc_subject *subject);

/* May the caller see what @process has open and where it is? 0 or -EACCES. */
int proc_check_inspect(struct process *process);

/* Is @file a directory /proc/PID? Then *@process is that process, with a reference, or NULL when it was waited for. */
bool proc_names_process(const struct file *file, struct process **process);

/* What the kernel knows of a process's memory, in bytes; all 0 without an address space. */
struct proc_memory {
	uint64_t mapped, mapped_peak, resident, resident_peak, locked, data, stack, program, tables;
	uint64_t arg_start, arg_end, env_start, env_end, brk_start, stack_top;
};
void proc_get_memory(struct process *process, struct proc_memory *memory);
/* Which of the @resident bytes are the process's own, and which belongs to files that live in memory only, in bytes. */
void proc_get_resident_kinds(struct process *process, uint64_t resident, uint64_t *anonymous, uint64_t *shared);
