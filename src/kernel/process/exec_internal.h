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

/* elf.c. @image is filled; *@bias is where a PIE went. 0, -ENOEXEC, -ENOMEM, or what reading the file gives. May sleep. */
int elf_load(struct vnode *vnode, const void *head, size_t head_len, struct address_space *as, struct elf_image *image, uint64_t *bias);

/* exec_script.c: the parts of a `#!` line. The strings point into @line, which is changed. 0 or -ENOEXEC. */
int script_parse(char *line, size_t len, char **interpreter, char **argument);
enum { SCRIPT_LINE_MAX = 256, SCRIPT_DEPTH_MAX = 5 };
