/* SPDX-License-Identifier: MIT */
/*
 * signalfd: signals to be read and waited for. What is read, and what there is to read, are the signals of who reads or polls: a descriptor belongs to no
 * process, and fork hands it on. So it is a process's signals that wake, not a descriptor's: those who wait do so in one of a few queues that processes
 * share by their number, and stay for ever, as a process or a descriptor may end while the other is still there. A signal that some thread takes wakes
 * nobody here: it is for those that all threads block.
 */
#include "lib/string.h"
#include "process/internal.h"
#include "process/signalfd.h"
#include "syscall_prototypes.h"
#include "mm/heap.h"
#include "mm/user_copy.h"
#include "vfs/fd_table.h"
#include "vfs/file_life.h"
#include "vfs/procfs/proc_text.h"
#include <linux/signalfd.h>

/* The codes of SIGPOLL have the names of what poll reports. */
#undef POLL_IN
#undef POLL_OUT
#undef POLL_ERR
#undef POLL_PRI
#undef POLL_HUP
#include "vfs/poll.h"

enum { QUEUES = 64 };
static struct wait_queue queues[QUEUES + 1];	/* the last one is that of process 1, which nobody is to wake for nothing */

_Static_assert(sizeof(struct signalfd_siginfo) == 128, "as Linux has it");

struct signalfd {
	signal_set set;		/* atomic: the signals to be read */
};

void signalfd_init(void)
{
	for (unsigned i = 0; i <= QUEUES; i++)
		wait_queue_init(&queues[i]);
}

static struct wait_queue *queue_of(const struct process *process)
{
	return &queues[process == init_process ? QUEUES : process->pid % QUEUES];
}

void signalfd_wake(struct process *process)
{
	wake_all(queue_of(process));
}

/* ---- What is read ---- */

/* Which of the fields behind si_code mean something. */
enum layout { LAYOUT_SENDER, LAYOUT_VALUE, LAYOUT_TIMER, LAYOUT_BAND, LAYOUT_FAULT, LAYOUT_CHILD };

static enum layout layout_of(const struct signal_info *info)
{
	if (info->code == SI_TIMER)
		return LAYOUT_TIMER;
	if (info->code == SI_SIGIO)
		return LAYOUT_BAND;
	if (info->code < 0)
		return LAYOUT_VALUE;
	if (info->code == SI_USER || info->code >= SI_KERNEL)
		return LAYOUT_SENDER;
	if (info->number < SIGNAL_REALTIME_FIRST && SIGNAL_SET_FAULTS & signal_bit(info->number) && info->code <= NSIGSEGV)
		return LAYOUT_FAULT;
	if (info->number == SIGCHLD && info->code <= NSIGCHLD)
		return LAYOUT_CHILD;
	return info->code <= NSIGPOLL ? LAYOUT_BAND : LAYOUT_SENDER;
}

/* Where a siginfo_t has them, by words behind its first 16 bytes. */
static void convert(struct signalfd_siginfo *out, const struct signal_info *info)
{
	memset(out, 0, sizeof(*out));
	out->ssi_signo = info->number;
	out->ssi_errno = info->error;
	out->ssi_code = info->code;
	switch (layout_of(info)) {
	case LAYOUT_VALUE:
		out->ssi_ptr = info->sender.value;
		out->ssi_int = (int32_t)info->sender.value;
		/* fall through */
	case LAYOUT_SENDER:
		out->ssi_pid = info->sender.pid;
		out->ssi_uid = info->sender.uid;
		break;
	case LAYOUT_TIMER:
		out->ssi_tid = info->timer.timer_id;
		out->ssi_overrun = info->timer.overrun;
		out->ssi_ptr = info->timer.value;
		out->ssi_int = (int32_t)info->timer.value;
		break;
	case LAYOUT_BAND:
		out->ssi_band = (uint32_t)info->fault.addr;
		out->ssi_fd = (int32_t)info->sender.value;
		break;
	case LAYOUT_FAULT:
		out->ssi_addr = info->fault.addr;
		break;
	case LAYOUT_CHILD:
		out->ssi_pid = info->child.pid;
		out->ssi_uid = info->child.uid;
		out->ssi_status = info->child.status;
		out->ssi_utime = info->child.utime;
		out->ssi_stime = info->child.stime;
		break;
	}
}

/* Takes one of the caller's signals that @signalfd is for. Its number or 0. */
static int take(const struct signalfd *signalfd, struct signal_info *info)
{
	struct thread *thread = current_thread();
	uint64_t flags = spin_lock_irq(&thread->process->signal_lock);
	int number = signal_dequeue(thread, ~atomic_load_relaxed(&signalfd->set), info);

	if (number)
		signal_recompute(thread);
	spin_unlock_irq(&thread->process->signal_lock, flags);
	return number;
}

/* Sleeps until there is one, if @file says so. Its number or a negative errno. */
static int wait_for_one(struct file *file, struct signal_info *info)
{
	struct waiter waiter;
	int number = take(file->private, info), error = 0;

	if (number)
		return number;
	if (atomic_load(&file->flags) & O_NONBLOCK)
		return -EAGAIN;
	wait_begin(queue_of(current_process()), &waiter);
	while (!(number = take(file->private, info)) && !error)
		error = wait_block(&waiter, WAIT_FOREVER, WAIT_INTERRUPTIBLE);
	wait_end(&waiter);
	return number ? number : error;
}

static ssize_t signalfd_read(struct file *file, struct uio *uio, uint64_t *pos)
{
	struct signalfd_siginfo out;
	struct signal_info info;
	ssize_t done = 0;
	int number;

	if (uio->left < sizeof(out))
		return -EINVAL;
	number = wait_for_one(file, &info);
	if (number < 0)
		return number;
	do {
		convert(&out, &info);
		if (uio_write_to(uio, &out, sizeof(out)) < sizeof(out))
			return done ? done : -EFAULT;
		done += sizeof(out);
	} while (uio->left >= sizeof(out) && take(file->private, &info));
	return done;
}

static unsigned signalfd_poll(struct file *file, struct poll_table *table)
{
	const struct signalfd *signalfd = file->private;
	struct thread *thread = current_thread();
	signal_set pending;
	uint64_t flags;

	if (!thread->process)
		return 0;
	poll_wait_for(table, queue_of(thread->process), POLL_FOR_READERS);
	flags = spin_lock_irq(&thread->process->signal_lock);
	pending = thread->user.queue.set | thread->process->queue.set;
	spin_unlock_irq(&thread->process->signal_lock, flags);
	return pending & atomic_load_relaxed(&signalfd->set) ? POLL_IN : 0;
}

static void signalfd_release(struct file *file)
{
	kfree(file->private);
}

static void signalfd_describe(struct file *file, char *buf, size_t size)
{
	string_copy(buf, "anon_inode:[signalfd]", size);
}

static void signalfd_show_info(struct file *file, struct proc_text *text)
{
	const struct signalfd *signalfd = file->private;

	proc_text_print(text, "sigmask:\t%016lx\n", atomic_load_relaxed(&signalfd->set));
}

static const struct file_ops signalfd_ops = {
	.read = signalfd_read,
	.poll = signalfd_poll,
	.release = signalfd_release,
	.describe = signalfd_describe,
	.show_info = signalfd_show_info,
};

/* ---- The calls ---- */

static int create(signal_set set, int flags)
{
	struct signalfd *signalfd = kmalloc(sizeof(*signalfd));
	struct file *file;
	int fd;

	if (!signalfd)
		return -ENOMEM;
	signalfd->set = set;
	file = file_create(&signalfd_ops, O_RDWR | (flags & SFD_NONBLOCK), signalfd);
	if (!file) {
		kfree(signalfd);
		return -ENFILE;
	}
	fd = fd_install(file, 0, flags & SFD_CLOEXEC);
	if (fd < 0)
		file_put(file);
	return fd;
}

/* Another set for a descriptor that there is. */
static int change(int fd, signal_set set)
{
	struct fd_ref ref = fd_borrow_io(fd);
	struct signalfd *signalfd;
	int result = fd;

	if (!ref.file)
		return -EBADF;
	if (ref.file->ops == &signalfd_ops) {
		signalfd = ref.file->private;
		atomic_store(&signalfd->set, set);
		signalfd_wake(current_process());
	} else {
		result = -EINVAL;
	}
	fd_release(ref);
	return result;
}

long sys_signalfd4(int fd, uaddr_t mask, size_t set_size, int flags)
{
	signal_set set;

	if (set_size != sizeof(set))
		return -EINVAL;
	if (copy_from_user(&set, mask, sizeof(set)))
		return -EFAULT;
	if (flags & ~(SFD_CLOEXEC | SFD_NONBLOCK))
		return -EINVAL;
	set &= ~SIGNAL_SET_UNBLOCKABLE;
	return fd == -1 ? create(set, flags) : change(fd, set);
}

long sys_signalfd(int fd, uaddr_t mask, size_t set_size)
{
	return sys_signalfd4(fd, mask, set_size, 0);
}
