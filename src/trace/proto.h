/*
 * proto: writes messages of protobuf, by the numbers of their fields. A field has its number and type,
 * then a number in 7 bits a byte, 8 bytes, or a length and bytes. A message in a message is bytes.
 */
#ifndef PQ_TRACE_PROTO_H
#define PQ_TRACE_PROTO_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* A number without its field, as in packed arrays. */
void proto_varint(struct buf *b, uint64_t v);

void proto_number(struct buf *b, unsigned field, uint64_t v);
void proto_bytes(struct buf *b, unsigned field, const char *s, size_t n);
void proto_message(struct buf *b, unsigned field, const struct buf *m);
void proto_real(struct buf *b, unsigned field, double v);

/* Other people's bytes: strings of protobuf are UTF-8. Control characters become \ooo, too. */
void proto_string(struct buf *b, unsigned field, const char *s);

#endif
