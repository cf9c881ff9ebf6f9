/* SPDX-License-Identifier: MIT */
/* Mistakes made on purpose, one of each kind that the debug build must report. Each leaves the kernel sound when its report returns. */
#include "debug/checks/internal.h"
#include "init/boot_info.h"
#include "lib/log.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "mm/frame_records.h"
#include "mm/heap.h"
#include "sync/mutex.h"

enum { ODD_SIZE = 13 };		/* the heap rounds it up, so that a byte behind it belongs to nobody */

static char global_array[ODD_SIZE];
static int int_max = INT32_MAX, shift_count = 40, zero;
static volatile long sink;

/* The compiler must not see through the mistakes. */
static void *hidden(void *pointer)
{
	__asm__ volatile("" : "+r"(pointer));
	return pointer;
}

static int hidden_int(int value)
{
	__asm__ volatile("" : "+r"(value));
	return value;
}

static void heap_overflow(void)
{
	char *object = kmalloc(ODD_SIZE);

	((volatile char *)hidden(object))[ODD_SIZE] = 1;
	kfree(object);
}

static void heap_underflow(void)
{
	char *object = kmalloc(64);

	sink = ((volatile char *)hidden(object))[-1];
	kfree(object);
}

static void large_overflow(void)
{
	char *object = kmalloc(2 * PAGE_SIZE);

	((volatile char *)hidden(object))[2 * PAGE_SIZE] = 1;
	kfree(object);
}

static void string_overflow(void)
{
	char *object = kmalloc(ODD_SIZE);

	memset(hidden(object), 1, ODD_SIZE + 1);
	kfree(object);
}

static void use_after_free(void)
{
	char *object = kmalloc(100);

	kfree(object);
	sink = *(volatile char *)hidden(object);
}

static void double_free(void)
{
	char *object = kmalloc(100);

	kfree(object);
	kfree(hidden(object));
}

static void frame_use_after_free(void)
{
	struct frame *frame = frame_alloc(FRAME_KERNEL);

	frame_put(frame);
	sink = *(volatile char *)frame_virt(frame);
}

static void global_overflow(void)
{
	sink = ((volatile char *)hidden(global_array))[ODD_SIZE];
}

static void sleep_under_spinlock(void)
{
	struct spinlock lock = SPINLOCK_INIT(LOCK_TEST_SPIN);
	struct mutex mutex = MUTEX_INIT(mutex, LOCK_TEST_INNER);

	spin_lock(&lock);
	mutex_lock(&mutex);
	mutex_unlock(&mutex);
	spin_unlock(&lock);
}

static void signed_overflow(void)
{
	sink = hidden_int(int_max) + 1;
}

static void shift(void)
{
	sink = 1 << hidden_int(shift_count);
}

static void array_index(void)
{
	static const int table[4];

	sink = table[hidden_int(4) - hidden_int(zero)];
}

static void misaligned(void)
{
	static uint64_t words[2];

	sink = *(volatile uint64_t *)hidden((char *)words + 1);
}

const struct mistake mistakes[] = {
	{ "heap-overflow", heap_overflow, "address check: heap-buffer-overflow: write of 1 bytes" },
	{ "heap-underflow", heap_underflow, "address check: heap-buffer-overflow: read of 1 bytes" },
	{ "large-overflow", large_overflow, "address check: heap-buffer-overflow: write of 1 bytes" },
	{ "string-overflow", string_overflow, "address check: heap-buffer-overflow: write of 14 bytes" },
	{ "use-after-free", use_after_free, "address check: heap-use-after-free: read of 1 bytes" },
	{ "double-free", double_free, "heap: double-free" },
	{ "frame-use-after-free", frame_use_after_free, "address check: use of a free frame" },
	{ "global-overflow", global_overflow, "address check: global-buffer-overflow" },
	{ "sleep-under-spinlock", sleep_under_spinlock, "sleep check: preemption is off (1) in sleep_under_spinlock" },
	{ "signed-overflow", signed_overflow, "undefined behaviour: signed overflow: addition" },
	{ "shift", shift, "undefined behaviour: shift" },
	{ "array-index", array_index, "undefined behaviour: array index 4" },
	{ "misaligned", misaligned, "undefined behaviour: misaligned pointer" },
	{ "spin-twice", provoke_spin_twice, "lock check: taken twice: test_spin" },
	{ "spin-release", provoke_spin_release, "lock check: released by who does not hold it: test_spin" },
	{ "spin-order", provoke_spin_order, "lock check: out of order: test_spin" },
	{ "spin-two", provoke_spin_two, "lock check: two of one class: test_spin" },
	{ "spin-interrupts", provoke_spin_interrupts, "lock check: interrupts are on: test_irq" },
	{ "spin-unclassed", provoke_spin_unclassed, "lock check: no class: unclassed" },
	{ "spin-in-interrupt", provoke_spin_in_interrupt, "lock check: in an interrupt handler: test_spin" },
	{ "mutex-twice", provoke_mutex_twice, "lock check: taken twice: test_outer" },
	{ "mutex-order", provoke_mutex_order, "lock check: out of order: test_outer" },
	{ "mutex-addresses", provoke_mutex_addresses, "lock check: two of one class: test_inner" },
	{ "rwlock-release", provoke_rwlock_release, "lock check: released by who does not hold it: test_outer" },
	{ "user-copy", provoke_user_copy, "lock check: access to user memory: address_space" },
	{ "free-held", provoke_free_held, "lock check: freed while held: test_inner" },
	{ "spin-forever", provoke_spin_forever, NULL },
	{ "exit-held", provoke_exit_held, NULL },
	{ "return-held", provoke_return_held, NULL },
	{ "smep", provoke_smep, NULL },
	{ "smap", provoke_smap, NULL },
	{ "write-text", provoke_write_text, NULL },
	{ "write-constant", provoke_write_constant, NULL },
	{ "execute-data", provoke_execute_data, NULL },
	{ "stack-overflow", provoke_stack_overflow, NULL },
	{ "stack-smash", provoke_stack_smash, NULL },
	{ "exception-stack-overflow", provoke_exception_stack_overflow, NULL },
};
const size_t mistake_count = ARRAY_LEN(mistakes);

void checks_provoke_from_command_line(void)
{
	char name[32];

	if (!command_line_get("debug_crash", name, sizeof(name)))
		return;
	for (size_t i = 0; i < mistake_count; i++) {
		if (strcmp(mistakes[i].name, name) == 0) {
			mistakes[i].make();
			if (mistakes[i].make == provoke_return_held)	/* noticed when the program goes on */
				return;
			panic("debug_crash=%s was not noticed", name);
		}
	}
	log_error("debug_crash=%s: there is no such mistake", name);
}
