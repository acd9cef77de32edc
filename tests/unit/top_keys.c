/* keys of pq top: bytes of a terminal as keys, however they arrive. */
#include <string.h>

#include "commands/top/keys.h"
#include "unit.h"

/* Feeds the bytes in pieces of `size`, and collects the keys. */
static size_t
keys_of(const char *bytes, size_t n, size_t size, int *out)
{
	struct key_reader r = { .n = 0 };
	size_t keys = 0;
	int key;

	for (size_t at = 0; at < n;) {
		size_t piece = n - at < size ? n - at : size;
		at += key_feed(&r, bytes + at, piece);
		while ((key = key_next(&r, false)) != KEY_NONE)
			out[keys++] = key;
	}
	while ((key = key_next(&r, true)) != KEY_NONE)
		out[keys++] = key;
	return keys;
}

static void
check_keys(const char *bytes, const int *want, size_t n)
{
	int got[64];

	for (size_t size = 1; size <= strlen(bytes); size++) {
		CHECK_U64(keys_of(bytes, strlen(bytes), size, got), n);
		for (size_t i = 0; i < n; i++)
			CHECK_U64((uint64_t)got[i], (uint64_t)want[i]);
	}
}

#define KEYS(bytes, ...) \
	check_keys(bytes, (const int[]){ __VA_ARGS__ }, \
	    sizeof((const int[]){ __VA_ARGS__ }) / sizeof(int))

static void
letters(void)
{
	KEYS("qs/", 'q', 's', '/');
	KEYS("\r", KEY_ENTER);
	KEYS("\n", KEY_ENTER);
	KEYS("\x7f\b", KEY_BACKSPACE, KEY_BACKSPACE);
	KEYS("\f", '\f');
	KEYS("\xc3\xa9", 0xc3, 0xa9);
}

static void
sequences_split_over_reads(void)
{
	KEYS("\x1b[A\x1b[B\x1b[C\x1b[D", KEY_UP, KEY_DOWN, KEY_RIGHT, KEY_LEFT);
	KEYS("\x1bOA\x1bOB", KEY_UP, KEY_DOWN);
	KEYS("\x1b[5~\x1b[6~q", KEY_PAGE_UP, KEY_PAGE_DOWN, 'q');
	KEYS("\x1b[1~\x1b[4~\x1b[H\x1b[F\x1b[7~\x1b[8~", KEY_HOME, KEY_END, KEY_HOME, KEY_END,
	    KEY_HOME, KEY_END);
	KEYS("\x1b[1;2A", KEY_UP);
	KEYS("\x1b[5;5~", KEY_PAGE_UP);
	KEYS("\x1b[3~", KEY_BACKSPACE);
}

static void
unknown_sequences_are_one_key(void)
{
	KEYS("\x1b[15~q", KEY_OTHER, 'q');
	KEYS("\x1b[Zq", KEY_OTHER, 'q');
	KEYS("\x1b[99;99Rq", KEY_OTHER, 'q');
	KEYS("\x1bOPq", KEY_OTHER, 'q');
	KEYS("\x1bxq", KEY_OTHER, 'q');
}

static void
escape_alone(void)
{
	struct key_reader r = { .n = 0 };

	CHECK_U64(key_feed(&r, "\x1b", 1), 1);
	CHECK_U64((uint64_t)key_next(&r, false), KEY_NONE);
	CHECK(key_begun(&r));
	CHECK_U64((uint64_t)key_next(&r, true), KEY_ESCAPE);
	CHECK(!key_begun(&r));
	KEYS("\x1b\x1b[A", KEY_ESCAPE, KEY_UP);
	KEYS("\x1b[", KEY_OTHER);
	KEYS("\x1bO", KEY_OTHER);
}

/* A sequence that never ends does not hide the keys after it. */
static void
endless_sequence(void)
{
	struct key_reader r = { .n = 0 };
	bool quits = false;
	int key;

	for (int i = 0; i < 1000; i++) {
		CHECK_U64(key_feed(&r, i == 0 ? "\x1b[" : "0", i == 0 ? 2 : 1), i == 0 ? 2 : 1);
		while (key_next(&r, false) != KEY_NONE)
			;
	}
	key_feed(&r, "q", 1);
	while ((key = key_next(&r, true)) != KEY_NONE)
		quits |= key == 'q';
	CHECK(quits);
}

int
main(void)
{
	unit_test("letters and control characters", letters);
	unit_test("arrows and other sequences, however they arrive", sequences_split_over_reads);
	unit_test("an unknown sequence is one key, and hides none", unknown_sequences_are_one_key);
	unit_test("Escape alone, after a pause", escape_alone);
	unit_test("a sequence that never ends hides no key for good", endless_sequence);
	return unit_done();
}
