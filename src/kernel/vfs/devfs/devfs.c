/* SPDX-License-Identifier: MIT */
/*
 * devfs: a tmpfs whose nodes come from the registered character devices, the links every program expects (fd, stdin, stdout, stderr), and the
 * empty directories that others mount on (pts, shm). There is one instance, however often it is mounted, so owners and modes
 * that login sets are seen everywhere; programs may also make, link and remove nodes of their own.
 *
 * Devices registered later appear when the directory is next asked for a name it does not have cached, or listed. A node that a program removed
 * stays away until its device is registered anew.
 *
 * Lock: devfs_lock (a mutex) guards the list of known devices; taken before tmpfs->lock.
 */
#include "vfs/devfs/devfs.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "vfs/file.h"
#include "vfs/mount.h"
#include "vfs/stat_bits.h"
#include "vfs/tmpfs/names.h"
#include "vfs/tmpfs/tmpfs.h"

struct known_device {
	struct list link;
	struct char_device *device;	/* only compared: it may be gone */
	bool seen;			/* in the pass under way */
	unsigned major, minor, minor_count;
	char name[56];			/* longer names are not shown */
};

static struct mutex devfs_lock = MUTEX_INIT(devfs_lock, LOCK_DEVFS);
static struct list known = LIST_INIT(known);
static struct fs *instance;		/* set once under devfs_lock */
static struct fs_ops devfs_ops;		/* tmpfs's but lookup and readdir; filled in before the instance exists */

/* The name of one minor: the device's own, with the number appended when there are several. */
static void minor_name(const struct known_device *device, unsigned index, char *name, size_t size)
{
	if (device->minor_count > 1)
		snprintf(name, size, "%s%u", device->name, index);
	else
		string_copy(name, device->name, size);
}

/* Splits "dir/name": finds or makes the directory. *base is the last part. */
static int find_directory(const char *name, struct fs_node_id *dir, const char **base)
{
	const char *slash = strchr(name, '/');
	struct fs_attr in = { .mode = S_IFDIR | 0755 }, out;
	int error;

	*dir = instance->root;
	*base = name;
	if (!slash)
		return 0;
	error = tmpfs_lookup(instance, instance->root, name, slash - name, &out);
	if (error == -ENOENT)
		error = tmpfs_mkdir(instance, instance->root, name, slash - name, &in, &out);
	*dir = out.node;
	*base = slash + 1;
	return error;
}

static int add_node(const char *name, const struct fs_attr *attr)
{
	struct fs_node_id dir;
	struct fs_attr out;
	const char *base;
	int error = find_directory(name, &dir, &base);

	if (!error)
		error = tmpfs_make(instance, dir, base, strlen(base), attr, &out);
	if (!error && attr->size)
		error = tmpfs_setattr(instance, out.node, FS_SET_SIZE, attr, &out);
	return error;
}

static void add_device(const struct known_device *known_device, const struct char_device *device)
{
	struct fs_attr attr = { .mode = S_IFCHR | (device->mode & 07777), .size = device->size };
	char name[72];

	for (unsigned i = 0; i < known_device->minor_count; i++) {
		int error;

		minor_name(known_device, i, name, sizeof(name));
		attr.rdev = make_dev(known_device->major, known_device->minor + i);
		error = add_node(name, &attr);
		if (error && error != -EEXIST)
			log_warning("devfs: cannot show %s (error %d)", name, -error);
	}
}

static void remove_device(const struct known_device *device)
{
	struct fs_node_id dir;
	struct fs_attr out;
	char name[72];
	const char *base;

	for (unsigned i = 0; i < device->minor_count; i++) {
		minor_name(device, i, name, sizeof(name));
		if (!find_directory(name, &dir, &base) && !tmpfs_unlink(instance, dir, base, strlen(base), &out) && !out.links)
			tmpfs_release(instance, out.node);
	}
}

static struct known_device *find_known(const struct char_device *device)
{
	struct known_device *at;

	list_for_each(at, &known, link)
		if (at->device == device && at->major == device->major && at->minor == device->minor)
			return at;
	return NULL;
}

static struct known_device *remember(struct char_device *device)
{
	struct known_device *fresh;

	if (strlen(device->name) >= sizeof(fresh->name))
		return NULL;
	fresh = kzalloc(sizeof(*fresh));
	if (!fresh)
		return NULL;
	fresh->device = device;
	fresh->major = device->major;
	fresh->minor = device->minor;
	fresh->minor_count = device->minor_count;
	string_copy(fresh->name, device->name, sizeof(fresh->name));
	list_push_back(&known, &fresh->link);
	return fresh;
}

/* Makes nodes for devices that are new and removes those of devices that are gone. devfs_lock held. */
static void follow_devices(void)
{
	struct known_device *at, *next;
	struct char_device *device;

	list_for_each(at, &known, link)
		at->seen = false;
	for (device = char_device_next(NULL); device; device = char_device_next(device)) {
		at = find_known(device);
		if (!at) {
			at = remember(device);
			if (!at)
				continue;
			add_device(at, device);
		}
		at->seen = true;
	}
	list_for_each_safe(at, next, &known, link)
		if (!at->seen) {
			remove_device(at);
			list_remove(&at->link);
			kfree(at);
		}
}

static int devfs_lookup(struct fs *fs, struct fs_node_id dir, const char *name, size_t len, struct fs_attr *out)
{
	mutex_lock(&devfs_lock);
	follow_devices();
	mutex_unlock(&devfs_lock);
	return tmpfs_lookup(fs, dir, name, len, out);
}

static int devfs_readdir(struct fs *fs, struct fs_node_id dir, uint64_t cookie, fs_readdir_emit *emit, void *context)
{
	if (!cookie) {
		mutex_lock(&devfs_lock);
		follow_devices();
		mutex_unlock(&devfs_lock);
	}
	return tmpfs_readdir(fs, dir, cookie, emit, context);
}

static int add_fixed_names(void)
{
	static const struct { const char *name, *target; } links[] = {
		{ "fd", "/proc/self/fd" }, { "stdin", "/proc/self/fd/0" }, { "stdout", "/proc/self/fd/1" }, { "stderr", "/proc/self/fd/2" },
	};
	static const struct { const char *name; uint32_t mode; } directories[] = { { "pts", 0755 }, { "shm", 01777 } };
	struct fs_attr in = { 0 }, out;
	int error = 0;

	for (size_t i = 0; i < ARRAY_LEN(links) && !error; i++)
		error = tmpfs_symlink(instance, instance->root, links[i].name, strlen(links[i].name), links[i].target,
				      strlen(links[i].target), &in, &out);
	for (size_t i = 0; i < ARRAY_LEN(directories) && !error; i++) {
		in.mode = S_IFDIR | directories[i].mode;
		error = tmpfs_mkdir(instance, instance->root, directories[i].name, strlen(directories[i].name), &in, &out);
	}
	return error;
}

/* devfs_lock held. */
static int make_instance(void)
{
	int error = tmpfs_create(NULL, "mode=755", &instance);

	if (error)
		return error;
	devfs_ops = tmpfs_ops;
	devfs_ops.lookup = devfs_lookup;
	devfs_ops.readdir = devfs_readdir;
	error = add_fixed_names();
	if (error) {
		instance->ops->unmount(instance);
		instance = NULL;
		return error;
	}
	instance->ops = &devfs_ops;
	instance->type = "devfs";
	return 0;
}

/* The first reference stays with devfs itself, so that the instance outlives its mounts. */
static int mount_devfs(const char *source, const char *data, struct fs **fs)
{
	int error = 0;

	mutex_lock(&devfs_lock);
	if (!instance)
		error = make_instance();
	if (!error) {
		follow_devices();
		refcount_get(&instance->refs);
		*fs = instance;
	}
	mutex_unlock(&devfs_lock);
	return error;
}

static struct fs_type devfs_type = { .name = "devfs", .mount = mount_devfs };

void devfs_register(void)
{
	fs_type_register(&devfs_type);
}
