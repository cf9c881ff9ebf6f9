/* SPDX-License-Identifier: MIT */
/*
 * fsync and msync: the file's pages, then its attributes, then all commits up to now; new data are written with their group. What could not be written is
 * said once to each open file that was opened for writing before.
 */
#include "vfs/mapped/internal.h"
#include "lib/errno.h"
#include "vfs/file.h"

void mapped_opened(struct file *file)
{
	struct mapped_file *map = mapped_file_of(file->vnode);

	block_error_mark_init(mapped_of(file->vnode)->cache, &file->disk_errors);
	file->disk_errors.concerns = block_concern(file->vnode->node.id);
	file->page_errors = map ? atomic_load(&map->errors) : 0;
}

void mapped_failed(struct vnode *vnode, int error)
{
	vnode->map->last_error = error;
	atomic_add(&vnode->map->errors, 1);
}

static bool needs_attributes(struct vnode *vnode, bool data_only)
{
	bool result;

	spin_lock(&vnode->attr_lock);
	result = vnode->dirty & (data_only ? FS_SET_SIZE : ~0u);
	spin_unlock(&vnode->attr_lock);
	return result;
}

/* Everything that @vnode has from page @first to before @end. */
static int sync_vnode(struct vnode *vnode, uint64_t first, uint64_t end, bool data_only, struct block_error_mark *mark)
{
	struct mapped_file *file = atomic_load(&vnode->map);
	struct block_cache *cache = mapped_of(vnode)->cache;
	struct written written = { 0 };
	int error = 0;

	if (file)
		mapped_write_file(file, first, end, &written);
	if (needs_attributes(vnode, data_only))
		error = vnode_sync_attributes(vnode);
	error = block_sync_until(cache, mark, UINT64_MAX) ?: error;
	if (written.later && !error && !written.error) {
		/* Pages that their group has not written for us, as a rule none: now they may be written. */
		mapped_write_file(file, first, end, &written);
		error = block_sync_until(cache, mark, UINT64_MAX);
	}
	return written.error ? written.error : error;
}

/* Who was not opened for writing hears of what fails just now. */
static int sync_now(struct vnode *vnode, uint64_t first, uint64_t end, bool data_only)
{
	struct block_error_mark mark;

	block_error_mark_init(mapped_of(vnode)->cache, &mark);
	mark.first_commit = 0;
	mark.concerns = block_concern(vnode->node.id);
	return sync_vnode(vnode, first, end, data_only, &mark);
}

int mapped_fsync(struct file *file, bool data_only)
{
	struct vnode *vnode = file->vnode;
	struct mapped_file *map;
	uint64_t errors;
	int error;

	if (!file->writer)
		return sync_now(vnode, 0, UINT64_MAX, data_only);
	error = sync_vnode(vnode, 0, UINT64_MAX, data_only, &file->disk_errors);
	map = atomic_load(&vnode->map);
	errors = map ? atomic_load(&map->errors) : 0;
	if (!error && errors != file->page_errors)
		error = map->last_error;
	file->page_errors = errors;
	return error;
}

int mapped_sync_pages(struct vm_object *object, uint64_t first, uint64_t end)
{
	return sync_now(vnode_of_object(object), first, end, true);
}
