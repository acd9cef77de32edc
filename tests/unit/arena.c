/* The arena: blocks do not overlap, and after the first rounds nothing is allocated. */
#include "base/arena.h"

#include "unit.h"

static void
zeroed_and_apart(void)
{
	enum { N = 2000 };
	struct arena a = { 0 };
	unsigned char *p[N];

	for (size_t i = 0; i < N; i++) {
		p[i] = arena_alloc(&a, i % 97);
		CHECK((uintptr_t)p[i] % _Alignof(max_align_t) == 0);
		for (size_t k = 0; k < i % 97; k++)
			CHECK(p[i][k] == 0);
		memset(p[i], (int)(i % 251) + 1, i % 97);
	}
	for (size_t i = 0; i < N; i++) {
		bool kept = true;
		for (size_t k = 0; k < i % 97; k++)
			kept &= p[i][k] == i % 251 + 1;
		CHECK(kept);
	}
	arena_free(&a);
}

static void
larger_than_a_block(void)
{
	struct arena a = { 0 };
	char *small = arena_alloc(&a, 10);
	char *big = arena_alloc(&a, 1 << 20);
	char *after = arena_alloc(&a, 10);

	memset(big, 'x', 1 << 20);
	CHECK(small[9] == 0 && after[0] == 0);
	arena_free(&a);
}

/* Rounds of the same sizes take the same memory: their first and last pieces are where they
 * were. */
static void
steady_state(void)
{
	struct arena a = { 0 };
	char *first[3], *last[3];

	for (int round = 0; round < 3; round++) {
		arena_reset(&a);
		first[round] = arena_alloc(&a, 100);
		for (int i = 0; i < 100; i++)
			memset(arena_alloc(&a, 1000), 'x', 1000);
		memset(arena_alloc(&a, 100000), 'x', 100000);
		last[round] = arena_alloc(&a, 8);
		CHECK(last[round][0] == 0);
	}
	CHECK(first[1] == first[0] && first[2] == first[0]);
	CHECK(last[1] == last[0] && last[2] == last[0]);
	arena_free(&a);
}

static void
a_larger_round(void)
{
	struct arena a = { 0 };

	for (size_t size = 1; size < 1 << 20; size *= 3) {
		arena_reset(&a);
		for (int i = 0; i < 5; i++) {
			char *p = arena_alloc(&a, size);
			CHECK(p[0] == 0 && p[size - 1] == 0);
			memset(p, 'x', size);
		}
	}
	arena_free(&a);
}

static void
copies(void)
{
	struct arena a = { 0 };

	CHECK_STRING(arena_copy(&a, T("web")), "web");
	CHECK_STRING(arena_copy(&a, T("")), "");
	CHECK_STRING(arena_copy(&a, (struct text){ NULL, 0 }), "");
	CHECK_STRING(arena_printf(&a, "%s/%d", "cpu", 7), "cpu/7");
	CHECK_INT(strlen(arena_printf(&a, "%*s", 100000, "")), 100000);
	arena_free(&a);
}

static void
grows(void)
{
	struct arena a = { 0 };
	size_t cap = 0;
	uint64_t *v = NULL;

	for (uint64_t i = 0; i < 10000; i++) {
		v = arena_grow(&a, v, i, &cap, sizeof *v);
		CHECK(cap > i);
		v[i] = i;
	}
	for (uint64_t i = 0; i < 10000; i++)
		CHECK_U64(v[i], i);
	CHECK(arena_grow(&a, v, cap - 1, &cap, sizeof *v) == v);
	arena_free(&a);
}

static void
freed(void)
{
	struct arena a = { 0 };

	arena_free(&a);
	arena_reset(&a);
	CHECK_STRING(arena_copy(&a, T("x")), "x");
	arena_free(&a);
	CHECK_STRING(arena_copy(&a, T("y")), "y");
	arena_free(&a);
}

int
main(void)
{
	unit_test("pieces are zeroed, aligned and apart", zeroed_and_apart);
	unit_test("a piece may be larger than a block", larger_than_a_block);
	unit_test("a round like the last one allocates nothing", steady_state);
	unit_test("a round may need more than the last one", a_larger_round);
	unit_test("strings are copied and formatted", copies);
	unit_test("an array grows and keeps its elements", grows);
	unit_test("an arena that is empty or freed can be used", freed);
	return unit_done();
}
