/*
 * expr: conditions over the columns of tools.
 *
 *  throttle.throttled_pct > 25 and (runq.runq_sz > 2*cpus or not cpu.allowed) for 3
 *
 * or and not (|| && !), > >= < <= == !=, + - * /, parentheses; TOOL.KEY, or KEY alone where that is
 * clear; cpus; numbers, also with a unit: 200ms 512M 80%; "text" for columns of text. `not` takes
 * in a whole comparison. At the end `for 3` (samples) or `for 3s`. A figure that is unknown makes
 * its comparison unknown, neither true nor false.
 */
#ifndef PQ_EXPR_EXPR_H
#define PQ_EXPR_EXPR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "table/table.h"

/* A tool whose columns may be named; they end with a column without a key. */
struct expr_tool {
	const char *name;
	const struct column *columns;
};

struct expr_error {
	size_t at; /* the byte of the source that is meant; its length: the end */
	char message[160];
};

/* What holds at a sample. */
struct expr_now {
	/* by the tools' indices, under the columns given to expr_parse; NULL: no rows yet */
	const struct table *const *tables;
	double cpus; /* online; NaN: unknown */
};

enum truth { TRUTH_NO, TRUTH_YES, TRUTH_UNKNOWN };

/* The comparison that made an expression hold, one of figures rather than of text; of its first
 * column, all NULL when it has none. */
struct expr_hit {
	const char *tool, *key;
	/* the column's side and the other one; NaN where it is of text, and the threshold of a
	 * flag */
	double value, threshold;
	/* the row's first cell of text, or NULL; as long as the table's */
	const char *label;
};

/* A comparison of figures, one of which at least is a column's, in the rows that decide. */
struct expr_figure {
	const char *tool; /* of its first column */
	const struct column *column;
	/* what speaks for the expression: ">"; with the column on the left, and under `not` the
	 * opposite */
	const char *sign;
	/* it is the column alone, compared with what has none: a threshold */
	bool plain;
	bool holds;              /* as the sign says */
	double value, threshold; /* the column's side and the other one; NaN: unknown */
	/* the row's first cell of text, or NULL; as long as the table's */
	const char *label;
};

enum { EXPR_FIGURES_MOST = 16 };

/* What there is to be said of an expression: its comparisons of figures, as far as they have room,
 * in order. */
struct expr_findings {
	struct expr_figure v[EXPR_FIGURES_MOST];
	size_t n;
	const char *label; /* of the first row, when it holds by text alone */
};

struct expr;

/* The expression, or NULL with *e filled. Names and columns of the tools are kept, the array is
 * not. */
struct expr *expr_parse(
    const char *source, const struct expr_tool *tools, size_t n, struct expr_error *e);

/* Whether it names a column of the tool of this index. */
bool expr_uses(const struct expr *x, size_t tool);

/* Whether there is one row of each tool named for which it holds; unknown when one of them has no
 * rows, or when so many combinations of rows were tried in vain that no more are. Relaxed: each of
 * > >= < <= is eased by a tenth of the absolute value of what the column is compared with, under
 * `not` tightened, so that it holds at least where it holds as written. *hit (may be NULL) is
 * filled on TRUTH_YES only: the first comparison that is true, or if there is none, the first that
 * is false under a `not`. */
enum truth expr_eval(
    const struct expr *x, const struct expr_now *now, bool relaxed, struct expr_hit *hit);

/* Judges the rows as a whole: the truth is expr_eval's, but that what is unknown for 0 of 0 only
 * (table.h) does not hold. Of an expression that holds the figures are those of the rows that are
 * worst, by its first comparison that does. Else each is the one nearest to its threshold, or
 * farthest beyond, in a row for which it matters: where the expression would hold if all of its
 * comparisons of figures did; NaN where there is none. */
enum truth expr_judge(const struct expr *x, const struct expr_now *now, struct expr_findings *f);

/* Whether it names this column of the tool of this index. */
bool expr_names(const struct expr *x, size_t tool, int column);

/* What `for` says: samples, or nanoseconds; 0: not given so. */
uint64_t expr_for_samples(const struct expr *x);
int64_t expr_for_ns(const struct expr *x);

/* NULL is allowed. */
void expr_free(struct expr *x);

#endif
