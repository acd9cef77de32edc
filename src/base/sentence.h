/*
 * sentence: sentences with figures, for people. A figure that is unknown cannot be written: the
 * sentence, or the optional part of it that has the figure, is left out instead.
 *
 *  sentence_put(b, SENTENCE("limit {} CPUs[ ({} % used)]", fixed(limit, 2), fixed(used, 0)));
 *
 * Each {} takes the next figure, and [] encloses an optional part. The compiler refuses a plain
 * number or string in place of a figure.
 */
#ifndef PQ_BASE_SENTENCE_H
#define PQ_BASE_SENTENCE_H

#include "base/buf.h"

#pragma GCC diagnostic error "-Wincompatible-pointer-types"

/* What stands in a sentence. Made by the functions below only. */
struct figure {
	void (*put)(const struct figure *, struct buf *); /* NULL: unknown */
	double number;
	int digits; /* after the point */
	const char *text;
};

/* A number with `digits` (0 to 2) after the point, bytes as "64 MiB", seconds as "1.5 s". NaN and
 * infinities are unknown. */
struct figure fixed(double number, int digits);
struct figure bytes(double number);
struct figure seconds(double number);

/* A name as it was read: of a process, a cgroup, a file. NULL and "" are unknown. It is not copied
 * before it is put. */
struct figure name(const char *text);

/* One of two constant texts, which may be empty: EITHER(n == 1, "", "s"). */
#define EITHER(condition, yes, no) figure_words((condition) ? "" yes "" : "" no "")
struct figure figure_words(const char *text);

/* For a sentence without figures. */
#define NO_FIGURE figure_none()
struct figure figure_none(void);

/* The arguments of sentence_put: constant words, and at least one figure or NO_FIGURE. */
#define SENTENCE(words, ...) \
	"" words "", (const struct figure[]){ __VA_ARGS__ }, \
	    sizeof((const struct figure[]){ __VA_ARGS__ }) / sizeof(struct figure)

/* Appends the sentence. False, with nothing appended, if a figure outside of [] is unknown, or if
 * there are more or fewer figures than {}. */
bool sentence_put(struct buf *b, const char *words, const struct figure *figures, size_t n);

#endif
