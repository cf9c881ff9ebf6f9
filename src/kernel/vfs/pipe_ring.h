/* SPDX-License-Identifier: MIT */
/*
 * The bytes of a pipe: a ring of pages that are there only while they hold something. Positions only grow; a byte at position p lies in page
 * p / PAGE_SIZE modulo the number of pages. The caller locks.
 */
#pragma once

#include "lib/types.h"

struct uio;

struct pipe_ring {
	char **pages;		/* page_count of them, NULL where nothing is */
	unsigned page_count;	/* a power of two */
	uint64_t head, tail;	/* next byte to read, next to write */
	uint64_t used;		/* bytes between them; read without the lock by poll */
	char *spare;		/* one page kept for the next use */
};

int pipe_ring_init(struct pipe_ring *ring, unsigned page_count);	/* 0 or -ENOMEM */
void pipe_ring_free(struct pipe_ring *ring);

static inline uint64_t pipe_ring_used(const struct pipe_ring *ring)
{
	return __atomic_load_n(&ring->used, __ATOMIC_ACQUIRE);
}

static inline uint64_t pipe_ring_room(const struct pipe_ring *ring)
{
	return ((uint64_t)ring->page_count << PAGE_SHIFT) - pipe_ring_used(ring);
}

/*
 * Copies up to @len bytes from @from bytes behind the head on, which stay. How many: fewer than are there and fit when a bad or absent address stopped it.
 * With preemption off it does not sleep.
 */
size_t pipe_ring_peek(const struct pipe_ring *ring, size_t from, struct uio *uio, size_t len);
/* @len bytes, which are there, were read. */
void pipe_ring_skip(struct pipe_ring *ring, size_t len);

/* Move what is there and fits. Bytes moved, -EFAULT when a bad or absent address stopped it before the first, -ENOMEM. With preemption off do not sleep. */
ssize_t pipe_ring_write(struct pipe_ring *ring, struct uio *uio);
/* All of @uio, for which there is room, or nothing: then @uio is as before. */
ssize_t pipe_ring_write_whole(struct pipe_ring *ring, struct uio *uio);

/*
 * The bytes that are there and lie in the page of the head, not to its very end: their place, with *@len cut to how many they are. NULL: use
 * pipe_ring_peek. pipe_ring_took() then says that *@len of them were read.
 */
static inline char *pipe_ring_front(const struct pipe_ring *ring, size_t *len)
{
	size_t offset = ring->head & (PAGE_SIZE - 1);

	if (*len > ring->used)
		*len = ring->used;
	if (unlikely(offset + *len >= PAGE_SIZE))
		return NULL;
	return ring->pages[(ring->head >> PAGE_SHIFT) & (ring->page_count - 1)] + offset;
}

static inline void pipe_ring_took(struct pipe_ring *ring, size_t len)
{
	uint64_t head = ring->head + len, left = ring->tail - head;

	if (likely(!left))
		ring->tail = head &= PAGE_MASK;	/* as in advance_head */
	ring->head = head;
	__atomic_store_n(&ring->used, left, __ATOMIC_RELEASE);
}

/* The same for writing @len bytes behind the tail; there is room for them. */
static inline char *pipe_ring_back(const struct pipe_ring *ring, size_t len)
{
	size_t offset = ring->tail & (PAGE_SIZE - 1);
	char *page = ring->pages[(ring->tail >> PAGE_SHIFT) & (ring->page_count - 1)];

	return likely(page && offset + len <= PAGE_SIZE) ? page + offset : NULL;
}

static inline void pipe_ring_put(struct pipe_ring *ring, size_t len)
{
	ring->tail += len;
	__atomic_store_n(&ring->used, ring->used + len, __ATOMIC_RELEASE);
}

/* Copies up to @len bytes from the head of @from on, which stay, as many as fit behind the tail of @to. How many, or -ENOMEM. Does not sleep. */
ssize_t pipe_ring_copy(struct pipe_ring *to, const struct pipe_ring *from, size_t len);

/* Another number of pages. -EBUSY when the content would not fit, -ENOMEM. */
int pipe_ring_resize(struct pipe_ring *ring, unsigned page_count);
