/* SPDX-License-Identifier: MIT */
/* The character set of PC text mode. */
#pragma once

#include "lib/types.h"

/* The byte that shows @character in code page 437, '?' when it has none. */
uint8_t cp437_from_unicode(uint32_t character);
