/* SPDX-License-Identifier: MIT */
/*
 * timerfd: timers to be read and waited for. A periodic timer stands still once it is due; whoever reads it next, or its setting, is told how many
 * periods have passed, and lets it go on.
 */
#include "syscall_prototypes.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "process/time_user.h"
#include "sched/clock.h"
#include "sched/wall_timer.h"
#include "vfs/fd_table.h"
#include "vfs/file_life.h"
#include "vfs/poll.h"
#include "vfs/procfs/proc_text.h"
#include <linux/time.h>
#include <linux/timerfd.h>

struct timerfd {
	struct spinlock lock;		/* with interrupts off; guards all but what is set once */
	struct timer timer;
	struct wall_timer wall;		/* what arms @timer for a setting by the wall clock */
	int clock;			/* set once */
	unsigned flags;			/* TFD_TIMER_* of the last setting */
	bool realtime;			/* the setting is by the wall clock */
	bool due;			/* expired, and counted in ticks; a periodic one waits to be told so */
	uint64_t expiry, interval;	/* by the setting's clock; expiry 0: off */
	uint64_t ticks;			/* expirations that nobody has read */
	struct wait_queue readers;
};

static const struct file_ops timerfd_ops;

/* ---- Time; all with the timer's lock held ---- */

static uint64_t now_for(const struct timerfd *timer)
{
	return timer->realtime ? clock_realtime_ns() : clock_monotonic_ns();
}

static void arm(struct timerfd *timer)
{
	if (timer->realtime)
		wall_timer_arm(&timer->wall, timer->expiry);
	else
		timer_arm(&timer->timer, timer->expiry);
}

/* TFD_TIMER_CANCEL_ON_SET, and the clock was set. */
static bool is_canceled(const struct timerfd *timer)
{
	return timer->flags & TFD_TIMER_CANCEL_ON_SET && atomic_load(&timer->wall.was_set);
}

/* A periodic timer that is due counts the periods since and goes on. */
static void go_on(struct timerfd *timer)
{
	uint64_t now, missed;

	if (!timer->due || !timer->interval)
		return;
	now = now_for(timer);
	missed = now > timer->expiry ? (now - timer->expiry) / timer->interval : 0;
	timer->ticks += missed;
	timer->expiry += (missed + 1) * timer->interval;
	timer->due = false;
	arm(timer);
}

static uint64_t time_left(const struct timerfd *timer)
{
	uint64_t now = timer->expiry ? now_for(timer) : 0;

	return timer->expiry > now ? timer->expiry - now : 0;
}

static void expire(struct timer *kernel_timer)
{
	struct timerfd *timer = container_of(kernel_timer, struct timerfd, timer);
	uint64_t flags = spin_lock_irq(&timer->lock);
	bool due = timer->expiry && !timer->due && now_for(timer) >= timer->expiry, canceled = is_canceled(timer);

	if (due) {
		timer->ticks++;
		timer->due = true;
		if (!timer->interval)
			timer->expiry = 0;
	} else if (timer->expiry && !timer->due) {
		arm(timer);	/* set anew, or the clock was set */
	}
	spin_unlock_irq(&timer->lock, flags);
	/* The file stays: its release waits for this function. */
	if (due || canceled)
		wake_all(&timer->readers);
}

/* ---- The file ---- */

/* How many expirations there were since the last read, 0, or -ECANCELED. */
static int64_t take(struct timerfd *timer)
{
	uint64_t flags = spin_lock_irq(&timer->lock);
	int64_t taken;

	if (is_canceled(timer)) {
		atomic_store(&timer->wall.was_set, false);
		taken = -ECANCELED;
	} else {
		if (timer->ticks)
			go_on(timer);
		taken = MIN(timer->ticks, (uint64_t)INT64_MAX);
	}
	timer->ticks = 0;
	spin_unlock_irq(&timer->lock, flags);
	return taken;
}

static ssize_t timerfd_read(struct file *file, struct uio *uio, uint64_t *pos)
{
	struct timerfd *timer = file->private;
	struct waiter waiter;
	int64_t taken;
	int error = 0;

	if (uio->left < sizeof(taken))
		return -EINVAL;
	taken = take(timer);
	if (!taken && atomic_load(&file->flags) & O_NONBLOCK)
		return -EAGAIN;
	if (!taken) {
		wait_begin(&timer->readers, &waiter);
		while (!(taken = take(timer)) && !error)
			error = wait_block(&waiter, WAIT_FOREVER, WAIT_INTERRUPTIBLE);
		wait_end(&waiter);
	}
	if (taken <= 0)
		return taken ? taken : error;
	return uio_write_to(uio, &taken, sizeof(taken)) == sizeof(taken) ? (ssize_t)sizeof(taken) : -EFAULT;
}

static unsigned timerfd_poll(struct file *file, struct poll_table *table)
{
	struct timerfd *timer = file->private;
	uint64_t flags;
	bool ready;

	poll_wait_for(table, &timer->readers, POLL_FOR_READERS);
	flags = spin_lock_irq(&timer->lock);
	ready = timer->ticks || is_canceled(timer);
	spin_unlock_irq(&timer->lock, flags);
	return ready ? POLL_IN : 0;
}

static void timerfd_release(struct file *file)
{
	struct timerfd *timer = file->private;
	uint64_t flags;

	flags = spin_lock_irq(&timer->lock);
	timer->expiry = 0;	/* so that expire() does not arm again */
	spin_unlock_irq(&timer->lock, flags);
	wall_timer_leave(&timer->wall);
	timer_cancel(&timer->timer);
	kfree(timer);
}

static void timerfd_describe(struct file *file, char *buf, size_t size)
{
	string_copy(buf, "anon_inode:[timerfd]", size);
}

static void timerfd_show_info(struct file *file, struct proc_text *text)
{
	struct timerfd *timer = file->private;
	uint64_t irq = spin_lock_irq(&timer->lock), left = time_left(timer), interval = timer->interval, ticks = timer->ticks;
	unsigned flags = timer->flags;

	spin_unlock_irq(&timer->lock, irq);
	proc_text_print(text, "clockid: %d\nticks: %lu\nsettime flags: 0%o\nit_value: (%llu, %llu)\nit_interval: (%llu, %llu)\n", timer->clock, ticks, flags,
			left / NS_PER_SEC, left % NS_PER_SEC, interval / NS_PER_SEC, interval % NS_PER_SEC);
}

static const struct file_ops timerfd_ops = {
	.read = timerfd_read,
	.poll = timerfd_poll,
	.release = timerfd_release,
	.describe = timerfd_describe,
	.show_info = timerfd_show_info,
};

/* ---- The calls ---- */

long sys_timerfd_create(int clock, int flags)
{
	int fd, refused = clock_leave_alarm(&clock);
	struct timerfd *timer;
	struct file *file;

	if (flags & ~(TFD_CLOEXEC | TFD_NONBLOCK) || (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME))
		return -EINVAL;
	if (refused)
		return refused;
	timer = kzalloc(sizeof(*timer));
	if (!timer)
		return -ENOMEM;
	timer->clock = clock;
	spinlock_init(&timer->lock, LOCK_TIMERFD);
	timer_init(&timer->timer, expire);
	wall_timer_init(&timer->wall, &timer->timer);
	wait_queue_init(&timer->readers);
	file = file_create(&timerfd_ops, O_RDWR | (flags & TFD_NONBLOCK), timer);
	if (!file) {
		kfree(timer);
		return -ENFILE;
	}
	fd = fd_install(file, 0, flags & TFD_CLOEXEC);
	if (fd < 0)
		file_put(file);
	return fd;
}

struct setting { uint64_t interval, value; };	/* ns */

/* What is left, and the interval. Lock held. */
static struct setting read_setting(struct timerfd *timer)
{
	go_on(timer);
	return (struct setting){ timer->interval, time_left(timer) };
}

/* Sets @timer and gives what it was set to. 0, or -ECANCELED: it is set, but the clock was set before, which was not read. */
static int change_setting(struct timerfd *timer, const struct setting *wanted, unsigned flags, struct setting *old)
{
	bool realtime = timer->clock == CLOCK_REALTIME && flags & TFD_TIMER_ABSTIME, canceled;
	uint64_t irq;

	if (!realtime)
		flags &= ~TFD_TIMER_CANCEL_ON_SET;
	irq = spin_lock_irq(&timer->lock);
	*old = read_setting(timer);
	canceled = is_canceled(timer) && flags & TFD_TIMER_CANCEL_ON_SET;
	atomic_store(&timer->wall.was_set, canceled && !wanted->value);
	timer->realtime = realtime;
	timer->flags = flags;
	timer->due = false;
	timer->ticks = 0;
	timer->interval = wanted->interval;
	/* An expiry of 0, or one that is later, is all it takes to stop the kernel's timer. */
	timer->expiry = !wanted->value || flags & TFD_TIMER_ABSTIME ? wanted->value : deadline_after(wanted->value);
	if (timer->expiry || flags & TFD_TIMER_CANCEL_ON_SET)
		arm(timer);
	spin_unlock_irq(&timer->lock, irq);
	return canceled && wanted->value ? -ECANCELED : 0;
}

static int setting_to_user(uaddr_t to, const struct setting *setting)
{
	int error = timespec_to_user(to + offsetof(struct __kernel_itimerspec, it_interval), setting->interval);

	return error ? error : timespec_to_user(to + offsetof(struct __kernel_itimerspec, it_value), setting->value);
}

/* The timer behind @ref's descriptor; else *@error. */
static struct timerfd *timer_of(struct fd_ref ref, int *error)
{
	*error = !ref.file ? -EBADF : ref.file->ops != &timerfd_ops ? -EINVAL : 0;
	return *error ? NULL : ref.file->private;
}

long sys_timerfd_settime(int fd, int flags, uaddr_t new, uaddr_t old)
{
	struct setting wanted, before = { 0, 0 };
	struct timerfd *timer;
	struct fd_ref ref;
	int error = timespec_from_user(&wanted.interval, new + offsetof(struct __kernel_itimerspec, it_interval));

	if (error != -EFAULT)
		error = timespec_from_user(&wanted.value, new + offsetof(struct __kernel_itimerspec, it_value)) ?: error;
	if (!error && flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET))
		error = -EINVAL;
	if (error)
		return error;
	ref = fd_borrow_io(fd);
	timer = timer_of(ref, &error);
	if (timer)
		error = change_setting(timer, &wanted, flags, &before);
	fd_release(ref);
	return !error && old ? setting_to_user(old, &before) : error;
}

long sys_timerfd_gettime(int fd, uaddr_t out)
{
	struct fd_ref ref = fd_borrow_io(fd);
	struct setting setting;
	int error;
	struct timerfd *timer = timer_of(ref, &error);
	uint64_t flags;

	if (timer) {
		flags = spin_lock_irq(&timer->lock);
		setting = read_setting(timer);
		spin_unlock_irq(&timer->lock, flags);
	}
	fd_release(ref);
	return error ? error : setting_to_user(out, &setting);
}
