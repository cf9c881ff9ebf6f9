/* SPDX-License-Identifier: MIT */
/* A program's memory: see user_memory.h. */
#include "test/host/user_memory.h"
#include "lib/errno.h"
#include "mm/user_copy.h"

#include <string.h>

enum { USER_START = 0x10000 };

uint8_t user_memory[USER_PAGES * PAGE_SIZE];
static enum user_page_state states[USER_PAGES];
static long accesses_left = -1;

uaddr_t user_page(unsigned page) { return USER_START + page * PAGE_SIZE; }
void *user_at(uaddr_t address) { return user_memory + (address - USER_START); }
void user_set_page(unsigned page, enum user_page_state state) { states[page] = state; }
void user_goes_after(long accesses) { accesses_left = accesses; }
bool user_has_gone(void) { return accesses_left == 0; }

static bool is_there(uaddr_t address, size_t len, enum user_page_state wanted)
{
	uint64_t offset = address - USER_START;

	if (user_has_gone())
		return false;
	accesses_left -= accesses_left > 0;
	if (!len)
		return true;
	if (offset >= sizeof(user_memory) || len > sizeof(user_memory) - offset)
		return false;
	for (uint64_t page = offset / PAGE_SIZE; page <= (offset + len - 1) / PAGE_SIZE; page++)
		if (states[page] < wanted)
			return false;
	return true;
}

int copy_from_user(void *to, uaddr_t from, size_t len)
{
	if (!is_there(from, len, USER_READABLE))
		return -EFAULT;
	if (len)
		memcpy(to, user_at(from), len);
	return 0;
}

int copy_to_user(uaddr_t to, const void *from, size_t len)
{
	if (!is_there(to, len, USER_WRITABLE))
		return -EFAULT;
	if (len)
		memcpy(user_at(to), from, len);
	return 0;
}

int put_user_u32(uaddr_t to, uint32_t value) { return copy_to_user(to, &value, sizeof(value)); }
int put_user_u64(uaddr_t to, uint64_t value) { return copy_to_user(to, &value, sizeof(value)); }
