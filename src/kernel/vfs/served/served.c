/* SPDX-License-Identifier: MIT */
/* A file system that is a service: each operation is a call to its port. */
#include "vfs/served/served.h"
#include "init/boot_info.h"
#include "ipc/kernel_call.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "vfs/mount.h"
#include "vfs/served/answers.h"

enum { TYPE_NAME_MAX = 16 };

struct served {
	struct fs fs;
	struct port *port;		/* referenced */
	char type[TYPE_NAME_MAX];	/* what the server calls itself: fs.type */
};

static struct served *to_served(struct fs *fs)
{
	return container_of(fs, struct served, fs);
}

static struct fs_inode inode_of(struct fs_node_id node)
{
	return (struct fs_inode){ .id = node.id, .generation = node.generation };
}

/* Sends @length bytes of @request. Returns what kernel_call() does, with the answer at kernel_call_payload(). */
static long ask(struct served *served, struct kernel_call *call, uint32_t type, const void *request, unsigned length)
{
	if (length)
		memcpy(kernel_call_payload(call), request, length);
	return kernel_call(call, served->port, type, length);
}

/* An operation whose request is one node. *call is to be ended. */
static long ask_of_node(struct served *served, uint32_t type, struct fs_node_id node, struct kernel_call **call)
{
	struct fs_inode inode = inode_of(node);

	*call = kernel_call_begin();
	return *call ? ask(served, *call, type, &inode, sizeof(inode)) : -ENOMEM;
}

static int served_lookup(struct fs *fs, struct fs_node_id dir, const char *name, size_t len, struct fs_attr *out)
{
	struct kernel_call *call = kernel_call_begin();
	struct fs_lookup_request *request;
	long result;

	if (!call)
		return -ENOMEM;
	request = kernel_call_payload(call);
	request->directory = inode_of(dir);
	request->name_length = len;
	memcpy(request->name, name, len);
	result = kernel_call(call, to_served(fs)->port, FS_LOOKUP, offsetof(struct fs_lookup_request, name) + len);
	result = served_take_lookup(kernel_call_payload(call), result, dir, fs->root, out);
	kernel_call_end(call);
	return result;
}

static int served_getattr(struct fs *fs, struct fs_node_id node, struct fs_attr *out)
{
	struct kernel_call *call;
	long result = ask_of_node(to_served(fs), FS_GETATTR, node, &call);

	if (!call)
		return result;
	result = served_take_getattr(kernel_call_payload(call), result, node, out);
	kernel_call_end(call);
	return result;
}

static int served_readlink(struct fs *fs, struct fs_node_id node, char *buf, size_t size)
{
	struct kernel_call *call;
	long result = ask_of_node(to_served(fs), FS_READLINK, node, &call);

	if (!call)
		return result;
	result = served_take_target(kernel_call_payload(call), result, buf, size);
	kernel_call_end(call);
	return result;
}

static int served_readdir(struct fs *fs, struct fs_node_id dir, uint64_t cookie, fs_readdir_emit *emit, void *context)
{
	struct kernel_call *call = kernel_call_begin();
	bool end = false, full = false;
	long result = 0;

	if (!call)
		return -ENOMEM;
	while (!end && !full && !result) {
		struct fs_readdir_request request = { .directory = inode_of(dir), .cookie = cookie };

		result = ask(to_served(fs), call, FS_READDIR, &request, sizeof(request));
		result = served_take_entries(kernel_call_payload(call), result, &cookie, &end, &full, emit, context);
	}
	kernel_call_end(call);
	return result;
}

static int served_fill_page(struct fs *fs, struct fs_node_id node, uint64_t index, void *page)
{
	struct fs_fill_request request = { .node = inode_of(node), .index = index };
	struct kernel_call *call = kernel_call_begin();
	long result;

	if (!call)
		return -ENOMEM;
	result = ask(to_served(fs), call, FS_FILL, &request, sizeof(request));
	result = served_take_page(kernel_call_payload(call), result, page);
	kernel_call_end(call);
	return result;
}

static int served_statfs(struct fs *fs, struct fs_statfs *out)
{
	struct kernel_call *call = kernel_call_begin();
	long result;

	if (!call)
		return -ENOMEM;
	result = ask(to_served(fs), call, FS_STATFS, NULL, 0);
	result = served_take_statfs(kernel_call_payload(call), result, out);
	if (!result)
		out->fs_id = fs->dev;
	kernel_call_end(call);
	return result;
}

static void served_unmount(struct fs *fs)
{
	kernel_call_port_put(to_served(fs)->port);
	kfree(to_served(fs));
}

static const struct fs_ops served_ops = {
	.lookup = served_lookup,
	.getattr = served_getattr,
	.readlink = served_readlink,
	.readdir = served_readdir,
	.fill_page = served_fill_page,
	.statfs = served_statfs,
	.unmount = served_unmount,
};

/* Does the server speak our version? */
static int check_version(struct served *served, struct kernel_call *call)
{
	const struct { uint16_t major, minor; } ours = { FS_MAJOR, FS_MINOR };
	const uint16_t *theirs = kernel_call_payload(call);
	long length = ask(served, call, FS_VERSION, &ours, sizeof(ours));

	if (length < 0)
		return length;
	return length == sizeof(ours) && theirs[0] == FS_MAJOR ? 0 : -EPROTONOSUPPORT;
}

static int ask_root(struct served *served)
{
	struct kernel_call *call = kernel_call_begin();
	struct fs_attr root;
	long result;

	if (!call)
		return -ENOMEM;
	result = check_version(served, call);
	if (!result)
		result = served_take_root(kernel_call_payload(call), ask(served, call, FS_ROOT, NULL, 0), served->type, &root);
	kernel_call_end(call);
	if (!result)
		served->fs.root = root.node;
	return result;
}

static int served_mount(const char *source, const char *data, struct fs **fs)
{
	struct served *served;
	int error;

	if (*data)
		return -EINVAL;		/* there are no options */
	served = kzalloc(sizeof(*served));
	if (!served)
		return -ENOMEM;
	served->port = kernel_call_port(source, &error);
	if (served->port) {
		error = ask_root(served);
		if (error)
			kernel_call_port_put(served->port);
	} else if (error == -EINVAL) {
		log_error("mount: the port %s does not replay; a file system must be served by one that does", source);
	}
	if (error) {
		kfree(served);
		return error;
	}
	served->fs.ops = &served_ops;
	served->fs.type = served->type;
	served->fs.flags = FS_FILLS_PAGES | FS_READ_ONLY;
	fs_register_instance(&served->fs);
	*fs = &served->fs;
	return 0;
}

static struct fs_type served_type = { .name = "served", .mount = served_mount };

void served_register(void)
{
	/* Off, until who waits for a page from a server holds no lock that others need (README.md). */
	if (command_line_has("served") || command_line_has("root"))
		fs_type_register(&served_type);
}
