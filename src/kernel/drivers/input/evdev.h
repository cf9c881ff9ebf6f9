/* SPDX-License-Identifier: MIT */
/* What input.c (devices and their readers) and evdev.c (the file operations) share. */
#pragma once

#include "drivers/input/event_queue.h"
#include "sync/wait.h"

/* One open of /dev/input/eventN. */
struct input_client {
	struct input_device *device;
	struct list link;		/* device->clients; device->lock */
	struct event_queue queue;	/* device->lock */
	struct wait_queue readers;
	int clock;			/* CLOCK_REALTIME or CLOCK_MONOTONIC; device->lock */
};

extern const struct file_ops evdev_file_ops;
int evdev_open(struct char_device *node, unsigned minor, struct file *file);
/* evdev_ioctl.c */
long evdev_ioctl(struct file *file, unsigned request, uint64_t argument);
