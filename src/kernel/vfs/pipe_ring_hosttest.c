/* SPDX-License-Identifier: MIT */
/* Host test of the pipe's page ring: random reads, writes and resizes against a plain byte counter. */
/* LINK: vfs/pipe_ring.c */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "mm/uio.h"
#include "vfs/pipe_ring.h"

/* A plain stand-in for mm/uio.c: one kernel segment, which may "fault" after some bytes. */
static size_t fault_after = SIZE_MAX;

void uio_init_kernel(struct uio *uio, struct uio_segment *segment, void *base, size_t len)
{
	*segment = (struct uio_segment){ (uint64_t)base, len };
	*uio = (struct uio){ .segments = segment, .segment_count = 1, .left = len, .kernel = true };
}

static size_t allowed(struct uio *uio, size_t len)
{
	len = len < uio->left ? len : uio->left;
	if (uio->segment_offset + len > fault_after)
		len = fault_after - uio->segment_offset;
	return len;
}

size_t uio_write_to(struct uio *uio, const void *from, size_t len)
{
	len = allowed(uio, len);
	memcpy((char *)uio->segments->base + uio->segment_offset, from, len);
	uio->segment_offset += len;
	uio->left -= len;
	return len;
}

size_t uio_read_from(struct uio *uio, void *to, size_t len)
{
	len = allowed(uio, len);
	memcpy(to, (char *)uio->segments->base + uio->segment_offset, len);
	uio->segment_offset += len;
	uio->left -= len;
	return len;
}

static struct pipe_ring ring;
static uint64_t written, read_so_far;	/* the byte at stream position p is p * 7 modulo 251 */
static unsigned char buf[40000];

static void step_write(size_t len)
{
	struct uio_segment segment;
	struct uio uio;
	uint64_t room = pipe_ring_room(&ring);
	ssize_t done;

	for (size_t i = 0; i < len; i++)
		buf[i] = (written + i) * 7 % 251;
	uio_init_kernel(&uio, &segment, buf, len);
	done = pipe_ring_write(&ring, &uio);
	if (done == -EFAULT)
		done = 0;
	assert(done >= 0 && (uint64_t)done <= room && ((size_t)done == len || (uint64_t)done == room || (size_t)done == fault_after));
	written += done;
}

/* All or nothing. */
static void step_write_whole(size_t len)
{
	struct uio_segment segment;
	struct uio uio;
	ssize_t done;

	for (size_t i = 0; i < len; i++)
		buf[i] = (written + i) * 7 % 251;
	uio_init_kernel(&uio, &segment, buf, len);
	done = pipe_ring_write_whole(&ring, &uio);
	assert(done == (len <= fault_after ? (ssize_t)len : -EFAULT));
	assert(uio.left == (done < 0 ? len : 0) && uio.segment_offset == (done < 0 ? 0 : len));
	written += done < 0 ? 0 : done;
}

static void step_read(size_t len)
{
	struct uio_segment segment;
	struct uio uio;
	ssize_t done;

	uio_init_kernel(&uio, &segment, buf, len);
	done = pipe_ring_peek(&ring, 0, &uio, len);
	pipe_ring_skip(&ring, done);
	for (ssize_t i = 0; i < done; i++)
		assert(buf[i] == (read_so_far + i) * 7 % 251);
	read_so_far += done;
	assert(done >= 0 && (fault_after != SIZE_MAX || (size_t)done == len || read_so_far == written));
}

int main(void)
{
	srand(3);
	assert(!pipe_ring_init(&ring, 4));
	for (int round = 0; round < 200000; round++) {
		size_t len = rand() % 4 ? rand() % 300 : rand() % sizeof(buf);

		fault_after = rand() % 16 ? SIZE_MAX : (size_t)rand() % 5000;
		if (len && len <= pipe_ring_room(&ring) && rand() % 4 == 0)
			step_write_whole(len);
		else if (rand() & 1)
			step_write(len);
		else
			step_read(len);
		fault_after = SIZE_MAX;
		assert(pipe_ring_used(&ring) == written - read_so_far);
		if (rand() % 512 == 0) {
			unsigned pages = 1u << rand() % 4;
			int error = pipe_ring_resize(&ring, pages);

			assert(error == (written - read_so_far > (uint64_t)pages * PAGE_SIZE ? -EBUSY : 0));
		}
	}
	step_read(sizeof(buf));
	assert(read_so_far == written);
	pipe_ring_free(&ring);
	puts("pipe_ring: ok");
	return 0;
}
