/* SPDX-License-Identifier: MIT */
/* Collecting argv and envp in kernel pages; see exec_args.h. exec_stack.c writes them out. */
#include "process/exec_args.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/user_copy.h"
#include "process/exec_internal.h"
#include "process/signal.h"

void exec_args_init(struct exec_args *args, uint64_t stack_limit)
{
	memset(args, 0, sizeof(*args));
	arg_budget_init(&args->budget, stack_limit);
}

void exec_args_free(struct exec_args *args)
{
	struct arg_page *page = args->first_page, *next;

	for (; page; page = next) {
		next = page->next;
		kfree(page);
	}
	args->first_page = args->last_page = NULL;
	for (unsigned i = 0; i < args->head_count; i++)
		kfree(args->head[i]);
	args->head_count = 0;
}

/* The page with room for at least one more byte. NULL when out of memory. */
static struct arg_page *page_with_room(struct exec_args *args)
{
	struct arg_page *page = args->last_page;

	if (page && page->used < ARG_PAGE_BYTES)
		return page;
	page = kmalloc(sizeof(*page));
	if (!page)
		return NULL;
	page->next = NULL;
	page->used = 0;
	if (args->last_page)
		args->last_page->next = page;
	else
		args->first_page = page;
	args->last_page = page;
	return page;
}

/* Copies the string at @from (user memory, or @kernel). Adds its size with NUL to *@size. */
static int add_string(struct exec_args *args, uaddr_t from, const char *kernel, size_t *size)
{
	size_t length = 0;
	bool done = false;

	while (!done) {
		struct arg_page *page = page_with_room(args);
		size_t room = page ? MIN(ARG_PAGE_BYTES - page->used, ARG_STRING_MAX + 1 - length) : 0, part;
		ssize_t got;

		if (!page)
			return -ENOMEM;
		if (!room)
			return -E2BIG;
		if (kernel) {
			part = MIN(strnlen(kernel + length, room), room);
			done = part < room;
			part += done;
			memcpy(page->text + page->used, kernel + length, part);
		} else {
			got = copy_string_from_user(page->text + page->used, from + length, room);
			if (got == -EFAULT)
				return -EFAULT;
			done = got >= 0;
			part = done ? (size_t)got + 1 : room;
		}
		page->used += part;
		length += part;
	}
	*size += length;
	args->string_bytes += length;
	return arg_budget_string(&args->budget, length);
}

/* How many pointers precede the NULL at @vector. */
static int count_strings(uaddr_t vector, uint64_t max, unsigned *count)
{
	uint64_t pointer;

	*count = 0;
	if (!vector)
		return 0;
	for (;; ++*count) {
		if (*count > max)
			return -E2BIG;
		if (get_user_u64(&pointer, vector + *count * sizeof(pointer)))
			return -EFAULT;
		if (!pointer)
			return 0;
		if (*count % 1024 == 1023 && signal_fatal_pending())
			return -EINTR;
	}
}

static int add_user_vector(struct exec_args *args, uaddr_t vector, unsigned count)
{
	size_t size = 0;

	for (unsigned i = 0; i < count; i++) {
		uint64_t pointer;
		int error;

		if (get_user_u64(&pointer, vector + i * sizeof(pointer)))
			return -EFAULT;
		/* A pointer that another thread cleared since it was counted is bad like any other. */
		error = add_string(args, pointer, NULL, &size);
		if (error)
			return error;
		if (i % 256 == 255 && signal_fatal_pending())
			return -EINTR;
	}
	return 0;
}

static void note_first_string(struct exec_args *args)
{
	struct arg_page *page = args->first_page;
	size_t size = 0;

	for (; page; page = page->next) {
		size_t part = strnlen(page->text, page->used);

		size += part;
		if (part < page->used) {
			size++;
			break;
		}
	}
	args->first_size = size;
}

int exec_args_from_user(struct exec_args *args, uaddr_t argv, uaddr_t envp)
{
	uint64_t most = args->budget.left / sizeof(uint64_t);
	size_t size = 0;
	int error = count_strings(argv, most, &args->argc);

	if (!error)
		error = count_strings(envp, most, &args->envc);
	if (!error)
		error = arg_budget_pointers(&args->budget, (uint64_t)MAX(args->argc, 1u) + args->envc);
	if (!error && args->argc)
		error = add_user_vector(args, argv, args->argc);
	/* Programs believe that argv[0] exists. */
	if (!error && !args->argc) {
		error = add_string(args, 0, "", &size);
		args->argc = 1;
	}
	args->argv_bytes = args->string_bytes;
	if (!error)
		note_first_string(args);
	return error ? error : add_user_vector(args, envp, args->envc);
}

COLD int exec_args_from_kernel(struct exec_args *args, char *const argv[], char *const envp[])
{
	size_t size = 0;
	int error = 0;

	for (; !error && argv[args->argc]; args->argc++)
		error = add_string(args, 0, argv[args->argc], &size);
	args->argv_bytes = args->string_bytes;
	if (!error)
		note_first_string(args);
	for (; !error && envp[args->envc]; args->envc++)
		error = add_string(args, 0, envp[args->envc], &size);
	return error;
}

COLD int exec_args_replace_first(struct exec_args *args, const char *interpreter, const char *argument, const char *script)
{
	const char *fresh[3] = { interpreter, argument, script };
	char *copies[3];
	unsigned count = 0, keep = args->head_count ? args->head_count - 1 : 0;
	int error = 0;

	if (args->head_count + 3 > EXEC_HEAD_MAX)
		return -ELOOP;
	for (unsigned i = 0; i < 3 && !error; i++) {
		if (!fresh[i])
			continue;
		error = arg_budget_string(&args->budget, strlen(fresh[i]) + 1 + sizeof(uint64_t));
		if (error)
			break;
		copies[count] = kstrdup(fresh[i]);
		if (copies[count])
			count++;
		else
			error = -ENOMEM;
	}
	if (error) {
		while (count)
			kfree(copies[--count]);
		return error;
	}
	/* The name of the inner script made room for what runs it. */
	if (args->head_count)
		kfree(args->head[0]);
	memmove(args->head + count, args->head + 1, keep * sizeof(args->head[0]));
	memcpy(args->head, copies, count * sizeof(copies[0]));
	args->head_count = count + keep;
	return 0;
}
