/* SPDX-License-Identifier: MIT */
/*
 * One transaction: which blocks it changes, and how. It changes the buffers; what is left of it when it is aborted is forgotten, and read again.
 */
#include "internal.h"

struct ext2_txn *ext2_begin(struct ext2 *fs, bool boundary)
{
	struct ext2_txn *txn = &fs->txn;

	ext2_note_group(fs);
	fs->clock++;
	txn->boundary = boundary;
	txn->hidden = txn->unseen = txn->frees_early = txn->needs_group = txn->bears = false;
	txn->group = fs->io->group;
	txn->flags = boundary ? EXT2_BOUNDARY_BEFORE : 0;
	txn->changed_count = txn->change_count = txn->delta_count = 0;
	txn->freed_blocks = txn->freed_inodes = 0;
	txn->room.dir = 0;
	return txn;
}

/* It is no part of the transaction any more. */
static void release(struct ext2_buffer *buffer)
{
	buffer->changed = buffer->fresh = buffer->discarded = false;
	buffer->last_change = 0;
}

void ext2_abort(struct ext2_txn *txn)
{
	for (unsigned i = 0; i < txn->changed_count; i++) {
		ext2_drop_buffer(txn->fs, txn->changed[i]);
		release(txn->changed[i]);
	}
	txn->changed_count = 0;
}

static bool touch(const struct ext2_change *old, const struct ext2_change *change)
{
	return change->offset <= old->offset + old->len && old->offset <= change->offset + change->len;
}

/* Makes the last change of the block larger, if @change is alike and touches it. */
static bool merge(struct ext2_txn *txn, const struct ext2_buffer *buffer, const struct ext2_change *change)
{
	struct ext2_change *old = &txn->changes[buffer->last_change - 1];
	uint32_t offset, end;

	if (old->kind != change->kind || old->flags != change->flags || !touch(old, change))
		return false;
	offset = MIN(old->offset, change->offset);
	end = MAX(old->offset + old->len, change->offset + change->len);
	if (change->kind == EXT2_COPY) {
		/* What it is to become must be in a row, too. */
		if (old->data - old->offset != change->data - change->offset)
			return false;
		old->data -= old->offset - offset;
	}
	old->offset = offset;
	old->len = end - offset;
	return true;
}

/* To be done before the buffer is changed: when it fails, that must not be. */
static int note_change(struct ext2_txn *txn, struct ext2_buffer *buffer, const struct ext2_change *change)
{
	if (buffer->last_change && merge(txn, buffer, change))
		return 0;
	if (txn->change_count == EXT2_MAX_CHANGES || (!buffer->changed && txn->changed_count == EXT2_MAX_CHANGED))
		return -EIO;
	txn->changes[txn->change_count++] = *change;
	if (!buffer->changed)
		txn->changed[txn->changed_count++] = buffer;
	buffer->changed = true;
	buffer->last_change = txn->change_count;
	return 0;
}

static void put_bytes(uint8_t *to, const void *bytes, uint32_t len)
{
	if (bytes)
		memcpy(to, bytes, len);
	else
		memset(to, 0, len);
}

/* What is changed late from now on is not in the early image. */
static void split_early(const struct ext2 *fs, struct ext2_buffer *buffer)
{
	if (!buffer->has_early)
		memcpy(buffer->early, buffer->data, fs->block_size);
	buffer->has_early = true;
}

int ext2_poke(struct ext2_txn *txn, uint32_t block, uint32_t offset, const void *bytes, uint32_t len, unsigned flags)
{
	struct ext2_buffer *buffer;
	int error = ext2_get(txn, block, &buffer);

	if (!error)
		error = note_change(txn, buffer, &(struct ext2_change){ .block = block, .data = buffer->data + offset, .offset = offset, .len = len,
									.kind = EXT2_COPY, .flags = flags });
	if (error)
		return error;
	if (flags & EXT2_LATE) {
		txn->unseen = true;
		split_early(txn->fs, buffer);
	}
	if (buffer->has_early && !(flags & EXT2_LATE))
		put_bytes(buffer->early + offset, bytes, len);
	put_bytes(buffer->data + offset, bytes, len);
	return 0;
}

int ext2_poke_zero_late(struct ext2_txn *txn, uint32_t block, uint32_t offset)
{
	static const uint8_t zeroes[4];
	struct ext2_buffer *buffer;
	int error = ext2_get(txn, block, &buffer);

	txn->unseen = true;
	return error ? error : note_change(txn, buffer, &(struct ext2_change){ .block = block, .data = zeroes, .offset = offset, .len = sizeof(zeroes),
									       .kind = EXT2_COPY, .flags = EXT2_FIRST | EXT2_LATE });
}

int ext2_make_fresh(struct ext2_txn *txn, uint32_t block)
{
	struct ext2_buffer *buffer = ext2_find_buffer(txn->fs, block);
	int error = buffer ? 0 : ext2_load_buffer(txn->fs, block, true, &buffer);

	if (error)
		return error;
	error = note_change(txn, buffer, &(struct ext2_change){ .block = block, .kind = EXT2_FRESH, .flags = EXT2_FIRST });
	if (error) {
		ext2_drop_buffer(txn->fs, buffer);
		return error;
	}
	buffer->fresh = true;
	memset(buffer->data, 0, txn->fs->block_size);
	if (buffer->has_early)
		memset(buffer->early, 0, txn->fs->block_size);
	return 0;
}

static void put_bits(uint8_t *bytes, uint32_t first, uint32_t count, bool set)
{
	for (uint32_t bit = first; bit < first + count; bit++) {
		if (set)
			bytes[bit / 8] |= 1 << bit % 8;
		else
			bytes[bit / 8] &= ~(1 << bit % 8);
	}
}

int ext2_set_bits(struct ext2_txn *txn, uint32_t bitmap, uint32_t first, uint32_t count)
{
	struct ext2_buffer *buffer;
	int error = ext2_get(txn, bitmap, &buffer);

	if (!error)
		error = note_change(txn, buffer, &(struct ext2_change){ .block = bitmap, .offset = first, .len = count, .kind = EXT2_SET_BITS,
									.flags = EXT2_FIRST });
	if (error)
		return error;
	put_bits(buffer->data, first, count, true);
	if (buffer->has_early)
		put_bits(buffer->early, first, count, true);
	return 0;
}

int ext2_clear_bits(struct ext2_txn *txn, uint32_t bitmap, uint32_t first, uint32_t count)
{
	struct ext2_buffer *buffer;
	int error = ext2_get(txn, bitmap, &buffer);

	if (error)
		return error;
	for (unsigned i = 0; i < buffer->last_change; i++) {
		const struct ext2_change *old = &txn->changes[i];

		if (old->kind == EXT2_CLEAR_BITS && old->block == bitmap && first < old->offset + old->len && old->offset < first + count)
			return ext2_corrupt(txn->fs, "bitmap %u, bits from %u on are freed twice", bitmap, first);
	}
	txn->unseen = true;
	return note_change(txn, buffer, &(struct ext2_change){ .block = bitmap, .offset = first, .len = count, .kind = EXT2_CLEAR_BITS,
							       .flags = EXT2_FIRST | (txn->frees_early ? 0 : EXT2_LATE) });
}

int ext2_note(struct ext2_txn *txn, uint8_t kind, uint32_t block, uint32_t count)
{
	for (unsigned i = txn->change_count; i-- > 0;) {
		struct ext2_change *old = &txn->changes[i];

		if (old->kind != kind || (old->block != block + count && old->block + old->len != block))
			continue;
		old->block = MIN(old->block, block);
		old->len += count;
		return 0;
	}
	if (txn->change_count == EXT2_MAX_CHANGES)
		return -EIO;
	txn->unseen |= kind == EXT2_FORGET;
	txn->changes[txn->change_count++] = (struct ext2_change){ .block = block, .len = count, .kind = kind };
	return 0;
}

static bool is_note(const struct ext2_change *change)
{
	return change->kind == EXT2_FORGET || change->kind == EXT2_NEW_DATA;
}

void ext2_discard(struct ext2_txn *txn, uint32_t block)
{
	struct ext2_buffer *buffer = ext2_find_buffer(txn->fs, block);
	unsigned kept = 0;

	if (!buffer || !buffer->changed)
		return;
	buffer->discarded = true;
	for (unsigned i = 0; i < txn->change_count; i++) {
		const struct ext2_change *change = &txn->changes[i];

		if (change->block != block || is_note(change))
			txn->changes[kept++] = *change;
	}
	txn->change_count = kept;
	for (unsigned i = 0; i < txn->changed_count; i++)
		txn->changed[i]->last_change = 0;
	for (unsigned i = 0; i < kept; i++)
		if (!is_note(&txn->changes[i]))
			ext2_find_buffer(txn->fs, txn->changes[i].block)->last_change = i + 1;
}

int ext2_count(struct ext2_txn *txn, uint32_t group, int blocks, int inodes, int directories)
{
	struct ext2_delta *delta = txn->deltas;

	while (delta < txn->deltas + txn->delta_count && delta->group != group)
		delta++;
	if (delta == txn->deltas + EXT2_MAX_DELTAS)
		return -EIO;
	if (delta == txn->deltas + txn->delta_count) {
		txn->delta_count++;
		*delta = (struct ext2_delta){ .group = group };
	}
	delta->blocks += blocks;
	delta->inodes += inodes;
	delta->directories += directories;
	return 0;
}

bool ext2_has_room(const struct ext2_txn *txn, unsigned blocks, unsigned deltas)
{
	/* Each count may be in a block of its own, changed at the commit. */
	return txn->change_count + EXT2_RESERVE_CHANGES <= EXT2_MAX_CHANGES && txn->delta_count + deltas <= EXT2_MAX_DELTAS &&
	       txn->changed_count + blocks + txn->delta_count + deltas <= EXT2_MAX_CHANGED;
}

/* A count on the disk that is wrong must not wrap. */
static uint16_t moved(uint16_t count, int by, uint32_t most)
{
	int64_t sum = (int64_t)count + by;

	return sum < 0 ? 0 : MIN(sum, (int64_t)MIN(most, 0xffff));
}

static int write_counts(struct ext2_txn *txn)
{
	const struct ext2 *fs = txn->fs;

	for (unsigned i = 0; i < txn->delta_count; i++) {
		const struct ext2_delta *delta = &txn->deltas[i];
		struct ext2_group group;
		int error = ext2_read_group(txn, delta->group, &group);

		if (error)
			return error;
		txn->freed_blocks -= group.free_blocks;
		txn->freed_inodes -= group.free_inodes;
		group.free_blocks = moved(group.free_blocks, delta->blocks, ext2_group_blocks(fs, delta->group));
		group.free_inodes = moved(group.free_inodes, delta->inodes, fs->inodes_per_group);
		group.used_directories = moved(group.used_directories, delta->directories, fs->inodes_per_group);
		txn->freed_blocks += group.free_blocks;
		txn->freed_inodes += group.free_inodes;
		error = ext2_write_group_counts(txn, delta->group, &group);
		if (error)
			return error;
	}
	return 0;
}

/*
 * What the transaction did not see is done now. @moved: a group ended, before the commit or with it, and what was late may be in either. What was seen and
 * late has no early image any more if a group ended before.
 */
static void settle_change(struct ext2 *fs, const struct ext2_change *change, bool moved)
{
	bool late = change->flags & EXT2_LATE;
	struct ext2_buffer *buffer;

	if (!late && change->kind != EXT2_CLEAR_BITS)
		return;
	buffer = ext2_find_buffer(fs, change->block);
	if (!buffer)
		return;
	if (late && (moved || (!buffer->has_early && change->data == buffer->data + change->offset))) {
		ext2_drop_buffer(fs, buffer);
		return;
	}
	if (late)
		split_early(fs, buffer);
	if (change->kind == EXT2_COPY) {
		memmove(buffer->data + change->offset, change->data, change->len);
		return;
	}
	put_bits(buffer->data, change->offset, change->len, false);
	if (!late && buffer->has_early)
		put_bits(buffer->early, change->offset, change->len, false);
}

static void forget(struct ext2 *fs, const struct ext2_change *range)
{
	for (unsigned i = 0; i < fs->buffer_count; i++)
		if (fs->buffers[i].number - range->block < range->len)
			ext2_drop_buffer(fs, &fs->buffers[i]);
}

static void make_unseen(struct ext2_txn *txn, bool moved)
{
	for (unsigned i = 0; i < txn->change_count; i++) {
		if (txn->changes[i].kind == EXT2_FORGET)
			forget(txn->fs, &txn->changes[i]);
		else if (txn->changes[i].kind != EXT2_NEW_DATA)
			settle_change(txn->fs, &txn->changes[i], moved);
	}
}

/* The commit is done: the buffers are what the blocks are in their new generations. */
static void settle(struct ext2_txn *txn, const uint64_t *generations, bool moved)
{
	for (unsigned i = 0; i < txn->changed_count; i++) {
		struct ext2_buffer *buffer = txn->changed[i];

		buffer->generation = buffer->discarded ? 0 : *generations++;
		release(buffer);
		if (!buffer->generation)
			ext2_drop_buffer(txn->fs, buffer);
	}
	txn->changed_count = 0;
	if (txn->unseen)
		make_unseen(txn, moved);
	txn->fs->free_blocks += txn->freed_blocks;
	txn->fs->free_inodes += txn->freed_inodes;
}

int ext2_commit(struct ext2_txn *txn, unsigned flags, const void *answer, size_t answer_len)
{
	struct ext2_base bases[EXT2_MAX_CHANGED];
	uint64_t generations[EXT2_MAX_CHANGED];
	struct ext2_commit commit = { .changes = txn->changes, .bases = bases, .answer = answer, .answer_len = answer_len, .generations = generations };
	struct ext2 *fs = txn->fs;
	uint32_t group = fs->io->group;
	int error = write_counts(txn);

	if (error) {
		ext2_abort(txn);
		return error;
	}
	for (unsigned i = 0; i < txn->changed_count; i++) {
		const struct ext2_buffer *buffer = txn->changed[i];

		if (buffer->discarded)
			continue;
		generations[commit.base_count] = 0;
		bases[commit.base_count++] = (struct ext2_base){ buffer->number, buffer->generation };
	}
	commit.change_count = txn->change_count;
	commit.flags = flags | txn->flags;
	commit.group = txn->needs_group ? txn->group : 0;
	commit.free_blocks = ext2_available(fs, fs->free_blocks + txn->freed_blocks);
	error = fs->io->commit(fs->io, &commit);
	if (error) {
		ext2_abort(txn);
		/* Whoever was wrong about the group or a block, it is not the kernel. */
		if (error == -ESTALE)
			ext2_drop_buffers(fs);
		return error;
	}
	ext2_note_group(fs);
	settle(txn, generations, group != fs->group);
	return 0;
}

/* The open group ends, with nothing else. */
static int end_group(struct ext2 *fs)
{
	struct ext2_txn *txn = ext2_begin(fs, true);

	return ext2_commit(txn, 0, NULL, 0);
}

int ext2_run(struct ext2 *fs, ext2_operation *operation, void *arguments, const void *answer, size_t answer_len)
{
	enum { TRIES = 16 };
	bool boundary = false, ended = false;
	int result, error;

	for (unsigned tries = 0; tries < TRIES;) {
		struct ext2_txn *txn = ext2_begin(fs, boundary);

		result = operation(txn, arguments);
		if (result < 0 || (!txn->change_count && !txn->delta_count)) {
			ext2_abort(txn);
			if (result >= 0 || !txn->hidden || boundary)
				return result == EXT2_MORE ? -EIO : result;
			boundary = true;
			continue;
		}
		if (txn->needs_group && txn->flags & EXT2_BOUNDARY_BEFORE) {
			ext2_abort(txn);
			boundary = true;
			tries++;
			continue;
		}
		/* What is made should be marked with the group that it is in, or else no name made now could go before that is written, and so on. */
		if (txn->bears && txn->flags & EXT2_BOUNDARY_BEFORE && !ended) {
			ext2_abort(txn);
			error = end_group(fs);
			if (error && error != -ESTALE)
				return error;
			ended = !error;
			boundary = false;
			tries += !ended;
			continue;
		}
		error = ext2_commit(txn, result == EXT2_MORE ? 0 : EXT2_FINAL, answer, answer_len);
		boundary = false;
		tries += error == -ESTALE;
		if (error && error != -ESTALE)
			return error;
		if (!error && result != EXT2_MORE)
			return result;
	}
	return -EIO;
}
