/* SPDX-License-Identifier: MIT */
/* world_run by the library itself: each operation as ext2_run calls it. */
#include "world.h"

#include <errno.h>
#include <string.h>

static int call_create(struct ext2_txn *txn, void *arguments)
{
	struct call *call = arguments;

	return call->answer->result = ext2_create(txn, &call->new, &call->answer->attr);
}

static int call_link(struct ext2_txn *txn, void *arguments)
{
	struct call *call = arguments;

	return call->answer->result = ext2_link(txn, call->node, call->dir, call->name, call->time, &call->answer->attr);
}

static int call_remove(struct ext2_txn *txn, void *arguments)
{
	struct call *call = arguments;

	call->answer->removed.unused = 0;
	return call->answer->result = ext2_remove(txn, call->dir, call->name, call->flags, call->time, &call->answer->removed);
}

static int call_release(struct ext2_txn *txn, void *arguments)
{
	struct call *call = arguments;

	return call->answer->result = ext2_release(txn, call->node);
}

static int call_rename(struct ext2_txn *txn, void *arguments)
{
	struct call *call = arguments;

	return call->answer->result = ext2_rename(txn, &call->rename, &call->answer->removed);
}

static int call_map(struct ext2_txn *txn, void *arguments)
{
	struct call *call = arguments;

	return call->answer->result = ext2_map(txn, &call->map, call->answer->extents, 16);
}

static int call_setattr(struct ext2_txn *txn, void *arguments)
{
	struct call *call = arguments;

	return call->answer->result = ext2_setattr(txn, call->node, call->flags, &call->attr, &call->answer->attr);
}

static int call_sync(struct ext2_txn *txn, void *arguments)
{
	struct call *call = arguments;

	return call->answer->result = ext2_sync(txn, call->time, call->clean);
}

static int call_start(struct ext2_txn *txn, void *arguments)
{
	struct call *call = arguments;

	return call->answer->result = ext2_start(txn, call->time);
}

static int call_grow(struct ext2_txn *txn, void *arguments)
{
	struct call *call = arguments;

	return call->answer->result = ext2_grow(txn);
}

static ext2_operation *const operations[] = {
	[CALL_START] = call_start, [CALL_GROW] = call_grow, [CALL_CREATE] = call_create, [CALL_LINK] = call_link, [CALL_REMOVE] = call_remove,
	[CALL_RELEASE] = call_release, [CALL_RENAME] = call_rename, [CALL_MAP] = call_map, [CALL_SETATTR] = call_setattr, [CALL_SYNC] = call_sync,
};

void world_mount(struct world *world, unsigned flags)
{
	int error;

	memset(world->memory, 0xa5, ext2_memory(0));
	error = ext2_mount(&world->store.io, world->memory, ext2_memory(0), flags, &world->fs);
	if (error)
		world_fail(world, "mount: %s", strerror(-error));
}

/* Another instance: what the one before had in memory is gone. */
static void begin_again(struct world *world)
{
	world->store.gets_left = world->store.commits_left = world->store.good_gets = -1;
	world->kills_done++;
	world_mount(world, EXT2_ADOPT);
}

int world_run(struct world *world, enum call_kind kind, struct call *call, struct answer *answer)
{
	struct store *store = &world->store;
	volatile bool after = false;
	volatile unsigned rounds = 0;

	store->operation = world->operations;
	for (;;) {
		int end;

		memset(answer, 0, sizeof(*answer));
		store->commits_left = world->kills == KILL_ALWAYS ? 0 : -1;
		store->after = after;
		if (world->kills == KILL_RANDOM && rounds < 1000) {
			store->gets_left = world_random(world, 4) ? -1 : (long)world_random(world, 40);
			store->commits_left = world_random(world, 4) ? -1 : (long)world_random(world, 2);
			store->after = world_random(world, 2);
			store->stale = world_random(world, 8) == 0;
			store->good_gets = world_random(world, 4) ? -1 : (long)world_random(world, 16);
		}
		end = setjmp(store->end);
		if (!end) {
			answer->result = ext2_run(world->fs, operations[kind], call, answer, sizeof(*answer));
			bool failed = answer->result == -EIO && store->good_gets < 0 && rounds < 1000;

			store->gets_left = store->commits_left = store->good_gets = -1;
			store->stale = false;
			world_check_kept(world, world->fs, 0, store_forgets);
			if (!failed)
				return answer->result;
			/* The disk failed, and nothing happened: once more. */
			world->failures++;
			rounds += 2000;
			continue;
		}
		begin_again(world);
		if (end == 2 && store->ended_final) {
			memcpy(answer, store->answer, sizeof(*answer));
			return answer->result;
		}
		after = !after;
		if (++rounds > 12000)
			world_fail(world, "it never ends");
	}
}
