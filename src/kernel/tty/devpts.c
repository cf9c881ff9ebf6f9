/* SPDX-License-Identifier: MIT */
/*
 * devpts: the file system at /dev/pts whose files are the open ptys, and ptmx. Every mount shows the same ptys; the options of the latest
 * mount hold for all (gid=, mode=: of new slaves; ptmxmode=: of the ptmx node).
 */
#include "tty/pty.h"
#include <asm/stat.h>
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "sched/clock.h"

enum { NODE_ROOT = 1, NODE_PTMX = 2, NODE_SLAVES = 3, DEVPTS_MAGIC = 0x1cd1, TYPE_CHAR = 0020000, TYPE_DIR = 0040000, DT_CHAR = 2 };

static struct devpts_options options = { .mode = 0600, .ptmx_mode = 0 };	/* pty_table_lock */
static int64_t root_time;	/* set once, at the first mount */

struct devpts_options devpts_options_get(void)
{
	mutex_lock(&pty_table_lock);
	struct devpts_options copy = options;

	mutex_unlock(&pty_table_lock);
	return copy;
}

static bool parse_number(const char *text, size_t len, unsigned base, uint32_t *value)
{
	uint64_t sum = 0;

	if (!len)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned digit = (unsigned char)text[i] - '0';

		if (digit >= base || (sum = sum * base + digit) > UINT32_MAX)
			return false;
	}
	*value = sum;
	return true;
}

/* One option of the mount text. Options that change nothing here, or that the VFS knows, are accepted by name. */
static bool parse_option(const char *text, size_t len, struct devpts_options *out)
{
	static const char *const accepted[] = { "newinstance", "rw", "relatime", "noexec", "nosuid" };
	const char *equals = memchr(text, '=', len);
	uint32_t ignored;

	if (!equals) {
		for (size_t i = 0; i < ARRAY_LEN(accepted); i++)
			if (strlen(accepted[i]) == len && memcmp(accepted[i], text, len) == 0)
				return true;
		return false;
	}
	const char *value = equals + 1;
	size_t name_len = equals - text, value_len = len - name_len - 1;

	if (name_len == 3 && memcmp(text, "gid", 3) == 0) {
		out->has_gid = true;
		return parse_number(value, value_len, 10, &out->gid);
	}
	if (name_len == 3 && (memcmp(text, "uid", 3) == 0 || memcmp(text, "max", 3) == 0))
		return parse_number(value, value_len, 10, &ignored);
	if (name_len == 4 && memcmp(text, "mode", 4) == 0)
		return parse_number(value, value_len, 8, &out->mode) && out->mode <= 0777;
	if (name_len == 8 && memcmp(text, "ptmxmode", 8) == 0)
		return parse_number(value, value_len, 8, &out->ptmx_mode) && out->ptmx_mode <= 0777;
	return false;
}

static int parse_options(const char *data, struct devpts_options *out)
{
	*out = (struct devpts_options){ .mode = 0600 };
	while (*data) {
		const char *comma = strchr(data, ',');
		size_t len = comma ? (size_t)(comma - data) : strlen(data);

		if (len && !parse_option(data, len, out))
			return -EINVAL;
		data += len + (comma != NULL);
	}
	return 0;
}

static void root_attr(struct fs_attr *out)
{
	*out = (struct fs_attr){
		.node = { .id = NODE_ROOT }, .mode = TYPE_DIR | 0755, .links = 2,
		.atime = root_time, .mtime = root_time, .ctime = root_time, .btime = root_time,
	};
}

static void ptmx_attr(struct fs_attr *out)
{
	root_attr(out);
	out->node.id = NODE_PTMX;
	out->mode = TYPE_CHAR | devpts_options_get().ptmx_mode;
	out->links = 1;
	out->rdev = make_dev(PTMX_MAJOR, PTMX_MINOR);
}

/* The caller holds a reference to the slave. */
static void slave_attr(struct pty *pty, struct fs_attr *out)
{
	unsigned links = pty_is_listed(pty);

	mutex_lock(&pty_table_lock);
	*out = (struct fs_attr){
		.node = { .id = NODE_SLAVES + pty->index, .generation = pty->serial }, .mode = TYPE_CHAR | pty->mode, .links = links,
		.uid = pty->uid, .gid = pty->gid, .rdev = make_dev(PTY_SLAVE_MAJOR, pty->index),
		.atime = pty->atime, .mtime = pty->mtime, .ctime = pty->ctime, .btime = pty->ctime,
	};
	mutex_unlock(&pty_table_lock);
}

/* The pty of a node, its slave referenced; NULL when it is gone. An open slave outlives its name. */
static struct pty *find_node(struct fs_node_id node)
{
	return node.id >= NODE_SLAVES ? pty_find_serial(node.generation) : NULL;
}

static int devpts_lookup(struct fs *fs, struct fs_node_id dir, const char *name, size_t len, struct fs_attr *out)
{
	uint32_t index;

	if (len == 4 && memcmp(name, "ptmx", 4) == 0) {
		ptmx_attr(out);
		return 0;
	}
	if ((len > 1 && name[0] == '0') || !parse_number(name, len, 10, &index))
		return -ENOENT;
	struct pty *pty = pty_find(index);

	if (!pty)
		return -ENOENT;
	slave_attr(pty, out);
	tty_put(pty->slave);
	return 0;
}

static int devpts_getattr(struct fs *fs, struct fs_node_id node, struct fs_attr *out)
{
	if (node.id == NODE_ROOT) {
		root_attr(out);
		return 0;
	}
	if (node.id == NODE_PTMX) {
		ptmx_attr(out);
		return 0;
	}
	struct pty *pty = find_node(node);

	if (!pty)
		return -EIO;
	slave_attr(pty, out);
	tty_put(pty->slave);
	return 0;
}

static int devpts_setattr(struct fs *fs, struct fs_node_id node, unsigned mask, const struct fs_attr *in, struct fs_attr *out)
{
	struct pty *pty = find_node(node);

	if (mask & FS_SET_SIZE) {
		/* O_TRUNC and truncate(2) of a terminal mean nothing. */
		mask &= ~FS_SET_SIZE;
	}
	if (!pty)
		return node.id < NODE_SLAVES ? -EPERM : -EIO;
	mutex_lock(&pty_table_lock);
	if (mask & FS_SET_MODE)
		pty->mode = in->mode & 07777;
	if (mask & FS_SET_UID)
		pty->uid = in->uid;
	if (mask & FS_SET_GID)
		pty->gid = in->gid;
	if (mask & FS_SET_ATIME)
		pty->atime = in->atime;
	if (mask & FS_SET_MTIME)
		pty->mtime = in->mtime;
	pty->ctime = mask & FS_SET_CTIME ? in->ctime : (int64_t)clock_realtime_ns();
	mutex_unlock(&pty_table_lock);
	slave_attr(pty, out);
	tty_put(pty->slave);
	return 0;
}

/* Cookie 0 is before ptmx, cookie 1 + N before pty N. */
static int devpts_readdir(struct fs *fs, struct fs_node_id dir, uint64_t cookie, fs_readdir_emit *emit, void *context)
{
	struct fs_dirent entry = { .id = NODE_PTMX, .next = 1, .type = DT_CHAR, .name_len = 4, .name = "ptmx" };
	int index;

	if (cookie == 0) {
		if (!emit(context, &entry))
			return 0;
		cookie = 1;
	}
	while (cookie <= PTY_MAX && (index = pty_next_index(cookie - 1)) >= 0) {
		entry.id = NODE_SLAVES + index;
		entry.next = index + 2;
		entry.name_len = snprintf(entry.name, sizeof(entry.name), "%d", index);
		if (!emit(context, &entry))
			return 0;
		cookie = index + 2;
	}
	return 0;
}

static int devpts_open(struct fs *fs, struct fs_node_id node, struct file *file)
{
	if (node.id == NODE_ROOT)
		return 0;
	if (node.id == NODE_PTMX)
		return ptmx_open(file);
	struct pty *pty = find_node(node);

	if (!pty)
		return -EIO;
	int error = pty_slave_open(pty, file);

	tty_put(pty->slave);
	return error;
}

static int devpts_statfs(struct fs *fs, struct fs_statfs *out)
{
	*out = (struct fs_statfs){ .type = DEVPTS_MAGIC, .block_size = PAGE_SIZE, .name_max = 255, .fs_id = fs->dev };
	return 0;
}

static void devpts_unmount(struct fs *fs)
{
	kfree(fs);
}

static const struct fs_ops devpts_ops = {
	.lookup = devpts_lookup,
	.getattr = devpts_getattr,
	.setattr = devpts_setattr,
	.readdir = devpts_readdir,
	.open = devpts_open,
	.statfs = devpts_statfs,
	.unmount = devpts_unmount,
};

static int devpts_mount(const char *source, const char *data, struct fs **fs)
{
	struct devpts_options wanted;
	int error = parse_options(data, &wanted);

	if (error)
		return error;
	*fs = kzalloc(sizeof(**fs));
	if (!*fs)
		return -ENOMEM;
	(*fs)->ops = &devpts_ops;
	(*fs)->type = "devpts";
	(*fs)->flags = FS_VOLATILE;
	(*fs)->root.id = NODE_ROOT;
	mutex_lock(&pty_table_lock);
	options = wanted;
	if (!root_time)
		root_time = clock_realtime_ns();
	mutex_unlock(&pty_table_lock);
	fs_register_instance(*fs);
	return 0;
}

static struct fs_type devpts_type = { .name = "devpts", .mount = devpts_mount };

void devpts_init(void)
{
	fs_type_register(&devpts_type);
}
