/* SPDX-License-Identifier: MIT */
/*
 * The images of a new program: its own, and that of the interpreter (the dynamic linker) which PT_INTERP names. The program starts in the
 * interpreter, which finds the program by the auxiliary vector. What the interpreter itself says of an interpreter is ignored.
 */
#include <linux/fcntl.h>

#include "lib/errno.h"
#include "mm/heap.h"
#include "mm/uio.h"
#include "process/exec.h"
#include "process/internal.h"
#include "vfs/path.h"
#include "vfs/vnode.h"

enum { ACCESS_READ = 4 };

/* The interpreter's file, marked as executing while it is mapped; later it may be written to, as any library. */
static int open_interpreter(const char *name, struct vnode **vnode)
{
	struct path path;
	/* As on Linux an empty name is the working directory, which cannot be run. */
	int error = path_lookup(AT_FDCWD, name, PATH_EMPTY_OK, &path);

	if (error)
		return error;
	error = executable_take(&path, vnode);
	if (error)
		*vnode = NULL;
	path_put(&path);
	return error;
}

/* A file too short for a header is an error of reading; whatever else is wrong with it makes it a bad library. */
static int read_interpreter(struct vnode *vnode, struct elf_file *file)
{
	char head[ELF_HEADER_SIZE];
	struct uio_segment segment;
	struct uio uio;
	ssize_t got;
	int error;

	uio_init_kernel(&uio, &segment, head, sizeof(head));
	got = vm_object_read(&vnode->object, 0, &uio);
	if (got < 0)
		return got;
	if ((size_t)got < sizeof(head))
		return -EIO;
	error = elf_read(vnode, head, sizeof(head), file);
	return error == -ENOEXEC ? -ELIBBAD : error;
}

static int map_interpreter(struct exec *exec, struct vnode *vnode)
{
	struct elf_file file;
	int error = read_interpreter(vnode, &file);

	if (error)
		return error;
	error = elf_map_interpreter(&file, exec->as);
	exec->interpreter_base = file.bias;
	exec->rip = file.bias + file.image.header.entry;
	elf_release(&file);
	return error == -ENOEXEC ? -ELIBBAD : error;
}

static int map_program(struct exec *exec, struct elf_file *file)
{
	int error = elf_map_program(file, exec->as);

	exec->image = file->image;
	exec->bias = file->bias;
	exec->rip = file->bias + file->image.header.entry;
	return error;
}

int exec_map_images(struct exec *exec)
{
	struct vnode *interpreter = NULL;
	struct elf_file file;
	char *name;
	int error = elf_read(exec->vnode, exec->head, exec->head_len, &file);

	if (error)
		return error;
	error = elf_read_interpreter_name(&file, &name);
	if (name) {
		error = open_interpreter(name, &interpreter);
		kfree(name);
		/* As of the program itself (take_program). */
		if (!error && vnode_check_access(interpreter, ACCESS_READ))
			exec->guarded = true;
	}
	if (!error)
		error = map_program(exec, &file);
	elf_release(&file);
	if (!error && interpreter)
		error = map_interpreter(exec, interpreter);
	executable_release(interpreter);
	return error;
}
