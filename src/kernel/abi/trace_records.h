/* SPDX-License-Identifier: MIT */
/*
 * What /dev/trace gives to its readers: a text, then records.
 *
 * The text is lines of words, from "raeen-trace 1" to "end": record_bytes N, cpus N, tsc_hz N, start_tsc N, start_ns N (realtime), slide N,
 * groups NAME,NAME; and many of syscall NUMBER NAME and thread TID PID NAME (blanks in names as \040).
 * The records of one CPU come in their order; how those of several CPUs are mixed says nothing: the TSC tells.
 */
#pragma once

#include <stdint.h>

enum trace_event {
	TRACE_SWITCH = 1,	/* tid: who left; extra: its state as in /proc/PID/stat; argument: who came */
	TRACE_WAKE,		/* argument: the thread made ready; extra: the CPU where it ran last, which TRACE_MIGRATE may change next */
	TRACE_MIGRATE,		/* tid: who moved; extra: from CPU; argument: to CPU */
	TRACE_FORK,		/* tid: who made; argument: the new thread, its process << 32 */
	TRACE_NAME,		/* tid: the thread; tsc and argument: 16 bytes of name */
	TRACE_CALL_ENTER,	/* extra: number; argument: the first argument */
	TRACE_CALL_LEAVE,	/* extra: number; argument: the result */
	TRACE_FAULT_ENTER,	/* extra: the CPU's error code; argument: address */
	TRACE_FAULT_LEAVE,
	TRACE_INTERRUPT_ENTER,	/* extra: vector */
	TRACE_INTERRUPT_LEAVE,
	TRACE_SAMPLE,		/* extra: kernel addresses, user addresses << 8; argument: the first of them */
	TRACE_FRAMES,		/* the others, two a record: tsc and argument */
	TRACE_TEXT,		/* extra: bytes of text in tsc and argument; added by programs (src/userland/bin/trace) */
	TRACE_LOST,		/* argument: how many records of this CPU were overwritten unread here */
	TRACE_MESSAGE_ENTER,	/* extra: number of a call that sends or receives messages; argument: what it sends: the header (abi/raeen/ipc.h), */
				/* TRACE_NO_MESSAGE for nothing, of port_notify the bits, of msg_send_many how many */
	TRACE_MESSAGE_LEAVE,	/* extra: number; argument: the result: a negative errno, or the header of what was received */
};

#define TRACE_NO_MESSAGE UINT64_MAX	/* no header, no bits, no number is that */

/* The groups that can be switched on, as bits. */
enum trace_group {
	TRACE_GROUP_SCHED = 1 << 0, TRACE_GROUP_SYSCALL = 1 << 1, TRACE_GROUP_FAULT = 1 << 2, TRACE_GROUP_INTERRUPT = 1 << 3,
	TRACE_GROUP_SAMPLE = 1 << 4, TRACE_GROUP_MESSAGE = 1 << 5,
	TRACE_GROUP_ALWAYS = 1 << 6,	/* thread names, with any other */
};

/*
 * Thread ids: the idle threads have 0, kernel threads one with the top bit set, which a TRACE_NAME before each of their turns explains.
 */
struct trace_record {
	uint64_t tsc;
	uint64_t argument;
	uint32_t tid;		/* the running thread, where the event says nothing else */
	uint8_t event;		/* enum trace_event */
	uint8_t cpu;
	uint16_t extra;
};
_Static_assert(sizeof(struct trace_record) == 24, "the format is 24 bytes a record");
