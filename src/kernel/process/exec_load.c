/* SPDX-License-Identifier: MIT */
/* The first half of exec: finding the program, permissions, scripts, the new address space. Nothing of the caller changes here. */
#include <linux/auxvec.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/mount.h>
#include <linux/stat.h>

#include "arch/x86_64/trap.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/address_space.h"
#include "mm/heap.h"
#include "mm/uio.h"
#include "process/exec.h"
#include "process/internal.h"
#include "process/layout.h"
#include "process/limits.h"
#include "process/ptrace.h"
#include "vdso/vdso.h"
#include "vfs/mount.h"
#include "vfs/vnode.h"
#include "vfs/watch.h"

enum { STACK_SLACK = 128 << 10, CLOCK_TICKS = 100, ACCESS_EXECUTE = 1, ACCESS_READ = 4, RFLAGS_START = 0x202 };
enum { ALL_READ = S_IRUSR | S_IRGRP | S_IROTH };

struct exec *exec_create(struct process *process, char *filename)
{
	struct exec *exec = filename ? kzalloc(sizeof(*exec)) : NULL;

	if (!exec) {
		kfree(filename);
		return NULL;
	}
	exec->process = process;
	exec->filename = filename;
	exec_args_init(&exec->args, process_limit_of(process, RLIMIT_STACK));
	return exec;
}

void exec_free(struct exec *exec)
{
	exec_args_free(&exec->args);
	executable_release(exec->vnode);
	if (exec->as)
		address_space_put(exec->as);
	credentials_put(exec->credentials);
	kfree(exec->filename);
	kfree(exec);
}

static void name_after(struct exec *exec, const char *path)
{
	const char *slash = strrchr(path, '/');

	string_copy(exec->name, slash ? slash + 1 : path, sizeof(exec->name));
}

/*
 * Who shares the working directory and umask of a program with more rights could change them under it; nor does who is traced get rights that the tracer
 * need not have; nor who has renounced them.
 */
static COLD bool may_not_gain_rights(const struct process *process)
{
	return process->no_new_privs ||
	       (!credentials_is_root(credentials_current()) && (ptrace_is_traced(current_thread()) || process_shares_fs(process)));
}

/*
 * set-user-id and set-group-id bits, unless the mount or the process forbids them. Every exec copies the effective to the saved ids; of who may not gain
 * rights the real ones, even if it had others before.
 */
static int decide_credentials(struct exec *exec, const struct path *path, const struct fs_attr *attr)
{
	const struct credentials *old = credentials_current();
	uint32_t euid = old->euid, egid = old->egid;

	if (attr->mode & (S_ISUID | S_ISGID) && !exec->process->no_new_privs && !(mount_flags(path->mount) & MS_NOSUID)) {
		if (attr->mode & S_ISUID)
			euid = attr->uid;
		/* Without the group's x bit it means mandatory locking. */
		if ((attr->mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
			egid = attr->gid;
	}
	credentials_put(exec->credentials);
	exec->credentials = NULL;
	/* Also when a set-id program runs another one: what the environment says comes from whoever started the first. */
	exec->secure = exec->guarded = euid != old->uid || egid != old->gid;
	if (unlikely(exec->secure) && may_not_gain_rights(exec->process)) {
		euid = old->uid;
		egid = old->gid;
		/* As with every change of ids: what it has open may come from when it had more. */
		exec->guarded = euid != old->euid || egid != old->egid;
	}
	if (euid == old->euid && euid == old->suid && euid == old->fsuid && egid == old->egid && egid == old->sgid && egid == old->fsgid &&
	    old->effective == old->permitted && !old->chosen && exec->process->thread_count == 1)
		return 0;
	exec->credentials = credentials_copy(old);
	if (!exec->credentials)
		return -ENOMEM;
	exec->credentials->euid = exec->credentials->suid = exec->credentials->fsuid = euid;
	exec->credentials->egid = exec->credentials->sgid = exec->credentials->fsgid = egid;
	return 0;
}

int executable_take(const struct path *path, struct vnode **vnode)
{
	int error;

	*vnode = path_vnode(path);
	if (!*vnode)
		return -ENOENT;
	if (((*vnode)->type & S_IFMT) == S_IFLNK)
		return -ELOOP;		/* execveat with AT_SYMLINK_NOFOLLOW */
	if (((*vnode)->type & S_IFMT) != S_IFREG || (mount_flags(path->mount) & MS_NOEXEC))
		return -EACCES;
	error = vnode_check_access(*vnode, ACCESS_EXECUTE);
	if (error)
		return error;
	error = executable_mark(*vnode);
	if (!error)
		inotify_executed(path->dentry);
	return error;
}

/* What @path names becomes exec->vnode, if the caller may run it. */
static int take_program(struct exec *exec, const struct path *path)
{
	struct vnode *vnode;
	struct fs_attr attr;
	int error = executable_take(path, &vnode);

	if (error)
		return error;
	executable_release(exec->vnode);
	exec->vnode = vnode;
	error = vnode_getattr(vnode, &attr) ?: decide_credentials(exec, path, &attr);
	/* Who may not read the program does not do so by looking into its memory. */
	if (!error && unlikely((attr.mode & ALL_READ) != ALL_READ) && vnode_check_access(vnode, ACCESS_READ))
		exec->guarded = true;
	return error;
}

static int open_program(struct exec *exec, int dir_fd, const char *name, unsigned lookup_flags)
{
	struct path path;
	int error = path_lookup(dir_fd, name, lookup_flags, &path);

	if (error)
		return error;
	error = take_program(exec, &path);
	path_put(&path);
	return error;
}

static int read_head(struct exec *exec)
{
	struct uio_segment segment;
	struct uio uio;
	ssize_t got;

	uio_init_kernel(&uio, &segment, exec->head, SCRIPT_LINE_MAX);
	got = vm_object_read(&exec->vnode->object, 0, &uio);
	if (got < 0)
		return got;
	exec->head_len = got;
	return 0;
}

/* Follows `#!` lines until exec->vnode is something else. */
static int resolve_scripts(struct exec *exec)
{
	const char *script = exec->filename;
	char *interpreter, *argument;
	int error;

	for (unsigned depth = 0;; depth++) {
		error = read_head(exec);
		if (error || exec->head_len < 2 || exec->head[0] != '#' || exec->head[1] != '!')
			return error;
		if (depth >= SCRIPT_DEPTH_MAX)
			return -ELOOP;
		error = script_parse(exec->head, exec->head_len, &interpreter, &argument);
		if (!error && exec->no_script)
			error = -ENOENT;
		if (!error)
			error = exec_args_replace_first(&exec->args, interpreter, argument, script);
		if (error)
			return error;
		/* The copy among the arguments lives on while the buffer is used again. */
		script = exec->args.head[0];
		error = open_program(exec, AT_FDCWD, script, PATH_EMPTY_OK);
		if (error)
			return error;
	}
}

static int map_stack(struct exec *exec)
{
	struct address_space *as = exec->as;
	struct exec_args *args = &exec->args;
	uint64_t strings = args->string_bytes + strlen(exec->filename);
	uint64_t pointers = ((uint64_t)args->argc + args->envc + EXEC_HEAD_MAX + EXEC_AUXV_MAX) * sizeof(uint64_t);
	uint64_t size, top = ROUND_UP(as->stack_top, (uint64_t)PAGE_SIZE);
	unsigned prot = PROT_READ | PROT_WRITE | (exec->image.executable_stack ? PROT_EXEC : 0);
	int64_t result;

	for (unsigned i = 0; i < args->head_count; i++)
		strings += strlen(args->head[i]) + 1;
	size = ROUND_UP(strings + pointers + STACK_SLACK, (uint64_t)PAGE_SIZE);
	result = address_space_map(as, top - size, size, prot, PROT_READ | PROT_WRITE | PROT_EXEC,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE | VMA_STACK | VMA_GROWS_DOWN, NULL, 0);
	return result < 0 ? result : 0;
}

static void add(struct exec_auxv *auxv, uint64_t type, uint64_t value)
{
	auxv->words[auxv->count++] = type;
	auxv->words[auxv->count++] = value;
}

/* AT_HWCAP is what CPUID leaf 1 gives in EDX. */
static uint64_t hardware_capabilities(void)
{
	uint32_t out[4];

	cpuid(1, 0, out);
	return out[3];
}

static void fill_auxv(const struct exec *exec, struct exec_auxv *auxv, uint64_t vdso)
{
	const struct credentials *ids = exec->credentials ? exec->credentials : credentials_current();
	const struct elf_image *image = &exec->image;

	auxv->count = 0;
	add(auxv, AT_HWCAP, hardware_capabilities());
	add(auxv, AT_PAGESZ, PAGE_SIZE);
	add(auxv, AT_CLKTCK, CLOCK_TICKS);
	add(auxv, AT_PHDR, image->headers_address ? image->headers_address + exec->bias : 0);
	add(auxv, AT_PHENT, ELF_PROGRAM_HEADER_SIZE);
	add(auxv, AT_PHNUM, image->header.header_count);
	add(auxv, AT_BASE, exec->interpreter_base);
	add(auxv, AT_FLAGS, 0);
	add(auxv, AT_ENTRY, image->header.entry + exec->bias);
	add(auxv, AT_UID, ids->uid);
	add(auxv, AT_EUID, ids->euid);
	add(auxv, AT_GID, ids->gid);
	add(auxv, AT_EGID, ids->egid);
	add(auxv, AT_SECURE, exec->secure);
	add(auxv, AT_HWCAP2, 0);	/* no HWCAP2_FSGSBASE: CR4.FSGSBASE is off */
	add(auxv, AT_MINSIGSTKSZ, signal_min_stack_size());
	add(auxv, AT_SYSINFO_EHDR, vdso);
}

static int build_address_space(struct exec *exec)
{
	struct exec_auxv auxv;
	unsigned tries = 0;
	int64_t vdso;
	int error;

	layout_forget_wish(exec->secure);
	do
		exec->as = address_space_create();
	while (unlikely(!exec->as) && process_make_room(&tries));
	if (!exec->as)
		return -ENOMEM;
	limits_apply(exec->process, exec->as);
	error = exec_map_images(exec);
	if (!error)
		error = map_stack(exec);
	if (error)
		return error;
	vdso = vdso_map(exec->as, exec->as->stack_top);
	if (vdso < 0)
		return vdso;
	fill_auxv(exec, &auxv, vdso);
	return exec_args_write(&exec->args, exec->as, exec->filename, &auxv, &exec->rsp);
}

int exec_load(struct exec *exec, int dir_fd, const char *path, unsigned lookup_flags)
{
	int error;

	name_after(exec, exec->filename);
	error = open_program(exec, dir_fd, path, lookup_flags);
	if (!error)
		error = resolve_scripts(exec);
	return error ? error : build_address_space(exec);
}

int exec_load_place(struct exec *exec, const struct path *place)
{
	int error;

	name_after(exec, exec->filename);
	error = take_program(exec, place);
	if (!error)
		error = resolve_scripts(exec);
	return error ? error : build_address_space(exec);
}

void exec_start_frame(const struct exec *exec, struct trap_frame *frame)
{
	uint64_t vector = frame->vector, number = frame->error;

	*frame = (struct trap_frame){
		.vector = vector, .error = number, .rip = exec->rip, .cs = SELECTOR_USER_CODE,
		.rflags = RFLAGS_START, .rsp = exec->rsp, .ss = SELECTOR_USER_DATA,
	};
}
