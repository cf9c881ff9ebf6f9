/* SPDX-License-Identifier: MIT */
/* Between keyboard.c, keymap_device.c and mouse.c. */
#pragma once

#include "lib/types.h"

extern bool ps2_controller_works;	/* set by keyboard_init */

struct keymap;

/* The layout in use. Any context. */
const struct keymap *keyboard_keymap(void);
void keyboard_set_keymap(const struct keymap *map);

/* Takes `keymap=` of the command line, and makes /dev/keymap. When there is a keyboard. */
void keymap_init(void);
