/* SPDX-License-Identifier: MIT */
/* A memory disk for programs that test: see test_disk.h. */
#include "test/test_disk.h"
#include "block/memory_disk.h"
#include "init/boot_info.h"
#include "lib/log.h"

enum { PAGES_MAX = 1 << 14 };

bool test_disk_make(void)
{
	struct memory_disk *memory;
	char text[8];
	unsigned pages = 0;

	if (!command_line_get("test_disk", text, sizeof(text)))
		return false;
	for (const char *c = text; *c >= '0' && *c <= '9' && pages < PAGES_MAX; c++)
		pages = pages * 10 + (*c - '0');
	memory = pages ? memory_disk_create("test0", 0, 0, (uint64_t)MIN(pages, (unsigned)PAGES_MAX) * PAGE_SIZE) : NULL;
	if (!memory || disk_register(memory_disk_disk(memory)))
		log_error("test_disk=%s: no disk was made", text);
	return true;
}
