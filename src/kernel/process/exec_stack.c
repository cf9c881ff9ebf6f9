/* SPDX-License-Identifier: MIT */
/*
 * The first stack of a program (x86-64 psABI §3.4.1). From the top: a zero word, the file's name, the strings of envp and argv, the
 * platform string and 16 random bytes, and, at a random distance, the auxiliary vector, the pointers and argc.
 */
#include <linux/auxvec.h>

#include "lib/errno.h"
#include "lib/string.h"
#include "mm/address_space.h"
#include "mm/frame.h"
#include "process/exec_args.h"
#include "process/exec_internal.h"
#include "process/layout.h"
#include "security/random.h"

enum { RANDOM_BYTES = 16, STACK_JITTER = 8192 };

static const char platform[] = "x86_64";

/* Writes upwards, through the page it has been to last. */
struct stack_writer {
	struct address_space *as;
	uint64_t at;
	struct frame *frame;	/* of the page at @page, with a reference; NULL if there is none yet */
	uint64_t page;
	char *text;		/* the page's bytes */
	bool failed;		/* a page could not be had; nothing is written any more */
};

static void finish(struct stack_writer *writer)
{
	if (writer->frame)
		frame_put(writer->frame);
	writer->frame = NULL;
}

static __attribute__((noinline)) bool turn_page(struct stack_writer *writer, uint64_t page)
{
	finish(writer);
	writer->frame = writer->failed ? NULL : address_space_page(writer->as, page, true);
	writer->failed = !writer->frame;
	writer->page = page;
	if (writer->frame)
		writer->text = frame_to_virt(writer->frame);
	return writer->frame;
}

/* Where the byte at writer->at is written to; NULL after a failure. */
static inline char *find_place(struct stack_writer *writer)
{
	uint64_t page = writer->at & PAGE_MASK;

	if (unlikely(!writer->frame || page != writer->page) && !turn_page(writer, page))
		return NULL;
	return writer->text + (writer->at - page);
}

static void put_word(struct stack_writer *writer, uint64_t word)
{
	char *to = find_place(writer);

	if (to)
		*(uint64_t *)to = word;
	writer->at += sizeof(word);
}

static void put_bytes(struct stack_writer *writer, const void *bytes, size_t size)
{
	while (size) {
		size_t part = MIN(size, PAGE_SIZE - writer->at % PAGE_SIZE);
		char *to = find_place(writer);

		if (to)
			memcpy(to, bytes, part);
		bytes = (const char *)bytes + part;
		writer->at += part;
		size -= part;
	}
}

/* Bytes of the pages that a script's head replaces: argv[0]. */
static size_t skipped(const struct exec_args *args)
{
	return args->head_count ? args->first_size : 0;
}

static size_t head_bytes(const struct exec_args *args)
{
	size_t size = 0;

	for (unsigned i = 0; i < args->head_count; i++)
		size += strlen(args->head[i]) + 1;
	return size;
}

static void write_strings(struct exec_args *args, struct stack_writer *writer)
{
	size_t skip = skipped(args);

	for (unsigned i = 0; i < args->head_count; i++)
		put_bytes(writer, args->head[i], strlen(args->head[i]) + 1);
	for (struct arg_page *page = args->first_page; page; page = page->next) {
		size_t here = MIN(skip, page->used);

		skip -= here;
		put_bytes(writer, page->text + here, page->used - here);
	}
}

/* Writes a pointer to each string that starts in the pages, with the NULLs behind argv and envp. @at: where the first of them lies. */
static void write_page_pointers(struct exec_args *args, struct stack_writer *writer, uint64_t at)
{
	size_t skip = skipped(args);
	unsigned argv_left = args->argc - (skip != 0);
	bool at_start = true, in_argv = true;

	if (!argv_left) {
		put_word(writer, 0);
		in_argv = false;
	}
	for (struct arg_page *page = args->first_page; page; page = page->next) {
		for (size_t i = 0; i < page->used;) {
			char *nul;

			if (skip) {
				size_t here = MIN(skip, page->used - i);

				skip -= here;
				i += here;
				continue;
			}
			if (at_start)
				put_word(writer, at);
			nul = memchr(page->text + i, '\0', page->used - i);
			at_start = nul;
			at += nul ? (size_t)(nul + 1 - (page->text + i)) : page->used - i;
			i = nul ? (size_t)(nul + 1 - page->text) : page->used;
			if (nul && in_argv && --argv_left == 0) {
				put_word(writer, 0);
				in_argv = false;
			}
		}
	}
	put_word(writer, 0);
}

static void write_vectors(struct exec_args *args, struct stack_writer *writer, uint64_t strings, const struct exec_auxv *auxv)
{
	unsigned argc = args->argc + args->head_count - (args->head_count != 0);

	put_word(writer, argc);
	for (unsigned i = 0; i < args->head_count; i++) {
		put_word(writer, strings);
		strings += strlen(args->head[i]) + 1;
	}
	write_page_pointers(args, writer, strings);
	put_bytes(writer, auxv->words, auxv->count * sizeof(auxv->words[0]));
}

static void add_auxv(struct exec_auxv *auxv, uint64_t type, uint64_t value)
{
	auxv->words[auxv->count++] = type;
	auxv->words[auxv->count++] = value;
}

int exec_args_write(struct exec_args *args, struct address_space *as, const char *filename, struct exec_auxv *auxv, uint64_t *rsp)
{
	size_t filename_size = strlen(filename) + 1, head = head_bytes(args), skip = skipped(args);
	uint64_t filename_at = as->stack_top - sizeof(uint64_t) - filename_size;
	uint64_t strings = filename_at - (head + args->string_bytes - skip);
	uint64_t platform_at = strings - sizeof(platform), random_at = ROUND_DOWN(platform_at - RANDOM_BYTES, 16ull), at;
	uint64_t pointers = args->argc + args->head_count + args->envc + 3;
	struct stack_writer writer = { .as = as };
	uint8_t random[RANDOM_BYTES];

	add_auxv(auxv, AT_RANDOM, random_at);
	add_auxv(auxv, AT_EXECFN, filename_at);
	add_auxv(auxv, AT_PLATFORM, platform_at);
	add_auxv(auxv, AT_NULL, 0);
	if (args->head_count)
		pointers--;
	at = random_at - layout_random_below(STACK_JITTER) - (pointers + auxv->count) * sizeof(uint64_t);
	writer.at = ROUND_DOWN(at, 16ull);
	*rsp = writer.at;
	write_vectors(args, &writer, strings, auxv);

	random_bytes(random, sizeof(random));
	writer.at = random_at;
	put_bytes(&writer, random, sizeof(random));
	writer.at = platform_at;
	put_bytes(&writer, platform, sizeof(platform));
	write_strings(args, &writer);
	put_bytes(&writer, filename, filename_size);
	finish(&writer);
	as->arg_start = strings;
	as->arg_end = as->env_start = strings + head + args->argv_bytes - skip;
	as->env_end = filename_at;
	address_space_note_auxv(as, *rsp + pointers * sizeof(uint64_t), auxv->count * sizeof(auxv->words[0]));
	return writer.failed ? -ENOMEM : 0;
}
