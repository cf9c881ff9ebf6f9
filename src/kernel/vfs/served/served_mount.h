/* SPDX-License-Identifier: MIT */
/*
 * A mounted file system that is a service: what the proxy, the server's system calls, and vfs/mapped/ (files whose data are blocks of its disk) share.
 *
 * Life: mounts and vnodes hold the fs, as of any file system; its unmount takes the structure out of the registry, waits until no system call of the server's
 * is in it any more, and then gives back cache, disk and port. So who has a reference of the fs may use all of them.
 */
#pragma once

#include "abi/raeen/ipc.h"
#include "block/block_cache.h"
#include "block/disk.h"
#include "lib/atomic.h"
#include "vfs/fs.h"
#include "vfs/served/served_map.h"

struct port;

enum { SERVED_TYPE_NAME = 16, SERVED_REQUESTS = 20 /* types in fs.def */ };

struct served {
	struct fs fs;
	struct port *port;		/* referenced; set once, as all that follow unless said otherwise */
	char port_name[PORT_NAME_MAX], type[SERVED_TYPE_NAME];
	struct disk *disk;		/* of option disk=; nobody else mounts it meanwhile. NULL: none */
	/* Set by the server while it answers FS_ROOT, after those up to block_count, or never; atomic. NULL: it fills pages itself. */
	struct block_cache *cache;
	struct mapped_fs *mapped;	/* with it: the data of its files */
	struct block_error_mark mark;	/* the file system's as a whole: of sync and syncfs */
	unsigned block_size;		/* 0: no cache */
	uint64_t block_count;
	bool read_only, unordered;	/* options */
	bool started;			/* FS_START was answered: there may be changes, and nodes without names */
	bool in_use;			/* mounting is over; the registry's */
	bool clean;			/* atomic: by a remount, marked or about to be: the server is asked for no change any more */
	uint32_t changing;		/* atomic: changes that it is asked for */
	uint64_t free_blocks;		/* atomic: that ordinary users have, as the last commit said; UINT64_MAX: not known */

	struct list link;		/* the registry's, as is users */
	unsigned users;			/* system calls of the server that are in here, and who lists */
	bool closing;			/* no more may come in */

	/* For /proc/served, atomic. */
	uint64_t asked[SERVED_REQUESTS];	/* messages, by number in fs.def */
	uint64_t refused, unanswered, wrong;	/* answers that were an errno; none; not as fs.def says */
};

static inline struct served *served_of(struct fs *fs)
{
	return container_of(fs, struct served, fs);
}

/* ---- The registry, for served/ and /proc/served ---- */

/* Makes it known. -EBUSY: another mount has its port or disk. */
int served_register_mount(struct served *served);
/* Forgets it, and waits until the server's calls have left it. */
void served_unregister_mount(struct served *served);
/* The mount with a disk behind @port, to be left again; NULL. */
struct served *served_enter(struct port *port);
void served_leave(struct served *served);
/* Mounting is over: the cache is there now or never. */
void served_set_in_use(struct served *served);
bool served_is_in_use(struct served *served);
/* Its cache; NULL. While it is being mounted that may change, afterwards served->cache will do. */
static inline struct block_cache *served_cache(const struct served *served)
{
	return atomic_load(&served->cache);
}
/* Gives @served its cache. -EBUSY: it has another one, or is in use without; 0 also if it has just such a one. -EINVAL, -ENOMEM. May sleep. */
int served_make_cache(struct served *served, unsigned block_size, uint64_t blocks);

/* The next in a listing, entered; @previous is left. NULL: there are no more. */
struct served *served_next(struct served *previous);
