/*
 * lock_owner: which thread holds the lock that another thread waits for, by the memory around the
 * futex, where the C library keeps the owner of its locks. The layouts are those of 64-bit programs.
 * A wrong name is worse than none: what the memory says counts only if all of it fits the lock and
 * the system call. Whether the owner exists is for the caller to check.
 *
 *   glibc  struct __pthread_mutex_s, struct __pthread_rwlock_arch_t, _IO_lock_t and the start of struct
 *          pthread: 2.25 and later
 *   musl   pthread_mutex_t, but for normal mutexes, which keep no owner
 *   kernel the word of a PI futex is its owner: FUTEX_LOCK_PI
 */
#ifndef PQ_PROC_LOCK_OWNER_H
#define PQ_PROC_LOCK_OWNER_H

#include "base/buf.h"
#include "proc/task.h"

/* LOCK_THREAD: a thread, whose end pthread_join waits for. */
enum lock_kind {
	LOCK_UNKNOWN,
	LOCK_MUTEX,
	LOCK_PI,
	LOCK_RWLOCK,
	LOCK_STREAM,
	LOCK_THREAD,
	LOCK_KINDS
};

/* "mutex", "PI-mutex", "rwlock", "stream", "thread"; NULL: unknown. */
const char *lock_kind_name(enum lock_kind kind);

/* The memory that is needed: this much before the futex, and from there on. */
enum { LOCK_BEFORE = 16, LOCK_AFTER = 48 };

/* n bytes of memory from the address `from` on. */
struct lock_memory {
	uint64_t from;
	const char *s;
	size_t n;
};

/* What the memory says. */
struct lock_guess {
	enum lock_kind kind;
	/* thread ID in the pid namespace of the process; 0: the lock keeps none */
	uint32_t owner;
	uint32_t readers; /* of a rwlock without an owner: how many threads hold it */
	bool shared;      /* a thread of another process may be the owner */
	bool sure;        /* it fits so well that the owner may have ended */
	/* of a lock of musl: it counts only if the 8 bytes of memory here are `link` */
	uint64_t link_at, link;
	/* of a stream: the owner is still to be read from its struct pthread, by lock_thread */
	uint64_t thread;
};

/* Whether a thread in this futex(2) may wait for a lock whose owner is known, or for the end of a
 * thread; sets the address of the futex. */
bool lock_may_be(const struct task_call *c, uint64_t *address);

/* Judges the memory around the futex of the call. False if it fits no lock. */
bool lock_judge(const struct task_call *c, const struct lock_memory *m, struct lock_guess *out);

/* Where a struct pthread may have its thread ID, from its start on: offsets, 0 at the end. LOCK_AFTER
 * bytes are read from there. */
extern const unsigned lock_thread_offsets[];

/* Whether these bytes are the thread ID of a struct pthread, and what follows it. Sets the ID. */
bool lock_thread(const struct lock_memory *m, uint64_t at, uint32_t *tid);

/* ---- The text that keeps owners in a recording, a line a lock: "4711 0x7f43b5382000 mutex 4711 4714
 * 0 1". The kernel has no such file. */

struct lock_line {
	uint32_t pid;     /* the process of the thread that waits */
	uint64_t address; /* of the futex */
	enum lock_kind kind;
	uint32_t owner_pid, owner_tid, readers; /* 0: none */
	bool seen;                              /* it was still so when the owner was looked at */
};

void lock_line_print(const struct lock_line *l, struct buf *out);

/* Takes the next line off the text; false at its end. Damaged lines are skipped. */
bool lock_line_next(struct text *rest, struct lock_line *out);

#endif
