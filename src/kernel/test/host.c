/* SPDX-License-Identifier: MIT */
/* What host unit tests link instead of the kernel's own services: log to stderr, panic aborts, the heap is the C library's. */
#include "lib/log.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "security/random.h"
#include "sync/mutex.h"
#include "test/host/host.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

static unsigned log_level = LOG_WARNING;

/* What a test has said, its seed above all, is seen also when it crashes. */
__attribute__((constructor)) static void say_at_once(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
}

void log_write(enum log_level level, const char *format, ...)
{
	va_list args;

	if (level > log_level)
		return;
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

void log_set_console_level(unsigned level) { log_level = level; }

void panic(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	abort();
}

void assertion_failed(const char *condition, const char *file, int line)
{
	panic("%s:%d: assertion failed: %s", file, line, condition);
}

bool host_leaves_out(const char *name)
{
	const char *without = getenv("WITHOUT");

	return without && !strcmp(without, name);
}

static long allocations_left = -1;

void host_fail_allocation(long after) { allocations_left = after; }
bool host_allocation_fails(void) { return allocations_left >= 0 && allocations_left-- == 0; }
bool host_allocation_failed(void) { return allocations_left < 0; }

void *kmalloc(size_t size) { return host_allocation_fails() ? NULL : malloc(size); }
void *kzalloc(size_t size) { return host_allocation_fails() ? NULL : calloc(1, size); }
void *kmalloc_array(size_t count, size_t size) { return host_allocation_fails() ? NULL : calloc(count, size); }
void kfree(void *pointer) { free(pointer); }

char *kstrdup(const char *s)
{
	size_t size = strlen(s) + 1;
	char *copy = malloc(size);

	return copy ? memcpy(copy, s, size) : NULL;
}

struct slab_cache { size_t size; };

struct slab_cache *slab_cache_create(const char *name, size_t size, size_t align)
{
	struct slab_cache *cache = malloc(sizeof(*cache));

	cache->size = size;
	return cache;
}

void *slab_alloc(struct slab_cache *cache) { return host_allocation_fails() ? NULL : malloc(cache->size); }
void *slab_zalloc(struct slab_cache *cache) { return host_allocation_fails() ? NULL : calloc(1, cache->size); }
void slab_free(struct slab_cache *cache, void *object) { free(object); }

uint64_t random_u64(void) { return (uint64_t)rand() << 32 ^ (uint64_t)rand() << 16 ^ rand(); }
uint64_t random_below(uint64_t bound) { return random_u64() % bound; }

void random_bytes(void *buf, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)buf)[i] = rand();
}

void mutex_lock(struct mutex *mutex) { assert(!mutex->owner); mutex->owner = (void *)1; }
void mutex_unlock(struct mutex *mutex) { assert(mutex->owner); mutex->owner = NULL; }
bool mutex_held(const struct mutex *mutex) { return mutex->owner; }

bool mutex_try_lock(struct mutex *mutex)
{
	if (mutex->owner)
		return false;
	mutex_lock(mutex);
	return true;
}

/* string_copy and string_to_u64 are the kernel's own additions to the C library. */
size_t string_copy(char *to, const char *from, size_t size)
{
	size_t len = strlen(from);

	if (size) {
		size_t kept = len < size ? len : size - 1;

		memcpy(to, from, kept);
		to[kept] = 0;
	}
	return len;
}

bool string_to_u64(const char *s, uint64_t *value)
{
	char *end;

	*value = strtoull(s, &end, 0);
	return *s && !*end && *s != '-' && *s != ' ' && *s != '+';
}
