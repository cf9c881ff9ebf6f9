/* SPDX-License-Identifier: MIT */
/* CPU features: detection (Intel SDM vol. 2A, CPUID) and the control-register bits that go with them. */
#include "arch/x86_64/features.h"
#include "arch/x86_64/early.h"
#include "arch/x86_64/fpu.h"
#include "arch/x86_64/page_clear.h"
#include "lib/log.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/user_copy.h"

enum {
	CR4_PGE = 1 << 7, CR4_OSFXSR = 1 << 9, CR4_OSXMMEXCPT = 1 << 10, CR4_UMIP = 1 << 11, CR4_OSXSAVE = 1 << 18,
	CR4_SMEP = 1 << 20, CR4_SMAP = 1 << 21,
	CR0_MP = 1 << 1, CR0_EM = 1 << 2, CR0_TS = 1 << 3, CR0_NE = 1 << 5,
};

struct cpu_features cpu_features;
bool page_clear_by_sse;

/* Intel sets the name to the right of its field, AMD to the left. */
static void trim(char *text)
{
	size_t first = 0, len = strlen(text);

	while (text[first] == ' ')
		first++;
	while (len > first && text[len - 1] == ' ')
		len--;
	memmove(text, text + first, len - first);
	text[len - first] = 0;
}

static void read_names(void)
{
	uint32_t out[4];

	cpuid(0, 0, out);
	memcpy(cpu_features.vendor, &out[1], 4);
	memcpy(cpu_features.vendor + 4, &out[3], 4);
	memcpy(cpu_features.vendor + 8, &out[2], 4);
	cpuid(0x80000000, 0, out);
	if (out[0] >= 0x80000004)
		for (uint32_t i = 0; i < 3; i++) {
			cpuid(0x80000002 + i, 0, out);
			memcpy(cpu_features.brand + i * 16, out, 16);
		}
	trim(cpu_features.brand);
}

static void read_flags(void)
{
	uint32_t basic[4], leaf1[4], leaf7[4] = { 0 }, leafd[4] = { 0 }, extended[4];

	cpuid(0, 0, basic);
	cpuid(1, 0, leaf1);
	cpuid(0x80000001, 0, extended);
	if (basic[0] >= 7)
		cpuid(7, 0, leaf7);
	if (basic[0] >= 0xd)
		cpuid(0xd, 1, leafd);
	cpu_features.stepping = leaf1[0] & 15;
	cpu_features.model = (leaf1[0] >> 4 & 15) | (leaf1[0] >> 12 & 0xf0);
	cpu_features.family = (leaf1[0] >> 8 & 15) + ((leaf1[0] >> 8 & 15) == 15 ? leaf1[0] >> 20 & 255 : 0);
	cpu_features.pge = leaf1[3] & 1 << 13;
	cpu_features.pat = leaf1[3] & 1 << 16;
	cpu_features.xsave = leaf1[2] & 1 << 26;
	cpu_features.rdrand = leaf1[2] & 1 << 30;
	cpu_features.smep = leaf7[1] & 1 << 7;
	cpu_features.erms = leaf7[1] & 1 << 9;
	cpu_features.rdseed = leaf7[1] & 1 << 18;
	cpu_features.smap = leaf7[1] & 1 << 20;
	cpu_features.umip = leaf7[2] & 1 << 2;
	cpu_features.xsaveopt = leafd[0] & 1;
	cpu_features.nx = extended[3] & 1 << 20;
	cpu_features.page_1g = extended[3] & 1 << 26;
}

static void require(bool present, const char *what)
{
	static char why[160];

	if (present)
		return;
	snprintf(why, sizeof(why), "this CPU (%s) has no %s, which RaeenOS needs",
		 cpu_features.brand[0] ? cpu_features.brand : cpu_features.vendor, what);
	early_fail(why);
}

static void check_minimum(void)
{
	uint32_t leaf1[4], extended[4];

	cpuid(1, 0, leaf1);
	cpuid(0x80000001, 0, extended);
	require(leaf1[3] & 1 << 4, "time stamp counter (tsc)");
	require(leaf1[3] & 1 << 5, "model specific registers (msr)");
	require(leaf1[3] & 1 << 8, "cmpxchg8b (cx8)");
	require(leaf1[3] & 1 << 24, "fxsave (fxsr)");
	require(leaf1[3] & 1 << 26, "SSE2");
	require(extended[3] & 1 << 11, "SYSCALL instruction");
	require(cpu_features.nx, "no-execute pages (nx)");
	require(cpu_features.pat, "page attribute table (pat)");
}

void features_init_cpu(void)
{
	uint64_t cr0, cr4;

	__asm__ volatile("movq %%cr0, %0" : "=r"(cr0));
	cr0 = (cr0 & ~(uint64_t)(CR0_EM | CR0_TS)) | CR0_MP | CR0_NE;
	__asm__ volatile("movq %0, %%cr0" :: "r"(cr0));
	__asm__ volatile("movq %%cr4, %0" : "=r"(cr4));
	cr4 |= CR4_OSFXSR | CR4_OSXMMEXCPT;
	if (cpu_features.pge)
		cr4 |= CR4_PGE;
	if (cpu_features.smep)
		cr4 |= CR4_SMEP;
	if (cpu_features.smap)
		cr4 |= CR4_SMAP;
	if (cpu_features.umip)
		cr4 |= CR4_UMIP;
	if (cpu_features.xsave)
		cr4 |= CR4_OSXSAVE;
	__asm__ volatile("movq %0, %%cr4" :: "r"(cr4));
	fpu_init_cpu();
}

void features_init(void)
{
	read_names();
	read_flags();
	check_minimum();
	if (cpu_features.smap)
		smap_patch_apply();
	features_init_cpu();
	fpu_init();
	page_clear_by_sse = !cpu_features.erms;
	log_info("cpu: %s%s%s%s%s%s%s", cpu_features.brand[0] ? cpu_features.brand : cpu_features.vendor,
		 cpu_features.nx ? ", nx" : "", cpu_features.smep ? ", smep" : "", cpu_features.smap ? ", smap" : "",
		 cpu_features.umip ? ", umip" : "", cpu_features.rdrand ? ", rdrand" : "", cpu_features.xsave ? ", xsave" : "");
}
