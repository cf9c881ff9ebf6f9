/* SPDX-License-Identifier: MIT */
/* The kernel's calls that this server lives on (<raeen/fs.h>), one by one, so that tests can put others in their place. 0 or a negative errno. */
#ifndef EXT2_KERNEL_CALLS_H
#define EXT2_KERNEL_CALLS_H

#include <raeen/fs.h>
#include <stddef.h>
#include <stdint.h>

int call_disk(int port, struct fs_disk_info *info);
int call_disk_read(int port, uint64_t offset, void *bytes, size_t length);
int call_set_blocks(int port, uint32_t block_size, uint64_t blocks);
int call_block_read(int port, uint64_t number, struct fs_block *block);
int call_commit(int port, struct fs_commit *commit);

#endif
