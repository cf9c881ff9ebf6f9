/* SPDX-License-Identifier: MIT */
/*
 * An open text file of /proc. The text is made at the first read and again at every read from the start, so that programs which keep the file
 * open and seek back (top) see fresh figures, and a text read in pieces is of one moment.
 *
 * Lock: proc_file->lock (a mutex) guards the text.
 */
#include "lib/errno.h"
#include "mm/heap.h"
#include "process/credentials.h"
#include "process/process.h"
#include "vfs/file.h"
#include "vfs/procfs/nodes.h"

enum { STORE_MAX = 256 };

struct proc_file {
	struct mutex lock;
	struct proc_text text;
	bool generated;
	const struct credentials *reader;	/* referenced: whose view of the process @text is; NULL: nobody's */
	struct proc_node node;		/* with references: a later process of the same number is never shown */
};

/* Is the process that the file was opened for still there? A zombie is until it is reaped. */
static bool subject_lives(const struct proc_subject *subject)
{
	struct process *now;

	if (!subject->process)
		return true;
	now = process_find(subject->pid);
	if (now)
		process_put(now);
	return now == subject->process;
}

static int generate(struct proc_file *proc)
{
	const struct proc_entry *entry = proc->node.subject.entry;
	int error = 0;

	proc_text_clear(&proc->text);
	proc->generated = false;
	credentials_put(proc->reader);
	proc->reader = credentials_get(credentials_current());
	if (!subject_lives(&proc->node.subject))
		return -ESRCH;
	if (entry->kind == PROC_FIGURE)
		proc_text_print(&proc->text, "%lu\n", entry->figure);
	else if (entry->kind == PROC_LINE)
		proc_text_print(&proc->text, "%s\n", entry->line);
	else
		error = (entry->kind == PROC_STORED ? entry->stored->show : entry->show)(&proc->text, &proc->node.subject);
	if (!error && proc->text.failed)
		error = -ENOMEM;
	proc->generated = !error;
	return error;
}

static ssize_t proc_file_read(struct file *file, struct uio *uio, uint64_t *pos)
{
	struct proc_file *proc = file->private;
	ssize_t result = 0;

	if (mutex_lock_killable(&proc->lock))	/* held while its holder's memory is waited for */
		return -EINTR;
	/* An open file may be shared by those who may see more and those who may see less. */
	if (!proc->generated || !*pos || proc->reader != credentials_current())
		result = generate(proc);
	if (!result && uio->left && *pos < proc->text.len) {
		size_t wanted = MIN(uio->left, (size_t)(proc->text.len - *pos));

		result = uio_write_to(uio, proc->text.data + *pos, wanted);
		*pos += result;
		if (!result)
			result = -EFAULT;
	}
	mutex_unlock(&proc->lock);
	return result;
}

static ssize_t proc_file_write(struct file *file, struct uio *uio, uint64_t *pos)
{
	struct proc_file *proc = file->private;
	size_t len = uio->left;
	char text[STORE_MAX];
	int error;

	if (proc->node.subject.entry->kind != PROC_STORED)
		return -EACCES;
	if (len >= sizeof(text))
		return -EINVAL;
	if (uio_read_from(uio, text, len) != len)
		return -EFAULT;
	text[len] = 0;
	error = subject_lives(&proc->node.subject) ? proc->node.subject.entry->stored->store(&proc->node.subject, text, len) : -ESRCH;
	return error ? error : (ssize_t)len;
}

static void proc_file_release(struct file *file)
{
	struct proc_file *proc = file->private;

	proc_text_clear(&proc->text);
	credentials_put(proc->reader);
	proc_node_put(&proc->node);
	kfree(proc);
}

static const struct file_ops proc_file_ops = {
	.read = proc_file_read,
	.write = proc_file_write,
	.seek = file_seek_anywhere,
	.release = proc_file_release,
};

int proc_file_open(struct proc_node *node, struct file *file)
{
	struct proc_file *proc = kzalloc(sizeof(*proc));

	if (!proc)
		return -ENOMEM;
	mutex_init(&proc->lock, LOCK_PROC_FILE);
	proc->node = *node;
	file->private = proc;
	file->ops = &proc_file_ops;
	return 0;
}
