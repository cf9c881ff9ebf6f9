/* SPDX-License-Identifier: MIT */
/* Everything the library can do, done to an image that may be anything. */
#ifndef EXT2_CHECK_EXERCISE_H
#define EXT2_CHECK_EXERCISE_H

#include <stddef.h>
#include <stdint.h>

struct exercise { unsigned done, errors; };

/*
 * Mounts a copy of the image, reads the tree, and changes and removes what it finds. Nothing may crash, loop, or break a rule of the commits (store.c
 * aborts). Returns what ext2_mount did.
 */
int exercise_image(const uint8_t *image, size_t size, struct exercise *result);

#endif
