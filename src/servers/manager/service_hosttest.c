/* SPDX-License-Identifier: MIT */
/* LINK: manager/service.c lib/watchdog.c lib/services_conf/config.c lib/services_conf/keys.c lib/services_conf/order.c lib/services_conf/values.c */
/* Restarts, back-off, giving up, start and stop order, against a clock made of numbers. */
#include "service.h"
#include "lib/services_conf/values.h"
#include "lib/check.h"

#include <errno.h>
#include <string.h>

enum { CLEAN = 0, STATUS_1 = 1 << 8, KILLED = 9 };

static struct service_config configs[3];
static struct service services[3];
static struct service_table table;

/* Services 0, 1, 2; restarts always, 10 ms to 80 ms, at most 5 in a second. */
static void set_up(void)
{
	memset(configs, 0, sizeof(configs));
	table = (struct service_table){ .list = services, .count = 3 };
	for (int i = 0; i < 3; i++) {
		configs[i].name = "test";
		configs[i].valid = true;
		configs[i].restart = (struct restart_rule){
			RESTART_ALWAYS, 10 * NS_PER_MS, 80 * NS_PER_MS, 5, NS_PER_S,
		};
		service_init(&services[i], &configs[i]);
	}
}

static void after(int later, int earlier)
{
	configs[later].after_index[configs[later].after_count++] = earlier;
}

static void run(struct service *service, uint64_t now)
{
	service->supervised = service_has_supervision(service->config);
	service_forked(service, 100 + (pid_t)(service - services), now);
	service_executed(service, now);
}

/* It ends, and nobody is left of it. */
static enum service_verdict ended(struct service *service, int status, uint64_t now)
{
	enum service_verdict verdict = service_ended(service, status, now);

	service->before = 0;
	return verdict;
}

/* Who is left of an instance has to go before the next one starts; unless it was done by itself, or is a login. */
static void test_before(void)
{
	static const struct {
		enum restart_policy policy;
		bool asked, state, console;
		int status;
		bool goes;
	} cases[] = {
		{ .policy = RESTART_ALWAYS, .status = CLEAN, .goes = true },
		{ .policy = RESTART_NEVER, .status = CLEAN, .goes = false },
		{ .policy = RESTART_NEVER, .status = CLEAN, .state = true, .goes = true },
		{ .policy = RESTART_NEVER, .status = KILLED, .goes = true },
		{ .policy = RESTART_ON_FAILURE, .status = CLEAN, .asked = true, .goes = true },
		{ .policy = RESTART_ALWAYS, .status = KILLED, .console = true, .goes = false },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		set_up();
		configs[0].restart.policy = cases[i].policy;
		configs[0].state_bytes = cases[i].state ? 4096 : 0;
		configs[0].console = cases[i].console ? "tty1" : NULL;
		run(&services[0], 0);
		if (cases[i].asked)
			service_stopping(&services[0], 0, 5, false);
		service_ended(&services[0], cases[i].status, 1);
		CHECK(services[0].before == (cases[i].goes ? 100 : 0), "case %u: %d", i, (int)services[0].before);
	}
	set_up();
	run(&services[0], 0);
	service_ended(&services[0], KILLED, 1);
	CHECK(!service_may_start(&table, &services[0], UINT64_MAX) && service_table_due(&table) == 0, "waits for them");
	services[0].before = 0;
	CHECK(service_may_start(&table, &services[0], 1), "they are gone");
}

/* The manager died about its fork: nothing is done with it until that is known. */
static void test_unknown(void)
{
	set_up();
	CHECK(!service_is_unknown(&services[0]) && !service_at_rest(&services[0]), "it waits");
	services[0].state = SERVICE_STARTING;
	CHECK(service_is_unknown(&services[0]) && !service_may_start(&table, &services[0], 9) && !service_may_stop(&table, &services[0]), "unknown");
	CHECK(service_plausible(&services[0]) && !service_at_rest(&services[0]), "which is a state as others");
	run(&services[0], 0);
	CHECK(!service_is_unknown(&services[0]) && service_may_stop(&table, &services[0]), "known");
	service_stopping(&services[0], 0, 5, false);
	services[0].drains = true;
	ended(&services[0], CLEAN, 1);
	CHECK(service_at_rest(&services[0]), "at rest");
	run(&services[0], 2);
	service_stopping(&services[0], 2, 7, false);
	CHECK(!services[0].drains, "this is no upgrade");
}

static void test_policies(void)
{
	static const struct {
		enum restart_policy policy;
		int status;
		enum service_verdict verdict;
	} cases[] = {
		{ RESTART_ALWAYS, CLEAN, VERDICT_RESTART },     { RESTART_ALWAYS, KILLED, VERDICT_RESTART },
		{ RESTART_ON_FAILURE, CLEAN, VERDICT_ENDED },   { RESTART_ON_FAILURE, STATUS_1, VERDICT_RESTART },
		{ RESTART_ON_FAILURE, KILLED, VERDICT_RESTART }, { RESTART_NEVER, CLEAN, VERDICT_ENDED },
		{ RESTART_NEVER, STATUS_1, VERDICT_FAILED },    { RESTART_ON_FAILURE, -1, VERDICT_RESTART },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum service_verdict verdict;

		set_up();
		configs[0].restart.policy = cases[i].policy;
		run(&services[0], 0);
		verdict = ended(&services[0], cases[i].status, NS_PER_S);
		CHECK(verdict == cases[i].verdict, "case %u: verdict %d", i, (int)verdict);
		CHECK(services[0].pid == 0, "case %u", i);
	}
}

static void test_backoff(void)
{
	static const unsigned waits_ms[] = { 0, 10, 20, 40, 80, 80, 80 };
	uint64_t now = NS_PER_S;

	set_up();
	services[1].state = services[2].state = SERVICE_ENDED;
	configs[0].restart.give_up_count = 0;
	for (unsigned i = 0; i < sizeof(waits_ms) / sizeof(waits_ms[0]); i++) {
		run(&services[0], now);
		now += NS_PER_MS;
		CHECK(ended(&services[0], KILLED, now) == VERDICT_RESTART, "restart %u", i);
		CHECK(services[0].due_ns - now == waits_ms[i] * NS_PER_MS, "restart %u waits %llu", i,
		      (unsigned long long)(services[0].due_ns - now));
		CHECK(service_table_due(&table) == services[0].due_ns, "the table waits for it");
		CHECK(waits_ms[i] == 0 || !service_may_start(&table, &services[0], services[0].due_ns - 1), "not before");
		now = services[0].due_ns;
		CHECK(service_may_start(&table, &services[0], now), "at its time");
	}
	run(&services[0], now);
	now += NS_PER_S;
	ended(&services[0], KILLED, now);
	CHECK(services[0].due_ns == now, "one that ran for a second is restarted at once");
}

static void test_give_up(void)
{
	uint64_t now = 5 * NS_PER_S;

	set_up();
	for (unsigned i = 0; i < 5; i++) {
		run(&services[0], now);
		CHECK(ended(&services[0], STATUS_1, ++now) == VERDICT_RESTART, "restart %u is allowed", i);
		now = services[0].due_ns;
	}
	run(&services[0], now);
	CHECK(ended(&services[0], STATUS_1, now + 1) == VERDICT_GAVE_UP, "one too many");
	CHECK(services[0].state == SERVICE_FAILED && !service_may_start(&table, &services[0], UINT64_MAX), "stays down");

	/* Five in a little more than the period are fine, for ever. */
	set_up();
	for (unsigned i = 0; i < 1000; i++) {
		run(&services[0], now);
		now += 201 * NS_PER_MS;
		CHECK(ended(&services[0], STATUS_1, now) == VERDICT_RESTART, "slow restart %u", i);
	}
}

static void test_start_order(void)
{
	set_up();
	after(1, 0);
	after(2, 1);
	after(2, -1);
	CHECK(service_may_start(&table, &services[0], 0) && !service_may_start(&table, &services[1], 0), "0 first");
	service_forked(&services[0], 100, 0);
	CHECK(!service_may_start(&table, &services[1], 0), "a fork is not a start");
	service_executed(&services[0], 0);
	CHECK(service_may_start(&table, &services[1], 0) && !service_may_start(&table, &services[2], 0), "then 1");
	service_unstartable(&services[1], true, 0);
	CHECK(service_may_start(&table, &services[2], 0), "a skipped service holds nobody back");
	ended(&services[0], KILLED, 1);
	set_up();
	after(1, 0);
	run(&services[0], 0);
	ended(&services[0], KILLED, 1);
	CHECK(service_may_start(&table, &services[1], 1), "neither does one that is being restarted");
	table.stopping = true;
	CHECK(!service_may_start(&table, &services[1], 1), "nothing starts while stopping");
	CHECK(service_table_due(&table) == UINT64_MAX, "and nothing is waited for");
}

/* Who waits for nobody starts at once, though none of the others is ready, or all of them stay so for ever: they may be waiting for it. */
static void test_parallel_start(void)
{
	set_up();
	after(2, 1);
	for (int i = 0; i < 3; i++)
		configs[i].port_count = 1;
	CHECK(service_may_start(&table, &services[0], 0) && service_may_start(&table, &services[1], 0), "both at the same time");
	service_forked(&services[0], 100, 0);
	CHECK(service_may_start(&table, &services[1], 0), "the other one forks");
	run(&services[0], 0);
	CHECK(!services[0].ready && service_may_start(&table, &services[1], 0) && service_table_due(&table) == 0, "the other one runs, and is not ready");
	run(&services[1], 0);
	CHECK(!service_may_start(&table, &services[2], 0), "who waits for one does wait");
	service_notified(&services[1], SERVICE_BIT_READY, 1, 0);
	CHECK(service_may_start(&table, &services[2], 1), "and not for another one");
}

static void test_stop_order(void)
{
	set_up();
	after(1, 0);
	after(2, 1);
	for (int i = 0; i < 3; i++)
		run(&services[i], 0);
	table.stopping = true;
	CHECK(!service_may_stop(&table, &services[0]) && !service_may_stop(&table, &services[1]) &&
	      service_may_stop(&table, &services[2]), "the last first");
	service_stopping(&services[2], 0, 5 * NS_PER_S, false);
	CHECK(!service_may_stop(&table, &services[1]) && !service_may_stop(&table, &services[2]), "2 is ending");
	CHECK(service_table_due(&table) == 5 * NS_PER_S, "patience ends");
	CHECK(ended(&services[2], KILLED, 1) == VERDICT_ENDED, "no restart when asked to end");
	CHECK(service_may_stop(&table, &services[1]), "then 1");
	CHECK(ended(&services[1], CLEAN, 2) == VERDICT_RESTART && services[1].pid == 0, "ends by itself");
	CHECK(service_may_stop(&table, &services[0]) && !service_table_quiet(&table), "then 0");
	service_stopping(&services[0], 2, 9, false);
	ended(&services[0], CLEAN, 3);
	CHECK(service_table_quiet(&table), "quiet");
}

/* Services that were started after each other, which the parser refuses: a shutdown must end all the same. */
static void test_stop_circle(void)
{
	set_up();
	after(0, 1);
	after(1, 0);
	after(2, 0);
	for (int i = 0; i < 3; i++)
		run(&services[i], 0);
	table.stopping = true;
	CHECK(service_may_stop(&table, &services[2]) && !service_may_stop(&table, &services[0]), "2 is the last");
	service_stopping(&services[2], 0, 5, false);
	CHECK(!service_may_stop(&table, &services[0]) && !service_may_stop(&table, &services[1]), "2 is ending");
	ended(&services[2], CLEAN, 1);
	CHECK(service_may_stop(&table, &services[0]) && service_may_stop(&table, &services[1]), "the circle is stopped as a whole");
}

/* One with a port holds back those after it until it is ready: by its word, its first heartbeat, or when patience ends. */
static void test_ready(void)
{
	static const uint64_t words[] = { SERVICE_BIT_READY, SERVICE_BIT_HEARTBEAT, SERVICE_BIT_SERVED };

	for (unsigned i = 0; i < 3; i++) {
		set_up();
		after(1, 0);
		configs[0].port_count = 1;
		run(&services[0], NS_PER_S);
		CHECK(!services[0].ready && !service_may_start(&table, &services[1], 2 * NS_PER_S), "runs, not ready");
		service_notified(&services[0], words[i], 2 * NS_PER_S, 0);
		CHECK(services[0].ready == (i < 2) && service_may_start(&table, &services[1], 2 * NS_PER_S) == (i < 2), "word %u", i);
	}
	CHECK(service_table_due(&table) == 0, "1 and 2 could start at once");
	services[1].state = services[2].state = SERVICE_ENDED;
	CHECK(service_table_due(&table) == 11 * NS_PER_S, "the end of patience");
	CHECK(!service_late(&services[0], 11 * NS_PER_S - 1) && service_late(&services[0], 11 * NS_PER_S), "patience ends");
	CHECK(!service_late(&services[0], 12 * NS_PER_S), "once");
	services[1].state = SERVICE_WAITING;
	CHECK(service_may_start(&table, &services[1], 11 * NS_PER_S) && !services[0].ready, "others start then");
	services[0].ready = true;
	ended(&services[0], KILLED, 20 * NS_PER_S);
	CHECK(!services[0].ready && service_may_start(&table, &services[1], 20 * NS_PER_S), "one that is restarted holds nobody back");
}

static void test_watchdog(void)
{
	set_up();
	services[1].state = services[2].state = SERVICE_ENDED;
	configs[0].watchdog_ns = 2 * NS_PER_S;
	run(&services[0], NS_PER_S);
	CHECK(service_table_due(&table) == 2 * NS_PER_S, "half of the period after the start");
	service_notified(&services[0], SERVICE_BIT_HEARTBEAT, 2 * NS_PER_S, 0);
	CHECK(service_table_due(&table) == 3 * NS_PER_S, "after the heartbeat");
	service_stopping(&services[0], 2 * NS_PER_S, 7 * NS_PER_S, false);
	CHECK(service_table_due(&table) == 7 * NS_PER_S, "who is stopping is not watched");
	/* Where there are no ports (supervised is false) there is nothing to watch. */
	service_forked(&services[0], 100, 0);
	services[0].supervised = false;
	service_forked(&services[0], 100, 0);
	service_executed(&services[0], 0);
	CHECK(services[0].ready && service_table_due(&table) == UINT64_MAX, "not supervised");
}

/* An answered request forgives: restarts are at once again, and the count of give-up begins anew. */
static void test_served(void)
{
	uint64_t now = NS_PER_S;

	set_up();
	for (unsigned i = 0; i < 100; i++) {
		run(&services[0], now);
		service_notified(&services[0], SERVICE_BIT_SERVED, now, 0);
		CHECK(ended(&services[0], KILLED, ++now) == VERDICT_RESTART && services[0].due_ns == now, "restart %u", i);
	}
	CHECK(services[0].restart_count == 100 && services[0].served == 100, "counted all the same");
	for (unsigned i = 0; i < 4; i++) {
		run(&services[0], now);
		CHECK(ended(&services[0], KILLED, ++now) == VERDICT_RESTART && services[0].due_ns > now, "restart %u without an answer", i);
	}
	run(&services[0], now);
	CHECK(ended(&services[0], KILLED, ++now) == VERDICT_GAVE_UP, "one too many since the last answer");
}

static void test_asked(void)
{
	set_up();
	run(&services[0], 0);
	CHECK(service_ask_start(&services[0], 1) == -EALREADY, "runs");
	service_stopping(&services[0], 1, 5, true);
	CHECK(ended(&services[0], CLEAN, 2) == VERDICT_AGAIN && service_may_start(&table, &services[0], 2), "stopped to start again");
	CHECK(services[0].restart_count == 0, "which is no restart of ours");
	run(&services[0], 2);
	service_stopping(&services[0], 3, 9, false);
	CHECK(service_ask_start(&services[0], 4) == 0 && ended(&services[0], CLEAN, 5) == VERDICT_AGAIN, "somebody changed his mind");
	service_cancel(&services[0], 6);
	CHECK(services[0].state == SERVICE_ENDED && !service_may_start(&table, &services[0], 7), "cancelled");
	CHECK(service_ask_start(&services[0], 8) == 0 && service_may_start(&table, &services[0], 8), "and started");
	/* Given up: starts again, with a clean slate. */
	for (unsigned i = 0; i < 6; i++) {
		run(&services[0], 10 + i);
		ended(&services[0], STATUS_1, 10 + i);
	}
	CHECK(services[0].state == SERVICE_FAILED && services[0].last_status == STATUS_1, "gave up");
	CHECK(service_ask_start(&services[0], 20) == 0 && service_may_start(&table, &services[0], 20), "started by hand");
	run(&services[0], 20);
	CHECK(ended(&services[0], STATUS_1, 21) == VERDICT_RESTART && services[0].due_ns == 21, "at once again");
}

static void test_invalid(void)
{
	set_up();
	configs[0].valid = false;
	CHECK(!service_may_start(&table, &services[0], 0), "is not started");
	service_unstartable(&services[0], false, 0);
	CHECK(service_ask_start(&services[0], 1) == -EINVAL && services[0].state == SERVICE_FAILED, "not by hand either");
}

/* A service that waits for another one is not due: the loop would turn for nothing. */
static void test_due(void)
{
	set_up();
	services[2].state = SERVICE_ENDED;
	after(1, 0);
	configs[0].port_count = 1;
	run(&services[0], 0);
	services[1].due_ns = 1;
	CHECK(service_table_due(&table) == 10 * NS_PER_S, "due at %llu", (unsigned long long)service_table_due(&table));
}

/* A program is on trial until an instance of it is ready; else the one before comes back. */
static void test_upgrade(void)
{
	struct service *service = &services[0];

	set_up();
	configs[0].port_count = 1;
	configs[0].restart.policy = RESTART_NEVER;
	service->fds.program = 7;
	run(service, 0);
	service_notified(service, SERVICE_BIT_READY, 1, 0);
	CHECK(service_upgrade(service, 8) == -1 && service_take_unneeded(service) == -1, "7 is kept");
	service_stopping(service, 2, 9, true);
	service_notified(service, SERVICE_BIT_READY, 2, 0);
	CHECK(service->upgrading, "the last word of 7 proves nothing");
	CHECK(ended(service, KILLED, 3) == VERDICT_AGAIN && service->fds.program == 8, "8 has its turn");
	run(service, 3);
	CHECK(ended(service, CLEAN, 4) == VERDICT_REVERTED && service_may_start(&table, service, 4), "failed: 7 starts at once");
	CHECK(service->fds.program == 7 && service->restart_count == 1, "7, which is a restart");
	CHECK(service_take_unneeded(service) == 8 && service_take_unneeded(service) == -1, "8 is closed, once");
	run(service, 5);
	CHECK(ended(service, STATUS_1, 6) == VERDICT_FAILED, "7 lives by its rule");
	/* Without a process; cannot be executed. */
	CHECK(service_upgrade(service, 9) == -1 && service_ask_start(service, 7) == 0, "from FAILED");
	service_forked(service, 100, 8);
	service_unstartable(service, false, 9);
	CHECK(service->state == SERVICE_WAITING && service->fds.program == 7 && service_take_unneeded(service) == 9, "7 is back");
	/* Never ready; replaced while on trial; ready. */
	CHECK(service_upgrade(service, 10) == -1 && service_upgrade(service, 11) == 10, "10 was not proven");
	run(service, 10);
	service->was_ready = true;
	services[1].state = services[2].state = SERVICE_ENDED;
	CHECK(!service_trial_over(service, 10) && service_table_due(&table) == 10 * NS_PER_S + 10, "the loop wakes for it");
	CHECK(service_trial_over(service, 10 * NS_PER_S + 10), "over");
	service_notified(service, SERVICE_BIT_READY, 11, 0);
	CHECK(!service_trial_over(service, 10 * NS_PER_S + 10) && service_take_unneeded(service) == 7 && service->fds.program == 11, "11 it is");
	CHECK(ended(service, STATUS_1, 12) == VERDICT_FAILED, "and lives by the rule");
}

static void test_plausible(void)
{
	set_up();
	CHECK(service_plausible(&services[0]), "a fresh one is");
	run(&services[0], 0);
	CHECK(service_plausible(&services[0]), "one that runs is");
	services[0].state = SERVICE_STATES;
	CHECK(!service_plausible(&services[0]), "no such state");
	services[0].state = SERVICE_WAITING;
	CHECK(!service_plausible(&services[0]), "a process in a state without");
	services[0].pid = 0;
	services[0].fds.output = -2;
	CHECK(!service_plausible(&services[0]), "no such descriptor");
	services[0].fds.output = 5;
	services[0].forgiven = 1;
	CHECK(!service_plausible(&services[0]), "more forgiven than there were");
}

/* Service 0, after 1, serves the root; 2 has nothing to do with it. */
static void set_up_root(void)
{
	set_up();
	configs[0].mount.directory = "/";
	configs[0].mount.options = "disk=ram0";
	configs[0].port_count = 1;
	after(0, 1);
}

static void test_root(void)
{
	set_up_root();
	service_choose_root(&table, "ram0", 0);
	CHECK(table.root == &services[0] && services[0].marks & services[1].marks & SERVICE_FOR_ROOT, "what the root needs");
	CHECK(!(services[2].marks & SERVICE_FOR_ROOT), "and nothing else");
	CHECK(service_may_start(&table, &services[1], 0) && !service_may_start(&table, &services[2], 0), "all others wait");
	run(&services[1], 0);
	CHECK(service_may_start(&table, &services[0], 0) && !service_may_start(&table, &services[2], 0), "for the whole way");
	run(&services[0], 0);
	service_notified(&services[0], SERVICE_BIT_READY, 1, 0);
	CHECK(!service_may_start(&table, &services[2], 1), "ready is not mounted");
	services[0].mount_state = MOUNT_FILLS;
	service_mounted(&table, &services[0]);
	CHECK(!service_may_start(&table, &services[2], 1), "nor is the overlay in");
	services[0].mount_state = MOUNT_OVER;
	CHECK(service_may_start(&table, &services[2], 1), "now it is");
	run(&services[2], 2);
	table.stopping = true;
	CHECK(!service_may_stop(&table, &services[0]) && !service_may_stop(&table, &services[1]) && service_may_stop(&table, &services[2]), "the root stays");
	CHECK(!service_table_quiet(&table), "one runs");
	ended(&services[2], CLEAN, 3);
	CHECK(service_table_quiet(&table), "what the root needs does not count");
	ended(&services[0], KILLED, 3);
	CHECK(service_may_start(&table, &services[0], 3) && !service_may_start(&table, &services[2], 3), "and is started even now");
}

static void test_no_root(void)
{
	set_up_root();
	service_choose_root(&table, "", 0);
	CHECK(!table.root && services[0].state == SERVICE_SKIPPED && services[0].reason[0], "another root: skipped, and it says why");
	CHECK(service_may_start(&table, &services[1], 0) && service_may_start(&table, &services[2], 0), "nobody waits");
	set_up_root();
	service_choose_root(&table, "ram0", 0);
	run(&services[1], 0);
	run(&services[0], 0);
	CHECK(services[0].mount_due_ns > 0 && service_table_due(&table) <= services[0].mount_due_ns, "its time is known");
	services[0].mount_state = MOUNT_OVER;
	CHECK(service_may_start(&table, &services[2], 0), "not mounted in time: the others start");
	table.stopping = true;
	CHECK(service_may_stop(&table, &services[0]), "and it stops like them");
	set_up_root();
	configs[0].mount.directory = "/data";
	after(2, 0);
	service_choose_root(&table, "ram0", 0);
	run(&services[1], 0);
	run(&services[0], 0);
	service_notified(&services[0], SERVICE_BIT_READY, 1, 0);
	CHECK(!table.root && !service_may_start(&table, &services[2], 1), "another mount is waited for by who starts after it");
	services[0].mount_state = MOUNT_OVER;
	CHECK(service_may_start(&table, &services[2], 1), "until it is there");
	table.stopping = true;
	CHECK(service_may_stop(&table, &services[0]), "what serves nothing stops");
	service_mounted(&table, &services[0]);
	CHECK(!service_may_stop(&table, &services[0]) && services[0].marks & SERVICE_KEPT, "what is mounted needs it to the end");
	CHECK(!(services[2].marks & SERVICE_KEPT), "not who starts after it");
}

int main(void)
{
	test_root();
	test_no_root();
	test_ready();
	test_watchdog();
	test_served();
	test_asked();
	test_invalid();
	test_due();
	test_upgrade();
	test_plausible();
	test_before();
	test_unknown();
	test_policies();
	test_backoff();
	test_give_up();
	test_start_order();
	test_parallel_start();
	test_stop_order();
	test_stop_circle();
	return check_result("manager/service");
}
