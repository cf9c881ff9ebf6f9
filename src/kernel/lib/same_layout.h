/* SPDX-License-Identifier: MIT */
/* That a structure of ours lies in memory as one that programs have. At file scope; leaves nothing in the kernel. */
#pragma once

#include "lib/types.h"

#define SAME_SIZE(ours, theirs) _Static_assert(sizeof(ours) == sizeof(theirs), #ours " is as large as " #theirs)

/* The field @own of @ours is where @other of @theirs is, and as large. */
#define SAME_FIELD(ours, own, theirs, other) \
	_Static_assert(offsetof(ours, own) == offsetof(theirs, other) && sizeof(((ours *)0)->own) == sizeof(((theirs *)0)->other), \
		       #own " of " #ours " is " #other " of " #theirs)

/* For structures that only C libraries have: the field @own is at @offset and has @size bytes. */
#define FIELD_AT(ours, own, offset, size) \
	_Static_assert(offsetof(ours, own) == (offset) && sizeof(((ours *)0)->own) == (size), #own " of " #ours " is where C libraries have it")
