/* SPDX-License-Identifier: MIT */
/* /proc/cpuinfo. Flag names are those of Linux for the CPUID bits (Intel SDM vol. 2A, CPUID; AMD APM vol. 3, appendix E). */
#include "arch/x86_64/clock_hw.h"
#include "arch/x86_64/cpu.h"
#include "lib/atomic.h"
#include "vfs/procfs/entry.h"

enum cpuid_word { LEAF1_EDX, LEAF1_ECX, LEAF7_EBX, LEAF7_ECX, EXTENDED_EDX, EXTENDED_ECX, WORD_COUNT };

/* Pointers to the names would take more than the names. */
static const struct { uint8_t word, bit; char name[sizeof("tsc_deadline_timer")]; } flags[] = {
	{ LEAF1_EDX, 0, "fpu" }, { LEAF1_EDX, 1, "vme" }, { LEAF1_EDX, 2, "de" }, { LEAF1_EDX, 3, "pse" }, { LEAF1_EDX, 4, "tsc" },
	{ LEAF1_EDX, 5, "msr" }, { LEAF1_EDX, 6, "pae" }, { LEAF1_EDX, 7, "mce" }, { LEAF1_EDX, 8, "cx8" }, { LEAF1_EDX, 9, "apic" },
	{ LEAF1_EDX, 11, "sep" }, { LEAF1_EDX, 12, "mtrr" }, { LEAF1_EDX, 13, "pge" }, { LEAF1_EDX, 14, "mca" }, { LEAF1_EDX, 15, "cmov" },
	{ LEAF1_EDX, 16, "pat" }, { LEAF1_EDX, 17, "pse36" }, { LEAF1_EDX, 19, "clflush" }, { LEAF1_EDX, 23, "mmx" },
	{ LEAF1_EDX, 24, "fxsr" }, { LEAF1_EDX, 25, "sse" }, { LEAF1_EDX, 26, "sse2" }, { LEAF1_EDX, 28, "ht" },
	{ EXTENDED_EDX, 11, "syscall" }, { EXTENDED_EDX, 20, "nx" }, { EXTENDED_EDX, 26, "pdpe1gb" }, { EXTENDED_EDX, 27, "rdtscp" },
	{ EXTENDED_EDX, 29, "lm" }, { EXTENDED_ECX, 0, "lahf_lm" }, { EXTENDED_ECX, 2, "svm" }, { EXTENDED_ECX, 5, "abm" },
	{ EXTENDED_ECX, 6, "sse4a" }, { LEAF1_ECX, 0, "pni" }, { LEAF1_ECX, 1, "pclmulqdq" }, { LEAF1_ECX, 3, "monitor" },
	{ LEAF1_ECX, 5, "vmx" }, { LEAF1_ECX, 9, "ssse3" }, { LEAF1_ECX, 12, "fma" }, { LEAF1_ECX, 13, "cx16" }, { LEAF1_ECX, 17, "pcid" },
	{ LEAF1_ECX, 19, "sse4_1" }, { LEAF1_ECX, 20, "sse4_2" }, { LEAF1_ECX, 21, "x2apic" }, { LEAF1_ECX, 22, "movbe" },
	{ LEAF1_ECX, 23, "popcnt" }, { LEAF1_ECX, 24, "tsc_deadline_timer" }, { LEAF1_ECX, 25, "aes" }, { LEAF1_ECX, 26, "xsave" },
	{ LEAF1_ECX, 28, "avx" }, { LEAF1_ECX, 29, "f16c" }, { LEAF1_ECX, 30, "rdrand" }, { LEAF1_ECX, 31, "hypervisor" },
	{ LEAF7_EBX, 3, "bmi1" }, { LEAF7_EBX, 5, "avx2" }, { LEAF7_EBX, 7, "smep" }, { LEAF7_EBX, 8, "bmi2" },
	{ LEAF7_EBX, 9, "erms" }, { LEAF7_EBX, 10, "invpcid" }, { LEAF7_EBX, 18, "rdseed" }, { LEAF7_EBX, 19, "adx" },
	{ LEAF7_EBX, 20, "smap" }, { LEAF7_EBX, 23, "clflushopt" }, { LEAF7_EBX, 24, "clwb" }, { LEAF7_EBX, 29, "sha_ni" },
	{ LEAF7_ECX, 2, "umip" }, { LEAF7_ECX, 3, "pku" }, { LEAF7_ECX, 16, "la57" }, { LEAF7_ECX, 22, "rdpid" },
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
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (words[flags[i].word] >> flags[i].bit & 1)
			proc_text_print(text, " %s", flags[i].name);
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
