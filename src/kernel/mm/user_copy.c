/* SPDX-License-Identifier: MIT */
/* The C side of user-memory access: results as errno values, the fixup table, and the SMAP patching. The accesses are in user_copy.asm. */
#include "mm/user_copy.h"
#include "debug/lock_checks.h"
#include "arch/x86_64/boot_layout.h"
#include "arch/x86_64/user_access.h"
#include "lib/errno.h"
#include "lib/string.h"

static inline void check_user_access(void)
{
	if (KERNEL_CHECKS)
		lock_check_user_access();
}

#ifdef KERNEL_DEBUG
int copy_from_user(void *to, uaddr_t from, size_t len)
{
	check_user_access();
	check_write(to, len);
	return user_copy_in_all(to, from, len);
}

int copy_to_user(uaddr_t to, const void *from, size_t len)
{
	check_user_access();
	check_read(from, len);
	return user_copy_out_all(to, from, len);
}

int put_user_u32(uaddr_t to, uint32_t value)
{
	check_user_access();
	return user_store_u32(to, value);
}

int put_user_u64(uaddr_t to, uint64_t value)
{
	check_user_access();
	return user_store_u64(to, value);
}

int get_user_u32(uint32_t *value, uaddr_t from)
{
	check_user_access();
	check_write(value, sizeof(*value));
	return user_load_u32(value, from);
}

int get_user_u64(uint64_t *value, uaddr_t from)
{
	check_user_access();
	check_write(value, sizeof(*value));
	return user_load_u64(value, from);
}

int user_compare_exchange_u32(uaddr_t addr, uint32_t expected, uint32_t wanted, uint32_t *found)
{
	check_user_access();
	return user_cas_u32(addr, expected, wanted, found);
}

size_t copy_from_user_partial(void *to, uaddr_t from, size_t len)
{
	check_user_access();
	check_write(to, len);
	return user_copy_in(to, from, len);
}

size_t copy_to_user_partial(uaddr_t to, const void *from, size_t len)
{
	check_user_access();
	check_read(from, len);
	return user_copy_out(to, from, len);
}
#endif

int clear_user(uaddr_t to, size_t len)
{
	check_user_access();
	return user_clear(to, 0, len) ? -EFAULT : 0;
}

size_t clear_user_partial(uaddr_t to, size_t len)
{
	check_user_access();
	return user_clear(to, 0, len);
}

ssize_t copy_string_from_user(char *to, uaddr_t from, size_t size)
{
	check_user_access();
	check_write(to, size);
	ssize_t len = user_copy_string(to, from, size);

	if (len < 0)
		return -EFAULT;
	return (size_t)len < size ? len : -ENAMETOOLONG;
}

uint64_t user_copy_fixup(uint64_t rip)
{
	for (const struct user_fixup *fixup = user_fixup_start; fixup < user_fixup_end; fixup++)
		if ((uint64_t)fixup + fixup->site == rip)
			return (uint64_t)fixup + fixup->target;
	return 0;
}

void smap_patch_apply(void)
{
	static const uint8_t stac[3] = { 0x0f, 0x01, 0xcb }, clac[3] = { 0x0f, 0x01, 0xca };

	/* The text is read-only where it runs; its alias in the direct map is writable. */
	for (const struct smap_site *site = smap_patch_start; site < smap_patch_end; site++)
		memcpy(phys_to_virt(kernel_virt_to_phys((const char *)site + site->offset)), site->close ? clac : stac, sizeof(stac));
}
