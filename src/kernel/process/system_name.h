/* SPDX-License-Identifier: MIT */
/*
 * What the system calls itself: for uname(2) and /proc. The release starts with a Linux version because C libraries refuse to run on a
 * kernel that looks too old.
 */
#pragma once

#include "lib/types.h"

#define SYSTEM_NAME "RaeenOS"
#define SYSTEM_RELEASE "6.1.0-raeen"
#define SYSTEM_VERSION "#1 PREEMPT"

void hostname_get(char *buf, size_t size);	/* 65 bytes are enough */
