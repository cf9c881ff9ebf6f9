/* SPDX-License-Identifier: MIT */
/* The file system "proc". */
#pragma once

void procfs_register(void);
