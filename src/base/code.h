/* code: numbers as bytes, for files that are small. pq-tape(5) and pq-trace(5) describe them. */
#ifndef PQ_BASE_CODE_H
#define PQ_BASE_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/text.h"

/* ---- Numbers of so many bytes, at most 8, in little-endian order */

void le_put(unsigned char *out, uint64_t v, int bytes);
uint64_t le_get(const unsigned char *in, int bytes);

/* ---- Numbers: one to nine bytes. The first byte says how many follow, in little-endian order */

/* Numbers below CODE_SMALL are one byte: CODE_FIRST plus the number. */
enum { CODE_MOST = 9, CODE_FIRST = 72, CODE_SMALL = 120 };

/* Writes a number, at most CODE_MOST bytes. Returns where it ends. */
unsigned char *code_write(unsigned char *to, uint64_t v);

/* Append a number, and take one off *rest; false if there is none. */
void code_put(struct buf *b, uint64_t v);
bool code_get(struct text *rest, uint64_t *v);

/* The same; false also for a number of more than 32 bits. */
bool code_get_u32(struct text *rest, uint32_t *v);

/* The same for signed numbers. Small ones of either sign are short. */
void code_put_signed(struct buf *b, int64_t v);
bool code_get_signed(struct text *rest, int64_t *v);

/* The same for n bytes, preceded by n. */
void code_put_text(struct buf *b, struct text t);
bool code_get_text(struct text *rest, struct text *t);

/* A sequence of differences, most of which are 0. Zeros at the end are not written. */
struct deltas {
	struct buf *out;
	uint64_t zeros; /* pending */
};

void deltas_put(struct deltas *d, uint64_t from, uint64_t to);
void deltas_skip(struct deltas *d, uint64_t n);

/* The same sequence, while it is read. */
struct deltas_read {
	struct text rest;
	uint64_t zeros; /* pending */
	bool bad;       /* the bytes are not a valid sequence */
};

/* Adds the next n differences to the numbers at v. True if one of them was not 0. */
bool deltas_add(struct deltas_read *d, uint64_t *v, size_t n);

#endif
