/* SPDX-License-Identifier: MIT */
/* Host test of the directory version: which answers may be cached beside which changes. */
/* LINK: */
#include <assert.h>
#include <stdio.h>
#include "vfs/dir_change.h"

static uint64_t word;

static void lookups(void)
{
	struct dir_change change;
	uint64_t before = dir_version_read(&word), during;

	assert(dir_version_unchanged(&word, before));
	dir_change_begin(&change, &word);
	assert(!dir_version_unchanged(&word, before));
	during = dir_version_read(&word);
	assert(!dir_version_unchanged(&word, during));
	assert(dir_change_alone(&change));
	dir_change_end(&change);
	/* Neither who asked before the change nor who asked while it ran may cache. */
	assert(!dir_version_unchanged(&word, before));
	assert(!dir_version_unchanged(&word, during));
	assert(dir_version_unchanged(&word, dir_version_read(&word)));
}

static void overlapping_changes(void)
{
	struct dir_change a, b, c;

	dir_change_begin(&a, &word);
	dir_change_begin(&b, &word);
	assert(!dir_change_alone(&a) && !dir_change_alone(&b));
	dir_change_end(&a);
	/* @b is the only one now but was not all the time. */
	assert(!dir_change_alone(&b));
	dir_change_begin(&c, &word);
	dir_change_end(&b);
	assert(!dir_change_alone(&c));
	dir_change_end(&c);
	dir_change_begin(&a, &word);
	assert(dir_change_alone(&a));
	/* A whole change inside another spoils it too. */
	dir_change_begin(&b, &word);
	dir_change_end(&b);
	assert(!dir_change_alone(&a));
	dir_change_end(&a);
	assert(!(dir_version_read(&word) & DIR_CHANGES_MASK));
}

static void many_changes(void)
{
	struct dir_change changes[1000];

	for (int i = 0; i < 1000; i++)
		dir_change_begin(&changes[i], &word);
	for (int i = 0; i < 1000; i++) {
		assert(!dir_change_alone(&changes[i]));
		assert(!dir_version_unchanged(&word, dir_version_read(&word)));
		dir_change_end(&changes[i]);
	}
	assert(dir_version_unchanged(&word, dir_version_read(&word)));
}

int main(void)
{
	lookups();
	overlapping_changes();
	many_changes();
	lookups();
	puts("dir_change: ok");
	return 0;
}
