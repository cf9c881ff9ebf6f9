/* SPDX-License-Identifier: MIT */
/* Numbers of socket(2); the headers that programs share with the kernel leave these to the C library. */
#pragma once

enum { FAMILY_UNSPECIFIED = 0, FAMILY_UNIX = 1, FAMILY_INET = 2, FAMILY_INET6 = 10, FAMILY_NETLINK = 16, FAMILY_PACKET = 17 };
enum { TYPE_STREAM = 1, TYPE_DATAGRAM = 2, TYPE_RAW = 3, TYPE_SEQPACKET = 5, TYPE_MASK = 0xf, TYPE_MAX = 11 };
enum { ADDRESS_MAX = 128 };
