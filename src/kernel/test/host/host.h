/* SPDX-License-Identifier: MIT */
/* What host tests can ask of host.c. */
#pragma once

#include "lib/types.h"

/* So many more allocations succeed, then one fails, and after that all succeed again; -1 (at the start): all. */
void host_fail_allocation(long after);
/* For stand-ins that allocate: is it this one? */
bool host_allocation_fails(void);
/* Whether the one that was to fail has. */
bool host_allocation_failed(void);

/* For tests whose controls branches.py makes: is this left out (WITHOUT=NAME)? */
bool host_leaves_out(const char *name);
