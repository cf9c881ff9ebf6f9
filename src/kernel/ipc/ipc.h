/* SPDX-License-Identifier: MIT */
/* What the rest of the kernel uses of ports and messages. */
#pragma once

#include "abi/raeen/ipc.h"

struct process;
struct thread;

/* Once, before programs run. */
void ipc_init(void);

/* The calling thread ends or leaves its memory for another (exec): gives its message buffer back. May sleep. */
void ipc_thread_release(struct thread *thread);

/* arch/x86_64/message_path.inc: the calling thread slept by the short way, but the scheduler woke it. The result of its call. May sleep. */
long message_resume_ask(void);
long message_resume_serve(void);
long message_resume_notified(void);

/* Another thread can close the calling thread's descriptors from now on, or it has a GS base: messages go the long way. */
void endpoint_forget_descriptors(void);

/* Which ports a process may open by name: passes to children, only ever narrows. */
struct port_names;
struct port_names *port_names_get(struct port_names *names);	/* NULL stays NULL: all */
void port_names_put(struct port_names *names);
