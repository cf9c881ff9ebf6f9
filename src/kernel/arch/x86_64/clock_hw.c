/* SPDX-License-Identifier: MIT */
/*
 * Time from the TSC, scaled by a fixed-point factor that is measured against the PIT at boot. Emulators and PCs of the last
 * decade have a TSC that runs evenly; nothing here copes with one that does not (unverified on hardware).
 */
#include "arch/x86_64/clock_hw.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/interrupts.h"
#include "arch/x86_64/pit.h"
#include "lib/atomic.h"
#include "lib/log.h"
#include "lib/panic.h"
#include "sched/clock.h"
#include "sync/spinlock.h"
#include "vdso/vdso.h"

enum {
	SETTLE_TICKS = 8,		/* until the counter surely runs */
	CALIBRATION_TICKS = 5966,	/* 5 ms */
	SPINS_MAX = 1000000, SAMPLES = 8, ATTEMPTS = 12,
};

static uint64_t tsc_base, tsc_hz;
static uint64_t seconds_per_cycle;	/* 0.64 fixed point */
static uint64_t cycles_per_ns;		/* 32.32 fixed point */
static uint64_t apic_ticks_per_cycle;	/* 32.32 fixed point */
static uint64_t realtime_offset;	/* realtime = monotonic + offset; atomic, written under realtime_lock */
static struct spinlock realtime_lock = SPINLOCK_INIT(LOCK_REALTIME);

/* The three clocks at one moment. */
struct sample { uint64_t tsc; unsigned pit; uint32_t apic; };

/* The sample of several that took least, because nothing came in between. */
static struct sample take_sample(void)
{
	struct sample best = { 0 };
	uint64_t shortest = UINT64_MAX;

	for (int i = 0; i < SAMPLES; i++) {
		struct sample sample = { .tsc = cpu_read_tsc(), .pit = pit_count() };

		if (interrupts_use_apic())
			sample.apic = apic_timer_count();
		uint64_t taken = cpu_read_tsc() - sample.tsc;

		if (taken < shortest) {
			shortest = taken;
			best = sample;
		}
	}
	return best;
}

static bool wait_for_count(unsigned ticks)
{
	int spins = 0;

	while (pit_count() < ticks && spins < SPINS_MAX)
		spins++;
	return spins < SPINS_MAX;
}

/*
 * Cycles of the TSC and of the APIC's timer in a span of some ms, whose ns it returns. All go on counting when an emulator on a busy host
 * stands still, so only a pause that is longer than what the PIT can count makes it try again.
 */
static uint64_t measure(uint64_t *cycles, uint64_t *apic_ticks)
{
	for (int i = 0; i < ATTEMPTS; i++) {
		struct sample first, last;
		bool counts, expired;

		pit_count_start();
		if (interrupts_use_apic())
			apic_timer_start(UINT32_MAX);
		counts = wait_for_count(SETTLE_TICKS);
		first = take_sample();
		counts &= wait_for_count(first.pit + CALIBRATION_TICKS);
		last = take_sample();
		expired = pit_count_expired();
		pit_count_stop();
		if (!counts || expired || last.pit <= first.pit)
			continue;
		if (interrupts_use_apic())
			apic_timer_start(1);
		*cycles = last.tsc - first.tsc;
		*apic_ticks = first.apic - last.apic;
		return (last.pit - first.pit) * NS_PER_SEC / PIT_HZ;
	}
	panic("the interval timer (8254 PIT) does not count: RaeenOS needs it to measure time");
}

void clock_hw_init(void)
{
	uint64_t cycles, apic_ticks, span = measure(&cycles, &apic_ticks);

	if (!cycles)
		panic("the time stamp counter stands still");
	tsc_hz = cycles * NS_PER_SEC / span;
	seconds_per_cycle = UINT64_MAX / tsc_hz;
	cycles_per_ns = (cycles << 32) / span;
	apic_ticks_per_cycle = (apic_ticks << 32) / cycles;
	tsc_base = cpu_read_tsc();
	clock_set_realtime_ns(rtc_read() * NS_PER_SEC);
	log_info("clock: TSC %lu MHz, events from the %s", (tsc_hz + 500000) / 1000000, interrupts_use_apic() ? "local APIC" : "PIT");
}

uint64_t clock_hw_tsc_hz(void)
{
	return tsc_hz;
}

void clock_hw_describe(uint64_t *base, uint64_t *factor)
{
	*base = tsc_base;
	*factor = seconds_per_cycle;
}

uint64_t clock_hw_cycles_to_ns(uint64_t cycles)
{
	unsigned __int128 seconds = (unsigned __int128)cycles * seconds_per_cycle;

	return (uint64_t)(seconds >> 64) * NS_PER_SEC + (uint64_t)((unsigned __int128)(uint64_t)seconds * NS_PER_SEC >> 64);
}

uint64_t clock_hw_deadline(uint64_t ns)
{
	unsigned __int128 cycles = (unsigned __int128)ns * cycles_per_ns >> 32;

	return MIN(cycles, (unsigned __int128)INT64_MAX) + tsc_base;
}

uint64_t clock_monotonic_ns(void)
{
	return clock_hw_cycles_to_ns(cpu_read_tsc() - tsc_base);
}

uint64_t clock_realtime_ns(void)
{
	return clock_monotonic_ns() + atomic_load(&realtime_offset);
}

void clock_set_realtime_ns(uint64_t ns)
{
	spin_lock(&realtime_lock);
	atomic_store(&realtime_offset, ns - clock_monotonic_ns());
	vdso_set_realtime_offset(realtime_offset);
	spin_unlock(&realtime_lock);
}

void clock_hw_program(uint64_t deadline)
{
	uint64_t now = cpu_read_tsc();
	uint64_t cycles = deadline > now ? MIN(deadline - now, tsc_hz) : 1;

	if (interrupts_use_apic())
		apic_timer_start(((unsigned __int128)cycles * apic_ticks_per_cycle >> 32) + 1);
	else
		pit_start(MIN(cycles * PIT_HZ / tsc_hz + 1, (uint64_t)PIT_MAX_TICKS));
}
