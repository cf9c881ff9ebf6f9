/* SPDX-License-Identifier: MIT */
/* Pieces of message buffers, to and from memory of the kernel. */
#include "ipc/messages.h"
#include "lib/string.h"
#include "mm/frame.h"

static void payload_move(const struct payload *payload, size_t offset, char *bytes, size_t len, bool in)
{
	while (len) {
		char *at = payload->pieces[offset / PAGE_SIZE] + offset % PAGE_SIZE;
		size_t part = MIN(len, PAGE_SIZE - offset % PAGE_SIZE);

		memcpy(in ? at : bytes, in ? bytes : at, part);
		offset += part;
		bytes += part;
		len -= part;
	}
}

void payload_read(const struct payload *from, size_t offset, void *to, size_t len)
{
	payload_move(from, offset, to, len, false);
}

void payload_write(const struct payload *to, size_t offset, const void *from, size_t len)
{
	payload_move(to, offset, (char *)from, len, true);
}
