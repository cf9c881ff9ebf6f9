/* SPDX-License-Identifier: MIT */
/*
 * Host test of what is made of the answers of file systems in servers: 200,000 answers mutated from valid ones. What is accepted must be as the VFS may
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

enum { ROUNDS = 200000, ENTRIES = 6 };

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
		size_t size = 1u << below(4), at = below(MIN(length, (size_t)400)) / size * size;
		uint64_t value = values[below(sizeof(values) / sizeof(values[0]))];

		if (at + size <= sizeof(bytes))
			memcpy(bytes + at, &value, size);
	}
	if (kind == 1 && below(8) == 0)
		((struct fs_lookup_reply *)bytes)->attributes.node = (struct fs_inode){ nodes[below(3)].id, nodes[below(2)].generation };
	if (below(6) == 0)
		length = below(2) ? below(length + 1) : length + 1 + below(100);
}

static void check_attributes(const struct fs_attr *attr)
{
	unsigned type = (attr->mode & S_IFMT) >> 12;

	assert(attr->node.id && attr->links && attr->size <= INT64_MAX);
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

/* What is made of @given bytes at @answer. */
static int take(unsigned kind, const void *answer, long given)
{
	struct fs_attr attr = { 0 };
	struct fs_statfs statfs;
	char type[16], *target, *page;
	int result;

	switch (kind) {
	case 0:
		result = served_take_root(answer, given, type, &attr);
		assert(result || (S_ISDIR(attr.mode) && memchr(type, 0, sizeof(type))));
		break;
	case 1:
		result = served_take_lookup(answer, given, directory, root, &attr);
		assert(result || (attr.node.id != root.id || attr.node.generation != root.generation));
		break;
	case 2:
		result = served_take_getattr(answer, given, asked, &attr);
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
		check_attributes(&attr);
	return result;
}

int main(void)
{
	const char *seed = getenv("ANSWERS_SEED");
	uint64_t first = seed ? strtoull(seed, NULL, 10) : 20261125;

	state = first * 2654435761u + 1;
	for (unsigned long i = 0; i < ROUNDS; i++) {
		unsigned kind = below(7);
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
	assert(take(1, bytes, -2) == -2 && take(1, bytes, -4000) == -5);
	printf("answers: seed %llu: %lu accepted, %lu refused\n", (unsigned long long)first, accepted, refused);
	for (unsigned i = 0; i < SERVED_FAULTS; i++) {
		if (!served_faults[i])
			printf("never met: %s\n", served_fault_names[i]);
		assert(served_faults[i]);
	}
	return 0;
}
