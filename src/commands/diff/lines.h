/* lines: the comparison of two recordings, a line for each figure of both: what text, JSON and CSV print,
 * and what a report can show. */
#ifndef PQ_COMMANDS_DIFF_LINES_H
#define PQ_COMMANDS_DIFF_LINES_H

#include "commands/diff/samples.h"

/* In the order in which they are shown. */
enum line_kind {
	LINE_WORSE,
	LINE_BETTER,
	LINE_OTHER,   /* changed, and neither is better */
	LINE_SETTING, /* a limit that has another value */
	LINE_SAME,    /* no significant change, or a small one */
	LINE_FEW, /* too few samples to tell: not even the clearest change would be significant */
	LINE_ONLY_A, /* unknown in the other one */
	LINE_ONLY_B,
	LINE_KINDS
};

struct line {
	enum line_kind kind;
	size_t tool; /* index in tools[] */
	int column;
	const char *row;                /* "": the tool has one row */
	const struct spread *from, *to; /* NULL: unknown there */
	struct rank_test test;          /* p is NaN if there is none */
	double p_least;                 /* of the clearest change; NaN if there is no test */
	double size;                    /* change_size of the means */
	bool significant;               /* however small */
	bool asked;                     /* a --fail is about it */
	bool fails;                     /* it is worse than that allows */
};

#define USUAL_LEVEL 0.01
#define USUAL_LEAST 0.05

struct comparison {
	const struct side *a, *b;
	double level; /* the chance of a wrong line if nothing has changed */
	double least; /* a change of less than this part is a small one */
	struct line *v;
	size_t n, tests;
	size_t of[LINE_KINDS]; /* how many lines of each kind */
	bool too_short;        /* even the clearest change could not be significant */
};

/* Compares the two; the sides must outlive the result. Set level and least first. */
void comparison_make(struct comparison *c, const struct side *a, const struct side *b);

/* The first of the lines of a kind, of which there are c->of[k]. */
const struct line *comparison_first(const struct comparison *c, enum line_kind k);

const struct column *line_column(const struct line *l);

/* The words of JSON and CSV. */
const char *line_kind_name(enum line_kind k);

/* "throttle.throttled/s" */
void line_figure(const struct line *l, struct buf *b);

/* The row for people: its name, of a CPU "CPU 1" and "all CPUs". "": the tool has one row. */
void line_row(const struct line *l, struct buf *b);

/* The largest difference that is not significant because the figure changed within A or within B; NULL: there
 * is none. */
const struct line *comparison_changed_within(const struct comparison *c);

/* The columns of the table below, which ends with a column without a key. */
extern const struct column diff_columns[];

/* Appends the lines as rows. The labels live as long as the comparison and the arena. */
void comparison_rows(const struct comparison *c, struct arena *a, struct table *out);

void comparison_free(struct comparison *c);

#endif
