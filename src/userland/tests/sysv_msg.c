/* SPDX-License-Identifier: MIT */
/* System V message queues: types and order, sizes, full queues, waiting, removing, owners, lists, limits, and that nothing is left of them. */
#include "sysv_kit.h"

#include <limits.h>
#include <sys/msg.h>

enum { LARGEST = 8192, BYTES = 16384, QUEUES_MAX = 32000, CROWD = 20, WORKERS = 3, MESSAGES = 300, TYPES = 5, PORT_RESTRICT = 1036 };
#ifndef MSG_COPY
#define MSG_COPY 040000
#endif

static struct { long type; char text[LARGEST + 1]; } buffer;

static int make(void)
{
	int id = msgget(IPC_PRIVATE, 0600);

	CHECK(id >= 0);
	return id;
}

static void remove_it(int id)
{
	CHECK_EQ(msgctl(id, IPC_RMID, NULL), 0);
}

static struct msqid_ds stat_of(int id)
{
	struct msqid_ds stat = { .msg_qnum = -1 };

	CHECK_EQ(msgctl(id, IPC_STAT, &stat), 0);
	return stat;
}

static int used(void)
{
	struct msginfo info;

	CHECK(msgctl(0, MSG_INFO, (void *)&info) >= 0);
	return info.msgpool;
}

static int put_now(int id, long type, size_t len, int flags)
{
	buffer.type = type;
	memset(buffer.text, 'a' + type % 26, len);
	return msgsnd(id, &buffer, len, flags);
}

static int put(int id, long type, size_t len)
{
	return put_now(id, type, len, IPC_NOWAIT);
}

/* The type of what came; its bytes are as put() made them. */
static long take(int id, long type, int flags)
{
	ssize_t len = msgrcv(id, &buffer, sizeof buffer.text, type, flags);

	for (ssize_t i = 0; i < len; i++)
		if (buffer.text[i] != 'a' + buffer.type % 26)
			return -2;
	return len < 0 ? -1 : buffer.type;
}

static long take_now(int id, long type)
{
	return take(id, type, IPC_NOWAIT);
}

/* ---- Messages ---- */

static void queues(void)
{
	int id, other;

	CHECK_ERR(msgget(KEY, 0), ENOENT);
	id = msgget(KEY, IPC_CREAT | IPC_EXCL | 0600);
	CHECK(id >= 0);
	CHECK_ERR(msgget(KEY, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
	CHECK_EQ(msgget(KEY, 0), id);
	other = make();
	CHECK(other != id);
	remove_it(other);
	remove_it(id);
	CHECK_ERR(msgctl(id, IPC_RMID, NULL), EINVAL);
	CHECK_ERR(put(id, 1, 1), EINVAL);
	CHECK_ERR(take_now(id, 0), EINVAL);
	CHECK_ERR(put(-1, 1, 1), EINVAL);
	CHECK_ERR(take_now(-1, 0), EINVAL);
	CHECK_ERR(msgctl(-1, IPC_STAT, NULL), EINVAL);
	CHECK_ERR(msgctl(0, 4711, NULL), EINVAL);
}

static void types(void)
{
	int id = make();

	CHECK_ERR(take_now(id, 0), ENOMSG);
	for (long type = TYPES; type; type--)
		CHECK_EQ(put(id, type, type), 0);
	CHECK_EQ(put(id, 3, 1), 0);
	CHECK_EQ(take_now(id, 0), 5);
	CHECK_EQ(take_now(id, 3), 3);
	CHECK_ERR(take_now(id, 9), ENOMSG);
	CHECK_EQ(take_now(id, -3), 1);
	CHECK_EQ(take_now(id, -1000), 2);
	CHECK_ERR(take_now(id, -2), ENOMSG);
	CHECK_EQ(put(id, 7, 0), 0);
	CHECK_EQ(take(id, 4, MSG_EXCEPT | IPC_NOWAIT), 3);
	CHECK_EQ(take(id, 4, MSG_EXCEPT | IPC_NOWAIT), 7);
	CHECK_ERR(take(id, 4, MSG_EXCEPT | IPC_NOWAIT), ENOMSG);
	CHECK_EQ(take_now(id, LONG_MIN), 4);
	CHECK_EQ(put(id, LONG_MAX, 1), 0);
	CHECK_EQ(take_now(id, LONG_MIN), LONG_MAX);
	CHECK_ERR(put(id, 0, 1), EINVAL);
	CHECK_ERR(put(id, -1, 1), EINVAL);
	remove_it(id);
}

static void copies(void)
{
	int id = make();

	for (long type = 1; type <= 3; type++)
		CHECK_EQ(put(id, type, 10 * type), 0);
	CHECK_EQ(take(id, 0, MSG_COPY | IPC_NOWAIT), 1);
	CHECK_EQ(take(id, 2, MSG_COPY | IPC_NOWAIT), 3);
	CHECK_ERR(take(id, 3, MSG_COPY | IPC_NOWAIT), ENOMSG);
	CHECK_ERR(take(id, -1, MSG_COPY | IPC_NOWAIT), ENOMSG);
	CHECK_ERR(take(id, 0, MSG_COPY), EINVAL);
	CHECK_ERR(take(id, 0, MSG_COPY | MSG_EXCEPT | IPC_NOWAIT), EINVAL);
	CHECK_ERR(msgrcv(id, &buffer, 19, 1, MSG_COPY | IPC_NOWAIT), E2BIG);
	CHECK_ERR(msgrcv(id, &buffer, 19, 1, MSG_COPY | IPC_NOWAIT | MSG_NOERROR), EINVAL);
	CHECK_EQ(msgrcv(id, &buffer, 20, 1, MSG_COPY | IPC_NOWAIT | MSG_NOERROR), 20);
	CHECK_EQ(stat_of(id).msg_qnum, 3);
	CHECK_EQ(stat_of(id).msg_lrpid, 0);
	remove_it(id);
}

static void sizes(void)
{
	int id = make();

	CHECK_EQ(put(id, 1, LARGEST), 0);
	CHECK_ERR(put(id, 1, LARGEST + 1), EINVAL);
	CHECK_ERR(msgsnd(id, &buffer, -1, 0), EINVAL);
	CHECK_ERR(msgsnd(id, (void *)8, 1, 0), EFAULT);
	CHECK_ERR(msgrcv(id, &buffer, -1, 0, 0), EINVAL);
	CHECK_ERR(msgrcv(id, &buffer, LARGEST - 1, 0, 0), E2BIG);
	CHECK_EQ(stat_of(id).msg_cbytes, LARGEST);
	CHECK_EQ(msgrcv(id, &buffer, 5, 0, MSG_NOERROR), 5);
	CHECK_EQ(stat_of(id).msg_cbytes, 0);
	CHECK_EQ(put(id, 2, 0), 0);
	CHECK_EQ(msgrcv(id, &buffer, 0, 0, 0), 0);
	CHECK_EQ(buffer.type, 2);
	/* What cannot be stored is lost. */
	CHECK_EQ(put(id, 2, 10), 0);
	CHECK_ERR(msgrcv(id, (void *)8, 10, 0, 0), EFAULT);
	CHECK_EQ(stat_of(id).msg_qnum, 0);
	remove_it(id);
}

/* ---- Waiting ---- */

struct job { int id; long type; size_t len; int error; };

static void send_one(void *argument)
{
	const struct job *job = argument;

	catch_signal(SA_RESTART);
	if (job->error)
		CHECK_ERR(put_now(job->id, job->type, job->len, 0), job->error);
	else
		CHECK_EQ(put_now(job->id, job->type, job->len, 0), 0);
}

static void receive_one(void *argument)
{
	const struct job *job = argument;

	catch_signal(SA_RESTART);
	if (job->error)
		CHECK_ERR(msgrcv(job->id, &buffer, job->len, job->type, 0), job->error);
	else
		CHECK_EQ(take(job->id, job->type, 0), job->len);
}

/* A child that sleeps in @body soon. */
static pid_t start(void (*body)(void *argument), int id, long type, size_t len, int error)
{
	struct job job = { id, type, len, error };
	pid_t child = check_spawn(body, &job);

	CHECK(check_state(child, 'S', PATIENCE_MS));
	return child;
}

static void receivers(void)
{
	int id = make();
	/* The last number says which type is to come. */
	pid_t second = start(receive_one, id, 2, 2, 0), any = start(receive_one, id, 0, 1, 0), except = start(receive_one, id, -3, 3, 0), small;

	CHECK_EQ(put(id, 2, 8), 0);
	CHECK_EQ(check_wait(second), 0);
	CHECK_EQ(put(id, 1, 8), 0);
	CHECK_EQ(check_wait(any), 0);
	CHECK_EQ(stat_of(id).msg_lrpid, any);
	CHECK_EQ(put(id, 4, 8), 0);
	CHECK_EQ(stat_of(id).msg_qnum, 1);
	CHECK_EQ(put(id, 3, 8), 0);
	CHECK_EQ(check_wait(except), 0);
	CHECK_EQ(take_now(id, 0), 4);
	/* Without room the next one gets it. */
	small = start(receive_one, id, 0, 7, E2BIG);
	any = start(receive_one, id, 0, 5, 0);
	CHECK_EQ(put(id, 5, 8), 0);
	CHECK_EQ(check_wait(small), 0);
	CHECK_EQ(check_wait(any), 0);
	CHECK_EQ(stat_of(id).msg_qnum, 0);
	remove_it(id);
}

static void full(void)
{
	struct msqid_ds stat;
	int id = make();
	pid_t large, small;

	CHECK_EQ(put(id, 1, LARGEST), 0);
	CHECK_EQ(put(id, 1, LARGEST - 10), 0);
	CHECK_ERR(put(id, 1, 11), EAGAIN);
	large = start(send_one, id, 2, LARGEST, 0);
	small = start(send_one, id, 3, 100, 0);
	CHECK_EQ(put(id, 4, 10), 0);
	/* There is room for both. */
	CHECK_EQ(take_now(id, 0), 1);
	CHECK_EQ(take_now(id, 0), 1);
	CHECK_EQ(check_wait(large), 0);
	CHECK_EQ(check_wait(small), 0);
	CHECK_EQ(stat_of(id).msg_qnum, 3);
	CHECK_EQ(take_now(id, 2), 2);
	CHECK_EQ(take_now(id, 3), 3);
	CHECK_EQ(take_now(id, 4), 4);
	CHECK_EQ(stat_of(id).msg_cbytes, 0);
	/* Not more messages than bytes. */
	stat = stat_of(id);
	stat.msg_qbytes = 2;
	CHECK_EQ(msgctl(id, IPC_SET, &stat), 0);
	CHECK_EQ(put(id, 1, 0), 0);
	CHECK_EQ(put(id, 1, 0), 0);
	CHECK_ERR(put(id, 1, 0), EAGAIN);
	CHECK_ERR(put(id, 1, 3), EAGAIN);
	large = start(send_one, id, 2, 3, 0);
	stat.msg_qbytes = BYTES + 1;
	CHECK_EQ(msgctl(id, IPC_SET, &stat), 0);
	CHECK_EQ(check_wait(large), 0);
	CHECK_EQ(stat_of(id).msg_qnum, 3);
	CHECK_EQ(stat_of(id).msg_qbytes, BYTES + 1);
	remove_it(id);
}

static void ends(void)
{
	pid_t crowd[CROWD], child;
	int id = make();

	child = start(receive_one, id, 0, 1, EINTR);
	CHECK_EQ(kill(child, SIGUSR1), 0);
	CHECK_EQ(check_wait(child), 0);
	child = start(receive_one, id, 0, 1, 0);
	kill_and_wait(child);
	/* Stopped and continued it waits on. */
	child = start(receive_one, id, 0, 1, 0);
	CHECK_EQ(kill(child, SIGSTOP), 0);
	CHECK(check_state(child, 'T', PATIENCE_MS));
	CHECK_EQ(kill(child, SIGCONT), 0);
	CHECK(check_state(child, 'S', PATIENCE_MS));
	CHECK_EQ(put(id, 1, 1), 0);
	CHECK_EQ(check_wait(child), 0);
	CHECK_EQ(put(id, 1, LARGEST), 0);
	CHECK_EQ(put(id, 1, LARGEST), 0);
	child = start(send_one, id, 1, 1, EINTR);
	CHECK_EQ(kill(child, SIGUSR1), 0);
	CHECK_EQ(check_wait(child), 0);
	child = start(send_one, id, 1, 1, 0);
	kill_and_wait(child);
	CHECK_EQ(stat_of(id).msg_qnum, 2);
	for (int i = 0; i < CROWD; i++)
		crowd[i] = i % 2 ? start(send_one, id, 1, 1, EIDRM) : start(receive_one, id, 7, 1, EIDRM);
	remove_it(id);
	for (int i = 0; i < CROWD; i++)
		CHECK_EQ(check_wait(crowd[i]), 0);
}

/* ---- Owners ---- */

static int shared_id;

static void as_user(void *unused)
{
	struct msqid_ds stat;

	(void)unused;
	become(USER, USER);
	CHECK_EQ(msgget(KEY, 0222), shared_id);
	CHECK_ERR(msgget(KEY, 0444), EACCES);
	CHECK_EQ(put(shared_id, 1, 1), 0);
	CHECK_ERR(take_now(shared_id, 0), EACCES);
	CHECK_ERR(msgctl(shared_id, IPC_STAT, &stat), EACCES);
	CHECK_ERR(msgctl(shared_id & 0x7fff, MSG_STAT, &stat), EACCES);
	CHECK_EQ(msgctl(shared_id & 0x7fff, MSG_STAT_ANY, &stat), shared_id);
	CHECK_ERR(msgctl(shared_id, IPC_SET, &stat), EPERM);
	CHECK_ERR(msgctl(shared_id, IPC_RMID, NULL), EPERM);
}

static void as_owner(void *unused)
{
	struct msqid_ds stat;

	(void)unused;
	become(OTHER, OTHER);
	CHECK_EQ(msgctl(shared_id, IPC_STAT, &stat), 0);
	stat.msg_qbytes = BYTES + 1;
	CHECK_ERR(msgctl(shared_id, IPC_SET, &stat), EPERM);
	stat.msg_qbytes = BYTES;
	CHECK_EQ(msgctl(shared_id, IPC_SET, &stat), 0);
	CHECK_EQ(msgctl(shared_id, IPC_RMID, NULL), 0);
}

static void wait_as_user(void *argument)
{
	become(USER, USER);
	receive_one(argument);
}

static void owners(void)
{
	struct msqid_ds stat;
	pid_t child;

	shared_id = msgget(KEY, IPC_CREAT | 0622);
	CHECK_EQ(check_child(as_user, NULL), 0);
	CHECK_EQ(take_now(shared_id, 0), 1);
	stat = stat_of(shared_id);
	stat.msg_perm.mode = 0666;
	CHECK_EQ(msgctl(shared_id, IPC_SET, &stat), 0);
	/* Who waits, and may no more, hears of it. */
	child = start(wait_as_user, shared_id, 0, 1, EACCES);
	stat.msg_perm.mode = 0600;
	CHECK_EQ(msgctl(shared_id, IPC_SET, &stat), 0);
	CHECK_EQ(check_wait(child), 0);
	stat.msg_perm.uid = OTHER;
	CHECK_EQ(msgctl(shared_id, IPC_SET, &stat), 0);
	stat.msg_perm.uid = -1;
	CHECK_ERR(msgctl(shared_id, IPC_SET, &stat), EINVAL);
	CHECK_ERR(msgctl(shared_id, IPC_SET, (void *)8), EFAULT);
	CHECK_ERR(msgctl(shared_id, IPC_STAT, (void *)8), EFAULT);
	CHECK_EQ(check_child(as_owner, NULL), 0);
}

/* Whom some names of ports are allowed only gets nothing, unless "sysv" is one of them. (On Linux there is nothing to restrict.) */
static void restricted(void *unused)
{
	static const char enough[] = "some\0sysv", too_few[] = "some";

	(void)unused;
	if (syscall(PORT_RESTRICT, enough, sizeof enough) && errno == ENOSYS)
		return;
	CHECK_EQ(msgget(KEY, 0), shared_id);
	CHECK_EQ(put(shared_id, 1, 1), 0);
	CHECK_EQ(syscall(PORT_RESTRICT, too_few, sizeof too_few), 0);
	CHECK_ERR(msgget(KEY, 0), EPERM);
	CHECK_ERR(msgget(IPC_PRIVATE, 0600), EPERM);
	CHECK_ERR(put(shared_id, 1, 1), EPERM);
	CHECK_ERR(take_now(shared_id, 0), EPERM);
	CHECK_ERR(msgctl(shared_id, IPC_RMID, NULL), EPERM);
}

static void restrictions(void)
{
	shared_id = msgget(KEY, IPC_CREAT | 0600);
	CHECK_EQ(check_child(restricted, NULL), 0);
	remove_it(shared_id);
}

/* ---- Lists and limits ---- */

static void lists(void)
{
	int before = used(), id = msgget(KEY, IPC_CREAT | 0640), index = id & 0x7fff;
	struct msginfo info;
	struct msqid_ds stat;
	char line[160];

	CHECK_EQ(stat_of(id).msg_stime, 0);
	CHECK_EQ(stat_of(id).msg_rtime, 0);
	CHECK(stat_of(id).msg_ctime > 0);
	CHECK_EQ(stat_of(id).msg_qbytes, BYTES);
	CHECK_EQ(put(id, 1, 12), 0);
	CHECK(stat_of(id).msg_stime > 0);
	CHECK(msgctl(0, IPC_INFO, (void *)&info) >= index);
	CHECK_EQ(info.msgmax, LARGEST);
	CHECK_EQ(info.msgmnb, BYTES);
	CHECK_EQ(info.msgmni, QUEUES_MAX);
	CHECK_EQ(info.msgssz, 16);
	CHECK_EQ(info.msgseg, 0xffff);
	CHECK_EQ(info.msgpool, QUEUES_MAX * BYTES / 1024);
	CHECK(msgctl(0, MSG_INFO, (void *)&info) >= index);
	CHECK_EQ(info.msgpool, before + 1);
	CHECK(info.msgmap >= 1 && info.msgtql >= 12);
	CHECK_EQ(msgctl(index, MSG_STAT, &stat), id);
	CHECK_EQ(stat.msg_qnum, 1);
	CHECK_EQ(stat.msg_lspid, getpid());
	CHECK(has_line("/proc/sysvipc/msg", "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid"
		       "      stime      rtime      ctime\n"));
	snprintf(line, sizeof line, "%10d %10d   640  %10d %10d %5d     0     0     0     0     0 ", KEY, id, 12, 1, getpid());
	CHECK(has_line("/proc/sysvipc/msg", line));
	CHECK(has_line("/proc/sys/kernel/msgmax", "8192\n"));
	CHECK(has_line("/proc/sys/kernel/msgmnb", "16384\n"));
	CHECK(has_line("/proc/sys/kernel/msgmni", "32000\n"));
	remove_it(id);
	CHECK_ERR(msgctl(index, MSG_STAT, &stat), EINVAL);
	CHECK_ERR(msgctl(0, MSG_INFO, (void *)8), EFAULT);
}

static void limits(void)
{
	static int ids[QUEUES_MAX];
	int before = used(), count;

	for (count = 0; count < QUEUES_MAX; count++) {
		ids[count] = msgget(IPC_PRIVATE, 0600);
		if (ids[count] < 0)
			break;
	}
	CHECK_EQ(count, QUEUES_MAX - before);
	CHECK_ERR(msgget(IPC_PRIVATE, 0600), ENOSPC);
	while (count)
		remove_it(ids[--count]);
	CHECK_EQ(used(), before);
}

static void take_all(void *unused)
{
	enum { MANY = 20000 };
	static int ids[MANY];
	int count = 0, error = 0;

	(void)unused;
	become(USER, USER);
	while (count < MANY && !error) {
		ids[count] = msgget(IPC_PRIVATE, 0600);
		if (ids[count] < 0) {
			error = errno;
			break;
		}
		count++;
		while (put(ids[count - 1], 1, LARGEST) == 0)
			;
		error = errno == EAGAIN ? 0 : errno;
	}
	CHECK_EQ(error, ENOMEM);
	/* Nobody waits for memory, not even in an empty queue. */
	CHECK_EQ(take_now(ids[0], 0), 1);
	CHECK_EQ(put_now(ids[0], 1, 100, 0), 0);
	while (count)
		remove_it(ids[--count]);
	ids[0] = make();
	CHECK_EQ(put(ids[0], 1, LARGEST), 0);
	remove_it(ids[0]);
}

static void shares(void)
{
	if (has_shares())
		CHECK_EQ(check_child(take_all, NULL), 0);
}

/* ---- Storms ---- */

/* By type, so that each worker of a kind gets what its partner sends; some of it is large. */
static void send_many(void *argument)
{
	const struct job *job = argument;

	for (int i = 0; i < MESSAGES; i++)
		if (!CHECK_EQ(put_now(job->id, job->type, i % 7 ? i % 100 : LARGEST, 0), 0))
			break;
}

static void receive_many(void *argument)
{
	const struct job *job = argument;

	for (int i = 0; i < MESSAGES; i++)
		if (!CHECK_EQ(take(job->id, job->type, 0), job->type) || !CHECK_EQ(buffer.type, job->type))
			break;
}

static void remake(void *unused)
{
	(void)unused;
	for (int i = 0; i < MESSAGES; i++) {
		int id = msgget(KEY, IPC_CREAT | 0600);

		put(id, 1 + i % 3, i);
		take_now(id, i % 4);
		take_now(id, -3);
		if (i % 5 == 0)
			msgctl(id, IPC_RMID, NULL);
	}
}

static void storm_round(void)
{
	pid_t workers[2 * WORKERS];
	int before = used(), id = make();

	for (int i = 0; i < WORKERS; i++) {
		struct job job = { id, i + 1, 0, 0 };

		workers[2 * i] = check_spawn(send_many, &job);
		workers[2 * i + 1] = check_spawn(receive_many, &job);
	}
	for (int i = 0; i < 2 * WORKERS; i++)
		CHECK_EQ(check_wait(workers[i]), 0);
	CHECK_EQ(stat_of(id).msg_qnum, 0);
	remove_it(id);
	for (int i = 0; i < WORKERS; i++)
		workers[i] = check_spawn(remake, NULL);
	for (int i = 0; i < WORKERS; i++)
		CHECK_EQ(check_wait(workers[i]), 0);
	msgctl(msgget(KEY, 0), IPC_RMID, NULL);
	CHECK_EQ(used(), before);
}

static void storm(void)
{
	static struct leak_mark mark;

	storm_round();
	ends();
	leak_mark(&mark);
	storm_round();
	ends();
	leak_check(&mark, "message queues");
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(queues), CASE(types), CASE(copies), CASE(sizes), CASE(receivers), CASE(full), CASE(ends), CASE(owners), CASE(restrictions), CASE(lists),
		CASE(limits), CASE(shares), CASE(storm), { NULL, NULL },
	};

	return check_main("sysv_msg", cases, argc, argv);
}
