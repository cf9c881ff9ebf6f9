/* SPDX-License-Identifier: MIT */
/*
 * The CSPRNG: ChaCha20 with fast key erasure: each refill makes blocks whose first half block is the next key, so that earlier output cannot
 * be found from the state. Entropy is mixed into the key: RDSEED or RDRAND, the TSC, and what drivers add (timing of interrupts).
 */
#include "security/random.h"
#include "arch/x86_64/cpu.h"
#include "lib/string.h"
#include "security/chacha20.h"
#include "sync/spinlock.h"

/* One block in four goes half to the next key; a smaller pool would spend more of its blocks on keys, a larger one keep more output in memory. */
enum { POOL_BLOCKS = 4, POOL_SIZE = POOL_BLOCKS * CHACHA20_BLOCK_SIZE };
enum { HARDWARE_TRIES = 10, RESEED_REFILLS = 256, JITTER_SAMPLES = 8, JITTER_BOOT = 128 };

static struct spinlock random_lock = SPINLOCK_INIT(LOCK_RANDOM);	/* taken with interrupts off; guards all below */
static uint32_t key[8];
static uint32_t nonce[3];
static uint8_t pool[POOL_SIZE];
static size_t pool_left;
static uint32_t refills;

/* When interrupts came. Each CPU's own, touched with interrupts off. */
static struct jitter { uint64_t samples[JITTER_SAMPLES]; uint32_t count; } jitter[CPU_MAX];

static bool hardware_random(uint64_t *value)
{
	bool ok = false;

	/* RDSEED runs dry when asked often; RDRAND, its seeded generator, practically never does. */
	for (int i = 0; cpu_features.rdseed && !ok && i < HARDWARE_TRIES; i++)
		ok = cpu_rdseed(value);
	for (int i = 0; cpu_features.rdrand && !ok && i < HARDWARE_TRIES; i++)
		ok = cpu_rdrand(value);
	return ok;
}

/* Replaces the key by a block made under it, after mixing @data into the nonce words and key. */
static void mix(const void *data, size_t len)
{
	const uint8_t *bytes = data;
	uint8_t block[CHACHA20_BLOCK_SIZE];

	for (size_t i = 0; i < len; i++)
		((uint8_t *)key)[i % sizeof(key)] ^= bytes[i];
	nonce[2]++;
	chacha20_block(key, 0, nonce, block);
	memcpy(key, block, sizeof(key));
	memset(block, 0, sizeof(block));
}

static void reseed(void)
{
	uint64_t seed[5] = { cpu_read_tsc() };

	for (int i = 1; i < 5; i++)
		if (!hardware_random(&seed[i]))
			seed[i] = cpu_read_tsc();
	mix(seed, sizeof(seed));
}

static void refill(void)
{
	if (refills++ % RESEED_REFILLS == 0)
		reseed();
	for (unsigned i = 0; i < POOL_BLOCKS; i++)
		chacha20_block(key, i, nonce, pool + i * CHACHA20_BLOCK_SIZE);
	nonce[2]++;
	memcpy(key, pool, sizeof(key));
	memset(pool, 0, sizeof(key));
	pool_left = POOL_SIZE - sizeof(key);
}

void random_bytes(void *buf, size_t len)
{
	uint8_t *to = buf;

	while (len) {
		uint64_t flags = spin_lock_irq(&random_lock);
		size_t part;

		if (!pool_left)
			refill();
		part = MIN(len, pool_left);
		memcpy(to, pool + POOL_SIZE - pool_left, part);
		memset(pool + POOL_SIZE - pool_left, 0, part);
		pool_left -= part;
		spin_unlock_irq(&random_lock, flags);
		to += part;
		len -= part;
	}
}

uint64_t random_u64(void)
{
	uint64_t value;

	random_bytes(&value, sizeof(value));
	return value;
}

uint64_t random_below(uint64_t bound)
{
	uint64_t most = bound >> 16 ? UINT64_MAX : UINT32_MAX, limit = most - most % bound, value = 0;

	/* Small bounds make do with few bytes. */
	do
		random_bytes(&value, bound >> 16 ? sizeof(uint64_t) : sizeof(uint32_t));
	while (value >= limit);	/* rejects the uneven rest, so that all results are equally likely */
	return value % bound;
}

void random_add_entropy(const void *data, size_t len)
{
	uint64_t flags = spin_lock_irq(&random_lock), stamp = cpu_read_tsc();

	mix(data, len);
	mix(&stamp, sizeof(stamp));
	spin_unlock_irq(&random_lock, flags);
}

void random_add_timing(void)
{
	struct jitter *own = &jitter[this_cpu()->id];
	uint64_t *sample = &own->samples[own->count % JITTER_SAMPLES];

	*sample = (*sample << 7 | *sample >> 57) ^ cpu_read_tsc();
	own->count++;
	/* Often during boot, where a CPU without RDRAND has nothing else; later now and then. */
	if (own->count % (own->count < JITTER_BOOT ? JITTER_SAMPLES : JITTER_BOOT) == 0)
		random_add_entropy(own->samples, sizeof(own->samples));
}
