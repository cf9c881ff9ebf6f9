/* SPDX-License-Identifier: MIT */
/*
 * Inside the VFS core: descriptor tables. table->lock (spinlock) guards all of a table; every change takes it. A process with one thread that shares
 * its table with nobody may read it without the lock and use a file without a reference for the length of a call: nobody else can close it.
 */
#pragma once

#include "lib/atomic.h"
#include "process/process.h"
#include "sync/spinlock.h"
#include "vfs/file.h"

enum { FD_TABLE_INLINE = 64 };

struct fd_table {
	struct refcount refs;		/* processes, and procfs for a moment */
	struct spinlock lock;
	unsigned capacity;		/* lock; a multiple of 64 */
	unsigned lowest_free;		/* lock: no free descriptor below this */
	struct file **files;		/* lock; each holds a reference; NULL under a set bit: reserved by an open under way */
	uint64_t *open_bits, *cloexec_bits;	/* lock; behind them the close-on-fork bits, see fd_clofork_bits() */
	struct file *inline_files[FD_TABLE_INLINE];
	uint64_t inline_bits[3];
	bool has_clofork;		/* lock: a close-on-fork bit was set once; until then nobody looks at them */
};

/* The three sets lie one behind the other. table->lock held. */
static inline uint64_t *fd_clofork_bits(const struct fd_table *table)
{
	return table->cloexec_bits + table->capacity / 64;
}

/* A file in use by a call. */
struct fd_ref {
	struct file *file;	/* NULL: no such descriptor */
	bool counted;		/* the call holds a reference */
};

struct fd_ref fd_borrow_counted(struct fd_table *table, unsigned fd);

/* Nobody but the calling thread can change @table while it is in this call. */
SHARED_INLINE bool fd_table_is_mine(const struct process *process, const struct fd_table *table)
{
	return table->refs.count == 1 && process->thread_count == 1;	/* no atomic load: that would be an instruction of its own */
}

/* The file of @fd if nobody else can close it meanwhile, for fast paths; NULL also if there is none. */
static inline struct file *fd_file_of_mine(unsigned fd)
{
	struct process *process = current_process();
	struct fd_table *table = process->files;

	return likely(fd_table_is_mine(process, table) && fd < table->capacity) ? table->files[fd] : NULL;
}

SHARED_INLINE struct fd_ref fd_borrow(int fd)
{
	struct process *process = current_process();
	struct fd_table *table;

	if (unlikely(!process))
		return (struct fd_ref){ NULL, false };
	table = process->files;
	if (unlikely(!fd_table_is_mine(process, table)))
		return fd_borrow_counted(table, fd);
	if (unlikely((unsigned)fd >= table->capacity))
		return (struct fd_ref){ NULL, false };
	return (struct fd_ref){ table->files[fd], false };
}

SHARED_INLINE void fd_release(struct fd_ref ref)
{
	if (unlikely(ref.counted))
		file_put(ref.file);
}

/* The same without files opened with O_PATH, which only name a place. */
SHARED_INLINE struct fd_ref fd_borrow_io(int fd)
{
	struct fd_ref ref = fd_borrow(fd);

	if (unlikely(ref.file && ref.file->rights & FILE_RIGHT_PATH_ONLY)) {
		fd_release(ref);
		return (struct fd_ref){ NULL, false };
	}
	return ref;
}

/* Takes the lowest free descriptor >= @from for a file to come: -EMFILE, -ENOMEM. Then exactly one of fill (takes the reference over) or unreserve. */
int fd_reserve(int from, bool close_on_exec);
void fd_fill(int fd, struct file *file);
void fd_unreserve(int fd);
/*
 * The same for @count descriptors with FD_CLOEXEC and FD_CLOFORK as in @flags, all or none: before a message with handles is dequeued. Each of @fds is then
 * filled or unreserved. 0, -EMFILE or -ENOMEM.
 */
int fd_reserve_many(unsigned count, int fds[], unsigned flags);

/* dup2, dup3: makes @to another descriptor of @file (takes the caller's reference on success), closing what was there. */
int fd_replace(int to, struct file *file, bool close_on_exec);
/* FD_CLOEXEC | FD_CLOFORK of a descriptor (abi/raeen/handles.h), or -EBADF. */
int fd_get_flags(int fd);
/* Sets the flags in @set and clears the others in @which. 0 or -EBADF. */
int fd_set_flags(int fd, unsigned which, unsigned set);
int fd_close_range(unsigned first, unsigned last, bool only_mark_cloexec);

void fd_table_init(void);
