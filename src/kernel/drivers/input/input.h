/* SPDX-License-Identifier: MIT */
/*
 * Input devices as programs see them: /dev/input/eventN speaks Linux's evdev protocol, /dev/input/mice that of a PS/2 mouse. Drivers report events
 * from their interrupt handlers.
 */
#pragma once

#include <linux/input-event-codes.h>
#include "lib/list.h"
#include "lib/types.h"
#include "sync/spinlock.h"
#include "vfs/file.h"

/* struct input_event of <linux/input.h> on x86-64. */
struct input_event {
	int64_t seconds, microseconds;
	uint16_t type, code;
	int32_t value;
};
_Static_assert(sizeof(struct input_event) == 24, "as <linux/input.h> has it");

enum { BUS_I8042 = 0x11 };	/* as <linux/input.h> has it */

struct input_id { uint16_t bus, vendor, product, version; };

#define INPUT_BITS(count) (((count) + 63) / 64)

struct input_client;

struct input_device {
	const char *name, *phys;	/* set before registration, as the bits */
	struct input_id id;
	uint64_t event_bits[INPUT_BITS(EV_CNT)];
	uint64_t key_bits[INPUT_BITS(KEY_CNT)];
	uint64_t relative_bits[INPUT_BITS(REL_CNT)];
	uint64_t led_bits[INPUT_BITS(LED_CNT)];
	/* A program sets the lights; called from thread context without locks. May be NULL. */
	void (*set_led)(struct input_device *device, unsigned led, bool on);

	struct spinlock lock;		/* interrupts off: all below */
	struct list clients;		/* LIST_INIT before events may come */
	struct input_client *grabbed_by;	/* EVIOCGRAB: nobody else gets events */
	uint64_t keys_down[INPUT_BITS(KEY_CNT)];
	uint64_t leds_on[INPUT_BITS(LED_CNT)];

	struct char_device node;
	char node_name[16];
};

static inline void input_set_bit(uint64_t *bits, unsigned bit) { bits[bit / 64] |= 1ull << (bit % 64); }
static inline bool input_test_bit(const uint64_t *bits, unsigned bit) { return bits[bit / 64] >> (bit % 64) & 1; }

/* Makes /dev/input/eventN. 0 or a negative errno. */
int input_register(struct input_device *device);

/* One event; EV_SYN/SYN_REPORT ends a group and lets readers see it. Any context. */
void input_report(struct input_device *device, unsigned type, unsigned code, int value);
/* Has a program taken the device for itself? Then the console leaves it alone. */
bool input_is_grabbed(struct input_device *device);

/* mice.c: movement (@dy grows downwards), wheel (away from the user is positive) and enum mouse_buttons. Any context. */
enum mouse_buttons { MOUSE_LEFT = 1 << 0, MOUSE_RIGHT = 1 << 1, MOUSE_MIDDLE = 1 << 2 };
void mice_report(int dx, int dy, int wheel, unsigned buttons);
void mice_init(void);		/* makes /dev/input/mice */
