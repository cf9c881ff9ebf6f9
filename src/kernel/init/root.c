/* SPDX-License-Identifier: MIT */
/* Boot steps that look at the command line and the boot loader's module. */
#include "init/init.h"
#include "block/memory_disk.h"
#include "drivers/fw_cfg/fw_cfg.h"
#include "init/boot_info.h"
#include "lib/log.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "vfs/mount.h"

/* How much larger than the image the disk is, and may be. */
#define ROOT_FREE (256ull << 20)
#define ROOT_FREE_MAX (1ull << 40)

void command_line_append_from_firmware(void)
{
	size_t len = strlen(boot_info.command_line), room = sizeof(boot_info.command_line) - len;
	char *to = boot_info.command_line + len;
	size_t added;

	if (room < 3)
		return;
	added = fw_cfg_read_file("opt/org.raeenos/append", to + 1, room - 2);
	if (added == 0)
		return;
	*to = ' ';
	to[1 + MIN(added, room - 2)] = 0;
}

void log_configure_from_command_line(void)
{
	char value[16];
	uint64_t level;

	if (command_line_has("quiet"))
		log_set_console_level(LOG_WARNING);
	if (command_line_get("loglevel", value, sizeof(value)) && string_to_u64(value, &level))
		log_set_console_level(level);
}

/*
 * The image as the disk ram0, for the service that takes the root over from the reader below it. Both use the same memory; whoever writes comes after the
 * reader. Behind the image there is room as the command line says.
 */
static void make_memory_disk(size_t len)
{
	uint64_t more = command_line_size("root_free", ROOT_FREE);
	struct memory_disk *memory;

	if (!command_line_has_value("root", "ram0"))
		return;
	memory = memory_disk_create("ram0", boot_info.module_start, len, ROUND_UP(len + MIN(more, ROOT_FREE_MAX), PAGE_SIZE));
	if (!memory || disk_register(memory_disk_disk(memory)))
		panic("out of memory while making the disk of the root image");
	memory_disk_of_root = memory;
}

void root_mount_module(void)
{
	size_t len = boot_info.module_end - boot_info.module_start;
	int error;

	if (!len)
		panic("the boot loader brought no root image: expected a line `module2 /boot/root.ext2 root` in its menu entry");
	log_info("root: image of %zu KiB at %#lx", len / 1024, boot_info.module_start);
	error = vfs_mount_root(phys_to_virt(boot_info.module_start), len);
	panic_if_no_memory(error, "mounting the root image");
	if (error)
		panic("cannot mount the root image (error %d): it is damaged or not an ext2 file system", -error);
	make_memory_disk(len);
}
