/* SPDX-License-Identifier: MIT */
/*
 * Where path_constants (vfs/path_split.h) are: constants to all who use them, and to the compiler; but one is written once, so it must not know the value
 * here either.
 */
#pragma once

#define PATH_CONSTANTS __asm__(	\
	"	.pushsection .data\n"	\
	"	.balign 32\n"	\
	"	.globl path_constants\n"	\
	"	.hidden path_constants\n"	\
	"path_constants:\n"	\
	"	.quad 0x0101010101010101, 0x8080808080808080, 0x2f2f2f2f2f2f2f2f\n"	\
	"path_hash_factor:\n"	\
	"	.quad 0x9e3779b97f4a7c15\n"	\
	"	.popsection\n")

#define PATH_SET_FACTOR(value) __asm__ volatile("movq %0, path_hash_factor(%%rip)" :: "r"(value) : "memory")
