/* SPDX-License-Identifier: MIT */
/* Limits of io_setup, for /proc/sys/fs. */
#pragma once

/* Requests that all contexts together may be made for. */
enum { AIO_MAX_NR = 65536 };
