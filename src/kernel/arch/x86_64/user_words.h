/* SPDX-License-Identifier: MIT */
/*
 * Single words of user memory, in line: one instruction each between user_words_begin() and user_words_end(), which open and close user memory
 * (SMAP). The caller has checked that the range lies in user space. A page that is not there is brought, so this may sleep; a bad address goes on at
 * the label given, where user_words_end() is due, too. For the frames of signal handlers, which are long.
 */
#pragma once

#include "lib/types.h"

#define USER_WORDS_SITE(close)						\
	"70:	nopl (%%rax)\n"						\
	"	.pushsection .smap_patch, \"a\"\n"			\
	"71:	.long 70b - 71b, " close "\n"				\
	"	.popsection\n"

#define USER_WORDS_FAULT(label)						\
	"72:\n"								\
	"	.pushsection .user_fixup, \"a\"\n"			\
	"73:	.long 72b - 73b, " label " - 73b\n"			\
	"	.popsection\n"

static inline __attribute__((always_inline)) void user_words_begin(void)
{
	__asm__ volatile(USER_WORDS_SITE("0") ::: "memory");
}

static inline __attribute__((always_inline)) void user_words_end(void)
{
	__asm__ volatile(USER_WORDS_SITE("1") ::: "memory");
}

/* *@place = @value; @place is an lvalue of 8 bytes in user memory. */
#define USER_PUT(place, value, fault)					\
	__asm__ goto(USER_WORDS_FAULT("%l[" #fault "]")			\
		     "	movq %1, %0\n"					\
		     :: "m"(place), "er"((uint64_t)(value)) : "memory" : fault)

/* @value = *@place. The word passes by rax: GCC 12 cannot yet do asm goto with outputs reliably. */
#define USER_GET(value, place, fault)					\
	do {								\
		register uint64_t word_ __asm__("rax");			\
		__asm__ goto(USER_WORDS_FAULT("%l[" #fault "]")		\
			     "	movq %1, %0\n"				\
			     : "=r"(word_) : "m"(place) : : fault);	\
		(value) = word_;					\
	} while (0)

/* The same for 4 bytes. */
#define USER_GET_U32(value, place, fault)				\
	do {								\
		register uint32_t word_ __asm__("eax");			\
		__asm__ goto(USER_WORDS_FAULT("%l[" #fault "]")		\
			     "	movl %1, %0\n"				\
			     : "=r"(word_) : "m"(place) : : fault);	\
		(value) = word_;					\
	} while (0)

/* FXSAVE: the caller's FPU registers to 512 bytes of user memory, 16-byte aligned. */
#define USER_FXSAVE(place, fault)					\
	__asm__ goto(USER_WORDS_FAULT("%l[" #fault "]")			\
		     "	fxsave64 %0\n"					\
		     :: "m"(place) : "memory" : fault)
