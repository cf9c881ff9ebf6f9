/* SPDX-License-Identifier: MIT */
/*
 * User and group identities of a process, and its capabilities. Immutable once published: a change makes a copy and swaps the pointer. Each thread holds a
 * reference of its own and takes over a change by another thread when it next returns to user mode, so the identity never changes in
 * the middle of a system call.
 */
#pragma once

#include "lib/atomic.h"

struct process;

enum { GROUPS_MAX = 64 };

struct credentials {
	struct refcount refs;
	uint32_t uid, euid, suid, fsuid;
	uint32_t gid, egid, sgid, fsgid;
	unsigned group_count;
	uint32_t groups[GROUPS_MAX];
	/* Capabilities (<raeen/caps.h>; security/README.md): what can be used, and what the next program begins with. */
	uint64_t effective, permitted;
	bool chosen;		/* by the process itself, since its last exec: leaving uid 0 narrows them no more */
};

/* The caller's; valid until it changes them itself or returns to user mode. Kernel threads are root. */
const struct credentials *credentials_current(void);
bool credentials_in_group(const struct credentials *credentials, uint32_t gid);
static inline bool credentials_is_root(const struct credentials *credentials) { return credentials->euid == 0; }

/* The identity of any process, referenced. Any context but interrupts. */
const struct credentials *credentials_of(struct process *process);
/* A further reference. */
const struct credentials *credentials_get(const struct credentials *credentials);
void credentials_put(const struct credentials *credentials);

/* What they are worth in Linux's capabilities: all or none. */
#define LINUX_CAPABILITIES ((1ull << (CAP_LAST_CAP + 1)) - 1)
void credentials_linux_capabilities(const struct credentials *credentials, uint64_t *effective, uint64_t *permitted);
