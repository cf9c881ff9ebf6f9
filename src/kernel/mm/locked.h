/* SPDX-License-Identifier: MIT */
/* For mm itself: the limit on locked memory (mlock, mmap MAP_LOCKED). */
#pragma once

#include "mm/address_space.h"

/* May the caller lock @len more bytes? 0, -EPERM (the limit is 0) or -ENOMEM. Takes as->lock for reading. */
int memory_lock_allowed(struct address_space *as, uint64_t len);
