/* SPDX-License-Identifier: MIT */
/* Mistakes that the processor must refuse, so that each claim of security/THREATS.md about it can be seen to hold: debug_crash=NAME. */
#include "debug/checks/internal.h"
#include "arch/x86_64/boot_layout.h"
#include "arch/x86_64/cpu.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "mm/address_space.h"
#include "mm/heap.h"

#include <linux/mman.h>

enum { USER_ADDRESS = 0x10000000, RETURN = 0xc3, SMASHED = 16, DEPTH = 1000000 };

static volatile long sink;

/* A page that a program may read, write and execute, in the address space that is loaded from here on. */
static uint64_t enter_program(void)
{
	struct address_space *as = address_space_create();
	unsigned all = PROT_READ | PROT_WRITE | PROT_EXEC;
	uint8_t code = RETURN;

	KASSERT(as && address_space_map(as, USER_ADDRESS, PAGE_SIZE, all, all, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0) == USER_ADDRESS);
	KASSERT(address_space_access(as, USER_ADDRESS, &code, 1, true) == 1);
	preempt_disable();
	cpu_write_cr3(as->root);
	return USER_ADDRESS;
}

static void call(uint64_t address)
{
	void (*function)(void) = (void (*)(void))address;

	__asm__ volatile("" : "+r"(function));
	function();
}

void provoke_smep(void)
{
	call(enter_program());
}

void provoke_smap(void)
{
	sink = *(volatile char *)enter_program();
}

void provoke_write_text(void)
{
	*(volatile char *)provoke_smep = RETURN;
}

void provoke_write_constant(void)
{
	*(volatile char *)&mistakes[0] = 0;
}

void provoke_execute_data(void)
{
	char *code = kmalloc(16);

	memset(code, RETURN, 16);
	call((uint64_t)code);
}

__attribute__((noinline)) static long recurse(long depth)
{
	volatile char frame[256];

	frame[0] = depth;
	if (!depth)
		return 0;
	return recurse(depth - 1) + frame[0];
}

void provoke_stack_overflow(void)
{
	sink = recurse(DEPTH);
}

/* Writes over the canary, which the end of the function compares; the checks see nothing of stacks. */
__attribute__((noinline)) void provoke_stack_smash(void)
{
	volatile char buffer[SMASHED];
	volatile char *at = buffer;

	__asm__ volatile("" : "+r"(at));
	for (int i = 0; i < SMASHED + 24; i++)
		at[i] = 0x41;
}

/* What a handler of exceptions with stacks of their own does when it runs over the end. */
void provoke_exception_stack_overflow(void)
{
	uint64_t *ist = (uint64_t *)((char *)&this_cpu()->tss + offsetof(struct tss, ist));
	uint64_t top;

	memcpy(&top, ist, sizeof(top));
	sink = *(volatile char *)(top - 8192 - 1);
}
