/* SPDX-License-Identifier: MIT */
/* Between the files of this folder. */
#pragma once

#include "block/disk.h"
#include "lib/list.h"
#include "mm/frame.h"
#include "sync/mutex.h"
#include "vfs/mapped/extent_map.h"
#include "vfs/mapped/mapped.h"
#include "vfs/mapped/new_data.h"
#include "vfs/served/served_map.h"
#include "vfs/served/served_mount.h"
#include "vfs/vnode.h"

enum { MAPPED_BATCH = 16 /* pages written by one request */, MAPPED_CHANGES = 8 };

enum kick { KICK_LOOK = 1, KICK_MEMORY = 2 /* memory is short: all is to be written */ };

/* No truncation is under way. */
#define NO_BARRIER UINT64_MAX

/* Of a mount. */
struct mapped_fs {
	struct fs *fs;			/* set once, as is what follows up to zeroes */
	struct disk *disk;
	struct block_cache *cache;
	unsigned block_shift;		/* a block's size is 1 << that */
	unsigned sector_shift;		/* and 1 << that sectors */
	struct frame *zeroes;		/* a page of them */

	struct mutex new_lock;		/* guards what follows up to data_error */
	struct new_data new_data;
	/* Groups up to this one are being written, or have been; and up to that one their data are on the disk. Numbers grow. */
	uint64_t writing_group, written_group;
	int data_error;			/* of writing the group's data */

	struct wait_queue queue;	/* for barriers, askers and written_group */
	struct list dirty;		/* struct mapped_file, the longest dirty first; guarded by write_back.c's lock */
	struct list promising;		/* struct mapped_file with promised blocks; guarded by that lock, as is how many these are */
	unsigned promising_count;
	int64_t promised;		/* atomic: blocks that are promised, and what their places may need beside */
	uint32_t at_once;		/* atomic: who asks for places at once, so that nothing is to be promised */
	int64_t dirty_pages;		/* atomic */
	struct list mount_link;		/* write_back.c's: which there are */
	uint32_t thread_kicked;		/* atomic: enum kick; as are those two */
	bool thread_stop, thread_runs;
	struct wait_queue thread_queue;
};

/* Of a vnode, made when first wanted: vnode->map. */
struct mapped_file {
	struct vnode *vnode;
	struct mapped_fs *mapped;
	/*
	 * Who writes pages to the disk; not held while a server is asked. Comes before the object's lock.
	 */
	struct mutex write_back_lock;
	struct mutex lock;		/* guards what follows up to write_end; not held while the disk works or a server is asked */
	struct extent_map map;
	/* Grows when blocks of the file may have become others': of pages from this one on, by its value's remainder. */
	uint64_t sequence, changed[MAPPED_CHANGES];
	uint64_t barrier;		/* pages from this one on are being truncated: nothing is done with them */
	uint64_t promised, beside;	/* promised blocks of the map; and what their places may need beside */
	struct list askers;		/* struct mapped_asker: who a truncation has to wait for */
	uint64_t write_end;		/* bytes up to there are being written, whatever the size says; 0: none are */

	struct list new_runs;		/* struct new_run.file_link; guarded by mapped->new_lock */
	struct list dirty_link;		/* mapped->dirty, or alone; guarded by write_back.c's lock, as are the next two */
	struct list promising_link;	/* mapped->promising, or alone */
	uint64_t dirtied_at;		/* ns */
	uint64_t errors;		/* atomic: pages that could not be written; and the last such errno */
	int last_error;
	uint64_t next_index;		/* hints for read-ahead: the page wanted next if it is read from begin to end, */
	unsigned window;		/* and how many pages came last */
};

static inline struct mapped_fs *mapped_of(const struct vnode *vnode)
{
	return served_of(vnode->fs)->mapped;
}

static inline struct vnode *vnode_of_object(struct vm_object *object)
{
	return container_of(object, struct vnode, object);
}

static inline uint64_t mapped_blocks(const struct mapped_fs *mapped, uint64_t bytes)
{
	return (bytes >> mapped->block_shift) + !!(bytes & ((1u << mapped->block_shift) - 1));
}

static inline uint64_t mapped_page_blocks(const struct mapped_fs *mapped, uint64_t pages)
{
	return pages << (PAGE_SHIFT - mapped->block_shift);
}

static inline uint64_t mapped_sector(const struct mapped_fs *mapped, uint64_t block)
{
	return block << mapped->sector_shift;
}

/* ---- map.c ---- */

/* The vnode's map; NULL when out of memory. */
struct mapped_file *mapped_file_of(struct vnode *vnode);

enum place_kind {
	PLACE_UNKNOWN,
	PLACE_HOLE,
	PLACE_PROMISED,	/* a hole that write-back gets places for */
	PLACE_DISK,	/* the disk has it; it is written in place */
	PLACE_NEW,	/* new data of a group that is not being written yet: zeroes, unless a page has it, and only the group writes it */
	PLACE_NOW,	/* the same of the group that is being written just now: what the disk has is not known */
};
struct place {
	enum place_kind kind;
	uint64_t block, count;	/* the disk's; for how many blocks from the one asked for on this holds */
};

/* Blocks of pages from @page on may become others'. file->lock held. */
void mapped_change(struct mapped_file *file, uint64_t page);
/* The first page of which that has been said since file->sequence was @sequence; UINT64_MAX: of none. file->lock held. */
uint64_t mapped_changed_since(const struct mapped_file *file, uint64_t sequence);

/* Where block @first of the file is; at most @most blocks. */
struct place mapped_find(struct mapped_file *file, uint64_t first, uint64_t most);

/*
 * Asks the server about @count blocks, at least one, and keeps what it says, unless the file was truncated meanwhile. 0: look again; or a negative errno.
 */
int mapped_ask(struct mapped_file *file, uint64_t first, uint64_t count);
/* The same, just so many. */
int mapped_ask_about(struct mapped_file *file, uint64_t first, uint64_t count);
/*
 * All blocks from @first to before @end are to have a place on the disk, and the file is at least @size bytes long then, or as long as the last of them
 * reaches; @size 0: as it is, UINT64_MAX: as it is being
 * written, -ENXIO where it ends. Waits for a truncation. 0 or a negative errno: then only those before the first that has none do.
 */
int mapped_allocate(struct mapped_file *file, uint64_t first, uint64_t end, uint64_t size);

/* The file's end as far as write-back is concerned: who writes beyond it has not said so yet. file->lock held. */
static inline uint64_t mapped_limit_locked(const struct mapped_file *file)
{
	return MAX(file->write_end, atomic_load(&file->vnode->object.size));
}

uint64_t mapped_limit(struct mapped_file *file);

/*
 * Nothing is known any more of where blocks from @first on are, but for those that are promised. @freed: they have no data either, and need no places; else
 * a group of commits that has them as new data still writes what their pages have.
 */
void mapped_cut(struct mapped_file *file, uint64_t first, bool freed);

/*
 * Until mapped_end_asking no truncation that concerns page @page begins: blocks up to there may be asked for, and given to the disk. Meanwhile only the server
 * and the disk are to be waited for. -EINTR (killed).
 */
struct mapped_asker { struct list link; uint64_t page; };
int mapped_begin_asking(struct mapped_file *file, struct mapped_asker *asker, uint64_t page);
void mapped_end_asking(struct mapped_file *file, struct mapped_asker *asker);

/* Waits until no truncation concerns pages before @end. *@sequence: file->sequence then. 0 or -EINTR (killed). */
int mapped_wait_barrier(struct mapped_file *file, uint64_t end, uint64_t *sequence);
/* Waits until the data of the group that is being written are. 0 or -EINTR (killed). */
int mapped_wait_group(struct mapped_fs *mapped);

/* ---- promise.c ---- */

/*
 * Blocks from @first to before @end that have no places are promised; the file is being written up to @write_end (0: it is not). -ENOSPC: places have to be
 * asked for at once, as far as these are no promises, -EIO, -ENOMEM ... The file does not become shorter meanwhile.
 */
int mapped_promise(struct mapped_file *file, uint64_t first, uint64_t end, uint64_t write_end);
/* @count blocks of the map are not promised any more. file->lock held. */
void mapped_promise_ended(struct mapped_file *file, uint64_t count);
/*
 * Places for the blocks from @first to before @end that are promised, as far as the file goes, or is just @being_written. Asks the server. The first error; all
 * stays as it is then.
 */
int mapped_keep_promises(struct mapped_file *file, uint64_t first, uint64_t end, bool being_written);
/* As mapped_allocate, after all promises. */
int mapped_allocate_at_once(struct mapped_file *file, uint64_t first, uint64_t end, uint64_t size);

/* ---- page_io.c ---- */

/* What writing pages has met. */
struct written {
	int error;		/* the last one */
	bool later;		/* pages that a group of commits has to write first */
	bool homeless;		/* dirty pages with blocks that have no place: @index is the first */
	uint64_t index;
};

/* Writes dirty pages from @first to before @end as far as they may be written. Waits for the disk only. file->write_back_lock held. */
void mapped_write_in_place(struct mapped_file *file, uint64_t first, uint64_t end, struct written *written);

/* ---- write_back.c ---- */

/* Writes the file's dirty pages from @first to before @end that may be; asks the server if need be. A reference to the vnode is held. */
void mapped_write_file(struct mapped_file *file, uint64_t first, uint64_t end, struct written *written);
/* The file has no dirty pages any more, perhaps, and no attributes that the server does not know: off the list. */
void mapped_forget_clean(struct mapped_file *file);
void mapped_forget_dirty(struct mapped_file *file);	/* the file goes */
/* The file has promised blocks, from now on or no more. file->lock held. */
void mapped_note_promises(struct mapped_file *file, bool some);
/* One of those that have, with a reference to its vnode, each in turn; NULL: there are none. And how many there are. */
struct mapped_file *mapped_next_promising(struct mapped_fs *mapped);
unsigned mapped_count_promising(struct mapped_fs *mapped);
/* Before more pages become dirty: writes some, if there are too many. 0, -EIO, -EINTR. */
int mapped_throttle(struct mapped_file *file);
int mapped_write_groups(struct mapped_fs *mapped);	/* new data, too: all groups up to now */
int mapped_start_thread(struct mapped_fs *mapped);
void mapped_stop_thread(struct mapped_fs *mapped);

/* ---- write.c, sync.c, direct.c: struct file_data_ops ---- */

/* Places at once for the blocks of these pages, as far as the file goes. 0 or a negative errno. */
int mapped_place_pages(struct mapped_file *file, uint64_t first, uint64_t count);
int64_t mapped_begin_write(struct vnode *vnode, uint64_t pos, uint64_t len);
void mapped_end_write(struct vnode *vnode);
int64_t mapped_seek(struct vnode *vnode, uint64_t pos, bool hole, uint64_t size);
int mapped_truncate(struct vnode *vnode, uint64_t size);
void mapped_opened(struct file *file);
int mapped_fsync(struct file *file, bool data_only);
ssize_t mapped_direct_read(struct file *file, struct uio *uio, uint64_t pos);
ssize_t mapped_direct_write(struct file *file, struct uio *uio, uint64_t pos);

/* ---- page_io.c: struct block_cache_ops ---- */

void mapped_write_data(void *context, uint64_t block, uint64_t count, uint64_t group);
int mapped_wait_data(void *context);
