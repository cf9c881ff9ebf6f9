/* SPDX-License-Identifier: MIT */
/*
 * Host test of what is made of the answers of file systems in servers: 400,000 answers mutated from valid ones. What is accepted must be as the VFS may
 * rely on, nothing beyond an answer is read (each lies at the end of a block of its own), and every way to be wrong must have been met.
 * ANSWERS_SEED=N.
 */
/* LINK: vfs/served/answers.c */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vfs/served/answers.h"
#include "vfs/stat_bits.h"

enum { ROUNDS = 400000, ENTRIES = 6 };

static const struct fs_node_id root = { 2, 0 }, directory = { 11, 5 }, asked = { 12, 7 };
static uint64_t state;
static unsigned long accepted, refused;

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

enum { DISK_BLOCKS = 1000, BLOCK_SIZE = 1024, FIRST = 7, COUNT = 40, KINDS = 17 };

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

static void make_valid(unsigned kind)
{
	memset(bytes, 0, sizeof(bytes));
	switch (kind) {
	case 0:
		*(struct fs_root_reply *)bytes = (struct fs_root_reply){ .type = "ext2", .root = attributes(root, S_IFDIR | 0755) };
		length = sizeof(struct fs_root_reply);
		break;
	case 1:
		*(struct fs_lookup_reply *)bytes = (struct fs_lookup_reply){ attributes(asked, S_IFREG | 0644) };
		length = sizeof(struct fs_lookup_reply);
		break;
	case 2:
		*(struct fs_getattr_reply *)bytes = (struct fs_getattr_reply){ attributes(asked, S_IFDIR | 0700) };
		length = sizeof(struct fs_getattr_reply);
		break;
	case 3:
		*(struct fs_readlink_reply *)bytes = (struct fs_readlink_reply){ .target_length = 5, .target = "there" };
		length = offsetof(struct fs_readlink_reply, target) + 5;
		break;
	case 4:
		((struct fs_fill_reply *)bytes)->data_length = below(4097);
		length = offsetof(struct fs_fill_reply, data) + ((struct fs_fill_reply *)bytes)->data_length;
		break;
	case 5:
		*(struct fs_statfs_reply *)bytes = (struct fs_statfs_reply){ .block_size = 1024, .blocks = 100, .blocks_free = 9, .name_max = 255 };
		length = sizeof(struct fs_statfs_reply);
		break;
	case 7: case 8: case 9:
		*(struct fs_getattr_reply *)bytes = (struct fs_getattr_reply){ attributes(asked, S_IFREG | 0600) };
		length = sizeof(struct fs_getattr_reply);
		break;
	case 10: case 11:
		*(struct fs_unlink_reply *)bytes = (struct fs_unlink_reply){ .node = { asked.id, asked.generation }, .links = kind == 10 ? below(3) : 0 };
		length = sizeof(struct fs_unlink_reply);
		break;
	case 12: case 13:
		*(struct fs_rename_reply *)bytes = (struct fs_rename_reply){ .replaced = { kind == 12 ? asked.id : 0, asked.generation } };
		length = sizeof(struct fs_rename_reply);
		break;
	case 14:
		length = 0;
		break;
	case 15: case 16:
		put_extents(kind == 16);
		break;
	default:
		put_entries();
	}
}

/* Fields get values that may just be wrong; the length changes, too. */
static void mutate(unsigned kind)
{
	static const uint64_t values[] = { 0, 1, 2, 11, 12, 255, 256, 4096, 65536, 131072, 1ull << 63, UINT64_MAX, '/', '.', 0xffff, 0120777, 0100000 };
	static const struct fs_node_id nodes[] = { { 2, 0 }, { 11, 5 }, { 12, 8 } };

	for (unsigned i = below(3); i > 0; i--) {
		size_t size = 1u << below(4), at = below(MIN(length + 8, (size_t)400)) / size * size;
		uint64_t value = values[below(sizeof(values) / sizeof(values[0]))];

		if (at + size <= sizeof(bytes))
			memcpy(bytes + at, &value, size);
	}
	/* All of them begin with a node. */
	if ((kind == 1 || (kind >= 7 && kind <= 13)) && below(8) == 0)
		*(struct fs_inode *)bytes = (struct fs_inode){ nodes[below(3)].id, nodes[below(2)].generation };
	if (kind >= 15 && kind <= 16 && below(8) == 0) {
		struct fs_map_extents_reply *reply = (void *)bytes;
		uint64_t block = DISK_BLOCKS - 15 + below(20);

		/* Near the end of the disk; or there are none. */
		memcpy(reply->extents + offsetof(struct fs_extent, block), &block, sizeof(block));
		if (below(3) == 0) {
			reply->extents_length = 0;
			length = offsetof(struct fs_map_extents_reply, extents);
		}
	}
	if (below(6) == 0)
		length = below(2) ? below(length + 1) : length + 1 + below(100);
}

static void check_attributes(const struct fs_attr *attr, bool named)
{
	unsigned type = (attr->mode & S_IFMT) >> 12;

	assert(attr->node.id && (attr->links || !named) && attr->size <= INT64_MAX);
	assert(!(attr->mode >> 16) && type < 16 && (1u << type & (1 << 1 | 1 << 2 | 1 << 4 | 1 << 6 | 1 << 8 | 1 << 10 | 1 << 12)));
}

static unsigned emitted, emit_most;

static bool emit(void *context, const struct fs_dirent *entry)
{
	if (emitted == emit_most)
		return false;
	emitted++;
	assert(entry->id && entry->name_len && !memchr(entry->name, '/', entry->name_len) && !memchr(entry->name, 0, entry->name_len));
	assert(!(entry->name[0] == '.' && (entry->name_len == 1 || (entry->name_len == 2 && entry->name[1] == '.'))));
	return true;
}

static int take_listing(const void *answer, long given)
{
	uint64_t cookie = 0;
	bool end, full;
	int error;

	emitted = 0;
	emit_most = below(ENTRIES + 2);
	error = served_take_entries(answer, given, &cookie, &end, &full, emit, NULL);
	assert(error || full == (emitted < ENTRIES && emitted == emit_most) || length != (size_t)given || emitted != ENTRIES);
	assert(error || !end || !emitted);
	return error;
}

/* What was accepted is as vfs/mapped/ may rely on. */
static int take_extents(const void *answer, long given, bool allocate)
{
	const struct served_map_request request = { .first = FIRST, .count = COUNT, .size = allocate ? FIRST * BLOCK_SIZE : 0, .allocate = allocate };
	unsigned max = 1 + below(4);
	struct served_extent *extents = malloc(max * sizeof(*extents));
	struct served_map_result result;
	int count = served_take_extents(answer, given, &request, DISK_BLOCKS, BLOCK_SIZE, extents, max, &result);
	uint64_t next = FIRST;

	assert(count != 0 && count <= (int)max);
	for (int i = 0; i < count; i++) {
		assert(extents[i].first == next && extents[i].count && extents[i].block + extents[i].count <= DISK_BLOCKS);
		assert(!extents[i].fresh || (allocate && extents[i].block));
		assert(extents[i].block || !allocate || next * BLOCK_SIZE >= result.size);
		next += extents[i].count;
	}
	assert(count < 0 || (next <= FIRST + COUNT && result.size <= INT64_MAX && result.size >= request.size));
	free(extents);
	return MIN(count, 0);
}

static int take_change(unsigned kind, const void *answer, long given)
{
	struct fs_attr attr = { 0 };
	int result;

	switch (kind) {
	case 7: case 8:
		result = served_take_attributes(answer, given, asked, kind == 8, &attr);
		assert(result || (attr.node.id == asked.id && attr.node.generation == asked.generation));
		break;
	case 9:
		result = served_take_made(answer, given, directory, root, S_IFREG, &attr);
		assert(result || (S_ISREG(attr.mode) && (attr.node.id != directory.id || attr.node.generation != directory.generation)));
		break;
	case 10: case 11:
		result = served_take_removed(answer, given, directory, root, kind == 11, &attr);
		assert(result || (attr.node.id && (attr.node.id != root.id || attr.node.generation != root.generation)));
		assert(result || kind == 10 || !attr.links);
		return result;
	case 12: case 13:
		result = served_take_renamed(answer, given, directory, directory, root, kind == 12);
		assert(result || kind == 12 || !((const struct fs_rename_reply *)answer)->replaced.id);
		return result;
	case 14:
		result = served_take_done(answer, given);
		assert(result || !given);
		return result;
	default:
		return take_extents(answer, given, kind == 16);
	}
	if (!result)
		check_attributes(&attr, kind != 7);
	return result;
}

/* What is made of @given bytes at @answer. */
static int take(unsigned kind, const void *answer, long given)
{
	struct fs_attr attr = { 0 };
	struct fs_statfs statfs;
	char type[16], *target, *page;
	int64_t time_step;
	int result;

	if (kind >= 7)
		return take_change(kind, answer, given);
	switch (kind) {
	case 0:
		result = served_take_root(answer, given, type, &attr, &time_step);
		assert(result || (S_ISDIR(attr.mode) && memchr(type, 0, sizeof(type)) && time_step >= 0 && time_step <= 1000000000));
		break;
	case 1:
		result = served_take_lookup(answer, given, directory, root, &attr);
		assert(result || (attr.node.id != root.id || attr.node.generation != root.generation));
		break;
	case 2:
		result = served_take_attributes(answer, given, asked, false, &attr);
		assert(result || attr.node.id == asked.id);
		break;
	case 3:
		target = malloc(64);
		result = served_take_target(answer, given, target, 64);
		assert(result <= 64 && result != 0);
		free(target);
		return MIN(result, 0);
	case 4:
		page = calloc(1, 4096);
		result = served_take_page(answer, given, page);
		free(page);
		return result;
	case 5:
		result = served_take_statfs(answer, given, &statfs);
		assert(result || (statfs.block_size >= 512 && statfs.blocks_free <= statfs.blocks && statfs.name_max <= 255));
		return result;
	default:
		return take_listing(answer, given);
	}
	if (!result)
		check_attributes(&attr, kind != 2);
	return result;
}

int main(void)
{
	const char *seed = getenv("ANSWERS_SEED");
	uint64_t first = seed ? strtoull(seed, NULL, 10) : 20261125;

	state = first * 2654435761u + 1;
	for (unsigned long i = 0; i < ROUNDS; i++) {
		unsigned kind = below(KINDS);
		uint8_t *answer;
		int result;

		make_valid(kind);
		if (below(8))
			mutate(kind);
		answer = malloc(length + !length);
		memcpy(answer, bytes, length);
		result = take(kind, answer, length);
		assert(result == 0 || result == -5 /* EIO */);
		accepted += !result;
		refused += !!result;
		free(answer);
	}
	for (unsigned kind = 0; kind < KINDS; kind++) {
		assert(take(kind, bytes, -2) == -2 && take(kind, bytes, -4000) == -5 && take(kind, bytes, -28) == -28);
		/* What would mean something else to the VFS; but EINTR, which is the caller's own. */
		assert(take(kind, bytes, -116) == -5 && take(kind, bytes, -12) == -5 && take(kind, bytes, -11) == -5 && take(kind, bytes, -4) == -4);
	}
	printf("answers: seed %llu: %lu accepted, %lu refused\n", (unsigned long long)first, accepted, refused);
	for (unsigned i = 0; i < SERVED_FAULTS; i++) {
		if (!served_faults[i])
			printf("never met: %s\n", served_fault_names[i]);
		assert(served_faults[i]);
	}
	return 0;
}
