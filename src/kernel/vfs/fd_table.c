/* SPDX-License-Identifier: MIT */
/* Descriptor tables: growing arrays of open files with a bitmap of what is taken. */
#include "vfs/fd_table.h"
#include "raeen/handles.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "vfs/fd_bitmap.h"
#include "vfs/file_life.h"
#include <asm/resource.h>
#include <linux/fcntl.h>

enum { FD_MAX = 1 << 20 };

static struct slab_cache *table_slab;

void fd_table_init(void)
{
	table_slab = slab_cache_create("fd_table", sizeof(struct fd_table), 64);
	if (!table_slab)
		panic("vfs: no memory for descriptor tables");
}

struct fd_table *fd_table_create(void)
{
	struct fd_table *table = slab_zalloc(table_slab);

	if (!table)
		return NULL;
	refcount_init(&table->refs, 1);
	spinlock_init(&table->lock, LOCK_FD_TABLE);
	table->capacity = FD_TABLE_INLINE;
	table->files = table->inline_files;
	table->open_bits = &table->inline_bits[0];
	table->cloexec_bits = &table->inline_bits[1];
	return table;
}

/* A block for @capacity descriptors: the files, then the three bitmaps. */
static struct file **arrays_alloc(unsigned capacity)
{
	return kmalloc_array(1, capacity * sizeof(struct file *) + 3 * (capacity / 8));
}

/* Points @table at its (cleared) new arrays and copies the old content. Returns what to kfree. Lock held, or table not yet shared. */
static void *arrays_use(struct fd_table *table, struct file **files, unsigned capacity)
{
	void *old = table->files == table->inline_files ? NULL : table->files;
	uint64_t *bits = (uint64_t *)(files + capacity);

	memcpy(files, table->files, table->capacity * sizeof(*files));
	memcpy(bits, table->open_bits, table->capacity / 8);
	memcpy(bits + capacity / 64, table->cloexec_bits, table->capacity / 8);
	memcpy(bits + capacity / 64 * 2, fd_clofork_bits(table), table->capacity / 8);
	table->files = files;
	table->open_bits = bits;
	table->cloexec_bits = bits + capacity / 64;
	table->capacity = capacity;
	return old;
}

/* Makes room for descriptor @fd. Called and returns without the lock. */
static int table_grow(struct fd_table *table, unsigned fd)
{
	unsigned capacity = FD_TABLE_INLINE;
	struct file **files;
	void *unused;

	while (capacity <= fd)
		capacity *= 2;
	files = arrays_alloc(capacity);
	if (!files)
		return -ENOMEM;
	spin_lock(&table->lock);
	unused = table->capacity < capacity ? arrays_use(table, files, capacity) : files;
	spin_unlock(&table->lock);
	kfree(unused);
	return 0;
}

/* Takes the close-on-fork descriptors out of @copy, which nobody else has seen, or marks them there. @table's lock held. */
static void copy_clofork(struct fd_table *copy, const struct fd_table *table, bool fork)
{
	const uint64_t *bits = fd_clofork_bits(table);

	copy->has_clofork = !fork;
	for (unsigned fd = 0; (fd = fd_bits_find_set(bits, table->capacity, fd)) < table->capacity; fd++) {
		struct file *file = copy->files[fd];

		if (!file)
			continue;
		if (!fork) {
			fd_bit_set(fd_clofork_bits(copy), fd);
			continue;
		}
		copy->files[fd] = NULL;
		fd_bit_clear(copy->open_bits, fd);
		fd_bit_clear(copy->cloexec_bits, fd);
		refcount_put(&file->refs);	/* never the last one: @table has it open */
	}
}

struct fd_table *fd_table_copy(struct fd_table *table, bool fork)
{
	struct fd_table *copy = fd_table_create();
	struct file **files = NULL;
	unsigned capacity;

	if (!copy)
		return NULL;
	spin_lock(&table->lock);
	while ((capacity = table->capacity) > copy->capacity) {
		spin_unlock(&table->lock);
		files = arrays_alloc(capacity);
		if (!files) {
			fd_table_put(copy);
			return NULL;
		}
		kfree(arrays_use(copy, files, capacity));
		spin_lock(&table->lock);
	}
	for (unsigned fd = 0; (fd = fd_bits_find_set(table->open_bits, capacity, fd)) < capacity; fd++) {
		struct file *file = table->files[fd];

		if (!file)
			continue;	/* another thread is just opening it */
		file_get(file);
		copy->files[fd] = file;
		fd_bit_set(copy->open_bits, fd);
		if (fd_bit(table->cloexec_bits, fd))
			fd_bit_set(copy->cloexec_bits, fd);
	}
	if (unlikely(table->has_clofork))
		copy_clofork(copy, table, fork);
	spin_unlock(&table->lock);
	return copy;
}

void fd_table_get(struct fd_table *table)
{
	refcount_get(&table->refs);
}

/* Takes descriptor @fd out. NULL if it was not open. Lock held. */
static inline struct file *remove_locked(struct fd_table *table, unsigned fd)
{
	struct file *file = fd < table->capacity ? table->files[fd] : NULL;

	if (!file)
		return NULL;
	table->files[fd] = NULL;
	fd_bit_clear(table->open_bits, fd);
	fd_bit_clear(table->cloexec_bits, fd);
	if (unlikely(table->has_clofork))
		fd_bit_clear(fd_clofork_bits(table), fd);
	if (fd < table->lowest_free)
		table->lowest_free = fd;
	return file;
}

/* Closes the open descriptors that are set in @which (open_bits or cloexec_bits). */
static void close_set(struct fd_table *table, bool only_cloexec)
{
	unsigned fd = 0;

	for (;; fd++) {
		struct file *file = NULL;
		unsigned capacity;

		spin_lock(&table->lock);
		capacity = table->capacity;
		fd = fd_bits_find_set(only_cloexec ? table->cloexec_bits : table->open_bits, capacity, fd);
		if (fd < capacity)
			file = remove_locked(table, fd);
		spin_unlock(&table->lock);
		if (fd >= capacity)
			return;
		if (file)
			file_descriptor_closed(file, table);
	}
}

void fd_table_put(struct fd_table *table)
{
	if (!refcount_put(&table->refs))
		return;
	close_set(table, false);
	if (table->files != table->inline_files)
		kfree(table->files);
	slab_free(table_slab, table);
}

void fd_table_close_on_exec(struct fd_table *table)
{
	close_set(table, true);
}

struct fd_ref fd_borrow_counted(struct fd_table *table, unsigned fd)
{
	struct file *file = fd_get_from(table, fd);

	return (struct fd_ref){ file, file != NULL };
}

struct file *fd_get_from(struct fd_table *table, int fd)
{
	struct file *file;

	spin_lock(&table->lock);
	file = (unsigned)fd < table->capacity ? table->files[fd] : NULL;
	if (file)
		file_get(file);
	spin_unlock(&table->lock);
	return file;
}

struct file *fd_get(int fd)
{
	struct process *process = current_process();

	return process ? fd_get_from(process->files, fd) : NULL;
}

int fd_next_open(struct fd_table *table, int from)
{
	unsigned fd, capacity;

	spin_lock(&table->lock);
	capacity = table->capacity;
	fd = from < 0 ? 0 : from;
	while ((fd = fd_bits_find_set(table->open_bits, capacity, fd)) < capacity && !table->files[fd])
		fd++;
	spin_unlock(&table->lock);
	return fd < capacity ? (int)fd : -1;
}

/* Lock held. */
static void set_flags_locked(struct fd_table *table, unsigned fd, unsigned flags)
{
	if (flags & FD_CLOEXEC)
		fd_bit_set(table->cloexec_bits, fd);
	else
		fd_bit_clear(table->cloexec_bits, fd);
	if (flags & FD_CLOFORK) {
		table->has_clofork = true;
		fd_bit_set(fd_clofork_bits(table), fd);
	} else if (table->has_clofork) {
		fd_bit_clear(fd_clofork_bits(table), fd);
	}
}

static unsigned flags_locked(const struct fd_table *table, unsigned fd)
{
	return (fd_bit(table->cloexec_bits, fd) ? FD_CLOEXEC : 0) | (fd_bit(fd_clofork_bits(table), fd) ? FD_CLOFORK : 0);
}

int fd_reserve(int from, bool close_on_exec)
{
	struct process *process = current_process();
	struct fd_table *table = process->files;
	uint64_t limit = MIN(atomic_load_relaxed(&process->limits[RLIMIT_NOFILE].soft), (uint64_t)FD_MAX);
	unsigned fd, capacity;
	int error;

	for (;;) {
		spin_lock(&table->lock);
		capacity = table->capacity;
		fd = MAX((unsigned)from, table->lowest_free);
		/* Mostly the one that was closed last. */
		if (unlikely(fd >= capacity || fd_bit(table->open_bits, fd)))
			fd = fd_bits_find_clear(table->open_bits, capacity, fd);
		if (fd < capacity || fd >= limit)
			break;
		spin_unlock(&table->lock);
		error = table_grow(table, MAX(fd, (unsigned)from));
		if (error)
			return error;
	}
	if (fd >= limit) {
		spin_unlock(&table->lock);
		return -EMFILE;
	}
	fd_bit_set(table->open_bits, fd);
	if (close_on_exec)
		fd_bit_set(table->cloexec_bits, fd);
	if ((unsigned)from <= table->lowest_free)
		table->lowest_free = fd + 1;
	spin_unlock(&table->lock);
	return fd;
}

void fd_fill(int fd, struct file *file)
{
	struct fd_table *table = current_process()->files;

	spin_lock(&table->lock);
	table->files[fd] = file;
	spin_unlock(&table->lock);
}

void fd_unreserve(int fd)
{
	struct fd_table *table = current_process()->files;

	spin_lock(&table->lock);
	fd_bit_clear(table->open_bits, fd);
	set_flags_locked(table, fd, 0);
	if ((unsigned)fd < table->lowest_free)
		table->lowest_free = fd;
	spin_unlock(&table->lock);
}

COLD int fd_reserve_many(unsigned count, int fds[], unsigned flags)
{
	struct fd_table *table = current_process()->files;

	for (unsigned i = 0; i < count; i++) {
		fds[i] = fd_reserve(0, flags & FD_CLOEXEC);
		if (fds[i] < 0) {
			int error = fds[i];

			while (i)
				fd_unreserve(fds[--i]);
			return error;
		}
		if (flags & FD_CLOFORK) {
			spin_lock(&table->lock);
			set_flags_locked(table, fds[i], flags);
			spin_unlock(&table->lock);
		}
	}
	return 0;
}

int fd_install(struct file *file, int from, bool close_on_exec)
{
	int fd = fd_reserve(from, close_on_exec);

	if (fd >= 0)
		fd_fill(fd, file);
	return fd;
}

int fd_install_handle(struct file *file)
{
	int fd, error = fd_reserve_many(1, &fd, FD_CLOEXEC | FD_CLOFORK);

	if (error)
		return error;
	fd_fill(fd, file);
	return fd;
}

int fd_replace(int to, struct file *file, bool close_on_exec)
{
	struct fd_table *table = current_process()->files;
	struct file *old;
	int error;

	if (to < 0 || to >= FD_MAX || (uint64_t)to >= process_limit(RLIMIT_NOFILE))
		return -EBADF;
	spin_lock(&table->lock);
	while ((unsigned)to >= table->capacity) {
		spin_unlock(&table->lock);
		error = table_grow(table, to);
		if (error)
			return error;
		spin_lock(&table->lock);
	}
	old = table->files[to];
	if (!old && fd_bit(table->open_bits, to)) {
		spin_unlock(&table->lock);
		return -EBUSY;	/* another thread is just opening it */
	}
	table->files[to] = file;
	fd_bit_set(table->open_bits, to);
	set_flags_locked(table, to, close_on_exec ? FD_CLOEXEC : 0);
	spin_unlock(&table->lock);
	if (old)
		file_descriptor_closed(old, table);
	return to;
}

long fd_close(int fd)
{
	struct fd_table *table = current_process()->files;
	struct file *file;

	spin_lock(&table->lock);
	file = remove_locked(table, fd);
	spin_unlock(&table->lock);
	if (unlikely(!file))
		return -EBADF;
	file_descriptor_closed(file, table);
	return 0;
}

void fd_close_file(int fd, const struct file *file)
{
	struct fd_table *table = current_process()->files;
	struct file *removed = NULL;

	spin_lock(&table->lock);
	if ((unsigned)fd < table->capacity && table->files[fd] == file)
		removed = remove_locked(table, fd);
	spin_unlock(&table->lock);
	if (removed)
		file_descriptor_closed(removed, table);
}

struct file *fd_get_from_with_flags(struct fd_table *table, int fd, unsigned *flags)
{
	struct file *file;

	spin_lock(&table->lock);
	file = (unsigned)fd < table->capacity ? table->files[fd] : NULL;
	if (file) {
		file_get(file);
		*flags = flags_locked(table, fd);
	}
	spin_unlock(&table->lock);
	return file;
}

int fd_get_flags(int fd)
{
	struct fd_table *table = current_process()->files;
	int result = -EBADF;

	spin_lock(&table->lock);
	if ((unsigned)fd < table->capacity && table->files[fd])
		result = flags_locked(table, fd);
	spin_unlock(&table->lock);
	return result;
}

int fd_set_flags(int fd, unsigned which, unsigned set)
{
	struct fd_table *table = current_process()->files;
	int result = -EBADF;

	spin_lock(&table->lock);
	if ((unsigned)fd < table->capacity && table->files[fd]) {
		set_flags_locked(table, fd, (flags_locked(table, fd) & ~which) | set);
		result = 0;
	}
	spin_unlock(&table->lock);
	return result;
}

COLD int fd_close_range(unsigned first, unsigned last, bool only_mark_cloexec)
{
	struct fd_table *table = current_process()->files;
	unsigned fd = first;

	for (;; fd++) {
		struct file *file = NULL;
		unsigned capacity;

		spin_lock(&table->lock);
		capacity = table->capacity;
		fd = fd_bits_find_set(table->open_bits, capacity, fd);
		if (fd < capacity && fd <= last) {
			if (only_mark_cloexec && table->files[fd])
				fd_bit_set(table->cloexec_bits, fd);
			else
				file = remove_locked(table, fd);
		}
		spin_unlock(&table->lock);
		if (fd >= capacity || fd > last)
			return 0;
		if (file)
			file_descriptor_closed(file, table);
	}
}
