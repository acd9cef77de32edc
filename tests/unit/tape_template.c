/* Templates: a text is divided into numbers and words, and printed the same. */
#include "tape/template.h"

#include "draw.h"
#include "unit.h"

static void
print_anew(const struct figures *f, const uint64_t *values, struct buf *b)
{
	struct printed p = { .valid = false };

	figures_show(f, values, &p);
	buf_add(b, p.text.s, p.text.n);
	printed_free(&p);
}

/* Whether printing f with its own numbers gives the text. */
static bool
prints(const struct figures *f, struct text t)
{
	struct buf b = { 0 };

	print_anew(f, f->values, &b);
	bool same = text_same((struct text){ b.s, b.n }, t);
	buf_free(&b);
	return same;
}

static bool
equal(const struct figures *a, const struct figures *b)
{
	if (a->count != b->count ||
	    !text_same(
		(struct text){ a->text.s, a->text.n }, (struct text){ b->text.s, b->text.n }))
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (a->values[i] != b->values[i] || a->spots[i].at != b->spots[i].at ||
		    a->spots[i].n != b->spots[i].n || a->spots[i].kind != b->spots[i].kind)
			return false;
	return true;
}

/* Whether it comes out as it went in. */
static bool
trips(struct text t)
{
	struct figures f = { 0 };

	figures_take(&f, t);
	bool same = prints(&f, t);
	figures_free(&f);
	return same;
}

/* Takes a and renews with b: what figures_renew says; when it says true, all must be as
 * figures_take makes it. */
static bool
renews(struct text a, struct text b)
{
	struct figures f = { 0 }, g = { 0 };

	figures_take(&f, a);
	figures_take(&g, b);
	bool renewed = figures_renew(&f, b);
	if (!CHECK(!renewed || (equal(&f, &g) && prints(&f, b)))) {
		printf("# from \"");
		unit_quote(a.s, a.n);
		printf("\" to \"");
		unit_quote(b.s, b.n);
		printf("\"\n");
	}
	figures_free(&f);
	figures_free(&g);
	return renewed;
}

/* What a text is taken for: literal bytes as they are, P, F or W for a number, and its value. */
static const char *
shape(struct text t)
{
	struct figures f = { 0 };
	struct buf b = { 0 };
	size_t at = 0;

	figures_take(&f, t);
	for (size_t i = 0; i < f.count; i++) {
		buf_add(&b, t.s + at, f.spots[i].at - at);
		buf_char(&b, "PFW"[f.spots[i].kind]);
		buf_u64(&b, f.values[i], 1);
		at = f.spots[i].at + f.spots[i].n;
	}
	buf_add(&b, t.s + at, t.n - at);
	buf_char(&b, '\0');
	char *s = unit_copy(b.s, b.n);
	buf_free(&b);
	figures_free(&f);
	return s;
}

static void
kinds(void)
{
	CHECK_STRING(shape(T("")), "");
	CHECK_STRING(shape(T("words only\n")), "words only\n");
	CHECK_STRING(shape(T("cpu0 12 0 7\n")), "cpuP0 P12 P0 P7\n");
	CHECK_STRING(shape(T("0.05 12.50 3")), "P0.F5 P12.F50 P3");
	CHECK_STRING(shape(T("Dirty:    104 kB")), "Dirty:W104 kB");
	CHECK_STRING(shape(T("  7")), "W7");
	CHECK_STRING(shape(T(" 7")), " P7");
	CHECK_STRING(shape(T("\t 7")), "\t P7");
	CHECK_STRING(shape(T("-5")), "-P5");
}

static void
no_numbers(void)
{
	CHECK_STRING(shape(T("007")), "007");
	CHECK_STRING(shape(T("00")), "00");
	CHECK_STRING(shape(T("  00")), "  00");
	CHECK_STRING(shape(T("9999999999999999999")), "P9999999999999999999");
	CHECK_STRING(shape(T("18446744073709551615")), "18446744073709551615"); /* 20 digits */
	CHECK_STRING(shape(T("0.00000000000000000001")), "P0.00000000000000000001");
	CHECK_STRING(shape(T("0.0000000000000000001")), "P0.F1");
}

static void
round_trips(void)
{
	CHECK(trips(T("")));
	CHECK(trips(T("\0")));
	CHECK(trips(T("1\0002\0003")));
	CHECK(trips(T("\n\n\n")));
	CHECK(trips(T("no newline 5")));
	CHECK(trips(T("007 00 0 000000000000000000000000000000000000")));
	CHECK(trips(T(
	    "9999999999999999999 10000000000000000000 99999999999999999999 18446744073709551616")));
	CHECK(trips(T("1.2.3.4 .5 5. . .. 0.00 00.00 1.000000000000000000000000")));
	CHECK(trips(T("   1    12     123  007   0   .5  1.5")));
	CHECK(trips(T("\xff\xfe\x80 1 \xc3")));
	CHECK(trips(T("1-2 3--4 0x10 0b1 1e5 +7 1_000 12a34")));
}

static void
wide_columns(void)
{
	char s[700];

	for (size_t blanks = 0; blanks < 600; blanks++) {
		memset(s, ' ', sizeof s);
		memcpy(s + blanks, "12345678901234567890", 20);
		for (size_t digits = 1; digits <= 20; digits++)
			if (!CHECK(trips(TN(s, blanks + digits))))
				return;
	}
}

/* A text of what is likely to hurt. */
static size_t
random_text(char *s, size_t most)
{
	static const char *const parts[] = { " ", "  ", "      ", ".", "0", "00", "9", "99", "12",
		"1", "-", "\n", "a", "cpu", ":", "\t", "999999999", "1000000000000000000",
		"9223372036854775807", "\x80", "." };
	size_t n = 0, want = draw(most - 24);

	while (n < want) {
		if (draw(12) == 0) {
			s[n++] = (char)draw(256);
			continue;
		}
		const char *part = parts[draw(sizeof parts / sizeof parts[0])];
		memcpy(s + n, part, strlen(part));
		n += strlen(part);
	}
	return n;
}

static void
random_round_trips(void)
{
	char s[400];

	for (int i = 0; i < 20000; i++) {
		size_t n = random_text(s, i % 10 ? 40 : sizeof s);
		if (!CHECK(trips((struct text){ s, n })))
			return;
	}
}

static void
renewed(void)
{
	CHECK(renews(T("12 13\n"), T("12 13\n")));
	CHECK(renews(T("9\n"), T("10\n")));
	CHECK(renews(T("10\n"), T("9\n")));
	CHECK(renews(T("9"), T("90")));
	CHECK(renews(T("90"), T("9")));
	CHECK(renews(T("1 1 1"), T("1 11 1")));
	CHECK(renews(T("cpu 1 2 3 4\n"), T("cpu 100 0 99999 4\n")));
	CHECK(renews(T("0.05 0.10 1/200 4000\n"), T("10.95 0.09 12/9 40001\n")));
	CHECK(renews(
	    T("Dirty:    104 kB\nFree:     9 kB\n"), T("Dirty:   1104 kB\nFree:    10 kB\n")));
	CHECK(renews(
	    T("Dirty:   1104 kB\nFree:    10 kB\n"), T("Dirty:      4 kB\nFree:     9 kB\n")));
	CHECK(renews(T(""), T("")));
	CHECK(renews(T("words"), T("words")));
}

static void
not_renewed(void)
{
	CHECK(!renews(T("12"), T("ab")));
	CHECK(!renews(T("12\n"), T("12")));
	CHECK(!renews(T("12"), T("12\n")));
	CHECK(!renews(T(""), T("1")));
	CHECK(!renews(T("1"), T("")));
	CHECK(!renews(T("a 1"), T("b 1")));
	CHECK(!renews(T("a 1"), T("a 01")));
	CHECK(!renews(T("a 1"), T("a -1")));
	CHECK(!renews(T("0.05"), T("0.005")));
	CHECK(!renews(T("9999999999999999999"), T("18446744073709551615")));
	CHECK(!renews(T("18446744073709551615"), T("9999999999999999999")));
	CHECK(!renews(T("x:   99 kB"), T("x:   100 kB"))); /* no longer as wide */
	CHECK(!renews(T("x:  9"), T("x: 10")));
	CHECK(!renews(T("1 2"), T("1 2 3")));
	CHECK(!renews(T("1 2 3"), T("1 2")));
}

/* The columns of a text grow and shrink, reading after reading, in one struct. */
static void
again_and_again(void)
{
	struct figures f = { 0 }, g = { 0 };
	char s[200];
	int renewals = 0;

	figures_take(&f, T(""));
	for (int i = 0; i < 20000; i++) {
		uint64_t v[4];
		for (int k = 0; k < 4; k++)
			v[k] = draw(2) ? draw(12) : draw(2) ? draw(100000) : draw(10000000000u);
		int n = snprintf(s, sizeof s, "MemFree: %8llu kB\nx %llu y%llu 0.%02llu\n%4llu",
		    (unsigned long long)v[0], (unsigned long long)v[1], (unsigned long long)v[2],
		    (unsigned long long)v[3] % 100, (unsigned long long)v[1] % 1000);
		struct text t = { s, (size_t)n };
		bool same = figures_renew(&f, t);
		figures_take(&g, t);
		renewals += same;
		if (!same)
			figures_take(&f, t);
		if (!CHECK(equal(&f, &g) && prints(&f, t)))
			break;
	}
	CHECK(renewals > 1000);
	figures_free(&f);
	figures_free(&g);
}

/* Puts something else into one place, or takes something out. */
static size_t
change(char *s, size_t n)
{
	static const char bytes[] = "0019 .x\n";
	size_t at = draw(n + 1), out = draw(3);

	out = out < n - at ? out : n - at;
	memmove(s + at, s + at + out, n - at - out);
	n -= out;
	for (uint64_t more = draw(3); more > 0; more--) {
		memmove(s + at + 1, s + at, n - at);
		s[at] = bytes[draw(sizeof bytes - 1)];
		n++;
	}
	return n;
}

static void
random_renewals(void)
{
	char a[64], b[80];

	for (int i = 0; i < 200000 && !unit.bad; i++) {
		size_t n = random_text(a, sizeof a - 8), m = n;
		memcpy(b, a, n);
		for (uint64_t times = 1 + draw(3); times > 0; times--)
			m = change(b, m);
		struct text from = { a, n }, to = { b, m };
		renews(from, to);
		renews(to, from);
	}
}

/* A reader prints what somebody else says: any number into any place. */
static void
other_values(void)
{
	struct figures f = { 0 };
	struct buf b = { 0 };
	const uint64_t v[] = { UINT64_MAX, UINT64_MAX, UINT64_MAX };

	figures_take(&f, T("a 1 0.05 b   7 c"));
	CHECK_INT(f.count, 4);
	figures_take(&f, T("a 1 .05 b   7 c"));
	CHECK_INT(f.count, 3);
	print_anew(&f, v, &b);
	CHECK_TEXT(b, "a 18446744073709551615 .18446744073709551615 b18446744073709551615 c");
	b.n = 0;
	print_anew(&f, (const uint64_t[]){ 0, 0, 0 }, &b);
	CHECK_TEXT(b, "a 0 .00 b   0 c");
	figures_free(&f);
	buf_free(&b);
}

/* What is printed from the text of before is what is printed anew. */
static void
printed_again(void)
{
	enum { NUMBERS = 7 };
	struct figures f = { 0 };
	struct printed p = { 0 };
	struct buf b = { 0 };
	uint64_t v[NUMBERS], state = 1;

	figures_take(&f, T("a 1 0.05 b   7 c12\n3 d 444"));
	CHECK_INT(f.count, NUMBERS);
	memcpy(v, f.values, sizeof v);
	for (int turn = 0; turn < 2000; turn++) {
		state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
		uint64_t i = state >> 40, size = state >> 58;
		if (turn % 5)
			v[i % NUMBERS] = turn % 7 ? state >> size : size;
		figures_show(&f, v, &p);
		b.n = 0;
		print_anew(&f, v, &b);
		buf_char(&b, '\0');
		CHECK_TEXT(p.text, b.s);
	}
	figures_take(&f, T("no number"));
	p.valid = false;
	figures_show(&f, v, &p);
	CHECK_TEXT(p.text, "no number");
	figures_show(&f, v, &p);
	CHECK_TEXT(p.text, "no number");
	printed_free(&p);
	figures_free(&f);
	buf_free(&b);
}

int
main(void)
{
	unit_test("numbers are recognized", kinds);
	unit_test("other characters are literal", no_numbers);
	unit_test("texts are printed as they were", round_trips);
	unit_test("what is printed again is as if it were printed anew", printed_again);
	unit_test("columns of any width", wide_columns);
	unit_test("random texts are printed as they were", random_round_trips);
	unit_test("other numbers in the same words keep the template", renewed);
	unit_test("other words need another template", not_renewed);
	unit_test("columns grow and shrink", again_and_again);
	unit_test("a renewed template equals a new one", random_renewals);
	unit_test("the largest number fits", other_values);
	return unit_done();
}
