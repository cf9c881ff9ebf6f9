/* SPDX-License-Identifier: MIT */
/* What the files of exec share: pages of strings, and the steps of loading. */
#pragma once

#include "lib/types.h"
#include "process/elf_check.h"

struct address_space;
struct exec_args;
struct vnode;

enum { ARG_PAGE_BYTES = PAGE_SIZE - 16 };

struct arg_page {
	struct arg_page *next;
	size_t used;
	char text[ARG_PAGE_BYTES];
};
_Static_assert(sizeof(struct arg_page) == PAGE_SIZE, "one page");

/* An ELF file that was found sound. */
struct elf_file {
	struct vnode *vnode;		/* borrowed */
	uint64_t size;			/* of the file when it was checked */
	struct elf_image image;
	void *headers;			/* the program headers; kmalloc'd */
	uint64_t bias;			/* once mapped: what was added to its addresses */
};

/* elf.c. @head: the file's first bytes. 0, -ENOEXEC, -ENOMEM, or what reading the file gives. May sleep. elf_release ends it. */
int elf_read(struct vnode *vnode, const void *head, size_t head_len, struct elf_file *file);
void elf_release(struct elf_file *file);

/* The name in PT_INTERP, kmalloc'd; NULL if there is none. 0, -ENOEXEC, -EIO (beyond the file's end), -ENOMEM. */
int elf_read_interpreter_name(const struct elf_file *file, char **name);

/* The program goes where it wants or where programs go, with the heap behind it; its interpreter where mmap would put it. */
int elf_map_program(struct elf_file *file, struct address_space *as);
int elf_map_interpreter(struct elf_file *file, struct address_space *as);

/* exec_load.c: may the caller run what @path names? Then @vnode is marked as executing. 0, -ENOENT, -EACCES, -ETXTBSY, ... */
struct path;
int executable_take(const struct path *path, struct vnode **vnode);

/* exec_images.c: maps the program exec->vnode and the interpreter it wants into exec->as. */
struct exec;
int exec_map_images(struct exec *exec);

/* exec_script.c: the parts of a `#!` line. The strings point into @line, which is changed. 0 or -ENOEXEC. */
int script_parse(char *line, size_t len, char **interpreter, char **argument);
enum { SCRIPT_LINE_MAX = 256, SCRIPT_DEPTH_MAX = 5 };
