/* SPDX-License-Identifier: MIT */
#include "kernel_calls.h"

#include <raeen/stubs.h>

int call_disk(int port, struct fs_disk_info *info)
{
	return (int)fs_disk(port, info);
}

int call_disk_read(int port, uint64_t offset, void *bytes, size_t length)
{
	return (int)fs_disk_read(port, offset, bytes, length);
}

int call_set_blocks(int port, uint32_t block_size, uint64_t blocks)
{
	return (int)fs_set_blocks(port, block_size, blocks);
}

int call_block_read(int port, uint64_t number, struct fs_block *block)
{
	return (int)fs_block_read(port, number, block);
}

int call_commit(int port, struct fs_commit *commit)
{
	return (int)fs_commit(port, commit);
}
