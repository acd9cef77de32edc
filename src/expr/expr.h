/*
 * expr: conditions over the columns of tools.
 *
 *  throttle.throttled_pct > 25 and (runq.runq_sz > 2*cpus or not cpu.allowed) for 3
 *
 * Operators: or, and, not (|| && !), > >= < <= == !=, + - * /, and parentheses; `not` applies to a
 * whole comparison. Operands: TOOL.KEY, or KEY if only one tool has it; cpus; numbers, also with a
 * unit (200ms 512M 80%); "text", for text columns. At the end: `for 3` (samples) or `for 3s`. A
 * comparison with an unknown figure is unknown, neither true nor false.
 */
#ifndef PQ_EXPR_EXPR_H
#define PQ_EXPR_EXPR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "table/table.h"

/* A tool whose columns may be used. They end with a column without a key. */
struct expr_tool {
	const char *name; /* several may share one: the first of them that has a column counts */
	const struct column *columns;
};

struct expr_error {
	size_t at; /* the wrong byte of the source; its length: the end */
	char message[160];
};

/* The values at a sample. */
struct expr_now {
	/* by the index of the tool, with the columns given to expr_parse; NULL: no rows yet */
	const struct table *const *tables;
	double cpus; /* online; NaN: unknown */
};

enum truth { TRUTH_NO, TRUTH_YES, TRUTH_UNKNOWN };

/* The comparison that made an expression true. Tool, key and label are those of its first column;
 * all NULL if it has none. A comparison of figures is preferred to one of text. */
struct expr_hit {
	const char *tool, *key;
	/* the side of the column, and the other side; NaN for text, and for the threshold of a
	 * flag */
	double value, threshold;
	/* the row's first text cell, and what people call it; or NULL; valid as long as the table's */
	const char *label, *brief;
};

/* A comparison of figures with at least one column, in the rows that decide. */
struct expr_figure {
	const char *tool; /* of its first column */
	const struct column *column;
	/* which way makes the expression true: ">", as if the column were on the left; the opposite
	 * under `not` */
	const char *sign;
	bool plain;              /* a column alone, compared with a threshold without columns */
	bool holds;              /* value SIGN threshold */
	double value, threshold; /* the side of the column, and the other side; NaN: unknown */
	/* the row's first text cell, and what people call it; or NULL; valid as long as the table's */
	const char *label, *brief;
};

enum { EXPR_FIGURES_MOST = 16 };

/* The first EXPR_FIGURES_MOST comparisons of figures, in the order of the expression. */
struct expr_findings {
	struct expr_figure v[EXPR_FIGURES_MOST];
	size_t n;
	bool divided; /* a quotient of known figures has no value */
	/* of the first row, if only comparisons of text are true */
	const char *label, *brief;
};

struct expr;

/* The expression, or NULL with *e filled. It keeps the names and columns of the tools, but not the
 * array. */
struct expr *expr_parse(
    const char *source, const struct expr_tool *tools, size_t n, struct expr_error *e);

/* Whether the expression uses a column of the tool with this index. */
bool expr_uses(const struct expr *x, size_t tool);

/* Whether the expression is true for some combination of rows, one of each tool that it uses.
 * Unknown if a tool has no rows, or if there are too many combinations to try. `relaxed` eases each
 * of > >= < <= by a tenth of the threshold's absolute value (under `not` it tightens it), so the
 * expression is true at least where it is true as written. *hit (may be NULL) is filled only if
 * true: with the first true comparison or, without one, with the first false one under a `not`. */
enum truth expr_eval(
    const struct expr *x, const struct expr_now *now, bool relaxed, struct expr_hit *hit);

/* Judges all rows. The truth is that of expr_eval, except that a share that the tool
 * measured as 0 of 0 (see struct cell) makes the expression false. If it is true, the figures are those of
 * the worst rows, by the first comparison that is true. Otherwise each figure is the one that comes
 * nearest to its threshold, or goes farthest beyond it, among the rows where the other comparisons
 * could matter: where the expression would be true if all comparisons of figures were. NaN if there
 * is no such row. A threshold without columns is always filled. */
enum truth expr_judge(const struct expr *x, const struct expr_now *now, struct expr_findings *f);

/* Whether the expression uses this column of the tool with this index. */
bool expr_names(const struct expr *x, size_t tool, int column);

/* The duration after `for`, in samples or in nanoseconds; 0: not given in that form. */
uint64_t expr_for_samples(const struct expr *x);
int64_t expr_for_ns(const struct expr *x);

/* Accepts NULL. */
void expr_free(struct expr *x);

#endif
