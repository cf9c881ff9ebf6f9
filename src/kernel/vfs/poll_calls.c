/* SPDX-License-Identifier: MIT */
/* poll, ppoll, select, pselect6. */
#include "syscall_prototypes.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/user_copy.h"
#include "process/process.h"
#include "sched/clock.h"
#include "vfs/fd_table.h"
#include "vfs/poll_table.h"
#include <asm/resource.h>

struct poll_fd { int fd; int16_t events, revents; };

enum { POLL_INLINE_FDS = 16, SET_INLINE_WORDS = 1, SIGNAL_SET_SIZE = 8 };

struct poll_request {
	struct poll_fd *fds;
	unsigned count;
};

static unsigned poll_descriptor(int fd, unsigned wanted, struct poll_table *table)
{
	struct fd_ref ref;
	unsigned mask;

	if (fd < 0)
		return 0;
	ref = fd_borrow_io(fd);
	if (!ref.file)
		return POLL_NVAL;
	mask = poll_file(ref.file, table) & (wanted | POLL_ALWAYS);
	fd_release(ref);
	return mask;
}

static int scan_fds(void *context, struct poll_table *table)
{
	struct poll_request *request = context;
	int ready = 0;

	for (unsigned i = 0; i < request->count; i++) {
		struct poll_fd *fd = &request->fds[i];

		fd->revents = poll_descriptor(fd->fd, (uint16_t)fd->events, table);
		ready += fd->revents != 0;
		/* The answer is not nothing any more: the rest need not be waited for. */
		if (ready)
			table = NULL;
	}
	return ready;
}

static long poll_fds(uaddr_t fds, unsigned count, uint64_t deadline)
{
	struct poll_fd few[POLL_INLINE_FDS];
	struct poll_request request = { few, count };
	long result;

	if (count > process_limit(RLIMIT_NOFILE))
		return -EINVAL;
	if (count > POLL_INLINE_FDS) {
		request.fds = kmalloc(count * sizeof(*request.fds));
		if (!request.fds)
			return -ENOMEM;
	}
	result = copy_from_user(request.fds, fds, count * sizeof(*request.fds));
	if (!result)
		result = poll_loop(scan_fds, &request, deadline);
	/* Who is interrupted finds that nothing was ready. */
	if ((result >= 0 || result == -ERESTARTNOHAND) && copy_to_user(fds, request.fds, count * sizeof(*request.fds)))
		result = -EFAULT;
	if (request.fds != few)
		kfree(request.fds);
	return result;
}

/* poll goes on with the old deadline after a signal that ran no handler. */
static long poll_again(void)
{
	struct thread_state *state = &current_thread()->user;
	long result = poll_fds(state->restart.remaining, state->restart.clock, state->restart.deadline);

	return result == -ERESTARTNOHAND ? -ERESTART_RESTARTBLOCK : result;
}

long sys_poll(uaddr_t fds, unsigned count, int timeout_ms)
{
	uint64_t deadline = timeout_ms < 0 ? WAIT_FOREVER : timeout_ms ? poll_deadline(timeout_ms * NS_PER_MS) : 0;
	struct thread_state *state = &current_thread()->user;
	long result = poll_fds(fds, count, deadline);

	if (result != -ERESTARTNOHAND)
		return result;
	state->restart.resume = poll_again;
	state->restart.deadline = deadline;
	state->restart.remaining = fds;
	state->restart.clock = count;
	return -ERESTART_RESTARTBLOCK;
}

int poll_use_mask(uaddr_t mask, size_t size)
{
	signal_set set;

	if (!mask)
		return 0;
	if (size != SIGNAL_SET_SIZE)
		return -EINVAL;
	if (copy_from_user(&set, mask, sizeof(set)))
		return -EFAULT;
	signal_set_mask_until_return(set);
	return 0;
}

long sys_ppoll(uaddr_t fds, unsigned count, uaddr_t timeout, uaddr_t mask, size_t mask_size)
{
	uint64_t deadline;
	long result = poll_read_timeout(timeout, 1, &deadline);

	if (!result)
		result = poll_use_mask(mask, mask_size);
	if (result)
		return result;
	result = poll_fds(fds, count, deadline);
	poll_write_timeout(timeout, 1, deadline);
	return result;
}

/* The three sets as asked for, and as answered; @words 64-bit words each. */
struct select_request {
	int count;
	unsigned words;
	uint64_t *in[3], *out[3];
};

static const unsigned set_events[3] = {
	POLL_RDNORM | POLL_IN | POLL_HUP | POLL_ERR,
	POLL_WRNORM | POLL_OUT | POLL_ERR,
	POLL_PRI,
};

static int select_descriptor(struct select_request *request, int fd, struct poll_table *table)
{
	uint64_t bit = 1ull << fd % 64;
	unsigned wanted = 0, mask;
	int ready = 0;

	for (int set = 0; set < 3; set++)
		if (request->in[set][fd / 64] & bit)
			wanted |= set_events[set];
	if (!wanted)
		return 0;
	mask = poll_descriptor(fd, wanted, table);
	if (mask & POLL_NVAL)
		return -EBADF;
	for (int set = 0; set < 3; set++) {
		if (request->in[set][fd / 64] & bit && mask & set_events[set]) {
			request->out[set][fd / 64] |= bit;
			ready++;
		}
	}
	return ready;
}

static int scan_sets(void *context, struct poll_table *table)
{
	struct select_request *request = context;
	int ready = 0, one;

	memset(request->out[0], 0, 3 * request->words * sizeof(uint64_t));
	for (int fd = 0; fd < request->count; fd++) {
		unsigned word = fd / 64;

		if (!(request->in[0][word] | request->in[1][word] | request->in[2][word])) {
			fd |= 63;
			continue;
		}
		one = select_descriptor(request, fd, table);
		if (one < 0)
			return one;
		ready += one;
		if (ready)
			table = NULL;
	}
	return ready;
}

/* The sets are whole bytes rounded up to longs in the caller's memory. */
static int copy_sets_in(struct select_request *request, const uaddr_t sets[3])
{
	size_t bytes = request->words * sizeof(uint64_t);
	unsigned tail = request->count % 64;

	for (int set = 0; set < 3; set++) {
		if (!sets[set])
			continue;
		if (copy_from_user(request->in[set], sets[set], bytes))
			return -EFAULT;
		if (tail)
			request->in[set][request->words - 1] &= (1ull << tail) - 1;
	}
	return 0;
}

static long select_sets(int count, const uaddr_t sets[3], uint64_t deadline)
{
	uint64_t few[6 * SET_INLINE_WORDS] = { 0 }, *words = few;
	struct select_request request = { .words = ROUND_UP(count, 64) / 64 };
	long result;

	if (count < 0)
		return -EINVAL;
	count = MIN((unsigned)count, current_process()->files->capacity);
	request.count = count;
	request.words = ROUND_UP((unsigned)count, 64) / 64;
	if (request.words > SET_INLINE_WORDS) {
		words = kmalloc_array(6 * request.words, sizeof(*words));
		if (!words)
			return -ENOMEM;
	}
	for (int set = 0; set < 3; set++) {
		request.in[set] = words + set * request.words;
		request.out[set] = words + (3 + set) * request.words;
	}
	result = copy_sets_in(&request, sets);
	if (!result)
		result = poll_loop(scan_sets, &request, deadline);
	for (int set = 0; set < 3 && result >= 0; set++)
		if (sets[set] && copy_to_user(sets[set], request.out[set], request.words * sizeof(uint64_t)))
			result = -EFAULT;
	if (words != few)
		kfree(words);
	return result;
}

long sys_select(int count, uaddr_t read, uaddr_t write, uaddr_t except, uaddr_t timeout)
{
	const uaddr_t sets[3] = { read, write, except };
	uint64_t deadline;
	long result = poll_read_timeout(timeout, NS_PER_US, &deadline);

	if (result)
		return result;
	result = select_sets(count, sets, deadline);
	poll_write_timeout(timeout, NS_PER_US, deadline);
	return result;
}

long sys_pselect6(int count, uaddr_t read, uaddr_t write, uaddr_t except, uaddr_t timeout, uaddr_t mask)
{
	const uaddr_t sets[3] = { read, write, except };
	struct { uaddr_t mask; size_t size; } given = { 0, 0 };
	uint64_t deadline;
	long result;

	if (mask && copy_from_user(&given, mask, sizeof(given)))
		return -EFAULT;
	result = poll_read_timeout(timeout, 1, &deadline);
	if (!result)
		result = poll_use_mask(given.mask, given.size);
	if (result)
		return result;
	result = select_sets(count, sets, deadline);
	poll_write_timeout(timeout, 1, deadline);
	return result;
}
