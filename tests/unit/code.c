/* Numbers as few bytes, and the checksum. */
#include "base/code.h"
#include "base/crc32c.h"

#include "draw.h"
#include "unit.h"

/* ---- numbers */

static const uint64_t edges[] = { 0, 1, 2, 63, 64, 119, 120, 121, 8311, 8312, 8313, 65535, 65536,
	1056887, 1056888, 1056889, 16777215, 16777216, 135274615, 135274616, 135274617, 4294967295,
	4294967296, (uint64_t)1 << 40, (uint64_t)1 << 48, (uint64_t)1 << 56, INT64_MAX,
	(uint64_t)1 << 63, UINT64_MAX - 1, UINT64_MAX };

enum { EDGES = sizeof edges / sizeof edges[0] };

/* The number of the bytes that v takes; all but the whole code are refused. */
static size_t
length(uint64_t v)
{
	struct buf b = { 0 };
	uint64_t got = ~v;

	code_put(&b, v);
	for (size_t n = 0; n < b.n; n++) {
		struct text torn = TN(b.s, n);
		CHECK(!code_get(&torn, &got));
	}
	buf_char(&b, 'x');
	struct text whole = TN(b.s, b.n);
	CHECK(code_get(&whole, &got));
	CHECK_U64(got, v);
	CHECK_TEXT(whole, "x");
	uint32_t narrow = 0;
	whole = TN(b.s, b.n);
	CHECK(code_get_u32(&whole, &narrow) == (v <= UINT32_MAX) &&
	    narrow == (v <= UINT32_MAX ? v : 0));
	size_t n = b.n - 1;
	buf_free(&b);
	return n;
}

static void
numbers(void)
{
	for (int i = 0; i < EDGES; i++)
		CHECK(length(edges[i]) <= 9);
	for (uint64_t v = 0; v < 20000; v++)
		length(v);
	for (int i = 0; i < 20000; i++)
		length(draw(UINT64_MAX) >> draw(64));
}

static void
lengths(void)
{
	CHECK_INT(length(0), 1);
	CHECK_INT(length(119), 1);
	CHECK_INT(length(120), 2);
	CHECK_INT(length(8311), 2);
	CHECK_INT(length(8312), 3);
	CHECK_INT(length(1056887), 3);
	CHECK_INT(length(1056888), 4);
	CHECK_INT(length(135274615), 4);
	CHECK_INT(length(135274616), 5);
	CHECK_INT(length(UINT32_MAX), 5);
	CHECK_INT(length((uint64_t)UINT32_MAX + 1), 6);
	CHECK_INT(length(UINT64_MAX), 9);
}

static void
signed_numbers(void)
{
	struct buf b = { 0 };

	for (int i = 0; i < EDGES; i++) {
		int64_t v[2], got;
		memcpy(&v[0], &edges[i], sizeof v[0]);
		v[1] = edges[i] == (uint64_t)1 << 63 ? 0 : -v[0];
		for (int k = 0; k < 2; k++) {
			b.n = 0;
			code_put_signed(&b, v[k]);
			struct text rest = TN(b.s, b.n);
			CHECK(code_get_signed(&rest, &got));
			CHECK_INT(got, v[k]);
			CHECK_INT(rest.n, 0);
		}
	}
	b.n = 0;
	for (int64_t v = -60; v < 60; v++)
		code_put_signed(&b, v);
	CHECK_INT(b.n, 120); /* small ones of either sign are short */
	buf_free(&b);
}

/* The first bytes of runs of zeros are no numbers of their own. */
static void
no_number(void)
{
	uint64_t v;

	for (unsigned first = 0; first < 72; first++) {
		char bytes[9] = { (char)first, 1, 1, 1, 1, 1, 1, 1, 1 };
		struct text rest = TN(bytes, sizeof bytes);
		CHECK(!code_get(&rest, &v));
	}
	struct text none = T("");
	CHECK(!code_get(&none, &v));
}

static void
texts(void)
{
	struct buf b = { 0 };
	struct text got;

	code_put_text(&b, T("a\0b"));
	code_put_text(&b, T(""));
	code_put_text(&b, T("last"));
	for (size_t n = 0; n < 4; n++) {
		struct text torn = TN(b.s, n);
		CHECK(!code_get_text(&torn, &got));
	}
	struct text rest = TN(b.s, b.n);
	CHECK(code_get_text(&rest, &got) && got.n == 3 && memcmp(got.s, "a\0b", 3) == 0);
	CHECK(code_get_text(&rest, &got) && got.n == 0);
	CHECK(code_get_text(&rest, &got));
	CHECK_TEXT(got, "last");
	CHECK(!code_get_text(&rest, &got));
	b.n = 0;
	code_put(&b, UINT64_MAX); /* it is longer than all there is */
	rest = TN(b.s, b.n);
	CHECK(!code_get_text(&rest, &got));
	buf_free(&b);
}

enum { MANY = 6000 };

/* Differences of MANY numbers, read back in pieces. Each is other than before with one chance in
 * `rare`. */
static void
sequence(uint64_t rare)
{
	static uint64_t from[MANY], to[MANY], got[MANY];
	struct buf b = { 0 };
	struct deltas d = { .out = &b };
	bool changed = false, seen = false;

	for (size_t i = 0; i < MANY; i++) {
		from[i] = edges[draw(EDGES)];
		to[i] = draw(rare) ? from[i] : draw(2) ? edges[draw(EDGES)] : from[i] + draw(300);
		changed |= from[i] != to[i];
		if (from[i] == to[i] && draw(2))
			deltas_skip(&d, 1);
		else
			deltas_put(&d, from[i], to[i]);
	}
	memcpy(got, from, sizeof got);
	struct deltas_read r = { .rest = TN(b.s, b.n) };
	for (size_t i = 0, n; i < MANY; i += n) {
		n = draw(draw(2) ? 3 : 3000);
		n = n < MANY - i ? n : MANY - i;
		seen |= deltas_add(&r, got + i, n);
	}
	CHECK(!r.bad && r.rest.n == 0 && seen == changed);
	CHECK(memcmp(got, to, sizeof got) == 0);
	buf_free(&b);
}

static void
sequences(void)
{
	for (uint64_t rare = 1; rare < 20000; rare = rare * 3 / 2 + 1)
		for (int i = 0; i < 20; i++)
			sequence(rare);
}

/* A run of n zeros and a one. */
static void
runs(void)
{
	struct buf b = { 0 };
	uint64_t v[3000] = { 0 };

	for (size_t n = 0; n < 3000; n++) {
		struct deltas d = { .out = &b };
		b.n = 0;
		deltas_skip(&d, n);
		deltas_put(&d, 5, 6);
		struct deltas_read r = { .rest = TN(b.s, b.n) };
		CHECK(n == 0 || !deltas_add(&r, v, n));
		CHECK(deltas_add(&r, v, 1) && v[0] == 1);
		CHECK(!r.bad && r.rest.n == 0);
		CHECK(!deltas_add(&r, v + 1, 2999) && !r.bad); /* and nothing but zeros behind */
		CHECK(n < 1 || n > 64 || b.n == 2);
		v[0] = 0;
	}
	buf_free(&b);
}

static void
nothing_written(void)
{
	struct buf b = { 0 };
	struct deltas d = { .out = &b };

	for (int i = 0; i < 100; i++)
		deltas_put(&d, 7, 7);
	deltas_skip(&d, UINT32_MAX);
	CHECK_INT(b.n, 0);
	buf_free(&b);
}

/* Any bytes: read to their end, and never beyond. */
static void
any_bytes(void)
{
	uint64_t v[16], number;
	char bytes[24];

	for (int i = 0; i < 100000; i++) {
		size_t n = draw(sizeof bytes);
		for (size_t k = 0; k < n; k++)
			bytes[k] = (char)draw(256);
		struct text exact = { malloc(n), n }, rest = exact;
		if (n > 0)
			memcpy((void *)(uintptr_t)exact.s, bytes, n);
		while (code_get(&rest, &number))
			;
		CHECK(rest.n <= n);
		struct deltas_read r = { .rest = exact };
		for (int k = 0; k < 64 && (r.rest.n > 0 || k == 0); k++)
			deltas_add(&r, v, sizeof v / sizeof v[0]);
		CHECK(r.rest.n < n || n == 0);
		free((void *)(uintptr_t)exact.s);
	}
	struct deltas_read torn = { .rest = T("\x40") };
	deltas_add(&torn, v, 2);
	CHECK(torn.bad);
	torn = (struct deltas_read){ .rest = T("\xff\1\2\3") };
	deltas_add(&torn, v, 2);
	CHECK(torn.bad);
}

/* ---- checksum: the vectors of RFC 3720, B.4 */

static void
vectors(void)
{
	static const unsigned char read_pdu[48] = {
		0x01,
		0xc0, [16] = 0x14, [22] = 0x04, [27] = 0x14, [31] = 0x18, [32] = 0x28, [40] = 0x02
	};
	unsigned char zeros[32] = { 0 }, ones[32], up[32], down[32];

	memset(ones, 0xff, sizeof ones);
	for (int i = 0; i < 32; i++) {
		up[i] = (unsigned char)i;
		down[i] = (unsigned char)(31 - i);
	}
	CHECK_U64(crc32c(0, zeros, sizeof zeros), 0x8a9136aa);
	CHECK_U64(crc32c(0, ones, sizeof ones), 0x62a8ab43);
	CHECK_U64(crc32c(0, up, sizeof up), 0x46dd794e);
	CHECK_U64(crc32c(0, down, sizeof down), 0x113fdb5c);
	CHECK_U64(crc32c(0, read_pdu, sizeof read_pdu), 0xd9963a56);
	CHECK_U64(crc32c(0, "123456789", 9), 0xe3069283);
	CHECK_U64(crc32c(0, NULL, 0), 0);
}

static void
in_parts(void)
{
	char bytes[300];

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)(i * 7 + i / 11);
	for (size_t i = 0; i <= sizeof bytes; i++)
		CHECK_U64(crc32c(crc32c(0, bytes, i), bytes + i, sizeof bytes - i),
		    crc32c(0, bytes, sizeof bytes));
}

/* Many bytes are taken eight at a time, wherever they begin. */
static void
many_bytes(void)
{
	char bytes[5000];

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)(i * 31 + i / 13);
	for (size_t from = 0; from < 9; from++) {
		uint32_t by_seven = 0;
		for (size_t i = from; i < sizeof bytes; i += 7)
			by_seven = crc32c(
			    by_seven, bytes + i, i + 7 <= sizeof bytes ? 7 : sizeof bytes - i);
		CHECK_U64(crc32c(0, bytes + from, sizeof bytes - from), by_seven);
	}
	vectors();
}

/* Every single bit counts, wherever it is. */
static void
flips(void)
{
	unsigned char bytes[64];

	memset(bytes, 'x', sizeof bytes);
	uint32_t whole = crc32c(0, bytes, sizeof bytes);
	for (size_t i = 0; i < 8 * sizeof bytes; i++) {
		bytes[i / 8] ^= (unsigned char)(1 << i % 8);
		CHECK(crc32c(0, bytes, sizeof bytes) != whole);
		bytes[i / 8] ^= (unsigned char)(1 << i % 8);
	}
}

int
main(void)
{
	unit_test("numbers: unsigned numbers are read back", numbers);
	unit_test("numbers: small numbers are short", lengths);
	unit_test("numbers: signed numbers are read back", signed_numbers);
	unit_test("numbers: invalid bytes are errors", no_number);
	unit_test("numbers: texts are read back", texts);
	unit_test("numbers: sequences of differences are read back", sequences);
	unit_test("numbers: runs of zeros", runs);
	unit_test("numbers: equal values take no byte", nothing_written);
	unit_test("numbers: random bytes do not read beyond the end", any_bytes);
	unit_test("checksum: the vectors of the RFC", vectors);
	unit_test("checksum: two parts give the same as the whole", in_parts);
	unit_test("checksum: many bytes at a time", many_bytes);
	unit_test("checksum: every bit counts", flips);
	return unit_done();
}
