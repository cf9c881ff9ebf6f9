/* SPDX-License-Identifier: MIT */
#pragma once

#include "lib/types.h"

/* With the word test_disk=PAGES: makes an empty memory disk "test0" of so many pages, for programs that test. Returns whether the word was there. */
bool test_disk_make(void);
