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
	if (vma->flags & VMA_LOCKED)
		memory->locked += len;
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
	memory->mapped_peak = MAX(as->mapped_peak, as->mapped_bytes);
	memory->brk_start = as->brk_start;
	rwlock_read_unlock(&as->lock);
	memory->resident = (uint64_t)atomic_load_relaxed(&as->resident) << PAGE_SHIFT;
	memory->resident_peak = MAX((uint64_t)address_space_resident_peak(as) << PAGE_SHIFT, memory->resident);
	memory->tables = (uint64_t)atomic_load_relaxed(&as->table_pages) << PAGE_SHIFT;
	memory->stack_top = as->stack_top;
	memory->arg_start = as->arg_start;
	memory->arg_end = as->arg_end;
	memory->env_start = as->env_start;
	memory->env_end = as->env_end;
	address_space_put(as);
}

void proc_get_resident_kinds(struct process *process, uint64_t resident, uint64_t *anonymous, uint64_t *shared)
{
	struct address_space *as = process_get_address_space(process);
	uint64_t usage[USAGE_COUNT] = { 0 };

	*shared = 0;
	if (as) {
		rwlock_read_lock(&as->lock);
		for (struct rb_node *node = rb_first(&as->vmas.links); node; node = rb_next(node)) {
			const struct vma *vma = rb_entry(node, struct vma, node);
			uint64_t before = usage[USAGE_RESIDENT] - usage[USAGE_ANONYMOUS];

			address_space_get_usage(as, vma->start, vma->end, usage);
			if (vma->object && !vma->object->ops->fill && !vma->object->ops->fill_pages)
				*shared += usage[USAGE_RESIDENT] - usage[USAGE_ANONYMOUS] - before;
		}
		rwlock_read_unlock(&as->lock);
		address_space_put(as);
	}
	/* Where nobody looks any more pages come and go; and the page of zeroes is nobody's. */
	*anonymous = MIN(usage[USAGE_ANONYMOUS], resident);
	*shared = MIN(*shared, resident - *anonymous);
}

int proc_show_statm(struct proc_text *text, const struct proc_subject *subject)
{
	struct proc_memory memory;
	uint64_t anonymous, shared;

	proc_get_memory(subject->process, &memory);
	proc_get_resident_kinds(subject->process, memory.resident, &anonymous, &shared);
	proc_text_print(text, "%llu %llu %llu %llu 0 %llu 0\n", (unsigned long long)memory.mapped >> PAGE_SHIFT,
			(unsigned long long)memory.resident >> PAGE_SHIFT, (unsigned long long)(memory.resident - anonymous) >> PAGE_SHIFT,
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

/* Ends the line that began at @start with the name, if there is one, in its column. */
static void add_name(struct proc_text *text, size_t start, const char *name)
{
	enum { NAME_COLUMN = 73 };

	while (*name && !text->failed && text->len - start < NAME_COLUMN)
		proc_text_add(text, " ", 1);
	proc_text_print(text, "%s\n", name);
}

static void show_vma(struct proc_text *text, const struct vma *vma, char *name_buf)
{
	uint64_t dev = 0, inode = 0;
	size_t start = text->len;
	const char *name = vma_name(vma, name_buf, PATH_MAX_LEN);

	if (vma->object && vma->object->ops->identify)
		vma->object->ops->identify(vma->object, &dev, &inode);
	proc_text_print(text, "%08llx-%08llx %c%c%c%c %08llx %02x:%02x %llu ", (unsigned long long)vma->start, (unsigned long long)vma->end,
			vma->prot & PROT_READ ? 'r' : '-', vma->prot & PROT_WRITE ? 'w' : '-', vma->prot & PROT_EXEC ? 'x' : '-',
			vma->flags & MAP_SHARED ? 's' : 'p', (unsigned long long)(vma->object && !(vma->flags & VMA_VDSO) ? vma->offset : 0), dev_major(dev),
			dev_minor(dev), (unsigned long long)inode);
	add_name(text, start, name);
}

/* From @first on. */
static void show_usage(struct proc_text *text, const uint64_t *usage, unsigned first)
{
	static const char names[USAGE_COUNT][15] = { "Size:", "Rss:", "Pss:", "Shared_Clean:", "Shared_Dirty:", "Private_Clean:", "Private_Dirty:",
						     "Anonymous:", "Swap:" };

	for (unsigned i = first; i < USAGE_COUNT; i++)
		proc_text_print(text, PROC_KIB_FORMAT, names[i], (unsigned long long)usage[i] >> 10);
}

/* The mappings; what of each is in memory; the sums of that. */
enum mappings { MAPS, SMAPS, ROLLUP };

/* as->lock held. */
static void add_mappings(struct proc_text *text, struct address_space *as, enum mappings what, char *name)
{
	struct rb_node *first = rb_first(&as->vmas.links);
	uint64_t usage[USAGE_COUNT] = { 0 };

	for (struct rb_node *node = first; node && !text->failed; node = rb_next(node)) {
		const struct vma *vma = rb_entry(node, struct vma, node);

		if (what != ROLLUP)
			show_vma(text, vma, name);
		if (what != MAPS)
			address_space_get_usage(as, vma->start, vma->end, usage);
		if (what == SMAPS) {
			show_usage(text, usage, USAGE_SIZE);
			memset(usage, 0, sizeof(usage));
		}
	}
	if (what == ROLLUP && first) {
		proc_text_print(text, "%08llx-%08llx ---p 00000000 00:00 0 ", (unsigned long long)rb_entry(first, struct vma, node)->start,
				(unsigned long long)rb_entry(rb_last(&as->vmas.links), struct vma, node)->end);
		add_name(text, 0, "[rollup]");
		show_usage(text, usage, USAGE_RESIDENT);
	}
}

static int show_mappings(struct proc_text *text, const struct proc_subject *subject, enum mappings what)
{
	int error = proc_check_inspect(subject->process);	/* it may have become a set-id program since the file was opened */
	struct address_space *as;
	char *name;

	if (error)
		return error;
	as = process_get_address_space(subject->process);
	if (!as)
		return 0;
	name = kmalloc(PATH_MAX_LEN);
	if (name) {
		rwlock_read_lock(&as->lock);
		add_mappings(text, as, what, name);
		rwlock_read_unlock(&as->lock);
		kfree(name);
	}
	address_space_put(as);
	return name ? 0 : -ENOMEM;
}

int proc_show_maps(struct proc_text *text, const struct proc_subject *subject)
{
	return show_mappings(text, subject, MAPS);
}

int proc_show_smaps(struct proc_text *text, const struct proc_subject *subject)
{
	return show_mappings(text, subject, SMAPS);
}

int proc_show_smaps_rollup(struct proc_text *text, const struct proc_subject *subject)
{
	return show_mappings(text, subject, ROLLUP);
}
