/* SPDX-License-Identifier: MIT */
/* /dev/null, zero, full, random and urandom. They have no state and no locks. */
#include "drivers/memdev/memdev.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "process/signal.h"
#include "security/random.h"
#include "vfs/file.h"
#include "mm/vm_object.h"

#include <linux/mman.h>

enum { MEM_MAJOR = 1, MINOR_NULL = 3, MINOR_ZERO = 5, MINOR_FULL = 7, MINOR_RANDOM = 8, MINOR_URANDOM = 9 };
enum { PIECE = 65536 };		/* between looks for a fatal signal: a read of terabytes must stay killable */

static ssize_t read_nothing(struct file *file, struct uio *uio, uint64_t *pos)
{
	return 0;
}

static ssize_t write_anything(struct file *file, struct uio *uio, uint64_t *pos)
{
	size_t len = uio->left;

	/* The bytes are not looked at, bad addresses included: as everywhere else. */
	uio->left = 0;
	return len;
}

static ssize_t write_nothing(struct file *file, struct uio *uio, uint64_t *pos)
{
	return -ENOSPC;
}

static int64_t seek_nowhere(struct file *file, int64_t offset, int whence)
{
	file->pos = 0;
	return 0;
}

static ssize_t read_zeroes(struct file *file, struct uio *uio, uint64_t *pos)
{
	size_t total = 0;

	while (uio->left && !signal_fatal_pending()) {
		size_t wanted = MIN(uio->left, (size_t)PIECE);
		size_t done = uio_write_zeroes(uio, wanted);

		total += done;
		if (done < wanted)
			return total ? (ssize_t)total : -EFAULT;
	}
	return total || !uio->left ? (ssize_t)total : -EINTR;
}

static ssize_t read_random(struct file *file, struct uio *uio, uint64_t *pos)
{
	uint8_t bytes[256];
	size_t total = 0;

	while (uio->left && !(total % PIECE == 0 && signal_fatal_pending())) {
		size_t wanted = MIN(uio->left, sizeof(bytes));
		size_t done;

		random_bytes(bytes, wanted);
		done = uio_write_to(uio, bytes, wanted);
		total += done;
		if (done < wanted)
			break;
	}
	__builtin_memset(bytes, 0, sizeof(bytes));
	__asm__ volatile("" :: "r"(bytes) : "memory");	/* the clearing must happen */
	if (total || !uio->left)
		return total;
	return signal_fatal_pending() ? -EINTR : -EFAULT;
}

/* What is written stirs the pool; it is not credited as entropy, the generator is seeded already. */
static ssize_t write_random(struct file *file, struct uio *uio, uint64_t *pos)
{
	uint8_t bytes[256];
	size_t total = 0;

	while (uio->left && !(total % PIECE == 0 && signal_fatal_pending())) {
		size_t wanted = MIN(uio->left, sizeof(bytes));
		size_t done = uio_read_from(uio, bytes, wanted);

		random_add_entropy(bytes, done);
		total += done;
		if (done < wanted)
			break;
	}
	if (total || !uio->left)
		return total;
	return signal_fatal_pending() ? -EINTR : -EFAULT;
}

/* Shared mappings of /dev/zero are shared memory; private ones are plain anonymous memory, which mm gives for a NULL object. */
static int map_zero(struct file *file, uint64_t offset, uint64_t len, unsigned prot, unsigned flags, struct vm_object **object)
{
	*object = NULL;
	if (!(flags & MAP_SHARED))
		return 0;
	if (offset + len < offset)
		return -EOVERFLOW;
	*object = vm_object_create_anonymous(offset + len);
	return *object ? 0 : -ENOMEM;
}

static const struct file_ops null_ops = { .read = read_nothing, .write = write_anything, .seek = seek_nowhere };
static const struct file_ops zero_ops = { .read = read_zeroes, .write = write_anything, .seek = seek_nowhere, .mmap = map_zero };
static const struct file_ops full_ops = { .read = read_zeroes, .write = write_nothing, .seek = seek_nowhere };
static const struct file_ops random_ops = { .read = read_random, .write = write_random, .seek = seek_nowhere };

static struct char_device devices[] = {
	{ .major = MEM_MAJOR, .minor = MINOR_NULL, .minor_count = 1, .name = "null", .mode = 0666, .ops = &null_ops },
	{ .major = MEM_MAJOR, .minor = MINOR_ZERO, .minor_count = 1, .name = "zero", .mode = 0666, .ops = &zero_ops },
	{ .major = MEM_MAJOR, .minor = MINOR_FULL, .minor_count = 1, .name = "full", .mode = 0666, .ops = &full_ops },
	{ .major = MEM_MAJOR, .minor = MINOR_RANDOM, .minor_count = 1, .name = "random", .mode = 0666, .ops = &random_ops },
	{ .major = MEM_MAJOR, .minor = MINOR_URANDOM, .minor_count = 1, .name = "urandom", .mode = 0666, .ops = &random_ops },
};

void memdev_init(void)
{
	for (size_t i = 0; i < ARRAY_LEN(devices); i++)
		if (char_device_register(&devices[i]))
			log_error("memdev: cannot register %s", devices[i].name);
	kmsg_init();
	if (char_device_register(&kmsg_device))
		log_error("memdev: cannot register kmsg");
}
