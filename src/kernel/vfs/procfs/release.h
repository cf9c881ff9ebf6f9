/* SPDX-License-Identifier: MIT */
/* Temporary: see uname. */
#pragma once
#define RELEASE_SYSNAME "Linux"
#define RELEASE_RELEASE "6.1.0-raeen"
#define RELEASE_VERSION "#1 RaeenOS"
void hostname_get(char *buf, size_t size);
