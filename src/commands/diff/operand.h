/* operand: what pq diff compares: TAPE, TAPE@FROM..TO, or a baseline. */
#ifndef PQ_COMMANDS_DIFF_OPERAND_H
#define PQ_COMMANDS_DIFF_OPERAND_H

#include "commands/diff/samples.h"

struct operand {
	const char *written;
	const char *path;            /* without the window; "": that of the other operand */
	struct when_option from, to; /* not given: written is NULL */
};

/*
 * Splits an operand; path and times are in the arena. A file of the whole name comes first; else the window
 * begins after the first '@' that is followed by two times with ".." between, either of which may be left
 * out. Dies if what follows an '@' looks like a window and is none.
 */
struct operand operand_of(const char *written, struct arena *a);

/*
 * Takes both from the words of the command line. With `at` they are one recording before that time and
 * after it. A window without a file is of the other's file. Dies if there are too few or too many.
 */
void operands_take(const struct options *o, const struct when_option *at, struct arena *arena,
    struct operand *a, struct operand *b);

/* Whether the file begins as a baseline does. */
bool is_baseline(const char *path);

/* Reads both, each on a CPU of its own if both are recordings in files. */
void operands_read(const struct operand *a, const struct operand *b, const struct options *options,
    struct side *from, struct side *to);

/* Reads a recording, in its window or that of the options, or a baseline. Dies with the reason. */
void operand_read(const struct operand *o, const struct options *options, struct side *s);

/* Dies if -p or -g named a process or cgroup of which no tool has rows: the other figures are not about it. */
void target_has_rows(const struct side *s, const struct target *asked);

#endif
