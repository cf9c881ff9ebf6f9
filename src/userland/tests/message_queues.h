/* SPDX-License-Identifier: MIT */
/* What the programs about POSIX message queues share. For one program each: the functions are static. */
#ifndef MESSAGE_QUEUES_H
#define MESSAGE_QUEUES_H

#include "check.h"

#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>

enum { PATIENCE_MS = 20000, SIZE = 64, COUNT = 4 };

static const struct mq_attr small = { .mq_maxmsg = COUNT, .mq_msgsize = SIZE };
static char buffer[SIZE];
static unsigned priority;

/* A new queue that takes COUNT messages of SIZE bytes, open to read and write. */
static inline mqd_t make(const char *name)
{
	mqd_t queue;

	mq_unlink(name);
	queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &small);
	CHECK(queue >= 0);
	return queue;
}

static inline int put(mqd_t queue, const char *text, unsigned how_urgent)
{
	return mq_send(queue, text, strlen(text) + 1, how_urgent);
}

static inline ssize_t take(mqd_t queue)
{
	memset(buffer, 0, sizeof buffer);
	return mq_receive(queue, buffer, sizeof buffer, &priority);
}

static inline long held(mqd_t queue)
{
	struct mq_attr attr;

	return mq_getattr(queue, &attr) ? -1 : attr.mq_curmsgs;
}

static inline void fill(mqd_t queue)
{
	for (int i = 0; i < COUNT; i++)
		CHECK_EQ(put(queue, "full", 1), 0);
}

#endif
