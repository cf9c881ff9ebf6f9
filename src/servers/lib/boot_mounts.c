/* SPDX-License-Identifier: MIT */
/* The boot file systems (boot_mounts.h). */
#include "boot_mounts.h"
#include "bounded.h"
#include "log.h"
#include "mount_options.h"
#include "run_state.h"

#include <errno.h>
#include <mntent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

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
	{ .target = "/sys", .type = "sysfs", .flags = MS_NOSUID | MS_NODEV | MS_NOEXEC, .optional = true },
	{ .target = "/dev/pts", .type = "devpts", .flags = MS_NOSUID | MS_NOEXEC,
	  .options = "gid=5,mode=620" /* group tty may write to a terminal: mesg, wall */ },
	{ .target = "/dev/shm", .type = "tmpfs", .flags = MS_NOSUID | MS_NODEV, .mode = 01777, .optional = true },
	{ .target = "/tmp", .type = "tmpfs", .flags = MS_NOSUID | MS_NODEV, .mode = 01777 },
	{ .target = "/run", .type = "tmpfs", .flags = MS_NOSUID | MS_NODEV, .mode = 0755 },
};

enum { MOUNT_COUNT = sizeof(mounts) / sizeof(mounts[0]), OTHERS_MAX = 64, OTHER_MS = 4000, OTHERS_MS = 8000 };

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

static bool is_boot_type(const char *type)
{
	for (unsigned i = 0; i < MOUNT_COUNT; i++) {
		if (strcmp(type, mounts[i].type) == 0 || (mounts[i].other_type && strcmp(type, mounts[i].other_type) == 0))
			return true;
	}
	return false;
}

/* Who is still in it keeps the mount, but not the file system from its end. */
static int release_other(void *target)
{
	return umount2(target, 0) == 0 || mount(NULL, target, NULL, MS_REMOUNT | MS_RDONLY, NULL) == 0 ? 0 : -errno;
}

/*
 * What was mounted later, in reverse order; a server that does not answer is left after a time, and so are all when they take long together, as the root has
 * to be reached. Nothing is lost in memory.
 */
static void release_others(void)
{
	FILE *file = setmntent("/proc/self/mounts", "re");
	struct mntent *entry;
	char *targets[OTHERS_MAX];
	unsigned count = 0;
	uint64_t end_ns;

	while (file && count < OTHERS_MAX && (entry = getmntent(file))) {
		if (strcmp(entry->mnt_dir, "/") != 0 && !is_boot_type(entry->mnt_type) && (targets[count] = strdup(entry->mnt_dir)))
			count++;
	}
	if (file)
		endmntent(file);
	end_ns = now_ns() + OTHERS_MS * 1000000ull;
	while (count-- > 0) {
		uint64_t now = now_ns(), left_ms = now < end_ns ? (end_ns - now) / 1000000 : 0;
		int error = left_ms ? bounded_run(release_other, targets[count], left_ms < OTHER_MS ? left_ms : OTHER_MS) : -ETIMEDOUT;

		if (error < 0)
			log_error("%s was not unmounted: %s", targets[count], strerror(-error));
		free(targets[count]);
	}
}

int mounts_release(void)
{
	release_others();
	for (unsigned i = MOUNT_COUNT; i-- > 0;)
		umount2(mounts[i].target, MNT_DETACH);
	return mount(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY, NULL);
}

/* Where the new root is until it is one. */
#define NEW_ROOT "/mnt"

/* What lies directly below the root. The others come along with what they are mounted on. */
static bool is_first_level(const struct boot_mount *boot_mount)
{
	return strchr(boot_mount->target + 1, '/') == NULL;
}

/* Shows what is mounted at boot in the new root too: a process of the old root never misses them. */
static const char *show_boot_mounts(void)
{
	char place[64];

	for (unsigned i = 0; i < MOUNT_COUNT; i++) {
		if (!is_first_level(&mounts[i]))
			continue;
		snprintf(place, sizeof(place), NEW_ROOT "%s", mounts[i].target);
		if (mounts[i].optional && (access(mounts[i].target, F_OK) < 0 || access(place, F_OK) < 0))
			continue;
		if (mkdir(place, 0755) < 0 && errno != EEXIST)
			return "make a directory for";
		if (mount(mounts[i].target, place, NULL, MS_BIND | MS_REC, NULL) < 0)
			return mounts[i].target;
	}
	return NULL;
}

/* The old root ends up over the new one, from where it is taken away with all that is still mounted in it. */
static const char *change_root(void)
{
	if (chdir(NEW_ROOT) < 0)
		return "enter it";
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return "make it the root";
	if (umount2(".", MNT_DETACH) < 0)
		log_error("the old root stays mounted: %s", strerror(errno));
	return NULL;
}

const char *mounts_mount(const char *source, const char *directory, const char *type, const char *options)
{
	const bool is_root = strcmp(directory, "/") == 0;
	char *own = malloc(strlen(options) + 1);
	unsigned long flags = own ? mount_options_split(options, own) : 0;
	const char *wrong;

	if (!own || mount(source, is_root ? NEW_ROOT : directory, type, flags, own) < 0)
		return "mount it";
	free(own);
	if (!is_root)
		return NULL;
	wrong = show_boot_mounts();
	if (!wrong)
		wrong = change_root();
	if (wrong) {
		int error = errno;

		chdir("/");
		mounts_clean_up();
		errno = error;
	}
	return wrong;
}

void mounts_clean_up(void)
{
	umount2(NEW_ROOT, MNT_DETACH);
}

bool mounts_has(const char *source, const char *directory)
{
	FILE *file = fopen("/proc/self/mounts", "re");
	char from[64], at[128];
	bool found = false;

	while (file && !found && fscanf(file, "%63s %127s%*[^\n]", from, at) == 2)
		found = strcmp(from, source) == 0 && strcmp(at, directory) == 0;
	if (file)
		fclose(file);
	return found;
}
