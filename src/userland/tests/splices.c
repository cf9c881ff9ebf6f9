/* SPDX-License-Identifier: MIT */
/* splice, tee and vmsplice: what goes where, what stays, errors, waiting, ends, signals. */
#include "check.h"
#include "leak.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <termios.h>
#include <unistd.h>

enum { PIPE_SIZE = 65536, FILE_SIZE = 200000, PAGE = 4096 };
enum { IN, OUT };	/* ends of a pipe: what is read from, what is written to */

static char buffer[1 << 18] __attribute__((aligned(PAGE))), pattern[FILE_SIZE] __attribute__((aligned(PAGE)));

static void make_pattern(void)
{
	for (unsigned i = 0; i < sizeof pattern; i++)
		pattern[i] = i * 7 % 251;
}

static int patterned_file(const char *name, size_t len)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);

	make_pattern();
	CHECK_EQ(write(fd, pattern, len), len);
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static int bytes_in(int fd)
{
	int count = -1;

	ioctl(fd, FIONREAD, &count);
	return count;
}

/* Takes all that is in the pipe, and says whether it is @len bytes of @want. */
static int holds(int fd, const char *want, size_t len)
{
	size_t got = 0;

	while (got < sizeof buffer && bytes_in(fd) > 0) {
		ssize_t part = read(fd, buffer + got, sizeof buffer - got);

		if (part <= 0)
			break;
		got += part;
	}
	return got == len && !memcmp(buffer, want, len);
}

static void fill_up(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	while (write(fd, buffer, PAGE) > 0)
		;
	fcntl(fd, F_SETFL, flags);
}

static void from_file(void)
{
	int file = patterned_file("from", 1000), ends[2];
	loff_t offset = 100;

	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(splice(file, NULL, ends[OUT], NULL, 300, 0), 300);
	CHECK_EQ(lseek(file, 0, SEEK_CUR), 300);
	CHECK(holds(ends[IN], pattern, 300));
	CHECK_EQ(splice(file, &offset, ends[OUT], NULL, 50, SPLICE_F_MOVE | SPLICE_F_MORE | SPLICE_F_NONBLOCK), 50);
	CHECK_EQ(offset, 150);
	CHECK_EQ(lseek(file, 0, SEEK_CUR), 300);
	CHECK(holds(ends[IN], pattern + 100, 50));
	CHECK_EQ(splice(file, NULL, ends[OUT], NULL, 5000, 0), 700);
	CHECK_EQ(splice(file, NULL, ends[OUT], NULL, 5000, 0), 0);
	CHECK(holds(ends[IN], pattern + 300, 700));
	offset = 1 << 20;
	CHECK_EQ(splice(file, &offset, ends[OUT], NULL, 5000, 0), 0);
	CHECK_EQ(offset, 1 << 20);
	CHECK_EQ(splice(file, NULL, ends[OUT], NULL, 0, 0), 0);
}

/* More than there is room for: as much as fits, and the next one waits. */
static void from_large_file(void)
{
	int file = patterned_file("from", FILE_SIZE), ends[2];

	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(splice(file, NULL, ends[OUT], NULL, FILE_SIZE, 0), PIPE_SIZE);
	CHECK_EQ(lseek(file, 0, SEEK_CUR), PIPE_SIZE);
	CHECK_ERR(splice(file, NULL, ends[OUT], NULL, 1, SPLICE_F_NONBLOCK), EAGAIN);
	CHECK_EQ(fcntl(ends[OUT], F_SETFL, O_NONBLOCK), 0);
	CHECK_ERR(splice(file, NULL, ends[OUT], NULL, 1, 0), EAGAIN);
	CHECK_EQ(lseek(file, 0, SEEK_CUR), PIPE_SIZE);
	CHECK(holds(ends[IN], pattern, PIPE_SIZE));
	CHECK_EQ(splice(file, NULL, ends[OUT], NULL, 1, 0), 1);
}

static void to_file(void)
{
	int file = open("to", O_RDWR | O_CREAT, 0600), ends[2];
	loff_t offset = 7;

	make_pattern();
	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(write(ends[OUT], pattern, 30000), 30000);
	CHECK_EQ(splice(ends[IN], NULL, file, NULL, 10000, 0), 10000);
	CHECK_EQ(lseek(file, 0, SEEK_CUR), 10000);
	CHECK_EQ(splice(ends[IN], NULL, file, &offset, 100, 0), 100);
	CHECK_EQ(offset, 107);
	CHECK_EQ(lseek(file, 0, SEEK_CUR), 10000);
	CHECK_EQ(pread(file, buffer, sizeof buffer, 0), 10000);
	CHECK(!memcmp(buffer, pattern, 7));
	CHECK(!memcmp(buffer + 7, pattern + 10000, 100));
	CHECK(!memcmp(buffer + 107, pattern + 107, 10000 - 107));
	CHECK_EQ(splice(ends[IN], NULL, file, NULL, 1 << 20, 0), 19900);
	CHECK_EQ(lseek(file, 0, SEEK_END), 29900);
	CHECK_EQ(bytes_in(ends[IN]), 0);
	CHECK_ERR(splice(ends[IN], NULL, file, NULL, 1, SPLICE_F_NONBLOCK), EAGAIN);
	CHECK_EQ(fcntl(ends[IN], F_SETFL, O_NONBLOCK), 0);
	CHECK_ERR(splice(ends[IN], NULL, file, NULL, 1, 0), EAGAIN);
	CHECK_EQ(close(ends[OUT]), 0);
	CHECK_EQ(splice(ends[IN], NULL, file, NULL, 1, 0), 0);
}

/* What the target does not take stays in the pipe. */
static void nothing_is_lost(void)
{
	int file = open("to", O_RDWR | O_CREAT, 0600), ends[2];
	struct rlimit limit = { 3000, RLIM_INFINITY };

	make_pattern();
	signal(SIGXFSZ, SIG_IGN);
	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(write(ends[OUT], pattern, 10000), 10000);
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
	CHECK_EQ(splice(ends[IN], NULL, file, NULL, 10000, 0), 3000);
	CHECK_EQ(bytes_in(ends[IN]), 7000);
	CHECK_ERR(splice(ends[IN], NULL, file, NULL, 10000, 0), EFBIG);
	CHECK_EQ(lseek(file, 0, SEEK_CUR), 3000);
	CHECK(holds(ends[IN], pattern + 3000, 7000));
}

static void between_pipes(void)
{
	int from[2], to[2], file = patterned_file("file", 10);

	make_pattern();
	CHECK_EQ(pipe(from), 0);
	CHECK_EQ(pipe(to), 0);
	CHECK_EQ(write(from[OUT], pattern, 20000), 20000);
	CHECK_EQ(splice(from[IN], NULL, to[OUT], NULL, 5000, 0), 5000);
	CHECK_EQ(bytes_in(from[IN]), 15000);
	CHECK(holds(to[IN], pattern, 5000));
	CHECK_EQ(tee(from[IN], to[OUT], 1 << 20, 0), 15000);
	CHECK_EQ(bytes_in(from[IN]), 15000);
	CHECK(holds(to[IN], pattern + 5000, 15000));
	CHECK_EQ(tee(from[IN], to[OUT], 3, 0), 3);
	CHECK(holds(to[IN], pattern + 5000, 3));
	CHECK_EQ(splice(from[IN], NULL, to[OUT], NULL, 1 << 20, 0), 15000);
	CHECK(holds(to[IN], pattern + 5000, 15000));
	CHECK_ERR(splice(from[IN], NULL, to[OUT], NULL, 1, SPLICE_F_NONBLOCK), EAGAIN);
	CHECK_ERR(tee(from[IN], to[OUT], 1, SPLICE_F_NONBLOCK), EAGAIN);
	CHECK_EQ(write(from[OUT], pattern, 10), 10);
	fill_up(to[OUT]);
	CHECK_ERR(splice(from[IN], NULL, to[OUT], NULL, 1, SPLICE_F_NONBLOCK), EAGAIN);
	CHECK_ERR(tee(from[IN], to[OUT], 1, SPLICE_F_NONBLOCK), EAGAIN);
	CHECK_EQ(bytes_in(from[IN]), 10);
	CHECK_ERR(splice(from[IN], NULL, from[OUT], NULL, 1, 0), EINVAL);
	CHECK_ERR(tee(from[IN], from[OUT], 1, 0), EINVAL);
	CHECK_ERR(tee(file, to[OUT], 1, 0), EINVAL);
	CHECK_ERR(tee(from[IN], file, 1, 0), EINVAL);
	CHECK_EQ(read(to[IN], buffer, PIPE_SIZE), PIPE_SIZE);
	CHECK_EQ(read(from[IN], buffer, PIPE_SIZE), 10);
	CHECK_EQ(close(from[OUT]), 0);
	CHECK_EQ(splice(from[IN], NULL, to[OUT], NULL, 1, 0), 0);
	CHECK_EQ(tee(from[IN], to[OUT], 1, 0), 0);
	fill_up(to[OUT]);
	CHECK_ERR(splice(from[IN], NULL, to[OUT], NULL, 1, SPLICE_F_NONBLOCK), EAGAIN);
}

static void errors(void)
{
	int file = patterned_file("file", 100), other = patterned_file("other", 100), appending = open("file", O_WRONLY | O_APPEND), ends[2], to[2];
	int place = open("file", O_PATH), folder = open(".", O_RDONLY), counter = eventfd(1, 0);
	loff_t offset = 0, wrong = -1, far = INT64_MAX, *nowhere = (loff_t *)8;

	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(pipe(to), 0);
	CHECK_EQ(write(ends[OUT], pattern, 100), 100);
	CHECK_EQ(splice(-1, NULL, -1, NULL, 0, ~0u), 0);
	CHECK_ERR(splice(file, NULL, ends[OUT], NULL, 1, 16), EINVAL);
	CHECK_ERR(splice(-1, NULL, -1, NULL, 1, 16), EINVAL);
	CHECK_ERR(tee(-1, -1, 0, 16), EINVAL);
	CHECK_EQ(tee(-1, -1, 0, 0), 0);
	CHECK_ERR(tee(-1, to[OUT], 1, 0), EBADF);
	CHECK_ERR(tee(ends[IN], -1, 1, 0), EBADF);
	CHECK_ERR(tee(ends[OUT], to[OUT], 1, 0), EBADF);
	CHECK_ERR(tee(ends[IN], to[IN], 1, 0), EBADF);
	CHECK_ERR(splice(999, NULL, ends[OUT], NULL, 1, 0), EBADF);
	CHECK_ERR(splice(file, NULL, 999, NULL, 1, 0), EBADF);
	CHECK_ERR(splice(place, NULL, ends[OUT], NULL, 1, 0), EBADF);
	CHECK_ERR(splice(file, NULL, ends[IN], NULL, 1, 0), EBADF);
	CHECK_ERR(splice(ends[OUT], NULL, file, NULL, 1, 0), EBADF);
	CHECK_ERR(splice(ends[IN], &offset, file, NULL, 1, 0), ESPIPE);
	CHECK_ERR(splice(ends[IN], nowhere, file, nowhere, 1, 0), ESPIPE);
	CHECK_ERR(splice(file, NULL, ends[OUT], &offset, 1, 0), ESPIPE);
	CHECK_ERR(splice(ends[OUT], &offset, file, NULL, 1, 0), ESPIPE);
	CHECK_ERR(splice(ends[IN], &offset, to[OUT], NULL, 1, 0), ESPIPE);
	CHECK_ERR(splice(ends[IN], NULL, file, nowhere, 1, 0), EFAULT);
	CHECK_ERR(splice(file, nowhere, ends[OUT], NULL, 1, 0), EFAULT);
	CHECK_ERR(splice(file, nowhere, ends[IN], NULL, 1, 0), EFAULT);
	CHECK_ERR(splice(file, NULL, other, NULL, 1, 0), EINVAL);
	CHECK_ERR(splice(ends[IN], NULL, appending, NULL, 1, 0), EINVAL);
	CHECK_ERR(splice(ends[IN], NULL, file, &wrong, 1, 0), EINVAL);
	CHECK_ERR(splice(file, &wrong, to[OUT], NULL, 1, 0), EINVAL);
	CHECK_ERR(splice(ends[IN], NULL, file, &far, 10, 0), EINVAL);
	CHECK_ERR(splice(file, &far, to[OUT], NULL, 10, 0), EINVAL);
	CHECK_ERR(splice(ends[IN], NULL, file, NULL, SIZE_MAX, 0), EINVAL);
	CHECK_EQ(splice(file, NULL, to[OUT], NULL, SIZE_MAX, 0), 100);
	CHECK(holds(to[IN], pattern, 100));
	CHECK_EQ(splice(ends[IN], NULL, to[OUT], NULL, SIZE_MAX, 0), 100);
	CHECK(holds(to[IN], pattern, 100));
	CHECK_EQ(write(ends[OUT], pattern, 100), 100);
	CHECK_ERR(splice(folder, NULL, to[OUT], NULL, 1, 0), EINVAL);
	CHECK_ERR(splice(counter, NULL, to[OUT], NULL, 8, 0), EINVAL);
	CHECK_ERR(splice(ends[IN], NULL, counter, NULL, 8, 0), EINVAL);
	CHECK(holds(ends[IN], pattern, 100));
	/* Room is waited for before anything is said of the file. */
	fill_up(to[OUT]);
	CHECK_ERR(splice(folder, NULL, to[OUT], NULL, 1, SPLICE_F_NONBLOCK), EAGAIN);
	CHECK_ERR(splice(file, &wrong, to[OUT], NULL, 1, SPLICE_F_NONBLOCK), EAGAIN);
}

static volatile sig_atomic_t broken;

static void on_broken(int number)
{
	(void)number;
	broken++;
}

static void no_readers(void)
{
	int file = patterned_file("file", 100), ends[2], from[2];
	struct iovec piece = { pattern, 10 };

	signal(SIGPIPE, on_broken);
	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(pipe(from), 0);
	CHECK_EQ(write(from[OUT], "x", 1), 1);
	CHECK_EQ(close(ends[IN]), 0);
	CHECK_ERR(splice(file, NULL, ends[OUT], NULL, 10, 0), EPIPE);
	CHECK_EQ(broken, 1);
	CHECK_ERR(splice(from[IN], NULL, ends[OUT], NULL, 10, 0), EPIPE);
	CHECK_EQ(broken, 2);
	CHECK_ERR(tee(from[IN], ends[OUT], 10, 0), EPIPE);
	CHECK_EQ(broken, 3);
	CHECK_ERR(vmsplice(ends[OUT], &piece, 1, 0), EPIPE);
	CHECK_EQ(broken, 4);
	CHECK_EQ(lseek(file, 0, SEEK_CUR), 0);
	CHECK_EQ(bytes_in(from[IN]), 1);
}

static void memory(void)
{
	int file = patterned_file("file", 100), ends[2];
	struct iovec pieces[3] = { { pattern, 100 }, { pattern + 100, 0 }, { pattern + 100, 5000 } }, none = { NULL, 0 }, bad = { (void *)8, 10 };
	struct iovec wrong = { pattern, SIZE_MAX }, large = { pattern, FILE_SIZE }, back[2] = { { buffer, 50 }, { buffer + 50, PIPE_SIZE } };

	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(vmsplice(ends[OUT], pieces, 3, 0), 5100);
	CHECK(holds(ends[IN], pattern, 5100));
	CHECK_EQ(vmsplice(ends[OUT], &large, 1, 0), PIPE_SIZE);
	CHECK_ERR(vmsplice(ends[OUT], &large, 1, SPLICE_F_NONBLOCK), EAGAIN);
	CHECK_EQ(vmsplice(ends[IN], back, 2, 0), PIPE_SIZE);
	CHECK(!memcmp(buffer, pattern, PIPE_SIZE));
	CHECK_ERR(vmsplice(ends[IN], back, 2, SPLICE_F_NONBLOCK), EAGAIN);
	CHECK_EQ(vmsplice(ends[OUT], pieces, 1, 0), 100);
	CHECK_EQ(vmsplice(ends[IN], back, 2, SPLICE_F_NONBLOCK), 100);
	CHECK_EQ(vmsplice(ends[OUT], pieces, 0, 0), 0);
	CHECK_EQ(vmsplice(ends[OUT], &none, 1, 0), 0);
	CHECK_ERR(vmsplice(ends[OUT], &bad, 1, 0), EFAULT);
	CHECK_ERR(vmsplice(ends[OUT], (void *)8, 1, 0), EFAULT);
	CHECK_ERR(vmsplice(ends[OUT], &wrong, 1, 0), EINVAL);
	CHECK_ERR(vmsplice(ends[OUT], pieces, IOV_MAX + 1, 0), EINVAL);
	CHECK_ERR(vmsplice(ends[OUT], pieces, 1, 16), EINVAL);
	CHECK_ERR(vmsplice(-1, pieces, 1, 0), EBADF);
	CHECK_ERR(vmsplice(file, pieces, 1, 0), EBADF);
	CHECK_EQ(vmsplice(file, &none, 1, 0), 0);
	CHECK_EQ(bytes_in(ends[IN]), 0);
	CHECK_EQ(close(ends[OUT]), 0);
	CHECK_EQ(vmsplice(ends[IN], back, 2, 0), 0);
}

static void devices(void)
{
	int ends[2], null = open("/dev/null", O_WRONLY), appending = open("/dev/null", O_WRONLY | O_APPEND), random = open("/dev/urandom", O_RDONLY);
	loff_t offset = 5;

	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(write(ends[OUT], buffer, 30000), 30000);
	CHECK_EQ(splice(ends[IN], NULL, null, NULL, 10000, SPLICE_F_MOVE), 10000);
	CHECK_EQ(splice(ends[IN], NULL, null, &offset, 10000, 0), 10000);
	CHECK_ERR(splice(ends[IN], NULL, appending, NULL, 10000, 0), EINVAL);
	CHECK_EQ(splice(ends[IN], NULL, null, NULL, 1 << 20, 0), 10000);
	CHECK_EQ(splice(random, NULL, ends[OUT], NULL, 100, 0), 100);
	CHECK_EQ(bytes_in(ends[IN]), 100);
	CHECK_EQ(close(ends[OUT]), 0);
	CHECK_EQ(splice(ends[IN], NULL, null, NULL, 1 << 20, 0), 100);
	CHECK_EQ(splice(ends[IN], NULL, null, NULL, 1 << 20, 0), 0);
}

static void proc_files(void)
{
	int ends[2], file = open("/proc/meminfo", O_RDONLY);

	CHECK_EQ(pipe(ends), 0);
	CHECK(splice(file, NULL, ends[OUT], NULL, 4096, 0) > 20);
	CHECK_EQ(read(ends[IN], buffer, 5), 5);
	CHECK(!memcmp(buffer, "MemTo", 5));
}

static void terminals(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave, ends[2];
	struct termios raw;
	loff_t offset = 0;

	grantpt(master);
	unlockpt(master);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	CHECK_EQ(tcgetattr(slave, &raw), 0);
	cfmakeraw(&raw);
	CHECK_EQ(tcsetattr(slave, TCSANOW, &raw), 0);
	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(write(ends[OUT], "to a terminal", 13), 13);
	CHECK_ERR(splice(ends[IN], NULL, slave, &offset, 100, 0), EINVAL);
	CHECK_EQ(splice(ends[IN], NULL, slave, NULL, 100, 0), 13);
	CHECK_EQ(read(master, buffer, 100), 13);
	CHECK(!memcmp(buffer, "to a terminal", 13));
	CHECK_EQ(write(master, "typed", 5), 5);
	CHECK_ERR(splice(slave, &offset, ends[OUT], NULL, 100, 0), EINVAL);
	CHECK_EQ(splice(slave, NULL, ends[OUT], NULL, 100, 0), 5);
	CHECK(holds(ends[IN], "typed", 5));
	/* One that takes no more: what it has not taken stays. */
	CHECK_EQ(fcntl(slave, F_SETFL, O_NONBLOCK), 0);
	CHECK_EQ(tcflow(slave, TCOOFF), 0);
	CHECK_EQ(write(ends[OUT], "later", 5), 5);
	CHECK_ERR(splice(ends[IN], NULL, slave, NULL, 100, 0), EAGAIN);
	CHECK(holds(ends[IN], "later", 5));
	CHECK_ERR(splice(slave, NULL, ends[OUT], NULL, 100, 0), EAGAIN);
}

static void fifos(void)
{
	int fifo, ends[2];

	CHECK_EQ(mkfifo("fifo", 0600), 0);
	fifo = open("fifo", O_RDWR);
	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(write(fifo, "through", 7), 7);
	CHECK_EQ(tee(fifo, ends[OUT], 100, 0), 7);
	CHECK_EQ(splice(fifo, NULL, ends[OUT], NULL, 100, 0), 7);
	CHECK(holds(ends[IN], "throughthrough", 14));
	CHECK_ERR(splice(fifo, NULL, fifo, NULL, 1, SPLICE_F_NONBLOCK), EINVAL);
}

/* ---- Waiting ---- */

enum kind { TO_FILE, TO_PIPE, TEE, MEMORY_IN, FROM_FILE, FROM_PIPE, TEE_FULL, MEMORY_OUT, KINDS };

struct wait { int from[2], to[2], file; };

/* Each waits: the first half for bytes in @from, the others for room in @to. */
static ssize_t do_wait(const struct wait *wait, enum kind kind)
{
	struct iovec piece = { buffer, 10 };

	switch (kind) {
	case TO_FILE: return splice(wait->from[IN], NULL, wait->file, NULL, 10, 0);
	case TO_PIPE: case FROM_PIPE: return splice(wait->from[IN], NULL, wait->to[OUT], NULL, 10, 0);
	case TEE: case TEE_FULL: return tee(wait->from[IN], wait->to[OUT], 10, 0);
	case MEMORY_IN: return vmsplice(wait->from[IN], &piece, 1, 0);
	case FROM_FILE: return splice(wait->file, NULL, wait->to[OUT], NULL, 10, 0);
	default: return vmsplice(wait->to[OUT], &piece, 1, 0);
	}
}

static void prepare(struct wait *wait, enum kind kind)
{
	wait->file = patterned_file("file", 100);
	CHECK_EQ(pipe(wait->from), 0);
	CHECK_EQ(pipe(wait->to), 0);
	if (kind < FROM_FILE)
		return;
	CHECK_EQ(write(wait->from[OUT], pattern, 10), 10);
	fill_up(wait->to[OUT]);
}

static void finish(struct wait *wait)
{
	for (int i = 0; i < 2; i++) {
		close(wait->from[i]);
		close(wait->to[i]);
	}
	close(wait->file);
}

struct waiting { struct wait wait; enum kind kind; };

static void wait_for_ten(void *argument)
{
	struct waiting *waiting = argument;

	CHECK_EQ(do_wait(&waiting->wait, waiting->kind), 10);
}

static void wakes(void)
{
	for (enum kind kind = 0; kind < KINDS; kind++) {
		struct waiting waiting = { .kind = kind };
		pid_t pid;

		prepare(&waiting.wait, kind);
		pid = check_spawn(wait_for_ten, &waiting);
		CHECK(check_state(pid, 'S', 10000));
		if (kind < FROM_FILE)
			CHECK_EQ(write(waiting.wait.from[OUT], pattern, 10), 10);
		else
			CHECK_EQ(read(waiting.wait.to[IN], buffer, PAGE), PAGE);
		CHECK_EQ(check_wait(pid), 0);
		finish(&waiting.wait);
	}
}

static void wait_for_end(void *argument)
{
	struct waiting *waiting = argument;

	signal(SIGPIPE, on_broken);
	close(waiting->wait.from[OUT]);
	close(waiting->wait.to[IN]);
	if (waiting->kind < FROM_FILE)
		CHECK_EQ(do_wait(&waiting->wait, waiting->kind), 0);
	else
		CHECK_ERR(do_wait(&waiting->wait, waiting->kind), EPIPE);
	CHECK_EQ(broken, waiting->kind >= FROM_FILE);
}

/* The other end is closed. */
static void ends(void)
{
	for (enum kind kind = 0; kind < KINDS; kind++) {
		struct waiting waiting = { .kind = kind };
		pid_t pid;

		prepare(&waiting.wait, kind);
		if (kind == TO_PIPE || kind == TEE) {	/* with a reader of what they have nothing for */
			int reader = dup(waiting.wait.to[IN]);

			CHECK(reader > 0);
			fcntl(reader, F_SETFD, FD_CLOEXEC);
		}
		pid = check_spawn(wait_for_end, &waiting);
		CHECK(check_state(pid, 'S', 10000));
		close(waiting.wait.from[OUT]);
		close(waiting.wait.to[IN]);
		CHECK_EQ(check_wait(pid), 0);
		finish(&waiting.wait);
	}
}

static void on_signal(int number)
{
	(void)number;
}

static void wait_for_signal(void *argument)
{
	struct waiting *waiting = argument;
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGUSR1, &action, NULL);
	CHECK_ERR(do_wait(&waiting->wait, waiting->kind), EINTR);
}

static void signals(void)
{
	for (enum kind kind = 0; kind < KINDS; kind++) {
		struct waiting waiting = { .kind = kind };
		pid_t pid;

		prepare(&waiting.wait, kind);
		pid = check_spawn(wait_for_signal, &waiting);
		CHECK(check_state(pid, 'S', 10000));
		kill(pid, SIGUSR1);
		CHECK_EQ(check_wait(pid), 0);
		CHECK_EQ(bytes_in(waiting.wait.from[IN]), kind < FROM_FILE ? 0 : 10);
		CHECK_EQ(lseek(waiting.wait.file, 0, SEEK_CUR), 0);
		pid = check_spawn(wait_for_ten, &waiting);
		CHECK(check_state(pid, 'S', 10000));
		kill(pid, SIGKILL);
		CHECK_EQ(check_wait(pid), CHECK_KILLED + SIGKILL);
		finish(&waiting.wait);
	}
}

/* Spliced into what takes no more: whoever reads from the same pipe gets no byte twice, and none is lost when the one that waits is killed. */
static int stopped_terminal(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave;
	struct termios raw;

	grantpt(master);
	unlockpt(master);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	CHECK_EQ(tcgetattr(slave, &raw), 0);
	cfmakeraw(&raw);
	CHECK_EQ(tcsetattr(slave, TCSANOW, &raw), 0);
	CHECK_EQ(tcflow(slave, TCOOFF), 0);
	return slave;
}

static int claimed[2], target;

static void splice_into_target(void *unused)
{
	(void)unused;
	splice(claimed[IN], NULL, target, NULL, 100, 0);
}

static void read_claimed(void *unused)
{
	(void)unused;
	CHECK_EQ(read(claimed[IN], buffer, 100), 5);
	CHECK(!memcmp(buffer, "bytes", 5));
}

static void killed_in_the_middle(void)
{
	pid_t splicer, reader;

	target = stopped_terminal();
	CHECK_EQ(pipe(claimed), 0);
	CHECK_EQ(write(claimed[OUT], "bytes", 5), 5);
	splicer = check_spawn(splice_into_target, NULL);
	CHECK(check_state(splicer, 'S', 10000));
	reader = check_spawn(read_claimed, NULL);
	check_sleep(50);
	kill(splicer, SIGKILL);
	CHECK_EQ(check_wait(splicer), CHECK_KILLED + SIGKILL);
	CHECK_EQ(check_wait(reader), 0);
}

static void everything_once(void)
{
	for (enum kind kind = 0; kind < KINDS; kind++) {
		struct waiting waiting = { .kind = kind };
		pid_t pid;

		prepare(&waiting.wait, kind);
		pid = check_spawn(wait_for_ten, &waiting);
		check_sleep(5);
		kill(pid, SIGKILL);
		check_wait(pid);
		finish(&waiting.wait);
	}
	unlink("file");
}

static void leaks(void)
{
	static struct leak_mark mark;

	everything_once();
	leak_mark(&mark);
	for (int i = 0; i < 5; i++)
		everything_once();
	leak_check(&mark, "splices");
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(from_file), CASE(from_large_file), CASE(to_file), CASE(nothing_is_lost), CASE(between_pipes), CASE(errors), CASE(no_readers),
		CASE(memory), CASE(devices), CASE(proc_files), CASE(terminals), CASE(fifos), CASE(wakes), CASE(ends), CASE(signals),
		CASE(killed_in_the_middle), CASE(leaks), { NULL, NULL },
	};

	return check_main("splices", cases, argc, argv);
}
