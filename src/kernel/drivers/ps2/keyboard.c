/* SPDX-License-Identifier: MIT */
/*
 * The keyboard: each byte of it goes through the scancode decoder to /dev/input/event0 and, unless a program has taken that for itself, through the keymap
 * to the terminal on the screen.
 */
#include <asm/signal.h>
#include "drivers/input/input.h"
#include "drivers/ps2/i8042.h"
#include "drivers/ps2/i8042_hw.h"
#include "drivers/ps2/keymap.h"
#include "drivers/ps2/ps2.h"
#include "drivers/ps2/ps2_state.h"
#include "drivers/ps2/scancode.h"
#include "drivers/video/video.h"
#include "lib/atomic.h"
#include "lib/log.h"
#include "process/signal.h"
#include "tty/tty.h"

enum { RESET_TIMEOUT_MS = 1000, SCANCODE_SET = 2, DEVICE_LED_SCROLL = 1, DEVICE_LED_NUM = 2, DEVICE_LED_CAPS = 4 };

enum led_step { LEDS_IDLE, LEDS_COMMAND_SENT, LEDS_VALUE_SENT };

static struct {
	struct spinlock lock;		/* interrupts off: all below */
	struct scancode_decoder decoder;
	struct keymap_state keymap;
	enum led_step led_step;		/* the keyboard acknowledges each byte by an interrupt */
	uint8_t leds;			/* as they shall be, DEVICE_LED_* */
	bool leds_again;		/* they changed meanwhile */
} keyboard = { .lock = SPINLOCK_INIT(LOCK_KEYBOARD) };

static struct input_device device = {
	.name = "AT keyboard", .phys = "isa0060/serio0/input0", .id = { .bus = BUS_I8042, .vendor = 1, .product = 1, .version = 0xab41 },
	.lock = SPINLOCK_INIT(LOCK_INPUT_DEVICE), .clients = LIST_INIT(device.clients),
};

/* keyboard.lock held. Sends the lights' state as soon as the keyboard has taken what was sent before. */
static void update_leds(void)
{
	if (keyboard.led_step != LEDS_IDLE) {
		keyboard.leds_again = true;
		return;
	}
	keyboard.leds_again = false;
	if (i8042_send_keyboard(DEVICE_SET_LEDS))
		keyboard.led_step = LEDS_COMMAND_SENT;
}

/* keyboard.lock held. The keyboard's answer to a byte of ours; true if it was one. */
static bool take_answer(uint8_t byte)
{
	if (keyboard.led_step == LEDS_IDLE || (byte != DEVICE_ACK && byte != DEVICE_RESEND))
		return false;
	bool send_value = byte == DEVICE_ACK && keyboard.led_step == LEDS_COMMAND_SENT;

	keyboard.led_step = LEDS_IDLE;
	if (send_value && i8042_send_keyboard(keyboard.leds))
		keyboard.led_step = LEDS_VALUE_SENT;
	else if (keyboard.leds_again)
		update_leds();
	return true;
}

static uint8_t leds_of_locks(unsigned locks)
{
	return (locks & LOCK_SCROLL ? DEVICE_LED_SCROLL : 0) | (locks & LOCK_NUM ? DEVICE_LED_NUM : 0) |
	       (locks & LOCK_CAPS ? DEVICE_LED_CAPS : 0);
}

/* A program sets a light through event0; the locks themselves are the console's. */
static void set_led(struct input_device *unused, unsigned led, bool on)
{
	uint8_t bit = led == LED_SCROLLL ? DEVICE_LED_SCROLL : led == LED_NUML ? DEVICE_LED_NUM : led == LED_CAPSL ? DEVICE_LED_CAPS : 0;
	uint64_t irq_flags = spin_lock_irq(&keyboard.lock);

	keyboard.leds = on ? keyboard.leds | bit : keyboard.leds & ~bit;
	update_leds();
	spin_unlock_irq(&keyboard.lock, irq_flags);
	input_report(&device, EV_LED, led, on);
	input_report(&device, EV_SYN, SYN_REPORT, 0);
}

static void act(enum keymap_action action)
{
	switch (action) {
	case KEYMAP_SCROLL_BACK:
		video_scroll_view(1);
		break;
	case KEYMAP_SCROLL_FORWARD:
		video_scroll_view(-1);
		break;
	case KEYMAP_CTRL_ALT_DEL:
		/* Process 1 decides what it means, as on Linux. */
		signal_send_init(SIGINT);
		break;
	case KEYMAP_LOCKS_CHANGED:
	case KEYMAP_NOTHING:
		break;
	default:
		video_show_console(action - KEYMAP_CONSOLE + 1);
	}
}

/* The terminal is full and nobody reads it: what is typed is lost, but for keys that act at once, such as ^C. */
static void type(const char *bytes, size_t len)
{
	struct tty *tty = video_tty();

	while (tty && len) {
		size_t taken = tty_receive(tty, bytes, len);

		if (taken == len)
			break;
		bytes += taken + 1;
		len -= taken + 1;
	}
}

static void report_key(const struct key_event *key, int value)
{
	input_report(&device, EV_KEY, key->code, value);
	input_report(&device, EV_SYN, SYN_REPORT, 0);
	if (key->code == KEY_PAUSE && value) {
		input_report(&device, EV_KEY, key->code, 0);
		input_report(&device, EV_SYN, SYN_REPORT, 0);
	}
}

static void receive(uint8_t byte)
{
	struct video_modes wanted = video_modes();
	struct keymap_modes modes = { wanted.cursor_keys_application, wanted.keypad_application, wanted.newline };
	bool for_console = !input_is_grabbed(&device);
	enum keymap_action action = KEYMAP_NOTHING;
	char bytes[KEYMAP_OUTPUT_MAX];
	struct key_event key;
	size_t count = 0;
	int value = 0;
	uint64_t irq_flags = spin_lock_irq(&keyboard.lock);
	bool is_key = !take_answer(byte) && scancode_decode(&keyboard.decoder, byte, &key);

	if (is_key) {
		/* A key that is down already and comes again repeats. */
		value = !key.pressed ? 0 : input_test_bit(device.keys_down, key.code) ? 2 : 1;
		if (for_console)
			count = keymap_key(&keyboard.keymap, modes, key.code, value, bytes, &action);
		if (action == KEYMAP_LOCKS_CHANGED) {
			keyboard.leds = leds_of_locks(keyboard.keymap.locks);
			update_leds();
		}
	}
	spin_unlock_irq(&keyboard.lock, irq_flags);
	if (!is_key)
		return;
	report_key(&key, value);
	if (count)
		video_scroll_view(VIDEO_PRESENT);
	type(bytes, count);
	act(action);
}

static void describe_device(void)
{
	input_set_bit(device.event_bits, EV_SYN);
	input_set_bit(device.event_bits, EV_KEY);
	input_set_bit(device.event_bits, EV_LED);
	input_set_bit(device.event_bits, EV_REP);
	input_set_bit(device.led_bits, LED_NUML);
	input_set_bit(device.led_bits, LED_CAPSL);
	input_set_bit(device.led_bits, LED_SCROLLL);
	device.set_led = set_led;
	/* Every key that the decoder knows. */
	for (unsigned byte = 0; byte < 0x80; byte++) {
		struct scancode_decoder decoder = { .extended = false };
		struct key_event key;

		if (scancode_decode(&decoder, byte, &key))
			input_set_bit(device.key_bits, key.code);
		decoder = (struct scancode_decoder){ .extended = true };
		if (scancode_decode(&decoder, byte, &key))
			input_set_bit(device.key_bits, key.code);
	}
}

/* Resets the keyboard and has it send. False when there is none. */
static bool set_up_keyboard(void)
{
	if (!i8042_command(I8042_KEYBOARD, DEVICE_RESET) || i8042_receive(I8042_KEYBOARD, RESET_TIMEOUT_MS) != DEVICE_TEST_PASSED)
		return false;
	if (!i8042_command(I8042_KEYBOARD, DEVICE_SET_SCANCODES) || !i8042_command(I8042_KEYBOARD, SCANCODE_SET))
		log_warning("ps2: the keyboard does not let its scancodes be chosen");
	return i8042_command(I8042_KEYBOARD, DEVICE_ENABLE);
}

const struct keymap *keyboard_keymap(void)
{
	return atomic_load(&keyboard.keymap.map);
}

void keyboard_set_keymap(const struct keymap *map)
{
	uint64_t irq_flags = spin_lock_irq(&keyboard.lock);

	atomic_store(&keyboard.keymap.map, map);
	keyboard.keymap.dead = 0;
	spin_unlock_irq(&keyboard.lock, irq_flags);
}

bool ps2_controller_works;

void keyboard_init(void)
{
	ps2_controller_works = i8042_init();
	if (!ps2_controller_works)
		return;
	keyboard_set_keymap(keymaps[0]);
	int error = i8042_start(I8042_KEYBOARD, receive);

	i8042_begin_polling();
	bool found = !error && set_up_keyboard();

	keyboard.decoder.set2 = !i8042_translates();
	i8042_end_polling();
	if (!found) {
		log_notice("ps2: no keyboard");
		return;
	}
	keymap_init();
	describe_device();
	error = input_register(&device);
	if (error)
		log_error("ps2: the keyboard cannot be registered: error %d", -error);
}
