/* SPDX-License-Identifier: MIT */
/*
 * The frame of the benchmark. An operation is a row of operations[] (main.c): a loop that does it @count times. main.c
 * times batches of such loops by the time-stamp counter, which under QEMU's icount advances by one an instruction.
 *
 * Whatever fails ends the program with a message: a number of a failing call is worth nothing.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct operation {
	const char *name;		/* as the table of results has it */
	void (*run)(unsigned count);	/* does the operation @count times; this is what is timed */
	unsigned count;			/* in a batch */
	unsigned batches;
	unsigned divisor;		/* how many of what the row is about one operation is; 0 means 1 */
	void (*prepare)(void);		/* once, before the warm-up; NULL when there is nothing to do */
	void (*finish)(void);		/* once, after the last batch */
	void (*before)(void);		/* before each batch, not timed */
	void (*after)(void);		/* after each batch, not timed */
	int native;			/* of RaeenOS only */
	int disk;			/* in the folder $BENCH_DISK, and only if there is one */
	int sockets;			/* only where there are local sockets */
};

#define MUST(condition)										\
	do {											\
		if (!(condition)) {								\
			fprintf(stderr, "bench: %s:%d: %s failed: %m\n", __FILE__, __LINE__, #condition);	\
			exit(1);								\
		}										\
	} while (0)

enum { PAGE = 4096 };

/* calls.c */
void run_getppid(unsigned count);
void run_clock(unsigned count);
void find_vdso_clock(void);
void run_vdso_clock(unsigned count);
void prepare_signal(void);
void run_signal(unsigned count);

/* files.c */
void prepare_file(void);
void prepare_files(void);
void finish_files(void);
void finish_file(void);
void run_pread_byte(unsigned count);
void run_pread_page(unsigned count);
void run_stat(unsigned count);
void run_stat_many(unsigned count);
void run_open_close(unsigned count);
void run_open_close_many(unsigned count);
void run_create_unlink(unsigned count);

/* disk.c */
enum { DISK_OPERATIONS = 64 };
void prepare_disk(void);
void empty_log(void);
void finish_disk(void);
void run_disk_create_unlink(unsigned count);
void run_append(unsigned count);
void run_create_unlink_synced(unsigned count);
void run_append_synced(unsigned count);

/* memory.c */
enum { OTHER_FILES = 16, FAULT_PAGES = 256, FILE_PAGES = 512, SMALL_PARENT_PAGES = 280, BIG_PARENT_PAGES = 65536 };
void run_map_untouched(unsigned count);
void run_map_touched(unsigned count);
void before_fault(void);
void run_fault(unsigned count);
void after_fault(void);
void prepare_mapped_file(void);
void run_mapped_file(unsigned count);
void finish_mapped_file(void);
void prepare_small_parent(void);
void prepare_big_parent(void);
void finish_parent(void);

/* processes.c */
void run_fork(unsigned count);
void run_exec(unsigned count);
void prepare_pipe(void);
void run_pipe(unsigned count);
void finish_pipe(void);
void prepare_stream(void);
void prepare_packets(void);
void run_sockets(unsigned count);
void finish_sockets(void);
void prepare_futex(void);
void run_futex(unsigned count);
void finish_futex(void);
void run_thread(unsigned count);

/* events.c */
void prepare_epoll(void);
void run_epoll(unsigned count);
void finish_epoll(void);

/* messages.c */
void prepare_message_64(void);
void run_message_64(unsigned count);
void prepare_message_128(void);
void run_message_128(unsigned count);
void prepare_message_page(void);
void run_message_page(unsigned count);
void finish_message(void);
void prepare_notify(void);
void run_notify(unsigned count);
void finish_notify(void);
void run_native(unsigned count);
