/* SPDX-License-Identifier: MIT */
/*
 * Copying an address space for fork. The tree of VMAs is copied shape and all, so that nothing is searched or rebalanced; page tables are copied
 * where a page fault could not bring the page back: private anonymous memory and private file mappings with pages of their own. The code of small
 * programs is copied, too.
 */
#include "mm/address_space.h"
#include "mm/address_space_internal.h"
#include "mm/page_table.h"
#include "arch/x86_64/paging.h"

#include <linux/mman.h>

enum { CODE_PAGES_MAX = 64 };

struct fork_state {
	struct address_space *parent, *child;
	bool failed;
};

/* A few pages of code or constants: a child that returns from fork needs some of them at once, and a fault costs more than all of these. */
static bool is_small_code(const struct vma *vma)
{
	return !(vma->prot & PROT_WRITE) && vma->end - vma->start <= CODE_PAGES_MAX * PAGE_SIZE;
}

static bool needs_pages(const struct vma *vma)
{
	if ((vma->flags & (MAP_PRIVATE | VMA_TOUCHED)) != (MAP_PRIVATE | VMA_TOUCHED) || (vma->flags & (VMA_DONT_FORK | VMA_WIPE_ON_FORK)))
		return false;
	return !vma->object || (vma->flags & VMA_HAS_COPIES) || is_small_code(vma);
}

/* Copies @from and its subtree; recursion as deep as the tree is high. After a failure the copy is smaller but well-formed. */
static struct rb_node *copy_subtree(struct fork_state *state, struct rb_node *from, struct rb_node *parent)
{
	struct vma *original = rb_entry(from, struct vma, node);
	struct vma *vma = vma_alloc(state->child);

	if (!vma) {
		state->failed = true;
		return NULL;
	}
	*vma = *original;
	vma->as = state->child;
	vma->flags &= ~(unsigned)(VMA_LOCKED | VMA_LOCK_ON_FAULT);
	vma->node.parent = parent;
	vma->node.left = vma->node.right = NULL;
	if (vma->object) {
		vm_object_get(vma->object);
		vma_link_object(vma);
	}
	if (needs_pages(original) && page_table_copy(state->parent, state->child, original))
		state->failed = true;
	if (from->left && !state->failed)
		vma->node.left = copy_subtree(state, from->left, &vma->node);
	if (from->right && !state->failed)
		vma->node.right = copy_subtree(state, from->right, &vma->node);
	return &vma->node;
}

/* Leaves out what madvise asked not to give to children. */
static void apply_advice(struct address_space *child)
{
	struct vma *next;

	for (struct vma *vma = vma_first(&child->vmas); vma; vma = next) {
		next = vma_next(vma);
		if (!(vma->flags & VMA_DONT_FORK))
			continue;
		vma_unlink(child, vma);
		if (vma->object)
			vm_object_put(vma->object);
		vma_free(child, vma);
	}
}

struct address_space *address_space_fork(struct address_space *parent)
{
	struct address_space *child = address_space_alloc();
	struct fork_state state = { parent, child, false };

	if (!child)
		return NULL;
	rwlock_write_lock(&parent->lock);
	child->vma_count = parent->vma_count;
	child->mapped_bytes = parent->mapped_bytes;
	child->mmap_top = parent->mmap_top;
	child->map_hint = parent->map_hint;
	child->brk_start = parent->brk_start;
	child->brk = parent->brk;
	child->stack_top = parent->stack_top;
	child->fork_advice = parent->fork_advice;
	child->barriers = parent->barriers;
	child->arg_start = parent->arg_start;
	child->arg_end = parent->arg_end;
	child->env_start = parent->env_start;
	child->env_end = parent->env_end;
	address_space_copy_auxv(child, parent);
	child->stack_limit = parent->stack_limit;
	child->data_limit = parent->data_limit;
	child->space_limit = parent->space_limit;
	child->plain_limit = parent->plain_limit;
	child->vmas.count = parent->vmas.count;
	if (parent->vmas.links.root)
		child->vmas.links.root = copy_subtree(&state, parent->vmas.links.root, NULL);
	preempt_disable();
	tlb_flush_all(parent->root, false);
	preempt_enable();
	rwlock_write_unlock(&parent->lock);
	if (!state.failed && child->fork_advice)
		apply_advice(child);
	if (!state.failed)
		return child;
	address_space_put(child);
	return NULL;
}
