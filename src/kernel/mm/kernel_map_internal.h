/* SPDX-License-Identifier: MIT */
/* Shared by kernel_map.c and kernel_stack.c: the lock and how the area of kernel virtual addresses is divided. */
#pragma once

#include "arch/x86_64/paging.h"
#include "sync/spinlock.h"

extern struct spinlock kernel_map_lock;	/* guards the tables below KERNEL_MAP_BASE's PML4 entry, and both allocators */

/* Stacks lie in slots of one size at the end of the area; each slot's unused low part is the guard. */
enum { STACK_SLOT_SIZE = 32768, STACK_SLOTS = 40960 };
#define KERNEL_STACK_AREA (KERNEL_MAP_BASE + KERNEL_MAP_SIZE / 2)
