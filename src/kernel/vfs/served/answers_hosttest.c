/* SPDX-License-Identifier: MIT */
/*
 * Host test of what is made of the answers of file systems in servers: 400,000 answers, most of them mutated from valid ones. What is as fs.def says, and only
 * that, is accepted; nothing beyond an answer is read (each lies at the end of a block of its own), every way to be wrong must have been met, and every single
 * condition that answers are judged by (COVERS, in test/host/branches.py). ANSWERS_SEED=N. WITHOUT=NAME leaves a mutation out, which must be noticed.
 */
/* LINK: vfs/served/answers.c */
/* COVERS: vfs/served/answers.c */
/* CONTROLS: fields nodes modes type_names names places tails lengths errors */
/* ONE WAY: served_take_root: i < TYPE_NAME_MAX: a type without an end is refused at its last character */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/host/host.h"
#include "vfs/served/answers.h"
#include "vfs/stat_bits.h"

enum { ROUNDS = 400000, MUTATED = 200000, MUTATED_EACH = 5000, ENTRIES = 6 };

/* What an answer is one to; of map_extents, create and others there are two kinds. */
enum kind { ROOT, LOOKUP, GETATTR, READLINK, FILL, STATFS, READDIR, SETATTR, LINK, CREATE, UNLINK, RMDIR, REPLACE, RENAME, SYNC, MAP, ALLOCATE, KINDS };

static const struct fs_node_id root = { 2, 0 }, directory = { 11, 5 }, asked = { 12, 7 }, other_directory = { 13, 1 };
static uint64_t state;
static unsigned long accepted, refused, mutated[KINDS];		/* of the mutated ones: those that differ from the valid one */

static uint64_t below(uint64_t limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % limit;
}

/* The bytes of an answer under construction, longer than any. */
static uint8_t bytes[16384];
static size_t length;

static struct fs_attributes attributes(struct fs_node_id node, uint32_t mode)
{
	return (struct fs_attributes){ .node = { node.id, node.generation }, .mode = mode, .links = 1, .size = below(1 << 20) };
}

static void put_entries(void)
{
	struct fs_readdir_reply *reply = (void *)bytes;
	size_t at = 0;

	for (unsigned i = 0; i < ENTRIES; i++) {
		struct fs_entry entry = { .id = 20 + i, .next = i + 1, .type = 8, .name_length = 1 + below(20) };

		memcpy(reply->entries + at, &entry, sizeof(entry));
		memset(reply->entries + at + sizeof(entry), 0, 24);
		memset(reply->entries + at + sizeof(entry), 'a' + i, entry.name_length);
		at += sizeof(entry) + ROUND_UP((size_t)entry.name_length, 8);
	}
	reply->entries_length = at;
	length = offsetof(struct fs_readdir_reply, entries) + at;
}

enum { DISK_BLOCKS = 1000, BLOCK_SIZE = 1024, FIRST = 7, COUNT = 40, ASKED_SIZE = FIRST * BLOCK_SIZE };

static void put_extents(bool allocate)
{
	struct fs_map_extents_reply *reply = (void *)bytes;
	struct fs_extent extents[4];
	uint64_t next = FIRST;
	unsigned count = 1 + below(4);

	for (unsigned i = 0; i < count; i++) {
		extents[i] = (struct fs_extent){ .first = next, .block = 100 * (i + 1), .count = 1 + below(10), .fresh = allocate && below(2) };
		if (!allocate && below(4) == 0)
			extents[i].block = 0;
		next += extents[i].count;
	}
	reply->blocks = below(100);
	reply->size = (FIRST + COUNT) * BLOCK_SIZE;
	if (allocate && below(4) == 0) {
		/* The last one lies beyond the file. */
		reply->size = extents[count - 1].first * BLOCK_SIZE - 1;
		extents[count - 1].block = extents[count - 1].fresh = 0;
	}
	reply->extents_length = count * sizeof(extents[0]);
	memcpy(reply->extents, extents, reply->extents_length);
	length = offsetof(struct fs_map_extents_reply, extents) + reply->extents_length;
}

static void make_valid(enum kind kind)
{
	memset(bytes, 0, sizeof(bytes));
	switch (kind) {
	case ROOT:
		*(struct fs_root_reply *)bytes = (struct fs_root_reply){ .type = "ext2", .root = attributes(root, S_IFDIR | 0755) };
		length = sizeof(struct fs_root_reply);
		break;
	case LOOKUP:
		*(struct fs_lookup_reply *)bytes = (struct fs_lookup_reply){ attributes(asked, S_IFREG | 0644) };
		length = sizeof(struct fs_lookup_reply);
		break;
	case GETATTR:
		*(struct fs_getattr_reply *)bytes = (struct fs_getattr_reply){ attributes(asked, S_IFDIR | 0700) };
		length = sizeof(struct fs_getattr_reply);
		break;
	case READLINK:
		*(struct fs_readlink_reply *)bytes = (struct fs_readlink_reply){ .target_length = 5, .target = "there" };
		length = offsetof(struct fs_readlink_reply, target) + 5;
		break;
	case FILL:
		((struct fs_fill_reply *)bytes)->data_length = below(4097);
		length = offsetof(struct fs_fill_reply, data) + ((struct fs_fill_reply *)bytes)->data_length;
		break;
	case STATFS:
		*(struct fs_statfs_reply *)bytes = (struct fs_statfs_reply){ .block_size = 1024, .blocks = 100, .blocks_free = 9, .name_max = 255 };
		length = sizeof(struct fs_statfs_reply);
		break;
	case SETATTR: case LINK: case CREATE:
		*(struct fs_getattr_reply *)bytes = (struct fs_getattr_reply){ attributes(asked, S_IFREG | 0600) };
		length = sizeof(struct fs_getattr_reply);
		break;
	case UNLINK: case RMDIR:
		*(struct fs_unlink_reply *)bytes = (struct fs_unlink_reply){ .node = { asked.id, asked.generation }, .links = kind == UNLINK ? below(3) : 0 };
		length = sizeof(struct fs_unlink_reply);
		break;
	case REPLACE: case RENAME:
		*(struct fs_rename_reply *)bytes = (struct fs_rename_reply){ .replaced = { kind == REPLACE ? asked.id : 0, asked.generation } };
		length = sizeof(struct fs_rename_reply);
		break;
	case SYNC:
		length = 0;
		break;
	case MAP: case ALLOCATE:
		put_extents(kind == ALLOCATE);
		break;
	default:
		put_entries();
	}
}

/* ---- Mutations ---- */

static bool begins_with_node(enum kind kind)
{
	return kind == LOOKUP || kind == GETATTR || (kind >= SETATTR && kind <= RENAME);
}

/* Some fields, or what lies across them, get values that may just be wrong. */
static void mutate_fields(enum kind kind)
{
	static const uint64_t values[] = { 0, 1, 2, 11, 12, 255, 256, 4096, 65536, 131072, 1ull << 63, UINT64_MAX, '/', '.', 0xffff, 0120777, 0100000 };

	for (unsigned i = below(3); i > 0; i--) {
		size_t size = 1u << below(4), at = below(MIN(length + 8, (size_t)400)) / size * size;
		uint64_t value = values[below(sizeof(values) / sizeof(values[0]))];

		if (at + size <= sizeof(bytes))
			memcpy(bytes + at, &value, size);
	}
}

/* Another node, which the answer may not be about. */
static void mutate_nodes(enum kind kind)
{
	const struct fs_node_id nodes[] = { root, directory, other_directory, { asked.id, asked.generation + 1 }, { directory.id, 0 }, { 0, 1 } };
	struct fs_node_id node = nodes[below(sizeof(nodes) / sizeof(nodes[0]))];

	if (begins_with_node(kind) && below(8) == 0)
		*(struct fs_inode *)bytes = (struct fs_inode){ node.id, node.generation };
}

/* All types that there are, and are not. */
static void mutate_modes(enum kind kind)
{
	uint32_t mode = below(16) << 12 | below(010000) | (below(16) ? 0 : 1u << (16 + below(16)));

	if (below(8) || kind == UNLINK || kind == RMDIR)
		return;
	if (kind == ROOT)
		((struct fs_root_reply *)bytes)->root.mode = mode;
	else if (begins_with_node(kind) && kind != REPLACE && kind != RENAME)
		((struct fs_getattr_reply *)bytes)->attributes.mode = mode;
}

static void mutate_type_names(enum kind kind)
{
	static const char characters[] = { 'a', 'b', 'c', ' ', 127, '~', '!', '\n', (char)0xc3 };
	char *type = ((struct fs_root_reply *)bytes)->type;

	if (kind != ROOT || below(4))
		return;
	for (unsigned i = 0, count = below(17); i < 16; i++)
		type[i] = i >= count ? 0 : below(8) ? 'x' : characters[below(sizeof(characters))];
}

/* A name that no entry may have, or that looks like one. */
static void mutate_names(enum kind kind)
{
	static const char names[][4] = { ".", "..", "...", ".a", "..a", "/", "a/", "", "\0a" };
	struct fs_readdir_reply *reply = (void *)bytes;
	struct fs_entry entry;
	unsigned name = below(sizeof(names) / sizeof(names[0]));

	if (kind != READDIR || below(4))
		return;
	/* The first one's, as the others are after it. */
	memcpy(&entry, reply->entries, sizeof(entry));
	memcpy(reply->entries + sizeof(entry), names[name], sizeof(names[name]));
	entry.name_length = MIN(entry.name_length, 1 + below(3));
	memcpy(reply->entries, &entry, sizeof(entry));
}

/* An extent near the end of the disk. */
static void mutate_places(enum kind kind)
{
	uint64_t block = DISK_BLOCKS - 15 + below(20);

	if ((kind == MAP || kind == ALLOCATE) && below(8) == 0)
		memcpy(((struct fs_map_extents_reply *)bytes)->extents + offsetof(struct fs_extent, block), &block, sizeof(block));
}

/* The bytes at the end of an answer are others than there were, but as many as it says. */
static void mutate_tails(enum kind kind)
{
	struct fs_map_extents_reply *extents = (void *)bytes;
	struct fs_readlink_reply *link = (void *)bytes;
	struct fs_readdir_reply *entries = (void *)bytes;

	if (below(8))
		return;
	if (kind == MAP || kind == ALLOCATE) {
		extents->extents_length = below(3) ? below(4 * sizeof(struct fs_extent)) : 0;
		length = offsetof(struct fs_map_extents_reply, extents) + extents->extents_length;
	} else if (kind == READLINK) {
		link->target_length = below(2) ? 0 : below(sizeof(link->target) + 1);
		memset(link->target, 't', sizeof(link->target));
		length = offsetof(struct fs_readlink_reply, target) + link->target_length;
	} else if (kind == READDIR) {
		entries->entries_length = below(ENTRIES * 48);
		length = offsetof(struct fs_readdir_reply, entries) + entries->entries_length;
	}
}

static void mutate_lengths(enum kind kind)
{
	if (below(6) == 0)
		length = below(2) ? below(length + 1) : length + 1 + below(100);
}

static const struct {
	const char *name;
	void (*mutate)(enum kind kind);
} mutations[] = {
	{ "fields", mutate_fields }, { "nodes", mutate_nodes }, { "modes", mutate_modes }, { "type_names", mutate_type_names }, { "names", mutate_names },
	{ "places", mutate_places }, { "tails", mutate_tails }, { "lengths", mutate_lengths },
};

static void mutate(enum kind kind)
{
	static uint8_t valid[sizeof(bytes)];
	size_t valid_length = length;

	memcpy(valid, bytes, length);
	for (unsigned i = 0; i < sizeof(mutations) / sizeof(mutations[0]); i++)
		if (!host_leaves_out(mutations[i].name))
			mutations[i].mutate(kind);
	mutated[kind] += length != valid_length || memcmp(bytes, valid, length);
}

/* ---- What fs.def says ---- */

static bool is_node(struct fs_inode node, struct fs_node_id other)
{
	return node.id == other.id && node.generation == other.generation;
}

static bool attributes_are_right(const struct fs_attributes *attributes, bool named)
{
	unsigned type = attributes->mode >> 12;

	return attributes->node.id && type <= 12 && (1u << type & (1 << 1 | 1 << 2 | 1 << 4 | 1 << 6 | 1 << 8 | 1 << 10 | 1 << 12)) &&
	       (attributes->links || !named) && !(attributes->size >> 63);
}

static bool root_is_right(const struct fs_root_reply *reply)
{
	size_t name = strnlen(reply->type, sizeof(reply->type));

	for (size_t i = 0; i < name; i++)
		if (reply->type[i] < '!' || reply->type[i] > '~')
			return false;
	return name && name < sizeof(reply->type) && attributes_are_right(&reply->root, true) && S_ISDIR(reply->root.mode) && reply->time_step <= 1000000000;
}

static bool statfs_is_right(const struct fs_statfs_reply *reply)
{
	bool power = false;

	for (uint64_t size = 512; size <= 65536; size *= 2)
		power |= reply->block_size == size;
	return power && reply->blocks_free <= reply->blocks && reply->files_free <= reply->files && reply->name_max >= 1 && reply->name_max <= 255;
}

static unsigned emitted, emit_most;

/* As far as they are looked at: one more than are taken. */
static bool entries_are_right(const uint8_t *at, size_t left)
{
	uint64_t cookie = 0;

	for (unsigned i = 0; left && i <= emit_most; i++) {
		struct fs_entry entry;
		const char *name = (const char *)at + sizeof(entry);
		size_t size;

		if (left < sizeof(entry))
			return false;
		memcpy(&entry, at, sizeof(entry));
		size = sizeof(entry) + (entry.name_length + 7u) / 8 * 8;
		if (!entry.id || !entry.name_length || size > left || entry.next <= cookie || entry.next > INT64_MAX - 16)
			return false;
		if (memchr(name, 0, entry.name_length) || memchr(name, '/', entry.name_length) || (entry.name_length == 1 && name[0] == '.') ||
		    (entry.name_length == 2 && name[0] == '.' && name[1] == '.'))
			return false;
		cookie = entry.next;
		at += size;
		left -= size;
	}
	return true;
}

static bool extents_are_right(const struct fs_map_extents_reply *reply, bool allocate)
{
	uint64_t next = FIRST, count = reply->extents_length / sizeof(struct fs_extent);

	for (unsigned i = 0; i < count; i++) {
		struct fs_extent extent;

		memcpy(&extent, reply->extents + i * sizeof(extent), sizeof(extent));
		if (extent.first != next || !extent.count || next + extent.count > FIRST + COUNT)
			return false;
		if (extent.fresh > 1 || (extent.fresh && (!allocate || !extent.block)))
			return false;
		if (extent.block >= DISK_BLOCKS || (extent.block && extent.block + extent.count > DISK_BLOCKS))
			return false;
		if (!extent.block && allocate && next * BLOCK_SIZE < reply->size)
			return false;
		next += extent.count;
	}
	return count && count * sizeof(struct fs_extent) == reply->extents_length && !(reply->size >> 63) && (!allocate || reply->size >= ASKED_SIZE);
}

static bool change_is_right(enum kind kind, const void *answer, size_t size)
{
	const struct fs_unlink_reply *removed = answer;
	const struct fs_rename_reply *renamed = answer;
	bool nothing;

	if (kind == UNLINK || kind == RMDIR)
		return size == sizeof(*removed) && removed->node.id && !removed->reserved1 && (kind == UNLINK || !removed->links) &&
		       !is_node(removed->node, directory) && !is_node(removed->node, root);
	if (size != sizeof(*renamed))
		return false;
	nothing = !renamed->replaced.id;
	return !renamed->reserved0 && (nothing ? !renamed->links : kind == REPLACE && !is_node(renamed->replaced, directory) &&
				       !is_node(renamed->replaced, other_directory) && !is_node(renamed->replaced, root));
}

/* How many bytes follow the count at the beginning: as many as it says, and no more than @most; else -1. */
static long tail(const void *answer, size_t size, size_t head, size_t most)
{
	uint32_t count;

	if (size < head)
		return -1;
	memcpy(&count, (const uint8_t *)answer + head - sizeof(count), sizeof(count));
	return count <= most && size == head + count ? (long)count : -1;
}

static bool is_right(enum kind kind, const void *answer, size_t size)
{
	const struct fs_attributes *attributes = answer;
	long count;

	switch (kind) {
	case ROOT:
		return size == sizeof(struct fs_root_reply) && root_is_right(answer);
	case LOOKUP: case CREATE:
		return size == sizeof(*attributes) && attributes_are_right(attributes, true) && !is_node(attributes->node, directory) &&
		       !is_node(attributes->node, root) && (kind == LOOKUP || S_ISREG(attributes->mode));
	case GETATTR: case SETATTR: case LINK:
		return size == sizeof(*attributes) && attributes_are_right(attributes, kind == LINK) && is_node(attributes->node, asked);
	case READLINK:
		count = tail(answer, size, offsetof(struct fs_readlink_reply, target), 4095);
		return count > 0 && !memchr(((const struct fs_readlink_reply *)answer)->target, 0, count);
	case FILL:
		return tail(answer, size, offsetof(struct fs_fill_reply, data), 4096) >= 0;
	case STATFS:
		return size == sizeof(struct fs_statfs_reply) && statfs_is_right(answer);
	case READDIR:
		count = tail(answer, size, offsetof(struct fs_readdir_reply, entries), 8000);
		return count >= 0 && entries_are_right(((const struct fs_readdir_reply *)answer)->entries, count);
	case MAP: case ALLOCATE:
		return tail(answer, size, offsetof(struct fs_map_extents_reply, extents), 7992) >= 0 && extents_are_right(answer, kind == ALLOCATE);
	case SYNC:
		return !size;
	default:
		return change_is_right(kind, answer, size);
	}
}

static void check_attributes(const struct fs_attr *attr, const struct fs_attributes *said)
{
	bool device = S_ISCHR(said->mode) || S_ISBLK(said->mode);

	assert(is_node(said->node, attr->node) && attr->mode == said->mode && attr->links == said->links && attr->size == said->size);
	assert(attr->uid == said->uid && attr->gid == said->gid && attr->rdev == (device ? said->rdev : 0) && attr->blocks == said->blocks);
	assert(attr->atime == said->atime && attr->mtime == said->mtime && attr->ctime == said->ctime && attr->btime == said->btime);
}

static bool emit(void *context, struct fs_dirent *entry)
{
	const uint8_t **at = context;
	struct fs_entry said;

	if (emitted == emit_most)
		return false;
	emitted++;
	memcpy(&said, *at, sizeof(said));
	assert(entry->id == said.id && entry->next == said.next && entry->type == (said.type & 15) && entry->name_len == said.name_length);
	assert(!memcmp(entry->name, *at + sizeof(said), said.name_length));
	*at += sizeof(said) + ROUND_UP((size_t)said.name_length, 8);
	return true;
}

static int take_listing(const void *answer, long given)
{
	const uint8_t *at = ((const struct fs_readdir_reply *)answer)->entries;
	uint64_t cookie = 0;
	bool end, full;
	int error;

	emitted = 0;
	emit_most = below(ENTRIES + 2);
	error = served_take_entries(answer, given, &cookie, &end, &full, emit, &at);
	assert(error || full == (emitted < ENTRIES && emitted == emit_most) || length != (size_t)given || emitted != ENTRIES);
	assert(error || !end || !emitted);
	return error;
}

static int take_extents(const void *answer, long given, bool allocate)
{
	const struct served_map_request request = { .first = FIRST, .count = COUNT, .size = allocate ? ASKED_SIZE : 0, .allocate = allocate };
	const struct fs_map_extents_reply *reply = answer;
	unsigned max = 1 + below(4);
	struct served_extent *extents = malloc(max * sizeof(*extents));
	struct served_map_result result;
	int count = served_take_extents(answer, given, &request, DISK_BLOCKS, BLOCK_SIZE, extents, max, &result);

	assert(count != 0 && count <= (int)max && (count < 0 || (result.size == reply->size && result.blocks == reply->blocks)));
	for (int i = 0; i < count; i++) {
		struct fs_extent said;

		memcpy(&said, reply->extents + i * sizeof(said), sizeof(said));
		assert(extents[i].first == said.first && extents[i].block == said.block && extents[i].count == said.count && extents[i].fresh == said.fresh);
	}
	free(extents);
	return MIN(count, 0);
}

static int take_change(enum kind kind, const void *answer, long given)
{
	struct fs_attr attr = { 0 };
	int result;

	switch (kind) {
	case SETATTR: case LINK:
		result = served_take_attributes(answer, given, asked, kind == LINK, &attr);
		break;
	case CREATE:
		result = served_take_made(answer, given, directory, root, S_IFREG, &attr);
		break;
	case UNLINK: case RMDIR:
		result = served_take_removed(answer, given, directory, root, kind == RMDIR, &attr);
		assert(result || (is_node(*(const struct fs_inode *)answer, attr.node) && attr.links == ((const struct fs_unlink_reply *)answer)->links));
		return result;
	case REPLACE: case RENAME:
		return served_take_renamed(answer, given, directory, other_directory, root, kind == REPLACE);
	case SYNC:
		return served_take_done(answer, given);
	default:
		return take_extents(answer, given, kind == ALLOCATE);
	}
	if (!result)
		check_attributes(&attr, answer);
	return result;
}

/* What is made of @given bytes at @answer. */
static int take(enum kind kind, const void *answer, long given)
{
	struct fs_attr attr = { 0 };
	struct fs_statfs statfs;
	char type[16], *target, *page;
	int64_t time_step;
	int result;

	if (kind > READDIR)
		return take_change(kind, answer, given);
	switch (kind) {
	case ROOT:
		result = served_take_root(answer, given, type, &attr, &time_step);
		assert(result || (S_ISDIR(attr.mode) && memchr(type, 0, sizeof(type)) && time_step >= 0 && time_step <= 1000000000));
		break;
	case LOOKUP:
		result = served_take_lookup(answer, given, directory, root, &attr);
		break;
	case GETATTR:
		result = served_take_attributes(answer, given, asked, false, &attr);
		break;
	case READLINK:
		target = malloc(64);
		result = served_take_target(answer, given, target, 64);
		assert(result <= 64 && result != 0);
		free(target);
		return MIN(result, 0);
	case FILL:
		page = calloc(1, 4096);
		result = served_take_page(answer, given, page);
		free(page);
		return result;
	case STATFS:
		return served_take_statfs(answer, given, &statfs);
	default:
		return take_listing(answer, given);
	}
	if (!result)
		check_attributes(&attr, kind == ROOT ? &((const struct fs_root_reply *)answer)->root : answer);
	return result;
}

/* What came instead of an answer. */
static void take_errors(void)
{
	for (enum kind kind = 0; kind < KINDS; kind++) {
		assert(take(kind, bytes, -2) == -2 && take(kind, bytes, -4000) == -5 && take(kind, bytes, -28) == -28);
		/* What would mean something else to the VFS; but EINTR, which is the caller's own. */
		assert(take(kind, bytes, -116) == -5 && take(kind, bytes, -12) == -5 && take(kind, bytes, -11) == -5 && take(kind, bytes, -4) == -4);
	}
}

/* @complete: nothing was left out. */
static void check_counts(bool complete)
{
	unsigned long differ = 0;

	for (enum kind kind = 0; kind < KINDS; kind++) {
		differ += mutated[kind];
		assert(!complete || mutated[kind] >= MUTATED_EACH || kind == SYNC);	/* which has no bytes, and often the right length */
	}
	printf("answers: %lu accepted, %lu refused; %lu mutated ones differ\n", accepted, refused, differ);
	assert(!complete || differ >= MUTATED);
	for (unsigned i = 0; i < SERVED_FAULTS; i++) {
		if (!served_faults[i])
			printf("never met: %s\n", served_fault_names[i]);
		assert(!complete || served_faults[i]);
	}
}

int main(void)
{
	const char *seed = getenv("ANSWERS_SEED");
	uint64_t first = seed ? strtoull(seed, NULL, 10) : 20261125;
	/* Without something a branch is missed by so many, too. */
	unsigned long rounds = getenv("WITHOUT") ? ROUNDS / 5 : ROUNDS;

	printf("ANSWERS_SEED=%llu\n", (unsigned long long)first);
	state = first * 2654435761u + 1;
	for (unsigned long i = 0; i < rounds; i++) {
		enum kind kind = below(KINDS);
		uint8_t *answer;
		int result;

		make_valid(kind);
		if (below(8))
			mutate(kind);
		answer = malloc(length + !length);
		memcpy(answer, bytes, length);
		result = take(kind, answer, length);
		assert(result == (is_right(kind, answer, length) ? 0 : -5 /* EIO */));
		accepted += !result;
		refused += !!result;
		free(answer);
	}
	if (!host_leaves_out("errors"))
		take_errors();
	check_counts(!getenv("WITHOUT"));
	return 0;
}
