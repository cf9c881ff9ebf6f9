/* SPDX-License-Identifier: MIT */
/* What the three kinds of System V IPC have in common: numbers, keys, owners and modes, memory that users pay for, and waiting. */
#pragma once

#include "lib/atomic.h"
#include "lib/rbtree.h"
#include "sync/mutex.h"
#include <asm/msgbuf.h>
#include <asm/sembuf.h>
#include <asm/shmbuf.h>
#include <linux/ipc.h>

struct proc_text;
struct sysv_table;

/* What IPC_STAT tells and IPC_SET is told: by each kind something else, but for how it begins. */
union sysv_status {
	struct ipc64_perm perm;
	struct shmid64_ds shm;
	struct semid64_ds sem;
	struct msqid64_ds msg;
};

struct sysv_number {
	struct rb_node node;
	uint32_t value;
};

/* The first field of a segment, a set or a queue. Its memory is from sysv_alloc(). */
struct sysv_object {
	struct sysv_number index, key;	/* table->lock */
	bool keyed;			/* table->lock: can be found by its key */
	struct sysv_table *table;	/* set once */
	struct refcount *refs;		/* set once; the table has one of them */
	size_t size;			/* set once: bytes, or semaphores */
	int id;				/* set once by the table; -1 before */
	uint32_t uid, gid, cuid, cgid, mode;	/* table->lock */
	int64_t changed;		/* atomic; seconds, wall clock */
};

struct sysv_table {
	struct spinlock lock;		/* guards the next five, and what @taken points to */
	struct rb_tree by_index, by_key;
	unsigned used;			/* how many there are */
	int last;			/* index that was given out last */
	unsigned round;			/* how often indices have begun again: the upper bits of ids */
	/* What follows is set once. */
	unsigned most;
	uint64_t *taken;		/* a bit an index in use, SYSV_WORDS(@most) */
	size_t status_size;
	const char *columns;		/* of the list in /proc, behind the key's */
	/* A new object of @size and with @flags as they were given to the call; the caller's reference. Or an error (sysv_error_of). */
	struct sysv_object *(*make)(size_t size, int flags);
	/* The last reference is gone. May sleep. */
	void (*end)(struct sysv_object *object);
	/* Fills in the status, but for perm. May sleep. */
	void (*describe)(struct sysv_object *object, union sysv_status *status);
	void (*print)(struct proc_text *text, const struct sysv_object *object, const union sysv_status *status);	/* its columns */
	/* IPC_SET, if there is more to do than sysv_change(); and IPC_RMID. 0 or a negative errno. May sleep. */
	int (*change)(struct sysv_object *object, const union sysv_status *status);
	int (*remove)(struct sysv_object *object);
};
#define SYSV_WORDS(most) (((most) + 63) / 64)
#define SYSV_TABLE_INIT .lock = SPINLOCK_INIT(LOCK_SYSV), .last = -1

/* An object or a negative errno in place of it: small code, as nobody's address is taken for an error. */
static inline int sysv_error_of(const void *object) { return (uintptr_t)object >= (uintptr_t)-PAGE_SIZE ? (int)(intptr_t)object : 0; }
static inline void *sysv_error(int error) { return (void *)(intptr_t)error; }

/* Beside the bits of a mode, what sysv_find() is to look for. */
enum { SYSV_OWNER = 1 << 16, SYSV_BY_INDEX = 1 << 17 };

/* shmget, semget, msgget: the id, or a negative errno. */
long sysv_get(struct sysv_table *table, int key, size_t size, int flags);

/*
 * The object of that @id, of which the caller may do what the bits of @wanted say (as of a mode, in any place), or which is his (SYSV_OWNER); with a
 * reference. Or an error (sysv_error_of).
 */
struct sysv_object *sysv_find(struct sysv_table *table, int id, unsigned wanted);
/* The object with the lowest index from @index on, with a reference; NULL. */
struct sysv_object *sysv_next(struct sysv_table *table, unsigned index);
static inline unsigned sysv_index(const struct sysv_object *object) { return object->index.value; }
/* The highest index in use, 0 without any. */
int sysv_highest(struct sysv_table *table);
/* The calling thread may use objects of these kinds at all, and holds @capabilities. */
bool sysv_allowed(uint64_t capabilities);
bool sysv_permits(struct sysv_object *object, unsigned wanted);
static inline void sysv_get_object(struct sysv_object *object) { refcount_get(object->refs); }
void sysv_put(struct sysv_object *object);	/* may sleep */

/* Fills in what a new @object has of the caller. Its index and id come later. */
void sysv_init(struct sysv_object *object, struct sysv_table *table, struct refcount *refs, size_t size, int flags);
/* Nobody finds it by its key any more. */
void sysv_forget_key(struct sysv_object *object);
/* Nobody finds it at all; its id may be another's. The table's reference is the caller's now. */
void sysv_remove(struct sysv_object *object);

/* The commands that all kinds have: IPC_STAT and its relatives (@wanted is for sysv_find), IPC_SET, IPC_RMID. */
long sysv_tell(struct sysv_table *table, int id, unsigned wanted, uaddr_t to);
long sysv_control(struct sysv_table *table, int id, int command, uaddr_t from);
/* The lines of /proc/sysvipc; 0, or -EPERM as IPC_STAT. */
int sysv_show(struct sysv_table *table, struct proc_text *text);

/* Gives @object another owner and mode. 0 or -EINVAL. */
int sysv_change(struct sysv_object *object, const struct ipc64_perm *perm);
/* Changes further bits of a mode; returns what it was. */
unsigned sysv_change_mode(struct sysv_object *object, unsigned clear, unsigned set);

int64_t sysv_now(void);		/* seconds, wall clock */
int sysv_own_pid(void);		/* of the calling process; 0 in kernel threads */

/*
 * Memory of the kernel's, cleared, for which the caller's user pays until it is freed; NULL where he has too much already (a sixteenth of the machine's, but
 * for root with SYS_ADMIN), or there is none. Does not sleep.
 */
void *sysv_alloc(size_t size);
void sysv_free(void *memory);	/* NULL is fine */
/* The user who pays for @memory pays for @bytes of programs' memory, too, or (negative) no more. False: half of the machine's is the most. */
bool sysv_charge_pages(void *memory, long bytes);

/* ---- Waiting in an object whose lock is a mutex, until somebody else has decided what comes of it ---- */

enum { SYSV_UNDECIDED = 1, SYSV_AGAIN = 2 };	/* results beside 0 and negative errnos: none yet; the caller is to try again */

/* On the stack of who waits. Everything is guarded by the object's lock. */
struct sysv_sleeper {
	struct list link;	/* alone once it is decided */
	int pid;
	int result;		/* read atomically without the lock */
	struct wait_queue wake;
};

/* Waits among @sleepers; @lock is held, and let go meanwhile. What was decided, or -ETIMEDOUT, or -ERESTARTSYS after a signal. */
int sysv_sleep(struct sysv_sleeper *sleeper, struct list *sleepers, struct mutex *lock, uint64_t deadline);
void sysv_decide(struct sysv_sleeper *sleeper, int result);
void sysv_decide_all(struct list *sleepers, int result);
