/* SPDX-License-Identifier: MIT */
/*
 * Controlling terminals: which session has a terminal, which of its process groups is in the foreground, what happens to the others, and
 * how it all ends. session->tty and tty->session are guarded by process_tree_lock; session->tty holds a reference to the tty.
 * tty->session needs none: a session leader's exit takes the terminal away before the session goes.
 */
#include "tty/tty_private.h"
#include <asm/signal.h>
#include <linux/fcntl.h>
#include "lib/errno.h"
#include "mm/user_copy.h"
#include "process/process.h"
#include "process/signal.h"
#include "security/capabilities.h"

static bool is_session_leader(const struct process *process)
{
	return process->session && process->session->sid == process->pid;
}

/* process_tree_lock held. */
static struct tty *tty_of_process(const struct process *process)
{
	return process->session && process->terminal == process->session->terminals ? process->session->tty : NULL;
}

struct tty *tty_of_caller(void)
{
	struct process *process = current_process();

	if (!process)
		return NULL;
	uint64_t irq_flags = spin_lock_irq(&process_tree_lock);
	struct tty *tty = tty_of_process(process);

	if (tty)
		tty_get(tty);
	spin_unlock_irq(&process_tree_lock, irq_flags);
	return tty;
}

void tty_signal_foreground(struct tty *tty, int signal)
{
	uint64_t irq_flags = spin_lock_irq(&process_tree_lock);

	signal_send_foreground(tty->session, tty->foreground_pgid, signal);
	spin_unlock_irq(&process_tree_lock, irq_flags);
}

int tty_check_background(struct tty *tty, int signal)
{
	struct process *process = current_process();

	if (!process || !tty_controls_caller(tty))
		return 0;
	uint64_t irq_flags = spin_lock_irq(&process_tree_lock);
	int own = process->pgid, foreground = tty->foreground_pgid;
	bool orphaned = process_group_orphaned(own);

	spin_unlock_irq(&process_tree_lock, irq_flags);
	if (!foreground || own == foreground)
		return 0;
	if (signal_is_ignored_or_blocked(signal))
		return signal == SIGTTIN ? -EIO : 0;
	if (orphaned)
		return -EIO;
	struct signal_info info = signal_info_kernel(signal);

	signal_send_group(own, &info);
	return -ERESTARTSYS;
}

/* process_tree_lock held; the session has no terminal and the terminal no session. */
static void attach(struct tty *tty, struct process *leader)
{
	tty_get(tty);
	leader->session->tty = tty;
	/* Those who were there before do not get it, unless there have been very many. */
	if (!++leader->session->terminals)
		leader->session->terminals = 1;
	leader->terminal = leader->session->terminals;
	tty->session = leader->session;
	atomic_store(&tty->foreground_pgid, leader->pgid);
}

/* process_tree_lock held. Returns whether there was a reference for the caller to drop after unlocking. */
static bool detach(struct tty *tty)
{
	struct session *session = tty->session;

	if (!session)
		return false;
	session->tty = NULL;
	tty->session = NULL;
	atomic_store(&tty->foreground_pgid, 0);
	return true;
}

void tty_take_control(struct tty *tty, const struct file *file)
{
	struct process *process = current_process();

	/* Who may only write to a terminal must not get to read it through /dev/tty. */
	if (!process || (file->flags & O_ACCMODE) == O_WRONLY)
		return;
	uint64_t irq_flags = spin_lock_irq(&process_tree_lock);

	if (is_session_leader(process) && !process->session->tty && !tty->session)
		attach(tty, process);
	spin_unlock_irq(&process_tree_lock, irq_flags);
}

void tty_release_control(struct tty *tty)
{
	uint64_t irq_flags = spin_lock_irq(&process_tree_lock);
	bool had = detach(tty);

	spin_unlock_irq(&process_tree_lock, irq_flags);
	if (had)
		tty_put(tty);
}

static void signal_process(int pid, int signal)
{
	struct process *process = process_find(pid);
	struct signal_info info = signal_info_kernel(signal);

	if (!process)
		return;
	signal_send_process(process, &info);
	process_put(process);
}

/* Makes the open files dead, wakes whoever waits in them, and takes the terminal from its session. */
static void hang_up(struct tty *tty, bool leader_exits)
{
	uint64_t irq_flags = spin_lock_irq(&tty->lock);

	atomic_store(&tty->hangups, tty->hangups + 1);
	line_start_any(&tty->line);
	line_flush_input(&tty->line);
	line_flush_output(&tty->line);
	if (tty->driver->initial_settings) {
		struct ktermios termios = line_initial_settings;

		tty->driver->initial_settings(&termios);
		line_set_termios(&tty->line, &termios);
	}
	tty_unlock_and_act(tty, irq_flags);
	wake_all(&tty->read_queue);
	wake_all(&tty->write_queue);

	irq_flags = spin_lock_irq(&process_tree_lock);
	int sid = tty->session ? tty->session->sid : 0;

	if (leader_exits)
		signal_send_foreground(tty->session, tty->foreground_pgid, SIGHUP);
	else if (tty->session)
		tty->session->hung_up_pgid = tty->foreground_pgid;	/* told when the leader exits (process/exit.c) */
	bool had = detach(tty);

	spin_unlock_irq(&process_tree_lock, irq_flags);
	if (!had)
		return;
	if (!leader_exits) {
		signal_process(sid, SIGHUP);
		signal_process(sid, SIGCONT);
	}
	tty_put(tty);
}

void tty_hangup(struct tty *tty)
{
	hang_up(tty, false);
}

/* The leader leaves its terminal: the foreground group is told. A pty stays usable for others; other terminals are hung up. */
void tty_session_leader_exit(struct session *session)
{
	uint64_t irq_flags = spin_lock_irq(&process_tree_lock);
	struct tty *tty = session->tty;

	if (tty)
		tty_get(tty);
	spin_unlock_irq(&process_tree_lock, irq_flags);
	if (!tty)
		return;
	if (!list_empty(&tty->link)) {
		hang_up(tty, true);
	} else {
		tty_signal_foreground(tty, SIGHUP);
		tty_release_control(tty);
	}
	tty_put(tty);
}

bool tty_controls_caller(const struct tty *tty)
{
	struct tty *of_caller = tty_of_caller();

	if (of_caller)
		tty_put(of_caller);
	return of_caller == tty;
}

unsigned tty_device_of_caller(void)
{
	struct tty *tty = tty_of_caller();
	unsigned dev = tty ? tty->dev : 0;

	if (tty)
		tty_put(tty);
	return dev;
}

void tty_describe_control(const struct process *process, unsigned *dev, int *foreground_pgid)
{
	struct tty *tty = tty_of_process(process);

	*dev = tty ? tty->dev : 0;
	*foreground_pgid = tty && tty->foreground_pgid ? tty->foreground_pgid : -1;
}

void tty_set_size(struct tty *tty, unsigned rows, unsigned columns, unsigned x_pixels, unsigned y_pixels)
{
	struct winsize size = { .ws_row = rows, .ws_col = columns, .ws_xpixel = x_pixels, .ws_ypixel = y_pixels };
	uint64_t irq_flags = spin_lock_irq(&tty->lock);
	bool changed = size.ws_row != tty->size.ws_row || size.ws_col != tty->size.ws_col ||
		       size.ws_xpixel != tty->size.ws_xpixel || size.ws_ypixel != tty->size.ws_ypixel;

	tty->size = size;
	spin_unlock_irq(&tty->lock, irq_flags);
	if (changed)
		tty_signal_foreground(tty, SIGWINCH);
}

/* TIOCSCTTY. @steal: root may take it from the session that has it. */
static long control_set(struct tty *tty, struct file *file, bool steal)
{
	struct process *process = current_process();
	bool root = capabilities_may_administer();
	bool stolen = false;
	long result = 0;
	uint64_t irq_flags = spin_lock_irq(&process_tree_lock);

	if (is_session_leader(process) && tty->session == process->session)
		goto out;
	result = -EPERM;
	if (!is_session_leader(process) || process->session->tty)
		goto out;
	if (tty->session && !(steal && root))
		goto out;
	if ((file->flags & O_ACCMODE) == O_WRONLY && !root)
		goto out;
	stolen = detach(tty);
	attach(tty, process);
	result = 0;
out:
	spin_unlock_irq(&process_tree_lock, irq_flags);
	if (stolen)
		tty_put(tty);
	return result;
}

/* TIOCNOTTY. When the leader gives it up, the session has none any more. */
static long control_give_up(struct tty *tty)
{
	struct process *process = current_process();

	uint64_t irq_flags = spin_lock_irq(&process_tree_lock);
	bool has = tty_of_process(process) == tty, leads = is_session_leader(process);

	if (has)
		process->terminal = 0;
	spin_unlock_irq(&process_tree_lock, irq_flags);
	if (!has)
		return -ENOTTY;
	if (!leads)
		return 0;
	tty_signal_foreground(tty, SIGHUP);
	tty_signal_foreground(tty, SIGCONT);
	tty_release_control(tty);
	return 0;
}

static long foreground_set(struct tty *tty, uint64_t argument)
{
	uint32_t value;
	int error = tty_check_background(tty, SIGTTOU);

	if (error)
		return error == -EIO ? -ENOTTY : error;
	if (get_user_u32(&value, argument))
		return -EFAULT;
	int pgid = (int)value;

	if (pgid < 0)
		return -EINVAL;
	uint64_t irq_flags = spin_lock_irq(&process_tree_lock);

	error = tty_of_process(current_process()) == tty ? process_group_check(pgid) : -ENOTTY;
	if (!error)
		atomic_store(&tty->foreground_pgid, pgid);
	spin_unlock_irq(&process_tree_lock, irq_flags);
	return error;
}

/* TIOCGPGRP and TIOCGSID; a pty's master may ask without being in the session. */
static long control_query(struct tty *tty, bool master, bool want_session, uint64_t argument)
{
	if (!master && !tty_controls_caller(tty))
		return -ENOTTY;
	uint64_t irq_flags = spin_lock_irq(&process_tree_lock);
	int sid = tty->session ? tty->session->sid : 0;
	int pgid = tty->foreground_pgid;

	spin_unlock_irq(&process_tree_lock, irq_flags);
	if (want_session && !sid)
		return -ENOTTY;
	return put_user_u32(argument, want_session ? sid : pgid);
}

long tty_ioctl_control(struct tty *tty, struct file *file, bool master, unsigned request, uint64_t argument)
{
	switch (request) {
	case TIOCSCTTY:
		return master ? -EIO : control_set(tty, file, argument == 1);
	case TIOCNOTTY:
		return master ? -ENOTTY : control_give_up(tty);
	case TIOCGPGRP:
		return control_query(tty, master, false, argument);
	case TIOCGSID:
		return control_query(tty, master, true, argument);
	case TIOCSPGRP:
		return foreground_set(tty, argument);
	default:
		return -ENOIOCTLCMD;
	}
}
