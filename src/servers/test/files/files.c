/* SPDX-License-Identifier: MIT */
/*
 * files-service: a service of the tests that is a file system, read-only, whose content follows from its numbers (tree.h).
 *
 *	files-service [--die=N] [--garbage=SEED] [--changes=NAME]
 *
 * --die: kills itself with every Nth request in its hands, before it answers. --garbage: one answer in two is wrong (../lies). --changes: it can be
 * mounted to be changed, though nothing but attributes can, which it forgets; prints when it is told to be clean.
 */
#include "lib/server.h"
#include "proto/fs_server.h"
#include "test/files/tree.h"
#include "test/lies/lies.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static unsigned long die_every, requests;

/* Something was asked: counts, and dies if it is time. A request that has seen a death is answered. */
static void note_request(const struct server_call *call)
{
	if (die_every && ++requests % die_every == 0 && call->extra.deaths == 0)
		kill(getpid(), SIGKILL);
}

static bool is_directory(uint64_t id) { return id >= 1 && id < 2 + TREE_DIRECTORIES; }

static bool is_in_directory(uint64_t id)
{
	uint64_t file = id % 1000, directory = id / 1000;

	return directory >= 2 && directory < 2 + TREE_DIRECTORIES && (file < TREE_FILES || file == TREE_LINK);
}

static int attributes_of(uint64_t id, struct fs_attributes *out)
{
	int64_t time = 1000000000 * (1700000000 + (int64_t)id);
	uint32_t mode = is_directory(id) ? S_IFDIR | 0755 : id % 1000 == TREE_LINK ? S_IFLNK | 0777 : S_IFREG | 0644;

	if (!is_directory(id) && !is_in_directory(id))
		return -ESTALE;
	*out = (struct fs_attributes){ .node = { .id = id, .generation = 1 }, .mode = mode, .links = is_directory(id) ? 2 : 1,
				       .size = S_ISREG(mode) ? tree_size(id) : S_ISLNK(mode) ? 2 : 4096,
				       .atime = time, .mtime = time, .ctime = time, .btime = time };
	out->blocks = (out->size + 511) / 512;
	return 0;
}

/* The name of entry @index of a directory, and its inode: 0 if there are not so many. */
static uint64_t entry_of(uint64_t directory, uint64_t index, char name[16])
{
	if (directory == TREE_ROOT) {
		snprintf(name, 16, "d%u", (unsigned)index);
		return index < TREE_DIRECTORIES ? index + 2 : 0;
	}
	snprintf(name, 16, index == TREE_FILES ? "link" : "f%u", (unsigned)index);
	return index < TREE_FILES ? directory * 1000 + index : index == TREE_FILES ? directory * 1000 + TREE_LINK : 0;
}

static int on_root(struct server_call *call, struct fs_root_reply *reply)
{
	note_request(call);
	memcpy(reply->type, "testfs", 7);
	reply->time_step = 0;
	return attributes_of(TREE_ROOT, &reply->root);
}

static int on_lookup(struct server_call *call, const struct fs_lookup_request *request, struct fs_lookup_reply *reply)
{
	char name[16];
	uint64_t id;

	note_request(call);
	if (!is_directory(request->directory.id))
		return -ENOTDIR;
	for (uint64_t i = 0; (id = entry_of(request->directory.id, i, name)) != 0; i++) {
		if (request->name_length != strlen(name) || memcmp(request->name, name, request->name_length) != 0)
			continue;
		return attributes_of(id, &reply->attributes);
	}
	return -ENOENT;
}

static int on_getattr(struct server_call *call, const struct fs_getattr_request *request, struct fs_getattr_reply *reply)
{
	note_request(call);
	return attributes_of(request->node.id, &reply->attributes);
}

static int on_readlink(struct server_call *call, const struct fs_readlink_request *request, struct fs_readlink_reply *reply)
{
	note_request(call);
	if (request->node.id % 1000 != TREE_LINK)
		return -EINVAL;
	memcpy(reply->target, "f7", 2);
	reply->target_length = 2;
	return 0;
}

static int on_readdir(struct server_call *call, const struct fs_readdir_request *request, struct fs_readdir_reply *reply)
{
	char name[16];
	uint64_t id;

	note_request(call);
	if (!is_directory(request->directory.id))
		return -ENOTDIR;
	/* The cookie is the index of the next entry; a few at a time, so that a listing takes several requests. */
	for (uint64_t i = request->cookie; i < request->cookie + 7 && (id = entry_of(request->directory.id, i, name)) != 0; i++) {
		struct fs_entry entry = { .id = id, .next = i + 1, .type = is_directory(id) ? DT_DIR : id % 1000 == TREE_LINK ? DT_LNK : DT_REG,
					  .name_length = (uint8_t)strlen(name) };

		memcpy(reply->entries + reply->entries_length, &entry, sizeof entry);
		reply->entries_length += sizeof entry;
		memset(reply->entries + reply->entries_length, 0, 8);
		memcpy(reply->entries + reply->entries_length, name, entry.name_length);
		reply->entries_length += 8;
	}
	return 0;
}

static int on_fill(struct server_call *call, const struct fs_fill_request *request, struct fs_fill_reply *reply)
{
	uint64_t start = request->index * 4096, size = tree_size(request->node.id);

	note_request(call);
	if (!is_in_directory(request->node.id))
		return -ESTALE;
	for (uint64_t at = start; at < size && at < start + 4096; at++)
		reply->data[reply->data_length++] = tree_byte(request->node.id, at);
	return 0;
}

static int on_statfs(struct server_call *call, struct fs_statfs_reply *reply)
{
	note_request(call);
	*reply = (struct fs_statfs_reply){ .type = 0x7465737466, .block_size = 4096, .blocks = 4096, .blocks_free = 1, .files = 10000, .files_free = 2,
					   .name_max = 15 };
	return 0;
}

static const char *changes;	/* NULL: none */

static int on_start(struct server_call *call, const struct fs_start_request *request)
{
	(void)request;
	note_request(call);
	return changes ? 0 : -ENOSYS;
}

static int on_setattr(struct server_call *call, const struct fs_setattr_request *request, struct fs_setattr_reply *reply)
{
	note_request(call);
	return changes ? attributes_of(request->node.id, &reply->attributes) : -ENOSYS;
}

static int on_sync(struct server_call *call, const struct fs_sync_request *request)
{
	note_request(call);
	if (request->clean) {
		printf("%s is clean\n", changes ? changes : "");
		fflush(stdout);
	}
	return changes ? 0 : -ENOSYS;
}

static const struct fs_operations operations = {
	.start = on_start, .setattr = on_setattr, .sync = on_sync,
	.root = on_root, .lookup = on_lookup, .getattr = on_getattr, .readlink = on_readlink, .readdir = on_readdir, .fill = on_fill, .statfs = on_statfs,
};

/* fs_protocol.serve with answers that may be lies. */
static int serve(struct server_call *call, const void *operations)
{
	int result;

	lies_note_request(call);
	result = fs_protocol.serve(call, operations);
	if (result == 0 && lies_change(call->payload, &call->reply_length))
		lies_count();
	return result;
}

int main(int argc, char **argv)
{
	static struct protocol protocol;
	struct server server = { .name = "files", .port_flags = PORT_PERSISTENT | PORT_REPLAY, .protocols = { { &protocol, &operations } } };
	unsigned long seed;

	protocol = fs_protocol;
	protocol.serve = serve;

	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], "--changes=", 10) == 0)
			changes = argv[i] + 10;
		else if (sscanf(argv[i], "--garbage=%lu", &seed) == 1 && seed)
			lies_begin(seed);
		else if (sscanf(argv[i], "--die=%lu", &die_every) != 1) {
			fprintf(stderr, "usage: files-service [--die=N] [--garbage=SEED] [--changes=NAME]\n");
			return 2;
		}
	}
	return server_run(&server);
}
