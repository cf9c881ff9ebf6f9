/* SPDX-License-Identifier: MIT */
/* Answers that are changed: see lies.h. */
#include "test/lies/lies.h"
#include "proto/fs.h"
#include "test/lies/random.h"

#include <raeen/message.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static uint32_t request;
static struct fs_inode asked;		/* the node with which the request begins, if it is one of those */

/* A field of an answer, and what it must not be, or only of another request's answer. */
struct edge {
	uint32_t request;
	uint32_t at, size;
	uint64_t value;
};

#define EDGE(request, reply, member, value) { request, offsetof(struct reply, member), sizeof(((struct reply *)0)->member), value }
/* Of the first entry, or extent. */
#define ENTRY(member, value) \
	{ FS_READDIR, offsetof(struct fs_readdir_reply, entries) + offsetof(struct fs_entry, member), sizeof(((struct fs_entry *)0)->member), value }
#define ENTRY_NAME(value) { FS_READDIR, offsetof(struct fs_readdir_reply, entries) + sizeof(struct fs_entry), 1, value }
#define EXTENT(member, value) \
	{ FS_MAP_EXTENTS, offsetof(struct fs_map_extents_reply, extents) + offsetof(struct fs_extent, member), sizeof(((struct fs_extent *)0)->member), value }

static const struct edge edges[] = {
	{ FS_VERSION, 0, 2, 77 },
	EDGE(FS_ROOT, fs_root_reply, type[0], 0), EDGE(FS_ROOT, fs_root_reply, type[1], ' '), EDGE(FS_ROOT, fs_root_reply, time_step, 1ull << 40),
	EDGE(FS_ROOT, fs_root_reply, root.mode, 0100644),
	EDGE(FS_READLINK, fs_readlink_reply, target_length, 0), EDGE(FS_READLINK, fs_readlink_reply, target_length, 4096),
	EDGE(FS_READLINK, fs_readlink_reply, target[0], 0),
	ENTRY(id, 0), ENTRY(next, 0), ENTRY(next, 1ull << 63), ENTRY(name_length, 0), ENTRY(name_length, 255), ENTRY_NAME('/'), ENTRY_NAME(0),
	EDGE(FS_FILL, fs_fill_reply, data_length, 4097),
	EDGE(FS_STATFS, fs_statfs_reply, block_size, 0), EDGE(FS_STATFS, fs_statfs_reply, block_size, 3000),
	EDGE(FS_STATFS, fs_statfs_reply, block_size, 1 << 20),
	EDGE(FS_STATFS, fs_statfs_reply, blocks_free, UINT64_MAX), EDGE(FS_STATFS, fs_statfs_reply, files_free, UINT64_MAX),
	EDGE(FS_STATFS, fs_statfs_reply, name_max, 0), EDGE(FS_STATFS, fs_statfs_reply, name_max, 256),
	EDGE(FS_UNLINK, fs_unlink_reply, node.id, 0), EDGE(FS_UNLINK, fs_unlink_reply, reserved1, 1),
	EDGE(FS_RMDIR, fs_rmdir_reply, node.id, 0), EDGE(FS_RMDIR, fs_rmdir_reply, links, 1), EDGE(FS_RMDIR, fs_rmdir_reply, reserved1, 1),
	EDGE(FS_RENAME, fs_rename_reply, links, 1), EDGE(FS_RENAME, fs_rename_reply, reserved0, 1), EDGE(FS_RENAME, fs_rename_reply, replaced.id, 2),
	EDGE(FS_MAP_EXTENTS, fs_map_extents_reply, size, 0), EDGE(FS_MAP_EXTENTS, fs_map_extents_reply, size, 1ull << 63),
	EXTENT(first, 1ull << 40), EXTENT(block, 1ull << 40), EXTENT(count, 0), EXTENT(count, UINT32_MAX), EXTENT(fresh, 2),
};
enum { EDGES = sizeof edges / sizeof edges[0] };

static bool is_of_attributes(void)
{
	return request == FS_LOOKUP || request == FS_GETATTR || request == FS_SETATTR || request == FS_CREATE || request == FS_MKDIR ||
	       request == FS_SYMLINK || request == FS_LINK || request == FS_ROOT;
}

void lies_note_request(const struct server_call *call)
{
	request = msg_type(call->header);
	asked = (struct fs_inode){ 0 };
	if (msg_length(call->header) >= sizeof asked)
		memcpy(&asked, call->payload, sizeof asked);
}

static void change_attributes(uint8_t *answer, unsigned length)
{
	size_t at = request == FS_ROOT ? offsetof(struct fs_root_reply, root) : 0;
	struct fs_attributes attributes;

	if (at + sizeof attributes > length)
		return;
	memcpy(&attributes, answer + at, sizeof attributes);
	switch (lies_draw(6)) {
	case 0: attributes.node = asked; break;		/* itself below itself */
	case 1: attributes.node.id = 0; break;
	case 2: attributes.mode = (uint32_t)lies_draw(16) << 12 | (attributes.mode & 07777); break;
	case 3: attributes.mode |= 1u << (16 + lies_draw(16)); break;
	case 4: attributes.links = 0; break;
	case 5: attributes.size |= 1ull << 63; break;
	}
	memcpy(answer + at, &attributes, sizeof attributes);
}

/* False: there is none in this answer. */
static bool change_field(uint8_t *answer, unsigned length)
{
	const struct edge *found[EDGES];
	unsigned count = 0;

	for (const struct edge *edge = edges; edge < edges + EDGES; edge++)
		if (edge->request == request && edge->at + edge->size <= length)
			found[count++] = edge;
	if (is_of_attributes() && (!count || lies_draw(2))) {
		change_attributes(answer, length);
	} else if (count) {
		const struct edge *edge = found[lies_draw(count)];

		memcpy(answer + edge->at, &edge->value, edge->size);
	}
	return count || is_of_attributes();
}

/* Of where blocks are only edges, which are refused: else it could be true of another file, and data would be written over what the server needs to go on. */
static void change_bytes(uint8_t *answer, unsigned length)
{
	if (request == FS_MAP_EXTENTS && length > offsetof(struct fs_map_extents_reply, extents))
		length = offsetof(struct fs_map_extents_reply, extents);
	for (uint64_t i = lies_draw(4) + 1; i > 0; i--) {
		uint8_t *byte = answer + lies_draw(length);

		/* Another value in any case; zero, which often means something, more often than by chance. */
		*byte = *byte && lies_draw(4) == 0 ? 0 : *byte ^ (uint8_t)(1 + lies_draw(255));
	}
}

static unsigned other_length(unsigned length)
{
	unsigned longer = length + 1 + (unsigned)lies_draw(64);

	return length && lies_draw(2) ? (unsigned)lies_draw(length) : longer < MSG_PAYLOAD_MAX ? longer : MSG_PAYLOAD_MAX;
}

bool lies_change(void *answer, unsigned *length)
{
	static uint8_t right[MSG_PAYLOAD_MAX];
	unsigned right_length = *length;

	if (!lies_are_told() || lies_draw(2))
		return false;
	memcpy(right, answer, right_length);
	if (!right_length || lies_draw(8) == 0)
		*length = other_length(right_length);
	else if (lies_draw(2) || !change_field(answer, right_length))
		change_bytes(answer, right_length);
	return *length != right_length || memcmp(answer, right, right_length) != 0;
}

void lies_count(void)
{
	static unsigned long count;

	if (++count % LIES_SAID == 0)
		dprintf(STDERR_FILENO, "%d more answers differ from the right ones\n", LIES_SAID);
}
