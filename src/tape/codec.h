/*
 * codec: how a tape writes numbers. Each is a code of one to nine bytes, the first of which says
 * how many follow, and these are little-endian. pq-tape(5) has the table.
 */
#ifndef PQ_TAPE_CODEC_H
#define PQ_TAPE_CODEC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* Appends a number, and takes one off *rest; false when there is none. */
void code_put(struct buf *b, uint64_t v);
bool code_get(struct text *rest, uint64_t *v);

/* The same for one that may be negative: small ones of either sign are short. */
void code_put_signed(struct buf *b, int64_t v);
bool code_get_signed(struct text *rest, int64_t *v);

/* n bytes, with their number before them. */
void code_put_text(struct buf *b, struct text t);
bool code_get_text(struct text *rest, struct text *t);

/* A sequence of differences, most of which are 0. The zeros at its end are not written. */
struct deltas {
	struct buf *out;
	uint64_t zeros; /* not written yet */
};

void deltas_put(struct deltas *d, uint64_t from, uint64_t to);
void deltas_skip(struct deltas *d, uint64_t n);

/* The sequence read back. */
struct deltas_read {
	struct text rest;
	uint64_t zeros; /* still to come */
	bool bad;       /* the bytes are no such sequence */
};

/* Adds each of the next n differences to the numbers at v; true when one of them was not 0. */
bool deltas_add(struct deltas_read *d, uint64_t *v, size_t n);

#endif
