/* SPDX-License-Identifier: MIT */
/* The arithmetic of record locks. An owner's records never overlap. */
#include "vfs/lock_range.h"

static bool overlap(const struct lock_record *a, const struct lock_record *b)
{
	return a->start <= b->end && b->start <= a->end;
}

/* Overlapping, or without a byte between them. */
static bool touch(const struct lock_record *a, const struct lock_record *b)
{
	return (a->end == LOCK_RANGE_END || b->start <= a->end + 1) && (b->end == LOCK_RANGE_END || a->start <= b->end + 1);
}

struct lock_record *lock_range_conflict(const struct list *records, const struct lock_record *wanted)
{
	struct lock_record *record, *first = NULL;

	list_for_each(record, records, link)
		if (record->owner != wanted->owner && (record->write || wanted->write) && overlap(record, wanted) &&
		    (!first || record->start < first->start))
			first = record;
	return first;
}

static struct lock_record *take_spare(struct list *spare)
{
	struct lock_record *record = list_first(spare, struct lock_record, link);

	list_remove(&record->link);
	return record;
}

static void give_back(struct lock_record *record, struct list *spare)
{
	list_remove(&record->link);
	list_push_back(spare, &record->link);
}

/* Cuts [start, end] of @cut out of @record, which overlaps it. */
static void cut_out(struct lock_record *record, const struct lock_record *cut, struct list *spare)
{
	if (record->start < cut->start && record->end > cut->end) {
		struct lock_record *right = take_spare(spare);

		*right = *record;
		right->start = cut->end + 1;
		record->end = cut->start - 1;
		list_push_front(&record->link, &right->link);
	} else if (record->start < cut->start) {
		record->end = cut->start - 1;
	} else if (record->end > cut->end) {
		record->start = cut->end + 1;
	} else {
		give_back(record, spare);
	}
}

void lock_range_apply(struct list *records, const struct lock_record *wanted, bool unlock, struct list *spare)
{
	struct lock_record joined = *wanted, *record, *next;

	list_for_each_safe(record, next, records, link) {
		if (record->owner != wanted->owner)
			continue;
		if (!unlock && record->write == wanted->write && touch(record, &joined)) {
			joined.start = MIN(joined.start, record->start);
			joined.end = MAX(joined.end, record->end);
			give_back(record, spare);
		} else if (overlap(record, wanted)) {
			cut_out(record, wanted, spare);
		}
	}
	if (unlock)
		return;
	record = take_spare(spare);
	*record = joined;
	list_push_back(records, &record->link);
}

bool lock_range_release(struct list *records, const void *owner, struct list *freed)
{
	struct lock_record *record, *next;
	bool any = false;

	list_for_each_safe(record, next, records, link) {
		if (record->owner == owner) {
			give_back(record, freed);
			any = true;
		}
	}
	return any;
}
