/* SPDX-License-Identifier: MIT */
/*
 * What the system calls itself: for uname(2) and /proc. The name says whose calls there are, since programs ask it for that (adr/0026); the release starts
 * with a Linux version, as C libraries refuse to run on a kernel that looks too old, and ends with what tells this kernel from others.
 */
#pragma once

#include "lib/types.h"

#define SYSTEM_NAME "Linux"
#define SYSTEM_RELEASE "6.1.0-raeen"
#define SYSTEM_VERSION "#1 RaeenOS"

/* What root has named it. @buf: 65 bytes; @len: at most 64. */
enum given_name { HOST_NAME, DOMAIN_NAME };
void given_name_get(enum given_name which, char *buf);
void given_name_set(enum given_name which, const char *name, size_t len);
