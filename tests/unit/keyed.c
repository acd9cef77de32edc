/* Texts of lines "key value". */
#include "base/text.h"

#include "unit.h"

enum { A, B, C, KEYS };
static const char *const keys[KEYS] = {
	[A] = "nr_periods", [B] = "nr_throttled", [C] = "throttled_usec"
};

static void
in_order(void)
{
	struct keyed v[KEYS];

	CHECK_INT(
	    keyed_parse(T("nr_periods 50\nnr_throttled 40\nthrottled_usec 1\n"), keys, KEYS, v), 3);
	CHECK(v[A].known && v[B].known && v[C].known);
	CHECK_U64(v[A].v, 50);
	CHECK_U64(v[B].v, 40);
	CHECK_U64(v[C].v, 1);
}

static void
any_order(void)
{
	struct keyed v[KEYS];

	CHECK_INT(keyed_parse(T("new_key 9\nthrottled_usec 1\nother\nnr_throttled 40\n\nnr_bursts "
				"3\nnr_periods 50\n"),
		      keys, KEYS, v),
	    3);
	CHECK_U64(v[A].v, 50);
	CHECK_U64(v[B].v, 40);
	CHECK_U64(v[C].v, 1);
}

static void
whole_keys(void)
{
	struct keyed v[KEYS];

	CHECK_INT(
	    keyed_parse(
		T("nr_periods_x 1\nnr_period 2\nxnr_periods 3\nx nr_periods 4\nnr_periods=5\n"),
		keys, KEYS, v),
	    0);
	CHECK(!v[A].known);
}

static void
no_value(void)
{
	struct keyed v[KEYS];

	CHECK_INT(
	    keyed_parse(T("nr_periods\nnr_throttled \nthrottled_usec x1\n"), keys, KEYS, v), 0);
	CHECK(!v[A].known && !v[B].known && !v[C].known);
	CHECK_INT(
	    keyed_parse(T("nr_periods -\nnr_throttled -x\nthrottled_usec 1.5\n"), keys, KEYS, v),
	    0);
	CHECK_INT(keyed_parse(T("nr_periods"), keys, KEYS, v), 0);
}

static void
extremes(void)
{
	struct keyed v[KEYS];

	CHECK_INT(
	    keyed_parse(T("nr_periods 9223372036854775807\nnr_throttled 9223372036854775808\n"),
		keys, KEYS, v),
	    1);
	CHECK_U64(v[A].v, INT64_MAX);
	CHECK(!v[B].known);
}

static void
negative(void)
{
	struct keyed v[KEYS];

	CHECK_INT(keyed_parse(
		      T("nr_periods -307200\nnr_throttled -99999999999999999999\n"), keys, KEYS, v),
	    0);
	CHECK(!v[A].known && !v[B].known);
}

static void
empty_and_binary(void)
{
	struct keyed v[KEYS];

	memset(v, 0xff, sizeof v);
	CHECK_INT(keyed_parse(T(""), keys, KEYS, v), 0);
	CHECK(!v[A].known && !v[B].known && !v[C].known);
	CHECK_INT(keyed_parse(
		      T("\0\xff\n\x80 \x01\nnr_periods\0 1\nnr_throttled 1\0\nthrottled_usec 7\n"),
		      keys, KEYS, v),
	    1);
	CHECK_U64(v[C].v, 7);
	CHECK(!v[A].known && !v[B].known);
}

/* Wherever the text is cut, the keys before the cut are right, and those behind it unknown. */
static void
truncated(void)
{
	static const char s[] = "nr_periods 50\nnr_throttled 40\nthrottled_usec 12345\n";
	struct keyed v[KEYS];

	for (size_t n = 0; n < sizeof s; n++) {
		keyed_parse(TN(s, n), keys, KEYS, v);
		CHECK(v[A].known == (n >= strlen("nr_periods 50\n"))); /* 5 of 50 is no number */
		CHECK(v[B].known == (n >= strlen("nr_periods 50\nnr_throttled 40\n")));
		CHECK(n < strlen("nr_periods 50\n") || v[A].v == 50);
	}
}

static void
deltas(void)
{
	struct keyed unknown = { 0 };

	CHECK_NEAR(keyed_delta(keyed_of(5), keyed_of(12)), 7, 0);
	CHECK_NEAR(keyed_delta(keyed_of(5), keyed_of(5)), 0, 0);
	CHECK_NEAR(keyed_delta(keyed_of(UINT64_MAX - 1), keyed_of(UINT64_MAX)), 1, 0);
	CHECK_NEAR(keyed_delta(keyed_of(12), keyed_of(5)), NAN, 0);
	CHECK_NEAR(keyed_delta(unknown, keyed_of(5)), NAN, 0);
	CHECK_NEAR(keyed_delta(keyed_of(5), unknown), NAN, 0);
	CHECK(keyed_restarted(keyed_of(12), keyed_of(5)));
	CHECK(!keyed_restarted(keyed_of(5), keyed_of(5)));
	CHECK(!keyed_restarted(keyed_of(5), unknown));
	CHECK(!keyed_restarted(unknown, keyed_of(5)));
}

int
main(void)
{
	unit_test("keys in the order asked for", in_order);
	unit_test("keys in another order, others among them", any_order);
	unit_test("a key is a whole word at the start of its line", whole_keys);
	unit_test("a key without a number is unknown", no_value);
	unit_test("2^63-1 is known, 2^63 is not", extremes);
	unit_test("a negative value is unknown", negative);
	unit_test("an empty and a binary text", empty_and_binary);
	unit_test("a truncated text", truncated);
	unit_test("a counter that restarted, or is unknown, did not grow", deltas);
	return unit_done();
}
