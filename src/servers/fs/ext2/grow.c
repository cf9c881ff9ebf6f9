/* SPDX-License-Identifier: MIT */
#include "internal.h"

int ext2_grow(struct ext2_txn *txn)
{
	(void)txn;
	return -EOPNOTSUPP;
}
