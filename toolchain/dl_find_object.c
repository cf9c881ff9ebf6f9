/* SPDX-License-Identifier: MIT */
/*
 * _dl_find_object() for programs with musl.
 *
 * The unwinder in the distribution's libgcc_eh was built against glibc and asks this function of glibc's (see its
 * <dlfcn.h>) which object an address belongs to and where that object's unwind table is. musl lacks it, so it is made
 * here from dl_iterate_phdr(). Linked only into programs that unwind (backtraces, cleanup on cancellation).
 */

#define _GNU_SOURCE
#include <link.h>
#include <stddef.h>

/* Laid out as glibc documents it for x86-64; the unwinder was compiled against that layout. */
struct dl_find_object {
	unsigned long long dlfo_flags;
	void *dlfo_map_start;
	void *dlfo_map_end;
	struct link_map *dlfo_link_map;
	void *dlfo_eh_frame;
	unsigned long long reserved[7];
};

_Static_assert(sizeof(struct dl_find_object) == 96, "layout of glibc's struct dl_find_object");

struct search {
	ElfW(Addr) address;
	struct dl_find_object *result;
};

int _dl_find_object(void *address, struct dl_find_object *result);

static int check_object(struct dl_phdr_info *info, size_t size, void *argument)
{
	struct search *search = argument;
	struct dl_find_object found = { 0 };

	(void)size;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		ElfW(Addr) start = info->dlpi_addr + segment->p_vaddr;

		if (segment->p_type == PT_GNU_EH_FRAME)
			found.dlfo_eh_frame = (void *)start;
		if (segment->p_type == PT_LOAD && search->address - start < segment->p_memsz) {
			found.dlfo_map_start = (void *)start;
			found.dlfo_map_end = (void *)(start + segment->p_memsz);
		}
	}
	if (!found.dlfo_map_start || !found.dlfo_eh_frame)
		return 0;
	*search->result = found;
	return 1;
}

/* Returns 0 and fills @result, or -1 when no object with an unwind table holds @address. */
int _dl_find_object(void *address, struct dl_find_object *result)
{
	struct search search = { (ElfW(Addr))address, result };

	return dl_iterate_phdr(check_object, &search) == 1 ? 0 : -1;
}
