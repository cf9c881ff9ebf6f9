/* SPDX-License-Identifier: MIT */
/* Circular doubly linked lists whose links are embedded in the elements. An empty head points to itself. */
#pragma once

#include "lib/types.h"

struct list {
	struct list *next, *prev;
};

#define LIST_INIT(name) { &(name), &(name) }

SHARED_INLINE void list_init(struct list *head)
{
	head->next = head->prev = head;
}

SHARED_INLINE bool list_empty(const struct list *head)
{
	return head->next == head;
}

static inline void list_insert_between(struct list *node, struct list *prev, struct list *next)
{
	node->prev = prev;
	node->next = next;
	prev->next = node;
	next->prev = node;
}

static inline void list_push_front(struct list *head, struct list *node)
{
	list_insert_between(node, head, head->next);
}

static inline void list_push_back(struct list *head, struct list *node)
{
	list_insert_between(node, head->prev, head);
}

/* Unlinks @node and leaves it an empty list of its own, so that removing it twice is harmless. */
SHARED_INLINE void list_remove(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

#define list_entry(node, type, member) container_of(node, type, member)
#define list_first(head, type, member) list_entry((head)->next, type, member)
#define list_last(head, type, member) list_entry((head)->prev, type, member)

#define list_for_each(pos, head, member)                                              \
	for (pos = list_entry((head)->next, typeof(*pos), member); &pos->member != (head); \
	     pos = list_entry(pos->member.next, typeof(*pos), member))

/* Like list_for_each, but the body may remove @pos. */
#define list_for_each_safe(pos, tmp, head, member)                                    \
	for (pos = list_entry((head)->next, typeof(*pos), member),                    \
	    tmp = list_entry(pos->member.next, typeof(*pos), member);                 \
	     &pos->member != (head);                                                  \
	     pos = tmp, tmp = list_entry(tmp->member.next, typeof(*tmp), member))
