/*
 * template: a text taken apart into its numbers and the bytes between them. Most kernel files keep
 * their words from one reading to the next and change their numbers, so a recording keeps the words
 * once.
 *
 * A number is what can be printed again as the same bytes. All other bytes are literal:
 *
 *  PLAIN    1 to 19 digits without a leading zero: "12"
 *  FIXED    digits after a point, always as many: the "05" of "0.05"
 *  PADDED   at least two blanks and digits, always as wide: the "    104" of "Dirty:    104 kB"
 */
#ifndef PQ_TAPE_TEMPLATE_H
#define PQ_TAPE_TEMPLATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum figure_kind { FIGURE_PLAIN, FIGURE_FIXED, FIGURE_PADDED };

/* Where a number is in the text, with its blanks. */
struct spot {
	uint32_t at;
	uint8_t n;
	uint8_t kind;
};

/* Zero-initialise to start. */
struct figures {
	struct buf text;
	struct spot *spots;
	uint64_t *values;
	size_t count, room;
};

/* Takes a copy of the text apart: f->count numbers, their places and their values. */
void figures_take(struct figures *f, struct text t);

/* The same for a text that is likely to differ in its numbers only: true, and f is as figures_take
 * would make it. False when anything else differs; f is of no use then until it takes a text. */
bool figures_renew(struct figures *f, struct text t);

/* Puts the text of f, with these numbers for its own, into b. A number that is too wide for its
 * place widens it. */
void figures_print(const struct figures *f, const uint64_t *values, struct buf *b);

void figures_free(struct figures *f);

#endif
