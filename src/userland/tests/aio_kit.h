/* SPDX-License-Identifier: MIT */
/* Native AIO by the kernel's own interface, for the tests. */
#ifndef AIO_KIT_H
#define AIO_KIT_H

#include "check.h"

#include <fcntl.h>
#include <linux/aio_abi.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { MANY = 64, PATIENCE_MS = 30000 };

static inline long io_setup(unsigned requests, aio_context_t *id) { return syscall(SYS_io_setup, requests, id); }
static inline long io_destroy(aio_context_t id) { return syscall(SYS_io_destroy, id); }
static inline long io_submit(aio_context_t id, long count, struct iocb **requests) { return syscall(SYS_io_submit, id, count, requests); }

static inline long io_getevents(aio_context_t id, long least, long most, struct io_event *events, struct timespec *timeout)
{
	return syscall(SYS_io_getevents, id, least, most, events, timeout);
}

static inline aio_context_t context(unsigned requests)
{
	aio_context_t id = 0;

	if (!CHECK_EQ(io_setup(requests, &id), 0))
		exit(1);
	return id;
}

static inline struct iocb request(int fd, int what, const void *buf, size_t len, long offset)
{
	return (struct iocb){ .aio_fildes = fd, .aio_lio_opcode = what, .aio_buf = (unsigned long)buf, .aio_nbytes = len, .aio_offset = offset,
			      .aio_data = offset + 1 };
}

static inline long submit_one(aio_context_t id, struct iocb *iocb)
{
	return io_submit(id, 1, &iocb);
}

/* What becomes of a request that is accepted. */
static inline long result_of(aio_context_t id, struct iocb *iocb)
{
	struct io_event event = { 0 };

	iocb->aio_key = 77;
	CHECK_EQ(submit_one(id, iocb), 1);
	CHECK_EQ(iocb->aio_key, 0);
	CHECK_EQ(io_getevents(id, 1, 1, &event, NULL), 1);
	CHECK(event.obj == (unsigned long)iocb && event.data == iocb->aio_data && !event.res2);
	return event.res;
}

static inline int file_with(const char *text)
{
	int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);

	CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
	return fd;
}

/* Each reads a byte, at 0 and so on. */
static inline void submit_many(aio_context_t id, int fd, int count)
{
	static char buf[MANY];
	static struct iocb iocbs[MANY];
	struct iocb *list[MANY];

	for (int i = 0; i < count; i++) {
		iocbs[i] = request(fd, IOCB_CMD_PREAD, buf, 1, i);
		list[i] = &iocbs[i];
	}
	CHECK_EQ(io_submit(id, count, list), count);
}

#endif
