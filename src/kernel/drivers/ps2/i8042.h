/* SPDX-License-Identifier: MIT */
/* The PS/2 controller: what keyboard.c and mouse.c need of it. */
#pragma once

#include "lib/types.h"

enum i8042_port { I8042_KEYBOARD, I8042_MOUSE };

/* Tests and configures the controller; both ports stay silent. False (and one log line) when there is none that works. */
bool i8042_init(void);
bool i8042_has_mouse_port(void);
bool i8042_translates(void);	/* scancodes arrive in set 1 */

/*
 * A conversation with a device, polled with time-outs, at boot: between begin and end the interrupts of the controller are off.
 * Thread context.
 */
void i8042_begin_polling(void);
void i8042_end_polling(void);
/* Sends a byte and waits for the device's ACK. */
bool i8042_command(enum i8042_port port, uint8_t byte);
/* Waits for a byte of @port, at most @timeout_ms. -1 when none came. */
int i8042_receive(enum i8042_port port, unsigned timeout_ms);

/* Takes over interrupts of @port: @receive gets each byte, in interrupt context. 0 or a negative errno. */
int i8042_start(enum i8042_port port, void (*receive)(uint8_t byte));
/* Sends a byte to the keyboard without waiting for an answer; false when the controller does not take it. Any context. */
bool i8042_send_keyboard(uint8_t byte);
