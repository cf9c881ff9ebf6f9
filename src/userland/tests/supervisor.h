/* SPDX-License-Identifier: MIT */
/* A small supervisor for tests of services: what the service manager does, without its policy. Native: not for Linux. */
#pragma once

#include "check.h"
#include "proto/counter.h"
#include "proto/echo.h"

#include <raeen/message.h>
#include <sys/types.h>

struct service {
	const char *program;		/* beside the test's own: "echo-service"; or a whole path */
	const char *argument;		/* NULL: none */
	int port;			/* every right but RECV, which the instances get */
	int alarm;			/* where its SUPERVISOR_ bits arrive */
	int state;			/* memory that outlives instances, or -1 */
	unsigned watchdog_ms;		/* 0: none */
	pid_t pid;			/* 0: none runs */
};

/* Makes port and state (@state_size may be 0), starts nothing. Ends the case when something fails, as all do here. */
void service_make(struct service *service, const char *program, unsigned port_flags, size_t state_size);

/* Starts an instance, which takes over from one that may still run, and waits until it is ready. Returns its pid. */
pid_t service_start(struct service *service);

/* The same without waiting. */
pid_t service_spawn(struct service *service);

/* The bits that arrived within @ms milliseconds; 0: none. */
uint64_t service_bits(struct service *service, int ms);

/* Waits for the current instance's end: its exit code, or CHECK_KILLED + signal. */
int service_wait(struct service *service);

/* Asks it to stop, over its port, as who may. Returns 0 or a negative errno. */
int service_ask_to_stop(struct service *service);

/* The echo service, of which a case needs one at most. */
extern struct service echo;
void start_echo(void);
void stop_echo(void);
/* Echoes @length bytes and looks at them. Returns the call's result. */
int echo_bytes(unsigned length, int64_t timeout);
/* Makes it misbehave; @argument: milliseconds for ECHO_FAULT_LATE. */
int echo_fault(enum echo_fault fault, unsigned argument);

/* The counting service, likewise. */
extern struct service counter;
void start_counter(void);
/* Adds @amount for @client, *@value is the sum. Returns the call's result. */
int counter_adds(unsigned client, uint64_t amount, enum counter_moment die, int64_t timeout, uint64_t *value);

/* Of its port. */
struct port_state service_port_state(const struct service *service);

/* What an answer may take on a busy machine. */
static const int64_t LONG = 20000000000;

/* Whether this system has ports; on others the cases are these. */
int supervisor_works(void);
extern const struct check_case supervisor_no_cases[];
