/* SPDX-License-Identifier: MIT */
/* Between keyboard.c and mouse.c. */
#pragma once

#include "lib/types.h"

extern bool ps2_controller_works;	/* set by keyboard_init */
