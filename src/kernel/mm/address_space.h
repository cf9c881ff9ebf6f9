/* SPDX-License-Identifier: MIT */
/*
 * Address spaces: a balanced tree of VMAs and the page tables that demand paging fills from them.
 *
 * Locks: as->lock (rwlock, sleeps): VMAs and brk; page faults take it for reading, changes for writing. Page-table entries are
 * changed under as->table_lock (spinlock). Order: as->lock → vm_object lock → as->table_lock.
 */
#pragma once

#include "lib/atomic.h"
#include "lib/list.h"
#include "lib/rbtree.h"
#include "sync/mutex.h"
#include "mm/vm_object.h"

struct vma {
	struct rb_node node;		/* in as->vmas, ordered by start; guarded by as->lock */
	uint64_t start, end;		/* bytes, page-aligned, end exclusive */
	uint64_t gap;			/* free bytes between the VMA before and this one, a stack's guard gap left out */
	uint64_t max_gap;		/* subtree data: no gap in this subtree is larger */
	unsigned prot;			/* PROT_READ | PROT_WRITE | PROT_EXEC */
	unsigned max_prot;		/* what mprotect may give (a file opened read-only mapped shared never becomes writable) */
	unsigned flags;			/* MAP_SHARED or MAP_PRIVATE, VMA_* */
	struct vm_object *object;	/* NULL: private anonymous; the VMA holds a reference */
	uint64_t offset;		/* of start in the object, bytes, page-aligned */
	struct list object_link;	/* object->mappings; guarded by object->lock */
	struct address_space *as;
};

enum vma_flags {
	VMA_STACK = 1 << 24,
	VMA_HEAP = 1 << 25,
	VMA_VDSO = 1 << 26,
	VMA_GROWS_DOWN = 1 << 27,	/* a fault just below it extends it (stacks) */
	VMA_DONT_FORK = 1 << 28,	/* madvise MADV_DONTFORK: a child does not get it */
	VMA_WIPE_ON_FORK = 1 << 29,	/* madvise MADV_WIPEONFORK: a child gets it empty */
	VMA_LOCKED = 1 << 30,		/* mlock: pages present from the start, and never taken away */
	/* Set (atomically, by faults) and never cleared; they do not hinder merging. */
	VMA_HAS_COPIES = 1 << 23,	/* a private file mapping has had pages of its own */
	VMA_TOUCHED = 1 << 22,		/* there have been pages at all */
	VMA_DONT_DUMP = 1 << 20,	/* madvise MADV_DONTDUMP: a core file leaves it out */
	VMA_LOCK_ON_FAULT = 1 << 21,	/* with VMA_LOCKED: pages come when they are touched, and stay then */
};

/* Where a VMA that starts at some address belongs: its neighbours, and the link of the tree it would hang from. */
struct vma_place {
	struct vma *prev, *next;
	struct rb_node *parent, **link;
	unsigned depth;			/* links from the root; 0: known not to be too many */
};

/* See mm/vma_tree.h. Ordered and walked as a red-black tree is, but balanced in another way. */
struct vma_tree {
	struct rb_tree links;
	unsigned count;
	struct vma_place vacant;	/* where the VMA removed last was, while the tree is otherwise unchanged; link NULL: not known */
};

struct address_space {
	struct refcount refs;		/* users: threads' processes, procfs readers */
	struct rwlock lock;
	struct vma_tree vmas;		/* guarded by lock */
	size_t vma_count;		/* guarded by lock */
	uint64_t mapped_bytes;		/* guarded by lock: VmSize */
	uint64_t mapped_peak;		/* guarded by lock: the most it has been when it fell */
	struct spinlock table_lock;
	paddr_t root;			/* physical address of the PML4 */
	size_t resident;		/* pages present; guarded by table_lock: VmRSS */
	size_t resident_peak;		/* the most it has been when it fell; guarded by table_lock */
	size_t table_pages;		/* guarded by table_lock; shared ones too */
	size_t shared_tables;		/* guarded by table_lock: slots without PTE_WRITE (page_table.h) */
	uint64_t leaf_number;		/* guarded by table_lock: which 2 MiB of addresses @leaf maps */
	uint64_t *leaf;			/* guarded by table_lock: the level-1 table used last, not a shared one; NULL if none */
	struct vma *recent;		/* the VMA made or faulted last, or NULL; written by readers of lock too, atomically */
	struct vma *spare;		/* guarded by lock: kept for the next mapping, or NULL */
	uint64_t mmap_top;		/* randomized: where top-down search begins */
	uint64_t map_hint;		/* guarded by lock: below here there was room; tried before a search */
	uint64_t brk_start, brk;	/* guarded by lock; see address_space_set_brk */
	uint64_t stack_top;		/* a randomized proposal from address_space_create; exec may replace it: highest stack address */
	bool fork_advice;		/* guarded by lock: some VMA has VMA_DONT_FORK or VMA_WIPE_ON_FORK */
	uint32_t barriers;		/* atomic: how membarrier(2) may be used for the program alone: its commands by which that was asked for */
	unsigned lock_future;		/* guarded by lock: VMA_LOCKED, VMA_LOCK_ON_FAULT after mlockall(MCL_FUTURE): what new mappings get */
	uint64_t arg_start, arg_end, env_start, env_end;	/* set by exec, for /proc/PID/cmdline */
	uint64_t stack_limit, data_limit, space_limit;	/* bytes, copied from the process's rlimits by exec and setrlimit */
	uint64_t plain_limit;		/* space_limit, or 0 while there are others to look at (memory_limits.h) */
#if defined(CORE_FILES) || defined(PTRACE)
	uint64_t auxv_start, auxv_size;	/* set by exec: where the auxiliary vector lies, in bytes */
#endif
};

/* What has been the most: VmHWM in pages, VmPeak in bytes. Noted only before either falls. */
static inline size_t address_space_resident_peak(const struct address_space *as)
{
	return MAX(atomic_load_relaxed(&as->resident_peak), atomic_load_relaxed(&as->resident));
}

static inline void address_space_note_resident(struct address_space *as)
{
	if (as->resident > as->resident_peak)
		as->resident_peak = as->resident;
}

static inline void address_space_note_mapped(struct address_space *as)
{
	if (as->mapped_bytes > as->mapped_peak)
		as->mapped_peak = as->mapped_bytes;
}

/* For core files and debuggers, and nothing where the kernel is built without them. */
static inline void address_space_note_auxv(struct address_space *as, uint64_t start, uint64_t size)
{
#if defined(CORE_FILES) || defined(PTRACE)
	as->auxv_start = start;
	as->auxv_size = size;
#endif
}

static inline void address_space_copy_auxv(struct address_space *child, const struct address_space *parent)
{
#if defined(CORE_FILES) || defined(PTRACE)
	address_space_note_auxv(child, parent->auxv_start, parent->auxv_size);
#endif
}

/* A new, empty user address space with ASLR bases chosen; the kernel half is shared. NULL when out of memory. */
struct address_space *address_space_create(void);
/* fork: same VMAs, private pages copy-on-write. NULL when out of memory. */
struct address_space *address_space_fork(struct address_space *parent);
void address_space_get(struct address_space *as);
void address_space_put(struct address_space *as);	/* the last one unmaps and frees everything; may sleep */

/* Loads CR3 if it differs. The scheduler calls it; NULL means the kernel's own tables. */
void address_space_switch(struct address_space *as);

/*
 * mmap. @addr is a hint, or exact with MAP_FIXED (replaces) or MAP_FIXED_NOREPLACE (-EEXIST). @len in bytes is rounded up to pages.
 * @object may be NULL (anonymous); a reference is taken. Returns the address or a negative errno.
 */
int64_t address_space_map(struct address_space *as, uint64_t addr, uint64_t len, unsigned prot, unsigned max_prot, unsigned flags,
			  struct vm_object *object, uint64_t offset);
int address_space_unmap(struct address_space *as, uint64_t addr, uint64_t len);

/* Maps all of @object for the program to read and write; a child of fork does not get it. The address or -ENOMEM. */
int64_t address_space_map_own(struct address_space *as, struct vm_object *object);
/* Undoes it, unless the program has mapped something else at @addr since. May sleep. */
void address_space_unmap_own(struct address_space *as, uint64_t addr, struct vm_object *object);

/* Starts the heap (brk) at a random distance behind the program's end. For exec, before the program runs. */
void address_space_set_brk(struct address_space *as, uint64_t program_end);

/* Is what is mapped now to be made present at once, because of mlockall? */
static inline bool address_space_locks_new(const struct address_space *as)
{
	return (as->lock_future & (VMA_LOCKED | VMA_LOCK_ON_FAULT)) == VMA_LOCKED;
}

/*
 * Makes the pages of [start, end) present, as the VMAs there allow. @advice: MADV_POPULATE_READ, or _WRITE; 0: to be written to where they are private, read
 * where they are shared. Stops at the first that cannot be: 0, -ENOMEM or -EFAULT. May sleep.
 */
int address_space_populate(struct address_space *as, uint64_t start, uint64_t end, int advice);
int address_space_protect(struct address_space *as, uint64_t addr, uint64_t len, unsigned prot);

/* Finds the VMA that holds @addr. as->lock held. */
struct vma *address_space_find(struct address_space *as, uint64_t addr);

enum fault_access { FAULT_READ, FAULT_WRITE, FAULT_EXECUTE };

/*
 * Resolves a page fault. Returns 0; or the signal to send and its si_code: SIGSEGV (SEGV_MAPERR, SEGV_ACCERR) or SIGBUS (BUS_ADRERR), or
 * SIGKILL when memory is out. May sleep; takes as->lock for reading.
 */
struct fault_result { int signal; int code; };
struct fault_result address_space_fault(struct address_space *as, uint64_t addr, enum fault_access access, bool user);

/* The page at @addr, for reading or for writing, with a reference; NULL if it cannot be had. May sleep. */
struct frame *address_space_page(struct address_space *as, uint64_t addr, bool write);
/* @frame, from address_space_page for writing, has been changed by the kernel or a device: a shared page of a file may be clean by now. May sleep. */
void address_space_written(struct address_space *as, uint64_t addr, struct frame *frame);

/*
 * For exec: gives a private file mapping, where it was not touched yet, a page of its own with the file's bytes before @addr and zeroes
 * from there on. False if it cannot be had this way: then address_space_page may still give it. May sleep.
 */
bool address_space_cut_page(struct address_space *as, uint64_t addr);

/*
 * Adds what is in memory of [@start, @end), in bytes, in the order of smaps. A page is shared if it is mapped more than once; its part in USAGE_PROPORTIONAL is
 * its size by how often. as->lock held (either way).
 */
enum memory_usage { USAGE_SIZE, USAGE_RESIDENT, USAGE_PROPORTIONAL, USAGE_SHARED, USAGE_SHARED_DIRTY, USAGE_PRIVATE, USAGE_PRIVATE_DIRTY, USAGE_ANONYMOUS,
		    USAGE_SWAPPED, USAGE_COUNT };
void address_space_get_usage(struct address_space *as, uint64_t start, uint64_t end, uint64_t usage[USAGE_COUNT]);

/* Reads another process's memory as far as that takes no question to a file system, which may have no answer (/proc/PID/cmdline). Bytes read. */
size_t address_space_peek(struct address_space *as, uint64_t addr, void *buf, size_t len);

/* Reads or writes another process's memory (ptrace-like). Returns bytes moved. May sleep. */
size_t address_space_access(struct address_space *as, uint64_t addr, void *buf, size_t len, bool write);

/* Unmaps the pages [first, last] of @object from every VMA that maps them (truncation). object->lock held. */
void vm_object_unmap_pages(struct vm_object *object, uint64_t first, uint64_t last);

/* The calling process's address space, NULL in kernel threads (implemented in process/). */
struct address_space *address_space_current(void);

/* Called by the page-fault trap (arch/x86_64/trap.c) with interrupts enabled when it came from user mode or a user copy. */
struct trap_frame;
void page_fault(struct trap_frame *frame, uint64_t addr);
