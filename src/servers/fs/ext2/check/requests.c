/* SPDX-License-Identifier: MIT */
/*
 * world_run by the server's own handlers, on the kernel's calls as fake_calls.c has them: the instance dies at any read of a block, before and after any
 * commit, and the request is asked again. After each what the instance has kept of blocks is what the kernel has.
 */
#include "requests.h"
#include "../internal.h"
#include "fake_calls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct requests requests;

static struct server server;
static struct ext2_server instance;

void server_beat(struct server *of)
{
	(void)of;
	requests.beats++;
}

static void begin_instance(void)
{
	memset(&instance, 0, sizeof(instance));
	instance.grow = requests.grow;
	server.context = &instance;
}

void world_mount(struct world *world, unsigned flags)
{
	int error;

	fake_kernel = (struct fake_kernel){ .store = &world->store, .commits_before_give_up = -1 };
	memset(&requests, 0, sizeof(requests));
	begin_instance();
	/* What the tests look through: it reads only. */
	error = ext2_mount(&world->store.io, world->memory, ext2_memory(0), flags | EXT2_READ_ONLY, &world->fs);
	if (error)
		world_fail(world, "mount: %s", strerror(-error));
}

static void begin_again(struct world *world)
{
	ext2_drop_buffers(world->fs);
	world->store.gets_left = world->store.commits_left = world->store.good_gets = -1;
	world->kills_done++;
	begin_instance();
}

static struct fs_inode to_inode(struct ext2_node node)
{
	return (struct fs_inode){ node.id, node.generation };
}

static uint32_t put_name(uint8_t *to, struct ext2_name name)
{
	memcpy(to, name.bytes, name.len);
	return name.len;
}

static void take_attributes(const struct fs_attributes *from, struct ext2_attr *to)
{
	*to = (struct ext2_attr){ .node = { from->node.id, from->node.generation }, .mode = from->mode, .links = from->links, .uid = from->uid,
				  .gid = from->gid, .rdev = from->rdev, .size = from->size, .blocks = from->blocks, .atime = from->atime,
				  .mtime = from->mtime, .ctime = from->ctime, .btime = from->btime };
}

/* All that may be asked and answered. */
union message {
	struct fs_root_reply root;
	struct fs_start_request start;
	struct fs_create_request create;
	struct fs_mkdir_request mkdir;
	struct fs_symlink_request symlink;
	struct fs_link_request link;
	struct fs_unlink_request unlink;
	struct fs_rmdir_request rmdir;
	struct fs_rename_request rename;
	struct fs_map_extents_request map;
	struct fs_setattr_request setattr;
	struct fs_release_request release;
	struct fs_sync_request sync;
	struct fs_create_reply attributes;	/* of create, mkdir, symlink, link, setattr */
	struct fs_unlink_reply removed;		/* of unlink, rmdir */
	struct fs_rename_reply replaced;
	struct fs_map_extents_reply extents;
};

static int ask_create(struct server_call *to, const struct call *call, union message *in, union message *out)
{
	const struct ext2_new *new = &call->new;
	struct fs_inode dir = to_inode(new->dir);

	if (S_ISDIR(new->mode)) {
		in->mkdir = (struct fs_mkdir_request){ .directory = dir, .mode = new->mode & 07777, .uid = new->uid, .gid = new->gid, .time = new->time };
		in->mkdir.name_length = put_name(in->mkdir.name, new->name);
		return ext2_operations.mkdir(to, &in->mkdir, (struct fs_mkdir_reply *)&out->attributes);
	}
	if (S_ISLNK(new->mode)) {
		in->symlink = (struct fs_symlink_request){ .directory = dir, .uid = new->uid, .gid = new->gid, .time = new->time };
		in->symlink.name_size = put_name(in->symlink.text, new->name);
		in->symlink.text_length = in->symlink.name_size + put_name(in->symlink.text + in->symlink.name_size, new->target);
		return ext2_operations.symlink(to, &in->symlink, (struct fs_symlink_reply *)&out->attributes);
	}
	in->create = (struct fs_create_request){ .directory = dir, .mode = new->mode, .uid = new->uid, .gid = new->gid, .rdev = new->rdev, .time = new->time };
	in->create.name_length = put_name(in->create.name, new->name);
	return ext2_operations.create(to, &in->create, &out->attributes);
}

static int ask_remove(struct server_call *to, const struct call *call, union message *in, union message *out)
{
	uint64_t unused = call->flags & EXT2_KEEP ? 0 : call->node.id;

	if (call->flags & EXT2_DIRECTORY) {
		in->rmdir = (struct fs_rmdir_request){ .directory = to_inode(call->dir), .time = call->time, .unused = unused };
		in->rmdir.name_length = put_name(in->rmdir.name, call->name);
		return ext2_operations.rmdir(to, &in->rmdir, (struct fs_rmdir_reply *)&out->removed);
	}
	in->unlink = (struct fs_unlink_request){ .directory = to_inode(call->dir), .time = call->time, .unused = unused };
	in->unlink.name_length = put_name(in->unlink.name, call->name);
	return ext2_operations.unlink(to, &in->unlink, &out->removed);
}

static int ask_rename(struct server_call *to, const struct call *call, union message *in, union message *out)
{
	const struct ext2_rename *what = &call->rename;

	in->rename = (struct fs_rename_request){ .from = to_inode(what->from_dir), .to = to_inode(what->to_dir), .time = what->time, .flags = what->flags };
	in->rename.from_size = put_name(in->rename.names, what->from);
	in->rename.names_length = in->rename.from_size + put_name(in->rename.names + in->rename.from_size, what->to);
	return ext2_operations.rename(to, &in->rename, &out->replaced);
}

static int ask_setattr(struct server_call *to, const struct call *call, union message *in, union message *out)
{
	const struct ext2_attr *attr = &call->attr;

	in->setattr = (struct fs_setattr_request){ .node = to_inode(call->node), .mask = call->flags, .mode = attr->mode, .uid = attr->uid, .gid = attr->gid,
						   .size = attr->size, .atime = attr->atime, .mtime = attr->mtime, .ctime = attr->ctime };
	return ext2_operations.setattr(to, &in->setattr, (struct fs_setattr_reply *)&out->attributes);
}

static int ask(struct server_call *to, enum call_kind kind, const struct call *call, union message *in, union message *out)
{
	const struct ext2_map *map = &call->map;

	switch (kind) {
	case CALL_CREATE:
		return ask_create(to, call, in, out);
	case CALL_LINK:
		in->link = (struct fs_link_request){ .node = to_inode(call->node), .directory = to_inode(call->dir), .time = call->time };
		in->link.name_length = put_name(in->link.name, call->name);
		return ext2_operations.link(to, &in->link, (struct fs_link_reply *)&out->attributes);
	case CALL_REMOVE:
		return ask_remove(to, call, in, out);
	case CALL_RENAME:
		return ask_rename(to, call, in, out);
	case CALL_SETATTR:
		return ask_setattr(to, call, in, out);
	case CALL_RELEASE:
		in->release = (struct fs_release_request){ .node = to_inode(call->node) };
		return ext2_operations.release(to, &in->release);
	case CALL_SYNC:
		in->sync = (struct fs_sync_request){ .time = call->time, .clean = call->clean };
		return ext2_operations.sync(to, &in->sync);
	case CALL_MAP:
		in->map = (struct fs_map_extents_request){ .node = to_inode(map->node), .first = map->first, .count = map->count, .size = map->size,
							   .time = map->time, .allocate = map->allocate, .privileged = map->privileged };
		return ext2_operations.map_extents(to, &in->map, &out->extents);
	default:
		in->start = (struct fs_start_request){ .time = call->time };
		return ext2_operations.start(to, &in->start);
	}
}

/* How long the answer must be. */
static unsigned answer_length(enum call_kind kind, const union message *out)
{
	switch (kind) {
	case CALL_CREATE: case CALL_LINK: case CALL_SETATTR:
		return sizeof(out->attributes);
	case CALL_REMOVE:
		return sizeof(out->removed);
	case CALL_RENAME:
		return sizeof(out->replaced);
	case CALL_MAP:
		return offsetof(struct fs_map_extents_reply, extents) + out->extents.extents_length;
	default:
		return 0;
	}
}

/* What the kernel makes of an answer. */
static void read_answer(enum call_kind kind, const struct call *call, const union message *out, struct answer *answer)
{
	bool keep = kind == CALL_REMOVE ? call->flags & EXT2_KEEP : call->rename.flags & EXT2_KEEP_TARGET;

	switch (kind) {
	case CALL_CREATE: case CALL_LINK: case CALL_SETATTR:
		take_attributes(&out->attributes.attributes, &answer->attr);
		break;
	case CALL_REMOVE:
		answer->removed.attr.node = (struct ext2_node){ out->removed.node.id, out->removed.node.generation };
		answer->removed.attr.links = out->removed.links;
		answer->removed.to_release = keep && !out->removed.links;
		break;
	case CALL_RENAME:
		answer->removed.attr.node = (struct ext2_node){ out->replaced.replaced.id, out->replaced.replaced.generation };
		answer->removed.attr.links = out->replaced.links;
		answer->removed.to_release = keep && out->replaced.replaced.id && !out->replaced.links;
		break;
	case CALL_MAP:
		answer->result = out->extents.extents_length / sizeof(struct fs_extent);
		for (int i = 0; i < answer->result && i < 16; i++) {
			struct fs_extent extent;

			memcpy(&extent, out->extents.extents + i * sizeof(extent), sizeof(extent));
			answer->extents[i] = (struct ext2_extent){ extent.first, extent.count, extent.block, extent.fresh };
		}
		break;
	default:
		break;
	}
}

/* What is kept of blocks is what the kernel has. Who only looks on has been told of no change, and reads all again. */
static void check_kept(struct world *world)
{
	if (instance.fs)
		requests.kept_compared += world_check_kept(world, instance.fs, 1, store_forgets || fake_kernel.stale || world->failures);
	ext2_drop_buffers(world->fs);
}

static void set_deaths(struct world *world, unsigned rounds, bool after, bool may_give_up)
{
	struct store *store = &world->store;

	store->commits_left = world->kills == KILL_ALWAYS ? 0 : -1;
	store->after = after;
	fake_kernel.commits_before_give_up = -1;
	if (requests.plan.set && rounds == 0) {
		store->commits_left = requests.plan.death;
		store->after = requests.plan.after;
		fake_kernel.commits_before_give_up = requests.plan.give_up;
	}
	if (world->kills != KILL_RANDOM || rounds >= 1000)
		return;
	store->gets_left = world_random(world, 4) ? -1 : (long)world_random(world, 40);
	store->commits_left = world_random(world, 4) ? -1 : (long)world_random(world, 2);
	store->after = world_random(world, 2);
	store->stale = world_random(world, 8) == 0;
	store->good_gets = world_random(world, 4) ? -1 : (long)world_random(world, 16);
	if (may_give_up && rounds == 0 && world_random(world, 4) == 0)
		fake_kernel.commits_before_give_up = world_random(world, 2);
}

/* Asks once. 0: answered, or an errno; 1: the instance died; 2: it is to be asked again. */
static int ask_once(struct world *world, enum call_kind kind, const struct call *call, struct answer *answer, bool alone)
{
	static union message in, out;
	struct server_call to = { .server = &server, .token = ++requests.tokens };
	struct store *store = &world->store;
	volatile int result = 0;
	int end;

	fake_kernel.token = to.token;
	fake_kernel.answered = fake_kernel.given_up = false;
	memset(&out, 0, sizeof(out));
	end = setjmp(store->end);
	if (!end) {
		result = ask(&to, kind, call, &in, &out);
		if ((result == SERVER_ANSWERED) != fake_kernel.answered)
			world_fail(world, "the handler says %d, the commits %d", result, fake_kernel.answered);
	}
	bool failed = !end && result == -EIO && store->good_gets < 0 && !alone;

	store->gets_left = store->commits_left = store->good_gets = fake_kernel.commits_before_give_up = -1;
	store->stale = false;
	if (end)
		begin_again(world);
	else
		check_kept(world);
	if (end && requests.plan.set && !requests.plan.image)
		requests.plan.image = store_image(store);
	if (!end && fake_kernel.given_up && result != -ENOENT)
		world_fail(world, "nobody waits, and the handler says %d", result);
	if (fake_kernel.given_up) {
		/* Nothing may be left of it; nor when the server died then, too, and the next one is asked something else. */
		requests.given_up++;
		requests.left_alone += end != 0;
		if (end)
			requests_compare(world);
		world_compare(world);
		return 2;
	}
	if (failed) {
		world->failures++;
		return 2;
	}
	/* The end may have come after the answer. */
	if (end && !(fake_kernel.answered || (end == 2 && store->ended_final)))
		return 1;
	answer->result = result < 0 ? result : 0;
	if (end || result == SERVER_ANSWERED) {
		answer->result = 0;
		memcpy(&out, store->answer, fake_kernel.answer_length);
		if (fake_kernel.answer_length != answer_length(kind, &out))
			world_fail(world, "an answer of %u bytes, expected %u", fake_kernel.answer_length, answer_length(kind, &out));
	}
	if (!answer->result)
		read_answer(kind, call, &out, answer);
	return 0;
}

int world_run(struct world *world, enum call_kind kind, struct call *call, struct answer *answer)
{
	bool after = false, may_give_up = kind == CALL_RENAME || kind == CALL_CREATE || kind == CALL_LINK;
	unsigned rounds = 0;

	world->store.operation = world->operations;
	requests.grow = kind == CALL_GROW;
	instance.grow = requests.grow;
	for (;;) {
		int again;

		memset(answer, 0, sizeof(*answer));
		set_deaths(world, rounds, after, may_give_up);
		again = ask_once(world, kind, call, answer, rounds >= 1000);
		if (!again)
			return answer->result;
		rounds += again == 2 ? 2000 : 1;
		after = !after;
		if (rounds > 14000)
			world_fail(world, "it never ends");
	}
}

/* ---- What is only read ---- */

static void compare_listing(struct world *world, struct server_call *call, const struct node *dir)
{
	static struct fs_readdir_reply reply;
	struct fs_readdir_request request = { .directory = to_inode(dir->id) };
	unsigned found = 0, expected = 0;

	for (;;) {
		uint32_t at = 0;

		reply.entries_length = 0;
		if (ext2_operations.readdir(call, &request, &reply))
			world_fail(world, "request readdir of inode %u", dir->id.id);
		if (!reply.entries_length)
			break;
		while (at < reply.entries_length) {
			struct fs_entry entry;
			char text[256] = "";
			struct name *name;

			memcpy(&entry, reply.entries + at, sizeof(entry));
			memcpy(text, reply.entries + at + sizeof(entry), entry.name_length);
			at += sizeof(entry) + ((entry.name_length + 7u) & ~7u);
			if (entry.next <= request.cookie)
				world_fail(world, "cookies do not grow");
			request.cookie = entry.next;
			name = tree_find(world, dir, text);
			if (!name || name->node->id.id != entry.id || entry.type != (name->node->mode & S_IFMT) >> 12)
				world_fail(world, "request readdir of inode %u: %s", dir->id.id, text);
			found++;
		}
	}
	for (unsigned i = 0; i < world->name_count; i++)
		expected += world->names[i].dir == dir;
	if (found != expected)
		world_fail(world, "request readdir of inode %u: %u names, expected %u", dir->id.id, found, expected);
}

static void compare_node(struct world *world, struct server_call *call, const struct node *node)
{
	static struct fs_readlink_reply target;
	struct fs_getattr_request request = { to_inode(node->id) };
	struct fs_readlink_request link = { to_inode(node->id) };
	struct fs_getattr_reply reply;

	if (ext2_operations.getattr(call, &request, &reply) || reply.attributes.links != node->links || reply.attributes.mode != node->mode ||
	    (!S_ISDIR(node->mode) && reply.attributes.size != node->size))
		world_fail(world, "request getattr of inode %u, links %u, expected %u", node->id.id, reply.attributes.links, node->links);
	if (!S_ISLNK(node->mode))
		return;
	if (ext2_operations.readlink(call, &link, &target) || target.target_length != strlen(node->target) ||
	    memcmp(target.target, node->target, target.target_length) != 0)
		world_fail(world, "request readlink of inode %u", node->id.id);
}

void requests_compare(struct world *world)
{
	struct server_call call = { .server = &server, .token = ++requests.tokens };
	struct fs_statfs_reply statfs;

	fake_kernel.token = call.token;
	for (unsigned i = 0; i < WORLD_NODES; i++) {
		const struct node *node = &world->nodes[i];

		if (!node->used)
			continue;
		compare_node(world, &call, node);
		if (S_ISDIR(node->mode))
			compare_listing(world, &call, node);
	}
	for (unsigned i = 0; i < world->name_count; i++) {
		struct fs_lookup_request request = { .directory = to_inode(world->names[i].dir->id), .name_length = strlen(world->names[i].text) };
		struct fs_lookup_reply reply;

		memcpy(request.name, world->names[i].text, request.name_length);
		if (ext2_operations.lookup(&call, &request, &reply) || reply.attributes.node.id != world->names[i].node->id.id)
			world_fail(world, "request lookup of %s", world->names[i].text);
		request.name[0] = '%';
		if (ext2_operations.lookup(&call, &request, &reply) != -ENOENT)
			world_fail(world, "request lookup of what is not there");
	}
	if (ext2_operations.statfs(&call, &statfs) || (fake_kernel.commits && statfs.blocks_free < fake_kernel.free_blocks))
		world_fail(world, "request statfs: %llu blocks are free", (unsigned long long)statfs.blocks_free);
	check_kept(world);
}
