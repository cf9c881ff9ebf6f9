/* SPDX-License-Identifier: MIT */
/*
 * Inside the VFS core: a whole walk whose names are all in the cache, in few instructions: the fast path of path_walk_user(), which remains the
 * reference and does whatever is not done here. Preemption is off from begin to end and the tree lock is held, so the place needs no reference; the
 * text is in this CPU's memo; user memory that is not there ends the walk (mm/user_copy.h).
 */
#pragma once

#include "arch/x86_64/user_access_now.h"
#include "mm/user_copy.h"
#include "vfs/fs_context.h"
#include "vfs/path_known.h"

/* A CPU has some memos, each for the names at some addresses: names that a program uses in turn are mostly 16 bytes apart or more. */
enum { PATH_MEMOS = 4, PATH_MEMO_STEP = 16, PATH_MEMO_SIZE = 512, PATH_MEMO_TEXT = PATH_MEMO_SIZE - 56 };

/*
 * A path walked on a CPU, and its last entry: programs like to look at a file and then open it, or to make one and remove it. It holds while nothing has
 * changed what entries names have (vfs_paths_generation; where the entry leads is looked at each time), for a walk from the same place that may
 * search the same directories. Touched with preemption off only.
 */
struct path_memo {
	char text[PATH_MEMO_TEXT];
	uint64_t generation;		/* 0: nothing is remembered */
	/* Not referenced: what they name cannot end without a new generation. */
	struct path start, parent;
	struct dentry *last;
	uint8_t needed;
	uint16_t last_at;	/* where in the text the last name begins */
};

_Static_assert(sizeof(struct path_memo) == PATH_MEMO_SIZE, "a shift finds it");
_Static_assert(PATH_MEMO_TEXT >= USER_STRING_NOW_MAX + PATH_PADDING, "there is room");

static inline struct path_memo *path_memo_of(uaddr_t name)
{
	return &this_cpu()->path_memos[name / PATH_MEMO_STEP % PATH_MEMOS];
}

/* Does @memo, whose text is the path to walk, tell where the caller's walk leads? */
static inline __attribute__((always_inline)) bool path_memo_holds(const struct path_memo *memo)
{
	const struct thread *thread = current_thread();
	const struct fs_context *context = thread->process->fs;
	const struct path *start = likely(*memo->text == '/') ? &context->root : &context->cwd;

	return memo->generation == atomic_load(&vfs_paths_generation) && memo->start.dentry == start->dentry &&
	       memo->start.mount == start->mount && memo->needed == walk_class_needed(thread->user.credentials);
}

/* Walks to @name, of which memo->text has the first @same bytes, and fills in @memo. Its last entry or NULL. Preemption off, tree lock held. */
struct dentry *path_ready_walk(struct path_memo *memo, uaddr_t name, uint64_t same);

/*
 * The entry, perhaps negative, of the last component of user string @name, and in *@parent its directory. NULL: not everything is in the cache, or
 * the path is unusual. In any case path_ready_end() must follow.
 */
static inline __attribute__((always_inline)) struct dentry *path_ready_find(uaddr_t name, struct path *parent)
{
	struct path_memo *memo;
	uint64_t same;

	preempt_disable();
	spin_acquire(&vfs_tree_lock);
	memo = path_memo_of(name);
	if (unlikely(name > USER_END - USER_STRING_NOW_MAX))
		return NULL;
	if (unlikely(!user_string_equal_now(memo->text, name, &same) || !path_memo_holds(memo)) && !path_ready_walk(memo, name, same))
		return NULL;
	*parent = memo->parent;
	return memo->last;
}

/*
 * KNOWN_END: *@at is where user string @name leads, a symlink only with @no_follow. KNOWN_ABSENT: there is no such file. KNOWN_PART: the long way must be
 * gone. In any case path_ready_end() must follow.
 */
static inline __attribute__((always_inline)) enum known path_ready_begin(uaddr_t name, struct path *at, bool no_follow)
{
	struct dentry *last = path_ready_find(name, at);

	if (unlikely(!last))
		return KNOWN_PART;
	if (unlikely(!last->vnode))
		return KNOWN_ABSENT;
	if (!no_follow && unlikely(last->vnode->walk_class == WALK_CLASS_LINK))
		return KNOWN_PART;
	at->dentry = last;
	if (unlikely(last->state != DENTRY_USED)) {
		last->state |= DENTRY_USED;
		mount_cross_locked(at);
	}
	return KNOWN_END;
}

/* Returns whether path_ready_preempted() must be called, last. */
static inline uint32_t path_ready_end(void)
{
	spin_release(&vfs_tree_lock);
	return preempt_enable_quietly();
}

/* Lets the scheduler run. Returns @result. */
long path_ready_preempted(long result);

bool path_ready_init_cpu(struct cpu *cpu);	/* before it runs programs; false when out of memory */
