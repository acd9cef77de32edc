/* Buffers: numbers of every size are written correctly. */
#include "base/buf.h"

#include "unit.h"

/* What buf_fixed writes, as a C string for the time of the test. */
static const char *
fixed(double x, int digits)
{
	struct buf b = { 0 };

	buf_fixed(&b, x, digits);
	buf_char(&b, '\0');
	char *s = unit_copy(b.s, b.n);
	buf_free(&b);
	return s;
}

static const char *
printable(const char *label)
{
	struct buf b = { 0 };

	buf_printable(&b, label);
	buf_char(&b, '\0');
	char *s = unit_copy(b.s, b.n);
	buf_free(&b);
	return s;
}

static void
rounds(void)
{
	CHECK_STRING(fixed(0, 2), "0.00");
	CHECK_STRING(fixed(1, 0), "1");
	CHECK_STRING(fixed(0.5, 0), "1");
	CHECK_STRING(fixed(1.5, 0), "2");
	CHECK_STRING(fixed(2.5, 0), "3");
	CHECK_STRING(fixed(0.125, 2), "0.13");
	CHECK_STRING(fixed(0.124, 2), "0.12");
	CHECK_STRING(fixed(99.995, 1), "100.0");
	CHECK_STRING(fixed(0.999, 2), "1.00");
	CHECK_STRING(fixed(0.04, 1), "0.0");
	CHECK_STRING(fixed(12.05, 2), "12.05");
	CHECK_STRING(fixed(0.000000001, 9), "0.000000001");
}

static void
negative(void)
{
	CHECK_STRING(fixed(-1.5, 1), "-1.5");
	CHECK_STRING(fixed(-2.5, 0), "-3");
	CHECK_STRING(fixed(-0.125, 2), "-0.13");
	CHECK_STRING(fixed(-0.004, 2), "0.00");
	CHECK_STRING(fixed(-0.0, 0), "0");
	CHECK_STRING(fixed(-100, 2), "-100.00");
}

static void
large(void)
{
	CHECK_STRING(fixed(1099511627776, 0), "1099511627776");
	CHECK_STRING(fixed(9007199254740991, 0), "9007199254740991"); /* 2^53 - 1 */
	CHECK_STRING(fixed(4503599627370497, 0),
	    "4503599627370497"); /* 2^52 + 1: with 0.5 more it has no room for the half */
	CHECK_STRING(fixed(123456789.125, 3), "123456789.125");
	CHECK_STRING(fixed(1e18, 0), "1000000000000000000");
	CHECK_STRING(fixed(-1e18, 0), "-1000000000000000000");
	CHECK_STRING(fixed(1e17, 3), "100000000000000000");
}

/* 2^64-1 stands in damaged kernel files; another number in its place would be a lie. */
static void
huge(void)
{
	CHECK_STRING(fixed(9223372036854775808.0, 0), "9223372036854775808");
	CHECK_STRING(fixed(9223372036854775808.0, 2), "9223372036854775808");
}

static void
beyond_all(void)
{
	const double x[] = { 1e19, 1e20, 1e100, 1.7e308, -1e100 };

	for (size_t i = 0; i < sizeof x / sizeof x[0]; i++)
		for (int digits = 0; digits <= 9; digits++) {
			const char *s = fixed(x[i], digits), *number = s + (x[i] < 0);
			CHECK(x[i] > 0 || *s == '-');
			CHECK_INT(strspn(number, "0123456789"), strlen(number));
			CHECK(strlen(number) >= 19);
		}
}

static void
near_each_other(void)
{
	for (int digits = 0; digits <= 6; digits++)
		for (double x = 1e-3; x < 1e9; x *= 1.37)
			CHECK_NEAR(
			    strtod(fixed(x, digits), NULL), x, 0.5 * pow(10, -digits) + x * 1e-15);
}

static void
integers(void)
{
	struct buf b = { 0 };

	buf_u64(&b, 0, 1);
	buf_char(&b, ' ');
	buf_u64(&b, UINT64_MAX, 1);
	buf_char(&b, ' ');
	buf_u64(&b, 7, 3);
	buf_char(&b, ' ');
	buf_u64(&b, 1234, 3);
	buf_char(&b, ' ');
	buf_u64(&b, 0, 2);
	CHECK_TEXT(b, "0 18446744073709551615 007 1234 00");
	buf_free(&b);
}

static void
escapes(void)
{
	CHECK_STRING(printable(""), "");
	CHECK_STRING(printable("kubepods/pod 1:a\\b"), "kubepods/pod 1:a\\b");
	CHECK_STRING(printable("a\nb\tc\r"), "a\\012b\\011c\\015");
	CHECK_STRING(printable("\x1b[31m\x7f\x01"), "\\033[31m\\177\\001");
	CHECK_STRING(
	    printable("gr\xc3\xbc\xc3\x9f \xe2\x82\xac"), "gr\xc3\xbc\xc3\x9f \xe2\x82\xac");
}

/* U+009B alone begins an escape sequence, as ESC [ does: in UTF-8 it is C2 9B. */
static void
escapes_of_eight_bits(void)
{
	CHECK(!strstr(printable("a\xc2\x9b"
				"31mb"),
	    "\xc2\x9b"));
	CHECK(!strstr(printable("a\xc2\x9d"
				"0;title\xc2\x9c"),
	    "\xc2\x9d"));
	CHECK_STRING(printable("\xc2\xa0\xc3\x9b"), "\xc2\xa0\xc3\x9b");
}

static void
grows(void)
{
	struct buf b = { 0 };
	size_t n = 0;

	for (int i = 0; i < 3000; i++) {
		buf_add(&b, "abc", 3);
		buf_pad(&b, 4);
		n += 7;
	}
	CHECK_INT(b.n, n);
	CHECK(memcmp(b.s + n - 7, "abc    ", 7) == 0);
	buf_add(&b, "", 0);
	buf_pad(&b, 0);
	buf_text(&b, "");
	CHECK_INT(b.n, n);
	memset(buf_room(&b, 100000), 'x', 100000);
	CHECK_INT(b.n, n);
	CHECK(memcmp(b.s, "abc    abc", 10) == 0);
	buf_free(&b);
	CHECK(!b.s && b.n == 0);
}

int
main(void)
{
	unit_test("numbers are rounded half away from zero", rounds);
	unit_test("negative numbers, and no negative zero", negative);
	unit_test("large numbers keep all digits", large);
	unit_test("numbers of 64 bits are not made smaller", huge);
	unit_test("numbers above 64 bits are written without an exponent", beyond_all);
	unit_test("written numbers read back the same", near_each_other);
	unit_test("whole numbers, padded", integers);
	unit_test("control characters are escaped, text is not", escapes);
	unit_test("control characters of eight bits are escaped", escapes_of_eight_bits);
	unit_test("a buffer grows, and keeps what it has", grows);
	return unit_done();
}
