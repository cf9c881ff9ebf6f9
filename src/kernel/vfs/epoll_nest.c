/* SPDX-License-Identifier: MIT */
/*
 * Epolls that watch epolls: a wake-up goes up from a file to all that watch it, then to those that watch these, with the locks of all queues on its way held
 * and interrupts off. So there must be no circle, few levels, and not too many ways; the limits are Linux's.
 */
#include "vfs/epoll.h"
#include "lib/errno.h"

enum { TOO_LONG = 1000 };

static uint64_t visit;	/* epoll_nest_lock: the walk under way; an epoll whose `visited` is the same has its `chain` from it */

/* The longest chain of epolls from @epoll downwards in links, at least TOO_LONG if @sought is one of them. */
static unsigned chain_down(struct epoll *epoll, const struct epoll *sought)
{
	unsigned longest = 0;

	if (epoll == sought)
		return TOO_LONG;
	if (epoll->visited == visit)
		return epoll->chain;
	mutex_lock(&epoll->lock);
	for (struct rb_node *node = rb_first(&epoll->items); node; node = rb_next(node)) {
		struct epoll *below = epoll_of_file(rb_entry(node, struct epoll_item, node)->file);

		if (below)
			longest = MAX(longest, 1 + chain_down(below, sought));
	}
	mutex_unlock(&epoll->lock);
	epoll->visited = visit;
	epoll->chain = longest;
	return longest;
}

/* The same upwards. epoll_links_lock held. */
static unsigned chain_up(struct epoll *epoll)
{
	unsigned longest = 0;

	if (epoll->visited == visit)
		return epoll->chain;
	for (const struct epoll_item *item = epoll->file->watches; item; item = item->next_of_file)
		longest = MAX(longest, 1 + chain_up(item->epoll));
	epoll->visited = visit;
	epoll->chain = longest;
	return longest;
}

int epoll_check_nesting(struct epoll *epoll, struct epoll *watched)
{
	unsigned links = 1;

	visit++;
	links += chain_down(watched, epoll);
	visit++;
	spin_lock(&epoll_links_lock);
	links += chain_up(epoll);
	spin_unlock(&epoll_links_lock);
	return links < EPOLL_NEST_MAX ? 0 : -ELOOP;
}

/* Counts the ways from @file to epolls that nobody watches by how many epolls are on them. epoll_links_lock held. False: too many. */
static bool count_ways(const struct file *file, unsigned *counts, unsigned level)
{
	static const uint16_t limits[EPOLL_NEST_MAX] = { 1000, 500, 100, 50, 10 };

	for (const struct epoll_item *item = file->watches; item; item = item->next_of_file) {
		const struct file *above = item->epoll ? item->epoll->file : NULL;

		if (!above)
			continue;
		if (above->watches) {
			if (level + 1 == EPOLL_NEST_MAX || !count_ways(above, counts, level + 1))
				return false;
		} else if (level && ++counts[level] > limits[level]) {
			/* Any number of epolls may watch a file if nobody watches them. */
			return false;
		}
	}
	return true;
}

static bool ways_ok(const struct file *file)
{
	unsigned counts[EPOLL_NEST_MAX] = { 0 };
	bool ok;

	spin_lock(&epoll_links_lock);
	ok = count_ways(file, counts, 0);
	spin_unlock(&epoll_links_lock);
	return ok;
}

/* All files that @epoll watches, and those that epolls below watch. The items of one file stand side by side. */
static bool ways_below_ok(struct epoll *epoll)
{
	const struct file *previous = NULL;
	bool ok = true;

	if (epoll->visited == visit)
		return true;
	epoll->visited = visit;
	mutex_lock(&epoll->lock);
	for (struct rb_node *node = rb_first(&epoll->items); node && ok; node = rb_next(node)) {
		struct file *file = rb_entry(node, struct epoll_item, node)->file;
		struct epoll *below = epoll_of_file(file);

		if (file != previous)
			ok = below ? ways_below_ok(below) : ways_ok(file);
		previous = file;
	}
	mutex_unlock(&epoll->lock);
	return ok;
}

int epoll_check_paths(struct file *file)
{
	struct epoll *epoll = epoll_of_file(file);

	visit++;
	return (epoll ? ways_below_ok(epoll) : ways_ok(file)) ? 0 : -EINVAL;
}
