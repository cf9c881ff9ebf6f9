/* SPDX-License-Identifier: MIT */
/* The directory of the firmware configuration device: decoding its entries. */
#include "drivers/fw_cfg/fw_cfg_internal.h"
#include "lib/string.h"

static const char prefix[] = "opt/org.raeenos/";

bool fw_cfg_parse_dirent(const struct fw_cfg_dirent *raw, struct fw_cfg_file *file)
{
	file->size = __builtin_bswap32(raw->size);
	file->key = __builtin_bswap16(raw->key);
	memcpy(file->name, raw->name, sizeof(file->name));
	return file->name[0] && memchr(file->name, 0, sizeof(file->name));
}

const char *fw_cfg_device_name(const struct fw_cfg_file *file)
{
	const char *name = file->name + sizeof(prefix) - 1;

	if (strncmp(file->name, prefix, sizeof(prefix) - 1) || !*name || strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, ".."))
		return NULL;
	return name;
}
