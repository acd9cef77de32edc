/*
 * expr_code: what expr_parse makes of a source and expr_eval walks: steps on a stack of values,
 * operands first. For expr*.c only: expr.c and expr_rows.c are what others call, expr_token.c reads
 * tokens, expr_parse.c makes steps of them, with expr_find.c for columns and expr_unit.c for units,
 * and expr_eval.c walks them.
 */
#ifndef PQ_EXPR_CODE_H
#define PQ_EXPR_CODE_H

#include "expr/expr.h"

/* One level of nesting has at most five values waiting: left of or, and, a comparison, a sum and a
 * product. */
enum {
	SOURCE_MOST = 4096,
	NESTING_MOST = 64,
	NAMED_MOST = 16,
	VALUES_MOST = 5 * (NESTING_MOST + 1) + 1
};

enum op {
	PUSH_NUMBER,
	PUSH_CPUS,
	PUSH_COLUMN,
	PUSH_LABEL,
	PUSH_STRING,
	NEGATE,
	IS_SET,
	NOT, /* IS_SET: a flag alone, as a condition */
	MULTIPLY,
	DIVIDE,
	ADD,
	SUBTRACT,
	GREATER,
	NOT_LESS,
	LESS,
	NOT_GREATER,
	EQUAL,
	UNEQUAL,
	SAME_TEXT,
	OTHER_TEXT,
	AND,
	OR,
};

/* What a number's unit measures. */
enum quantity { TIME, SIZE, PART };

/* A unit as it is written after a number. */
struct suffix {
	const char *name;
	enum quantity quantity;
	double scale; /* ns, bytes or percent in one of it */
};

struct step {
	enum op op;
	/* the column, or the first one in a comparison; tool: into expr.named, -1: none */
	int tool, column;
	bool negated; /* a comparison under an odd number of nots */
	bool turned;  /* a comparison whose column is on the right: 25 < tool.x */
	bool plain;   /* a comparison of a column alone with what has none */
	double number;
	struct text text;            /* a string without its quotes; a number as written */
	const struct suffix *suffix; /* of a number whose column is not known yet; else NULL */
};

/* A tool of which a column is named. */
struct named {
	size_t tool; /* its index */
	const char *name;
	const struct column *columns;
	int label; /* its first column of text, or -1 */
};

struct expr {
	char *source; /* strings are pieces of it */
	struct step *steps;
	size_t nsteps, cap;
	struct named named[NAMED_MOST];
	int nnamed;
	uint64_t for_samples;
	int64_t for_ns;
};

enum { COMBINATIONS_MOST = 65536 };

/* One row of each tool named, and what comes of it. */
struct expr_run {
	const struct expr *x;
	const struct table *tables[NAMED_MOST];
	size_t rows[NAMED_MOST];
	double cpus;
	bool relaxed, limited;
	bool supposed;      /* all comparisons of figures are taken to hold */
	bool none, unknown; /* a figure was unknown: for 0 of 0, or otherwise */
	struct expr_hit hit;
	int rank; /* how well the hit tells why: 0 is not at all */
	/* the comparisons as they are now; NULL: nobody wants to know */
	struct expr_findings *findings;
	const struct step *compared[EXPR_FIGURES_MOST]; /* which they are */
};

enum token_kind {
	TOKEN_END,
	TOKEN_NUMBER,
	TOKEN_STRING,
	TOKEN_NAME,
	TOKEN_CPUS,
	TOKEN_FOR,
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_OP,
};

struct token {
	enum token_kind kind;
	enum op op; /* of TOKEN_OP; a minus is SUBTRACT */
	size_t at;
	struct text text; /* a name, a string without its quotes, a number with its unit */
	struct text key;  /* of TOOL.KEY; s == NULL: a name alone */
	double number;
	const struct suffix *suffix; /* NULL: a plain number */
};

struct parser {
	struct expr *x;
	const struct expr_tool *tools;
	size_t ntools;
	struct expr_error *error;
	struct text source;
	size_t at;          /* after the token */
	struct token token; /* the next one */
	int nesting, values;
	bool negated;
};

/* From the loosest to the tightest; at each level operators bind to the left. */
enum precedence { DISJUNCTION, CONJUNCTION, COMPARISON, SUM, PRODUCT, OPERAND };

/* A part of the source that was read, whose steps are the last ones so far. */
struct part {
	enum { FIGURE, TEXT, CONDITION } kind;
	size_t at;      /* where it begins in the source */
	size_t first;   /* its first step */
	enum unit unit; /* of a figure; NO_UNIT also when it has only numbers */
	/* its numbers with units are still to be converted; the unit is NO_UNIT then */
	bool pending;
	bool flag;        /* a figure that is a condition as it is */
	int tool, column; /* the first column in it; -1: there is none */
};

/* Fills the error; returns false. */
bool expr_fail(struct parser *p, size_t at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* How much of a name is repeated in a message, for "%.*s". */
int expr_shown(struct text name);

/* Reads the next token; false with the error when there is none. */
bool expr_next(struct parser *p);

/* The binary operators' level; OPERAND for what is none. */
enum precedence expr_level(enum op op);

/* Joins the units of two figures, which are the last that was read, in *left, and takes their
 * numbers with units to the units of the columns beside them; false with the error when one does
 * not fit. */
bool expr_join_units(struct parser *p, struct part *left, enum op op, const struct part *right);

#endif
