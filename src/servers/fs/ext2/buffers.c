/* SPDX-License-Identifier: MIT */
/*
 * The blocks that are kept, each with its generation, so that nothing is read twice. Should the disk's owner have another generation of one (nobody else
 * changes blocks), a commit says so, and all are read again.
 */
#include "internal.h"

void ext2_init_buffers(struct ext2 *fs, uint8_t *memory)
{
	for (unsigned i = 0; i < EXT2_BUFFERS; i++) {
		fs->buffers[i].data = memory + ((size_t)i << fs->block_shift);
		fs->buffers[i].early = memory + ((size_t)(EXT2_BUFFERS + i) << fs->block_shift);
	}
	fs->group = fs->io->group;
}

static void leave(struct ext2 *fs, struct ext2_buffer *buffer)
{
	struct ext2_buffer **at = &fs->buckets[buffer->number % EXT2_BUCKETS];

	while (*at != buffer)
		at = &(*at)->next;
	*at = buffer->next;
	buffer->in_use = false;
}

static void enter(struct ext2 *fs, struct ext2_buffer *buffer, uint32_t number)
{
	struct ext2_buffer **bucket = &fs->buckets[number % EXT2_BUCKETS];

	*buffer = (struct ext2_buffer){ .data = buffer->data, .early = buffer->early, .number = number, .next = *bucket, .in_use = true };
	*bucket = buffer;
}

void ext2_drop_buffer(struct ext2 *fs, struct ext2_buffer *buffer)
{
	if (buffer->in_use)
		leave(fs, buffer);
}

void ext2_drop_buffers(struct ext2 *fs)
{
	for (unsigned i = 0; i < fs->buffer_count; i++)
		ext2_drop_buffer(fs, &fs->buffers[i]);
}

void ext2_note_group(struct ext2 *fs)
{
	if (fs->group == fs->io->group)
		return;
	fs->group = fs->io->group;
	for (unsigned i = 0; i < fs->buffer_count; i++)
		fs->buffers[i].has_early = false;
}

/* A place: one that is free, or a new one while they are few, or that of the block that was not used for the longest time, or one more. */
static struct ext2_buffer *find_place(struct ext2 *fs)
{
	struct ext2_buffer *oldest = NULL;

	for (unsigned i = 0; i < fs->buffer_count; i++) {
		struct ext2_buffer *buffer = &fs->buffers[i];

		if (!buffer->in_use)
			return buffer;
		if (!buffer->pins && !buffer->changed && (!oldest || (int32_t)(buffer->used_at - oldest->used_at) < 0))
			oldest = buffer;
	}
	if (fs->buffer_count < EXT2_BUFFERS && (!oldest || (fs->buffer_count + 1) << fs->block_shift <= EXT2_KEPT_BYTES))
		return &fs->buffers[fs->buffer_count++];
	if (oldest)
		leave(fs, oldest);
	return oldest;
}

int ext2_load_buffer(struct ext2 *fs, uint32_t number, bool fresh, struct ext2_buffer **out)
{
	struct ext2_buffer *buffer;
	struct ext2_image image;
	int error;

	if (number >= fs->blocks_count)
		return ext2_corrupt(fs, "block %u, expected less than %u", number, fs->blocks_count);
	buffer = find_place(fs);
	if (!buffer)
		return -EIO;
	image = (struct ext2_image){ .data = fresh ? NULL : buffer->data, .early = fresh ? NULL : buffer->early };
	error = fs->io->get(fs->io, number, &image);
	if (error)
		return error;
	ext2_note_group(fs);
	enter(fs, buffer, number);
	buffer->generation = image.generation;
	buffer->has_early = image.has_early;
	buffer->used_at = ++fs->clock;
	*out = buffer;
	return 0;
}
