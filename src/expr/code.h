/*
 * code: what expr_parse makes of an expression and expr_eval runs: steps on a stack of values,
 * operands first. Only for this folder: token.c reads tokens and converts units, parse.c turns them
 * into steps, and eval.c runs the steps on rows.
 */
#ifndef PQ_EXPR_CODE_H
#define PQ_EXPR_CODE_H

#include "expr/expr.h"

/* VALUES_MOST: each level of nesting holds at most five values, the left operands of an or, an and,
 * a comparison, a sum and a product. */
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
	NOT, /* IS_SET: a flag that stands alone as a condition */
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
	/* the column, or the first one of a comparison; `tool` is an index of expr.named, -1:
	 * none */
	int tool, column;
	bool negated; /* a comparison under an odd number of `not` */
	bool turned;  /* a comparison whose column is on the right: 25 < tool.x */
	bool plain;   /* a comparison of a column alone with a threshold without columns */
	double number;
	struct text text;            /* a string without its quotes; a number as written */
	const struct suffix *suffix; /* of a number that is not converted yet; else NULL */
};

/* A tool with a column in the expression. */
struct named {
	size_t tool; /* its index */
	const char *name;
	const struct column *columns;
	int label; /* its first text column, or -1 */
};

struct expr {
	char *source; /* the texts of steps are parts of it */
	struct step *steps;
	size_t nsteps, cap;
	struct named named[NAMED_MOST];
	int nnamed;
	uint64_t for_samples;
	int64_t for_ns;
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
	struct text key;  /* of TOOL.KEY; key.s is NULL without a tool */
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

/* From the loosest to the tightest. Operators of a level are left-associative. */
enum precedence { DISJUNCTION, CONJUNCTION, COMPARISON, SUM, PRODUCT, OPERAND };

/* A part of the source that was parsed. Its steps are the last ones. */
struct part {
	enum { FIGURE, TEXT, CONDITION } kind;
	size_t at;        /* where it begins in the source */
	size_t first;     /* its first step */
	enum unit unit;   /* of a figure; NO_UNIT also if it has only numbers */
	bool pending;     /* it has numbers with units to convert; `unit` is NO_UNIT then */
	bool flag;        /* a flag column alone, which is a condition */
	int tool, column; /* its first column; -1: none */
};

/* Sets the error. Returns false. */
bool expr_fail(struct parser *p, size_t at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* How much of a name a message shows, for "%.*s". */
int expr_shown(struct text name);

/* Reads the next token into p->token; false with the error. */
bool expr_next(struct parser *p);

/* The level of a binary operator; OPERAND for other operators. */
enum precedence expr_level(enum op op);

/* Sets left->unit to the unit of `left op right`, which are the last two parts, and converts their
 * numbers to the units of the columns beside them. False with the error if a unit does not fit. */
bool expr_join_units(struct parser *p, struct part *left, enum op op, const struct part *right);

#endif
