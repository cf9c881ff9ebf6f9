/* SPDX-License-Identifier: MIT */
/*
 * The strings of a program to be: argv, envp and the file's name, collected from the old address space page by page before the new one
 * exists, and written to its stack.
 */
#pragma once

#include "lib/types.h"
#include "process/arg_limit.h"

struct address_space;
struct arg_page;
struct elf_image;

enum { EXEC_HEAD_MAX = 16, EXEC_AUXV_MAX = 48 };

struct exec_args {
	struct arg_page *first_page, *last_page;	/* argv's strings, then envp's, one after the other with their NULs */
	unsigned argc, envc;		/* strings in the pages */
	size_t first_size;		/* bytes of argv[0] there, with NUL */
	size_t string_bytes;		/* all bytes there */
	size_t argv_bytes;		/* those of argv */
	/* What `#!` put in the place of argv[0]: interpreter, its argument, script. kmalloc'd strings. */
	char *head[EXEC_HEAD_MAX];
	unsigned head_count;
	struct arg_budget budget;
};

void exec_args_init(struct exec_args *args, uint64_t stack_limit);
void exec_args_free(struct exec_args *args);

/* From user memory; either may be 0. An empty argv becomes one empty string. 0, -EFAULT, -E2BIG, -ENOMEM, -EINTR. */
int exec_args_from_user(struct exec_args *args, uaddr_t argv, uaddr_t envp);
/* From NULL-terminated kernel vectors. */
int exec_args_from_kernel(struct exec_args *args, char *const argv[], char *const envp[]);

/* argv[0] becomes @interpreter, @argument (may be NULL), @script. 0, -E2BIG or -ENOMEM. */
int exec_args_replace_first(struct exec_args *args, const char *interpreter, const char *argument, const char *script);

/* Words of the auxiliary vector, in pairs; AT_NULL is added. AT_EXECFN and AT_RANDOM too, because only the stack's maker knows where they are. */
struct exec_auxv { uint64_t words[EXEC_AUXV_MAX]; unsigned count; };

/* Writes everything below as->stack_top. *@rsp gets the program's first stack pointer. 0, -ENOMEM or -E2BIG. May sleep. */
int exec_args_write(struct exec_args *args, struct address_space *as, const char *filename, struct exec_auxv *auxv, uint64_t *rsp);
