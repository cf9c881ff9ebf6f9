/* SPDX-License-Identifier: MIT */
/* The copies that files made to be small call of headers' inline functions (SHARED_INLINE, lib/types.h). The linker leaves out what nobody calls. */
#define SHARED_INLINE_COPIES
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#include "lib/atomic.h"
#include "lib/list.h"
#include "mm/page_tree.h"
#include "mm/vm_object.h"
#include "sync/mutex.h"
#include "sync/spinlock.h"
#include "vfs/fd_table.h"
#include "vfs/mount_list.h"
#include "vfs/mount_tree.h"
