/* SPDX-License-Identifier: MIT */
/* io_setup and its calls: contexts and their ring, what requests do and which are refused, eventfds, the end of programs. Waiting is in aio_waits.c. */
#include "aio_kit.h"
#include "built_with.h"
#include "leak.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>

enum { PAGE = 4096, ROUNDS = 400, SOME_USER = 1234 };
#define RING_MAGIC 0xa10a10a1u
#define AS_ANOTHER "another"		/* the argument of a program that only ends */
#define KERNEL_ADDRESS 0xffff800000000000ul

/* As programs have it that look into the ring themselves. */
struct ring { unsigned id, nr, head, tail, magic, compatible, incompatible, header_size; struct io_event events[]; };

/* ---- Contexts ---- */

static void contexts(void)
{
	aio_context_t id = 0, other = 0, taken = 5;
	struct ring *ring;

	CHECK_ERR(io_setup(1, NULL), EFAULT);
	CHECK_ERR(io_setup(0, NULL), EFAULT);
	CHECK_ERR(io_setup(1, &taken), EINVAL);
	CHECK_ERR(io_setup(0, &id), EINVAL);
	CHECK_ERR(io_setup(-1, &id), EINVAL);
	CHECK_EQ(io_setup(100, &id), 0);
	CHECK_EQ(io_setup(1000, &other), 0);
	CHECK(id && other && id != other);
	ring = (struct ring *)id;
	CHECK(ring->magic == RING_MAGIC && ring->nr > 100 && !ring->head && !ring->tail && ring->compatible == 1 && !ring->incompatible);
	CHECK_EQ(ring->header_size, sizeof *ring);
	CHECK_EQ(io_destroy(id), 0);
	CHECK_ERR(io_destroy(id), EINVAL);
	CHECK_ERR(io_destroy(0), EINVAL);
	CHECK_ERR(io_destroy(KERNEL_ADDRESS), EINVAL);
	CHECK_ERR(io_destroy((aio_context_t)&taken), EINVAL);
	CHECK_ERR(io_submit(id, 0, NULL), EINVAL);
	CHECK_ERR(io_getevents(id, 0, 0, NULL, NULL), EINVAL);
	CHECK_EQ(io_submit(other, 0, NULL), 0);
	CHECK_EQ(io_destroy(other), 0);
}

static long setting(const char *path)
{
	FILE *file = fopen(path, "r");
	long value = -1;

	if (CHECK(file != NULL)) {
		CHECK_EQ(fscanf(file, "%ld", &value), 1);
		fclose(file);
	}
	return value;
}

static long in_use(void) { return setting("/proc/sys/fs/aio-nr"); }

/* Linux frees contexts a little later. */
static int falls_to(long value)
{
	for (long end = check_now() + PATIENCE_MS; check_now() < end; check_sleep(10))
		if (in_use() <= value)
			return 1;
	return 0;
}

static void leave_contexts(void *argument)
{
	struct iocb iocb = request(file_with("text"), IOCB_CMD_PREAD, malloc(4), 4, 0);

	for (int i = 0; i < 5; i++)
		submit_one(context(10), &iocb);
	if (argument)
		execl("/proc/self/exe", "aio", AS_ANOTHER, NULL);
}

static void limits(void)
{
	long most = setting("/proc/sys/fs/aio-max-nr"), before = in_use();
	aio_context_t id = 0, rest = 0;

	CHECK_EQ(most, 65536);
	CHECK_ERR(io_setup(most + 1, &id), EAGAIN);
	CHECK_EQ(id, 0);
	CHECK_EQ(io_setup(most - 1000 - before, &id), 0);
	CHECK_EQ(in_use(), most - 1000);
	CHECK_ERR(io_setup(1001, &rest), EAGAIN);
	CHECK_EQ(io_setup(1000, &rest), 0);
	CHECK_EQ(io_destroy(id), 0);
	CHECK_EQ(io_destroy(rest), 0);
	CHECK(falls_to(before));
	CHECK_EQ(check_child(leave_contexts, NULL), 0);
	CHECK(falls_to(before));
	CHECK_EQ(check_child(leave_contexts, "exec"), 0);
	CHECK(falls_to(before));
}

/* ---- Requests ---- */

static void transfers(void)
{
	char a[8] = "", b[8] = "";
	struct iovec in[2] = { { a, 2 }, { b, 4 } }, out[2] = { { "12", 2 }, { "345", 3 } };
	aio_context_t id = context(MANY);
	int fd = file_with("abcdefgh"), tail = open("file", O_WRONLY | O_APPEND);
	struct iocb one;

	one = request(fd, IOCB_CMD_PREAD, a, 3, 2);
	CHECK_EQ(result_of(id, &one), 3);
	CHECK(!memcmp(a, "cde", 4));
	one = request(fd, IOCB_CMD_PREAD, a, 8, 6);
	CHECK_EQ(result_of(id, &one), 2);
	one = request(fd, IOCB_CMD_PREAD, a, 8, 9);
	CHECK_EQ(result_of(id, &one), 0);
	one = request(fd, IOCB_CMD_PWRITE, "XYZ", 3, 7);
	CHECK_EQ(result_of(id, &one), 3);
	one = request(fd, IOCB_CMD_PREADV, in, 2, 4);
	CHECK_EQ(result_of(id, &one), 6);
	CHECK(!memcmp(a, "ef", 2) && !memcmp(b, "gXYZ", 4));
	one = request(fd, IOCB_CMD_PWRITEV, out, 2, 1);
	CHECK_EQ(result_of(id, &one), 5);
	one = request(tail, IOCB_CMD_PWRITE, "!", 1, 0);
	CHECK_EQ(result_of(id, &one), 1);
	one = request(fd, IOCB_CMD_PWRITE, "?", 1, 0);
	one.aio_rw_flags = RWF_APPEND | RWF_DSYNC;
	CHECK_EQ(result_of(id, &one), 1);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 8);
	memset(a, 0, sizeof a);
	CHECK_EQ(pread(fd, a, 7, 5), 7);
	CHECK_STR(a, "5gXYZ!?");
	one = request(fd, IOCB_CMD_FSYNC, NULL, 0, 0);
	CHECK_EQ(result_of(id, &one), 0);
	one = request(fd, IOCB_CMD_FDSYNC, NULL, 0, 0);
	CHECK_EQ(result_of(id, &one), 0);
	/* What goes wrong once it has begun is the result. */
	one = request(fd, IOCB_CMD_PREAD, (void *)8, 4, 0);
	CHECK_EQ(result_of(id, &one), -EFAULT);
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 100, 100 });
	one = request(fd, IOCB_CMD_PWRITE, "x", 1, 100);
	CHECK_EQ(result_of(id, &one), -EFBIG);
	CHECK_EQ(io_destroy(id), 0);
}

static void refused(void)
{
	int fd = file_with("text"), reader = open("file", O_RDONLY), writer = open("file", O_WRONLY), place = open("file", O_PATH);
	int folder = open(".", O_RDONLY), ends[2];
	char buf[8];
	struct iovec far = { (void *)KERNEL_ADDRESS, 1 }, long_one = { buf, -1ul };
	struct iocb flags = request(fd, IOCB_CMD_PREAD, buf, 4, 0), reserved = flags, with_offset, *constant;
	aio_context_t id = context(MANY);
	struct { struct iocb iocb; int error; } tries[] = {
		{ request(-1, IOCB_CMD_PREAD, buf, 4, 0), EBADF }, { request(place, IOCB_CMD_PREAD, buf, 4, 0), EBADF },
		{ request(writer, IOCB_CMD_PREAD, buf, 4, 0), EBADF }, { request(reader, IOCB_CMD_PWRITE, buf, 4, 0), EBADF },
		{ request(reader, IOCB_CMD_PWRITEV, NULL, 4, 0), EBADF }, { request(folder, IOCB_CMD_PREAD, buf, 4, 0), EINVAL },
		{ request(fd, IOCB_CMD_NOOP, buf, 4, 0), EINVAL }, { request(fd, 4, buf, 4, 0), EINVAL }, { request(fd, 9, buf, 4, 0), EINVAL },
		{ request(fd, IOCB_CMD_PREAD, buf, 4, -1), EINVAL }, { request(fd, IOCB_CMD_PREAD, buf, -1ul, 0), EINVAL },
		{ request(fd, IOCB_CMD_PREAD, (void *)KERNEL_ADDRESS, 4, 0), EFAULT }, { request(fd, IOCB_CMD_PREADV, &far, 1, 0), EFAULT },
		{ request(fd, IOCB_CMD_PREADV, &long_one, 1, 0), EINVAL }, { request(fd, IOCB_CMD_PREADV, (void *)8, 1, 0), EFAULT },
		{ request(fd, IOCB_CMD_PREADV, buf, 1025, 0), EINVAL }, { request(fd, IOCB_CMD_FSYNC, buf, 0, 0), EINVAL },
		{ request(fd, IOCB_CMD_FDSYNC, NULL, 1, 0), EINVAL }, { request(fd, IOCB_CMD_FSYNC, NULL, 0, 1), EINVAL },
	};

	for (unsigned i = 0; i < sizeof tries / sizeof *tries; i++)
		if (!CHECK_ERR(submit_one(id, &tries[i].iocb), tries[i].error))
			printf("request %u\n", i);
	flags.aio_rw_flags = 1 << 20;
	CHECK_ERR(submit_one(id, &flags), EOPNOTSUPP);
	reserved.aio_reserved2 = 1;
	CHECK_ERR(submit_one(id, &reserved), EINVAL);
	CHECK_EQ(pipe(ends), 0);
	with_offset = request(ends[0], IOCB_CMD_FSYNC, NULL, 0, 0);
	CHECK_ERR(submit_one(id, &with_offset), EINVAL);
	CHECK_ERR(submit_one(id, (struct iocb *)8), EFAULT);
	CHECK_ERR(io_submit(id, 1, (struct iocb **)8), EFAULT);
	CHECK_ERR(io_submit(id, -1, NULL), EINVAL);
	CHECK_ERR(io_submit(id + 8, 1, NULL), EINVAL);
	constant = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	*constant = request(fd, IOCB_CMD_PREAD, buf, 4, 0);
	mprotect(constant, PAGE, PROT_READ);
	CHECK_ERR(submit_one(id, constant), EFAULT);
	CHECK_EQ(io_getevents(id, 0, 1, (struct io_event *)buf, NULL), 0);
	if (!check_on_linux()) {
		struct iocb poll_one = request(ends[0], IOCB_CMD_POLL, (void *)POLLIN, 0, 0);

		CHECK_ERR(submit_one(id, &poll_one), EINVAL);
	}
}

/* Those before the first that is refused. */
static void first_ones(void)
{
	char buf[4][2] = { "" };
	int fd = file_with("text");
	struct iocb iocbs[4], *list[4];
	struct io_event events[4];
	aio_context_t id = context(MANY);

	for (int i = 0; i < 4; i++) {
		iocbs[i] = request(i == 2 ? -1 : fd, IOCB_CMD_PREAD, buf[i], 1, i);
		list[i] = &iocbs[i];
	}
	CHECK_EQ(io_submit(id, 4, list), 2);
	CHECK_EQ(io_getevents(id, 2, 4, events, NULL), 2);
	CHECK(events[0].data == 1 && events[1].data == 2);
	CHECK(buf[0][0] == 't' && buf[1][0] == 'e' && !buf[3][0]);
	CHECK_ERR(io_submit(id, 2, list + 2), EBADF);
	list[1] = (struct iocb *)8;
	CHECK_EQ(io_submit(id, 2, list), 1);
	CHECK_EQ(io_getevents(id, 1, 4, events, NULL), 1);
}

static void cancelled(void)
{
	char buf[4];
	struct iocb one = request(file_with("text"), IOCB_CMD_PREAD, buf, 4, 0);
	aio_context_t id = context(MANY);
	struct io_event event;

	CHECK_EQ(submit_one(id, &one), 1);
	CHECK_ERR(syscall(SYS_io_cancel, id, &one, &event), EINVAL);
	CHECK_ERR(syscall(SYS_io_cancel, id, NULL, &event), EFAULT);
	CHECK_ERR(syscall(SYS_io_cancel, 0, NULL, &event), EFAULT);
	CHECK_ERR(syscall(SYS_io_cancel, 0, &one, &event), EINVAL);
	one.aio_key = 1;
	CHECK_ERR(syscall(SYS_io_cancel, id, &one, &event), EINVAL);
	CHECK_EQ(io_getevents(id, 1, 1, &event, NULL), 1);
}

static void eventfds(void)
{
	int fd = file_with("text"), counter = eventfd(0, EFD_NONBLOCK), ends[2];
	aio_context_t id = context(MANY);
	char buf[4];
	struct iocb one = request(fd, IOCB_CMD_PREAD, buf, 4, 0), *list[3] = { &one, &one, &one };
	struct io_event events[3];
	uint64_t value = 0;

	one.aio_flags = IOCB_FLAG_RESFD;
	one.aio_resfd = counter;
	CHECK_EQ(io_submit(id, 3, list), 3);
	CHECK_EQ(read(counter, &value, 8), 8);
	CHECK_EQ(value, 3);
	CHECK_EQ(io_getevents(id, 3, 3, events, NULL), 3);
	one.aio_lio_opcode = IOCB_CMD_NOOP;
	CHECK_ERR(submit_one(id, &one), EINVAL);
	CHECK_ERR(read(counter, &value, 8), EAGAIN);
	one = request(fd, IOCB_CMD_FSYNC, NULL, 0, 0);
	one.aio_flags = IOCB_FLAG_RESFD;
	one.aio_resfd = counter;
	CHECK_EQ(submit_one(id, &one), 1);
	CHECK_EQ(poll(&(struct pollfd){ .fd = counter, .events = POLLIN }, 1, PATIENCE_MS), 1);
	CHECK_EQ(pipe(ends), 0);
	one.aio_resfd = ends[1];
	CHECK_ERR(submit_one(id, &one), EINVAL);
	one.aio_resfd = fd;
	CHECK_ERR(submit_one(id, &one), EINVAL);
	one.aio_resfd = -1;
	CHECK_ERR(submit_one(id, &one), EBADF);
	/* Without the flag nobody looks. */
	one.aio_flags = 0;
	CHECK_EQ(submit_one(id, &one), 1);
}

/* ---- Events ---- */

static void events(void)
{
	struct timespec now = { 0, 0 }, soon = { 0, 20000000 };
	struct io_event got[8], *edge;
	aio_context_t id = context(MANY);
	int fd = file_with("text");

	CHECK_EQ(io_getevents(id, 0, 8, got, NULL), 0);
	CHECK_EQ(io_getevents(id, 1, 8, got, &now), 0);
	CHECK_EQ(io_getevents(id, 1, 8, got, &soon), 0);
	CHECK_ERR(io_getevents(id, 2, 1, got, &now), EINVAL);
	CHECK_ERR(io_getevents(id, -1, 1, got, &now), EINVAL);
	CHECK_ERR(io_getevents(id, -1, -1, got, &now), EINVAL);
	CHECK_ERR(io_getevents(id, 0, -1, got, &now), EINVAL);
	CHECK_ERR(io_getevents(id, 0, 1, got, (struct timespec *)8), EFAULT);
	CHECK_ERR(io_getevents(0, 0, 1, got, (struct timespec *)8), EFAULT);
	CHECK_ERR(io_getevents(0, 2, 1, got, NULL), EINVAL);
	submit_many(id, fd, 5);
	CHECK_EQ(io_getevents(id, 0, 0, got, NULL), 0);
	CHECK_EQ(io_getevents(id, 1, 3, got, NULL), 3);
	CHECK(got[0].data == 1 && got[2].data == 3);
	CHECK_EQ(io_getevents(id, 3, 3, got, &soon), 2);
	CHECK(got[0].data == 4 && got[1].data == 5);
	/* What has no place stays. */
	submit_many(id, fd, 3);
	CHECK_ERR(io_getevents(id, 1, 3, (struct io_event *)8, NULL), EFAULT);
	edge = (struct io_event *)(mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) + PAGE);
	munmap(edge, PAGE);
	CHECK_ERR(io_getevents(id, 1, 3, (struct io_event *)((char *)edge - 16), NULL), EFAULT);
	CHECK_EQ(io_getevents(id, 3, 3, got, NULL), 3);
	CHECK(got[0].data == 1 && got[2].data == 3);
}

/* Programs take events out of the ring themselves. */
static void looked_at(void)
{
	struct timespec now = { 0, 0 };
	aio_context_t id = context(MANY);
	volatile struct ring *ring = (struct ring *)id;
	int fd = file_with("text");
	struct io_event got[8];

	submit_many(id, fd, 3);
	CHECK(ring->head == 0 && ring->tail == 3);
	CHECK(ring->events[0].data == 1 && ring->events[2].data == 3 && ring->events[2].res == 1);
	ring->head = 2;
	CHECK_EQ(io_getevents(id, 1, 8, got, NULL), 1);
	CHECK_EQ(got[0].data, 3);
	CHECK_EQ(ring->head, 3);
	/* Nonsense harms nobody else. */
	submit_many(id, fd, 3);
	ring->head = -1;
	ring->nr = 1 << 30;
	CHECK(io_getevents(id, 0, 8, got, &now) >= 0);
	ring->tail = 1 << 29;
	ring->magic = 0;
	CHECK(io_getevents(id, 0, 8, got, &now) >= 0);
	submit_many(id, fd, 1);
	CHECK_EQ(io_destroy(id), 0);
}

static void full(void)
{
	char buf[4];
	struct iocb one = request(file_with("text"), IOCB_CMD_PREAD, buf, 4, 0);
	struct io_event got[16];
	aio_context_t id = context(200);
	long accepted = 0, taken = 0, now;

	while (accepted < 100000 && submit_one(id, &one) == 1)
		accepted++;
	CHECK(accepted >= 200 && accepted < 100000);
	CHECK_ERR(submit_one(id, &one), EAGAIN);
	while (taken < accepted && (now = io_getevents(id, 1, 16, got, NULL)) > 0)
		taken += now;
	CHECK_EQ(taken, accepted);
	CHECK_EQ(submit_one(id, &one), 1);
}

/* Round the ring some times, in order. */
static void rounds(void)
{
	char buf[4];
	struct iocb iocbs[16], *list[16];
	struct io_event got[16];
	aio_context_t id = context(MANY);
	unsigned long next = 0, seen = 0, seed = 5;
	int fd = file_with("text");

	for (int round = 0; round < ROUNDS; round++) {
		int count = (seed = seed * 6364136223846793005ul + 1442695040888963407ul) >> 60, now;

		for (int i = 0; i < count; i++) {
			iocbs[i] = request(fd, IOCB_CMD_PREAD, buf, 1, 0);
			iocbs[i].aio_data = next + i;
			list[i] = &iocbs[i];
		}
		now = next - seen + count <= MANY ? io_submit(id, count, list) : 0;
		next += now > 0 ? now : 0;
		now = io_getevents(id, 0, seed >> 56 & 15, got, NULL);
		for (int i = 0; i < now; i++)
			if (!CHECK_EQ(got[i].data, seen++))
				return;
	}
	CHECK(seen > 4 * MANY);
}

/* ---- What stays ---- */

static void all_kinds(void *argument)
{
	if (argument)
		CHECK_EQ(setresuid(SOME_USER, SOME_USER, SOME_USER), 0);
	contexts();
	transfers();
	refused();
	eventfds();
	rounds();
	leave_contexts(NULL);
}

static void leaks(void)
{
	static struct leak_mark mark;

	CHECK_EQ(chmod(".", 0777), 0);
	for (int i = 0; i < 3; i++) {
		if (i == 1)
			leak_mark(&mark);
		CHECK_EQ(check_child(all_kinds, NULL), 0);
		unlink("file");
		CHECK_EQ(check_child(all_kinds, "user"), 0);
		unlink("file");
		CHECK_EQ(check_child(leave_contexts, "exec"), 0);
		unlink("file");
	}
	leak_check(&mark, "contexts");
	CHECK(falls_to(0));
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(contexts), CASE(limits), CASE(transfers), CASE(refused), CASE(first_ones), CASE(cancelled), CASE(eventfds), CASE(events),
		CASE(looked_at), CASE(full), CASE(rounds), CASE(leaks), { NULL, NULL },
	};

	if (argc > 1 && !strcmp(argv[1], AS_ANOTHER))
		return 0;
	return kernel_has(AIO) ? check_main("aio", cases, argc, argv) : skip_program("aio", AIO);
}
