/* SPDX-License-Identifier: MIT */
/*
 * Queues of pending signals. A standard signal pends once; a real-time signal keeps every instance with its value, in order. Pure logic:
 * the caller holds the lock that guards the queue.
 */
#include "lib/string.h"
#include "mm/heap.h"
#include "process/signal_state.h"

void signal_queue_init(struct signal_queue *queue)
{
	queue->set = 0;
	list_init(&queue->nodes);
	queue->spare.embedded = true;
	queue->spare.in_use = false;
}

static struct signal_info_node *node_alloc(struct signal_queue *queue, bool may_allocate)
{
	struct signal_info_node *node = &queue->spare;

	if (!may_allocate)
		return NULL;
	if (!node->in_use) {
		node->in_use = true;
		return node;
	}
	node = kmalloc(sizeof(*node));
	if (node)
		node->embedded = false;
	return node;
}

static void node_free(struct signal_info_node *node)
{
	list_remove(&node->link);
	if (node->embedded)
		node->in_use = false;
	else
		kfree(node);
}

static int node_number(const struct signal_info_node *node)
{
	return (int)node->info[0];	/* si_signo */
}

enum signal_queue_result signal_queue_add(struct signal_queue *queue, const struct signal_info *info, bool may_allocate)
{
	struct signal_info_node *node;
	bool realtime = info->number >= SIGNAL_REALTIME_FIRST;

	if (!realtime && (queue->set & signal_bit(info->number)))
		return SIGNAL_ALREADY_PENDING;
	node = node_alloc(queue, may_allocate);
	if (!node && realtime && info->code != SI_USER && info->code != SI_KERNEL)
		return SIGNAL_NO_MEMORY;
	queue->set |= signal_bit(info->number);
	if (!node)
		return SIGNAL_QUEUED_WITHOUT_INFO;
	signal_info_copy(node->info, info);
	list_push_back(&queue->nodes, &node->link);
	return SIGNAL_QUEUED;
}

unsigned signal_queue_take(struct signal_queue *queue, int number, struct signal_info *info)
{
	struct signal_info_node *node, *found = NULL;
	bool more = false;

	list_for_each(node, &queue->nodes, link) {
		if (node_number(node) != number)
			continue;
		if (found) {
			more = true;
			break;
		}
		found = node;
		if (number < SIGNAL_REALTIME_FIRST)
			break;
	}
	if (!more)
		queue->set &= ~signal_bit(number);
	if (info && found) {
		signal_info_copy(info, found->info);
	} else if (info) {
		memset(info, 0, SIGNAL_INFO_KEPT);
		info->number = number;
	}
	if (!found)
		return 0;
	node_free(found);
	return 1;
}

bool signal_queue_has_timer(const struct signal_queue *queue, int number, int timer_id)
{
	const struct signal_info_node *node;

	if (!(queue->set & signal_bit(number)))
		return false;
	list_for_each(node, &queue->nodes, link) {
		struct signal_info info;

		signal_info_copy(&info, node->info);
		if (info.number == number && info.code == SI_TIMER && info.timer.timer_id == timer_id)
			return true;
	}
	return false;
}

unsigned signal_queue_flush(struct signal_queue *queue, signal_set set)
{
	struct signal_info_node *node, *tmp;
	unsigned freed = 0;

	if (!(queue->set & set))
		return 0;
	queue->set &= ~set;
	list_for_each_safe(node, tmp, &queue->nodes, link)
		if (set & signal_bit(node_number(node))) {
			node_free(node);
			freed++;
		}
	return freed;
}
