/* SPDX-License-Identifier: MIT */
/*
 * The system calls of file systems' servers (raeen/fs.h). A handle with RECV leads to the port, the port to what is mounted from it. Everything is copied in
 * once, and then looked at; what a commit says is checked by block_commit.
 */
#include "abi/raeen/fs.h"
#include "block/block_cache.h"
#include "ipc/kernel_call.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/user_copy.h"
#include "syscall_prototypes.h"
#include "vfs/served/served_mount.h"

_Static_assert(FS_COPY == (int)BLOCK_COPY && FS_SET_BITS == (int)BLOCK_SET_BITS && FS_CLEAR_BITS == (int)BLOCK_CLEAR_BITS &&
	       FS_FRESH == (int)BLOCK_FRESH && FS_FORGET == (int)BLOCK_FORGET && FS_NEW_DATA == (int)BLOCK_NEW_DATA, "programs say the same");
_Static_assert(FS_FIRST == (int)BLOCK_FIRST && FS_LATE == (int)BLOCK_LATE && FS_SETTLED == (int)BLOCK_SETTLED, "programs say the same");
_Static_assert(FS_FINAL == (int)BLOCK_FINAL && FS_BOUNDARY_BEFORE == (int)BLOCK_BOUNDARY_BEFORE && FS_BOUNDARY_AFTER == (int)BLOCK_BOUNDARY_AFTER,
	       "programs say the same");
_Static_assert(FS_COMMIT_BASES_MAX == (int)BLOCK_COMMIT_BASES && FS_COMMIT_CHANGES_MAX == (int)BLOCK_COMMIT_CHANGES &&
	       FS_COMMIT_BYTES_MAX == (int)BLOCK_COMMIT_BYTES, "programs say the same");
_Static_assert(sizeof(struct fs_base) == sizeof(struct block_base) && offsetof(struct fs_base, generation) == offsetof(struct block_base, generation),
	       "bases are copied as they are");

enum {
	READ_MAX = 4096,
	CHANGES_AT_ONCE = 16,		/* copied from the program */
	/* Two pages of a commit's bytes that follow each other hold more than one page's. */
	PAGES_MAX = 2 * FS_COMMIT_BYTES_MAX / PAGE_SIZE + 1,
};

/* Who calls, and which file system that is. */
struct caller {
	struct kernel_call_server server;
	struct served *served;
};

/* 0, -EBADF, -ESTALE, -ENOTCONN; -EINVAL if blocks are needed and there are none yet. end() when 0. */
static int begin(int fd, struct caller *caller, bool needs_blocks)
{
	int error = kernel_call_server_borrow(fd, &caller->server);

	if (error)
		return error;
	caller->served = served_enter(caller->server.port);
	if (!caller->served)
		error = -ENOTCONN;
	else if (needs_blocks && !served_cache(caller->served))
		error = -EINVAL;
	if (error && caller->served)
		served_leave(caller->served);
	if (error)
		kernel_call_server_release(&caller->server);
	return error;
}

static long end(const struct caller *caller, long result)
{
	served_leave(caller->served);
	kernel_call_server_release(&caller->server);
	return result;
}

long sys_fs_disk(int fd, uaddr_t out)
{
	struct fs_disk_info info = { 0 };
	struct block_cache *cache;
	struct caller caller;
	int error = begin(fd, &caller, false);

	if (error)
		return error;
	cache = served_cache(caller.served);
	info.size = caller.served->disk->sector_count * caller.served->disk->sector_size;
	info.sector_size = caller.served->disk->sector_size;
	info.started = served_is_in_use(caller.served);
	if (cache) {
		info.block_size = caller.served->block_size;
		info.blocks = caller.served->block_count;
		info.group = block_open_group(cache);
	}
	return end(&caller, copy_to_user(out, &info, sizeof(info)));
}

/* Whole sectors around the range are read. */
static int read_disk(struct disk *disk, uint64_t offset, uaddr_t to, size_t len)
{
	uint64_t size = disk->sector_count * disk->sector_size, first, last;
	char *bytes;
	int error;

	if (len > READ_MAX || offset > size || len > size - offset)
		return -EINVAL;
	if (!len)
		return 0;
	first = offset / disk->sector_size;
	last = (offset + len - 1) / disk->sector_size;
	bytes = kmalloc((last - first + 1) * disk->sector_size);
	if (!bytes)
		return -ENOMEM;
	error = disk_transfer(disk, DISK_READ, first, last - first + 1, bytes);
	if (!error)
		error = copy_to_user(to, bytes + (offset - first * disk->sector_size), len);
	kfree(bytes);
	return error;
}

long sys_fs_disk_read(int fd, uint64_t offset, uaddr_t bytes, size_t len)
{
	struct caller caller;
	int error = begin(fd, &caller, false);

	return error ? error : end(&caller, read_disk(caller.served->disk, offset, bytes, len));
}

long sys_fs_set_blocks(int fd, unsigned size, uint64_t count)
{
	struct caller caller;
	int error = begin(fd, &caller, false);

	return error ? error : end(&caller, served_make_cache(caller.served, size, count));
}

/* Reads the block into @bytes, where the early image has room too if it is wanted, and from there to the program. */
static int read_block(struct block_cache *cache, unsigned block_size, uint64_t number, struct fs_block *block, char *bytes)
{
	char *early = block->early ? bytes + block_size : NULL;
	int result = block_read(cache, number, bytes, early, &block->generation);

	if (result < 0)
		return result;
	block->has_early = result;
	if (copy_to_user(block->data, bytes, block_size))
		return -EFAULT;
	return block->has_early ? copy_to_user(block->early, early, block_size) : 0;
}

static int get_block(const struct served *served, struct block_cache *cache, uint64_t number, struct fs_block *block)
{
	char *bytes;
	int error;

	if (number >= served->block_count || (block->early && !block->data))
		return -EINVAL;
	/* Before the block: if the group ends in between, a commit that relies on it says so. */
	block->group = block_open_group(cache);
	block->has_early = 0;
	if (!block->data) {
		block->generation = block_generation(cache, number);
		return 0;
	}
	bytes = kmalloc((block->early ? 2 : 1) * served->block_size);
	if (!bytes)
		return -ENOMEM;
	error = read_block(cache, served->block_size, number, block, bytes);
	kfree(bytes);
	return error;
}

long sys_fs_block_read(int fd, uint64_t number, uaddr_t out)
{
	struct fs_block block;
	struct caller caller;
	int error = begin(fd, &caller, true);

	if (error)
		return error;
	error = copy_from_user(&block, out, sizeof(block));
	if (!error)
		error = get_block(caller.served, served_cache(caller.served), number, &block);
	if (!error)
		error = copy_to_user(out, &block, sizeof(block));
	return end(&caller, error);
}

/* ---- Commits ---- */

/* A commit in the kernel's memory. */
struct incoming {
	struct fs_commit given;
	const struct caller *caller;
	struct block_change *changes;
	struct block_base *bases;
	uint64_t *generations;
	char *answer;
	unsigned page_count;
	char *pages[PAGES_MAX];		/* the changes' bytes */
};

static bool is_possible(const struct fs_commit *given)
{
	return given->base_count <= FS_COMMIT_BASES_MAX && given->change_count <= FS_COMMIT_CHANGES_MAX && given->answer_length <= MSG_PAYLOAD_MAX &&
	       !(given->flags & ~(uint32_t)BLOCK_COMMIT_FLAGS) && (given->flags & FS_FINAL ? given->token != 0 : !given->answer_length);
}

static void free_incoming(struct incoming *in)
{
	for (unsigned i = 0; i < in->page_count; i++)
		kfree(in->pages[i]);
	kfree(in);
}

/* With room for all but the changes' bytes. */
static struct incoming *make_incoming(const struct fs_commit *given)
{
	size_t changes = given->change_count * sizeof(struct block_change), bases = given->base_count * sizeof(struct block_base);
	size_t generations = given->base_count * sizeof(uint64_t);
	struct incoming *in = kmalloc(sizeof(*in) + changes + bases + generations + given->answer_length);

	if (!in)
		return NULL;
	in->given = *given;
	in->changes = (void *)(in + 1);
	in->bases = (void *)((char *)in->changes + changes);
	in->generations = (void *)((char *)in->bases + bases);
	in->answer = (char *)in->generations + generations;
	in->page_count = 0;
	return in;
}

/* As two numbers: a call of memcmp costs ten times as much. */
static bool is_zero(const uint8_t reserved[6])
{
	uint32_t first;
	uint16_t second;

	_Static_assert(sizeof(((struct fs_change *)0)->reserved) == sizeof(first) + sizeof(second), "all of them");
	__builtin_memcpy(&first, reserved, sizeof(first));
	__builtin_memcpy(&second, reserved + sizeof(first), sizeof(second));
	return !(first | second);
}

/* The changes, whose data are still the program's addresses. *@bytes: how many they copy in all. */
static int take_changes(struct incoming *in, size_t *bytes)
{
	struct fs_change some[CHANGES_AT_ONCE];

	*bytes = 0;
	for (unsigned i = 0; i < in->given.change_count; i++) {
		const struct fs_change *from = &some[i % CHANGES_AT_ONCE];
		unsigned count = MIN(in->given.change_count - i, (unsigned)CHANGES_AT_ONCE);

		if (i % CHANGES_AT_ONCE == 0 && copy_from_user(some, in->given.changes + i * sizeof(*from), count * sizeof(*from)))
			return -EFAULT;
		if (!is_zero(from->reserved))
			return -EINVAL;
		in->changes[i] = (struct block_change){ .block = from->block, .offset = from->offset, .len = from->length, .kind = from->kind,
							.flags = from->flags };
		if (from->kind != FS_COPY)
			continue;
		/* No block is larger than a page. */
		if (!from->length || from->length > PAGE_SIZE)
			return -EINVAL;
		in->changes[i].data = (const void *)from->data;
		*bytes += from->length;
	}
	return *bytes <= FS_COMMIT_BYTES_MAX ? 0 : -EINVAL;
}

/* The bytes of the changes; @left in all. */
static int take_bytes(struct incoming *in, size_t left)
{
	size_t room = 0;
	char *at = NULL;

	for (unsigned i = 0; i < in->given.change_count; i++) {
		struct block_change *change = &in->changes[i];

		if (change->kind != BLOCK_COPY)
			continue;
		if (change->len > room) {
			room = MIN(left, (size_t)PAGE_SIZE);
			at = kmalloc(room);
			if (!at)
				return -ENOMEM;
			in->pages[in->page_count++] = at;
		}
		if (copy_from_user(at, (uaddr_t)change->data, change->len))
			return -EFAULT;
		change->data = at;
		at += change->len;
		room -= change->len;
		left -= change->len;
	}
	return 0;
}

/* Copies all in; what is to be filled is written, too, with what it is now, so that an address that is wrong is found before anything has happened. */
static int take_all(struct incoming *in, uaddr_t commit)
{
	const struct fs_commit *given = &in->given;
	size_t bytes;
	int error = take_changes(in, &bytes);

	if (!error)
		error = take_bytes(in, bytes);
	if (error)
		return error;
	if (copy_from_user(in->bases, given->bases, given->base_count * sizeof(*in->bases)) || copy_from_user(in->answer, given->answer, given->answer_length))
		return -EFAULT;
	for (unsigned i = 0; i < given->base_count; i++)
		in->generations[i] = in->bases[i].generation;
	if (given->generations && copy_to_user(given->generations, in->generations, given->base_count * sizeof(*in->generations)))
		return -EFAULT;
	return put_user_u32(commit + offsetof(struct fs_commit, open_group), given->open_group);
}

/* block_commit.answer_request: is this instance still the one to do it, and does somebody still want it? */
static int answer_request(void *context, const struct block_commit *commit)
{
	const struct incoming *in = context;
	int error = kernel_call_check(&in->caller->server, in->given.token, commit->flags & BLOCK_FINAL, commit->answer, commit->answer_len);

	if (!error && in->given.free_blocks != UINT64_MAX)
		atomic_store(&in->caller->served->free_blocks, in->given.free_blocks);
	return error;
}

static int commit_incoming(struct incoming *in, uaddr_t to)
{
	const struct fs_commit *given = &in->given;
	struct block_cache *cache = served_cache(in->caller->served);
	struct block_commit commit = {
		.bases = in->bases, .changes = in->changes, .base_count = given->base_count, .change_count = given->change_count, .flags = given->flags,
		.generations = in->generations, .group = given->group, .answer = in->answer, .answer_len = given->answer_length,
		.answer_request = answer_request, .context = in,
	};
	uint64_t number;
	int error = block_commit(cache, &commit, &number);

	if (error)
		return error;
	if (given->generations && copy_to_user(given->generations, in->generations, given->base_count * sizeof(*in->generations)))
		return -EFAULT;
	return put_user_u32(to + offsetof(struct fs_commit, open_group), block_open_group(cache));
}

static int commit_for(const struct caller *caller, uaddr_t commit)
{
	struct fs_commit given;
	struct incoming *in;
	int error;

	if (copy_from_user(&given, commit, sizeof(given)))
		return -EFAULT;
	if (!is_possible(&given))
		return -EINVAL;
	in = make_incoming(&given);
	if (!in)
		return -ENOMEM;
	in->caller = caller;
	error = take_all(in, commit) ?: commit_incoming(in, commit);
	free_incoming(in);
	return error;
}

long sys_fs_commit(int fd, uaddr_t commit)
{
	struct caller caller;
	int error = begin(fd, &caller, true);

	return error ? error : end(&caller, commit_for(&caller, commit));
}
