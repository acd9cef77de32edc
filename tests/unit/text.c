/* Texts: the cursor over them, and lines of "key value". */
#include "base/text.h"

#include <errno.h>

#include "unit.h"

/* ---- the cursor */

static void
splits(void)
{
	struct text rest = T("a::b"), part;

	CHECK(text_split(&rest, ':', &part));
	CHECK_TEXT(part, "a");
	CHECK(text_split(&rest, ':', &part));
	CHECK_TEXT(part, "");
	CHECK(text_split(&rest, ':', &part));
	CHECK_TEXT(part, "b");
	CHECK(!text_split(&rest, ':', &part));
	CHECK_INT(rest.n, 0);
}

static void
splits_what_ends_with_the_separator(void)
{
	struct text rest = T("a:"), part;

	CHECK(text_split(&rest, ':', &part));
	CHECK_TEXT(part, "a");
	CHECK(!text_split(&rest, ':', &part));
}

static void
splits_nothing(void)
{
	struct text rest = T(""), part;

	CHECK(!text_split(&rest, ':', &part));
	rest = (struct text){ NULL, 0 };
	CHECK(!text_split(&rest, ':', &part));
	CHECK(!text_line(&rest, &part));
	CHECK(!text_word(&rest, &part));
}

static void
lines(void)
{
	struct text rest = T("one\n\nthree"), line;

	CHECK(text_line(&rest, &line));
	CHECK_TEXT(line, "one");
	CHECK(text_line(&rest, &line));
	CHECK_TEXT(line, "");
	CHECK(text_line(&rest, &line));
	CHECK_TEXT(line, "three");
	CHECK(!text_line(&rest, &line));
}

static void
words(void)
{
	struct text rest = T("  one \t two\r"), word;

	CHECK(text_word(&rest, &word));
	CHECK_TEXT(word, "one");
	CHECK(text_word(&rest, &word));
	CHECK_TEXT(word, "two");
	CHECK(!text_word(&rest, &word));
	CHECK(!text_word(&rest, &word));
}

static void
nul_bytes(void)
{
	struct text rest = T("a\0b\nc"), line;
	uint64_t v;

	CHECK(text_line(&rest, &line));
	CHECK(text_same(line, T("a\0b")));
	CHECK(!text_same(line, T("a\0c")));
	CHECK(!text_eq(line, "a"));
	CHECK(text_u64(T("1\0"), &v) < 0);
	CHECK(text_u64(T("\0"), &v) < 0);
}

static void
compares(void)
{
	CHECK(text_eq(T("abc"), "abc"));
	CHECK(!text_eq(T("abc"), "ab"));
	CHECK(!text_eq(T("ab"), "abc"));
	CHECK(text_eq(T(""), ""));
	CHECK(text_eq((struct text){ NULL, 0 }, ""));
	struct text of = text_of("of");
	CHECK_TEXT(of, "of");
}

static void
skips(void)
{
	struct text t = T("cpu0 1");

	CHECK(!text_skip(&t, "cpu1"));
	CHECK(!text_skip(&t, "cpu0 1 and more than there is"));
	CHECK_TEXT(t, "cpu0 1");
	CHECK(text_skip(&t, "cpu"));
	CHECK_TEXT(t, "0 1");
}

static int
error_of(int result)
{
	return result == 0 ? 0 : errno;
}

static void
numbers(void)
{
	uint64_t v = 7;

	CHECK_INT(text_u64(T("0"), &v), 0);
	CHECK_U64(v, 0);
	CHECK_INT(text_u64(T("007"), &v), 0);
	CHECK_U64(v, 7);
	CHECK_INT(text_u64(T("18446744073709551615"), &v), 0);
	CHECK_U64(v, UINT64_MAX);
}

static void
no_numbers(void)
{
	static const char *const bad[] = { "", "-1", "+1", " 1", "1 ", "0x1", "1e3", "a", "1.0",
		"\xff", "/", ":" };
	uint64_t v = 7;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (!CHECK_INT(error_of(text_u64(TN(bad[i], strlen(bad[i])), &v)), EINVAL))
			printf("# for '%s'\n", bad[i]);
	CHECK_U64(v, 7);
}

static void
too_large(void)
{
	uint64_t v = 7;

	CHECK_INT(error_of(text_u64(T("18446744073709551616"), &v)), ERANGE);
	CHECK_INT(error_of(text_u64(T("18446744073709551620"), &v)), ERANGE);
	CHECK_INT(error_of(text_u64(T("99999999999999999999999999999999999999"), &v)), ERANGE);
	CHECK_U64(v, 7);
}

static void
signed_numbers(void)
{
	int64_t v = 7;

	CHECK_INT(text_s64(T("-1"), &v), 0);
	CHECK_INT(v, -1);
	CHECK_INT(text_s64(T("9223372036854775807"), &v), 0);
	CHECK_INT(v, INT64_MAX);
	CHECK_INT(error_of(text_s64(T("9223372036854775808"), &v)), ERANGE);
	CHECK_INT(error_of(text_s64(T("-"), &v)), EINVAL);
	CHECK_INT(error_of(text_s64(T("--1"), &v)), EINVAL);
	CHECK_INT(error_of(text_s64(T(""), &v)), EINVAL);
	CHECK_INT(v, INT64_MAX);
}

static void
next_numbers(void)
{
	struct text rest = T(" 12\t34 x");
	uint64_t v;

	CHECK_INT(text_next_u64(&rest, &v), 0);
	CHECK_U64(v, 12);
	CHECK_INT(text_next_u64(&rest, &v), 0);
	CHECK_U64(v, 34);
	CHECK_INT(error_of(text_next_u64(&rest, &v)), EINVAL);
	CHECK_INT(error_of(text_next_u64(&rest, &v)), EINVAL);
	CHECK_U64(v, 34);
}

/* Numbers of up to 19 digits are read in one pass, longer ones digit by digit. */
static void
next_numbers_at_the_limit(void)
{
	struct text rest =
	    T("9999999999999999999 18446744073709551615 18446744073709551616 007 8x 9");
	uint64_t v;

	CHECK_INT(text_next_u64(&rest, &v), 0);
	CHECK_U64(v, 9999999999999999999u);
	CHECK_INT(text_next_u64(&rest, &v), 0);
	CHECK_U64(v, UINT64_MAX);
	CHECK_INT(error_of(text_next_u64(&rest, &v)), ERANGE);
	CHECK_INT(text_next_u64(&rest, &v), 0);
	CHECK_U64(v, 7);
	CHECK_INT(error_of(text_next_u64(&rest, &v)), EINVAL);
	CHECK_INT(text_next_u64(&rest, &v), 0);
	CHECK_U64(v, 9);
}

static void
finds(void)
{
	struct text t = T("proc/4242/fd/3");

	CHECK(text_find(t, "/fd/") == t.s + 9);
	CHECK(text_find(t, "proc") == t.s);
	CHECK(text_find(t, "fd/33") == NULL);
	CHECK(text_find(T(""), "x") == NULL);
}

static void
decimals(void)
{
	double v;

	CHECK_INT(text_decimal(T("0.51"), &v), 0);
	CHECK_NEAR(v, 0.51, 1e-15);
	CHECK_INT(text_decimal(T("12"), &v), 0);
	CHECK_NEAR(v, 12, 0);
	CHECK_INT(text_decimal(T("100.000001"), &v), 0);
	CHECK_NEAR(v, 100.000001, 1e-12);
	CHECK_INT(text_decimal(T("3.05"), &v), 0);
	CHECK_NEAR(v, 3.05, 1e-15);
}

static void
no_decimals(void)
{
	static const char *const bad[] = { "", ".", ".5", "1.", "1..2", "1.2.3", "-1.5", "1.-5",
		"1,5", "1e3", "nan", "inf", "0x1p3", "99999999999999999999.5",
		"0.99999999999999999999" };
	double v = 7;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (!CHECK_INT(error_of(text_decimal(TN(bad[i], strlen(bad[i])), &v)), EINVAL))
			printf("# for '%s'\n", bad[i]);
	CHECK_NEAR(v, 7, 0);
}

/* ---- lines of "key value" */

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
	unit_test("a text is split at separators, with empty parts", splits);
	unit_test("a last separator has no part after it", splits_what_ends_with_the_separator);
	unit_test("an empty text has no parts, lines or words", splits_nothing);
	unit_test("a last line needs no newline", lines);
	unit_test("words are separated by blanks, tabs and carriage returns", words);
	unit_test("a NUL byte is an ordinary byte", nul_bytes);
	unit_test("texts are compared whole", compares);
	unit_test("a prefix is removed only if present", skips);
	unit_test("numbers of 64 bits", numbers);
	unit_test("an invalid number leaves the result unchanged", no_numbers);
	unit_test("numbers of more than 64 bits are out of range", too_large);
	unit_test("signed numbers", signed_numbers);
	unit_test("numbers of a line are read one by one", next_numbers);
	unit_test("numbers of 19 digits and more, one by one", next_numbers_at_the_limit);
	unit_test("a string is found where it begins", finds);
	unit_test("decimals", decimals);
	unit_test("an invalid decimal leaves the result unchanged", no_decimals);
	unit_test("key and value: keys in the expected order", in_order);
	unit_test("key and value: keys in another order, with unknown keys between", any_order);
	unit_test("key and value: a key is a whole word at the start of its line", whole_keys);
	unit_test("key and value: a key without a number is unknown", no_value);
	unit_test("key and value: 2^63-1 is known, 2^63 is not", extremes);
	unit_test("key and value: a negative value is unknown", negative);
	unit_test("key and value: an empty and a binary text", empty_and_binary);
	unit_test("key and value: a truncated text", truncated);
	unit_test("key and value: a counter that restarted, or is unknown, did not grow", deltas);
	return unit_done();
}
