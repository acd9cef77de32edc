/* The map: numbers in order, keys of any bytes, and what is removed is gone and nothing else. */
#include "base/map.h"

#include "draw.h"
#include "unit.h"

static void
numbers_in_order(void)
{
	struct map m = { 0 };

	CHECK_INT(map_find(&m, T("a")), -1);
	CHECK_INT(map_put(&m, T("a")), 0);
	CHECK_INT(map_put(&m, T("proc/stat")), 1);
	CHECK_INT(map_put(&m, T("a")), 0);
	CHECK_INT(m.n, 2);
	CHECK_INT(map_find(&m, T("proc/stat")), 1);
	CHECK_INT(map_find(&m, T("proc/sta")), -1);
	CHECK_INT(map_find(&m, T("proc/stat/")), -1);
	CHECK_TEXT(map_key(&m, 1), "proc/stat");
	CHECK_STRING(map_key(&m, 1).s, "proc/stat");
	map_free(&m);
	CHECK_INT(m.n, 0);
}

/* NULs count, and so do bytes beyond the last eight. */
static void
keys_are_bytes(void)
{
	static const char bytes[] = "a\0b\0c\0d\0e\0f\0g\0h";
	struct map m = { 0 };

	for (size_t n = 0; n <= sizeof bytes; n++)
		CHECK_INT(map_put(&m, TN(bytes, n)), n);
	for (size_t n = 0; n <= sizeof bytes; n++) {
		CHECK_INT(map_find(&m, TN(bytes, n)), n);
		CHECK(text_same(map_key(&m, (uint32_t)n), TN(bytes, n)));
	}
	CHECK_INT(map_find(&m, (struct text){ NULL, 0 }), 0);
	map_free(&m);
}

static struct text
name(char out[32], unsigned i)
{
	return (struct text){ out, (size_t)snprintf(out, 32, "sys/fs/cgroup/%u/cpu", i) };
}

/* The first n of the names, in order, and no more. */
static void
check_names(const struct map *m, unsigned n, unsigned most)
{
	char s[32];
	bool good = m->n == n;

	for (unsigned i = 0; i < most; i++)
		good &= map_find(m, name(s, i)) == (i < n ? (int)i : -1);
	CHECK(good);
}

static void
truncated_and_cleared(void)
{
	enum { N = 5000 };
	struct map m = { 0 };
	char s[32];

	for (unsigned i = 0; i < N; i++)
		map_put(&m, name(s, i));
	check_names(&m, N, N);
	map_truncate(&m, 17);
	check_names(&m, 17, N);
	const char *bytes = m.bytes;
	const uint32_t *slots = m.slots;
	for (int round = 0; round < 3; round++) {
		map_clear(&m);
		check_names(&m, 0, N);
		for (unsigned i = 0; i < N; i++)
			map_put(&m, name(s, i));
		check_names(&m, N, N);
	}
	CHECK(m.bytes == bytes && m.slots == slots);
	map_free(&m);
}

/* Against the plainest thing that does the same: an array of the names by number. */
static void
removed_at_random(void)
{
	enum { NAMES = 300, STEPS = 200000 };
	unsigned held[NAMES], n = 0;
	int number_of[NAMES];
	struct map m = { 0 };
	char s[32];
	bool good = true;

	for (int i = 0; i < NAMES; i++)
		number_of[i] = -1;
	for (int step = 0; step < STEPS && good; step++) {
		unsigned i = (unsigned)draw(NAMES);
		good &= map_find(&m, name(s, i)) == number_of[i];
		if (number_of[i] < 0) {
			held[n] = i;
			number_of[i] = (int)n++;
			good &= (int)map_put(&m, name(s, i)) == number_of[i];
		} else if (draw(2)) {
			unsigned at = (unsigned)number_of[i], last = held[--n];
			held[at] = last;
			number_of[last] = (int)at;
			number_of[i] = -1;
			map_remove(&m, at);
		}
		good &= m.n == n;
	}
	CHECK(good);
	for (unsigned at = 0; at < n; at++)
		CHECK(text_same(map_key(&m, at), name(s, held[at])));
	CHECK(m.size <= 1 << 15); /* what removed keys took is used again */
	map_free(&m);
}

int
main(void)
{
	unit_test("numbers come in order, and a key keeps its own", numbers_in_order);
	unit_test("keys are bytes of any kind and length", keys_are_bytes);
	unit_test("truncating and clearing remove what they say, and keep the memory",
	    truncated_and_cleared);
	unit_test("keys removed at random are gone, the others stay", removed_at_random);
	return unit_done();
}
