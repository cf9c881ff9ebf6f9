/* SPDX-License-Identifier: MIT */
/* What the files of this driver share. */
#pragma once

#include "drivers/fw_cfg/fw_cfg_hw.h"

struct fw_cfg_file {
	uint32_t size;
	uint16_t key;
	char name[FW_CFG_NAME_SIZE];
};

enum { FW_CFG_FILES_MAX = 4096 };	/* more cannot be: a key has 14 bits */

/* Decodes a directory entry. False if it is malformed (no name, or one that does not end). */
bool fw_cfg_parse_dirent(const struct fw_cfg_dirent *raw, struct fw_cfg_file *file);
/* The NAME of opt/org.raeenos/NAME if it can be shown in a directory, else NULL. */
const char *fw_cfg_device_name(const struct fw_cfg_file *file);

/* Is the device there? Safe on machines that are not virtual. */
bool fw_cfg_present(void);

/* Calls @each for every well-formed file until it returns false. Not to be called by two threads at once. */
void fw_cfg_for_each_file(bool (*each)(const struct fw_cfg_file *file, void *context), void *context);

/* Gets the bounce buffer for fw_cfg_read; -ENOMEM. */
int fw_cfg_transfer_init(void);

struct uio;
/* Moves min(@len, uio->left) bytes of item @key from @pos on to @uio. Bytes moved, or -EFAULT, -EIO, -EINTR. Sleeps. */
ssize_t fw_cfg_read(uint16_t key, uint32_t pos, uint32_t len, struct uio *uio);
