/* SPDX-License-Identifier: MIT */
/* The files of the firmware configuration device as character devices under /dev/fw_cfg. They are made once, at boot, and stay. */
#include "drivers/fw_cfg/fw_cfg.h"
#include "drivers/fw_cfg/fw_cfg_internal.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/printf.h"
#include "mm/heap.h"
#include "vfs/file.h"

#include <linux/fs.h>

enum { FW_CFG_MAJOR = 240 };	/* the first of the numbers that Linux leaves for local use */

struct fw_cfg_device {
	struct char_device device;
	struct fw_cfg_file file;
	char name[FW_CFG_NAME_SIZE + 8];
};

static int open_file(struct char_device *device, unsigned minor, struct file *file)
{
	file->private = container_of(device, struct fw_cfg_device, device);
	return 0;
}

static ssize_t read_file(struct file *file, struct uio *uio, uint64_t *pos)
{
	struct fw_cfg_device *device = file->private;
	ssize_t len;

	if (*pos >= device->file.size)
		return 0;
	len = fw_cfg_read(device->file.key, *pos, device->file.size - *pos, uio);
	if (len > 0)
		*pos += len;
	return len;
}

static int64_t seek_file(struct file *file, int64_t offset, int whence)
{
	struct fw_cfg_device *device = file->private;
	int64_t base = whence == SEEK_END ? device->file.size : 0;
	int64_t result;

	if (whence != SEEK_SET && whence != SEEK_CUR && whence != SEEK_END)
		return -EINVAL;
	if (whence == SEEK_CUR)
		base = file->pos;
	if (__builtin_add_overflow(base, offset, &result) || result < 0)
		result = -EINVAL;
	else
		file->pos = result;
	return result;
}

static const struct file_ops fw_cfg_ops = { .read = read_file, .seek = seek_file };

static bool make_device(const struct fw_cfg_file *file, void *context)
{
	unsigned *minor = context;
	const char *name = fw_cfg_device_name(file);
	struct fw_cfg_device *made;

	if (!name)
		return true;
	made = kzalloc(sizeof(*made));
	if (!made) {
		log_error("fw_cfg: no memory for %s", name);
		return true;
	}
	made->file = *file;
	snprintf(made->name, sizeof(made->name), "fw_cfg/%s", name);
	made->device = (struct char_device){ .major = FW_CFG_MAJOR, .minor = *minor, .minor_count = 1, .name = made->name, .mode = 0400,
					     .size = file->size, .ops = &fw_cfg_ops, .open = open_file };
	if (char_device_register(&made->device)) {
		log_error("fw_cfg: cannot register %s", made->name);
		kfree(made);
		return true;
	}
	++*minor;
	return true;
}

void fw_cfg_init(void)
{
	unsigned count = 0;

	if (!fw_cfg_present())
		return;
	if (fw_cfg_transfer_init()) {
		log_error("fw_cfg: no memory for the transfer buffer");
		return;
	}
	fw_cfg_for_each_file(make_device, &count);
	if (count)
		log_info("fw_cfg: %u file%s from the virtual machine's owner", count, count > 1 ? "s" : "");
}
