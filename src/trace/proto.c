#include "trace/proto.h"

#include <string.h>

_Static_assert(sizeof(double) == 8, "a double of protobuf has 8 bytes");

enum wire { VARINT = 0, FIXED64 = 1, BYTES = 2 };

void
proto_varint(struct buf *b, uint64_t v)
{
	char *start = buf_room(b, 10), *s = start;

	for (; v >= 0x80; v >>= 7)
		*s++ = (char)(v | 0x80);
	*s++ = (char)v;
	b->n += (size_t)(s - start);
}

static void
put_tag(struct buf *b, unsigned field, enum wire type)
{
	proto_varint(b, field << 3 | type);
}

void
proto_number(struct buf *b, unsigned field, uint64_t v)
{
	put_tag(b, field, VARINT);
	proto_varint(b, v);
}

void
proto_bytes(struct buf *b, unsigned field, const char *s, size_t n)
{
	put_tag(b, field, BYTES);
	proto_varint(b, n);
	buf_add(b, s, n);
}

void
proto_message(struct buf *b, unsigned field, const struct buf *m)
{
	proto_bytes(b, field, m->s, m->n);
}

void
proto_string(struct buf *b, unsigned field, const char *s)
{
	struct buf text = { 0 };

	buf_printable(&text, s);
	proto_message(b, field, &text);
	buf_free(&text);
}

void
proto_real(struct buf *b, unsigned field, double v)
{
	uint64_t bits;
	char bytes[8];

	memcpy(&bits, &v, sizeof bits);
	for (int i = 0; i < 8; i++)
		bytes[i] = (char)(bits >> 8 * i);
	put_tag(b, field, FIXED64);
	buf_add(b, bytes, sizeof bytes);
}
