/* SPDX-License-Identifier: MIT */
/* The page ring of a pipe. */
#include "vfs/pipe_ring.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/uio.h"

int pipe_ring_init(struct pipe_ring *ring, unsigned page_count)
{
	*ring = (struct pipe_ring){ .page_count = page_count };
	ring->pages = kmalloc_array(page_count, sizeof(char *));
	return ring->pages ? 0 : -ENOMEM;
}

void pipe_ring_free(struct pipe_ring *ring)
{
	for (unsigned i = 0; i < ring->page_count; i++)
		kfree(ring->pages[i]);
	kfree(ring->pages);
	kfree(ring->spare);
}

static inline char **slot(const struct pipe_ring *ring, uint64_t pos)
{
	return &ring->pages[(pos >> PAGE_SHIFT) & (ring->page_count - 1)];
}

static void page_free(struct pipe_ring *ring, char *page)
{
	if (ring->spare)
		kfree(page);
	else
		ring->spare = page;
}

static char *page_alloc(struct pipe_ring *ring)
{
	char *page = ring->spare;

	ring->spare = NULL;
	return page ? page : kmalloc(PAGE_SIZE);
}

/* Bytes up to @to were read: lets go of the pages left behind. */
static void advance_head(struct pipe_ring *ring, uint64_t to)
{
	uint64_t page = ring->head >> PAGE_SHIFT;

	__atomic_store_n(&ring->used, ring->tail - to, __ATOMIC_RELEASE);
	for (; page < to >> PAGE_SHIFT; page++) {
		/* A full ring may already have wrapped into the front of this page. */
		if (ring->tail > (page + ring->page_count) << PAGE_SHIFT)
			continue;
		page_free(ring, *slot(ring, page << PAGE_SHIFT));
		*slot(ring, page << PAGE_SHIFT) = NULL;
	}
	if (to == ring->tail && to & (PAGE_SIZE - 1)) {
		/* Empty: go on at the front of the page in use, which is still in the CPU's cache. */
		to &= PAGE_MASK;
		ring->tail = to;
	}
	ring->head = to;
}

size_t pipe_ring_peek(const struct pipe_ring *ring, size_t from, struct uio *uio, size_t len)
{
	uint64_t at = ring->head + from, end = MIN(at + MIN(len, uio->left), ring->tail);
	size_t done = 0;

	while (at < end) {
		size_t offset = at & (PAGE_SIZE - 1), part = MIN(end - at, (uint64_t)(PAGE_SIZE - offset));
		size_t moved = uio_write_to(uio, *slot(ring, at) + offset, part);

		at += moved;
		done += moved;
		if (moved < part)
			break;
	}
	return done;
}

void pipe_ring_skip(struct pipe_ring *ring, size_t len)
{
	advance_head(ring, ring->head + len);
}

/* Copies behind the tail. What was copied counts only once the tail is moved. */
static ssize_t copy_in(struct pipe_ring *ring, struct uio *uio)
{
	uint64_t at = ring->tail, end = ring->head + ((uint64_t)ring->page_count << PAGE_SHIFT);
	ssize_t done = 0;

	while (uio->left && at < end) {
		size_t offset = at & (PAGE_SIZE - 1);
		size_t part = MIN(MIN(end - at, (uint64_t)(PAGE_SIZE - offset)), (uint64_t)uio->left), moved;
		char **page = slot(ring, at);

		if (!*page)
			*page = page_alloc(ring);
		if (!*page) {
			done = done ? done : -ENOMEM;
			break;
		}
		moved = uio_read_from(uio, *page + offset, part);
		at += moved;
		done += moved;
		if (moved < part) {
			done = done ? done : -EFAULT;
			break;
		}
	}
	return done;
}

ssize_t pipe_ring_write(struct pipe_ring *ring, struct uio *uio)
{
	ssize_t done = copy_in(ring, uio);

	if (done > 0)
		pipe_ring_put(ring, done);
	return done;
}

ssize_t pipe_ring_write_whole(struct pipe_ring *ring, struct uio *uio)
{
	struct uio before = *uio;
	ssize_t done = copy_in(ring, uio);

	if (!uio->left) {
		pipe_ring_put(ring, done);
		return done;
	}
	*uio = before;
	return done == -ENOMEM ? done : -EFAULT;
}

COLD ssize_t pipe_ring_copy(struct pipe_ring *to, const struct pipe_ring *from, size_t len)
{
	size_t total = MIN((uint64_t)len, MIN(from->used, pipe_ring_room(to))), done = 0;

	while (done < total) {
		uint64_t at = from->head + done;
		size_t offset = at & (PAGE_SIZE - 1);
		struct uio_segment segment;
		struct uio uio;
		ssize_t moved;

		uio_init_kernel(&uio, &segment, *slot(from, at) + offset, MIN(total - done, PAGE_SIZE - offset));
		moved = pipe_ring_write(to, &uio);
		if (moved < 0)
			return done ? (ssize_t)done : moved;
		done += moved;
	}
	return done;
}

COLD int pipe_ring_resize(struct pipe_ring *ring, unsigned page_count)
{
	uint64_t used = pipe_ring_used(ring);
	struct pipe_ring fresh;

	if (used > (uint64_t)page_count << PAGE_SHIFT)
		return -EBUSY;
	if (pipe_ring_init(&fresh, page_count))
		return -ENOMEM;
	if (pipe_ring_copy(&fresh, ring, used) != (ssize_t)used) {
		pipe_ring_free(&fresh);
		return -ENOMEM;
	}
	pipe_ring_free(ring);
	*ring = fresh;
	return 0;
}
