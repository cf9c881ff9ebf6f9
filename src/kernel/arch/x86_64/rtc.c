/* SPDX-License-Identifier: MIT */
/* The CMOS real-time clock (Motorola MC146818 datasheet), read once at boot and taken as UTC. */
#include "arch/x86_64/clock_hw.h"
#include "arch/x86_64/io.h"
#include "lib/string.h"

enum {
	CMOS_INDEX = 0x70, CMOS_DATA = 0x71, STATUS_A = 0x0a, STATUS_B = 0x0b, UPDATING = 0x80, BINARY = 0x04, HOURS_24 = 0x02, PM = 0x80,
	SPINS_MAX = 1000000,
};

struct rtc_fields { uint8_t second, minute, hour, day, month, year; };

static uint8_t cmos(uint8_t index)
{
	io_out8(CMOS_INDEX, index);
	return io_in8(CMOS_DATA);
}

static void read_fields(struct rtc_fields *fields)
{
	for (int i = 0; i < SPINS_MAX && cmos(STATUS_A) & UPDATING; i++)
		;
	*fields = (struct rtc_fields){ cmos(0), cmos(2), cmos(4), cmos(7), cmos(8), cmos(9) };
}

static uint8_t from_bcd(uint8_t value)
{
	return (value >> 4) * 10 + (value & 15);
}

static uint64_t days_since_1970(unsigned year, unsigned month, unsigned day)
{
	static const uint16_t before[12] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
	uint64_t days = (year - 1970) * 365ull + (year - 1969) / 4 + before[month - 1] + day - 1;

	if (year % 4 == 0 && month > 2)
		days++;
	return days;	/* right until 2099: the CMOS year has two digits */
}

uint64_t rtc_read(void)
{
	struct rtc_fields first, second;
	uint8_t status = cmos(STATUS_B);
	bool pm;

	read_fields(&second);
	for (int i = 0; i < 10; i++) {	/* twice the same: not caught in the middle of an update */
		first = second;
		read_fields(&second);
		if (memcmp(&first, &second, sizeof(first)) == 0)
			break;
	}
	pm = !(status & HOURS_24) && first.hour & PM;
	first.hour &= ~PM;
	if (!(status & BINARY))
		first = (struct rtc_fields){ from_bcd(first.second), from_bcd(first.minute), from_bcd(first.hour), from_bcd(first.day),
					     from_bcd(first.month), from_bcd(first.year) };
	if (!(status & HOURS_24))
		first.hour = first.hour % 12 + (pm ? 12 : 0);
	if (first.month < 1 || first.month > 12 || first.day < 1 || first.day > 31 || first.hour > 23)
		return 0;
	return ((days_since_1970(2000 + first.year, first.month, first.day) * 24 + first.hour) * 60 + first.minute) * 60 + first.second;
}
