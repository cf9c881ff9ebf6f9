/* SPDX-License-Identifier: MIT */
/* Which mappings and pages a core file has; see core_memory.h. The choice is that of Linux's default coredump_filter, 0x33 (core(5)). */
#include "mm/core_memory.h"
#include "lib/string.h"
#include "mm/address_space_internal.h"
#include "mm/page_table.h"
#include "vfs/path.h"

#include <linux/mman.h>

/* Of what has no name any more nobody else can tell what was in it. */
static bool is_nameless(const struct vma *vma, const char *name)
{
	static const char deleted[] = " (deleted)";
	size_t len = strlen(name), tail = sizeof(deleted) - 1;

	return !vma->object->ops->identify || (len >= tail && !strcmp(name + len - tail, deleted));
}

static bool is_kept(const struct vma *vma, const char *name)
{
	if (vma->flags & VMA_VDSO)
		return vma->prot & PROT_EXEC;
	if (vma->flags & VMA_DONT_DUMP)
		return false;
	if (!vma->object)
		return vma->flags & VMA_TOUCHED;
	return vma->flags & MAP_SHARED ? is_nameless(vma, name) : vma->flags & VMA_HAS_COPIES;
}

bool core_mapping_find(struct address_space *as, uint64_t addr, struct core_mapping *mapping, char *name)
{
	name[0] = '\0';
	rwlock_read_lock(&as->lock);
	struct vma *vma = vma_tree_find(&as->vmas, addr);

	if (vma) {
		if (vma->object && !(vma->flags & VMA_VDSO) && vma->object->ops->describe)
			vma->object->ops->describe(vma->object, name, PATH_MAX_LEN);
		*mapping = (struct core_mapping){ .start = vma->start, .end = vma->end, .offset = vma->object ? vma->offset : 0, .prot = vma->prot,
						   .anonymous = !vma->object };
		mapping->kept_end = is_kept(vma, name) ? vma->end : vma->start;
	}
	rwlock_read_unlock(&as->lock);
	return vma;
}

uint64_t core_page_next(struct address_space *as, const struct core_mapping *mapping, uint64_t addr)
{
	bool none;

	if (!mapping->anonymous || (addr != mapping->start && addr != ROUND_DOWN(addr, table_span(2))))
		return addr;
	rwlock_read_lock(&as->lock);
	spin_lock(&as->table_lock);
	none = !page_table_next_locked(as, &addr, mapping->kept_end);
	spin_unlock(&as->table_lock);
	rwlock_read_unlock(&as->lock);
	return none ? mapping->kept_end : addr;
}

static bool maps_object(struct address_space *as, uint64_t addr)
{
	rwlock_read_lock(&as->lock);
	struct vma *vma = address_space_find(as, addr);
	bool maps = vma && vma->object && vma->prot;

	rwlock_read_unlock(&as->lock);
	return maps;
}

struct frame *core_page_get(struct address_space *as, uint64_t addr)
{
	struct frame *frame = NULL;

	spin_lock(&as->table_lock);
	uint64_t *pte = page_table_find_locked(as, addr);

	/* One that is not present is that of a PROT_NONE mapping. */
	if (pte && *pte) {
		frame = frame_of_phys(*pte & PTE_ADDRESS);
		frame_ref(frame);
	}
	spin_unlock(&as->table_lock);
	/* Others may have filled a page of shared memory that was never used here. */
	return frame || !maps_object(as, addr) ? frame : address_space_page(as, addr, false);
}
