/* SPDX-License-Identifier: MIT */
/*
 * Power off and reset by ACPI. The sleep type for S5 is in AML; instead of an interpreter we look for the bytes of the usual encoding of
 * Name(_S5_, Package(){...}) in the DSDT (ACPI 6.4 §7.4.2 and §20.2).
 */
#include "drivers/acpi/acpi.h"
#include "arch/x86_64/io.h"
#include "arch/x86_64/smp.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/kernel_map.h"

enum {
	AML_NAME = 0x08, AML_PACKAGE = 0x12, AML_BYTE = 0x0a, PM1_SCI_ENABLE = 1, PM1_SLEEP_ENABLE = 1 << 13, PM1_SLEEP_TYPE_SHIFT = 10,
	RESET_SUPPORTED = 1 << 10, ADDRESS_IO = 1, ENABLE_SPINS = 300000,
};

struct generic_address { uint8_t space, width, offset, access; uint64_t address; } __attribute__((packed));

struct fadt {
	struct acpi_header header;
	uint32_t firmware_control, dsdt;
	uint8_t reserved0, profile;
	uint16_t sci_interrupt;
	uint32_t smi_command;
	uint8_t acpi_enable, acpi_disable, s4bios, pstate;
	uint32_t pm1a_event, pm1b_event, pm1a_control, pm1b_control;
	uint8_t unused[40];
	uint32_t flags;
	struct generic_address reset_register;
	uint8_t reset_value;
} __attribute__((packed));
_Static_assert(offsetof(struct fadt, flags) == 112, "ACPI 6.4 table 5.9");

static const struct fadt *find_fadt(void)
{
	const struct fadt *fadt = (const void *)acpi_find_table("FACP");

	return fadt && fadt->header.length >= offsetof(struct fadt, flags) + 4 ? fadt : NULL;
}

static int package_byte(const uint8_t **at, const uint8_t *end)
{
	if (*at < end && **at == AML_BYTE)
		(*at)++;
	return *at < end ? *(*at)++ : -1;
}

/* Finds the sleep types of S5 in the @len bytes of AML at @aml. */
static bool find_s5(const uint8_t *aml, size_t len, uint8_t types[2])
{
	const uint8_t *end = aml + len;

	for (const uint8_t *at = aml; at + 8 < end; at++) {
		const uint8_t *p = at + 4;
		int first, second;

		if (memcmp(at, "_S5_", 4) != 0 || *p++ != AML_PACKAGE)
			continue;
		p += 1 + (*p >> 6);	/* package length: 1 to 4 bytes, the count is in the top bits of the first */
		p++;			/* number of elements */
		first = package_byte(&p, end);
		second = package_byte(&p, end);
		if (first < 0 || second < 0)
			return false;
		types[0] = first & 7;
		types[1] = second & 7;
		return true;
	}
	return false;
}

static const struct acpi_header *map_dsdt(paddr_t phys)
{
	struct acpi_header *header = phys ? kernel_map_physical(phys, sizeof(*header), MAP_WRITE_BACK) : NULL;
	uint32_t length = header ? header->length : 0;

	if (length < sizeof(*header) || length > 16 << 20)
		return NULL;
	return kernel_map_physical(phys, length, MAP_WRITE_BACK);
}

static void enable_acpi_mode(const struct fadt *fadt)
{
	if (!fadt->smi_command || !fadt->acpi_enable || io_in16(fadt->pm1a_control) & PM1_SCI_ENABLE)
		return;
	io_out8(fadt->smi_command, fadt->acpi_enable);
	for (int i = 0; i < ENABLE_SPINS && !(io_in16(fadt->pm1a_control) & PM1_SCI_ENABLE); i++)
		;
}

void acpi_power_off(void)
{
	const struct fadt *fadt = find_fadt();
	const struct acpi_header *dsdt = fadt ? map_dsdt(fadt->dsdt) : NULL;
	uint8_t types[2];

	if (!dsdt || !find_s5((const uint8_t *)(dsdt + 1), dsdt->length - sizeof(*dsdt), types)) {
		log_warning("acpi: found no way to power off (%s)", dsdt ? "no _S5_ in the DSDT" : "no FADT or DSDT");
		return;
	}
	smp_stop_others();	/* not before: whoever is stopped keeps his locks, and the tables are mapped, and warned about, with some */
	enable_acpi_mode(fadt);
	io_out16(fadt->pm1a_control, types[0] << PM1_SLEEP_TYPE_SHIFT | PM1_SLEEP_ENABLE);
	if (fadt->pm1b_control)
		io_out16(fadt->pm1b_control, types[1] << PM1_SLEEP_TYPE_SHIFT | PM1_SLEEP_ENABLE);
}

void acpi_reset(void)
{
	const struct fadt *fadt = find_fadt();

	if (!fadt || fadt->header.length < sizeof(*fadt) || !(fadt->flags & RESET_SUPPORTED) || fadt->reset_register.space != ADDRESS_IO)
		return;
	smp_stop_others();
	io_out8(fadt->reset_register.address, fadt->reset_value);
}
