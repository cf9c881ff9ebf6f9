/* SPDX-License-Identifier: MIT */
/*
 * Inside the VFS core: a whole walk whose names are all in the cache, in few instructions: the fast path of path_walk_user(), which remains the
 * reference and does whatever is not done here. Preemption is off from begin to end and the tree lock is held, so the place needs no reference; the
 * text is in this CPU's buffer; user memory that is not there ends the walk (mm/user_copy.h).
 */
#pragma once

#include "arch/x86_64/user_access_now.h"
#include "mm/user_copy.h"
#include "vfs/fs_context.h"
#include "vfs/path_known.h"

/*
 * KNOWN_END: *@at is where user string @name leads, not a symlink. KNOWN_ABSENT: there is no such file. KNOWN_PART: the long way must be gone. In
 * any case path_ready_end() must follow.
 */
static inline __attribute__((always_inline)) enum known path_ready_begin(uaddr_t name, struct path *at)
{
	struct thread *thread = current_thread();
	const struct fs_context *context = thread->process->fs;
	const char *text;
	char *start, *end;

	_Static_assert(sizeof(((struct cpu *)0)->path_text) >= USER_STRING_NOW_MAX + PATH_PADDING, "room for the longest text");
	preempt_disable();
	spin_acquire(&vfs_tree_lock);
	text = start = this_cpu()->path_text;
	if (unlikely(name > USER_END - USER_STRING_NOW_MAX))
		return KNOWN_PART;
	end = user_copy_string_now(start, name);
	if (unlikely(!end))
		return KNOWN_PART;
	*end = '/';
	if (likely(*text == '/')) {
		*at = context->root;
		text++;
	} else {
		*at = context->cwd;
	}
	return path_walk_known(at, &text, end, thread->user.credentials, false);
}

/* Returns whether path_ready_preempted() must be called, last. */
static inline uint32_t path_ready_end(void)
{
	spin_release(&vfs_tree_lock);
	return preempt_enable_quietly();
}

/* Lets the scheduler run. Returns @result. */
long path_ready_preempted(long result);
