/* SPDX-License-Identifier: MIT */
/*
 * The memory that keeps the report of a panic across a warm reboot. It lies in the middle of the largest piece of RAM below 4 GiB: firmware and boot loader
 * work at the ends, and the kernel and what comes with it is put at the bottom, so that this is overwritten last. A header with a checksum tells whether
 * it was. The same machine has the same memory map after a reboot, and so finds the same place.
 */
#include "debug/crash_dump.h"
#include "arch/x86_64/boot_layout.h"
#include "arch/x86_64/cpu.h"
#include "init/boot_info.h"
#include "lib/atomic.h"
#include "lib/log.h"
#include "lib/string.h"

enum { DUMP_SIZE = 32 << 10, RANGE_MIN = 32 << 20 };
#define DUMP_MAGIC 0x706d756472636e72ull
#define LOW_END (1ull << 32)

/* A report, and so many bytes of it with that checksum. */
struct dump {
	uint64_t magic;
	uint32_t length, checksum;
	char text[DUMP_SIZE - 16];
};
_Static_assert(sizeof(struct dump) == DUMP_SIZE, "whole pages");

static struct dump *dump;	/* set once; NULL: there is no room for one */
static bool kept;		/* atomic: it is of the boot before */
static size_t used;		/* by the panic that is under way */
static bool finished;		/* it has told all */

struct memory_range crash_dump_range(void)
{
	const struct memory_range taken[] = {
		{ kernel_phys_start(), kernel_phys_end(), false },
		{ boot_info.module_start, boot_info.module_end, false },
		{ boot_info.symbols_start, boot_info.symbols_end, false },
		boot_layout.tables,
	};
	struct memory_range largest = { 0, 0, false }, place;

	for (size_t i = 0; i < boot_info.range_count; i++) {
		struct memory_range range = { boot_info.ranges[i].start, MIN(boot_info.ranges[i].end, LOW_END), false };

		if (range.start < range.end && range.end - range.start > largest.end - largest.start)
			largest = range;
	}
	place.start = ROUND_DOWN(largest.start + (largest.end - largest.start) / 2, (paddr_t)DUMP_SIZE);
	place.end = place.start + DUMP_SIZE;
	place.usable = false;
	for (size_t i = 0; i < ARRAY_LEN(taken); i++)
		if (place.start < taken[i].end && taken[i].start < place.end)
			return (struct memory_range){ 0, 0, false };
	return largest.end - largest.start >= RANGE_MIN ? place : (struct memory_range){ 0, 0, false };
}

/* CRC-32 as Ethernet has it. */
static uint32_t checksum(const char *text, size_t len)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < len; i++) {
		crc ^= (uint8_t)text[i];
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

void crash_dump_init(void)
{
	struct memory_range range = crash_dump_range();

	if (!range.end) {
		log_notice("crash dump: no memory for one");
		return;
	}
	dump = phys_to_virt(range.start);
	kept = dump->magic == DUMP_MAGIC && dump->length && dump->length <= sizeof(dump->text) && dump->checksum == checksum(dump->text, dump->length);
	if (kept)
		log_notice("crash dump: the system panicked before this boot; /proc/crash has the report");
	else
		dump->magic = 0;
}

void crash_dump_add(const char *text, size_t len)
{
	if (!dump || finished)
		return;
	/* Half a report is none. */
	dump->magic = 0;
	len = MIN(len, sizeof(dump->text) - used);
	memcpy(dump->text + used, text, len);
	used += len;
}

static void seal(void)
{
	dump->length = used;
	dump->checksum = checksum(dump->text, used);
	dump->magic = DUMP_MAGIC;
}

void crash_dump_finish(void)
{
	static const char heading[] = "\nthe log before it:\n";

	if (!dump || finished)
		return;
	crash_dump_add(heading, sizeof(heading) - 1);
	/* If that panics, too, this is what there is. */
	seal();
	finished = true;
	used += log_tail(dump->text + used, sizeof(dump->text) - used);
	seal();
	/* A reset may forget what is in the caches only. */
	cpu_write_caches_back();
}

size_t crash_dump_text(const char **text)
{
	if (!atomic_load(&kept))
		return 0;
	*text = dump->text;
	return dump->length;
}

void crash_dump_clear(void)
{
	if (atomic_exchange(&kept, false))
		dump->magic = 0;
}
