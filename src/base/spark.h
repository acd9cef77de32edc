/* spark: the characters that sparklines are made of. */
#ifndef PQ_BASE_SPARK_H
#define PQ_BASE_SPARK_H

#include <stdbool.h>

/* The character for a part of the scale, from 0 to 1: of eight blocks, or of eight ASCII characters.
 * Only 0 has the lowest one. More than 1 is 1. Unknown, NaN, is a blank: a hole. */
const char *spark_cell(double part, bool utf8);

/* The top of a scale for values up to `most`: 1, 2 or 5 times a power of 10, or for bytes a power of
 * 4. At least `least`, which may be any number; 1 if both are 0. */
double spark_top(double most, double least, bool bytes);

/* The same if the present top is `now`: it stays while it is large enough, and while the largest value
 * reaches a fifth of it. */
double spark_next_top(double now, double most, double least, bool bytes);

#endif
