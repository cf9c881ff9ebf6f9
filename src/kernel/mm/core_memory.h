/* SPDX-License-Identifier: MIT */
/* What of an address space belongs into a core file. */
#pragma once

#include "mm/address_space.h"

struct frame;

struct core_mapping {
	uint64_t start, end;
	uint64_t kept_end;	/* the file has it from @start to here */
	uint64_t offset;	/* of @start in what is mapped, bytes */
	unsigned prot;
	bool anonymous;		/* where no page is there are zeroes */
};

/* Which mappings are kept: private memory that was written to, shared memory that is no file's, what files have of either; first pages of programs. */
enum { CORE_ANONYMOUS = 1 << 0, CORE_ANONYMOUS_SHARED = 1 << 1, CORE_FILES_PRIVATE = 1 << 2, CORE_FILES_SHARED = 1 << 3, CORE_ELF_HEADERS = 1 << 4 };

/*
 * The first mapping that ends after @addr; false if there is none. @name, of PATH_MAX_LEN bytes, is what it maps a part of, "" for memory without a name.
 * Kept is what @filter (CORE_*) says, the vDSO always. May sleep.
 */
bool core_mapping_find(struct address_space *as, uint64_t addr, unsigned filter, struct core_mapping *mapping, char *name);

/* Where from @addr, in @mapping, on there may be a page: programs reserve more memory than anybody could look at page by page. */
uint64_t core_page_next(struct address_space *as, const struct core_mapping *mapping, uint64_t addr);

/* The page at @addr with a reference, whatever the program itself may do there; NULL for one of zeroes, or that cannot be had. May sleep. */
struct frame *core_page_get(struct address_space *as, uint64_t addr);
