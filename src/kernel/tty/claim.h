/* SPDX-License-Identifier: MIT */
/* Being the only reader or writer of a terminal for as long as a call takes, sleeps included. */
#pragma once

#include "sync/wait.h"

struct file;

/*
 * Makes the caller the only one in *@flag, which @lock guards, waiting in @queue for others unless @file is O_NONBLOCK. Unlike a mutex it
 * lets signals through: the one before us may wait for a key for ever. 0, -EAGAIN or -ERESTARTSYS. May sleep.
 */
int tty_claim(struct spinlock *lock, bool *flag, struct wait_queue *queue, const struct file *file);
void tty_unclaim(struct spinlock *lock, bool *flag, struct wait_queue *queue);
