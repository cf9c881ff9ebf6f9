/* SPDX-License-Identifier: MIT */
/*
 * The PS/2 controller. Every wait has a bound, because many machines have no controller, or one that a BIOS only pretends to have. The ports are
 * guarded by controller_lock, taken with interrupts off; delivery_lock is taken outside it.
 */
#include "drivers/ps2/i8042.h"
#include "arch/x86_64/io.h"
#include "arch/x86_64/trap.h"
#include "drivers/ps2/i8042_hw.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "sched/clock.h"
#include "sync/spinlock.h"

enum { CONTROLLER_TIMEOUT_MS = 50, SELF_TEST_TIMEOUT_MS = 500, ACK_TIMEOUT_MS = 200, FLUSH_LIMIT = 64, BYTES_PER_INTERRUPT = 16,
       ABSENT = 0xff };

static struct spinlock controller_lock = SPINLOCK_INIT(LOCK_I8042);
static struct spinlock delivery_lock = SPINLOCK_INIT(LOCK_I8042_DELIVERY);	/* interrupts off: bytes reach their receivers one at a time and in order */
static uint8_t config;			/* as written last; changed at boot only */
static bool mouse_port, translating;	/* set at boot */
static void (*receivers[2])(uint8_t byte);	/* set at boot, each before its interrupt is on */

static bool wait_status(uint8_t mask, uint8_t wanted, unsigned timeout_ms)
{
	uint64_t limit = clock_monotonic_ns() + timeout_ms * NS_PER_MS;

	do {
		if ((io_in8(I8042_STATUS) & mask) == wanted)
			return true;
		cpu_relax();
	} while (clock_monotonic_ns() < limit);
	return false;
}

static bool send_command(uint8_t command)
{
	if (!wait_status(STATUS_INPUT_FULL, 0, CONTROLLER_TIMEOUT_MS))
		return false;
	io_out8(I8042_COMMAND, command);
	return true;
}

static bool send_data(uint8_t byte)
{
	if (!wait_status(STATUS_INPUT_FULL, 0, CONTROLLER_TIMEOUT_MS))
		return false;
	io_out8(I8042_DATA, byte);
	return true;
}

static int read_data(unsigned timeout_ms)
{
	return wait_status(STATUS_OUTPUT_FULL, STATUS_OUTPUT_FULL, timeout_ms) ? io_in8(I8042_DATA) : -1;
}

static void flush(void)
{
	for (unsigned i = 0; i < FLUSH_LIMIT && (io_in8(I8042_STATUS) & STATUS_OUTPUT_FULL); i++)
		io_in8(I8042_DATA);
}

static bool write_config(uint8_t value)
{
	config = value;
	return send_command(CONTROLLER_WRITE_CONFIG) && send_data(value);
}

static int read_config(void)
{
	return send_command(CONTROLLER_READ_CONFIG) ? read_data(CONTROLLER_TIMEOUT_MS) : -1;
}

/* A second port shows by its clock line, which the commands to enable and disable it switch. */
static bool find_mouse_port(void)
{
	int value;

	if (!send_command(CONTROLLER_ENABLE_MOUSE))
		return false;
	value = read_config();
	if (value < 0 || (value & CONFIG_MOUSE_OFF))
		return false;
	return send_command(CONTROLLER_DISABLE_MOUSE) && (value = read_config()) >= 0 && (value & CONFIG_MOUSE_OFF);
}

static const char *set_up(void)
{
	int value;

	if (io_in8(I8042_STATUS) == ABSENT)
		return "there is none";
	if (!send_command(CONTROLLER_DISABLE_KEYBOARD) || !send_command(CONTROLLER_DISABLE_MOUSE))
		return "it takes no commands";
	flush();
	value = read_config();
	if (value < 0)
		return "it does not answer";
	value &= ~(CONFIG_KEYBOARD_IRQ | CONFIG_MOUSE_IRQ);
	value |= CONFIG_TRANSLATE | CONFIG_SYSTEM;
	if (!write_config(value))
		return "it takes no commands";
	/* The self-test resets the configuration on some controllers, so that comes again. */
	if (!send_command(CONTROLLER_SELF_TEST) || read_data(SELF_TEST_TIMEOUT_MS) != SELF_TEST_PASSED)
		return "its self-test fails";
	if (!write_config(value) || (value = read_config()) < 0)
		return "it takes no commands";
	translating = value & CONFIG_TRANSLATE;
	mouse_port = find_mouse_port();
	if (!send_command(CONTROLLER_TEST_KEYBOARD) || read_data(CONTROLLER_TIMEOUT_MS) != PORT_TEST_PASSED)
		log_warning("ps2: the keyboard port fails its test");
	return NULL;
}

bool i8042_init(void)
{
	const char *problem = set_up();

	if (problem)
		log_notice("ps2: no keyboard controller: %s", problem);
	else
		log_info("ps2: controller with %s, scancodes %s", mouse_port ? "two ports" : "one port",
			 translating ? "translated to set 1" : "of set 2");
	return !problem;
}

bool i8042_has_mouse_port(void)
{
	return mouse_port;
}

bool i8042_translates(void)
{
	return translating;
}

void i8042_begin_polling(void)
{
	uint64_t irq_flags = spin_lock_irq(&controller_lock);

	write_config(config & ~(CONFIG_KEYBOARD_IRQ | CONFIG_MOUSE_IRQ));
	spin_unlock_irq(&controller_lock, irq_flags);
}

void i8042_end_polling(void)
{
	uint64_t irq_flags = spin_lock_irq(&controller_lock);

	flush();
	write_config(config | (receivers[I8042_KEYBOARD] ? CONFIG_KEYBOARD_IRQ : 0) | (receivers[I8042_MOUSE] ? CONFIG_MOUSE_IRQ : 0));
	spin_unlock_irq(&controller_lock, irq_flags);
}

int i8042_receive(enum i8042_port port, unsigned timeout_ms)
{
	uint64_t limit = clock_monotonic_ns() + timeout_ms * NS_PER_MS;

	do {
		uint8_t status = io_in8(I8042_STATUS);

		if (status & STATUS_OUTPUT_FULL) {
			uint8_t byte = io_in8(I8042_DATA);

			if (!(status & STATUS_FROM_MOUSE) == (port == I8042_KEYBOARD))
				return byte;
		}
		cpu_relax();
	} while (clock_monotonic_ns() < limit);
	return -1;
}

bool i8042_command(enum i8042_port port, uint8_t byte)
{
	enum { TRIES = 3 };

	for (unsigned i = 0; i < TRIES; i++) {
		int answer;

		if (port == I8042_MOUSE && !send_command(CONTROLLER_TO_MOUSE))
			return false;
		if (!send_data(byte))
			return false;
		/* Keys pressed or movement may come before the answer. */
		for (unsigned skipped = 0; skipped < BYTES_PER_INTERRUPT; skipped++) {
			answer = i8042_receive(port, ACK_TIMEOUT_MS);
			if (answer == DEVICE_ACK)
				return true;
			if (answer == DEVICE_RESEND || answer < 0)
				break;
		}
		if (answer < 0)
			return false;
	}
	return false;
}

static bool take_byte(uint8_t *status, uint8_t *byte)
{
	uint64_t irq_flags = spin_lock_irq(&controller_lock);

	*status = io_in8(I8042_STATUS);
	bool full = *status != ABSENT && (*status & STATUS_OUTPUT_FULL);

	if (full)
		*byte = io_in8(I8042_DATA);
	spin_unlock_irq(&controller_lock, irq_flags);
	return full;
}

/* Either interrupt: the bytes say themselves whose they are. */
static void interrupt(void *context)
{
	uint64_t irq_flags = spin_lock_irq(&delivery_lock);

	for (unsigned i = 0; i < BYTES_PER_INTERRUPT; i++) {
		uint8_t status, byte;

		if (!take_byte(&status, &byte))
			break;
		void (*receive)(uint8_t) = receivers[status & STATUS_FROM_MOUSE ? I8042_MOUSE : I8042_KEYBOARD];

		if (receive)
			receive(byte);
	}
	spin_unlock_irq(&delivery_lock, irq_flags);
}

int i8042_start(enum i8042_port port, void (*receive)(uint8_t byte))
{
	bool keyboard = port == I8042_KEYBOARD;
	int error = irq_register(keyboard ? KEYBOARD_IRQ : MOUSE_IRQ, interrupt, NULL, keyboard ? "keyboard" : "mouse");

	if (error)
		return error;
	receivers[port] = receive;
	uint64_t irq_flags = spin_lock_irq(&controller_lock);

	config &= ~(keyboard ? CONFIG_KEYBOARD_OFF : CONFIG_MOUSE_OFF);
	spin_unlock_irq(&controller_lock, irq_flags);
	return 0;
}

bool i8042_send_keyboard(uint8_t byte)
{
	uint64_t irq_flags = spin_lock_irq(&controller_lock);
	bool sent = send_data(byte);

	spin_unlock_irq(&controller_lock, irq_flags);
	return sent;
}
