/* SPDX-License-Identifier: MIT */
/* Answers `svc` (control.h). */
#include "control.h"
#include "supervise.h"
#include "lib/log.h"
#include "table.h"
#include "lib/run_state.h"
#include "lib/waiters.h"
#include "proto/svc_server.h"
#include "lib/server.h"

#include <errno.h>
#include <raeen/caps.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LIST_PAGE = 64, REQUESTS_AT_ONCE = 16 /* between two looks at the services */ };
static const uint64_t patience_ns = 30ull * 1000000000;

static struct service_table *table;
static struct server server;

static bool still_waits(uint64_t token)
{
	return port_control(server.port, PORT_ALIVE, token) == 0;
}

static void drop(uint64_t token)
{
	server_answer(&server, token, -ECANCELED, NULL, 0, NULL, 0);
}

static struct waiters waiters = { .alive = still_waits, .drop = drop };

static int find(const char *name)
{
	for (unsigned i = 0; i < table->count; i++) {
		if (strcmp(table->list[i].config->name, name) == 0)
			return (int)i;
	}
	return -ENOENT;
}

/* The service that a root process asks to change, or a negative errno. EBUSY: for a moment, it is not known whether it has a process. */
static int find_for(const struct server_call *call, const char *name)
{
	int index = call->extra.uid == 0 ? find(name) : -EPERM;

	return index >= 0 && service_is_unknown(&table->list[index]) ? -EBUSY : index;
}

/* The same, for what takes time: there is a place for the call to wait in before anything is begun. */
static int find_to_wait(const struct server_call *call, const char *name)
{
	int index = find_for(call, name);

	return index >= 0 && !waiters_place(&waiters, WAIT_READY) ? -EBUSY : index;
}

/* The call is answered later. */
static int wait_in(struct waiter *place, struct server_call *call, enum waiter_kind for_what, int index, uint64_t end_ns)
{
	*place = (struct waiter){ .token = call->token, .for_what = for_what, .index = index, .end_ns = end_ns };
	if (for_what != WAIT_LOG)
		place->restarts = table->list[index].restart_count;
	return SERVER_LATER;
}

static void describe(const struct service *service, struct svc_service *out)
{
	bool getting_ready = service->state == SERVICE_RUNNING && !service->ready;

	snprintf(out->name, sizeof(out->name), "%s", service->config->name);
	out->state = getting_ready ? SVC_STATE_STARTING : service->state;
	out->pid = service->pid;
	out->restarts = service->restart_count;
	out->status = service->last_status;
	out->since_ns = service->since_ns;
}

static int on_list(struct server_call *call, const struct svc_list_request *request, struct svc_list_reply *reply)
{
	(void)call;
	reply->total = table->count;
	for (unsigned i = request->index; i < table->count && reply->services_count < LIST_PAGE; i++) {
		memset(&reply->services[reply->services_count], 0, sizeof(reply->services[0]));
		describe(&table->list[i], &reply->services[reply->services_count++]);
	}
	return 0;
}

static void add_word(char *text, size_t size, const char *word)
{
	size_t length = strlen(text);

	snprintf(text + length, size - length, "%s%s", length ? " " : "", word);
}

static int on_status(struct server_call *call, const struct svc_status_request *request, struct svc_status_reply *reply)
{
	int index = find(request->name);
	const struct service *service = index < 0 ? NULL : &table->list[index];

	(void)call;
	if (!service)
		return index;
	describe(service, &reply->service);
	reply->heartbeat_ns = service->pid > 0 && service->watchdog.period_ns ? now_ns() - service->watchdog.beat_ns : UINT64_MAX;
	reply->watchdog_ns = service->config->watchdog_ns;
	reply->next_start_ns = service->state == SERVICE_WAITING ? service->due_ns : 0;
	reply->capabilities = service->config->caps & CAPABILITIES_ALL;
	reply->served = service->served;
	reply->watchdog_kills = service->watchdog_kills;
	reply->log_bytes = (uint32_t)(table_ring((unsigned)index)->written < RING_BYTES ? table_ring((unsigned)index)->written : RING_BYTES);
	snprintf(reply->reason, sizeof(reply->reason), "%s", service->reason);
	for (unsigned i = 0; service->config->argv[i]; i++)
		add_word(reply->command, sizeof(reply->command), service->config->argv[i]);
	for (unsigned i = 0; i < service->config->after_count; i++)
		add_word(reply->after, sizeof(reply->after), service->config->after[i]);
	for (unsigned i = 0; i < service->config->port_count; i++)
		add_word(reply->ports, sizeof(reply->ports), service->config->ports[i].name);
	return 0;
}

/* What the event loop did for a call of find_to_wait()'s, which is answered when that has come to an end. */
static int answer_when(struct server_call *call, enum waiter_kind for_what, int index, int result)
{
	return result < 0 ? result : wait_in(waiters_place(&waiters, for_what), call, for_what, index, now_ns() + patience_ns);
}

static int on_start(struct server_call *call, const struct svc_start_request *request, struct svc_start_reply *reply)
{
	int index = find_to_wait(call, request->name);

	(void)reply;
	return index < 0 ? index : answer_when(call, WAIT_READY, index, supervise_start(&table->list[index]));
}

static int on_stop(struct server_call *call, const struct svc_stop_request *request)
{
	int index = find_to_wait(call, request->name);

	if (index < 0)
		return index;
	if (table->list[index].pid == 0 && table->list[index].state != SERVICE_WAITING)
		return -EALREADY;
	return answer_when(call, WAIT_ENDED, index, supervise_stop(&table->list[index], false));
}

static int on_restart(struct server_call *call, const struct svc_restart_request *request, struct svc_restart_reply *reply)
{
	int index = find_to_wait(call, request->name);

	(void)reply;
	return index < 0 ? index : answer_when(call, WAIT_READY, index, supervise_stop(&table->list[index], true));
}

static int on_kill(struct server_call *call, const struct svc_kill_request *request)
{
	int index = find_for(call, request->name);

	if (index >= 0 && (request->signal < 1 || request->signal > 64))
		return -EINVAL;
	return index < 0 ? index : supervise_kill(&table->list[index], request->signal);
}

static int on_upgrade(struct server_call *call, const struct svc_upgrade_request *request, struct svc_upgrade_reply *reply)
{
	int index = find_to_wait(call, request->name);

	(void)reply;
	if (index >= 0 && request->path[0] && request->path[0] != '/')
		return -EINVAL;
	return index < 0 ? index : answer_when(call, WAIT_COPIED, index, supervise_upgrade(&table->list[index], request->path));
}

static void read_log(int index, uint64_t position, struct svc_log_reply *reply)
{
	reply->position = position;
	reply->data_length = (uint32_t)ring_get(table_ring((unsigned)index), &reply->position, (char *)reply->data, sizeof(reply->data));
}

static int on_log(struct server_call *call, const struct svc_log_request *request, struct svc_log_reply *reply)
{
	int index = strcmp(request->name, "manager") == 0 ? (int)table->count : find(request->name);
	struct waiter *place;

	if (index < 0)
		return index;
	read_log(index, request->position, reply);
	if (reply->data_length > 0 || request->wait_ns == 0)
		return 0;
	place = waiters_place(&waiters, WAIT_LOG);
	if (!place)
		return -EBUSY;
	wait_in(place, call, WAIT_LOG, index, now_ns() + (request->wait_ns < patience_ns ? request->wait_ns : patience_ns));
	place->position = reply->position;
	return SERVER_LATER;
}

/* What is to be answered: 1 nothing yet, 0 success, or a negative errno. */
static int outcome(const struct waiter *waiter, uint64_t now)
{
	const struct service *service = &table->list[waiter->index];

	if (waiter->for_what == WAIT_LOG)
		return table_ring((unsigned)waiter->index)->written != waiter->position || now >= waiter->end_ns ? 0 : 1;
	if (waiter->for_what == WAIT_ENDED && service->pid == 0)
		return 0;
	if (waiter->for_what == WAIT_READY) {
		if (service->state == SERVICE_RUNNING && service->ready)
			return 0;
		if (service_at_rest(service) || service->restart_count != waiter->restarts)
			return -ECHILD;
	}
	return now >= waiter->end_ns ? -ETIMEDOUT : 1;
}

static void answer(struct waiter *waiter, int result)
{
	static struct svc_log_reply log;
	int32_t pid = waiter->for_what == WAIT_READY ? table->list[waiter->index].pid : 0;

	if (waiter->for_what == WAIT_LOG) {
		read_log(waiter->index, waiter->position, &log);
		svc_log_answer(&server, waiter->token, &log);
	} else {
		server_answer(&server, waiter->token, result, &pid, waiter->for_what == WAIT_READY ? sizeof(pid) : 0, NULL, 0);
	}
	waiter->token = 0;
}

void control_copied(const struct service *service, int result)
{
	for (unsigned i = 0; i < WAITERS_MAX; i++) {
		struct waiter *waiter = &waiters.list[i];

		if (!waiter->token || waiter->for_what != WAIT_COPIED || &table->list[waiter->index] != service)
			continue;
		waiter->for_what = WAIT_READY;
		waiter->restarts = service->restart_count;
		if (result < 0)
			answer(waiter, result);
	}
}

static const struct svc_operations operations = {
	.list = on_list, .status = on_status, .start = on_start, .stop = on_stop, .restart = on_restart, .kill = on_kill, .log = on_log,
	.upgrade = on_upgrade,
};

void control_open(struct service_table *services)
{
	long port = table_control_port();

	table = services;
	if (port < 0)
		port = port_create(CONFIG_MANAGER_PORT, PORT_PERSISTENT);
	server = (struct server){
		.name = "manager", .protocols = { { &svc_protocol, &operations } }, .supervisor = -1, .beat_ns = MSG_WAIT, .persistent = true,
	};
	server.port = port < 0 ? (int)port : (int)port_control((int)port, PORT_TAKE, 0);
	table_set_control_port(port < 0 ? -1 : (int)port);
	if (server.port >= 0 && !message_buffer())
		server.port = -ENOMEM;
	if (server.port < 0 && server.port != -ENOSYS)
		log_error("port manager: %s; svc will not work", strerror(-server.port));
	server.call.payload = message_buffer_of_thread;
}

int control_fd(void)
{
	return server.port;
}

void control_serve(bool readable, uint64_t now)
{
	uint64_t before = server.received - 1;

	for (unsigned i = 0; readable && i < REQUESTS_AT_ONCE && server.received != before; i++) {
		before = server.received;
		server_serve(&server, 0);
	}
	for (unsigned i = 0; i < WAITERS_MAX; i++) {
		struct waiter *waiter = &waiters.list[i];
		int result = waiter->token ? outcome(waiter, now) : 1;

		if (result <= 0)
			answer(waiter, result);
	}
}

uint64_t control_due(void)
{
	return waiters_due(&waiters);
}
