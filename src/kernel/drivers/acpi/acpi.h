/* SPDX-License-Identifier: MIT */
/* ACPI tables without an interpreter: finding them, and what FADT and a scan for _S5_ say about powering off. */
#pragma once

#include "lib/types.h"

struct acpi_header {
	char signature[4];
	uint32_t length;
	uint8_t revision, checksum;
	char oem_id[6], oem_table_id[8];
	uint32_t oem_revision, creator_id, creator_revision;
} __attribute__((packed));

/* Finds the root table. Without ACPI every later look-up gives NULL. */
void acpi_init(void);

/* The first table with this signature whose checksum is right, mapped for good; NULL if there is none. */
const struct acpi_header *acpi_find_table(const char *signature);

/* Tries to switch the machine off (ACPI S5), the other CPUs stopped. Returns if that is not possible. */
void acpi_power_off(void);

/* Tries the FADT's reset register, the other CPUs stopped. Returns if there is none. */
void acpi_reset(void);
