/* SPDX-License-Identifier: MIT */
/*
 * What debuggers open: /proc/PID/mem, the memory, and auxv. Whoever reads or writes mem is looked at each time, not only who opened it. It is the memory of the
 * program that ran then: a set-id program that is given such a file of its own process as its output must not write to itself.
 */
#include "lib/errno.h"
#include "mm/address_space.h"
#include "mm/heap.h"
#include "mm/poke.h"
#include "mm/user_copy.h"
#include "process/process.h"
#include "vfs/file.h"
#include "vfs/procfs/nodes.h"
#include "vfs/vnode.h"

int proc_show_auxv(struct proc_text *text, const struct proc_subject *subject)
{
	struct address_space *as = process_get_address_space(subject->process);
	char *room;
	int error;

	if (!as)
		return 0;
	error = proc_check_inspect(subject->process);
	if (!error && !process_has_address_space(subject->process, as))
		error = -EACCES;
	room = error ? NULL : proc_text_reserve(text, as->auxv_size);
	if (room)
		proc_text_commit(text, address_space_access(as, as->auxv_start, room, as->auxv_size, false));
	address_space_put(as);
	return error;
}

/* Moves at most a page by way of @buffer. Bytes, or -EIO where the process has none, -EFAULT. */
static ssize_t move_part(struct address_space *as, struct uio *uio, uint64_t addr, void *buffer, bool write)
{
	size_t len = MIN(uio->left, (size_t)PAGE_SIZE), moved;

	if (write) {
		len = uio_read_from(uio, buffer, len);
		if (!len)
			return -EFAULT;
	}
	len = MIN(len, user_range_ok(addr, 1) ? (size_t)(USER_END - addr) : 0);
	moved = write ? address_space_poke(as, addr, buffer, len) : address_space_read_any(as, addr, buffer, len);
	if (!moved)
		return -EIO;
	return write ? (ssize_t)moved : (ssize_t)uio_write_to(uio, buffer, moved) ?: -EFAULT;
}

static ssize_t move(struct address_space *as, struct uio *uio, uint64_t *pos, bool write)
{
	void *buffer = kmalloc(PAGE_SIZE);
	ssize_t total = 0, moved = buffer ? 1 : -ENOMEM;

	while (moved > 0 && uio->left) {
		size_t wanted = MIN(uio->left, (size_t)PAGE_SIZE);

		moved = move_part(as, uio, *pos, buffer, write);
		if (moved > 0) {
			*pos += moved;
			total += moved;
		}
		if (moved != (ssize_t)wanted)
			break;
	}
	kfree(buffer);
	return total ? total : moved;
}

/* An open file. */
struct memory_file {
	struct process *process;
	uint32_t program;	/* process->exec_count when it was opened */
};

static ssize_t move_memory(struct file *file, struct uio *uio, uint64_t *pos, bool write)
{
	const struct memory_file *memory = file->private;
	struct process *process = memory->process;
	struct address_space *as = process_get_address_space(process);
	ssize_t result;

	if (!as)
		return 0;	/* it has ended */
	result = proc_check_inspect(process);
	if (!result && !process_has_address_space(process, as))
		result = -EACCES;
	/* Looked at after @as was taken: exec counts before it replaces that. */
	if (!result && atomic_load(&process->exec_count) == memory->program && uio->left)
		result = move(as, uio, pos, write);
	address_space_put(as);
	return result;
}

static ssize_t memory_read(struct file *file, struct uio *uio, uint64_t *pos)
{
	return move_memory(file, uio, pos, false);
}

static ssize_t memory_write(struct file *file, struct uio *uio, uint64_t *pos)
{
	return move_memory(file, uio, pos, true);
}

static void memory_release(struct file *file)
{
	struct memory_file *memory = file->private;

	process_put(memory->process);
	kfree(memory);
}

static const struct file_ops memory_ops = { .read = memory_read, .write = memory_write, .seek = file_seek_anywhere, .release = memory_release };

int proc_open_memory(struct file *file)
{
	struct memory_file *memory;
	struct proc_node node;
	int error = proc_node_get(file->vnode->node, &node);

	if (error)
		return error;
	memory = kmalloc(sizeof(*memory));
	if (memory) {
		*memory = (struct memory_file){ node.subject.process, atomic_load(&node.subject.process->exec_count) };
		error = proc_check_inspect(node.subject.process);
	} else {
		error = -ENOMEM;
	}
	if (!error) {
		process_get(memory->process);
		file->private = memory;
		file->ops = &memory_ops;
	} else {
		kfree(memory);
	}
	proc_node_put(&node);
	return error;
}
