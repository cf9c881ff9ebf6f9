/* SPDX-License-Identifier: MIT */
/* Life of address spaces, and the VMAs' bookkeeping that mapping, protecting and forking share. */
#include "mm/address_space.h"
#include "mm/address_space_internal.h"
#include "mm/heap.h"
#include "mm/page_table.h"
#include "mm/user_copy.h"
#include "lib/errno.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "process/layout.h"

/*
 * ASLR, from the top: the stack's top moves within 16 GiB; below that the largest stack plus a gap; then the mmap base moves
 * within 2^28 pages. The heap begins up to 32 MiB behind the program.
 */
enum { MMAP_RANDOM_BITS = 28, STACK_RANDOM_BITS = 22, BRK_RANDOM_BITS = 13 };
_Static_assert(STACK_RANDOM_BITS + PAGE_SHIFT + MMAP_RANDOM_BITS <= 64, "one random word for both");
#define STACK_ROOM (1ull << 30)
#define STACK_DEFAULT_LIMIT (8ull << 20)

static struct slab_cache *vma_cache, *address_space_cache;

void address_space_init(void)
{
	vma_cache = slab_cache_create("vma", sizeof(struct vma), 8);
	address_space_cache = slab_cache_create("address_space", sizeof(struct address_space), 8);
}

struct address_space *address_space_alloc(void)
{
	struct address_space *as = slab_zalloc(address_space_cache);
	struct frame *root = as ? root_alloc() : NULL;

	if (!root) {
		if (as)
			slab_free(address_space_cache, as);
		return NULL;
	}
	refcount_init(&as->refs, 1);
	rwlock_init(&as->lock, LOCK_ADDRESS_SPACE);
	spinlock_init(&as->table_lock, LOCK_PAGE_TABLES);
	as->root = frame_phys(root);
	return as;
}

struct address_space *address_space_create(void)
{
	struct address_space *as = address_space_alloc();
	uint64_t stack_floor = USER_END - ((uint64_t)PAGE_SIZE << STACK_RANDOM_BITS), random;

	if (!as)
		return NULL;
	/* The lowest bits: where in its page, by 16 bytes, the stack begins; then in which. */
	random = layout_random();
	as->stack_top = USER_END - (random & ((1ull << (STACK_RANDOM_BITS + PAGE_SHIFT)) - 16));
	random >>= STACK_RANDOM_BITS + PAGE_SHIFT;
	as->map_hint = as->mmap_top = stack_floor - STACK_ROOM - ((random & ((1ull << MMAP_RANDOM_BITS) - 1)) << PAGE_SHIFT);
	as->stack_limit = STACK_DEFAULT_LIMIT;
	as->data_limit = as->space_limit = as->plain_limit = UINT64_MAX;
	return as;
}

void address_space_get(struct address_space *as)
{
	refcount_get(&as->refs);
}

void address_space_put(struct address_space *as)
{
	if (!refcount_put(&as->refs))
		return;
	tlb_forget_root(as->root);
	vma_free_all(as);
	page_table_destroy(as);
	root_free(frame_of_phys(as->root));
	slab_free(address_space_cache, as);
}

void address_space_switch(struct address_space *as)
{
	uint64_t flags = interrupts_save();

	tlb_use_root(this_cpu(), as ? as->root : paging_kernel_root());
	interrupts_restore(flags);
}

struct vma *address_space_find(struct address_space *as, uint64_t addr)
{
	struct vma *vma = vma_tree_find(&as->vmas, addr);

	return vma && vma->start <= addr ? vma : NULL;
}

void address_space_set_brk(struct address_space *as, uint64_t program_end)
{
	uint64_t start = ROUND_UP(program_end, PAGE_SIZE) + (layout_random_below(1ull << BRK_RANDOM_BITS) << PAGE_SHIFT);

	rwlock_write_lock(&as->lock);
	as->brk_start = as->brk = start;
	rwlock_write_unlock(&as->lock);
}

/* ---- VMAs ---- */

struct vma *vma_alloc(struct address_space *as)
{
	struct vma *vma = as->spare;

	if (!vma)
		return slab_alloc(vma_cache);
	as->spare = NULL;
	return vma;
}

void vma_free(struct address_space *as, struct vma *vma)
{
	if (as->recent == vma)
		as->recent = NULL;
	if (!as->spare)
		as->spare = vma;
	else
		slab_free(vma_cache, vma);
}

void vma_link_object(struct vma *vma)
{
	mutex_lock(&vma->object->lock);
	list_push_back(&vma->object->mappings, &vma->object_link);
	if (unlikely(vma->object->ops->mapped))
		vma->object->ops->mapped(vma->object, 1);
	mutex_unlock(&vma->object->lock);
}

void vma_unlink_object(struct vma *vma)
{
	mutex_lock(&vma->object->lock);
	list_remove(&vma->object_link);
	if (unlikely(vma->object->ops->mapped))
		vma->object->ops->mapped(vma->object, -1);
	mutex_unlock(&vma->object->lock);
}

void vma_link(struct address_space *as, struct vma *vma)
{
	struct vma_place at = vma_tree_locate(&as->vmas, vma->start);

	vma_link_at(as, vma, &at);
}

static void remove_from_space(struct address_space *as, struct vma *vma)
{
	vma_tree_remove(&as->vmas, vma);
	as->vma_count--;
	address_space_note_mapped(as);
	as->mapped_bytes -= vma->end - vma->start;
}

void vma_unlink(struct address_space *as, struct vma *vma)
{
	if (vma->object)
		vma_unlink_object(vma);
	remove_from_space(as, vma);
}

void vma_set_bounds(struct address_space *as, struct vma *vma, uint64_t start, uint64_t end)
{
	vma_lock_object(vma);
	address_space_note_mapped(as);
	as->mapped_bytes += (end - start) - (vma->end - vma->start);
	if (vma->object)
		vma->offset += start - vma->start;
	vma_tree_resize(&as->vmas, vma, start, end);
	vma_unlock_object(vma);
}

struct vma *vma_split(struct address_space *as, struct vma *vma, uint64_t at)
{
	struct vma *upper = as->vma_count < VMA_COUNT_MAX ? vma_alloc(as) : NULL;
	struct vma_place place;

	if (!upper)
		return NULL;
	*upper = *vma;
	upper->start = at;
	/* What lies above the cut has nothing to do with growing down. */
	if (upper->object) {
		upper->offset += at - vma->start;
		vm_object_get(upper->object);
	}
	/* At no time does the object miss somebody who maps a page: truncation and write-back look for them. */
	if (upper->object)
		vma_link_object(upper);
	vma_set_bounds(as, vma, vma->start, at);
	place = vma_tree_locate(&as->vmas, at);
	vma_insert_at(as, upper, &place);
	return upper;
}

/* Joins @right to @left. */
static void join(struct address_space *as, struct vma *left, struct vma *right)
{
	uint64_t end = right->end;

	__atomic_fetch_or(&left->flags, right->flags & (VMA_HAS_COPIES | VMA_TOUCHED), __ATOMIC_RELAXED);
	remove_from_space(as, right);
	vma_set_bounds(as, left, left->start, end);
	if (right->object) {
		vma_unlink_object(right);
		vm_object_put(right->object);
	}
	vma_free(as, right);
}

struct vma *vma_merge(struct address_space *as, struct vma *vma)
{
	struct vma *prev = vma_prev(vma), *next = vma_next(vma);

	if (next && vma_can_merge(vma, next))
		join(as, vma, next);
	if (prev && vma_can_merge(prev, vma)) {
		join(as, prev, vma);
		vma = prev;
	}
	return vma;
}

/* Recursion: as deep as the tree. */
static void free_subtree(struct rb_node *node)
{
	while (node) {
		struct rb_node *left = node->left;
		struct vma *vma = rb_entry(node, struct vma, node);
		struct vm_object *object = vma->object;

		free_subtree(node->right);
		if (object) {
			vma_unlink_object(vma);
			vm_object_put(object);
		}
		slab_free(vma_cache, vma);
		node = left;
	}
}

void vma_free_all(struct address_space *as)
{
	free_subtree(as->vmas.links.root);
	as->vmas.links.root = NULL;
	if (as->spare)
		slab_free(vma_cache, as->spare);
}
