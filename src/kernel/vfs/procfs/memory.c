/* SPDX-License-Identifier: MIT */
/* What /proc shows of a process's memory: maps, statm, and the sums for stat and status. */
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/address_space.h"
#include "mm/heap.h"
#include "process/process.h"
#include "vfs/file.h"
#include "vfs/procfs/entry.h"

#include <linux/mman.h>

static void add_vma(struct proc_memory *memory, const struct vma *vma)
{
	uint64_t len = vma->end - vma->start;

	if (vma->flags & (VMA_STACK | VMA_GROWS_DOWN))
		memory->stack += len;
	if (vma->prot & PROT_EXEC)
		memory->program += len;
	else if (vma->prot & PROT_WRITE && !(vma->flags & MAP_SHARED))
		memory->data += len;
	if (vma->flags & MAP_SHARED && vma->object)
		memory->shared += MIN(len, atomic_load_relaxed(&vma->object->page_count) << PAGE_SHIFT);
}

void proc_get_memory(struct process *process, struct proc_memory *memory)
{
	struct address_space *as = process_get_address_space(process);
	struct rb_node *node;

	memset(memory, 0, sizeof(*memory));
	if (!as)
		return;
	rwlock_read_lock(&as->lock);
	for (node = rb_first(&as->vmas.links); node; node = rb_next(node))
		add_vma(memory, rb_entry(node, struct vma, node));
	memory->mapped = as->mapped_bytes;
	memory->brk_start = as->brk_start;
	rwlock_read_unlock(&as->lock);
	memory->resident = (uint64_t)atomic_load_relaxed(&as->resident) << PAGE_SHIFT;
	memory->tables = (uint64_t)atomic_load_relaxed(&as->table_pages) << PAGE_SHIFT;
	memory->shared = MIN(memory->shared, memory->resident);
	memory->stack_top = as->stack_top;
	memory->arg_start = as->arg_start;
	memory->arg_end = as->arg_end;
	memory->env_start = as->env_start;
	memory->env_end = as->env_end;
	address_space_put(as);
}

int proc_show_statm(struct proc_text *text, const struct proc_subject *subject)
{
	struct proc_memory memory;

	proc_get_memory(subject->process, &memory);
	proc_text_print(text, "%llu %llu %llu %llu 0 %llu 0\n", (unsigned long long)memory.mapped >> PAGE_SHIFT,
			(unsigned long long)memory.resident >> PAGE_SHIFT, (unsigned long long)memory.shared >> PAGE_SHIFT,
			(unsigned long long)memory.program >> PAGE_SHIFT, (unsigned long long)(memory.data + memory.stack) >> PAGE_SHIFT);
	return 0;
}

static const char *vma_name(const struct vma *vma, char *buf, size_t size)
{
	if (vma->flags & VMA_HEAP)
		return "[heap]";
	if (vma->flags & (VMA_STACK | VMA_GROWS_DOWN))
		return "[stack]";
	if (vma->flags & VMA_VDSO)
		return vma->prot & PROT_EXEC ? "[vdso]" : "[vvar]";
	buf[0] = 0;
	if (vma->object && vma->object->ops->describe)
		vma->object->ops->describe(vma->object, buf, size);
	return buf;
}

static void show_vma(struct proc_text *text, const struct vma *vma, char *name_buf)
{
	enum { NAME_COLUMN = 73 };
	uint64_t dev = 0, inode = 0;
	size_t start = text->len;
	const char *name = vma_name(vma, name_buf, PATH_MAX_LEN);

	if (vma->object && vma->object->ops->identify)
		vma->object->ops->identify(vma->object, &dev, &inode);
	proc_text_print(text, "%08llx-%08llx %c%c%c%c %08llx %02x:%02x %llu ", (unsigned long long)vma->start, (unsigned long long)vma->end,
			vma->prot & PROT_READ ? 'r' : '-', vma->prot & PROT_WRITE ? 'w' : '-', vma->prot & PROT_EXEC ? 'x' : '-',
			vma->flags & MAP_SHARED ? 's' : 'p', (unsigned long long)(vma->object && !(vma->flags & VMA_VDSO) ? vma->offset : 0), dev_major(dev),
			dev_minor(dev), (unsigned long long)inode);
	while (*name && !text->failed && text->len - start < NAME_COLUMN)
		proc_text_add(text, " ", 1);
	proc_text_print(text, "%s\n", name);
}

static void show_usage(struct proc_text *text, struct address_space *as, const struct vma *vma)
{
	static const char names[USAGE_COUNT][15] = { "Size:", "Rss:", "Pss:", "Shared_Clean:", "Shared_Dirty:", "Private_Clean:", "Private_Dirty:",
						     "Anonymous:", "Swap:" };
	uint64_t usage[USAGE_COUNT];

	address_space_get_usage(as, vma->start, vma->end, usage);
	for (unsigned i = 0; i < USAGE_COUNT; i++)
		proc_text_print(text, PROC_KIB_FORMAT, names[i], (unsigned long long)usage[i] >> 10);
}

static int show_mappings(struct proc_text *text, const struct proc_subject *subject, bool usage)
{
	int error = proc_check_inspect(subject->process);	/* it may have become a set-id program since the file was opened */
	struct address_space *as;
	struct rb_node *node;
	char *name;

	if (error)
		return error;
	as = process_get_address_space(subject->process);
	if (!as)
		return 0;
	name = kmalloc(PATH_MAX_LEN);
	if (!name) {
		address_space_put(as);
		return -ENOMEM;
	}
	rwlock_read_lock(&as->lock);
	for (node = rb_first(&as->vmas.links); node && !text->failed; node = rb_next(node)) {
		show_vma(text, rb_entry(node, struct vma, node), name);
		if (usage)
			show_usage(text, as, rb_entry(node, struct vma, node));
	}
	rwlock_read_unlock(&as->lock);
	kfree(name);
	address_space_put(as);
	return 0;
}

int proc_show_maps(struct proc_text *text, const struct proc_subject *subject)
{
	return show_mappings(text, subject, false);
}

int proc_show_smaps(struct proc_text *text, const struct proc_subject *subject)
{
	return show_mappings(text, subject, true);
}
