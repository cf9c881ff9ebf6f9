/* SPDX-License-Identifier: MIT */
/* Locks of each kind that this process holds on files of its folder, and a child that is refused what conflicts with them. */
#pragma once

/* Makes the files and takes the locks; they are held until the process ends. Once. */
void held_locks_take(void);

/* Each must still be there, for a child that opens the files anew, and a lock that is free must be had. */
void held_locks_check(void);
