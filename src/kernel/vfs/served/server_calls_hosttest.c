/* SPDX-License-Identifier: MIT */
/*
 * Host test of what a file system's server may ask of the kernel (server_calls.c), with the block cache behind it: 150,000 commits, most of them mutated from
 * valid ones, in a memory of the server's that is not all there. What is refused changes nothing and answers nobody, and every condition that refuses is met
 * (COVERS, in test/host/branches.py). COMMITS_SEED=N. WITHOUT=NAME leaves a mutation out, which must be noticed.
 */
/* LINK: vfs/served/server_calls.c block/disk.c block/memory_disk.c block/memory_disk_test.c block/block_cache.c block/commit.c block/commit_check.c */
/* LINK: block/write_group.c block/write_back.c mm/page_tree.c test/host/fibers.c test/host/block_host.c */
/* LINK: test/host/cut_disk.c test/host/user_memory.c test/host/commit_callers.c test/host/commit_rules.c */
/* COVERS: vfs/served/server_calls.c */
/* COVERS: block/commit_check.c */
/* COVERS: block/commit.c: counts_are_possible needs_new_group choose_group */
/* COVERS: block/block_cache.c: is_possible block_cache_create get_block */
/* CONTROLS: counts heads changes surroundings memory calls sizes callers readers */
#include "abi/raeen/fs.h"
#include "block/block_cache.h"
#include "block/memory_disk.h"
#include "ipc/kernel_call.h"
#include "syscall_prototypes.h"
#include "test/host/commit_callers.h"
#include "test/host/commit_rules.h"
#include "test/host/fibers.h"
#include "test/host/host.h"
#include "test/host/user_memory.h"
#include "vfs/served/answers.h"
#include "vfs/served/served_mount.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 150000, MUTATED = 100000, BLOCKS = 300, MAX_BLOCKS = 1024, BLOCK = 1024, SYNC_EVERY = 32 };

/* ---- The server's memory ---- */

/* Pages; between them nothing is. */
enum { COMMIT_AT = 1, BASES_AT = 3, CHANGES_AT = 5, GENERATIONS_AT = 9, ANSWER_AT = 12, DATA_AT = 15, OUT_AT = 90 };

/* It begins in one page and ends in the next. */
static uaddr_t generations_address(void)
{
	return user_page(GENERATIONS_AT + 1) - 3 * sizeof(uint64_t);
}

static void map_all(void)
{
	static const struct { unsigned first, count; } regions[] = {
		{ COMMIT_AT, 1 }, { BASES_AT, 1 }, { CHANGES_AT, 3 }, { GENERATIONS_AT, 2 }, { ANSWER_AT, 2 }, { DATA_AT, 70 }, { OUT_AT, 4 },
	};

	for (unsigned page = 0; page < USER_PAGES; page++)
		user_set_page(page, USER_NOTHING);
	for (unsigned i = 0; i < ARRAY_LEN(regions); i++)
		for (unsigned page = 0; page < regions[i].count; page++)
			user_set_page(regions[i].first + page, USER_WRITABLE);
	user_goes_after(-1);
}

/* ---- The port, the mount ---- */

enum { FD = 3, FD_OF_NOTHING_MOUNTED, TOKEN = 77 };

static struct served served;
static unsigned borrowed, answers;
static int receiver_error;	/* what the port says of who asks */

int kernel_call_server_borrow(int fd, struct kernel_call_server *server)
{
	if (fd != FD && fd != FD_OF_NOTHING_MOUNTED)
		return -EBADF;
	server->port = (void *)(uintptr_t)fd;
	borrowed++;
	return 0;
}

void kernel_call_server_release(const struct kernel_call_server *server) { borrowed--; }

/* What the request asks, one after the other: whose errors a commit's are goes by that. */
static void ask_next(struct kernel_call_asked *asked)
{
	static const uint32_t types[] = { 0, FS_SETATTR, FS_MAP_EXTENTS, FS_RELEASE, FS_SYNC, FS_CREATE };
	static unsigned next;

	*asked = (struct kernel_call_asked){ .type = types[next % ARRAY_LEN(types)], .first = next };
	next++;
}

int kernel_call_check(const struct kernel_call_server *server, uint64_t token, bool final, const void *answer, unsigned length,
		      struct kernel_call_asked *asked)
{
	const struct fs_commit *given = user_at(user_page(COMMIT_AT));

	ask_next(asked);
	if (receiver_error)
		return receiver_error;
	if (token && token != TOKEN)
		return -ENOENT;
	if (final) {
		bool moved = given->answer != user_page(ANSWER_AT) || (given->generations && given->generations != generations_address());

		/* Where the generations come may be in the middle of it. */
		assert(token && length == given->answer_length && (moved || !length || !memcmp(answer, user_at(given->answer), length)));
		answers++;
	}
	return 0;
}

struct served *served_enter(struct port *port)
{
	if (port != (void *)(uintptr_t)FD)
		return NULL;
	served.users++;
	return &served;
}

void served_leave(struct served *left) { left->users--; }
bool served_is_in_use(struct served *served) { return true; }

int served_make_cache(struct served *served, unsigned block_size, uint64_t blocks)
{
	return block_size == BLOCK && blocks == BLOCKS ? 0 : -EINVAL;
}

/* ---- A valid commit ---- */

static struct memory_disk *memory;
static struct block_cache *cache;
static struct fs_commit *const commit = (void *)(user_memory + COMMIT_AT * PAGE_SIZE);
static struct fs_base *const bases = (void *)(user_memory + BASES_AT * PAGE_SIZE);
static struct fs_change *const changes = (void *)(user_memory + CHANGES_AT * PAGE_SIZE);
static unsigned data_used;	/* bytes of changes */
static uint8_t bytes[4096];

static void add_change(uint64_t block, unsigned kind, unsigned flags)
{
	struct fs_change *change = &changes[commit->change_count];
	bool is_range = kind == FS_FORGET || kind == FS_NEW_DATA;
	uint32_t size = kind == FS_COPY ? BLOCK : BLOCK * 8;

	if (commit->change_count == FS_COMMIT_CHANGES_MAX)
		return;
	*change = (struct fs_change){ .block = block, .kind = kind, .flags = flags };
	if (is_range) {
		change->length = 1 + host_random(MIN((uint64_t)20, BLOCKS - block));
	} else if (kind != FS_FRESH) {
		change->offset = host_random(size);
		change->length = 1 + host_random(MIN(size - change->offset, 600u));
	}
	if (kind == FS_COPY) {
		change->data = user_page(DATA_AT) + data_used;
		data_used += change->length;
	}
	commit->change_count++;
}

static bool has_base(uint64_t number)
{
	for (unsigned i = 0; i < commit->base_count; i++)
		if (bases[i].block == number)
			return true;
	return false;
}

static void add_base(unsigned most_changes)
{
	uint64_t number = host_random(BLOCKS);
	bool fresh = !host_random(5);

	if (has_base(number))
		return;
	bases[commit->base_count] = (struct fs_base){ .block = number };
	if (fresh)
		bases[commit->base_count].generation = block_generation(cache, number);
	else
		assert(block_read(cache, number, bytes, NULL, &bases[commit->base_count].generation) >= 0);
	commit->base_count++;
	if (fresh)
		add_change(number, FS_FRESH, FS_FIRST);
	for (unsigned i = host_random(most_changes + 1); i > 0; i--)
		add_change(number, host_random(3), (host_random(3) ? 0 : FS_LATE) | (host_random(8) ? 0 : FS_SETTLED) | host_random(2));
}

static void make_commit(void)
{
	static const uint32_t flags[] = { 0, 0, FS_FINAL, FS_FINAL, FS_BOUNDARY_BEFORE, FS_BOUNDARY_AFTER, FS_BOUNDARY_AFTER | FS_FINAL };
	/* Some do not fit on the stack, some nowhere near that. */
	bool is_large = !host_random(16), is_huge = !host_random(64);
	unsigned count = 1 + host_random(is_huge ? FS_COMMIT_BASES_MAX : is_large ? 20 : 4);

	map_all();
	data_used = 0;
	*commit = (struct fs_commit){
		.bases = user_page(BASES_AT), .changes = user_page(CHANGES_AT), .generations = host_random(8) ? generations_address() : 0,
		.answer = user_page(ANSWER_AT), .flags = flags[host_random(ARRAY_LEN(flags))], .free_blocks = host_random(2) ? UINT64_MAX : host_random(BLOCKS),
	};
	if (commit->flags & FS_FINAL)
		commit->answer_length = host_random(3) ? host_random(200) : host_random(2) ? MSG_PAYLOAD_MAX : 0;
	if (commit->flags & FS_FINAL || host_random(2))
		commit->token = TOKEN;
	while (count--)
		add_base(is_huge ? 6 : 3);
	if (!host_random(3) && !(commit->flags & FS_BOUNDARY_BEFORE))
		commit->group = block_open_group(cache);
	for (unsigned i = 0; i < commit->base_count; i++)
		bases[i].generation = block_generation(cache, bases[i].block);
	while (!host_random(4))
		add_change(host_random(BLOCKS), host_random(2) ? FS_FORGET : FS_NEW_DATA, 0);
}

/* ---- Mutations ---- */

static uint64_t evil(uint64_t value)
{
	static const uint64_t values[] = { 0, 1, 7, 63, 64, 255, 256, BLOCK, BLOCK * 8, PAGE_SIZE, PAGE_SIZE + 1, BLOCKS - 1, BLOCKS, BLOCKS + 1, UINT32_MAX,
					   1ull << 31, 1ull << 63, UINT64_MAX, UINT64_MAX - 7 };

	switch (host_random(3)) {
	case 0: return values[host_random(ARRAY_LEN(values))];
	case 1: return value ^ 1ull << host_random(64);
	default: return value + (host_random(2) ? 1 : -1);
	}
}

static struct fs_change *some_change(void)
{
	return &changes[host_random(MIN(MAX(commit->change_count, 1u), (uint32_t)FS_COMMIT_CHANGES_MAX))];
}

static void mutate_counts(void)
{
	switch (host_random(3)) {
	case 0: commit->base_count = host_random(4) ? evil(commit->base_count) : FS_COMMIT_BASES_MAX + host_random(2); break;
	case 1: commit->change_count = host_random(4) ? evil(commit->change_count) : FS_COMMIT_CHANGES_MAX + host_random(2); break;
	case 2: commit->answer_length = host_random(4) ? evil(commit->answer_length) : MSG_PAYLOAD_MAX + host_random(2); break;
	}
}

static void mutate_heads(void)
{
	switch (host_random(3)) {
	case 0: commit->flags = host_random(2) ? host_random(8) : evil(commit->flags); break;
	case 1: commit->group = host_random(2) ? block_open_group(cache) : evil(commit->group); break;
	case 2: commit->token = evil(commit->token); break;
	}
}

static void mutate_bases(void)
{
	struct fs_base *base = &bases[host_random(MIN(MAX(commit->base_count, 1u), (uint32_t)FS_COMMIT_BASES_MAX))];

	switch (host_random(4)) {
	case 0: base->block = evil(base->block); break;
	case 1: base->generation = evil(base->generation); break;
	case 2: *base = bases[0]; break;
	case 3: *base = (struct fs_base){ host_random(BLOCKS), 0 }; break;
	}
}

static void mutate_changes(void)
{
	struct fs_change *change = some_change();
	bool large = host_random(2);

	switch (host_random(7)) {
	case 0: change->block = host_random(2) ? evil(change->block) : host_random(BLOCKS); break;
	case 1: change->offset = evil(change->offset); break;
	case 2: change->length = evil(change->length); break;
	case 3: change->kind = host_random(2) ? host_random(8) : evil(change->kind); break;
	case 4: change->flags = host_random(2) ? host_random(8) : evil(change->flags); break;
	case 5: change->reserved[host_random(sizeof(change->reserved))] = host_random(256); break;
	case 6:
		/* As many bytes as there may be, or more, some of which a page has no room for. */
		for (unsigned i = 0; i < FS_COMMIT_CHANGES_MAX; i++)
			changes[i] = (struct fs_change){ .block = bases[0].block, .data = user_page(DATA_AT) + i * 64, .kind = FS_COPY,
							 .length = large ? PAGE_SIZE : 1000 + host_random(25) };
		commit->change_count = FS_COMMIT_CHANGES_MAX;
		break;
	}
}

static uint64_t evil_address(uint64_t address)
{
	static const uint64_t values[] = { 0, 8, PAGE_SIZE, 0x7ffffffff000, 0xffff800000000000, UINT64_MAX, UINT64_MAX - 7 };

	return host_random(2) ? values[host_random(ARRAY_LEN(values))] : address + (host_random(2) ? 4 : 1) * PAGE_SIZE - host_random(2) * 16;
}

static void mutate_pointers(void)
{
	switch (host_random(5)) {
	case 0: commit->bases = evil_address(commit->bases); break;
	case 1: commit->changes = evil_address(commit->changes); break;
	case 2: commit->generations = evil_address(commit->generations); break;
	case 3: commit->answer = evil_address(commit->answer); break;
	case 4: some_change()->data = evil_address(some_change()->data); break;
	}
}

/* Not what is said is wrong, but what is around it. */
static void mutate_surroundings(void)
{
	switch (host_random(5)) {
	case 0: user_set_page(host_random(USER_PAGES), USER_NOTHING); break;
	case 1: user_set_page(GENERATIONS_AT + host_random(2), USER_READABLE); break;
	case 2: user_set_page(COMMIT_AT, host_random(2) ? USER_READABLE : USER_NOTHING); break;
	case 3: user_goes_after(host_random(12)); break;
	case 4: receiver_error = -ESTALE; break;
	}
}

static const struct {
	const char *name;
	void (*mutate)(void);
} mutations[] = {
	{ "counts", mutate_counts }, { "heads", mutate_heads }, { "bases", mutate_bases }, { "changes", mutate_changes },
	{ "pointers", mutate_pointers }, { "surroundings", mutate_surroundings },
};

/* True: the commit is another one than before. */
static bool mutate(void)
{
	static struct fs_base valid_bases[FS_COMMIT_BASES_MAX];
	static struct fs_change valid_changes[FS_COMMIT_CHANGES_MAX];
	struct fs_commit valid = *commit;

	memcpy(valid_bases, bases, valid.base_count * sizeof(*bases));
	memcpy(valid_changes, changes, valid.change_count * sizeof(*changes));
	do {
		unsigned which = host_random(ARRAY_LEN(mutations));

		if (!host_leaves_out(mutations[which].name))
			mutations[which].mutate();
	} while (!host_random(3));
	return memcmp(&valid, commit, sizeof(valid)) || memcmp(valid_bases, bases, valid.base_count * sizeof(*bases)) ||
	       memcmp(valid_changes, changes, valid.change_count * sizeof(*changes));
}

/* ---- Commits ---- */

static unsigned long outcomes[5], mutated;

static unsigned outcome_of(long result)
{
	static const int results[] = { 0, -EINVAL, -ESTALE, -EFAULT, -ENOENT };

	for (unsigned i = 0; i < ARRAY_LEN(results); i++)
		if (result == results[i])
			return i;
	fprintf(stderr, "a commit was refused with %ld\n", result);
	abort();
}

/* What the blocks that a commit is about are, as far as they are cached. */
static struct seen { uint64_t block, generation; uint8_t data[BLOCK]; } seen[FS_COMMIT_BASES_MAX];
static unsigned seen_count;

static void see_blocks(void)
{
	seen_count = 0;
	for (unsigned i = 0; i < commit->base_count && seen_count < FS_COMMIT_BASES_MAX; i++) {
		struct seen *block = &seen[seen_count];

		block->block = bases[i].block;
		if (block->block < BLOCKS && block_generation(cache, block->block)) {
			assert(block_read(cache, block->block, block->data, NULL, &block->generation) >= 0);
			seen_count++;
		}
	}
}

static void check_unchanged(void)
{
	for (unsigned i = 0; i < seen_count; i++) {
		uint64_t generation;

		assert(block_generation(cache, seen[i].block) == seen[i].generation);
		assert(block_read(cache, seen[i].block, bytes, NULL, &generation) >= 0 && generation == seen[i].generation);
		assert(!memcmp(bytes, seen[i].data, BLOCK));
	}
}

static void check_done(void)
{
	const uint64_t *generations = user_at(commit->generations);

	for (unsigned i = 0; commit->generations && i < commit->base_count; i++)
		assert(generations[i] == block_generation(cache, bases[i].block));
}

/* What else can be wrong is around it. */
static void check_verdict(enum commit_verdict verdict, long result)
{
	if (result == -EINVAL)
		assert(verdict == COMMIT_MALFORMED);
	if (result == -ESTALE)
		assert(verdict == COMMIT_STALE || verdict == COMMIT_NEEDS_GROUP || receiver_error);
	if (!result)
		assert(verdict == COMMIT_RIGHT || verdict == COMMIT_NEEDS_GROUP);
}

static void one_commit(bool is_mutated)
{
	static const struct commit_rules rules = { BLOCKS, BLOCK };
	static uint64_t free_blocks;
	struct block_cache_stats before, after;
	unsigned answers_before = answers;
	enum commit_verdict verdict;
	bool final, moved;
	long result;

	make_commit();
	see_blocks();
	if (is_mutated)
		mutated += mutate();
	verdict = commit_judge(&rules, cache, commit, bases, changes);
	moved = commit->bases != user_page(BASES_AT) || commit->changes != user_page(CHANGES_AT);
	block_cache_get_stats(cache, &before);
	result = sys_fs_commit(FD, user_page(COMMIT_AT));
	block_cache_get_stats(cache, &after);
	assert(!borrowed && !served.users);
	final = commit->flags & FS_FINAL;
	assert(is_mutated || (!result && answers == answers_before + final) || verdict == COMMIT_NEEDS_GROUP);
	outcomes[outcome_of(result)]++;
	if (!moved)
		check_verdict(verdict, result);
	if (after.commits != before.commits && commit->free_blocks != UINT64_MAX)
		free_blocks = commit->free_blocks;
	assert(served.free_blocks == free_blocks);
	if (!result)
		check_done();
	/* Places to be filled were there when it began, or it has not happened. */
	if (result && after.commits == before.commits) {
		check_unchanged();
		assert(answers == answers_before);
	} else {
		assert(!result || (result == -EFAULT && user_has_gone()));
	}
	receiver_error = 0;
}

static void test_commits(void)
{
	/* Without something a branch is missed by so many, too. */
	unsigned long rounds = getenv("WITHOUT") ? ROUNDS / 5 : ROUNDS;
	struct block_error_mark mark;

	block_error_mark_init(cache, &mark);
	for (unsigned long i = 0; i < rounds; i++) {
		/* Some blocks are not cached, and groups end. */
		if (i % SYNC_EVERY == 0 && !host_random(2))
			assert(!block_sync(cache, &mark));
		if (i % SYNC_EVERY == 1 && !host_random(4))
			block_cache_drop(cache);
		one_commit(host_random(8));
	}
	printf("commits: %lu of them mutated; %lu done, %lu EINVAL, %lu ESTALE, %lu EFAULT, %lu ENOENT\n", mutated, outcomes[0], outcomes[1], outcomes[2],
	       outcomes[3], outcomes[4]);
	assert(getenv("WITHOUT") || (mutated >= MUTATED && outcomes[0] && outcomes[1] && outcomes[2] && outcomes[3] && outcomes[4]));
}

/* Memory is out at each place. */
static void test_commits_without_memory(void)
{
	unsigned refused = 0;

	for (unsigned i = 0; i < 200; i++) {
		bool failed = true;

		make_commit();
		if (i % 2)
			mutate_changes();
		for (long allowed = 0; failed; allowed++) {
			host_fail_allocation(allowed);
			refused += sys_fs_commit(FD, user_page(COMMIT_AT)) == -ENOMEM;
			failed = host_allocation_failed();
		}
		host_fail_allocation(-1);
	}
	assert(refused > 1000);
}

/* ---- The other calls ---- */

static void test_handles(void)
{
	struct block_cache *there = served.cache;

	map_all();
	*commit = (struct fs_commit){ 0 };
	for (int fd = FD; fd <= FD_OF_NOTHING_MOUNTED + 1; fd++) {
		int error = fd == FD ? 0 : fd == FD_OF_NOTHING_MOUNTED ? -ENOTCONN : -EBADF;

		assert(sys_fs_disk(fd, user_page(OUT_AT)) == error);
		assert(sys_fs_disk_read(fd, 0, user_page(OUT_AT), 8) == error);
		assert(sys_fs_set_blocks(fd, BLOCK, BLOCKS) == error);
		memset(user_at(user_page(OUT_AT)), 0, sizeof(struct fs_block));
		assert(sys_fs_block_read(fd, 0, user_page(OUT_AT)) == error);
		assert(sys_fs_commit(fd, user_page(COMMIT_AT)) == error);
	}
	served.cache = NULL;
	assert(sys_fs_block_read(FD, 0, user_page(OUT_AT)) == -EINVAL && sys_fs_commit(FD, user_page(COMMIT_AT)) == -EINVAL);
	assert(sys_fs_disk(FD, user_page(OUT_AT)) == 0 && !((struct fs_disk_info *)user_at(user_page(OUT_AT)))->blocks);
	served.cache = there;
	assert(sys_fs_disk(FD, user_page(OUT_AT + 4)) == -EFAULT && sys_fs_set_blocks(FD, 0, 1) == -EINVAL);
	assert(sys_fs_disk(FD, user_page(OUT_AT)) == 0 && ((struct fs_disk_info *)user_at(user_page(OUT_AT)))->blocks == BLOCKS);
	assert(sys_fs_commit(FD, user_page(COMMIT_AT + 1)) == -EFAULT);
	assert(!borrowed && !served.users);
}

static void test_disk_reads(void)
{
	const uint64_t size = served.disk->sector_count * served.disk->sector_size;

	for (unsigned i = 0; i < 20000; i++) {
		uint64_t offset = host_random(4) ? host_random(size + 2) : evil(size);
		size_t len = host_random(4) ? host_random(4200) : evil(host_random(2) ? 0 : 4096);
		bool fits = len <= 4096 && offset <= size && len <= size - offset;
		uaddr_t to = user_page(OUT_AT + (host_random(8) ? 0 : 4));
		long result;

		map_all();
		memset(user_at(user_page(OUT_AT)), 0xee, 2 * PAGE_SIZE);
		result = sys_fs_disk_read(FD, offset, to, len);
		assert(result == (!fits ? -EINVAL : len && to != user_page(OUT_AT) ? -EFAULT : 0));
		assert(((uint8_t *)user_at(user_page(OUT_AT)))[result || to != user_page(OUT_AT) ? 0 : len] == 0xee);
	}
	assert(!memory_disk_control(memory, "fail read 8 2") && sys_fs_disk_read(FD, 8 * 512 + 9, user_page(OUT_AT), 700) == -EIO);
	assert(!memory_disk_control(memory, "fail off"));
	host_fail_allocation(0);
	assert(sys_fs_disk_read(FD, 0, user_page(OUT_AT), 700) == -ENOMEM && host_allocation_failed());
	assert(!borrowed && !served.users);
}

/* Of a block with an early image and one without; the places for them are there or not. */
static void test_block_reads(void)
{
	struct fs_block *block = user_at(user_page(OUT_AT));
	struct block_error_mark mark;
	const uaddr_t places[] = { 0, user_page(OUT_AT + 1), user_page(OUT_AT + 2), user_page(OUT_AT + 4), UINT64_MAX };

	/* No other block has an early image. */
	block_error_mark_init(cache, &mark);
	assert(!block_sync(cache, &mark));
	make_commit();
	commit->base_count = commit->change_count = data_used = 0;
	commit->group = commit->flags = commit->answer_length = 0;
	bases[0] = (struct fs_base){ .block = 9 };
	assert(block_read(cache, 9, bytes, NULL, &bases[0].generation) >= 0);
	commit->base_count = 1;
	add_change(9, FS_COPY, FS_LATE);
	assert(!sys_fs_commit(FD, user_page(COMMIT_AT)));
	for (unsigned i = 0; i < 4000; i++) {
		uint64_t number = host_random(8) ? 8 + host_random(2) : evil(BLOCKS);
		uaddr_t data = places[host_random(5)], early = places[host_random(5)];
		bool data_wrong = data > user_page(OUT_AT + 3), early_wrong = early > user_page(OUT_AT + 3) && number == 9, failing = !host_random(8);
		long result;

		*block = (struct fs_block){ .data = data, .early = early };
		if (failing)
			host_fail_allocation(0);
		result = sys_fs_block_read(FD, number, user_page(OUT_AT));
		failing = failing && host_allocation_failed() && result == -ENOMEM;
		host_fail_allocation(-1);
		if (number >= BLOCKS || (early && !data))
			assert(result == -EINVAL);
		else
			assert(failing || result == (data && (data_wrong || early_wrong) ? -EFAULT : 0));
	}
	assert(!block_sync(cache, &mark) && block_cache_drop(cache));
	assert(!memory_disk_control(memory, "fail read 16 2"));
	*block = (struct fs_block){ .data = user_page(OUT_AT + 1) };
	assert(sys_fs_block_read(FD, 8, user_page(OUT_AT)) == -EIO && !memory_disk_control(memory, "fail off"));
	assert(sys_fs_block_read(FD, 8, user_page(OUT_AT + 4)) == -EFAULT);
	assert(!borrowed && !served.users);
}

static void test_other_calls(void)
{
	test_handles();
	test_disk_reads();
	test_block_reads();
}

int main(void)
{
	struct block_cache_options options = { .max_blocks = MAX_BLOCKS, .age_ns = 1 << 30 };
	const char *text = getenv("COMMITS_SEED");
	uint64_t seed = text ? strtoull(text, NULL, 10) : 20261126;

	printf("COMMITS_SEED=%llu\n", (unsigned long long)seed);
	host_seed(seed);
	memory = memory_disk_create("ram0", 0, 0, 1 << 20);
	assert(!block_cache_create(memory_disk_disk(memory), 0, BLOCKS, BLOCK, &options, &cache));
	served = (struct served){ .disk = memory_disk_disk(memory), .cache = cache, .block_size = BLOCK, .block_count = BLOCKS };
	test_commits();
	if (!host_leaves_out("memory"))
		test_commits_without_memory();
	if (!host_leaves_out("calls"))
		test_other_calls();
	block_cache_destroy(cache);
	if (!host_leaves_out("sizes"))
		test_cache_sizes(memory_disk_disk(memory));
	if (!host_leaves_out("callers"))
		test_commit_callers(memory_disk_disk(memory));
	if (!host_leaves_out("readers"))
		test_commit_while_reading();
	memory_disk_destroy(memory);
	return 0;
}
