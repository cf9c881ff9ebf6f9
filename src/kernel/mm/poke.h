/* SPDX-License-Identifier: MIT */
/* Another process's memory as debuggers have it, also where the process itself may not. Kernels with PTRACE=yes only (../README.md, "Switches"). */
#pragma once

#include "lib/types.h"

struct address_space;

/* address_space_access() for reading, also what is mapped without a right. Returns bytes moved. May sleep. */
size_t address_space_read_any(struct address_space *as, uint64_t addr, void *buf, size_t len);
/* The same for writing, also to private mappings that cannot be written to: they get pages of their own. */
size_t address_space_poke(struct address_space *as, uint64_t addr, void *buf, size_t len);
