/* SPDX-License-Identifier: MIT */
/* /proc/cpuinfo. Flag names are those of Linux for the CPUID bits (Intel SDM vol. 2A, CPUID; AMD APM vol. 3, appendix E). */
#include "arch/x86_64/clock_hw.h"
#include "arch/x86_64/cpu.h"
#include "lib/atomic.h"
#include "vfs/procfs/entry.h"

enum cpuid_word { LEAF1_EDX, EXTENDED_EDX, EXTENDED_ECX, LEAF1_ECX, LEAF7_EBX, LEAF7_ECX, WORD_COUNT };

/* The name of each bit from the lowest on, after a space each; nothing after it where Linux tells none. */
static const char *const flag_names[WORD_COUNT] = {
	[LEAF1_EDX] = " fpu vme de pse tsc msr pae mce cx8 apic  sep mtrr pge mca cmov pat pse36  clflush    mmx fxsr sse sse2  ht",
	[EXTENDED_EDX] = "            syscall         nx      pdpe1gb rdtscp  lm",
	[EXTENDED_ECX] = " lahf_lm  svm   abm sse4a",
	[LEAF1_ECX] = " pni pclmulqdq  monitor  vmx    ssse3   fma cx16    pcid  sse4_1 sse4_2 x2apic movbe popcnt tsc_deadline_timer aes xsave"
		"  avx f16c rdrand hypervisor",
	[LEAF7_EBX] = "    bmi1  avx2  smep bmi2 erms invpcid        rdseed adx smap   clflushopt clwb     sha_ni",
	[LEAF7_ECX] = "   umip pku             la57      rdpid",
};

static void read_words(uint32_t words[WORD_COUNT])
{
	uint32_t basic[4], out[4];

	cpuid(0, 0, basic);
	cpuid(1, 0, out);
	words[LEAF1_EDX] = out[3];
	words[LEAF1_ECX] = out[2];
	out[1] = out[2] = 0;
	if (basic[0] >= 7)
		cpuid(7, 0, out);
	words[LEAF7_EBX] = out[1];
	words[LEAF7_ECX] = out[2];
	cpuid(0x80000001, 0, out);
	words[EXTENDED_EDX] = out[3];
	words[EXTENDED_ECX] = out[2];
}

static void show_address_sizes(struct proc_text *text)
{
	uint32_t out[4], physical = 36, virtual = 48;

	cpuid(0x80000000, 0, out);
	if (out[0] >= 0x80000008) {
		cpuid(0x80000008, 0, out);
		physical = out[0] & 0xff;
		virtual = MIN(out[0] >> 8 & 0xff, virtual);	/* five-level paging is not used */
	}
	proc_text_print(text, "address sizes\t: %u bits physical, %u bits virtual\n", physical, virtual);
}

static void show_flags(struct proc_text *text, const char *name, uint32_t bits)
{
	const char *end;

	for (; *name; name = end, bits >>= 1) {
		for (end = name + 1; *end && *end != ' ';)
			end++;
		if (bits & 1 && end > name + 1)
			proc_text_print(text, "%.*s", (int)(end - name), name);
	}
}

/* All are taken to be like the one that boots, each a core of one package. */
static void show_cpu(struct proc_text *text, const struct cpu *cpu, const uint32_t *words)
{
	uint64_t khz = clock_hw_tsc_hz() / 1000;
	unsigned count = cpus_count();

	proc_text_print(text, "processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\nmodel name\t: %s\nstepping\t: %u\n",
			cpu->id, cpu_features.vendor, cpu_features.family, cpu_features.model, cpu_features.brand, cpu_features.stepping);
	proc_text_print(text, "cpu MHz\t\t: %llu.%03llu\nphysical id\t: 0\nsiblings\t: %u\ncore id\t\t: %u\ncpu cores\t: %u\napicid\t\t: %u\n",
			(unsigned long long)(khz / 1000), (unsigned long long)(khz % 1000), count, cpu->id, count, cpu->apic_id);
	proc_text_print(text, "flags\t\t:");
	for (size_t i = 0; i < WORD_COUNT; i++)
		show_flags(text, flag_names[i], words[i]);
	proc_text_print(text, "\n");
	show_address_sizes(text);
	proc_text_print(text, "\n");
}

int proc_show_cpuinfo(struct proc_text *text, const struct proc_subject *subject)
{
	uint32_t words[WORD_COUNT];

	read_words(words);
	for (uint64_t rest = atomic_load(&cpus_online); rest; rest &= rest - 1)
		show_cpu(text, cpus[__builtin_ctzll(rest)], words);
	return 0;
}
