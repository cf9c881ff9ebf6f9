/* SPDX-License-Identifier: MIT */
/* Which mappings and pages a core file has; see core_memory.h. The choice is that of Linux's coredump_filter (core(5)). */
#include "mm/core_memory.h"
#include "lib/string.h"
#include "mm/address_space_internal.h"
#include "mm/page_table.h"
#include "mm/page_tree.h"
#include "vfs/path.h"

#include <linux/mman.h>

/* Of what has no name any more nobody else can tell what was in it. */
static bool is_nameless(const struct vma *vma, const char *name)
{
	static const char deleted[] = " (deleted)";
	size_t len = strlen(name), tail = sizeof(deleted) - 1;

	return !vma->object->ops->identify || (len >= tail && !strcmp(name + len - tail, deleted));
}

static bool is_kept(const struct vma *vma, const char *name, unsigned filter)
{
	if (vma->flags & VMA_VDSO)
		return vma->prot & PROT_EXEC;
	if (vma->flags & VMA_DONT_DUMP)
		return false;
	if (vma->object && vma->flags & MAP_SHARED)
		return filter & (is_nameless(vma, name) ? CORE_ANONYMOUS_SHARED : CORE_FILES_SHARED);
	if (filter & CORE_ANONYMOUS && vma->flags & (vma->object ? VMA_HAS_COPIES : VMA_TOUCHED))
		return true;
	return vma->object && filter & CORE_FILES_PRIVATE;
}

bool core_mapping_find(struct address_space *as, uint64_t addr, unsigned filter, struct core_mapping *mapping, char *name)
{
	name[0] = '\0';
	rwlock_read_lock(&as->lock);
	struct vma *vma = vma_tree_find(&as->vmas, addr);

	if (vma) {
		if (vma->object && !(vma->flags & VMA_VDSO) && vma->object->ops->describe)
			vma->object->ops->describe(vma->object, name, PATH_MAX_LEN);
		*mapping = (struct core_mapping){ .start = vma->start, .end = vma->end, .offset = vma->object ? vma->offset : 0, .prot = vma->prot,
						   .anonymous = !vma->object };
		mapping->kept_end = is_kept(vma, name, filter) ? vma->end : vma->start;
	}
	rwlock_read_unlock(&as->lock);
	return vma;
}

static bool next_in_tables(struct address_space *as, const struct core_mapping *mapping, uint64_t *addr)
{
	bool found;

	if (*addr != mapping->start && *addr != ROUND_DOWN(*addr, table_span(2)))
		return true;
	spin_lock(&as->table_lock);
	found = page_table_next_locked(as, addr, mapping->kept_end);
	spin_unlock(&as->table_lock);
	return found;
}

static bool next_in_object(struct vma *vma, uint64_t *addr)
{
	uint64_t index = (vma->offset + (*addr - vma->start)) >> PAGE_SHIFT;
	bool found;

	mutex_lock(&vma->object->lock);
	found = page_tree_next(&vma->object->pages, &index);
	mutex_unlock(&vma->object->lock);
	*addr = vma->start + ((index << PAGE_SHIFT) - vma->offset);
	return found;
}

uint64_t core_page_next(struct address_space *as, const struct core_mapping *mapping, uint64_t addr)
{
	bool found = true;

	rwlock_read_lock(&as->lock);
	struct vma *vma = address_space_find(as, addr);

	if (mapping->anonymous)
		found = next_in_tables(as, mapping, &addr);
	else if (vma && vma->object && vma->object->pinned && vma->flags & MAP_SHARED)
		found = next_in_object(vma, &addr);	/* what is not there is zeroes, and would only be made to be looked at */
	rwlock_read_unlock(&as->lock);
	return found ? MIN(addr, mapping->kept_end) : mapping->kept_end;
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
