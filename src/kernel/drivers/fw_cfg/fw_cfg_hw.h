/* SPDX-License-Identifier: MIT */
/* QEMU's firmware configuration device (QEMU docs/specs/fw_cfg): ports, selectors, and the structures it shares. Numbers in them are big-endian. */
#pragma once

#include "lib/types.h"

enum {
	FW_CFG_PORT_SELECTOR = 0x510,	/* 16 bits, write only */
	FW_CFG_PORT_DATA = 0x511,	/* 8 bits: the next byte of the selected item */
	FW_CFG_PORT_DMA_HIGH = 0x514,	/* 32 bits, big-endian: of the address of a struct fw_cfg_dma */
	FW_CFG_PORT_DMA_LOW = 0x518,	/* writing it starts the transfer */
};

enum { FW_CFG_KEY_SIGNATURE = 0x0000, FW_CFG_KEY_FEATURES = 0x0001, FW_CFG_KEY_DIRECTORY = 0x0019 };
enum { FW_CFG_FEATURE_DMA = 1 << 1 };	/* in the little-endian word of FW_CFG_KEY_FEATURES */

enum fw_cfg_dma_control {
	FW_CFG_DMA_ERROR = 1 << 0,
	FW_CFG_DMA_READ = 1 << 1,
	FW_CFG_DMA_SKIP = 1 << 2,
	FW_CFG_DMA_SELECT = 1 << 3,	/* the key is in the upper 16 bits */
};

struct fw_cfg_dma {
	uint32_t control;	/* 0 when done */
	uint32_t length;
	uint64_t address;
};
_Static_assert(sizeof(struct fw_cfg_dma) == 16, "layout of a DMA request");

enum { FW_CFG_NAME_SIZE = 56 };

/* The directory is a 32-bit count followed by these. */
struct fw_cfg_dirent {
	uint32_t size;
	uint16_t key;
	uint16_t reserved;
	char name[FW_CFG_NAME_SIZE];	/* ends with a NUL */
};
_Static_assert(sizeof(struct fw_cfg_dirent) == 64, "layout of a directory entry");
