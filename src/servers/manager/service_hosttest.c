/* SPDX-License-Identifier: MIT */
/* LINK: manager/service.c */
/* Restarts, back-off, giving up, start and stop order, against a clock made of numbers. */
#include "service.h"
#include "values.h"
#include "../lib/check.h"

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
	service_forked(service, 100 + (pid_t)(service - services), -1, now);
	service_executed(service);
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
		verdict = service_ended(&services[0], cases[i].status, NS_PER_S);
		CHECK(verdict == cases[i].verdict, "case %u: verdict %d", i, (int)verdict);
		CHECK(services[0].pid == 0, "case %u", i);
	}
}

static void test_backoff(void)
{
	static const unsigned waits_ms[] = { 0, 10, 20, 40, 80, 80, 80 };
	uint64_t now = NS_PER_S;

	set_up();
	configs[0].restart.give_up_count = 0;
	for (unsigned i = 0; i < sizeof(waits_ms) / sizeof(waits_ms[0]); i++) {
		run(&services[0], now);
		now += NS_PER_MS;
		CHECK(service_ended(&services[0], KILLED, now) == VERDICT_RESTART, "restart %u", i);
		CHECK(services[0].due_ns - now == waits_ms[i] * NS_PER_MS, "restart %u waits %llu", i,
		      (unsigned long long)(services[0].due_ns - now));
		CHECK(service_table_due(&table) == services[0].due_ns, "the table waits for it");
		CHECK(waits_ms[i] == 0 || !service_ready(&table, &services[0], services[0].due_ns - 1), "not before");
		now = services[0].due_ns;
		CHECK(service_ready(&table, &services[0], now), "at its time");
	}
	run(&services[0], now);
	now += NS_PER_S;
	service_ended(&services[0], KILLED, now);
	CHECK(services[0].due_ns == now, "one that ran for a second is restarted at once");
}

static void test_give_up(void)
{
	uint64_t now = 5 * NS_PER_S;

	set_up();
	for (unsigned i = 0; i < 5; i++) {
		run(&services[0], now);
		CHECK(service_ended(&services[0], STATUS_1, ++now) == VERDICT_RESTART, "restart %u is allowed", i);
		now = services[0].due_ns;
	}
	run(&services[0], now);
	CHECK(service_ended(&services[0], STATUS_1, now + 1) == VERDICT_GAVE_UP, "one too many");
	CHECK(services[0].state == SERVICE_FAILED && !service_ready(&table, &services[0], UINT64_MAX), "stays down");

	/* Five in a little more than the period are fine, for ever. */
	set_up();
	for (unsigned i = 0; i < 1000; i++) {
		run(&services[0], now);
		now += 201 * NS_PER_MS;
		CHECK(service_ended(&services[0], STATUS_1, now) == VERDICT_RESTART, "slow restart %u", i);
	}
}

static void test_start_order(void)
{
	set_up();
	after(1, 0);
	after(2, 1);
	after(2, -1);
	CHECK(service_ready(&table, &services[0], 0) && !service_ready(&table, &services[1], 0), "0 first");
	service_forked(&services[0], 100, -1, 0);
	CHECK(!service_ready(&table, &services[1], 0), "a fork is not a start");
	service_executed(&services[0]);
	CHECK(service_ready(&table, &services[1], 0) && !service_ready(&table, &services[2], 0), "then 1");
	service_unstartable(&services[1], true);
	CHECK(service_ready(&table, &services[2], 0), "a skipped service holds nobody back");
	service_ended(&services[0], KILLED, 1);
	set_up();
	after(1, 0);
	run(&services[0], 0);
	service_ended(&services[0], KILLED, 1);
	CHECK(service_ready(&table, &services[1], 1), "neither does one that is being restarted");
	table.stopping = true;
	CHECK(!service_ready(&table, &services[1], 1), "nothing starts while stopping");
	CHECK(service_table_due(&table) == UINT64_MAX, "and nothing is waited for");
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
	service_stopping(&services[2], 5 * NS_PER_S);
	CHECK(!service_may_stop(&table, &services[1]) && !service_may_stop(&table, &services[2]), "2 is ending");
	CHECK(service_table_due(&table) == 5 * NS_PER_S, "patience ends");
	CHECK(service_ended(&services[2], KILLED, 1) == VERDICT_ENDED, "no restart when asked to end");
	CHECK(service_may_stop(&table, &services[1]), "then 1");
	CHECK(service_ended(&services[1], CLEAN, 2) == VERDICT_RESTART && services[1].pid == 0, "ends by itself");
	CHECK(service_may_stop(&table, &services[0]) && !service_table_quiet(&table), "then 0");
	service_stopping(&services[0], 9);
	service_ended(&services[0], CLEAN, 3);
	CHECK(service_table_quiet(&table), "quiet");
}

int main(void)
{
	test_policies();
	test_backoff();
	test_give_up();
	test_start_order();
	test_stop_order();
	return check_result("manager/service");
}
