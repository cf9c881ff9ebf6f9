/* SPDX-License-Identifier: MIT */
/*
 * A TCG plugin that counts what one CPU executes: from a kernel's entry to the first instruction of a user program, and
 * between the marks (decode.h) that programs execute. Arguments:
 *
 *   out=FILE       where the counts go, a line as soon as it is known
 *   entry=ADDRESS  of the kernel's first instruction, as it runs there (below 4 GiB)
 *   boot-cpu=on    counts only instructions that the CPU which boots executes, as whole translated blocks
 *   mmio=on        counts accesses to device memory too (slow: every access calls us)
 *   profile=FILE   which code was executed: for each count in FILE of out, its first word and then lines of an address and
 *                  a number of instructions, one for each translated block
 *
 * Output: "boot" and the counts from the kernel's entry to the first user instruction; or "marked", the number of start
 * marks, and the counts between start and stop marks.
 *
 * An instruction is counted when it starts. One that faults counts again when it is repeated; one with a REP prefix counts
 * once for each iteration and once more at its end.
 */
#include "decode.h"
#include "qemu_plugin.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT_INSTRUCTIONS = KIND_COUNT, COUNT_MMIO, COUNTS };

/* A translated block; kept for ever, since QEMU does not say when it drops one. */
struct block {
	struct block *next;
	uint64_t address, instructions, at_start, between;
};

PLUGIN_EXPORT int qemu_plugin_version = PLUGIN_API_VERSION;

static uint64_t counts[COUNTS];		/* since power-on */
static uint64_t at_start[COUNTS], between[COUNTS];
static uint64_t starts, entry;
static bool counts_mmio, boot_cpu_only, high_half_seen, boot_done, started;
static FILE *out, *profile;
static struct block *blocks;

static void print(const char *head, const uint64_t *values)
{
	static const char *const names[COUNTS] = { "atomics", "cr3", "invlpg", "ports", "wrmsr", "instructions", "mmio" };

	fputs(head, out);
	for (unsigned i = 0; i < COUNTS; i++)
		fprintf(out, "\t%s=%" PRIu64, names[i], values[i]);
	fputc('\n', out);
	fflush(out);
}

static void start_profile(void)
{
	for (struct block *block = blocks; block; block = block->next)
		block->at_start = block->instructions;
}

static void stop_profile(void)
{
	for (struct block *block = blocks; block; block = block->next)
		block->between += block->instructions - block->at_start;
}

static void write_profile(const char *head)
{
	fprintf(profile, "%s\n", head);
	for (struct block *block = blocks; block; block = block->next) {
		if (block->between)
			fprintf(profile, "%#" PRIx64 "\t%" PRIu64 "\n", block->address, block->between);
		block->between = 0;
	}
	fflush(profile);
}

static void start_counting(void)
{
	memcpy(at_start, counts, sizeof(counts));
	start_profile();
	started = true;
	starts++;
}

static void stop_counting(void)
{
	if (!started)
		return;
	for (unsigned i = 0; i < COUNTS; i++)
		between[i] += counts[i] - at_start[i];
	stop_profile();
	started = false;
}

static void reset(void)
{
	starts = 0;
	started = false;
	memset(between, 0, sizeof(between));
	for (struct block *block = blocks; block; block = block->next)
		block->between = 0;
}

static void report(const char *name)
{
	char head[40];

	snprintf(head, sizeof(head), "%s\tstarts=%" PRIu64, name, starts);
	print(head, between);
	if (profile)
		write_profile(name);
	reset();
}

static void on_entry(unsigned cpu, void *data)
{
	if (boot_done)
		return;
	reset();
	start_counting();
}

/* Called at the translation, and so just before the execution, of the first code of a user program. */
static void on_first_user_code(void)
{
	stop_counting();
	report("boot");
	boot_done = true;
}

static void on_mark(unsigned cpu, void *data)
{
	switch ((enum mark)(uintptr_t)data) {
	case MARK_RESET:
		reset();
		break;
	case MARK_START:
		start_counting();
		break;
	case MARK_STOP:
		stop_counting();
		break;
	case MARK_REPORT:
		report("marked");
		break;
	default:
		break;
	}
}

static void on_memory(unsigned cpu, qemu_plugin_meminfo_t info, uint64_t address, void *data)
{
	struct qemu_plugin_hwaddr *place = qemu_plugin_get_hwaddr(info, address);

	if (place && qemu_plugin_hwaddr_is_io(place))
		counts[COUNT_MMIO]++;
}

/* @instructions of a block are about to be executed. CPU 0 boots. */
static void on_block(unsigned cpu, void *instructions)
{
	if (cpu == 0)
		counts[COUNT_INSTRUCTIONS] += (uintptr_t)instructions;
}

static void watch_instruction(struct qemu_plugin_insn *instruction)
{
	const uint8_t *code = qemu_plugin_insn_data(instruction);
	size_t size = qemu_plugin_insn_size(instruction);
	enum kind kind = decode_kind(code, size);
	enum mark mark = decode_mark(code, size);

	if (entry && !boot_done && qemu_plugin_insn_vaddr(instruction) == entry)
		qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_entry, QEMU_PLUGIN_CB_NO_REGS, NULL);
	if (mark != MARK_NONE)
		qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_mark, QEMU_PLUGIN_CB_NO_REGS, (void *)(uintptr_t)mark);
	if (kind != KIND_OTHER)
		qemu_plugin_register_vcpu_insn_exec_inline(instruction, QEMU_PLUGIN_INLINE_ADD_U64, &counts[kind], 1);
	if (counts_mmio)
		qemu_plugin_register_vcpu_mem_cb(instruction, on_memory, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW, NULL);
	if (!boot_cpu_only)
		qemu_plugin_register_vcpu_insn_exec_inline(instruction, QEMU_PLUGIN_INLINE_ADD_U64, &counts[COUNT_INSTRUCTIONS], 1);
}

static void watch_block(struct qemu_plugin_tb *translated, uint64_t address, size_t instructions)
{
	struct block *block = calloc(1, sizeof(*block));

	if (!block)
		abort();
	block->address = address;
	block->next = blocks;
	blocks = block;
	qemu_plugin_register_vcpu_tb_exec_inline(translated, QEMU_PLUGIN_INLINE_ADD_U64, &block->instructions, instructions);
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
	size_t instructions = qemu_plugin_tb_n_insns(block);
	uint64_t address = qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(block, 0));

	/* Kernels run in the upper half of the address space as soon as they can, and user programs in the lower. */
	if (address >> 63)
		high_half_seen = true;
	else if (high_half_seen && !boot_done)
		on_first_user_code();
	if (boot_cpu_only)
		qemu_plugin_register_vcpu_tb_exec_cb(block, on_block, QEMU_PLUGIN_CB_NO_REGS, (void *)instructions);
	for (size_t i = 0; i < instructions; i++)
		watch_instruction(qemu_plugin_tb_get_insn(block, i));
	if (profile)
		watch_block(block, address, instructions);
}

/* Returns whether @argument is @name=VALUE, and VALUE in *@value. */
static bool take(const char *argument, const char *name, const char **value)
{
	size_t length = strlen(name);

	*value = argument + length + 1;
	return !strncmp(argument, name, length) && argument[length] == '=';
}

PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int count, char **arguments)
{
	const char *value;

	for (int i = 0; i < count; i++) {
		if (take(arguments[i], "out", &value))
			out = fopen(value, "w");
		else if (take(arguments[i], "entry", &value))
			entry = strtoull(value, NULL, 0);
		else if (take(arguments[i], "boot-cpu", &value))
			boot_cpu_only = !strcmp(value, "on");
		else if (take(arguments[i], "mmio", &value))
			counts_mmio = !strcmp(value, "on");
		else if (take(arguments[i], "profile", &value))
			profile = fopen(value, "w");
		else
			return -1;
	}
	if (!out)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
	return 0;
}
