/* SPDX-License-Identifier: MIT */
/*
 * One transaction: which blocks are pinned, private copies of those that change, and the list of changes. Blocks that are not changed can leave again when
 * others need their slots; so what is read is copied out or pinned.
 */
#include "internal.h"

enum { NO_BLOCK = UINT32_MAX };	/* of a slot that is not in use */

struct ext2_txn *ext2_begin(struct ext2 *fs, bool boundary)
{
	struct ext2_txn *txn = &fs->txn;

	txn->boundary = boundary;
	txn->hidden = txn->frees_early = txn->needs_group = txn->bears = false;
	txn->group = fs->io->group;
	txn->flags = boundary ? EXT2_BOUNDARY_BEFORE : 0;
	txn->change_count = txn->delta_count = 0;
	txn->copies_used = 0;
	txn->freed_blocks = txn->freed_inodes = 0;
	txn->clock = 0;
	txn->room.dir = 0;
	return txn;
}

void ext2_abort(struct ext2_txn *txn)
{
	for (unsigned i = 0; i < txn->slot_count; i++)
		if (txn->slots[i].block != NO_BLOCK)
			txn->fs->io->put(txn->fs->io, txn->slots[i].block, &txn->slots[i].view);
	txn->slot_count = 0;
}

static struct ext2_slot *find_slot(struct ext2_txn *txn, uint32_t number)
{
	uint8_t *hint = &txn->hints[number % EXT2_HINTS];
	struct ext2_slot *seen = ext2_seen_slot(txn, number);

	if (seen)
		return seen;
	for (unsigned i = 0; i < txn->slot_count; i++) {
		if (txn->slots[i].block != number)
			continue;
		*hint = i;
		return &txn->slots[i];
	}
	return NULL;
}

/* A slot for another block: a new one, or of those that can go the one that was not used for the longest time. */
static struct ext2_slot *free_slot(struct ext2_txn *txn)
{
	struct ext2_slot *victim = NULL;

	if (txn->slot_count < EXT2_MAX_SLOTS)
		return &txn->slots[txn->slot_count];
	for (unsigned i = 0; i < EXT2_MAX_SLOTS; i++) {
		struct ext2_slot *slot = &txn->slots[i];

		if (!slot->users && !slot->changed && (!victim || slot->used_at < victim->used_at))
			victim = slot;
	}
	if (victim && victim->block != NO_BLOCK)
		txn->fs->io->put(txn->fs->io, victim->block, &victim->view);
	return victim;
}

static int pin(struct ext2_txn *txn, uint32_t number, bool fresh, struct ext2_slot **out)
{
	struct ext2_io *io = txn->fs->io;
	struct ext2_slot *slot = find_slot(txn, number);
	unsigned index;
	int error;

	if (!slot) {
		if (number >= txn->fs->blocks_count)
			return ext2_corrupt(txn->fs, "block %u, expected less than %u", number, txn->fs->blocks_count);
		slot = free_slot(txn);
		if (!slot)
			return -EIO;
		*slot = (struct ext2_slot){ .block = NO_BLOCK };
		error = io->get(io, number, fresh, &slot->view);
		if (error)
			return error;
		slot->block = number;
		index = slot - txn->slots;
		txn->hints[number % EXT2_HINTS] = index;
		txn->slot_count = MAX(txn->slot_count, index + 1);
	}
	slot->users++;
	slot->used_at = ++txn->clock;
	*out = slot;
	return 0;
}

int ext2_pin_slowly(struct ext2_txn *txn, uint32_t number, struct ext2_slot **slot)
{
	return pin(txn, number, false, slot);
}

const uint8_t *ext2_early(const struct ext2_txn *txn, const struct ext2_slot *slot)
{
	return txn->boundary || slot->fresh ? ext2_data(txn, slot) : slot->view.early;
}

/* A place for a copy: the first free one, or of those that hold a block still one after the other. EXT2_MAX_COPIES: there is none. */
static unsigned find_copy(struct ext2_txn *txn)
{
	struct ext2 *fs = txn->fs;
	unsigned index = 0;

	while (index < EXT2_MAX_COPIES && (txn->copies_used >> index & 1 || fs->kept[index].generation))
		index++;
	for (unsigned i = 0; i < EXT2_KEPT_COPIES && index >= EXT2_KEPT_COPIES; i++) {
		unsigned other = fs->next_copy++ % EXT2_KEPT_COPIES;

		if (!(txn->copies_used >> other & 1))
			index = other;
	}
	return index;
}

/* The copy that is left of an earlier transaction and as the block is now. EXT2_KEPT_COPIES: there is none. */
static unsigned find_kept(const struct ext2_txn *txn, const struct ext2_slot *slot)
{
	const struct ext2_base *kept = txn->fs->kept;
	unsigned index = 0;

	while (index < EXT2_KEPT_COPIES && !(kept[index].generation == slot->view.generation && kept[index].block == slot->block && kept[index].generation))
		index++;
	return index;
}

static int make_copy(struct ext2_txn *txn, struct ext2_slot *slot)
{
	struct ext2 *fs = txn->fs;
	unsigned index;

	if (slot->copy)
		return 0;
	index = find_kept(txn, slot);
	if (index == EXT2_KEPT_COPIES || slot->fresh) {
		index = find_copy(txn);
		if (index == EXT2_MAX_COPIES)
			return -EIO;
		if (slot->fresh)
			memset(txn->copies + (size_t)index * fs->block_size, 0, fs->block_size);
		else
			memcpy(txn->copies + (size_t)index * fs->block_size, slot->view.data, fs->block_size);
	}
	fs->kept[index].generation = 0;
	txn->copies_used |= 1u << index;
	slot->copy = index + 1;
	return 0;
}

static int add_change(struct ext2_txn *txn, struct ext2_slot *slot, struct ext2_change change)
{
	if (txn->change_count == EXT2_MAX_CHANGES)
		return -EIO;
	txn->changes[txn->change_count++] = change;
	if (slot)
		slot->changed = true;
	return 0;
}

/* Makes an earlier change of the same kind larger, if @change touches it. */
static bool merge(struct ext2_txn *txn, const struct ext2_change *change)
{
	for (unsigned i = txn->change_count; i-- > 0;) {
		struct ext2_change *old = &txn->changes[i];
		uint32_t end;

		if (old->block != change->block || old->kind != change->kind || old->flags != change->flags ||
		    (change->kind == EXT2_COPY && old->data - old->offset != change->data - change->offset))
			continue;
		if (change->offset > old->offset + old->len || old->offset > change->offset + change->len)
			continue;
		end = MAX(old->offset + old->len, change->offset + change->len);
		if (change->offset < old->offset) {
			old->offset = change->offset;
			old->data = change->data;
		}
		old->len = end - old->offset;
		return true;
	}
	return false;
}

static int change_slot(struct ext2_txn *txn, struct ext2_slot *slot, struct ext2_change change)
{
	return merge(txn, &change) ? 0 : add_change(txn, slot, change);
}

int ext2_poke(struct ext2_txn *txn, uint32_t block, uint32_t offset, const void *bytes, uint32_t len, unsigned flags)
{
	struct ext2_slot *slot;
	int error = ext2_pin(txn, block, &slot);

	if (error)
		return error;
	error = make_copy(txn, slot);
	if (!error) {
		if (bytes)
			memcpy(ext2_copy_of(txn, slot) + offset, bytes, len);
		else
			memset(ext2_copy_of(txn, slot) + offset, 0, len);
		error = change_slot(txn, slot, (struct ext2_change){ .block = block, .data = ext2_copy_of(txn, slot) + offset, .offset = offset, .len = len,
								     .kind = EXT2_COPY, .flags = flags });
	}
	ext2_unpin(slot);
	return error;
}

int ext2_poke_zero_late(struct ext2_txn *txn, uint32_t block, uint32_t offset)
{
	static const uint8_t zeroes[4];
	struct ext2_slot *slot;
	int error = ext2_pin(txn, block, &slot);

	if (error)
		return error;
	error = add_change(txn, slot, (struct ext2_change){ .block = block, .offset = offset, .len = sizeof(zeroes), .kind = EXT2_COPY,
							    .flags = EXT2_FIRST | EXT2_LATE, .data = zeroes });
	ext2_unpin(slot);
	return error;
}

int ext2_make_fresh(struct ext2_txn *txn, uint32_t block)
{
	struct ext2_slot *slot;
	int error = pin(txn, block, true, &slot);

	if (error)
		return error;
	slot->fresh = true;
	error = make_copy(txn, slot);
	if (!error)
		error = add_change(txn, slot, (struct ext2_change){ .block = block, .kind = EXT2_FRESH, .flags = EXT2_FIRST });
	ext2_unpin(slot);
	return error;
}

int ext2_set_bits(struct ext2_txn *txn, uint32_t bitmap, uint32_t first, uint32_t count)
{
	struct ext2_slot *slot;
	int error = ext2_pin(txn, bitmap, &slot);

	if (error)
		return error;
	error = make_copy(txn, slot);
	for (uint32_t i = first; !error && i < first + count; i++)
		ext2_copy_of(txn, slot)[i / 8] |= 1 << i % 8;
	if (!error)
		error = change_slot(txn, slot, (struct ext2_change){ .block = bitmap, .offset = first, .len = count, .kind = EXT2_SET_BITS,
								     .flags = EXT2_FIRST });
	ext2_unpin(slot);
	return error;
}

int ext2_clear_bits(struct ext2_txn *txn, uint32_t bitmap, uint32_t first, uint32_t count)
{
	struct ext2_slot *slot;
	int error;

	for (unsigned i = 0; i < txn->change_count; i++) {
		const struct ext2_change *old = &txn->changes[i];

		if (old->kind == EXT2_CLEAR_BITS && old->block == bitmap && first < old->offset + old->len && old->offset < first + count)
			return ext2_corrupt(txn->fs, "bitmap %u, bits from %u on are freed twice", bitmap, first);
	}
	error = ext2_pin(txn, bitmap, &slot);
	if (error)
		return error;
	error = change_slot(txn, slot, (struct ext2_change){ .block = bitmap, .offset = first, .len = count, .kind = EXT2_CLEAR_BITS,
							     .flags = EXT2_FIRST | (txn->frees_early ? 0 : EXT2_LATE) });
	ext2_unpin(slot);
	return error;
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
	return add_change(txn, NULL, (struct ext2_change){ .block = block, .len = count, .kind = kind });
}

void ext2_discard(struct ext2_txn *txn, uint32_t block)
{
	struct ext2_slot *slot;
	unsigned kept = 0;

	for (unsigned i = 0; i < txn->change_count; i++) {
		const struct ext2_change *change = &txn->changes[i];

		if (change->block != block || change->kind == EXT2_FORGET || change->kind == EXT2_NEW_DATA)
			txn->changes[kept++] = *change;
	}
	txn->change_count = kept;
	slot = find_slot(txn, block);
	if (!slot)
		return;
	if (slot->copy)
		txn->copies_used &= ~(1u << (slot->copy - 1));
	slot->copy = 0;
	slot->changed = false;
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

bool ext2_has_room(const struct ext2_txn *txn, unsigned copies, unsigned deltas)
{
	/* Each count may be in a block of its own, copied at the commit. */
	return txn->change_count + EXT2_RESERVE_CHANGES <= EXT2_MAX_CHANGES && txn->delta_count + deltas <= EXT2_MAX_DELTAS &&
	       __builtin_popcount(txn->copies_used) + copies + txn->delta_count + deltas <= EXT2_MAX_COPIES;
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
		error = ext2_write_group(txn, delta->group, &group);
		if (error)
			return error;
	}
	return 0;
}

/* Is it a change that this transaction does not see? */
static bool is_unseen(const struct ext2_change *change)
{
	return change->kind == EXT2_CLEAR_BITS || (change->kind == EXT2_COPY && change->flags & EXT2_LATE);
}

/* Copies of blocks that were changed are what the blocks are now, once that is done to them, too, which the transaction did not see. */
static void keep_copies(struct ext2_txn *txn, const uint64_t *generations)
{
	for (unsigned i = 0; i < txn->slot_count; i++) {
		struct ext2_slot *slot = &txn->slots[i];
		unsigned index;

		if (!slot->changed)
			continue;
		index = slot->copy ? slot->copy - 1u : find_kept(txn, slot);
		slot->copy = 0;
		if (index < EXT2_KEPT_COPIES) {
			slot->copy = index + 1;
			txn->fs->kept[index] = (struct ext2_base){ slot->block, *generations };
		}
		generations++;
	}
	for (unsigned i = 0; i < txn->change_count; i++) {
		const struct ext2_change *change = &txn->changes[i];
		struct ext2_slot *slot = is_unseen(change) ? find_slot(txn, change->block) : NULL;

		if (!slot || !slot->copy)
			continue;
		if (change->kind == EXT2_COPY)
			memmove(ext2_copy_of(txn, slot) + change->offset, change->data, change->len);
		else
			for (uint32_t bit = change->offset; bit < change->offset + change->len; bit++)
				ext2_copy_of(txn, slot)[bit / 8] &= ~(1 << bit % 8);
	}
}

int ext2_commit(struct ext2_txn *txn, unsigned flags, const void *answer, size_t answer_len)
{
	struct ext2_base bases[EXT2_MAX_SLOTS];
	uint64_t generations[EXT2_MAX_SLOTS];
	struct ext2_commit commit = { .changes = txn->changes, .bases = bases, .answer = answer, .answer_len = answer_len, .generations = generations };
	struct ext2 *fs = txn->fs;
	int error = write_counts(txn);

	for (unsigned i = 0; i < txn->slot_count; i++)
		if (txn->slots[i].changed) {
			generations[commit.base_count] = 0;
			bases[commit.base_count++] = (struct ext2_base){ txn->slots[i].block, txn->slots[i].view.generation };
		}
	commit.change_count = txn->change_count;
	commit.flags = flags | txn->flags;
	commit.group = txn->needs_group ? txn->group : 0;
	commit.free_blocks = ext2_available(fs, fs->free_blocks + txn->freed_blocks);
	if (!error)
		error = fs->io->commit(fs->io, &commit);
	if (!error) {
		keep_copies(txn, generations);
		fs->free_blocks += txn->freed_blocks;
		fs->free_inodes += txn->freed_inodes;
	}
	ext2_abort(txn);
	return error;
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
