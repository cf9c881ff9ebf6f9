/* SPDX-License-Identifier: MIT */
/*
 * Native handles: descriptors of the kernel's own objects. A handle has rights that only ever shrink, and is close-on-exec and close-on-fork
 * until fcntl(F_SETFD) says otherwise. Descriptors of POSIX know the first two rights only.
 */
#pragma once

#include <stdint.h>

/* F_GETFD and F_SETFD, beside FD_CLOEXEC: a child made by fork() does not get the descriptor. */
enum { FD_CLOFORK = 4 };

enum handle_rights {
	HANDLE_READ = 1 << 0,
	HANDLE_WRITE = 1 << 1,
	HANDLE_PLACE = 1 << 2,		/* a file opened with O_PATH: names a place and allows no more */
	HANDLE_MAP = 1 << 3,		/* may be mapped, as reading and writing allow */
	/* From 16 on: those of ports (ipc.h). Any handle may have this one: */
	HANDLE_DUP = 1 << 19,		/* SYS_handle_dup may make another of it */
};

/* The rights' names by their bits, for lists such as that of /proc/PID/fdinfo. */
#define HANDLE_RIGHT_NAMES { "READ", "WRITE", "PLACE", "MAP", [16] = "SEND", "RECV", "NOTIFY", "DUP", "MANAGE" }

enum handle_kind { HANDLE_FILE, HANDLE_SHMEM, HANDLE_PORT, HANDLE_DEVICE, HANDLE_INTERRUPT, HANDLE_KIND_COUNT };
#define HANDLE_KIND_NAMES { "file", "shmem", "port", "device", "interrupt" }

/* SYS_handle_info's answer. */
struct handle_info {
	uint32_t kind;		/* enum handle_kind */
	uint32_t rights;	/* enum handle_rights */
	uint64_t object;	/* the same for all handles of one object, another one for every other object of its kind; files: the inode */
};
_Static_assert(sizeof(struct handle_info) == 16, "16 bytes in every program");
