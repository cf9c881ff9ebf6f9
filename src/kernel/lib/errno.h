/* SPDX-License-Identifier: MIT */
/*
 * Error numbers: Linux's, taken from its user-space headers, plus the kernel-internal ones that ask the signal code to
 * restart a system call. Functions return 0 or a non-negative result, or a negative errno.
 */
#pragma once

#ifdef HOST_TEST
#include <errno.h>
#else
#include <asm/errno.h>
#endif

/*
 * A sleeping call that a signal interrupted returns one of these. They never reach a program: process/signal.c turns each
 * into EINTR or into a restart of the call. Values lie above the user-visible range, where Linux has them too.
 */
enum {
	ERESTARTSYS = 512,		/* restart if no handler ran or it was installed with SA_RESTART */
	ERESTARTNOHAND = 514,		/* restart only if no handler ran */
	ERESTART_RESTARTBLOCK = 516,	/* restart through thread->restart (relative sleeps) */
};
