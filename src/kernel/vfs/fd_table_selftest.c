/* SPDX-License-Identifier: MIT */
/* Reserving several descriptors at once, and what copies of a table get. The kernel thread is a process for a moment, as process 1's maker is. */
#include "raeen/handles.h"
#include "lib/errno.h"
#include "process/internal.h"
#include "test/selftest.h"
#include "vfs/fd_bitmap.h"
#include "vfs/fd_table.h"
#include <linux/fcntl.h>

enum { LIMIT = 6 };

static const struct file_ops no_ops;

static unsigned count_open(struct fd_table *table)
{
	unsigned count = 0;

	for (int fd = 0; (fd = fd_next_open(table, fd)) >= 0; fd++)
		count++;
	return count;
}

/* Descriptors 0, 2 and 4 are open. Nothing in here allocates or sleeps, since the thread must not be switched away. */
static void reserve_many(struct fd_table *table, struct file *file)
{
	int fds[4] = { -1, -1, -1, -1 };

	SELFTEST_CHECK(fd_reserve_many(4, fds, 0) == -EMFILE);
	SELFTEST_CHECK(table->open_bits[0] == 0x15 && count_open(table) == 3);
	SELFTEST_CHECK(!fd_reserve_many(0, fds, 0));
	SELFTEST_CHECK(!fd_reserve_many(3, fds, FD_CLOEXEC | FD_CLOFORK));
	SELFTEST_CHECK(fds[0] == 1 && fds[1] == 3 && fds[2] == 5 && count_open(table) == 3);
	SELFTEST_CHECK(fd_get_flags(1) == -EBADF && fd_set_flags(1, 0, 0) == -EBADF);
	file_get(file);
	fd_fill(3, file);
	fd_unreserve(1);
	fd_unreserve(5);
	SELFTEST_CHECK(fd_get_flags(3) == (FD_CLOEXEC | FD_CLOFORK) && fd_get_flags(2) == 0);
	SELFTEST_CHECK(*table->cloexec_bits == 8 && *fd_clofork_bits(table) == 8);
	/* The flags of a number that was given back are not the next one's. */
	SELFTEST_CHECK(!fd_reserve_many(2, fds, 0) && fds[1] == 5);
	file_get(file);
	file_get(file);
	fd_fill(1, file);
	fd_fill(5, file);
	SELFTEST_CHECK(fd_get_flags(1) == 0 && fd_get_flags(5) == 0);
}

static void as_process(struct process *process, struct fd_table *table, struct file *file)
{
	preempt_disable();
	current_thread()->process = process;
	reserve_many(table, file);
	current_thread()->process = NULL;
	preempt_enable();
}

SELFTEST(descriptors_are_reserved_together)
{
	struct process *process = process_alloc();
	struct fd_table *table = fd_table_create(), *copy;
	struct file *file = file_create(&no_ops, O_RDWR, NULL);

	SELFTEST_CHECK(process && table && file);
	if (!process || !table || !file)
		return;
	for (unsigned fd = 0; fd < LIMIT - 1; fd += 2) {
		file_get(file);
		table->files[fd] = file;
		fd_bit_set(table->open_bits, fd);
	}
	process->limits[RLIMIT_NOFILE] = (struct resource_limit){ LIMIT, LIMIT };
	process->files = table;
	as_process(process, table, file);
	copy = fd_table_copy(table, true);
	SELFTEST_CHECK(copy && count_open(copy) == 5 && !copy->files[3] && copy->open_bits[0] == 0x37 && !copy->has_clofork);
	if (copy)
		fd_table_put(copy);
	copy = fd_table_copy(table, false);
	SELFTEST_CHECK(copy && count_open(copy) == 6 && *fd_clofork_bits(copy) == 8 && *copy->cloexec_bits == 8);
	if (copy)
		fd_table_put(copy);
	fd_table_put(table);
	process->files = NULL;
	process_put(process);
	SELFTEST_CHECK(file->refs.count == 1);
	file_put(file);
}
