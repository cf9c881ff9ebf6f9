/* SPDX-License-Identifier: MIT */
/* The options of a mount line. Pure. */
#ifndef SERVERS_LIB_MOUNT_OPTIONS_H
#define SERVERS_LIB_MOUNT_OPTIONS_H

/*
 * Words of @text, with commas between, that mount(8) knows as flags (nodev, noexec, noatime ...) become the flags that are returned; of two that contradict
 * each other the later one counts. All others are the file system's own and come into @rest, which has room for @text, in their order; last "ro", if it counts.
 */
unsigned long mount_options_split(const char *text, char *rest);

#endif
