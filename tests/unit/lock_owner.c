/* Owners of locks, by the memory around their futexes. */
#include "proc/lock_owner.h"

#include <string.h>

#include "unit.h"

/* 16 words: four before the futex, which is at 0x7000, and twelve from it on. */
static struct lock_guess guess;

static bool
judge(uint64_t operation, uint32_t value, const uint32_t words[16])
{
	const struct task_call c = { .kind = CALL_SYSTEM, .arg = { 0x7000, operation, value } };
	const struct lock_memory m = { 0x7000 - LOCK_BEFORE, (const char *)words, 64 };

	return lock_judge(&c, &m, &guess);
}

enum { WAIT = 128, WAIT_SHARED = 0, BITSET = 9 | 128, BITSET_SHARED = 9 | 256, PI = 6 | 128 };

static const uint32_t mutex[16] = { [4] = 2, 0, 4711, 1, 0 };

/* The mutex with one word changed, counted from the futex. */
static bool
judge_with(int at, uint32_t v)
{
	uint32_t words[16];

	memcpy(words, mutex, sizeof words);
	words[4 + at] = v;
	return judge(WAIT, 2, words);
}

static void
mutexes(void)
{
	if (CHECK(judge(WAIT, 2, mutex))) {
		CHECK_INT(guess.kind, LOCK_MUTEX);
		CHECK_U64(guess.owner, 4711);
		CHECK(!guess.shared && guess.sure);
	}
	CHECK(judge(BITSET, 2, mutex) && !guess.sure); /* timed */
	const uint32_t recursive[16] = { [4] = 2, 3, 4711, 1, 1 };
	CHECK(judge(WAIT, 2, recursive) && guess.owner == 4711);
	const uint32_t adaptive[16] = { [4] = 2, 0, 4711, 1, 3, 17 };
	CHECK(judge(WAIT, 2, adaptive) && guess.owner == 4711);
	const uint32_t shared[16] = { [4] = 2, 0, 4711, 1, 128 };
	CHECK(judge(WAIT_SHARED, 2, shared) && guess.shared);
	CHECK(!judge(WAIT, 2, shared));
	const uint32_t robust[16] = {
		[4] = 4711 | 0x80000000, 1, 4711, 1, 0x290, 0, 0xa9a0, 0x7f0f, 0xa9a0, 0x7f0f
	};
	CHECK(judge(WAIT_SHARED, 4711 | 0x80000000, robust) && guess.owner == 4711);
	CHECK(!judge(WAIT_SHARED, 4712 | 0x80000000, robust));
}

/* Each member counts. */
static void
no_mutexes(void)
{
	CHECK(!judge_with(0, 1));          /* nobody waits */
	CHECK(!judge_with(1, 1));          /* a normal mutex does not count */
	CHECK(!judge_with(2, 0));          /* it is being handed over */
	CHECK(!judge_with(2, 0x80000000)); /* no thread ID */
	CHECK(!judge_with(3, 0));
	CHECK(!judge_with(4, 1)); /* a recursive one has been counted */
	CHECK(!judge_with(4, 4));
	CHECK(!judge_with(5, 1));
	CHECK(!judge_with(6, 1));
	CHECK(!judge_with(9, 1));
	CHECK(judge_with(10, 1)); /* after its end */
	CHECK(!judge(WAIT, 3, mutex));
	CHECK(!judge(1 | 128, 2, mutex)); /* FUTEX_WAKE */
	/* the memory ends with the page */
	const struct task_call c = { .kind = CALL_SYSTEM, .arg = { 0x7000, WAIT, 2 } };
	const struct lock_memory m = { 0x7000, (const char *)(mutex + 4), 36 };
	CHECK(!lock_judge(&c, &m, &guess));
	const struct lock_memory none = { 0x7000, "", 0 };
	CHECK(!lock_judge(&c, &none, &guess));
}

static void
rwlocks(void)
{
	/* the futex is the third member for readers, the fourth for writers */
	const uint32_t reader_waits[16] = { [2] = 7, 0, 3, 2, 0, 0, 4711 };
	const uint32_t writer_waits[16] = { [1] = 3, 1, 1, 3, 0, 0, 4711 };
	const uint32_t readers[16] = { [2] = 3 << 3 | 2, 0, 2, 1 };

	CHECK(judge(BITSET, 3, reader_waits) && guess.kind == LOCK_RWLOCK && guess.owner == 4711);
	CHECK(judge(BITSET, 3, writer_waits) && guess.kind == LOCK_RWLOCK && guess.owner == 4711);
	CHECK(judge(BITSET, 2, readers) && guess.owner == 0 && guess.readers == 3);
	CHECK(!judge(WAIT, 3, reader_waits));
	CHECK(!judge(BITSET_SHARED, 3, reader_waits));
}

static void
others(void)
{
	const uint32_t word[16] = { [4] = 4711 | 0x80000000 };
	CHECK(judge(PI, 0, word) && guess.kind == LOCK_PI && guess.owner == 4711);
	const uint32_t died[16] = { [4] = 4711 | 0xc0000000 };
	CHECK(!judge(PI, 0, died));
	CHECK(!judge(WAIT, 4711 | 0x80000000, word)); /* no lock of a library */

	const uint32_t thread[16] = { [4] = 4711, 0, 0x7030, 0, 0x7030, 0, 0xffffffe0, 0xffffffff };
	CHECK(
	    judge(BITSET_SHARED, 4711, thread) && guess.kind == LOCK_THREAD && guess.owner == 4711);
	CHECK(!judge(BITSET_SHARED, 4711, word));

	const uint32_t musl[16] = {
		[3] = 2, 4711 | 0x80000000, 1, 0, 0, 0, 0x8000, 0x7f00, 0x9000, 0x7f00
	};
	if (CHECK(judge(WAIT, 4711 | 0x80000000, musl))) {
		CHECK_U64(guess.link_at, 0x7f0000008000);
		CHECK_U64(guess.link, 0x7000 + 28);
	}
	const uint32_t normal[16] = { [3] = 0, 16 | 0x80000000, 1 };
	CHECK(!judge(WAIT, 16 | 0x80000000, normal));

	const uint32_t stream[16] = { [4] = 2, 1, 0x1000, 0x7f00 };
	CHECK(judge(WAIT, 2, stream) && guess.thread == 0x7f0000001000);
}

static void
text(void)
{
	const struct lock_line l = { 4711, 0x7f43b5382000, LOCK_RWLOCK, 4711, 4714, 0, true };
	struct lock_line back;
	struct buf b = { 0 };
	struct text rest;

	buf_text(&b, "7 0x8 mutex 1\n7 8 mutex 1 2 3 1\n7 0x8 none 1 2 3 1\n");
	lock_line_print(&l, &b);
	buf_text(&b, "7 0x8 mutex 1 2 3 1");
	rest = (struct text){ b.s, b.n };
	if (CHECK(lock_line_next(&rest, &back)))
		CHECK(back.pid == 4711 && back.address == l.address && back.kind == l.kind &&
		    back.owner_pid == 4711 && back.owner_tid == 4714 && back.seen);
	CHECK(!lock_line_next(&rest, &back));
	buf_free(&b);
}

int
main(void)
{
	unit_test("mutexes of glibc", mutexes);
	unit_test("memory that is nearly a mutex is none", no_mutexes);
	unit_test("rwlocks", rwlocks);
	unit_test("PI, threads, musl and streams", others);
	unit_test("the text of owners, with damaged lines", text);
	return unit_done();
}
