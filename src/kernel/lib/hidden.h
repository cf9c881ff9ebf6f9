/* SPDX-License-Identifier: MIT */
/*
 * Included before every file (Makefile): declarations are hidden too, so that the compiler addresses symbols of other files
 * relative to RIP and never through the GOT, which early boot could not use before relocation.
 */
#pragma GCC visibility push(hidden)
