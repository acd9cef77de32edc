/* buf: bytes that are put together and written at once. Numbers are printed here, so no locale
 * reaches them. */
#ifndef PQ_BASE_BUF_H
#define PQ_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

/* Zero-initialise to start; n = 0 empties it. */
struct buf {
	char *s;
	size_t n, cap;
};

/* Room for n more bytes at the end: s + n may be written. */
char *buf_room(struct buf *b, size_t n);

void buf_add(struct buf *b, const char *s, size_t n);
void buf_text(struct buf *b, const char *s);
void buf_char(struct buf *b, char c);
void buf_pad(struct buf *b, size_t n);

/* A decimal number, zero-padded to at least `width` digits. */
void buf_u64(struct buf *b, uint64_t v, int width);

/* x with so many digits after the point (at most 9), rounded half away from zero; finite values
 * only. */
void buf_fixed(struct buf *b, double x, int digits);

/* The length of the UTF-8 character at s; 0 when the bytes there are none. */
size_t buf_utf8_length(const char *s);

/* Somebody else's bytes for a terminal: control characters, and what is no UTF-8, as \ooo. */
void buf_printable(struct buf *b, const char *s);

void buf_free(struct buf *b);

#endif
