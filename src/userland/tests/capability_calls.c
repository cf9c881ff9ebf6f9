/* SPDX-License-Identifier: MIT */
/*
 * Capabilities: every call of the table (made from syscalls.def), and every kind of arguments that decides, is refused to a process without the bit, and not
 * to one with it. On Linux there is nothing to check.
 */
#include "calls.h"
#include "check.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CAP_SET = 1038, CAP_CHECK = 1039, PIDFD_OPEN = 434, NO_ADDRESS = 8, USER = 1000, CALL_SECONDS = 5, IDLE_SECONDS = 100, KEY = 0x5a5b0000 };
enum { OUTCOME_SIGNAL = 10000, ERROR_MAX = 4095 };

static bool have_capabilities(void)
{
	return syscall(CAP_CHECK, 0L) == 0;
}

static int set(uint64_t effective, uint64_t permitted)
{
	struct capability_sets sets = { effective, permitted };

	return (int)syscall(CAP_SET, &sets);
}

/* One try: a call in a process of its own, which has lost @without. */
struct attempt {
	const struct call *call;
	long arguments[CALL_ARGUMENTS];
	uint64_t without;
	long (*prepare)(long arguments[]);	/* may be NULL; what it returns is made the first argument, unless negative */
	bool user;				/* by an ordinary user's process that has all bits */
};

/* What has no harm in it and leads to an error soon: no address is good, no descriptor is open. */
static long harmless_argument(enum argument_kind kind)
{
	switch (kind) {
	case ARG_POINTER: case ARG_PATH: case ARG_ADDRESS: return NO_ADDRESS;
	case ARG_FD: case ARG_DIR: case ARG_PID: return -1;
	case ARG_COUNT: case ARG_SIZE: return 1;
	default: return 0;
	}
}

/* Some native calls keep no register but rsp and rbp (raeen/ipc.h), which the C library's syscall() does not know. */
static long call_raw(long number, const long arguments[])
{
	register long r10 __asm__("r10") = arguments[3], r8 __asm__("r8") = arguments[4], r9 __asm__("r9") = arguments[5];
	long result, rdi = arguments[0], rsi = arguments[1], rdx = arguments[2];

	__asm__ volatile("syscall" : "=a"(result), "+D"(rdi), "+S"(rsi), "+d"(rdx), "+r"(r10), "+r"(r8), "+r"(r9) : "0"(number)
			 : "rbx", "rcx", "r11", "r12", "r13", "r14", "r15", "memory");
	return result;
}

static void run_attempt(const struct attempt *attempt, int report)
{
	long arguments[CALL_ARGUMENTS], first;
	long result;
	int outcome;

	memcpy(arguments, attempt->arguments, sizeof arguments);
	alarm(CALL_SECONDS);
	setsid();	/* without a terminal */
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);	/* what view_enter wants; it changes nothing else here */
	if (attempt->prepare && (first = attempt->prepare(arguments)) >= 0)
		arguments[0] = first;
	if (attempt->user)
		setresuid(USER, USER, USER);
	set(CAPABILITIES_ALL & ~attempt->without, CAPABILITIES_ALL & ~attempt->without);
	result = call_raw(attempt->call->number, arguments);
	outcome = result < 0 && result >= -ERROR_MAX ? -result : 0;
	write(report, &outcome, sizeof outcome);
	_exit(0);
}

/* The error that came of it, 0, or OUTCOME_SIGNAL + the signal that ended it. */
static int outcome_of(const struct attempt *attempt)
{
	int pipes[2], result = 0, status;
	pid_t child;

	if (pipe(pipes) < 0 || (child = fork()) < 0)
		return -1;
	if (!child)
		run_attempt(attempt, pipes[1]);
	close(pipes[1]);
	waitpid(child, &status, 0);
	if (read(pipes[0], &result, sizeof result) != sizeof result)
		result = WIFSIGNALED(status) ? OUTCOME_SIGNAL + WTERMSIG(status) : OUTCOME_SIGNAL;
	close(pipes[0]);
	return result;
}

static struct attempt harmless_attempt(const struct call *call, uint64_t without)
{
	struct attempt attempt = { .call = call, .without = without };

	for (unsigned i = 0; i < call->count; i++)
		attempt.arguments[i] = harmless_argument(call->arguments[i].kind);
	return attempt;
}

/* Each bit that a gate tests: refused without it, whatever the arguments are; and with it the arguments decide. */
static void every_gate(void)
{
	for (unsigned i = 0; i < CALLS; i++) {
		struct attempt attempt = harmless_attempt(&calls[i], 0);

		if (!calls[i].always || !call_is_here(&calls[i]))
			continue;
		if (!CHECK(outcome_of(&attempt) != EPERM))
			printf("# %s with every capability\n", calls[i].name);
		for (int bit = 0; bit < CAPABILITY_COUNT; bit++) {
			attempt.without = 1ull << bit;
			if (!CHECK_EQ(outcome_of(&attempt) == EPERM, !!(calls[i].always & attempt.without)))
				printf("# %s without %s\n", calls[i].name, capability_names[bit].name);
		}
	}
}

/* What needs nothing is not refused to who has nothing: it ends as for who has all. */
static void every_free_call(void)
{
	for (unsigned i = 0; i < CALLS; i++) {
		struct attempt attempt = harmless_attempt(&calls[i], 0);
		int with_all;

		if (calls[i].always || calls[i].depends)
			continue;
		with_all = outcome_of(&attempt);
		attempt.without = CAPABILITIES_ALL;
		if (!CHECK_EQ(outcome_of(&attempt), with_all))
			printf("# %s without any capability\n", calls[i].name);
	}
}

/* ---- What depends on arguments: a row for each kind of them ---- */

static long open_for_reading(long arguments[])
{
	(void)arguments;
	return open("file", O_RDONLY);
}

static long open_for_writing(long arguments[])
{
	(void)arguments;
	return open("file", O_WRONLY);
}

/* One of the same user, which can do all. */
static long stronger_process(long arguments[])
{
	(void)arguments;
	return getppid();
}

static long stronger_in_second(long arguments[])
{
	arguments[1] = getppid();
	return -1;
}

static pid_t other;	/* a process of nobody's, and not of USER */

static long other_process(long arguments[])
{
	(void)arguments;
	return other;
}

static long descriptor_of_other(long arguments[])
{
	(void)arguments;
	return syscall(PIDFD_OPEN, other, 0);
}

static long descriptor_of_stronger(long arguments[])
{
	(void)arguments;
	return syscall(PIDFD_OPEN, getppid(), 0);
}

static long other_thread_group(long arguments[])
{
	arguments[1] = other;
	return other;
}

static long other_in_second(long arguments[])
{
	arguments[1] = other;
	return -1;
}

static long socket_of(int family, int type)
{
	return socket(family, type, 0);
}

static long inet_stream(long arguments[]) { (void)arguments; return socket_of(AF_INET, SOCK_STREAM); }
static long inet_datagram(long arguments[]) { (void)arguments; return socket_of(AF_INET, SOCK_DGRAM); }
static long inet6_stream(long arguments[]) { (void)arguments; return socket_of(AF_INET6, SOCK_STREAM); }
static long unix_stream(long arguments[]) { (void)arguments; return socket_of(AF_UNIX, SOCK_STREAM); }

static long unix_datagram(long arguments[]) { (void)arguments; return socket_of(AF_UNIX, SOCK_DGRAM); }

static long pty_master(long arguments[])
{
	(void)arguments;
	return open("/dev/ptmx", O_RDWR | O_NOCTTY);
}

static const struct sockaddr_in inet_address = { .sin_family = AF_INET, .sin_port = 0x5000, .sin_addr.s_addr = 0x0100007f };
static const struct sockaddr_in inet_any_port = { .sin_family = AF_INET };
static const struct sockaddr_in6 inet6_address = { .sin6_family = AF_INET6, .sin6_port = 0x5000 };
static const struct sockaddr_un unix_address = { .sun_family = AF_UNIX, .sun_path = "socket" };
static const struct sockaddr_un abstract_address = { .sun_family = AF_UNIX, .sun_path = "\0capability" };
static const struct iovec one_byte = { (void *)&abstract_address, 1 };
static const struct mmsghdr to_abstract = { .msg_hdr = { .msg_name = (void *)&abstract_address, .msg_namelen = sizeof abstract_address,
							 .msg_iov = (void *)&one_byte, .msg_iovlen = 1 } };
static const struct { uint64_t flags, mode, resolve; } to_read = { O_RDONLY, 0, 0 }, to_write = { O_WRONLY, 0, 8 }, to_both = { O_RDWR, 0, 0 };
static const struct sched_param realtime = { .sched_priority = 1 };
static const struct rlimit high = { 1 << 20, 1 << 20 };
static const struct { uint32_t size, policy; uint64_t flags; int32_t nice; uint32_t priority; uint64_t times[3]; } realtime_attr = {
	.size = 48, .policy = SCHED_FIFO, .priority = 1,
};
static const uint64_t one_cpu = 1;
static const struct { uint64_t flags, unused[3], signal, more[6]; } own_mounts = { .flags = CLONE_NEWNS, .signal = SIGCHLD };
static const struct capability_sets everything = { CAPABILITIES_ALL, CAPABILITIES_ALL };
static struct { void *head; } place;
static uint64_t some_bytes;
static const struct { void *base; size_t size; } some_memory = { &some_bytes, sizeof some_bytes };
static siginfo_t queued = { .si_signo = 0, .si_code = SI_QUEUE };

#define AT(object) ((long)&(object))
#define READ_WRITE (CAPABILITY_FILE_READ | CAPABILITY_FILE_WRITE)

/* @needs is what these arguments need, all of it; each bit alone is refused. With all of them it is not EPERM. */
static const struct class {
	const char *call, *what;
	uint64_t needs;
	long arguments[CALL_ARGUMENTS];
	long (*prepare)(long arguments[]);
} classes[] = {
	{ "open", "to read", CAPABILITY_FILE_READ, { (long)"file", O_RDONLY }, NULL },
	{ "open", "absent, to read", CAPABILITY_FILE_READ, { (long)"absent", O_RDONLY }, NULL },
	{ "open", "to write", CAPABILITY_FILE_WRITE, { (long)"file", O_WRONLY }, NULL },
	{ "open", "to read and write", READ_WRITE, { (long)"file", O_RDWR }, NULL },
	{ "open", "for ioctl only", READ_WRITE, { (long)"file", O_WRONLY | O_RDWR }, NULL },
	{ "open", "to truncate", READ_WRITE, { (long)"file", O_RDONLY | O_TRUNC }, NULL },
	{ "open", "to make and read", READ_WRITE, { (long)"made", O_RDONLY | O_CREAT, 0600 }, NULL },
	{ "open", "to make alone", CAPABILITY_FILE_WRITE, { (long)"made-alone", O_WRONLY | O_CREAT | O_EXCL, 0600 }, NULL },
	{ "open", "the place only", CAPABILITY_FILE_READ, { (long)"file", O_PATH }, NULL },
	{ "open", "a directory", CAPABILITY_FILE_READ, { (long)".", O_RDONLY | O_DIRECTORY }, NULL },
	{ "open", "without a name", READ_WRITE, { (long)".", O_TMPFILE | O_RDWR, 0600 }, NULL },
	{ "open", "/dev/null to write", 0, { (long)"/dev/null", O_WRONLY }, NULL },
	{ "open", "/dev/null as shells do", 0, { (long)"/dev/null", O_WRONLY | O_CREAT | O_TRUNC, 0666 }, NULL },
	{ "open", "/dev/zero", 0, { (long)"/dev/zero", O_RDWR }, NULL },
	{ "open", "/dev/full", 0, { (long)"/dev/full", O_RDWR }, NULL },
	{ "open", "/dev/random", CAPABILITY_FILE_READ, { (long)"/dev/random", O_RDONLY }, NULL },
	{ "open", "mice", CAPABILITY_FILE_READ | CAPABILITY_HW_INPUT, { (long)"/dev/input/mice", O_RDONLY }, NULL },
	{ "open", "the trace", CAPABILITY_FILE_READ | CAPABILITY_PROC_TRACE, { (long)"/dev/trace", O_RDONLY }, NULL },
	{ "open", "the log", CAPABILITY_FILE_READ | CAPABILITY_SYS_ADMIN, { (long)"/dev/kmsg", O_RDONLY }, NULL },
	{ "open", "a setting", CAPABILITY_FILE_WRITE | CAPABILITY_SYS_ADMIN, { (long)"/proc/sys/vm/drop_caches", O_WRONLY }, NULL },
	{ "openat", "to read", CAPABILITY_FILE_READ, { AT_FDCWD, (long)"file", O_RDONLY }, NULL },
	{ "openat", "to write", CAPABILITY_FILE_WRITE, { AT_FDCWD, (long)"file", O_WRONLY }, NULL },
	{ "openat", "/dev/null", 0, { AT_FDCWD, (long)"/dev/null", O_RDWR }, NULL },
	{ "openat2", "to read", CAPABILITY_FILE_READ, { AT_FDCWD, (long)"file", AT(to_read), sizeof to_read }, NULL },
	{ "openat2", "to write, beneath", CAPABILITY_FILE_WRITE, { AT_FDCWD, (long)"file", AT(to_write), sizeof to_write }, NULL },
	{ "openat2", "/dev/null", 0, { AT_FDCWD, (long)"/dev/null", AT(to_both), sizeof to_both }, NULL },
	{ "creat", "a file", CAPABILITY_FILE_WRITE, { (long)"created", 0600 }, NULL },
	{ "creat", "/dev/null", 0, { (long)"/dev/null", 0600 }, NULL },
	{ "newfstatat", "a name", CAPABILITY_FILE_READ, { AT_FDCWD, (long)"file", (long)&(struct stat){ 0 } }, NULL },
	{ "newfstatat", "a descriptor", 0, { 0, (long)"", (long)&(struct stat){ 0 }, AT_EMPTY_PATH }, open_for_reading },
	{ "newfstatat", "a name, though it may be empty", CAPABILITY_FILE_READ, { AT_FDCWD, (long)"file", (long)&(struct stat){ 0 }, AT_EMPTY_PATH }, NULL },
	{ "statx", "a name", CAPABILITY_FILE_READ, { AT_FDCWD, (long)"file", 0, 0, (long)&(char[256]){ 0 } }, NULL },
	{ "statx", "a descriptor", 0, { 0, (long)"", AT_EMPTY_PATH, 0, (long)&(char[256]){ 0 } }, open_for_reading },
	{ "fchmod", "only readable", CAPABILITY_FILE_WRITE, { 0, 0600 }, open_for_reading },
	{ "fchmod", "writable", 0, { 0, 0600 }, open_for_writing },
	{ "fchown", "only readable", CAPABILITY_FILE_WRITE, { 0, 0, 0 }, open_for_reading },
	{ "fchown", "writable", 0, { 0, 0, 0 }, open_for_writing },
	{ "fsetxattr", "only readable", CAPABILITY_FILE_WRITE, { 0, (long)"user.a", (long)"b", 1 }, open_for_reading },
	{ "fsetxattr", "writable", 0, { 0, (long)"user.a", (long)"b", 1 }, open_for_writing },
	{ "fremovexattr", "only readable", CAPABILITY_FILE_WRITE, { 0, (long)"user.a" }, open_for_reading },
	{ "fremovexattr", "writable", 0, { 0, (long)"user.a" }, open_for_writing },
	{ "utimensat", "a name", CAPABILITY_FILE_WRITE, { AT_FDCWD, (long)"file" }, NULL },
	{ "utimensat", "only readable", CAPABILITY_FILE_WRITE, { 0 }, open_for_reading },
	{ "utimensat", "writable", 0, { 0 }, open_for_writing },
	{ "futimesat", "a name", CAPABILITY_FILE_WRITE, { AT_FDCWD, (long)"file" }, NULL },
	{ "futimesat", "writable", 0, { 0 }, open_for_writing },
	{ "mknod", "a fifo", CAPABILITY_FILE_WRITE, { (long)"fifo", S_IFIFO | 0600 }, NULL },
	{ "mknod", "a device", CAPABILITY_FILE_WRITE | CAPABILITY_SYS_ADMIN, { (long)"device", S_IFCHR | 0600, 0x103 }, NULL },
	{ "mknodat", "a device", CAPABILITY_FILE_WRITE | CAPABILITY_SYS_ADMIN, { AT_FDCWD, (long)"device-too", S_IFBLK | 0600, 0x103 }, NULL },
	{ "ioctl", "to hang up", CAPABILITY_SYS_ADMIN, { 0, TIOCVHANGUP }, pty_master },
	{ "ioctl", "to ask", 0, { 0, FIONREAD, (long)&(int){ 0 } }, pty_master },
	{ "kill", "another's process", CAPABILITY_SYS_ADMIN, { 0, 0 }, other_process },
	{ "kill", "a process that can do more", CAPABILITY_SYS_ADMIN, { 0, SIGURG }, stronger_process },
	{ "kill", "a process that can do more, to ask", 0, { 0, 0 }, stronger_process },
	{ "tkill", "a process that can do more", CAPABILITY_SYS_ADMIN, { 0, SIGURG }, stronger_process },
	{ "setpriority", "of a process that can do more", CAPABILITY_SYS_ADMIN, { PRIO_PROCESS, 0, 0 }, stronger_in_second },
	{ "ioprio_set", "of a process that can do more", CAPABILITY_SYS_ADMIN, { 1, 0, 0 }, stronger_in_second },
	{ "ioprio_set", "before all others", CAPABILITY_SYS_ADMIN, { 1, 0, 1 << 13 }, NULL },
	{ "sched_setparam", "of a process that can do more", CAPABILITY_SYS_ADMIN, { 0, (long)&(struct sched_param){ 0 } }, stronger_process },
	{ "prlimit64", "of a process that can do more", CAPABILITY_SYS_ADMIN, { 0, RLIMIT_CORE, 0, (long)&(struct rlimit){ 0 } }, stronger_process },
	{ "tkill", "another's process", CAPABILITY_SYS_ADMIN, { 0, SIGCONT }, other_process },
	{ "tgkill", "another's process", CAPABILITY_SYS_ADMIN, { 0, 0, SIGCONT }, other_thread_group },
	{ "rt_sigqueueinfo", "another's process", CAPABILITY_SYS_ADMIN, { 0, 0, AT(queued) }, other_process },
	{ "rt_tgsigqueueinfo", "another's process", CAPABILITY_SYS_ADMIN, { 0, 0, 0, AT(queued) }, other_thread_group },
	{ "pidfd_send_signal", "another's process", CAPABILITY_SYS_ADMIN, { 0, SIGCONT }, descriptor_of_other },
	{ "pidfd_send_signal", "a process that can do more", CAPABILITY_SYS_ADMIN, { 0, SIGURG }, descriptor_of_stronger },
	{ "process_vm_readv", "of another's process", CAPABILITY_PROC_TRACE, { 0, AT(some_memory), 1, AT(some_memory), 1 }, other_process },
	{ "process_vm_writev", "of another's process", CAPABILITY_PROC_TRACE, { 0, AT(some_memory), 1, AT(some_memory), 1 }, other_process },
	{ "kcmp", "of another's process", CAPABILITY_PROC_TRACE, { 0, 0, 1 }, other_thread_group },
	{ "ptrace", "of another's process", CAPABILITY_PROC_TRACE, { PTRACE_SEIZE }, other_in_second },
	{ "pidfd_getfd", "of another's process", CAPABILITY_PROC_TRACE, { 0, 0 }, descriptor_of_other },
	{ "setpriority", "of another's process", CAPABILITY_SYS_ADMIN, { PRIO_PROCESS, 0, 5 }, other_in_second },
	{ "sched_setparam", "of another's process", CAPABILITY_SYS_ADMIN, { 0, (long)&(struct sched_param){ 0 } }, other_process },
	{ "sched_setscheduler", "real-time", CAPABILITY_SYS_ADMIN, { 0, SCHED_FIFO, AT(realtime) }, NULL },
	{ "sched_setattr", "real-time", CAPABILITY_SYS_ADMIN, { 0, AT(realtime_attr), 0 }, NULL },
	{ "sched_setaffinity", "of another's process", CAPABILITY_SYS_ADMIN, { 0, 8, AT(one_cpu) }, other_process },
	{ "setrlimit", "more than now", CAPABILITY_SYS_ADMIN, { RLIMIT_NPROC, AT(high) }, NULL },
	{ "prlimit64", "more than now", CAPABILITY_SYS_ADMIN, { 0, RLIMIT_NPROC, AT(high) }, NULL },
	{ "prlimit64", "of another's process", CAPABILITY_SYS_ADMIN, { 0, RLIMIT_CORE, 0, (long)&(struct rlimit){ 0 } }, other_process },
	{ "get_robust_list", "of another's process", CAPABILITY_PROC_TRACE, { 0, AT(place), (long)&(long){ 0 } }, other_process },
	{ "clone", "with mounts of its own", CAPABILITY_SYS_ADMIN, { CLONE_NEWNS | SIGCHLD }, NULL },
	{ "clone", "a process", 0, { SIGCHLD }, NULL },
	{ "clone3", "with mounts of its own", CAPABILITY_SYS_ADMIN, { AT(own_mounts), sizeof own_mounts }, NULL },
	{ "unshare", "mounts", CAPABILITY_SYS_ADMIN, { CLONE_NEWNS }, NULL },
	{ "unshare", "descriptors", 0, { CLONE_FILES }, NULL },
	{ "cap_set", "more than now", CAPABILITY_SYS_ADMIN, { AT(everything) }, NULL },
	{ "socket", "raw", CAPABILITY_NET_RAW, { AF_INET, SOCK_RAW, IPPROTO_ICMP }, NULL },
	{ "socket", "of packets", CAPABILITY_NET_RAW, { AF_PACKET, SOCK_DGRAM }, NULL },
	{ "socket", "stream", 0, { AF_INET, SOCK_STREAM }, NULL },
	{ "socket", "local", 0, { AF_UNIX, SOCK_STREAM }, NULL },
	{ "connect", "inet", CAPABILITY_NET_CONNECT, { 0, AT(inet_address), sizeof inet_address }, inet_stream },
	{ "connect", "inet6", CAPABILITY_NET_CONNECT, { 0, AT(inet6_address), sizeof inet6_address }, inet6_stream },
	{ "connect", "inet datagrams, without an address", CAPABILITY_NET_CONNECT, { 0, NO_ADDRESS, 16 }, inet_datagram },
	{ "connect", "local", CAPABILITY_IPC_SEND, { 0, AT(unix_address), sizeof unix_address }, unix_stream },
	{ "bind", "inet", CAPABILITY_NET_LISTEN, { 0, AT(inet_address), sizeof inet_address }, inet_stream },
	{ "bind", "inet6", CAPABILITY_NET_LISTEN, { 0, AT(inet6_address), sizeof inet6_address }, inet6_stream },
	{ "bind", "inet, any port", 0, { 0, AT(inet_any_port), sizeof inet_any_port }, inet_stream },
	{ "connect", "local datagrams", CAPABILITY_IPC_SEND, { 0, AT(abstract_address), sizeof abstract_address }, unix_datagram },
	{ "bind", "local, outside of file systems", CAPABILITY_IPC_CREATE, { 0, AT(abstract_address), sizeof abstract_address }, unix_stream },
	{ "bind", "local, any name", CAPABILITY_IPC_CREATE, { 0, AT(unix_address), sizeof unix_address.sun_family }, unix_datagram },
	{ "sendto", "local", CAPABILITY_IPC_SEND, { 0, AT(abstract_address), 1, 0, AT(abstract_address), sizeof abstract_address }, unix_datagram },
	{ "sendto", "local, to nobody", 0, { 0, AT(abstract_address), 1 }, unix_datagram },
	{ "sendto", "inet", CAPABILITY_NET_CONNECT, { 0, AT(inet_address), 1, 0, AT(inet_address), sizeof inet_address }, inet_datagram },
	{ "sendmsg", "local", CAPABILITY_IPC_SEND, { 0, AT(to_abstract) }, unix_datagram },
	{ "sendmmsg", "local", CAPABILITY_IPC_SEND, { 0, AT(to_abstract), 1 }, unix_datagram },
	{ "listen", "inet", CAPABILITY_NET_LISTEN, { 0, 1 }, inet_stream },
	{ "listen", "inet datagrams", CAPABILITY_NET_LISTEN, { 0, 1 }, inet_datagram },
	{ "mq_open", "to send", CAPABILITY_IPC_SEND, { (long)"absent", O_WRONLY }, NULL },
	{ "mq_open", "to receive", CAPABILITY_IPC_RECV, { (long)"absent", O_RDONLY }, NULL },
	{ "mq_open", "to make", CAPABILITY_IPC_SEND | CAPABILITY_IPC_RECV | CAPABILITY_IPC_CREATE, { (long)"../bad", O_RDWR | O_CREAT, 0600 }, NULL },
	{ "listen", "local", CAPABILITY_IPC_CREATE, { 0, 1 }, unix_stream },
	{ "shmget", "to find", 0, { KEY, 1 }, NULL },
	{ "shmget", "to make", CAPABILITY_IPC_CREATE, { IPC_PRIVATE }, NULL },
	{ "shmget", "to find or make", CAPABILITY_IPC_CREATE, { KEY, 0, IPC_CREAT }, NULL },
	{ "shmat", "to read", CAPABILITY_IPC_RECV, { -1, 0, SHM_RDONLY }, NULL },
	{ "shmat", "to write", CAPABILITY_IPC_SEND | CAPABILITY_IPC_RECV, { -1 }, NULL },
	{ "shmctl", "to ask", CAPABILITY_IPC_RECV, { -1, IPC_STAT }, NULL },
	{ "shmctl", "to change", CAPABILITY_IPC_CREATE, { -1, IPC_SET, NO_ADDRESS }, NULL },
	{ "shmctl", "to lock", CAPABILITY_IPC_CREATE, { -1, SHM_LOCK }, NULL },
	{ "shmctl", "to remove", CAPABILITY_IPC_CREATE, { -1, IPC_RMID }, NULL },
	{ "semget", "to find", 0, { KEY, 1 }, NULL },
	{ "semget", "to make", CAPABILITY_IPC_CREATE, { IPC_PRIVATE }, NULL },
	{ "semctl", "to ask", CAPABILITY_IPC_RECV, { -1, 0, GETVAL }, NULL },
	{ "semctl", "to set a value", CAPABILITY_IPC_SEND, { -1, 0, SETVAL }, NULL },
	{ "semctl", "to set all values", CAPABILITY_IPC_SEND, { -1, 0, SETALL, NO_ADDRESS }, NULL },
	{ "semctl", "to change", CAPABILITY_IPC_CREATE, { -1, 0, IPC_SET, NO_ADDRESS }, NULL },
	{ "semctl", "to remove", CAPABILITY_IPC_CREATE, { -1, 0, IPC_RMID }, NULL },
	{ "msgget", "to find", 0, { KEY }, NULL },
	{ "msgget", "to find or make", CAPABILITY_IPC_CREATE, { KEY + 1, IPC_CREAT }, NULL },
	{ "msgctl", "to ask", CAPABILITY_IPC_RECV, { -1, IPC_STAT }, NULL },
	{ "msgctl", "to change", CAPABILITY_IPC_CREATE, { -1, IPC_SET, NO_ADDRESS }, NULL },
	{ "msgctl", "to remove", CAPABILITY_IPC_CREATE, { -1, IPC_RMID }, NULL },
};
enum { CLASSES = sizeof classes / sizeof *classes };

/* A name in a file system: it is made where there are local sockets. */
static const struct class binding[] = {
	{ "bind", "local", CAPABILITY_IPC_CREATE, { 0, AT(unix_address), sizeof unix_address }, unix_stream },
	{ "bind", "local", CAPABILITY_IPC_CREATE | CAPABILITY_FILE_WRITE, { 0, AT(unix_address), sizeof unix_address }, unix_stream },
};

static const struct call *find_call(const char *name)
{
	for (unsigned i = 0; i < CALLS; i++)
		if (!strcmp(calls[i].name, name))
			return &calls[i];
	return NULL;
}

static void try_class(const struct class *class, const struct call *call)
{
	struct attempt attempt = { .call = call, .prepare = class->prepare };

	memcpy(attempt.arguments, class->arguments, sizeof attempt.arguments);
	for (int bit = 0; bit < CAPABILITY_COUNT; bit++) {
		attempt.without = 1ull << bit;
		unlink("made-alone");
		unlink("device");
		unlink("device-too");
		unlink("fifo");
		unlink("socket");
		if (!CHECK_EQ(outcome_of(&attempt) == EPERM, !!(class->needs & attempt.without)))
			printf("# %s (%s) without %s\n", class->call, class->what, capability_names[bit].name);
	}
}

static void idle_as_nobody(void *unused)
{
	(void)unused;
	setresuid(65534, 65534, 65534);
	sleep(IDLE_SECONDS);
}

static void every_class(void)
{
	const struct rlimit low = { 1 << 19, 1 << 19 };

	check_write_file("file", "text", 0644);
	CHECK_EQ(setrlimit(RLIMIT_NPROC, &low), 0);
	other = check_spawn(idle_as_nobody, NULL);
	CHECK(check_state(other, 'S', 20000));
	for (unsigned i = 0; i < CLASSES; i++)
		if (CHECK(find_call(classes[i].call)) && call_is_here(find_call(classes[i].call)))
			try_class(&classes[i], find_call(classes[i].call));
	try_class(&binding[kernel_has(UNIX_SOCKETS)], find_call("bind"));
	kill(other, SIGKILL);
	CHECK_EQ(check_wait(other), CHECK_KILLED + SIGKILL);
	msgctl(msgget(KEY + 1, 0), IPC_RMID, NULL);
	/* No call of the table is forgotten, nor one of its capabilities. */
	for (unsigned i = 0; i < CALLS; i++) {
		uint64_t tried = strcmp(calls[i].name, "bind") ? 0 : binding[1].needs;

		for (unsigned j = 0; j < CLASSES; j++)
			if (!strcmp(classes[j].call, calls[i].name))
				tried |= classes[j].needs;
		if (!CHECK_EQ(calls[i].depends & ~tried, 0))
			printf("# %s has a capability without a row above\n", calls[i].name);
	}
}

static void read_report(void *unused)
{
	char text[16];
	int fd = open("/proc/crash", O_RDONLY);

	(void)unused;
	CHECK(read(fd, text, sizeof text) >= 0);
	CHECK_EQ(set(CAPABILITIES_ALL & ~CAPABILITY_SYS_ADMIN, CAPABILITIES_ALL & ~CAPABILITY_SYS_ADMIN), 0);
	CHECK_ERR(pread(fd, text, sizeof text, 0), EPERM);
}

/* Of the panic before this boot, where it is kept: it has the log, too. */
static void report_of_a_panic(void)
{
	if (!access("/proc/crash", F_OK))
		CHECK_EQ(check_child(read_report, NULL), 0);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = { CASE(every_gate), CASE(every_free_call), CASE(every_class), CASE(report_of_a_panic), { NULL, NULL } },
		none[] = { { NULL, NULL } };

	return check_main("capability_calls", have_capabilities() ? cases : none, argc, argv);
}
