/* SPDX-License-Identifier: MIT */
/* devfs: a node for each registered character device. */
#pragma once

void devfs_register(void);
