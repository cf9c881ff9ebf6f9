/* SPDX-License-Identifier: MIT */
/* read and write in all their forms, lseek, ioctl. */
#include "syscall_prototypes.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include "mm/user_copy.h"
#include "mm/vm_object_ready.h"
#include "vfs/async.h"
#include "vfs/fd_table.h"
#include "vfs/poll.h"
#include "vfs/stat_fill.h"
#include "vfs/vnode.h"
#include "vfs/watch.h"
#include <asm/ioctls.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>

enum { VECTOR_INLINE = 8 };

/* Which position a transfer uses. */
enum position { POSITION_FILE, POSITION_GIVEN };

static ssize_t transfer(struct file *file, struct uio *uio, uint64_t *pos, bool write)
{
	if (write)
		return file->ops->write ? inotify_bytes(file, IN_MODIFY, file->ops->write(file, uio, pos)) : -EINVAL;
	return file->ops->read ? inotify_bytes(file, IN_ACCESS, file->ops->read(file, uio, pos)) : -EINVAL;
}

/* A file that others may use at the same time needs its position locked; streams have none. */
static ssize_t transfer_at_file_position(struct fd_ref ref, struct uio *uio, bool write)
{
	struct file *file = ref.file;
	bool shared = ref.counted || atomic_load_relaxed(&file->refs.count) > 1;
	ssize_t done;

	if (likely(!shared) || !file->ops->seek)
		return transfer(file, uio, &file->pos, write);
	if (mutex_lock_killable(&file->pos_lock))
		return -EINTR;
	done = transfer(file, uio, &file->pos, write);
	mutex_unlock(&file->pos_lock);
	return done;
}

static inline ssize_t transfer_fd(int fd, struct uio *uio, enum position position, int64_t pos, bool write)
{
	struct fd_ref ref = fd_borrow(fd);
	struct file *file = ref.file;
	uint64_t given = pos;
	ssize_t done;

	if (unlikely(!file))
		return -EBADF;
	if (unlikely(!(file->rights & (write ? FILE_RIGHT_WRITE : FILE_RIGHT_READ))))
		done = -EBADF;
	else if (position == POSITION_FILE)
		done = transfer_at_file_position(ref, uio, write);
	else if (unlikely(!file->ops->seek))
		done = -ESPIPE;
	else
		done = transfer(file, uio, &given, write);
	fd_release(ref);
	return done;
}

static inline ssize_t transfer_buffer(int fd, uaddr_t buf, size_t count, enum position position, int64_t pos, bool write)
{
	struct uio_segment segment = { buf, count };
	struct uio uio = { .segments = &segment, .segment_count = 1 };

	if (unlikely(position == POSITION_GIVEN && pos < 0))
		return -EINVAL;
	if (unlikely(!user_range_ok(buf, count))) {
		struct fd_ref ref = fd_borrow_io(fd);

		fd_release(ref);
		return ref.file ? -EFAULT : -EBADF;
	}
	uio.left = MIN(count, (size_t)UIO_BYTES_MAX);
	return transfer_fd(fd, &uio, position, pos, write);
}

/* A file whose reads are copies out of pages (file->readable), and that nobody else can close or read from meanwhile; else NULL. For fast paths. */
static inline struct file *file_ready_to_read(unsigned fd)
{
	struct file *file = fd_file_of_mine(fd);

	return likely(file && file->readable) ? file : NULL;
}

static __attribute__((noinline)) long read_long_way(int fd, uaddr_t buf, size_t count)
{
	return transfer_buffer(fd, buf, count, POSITION_FILE, 0, false);
}

/* A stream, which moves bytes of the user itself if they are at least one and the range is right; @file cannot be closed meanwhile. */
static inline long read_stream(struct file *file, int fd, uaddr_t buf, size_t count)
{
	if (likely(file->ops->read_user && file->rights & FILE_RIGHT_READ && count - 1 < UIO_BYTES_MAX && user_range_ok(buf, count)))
		return file->ops->read_user(file, buf, count);
	return read_long_way(fd, buf, count);
}

static __attribute__((noinline)) long read_not_ready(struct vm_object *object, int fd, uaddr_t buf, size_t count)
{
	vm_object_ready_end(object, 0);
	return read_long_way(fd, buf, count);
}

long sys_read(int fd, uaddr_t buf, size_t count)
{
	struct file *file = fd_file_of_mine(fd);
	struct vm_object *object;

	if (unlikely(!file))
		return read_long_way(fd, buf, count);
	object = file->readable;
	if (!object)
		return read_stream(file, fd, buf, count);
	if (unlikely(atomic_load_relaxed(&file->refs.count) > 1))
		return read_long_way(fd, buf, count);
	if (unlikely(!vm_object_ready_begin(object)))
		return read_long_way(fd, buf, count);
	if (unlikely(!vm_object_ready_copy(object, file->pos, buf, &count)))
		return read_not_ready(object, fd, buf, count);
	file->pos += count;
	return vm_object_ready_end(object, count);
}

static __attribute__((noinline)) long write_long_way(int fd, uaddr_t buf, size_t count)
{
	return transfer_buffer(fd, buf, count, POSITION_FILE, 0, true);
}

long sys_write(int fd, uaddr_t buf, size_t count)
{
	struct file *file = fd_file_of_mine(fd);

	if (likely(file && file->ops->write_user && file->rights & FILE_RIGHT_WRITE && count - 1 < UIO_BYTES_MAX && user_range_ok(buf, count)))
		return file->ops->write_user(file, buf, count);
	return write_long_way(fd, buf, count);
}

static __attribute__((noinline)) long pread_long_way(int fd, uaddr_t buf, size_t count, int64_t pos)
{
	return transfer_buffer(fd, buf, count, POSITION_GIVEN, pos, false);
}

/* After vm_object_ready_begin(): of a file that is not small, or unusual. */
static __attribute__((noinline)) long pread_not_ready(struct vm_object *object, int fd, uaddr_t buf, size_t count, int64_t pos)
{
	if (object->pages.height > 1 && vm_object_ready_copy(object, pos, buf, &count))
		return vm_object_ready_end(object, count);
	vm_object_ready_end(object, 0);
	return pread_long_way(fd, buf, count, pos);
}

long sys_pread64(int fd, uaddr_t buf, size_t count, int64_t pos)
{
	struct file *file = file_ready_to_read(fd);
	struct vm_object *object;

	if (unlikely(!file))
		return pread_long_way(fd, buf, count, pos);
	object = file->readable;
	if (unlikely(!vm_object_ready_begin(object)))
		return pread_long_way(fd, buf, count, pos);
	if (unlikely(!vm_object_ready_copy_low(object, pos, buf, &count)))
		return pread_not_ready(object, fd, buf, count, pos);
	return vm_object_ready_end(object, count);
}

long sys_pwrite64(int fd, uaddr_t buf, size_t count, int64_t pos)
{
	return transfer_buffer(fd, buf, count, POSITION_GIVEN, pos, true);
}

static ssize_t transfer_segments(int fd, const struct uio_segment *segments, int count, bool write)
{
	struct uio uio;
	int error = uio_init_vector(&uio, segments, count);

	if (unlikely(error))
		return error;
	if (unlikely(!uio.left))
		return write ? sys_pwritev2(fd, 0, 0, -1, 0, 0) : sys_preadv2(fd, 0, 0, -1, 0, 0);
	return transfer_fd(fd, &uio, POSITION_FILE, 0, write);
}

static ssize_t transfer_vector(int fd, uaddr_t vector, int count, bool write)
{
	struct uio_segment few[VECTOR_INLINE] = { { 0, 0 } }, *segments = few;
	ssize_t done;

	_Static_assert(sizeof(struct uio_segment) == 16, "has the layout of struct iovec");
	if (count < 0 || count > UIO_SEGMENTS_MAX)
		return -EINVAL;
	if (count > VECTOR_INLINE) {
		segments = kmalloc(count * sizeof(*segments));
		if (!segments)
			return -ENOMEM;
	}
	done = copy_from_user(segments, vector, count * sizeof(*segments));
	if (!done)
		done = transfer_segments(fd, segments, count, write);
	if (segments != few)
		kfree(segments);
	return done;
}

long sys_readv(int fd, uaddr_t vector, int count)
{
	return transfer_vector(fd, vector, count, false);
}

long sys_writev(int fd, uaddr_t vector, int count)
{
	return transfer_vector(fd, vector, count, true);
}

long sys_lseek(int fd, int64_t offset, int whence)
{
	struct fd_ref ref = fd_borrow_io(fd);
	int64_t result;

	if (!ref.file)
		return -EBADF;
	if (whence < SEEK_SET || whence > SEEK_HOLE)
		result = -EINVAL;
	else
		result = ref.file->ops->seek ? ref.file->ops->seek(ref.file, offset, whence) : -ESPIPE;
	fd_release(ref);
	return result;
}

static void set_flag(struct file *file, uint32_t flag, bool on)
{
	if (on)
		atomic_or(&file->flags, flag);
	else
		atomic_and(&file->flags, ~flag);
}

/* How many bytes a read of a regular file would give. */
static long bytes_to_read(struct file *file, uint64_t argument)
{
	uint64_t size = atomic_load(&file->vnode->object.size), pos = file->pos;

	return put_user_u32(argument, pos < size ? MIN(size - pos, (uint64_t)INT32_MAX) : 0);
}

static COLD long ioctl_file(int fd, struct file *file, unsigned request, uint64_t argument)
{
	uint32_t value;

	switch (request) {
	case FIOCLEX:
	case FIONCLEX:
		return fd_set_flags(fd, FD_CLOEXEC, request == FIOCLEX ? FD_CLOEXEC : 0);
	case FIONBIO:
		if (get_user_u32(&value, argument))
			return -EFAULT;
		set_flag(file, O_NONBLOCK, value);
		return 0;
	case FIOASYNC:
		return get_user_u32(&value, argument) ? -EFAULT : async_switch(file, fd, value);
	case FIGETBSZ:
		return put_user_u32(argument, STAT_BLOCK_SIZE);
	case FS_IOC_GETFLAGS:
		if (file->vnode && (file->vnode->type == S_IFREG || file->vnode->type == S_IFDIR) && !file->ops->ioctl)
			return put_user_u32(argument, 0);	/* files have none */
		break;
	case FIONREAD:
		if (file->vnode && file->vnode->type == S_IFREG && !file->ops->ioctl)
			return bytes_to_read(file, argument);
		break;
	}
	return file->ops->ioctl ? file->ops->ioctl(file, request, argument) : -ENOTTY;
}

COLD long sys_ioctl(int fd, unsigned request, uint64_t argument)
{
	struct fd_ref ref = fd_borrow_io(fd);
	long result;

	if (!ref.file)
		return -EBADF;
	result = ioctl_file(fd, ref.file, request, argument);
	fd_release(ref);
	return result;
}
