/* SPDX-License-Identifier: MIT */
/* Mounting a file system that is a service, and its end. */
#include "vfs/served/served.h"
#include "init/boot_info.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "vfs/mapped/mapped.h"
#include "vfs/served/ask.h"

/* Does the server speak our version? */
static int check_version(struct served *served, struct kernel_call *call)
{
	const struct { uint16_t major, minor; } ours = { FS_MAJOR, FS_MINOR };
	const uint16_t *theirs = kernel_call_payload(call);
	long length = served_ask(served, call, FS_VERSION, &ours, sizeof(ours));

	if (length < 0)
		return length;
	return length == sizeof(ours) && theirs[0] == FS_MAJOR ? 0 : -EPROTONOSUPPORT;
}

static int ask_root(struct served *served)
{
	struct kernel_call *call = kernel_call_begin();
	struct fs_attr root;
	long length = 0;
	int error;

	if (!call)
		return -ENOMEM;
	error = check_version(served, call);
	if (!error) {
		length = served_ask(served, call, FS_ROOT, NULL, 0);
		error = served_take_root(kernel_call_payload(call), length, served->type, &root, &served->fs.time_step);
	}
	error = served_done(served, call, length, error);
	if (!error)
		served->fs.root = root.node;
	return error;
}

/* Changes begin, unless they are not wanted, or the server has none. */
static int begin_changes(struct served *served)
{
	int error = served->read_only ? -EROFS : served_start(served);

	served->started = !error;
	served->read_only = error == -EROFS || error == -ENOSYS;
	return served->read_only ? 0 : error;
}

static void served_free(struct served *served)
{
	served_unregister_mount(served);
	if (served->cache) {
		mapped_fs_stop(served->mapped);
		block_cache_destroy(served->cache);
		mapped_fs_destroy(served->mapped);
	}
	if (served->disk)
		disk_put(served->disk);
	kernel_call_port_put(served->port);
	kfree(served);
}

/* By the file system's worker, but where it had no mount: it may wait for the next instance of the server. */
void served_unmount(struct fs *fs)
{
	struct served *served = served_of(fs);
	int error = served_sync_as(served, true);

	if (error)
		log_error("mount: %s: error %d at the end; it needs to be checked", served->port_name, -error);
	served_free(served);
}

/* One of the mount options: 0, -EINVAL, -ENXIO (there is no such disk). */
static int take_option(struct served *served, const char *option, size_t len)
{
	char name[DISK_NAME_LEN];

	if (len == 2 && !memcmp(option, "ro", 2)) {
		served->read_only = true;
	} else if (len == 9 && !memcmp(option, "unordered", 9)) {
		served->unordered = true;	/* for tests that must be able to fail */
	} else if (len > 5 && len - 5 < sizeof(name) && !memcmp(option, "disk=", 5) && !served->disk) {
		memcpy(name, option + 5, len - 5);
		name[len - 5] = 0;
		served->disk = disk_find(name);
		return served->disk ? 0 : -ENXIO;
	} else {
		return -EINVAL;
	}
	return 0;
}

static int take_options(struct served *served, const char *text)
{
	int error = 0;

	while (*text && !error) {
		size_t len = 0;

		while (text[len] && text[len] != ',')
			len++;
		error = take_option(served, text, len);
		text += len + (text[len] == ',');
	}
	return error;
}

static int begin_mount(struct served *served, const char *source)
{
	int error;

	served->port = kernel_call_port(source, &error);
	if (error == -EINVAL)
		log_error("mount: the port %s does not replay; a file system must be served by one that does", source);
	if (error)
		return error;
	snprintf(served->port_name, sizeof(served->port_name), "%s", source);
	error = served_register_mount(served);
	if (error)
		kernel_call_port_put(served->port);
	return error;
}

static int served_mount(const char *source, const char *data, struct fs **fs)
{
	struct served *served = kzalloc(sizeof(*served));
	int error;

	if (!served)
		return -ENOMEM;
	served->free_blocks = UINT64_MAX;
	list_init(&served->link);
	error = take_options(served, data) ?: begin_mount(served, source);
	if (error) {
		if (served->disk)
			disk_put(served->disk);
		kfree(served);
		return error;
	}
	error = ask_root(served) ?: begin_changes(served);
	served_set_in_use(served);
	if (error) {
		served_free(served);
		return error;
	}
	served->fs.ops = &served_ops;
	served->fs.type = served->type;
	served->fs.data = served->cache ? &mapped_data_ops : NULL;
	served->fs.flags = (served->cache ? 0 : FS_FILLS_PAGES) | FS_SERVED | FS_KEEPS_TIMES | (served->read_only ? FS_READ_ONLY : 0);
	fs_register_instance(&served->fs);
	*fs = &served->fs;
	return 0;
}

static struct fs_type served_type = { .name = "served", .mount = served_mount };

void served_register(void)
{
	/* Where the command line names no root that a server would serve, nor asks for this, nobody is to depend on one. */
	if (!command_line_has("served") && !command_line_has("root"))
		return;
	mapped_init();
	fs_type_register(&served_type);
}
