/* SPDX-License-Identifier: MIT */
/* Unpacks a cpio archive over the root directory: the folder that `ci/vm --overlay` brings. */
#ifndef MANAGER_OVERLAY_H
#define MANAGER_OVERLAY_H

#include <stdbool.h>

/*
 * Unpacks the archive in the file @path over /. Files replace what had their name; directories that exist stay as they
 * are. Stops at the first error. What happened is logged. Returns false when the overlay is not complete.
 */
bool overlay_unpack(const char *path);

#endif
