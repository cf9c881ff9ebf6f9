/* SPDX-License-Identifier: MIT */
/* example: the smallest service, to copy from (../../README.md says how). It greets, and counts how often it did. */
#include "lib/server.h"
#include "proto/example_server.h"

#include <stdio.h>

static uint64_t greetings;

/* The request has been checked; the text ends. What is returned goes to the client: 0 with the reply, or a negative errno. */
static int greet(struct server_call *call, const struct example_greet_request *request, struct example_greet_reply *reply)
{
	(void)call;
	if (!request->name[0])
		return -EINVAL;
	snprintf(reply->greeting, sizeof reply->greeting, "Good day, %s.", request->name);
	reply->count = ++greetings;
	return 0;
}

static const struct example_operations operations = { .greet = greet };

int main(void)
{
	struct server server = { .name = "example", .protocols = { { &example_protocol, &operations } } };

	return server_run(&server);
}
