/* SPDX-License-Identifier: MIT */
/*
 * /proc/disks/ram0, for tests: control takes the commands of block/memory_disk.h, log is what was written to the disk, map where its pages lie in
 * memory. Root's, with SYS_ADMIN: what is on the disk is more than a profile may show. Without that disk opening any of them fails.
 */
#include "block/memory_disk.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include "security/capabilities.h"
#include "vfs/file.h"
#include "vfs/procfs/entry.h"
#include "vfs/stat_bits.h"

static int show_control(struct proc_text *text, const struct proc_subject *subject)
{
	if (!memory_disk_of_root)
		return -ENODEV;
	proc_text_print(text, "frames %llu\n", (unsigned long long)memory_disk_frames(memory_disk_of_root));
	return 0;
}

static int store_control(const struct proc_subject *subject, const char *text, size_t len)
{
	return memory_disk_of_root ? memory_disk_control(memory_disk_of_root, text) : -ENODEV;
}

/* "size BYTES", then for each run of pages that are there "OFFSET PHYSICAL LENGTH", all in bytes; what is between them is zeroes. */
static int show_map(struct proc_text *text, const struct proc_subject *subject)
{
	struct memory_disk *memory = memory_disk_of_root;
	struct memory_disk_run run = { .page = 0 };

	if (!memory || !capabilities_may_administer())
		return memory ? -EPERM : -ENODEV;
	proc_text_print(text, "size %llu\n", (unsigned long long)memory_disk_disk(memory)->sector_count * MEMORY_DISK_SECTOR);
	for (; memory_disk_next_run(memory, &run); run.page += run.count)
		proc_text_print(text, "%llu %llu %llu\n", (unsigned long long)run.page * PAGE_SIZE, (unsigned long long)run.start,
				(unsigned long long)run.count * PAGE_SIZE);
	return 0;
}

static ssize_t log_read(struct file *file, struct uio *uio, uint64_t *pos)
{
	char *buffer = kmalloc(PAGE_SIZE);
	ssize_t total = 0, got = buffer ? 1 : -ENOMEM;

	while (got > 0 && uio->left) {
		got = memory_disk_log_read(memory_disk_of_root, *pos, buffer, MIN(uio->left, (size_t)PAGE_SIZE));
		if (got > 0) {
			size_t put = uio_write_to(uio, buffer, got);

			*pos += put;
			total += put;
			if (put != (size_t)got)
				got = -EFAULT;
		}
	}
	kfree(buffer);
	return total ? total : got;
}

static const struct file_ops log_ops = { .read = log_read };

static int open_log(struct file *file)
{
	if (!memory_disk_of_root || !capabilities_may_administer())
		return memory_disk_of_root ? -EPERM : -ENODEV;
	file->ops = &log_ops;
	return 0;
}

static const struct proc_entry ram0_entries[] = {
	{ .name = "control", .mode = S_IFREG | 0600, PROC_STORED_BY(show_control, store_control) },
	{ .name = "log", .mode = S_IFREG | 0400, .kind = PROC_OPENED, .open = open_log },
	{ .name = "map", .mode = S_IFREG | 0400, .show = show_map },
};

static const struct proc_entry disks_entries[] = {
	{ .name = "ram0", .mode = S_IFDIR | 0500, .directory = &proc_disks_ram0 },
};

const struct proc_directory proc_disks = { .number = PROC_DISKS, .entries = disks_entries, .entry_count = ARRAY_LEN(disks_entries) };
const struct proc_directory proc_disks_ram0 = { .number = PROC_DISKS_RAM0, .entries = ram0_entries, .entry_count = ARRAY_LEN(ram0_entries) };
