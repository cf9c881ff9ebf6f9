/* SPDX-License-Identifier: MIT */
/* S_IFMT, S_ISREG and their kin, for code that is also built as a host test, where the C library has its own. */
#pragma once

#ifdef HOST_TEST
#include <sys/stat.h>
#else
#include <linux/stat.h>
#endif
