/* SPDX-License-Identifier: MIT */
/* Host test of the firmware configuration directory's decoding. */
/* LINK: drivers/fw_cfg/directory.c */
#include <assert.h>
#include <string.h>

#include "drivers/fw_cfg/fw_cfg_internal.h"

static struct fw_cfg_file decode(const char *name, bool *ok)
{
	struct fw_cfg_dirent raw = { .size = __builtin_bswap32(0x12345678), .key = __builtin_bswap16(0x0021) };
	struct fw_cfg_file file;

	memcpy(raw.name, name, strnlen(name, sizeof(raw.name)));
	*ok = fw_cfg_parse_dirent(&raw, &file);
	return file;
}

static const char *shown_as(const char *name)
{
	static struct fw_cfg_file file;
	bool ok;

	file = decode(name, &ok);
	assert(ok);
	return fw_cfg_device_name(&file);
}

int main(void)
{
	char endless[57];
	bool ok;
	struct fw_cfg_file file = decode("opt/org.raeenos/command", &ok);

	assert(ok && file.size == 0x12345678 && file.key == 0x21);
	assert(strcmp(file.name, "opt/org.raeenos/command") == 0);

	decode("", &ok);
	assert(!ok);
	memset(endless, 'x', 56);
	endless[56] = 0;
	decode(endless, &ok);
	assert(!ok);
	endless[55] = 0;
	decode(endless, &ok);
	assert(ok);

	assert(strcmp(shown_as("opt/org.raeenos/command"), "command") == 0);
	assert(strcmp(shown_as("opt/org.raeenos/a.b-c"), "a.b-c") == 0);
	assert(!shown_as("opt/org.raeenos/"));
	assert(!shown_as("opt/org.raeenos"));
	assert(!shown_as("opt/org.raeenos/a/b"));
	assert(!shown_as("opt/org.raeenos/.."));
	assert(!shown_as("opt/org.other/command"));
	assert(!shown_as("etc/acpi/rsdp"));
	return 0;
}
