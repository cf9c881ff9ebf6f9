/* SPDX-License-Identifier: MIT */
/* What cases about ports begin with. For one program each: the variables are static. */
#pragma once

#include "ports.h"

#include <sys/mman.h>

/* Shared by all processes of a case. */
static struct { volatile int flags[16]; volatile long numbers[16]; } *shared;
static int port;	/* with every right; passes by fork */

static inline void begin(unsigned flags)
{
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(shared != MAP_FAILED);
	CHECK((long)msg_buffer() > 0);
	CHECK((port = port_create(NULL, flags | PORT_KEEP)) >= 0);
}
