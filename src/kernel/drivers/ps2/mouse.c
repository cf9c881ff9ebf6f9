/* SPDX-License-Identifier: MIT */
/* The PS/2 mouse: /dev/input/event1 and its share of /dev/input/mice. */
#include "drivers/input/input.h"
#include "drivers/ps2/i8042.h"
#include "drivers/ps2/i8042_hw.h"
#include "drivers/ps2/mouse_packet.h"
#include "drivers/ps2/ps2.h"
#include "drivers/ps2/ps2_state.h"
#include "lib/log.h"
#include "sched/clock.h"

enum { RESET_TIMEOUT_MS = 1000, ID_TIMEOUT_MS = 100, ID_WHEEL = 3, SAMPLE_RATE = 100, RESOLUTION_8_PER_MM = 3,
       PACKET_GAP_MS = 200 /* bytes further apart do not belong together: one was lost */ };

/* Touched by receive() only, and i8042.c gives it one byte at a time. */
static struct mouse_decoder decoder;
static unsigned last_buttons;
static uint64_t last_byte_ns;

static struct input_device device = {
	.name = "PS/2 mouse", .phys = "isa0060/serio1/input0", .id = { .bus = BUS_I8042, .vendor = 2, .product = 1 },
	.lock = SPINLOCK_INIT(LOCK_INPUT_DEVICE), .clients = LIST_INIT(device.clients),
};

static void report_buttons(unsigned buttons)
{
	static const uint16_t codes[] = { BTN_LEFT, BTN_RIGHT, BTN_MIDDLE };

	for (unsigned i = 0; i < ARRAY_LEN(codes); i++)
		if ((buttons ^ last_buttons) & 1 << i)
			input_report(&device, EV_KEY, codes[i], buttons >> i & 1);
	last_buttons = buttons;
}

static void receive(uint8_t byte)
{
	struct mouse_packet packet;
	uint64_t now = clock_monotonic_ns();

	if (now - last_byte_ns > PACKET_GAP_MS * NS_PER_MS)
		decoder.count = 0;
	last_byte_ns = now;
	if (!mouse_decode(&decoder, byte, &packet))
		return;
	report_buttons(packet.buttons);
	if (packet.dx)
		input_report(&device, EV_REL, REL_X, packet.dx);
	if (packet.dy)
		input_report(&device, EV_REL, REL_Y, packet.dy);
	if (packet.wheel)
		input_report(&device, EV_REL, REL_WHEEL, packet.wheel);
	input_report(&device, EV_SYN, SYN_REPORT, 0);
	mice_report(packet.dx, packet.dy, packet.wheel, packet.buttons);
}

static bool command_with(uint8_t command, uint8_t value)
{
	return i8042_command(I8042_MOUSE, command) && i8042_command(I8042_MOUSE, value);
}

/* A mouse with a wheel says so after three sample rates that no one would set in this order. */
static bool knock_for_wheel(void)
{
	return command_with(DEVICE_SET_RATE, 200) && command_with(DEVICE_SET_RATE, 100) && command_with(DEVICE_SET_RATE, 80) &&
	       i8042_command(I8042_MOUSE, DEVICE_IDENTIFY) && i8042_receive(I8042_MOUSE, ID_TIMEOUT_MS) == ID_WHEEL;
}

static bool set_up_mouse(void)
{
	if (!i8042_command(I8042_MOUSE, DEVICE_RESET) || i8042_receive(I8042_MOUSE, RESET_TIMEOUT_MS) != DEVICE_TEST_PASSED ||
	    i8042_receive(I8042_MOUSE, ID_TIMEOUT_MS) < 0)
		return false;
	decoder.wheel = knock_for_wheel();
	command_with(DEVICE_SET_RESOLUTION, RESOLUTION_8_PER_MM);
	command_with(DEVICE_SET_RATE, SAMPLE_RATE);
	return i8042_command(I8042_MOUSE, DEVICE_ENABLE);
}

static void describe_device(void)
{
	input_set_bit(device.event_bits, EV_SYN);
	input_set_bit(device.event_bits, EV_KEY);
	input_set_bit(device.event_bits, EV_REL);
	input_set_bit(device.key_bits, BTN_LEFT);
	input_set_bit(device.key_bits, BTN_RIGHT);
	input_set_bit(device.key_bits, BTN_MIDDLE);
	input_set_bit(device.relative_bits, REL_X);
	input_set_bit(device.relative_bits, REL_Y);
	if (decoder.wheel)
		input_set_bit(device.relative_bits, REL_WHEEL);
	device.id.product = decoder.wheel ? 5 : 1;
}

void mouse_init(void)
{
	mice_init();
	if (!ps2_controller_works || !i8042_has_mouse_port())
		return;
	int error = i8042_start(I8042_MOUSE, receive);

	i8042_begin_polling();
	bool found = !error && set_up_mouse();

	if (found)
		describe_device();
	i8042_end_polling();
	if (!found) {
		log_notice("ps2: no mouse");
		return;
	}
	error = input_register(&device);
	if (error)
		log_error("ps2: the mouse cannot be registered: error %d", -error);
	else
		log_info("ps2: mouse %s wheel", decoder.wheel ? "with" : "without");
}
