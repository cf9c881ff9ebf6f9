/* SPDX-License-Identifier: MIT */
/* Reads the Multiboot2 information structure (specification 2.0, section 3.6) into boot_info. */
#pragma once

#include "lib/types.h"

/* Runs at physical addresses before relocation: uses no pointer constants. Returns NULL or what is wrong. */
const char *multiboot2_read(const void *info);
