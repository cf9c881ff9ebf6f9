/* SPDX-License-Identifier: MIT */
/* What all stores share: their log of writes and how it is cut, and the ends that a test wants. */
#include "store.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint8_t *store_copy_block(const struct store *store, const uint8_t *from)
{
	uint8_t *bytes = malloc(store->io.block_size);

	memcpy(bytes, from, store->io.block_size);
	return bytes;
}

void store_add_write(const struct store *store, struct store_phase *phase, uint32_t number, const uint8_t *bytes)
{
	if (phase->count == phase->room) {
		phase->room = phase->room ? phase->room * 2 : 8;
		phase->writes = realloc(phase->writes, phase->room * sizeof(*phase->writes));
	}
	phase->writes[phase->count++] = (struct store_write){ number, store_copy_block(store, bytes) };
}

void store_add_phase(struct store *store, struct store_phase *phase)
{
	if (!phase->count) {
		free(phase->writes);
		return;
	}
	if (store->phase_count == store->phase_room) {
		store->phase_room = store->phase_room ? store->phase_room * 2 : 64;
		store->phases = realloc(store->phases, store->phase_room * sizeof(*store->phases));
	}
	phase->risky = store->risky;
	phase->operation = store->operation;
	store->phases[store->phase_count++] = *phase;
}

void store_drop_log(struct store *store)
{
	for (unsigned i = 0; i < store->phase_count; i++) {
		for (unsigned w = 0; w < store->phases[i].count; w++)
			free(store->phases[i].writes[w].bytes);
		free(store->phases[i].writes);
	}
	store->phase_count = 0;
}

uint8_t *store_cut(const struct store *store, unsigned phase, bool (*done)(void *context), void *context)
{
	uint8_t *image = malloc(store->size);

	memcpy(image, store->disk, store->size);
	for (unsigned i = 0; i < store->phase_count && (store->no_barriers || i <= phase); i++) {
		for (unsigned w = 0; w < store->phases[i].count; w++) {
			const struct store_write *write = &store->phases[i].writes[w];

			if ((!store->no_barriers && i < phase) || done(context))
				memcpy(image + (size_t)write->block * store->io.block_size, write->bytes, store->io.block_size);
		}
	}
	return image;
}

bool store_get_fails(struct store *store)
{
	if (store->gets_left >= 0 && store->gets_left-- == 0)
		longjmp(store->end, 1);
	return store->good_gets >= 0 && store->good_gets-- == 0;
}

void store_look(struct store *store, uint32_t number, struct ext2_image *image)
{
	long gets = store->gets_left, good = store->good_gets;

	store->gets_left = store->good_gets = -1;
	assert(!store->io.get(&store->io, number, image));
	store->gets_left = gets;
	store->good_gets = good;
}

bool store_begin_commit(struct store *store)
{
	bool end = store->commits_left >= 0 && store->commits_left-- == 0;

	if (end && !store->after)
		longjmp(store->end, 1);
	return end;
}

void store_end_commit(struct store *store, const struct ext2_commit *commit, bool end)
{
	assert(commit->answer_len <= sizeof(store->answer));
	store->commits++;
	if (commit->flags & EXT2_FINAL && commit->answer)
		memcpy(store->answer, commit->answer, commit->answer_len);
	if (end) {
		store->ended_final = commit->flags & EXT2_FINAL;
		longjmp(store->end, 2);
	}
}

void store_say(struct ext2_io *io, const char *text)
{
	struct store *store = (struct store *)io;

	store->logged++;
	snprintf(store->last_log, sizeof(store->last_log), "%s", text);
	if (!store->quiet)
		fprintf(stderr, "ext2: %s\n", text);
}
