/* SPDX-License-Identifier: MIT */
/* Inside the VFS core: O_ASYNC, signals of events at a file, and who gets them. */
#pragma once

#include "vfs/epoll.h"

/*
 * Switches O_ASYNC of @file, which its descriptor @fd leads to. 0; -ENOTTY where no signals come, which are all but pipes, sockets and terminals; -ENOMEM.
 * May sleep.
 */
int async_switch(struct file *file, int fd, bool on);
/* @item, which is of no epoll, is that of O_ASYNC: no more signals, and it is freed. May sleep. */
void async_end(struct epoll_item *item);

/* @owner: as signal_send_for() has it, or 0: nobody. May sleep. */
void async_set_owner(struct file *file, int owner);
