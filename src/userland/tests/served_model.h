/* SPDX-License-Identifier: MIT */
/*
 * A file system in memory that the test itself serves, with the system calls of <raeen/fs.h>: each change adds to a counter in block MODEL_BLOCK of the
 * disk, by the commit that answers the request. For one program: all is static.
 */
#pragma once

#include "check.h"
#include "proto/fs.h"

#include <raeen/fs.h>
#include <raeen/message.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MODEL_NODES = 32, MODEL_BLOCK = 3, MODEL_BLOCK_SIZE = 1024, MODEL_ROOT = 2, REQUESTS = 20 };
#define MODEL_PORT "test.model"

static const int64_t WAIT_MS = 1000000;

struct name { uint64_t directory; uint64_t node; char text[256]; };

/* Shared with children, which may be the next instance. */
static struct model {
	struct fs_attributes nodes[MODEL_NODES];	/* by id; links and names apart: mode 0 is free */
	char targets[MODEL_NODES][64];
	struct name names[MODEL_NODES];			/* node 0: free */
	unsigned asked[REQUESTS];
	uint64_t changes;				/* commits that answered */
	struct fs_rename_request renamed;		/* the last ones of their kind */
	struct fs_setattr_request set;
	struct fs_map_extents_request mapped;
	unsigned clean;
	unsigned lost;					/* answers to changes, which are made all the same */
	unsigned refuses;				/* to set attributes */
} *model;

static int port = -1;		/* every right; its RECV counts until another takes over */
static int receiver = -1;	/* which handle has RECV now */
static uint64_t disk_blocks;
static int start_error;		/* with which FS_START is refused */
static uint16_t version_said = FS_MAJOR, version_length = 4;	/* bytes of the answer */

static struct model *make_model(void)
{
	struct model *made = mmap(NULL, sizeof *made, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(made != MAP_FAILED);
	made->nodes[MODEL_ROOT] = (struct fs_attributes){ .node = { MODEL_ROOT, 0 }, .mode = S_IFDIR | 0755, .links = 2, .size = 1024 };
	return made;
}

/* What the disk has at MODEL_BLOCK, and the generation: 0 or an error. */
static int read_model_block(uint64_t number, void *data, uint64_t *generation)
{
	struct fs_block block = { .data = (uint64_t)data };
	int error = (int)fs_block_read(receiver, number, &block);

	*generation = block.generation;
	return error;
}

/* Adds one to the counter, with the answer; again if somebody else was quicker. */
static int commit_change(uint64_t token, const void *answer, unsigned length)
{
	static _Alignas(8) uint8_t bytes[MODEL_BLOCK_SIZE];
	uint64_t value, after;
	struct fs_base base = { .block = MODEL_BLOCK };
	struct fs_change change = { .block = MODEL_BLOCK, .data = (uint64_t)&value, .length = sizeof value, .kind = FS_COPY };
	struct fs_commit commit = { .token = token, .bases = (uint64_t)&base, .changes = (uint64_t)&change, .generations = (uint64_t)&after,
				    .answer = (uint64_t)answer, .base_count = 1, .change_count = 1, .answer_length = length, .flags = FS_FINAL,
				    .free_blocks = 77 };
	int error;

	do {
		error = read_model_block(MODEL_BLOCK, bytes, &base.generation);
		if (error)
			return error;
		memcpy(&value, bytes, sizeof value);
		value++;
		error = (int)fs_commit(receiver, &commit);
	} while (error == -ESTALE);
	if (!error)
		model->changes++;
	return error;
}

static struct name *find_name(uint64_t directory, const uint8_t *text, unsigned length)
{
	for (unsigned i = 0; i < MODEL_NODES; i++) {
		struct name *name = &model->names[i];

		if (name->node && name->directory == directory && strlen(name->text) == length && memcmp(name->text, text, length) == 0)
			return name;
	}
	return NULL;
}

static void add_name(uint64_t directory, const uint8_t *text, unsigned length, uint64_t node)
{
	for (unsigned i = 0; i < MODEL_NODES; i++) {
		struct name *name = &model->names[i];

		if (name->node)
			continue;
		name->node = node;
		name->directory = directory;
		memcpy(name->text, text, length);
		name->text[length] = 0;
		return;
	}
}

static int add_node(uint64_t directory, const uint8_t *text, unsigned length, struct fs_attributes like, struct fs_attributes *out)
{
	if (find_name(directory, text, length))
		return -EEXIST;
	for (unsigned id = MODEL_ROOT + 1; id < MODEL_NODES; id++)
		if (!model->nodes[id].mode) {
			like.node = (struct fs_inode){ id, model->nodes[id].node.generation + 1 };
			like.links = S_ISDIR(like.mode) ? 2 : 1;
			model->nodes[id] = *out = like;
			add_name(directory, text, length, id);
			return 0;
		}
	return -ENOSPC;
}

/* Answers with @size bytes, or the refusal @error; a change by a commit. */
static void answer(uint64_t token, int error, const void *reply, unsigned size, int by_commit)
{
	if (!error && by_commit && model->lost)
		error = -EIO;
	if (!error && by_commit) {
		CHECK_EQ(commit_change(token, reply, size), 0);
		return;
	}
	if (!error)
		memcpy(message_buffer(), reply, size);
	CHECK_EQ(msg_reply(receiver, msg_header_make((uint32_t)-error, error ? 0 : size, 0, 0), token, NULL), 0);
}

static void remove_name(uint64_t token, uint64_t directory, uint64_t unused, const uint8_t *text, unsigned length)
{
	struct name *name = find_name(directory, text, length);
	struct fs_unlink_reply reply = { 0 };

	if (name) {
		struct fs_attributes *node = &model->nodes[name->node];

		node->links = S_ISDIR(node->mode) ? 0 : node->links - 1;
		reply.node = node->node;
		reply.links = node->links;
		name->node = 0;
		if (!node->links && node->node.id == unused)
			node->mode = 0;
	}
	answer(token, name ? 0 : -ENOENT, &reply, sizeof reply, 1);
}

static void move_name(uint64_t token, const struct fs_rename_request *request)
{
	const uint8_t *to_text = request->names + request->from_size;
	unsigned to_size = request->names_length - request->from_size;
	struct name *from = find_name(request->from.id, request->names, request->from_size), *to = find_name(request->to.id, to_text, to_size);
	struct fs_rename_reply reply = { 0 };
	int error = from ? 0 : -ENOENT;

	model->renamed = *request;
	if (from && to && request->flags & 1) {
		error = -EEXIST;
	} else if (from && to && request->flags & 2) {
		uint64_t node = from->node;

		from->node = to->node;
		to->node = node;
	} else if (from) {
		uint64_t node = from->node;

		if (to) {
			struct fs_attributes *victim = &model->nodes[to->node];

			victim->links = S_ISDIR(victim->mode) ? 0 : victim->links - 1;
			reply.replaced = victim->node;
			reply.links = victim->links;
			to->node = 0;
		}
		from->node = 0;
		add_name(request->to.id, to_text, to_size, node);
	}
	answer(token, error, &reply, sizeof reply, 1);
}

static void set_attributes(uint64_t token, const struct fs_setattr_request *request)
{
	struct fs_attributes *node = &model->nodes[request->node.id % MODEL_NODES];

	model->set = *request;
	if (model->refuses) {
		answer(token, -EIO, NULL, 0, 0);
		return;
	}
	if (request->mask & 1)
		node->mode = (node->mode & S_IFMT) | request->mode;
	if (request->mask & 2)
		node->uid = request->uid;
	if (request->mask & 4)
		node->gid = request->gid;
	if (request->mask & 8)
		node->size = request->size;
	if (request->mask & 16)
		node->atime = request->atime;
	if (request->mask & 32)
		node->mtime = request->mtime;
	if (request->mask & 64)
		node->ctime = request->ctime;
	answer(token, 0, node, sizeof *node, 1);
}

static void list_names(uint64_t token, const struct fs_readdir_request *request)
{
	static struct fs_readdir_reply reply;

	reply.entries_length = 0;
	for (uint64_t i = request->cookie; i < MODEL_NODES; i++) {
		const struct name *name = &model->names[i];
		struct fs_entry entry = { .id = name->node, .next = i + 1, .name_length = (uint8_t)strlen(name->text) };

		if (!name->node || name->directory != request->directory.id)
			continue;
		memset(reply.entries + reply.entries_length, 0, sizeof entry + 264);
		memcpy(reply.entries + reply.entries_length, &entry, sizeof entry);
		memcpy(reply.entries + reply.entries_length + sizeof entry, name->text, entry.name_length);
		reply.entries_length += sizeof entry + (entry.name_length + 7u) / 8 * 8;
	}
	answer(token, 0, &reply, offsetof(struct fs_readdir_reply, entries) + reply.entries_length, 0);
}

/* While the root is asked for; changes what the mount will have. NULL: blocks are told. */
static void (*while_mounting)(void);

static void tell_blocks(void)
{
	struct fs_disk_info info;

	CHECK_EQ(fs_disk(receiver, &info), 0);
	disk_blocks = info.size / MODEL_BLOCK_SIZE;
	CHECK_EQ(fs_set_blocks(receiver, MODEL_BLOCK_SIZE, disk_blocks), 0);
}

static void answer_root(uint64_t token)
{
	struct fs_root_reply reply = { .type = "model" };

	(while_mounting ? while_mounting : tell_blocks)();
	reply.root = model->nodes[MODEL_ROOT];
	answer(token, 0, &reply, sizeof reply, 0);
}

/* The reading ones. */
static void look(uint32_t type, uint64_t token, const void *message)
{
	const struct fs_lookup_request *lookup = message;
	const struct fs_inode *node = message;
	struct fs_statfs_reply status = { .type = 1, .block_size = 1024, .blocks = 100, .blocks_free = 50, .files = 30, .files_free = 3, .name_max = 255 };
	struct fs_readlink_reply link;
	struct name *name;

	switch (type) {
	case FS_LOOKUP:
		name = find_name(lookup->directory.id, lookup->name, lookup->name_length);
		answer(token, name ? 0 : -ENOENT, name ? &model->nodes[name->node] : NULL, sizeof(struct fs_attributes), 0);
		return;
	case FS_GETATTR:
		answer(token, 0, &model->nodes[node->id % MODEL_NODES], sizeof(struct fs_attributes), 0);
		return;
	case FS_READLINK:
		link.target_length = (uint32_t)strlen(model->targets[node->id % MODEL_NODES]);
		memcpy(link.target, model->targets[node->id % MODEL_NODES], link.target_length);
		answer(token, 0, &link, offsetof(struct fs_readlink_reply, target) + link.target_length, 0);
		return;
	case FS_READDIR:
		list_names(token, message);
		return;
	case FS_STATFS:
		answer(token, 0, &status, sizeof status, 0);
		return;
	default:
		answer(token, -ENOSYS, NULL, 0, 0);
	}
}

/* Those that make something. */
static void make(uint32_t type, uint64_t token, const void *message)
{
	const struct fs_create_request *create = message;
	const struct fs_mkdir_request *mkdir = message;
	const struct fs_symlink_request *symlink = message;
	struct fs_attributes made;
	int error;

	if (type == FS_CREATE) {
		error = add_node(create->directory.id, create->name, create->name_length, (struct fs_attributes){ .mode = create->mode, .uid = create->uid,
				 .gid = create->gid, .rdev = create->rdev, .ctime = create->time }, &made);
	} else if (type == FS_MKDIR) {
		error = add_node(mkdir->directory.id, mkdir->name, mkdir->name_length, (struct fs_attributes){ .mode = mkdir->mode, .uid = mkdir->uid,
				 .gid = mkdir->gid, .ctime = mkdir->time }, &made);
	} else {
		unsigned size = symlink->text_length - symlink->name_size;

		error = add_node(symlink->directory.id, symlink->text, symlink->name_size, (struct fs_attributes){ .mode = S_IFLNK | 0777,
				 .size = size, .ctime = symlink->time }, &made);
		if (!error)
			memcpy(model->targets[made.node.id], symlink->text + symlink->name_size, size);
	}
	answer(token, error, &made, sizeof made, 1);
}

static void link_node(uint64_t token, const struct fs_link_request *request)
{
	struct fs_attributes *node = &model->nodes[request->node.id % MODEL_NODES];

	node->links++;
	node->ctime = request->time;
	add_name(request->directory.id, request->name, request->name_length, node->node.id);
	answer(token, 0, node, sizeof *node, 1);
}

static void release_node(uint64_t token, const struct fs_inode *node)
{
	struct fs_attributes *of = &model->nodes[node->id % MODEL_NODES];

	if (!of->links && of->node.generation == node->generation)
		of->mode = 0;
	answer(token, 0, NULL, 0, 1);
}

/* Answers one request that lies in the message buffer. */
static void serve_one(uint32_t type, uint64_t token)
{
	static union { char bytes[MSG_PAYLOAD_MAX]; uint16_t version[2]; struct fs_unlink_request unlink; struct fs_sync_request sync; } message;

	memcpy(&message, message_buffer(), sizeof message);
	model->asked[type & 0xffff]++;
	switch (type) {
	case FS_VERSION:
		answer(token, 0, (uint16_t[]){ version_said, FS_MINOR, 0 }, version_length, 0);
		break;
	case FS_ROOT:
		answer_root(token);
		break;
	case FS_START:
		answer(token, start_error, NULL, 0, 1);
		break;
	case FS_SETATTR:
		set_attributes(token, (void *)&message);
		break;
	case FS_CREATE: case FS_MKDIR: case FS_SYMLINK:
		make(type, token, &message);
		break;
	case FS_LINK:
		link_node(token, (void *)&message);
		break;
	case FS_UNLINK: case FS_RMDIR:
		remove_name(token, message.unlink.directory.id, message.unlink.unused, message.unlink.name, message.unlink.name_length);
		break;
	case FS_RENAME:
		move_name(token, (void *)&message);
		break;
	case FS_RELEASE:
		release_node(token, (void *)&message);
		break;
	case FS_SYNC:
		model->clean = message.sync.clean;
		answer(token, 0, NULL, 0, 0);
		break;
	default:
		look(type, token, &message);
	}
}

/* Serves until @type is asked, which is then in the caller's hands: its token; or until @child, which may be 0, has ended: 0, and *@code. */
static uint64_t serve_until(uint32_t type, pid_t child, int *code)
{
	for (;;) {
		struct msg_result got = msg_recv(receiver, 2 * WAIT_MS, NULL);
		int status;

		if (got.header >= 0 && msg_type((msg_header)got.header) == type)
			return got.token;
		if (got.header >= 0)
			serve_one(msg_type((msg_header)got.header), got.token);
		else if (child && waitpid(child, &status, WNOHANG) == child) {
			*code = WIFEXITED(status) ? WEXITSTATUS(status) : CHECK_KILLED + WTERMSIG(status);
			return 0;
		}
	}
}

/* What @body(@argument) does in a child, served. Its exit code. */
static int served_child(void (*body)(void *argument), void *argument)
{
	int code = -1;

	serve_until(0, check_spawn(body, argument), &code);
	return code;
}

static void do_mount(void *options)
{
	int error = mount(MODEL_PORT, "m", "served", 0, options) ? errno : 0;

	_exit(error);
}

static void do_unmount(void *argument)
{
	(void)argument;
	_exit(umount("m") ? errno : 0);
}

static void make_port(void)
{
	CHECK(message_buffer() != NULL);
	model = make_model();
	port = receiver = (int)port_create(MODEL_PORT, PORT_PERSISTENT | PORT_REPLAY);
	CHECK(port >= 0);
	CHECK_EQ(mkdir("m", 0755), 0);
}

static void start_model(void)
{
	int error;

	make_port();
	error = served_child(do_mount, "disk=test0");
	if (error) {
		printf("nothing can be checked: mounting from a disk test0, which the kernel for self-tests makes (test_disk=PAGES), fails with %d\n", error);
		CHECK_EQ(error, 0);
		_exit(1);
	}
}

static void stop_model(void)
{
	CHECK_EQ(served_child(do_unmount, NULL), 0);
	CHECK_EQ(model->clean, 1);
	close(receiver);
	if (port != receiver)
		close(port);
}
