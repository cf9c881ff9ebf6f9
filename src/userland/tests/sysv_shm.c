/* SPDX-License-Identifier: MIT */
/* System V shared memory: keys, mapping it, what is attached, removing, owners and modes, lists, limits, and that nothing is left of it. */
#include "sysv_kit.h"

#include <setjmp.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>

enum { PAGE = 4096, SIZE = 3 * PAGE, SEGMENTS_MAX = 4096, WORKERS = 4, ROUNDS = 200 };
#define SIZE_LIMIT 18446744073692774399ul
#define NOWHERE ((void *)-1)

static int make(void)
{
	int id = shmget(IPC_PRIVATE, SIZE, 0600);

	CHECK(id >= 0);
	return id;
}

static void remove_it(int id)
{
	CHECK_EQ(shmctl(id, IPC_RMID, NULL), 0);
}

static char *attach(int id)
{
	char *at = shmat(id, NULL, 0);

	CHECK(at != NOWHERE);
	return at;
}

static struct shmid_ds stat_of(int id)
{
	struct shmid_ds stat = { .shm_nattch = -1 };

	CHECK_EQ(shmctl(id, IPC_STAT, &stat), 0);
	return stat;
}

static long attached(int id)
{
	return stat_of(id).shm_nattch;
}

static int used(void)
{
	struct shm_info info;

	CHECK(shmctl(0, SHM_INFO, (void *)&info) >= 0);
	return info.used_ids;
}

/* ---- Keys ---- */

static void keys(void)
{
	int id, other;

	CHECK_ERR(shmget(KEY, SIZE, 0), ENOENT);
	CHECK_ERR(shmget(KEY, 0, IPC_CREAT | 0600), EINVAL);
	id = shmget(KEY, SIZE - 1, IPC_CREAT | IPC_EXCL | 0600);
	CHECK(id >= 0);
	CHECK_ERR(shmget(KEY, SIZE, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
	CHECK_EQ(shmget(KEY, SIZE - 1, IPC_CREAT | 0600), id);
	CHECK_EQ(shmget(KEY, 0, 0), id);
	CHECK_EQ(shmget(KEY, 1, IPC_EXCL), id);
	CHECK_ERR(shmget(KEY, SIZE, 0), EINVAL);
	other = make();
	CHECK(other != id);
	CHECK_EQ(stat_of(other).shm_perm.__key, IPC_PRIVATE);
	CHECK_EQ(stat_of(id).shm_perm.__key, KEY);
	CHECK_EQ(stat_of(id).shm_segsz, SIZE - 1);
	remove_it(other);
	remove_it(id);
	CHECK_ERR(shmget(KEY, SIZE, 0), ENOENT);
	CHECK_ERR(shmctl(id, IPC_RMID, NULL), EINVAL);
	CHECK_ERR(shmat(id, NULL, 0), EINVAL);
	/* The next one has another id. */
	other = make();
	CHECK(other != id);
	remove_it(other);
	CHECK_ERR(shmget(IPC_PRIVATE, 0, 0600), EINVAL);
	CHECK_ERR(shmget(IPC_PRIVATE, SIZE_LIMIT + 1, 0600), EINVAL);
	CHECK_ERR(shmget(IPC_PRIVATE, SIZE_LIMIT, 0600), EINVAL);
	CHECK_ERR(shmget(IPC_PRIVATE, 1ul << 60, 0600), ENOMEM);
	CHECK_ERR(shmget(IPC_PRIVATE, SIZE, SHM_HUGETLB | 0600), ENOMEM);
	CHECK_ERR(shmctl(-1, IPC_STAT, NULL), EINVAL);
	CHECK_ERR(shmctl(0, 4711, NULL), EINVAL);
	CHECK_ERR(shmctl(0, -1, NULL), EINVAL);
}

static void sparse(void)
{
	/* Larger than the machine: only where it is said that it will not be filled. */
	int id = shmget(IPC_PRIVATE, 1ul << 42, SHM_NORESERVE | 0600);
	char *at;

	CHECK(id >= 0);
	at = attach(id);
	at[1ul << 41] = 'x';
	CHECK_EQ(at[(1ul << 41) + PAGE], 0);
	CHECK_EQ(shmdt(at), 0);
	remove_it(id);
}

/* ---- Mapping ---- */

static sigjmp_buf caught;

static void jump(int number)
{
	siglongjmp(caught, number);
}

static int store(char *at)
{
	struct sigaction action = { .sa_handler = jump };
	int number;

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	number = sigsetjmp(caught, 1);
	if (!number)
		*(volatile char *)at = 'x';
	return number;
}

static void store_in_child(void *at)
{
	strcpy(at, "from a child");
}

static void sharing(void)
{
	int id = make();
	char *at = attach(id), *again = attach(id), *fixed;

	CHECK(at != again);
	CHECK_EQ(at[SIZE - 1], 0);
	CHECK_EQ(check_child(store_in_child, at), 0);
	CHECK_STR(again, "from a child");
	fixed = shmat(id, NULL, SHM_RDONLY);
	CHECK_STR(fixed, "from a child");
	CHECK_EQ(store(fixed), SIGSEGV);
	CHECK_ERR(mprotect(fixed, PAGE, PROT_READ | PROT_WRITE), EACCES);
	CHECK_EQ(shmdt(fixed), 0);
	CHECK_EQ(store(fixed), SIGSEGV);
	CHECK_EQ(shmdt(at), 0);
	CHECK_ERR(shmdt(at), EINVAL);
	CHECK_STR(again, "from a child");
	CHECK_EQ(shmdt(again), 0);
	/* It keeps what is in it. */
	at = attach(id);
	CHECK_STR(at, "from a child");
	CHECK_EQ(shmdt(at), 0);
	remove_it(id);
}

static void addresses(void)
{
	int id = make();
	char *room = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *at;

	strcpy(room, "mine");
	CHECK_ERR(shmat(-1, NULL, 0), EINVAL);
	CHECK_ERR(shmat(id, room + 8, 0), EINVAL);
	CHECK_ERR(shmat(id, room, 0), EINVAL);
	CHECK_ERR(shmat(id, NULL, SHM_REMAP), EINVAL);
	CHECK_ERR(shmat(id, (void *)8, SHM_REMAP | SHM_RND), EINVAL);
	CHECK_ERR(shmat(id, (void *)-PAGE, 0), EINVAL);
	CHECK_ERR(shmat(id, (void *)(1ul << 63), 0), ENOMEM);
	CHECK_STR(room, "mine");
	CHECK_EQ(attached(id), 0);
	CHECK_EQ(munmap(room, 8 * PAGE), 0);
	at = shmat(id, room + 5, SHM_RND);
	CHECK(at == room);
	strcpy(at, "shared");
	/* Half of what is there already is replaced. */
	at = shmat(id, room + 2 * PAGE, SHM_REMAP);
	CHECK(at == room + 2 * PAGE);
	CHECK_STR(at, "shared");
	CHECK_EQ(attached(id), 2);
	CHECK_ERR(shmdt(room + 1), EINVAL);
	CHECK_ERR(shmdt(room + PAGE), EINVAL);
	CHECK_EQ(shmdt(room), 0);
	CHECK_EQ(attached(id), 1);
	CHECK_STR(at, "shared");
	CHECK_EQ(shmdt(at), 0);
	remove_it(id);
}

static void execution(void)
{
	int id = make();
	char *at = attach(id), *code;

	at[0] = (char)0xc3;	/* ret */
	code = shmat(id, NULL, SHM_EXEC | SHM_RDONLY);
	CHECK(code != NOWHERE);
	((void (*)(void))code)();
	CHECK_EQ(shmdt(code), 0);
	CHECK_EQ(shmdt(at), 0);
	remove_it(id);
}

/* ---- What is attached ---- */

static int shared_id;

static void look(void *at)
{
	struct shmid_ds stat = stat_of(shared_id);

	CHECK_EQ(stat.shm_nattch, 2);
	/* The parent did it, by fork. */
	CHECK_EQ(stat.shm_lpid, getppid());
	CHECK_EQ(shmdt(at), 0);
	stat = stat_of(shared_id);
	CHECK_EQ(stat.shm_nattch, 1);
	CHECK_EQ(stat.shm_lpid, getpid());
	CHECK(stat.shm_dtime >= stat.shm_atime);
}

static void exec_true(void *unused)
{
	(void)unused;
	execl("/bin/sh", "sh", "-c", "exit 0", (char *)NULL);
	_exit(99);
}

static void hang(void *unused)
{
	(void)unused;
	for (;;)
		pause();
}

static void counting(void)
{
	int id = shared_id = make();
	struct shmid_ds stat = stat_of(id);
	char *at;
	pid_t child;

	CHECK_EQ(stat.shm_nattch, 0);
	CHECK_EQ(stat.shm_atime, 0);
	CHECK_EQ(stat.shm_dtime, 0);
	CHECK(stat.shm_ctime > 0);
	CHECK_EQ(stat.shm_cpid, getpid());
	CHECK_EQ(stat.shm_lpid, 0);
	at = attach(id);
	CHECK(stat_of(id).shm_atime >= stat.shm_ctime);
	CHECK_EQ(check_child(look, at), 0);
	CHECK_EQ(check_child(exec_true, NULL), 0);
	CHECK_EQ(attached(id), 1);
	child = check_spawn(hang, NULL);
	CHECK_EQ(attached(id), 2);
	kill_and_wait(child);
	CHECK_EQ(attached(id), 1);
	/* Parts count, and shmdt finds what is left. */
	CHECK_EQ(mprotect(at + PAGE, PAGE, PROT_READ), 0);
	CHECK_EQ(attached(id), 3);
	CHECK_EQ(munmap(at + PAGE, PAGE), 0);
	CHECK_EQ(attached(id), 2);
	CHECK(mmap(at + PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at + PAGE);
	CHECK_EQ(shmdt(at), 0);
	CHECK_EQ(attached(id), 0);
	CHECK_EQ(at[PAGE], 0);
	CHECK_EQ(munmap(at + PAGE, PAGE), 0);
	/* A moved one goes where it is now. */
	at = attach(id);
	at = mremap(at, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, at - 64 * PAGE);
	CHECK(at != MAP_FAILED);
	CHECK_EQ(attached(id), 1);
	CHECK_EQ(shmdt(at), 0);
	CHECK_EQ(attached(id), 0);
	remove_it(id);
}

/* ---- Removing ---- */

static void attach_removed(void *unused)
{
	char *at = attach(shared_id);

	(void)unused;
	CHECK_STR(at, "kept");
	strcpy(at, "changed");
}

static void removal(void)
{
	int before = used(), id = shared_id = shmget(KEY, SIZE, IPC_CREAT | 0600), next;
	char *at = attach(id);
	pid_t child;

	strcpy(at, "kept");
	remove_it(id);
	CHECK_EQ(used(), before + 1);
	CHECK_EQ(stat_of(id).shm_perm.mode, SHM_DEST | 0600);
	CHECK_EQ(stat_of(id).shm_perm.__key, IPC_PRIVATE);
	CHECK_ERR(shmget(KEY, SIZE, 0), ENOENT);
	next = shmget(KEY, SIZE, IPC_CREAT | IPC_EXCL | 0600);
	CHECK(next >= 0 && next != id);
	CHECK_EQ(check_child(attach_removed, NULL), 0);
	CHECK_STR(at, "changed");
	remove_it(id);
	CHECK_EQ(shmdt(at), 0);
	CHECK_ERR(shmat(id, NULL, 0), EINVAL);
	remove_it(next);
	CHECK_EQ(used(), before);
	/* The last one is killed. */
	id = make();
	at = attach(id);
	child = check_spawn(hang, NULL);
	remove_it(id);
	CHECK_EQ(shmdt(at), 0);
	CHECK_EQ(attached(id), 1);
	kill_and_wait(child);
	CHECK_ERR(shmat(id, NULL, 0), EINVAL);
	CHECK_EQ(used(), before);
}

/* ---- Owners and modes ---- */

static void as_user(void *unused)
{
	struct shmid_ds stat;

	(void)unused;
	become(USER, USER);
	CHECK_EQ(shmget(KEY, SIZE, 0), shared_id);
	CHECK_EQ(shmget(KEY, SIZE, 0004), shared_id);
	CHECK_ERR(shmget(KEY, SIZE, 0006), EACCES);
	CHECK_ERR(shmget(KEY, SIZE, 0400 | 0200), EACCES);
	CHECK_ERR(shmat(shared_id, NULL, 0), EACCES);
	CHECK_ERR(shmat(shared_id, NULL, SHM_RDONLY | SHM_EXEC), EACCES);
	CHECK(shmat(shared_id, NULL, SHM_RDONLY) != NOWHERE);
	CHECK_EQ(shmctl(shared_id, IPC_STAT, &stat), 0);
	CHECK_ERR(shmctl(shared_id, IPC_SET, &stat), EPERM);
	CHECK_ERR(shmctl(shared_id, IPC_RMID, NULL), EPERM);
	CHECK_ERR(shmctl(shared_id, SHM_LOCK, NULL), EPERM);
	CHECK_ERR(shmctl(shared_id, SHM_UNLOCK, NULL), EPERM);
}

static void as_group(void *unused)
{
	(void)unused;
	become(USER, GROUP);
	CHECK(shmat(shared_id, NULL, 0) != NOWHERE);
}

static void as_nobody(void *unused)
{
	struct shmid_ds stat;

	(void)unused;
	become(OTHER, OTHER);
	CHECK_ERR(shmctl(shared_id, IPC_STAT, &stat), EACCES);
	CHECK_ERR(shmctl(shared_id & 0x7fff, SHM_STAT, &stat), EACCES);
	CHECK_EQ(shmctl(shared_id & 0x7fff, SHM_STAT_ANY, &stat), shared_id);
	CHECK_ERR(shmat(shared_id, NULL, SHM_RDONLY), EACCES);
}

static void as_owner(void *unused)
{
	const struct rlimit nothing = { 0, 0 }, little = { SIZE - 1, SIZE - 1 };
	struct shmid_ds stat;

	(void)unused;
	become(OTHER, OTHER);
	CHECK_EQ(shmctl(shared_id, IPC_STAT, &stat), 0);
	CHECK_EQ(stat.shm_perm.cuid, 0);
	CHECK_EQ(stat.shm_perm.uid, OTHER);
	CHECK_EQ(shmctl(shared_id, SHM_LOCK, NULL), 0);
	CHECK_EQ(stat_of(shared_id).shm_perm.mode, SHM_LOCKED | 0600);
	CHECK_EQ(shmctl(shared_id, SHM_UNLOCK, NULL), 0);
	CHECK_EQ(shmctl(shared_id, SHM_UNLOCK, NULL), 0);
	CHECK_EQ(setrlimit(RLIMIT_MEMLOCK, &little), 0);
	CHECK_ERR(shmctl(shared_id, SHM_LOCK, NULL), ENOMEM);
	CHECK_EQ(setrlimit(RLIMIT_MEMLOCK, &nothing), 0);
	CHECK_ERR(shmctl(shared_id, SHM_LOCK, NULL), EPERM);
	CHECK_EQ(shmctl(shared_id, IPC_RMID, NULL), 0);
}

static void owners(void)
{
	struct shmid_ds stat;

	shared_id = shmget(KEY, SIZE, IPC_CREAT | 0664);
	stat = stat_of(shared_id);
	stat.shm_perm.gid = GROUP;
	stat.shm_perm.mode = 0177664;
	CHECK_EQ(shmctl(shared_id, IPC_SET, &stat), 0);
	CHECK_EQ(stat_of(shared_id).shm_perm.mode, 0664);
	CHECK_EQ(check_child(as_user, NULL), 0);
	CHECK_EQ(check_child(as_group, NULL), 0);
	stat.shm_perm.mode = 0600;
	CHECK_EQ(shmctl(shared_id, IPC_SET, &stat), 0);
	CHECK_EQ(check_child(as_nobody, NULL), 0);
	stat.shm_perm.uid = -1;
	CHECK_ERR(shmctl(shared_id, IPC_SET, &stat), EINVAL);
	stat.shm_perm.uid = OTHER;
	CHECK_EQ(shmctl(shared_id, IPC_SET, &stat), 0);
	CHECK_ERR(shmctl(shared_id, IPC_SET, (void *)8), EFAULT);
	CHECK_ERR(shmctl(shared_id, IPC_STAT, (void *)8), EFAULT);
	CHECK_EQ(check_child(as_owner, NULL), 0);
	CHECK_ERR(shmctl(shared_id, IPC_STAT, &stat), EINVAL);
}

/* ---- Lists ---- */

static void lists(void)
{
	int before = used(), id = shmget(KEY, SIZE, IPC_CREAT | 0640), index = id & 0x7fff;
	struct shminfo limits;
	struct shm_info info;
	struct shmid_ds stat;
	char line[128], *at = attach(id);

	at[PAGE] = 'x';
	CHECK(shmctl(0, IPC_INFO, (void *)&limits) >= index);
	CHECK_EQ(limits.shmmax, SIZE_LIMIT);
	CHECK_EQ(limits.shmall, SIZE_LIMIT);
	CHECK_EQ(limits.shmmin, 1);
	CHECK_EQ(limits.shmmni, SEGMENTS_MAX);
	CHECK_EQ(limits.shmseg, SEGMENTS_MAX);
	CHECK(shmctl(0, SHM_INFO, (void *)&info) >= index);
	CHECK_EQ(info.used_ids, before + 1);
	CHECK(info.shm_tot >= 3);
	CHECK(info.shm_rss >= 1 && info.shm_rss <= info.shm_tot);
	CHECK_EQ(info.shm_swp, 0);
	CHECK_EQ(shmctl(index, SHM_STAT, &stat), id);
	CHECK_EQ(stat.shm_segsz, SIZE);
	CHECK_EQ(stat.shm_nattch, 1);
	CHECK(has_line("/proc/sysvipc/shm", "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid"
		       "      atime      dtime      ctime                   rss                  swap\n"));
	snprintf(line, sizeof line, "%10d %10d   640 %21d %5d %5d      1     0     0     0     0 ", KEY, id, SIZE, getpid(), getpid());
	if (!CHECK(has_line("/proc/sysvipc/shm", line)))
		printf("# no line '%s'\n", line);
	CHECK_EQ(system("grep -q '/SYSV5a5a0000 (deleted)$' /proc/$PPID/maps"), 0);
	snprintf(line, sizeof line, "grep -Eq ' rw-s 00000000 00:01 %d +/SYSV' /proc/$PPID/maps", id);
	CHECK_EQ(system(line), 0);
	CHECK(has_line("/proc/sys/kernel/shmmax", "18446744073692774399\n"));
	CHECK(has_line("/proc/sys/kernel/shmall", "18446744073692774399\n"));
	CHECK(has_line("/proc/sys/kernel/shmmni", "4096\n"));
	CHECK_EQ(shmdt(at), 0);
	remove_it(id);
	CHECK_ERR(shmctl(index, SHM_STAT, &stat), EINVAL);
	CHECK_ERR(shmctl(0, IPC_INFO, (void *)8), EFAULT);
	CHECK_ERR(shmctl(0, SHM_INFO, (void *)8), EFAULT);
}

/* ---- Limits, storms, leaks ---- */

static void limits(void)
{
	static int ids[SEGMENTS_MAX];
	int before = used(), count;

	for (count = 0; count < SEGMENTS_MAX; count++) {
		ids[count] = shmget(IPC_PRIVATE, 1, 0600);
		if (ids[count] < 0)
			break;
	}
	CHECK_EQ(count, SEGMENTS_MAX - before);
	CHECK_ERR(shmget(IPC_PRIVATE, 1, 0600), ENOSPC);
	CHECK_ERR(shmget(KEY, 1, IPC_CREAT | 0600), ENOSPC);
	while (count)
		remove_it(ids[--count]);
	CHECK_EQ(used(), before);
}

static void take_all(void *unused)
{
	enum { LARGE = 8 << 20, MANY = 64 };
	int ids[MANY], count;

	(void)unused;
	become(USER, USER);
	for (count = 0; count < MANY; count++) {
		ids[count] = shmget(IPC_PRIVATE, LARGE, 0600);
		if (ids[count] < 0)
			break;
	}
	CHECK(count > 0 && count < MANY);
	CHECK_ERR(shmget(IPC_PRIVATE, LARGE, 0600), ENOMEM);
	remove_it(ids[0]);
	ids[0] = shmget(IPC_PRIVATE, LARGE, 0600);
	CHECK(ids[0] >= 0);
	while (count)
		remove_it(ids[--count]);
}

/* A user has no more than half of the machine's memory; what is given back can be had again. */
static void shares(void)
{
	if (has_shares())
		CHECK_EQ(check_child(take_all, NULL), 0);
}

/* Makes, finds, maps and removes segments of few keys, while others do the same. */
static void storm_worker(void *seed)
{
	unsigned state = 1 + (unsigned)(long)seed;

	for (int i = 0; i < ROUNDS; i++) {
		int id, key = KEY + rand_r(&state) % 3;
		char *at;

		id = shmget(key, SIZE, IPC_CREAT | 0600);
		if (id < 0)
			continue;
		at = shmat(id, NULL, rand_r(&state) % 2 ? SHM_RDONLY : 0);
		if (at != NOWHERE && rand_r(&state) % 4 == 0 && fork() == 0)
			_exit(at[PAGE] ? 1 : 0);
		if (rand_r(&state) % 2)
			shmctl(id, IPC_RMID, NULL);
		if (at != NOWHERE)
			CHECK_EQ(shmdt(at), 0);
	}
	while (wait(NULL) > 0)
		;
}

static void storm_round(void)
{
	pid_t workers[WORKERS];
	int before = used();

	for (long i = 0; i < WORKERS; i++)
		workers[i] = check_spawn(storm_worker, (void *)i);
	for (int i = 0; i < WORKERS; i++)
		CHECK_EQ(check_wait(workers[i]), 0);
	for (int key = KEY; key < KEY + 3; key++)
		shmctl(shmget(key, 0, 0), IPC_RMID, NULL);
	CHECK_EQ(used(), before);
}

static void storm(void)
{
	static struct leak_mark mark;

	storm_round();
	leak_mark(&mark);
	storm_round();
	sparse();
	removal();
	leak_check(&mark, "shared memory");
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(keys), CASE(sparse), CASE(sharing), CASE(addresses), CASE(execution), CASE(counting), CASE(removal), CASE(owners), CASE(lists),
		CASE(limits), CASE(shares), CASE(storm), { NULL, NULL },
	};

	return check_main("sysv_shm", cases, argc, argv);
}
