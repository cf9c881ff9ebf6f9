/* SPDX-License-Identifier: MIT */
/*
 * Writing pages: in place, or as a group of commits' new data. It needs no memory, waits for the disk only, and asks no server.
 *
 * A page is written as a whole but for blocks that it may not write: holes, and new data of a group whose turn has not come. Then it stays dirty.
 */
#include "vfs/mapped/internal.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame_records.h"
#include "vfs/regular_file.h"

/* Pages that are written together, and the request that is being put together. */
struct batch {
	struct mapped_file *file;
	struct written *written;
	uint64_t limit;			/* bytes of the file; what is beyond is written as zeroes */
	/* New data of the group that is written now, which are ours to write: blocks of the file, and the disk's that they begin with. */
	uint64_t run_first, run_count, run_block;
	unsigned count;
	uint64_t index[MAPPED_BATCH];
	struct frame *frames[MAPPED_BATCH];	/* NULL: the page is not dirty; what it has of the group's blocks are zeroes */
	int errors[MAPPED_BATCH];
	struct disk_request request;
	unsigned first_page;		/* the request has blocks of pages from this one on */
	struct disk_segment segments[2 * MAPPED_BATCH];
};

static void submit(struct batch *batch, unsigned last_page)
{
	struct mapped_file *file = batch->file;
	int error;

	if (!batch->request.segment_count)
		return;
	error = disk_run(file->mapped->disk, &batch->request);
	batch->request.segment_count = 0;
	if (!error)
		return;
	mapped_failed(file->vnode, error);
	batch->written->error = error;
	for (unsigned i = batch->first_page; i <= last_page; i++)
		batch->errors[i] = error;
}

static void add_segment(struct batch *batch, paddr_t start, uint64_t len)
{
	if (len)
		batch->segments[batch->request.segment_count++] = (struct disk_segment){ start, len };
}

/* Adds blocks of page @page of the batch to the request, or begins another one. */
static void add_blocks(struct batch *batch, unsigned page, const struct place *place, uint64_t position)
{
	const struct mapped_fs *mapped = batch->file->mapped;
	struct disk_request *request = &batch->request;
	uint64_t len = place->count << mapped->block_shift, data = 0;
	uint64_t sector = mapped_sector(mapped, place->block);

	if (request->segment_count && (request->sector + request->sector_count != sector || request->segment_count + 2 > ARRAY_LEN(batch->segments)))
		submit(batch, page);
	if (!request->segment_count) {
		*request = (struct disk_request){ .operation = DISK_WRITE, .sector = sector, .segments = batch->segments };
		batch->first_page = page;
	}
	request->sector_count += mapped_sector(mapped, place->count);
	if (batch->frames[page] && position < batch->limit)
		data = MIN(len, ROUND_UP(batch->limit - position, 8));
	if (data)
		add_segment(batch, frame_phys(batch->frames[page]) + (position & (PAGE_SIZE - 1)), data);
	add_segment(batch, frame_phys(mapped->zeroes), len - data);
}

static bool is_clear(const struct frame *frame, uint64_t position, uint64_t len)
{
	const uint64_t *word = (const uint64_t *)((char *)frame_virt(frame) + (position & (PAGE_SIZE - 1)));

	for (; len && !*word; word++)
		len -= sizeof(*word);
	return !len;
}

/* What a page has in blocks without a place must not be lost. */
static void note_homeless(struct batch *batch, unsigned page, uint64_t position, uint64_t len)
{
	if (position >= batch->limit || is_clear(batch->frames[page], position, len))
		return;
	batch->errors[page] = -EAGAIN;
	if (!batch->written->homeless)
		batch->written->index = batch->index[page];
	batch->written->homeless = true;
}

/* Where a block is. Of the group's run that is known, whatever has become of the file meanwhile. */
static struct place find(const struct batch *batch, uint64_t block, uint64_t most)
{
	struct place place = { .kind = PLACE_NOW, .count = most };

	if (block - batch->run_first < batch->run_count) {
		place.block = batch->run_block + (block - batch->run_first);
		place.count = MIN(most, batch->run_first + batch->run_count - block);
		return place;
	}
	if (block < batch->run_first)
		most = MIN(most, batch->run_first - block);
	place = mapped_find(batch->file, block, most);
	/* Another run of the group: it has its own turn, and until then the page stays dirty. */
	place.kind = place.kind == PLACE_NOW ? PLACE_NEW : place.kind;
	return place;
}

static void add_page(struct batch *batch, unsigned page)
{
	unsigned shift = batch->file->mapped->block_shift;
	uint64_t position = batch->index[page] << PAGE_SHIFT, end = position + PAGE_SIZE, len;

	for (; position < end; position += len) {
		struct place place = find(batch, position >> shift, (end - position) >> shift);

		len = place.count << shift;
		if (place.kind == PLACE_NOW) {
			add_blocks(batch, page, &place, position);
		} else if (!batch->frames[page]) {
			continue;
		} else if (place.kind == PLACE_NEW || place.kind == PLACE_PROMISED) {
			batch->errors[page] = -EAGAIN;
			batch->written->later |= place.kind == PLACE_NEW;
		} else if (place.kind != PLACE_DISK) {
			note_homeless(batch, page, position, len);
		} else if (position < batch->limit) {
			add_blocks(batch, page, &place, position);
		}
	}
}

static void write_batch(struct batch *batch)
{
	struct vm_object *object = &batch->file->vnode->object;

	/* The pages have been marked as clean before. */
	batch->limit = mapped_limit(batch->file);
	memset(batch->errors, 0, sizeof(batch->errors));
	batch->request.segment_count = 0;
	for (unsigned i = 0; i < batch->count; i++)
		add_page(batch, i);
	submit(batch, batch->count - 1);
	for (unsigned i = 0; i < batch->count; i++)
		if (batch->frames[i])
			vm_object_end_write_back(object, batch->index[i], batch->frames[i], batch->errors[i]);
	batch->count = 0;
}

/* ---- In place ---- */

void mapped_write_in_place(struct mapped_file *file, uint64_t first, uint64_t end, struct written *written)
{
	struct vm_object *object = &file->vnode->object;
	unsigned shift = PAGE_SHIFT - file->mapped->block_shift;
	struct batch batch = { .file = file, .written = written };

	mutex_lock(&file->lock);
	end = MIN(end, file->barrier);
	mutex_unlock(&file->lock);
	/* No page is beyond, so that what is left dirty is not looked for there. */
	end = MIN(end, (FILE_SIZE_MAX >> PAGE_SHIFT) + 1);
	while (first < end && vm_object_has_dirty(object)) {
		struct place place = mapped_find(file, first << shift, UINT64_MAX >> PAGE_SHIFT);
		uint64_t stop = MAX(MIN(end, first + (place.count >> shift)), first + 1), index = first;

		/* What a group is to write is left alone, and what was promised since promises were kept. */
		if ((place.kind >= PLACE_NEW || place.kind == PLACE_PROMISED) && place.count >> shift) {
			written->later |= place.kind >= PLACE_NEW;
			first = stop;
			continue;
		}
		while (batch.count < MAPPED_BATCH && (batch.frames[batch.count] = vm_object_begin_write_back(object, &index, stop)))
			batch.index[batch.count++] = index++;
		first = batch.count == MAPPED_BATCH ? index : stop;
		if (batch.count == MAPPED_BATCH)
			write_batch(&batch);
	}
	if (batch.count)
		write_batch(&batch);
}

/* ---- New data of a group ---- */

/* The group's turn: dirty pages are written, and what is not dirty has no data. Each block of the run is written just once. */
static void write_new(struct mapped_file *file, uint64_t first, uint64_t block, uint64_t count, struct written *written)
{
	struct vm_object *object = &file->vnode->object;
	unsigned shift = PAGE_SHIFT - file->mapped->block_shift;
	uint64_t end = ((first + count - 1) >> shift) + 1;
	struct batch batch = { .file = file, .written = written, .run_first = first, .run_count = count, .run_block = block };

	mutex_lock(&file->write_back_lock);
	for (uint64_t index = first >> shift; index < end; index++) {
		uint64_t found = index;

		batch.frames[batch.count] = vm_object_begin_write_back(object, &found, index + 1);
		batch.index[batch.count++] = index;
		if (batch.count == MAPPED_BATCH || index + 1 == end)
			write_batch(&batch);
	}
	mutex_unlock(&file->write_back_lock);
	mapped_forget_clean(file);
}

/*
 * The group's data are written again, as a flush failed: what of them is in memory. What is not must stay as it is on the disk. Dirty pages stay dirty.
 */
static void write_again(struct mapped_file *file, uint64_t first, uint64_t block, uint64_t count, struct written *written)
{
	const struct mapped_fs *mapped = file->mapped;

	for (uint64_t i = 0; i < count; i++) {
		uint64_t position = (first + i) << mapped->block_shift;
		struct frame *frame = vm_object_find_page(&file->vnode->object, position >> PAGE_SHIFT);
		int error;

		if (!frame)
			continue;
		error = disk_transfer(mapped->disk, DISK_WRITE, mapped_sector(mapped, block + i), mapped_sector(mapped, 1),
				      (char *)frame_virt(frame) + (position & (PAGE_SIZE - 1)));
		if (error)
			written->error = error;
		frame_put(frame);
	}
}

static int write_zeroes(struct mapped_fs *mapped, uint64_t block, uint64_t count)
{
	struct disk_segment segments[MAPPED_BATCH];
	int error = 0;

	for (unsigned i = 0; i < MAPPED_BATCH; i++)
		segments[i] = (struct disk_segment){ frame_phys(mapped->zeroes), 1u << mapped->block_shift };
	while (count) {
		struct disk_request request = { .operation = DISK_WRITE, .sector = mapped_sector(mapped, block), .segments = segments };
		int failed;

		request.segment_count = MIN(count, (uint64_t)MAPPED_BATCH);
		request.sector_count = mapped_sector(mapped, request.segment_count);
		failed = disk_run(mapped->disk, &request);
		error = failed ? failed : error;
		block += request.segment_count;
		count -= request.segment_count;
	}
	return error;
}

/* The run of the group's new data that holds @block, or NULL; *@count is cut to where that changes. new_lock held. */
static struct new_run *run_of_group(struct mapped_fs *mapped, uint64_t block, uint64_t group, uint64_t *count)
{
	struct new_run *run = new_data_find(&mapped->new_data, block);

	if (!run)
		return NULL;
	if (run->block > block) {
		*count = MIN(*count, run->block - block);
		return NULL;
	}
	*count = MIN(*count, run->block + run->count - block);
	return run->group == group ? run : NULL;
}

/* A new group: all before it are on the disk. new_lock held. Whether this one has been written before. */
static bool begin_group(struct mapped_fs *mapped, uint64_t group)
{
	if (group > mapped->writing_group) {
		mapped->written_group = group - 1;
		mapped->writing_group = group;
		new_data_prune(&mapped->new_data, group);
	}
	return group <= mapped->written_group;
}

/* Writes what the run's file has for @count blocks from @block on. new_lock held, and let go meanwhile. False: the file is not in memory. */
static bool write_run(struct mapped_fs *mapped, const struct new_run *run, uint64_t block, uint64_t count, bool again, struct written *written)
{
	struct mapped_file *file = run->file;
	uint64_t first = run->first + (block - run->block);
	struct vnode *vnode = file ? file->vnode : NULL;

	if (!vnode || !refcount_get_unless_zero(&vnode->object.refs))
		return false;
	mutex_unlock(&mapped->new_lock);
	if (again)
		write_again(file, first, block, count, written);
	else
		write_new(file, first, block, count, written);
	vnode_put(vnode);
	mutex_lock(&mapped->new_lock);
	return true;
}

/*
 * Blocks that are no run of the group, or not any more, were freed since, or who allocated them has not come to know it yet: nothing shows them but what
 * comes with this group, and that has to see zeroes. Whoever learns of them later writes in place.
 */
void mapped_write_data(void *context, uint64_t block, uint64_t count, uint64_t group)
{
	struct mapped_fs *mapped = context;
	struct written written = { 0 };
	bool again;

	mutex_lock(&mapped->new_lock);
	again = begin_group(mapped, group);
	while (count) {
		uint64_t some = count;
		const struct new_run *run = run_of_group(mapped, block, group, &some);

		if (!(run && write_run(mapped, run, block, some, again, &written)) && !(run && again)) {
			int error;

			mutex_unlock(&mapped->new_lock);
			error = write_zeroes(mapped, block, some);
			written.error = error ? error : written.error;
			mutex_lock(&mapped->new_lock);
		}
		block += some;
		count -= some;
	}
	if (written.error)
		mapped->data_error = written.error;
	mutex_unlock(&mapped->new_lock);
}

int mapped_wait_data(void *context)
{
	struct mapped_fs *mapped = context;
	int error;

	mutex_lock(&mapped->new_lock);
	error = mapped->data_error;
	mapped->data_error = 0;
	mapped->written_group = MAX(mapped->written_group, mapped->writing_group);
	mutex_unlock(&mapped->new_lock);
	wake_all(&mapped->queue);
	return error;
}
