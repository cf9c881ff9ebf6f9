/* SPDX-License-Identifier: MIT */
/* Mappings that the kernel makes for a program, and a child of fork does not get: message buffers (ipc/endpoint.c), rings of events (vfs/aio.c). */
#include "mm/address_space.h"
#include "mm/address_space_internal.h"
#include <linux/mman.h>

int64_t address_space_map_own(struct address_space *as, struct vm_object *object)
{
	int64_t at;

	rwlock_write_lock(&as->lock);
	at = address_space_map_locked(as, 0, object->size, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, MAP_SHARED | VMA_DONT_FORK, object, 0);
	as->fork_advice |= at >= 0;
	rwlock_write_unlock(&as->lock);
	return at;
}

void address_space_unmap_own(struct address_space *as, uint64_t addr, struct vm_object *object)
{
	struct vma *vma;

	rwlock_write_lock(&as->lock);
	vma = vma_tree_find(&as->vmas, addr);
	if (vma && vma->start == addr && vma->end == addr + object->size && vma->object == object)
		address_space_unmap_locked(as, addr, addr + object->size);
	rwlock_write_unlock(&as->lock);
}
