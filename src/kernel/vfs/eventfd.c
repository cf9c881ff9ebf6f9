/* SPDX-License-Identifier: MIT */
/* eventfd: a counter to be read and written, and waited for. No lock: whoever changes the counter changes it at once, and wakes afterwards. */
#include "syscall_prototypes.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "vfs/eventfd.h"
#include "vfs/file_life.h"
#include "vfs/poll.h"
#include "vfs/procfs/proc_text.h"

enum { EFD_SEMAPHORE = 1, EFD_CLOEXEC = O_CLOEXEC, EFD_NONBLOCK = O_NONBLOCK };	/* as in <sys/eventfd.h> */
#define COUNT_MAX (UINT64_MAX - 1)	/* the counter's; the largest number means an overflow that only kernels bring about */

struct eventfd {
	uint64_t count;			/* atomic; at most COUNT_MAX */
	bool semaphore;			/* set once */
	int id;				/* set once: by it readers of fdinfo know the same one in several processes */
	struct wait_queue readers;	/* wait for more than 0 */
	struct wait_queue writers;	/* wait for room */
};

/* Takes from the counter; 0: there is nothing. */
static uint64_t take(struct eventfd *event)
{
	uint64_t count = atomic_load(&event->count), taken;

	do {
		if (!count)
			return 0;
		taken = event->semaphore ? 1 : count;
	} while (!atomic_compare_exchange(&event->count, &count, count - taken));
	return taken;
}

/* Whether @value had room. */
static bool put(struct eventfd *event, uint64_t value)
{
	uint64_t count = atomic_load(&event->count);

	do {
		if (value > COUNT_MAX - count)
			return false;
	} while (!atomic_compare_exchange(&event->count, &count, count + value));
	return true;
}

static ssize_t eventfd_read(struct file *file, struct uio *uio, uint64_t *pos)
{
	struct eventfd *event = file->private;
	struct waiter waiter;
	uint64_t value;
	int error = 0;

	if (uio->left < sizeof(value))
		return -EINVAL;
	value = take(event);
	if (!value && atomic_load(&file->flags) & O_NONBLOCK)
		return -EAGAIN;
	if (!value) {
		wait_begin(&event->readers, &waiter);
		while (!(value = take(event)) && !error)
			error = wait_block(&waiter, WAIT_FOREVER, WAIT_INTERRUPTIBLE);
		wait_end(&waiter);
	}
	if (!value)
		return error;
	wake_one(&event->writers);
	return uio_write_to(uio, &value, sizeof(value)) == sizeof(value) ? (ssize_t)sizeof(value) : -EFAULT;
}

static ssize_t eventfd_write(struct file *file, struct uio *uio, uint64_t *pos)
{
	struct eventfd *event = file->private;
	struct waiter waiter;
	uint64_t value;
	int error = 0;
	bool done;

	if (uio->left < sizeof(value))
		return -EINVAL;
	if (uio_read_from(uio, &value, sizeof(value)) < sizeof(value))
		return -EFAULT;
	if (value > COUNT_MAX)
		return -EINVAL;
	done = put(event, value);
	if (!done && atomic_load(&file->flags) & O_NONBLOCK)
		return -EAGAIN;
	if (!done) {
		wait_begin(&event->writers, &waiter);
		while (!(done = put(event, value)) && !error)
			error = wait_block(&waiter, WAIT_FOREVER, WAIT_INTERRUPTIBLE);
		wait_end(&waiter);
	}
	if (!done)
		return error;
	wake_one(&event->readers);
	return sizeof(value);
}

static unsigned eventfd_poll(struct file *file, struct poll_table *table)
{
	struct eventfd *event = file->private;
	uint64_t count;

	poll_wait_for(table, &event->readers, POLL_FOR_READERS);
	poll_wait_for(table, &event->writers, POLL_FOR_WRITERS);
	count = atomic_load(&event->count);
	/* Writable if 1 more had room. */
	return (count ? POLL_IN : 0) | (count < COUNT_MAX ? POLL_OUT : 0);
}

static void eventfd_release(struct file *file)
{
	kfree(file->private);
}

static void eventfd_describe(struct file *file, char *buf, size_t size)
{
	string_copy(buf, "anon_inode:[eventfd]", size);
}

static void eventfd_show_info(struct file *file, struct proc_text *text)
{
	const struct eventfd *event = file->private;

	proc_text_print(text, "eventfd-count: %16llx\neventfd-id: %d\neventfd-semaphore: %d\n", (unsigned long long)atomic_load(&event->count), event->id,
			event->semaphore);
}

static const struct file_ops eventfd_ops = {
	.read = eventfd_read,
	.write = eventfd_write,
	.poll = eventfd_poll,
	.release = eventfd_release,
	.describe = eventfd_describe,
	.show_info = eventfd_show_info,
};

int eventfd_add(struct file *file, uint64_t value)
{
	struct eventfd *event;

	if (!file)
		return -EBADF;
	if (file->ops != &eventfd_ops)
		return -EINVAL;
	event = file->private;
	if (value && put(event, value))
		wake_one(&event->readers);
	return 0;
}

long sys_eventfd2(unsigned value, int flags)
{
	static int last_id;	/* atomic */
	struct eventfd *event;
	struct file *file;
	int fd;

	if (flags & ~(EFD_SEMAPHORE | EFD_CLOEXEC | EFD_NONBLOCK))
		return -EINVAL;
	event = kmalloc(sizeof(*event));
	if (!event)
		return -ENOMEM;
	event->count = value;
	event->semaphore = flags & EFD_SEMAPHORE;
	event->id = atomic_add(&last_id, 1) & INT32_MAX;
	wait_queue_init(&event->readers);
	wait_queue_init(&event->writers);
	file = file_create(&eventfd_ops, O_RDWR | (flags & EFD_NONBLOCK), event);
	if (!file) {
		kfree(event);
		return -ENFILE;
	}
	fd = fd_install(file, 0, flags & EFD_CLOEXEC);
	if (fd < 0)
		file_put(file);
	return fd;
}

long sys_eventfd(unsigned value)
{
	return sys_eventfd2(value, 0);
}
