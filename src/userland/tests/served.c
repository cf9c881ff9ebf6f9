/* SPDX-License-Identifier: MIT */
/*
 * A file system that is a service (src/servers/test/files), mounted: what programs see of it, also while it dies, with requests in its hands or
 * at any moment, and when it answers wrongly. SEED=N. Native: on Linux nothing is checked.
 */
#include "check.h"
#include "supervisor.h"
#include "../../servers/test/files/tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PORT_NAME "test.files"
enum { WALKERS = 4, COLD_WALKS = 2 };

static struct service files;

static unsigned long seed(void)
{
	const char *text = getenv("SEED");
	unsigned long number = text ? strtoul(text, NULL, 10) : (unsigned long)check_now();

	printf("SEED=%lu\n", number);
	return number;
}

static void make_service(const char *argument)
{
	CHECK(message_buffer() != NULL);
	files = (struct service){ .program = "files-service", .argument = argument, .state = -1, .alarm = -1 };
	files.port = (int)port_create(PORT_NAME, PORT_PERSISTENT | PORT_REPLAY);
	CHECK(files.port >= 0);
	fcntl(files.port, F_SETFD, FD_CLOEXEC);
}

static void mount_files(const char *argument)
{
	/* One that answers wrongly may do so now, speak another version, or say that its root is a file. */
	for (int tries = 0; mount(PORT_NAME, "m", "served", MS_NODEV, NULL) != 0; tries++) {
		int error = errno;

		if (!CHECK((error == EIO || error == EPROTONOSUPPORT || error == ENOTDIR) && argument &&
			   strncmp(argument, "--garbage", 9) == 0 && tries < 100)) {
			CHECK_EQ(error, EIO);
			_exit(1);
		}
	}
}

static void start(const char *argument)
{
	make_service(argument);
	service_start(&files);
	CHECK_EQ(mkdir("m", 0755), 0);
	mount_files(argument);
}

static void stop(void)
{
	CHECK_EQ(umount("m"), 0);
	kill(files.pid, SIGTERM);
	service_wait(&files);
	close(files.port);
	close(files.alarm);
}

static void drop_caches(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);

	CHECK_EQ(write(fd, "3\n", 2), 2);
	close(fd);
}

/* Reads a file; whether it is what it should be. */
static int file_is_right(const char *path, uint64_t inode)
{
	static uint8_t data[TREE_SIZE_MAX + 1];
	int fd = open(path, O_RDONLY | O_NONBLOCK), right = fd >= 0;	/* who answers wrongly may say that it is a FIFO */
	ssize_t count = 0, got;

	while (right && (got = read(fd, data + count, sizeof data - (size_t)count)) != 0) {
		right = got > 0;
		count += right ? got : 0;
	}
	if (fd >= 0)
		close(fd);
	for (ssize_t i = 0; right && i < count; i++)
		right = data[i] == tree_byte(inode, (uint64_t)i);
	return right && (uint64_t)count == tree_size(inode);
}

/* The number of entries, "." and ".." too; -1 when the listing ends with an error. */
static int list(const char *path)
{
	DIR *dir = opendir(path);
	int count = 0;

	if (!dir)
		return -1;
	for (errno = 0; readdir(dir); count++)
		;
	if (errno)
		count = -1;
	closedir(dir);
	return count;
}

/* Reads the whole tree, by listing it, too, unless @listing is 0; returns how many things were wrong. */
static int walk_tree(int listing)
{
	int wrong = listing && list("m") != TREE_DIRECTORIES + 2;

	for (unsigned d = 0; d < TREE_DIRECTORIES; d++) {
		char path[64], target[8] = "";
		struct stat status;

		snprintf(path, sizeof path, "m/d%u", d);
		wrong += listing && list(path) != TREE_FILES + 1 + 2;
		for (unsigned f = 0; f < TREE_FILES; f++) {
			snprintf(path, sizeof path, "m/d%u/f%u", d, f);
			wrong += stat(path, &status) != 0 || status.st_ino != tree_inode(d, f) || (uint64_t)status.st_size != tree_size(status.st_ino);
			wrong += !file_is_right(path, tree_inode(d, f));
		}
		snprintf(path, sizeof path, "m/d%u/link", d);
		wrong += readlink(path, target, sizeof target) != 2 || strcmp(target, "f7") != 0 || !file_is_right(path, tree_inode(d, 7));
		snprintf(path, sizeof path, "m/d%u/nobody", d);
		wrong += stat(path, &status) == 0 || errno != ENOENT;
	}
	return wrong;
}

static int walk(void)
{
	return walk_tree(1);
}

static void looks(void)
{
	struct statfs status;

	start(NULL);
	CHECK_EQ(walk(), 0);
	drop_caches();
	CHECK_EQ(walk(), 0);
	CHECK_EQ(statfs("m", &status), 0);
	CHECK_EQ(status.f_files, 10000);
	CHECK_ERR(open("m/d0/f0", O_WRONLY), EROFS);
	CHECK_ERR(mkdir("m/new", 0755), EROFS);
	CHECK_ERR(unlink("m/d0/f0"), EROFS);
	CHECK_ERR(umount("m/d0"), EINVAL);
	stop();
}

/* What is in the caches asks nobody; only listings do. */
static void cached_without_server(void)
{
	start(NULL);
	CHECK_EQ(walk(), 0);
	kill(files.pid, SIGSTOP);
	CHECK(check_state(files.pid, 'T', 20000));
	CHECK_EQ(walk_tree(0), 0);
	kill(files.pid, SIGCONT);
	stop();
}

static void walk_cold(void *argument)
{
	int wrong = 0;

	(void)argument;
	for (int i = 0; i < COLD_WALKS; i++) {
		drop_caches();
		wrong += walk();
	}
	CHECK_EQ(wrong, 0);
}

static uint64_t requests_so_far(void)
{
	struct port_state state = { 0 };

	CHECK_EQ(port_control(files.port, PORT_STATE, (long)&state), 0);
	return state.received + state.replayed;
}

/* Several read everything, while instance after instance dies; with @kill_after also by our hand, after so many requests or fewer. Returns how many died. */
static int walk_among_deaths(unsigned kill_after)
{
	pid_t walkers[WALKERS];
	int deaths = 0, running = WALKERS;
	uint64_t next = requests_so_far() + kill_after;

	for (int i = 0; i < WALKERS; i++)
		walkers[i] = check_spawn(walk_cold, NULL);
	while (running) {
		int status;
		pid_t pid = waitpid(files.pid, &status, WNOHANG);

		if (pid == files.pid) {
			deaths++;
			service_spawn(&files);
		}
		for (int i = 0; i < WALKERS; i++)
			if (walkers[i] && waitpid(walkers[i], &status, WNOHANG) == walkers[i]) {
				CHECK_EQ(status, 0);
				walkers[i] = 0;
				running--;
			}
		if (kill_after && requests_so_far() >= next) {
			kill(files.pid, SIGKILL);
			/* Not with the same request in its hands as before: what two have died with is given to no third. */
			next = requests_so_far() + 2 * WALKERS + (unsigned)rand() % kill_after;
		}
		usleep(kill_after ? 100 : 1000);
	}
	return deaths;
}

static void dies_with_requests(void)
{
	int deaths;

	start("--die=25");
	deaths = walk_among_deaths(0);
	printf("%d deaths, each with a request held\n", deaths);
	CHECK(deaths > 20);
	stop();
}

static void killed_at_any_moment(void)
{
	int deaths;

	start(NULL);
	srand(seed());
	deaths = walk_among_deaths(100);
	printf("%d deaths\n", deaths);
	CHECK(deaths > 5);
	waitpid(files.pid, NULL, WNOHANG);
	service_start(&files);
	stop();
}

/*
 * The ways in which answers can be wrong (src/kernel/vfs/served/answers.h) of a file system that nobody changes; ci/tests/test_root_faults.py has those of one
 * that is changed.
 */
static const char *const ways[] = {
	"length", "type_name", "node", "mode", "links", "size", "root", "loop", "target", "entry", "entry_name", "cookie", "statfs",
};
enum { WAYS = sizeof ways / sizeof ways[0] };

/* How often the kernel has found an answer wrong in each way. */
static void count_ways(unsigned long counts[WAYS])
{
	FILE *file = fopen("/proc/served", "r");
	char line[2048], word[32];

	memset(counts, 0, WAYS * sizeof *counts);
	while (file && fgets(line, sizeof line, file))
		for (int i = 0; i < WAYS && strncmp(line, "wrong:", 6) == 0; i++) {
			const char *found;

			snprintf(word, sizeof word, " %s=", ways[i]);
			found = strstr(line, word);
			if (CHECK(found != NULL))
				counts[i] = strtoul(found + strlen(word), NULL, 10);
		}
	if (CHECK(file != NULL))
		fclose(file);
}

/* One of the ways that was not met since @before; NULL. */
static const char *way_not_met(const unsigned long before[WAYS])
{
	unsigned long now[WAYS];

	count_ways(now);
	for (int i = 0; i < WAYS; i++)
		if (now[i] == before[i])
			return ways[i];
	return NULL;
}

/* Wrong answers are errors, or other content; nothing else happens. At least LEAST servers, and as many as it takes to be wrong in every way. */
static void wrong_answers(void)
{
	enum { LEAST = 2, MOST = 12 };
	unsigned long first = seed(), before[WAYS];
	const char *missing = NULL;

	count_ways(before);
	for (unsigned long i = 0; i < LEAST || (missing && i < MOST); i++) {
		char argument[40], path[64], target[8];
		struct statfs status;

		snprintf(argument, sizeof argument, "--garbage=%lu", (first + i) * 2654435761u + 1);
		start(argument);
		walk();
		/* Without the files' data, which are most of what is asked; and mounted anew, as some answers come only then. */
		for (int j = 0; j < 8; j++) {
			CHECK_EQ(umount("m"), 0);
			mount_files(argument);
			statfs("m", &status);
			for (unsigned d = 0; d < TREE_DIRECTORIES; d++) {
				snprintf(path, sizeof path, "m/d%u", d);
				list(path);
				snprintf(path, sizeof path, "m/d%u/link", d);
				readlink(path, target, sizeof target);
			}
		}
		stop();
		CHECK_EQ(rmdir("m"), 0);
		missing = way_not_met(before);
	}
	if (!CHECK(missing == NULL))
		printf("no answer was wrong in its %s\n", missing);
}

static void nothing(int number)
{
	(void)number;
}

static void read_one(void *argument)
{
	(void)argument;
	signal(SIGUSR1, nothing);
	file_is_right("m/d3/f3", tree_inode(3, 3));
}

/* Without a server who asks waits; he can be killed, and the others go on when there is one again. */
static void waits_for_a_server(void)
{
	pid_t killed, waiting;

	start(NULL);
	kill(files.pid, SIGKILL);
	service_wait(&files);
	killed = check_spawn(read_one, NULL);
	waiting = check_spawn(walk_cold, NULL);
	CHECK(check_state(killed, 'D', 10000) || check_state(killed, 'S', 1));
	kill(killed, SIGUSR1);	/* not a reason to give up */
	check_sleep(50);
	CHECK_EQ(waitpid(killed, NULL, WNOHANG), 0);
	kill(killed, SIGKILL);
	CHECK_EQ(check_wait(killed), CHECK_KILLED + SIGKILL);
	CHECK_EQ(waitpid(waiting, NULL, WNOHANG), 0);
	service_start(&files);
	CHECK_EQ(check_wait(waiting), 0);
	stop();
}

/* Where those who wait for the stopped server touch its file, and what they share with those who do not. */
static struct {
	char *cold;		/* a page of a file that is not in memory */
	int pipe[2];
	int file;		/* whose position is shared */
	int epoll, watched;
	int master, slave;
} stuck;

static void touches(void) { *(volatile char *)stuck.cold; }
static void writes_pipe(void) { write(stuck.pipe[1], stuck.cold, 100); }
static void writes_much(void) { write(stuck.pipe[1], stuck.cold, 2 * 4096); }
static void reads_pipe(void) { read(stuck.pipe[0], stuck.cold, 1); }
static void reads_file(void) { read(stuck.file, &(char){ 0 }, 1); }
static void seeks(void) { lseek(stuck.file, 0, SEEK_CUR); }
static void waits_epoll(void) { epoll_wait(stuck.epoll, (struct epoll_event *)stuck.cold, 1, -1); }
static void writes_terminal(void) { write(stuck.slave, stuck.cold, 600); }
static void asks_ioctl(void) { ioctl(stuck.pipe[0], FIONREAD, stuck.cold); }
static void waits_futex(void) { syscall(SYS_futex, stuck.cold, 0 /* FUTEX_WAIT */, 0, NULL, NULL, 0); }
static void looks_up(void) { access("m/d5/f5", F_OK); }
static void lists(void) { list("m/d1"); }
static void opens(void) { close(open(stuck.cold, O_RDONLY)); }
static void asks_statfs(void) { statfs("m", (struct statfs *)stuck.cold); }

static void (*const ways_to_wait[])(void) = {
	touches, writes_pipe, writes_much, reads_pipe, reads_file, seeks, waits_epoll, writes_terminal, asks_ioctl, waits_futex, looks_up, lists, opens,
	asks_statfs, touches, touches, touches,
};
enum { STUCK = sizeof ways_to_wait / sizeof ways_to_wait[0] };

static void wait_in_one_way(void *way)
{
	((void (*const *)(void))way)[0]();
}

static void open_what_is_shared(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	int fd = open("m/d2/f2", O_RDONLY);

	stuck.cold = mmap(NULL, 4096 * 2, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(stuck.cold != MAP_FAILED);
	stuck.file = fd;
	CHECK_EQ(pipe(stuck.pipe), 0);
	CHECK_EQ(write(stuck.pipe[1], "abc", 3), 3);
	stuck.watched = dup(stuck.pipe[0]);
	stuck.epoll = epoll_create1(0);
	CHECK_EQ(epoll_ctl(stuck.epoll, EPOLL_CTL_ADD, stuck.watched, &event), 0);
	stuck.master = posix_openpt(O_RDWR | O_NOCTTY);
	CHECK_EQ(unlockpt(stuck.master), 0);
	stuck.slave = open(ptsname(stuck.master), O_RDWR | O_NOCTTY);
	CHECK(stuck.slave >= 0);
}

/* What reads about every process, as ps and top do. */
static void look_at_processes(void)
{
	static const char *const files[] = { "stat", "status", "cmdline", "statm", "maps" };
	struct dirent *entry;
	char path[64], text[4096];
	DIR *dir = opendir("/proc");

	while (dir && (entry = readdir(dir)) != NULL)
		for (unsigned i = 0; i < sizeof files / sizeof files[0] && atoi(entry->d_name); i++) {
			snprintf(path, sizeof path, "/proc/%.20s/%s", entry->d_name, files[i]);
			int fd = open(path, O_RDONLY);

			while (read(fd, text, sizeof text) > 0)
				;
			close(fd);
		}
	closedir(dir);
}

/* All that others do goes on: those who share a pipe, a terminal, an epoll with somebody who waits, too. */
static void go_on(void *unused)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	char text[16];

	(void)unused;
	alarm(30);
	CHECK_EQ(write(stuck.pipe[1], "def", 3), 3);
	CHECK_EQ(read(stuck.pipe[0], text, sizeof text), 6);
	CHECK_EQ(write(stuck.pipe[1], "g", 1), 1);
	CHECK_EQ(epoll_wait(stuck.epoll, &event, 1, 10000), 1);
	event.events = EPOLLIN | EPOLLET;
	CHECK_EQ(epoll_ctl(stuck.epoll, EPOLL_CTL_MOD, stuck.watched, &event), 0);
	CHECK_EQ(close(stuck.watched), 0);
	CHECK_EQ(write(stuck.slave, "x", 1), 1);
	CHECK_EQ(read(stuck.master, text, 1), 1);
	look_at_processes();
	CHECK_EQ(system("svc list > /dev/null"), 0);
	drop_caches();
	sync();
	look_at_processes();
	CHECK_EQ(system("ps > /dev/null && ls -l / > /dev/null"), 0);
}

static void only_who_asks_waits(void)
{
	pid_t waiting[STUCK];
	long before;

	start(NULL);
	open_what_is_shared();
	kill(files.pid, SIGSTOP);
	CHECK(check_state(files.pid, 'T', 20000));
	/* One after the other: who waits for the position of a file needs him who holds it. */
	for (unsigned i = 0; i < STUCK; i++) {
		waiting[i] = check_spawn(wait_in_one_way, (void *)&ways_to_wait[i]);
		CHECK(check_state(waiting[i], 'D', 10000));
	}
	for (unsigned i = 0; i < STUCK; i++)
		CHECK_EQ(waitpid(waiting[i], NULL, WNOHANG), 0);
	CHECK_EQ(check_wait(check_spawn(go_on, NULL)), 0);
	before = check_now();
	/* The last first: who waits for another's lock before him who holds it. */
	for (unsigned i = STUCK; i-- > 0;) {
		kill(waiting[i], SIGKILL);
		CHECK_EQ(check_wait(waiting[i]), CHECK_KILLED + SIGKILL);
	}
	CHECK(check_now() - before < 10000);
	close(stuck.file);
	CHECK_EQ(munmap(stuck.cold, 4096 * 2), 0);
	CHECK_EQ(umount("m"), 0);
	kill(files.pid, SIGKILL);
	kill(files.pid, SIGCONT);
	service_wait(&files);
	close(files.port);
	close(files.alarm);
}

static void what_cannot_be_mounted(void)
{
	int port;

	CHECK_EQ(mkdir("m", 0755), 0);
	CHECK_ERR(mount("test.nobody", "m", "served", 0, NULL), ENOENT);
	CHECK_ERR(mount("not a name", "m", "served", 0, NULL), ENOENT);
	port = (int)port_create("test.volatile", PORT_PERSISTENT);
	CHECK_ERR(mount("test.volatile", "m", "served", 0, NULL), EINVAL);
	close(port);
	make_service(NULL);
	service_start(&files);
	CHECK_ERR(mount(PORT_NAME, "m", "served", 0, "size=1"), EINVAL);
	CHECK_EQ(mount(PORT_NAME, "m", "served", 0, NULL), 0);
	stop();
}

/* Any program can send to the port: but not what only the kernel asks. */
static void programs_cannot_ask(void)
{
	start(NULL);
	CHECK_EQ(msg_call(files.port, msg_header_make(0x80060001, 0, 0, 0), LONG, NULL).header, -EINVAL);
	stop();
}

static const struct check_case cases[] = {
	CASE(looks), CASE(cached_without_server), CASE(dies_with_requests), CASE(killed_at_any_moment), CASE(wrong_answers), CASE(waits_for_a_server),
	CASE(only_who_asks_waits),
	CASE(what_cannot_be_mounted), CASE(programs_cannot_ask), { NULL, NULL },
};

int main(int argc, char **argv)
{
	return check_main("served", supervisor_works() ? cases : supervisor_no_cases, argc, argv);
}
