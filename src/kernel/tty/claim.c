/* SPDX-License-Identifier: MIT */
/* A flag that is held across sleeps; see claim.h. */
#include "tty/claim.h"
#include <linux/fcntl.h>
#include "lib/atomic.h"
#include "lib/errno.h"
#include "vfs/file.h"

int tty_claim(struct spinlock *lock, bool *flag, struct wait_queue *queue, const struct file *file)
{
	struct waiter waiter;
	int error = 0;

	wait_begin(queue, &waiter);
	for (;;) {
		uint64_t irq_flags = spin_lock_irq(lock);
		bool free = !*flag;

		*flag = true;
		spin_unlock_irq(lock, irq_flags);
		if (free)
			break;
		error = atomic_load(&file->flags) & O_NONBLOCK ? -EAGAIN : wait_block(&waiter, WAIT_FOREVER, WAIT_INTERRUPTIBLE);
		if (error)
			break;
	}
	wait_end(&waiter);
	return error;
}

void tty_unclaim(struct spinlock *lock, bool *flag, struct wait_queue *queue)
{
	uint64_t irq_flags = spin_lock_irq(lock);

	*flag = false;
	spin_unlock_irq(lock, irq_flags);
	wake_all(queue);
}
