/* SPDX-License-Identifier: MIT */
/*
 * Files that the virtual machine was started with (QEMU's -fw_cfg). Those named opt/org.raeenos/NAME become /dev/fw_cfg/NAME: read-only, to be read
 * as a stream or at any position, with their size in st_size. On machines without the device nothing happens.
 */
#pragma once

#include "lib/types.h"

/*
 * Reads the start of the file with the whole name @name. Returns the bytes read (at most @size), 0 if there is no such file or no device. May be
 * called before there is memory management: uses ports only. Slow; for short texts.
 */
size_t fw_cfg_read_file(const char *name, void *buf, size_t size);

/* Makes the devices. After the heap and the VFS. */
void fw_cfg_init(void);
