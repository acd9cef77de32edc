/*
 * printable: other people's bytes on a terminal, which must show them and not obey them. Names,
 * arguments and messages of the kernel are printed by printable_length and printable_octal only:
 * by warn and die, and by buf_printable for rows.
 */
#ifndef PQ_BASE_PRINTABLE_H
#define PQ_BASE_PRINTABLE_H

#include <stddef.h>

/* The length of the UTF-8 character at s; 0 if the bytes there are not UTF-8. */
size_t utf8_length(const char *s);

/* How many bytes at the start of s are UTF-8 without control characters (U+0000 to U+001F, U+007F to
 * U+009F). The byte after them is printed by printable_octal. */
size_t printable_length(const char *s);

/* A byte as \ooo. Returns out. */
const char *printable_octal(char out[5], char c);

#endif
