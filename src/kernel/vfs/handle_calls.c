/* SPDX-License-Identifier: MIT */
/* Native handles of any kind: making one with fewer rights, and asking what one is. */
#include "syscall_prototypes.h"
#include "raeen/handles.h"
#include "lib/errno.h"
#include "mm/user_copy.h"
#include "vfs/fd_table.h"
#include "vfs/vnode.h"

static int check_dup(const struct file *file, uint32_t rights)
{
	if (!file->ops->dup_rights || !rights)
		return -EINVAL;
	return rights & ~file->rights || !(file->rights & HANDLE_DUP) ? -EPERM : 0;
}

long sys_handle_dup(int fd, uint32_t rights, uint64_t badge)
{
	struct fd_ref ref = fd_borrow(fd);
	struct file *file = NULL;
	long result;

	if (!ref.file)
		return -EBADF;
	result = check_dup(ref.file, rights);
	if (!result)
		result = ref.file->ops->dup_rights(ref.file, rights, badge, &file);
	fd_release(ref);
	if (result)
		return result;
	result = fd_install_handle(file);
	if (result < 0)
		file_put(file);
	return result;
}

long sys_handle_info(int fd, uaddr_t out)
{
	struct fd_ref ref = fd_borrow(fd);
	struct handle_info info = { .kind = HANDLE_FILE };

	if (!ref.file)
		return -EBADF;
	if (ref.file->ops->info)
		ref.file->ops->info(ref.file, &info);
	else if (ref.file->vnode)
		info.object = ref.file->vnode->node.id;
	info.rights = ref.file->rights;
	fd_release(ref);
	return copy_to_user(out, &info, sizeof(info));
}
