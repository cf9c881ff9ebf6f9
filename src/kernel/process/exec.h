/* SPDX-License-Identifier: MIT */
/* exec in two halves: everything that can fail, then what cannot be taken back. */
#pragma once

#include "process/exec_args.h"
#include "process/exec_internal.h"

struct credentials;
struct path;
struct process;

struct exec {
	struct process *process;	/* for whom */
	struct exec_args args;
	char *filename;			/* AT_EXECFN; kmalloc'd */
	char name[16];			/* the thread's new name */
	struct vnode *vnode;		/* marked as executing */
	struct address_space *as;
	struct elf_image image;		/* of the program */
	uint64_t bias;			/* its addresses' */
	uint64_t interpreter_base;	/* AT_BASE: the interpreter's bias, 0 without one */
	uint64_t rip, rsp;		/* where it starts: in the interpreter if there is one */
	struct credentials *credentials;	/* changed ones, or NULL */
	bool secure;			/* AT_SECURE: other rights than the real ids', or it was to have them */
	bool guarded;			/* its user may not look into it, as it has such rights, or he may not read the program */
	bool no_script;			/* its interpreter would not find it */
	char head[SCRIPT_LINE_MAX + 1];	/* the file's first bytes */
	size_t head_len;
};

/* Takes over @filename. NULL when out of memory (@filename is freed). */
struct exec *exec_create(struct process *process, char *filename);
void exec_free(struct exec *exec);

/* Finds the program (through `#!` lines), maps it and writes its stack. exec->args is filled. 0 or negative errno; may sleep. */
int exec_load(struct exec *exec, int dir_fd, const char *path, unsigned lookup_flags);
/* The same for the program at @place, which keeps its references. */
int exec_load_place(struct exec *exec, const struct path *place);

/*
 * Gives exec->process, whose only thread is the calling one, the memory, the name and the program file that were loaded, in place of its own. The parent of
 * a vfork goes on as soon as its memory is free. Takes over @exec's references to them. Cannot fail; may sleep.
 */
void exec_replace_memory(struct exec *exec);

/* The registers a program starts with. */
struct trap_frame;
void exec_start_frame(const struct exec *exec, struct trap_frame *frame);

