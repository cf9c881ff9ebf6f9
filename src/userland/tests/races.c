/* SPDX-License-Identifier: MIT */
/* Many processes and threads that change the same names and descriptors at the same time; afterwards the tree must be what it says it is. */
#include "check.h"
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *const names[] = {
	"a", "b", "c", "dd", "a/x", "b/x", "c/y", "dd/z", "a/x/q", "l1", "l2", "a/../b", "c/./y/", "nope/x", "fifo",
	"a-name-that-is-too-long-to-be-kept-inside-the-kernel's-own-record-of-names",
};
enum { NAMES = sizeof(names) / sizeof(*names), POOL = 8, MS = 1500 };

struct player {
	unsigned seed;
	int pool[POOL];
	char data[5000];
};

static void change_a_name(unsigned random)
{
	const char *from = names[(random >> 8) % NAMES], *to = names[(random >> 16) % NAMES];
	struct stat st;

	switch (random % 11) {
	case 0: unlink(from); break;
	case 1: mkdir(from, 0755); break;
	case 2: rmdir(from); break;
	case 3: rename(from, to); break;
	case 4: symlink(to, from); break;
	case 5: link(from, to); break;
	case 6: stat(from, &st); break;
	case 7: lstat(from, &st); break;
	case 8: mkfifo(from, 0600); break;
	case 9: syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 2 /* exchange */); break;
	case 10: truncate(from, random % 10000); break;
	}
}

static void use_a_descriptor(struct player *player, unsigned random)
{
	int *fd = &player->pool[(random >> 4) % POOL], other;
	struct pollfd wanted = { *fd, POLLIN | POLLOUT, 0 };
	size_t len = random % sizeof(player->data);
	char text[64];

	switch (random % 9) {
	case 0:
		close(*fd);
		*fd = open(names[(random >> 8) % NAMES], O_RDWR | O_CREAT | O_NONBLOCK | (random >> 28 ? 0 : O_TRUNC), 0644);
		break;
	case 1: write(*fd, player->data, len); break;
	case 2: pread(*fd, player->data, len, random >> 20); break;
	case 3: ftruncate(*fd, random % 20000); break;
	case 4: flock(*fd, (random >> 20) % 2 ? LOCK_SH | LOCK_NB : LOCK_EX | LOCK_NB); break;
	case 5: poll(&wanted, 1, 0); break;
	case 6:
		other = dup(*fd);
		dup2(*fd, 60);
		close(other);
		close(60);
		break;
	case 7:
		snprintf(text, sizeof(text), "/proc/self/fd/%d", *fd);
		close(open(text, O_RDONLY | O_NONBLOCK));
		break;
	case 8:
		other = open(names[(random >> 8) % NAMES], O_RDONLY | O_DIRECTORY);
		if (other >= 0)
			syscall(SYS_getdents64, other, player->data, sizeof(player->data));
		close(other);
		break;
	}
}

static void play(unsigned seed)
{
	struct player *player = calloc(1, sizeof(*player));
	long end = check_now() + MS;

	memset(player->pool, -1, sizeof(player->pool));
	player->seed = seed;
	while (check_now() < end) {
		for (int i = 0; i < 20; i++) {
			unsigned random = (unsigned)rand_r(&player->seed) * 2 + (seed & 1);

			if (rand_r(&player->seed) % 3)
				change_a_name(random);
			else
				use_a_descriptor(player, random);
		}
	}
	for (int i = 0; i < POOL; i++)
		close(player->pool[i]);
	free(player);
}

/* Empties @directory, checking that each name is what the listing says. Returns how many names there were. */
static int empty(const char *directory)
{
	struct dirent *entry;
	struct stat st;
	char path[4000];
	int count = 0;
	DIR *dir;

	do {
		dir = opendir(directory);
		if (!CHECK(dir != NULL))
			return count;
		while ((entry = readdir(dir)) && entry->d_name[0] == '.')
			;
		if (entry) {
			count++;
			snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
			if (!CHECK_EQ(lstat(path, &st), 0) || !CHECK_EQ(st.st_ino, entry->d_ino) || !CHECK_EQ(st.st_mode >> 12, entry->d_type))
				entry = NULL;
			else if (S_ISDIR(st.st_mode))
				count += empty(path);
			if (entry && !CHECK_EQ(S_ISDIR(st.st_mode) ? rmdir(path) : unlink(path), 0))
				entry = NULL;
		}
		closedir(dir);
	} while (entry);
	return count;
}

static void play_as_process(void *argument)
{
	play((long)argument);
}

static void *play_as_thread(void *argument)
{
	play((long)argument);
	return NULL;
}

static void play_as_threads(void *argument)
{
	pthread_t threads[3];

	(void)argument;
	for (long i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, play_as_thread, (void *)(i + 100));
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
}

static void names_stay_right(void)
{
	pid_t players[4];

	signal(SIGPIPE, SIG_IGN);
	for (long i = 0; i < 3; i++)
		players[i] = check_spawn(play_as_process, (void *)(i + 1));
	players[3] = check_spawn(play_as_threads, NULL);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(check_wait(players[i]), 0);
	empty(".");
	CHECK_EQ(empty("."), 0);
}

static pid_t repeat(void (*body)(void))
{
	pid_t child = fork();

	if (!child)
		for (;;)
			body();
	return child;
}

static void look_at_folder(void)
{
	struct stat st;

	stat("folder", &st);
}

static void keep_file_system_busy(void)
{
	mkdir("other/x", 0755);
	rmdir("other/x");
}

/* Who has changed a folder sees it changed, although others ask for its attributes all the time. */
static void own_changes_are_seen(void)
{
	long end = check_now() + 2 * MS, wrong = 0;
	pid_t looker, worker;
	struct stat st;

	CHECK(!mkdir("folder", 0755) && !mkdir("other", 0755));
	looker = repeat(look_at_folder);
	worker = repeat(keep_file_system_busy);
	for (unsigned i = 0; check_now() < end; i++) {
		unsigned mode = 0700 | i % 64;

		wrong += mkdir("folder/x", 0755) || chmod("folder", mode) || stat("folder", &st) || st.st_nlink != 3 || (st.st_mode & 0777) != mode;
		wrong += rmdir("folder/x") || stat("folder", &st) || st.st_nlink != 2;
	}
	CHECK_EQ(wrong, 0);
	kill(looker, SIGKILL);
	kill(worker, SIGKILL);
	CHECK_EQ(check_wait(looker), CHECK_KILLED + SIGKILL);
	CHECK_EQ(check_wait(worker), CHECK_KILLED + SIGKILL);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = { CASE(names_stay_right), CASE(own_changes_are_seen), { NULL, NULL } };

	return check_main("races", cases, argc, argv);
}
