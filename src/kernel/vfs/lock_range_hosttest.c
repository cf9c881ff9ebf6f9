/* SPDX-License-Identifier: MIT */
/* Host test of the record-lock arithmetic against a model that keeps one state a byte and owner. */
/* LINK: vfs/lock_range.c */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include "vfs/lock_range.h"

/* The model's last byte stands for all bytes up to infinity. */
enum { BYTES = 24, OWNERS = 3, FREE = 0, READ = 1, WRITE = 2 };

static int model[OWNERS][BYTES];
static int owners[OWNERS];
static struct list records = LIST_INIT(records);

static uint64_t real_end(int end) { return end == BYTES - 1 ? LOCK_RANGE_END : (uint64_t)end; }

static void check(void)
{
	struct lock_record *record, *other;
	int seen[OWNERS][BYTES] = { { 0 } };

	list_for_each(record, &records, link) {
		int owner = (const int *)record->owner - owners;
		int end = record->end == LOCK_RANGE_END ? BYTES - 1 : (int)record->end;

		assert(record->start <= record->end);
		for (int byte = record->start; byte <= end; byte++) {
			assert(!seen[owner][byte]);
			seen[owner][byte] = record->write ? WRITE : READ;
		}
		/* Neighbours of one kind are one record. */
		list_for_each(other, &records, link)
			assert(other->owner != record->owner || other->write != record->write || record->end == LOCK_RANGE_END ||
			       other->start != record->end + 1);
	}
	for (int owner = 0; owner < OWNERS; owner++)
		for (int byte = 0; byte < BYTES; byte++)
			assert(seen[owner][byte] == model[owner][byte]);
}

static bool model_conflict(int owner, int start, int end, bool write)
{
	for (int other = 0; other < OWNERS; other++)
		for (int byte = start; byte <= end && other != owner; byte++)
			if (model[other][byte] == WRITE || (model[other][byte] == READ && write))
				return true;
	return false;
}

static void free_all(struct list *list)
{
	while (!list_empty(list)) {
		struct lock_record *record = list_first(list, struct lock_record, link);

		list_remove(&record->link);
		free(record);
	}
}

static void step(void)
{
	int owner = rand() % OWNERS, start = rand() % BYTES, end = start + rand() % (BYTES - start);
	bool write = rand() & 1, unlock = rand() % 3 == 0;
	struct lock_record wanted = { .owner = &owners[owner], .start = start, .end = real_end(end), .write = write };
	struct list spare = LIST_INIT(spare);
	bool conflict = lock_range_conflict(&records, &wanted) != NULL;

	assert(conflict == model_conflict(owner, start, end, write));
	if (conflict && !unlock)
		return;
	for (int i = 0; i < LOCK_RANGE_SPARES; i++) {
		struct lock_record *record = calloc(1, sizeof(*record));

		list_push_back(&spare, &record->link);
	}
	lock_range_apply(&records, &wanted, unlock, &spare);
	for (int byte = start; byte <= end; byte++)
		model[owner][byte] = unlock ? FREE : write ? WRITE : READ;
	free_all(&spare);
	check();
}

int main(void)
{
	struct list freed = LIST_INIT(freed);

	srand(7);
	for (int i = 0; i < 200000; i++)
		step();
	for (int owner = 0; owner < OWNERS; owner++) {
		lock_range_release(&records, &owners[owner], &freed);
		for (int byte = 0; byte < BYTES; byte++)
			model[owner][byte] = FREE;
		check();
	}
	assert(list_empty(&records) && !lock_range_release(&records, &owners[0], &freed));
	free_all(&freed);
	puts("lock_range: ok");
	return 0;
}
