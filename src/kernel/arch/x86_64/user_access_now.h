/* SPDX-License-Identifier: MIT */
/*
 * Inline copies to and from user memory for fast paths that run with preemption off: they never sleep, and a page that is not there, or must not be
 * touched, ends them (mm/page_fault.c). The caller has checked that the range lies in user space, and goes the long way when a copy fails. Like
 * user_copy.asm they put their faulting instructions into the fixup table, and both ends of the access into the SMAP table (user_access.inc).
 */
#pragma once

#include "lib/types.h"

#define USER_ACCESS_SITE(close)						\
	"70:	nopl (%%rax)\n"						\
	"	.pushsection .smap_patch, \"a\"\n"			\
	"71:	.long 70b - 71b, " close "\n"				\
	"	.popsection\n"
#define USER_ACCESS_BEGIN USER_ACCESS_SITE("0")
#define USER_ACCESS_END USER_ACCESS_SITE("1")

/* The next instruction may fault: go on at @label. */
#define USER_FAULTS(label)						\
	"72:\n"								\
	"	.pushsection .user_fixup, \"a\"\n"			\
	"73:	.long 72b - 73b, " label " - 73b\n"			\
	"	.popsection\n"

/* Either may be the address in user space. */
static inline bool user_copy_now(uint64_t to, uint64_t from, size_t len)
{
	size_t left = len / 8;

	__asm__ volatile goto(
		USER_ACCESS_BEGIN
		USER_FAULTS("74f")
		"	rep movsq\n"
		"	mov %k[len], %%ecx\n"
		"	and $7, %%ecx\n"
		USER_FAULTS("74f")
		"	rep movsb\n"
		USER_ACCESS_END
		"	.subsection 1\n"	/* out of the way */
		"74:\n"
		USER_ACCESS_END
		"	jmp %l[fault]\n"
		"	.subsection 0\n"
		: "+D"(to), "+S"(from), "+c"(left) : [len] "r"(len) : "memory" : fault);
	return true;
fault:
	return false;
}

/* Whether all of it was copied. */
static inline bool user_copy_out_now(uaddr_t to, const void *from, size_t len)
{
	return user_copy_now(to, (uint64_t)from, len);
}

static inline bool user_copy_in_now(void *to, uaddr_t from, size_t len)
{
	return user_copy_now((uint64_t)to, from, len);
}

/* The same for whole words. */
static inline bool user_copy_words_out_now(uaddr_t to, const void *from, size_t words)
{
	__asm__ volatile(
		USER_ACCESS_BEGIN
		USER_FAULTS("74f")
		"	rep movsq\n"
		"74:\n"
		USER_ACCESS_END
		: "+D"(to), "+S"(from), "+c"(words) :: "memory");
	return !words;
}

enum { USER_STRING_NOW_MAX = 256 };

/*
 * The words of a string up to the one with its NUL, USER_STRING_NOW_MAX bytes at most. @marks is not zero in the end if all went well, and its lowest bit
 * tells where in the last word the NUL is: a byte is NUL if it borrows when 1 is taken from it, and had no top bit; above the first such the marks may
 * be wrong. A string whose last word reaches into a page that is not there is not read.
 */
#define USER_STRING_WORDS(what)						\
	USER_ACCESS_BEGIN						\
	"75:\n"								\
	USER_FAULTS("79f")						\
	"	mov (%[from],%[at]), %[word]\n"				\
	what								\
	"	lea (%[word],%[minus]), %[marks]\n"			\
	"	not %[word]\n"						\
	"	and %[word], %[marks]\n"				\
	"	and %[tops], %[marks]\n"				\
	"	jnz 79f\n"						\
	"	add $8, %[at]\n"					\
	"	cmp %[max], %[at]\n"					\
	"	jb 75b\n"						\
	"79:\n"								\
	USER_ACCESS_END
#define USER_STRING_INPUTS(from)					\
	[from] "r"(from), [minus] "r"(-0x0101010101010101ull), [tops] "r"(0x8080808080808080ull), [max] "i"(USER_STRING_NOW_MAX)

/* Is the string at @from what was copied to @text? *@same: so many bytes, at least, are the same, a multiple of 8. */
static inline __attribute__((always_inline)) bool user_string_equal_now(const char *text, uaddr_t from, uint64_t *same)
{
	uint64_t word, at = 0, marks = 0;

	__asm__ volatile(
		USER_STRING_WORDS("	cmp %[word], (%[text],%[at])\n"
				  "	jne 79f\n")
		: [at] "+r"(at), [marks] "+r"(marks), [word] "=&r"(word) : [text] "r"(text), USER_STRING_INPUTS(from) : "memory");
	*same = at;
	return marks;
}

/*
 * Copies a string and its NUL, in whole words: @to has room for USER_STRING_NOW_MAX bytes. Those before @at are there already. Returns where the NUL is, or
 * NULL if not all was copied.
 */
static inline char *user_copy_string_now(char *to, uaddr_t from, uint64_t at)
{
	uint64_t word, marks = 0;

	__asm__ volatile(
		USER_STRING_WORDS("	mov %[word], (%[to],%[at])\n")
		: [at] "+r"(at), [marks] "+r"(marks), [word] "=&r"(word) : [to] "r"(to), USER_STRING_INPUTS(from) : "memory");
	return marks ? to + at + ((unsigned)__builtin_ctzll(marks) >> 3) : NULL;
}

#undef USER_STRING_WORDS
#undef USER_STRING_INPUTS
#undef USER_ACCESS_BEGIN
#undef USER_ACCESS_END
#undef USER_ACCESS_SITE
#undef USER_FAULTS
