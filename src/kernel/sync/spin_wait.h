/* SPDX-License-Identifier: MIT */
/* Inside sync/: the slow path of spinlocks. */
#pragma once

#include "sync/spinlock.h"

/* Called by arch/x86_64/spin_wait.asm. @place: where the lock is taken. */
void spin_wait_for(struct spinlock *lock, const void *place);
