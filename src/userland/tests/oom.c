/* SPDX-License-Identifier: MIT */
/*
 * Who goes when memory is out (src/kernel/process/oom.c): the greedy one, or whom the rule names, and nobody beside; a server of files never while others can.
 * The program itself is such a server, of served_model.h. Needs a disk "test0", and no other program that takes much memory.
 */
#include "served_model.h"
#include "supervisor.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/sysinfo.h>

enum { USER = 1004, PIECE = 1 << 20, BESIDE_MIB = 12, HOARDERS = 8, MIB_SHIFT = 20, PATIENCE_MS = 60000 };

/* In a child: takes memory piece by piece, then waits or ends. */
struct hoard {
	int user;		/* whose; 0: root's */
	size_t bytes;
	int waits;		/* when it has them */
};

static volatile int *has_all;	/* shared: so many have what they wanted */

static void hoard(void *argument)
{
	const struct hoard *wanted = argument;

	if (wanted->user && (setresgid(wanted->user, wanted->user, wanted->user) || setresuid(wanted->user, wanted->user, wanted->user)))
		_exit(99);
	for (size_t done = 0; done < wanted->bytes; done += PIECE) {
		char *at = mmap(NULL, PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (at == MAP_FAILED)
			_exit(98);
		memset(at, 1, PIECE);
	}
	__atomic_add_fetch(has_all, 1, __ATOMIC_SEQ_CST);
	while (wanted->waits)
		pause();
}

/* What the caches hold would be given up for programs, too, and belongs to no figure of sysinfo(). */
static size_t free_bytes(void)
{
	int caches = open("/proc/sys/vm/drop_caches", O_WRONLY);
	struct sysinfo info;

	sync();
	CHECK_EQ(write(caches, "3", 1), 1);
	close(caches);
	CHECK_EQ(sysinfo(&info), 0);
	return (info.freeram + info.bufferram) * info.mem_unit;
}

static void begin(void)
{
	has_all = mmap(NULL, sizeof *has_all, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(has_all != MAP_FAILED);
}

/* Starts one that waits with what it has. */
static pid_t keep(int user, size_t bytes)
{
	struct hoard wanted = { user, bytes, 1 };
	int before = *has_all;
	pid_t pid = check_spawn(hoard, &wanted);

	for (long end = check_now() + PATIENCE_MS; *has_all == before && CHECK(check_now() < end);)
		check_sleep(2);
	return pid;
}

static int lives(pid_t pid)
{
	return waitpid(pid, NULL, WNOHANG) == 0;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* The number of the process that serves the root file system; 0: nobody does. */
static pid_t root_server(void)
{
	DIR *folder = opendir("/proc");
	struct dirent *entry;
	pid_t found = 0;

	while (folder && !found && (entry = readdir(folder))) {
		char path[300], name[16] = "";
		FILE *file;

		snprintf(path, sizeof path, "/proc/%s/comm", entry->d_name);
		file = atoi(entry->d_name) > 0 ? fopen(path, "r") : NULL;
		if (file && fscanf(file, "%15s", name) == 1 && strcmp(name, "ext2") == 0)
			found = atoi(entry->d_name);
		if (file)
			fclose(file);
	}
	if (folder)
		closedir(folder);
	return found;
}

/* An ordinary user asks for more than there is: he goes, and neither a user with less nor root. */
static void greedy_user(void)
{
	size_t least = (size_t)BESIDE_MIB << MIB_SHIFT;
	struct hoard all = { USER, 2 * free_bytes(), 0 };
	pid_t other, roots, server = root_server();

	begin();
	other = keep(USER + 1, least);
	roots = keep(0, least);
	CHECK_EQ(check_child(hoard, &all), CHECK_KILLED + SIGKILL);
	CHECK(lives(other) && lives(roots));
	CHECK_EQ(root_server(), server);
	end(other);
	end(roots);
}

/* An ordinary user asks for little more, but another has most: that one goes. */
static void large_user(void)
{
	size_t size = free_bytes();
	struct hoard some = { USER + 1, size / 5, 0 };
	pid_t large, server = root_server();

	begin();
	large = keep(USER, size / 10 * 9);
	CHECK_EQ(check_child(hoard, &some), 0);
	CHECK_EQ(check_wait(large), CHECK_KILLED + SIGKILL);
	CHECK_EQ(root_server(), server);
}

/* Root asks: the largest ordinary process goes, though it has less than root. */
static void root_asks(void)
{
	size_t size = free_bytes();
	struct hoard most = { 0, size / 10 * 8, 0 };
	pid_t large, small, server = root_server();

	begin();
	small = keep(USER, size / 20);
	large = keep(USER + 1, size / 5);
	CHECK_EQ(check_child(hoard, &most), 0);
	CHECK(lives(small));
	CHECK_EQ(check_wait(large), CHECK_KILLED + SIGKILL);
	CHECK_EQ(root_server(), server);
	end(small);
}

/* One page in each of so many ranges of a page table, which fork copies rather than shares. */
enum { SPARSE_TABLES = 512, SPARSE_STEP = 2 << 20, FORKS_MAX = 64 };

static void wait_for_end(void *argument)
{
	(void)argument;
	for (;;)
		pause();
}

/* Root forks, and there is no memory for page tables, which no page fault asks for: the ordinary process goes, and no fork fails. */
static void fork_asks(void)
{
	char *sparse = mmap(NULL, (size_t)SPARSE_TABLES * SPARSE_STEP, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	pid_t large, children[FORKS_MAX];
	int forks = 0;

	if (!CHECK(sparse != MAP_FAILED))
		return;
	for (size_t i = 0; i < SPARSE_TABLES; i++)
		sparse[i * SPARSE_STEP] = 1;
	begin();
	large = keep(USER, free_bytes() / 10 * 8);
	while (lives(large) && CHECK(forks < FORKS_MAX))
		children[forks++] = check_spawn(wait_for_end, NULL);
	for (int i = 0; i < forks; i++) {
		CHECK(lives(children[i]));
		end(children[i]);
	}
}

/* Nobody is ordinary, nobody is large, and who asks is a server: others of root's go, as many as it takes. Then it still serves. */
static void server_asks(void)
{
	size_t size = free_bytes(), piece = size / 10, mine = size / 2;
	pid_t hoarders[HOARDERS], server = root_server();
	int gone = 0;
	char *at;

	begin();
	start_model();
	CHECK_EQ(mkdir("beside", 0700), 0);
	for (int i = 0; i < HOARDERS; i++)
		hoarders[i] = keep(0, piece);
	at = mmap(NULL, mine, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(at != MAP_FAILED);
	for (size_t done = 0; done < mine; done += 4096)
		at[done] = 1;
	for (int i = 0; i < HOARDERS; i++)
		gone += !lives(hoarders[i]);
	CHECK(gone >= 2 && gone < HOARDERS);
	munmap(at, mine);
	for (int i = 0; i < HOARDERS; i++)
		end(hoarders[i]);
	CHECK_EQ(root_server(), server);
	stop_model();
	CHECK_EQ(rmdir("beside"), 0);
}

static void adjust(pid_t pid, const char *value)
{
	char path[64];
	int file;

	snprintf(path, sizeof path, "/proc/%d/oom_score_adj", pid);
	file = open(path, O_WRONLY);
	CHECK_EQ(write(file, value, strlen(value)), strlen(value));
	close(file);
}

/* oom_score_adj: who is given most goes before who asks, though he has little and is root's; who is given least stays, though he has most. */
static void adjusted(void)
{
	size_t size = free_bytes();
	struct hoard all = { USER, 2 * size, 0 };
	pid_t volunteer, spared;

	begin();
	volunteer = keep(0, PIECE);
	adjust(volunteer, "1000");
	spared = keep(USER + 1, size / 5 * 3);
	adjust(spared, "-1000");
	CHECK_EQ(check_child(hoard, &all), CHECK_KILLED + SIGKILL);
	CHECK_EQ(check_wait(volunteer), CHECK_KILLED + SIGKILL);
	CHECK(lives(spared));
	end(spared);
}

static const struct check_case cases[] = {
	CASE(greedy_user), CASE(large_user), CASE(root_asks), CASE(fork_asks), CASE(server_asks), CASE(adjusted), { NULL, NULL },
};
/* What Linux has, too. */
static const struct check_case common_cases[] = { CASE(adjusted), { NULL, NULL } };

int main(int argc, char **argv)
{
	/* Who only waits for the case must not be who asks just when nothing is left. */
	mlockall(MCL_CURRENT | MCL_FUTURE);
	return check_main("oom", supervisor_works() ? cases : common_cases, argc, argv);
}
