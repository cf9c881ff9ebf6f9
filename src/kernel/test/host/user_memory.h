/* SPDX-License-Identifier: MIT */
/* The memory of a program for host tests of system calls, behind mm/user_copy.h: pages of which each is there or not. */
#pragma once

#include "lib/types.h"
#include "mm/mm.h"

enum { USER_PAGES = 96 };
enum user_page_state { USER_NOTHING, USER_READABLE, USER_WRITABLE };

extern uint8_t user_memory[];		/* what all of them hold */

uaddr_t user_page(unsigned page);	/* the program's address of it */
void *user_at(uaddr_t address);		/* what is there; it lies in a page */
void user_set_page(unsigned page, enum user_page_state state);

/* After so many more accesses all of it is gone, as another thread may do while a system call is under way; -1: it stays. */
void user_goes_after(long accesses);
bool user_has_gone(void);
