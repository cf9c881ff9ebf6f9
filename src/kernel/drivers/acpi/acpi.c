/* SPDX-License-Identifier: MIT */
/*
 * ACPI tables (ACPI 6.4 §5.2). They are mapped write-back from wherever the firmware left them, checked, and kept mapped.
 */
#include "drivers/acpi/acpi.h"
#include "init/boot_info.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/kernel_map.h"

enum { TABLES_MAX = 64, TABLE_LENGTH_MAX = 1 << 20, ROOT_ENTRIES_MAX = 256 };

struct rsdp {
	char signature[8];
	uint8_t checksum;
	char oem_id[6];
	uint8_t revision;
	uint32_t rsdt;
	uint32_t length;
	uint64_t xsdt;
	uint8_t extended_checksum, reserved[3];
} __attribute__((packed));
_Static_assert(sizeof(struct rsdp) == 36, "RSDP of ACPI 2 and later");

static const struct acpi_header *tables[TABLES_MAX];
static size_t table_count;

static bool checksum_ok(const void *data, size_t len)
{
	const uint8_t *bytes = data;
	uint8_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += bytes[i];
	return sum == 0;
}

static const struct acpi_header *map_table(paddr_t phys)
{
	struct acpi_header *header = phys ? kernel_map_physical(phys, sizeof(*header), MAP_WRITE_BACK) : NULL;
	uint32_t length;

	if (!header)
		return NULL;
	length = header->length;
	kernel_unmap(header, sizeof(*header));
	if (length < sizeof(*header) || length > TABLE_LENGTH_MAX)
		return NULL;
	header = kernel_map_physical(phys, length, MAP_WRITE_BACK);
	if (header && !checksum_ok(header, length)) {
		log_warning("acpi: table %.4s has a wrong checksum, ignored", header->signature);
		kernel_unmap(header, length);
		return NULL;
	}
	return header;
}

static void read_root(const struct acpi_header *root, size_t entry_size)
{
	const char *entries = (const char *)(root + 1);
	size_t count = MIN((root->length - sizeof(*root)) / entry_size, (size_t)ROOT_ENTRIES_MAX);

	for (size_t i = 0; i < count && table_count < TABLES_MAX; i++) {
		const struct acpi_header *table;
		uint64_t phys = 0;

		memcpy(&phys, entries + i * entry_size, entry_size);
		table = map_table(phys);
		if (table)
			tables[table_count++] = table;
	}
}

void acpi_init(void)
{
	const struct rsdp *rsdp = (const void *)boot_info.rsdp_copy;
	const struct acpi_header *root = NULL;

	if (memcmp(rsdp->signature, "RSD PTR ", 8) != 0) {
		log_notice("acpi: the boot loader gave no RSDP, going on without ACPI");
		return;
	}
	if (rsdp->revision >= 2 && rsdp->xsdt)
		root = map_table(rsdp->xsdt);
	if (root) {
		read_root(root, 8);
	} else {
		root = map_table(rsdp->rsdt);
		if (root)
			read_root(root, 4);
	}
	log_info("acpi: %zu tables", table_count);
}

const struct acpi_header *acpi_find_table(const char *signature)
{
	for (size_t i = 0; i < table_count; i++)
		if (memcmp(tables[i]->signature, signature, 4) == 0)
			return tables[i];
	return NULL;
}
