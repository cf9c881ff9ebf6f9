/* SPDX-License-Identifier: MIT */
/* The end of the machine's run (shutdown.h). */
#include "shutdown.h"
#include "bounded.h"
#include "boot_mounts.h"
#include "log.h"
#include "services_conf/values.h"
#include "session.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { POLL_MS = 10, END_MS = 2000, SYNC_MS = 10000, PREPARE_S = 30 };

/* The child of shutdown_prepare(), -1: it could not be made; it has ended. */
static pid_t child;
static bool prepared;

/* The signals that ask for something. They are never taken: while they are pending they are known to the next instance as well (adr/0015 of the kernel). */
static const struct order {
	int number;
	enum shutdown_kind kind;
} orders[] = {
	{ SIGUSR2, SHUTDOWN_POWER_OFF }, { SIGTERM, SHUTDOWN_REBOOT }, { SIGINT, SHUTDOWN_REBOOT }, { SIGUSR1, SHUTDOWN_HALT },
};

enum { ORDERS = sizeof(orders) / sizeof(orders[0]) };

static sigset_t order_mask, mask_while_waiting;
static int order_fd = -1;
static enum shutdown_kind asked_for;

/* Only to end a wait. */
static void on_child(int number)
{
	(void)number;
}

void shutdown_signals(void)
{
	struct sigaction action = { .sa_handler = on_child };
	sigset_t blocked;

	sigemptyset(&order_mask);
	for (unsigned i = 0; i < ORDERS; i++)
		sigaddset(&order_mask, orders[i].number);
	mask_while_waiting = blocked = order_mask;
	sigaddset(&blocked, SIGCHLD);
	sigaddset(&blocked, SIGWINCH);
	/* Orders need no handler: blocked, they pend whatever their action is. */
	sigprocmask(SIG_SETMASK, &blocked, NULL);
	sigaction(SIGCHLD, &action, NULL);
}

const sigset_t *shutdown_wait_mask(void)
{
	return &mask_while_waiting;
}

int shutdown_order_fd(void)
{
	if (order_fd < 0)
		order_fd = signalfd(-1, &order_mask, SFD_CLOEXEC | SFD_NONBLOCK);
	return order_fd;
}

enum shutdown_kind shutdown_asked(void)
{
	sigset_t pending;

	sigpending(&pending);
	for (unsigned i = 0; i < ORDERS; i++) {
		if (sigismember(&pending, orders[i].number))
			shutdown_ask(orders[i].kind);
	}
	return asked_for;
}

void shutdown_ask(enum shutdown_kind kind)
{
	if (asked_for == SHUTDOWN_NONE)
		asked_for = kind;
}

static const struct {
	int command;
	const char *text;
} ends[] = {
	[SHUTDOWN_POWER_OFF] = { RB_POWER_OFF, "power off" },
	[SHUTDOWN_REBOOT] = { RB_AUTOBOOT, "reboot" },
	[SHUTDOWN_HALT] = { RB_HALT_SYSTEM, "halt" },
};

const char *shutdown_name(enum shutdown_kind kind)
{
	return ends[kind].text;
}

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
	if (reap_all(END_MS))
		return;
	kill(-1, SIGKILL);
	if (!reap_all(END_MS))
		log_warning("some processes do not end");
}

static void end_others(const pid_t *kept, unsigned count)
{
	static const int numbers[] = { SIGTERM, SIGKILL };

	for (unsigned i = 0; i < 2; i++) {
		session_signal_others(kept, count, numbers[i]);
		session_signal_others(kept, count, SIGCONT);
		for (unsigned waited = 0; waited < END_MS && session_signal_others(kept, count, 0) > 0; waited += POLL_MS)
			nanosleep(&(struct timespec){ .tv_nsec = POLL_MS * (long)NS_PER_MS }, NULL);
	}
}

/* A file system whose service does not answer is left after a time. */
static int sync_for_all(void *unused)
{
	(void)unused;
	sync();
	return 0;
}

static void sync_bounded(void)
{
	if (bounded_run(sync_for_all, NULL, SYNC_MS) < 0)
		log_error("a file system does not take what was written within %d s", SYNC_MS / 1000);
}

bool shutdown_prepare(const pid_t *kept, unsigned count)
{
	if (prepared || child != 0)
		return prepared || child < 0;
	child = fork();
	if (child != 0)
		return child < 0;
	alarm(PREPARE_S);
	end_others(kept, count);
	sync_bounded();
	_exit(mounts_release() < 0 ? 1 : 0);
}

void shutdown_child_ended(pid_t pid, int status)
{
	if (pid != child || child <= 0)
		return;
	prepared = true;
	if (status != 0)
		log_error("the root file system was not unmounted%s: WHAT WAS WRITTEN LAST MAY BE LOST", WIFSIGNALED(status) ? " in time" : "");
}

void shutdown_at_once(const char *wrong)
{
	log_error("the table of services, one of which serves the root file system, is of no use: %s; the machine starts again", wrong);
	sync_bounded();
	log_drain();
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}

void shutdown_machine(enum shutdown_kind kind)
{
	if (!prepared) {
		end_the_rest();
		sync_bounded();
	}
	log_info("%s", ends[kind].text);
	if (!prepared) {
		mounts_release();
		sync_bounded();
	}
	log_drain();
	if (reboot(ends[kind].command) < 0)
		log_error("cannot %s: %s", ends[kind].text, strerror(errno));
	/* Process 1 must not end. */
	for (;;)
		pause();
}
