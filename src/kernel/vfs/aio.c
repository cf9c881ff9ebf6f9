/* SPDX-License-Identifier: MIT */
/*
 * io_setup and its calls. A context is memory of the program, a ring of events laid out as Linux has it, since programs look into it themselves; its id is
 * where that is mapped. The mapping has the context's reference: munmap, exec and the end of the process take it away, and a child of fork does not get it.
 *
 * io_submit does itself what it is asked for, as on Linux for what goes through the page cache, and for pipes, terminals and sockets: it may wait, until a
 * signal comes, which is that request's EINTR. Here it does so for fsync and O_DIRECT, too. So io_cancel never finds anything; IOCB_CMD_POLL, which can only
 * wait, is not known; and io_destroy does not wait for requests that another thread's io_submit is at.
 *
 * The ring is reached as the program reaches it, whose it is to write to: of what is there only head counts, and that as a number within the ring. Who takes
 * it away, or makes it read-only, gets EFAULT, or no events.
 */
#include "vfs/aio.h"
#include "syscall_prototypes.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/address_space.h"
#include "mm/heap.h"
#include "mm/user_copy.h"
#include "process/process.h"
#include "vfs/eventfd.h"
#include "vfs/fd_table.h"
#include "vfs/poll_table.h"
#include "vfs/procfs/entry.h"
#include "vfs/transfer.h"
#include <linux/aio_abi.h>
#include <linux/mman.h>

enum { RING_COMPATIBLE = 1, REQUESTS_CEILING = 1 << 22 };
#define RING_MAGIC 0xa10a10a1u

struct aio_ring { uint32_t id, room, head, tail, magic, compatible, incompatible, header_size; };
_Static_assert(sizeof(struct aio_ring) == sizeof(struct io_event), "no event lies in two pages");

struct aio {
	unsigned requests;		/* set once: what it adds to aio_nr */
	unsigned room;			/* set once: events in the ring, one of which is always empty */
	unsigned tail;			/* atomic, written under mutex: where the next event goes */
	unsigned under_way;		/* atomic: requests that are accepted and have no event yet */
	bool dead;			/* atomic, written under mutex: what is at the id now may be something else */
	struct mutex mutex;		/* for who puts in an event, or takes one out, touching user memory */
	struct wait_queue arrivals;	/* waits for events */
	struct vm_object memory;	/* its references are the context's */
};

static uint32_t aio_nr;			/* atomic: requests that all contexts were made for */

int proc_show_aio_nr(struct proc_text *text, const struct proc_subject *subject)
{
	proc_text_print(text, "%u\n", atomic_load(&aio_nr));
	return 0;
}

/* ---- Contexts ---- */

static void aio_release(struct vm_object *memory)
{
	struct aio *aio = container_of(memory, struct aio, memory);

	atomic_sub(&aio_nr, aio->requests);
	kfree(aio);
}

static void aio_describe(struct vm_object *memory, char *buf, size_t size)
{
	string_copy(buf, "/[aio] (deleted)", size);
}

static const struct vm_object_ops aio_ops = { .release = aio_release, .describe = aio_describe };

/* All its pages are there from the start, as the program's: no event is lost for lack of one. */
static int map(struct aio *aio, uaddr_t id)
{
	const struct aio_ring header = { .room = aio->room, .magic = RING_MAGIC, .compatible = RING_COMPATIBLE, .header_size = sizeof(header) };
	struct address_space *as = address_space_current();
	int64_t at = address_space_map_own(as, &aio->memory);
	int error = at < 0 ? at : address_space_populate(as, at, at + aio->memory.size, MADV_POPULATE_WRITE);

	if (!error && (copy_to_user(at, &header, sizeof(header)) || put_user_u64(id, at)))
		error = -EFAULT;
	if (error)
		address_space_unmap_own(as, at, &aio->memory);
	return error;
}

static bool charge(unsigned requests)
{
	uint32_t before = atomic_load(&aio_nr);

	do
		if (requests > AIO_MAX_NR - before)
			return false;
	while (!atomic_compare_exchange(&aio_nr, &before, before + requests));
	return true;
}

long sys_io_setup(unsigned requests, uaddr_t id)
{
	struct aio *aio;
	uint64_t old;
	int error = -EAGAIN;

	if (get_user_u64(&old, id))
		return -EFAULT;
	if (old || !requests || requests > REQUESTS_CEILING)
		return -EINVAL;
	aio = kzalloc(sizeof(*aio));
	if (!aio)
		return -ENOMEM;
	vm_object_init(&aio->memory, &aio_ops, ROUND_UP((requests + 2) * sizeof(struct io_event), PAGE_SIZE));
	aio->memory.pinned = true;
	mutex_init(&aio->mutex, LOCK_FILE_POSITION);
	wait_queue_init(&aio->arrivals);
	aio->room = aio->memory.size / sizeof(struct io_event) - 1;
	if (charge(requests)) {
		aio->requests = requests;
		error = map(aio, id);
	}
	vm_object_put(&aio->memory);
	return error;
}

/* The context @id of the calling process, with a reference; or NULL. */
static struct aio *find(uint64_t id)
{
	struct address_space *as = address_space_current();
	struct aio *aio = NULL;
	const struct vma *vma;

	rwlock_read_lock(&as->lock);
	vma = address_space_find(as, id);
	if (vma && vma->start == id && !vma->offset && vma->object && vma->object->ops == &aio_ops &&
	    !atomic_load(&container_of(vma->object, struct aio, memory)->dead)) {
		aio = container_of(vma->object, struct aio, memory);
		vm_object_get(&aio->memory);
	}
	rwlock_read_unlock(&as->lock);
	return aio;
}

long sys_io_destroy(uint64_t id)
{
	struct aio *aio = find(id);
	long error;

	if (!aio)
		return -EINVAL;
	error = mutex_lock_killable(&aio->mutex);
	if (!error) {
		error = aio->dead ? -EINVAL : 0;
		atomic_store(&aio->dead, true);
		mutex_unlock(&aio->mutex);
		address_space_unmap_own(address_space_current(), id, &aio->memory);
		wake_all(&aio->arrivals);
	}
	vm_object_put(&aio->memory);
	return error;
}

/* ---- Events ---- */

static uaddr_t place(uint64_t id, unsigned index)
{
	return id + sizeof(struct aio_ring) + index * sizeof(struct io_event);
}

static int get_head(const struct aio *aio, uint64_t id, uint32_t *head)
{
	int error = get_user_u32(head, id + offsetof(struct aio_ring, head));

	*head %= aio->room;
	return error;
}

/* Sets a place aside for one more event, or not. What becomes an event meanwhile counts twice rather than not at all. */
static int begin(struct aio *aio, uint64_t id)
{
	unsigned claimed = atomic_add(&aio->under_way, 1), tail;
	uint32_t head = 0;
	int error;

	/* Both of one moment. */
	do {
		tail = atomic_load(&aio->tail);
		error = get_head(aio, id, &head);
	} while (!error && tail != atomic_load(&aio->tail));
	if (!error && claimed + (tail < head ? aio->room : 0) + tail - head < aio->room)
		return 0;
	atomic_sub(&aio->under_way, 1);
	return -EAGAIN;
}

/* Who is being killed leaves no event, nor does who is late. */
static void put(struct aio *aio, uint64_t id, const struct io_event *event)
{
	unsigned next;

	if (mutex_lock_killable(&aio->mutex))
		return;
	if (!aio->dead) {
		next = (aio->tail + 1) % aio->room;
		copy_to_user(place(id, aio->tail), event, sizeof(*event));
		put_user_u32(id + offsetof(struct aio_ring, tail), next);
		atomic_store(&aio->tail, next);
	}
	mutex_unlock(&aio->mutex);
}

/* Takes one event: 0; -EAGAIN: there is none. */
static int take(struct aio *aio, uint64_t id, uaddr_t to)
{
	struct io_event event;
	uint32_t head = 0;
	int error;

	if (signal_fatal_pending() || mutex_lock_killable(&aio->mutex))
		return -EINTR;
	error = aio->dead ? -EINVAL : get_head(aio, id, &head) ?: head == aio->tail ? -EAGAIN : 0;
	if (!error && (copy_from_user(&event, place(id, head), sizeof(event)) || copy_to_user(to, &event, sizeof(event)) ||
		 put_user_u32(id + offsetof(struct aio_ring, head), (head + 1) % aio->room)))
		error = -EFAULT;
	mutex_unlock(&aio->mutex);
	return error;
}

static long wait_for_events(struct aio *aio, uint64_t id, int64_t least, int64_t most, uaddr_t to, uint64_t deadline)
{
	struct waiter waiter;
	int64_t got = 0;
	int error, waited = 0;

	wait_begin(&aio->arrivals, &waiter);
	for (;;) {
		for (error = 0; got < most && !error; got += !error)
			error = take(aio, id, to + got * sizeof(struct io_event));
		if (error == -EAGAIN)
			error = waited;
		if (got >= least || error || !deadline)
			break;
		waited = wait_block(&waiter, deadline, WAIT_INTERRUPTIBLE);
	}
	wait_end(&waiter);
	if (got || error == -ETIMEDOUT)
		return got;
	return error == -ERESTARTSYS ? -ERESTARTNOHAND : error;
}

long sys_io_pgetevents(uint64_t id, int64_t least, int64_t most, uaddr_t events, uaddr_t timeout, uaddr_t mask)
{
	struct { uaddr_t mask; size_t size; } given = { 0, 0 };
	uint64_t deadline;
	struct aio *aio;
	long result = poll_read_timeout(timeout, 1, &deadline);

	/* A time that is none has passed already; Linux takes it as it can. */
	if (result == -EINVAL)
		deadline = result = 0;
	if (result || (mask && copy_from_user(&given, mask, sizeof(given))))
		return -EFAULT;
	result = poll_use_mask(given.mask, given.size);
	if (result)
		return result;
	aio = find(id);
	if (!aio)
		return -EINVAL;
	result = least < 0 || least > most ? -EINVAL : wait_for_events(aio, id, least, most, events, deadline);
	vm_object_put(&aio->memory);
	return result;
}

long sys_io_getevents(uint64_t id, int64_t least, int64_t most, uaddr_t events, uaddr_t timeout)
{
	long result = sys_io_pgetevents(id, least, most, events, timeout, 0);

	return result == -ERESTARTNOHAND ? -EINTR : result;
}

/* ---- Requests ---- */

/*
 * Moves bytes between the file and what @count pieces of memory at @vector say: 0, with how many or why not in *@result; or why the request is refused, as
 * Linux sees before, also of directories and flags that the file does not know.
 */
static int transfer(struct file *file, const struct iocb *iocb, bool write, uaddr_t vector, size_t count, int64_t *result)
{
	uint64_t pos = iocb->aio_offset;
	struct transfer memory;
	int error;

	if (iocb->aio_rw_flags & ~TRANSFER_FLAGS)
		return -EOPNOTSUPP;
	if (!(file->rights & (write ? FILE_RIGHT_WRITE : FILE_RIGHT_READ)))
		return -EBADF;
	if (iocb->aio_offset < 0 || !(write ? file->ops->write : file->ops->read))
		return -EINVAL;
	error = transfer_read_vector(&memory, vector, count);
	if (error)
		return error;
	*result = file_transfer(file, &memory.uio, &pos, write, iocb->aio_rw_flags);
	kfree(memory.segments);
	return *result == -EISDIR ? -EINVAL : *result == -EOPNOTSUPP ? -EOPNOTSUPP : 0;
}

/* @at: where the program has @iocb. */
static int perform(struct file *file, const struct iocb *iocb, uaddr_t at, int64_t *result)
{
	unsigned what = iocb->aio_lio_opcode;

	switch (what) {
	case IOCB_CMD_PREAD:
	case IOCB_CMD_PWRITE:
		/* What the request says of its memory is a vector of one piece. */
		return transfer(file, iocb, what == IOCB_CMD_PWRITE, at + offsetof(struct iocb, aio_buf), 1, result);
	case IOCB_CMD_PREADV:
	case IOCB_CMD_PWRITEV:
		return transfer(file, iocb, what == IOCB_CMD_PWRITEV, iocb->aio_buf, iocb->aio_nbytes, result);
	case IOCB_CMD_FSYNC:
	case IOCB_CMD_FDSYNC:
		if (iocb->aio_buf || iocb->aio_offset || iocb->aio_nbytes || iocb->aio_rw_flags || !file->ops->fsync)
			return -EINVAL;
		*result = file->ops->fsync(file, what == IOCB_CMD_FDSYNC);
		return 0;
	default:
		return -EINVAL;
	}
}

/* @teller: the eventfd that is to be told, if the request says so. */
static int submit_with(struct aio *aio, uint64_t id, const struct iocb *iocb, uaddr_t at, struct file *file, struct file *teller)
{
	struct io_event event = { .data = iocb->aio_data, .obj = at };
	bool told = iocb->aio_flags & IOCB_FLAG_RESFD;
	int error = !file ? -EBADF : told ? eventfd_add(teller, 0) : 0;

	if (!error && put_user_u32(at + offsetof(struct iocb, aio_key), 0))
		error = -EFAULT;
	if (!error)
		error = perform(file, iocb, at, (int64_t *)&event.res);
	if (error)
		return error;
	/* The others may be under way, so that the call cannot be begun again. */
	if (event.res <= -ERESTARTSYS)
		event.res = -EINTR;
	put(aio, id, &event);
	if (told)
		eventfd_add(teller, 1);
	wake_all(&aio->arrivals);
	return 0;
}

static int submit(struct aio *aio, uint64_t id, uaddr_t at)
{
	struct fd_ref file, teller;
	struct iocb iocb;
	int error;

	if (copy_from_user(&iocb, at, sizeof(iocb)))
		return -EFAULT;
	if (iocb.aio_reserved2 || (int64_t)iocb.aio_nbytes < 0)
		return -EINVAL;
	error = begin(aio, id);
	if (error)
		return error;
	file = fd_borrow_io(iocb.aio_fildes);
	teller = iocb.aio_flags & IOCB_FLAG_RESFD ? fd_borrow_io(iocb.aio_resfd) : (struct fd_ref){ 0 };
	error = submit_with(aio, id, &iocb, at, file.file, teller.file);
	atomic_sub(&aio->under_way, 1);
	fd_release(teller);
	fd_release(file);
	return error;
}

long sys_io_submit(uint64_t id, int64_t count, uaddr_t requests)
{
	struct aio *aio = count < 0 ? NULL : find(id);
	int64_t done;
	uint64_t at;
	int error = 0;

	if (!aio)
		return -EINVAL;
	/* No more than the ring can have events of. Whoever is being killed does no more. */
	count = MIN(count, (int64_t)aio->room);
	for (done = 0; done < count; done++) {
		if (atomic_load(&aio->dead) || signal_fatal_pending()) {
			error = -EINVAL;
			break;
		}
		error = get_user_u64(&at, requests + done * sizeof(at)) ?: submit(aio, id, at);
		if (error)
			break;
	}
	vm_object_put(&aio->memory);
	return done ?: error;
}

/* Whatever was submitted is done. */
long sys_io_cancel(uint64_t id, uaddr_t request, uaddr_t event)
{
	uint32_t key;

	return get_user_u32(&key, request + offsetof(struct iocb, aio_key)) ? -EFAULT : -EINVAL;
}
