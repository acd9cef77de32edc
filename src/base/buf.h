/* buf: bytes that are collected and written at once. It prints numbers itself, so that no locale
 * changes them. */
#ifndef PQ_BASE_BUF_H
#define PQ_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

/* Zero-initialise to start. n = 0 empties it and keeps the memory. */
struct buf {
	char *s;
	size_t n, cap;
};

/* Makes room for n more bytes, and returns where they go: the caller writes them and adds to
 * b->n. */
char *buf_room(struct buf *b, size_t n);

/* Appends n bytes, a string, a character, n blanks. */
void buf_add(struct buf *b, const char *s, size_t n);
void buf_text(struct buf *b, const char *s);
void buf_char(struct buf *b, char c);
void buf_pad(struct buf *b, size_t n);

/* Writes v with at least `width` digits, and at most U64_DIGITS, without a NUL. Returns where they end. */
enum { U64_DIGITS = 20 };
char *put_digits(char *to, uint64_t v, int width);

/* Appends a decimal number, zero-padded to at least `width` digits. */
void buf_u64(struct buf *b, uint64_t v, int width);

/* Appends x, which must be finite, with this many digits after the point (at most 9), rounded half
 * away from zero. */
void buf_fixed(struct buf *b, double x, int digits);

/* The same without zeros at the end of the fraction: 1.5, 2. */
void buf_trimmed(struct buf *b, double x, int digits);

/* Appends untrusted bytes so that a terminal shows them and does not obey them: control characters,
 * and bytes that are not UTF-8, as \ooo. */
void buf_printable(struct buf *b, const char *s);

/* Appends untrusted bytes as text, or as the value of an attribute, of HTML and XML, which have no control
 * characters and no bytes that are not UTF-8. */
void buf_markup(struct buf *b, const char *s);

/* Appends a JSON string with its quotes. Bytes that are not UTF-8 become the characters U+0080 to
 * U+00FF, so that none is lost. */
void buf_json_string(struct buf *b, const char *s);

void buf_free(struct buf *b);

/* Writes all n bytes to a descriptor that blocks, across interrupts. Returns 0, or -1 with errno. A signal
 * handler may call it. */
int write_whole(int fd, const char *s, size_t n);

#endif
