/* SPDX-License-Identifier: MIT */
/* Objects whose owner wants to hear of each read: the fast path finds them empty. */
#include "mm/vm_object.h"

/* Who begins to hold back has no lock: either its mark is seen here after the store, or its store comes after this one. */
void vm_object_renew_ready_size(struct vm_object *object)
{
	(void)atomic_exchange(&object->ready_size, object->size);
	if (unlikely(atomic_load(&object->held_back)))
		atomic_store(&object->ready_size, 0);
}

COLD void vm_object_hold_back(struct vm_object *object, bool hold)
{
	(void)atomic_exchange(&object->held_back, hold);
	if (hold)
		atomic_store(&object->ready_size, 0);
	else
		vm_object_renew_ready_size(object);
}
