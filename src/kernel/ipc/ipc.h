/* SPDX-License-Identifier: MIT */
/* What the rest of the kernel uses of ports and messages. */
#pragma once

#include "abi/raeen/ipc.h"
#include "lib/types.h"

struct process;
struct thread;

/* Once, before programs run. */
void ipc_init(void);

/* The calling thread ends or leaves its memory for another (exec): gives its message buffer back. May sleep. */
void ipc_thread_release(struct thread *thread);

/*
 * arch/x86_64/message_path.inc: the calling thread slept by the short way, but the scheduler woke it. The result of its call. @ask_number: of
 * SYS_msg_ask. May sleep.
 */
long message_resume_ask(uint64_t ask_number);
long message_resume_serve(void);
long message_resume_notified(void);

/* @thread runs at another level from now on: who answers its call does, too. Any context. */
void ipc_level_changed(struct thread *thread);

/* For /proc/ports. The port in use after @port (NULL: the first), with a reference; that of @port is put. NULL: there are no more. */
struct port;
struct port *port_next(struct port *port);
/* Name, epoch, flags, messages queued, calls held, pid of who received last, references. */
void port_summary(struct port *port, char *buf, size_t size);

/* Another thread can close the calling thread's descriptors from now on, or it has a GS base: messages go the long way. */
void endpoint_forget_descriptors(void);

/* Which ports a process may open by name: passes to children, only ever narrows. */
struct port_names;
struct port_names *port_names_get(struct port_names *names);	/* NULL stays NULL: all */
void port_names_put(struct port_names *names);
bool port_names_allow(const struct port_names *names, const char *name);

/* Is @file a handle by which a port lives? */
struct file;
bool port_is_received_by(const struct file *file);
