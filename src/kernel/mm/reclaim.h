/* SPDX-License-Identifier: MIT */
/* For mm itself: the thread that frees clean pages before memory runs out, and the shrinker of VM objects. */
#pragma once

#include "lib/types.h"

/* Free memory is low: ask the reclaim thread to work. Any context, interrupts off; cheap when it was asked already. */
void reclaim_request(void);

/* Drops up to about @frames clean pages of files, those that are mapped last; with SIZE_MAX all, but not those. May sleep. Returns how many were freed. */
size_t vm_object_shrink_all(size_t frames);
