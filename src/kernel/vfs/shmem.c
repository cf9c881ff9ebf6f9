/* SPDX-License-Identifier: MIT */
/*
 * Shared memory as a native object: a handle that can be passed on, and mapped as its rights allow. The size is fixed, so that who maps it needs not
 * fear that another takes pages away. It is never executable. Pages come when they are touched, are zero then, and count as other shared memory;
 * they live as long as a handle or a mapping.
 */
#include "lib/errno.h"
#include "lib/printf.h"
#include "mm/address_space.h"
#include "mm/address_space_internal.h"
#include "mm/heap.h"
#include "mm/user_copy.h"
#include "raeen/handles.h"
#include "syscall_prototypes.h"
#include "vfs/fd_table.h"
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/stat.h>

struct shmem {
	struct vm_object object;	/* its reference count is the object's; its size is whole pages */
	uint64_t id;			/* set once */
};

enum {
	NEW_RIGHTS = HANDLE_READ | HANDLE_WRITE | HANDLE_MAP | HANDLE_DUP,
	MAP_KNOWN_FLAGS = MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_POPULATE,
};

static uint64_t last_id;	/* atomic */

static void object_release(struct vm_object *object)
{
	kfree(container_of(object, struct shmem, object));
}

static void object_describe(struct vm_object *object, char *buf, size_t size)
{
	snprintf(buf, size, "shmem:[%llu]", (unsigned long long)container_of(object, struct shmem, object)->id);
}

static const struct vm_object_ops shmem_object_ops = { .release = object_release, .describe = object_describe };

static struct shmem *shmem_of(const struct file *file)
{
	return file->private;
}

static void shmem_info(struct file *file, struct handle_info *info)
{
	info->kind = HANDLE_SHMEM;
	info->object = shmem_of(file)->id;
}

static void shmem_describe(struct file *file, char *buf, size_t size)
{
	object_describe(&shmem_of(file)->object, buf, size);
}

static int shmem_getattr(struct file *file, struct fs_attr *attr)
{
	struct shmem *shmem = shmem_of(file);

	*attr = (struct fs_attr){ .node.id = shmem->id, .mode = S_IFREG | 0600, .size = shmem->object.size };
	return 0;
}

static void shmem_release(struct file *file)
{
	vm_object_put(&shmem_of(file)->object);
}

static int shmem_dup_rights(struct file *file, uint32_t rights, uint64_t badge, struct file **out);

static const struct file_ops shmem_ops = { .release = shmem_release, .describe = shmem_describe, .getattr = shmem_getattr, .info = shmem_info,
					   .dup_rights = shmem_dup_rights };

/* A handle with @rights, which takes over a reference of @shmem, also when it fails. */
static struct file *make_handle(struct shmem *shmem, uint32_t rights)
{
	uint32_t mode = !(rights & HANDLE_WRITE) ? O_RDONLY : rights & HANDLE_READ ? O_RDWR : O_WRONLY;
	struct file *file = file_create(&shmem_ops, mode, shmem);

	if (file)
		file->rights = rights;
	else
		vm_object_put(&shmem->object);
	return file;
}

static int shmem_dup_rights(struct file *file, uint32_t rights, uint64_t badge, struct file **out)
{
	if (badge)
		return -EINVAL;
	vm_object_get(&shmem_of(file)->object);
	*out = make_handle(shmem_of(file), rights);
	return *out ? 0 : -ENOMEM;
}

long sys_shmem_create(uint64_t size, unsigned flags)
{
	struct shmem *shmem;
	struct file *file;
	long fd;

	if (flags || !size)
		return -EINVAL;
	if (size > USER_END || memory_overcommits(size))
		return -ENOMEM;
	shmem = kmalloc(sizeof(*shmem));
	if (!shmem)
		return -ENOMEM;
	vm_object_init(&shmem->object, &shmem_object_ops, ROUND_UP(size, (uint64_t)PAGE_SIZE));
	shmem->object.pinned = true;
	shmem->id = atomic_add(&last_id, 1) + 1;
	file = make_handle(shmem, NEW_RIGHTS);
	if (!file)
		return -ENOMEM;
	fd = fd_install_handle(file);
	if (fd < 0)
		file_put(file);
	return fd;
}

/* What a mapping by @rights may ever be. Memory that can be written can be read: the hardware has it so. */
static unsigned allowed_prot(uint32_t rights)
{
	if (!(rights & HANDLE_MAP) || !(rights & HANDLE_READ))
		return 0;
	return PROT_READ | (rights & HANDLE_WRITE ? PROT_WRITE : 0);
}

/* 0, or why @file cannot be mapped so. @len is not 0. */
static int check_map(const struct file *file, uint64_t offset, uint64_t len, unsigned prot)
{
	if (file->ops != &shmem_ops)
		return -EINVAL;
	if (!allowed_prot(file->rights) || prot & ~allowed_prot(file->rights))
		return -EACCES;
	if (offset > shmem_of(file)->object.size || len > shmem_of(file)->object.size - offset)
		return -EINVAL;
	return 0;
}

long sys_shmem_map(int fd, uint64_t addr, uint64_t offset, uint64_t len, unsigned prot, unsigned flags)
{
	struct address_space *as = address_space_current();
	struct fd_ref ref;
	int64_t result;

	if (prot & ~(unsigned)(PROT_READ | PROT_WRITE | PROT_EXEC) || flags & ~(unsigned)MAP_KNOWN_FLAGS || !len ||
	    (offset | len | (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE) ? addr : 0)) & (PAGE_SIZE - 1))
		return -EINVAL;
	ref = fd_borrow_io(fd);
	if (!ref.file)
		return -EBADF;
	result = check_map(ref.file, offset, len, prot);
	if (!result)
		result = address_space_map(as, addr, len, prot, allowed_prot(ref.file->rights), MAP_SHARED | (flags & ~MAP_POPULATE),
					   &shmem_of(ref.file)->object, offset);
	fd_release(ref);
	if (result >= 0 && flags & MAP_POPULATE)
		address_space_populate(as, result, result + len, 0);
	return result;
}
