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
#include "vfs/served/answers.h"
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
#define SAME(member, other) (offsetof(struct fs_change, member) == offsetof(struct block_change, other))
_Static_assert(sizeof(struct fs_change) == sizeof(struct block_change) && SAME(block, block) && SAME(data, data) && SAME(offset, offset) &&
	       SAME(length, len) && SAME(kind, kind) && SAME(flags, flags) && SAME(reserved, unused), "and changes");

enum {
	READ_MAX = 4096,
	SMALL = 1024,			/* bytes: a commit that needs no more memory than the stack's; most do not */
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

/* For the bytes of changes that have no room behind the rest of the commit. */
struct pages {
	unsigned count;
	char *pages[PAGES_MAX];
};

/* A commit in the kernel's memory. */
struct incoming {
	uint64_t small[SMALL / sizeof(uint64_t)];
	struct block_commit commit;
	const struct caller *caller;
	void *memory;			/* where all that is, if not in @small */
	struct pages *pages;		/* NULL: no more were needed */
	char *room_end, *room;		/* for bytes of changes */
	struct block_change *changes;	/* those of the commit, as are the next three */
	struct block_base *bases;
	uint64_t *generations;
	char *answer;
	uint32_t open_group;
	struct fs_commit given;
};

static bool is_possible(const struct fs_commit *given)
{
	return given->base_count <= FS_COMMIT_BASES_MAX && given->change_count <= FS_COMMIT_CHANGES_MAX && given->answer_length <= MSG_PAYLOAD_MAX &&
	       !(given->flags & ~(uint32_t)BLOCK_COMMIT_FLAGS) && (given->flags & FS_FINAL ? given->token != 0 : !given->answer_length);
}

static void free_incoming(struct incoming *in)
{
	if (unlikely(in->pages)) {
		for (unsigned i = 0; i < in->pages->count; i++)
			kfree(in->pages->pages[i]);
		kfree(in->pages);
	}
	if (unlikely(in->memory))
		kfree(in->memory);
}

/* Finds room for all but the changes' bytes, and for some of these. free_incoming() whatever it returns. */
static int place_incoming(struct incoming *in)
{
	const struct fs_commit *given = &in->given;
	size_t changes = given->change_count * sizeof(*in->changes), bases = given->base_count * sizeof(*in->bases);
	size_t size = changes + bases + given->base_count * sizeof(*in->generations) + given->answer_length;
	char *start = (char *)in->small;

	in->memory = in->pages = NULL;
	in->room_end = start + sizeof(in->small);
	if (unlikely(size > sizeof(in->small))) {
		start = in->memory = kmalloc(size);
		if (!start)
			return -ENOMEM;
		in->room_end = start + size;
	}
	in->changes = (void *)start;
	in->bases = (void *)(start + changes);
	in->generations = (void *)((char *)in->bases + bases);
	in->answer = (char *)(in->generations + given->base_count);
	in->room = in->answer + given->answer_length;
	return 0;
}

/* Takes another page, or less, for the bytes of the changes from @index on. */
static int make_room(struct incoming *in, unsigned index)
{
	size_t left = 0;
	char *page;

	for (unsigned i = index; i < in->given.change_count; i++)
		left += in->changes[i].kind == BLOCK_COPY ? in->changes[i].len : 0;
	if (left > FS_COMMIT_BYTES_MAX)
		return -EINVAL;
	if (!in->pages) {
		in->pages = kmalloc(sizeof(*in->pages));
		if (!in->pages)
			return -ENOMEM;
		in->pages->count = 0;
	}
	left = MIN(left, (size_t)PAGE_SIZE);
	page = kmalloc(left);
	if (!page)
		return -ENOMEM;
	in->pages->pages[in->pages->count++] = page;
	in->room = page;
	in->room_end = page + left;
	return 0;
}

/* The kind, the flags, and what must be 0, as one number. */
static uint64_t last_word(const struct block_change *change)
{
	uint64_t word;

	__builtin_memcpy(&word, &change->kind, sizeof(word));
	return word;
}

/* The changes, whose bytes' addresses become the kernel's. */
static int take_changes(struct incoming *in)
{
	if (copy_from_user(in->changes, in->given.changes, in->given.change_count * sizeof(*in->changes)))
		return -EFAULT;
	for (unsigned i = 0; i < in->given.change_count; i++) {
		struct block_change *change = &in->changes[i];

		if (last_word(change) >> 16)
			return -EINVAL;
		if (change->kind != BLOCK_COPY)
			continue;
		/* No block is larger than a page. */
		if (!change->len || change->len > PAGE_SIZE)
			return -EINVAL;
		if (unlikely(change->len > (size_t)(in->room_end - in->room))) {
			int error = make_room(in, i);

			if (error)
				return error;
		}
		if (copy_from_user(in->room, (uaddr_t)change->data, change->len))
			return -EFAULT;
		change->data = in->room;
		in->room += change->len;
	}
	return 0;
}

/*
 * Copies all in; what is to be filled is written, too, with what it is now, so that an address that is wrong is found before anything has happened. Of the
 * generations, which lie in two pages at most, that is the first and the last.
 */
static int take_all(struct incoming *in, uaddr_t commit)
{
	const struct fs_commit *given = &in->given;
	unsigned last = given->base_count - 1;
	int error = take_changes(in);

	if (error)
		return error;
	if (copy_from_user(in->bases, given->bases, given->base_count * sizeof(*in->bases)))
		return -EFAULT;
	if (given->answer_length && copy_from_user(in->answer, given->answer, given->answer_length))
		return -EFAULT;
	if (given->generations && given->base_count &&
	    (put_user_u64(given->generations, in->bases[0].generation) ||
	     put_user_u64(given->generations + last * sizeof(*in->generations), in->bases[last].generation)))
		return -EFAULT;
	return put_user_u32(commit + offsetof(struct fs_commit, open_group), given->open_group);
}

/* Whose changes a request makes. Those of names are everybody's: what is made has no number yet. */
static uint64_t concerns_of(const struct kernel_call_asked *asked)
{
	switch (asked->type) {
	case FS_SETATTR: case FS_MAP_EXTENTS: case FS_RELEASE:
		return block_concern(asked->first);
	case FS_SYNC:
		return BLOCK_CONCERNS_NO_FILE;
	default:
		return 0;
	}
}

/* block_commit.answer_request: is this instance still the one to do it, and does somebody still want it? */
static int answer_request(void *context, const struct block_commit *commit)
{
	struct incoming *in = context;
	struct kernel_call_asked asked;
	int error = kernel_call_check(&in->caller->server, in->given.token, commit->flags & BLOCK_FINAL, commit->answer, commit->answer_len, &asked);

	in->commit.concerns = concerns_of(&asked);
	if (!error && in->given.free_blocks != UINT64_MAX)
		atomic_store(&in->caller->served->free_blocks, in->given.free_blocks);
	return error;
}

static int commit_incoming(struct incoming *in, uaddr_t to)
{
	const struct fs_commit *given = &in->given;
	uint64_t number;
	int error;

	in->commit = (struct block_commit){
		.bases = in->bases, .changes = in->changes, .base_count = given->base_count, .change_count = given->change_count, .flags = given->flags,
		.generations = in->generations, .open_group = &in->open_group, .group = given->group, .answer = in->answer,
		.answer_len = given->answer_length, .answer_request = answer_request, .context = in,
	};
	error = block_commit(served_cache(in->caller->served), &in->commit, &number);
	if (error)
		return error;
	if (given->generations && copy_to_user(given->generations, in->generations, given->base_count * sizeof(*in->generations)))
		return -EFAULT;
	return put_user_u32(to + offsetof(struct fs_commit, open_group), in->open_group);
}

static int commit_for(const struct caller *caller, uaddr_t commit)
{
	struct incoming in;
	int error;

	if (copy_from_user(&in.given, commit, sizeof(in.given)))
		return -EFAULT;
	if (!is_possible(&in.given))
		return -EINVAL;
	in.caller = caller;
	error = place_incoming(&in);
	if (!error)
		error = take_all(&in, commit);
	if (!error)
		error = commit_incoming(&in, commit);
	free_incoming(&in);
	return error;
}

long sys_fs_commit(int fd, uaddr_t commit)
{
	struct caller caller;
	int error = begin(fd, &caller, true);

	return error ? error : end(&caller, commit_for(&caller, commit));
}
