/* Owners of locks: the layouts of the C libraries' locks, and the text that keeps owners. */
#include "proc/lock_owner.h"

#include <stdio.h>
#include <string.h>

/* linux/futex.h */
enum {
	FUTEX_WAIT = 0,
	FUTEX_LOCK_PI = 6,
	FUTEX_WAIT_BITSET = 9,
	FUTEX_LOCK_PI2 = 13,
	FUTEX_PRIVATE = 128,
	FUTEX_CLOCK_REALTIME = 256
};

static const uint32_t waiters_bit = 0x80000000, died_bit = 0x40000000, tid_mask = 0x3fffffff;

/* The largest thread ID of 64-bit Linux. */
enum { TID_MOST = 1 << 22 };

static bool
is_tid(uint32_t v)
{
	return v > 0 && v <= TID_MOST;
}

const char *
lock_kind_name(enum lock_kind kind)
{
	static const char *const names[] = { [LOCK_MUTEX] = "mutex",
		[LOCK_PI] = "PI-mutex",
		[LOCK_RWLOCK] = "rwlock",
		[LOCK_STREAM] = "stream",
		[LOCK_THREAD] = "thread" };

	return names[kind];
}

/* ---- The system call */

static uint64_t
operation(const struct task_call *c)
{
	return c->arg[1] & ~(uint64_t)(FUTEX_PRIVATE | FUTEX_CLOCK_REALTIME);
}

static bool
is_private(const struct task_call *c)
{
	return c->arg[1] & FUTEX_PRIVATE;
}

static uint32_t
expected(const struct task_call *c)
{
	return (uint32_t)c->arg[2];
}

/* Locks of glibc have the value 2 while somebody waits, 3 in a rwlock; of musl, and robust ones, the
 * owner and a bit; a thread that is waited for, its ID. */
bool
lock_may_be(const struct task_call *c, uint64_t *address)
{
	uint32_t v = expected(c);
	uint64_t op = operation(c);

	*address = c->arg[0];
	if (c->arg[0] % 4 != 0 || c->arg[0] < 4096)
		return false;
	if (op == FUTEX_LOCK_PI || op == FUTEX_LOCK_PI2)
		return true;
	if (op != FUTEX_WAIT && op != FUTEX_WAIT_BITSET)
		return false;
	return v == 2 || v == 3 || (v & waiters_bit && is_tid(v & tid_mask)) ||
	    (!is_private(c) && is_tid(v));
}

/* ---- Memory */

/* The number there; a value that fits no lock if it is outside. */
static uint32_t
word(const struct lock_memory *m, uint64_t at)
{
	uint32_t v = UINT32_MAX;

	if (at >= m->from && m->n >= sizeof v && at - m->from <= m->n - sizeof v)
		memcpy(&v, m->s + (at - m->from), sizeof v);
	return v;
}

static uint64_t
address_at(const struct lock_memory *m, uint64_t at)
{
	return word(m, at) | (uint64_t)word(m, at + 4) << 32;
}

static bool
is_zero(const struct lock_memory *m, uint64_t at, uint64_t n)
{
	uint32_t any = 0;

	for (uint64_t i = 0; i < n; i += 4)
		any |= word(m, at + i);
	return any == 0;
}

/* ---- glibc */

/* struct __pthread_mutex_s: where its members are, and the bits of its kind. */
enum { COUNT = 4, OWNER = 8, USERS = 12, KIND = 16, SPINS = 20, LIST = 24, LIST_END = 40 };
enum { TYPE = 3, RECURSIVE = 1, ADAPTIVE = 3, ROBUST = 16, SHARED = 128, ELISION = 256 | 512 };
enum { USERS_MOST = 1 << 22 };

/* The members that all mutexes with an owner have. Only recursive and robust ones count. */
static bool
is_mutex(const struct lock_memory *m, uint64_t at, uint32_t kinds)
{
	uint32_t kind = word(m, at + KIND), users = word(m, at + USERS),
		 count = word(m, at + COUNT);
	bool counts = (kind & TYPE) == RECURSIVE || kind & ROBUST;

	return (kind & ~kinds) == 0 && is_tid(word(m, at + OWNER)) && users > 0 &&
	    users < USERS_MOST && (count > 0) == counts && count < USERS_MOST;
}

static bool
is_glibc_mutex(const struct task_call *c, const struct lock_memory *m, struct lock_guess *out)
{
	uint64_t at = c->arg[0];
	uint32_t kind = word(m, at + KIND);

	if (expected(c) != 2 || word(m, at) != 2 || !is_mutex(m, at, TYPE | SHARED | ELISION) ||
	    is_private(c) == !!(kind & SHARED) || !is_zero(m, at + LIST, LIST_END - LIST) ||
	    ((kind & TYPE) != ADAPTIVE && !(kind & ELISION) && !is_zero(m, at + SPINS, 4)))
		return false;
	*out = (struct lock_guess){ .kind = LOCK_MUTEX,
		.owner = word(m, at + OWNER),
		.shared = kind & SHARED,
		/* more than one user: others wait for a condition with it */
		.sure = operation(c) == FUTEX_WAIT && word(m, at + USERS) == 1 };
	return true;
}

/* Its word has the owner too. */
static bool
is_glibc_robust(const struct task_call *c, const struct lock_memory *m, struct lock_guess *out)
{
	uint64_t at = c->arg[0];
	uint32_t v = word(m, at), kind = word(m, at + KIND);

	if (v != expected(c) || !(v & waiters_bit) || v & died_bit || !(kind & ROBUST) ||
	    !is_mutex(m, at, TYPE | ROBUST | SHARED | ELISION) ||
	    word(m, at + OWNER) != (v & tid_mask))
		return false;
	*out = (struct lock_guess){
		.kind = LOCK_MUTEX, .owner = v & tid_mask, .shared = kind & SHARED
	};
	return true;
}

/* struct __pthread_rwlock_arch_t: its members, and the bits of the first one. Readers wait for the end
 * of a phase of writing, writers for its start, or for their turn. */
enum {
	READERS = 0,
	PHASE = 8,
	TURN = 12,
	PADS = 16,
	WRITER = 24,
	SHARES = 28,
	MORE_PADS = 40,
	FLAGS = 48,
	WRITING = 1,
	WANTED = 2,
	READERS_SHIFT = 3,
	USED = 2
};

static bool
is_rwlock(const struct task_call *c, const struct lock_memory *m, uint64_t at)
{
	uint32_t shared = word(m, at + SHARES);

	return word(m, at + READERS) & WANTED && shared <= 1 && is_private(c) == !shared &&
	    is_zero(m, at + PADS, 8) && is_zero(m, at + MORE_PADS, FLAGS - MORE_PADS) &&
	    word(m, at + FLAGS) <= 2 && word(m, c->arg[0]) == expected(c);
}

static bool
is_glibc_rwlock(
    const struct task_call *c, const struct lock_memory *m, uint64_t at, struct lock_guess *out)
{
	uint32_t first = word(m, at + READERS), writer = word(m, at + WRITER);
	bool for_turn = c->arg[0] == at + TURN, writing = first & WRITING;

	if (operation(c) != FUTEX_WAIT_BITSET || !is_rwlock(c, m, at))
		return false;
	*out = (struct lock_guess){ .kind = LOCK_RWLOCK, .shared = word(m, at + SHARES) };
	if (writing && is_tid(writer) && expected(c) == (1 | USED))
		out->owner = writer;
	else if (!writing && writer == 0 && first >> READERS_SHIFT &&
	    expected(c) == (for_turn ? 1 | USED : USED))
		out->readers = first >> READERS_SHIFT;
	return out->owner || out->readers;
}

/* From the thread ID of struct pthread on: 4 bytes, the previous lock of the robust list, and its
 * head, for the kernel: the first lock, where a lock has its word, and one that is being taken. */
enum { THREAD_PREVIOUS = 8, THREAD_ROBUST = 16, THREAD_WORD = 24 };

bool
lock_thread(const struct lock_memory *m, uint64_t at, uint32_t *tid)
{
	*tid = word(m, at);
	return is_tid(*tid) && word(m, at + 4) == 0 && address_at(m, at + THREAD_PREVIOUS) &&
	    address_at(m, at + THREAD_ROBUST) && address_at(m, at + THREAD_WORD) == (uint64_t)-32;
}

static bool
is_join(const struct task_call *c, const struct lock_memory *m, struct lock_guess *out)
{
	uint32_t tid;

	if (is_private(c) || !lock_thread(m, c->arg[0], &tid) || tid != expected(c))
		return false;
	*out = (struct lock_guess){ .kind = LOCK_THREAD, .owner = tid };
	return true;
}

/* x86_64; machines whose struct pthread has no head of its own. */
const unsigned lock_thread_offsets[] = { 720, 208, 0 };

/* _IO_lock_t, of a FILE: the lock, how often it was taken, and the owner's struct pthread. */
static bool
is_stream(const struct task_call *c, const struct lock_memory *m, struct lock_guess *out)
{
	uint64_t at = c->arg[0], thread = address_at(m, at + OWNER);
	uint32_t count = word(m, at + COUNT);

	if (expected(c) != 2 || word(m, at) != 2 || operation(c) != FUTEX_WAIT || !is_private(c) ||
	    count == 0 || count >= USERS_MOST || thread % 16 != 0 || thread >> 32 == 0)
		return false;
	*out = (struct lock_guess){ .kind = LOCK_STREAM, .thread = thread };
	return true;
}

/* ---- musl: pthread_mutex_t from its futex on. A normal mutex has no owner. */

enum { M_TYPE = -4, M_WAITERS = 4, M_PREVIOUS = 20, M_NEXT = 28, M_TYPES = 15 | SHARED };

static bool
is_musl(const struct task_call *c, const struct lock_memory *m, struct lock_guess *out)
{
	uint64_t at = c->arg[0];
	uint32_t v = word(m, at), type = word(m, at + (uint64_t)M_TYPE),
		 waiters = word(m, at + M_WAITERS);

	if (v != expected(c) || !(v & waiters_bit) || v & died_bit || (type & 15) == 0 ||
	    type & ~(uint32_t)M_TYPES || is_private(c) == !!(type & SHARED) || waiters == 0 ||
	    waiters >= USERS_MOST || address_at(m, at + M_PREVIOUS) >> 12 == 0)
		return false;
	*out = (struct lock_guess){ .kind = LOCK_MUTEX,
		.owner = v & tid_mask,
		.shared = type & SHARED,
		.link_at = address_at(m, at + M_PREVIOUS),
		.link = at + M_NEXT };
	return is_tid(out->owner);
}

/* ---- The kernel */

static bool
is_pi(const struct task_call *c, const struct lock_memory *m, struct lock_guess *out)
{
	uint32_t v = word(m, c->arg[0]);
	uint64_t op = operation(c);

	if ((op != FUTEX_LOCK_PI && op != FUTEX_LOCK_PI2) || !(v & waiters_bit) || v & died_bit)
		return false;
	*out =
	    (struct lock_guess){ .kind = LOCK_PI, .owner = v & tid_mask, .shared = !is_private(c) };
	return is_tid(out->owner);
}

bool
lock_judge(const struct task_call *c, const struct lock_memory *m, struct lock_guess *out)
{
	uint64_t at, op = operation(c);

	*out = (struct lock_guess){ .kind = LOCK_UNKNOWN };
	if (!lock_may_be(c, &at))
		return false;
	if (op == FUTEX_LOCK_PI || op == FUTEX_LOCK_PI2)
		return is_pi(c, m, out);
	return is_glibc_mutex(c, m, out) || is_glibc_robust(c, m, out) ||
	    is_glibc_rwlock(c, m, at - PHASE, out) || is_glibc_rwlock(c, m, at - TURN, out) ||
	    is_musl(c, m, out) || is_join(c, m, out) || is_stream(c, m, out);
}

/* ---- The text */

void
lock_line_print(const struct lock_line *l, struct buf *out)
{
	char line[160];

	snprintf(line, sizeof line, "%u 0x%llx %s %u %u %u %d\n", l->pid,
	    (unsigned long long)l->address, lock_kind_name(l->kind), l->owner_pid, l->owner_tid,
	    l->readers, l->seen);
	buf_text(out, line);
}

static bool
take_u32(struct text *rest, uint32_t *out)
{
	uint64_t v;

	if (text_next_u64(rest, &v) < 0 || v > UINT32_MAX)
		return false;
	*out = (uint32_t)v;
	return true;
}

static bool
take_address(struct text *rest, uint64_t *out)
{
	static const char digits[] = "0123456789abcdef";
	struct text word;

	*out = 0;
	if (!text_word(rest, &word) || !text_skip(&word, "0x") || word.n == 0 || word.n > 16)
		return false;
	for (size_t i = 0; i < word.n; i++) {
		const char *digit = memchr(digits, word.s[i], 16);
		if (!digit)
			return false;
		*out = *out << 4 | (uint64_t)(digit - digits);
	}
	return true;
}

static bool
take_kind(struct text *rest, enum lock_kind *out)
{
	struct text word;

	if (!text_word(rest, &word))
		return false;
	for (*out = LOCK_UNKNOWN + 1; *out < LOCK_KINDS; (*out)++)
		if (text_eq(word, lock_kind_name(*out)))
			return true;
	return false;
}

bool
lock_line_next(struct text *rest, struct lock_line *out)
{
	struct text line;
	uint32_t seen;

	while (text_whole_line(rest, &line)) {
		*out = (struct lock_line){ .pid = 0 };
		if (!take_u32(&line, &out->pid) || !take_address(&line, &out->address) ||
		    !take_kind(&line, &out->kind) || !take_u32(&line, &out->owner_pid) ||
		    !take_u32(&line, &out->owner_tid) || !take_u32(&line, &out->readers) ||
		    !take_u32(&line, &seen))
			continue;
		out->seen = seen == 1;
		return true;
	}
	return false;
}
