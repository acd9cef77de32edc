/*
 * template: separates a text into numbers and the bytes between them. Most kernel files change only
 * their numbers from one reading to the next, so a recording keeps the rest once.
 *
 * A number is a sequence of digits that can be printed again as the same bytes. There are three
 * kinds; all other bytes are literal:
 *
 *  PLAIN    1 to 19 digits without a leading zero: "12"
 *  FIXED    digits after a point, of fixed width: the "05" of "0.05"
 *  PADDED   at least two blanks and digits, of fixed width: the "    104" of "Dirty:    104 kB"
 */
#ifndef PQ_TAPE_TEMPLATE_H
#define PQ_TAPE_TEMPLATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum figure_kind { FIGURE_PLAIN, FIGURE_FIXED, FIGURE_PADDED };

/* The place of a number in the text, including its blanks. */
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

/* Copies the text and finds its numbers: f->count of them, with their places and values. */
void figures_take(struct figures *f, struct text t);

/* The same, fast, for a text that differs only in its numbers: true, and f is as after
 * figures_take. False if anything else differs; f must then take a text before other uses. */
bool figures_renew(struct figures *f, struct text t);

/* A text that was printed, with the places of its numbers. Zero-initialise to start. */
struct printed {
	struct buf text, spare;
	struct spot *spots;
	uint64_t *values;
	size_t room;
	bool valid; /* it is of the present words; to be cleared when they change */
};

/* Makes p the text of f with these numbers. A number that is too wide for its place widens it. Of a text
 * that is valid, only numbers that have changed are printed. */
void figures_show(const struct figures *f, const uint64_t *values, struct printed *p);

void printed_free(struct printed *p);

void figures_free(struct figures *f);

#endif
