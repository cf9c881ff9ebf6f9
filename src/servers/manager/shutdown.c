/* SPDX-License-Identifier: MIT */
/* The end of the machine's run (shutdown.h). */
#include "shutdown.h"
#include "lib/log.h"
#include "mounts.h"
#include "lib/services_conf/values.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { POLL_MS = 10 };

/* Reaps until no child is left (true), or @patience_ms have passed. Every orphan is a child of process 1. */
static bool reap_all(unsigned patience_ms)
{
	for (unsigned waited = 0;; waited += POLL_MS) {
		pid_t pid;

		do {
			pid = waitpid(-1, NULL, WNOHANG);
		} while (pid > 0);
		if (pid < 0 && errno == ECHILD)
			return true;
		if (waited >= patience_ms)
			return false;
		nanosleep(&(struct timespec){ .tv_nsec = POLL_MS * (long)NS_PER_MS }, NULL);
	}
}

/* Programs that a login left behind, and daemons nobody listed. */
static void end_the_rest(void)
{
	if (reap_all(0))
		return;
	kill(-1, SIGTERM);
	kill(-1, SIGCONT);
	if (reap_all(2000))
		return;
	kill(-1, SIGKILL);
	if (!reap_all(2000))
		log_warning("some processes do not end");
}

void shutdown_machine(enum shutdown_kind kind)
{
	static const struct {
		int command;
		const char *text;
	} ends[] = {
		[SHUTDOWN_POWER_OFF] = { RB_POWER_OFF, "power off" },
		[SHUTDOWN_REBOOT] = { RB_AUTOBOOT, "reboot" },
		[SHUTDOWN_HALT] = { RB_HALT_SYSTEM, "halt" },
	};

	end_the_rest();
	sync();
	log_info("%s", ends[kind].text);
	mounts_release();
	sync();
	log_drain();
	if (reboot(ends[kind].command) < 0)
		log_error("cannot %s: %s", ends[kind].text, strerror(errno));
	/* Process 1 must not end. */
	for (;;)
		pause();
}
