/* SPDX-License-Identifier: MIT */
/*
 * signals: real-time signals are counted and keep their order: each that was queued, by threads and by another process at
 * once, is taken exactly once, by handlers of any thread or by sigwaitinfo. Beside them ordinary signals, of which at least
 * the last arrives.
 */
#include "stress.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SENDERS = 3, TAKERS = 3, SIGNALS = 300 };

struct exchange {
	pid_t receiver;
	int signal;
	_Atomic int takers_ready, done;
	_Atomic int tids[TAKERS];
	_Atomic uint64_t taken[SENDERS];	/* signals by sender */
	_Atomic uint64_t sum[SENDERS];		/* of their numbers */
	_Atomic uint32_t last_plain_sent, last_plain_seen;
	struct party {
		struct exchange *exchange;
		unsigned index;
		uint64_t random;
	} party[SENDERS + TAKERS];
};

static struct exchange *exchange;

static void account(int value)
{
	unsigned sender = (unsigned)value >> 24, number = value & 0xffffff;

	EXPECT(sender < SENDERS && number < SIGNALS, "the value %#x was never sent", value);
	exchange->taken[sender]++;
	exchange->sum[sender] += number;
}

static void on_queued(int signal, siginfo_t *info, void *context)
{
	int number = errno;

	(void)context;
	EXPECT(signal == exchange->signal && info->si_signo == signal && info->si_code == SI_QUEUE, "signal %d, si_signo %d, si_code %d", signal,
	       info->si_signo, info->si_code);
	account(info->si_value.sival_int);
	errno = number;
}

static void on_plain(int signal)
{
	(void)signal;
	exchange->last_plain_seen = exchange->last_plain_sent;
}

/* To a thread of the receiver, or to the process as a whole. */
static int queue(struct worker *worker, siginfo_t *info)
{
	unsigned at = storm_pick(worker, 2 * TAKERS);

	if (at < TAKERS)
		return syscall(SYS_rt_tgsigqueueinfo, exchange->receiver, exchange->tids[at], exchange->signal, info);
	return syscall(SYS_rt_sigqueueinfo, exchange->receiver, exchange->signal, info);
}

static void send_all(void *argument)
{
	struct party *party = argument;
	struct worker worker = { .random = party->random };
	siginfo_t info;

	for (unsigned i = 0; i < SIGNALS; i++) {
		memset(&info, 0, sizeof info);
		info.si_code = SI_QUEUE;
		info.si_pid = getpid();
		info.si_uid = getuid();
		info.si_value.sival_int = party->index << 24 | i;
		while (queue(&worker, &info) != 0) {
			EXPECT(errno == EAGAIN, "signal %u of sender %u", i, party->index);
			storm_nap(1000000);
		}
		if (i % 8 == 0) {
			exchange->last_plain_sent++;
			EXPECT(kill(exchange->receiver, SIGUSR1) == 0, "kill");
		}
	}
}

static void take_in_handlers(void *argument)
{
	struct party *party = argument;
	sigset_t set;

	exchange->tids[party->index] = storm_tid();
	exchange->takers_ready++;
	sigemptyset(&set);
	sigaddset(&set, exchange->signal);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	while (!exchange->done)
		storm_nap(300000);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* Values of one sender come in order to who alone takes those of the process; here several take, each from its own queue too. */
static void take_by_waiting(void *argument)
{
	struct party *party = argument;
	struct timespec soon = { 0, 2000000 };
	siginfo_t info;
	sigset_t set;

	exchange->tids[party->index] = storm_tid();
	exchange->takers_ready++;
	sigemptyset(&set);
	sigaddset(&set, exchange->signal);
	for (;;) {
		bool done = exchange->done;
		int signal = sigtimedwait(&set, &info, &soon);

		if (signal == exchange->signal) {
			EXPECT(info.si_code == SI_QUEUE, "si_code %d", info.si_code);
			account(info.si_value.sival_int);
		} else {
			EXPECT(signal == -1 && (errno == EAGAIN || errno == EINTR), "sigtimedwait gave %d", signal);
			if (done && errno == EAGAIN)
				return;
		}
	}
}

static void prepare(bool handlers)
{
	struct sigaction action = { .sa_sigaction = on_queued, .sa_flags = SA_SIGINFO | SA_RESTART };
	struct sigaction plain = { .sa_handler = on_plain, .sa_flags = SA_RESTART };
	sigset_t set;

	memset(exchange, 0, sizeof *exchange);
	exchange->receiver = getpid();
	exchange->signal = SIGRTMIN + handlers;
	sigfillset(&action.sa_mask);
	sigaction(exchange->signal, &action, NULL);
	sigaction(SIGUSR1, &plain, NULL);
	sigemptyset(&set);
	sigaddset(&set, exchange->signal);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void check_totals(void)
{
	for (unsigned i = 0; i < SENDERS; i++)
		EXPECT(exchange->taken[i] == SIGNALS && exchange->sum[i] == SIGNALS * (SIGNALS - 1) / 2, "%lu signals of sender %u, sum %lu",
		       exchange->taken[i], i, exchange->sum[i]);
}

/* A signal sent with nothing pending and no mask in the way is handled before kill() returns to the only thread that can. */
static void let_plain_arrive(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, exchange->signal);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	EXPECT(exchange->last_plain_seen == exchange->last_plain_sent, "plain signal %u was sent, %u seen", exchange->last_plain_sent,
	       exchange->last_plain_seen);
}

static void do_round(struct worker *worker)
{
	struct storm_helper helper[SENDERS + TAKERS];
	bool handlers = storm_pick(worker, 2);

	prepare(handlers);
	for (unsigned i = 0; i < TAKERS; i++) {
		exchange->party[i] = (struct party){ exchange, i, storm_random(worker) | 1 };
		storm_help(&helper[i], false, handlers ? take_in_handlers : take_by_waiting, &exchange->party[i]);
	}
	while (exchange->takers_ready < TAKERS)
		storm_nap(100000);
	for (unsigned i = TAKERS; i < SENDERS + TAKERS; i++) {
		exchange->party[i] = (struct party){ exchange, i - TAKERS, storm_random(worker) | 1 };
		storm_help(&helper[i], storm_pick(worker, 2), send_all, &exchange->party[i]);
	}
	for (unsigned i = TAKERS; i < SENDERS + TAKERS; i++)
		storm_join(&helper[i]);
	storm_advance(worker);
	exchange->done = 1;
	for (unsigned i = 0; i < TAKERS; i++)
		storm_join(&helper[i]);
	let_plain_arrive();
	check_totals();
}

static void work(struct worker *worker)
{
	exchange = storm_shared(sizeof *exchange);
	while (storm_goes_on(worker))
		do_round(worker);
}

static void run(unsigned workers)
{
	storm_processes((workers + 3) / 4, work);
}

const struct storm signals_storm = { "signals", "real-time signals, each taken once; ordinary ones, the last seen", run, NULL };
