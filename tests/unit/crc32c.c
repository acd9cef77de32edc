/* The checksum of a tape's records: the vectors of RFC 3720, B.4. */
#include "tape/format.h"

#include "unit.h"

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
	unit_test("the vectors of the RFC", vectors);
	unit_test("in two parts it is the same", in_parts);
	unit_test("every bit counts", flips);
	return unit_done();
}
