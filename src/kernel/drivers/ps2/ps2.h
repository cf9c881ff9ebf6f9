/* SPDX-License-Identifier: MIT */
/* The PS/2 controller (i8042), its keyboard and its mouse. */
#pragma once

/* Initialise controller and keyboard; need tty_init(), video_init() and irq_register(). Without a controller: one log line. */
void keyboard_init(void);
/* After keyboard_init(). Without a mouse: nothing. */
void mouse_init(void);
