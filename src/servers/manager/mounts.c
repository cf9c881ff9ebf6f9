/* SPDX-License-Identifier: MIT */
/* The boot file systems (mounts.h). */
#include "mounts.h"
#include "lib/log.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* In the order of mounting. */
static const struct boot_mount {
	const char *target, *type;
	const char *other_type;      /* tried when the kernel does not know @type: the same binary is tested on Linux */
	unsigned long flags;
	const char *options;
	mode_t mode;                 /* of the mounted root, 0: as it is */
	bool optional;               /* only where the directory exists already */
} mounts[] = {
	{ .target = "/dev", .type = "devfs", .other_type = "devtmpfs", .flags = MS_NOSUID },
	{ .target = "/proc", .type = "proc", .flags = MS_NOSUID | MS_NODEV | MS_NOEXEC },
	{ .target = "/dev/pts", .type = "devpts", .flags = MS_NOSUID | MS_NOEXEC,
	  .options = "gid=5,mode=620" /* group tty may write to a terminal: mesg, wall */ },
	{ .target = "/dev/shm", .type = "tmpfs", .flags = MS_NOSUID | MS_NODEV, .mode = 01777, .optional = true },
	{ .target = "/tmp", .type = "tmpfs", .flags = MS_NOSUID | MS_NODEV, .mode = 01777 },
	{ .target = "/run", .type = "tmpfs", .flags = MS_NOSUID | MS_NODEV, .mode = 0755 },
};

enum { MOUNT_COUNT = sizeof(mounts) / sizeof(mounts[0]) };

static int try_mount(const struct boot_mount *boot_mount)
{
	if (mount(boot_mount->type, boot_mount->target, boot_mount->type, boot_mount->flags, boot_mount->options) == 0)
		return 0;
	if (errno != ENODEV || !boot_mount->other_type)
		return -1;
	return mount(boot_mount->other_type, boot_mount->target, boot_mount->other_type, boot_mount->flags,
		     boot_mount->options);
}

static void mount_one(const struct boot_mount *boot_mount)
{
	struct stat status;

	if (boot_mount->optional && stat(boot_mount->target, &status) < 0)
		return;
	/* When this fails, the mount says why. */
	mkdir(boot_mount->target, 0755);
	if (try_mount(boot_mount) < 0 && errno != EBUSY) {
		log_error("cannot mount %s on %s: %s", boot_mount->type, boot_mount->target, strerror(errno));
		return;
	}
	if (boot_mount->mode && chmod(boot_mount->target, boot_mount->mode) < 0)
		log_error("cannot set the mode of %s: %s", boot_mount->target, strerror(errno));
}

void mounts_all(void)
{
	for (unsigned i = 0; i < MOUNT_COUNT; i++)
		mount_one(&mounts[i]);
}

void mounts_release(void)
{
	for (unsigned i = MOUNT_COUNT; i-- > 0;)
		umount2(mounts[i].target, MNT_DETACH);
	mount(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY, NULL);
}
