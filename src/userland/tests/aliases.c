/* SPDX-License-Identifier: MIT */
/* The names that the system's first description used (<raeen/syscall.h>): each makes the call that it is another name of. */
#include "check.h"

#include <fcntl.h>
#include <raeen/syscall.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define IS(alias, call) _Static_assert(SYS_##alias == SYS_##call, "SYS_" #alias " is another name of " #call)

IS(FORK, fork);
IS(EXEC, execve);
IS(EXIT, exit);
IS(WAIT, wait4);
IS(YIELD, sched_yield);
IS(MMAP, mmap);
IS(MUNMAP, munmap);
IS(MPROTECT, mprotect);
IS(BRK, brk);
IS(OPEN, open);
IS(READ, read);
IS(WRITE, write);
IS(CLOSE, close);
IS(SEEK, lseek);
IS(PORT_CREATE, port_create);
IS(SEND_MESSAGE, msg_send);
IS(RECV_MESSAGE, msg_recv);
IS(SHMEM_CREATE, shmem_create);
IS(SHMEM_MAP, shmem_map);
IS(CAP_GET, cap_get);
IS(CAP_SET, cap_set);
IS(CAP_CHECK, cap_check);

/* The C library does not learn of it: the child makes system calls only. */
static pid_t fork_by_name(void)
{
	return (pid_t)syscall(SYS_FORK);
}

static void processes(void)
{
	static char *const exec_argv[] = { "/bin/sh", "-c", "exit 5", NULL };
	int status = 0;
	pid_t pid = fork_by_name();

	if (pid == 0)
		syscall(SYS_EXIT, 7);
	CHECK(pid > 0);
	CHECK_EQ(syscall(SYS_WAIT, pid, &status, 0, NULL), pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	pid = fork_by_name();
	if (pid == 0) {
		syscall(SYS_EXEC, exec_argv[0], exec_argv, (char *const[]){ NULL });
		syscall(SYS_EXIT, 1);
	}
	CHECK_EQ(syscall(SYS_WAIT, pid, &status, 0, NULL), pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 5);
	CHECK_ERR(syscall(SYS_WAIT, pid, &status, 0, NULL), ECHILD);
	CHECK_EQ(syscall(SYS_YIELD), 0);
}

static void memory(void)
{
	long page = sysconf(_SC_PAGESIZE), end = syscall(SYS_BRK, 0);
	char *mapped = (char *)syscall(SYS_MMAP, NULL, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK((long)mapped > 0 && (long)mapped % page == 0);
	CHECK_EQ(syscall(SYS_MPROTECT, mapped, page, PROT_READ | PROT_WRITE), 0);
	memset(mapped, 1, page);
	CHECK_EQ(syscall(SYS_MUNMAP, mapped, page), 0);
	CHECK_ERR(madvise(mapped, page, MADV_NORMAL), ENOMEM);
	CHECK(end > 0);
	CHECK_EQ(syscall(SYS_BRK, end + page), end + page);
	CHECK_EQ(syscall(SYS_BRK, end), end);
}

static void files(void)
{
	char bytes[8] = "";
	int fd = (int)syscall(SYS_OPEN, "file", O_RDWR | O_CREAT, 0600);

	CHECK(fd >= 0);
	CHECK_EQ(syscall(SYS_WRITE, fd, "content", 7), 7);
	CHECK_EQ(syscall(SYS_SEEK, fd, 3, SEEK_SET), 3);
	CHECK_EQ(syscall(SYS_READ, fd, bytes, sizeof bytes), 4);
	CHECK_STR(bytes, "tent");
	CHECK_EQ(syscall(SYS_CLOSE, fd), 0);
	CHECK_ERR(syscall(SYS_CLOSE, fd), EBADF);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = { CASE(processes), CASE(memory), CASE(files), { NULL, NULL } };

	return check_main("aliases", cases, argc, argv);
}
