/* SPDX-License-Identifier: MIT */
/* Doing what may wait for others, as a file system, without waiting for ever. */
#ifndef SERVERS_LIB_BOUNDED_H
#define SERVERS_LIB_BOUNDED_H

/*
 * Runs @work(@argument) in a child, which shares the caller's open files, and waits for it for at most @ms milliseconds; then the child is killed. Returns what
 * @work did: 0 or a negative errno; -ETIMEDOUT, -EINTR (something killed it), or why there is no child.
 */
int bounded_run(int (*work)(void *argument), void *argument, unsigned ms);

#endif
