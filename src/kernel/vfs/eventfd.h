/* SPDX-License-Identifier: MIT */
/* Events that the kernel itself tells by an eventfd. */
#pragma once

#include "lib/types.h"

struct file;

/* Adds @value, which may be 0, to the counter, if there is room for it. 0; -EINVAL: @file is no eventfd; -EBADF: it is NULL. Does not sleep. */
int eventfd_add(struct file *file, uint64_t value);
