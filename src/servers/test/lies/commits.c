/* SPDX-License-Identifier: MIT */
/* Commits that must not happen: see lies.h. */
#include "test/lies/lies.h"
#include "test/lies/random.h"

#include <raeen/message.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct fs_base bases[FS_COMMIT_BASES_MAX + 1];
static struct fs_change changes[FS_COMMIT_CHANGES_MAX];

static uint64_t wild_address(void)
{
	static const uint64_t addresses[] = { 8, 0x7ffffffff000, 0xffff800000000000, UINT64_MAX - 4095, UINT64_MAX };

	return addresses[lies_draw(sizeof addresses / sizeof addresses[0])];
}

static bool has_place(const struct fs_change *change)
{
	return change->kind == FS_COPY || change->kind == FS_SET_BITS || change->kind == FS_CLEAR_BITS;
}

/* False: that cannot be wrong here. */
static bool spoil_head(struct fs_commit *commit)
{
	switch (lies_draw(8)) {
	case 0: commit->base_count = FS_COMMIT_BASES_MAX + 1 + (uint32_t)lies_draw(1u << 31); return true;
	case 1: commit->change_count = FS_COMMIT_CHANGES_MAX + 1 + (uint32_t)lies_draw(1u << 31); return true;
	case 2: commit->answer_length = MSG_PAYLOAD_MAX + 1 + (uint32_t)lies_draw(1u << 31); return true;
	case 3: commit->flags |= 8u << lies_draw(29); return true;
	case 4: commit->token += 1000000 + lies_draw(1u << 31); return true;
	case 5: commit->bases = wild_address(); return commit->base_count != 0;
	case 6: commit->changes = wild_address(); return commit->change_count != 0;
	default: commit->group += 1000 + (uint32_t)lies_draw(1000); return commit->group != 0;
	}
}

static bool spoil_base(struct fs_commit *commit)
{
	struct fs_base *base = &bases[commit->base_count ? lies_draw(commit->base_count) : 0];

	if (!commit->base_count)
		return false;
	switch (lies_draw(3)) {
	case 0: base->block = (1ull << 40) + lies_draw(UINT64_MAX >> 1); break;
	case 1: base->generation += 1 + lies_draw(1ull << 40); break;
	default: bases[commit->base_count++] = *base; break;
	}
	return true;
}

static bool spoil_change(struct fs_commit *commit)
{
	struct fs_change *change = &changes[commit->change_count ? lies_draw(commit->change_count) : 0];

	if (!commit->change_count)
		return false;
	switch (lies_draw(6)) {
	case 0: change->kind = (uint8_t)(FS_NEW_DATA + 1 + lies_draw(250)); return true;
	case 1: change->reserved[lies_draw(sizeof change->reserved)] = (uint8_t)(1 + lies_draw(255)); return true;
	case 2: change->length = lies_draw(2) ? 0 : UINT32_MAX; return change->kind != FS_FRESH;
	case 3: change->offset = UINT32_MAX - (uint32_t)lies_draw(8); return has_place(change);
	case 4: change->block = (1ull << 40) + lies_draw(UINT64_MAX >> 1); return true;
	default: change->data = wild_address(); return change->kind == FS_COPY;
	}
}

bool lies_spoil_commit(const struct fs_commit *right, struct fs_commit *wrong)
{
	if (!lies_are_told() || lies_draw(2))
		return false;
	*wrong = *right;
	memcpy(bases, (const void *)right->bases, right->base_count * sizeof bases[0]);
	memcpy(changes, (const void *)right->changes, right->change_count * sizeof changes[0]);
	wrong->bases = (uintptr_t)bases;
	wrong->changes = (uintptr_t)changes;
	/* What it would fill if it happened stays as it is. */
	wrong->generations = 0;
	switch (lies_draw(3)) {
	case 0: return spoil_head(wrong);
	case 1: return spoil_base(wrong);
	default: return spoil_change(wrong);
	}
}

void lies_count_commit(int error)
{
	static unsigned long count;

	if (error == 0)
		dprintf(STDERR_FILENO, "a wrong commit WAS NOT REFUSED\n");
	else if (++count % LIES_SAID == 0)
		dprintf(STDERR_FILENO, "%d more wrong commits were refused\n", LIES_SAID);
}
