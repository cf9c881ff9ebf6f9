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

/* What root has named it. @buf: 65 bytes; @len: at most 64. */
enum given_name { HOST_NAME, DOMAIN_NAME };
void given_name_get(enum given_name which, char *buf);
void given_name_set(enum given_name which, const char *name, size_t len);
