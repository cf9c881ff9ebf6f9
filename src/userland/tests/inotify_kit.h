/* SPDX-License-Identifier: MIT */
/* What the tests of inotify have in common: events as text. Linked to none: each program has its copy. */
#ifndef INOTIFY_KIT_H
#define INOTIFY_KIT_H

#include "check.h"
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { TEXT = 4096, EVERYTHING = IN_ALL_EVENTS, HEAD = sizeof(struct inotify_event) };

static char buffer[1 << 16] __attribute__((aligned(8)));
static uint32_t cookies[64];
static int cookie_count;

static const struct { uint32_t bit; const char *name; } names[] = {
	{ IN_ACCESS, "ACCESS" }, { IN_MODIFY, "MODIFY" }, { IN_ATTRIB, "ATTRIB" }, { IN_CLOSE_WRITE, "CLOSE_WRITE" }, { IN_CLOSE_NOWRITE, "CLOSE_NOWRITE" },
	{ IN_OPEN, "OPEN" }, { IN_MOVED_FROM, "FROM" }, { IN_MOVED_TO, "TO" }, { IN_CREATE, "CREATE" }, { IN_DELETE, "DELETE" },
	{ IN_DELETE_SELF, "DELETE_SELF" }, { IN_MOVE_SELF, "MOVE_SELF" }, { IN_UNMOUNT, "UNMOUNT" }, { IN_Q_OVERFLOW, "OVERFLOW" },
	{ IN_IGNORED, "IGNORED" }, { IN_ISDIR, "ISDIR" },
};

/* One event as text: "2:CREATE|ISDIR:name". */
static inline void print_event(char *text, const struct inotify_event *event)
{
	uint32_t left = event->mask;
	char *at = text + sprintf(text, "%d:", event->wd);

	for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
		if (event->mask & names[i].bit) {
			at += sprintf(at, "%s%s", left == event->mask ? "" : "|", names[i].name);
			left &= ~names[i].bit;
		}
	if (left)
		at += sprintf(at, "|%x", left);
	if (event->len)
		sprintf(at, ":%s", event->name);
}

/* All that waits in @fd, by spaces; "" if nothing does. */
static inline const char *events(int fd)
{
	static char text[1 << 16];
	ssize_t got;
	int left = 0;

	*text = '\0';
	cookie_count = 0;
	while (ioctl(fd, FIONREAD, &left) == 0 && left > 0 && strlen(text) < sizeof text - 1000) {
		got = read(fd, buffer, TEXT);
		if (!CHECK(got > 0))
			break;
		for (char *at = buffer; at < buffer + got; at += HEAD + ((struct inotify_event *)at)->len) {
			struct inotify_event *event = (struct inotify_event *)at;

			CHECK(event->len % HEAD == 0);
			if (*text)
				strcat(text, " ");
			print_event(text + strlen(text), event);
			if (event->cookie && cookie_count < 64)
				cookies[cookie_count++] = event->cookie;
		}
	}
	return text;
}

static inline int instance(void)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	CHECK(fd >= 0);
	return fd;
}

static inline int file_with(const char *name, const char *text)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);

	CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
	return fd;
}

#endif
