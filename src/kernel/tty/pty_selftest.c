/* SPDX-License-Identifier: MIT */
/* Kernel self-test of a pty pair, through the same file operations that programs use. */
#include <linux/fcntl.h>
#include "lib/errno.h"
#include "lib/string.h"
#include "test/selftest.h"
#include "tty/pty.h"

/* A file whose open() succeeded; NULL if not. */
static struct file *opened(struct file *file, int error)
{
	return error ? NULL : file;
}

SELFTEST(pty_carries_lines_both_ways)
{
	struct file *master = file_create(&pty_master_ops, O_RDWR | O_NONBLOCK, NULL);
	struct file *slave = file_create(&tty_file_ops, O_RDWR | O_NONBLOCK | O_NOCTTY, NULL);
	uint64_t pos = 0;
	char buf[32];

	master = master && slave ? opened(master, ptmx_open(master)) : NULL;
	SELFTEST_CHECK(master);
	if (!master)
		return;
	struct pty *pty = master->private;

	SELFTEST_CHECK(pty_slave_open(pty, slave) == -EIO);	/* locked */
	pty->locked = false;
	slave = opened(slave, pty_slave_open(pty, slave));
	SELFTEST_CHECK(slave);
	if (!slave)
		return;
	SELFTEST_CHECK(file_write_kernel(master, "hello\r", 6, &pos) == 6);
	SELFTEST_CHECK(file_read_kernel(slave, buf, sizeof(buf), 0) == 6 && memcmp(buf, "hello\n", 6) == 0);
	SELFTEST_CHECK(file_read_kernel(master, buf, sizeof(buf), 0) == 7 && memcmp(buf, "hello\r\n", 7) == 0);
	SELFTEST_CHECK(file_read_kernel(slave, buf, sizeof(buf), 0) == -EAGAIN);
	SELFTEST_CHECK(file_write_kernel(slave, "a\nb", 3, &pos) == 3);
	SELFTEST_CHECK(file_read_kernel(master, buf, sizeof(buf), 0) == 4 && memcmp(buf, "a\r\nb", 4) == 0);
	file_put(master);
	SELFTEST_CHECK(file_read_kernel(slave, buf, sizeof(buf), 0) == 0);
	SELFTEST_CHECK(file_write_kernel(slave, "x", 1, &pos) == -EIO);
	file_put(slave);
}
