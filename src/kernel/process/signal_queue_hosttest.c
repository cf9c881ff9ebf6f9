/* SPDX-License-Identifier: MIT */
/* Pending-signal queues against a model: order, values, one instance of standard signals, running out of memory. */
/* LINK: process/signal_queue.c */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "mm/heap.h"
#include "process/signal_state.h"

static struct signal_info info_for(int number, uint64_t value)
{
	struct signal_info info;

	memset(&info, 0, sizeof(info));
	info.number = number;
	info.code = SI_QUEUE;
	info.sender.value = value;
	return info;
}

static enum signal_queue_result add(struct signal_queue *queue, int number, uint64_t value, bool may_allocate)
{
	struct signal_info info = info_for(number, value);

	return signal_queue_add(queue, &info, may_allocate);
}

static void test_standard(void)
{
	struct signal_queue queue;
	struct signal_info info;

	signal_queue_init(&queue);
	assert(add(&queue, SIGINT, 1, true) == SIGNAL_QUEUED);
	assert(add(&queue, SIGINT, 2, true) == SIGNAL_ALREADY_PENDING);
	assert(queue.set == signal_bit(SIGINT));
	assert(signal_queue_take(&queue, SIGINT, &info) == 1 && info.sender.value == 1 && !queue.set);
	/* Without memory a standard signal still arrives. */
	assert(add(&queue, SIGTERM, 1, true) == SIGNAL_QUEUED);
	assert(add(&queue, SIGUSR1, 5, false) == SIGNAL_QUEUED_WITHOUT_INFO);
	assert(signal_queue_take(&queue, SIGUSR1, &info) == 0 && info.number == SIGUSR1 && info.sender.value == 0);
	assert(signal_queue_flush(&queue, ~0ull) == 1 && !queue.set);
}

static void test_realtime(void)
{
	struct signal_queue queue;
	struct signal_info info;

	signal_queue_init(&queue);
	for (uint64_t i = 0; i < 5; i++)
		assert(add(&queue, 40, i, true) == SIGNAL_QUEUED);
	assert(add(&queue, 40, 9, false) == SIGNAL_NO_MEMORY);
	for (uint64_t i = 0; i < 5; i++) {
		assert(queue.set == signal_bit(40));
		assert(signal_queue_take(&queue, 40, &info) == 1 && info.sender.value == i);
	}
	assert(!queue.set && !queue.spare.in_use);
}

static void test_choice(void)
{
	assert(signal_choose(0) == 0);
	assert(signal_choose(signal_bit(SIGHUP) | signal_bit(SIGSEGV)) == SIGSEGV);
	assert(signal_choose(signal_bit(64) | signal_bit(34)) == 34);
	assert(signal_choose(signal_bit(64)) == 64);
}

/* Random traffic against counters per signal. */
static void test_random(void)
{
	static uint64_t values[65][4096];
	unsigned head[65] = { 0 }, tail[65] = { 0 }, nodes = 0;
	struct signal_queue queue;
	struct signal_info info;

	srand(3);
	signal_queue_init(&queue);
	for (int round = 0; round < 100000; round++) {
		int number = 1 + rand() % 64;

		if (rand() % 2) {
			enum signal_queue_result result = add(&queue, number, round, true);

			if (number < SIGNAL_REALTIME_FIRST && head[number] != tail[number]) {
				assert(result == SIGNAL_ALREADY_PENDING);
			} else {
				assert(result == SIGNAL_QUEUED);
				values[number][tail[number]++ % 4096] = round;
				nodes++;
			}
		} else if (queue.set & signal_bit(number)) {
			assert(signal_queue_take(&queue, number, &info) == 1);
			assert(info.number == number && info.sender.value == values[number][head[number]++ % 4096]);
			nodes--;
		}
		assert(!!(queue.set & signal_bit(number)) == (head[number] != tail[number]));
	}
	assert(signal_queue_flush(&queue, ~0ull) == nodes && list_empty(&queue.nodes));
}

int main(void)
{
	test_standard();
	test_realtime();
	test_choice();
	test_random();
	return 0;
}
