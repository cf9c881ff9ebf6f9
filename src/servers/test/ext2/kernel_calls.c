/* SPDX-License-Identifier: MIT */
/* The kernel's calls of the ext2 server (../../fs/ext2/kernel_calls.h), with points at which the service ends, and answers that are changed. */
#include "fs/ext2/kernel_calls.h"
#include "test/ext2/points.h"
#include "test/lies/lies.h"

#include <raeen/stubs.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

int call_disk(int port, struct fs_disk_info *info)
{
	return (int)fs_disk(port, info);
}

int call_disk_read(int port, uint64_t offset, void *bytes, size_t length)
{
	return (int)fs_disk_read(port, offset, bytes, length);
}

int call_set_blocks(int port, uint32_t block_size, uint64_t blocks)
{
	return (int)fs_set_blocks(port, block_size, blocks);
}

int call_block_read(int port, uint64_t number, struct fs_block *block)
{
	return (int)fs_block_read(port, number, block);
}

static void end_if_time(unsigned long every, unsigned long count)
{
	if (every && count % every == 0 && points.call->extra.deaths == 0)
		kill(getpid(), SIGKILL);
}

/* Each instance counts anew; its number, which tells before from after, is the process's. */
static void end_if_mapping(unsigned long mapped, bool after)
{
	if (points.allocating && getpid() % 2 == after)
		end_if_time(points.die_mapping, mapped);
}

/* With an answer that may be a lie; who tries again begins with the right one. */
static int commit_and_lie(int port, struct fs_commit *commit)
{
	static uint8_t answer[MSG_PAYLOAD_MAX];
	struct fs_commit lie = *commit;
	bool differs;
	int error;

	memcpy(answer, (const void *)commit->answer, commit->answer_length);
	lie.answer = (uintptr_t)answer;
	differs = lies_change(answer, &lie.answer_length);
	error = (int)fs_commit(port, &lie);
	commit->open_group = lie.open_group;
	if (differs && error == 0)
		lies_count();
	return error;
}

int call_commit(int port, struct fs_commit *commit)
{
	static unsigned long commits, mapped;
	struct fs_commit wrong;
	int error;

	commits++;
	mapped += points.allocating;
	end_if_mapping(mapped, false);
	end_if_time(points.die_before_commit, commits);
	if (points.is_late)
		wait_until_late();
	if (lies_spoil_commit(commit, &wrong))
		lies_count_commit((int)fs_commit(port, &wrong));
	error = commit->flags & FS_FINAL ? commit_and_lie(port, commit) : (int)fs_commit(port, commit);
	if (points.is_late)
		say_late("commit", error);
	end_if_mapping(mapped, true);
	end_if_time(points.die_after_commit, commits);
	return error;
}
