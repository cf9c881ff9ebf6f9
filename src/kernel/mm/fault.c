/* SPDX-License-Identifier: MIT */
/*
 * Resolving page faults: demand zero, pages of objects with their neighbours, copy-on-write, stack growth.
 *
 * Handlers run with as->lock held for reading, and take object->lock, then as->table_lock. They return a fault_status; memory is
 * reclaimed, and an object's owner asked for a page or told of a change, only after every lock is dropped.
 */
#include "mm/address_space.h"
#include "mm/address_space_internal.h"
#include "mm/memory_counters.h"
#include "mm/memory_limits.h"
#include "mm/oom.h"
#include "mm/page_table.h"
#include "mm/vm_object_internal.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "process/signal.h"

#include <asm/siginfo.h>
#include <asm/signal.h>
#include <linux/mman.h>

/*
 * FAULT_KILLED: the thread is, while it waited. FAULT_FILL: the owner of an object is to be asked first, see struct fault_need. FAULT_STORED: done, but the
 * owner is to be told of a store to its page. The last two are seen to by fault_object().
 */
enum fault_status { FAULT_DONE, FAULT_RETRY, FAULT_NO_MEMORY, FAULT_NO_PAGE, FAULT_KILLED, FAULT_FILL, FAULT_STORED };

/* How an access writes: 0 if it does not. */
enum fault_write { WRITES = 1, WRITES_PREPARED = 2 };	/* the latter: what struct fault_need says has been done */

/* With FAULT_FILL: page @index of @object (a reference) is to be made present, and prepared for a change if @prepare. */
struct fault_need {
	struct vm_object *object;
	uint64_t index;
	bool prepare;
	const struct frame *frame;	/* the page, once that is done; after a truncation another one may be in its place */
};

enum { AROUND_PAGES = 16, AROUND_PAGES_IN_A_ROW = 128 };

static struct frame *alloc_anonymous(unsigned flags)
{
	struct frame *frame = frame_alloc(flags);

	if (frame) {
		frame->flags = FRAME_ANONYMOUS;
		memory_count(MEMORY_ANONYMOUS, 1);
	}
	return frame;
}

static void free_anonymous(struct frame *frame)
{
	memory_count(MEMORY_ANONYMOUS, -1);
	frame_put(frame);
}

/* A page of the program that only the entry at hand, in a table of its space's own, refers to. */
static bool is_sole_owner(uint64_t pte)
{
	const struct frame *frame = frame_of_phys(pte & PTE_ADDRESS);

	return (frame->flags & FRAME_ANONYMOUS) && atomic_load(&frame->refs) == 1;
}

/*
 * Nobody shares the page at @addr any more, as after a child's end: it can be written to, and so can its neighbours in the group of entries if the same is
 * true of them. Otherwise a parent would take a fault for each page it goes on using.
 */
static void reuse_group(const struct vma *vma, uint64_t addr, uint64_t *pte)
{
	unsigned at = (uint64_t)pte / sizeof(*pte) % TABLE_GROUP;
	uint64_t below = (addr - vma->start) >> PAGE_SHIFT, above = (vma->end - addr) >> PAGE_SHIFT;
	uint64_t *first = pte - MIN(at, below), *end = pte + MIN(TABLE_GROUP - at, above);

	for (pte = first; pte < end; pte++)
		if ((*pte & (PTE_PRESENT | PTE_WRITE)) == PTE_PRESENT && is_sole_owner(*pte))
			*pte |= PTE_WRITE | PTE_DIRTY;
	tlb_flush_page_local(addr);
}

/* A write to a private page that others may share: ours already if nobody else has it, else a copy. table_lock held. */
static enum fault_status break_sharing(struct address_space *as, struct vma *vma, uint64_t addr, uint64_t *pte)
{
	struct frame *frame = frame_of_phys(*pte & PTE_ADDRESS), *copy;

	if (is_sole_owner(*pte)) {
		reuse_group(vma, addr, pte);
		return FAULT_DONE;
	}
	copy = alloc_anonymous(0);
	if (!copy)
		return FAULT_NO_MEMORY;
	page_copy(frame_virt(copy), frame_virt(frame));
	*pte = pte_make(copy, vma->prot, true);
	tlb_flush_range(as->root, addr, addr + PAGE_SIZE, false);
	if (frame_unref(frame))
		frame_release_many(&frame, 1);
	if (vma->object)
		atomic_or(&vma->flags, VMA_HAS_COPIES);
	return FAULT_DONE;
}

/* Must @frame, a page of @vma's object, be prepared before a write to a shared mapping? */
static inline bool must_prepare(const struct vma *vma, const struct frame *frame, enum fault_write write, const struct fault_need *need)
{
	return vm_object_must_prepare(vma->object, frame) && !(write == WRITES_PREPARED && need->frame == frame);
}

/* There is an entry already. table_lock held. */
static __attribute__((noinline)) enum fault_status fault_present(struct address_space *as, struct vma *vma, uint64_t addr, uint64_t *pte,
								  enum fault_write write, const struct fault_need *need)
{
	enum fault_status status = FAULT_DONE;

	if (!(*pte & PTE_PRESENT))
		*pte = pte_make(frame_of_phys(*pte & PTE_ADDRESS), vma->prot, false);
	if (!write || (*pte & PTE_WRITE)) {
		/* Another thread was quicker, or a stale TLB entry. */
		tlb_flush_page_local(addr);
		return FAULT_DONE;
	}
	if (vma->flags & MAP_PRIVATE)
		return break_sharing(as, vma, addr, pte);
	if (vma->object) {
		struct frame *frame = frame_of_phys(*pte & PTE_ADDRESS);

		if (must_prepare(vma, frame, write, need))
			return FAULT_FILL;
		if (vm_object_mark_dirty(vma->object, frame))
			return FAULT_NO_PAGE;
		status = FAULT_STORED;
	}
	*pte |= PTE_WRITE | PTE_DIRTY;
	tlb_flush_page_local(addr);
	return status;
}

/* Remembers that @vma has pages. */
static void touch(struct vma *vma)
{
	if (unlikely(!(vma->flags & VMA_TOUCHED)))
		atomic_or(&vma->flags, VMA_TOUCHED);
}

/* *@ready is a frame for the page, cleared, and NULL once it is used; @ready is NULL where there is none. */
static inline __attribute__((always_inline)) enum fault_status fill_anonymous(struct address_space *as, struct vma *vma, uint64_t addr, bool write,
									      struct frame **ready)
{
	enum fault_status status = FAULT_DONE;

	spin_lock(&as->table_lock);
	uint64_t *pte = page_table_make_locked(as, addr);

	if (!pte) {
		status = FAULT_NO_MEMORY;
	} else if (unlikely(*pte)) {
		status = fault_present(as, vma, addr, pte, write ? WRITES : 0, NULL);
	} else if (write) {
		struct frame *frame = ready && *ready ? *ready : alloc_anonymous(FRAME_ZERO);

		if (frame) {
			pte_set(pte, pte_make(frame, vma->prot, true));
			as->resident++;
			if (ready)
				*ready = NULL;
		} else {
			status = FAULT_NO_MEMORY;
		}
	} else {
		frame_ref(zero_frame);
		pte_set(pte, pte_make(zero_frame, vma->prot, false));
		as->resident++;
	}
	spin_unlock(&as->table_lock);
	return status;
}

/* Clearing a page takes longer than all the rest. Done before the lock is taken, it does not keep other CPUs from resolving faults in this space. */
static __attribute__((noinline)) enum fault_status fault_anonymous_shared(struct address_space *as, struct vma *vma, uint64_t addr)
{
	struct frame *frame = page_table_may_be_mapped(as, addr) ? NULL : alloc_anonymous(FRAME_ZERO);
	enum fault_status status = fill_anonymous(as, vma, addr, true, &frame);

	if (frame)
		free_anonymous(frame);	/* another thread was quicker, or the guess was wrong */
	return status;
}

static enum fault_status fault_anonymous(struct address_space *as, struct vma *vma, uint64_t addr, bool write)
{
	touch(vma);
	if (unlikely(cpus_several()) && write)
		return fault_anonymous_shared(as, vma, addr);
	return fill_anonymous(as, vma, addr, write, NULL);
}

/* ---- Pages of objects ---- */

static uint64_t object_index(const struct vma *vma, uint64_t addr)
{
	return (vma->offset + (addr - vma->start)) >> PAGE_SHIFT;
}

/* Is a new entry of a shared mapping writable at once? Only if nobody needs to know of the first write. */
static bool map_writable(const struct vma *vma, bool write)
{
	if ((vma->flags & MAP_PRIVATE) || !(vma->prot & PROT_WRITE))
		return false;
	return write || vma->object->pinned;
}

/* Maps the pages in @slots that are present and ready at those of @count entries that are free; returns how many. */
static inline unsigned map_run(uint64_t *pte, void *const *slots, unsigned count, uint64_t bits)
{
	unsigned mapped = 0;

	for (uint64_t *end = pte + count; pte < end; pte++, slots++) {
		struct frame *frame = *slots;

		if (!frame || *pte || (frame->flags & FRAME_BUSY))
			continue;
		frame_ref(frame);
		*pte = frame_phys(frame) | bits;
		mapped++;
	}
	return mapped;
}

/*
 * Maps the page at @addr and those of its neighbours that are present and not mapped yet: an aligned group, a larger one if what lies before it
 * is mapped, as when a file is read from its start. object->lock and table_lock held; @pte is the entry of @addr, @frame its page.
 */
static void map_around(struct address_space *as, struct vma *vma, uint64_t addr, uint64_t *pte, struct frame *frame, bool write)
{
	uint64_t *table = (uint64_t *)((uint64_t)pte & PAGE_MASK);
	unsigned at = pte - table, first = at & ~(AROUND_PAGES - 1), pages = 1;
	bool in_a_row = first && addr - vma->start >= (at - first + 1) * PAGE_SIZE && table[first - 1];
	unsigned end = ROUND_UP(at + 1, in_a_row ? AROUND_PAGES_IN_A_ROW : AROUND_PAGES);
	uint64_t base = addr - at * PAGE_SIZE, limit = vm_object_pages(vma->object), bits = pte_bits(vma->prot, map_writable(vma, false));
	uint64_t index, stop;

	frame_ref(frame);
	*pte = pte_make(frame, vma->prot, map_writable(vma, write));
	if (base + first * PAGE_SIZE < vma->start)
		first = (vma->start - base) >> PAGE_SHIFT;
	if (base + end * PAGE_SIZE > vma->end)
		end = (vma->end - base) >> PAGE_SHIFT;
	index = object_index(vma, base + first * PAGE_SIZE);
	stop = MIN(index + (end - first), limit);
	for (pte = table + first; index < stop;) {
		unsigned slot = index % PAGE_TREE_SLOTS, count = MIN(stop - index, (uint64_t)(PAGE_TREE_SLOTS - slot));
		void *const *slots = page_tree_leaf(&vma->object->pages, index);

		if (slots)
			pages += map_run(pte, slots + slot, count, bits);
		index += count;
		pte += count;
	}
	table_note(table, (struct table_slice){ first, end - 1 }, pages);
	as->resident += pages;
}

/* The page is in the object and ready: map it. object->lock held. */
static enum fault_status map_object_page(struct address_space *as, struct vma *vma, uint64_t addr, struct frame *frame, enum fault_write write,
					 const struct fault_need *need)
{
	enum fault_status status = FAULT_DONE;
	struct frame *copy = NULL;

	spin_lock(&as->table_lock);
	uint64_t *pte = page_table_make_locked(as, addr);

	if (!pte) {
		status = FAULT_NO_MEMORY;
	} else if (*pte) {
		status = fault_present(as, vma, addr, pte, write, need);
	} else if (write && (vma->flags & MAP_PRIVATE)) {
		copy = alloc_anonymous(0);
		if (copy) {
			page_copy(frame_virt(copy), frame_virt(frame));
			pte_set(pte, pte_make(copy, vma->prot, true));
			as->resident++;
			atomic_or(&vma->flags, VMA_HAS_COPIES);
		} else {
			status = FAULT_NO_MEMORY;
		}
	} else if (write && must_prepare(vma, frame, write, need)) {
		status = FAULT_FILL;
	} else if (write && vm_object_mark_dirty(vma->object, frame)) {
		status = FAULT_NO_PAGE;
	} else {
		map_around(as, vma, addr, pte, frame, write);
		status = write ? FAULT_STORED : FAULT_DONE;
	}
	spin_unlock(&as->table_lock);
	return status;
}

static enum fault_status status_of(int error)
{
	return error == -ENOMEM ? FAULT_NO_MEMORY : error == -EINTR ? FAULT_KILLED : FAULT_NO_PAGE;
}

/* *@need is set with FAULT_FILL; before, it counts if @write is WRITES_PREPARED. */
static enum fault_status try_object(struct address_space *as, struct vma *vma, uint64_t addr, enum fault_write write, struct fault_need *need)
{
	struct vm_object *object = vma->object;
	uint64_t index = object_index(vma, addr);
	enum fault_status status = FAULT_RETRY;
	struct frame *frame;
	uint64_t *pte;
	int error;

	touch(vma);
	/* A private copy needs nothing of the object, not even that the page still exists. */
	spin_lock(&as->table_lock);
	pte = page_table_peek_locked(as, addr);
	if (pte && *pte)
		status = fault_present(as, vma, addr, pte, write, need);
	spin_unlock(&as->table_lock);

	while (status == FAULT_RETRY) {
		mutex_lock(&object->lock);
		frame = index < vm_object_pages(object) ? vm_object_ready_page(object, index) : NULL;
		if (frame)
			status = map_object_page(as, vma, addr, frame, write, need);
		mutex_unlock(&object->lock);
		if (frame)
			break;
		if (vm_object_is_filled(object)) {
			status = FAULT_FILL;
			break;
		}
		error = vm_object_get_page(object, index, false, &frame);
		if (error)
			return status_of(error);
		frame_put(frame);
	}
	if (unlikely(status == FAULT_FILL)) {
		vm_object_get(object);
		*need = (struct fault_need){ object, index, write && !(vma->flags & MAP_PRIVATE) && object->ops->prepare_write, NULL };
	}
	return status;
}

/* The object page that a private mapping shows at @addr, with a reference, if it may have a copy; NULL if not. */
static struct frame *page_to_cut(struct address_space *as, uint64_t addr)
{
	struct vm_object *object = NULL;
	struct frame *frame = NULL;
	uint64_t index = 0;

	rwlock_read_lock(&as->lock);
	struct vma *vma = address_space_find(as, addr);

	if (vma && vma->object && (vma->flags & MAP_PRIVATE) && (vma->prot & PROT_WRITE)) {
		object = vma->object;
		vm_object_get(object);
		index = object_index(vma, addr & PAGE_MASK);
	}
	rwlock_read_unlock(&as->lock);
	if (!object)
		return NULL;
	if (vm_object_get_page(object, index, false, &frame))
		frame = NULL;
	vm_object_put(object);
	return frame;
}

bool address_space_cut_page(struct address_space *as, uint64_t addr)
{
	struct frame *frame = page_to_cut(as, addr), *copy;
	uint64_t *pte;

	if (!frame)
		return false;
	copy = alloc_anonymous(FRAME_ZERO);
	if (copy)
		memcpy(frame_virt(copy), frame_virt(frame), addr % PAGE_SIZE);
	frame_put(frame);
	/* Only exec, to whom the space belongs, maps things there meanwhile. */
	rwlock_read_lock(&as->lock);
	struct vma *vma = address_space_find(as, addr);

	spin_lock(&as->table_lock);
	pte = copy && vma ? page_table_make_locked(as, addr) : NULL;
	if (pte && !*pte) {
		touch(vma);
		atomic_or(&vma->flags, VMA_HAS_COPIES);
		pte_set(pte, pte_make(copy, vma->prot, true));
		as->resident++;
	} else if (copy) {
		free_anonymous(copy);
		copy = NULL;
	}
	spin_unlock(&as->table_lock);
	rwlock_read_unlock(&as->lock);
	return copy;
}

/* ---- Entry point ---- */

static bool access_allowed(const struct vma *vma, enum fault_access access)
{
	static const unsigned needed[] = {
		[FAULT_READ] = PROT_READ | PROT_WRITE | PROT_EXEC,	/* the hardware cannot write or execute without reading */
		[FAULT_WRITE] = PROT_WRITE,
		[FAULT_EXECUTE] = PROT_EXEC,
	};

	return vma->prot & needed[access];
}

/* Lets the stack above @addr grow down to it, if limits and what lies below allow. Takes as->lock for writing. */
static __attribute__((noinline)) bool grow_stack(struct address_space *as, uint64_t addr)
{
	uint64_t start = addr & PAGE_MASK;
	bool grown = false;

	rwlock_write_lock(&as->lock);
	struct vma *vma = vma_tree_find(&as->vmas, addr);

	if (vma && vma->start <= addr) {
		grown = true;
	} else if (vma && (vma->flags & VMA_GROWS_DOWN) && start >= USER_START) {
		struct vma *prev = vma_prev(vma);
		uint64_t more = vma->start - start;
		bool room = !prev || (prev->flags & VMA_GROWS_DOWN || !prev->prot ? prev->end <= start : start - prev->end >= STACK_GUARD_GAP);

		if (room && vma->end - start <= as->stack_limit && !memory_limits_allow(as, vma->prot, vma->flags, more, 0)) {
			vma_set_bounds(as, vma, start, vma->end);
			grown = true;
		}
	}
	rwlock_write_unlock(&as->lock);
	return grown;
}

/* The first VMA that ends after @addr; faults come in runs, so the last one is looked at first. */
static inline struct vma *find_vma(struct address_space *as, uint64_t addr)
{
	struct vma *vma = atomic_load_relaxed(&as->recent);

	if (likely(vma && addr >= vma->start && addr < vma->end))
		return vma;
	vma = vma_tree_find(&as->vmas, addr);
	if (vma)
		__atomic_store_n(&as->recent, vma, __ATOMIC_RELAXED);
	return vma;
}

static __attribute__((noinline)) enum fault_status fault_stored(struct vm_object *object)
{
	if (object->ops->stored)
		object->ops->stored(object);
	return FAULT_DONE;
}

/*
 * A fault on a mapping of an object. as->lock is held, and dropped while the owner of the object does what is needed, when the page stays in memory:
 * @vma may be gone afterwards. FAULT_RETRY if something else is mapped by then.
 */
static __attribute__((noinline)) enum fault_status fault_object(struct address_space *as, struct vma *vma, uint64_t addr, enum fault_access access)
{
	struct fault_need need;
	enum fault_status status = try_object(as, vma, addr & PAGE_MASK, access == FAULT_WRITE ? WRITES : 0, &need);

	while (unlikely(status >= FAULT_FILL)) {
		if (status == FAULT_STORED)
			return fault_stored(vma->object);

		struct fault_need had = need;
		enum fault_write write = access != FAULT_WRITE ? 0 : had.prepare ? WRITES_PREPARED : WRITES;
		struct frame *frame = NULL;
		bool same;
		int error;

		rwlock_read_unlock(&as->lock);
		error = vm_object_get_page(had.object, had.index, false, &frame);
		if (!error && had.prepare)
			error = vm_object_prepare_write(had.object, had.index << PAGE_SHIFT, 1);
		rwlock_read_lock(&as->lock);
		vma = find_vma(as, addr);
		need.frame = frame;
		same = vma && addr >= vma->start && vma->object == had.object && object_index(vma, addr & PAGE_MASK) == had.index;
		status = error ? status_of(error) : FAULT_RETRY;
		if (!error && same && access_allowed(vma, access))
			status = try_object(as, vma, addr & PAGE_MASK, write, &need);
		if (frame)
			frame_put(frame);
		/* Unless the mapping still has it, this may be the object's end, which takes long. */
		if (!same)
			rwlock_read_unlock(&as->lock);
		vm_object_put(had.object);
		if (!same)
			rwlock_read_lock(&as->lock);
	}
	return status;
}

/* A killed thread goes on to its end if the access was the program's own; the kernel's ends as one to a bad address does. */
static struct fault_result fault_killed(bool user)
{
	return user ? (struct fault_result){ 0, 0 } : (struct fault_result){ SIGBUS, BUS_ADRERR };
}

struct fault_result address_space_fault(struct address_space *as, uint64_t addr, enum fault_access access, bool user)
{
	bool write = access == FAULT_WRITE;
	unsigned tries = 0;

	for (;;) {
		enum fault_status status;

		rwlock_read_lock(&as->lock);
		struct vma *vma = find_vma(as, addr);

		if (unlikely(!vma || addr < vma->start)) {
			bool may_grow = vma && (vma->flags & VMA_GROWS_DOWN);

			rwlock_read_unlock(&as->lock);
			if (may_grow && grow_stack(as, addr))
				continue;
			return (struct fault_result){ SIGSEGV, SEGV_MAPERR };
		}
		if (unlikely(!access_allowed(vma, access))) {
			rwlock_read_unlock(&as->lock);
			return (struct fault_result){ SIGSEGV, SEGV_ACCERR };
		}
		if (vma->object)
			status = fault_object(as, vma, addr, access);
		else
			status = fault_anonymous(as, vma, addr & PAGE_MASK, write);
		rwlock_read_unlock(&as->lock);

		if (likely(status == FAULT_DONE))
			return (struct fault_result){ 0, 0 };
		/* Who is being ended to give memory asks for none. */
		if (status == FAULT_KILLED || (status == FAULT_NO_MEMORY && signal_fatal_pending()))
			return fault_killed(user);
		if (status == FAULT_NO_PAGE)
			return (struct fault_result){ SIGBUS, BUS_ADRERR };
		if (status == FAULT_NO_MEMORY && !memory_reclaim_again(&tries))
			return (struct fault_result){ SIGKILL, 0 };
	}
}
