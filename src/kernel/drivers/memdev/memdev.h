/* SPDX-License-Identifier: MIT */
/* The memory devices: null, zero, full, random, urandom, kmsg. */
#pragma once

struct char_device;

/* Registers the devices with Linux's numbers (major 1). */
void memdev_init(void);

/* kmsg.c */
extern struct char_device kmsg_device;
void kmsg_init(void);
