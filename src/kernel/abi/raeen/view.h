/* SPDX-License-Identifier: MIT */
/*
 * Views: what of the file system a program and all that it starts can see. view_enter() makes a private mount namespace whose root holds nothing but
 * the given parts of the caller's, and puts the caller there for good. Any user may: it only narrows.
 *
 * Conditions: the process has one thread, and has set PR_SET_NO_NEW_PRIVS, so that no set-id program believes what it finds in a view. From then on
 * nobody inside can mount, unmount, leave the namespace, or look into processes outside it by /proc. What is open stays open: a launcher closes the
 * directories that the program must not have, before.
 */
#pragma once

#include <linux/types.h>

enum view_flags {
	VIEW_READ_ONLY = 1 << 0,	/* with all that is mounted below it */
};

enum { VIEW_PARTS_MAX = 128 };

struct view_part {
	__u64 source;		/* const char *: a file or directory as the caller sees it, symlinks followed */
	__u64 target;		/* const char *: where it is to be, absolute, without "." and ".."; "/" is the root itself */
	__u32 flags;		/* enum view_flags */
	__u32 reserved;		/* 0 */
};

/*
 * int view_enter(const struct view_part *parts, size_t count, unsigned flags): @flags is 0. Parts are put in their places in order, directories on
 * the way to them are made, but not inside of other parts. Root and working directory are the new root afterwards. 0, or errno, and then nothing
 * has changed: EPERM without no_new_privs; EINVAL for flags, targets, several threads, sources that are no place of the caller's namespace; ENOSPC
 * for too many mounts; ENOTDIR when a target's place is a file and the source none, or the other way; and what looking up a source or target gives.
 */
