#include "base/fail.h"
#include "expr/code.h"

static bool parse_level(struct parser *p, enum level level, struct part *out);

/* Adds a step; its operands are the values before it. */
static bool
emit(struct parser *p, struct step step)
{
	struct expr *x = p->x;

	if (x->nsteps == x->cap) {
		x->cap = x->cap ? x->cap * 2 : 16;
		x->steps = xrealloc(x->steps, x->cap * sizeof *x->steps);
	}
	x->steps[x->nsteps++] = step;
	p->values += step.op <= PUSH_STRING ? 1 : step.op <= NOT ? 0 : -1;
	return p->values <= VALUES_MOST || expr_fail(p, p->token.at, "this is too deeply nested");
}

/* `missing` is where the comparison would stand if it is none. */
static bool
to_condition(struct parser *p, struct part *part, size_t missing)
{
	if (part->kind == CONDITION)
		return true;
	if (!part->flag)
		return expr_fail(p, missing, "a comparison is missing here");
	part->kind = CONDITION;
	part->flag = false;
	return emit(p,
	    (struct step){
		.op = IS_SET, .tool = part->tool, .column = part->column, .negated = p->negated });
}

static bool
need_figure(struct parser *p, const struct part *part)
{
	if (part->kind == FIGURE)
		return true;
	return expr_fail(p, part->at,
	    part->kind == TEXT ? "this is text, which is compared with text only" :
				 "a figure is expected here, not a condition");
}

static bool
check_texts(
    struct parser *p, const struct part *left, const struct token *op, const struct part *right)
{
	if (op->op != EQUAL && op->op != UNEQUAL)
		return expr_fail(p, op->at, "text is compared with == and != only");
	if (right->kind != TEXT)
		return expr_fail(
		    p, right->at, "text is expected here, such as \"all\", as on the left");
	if (left->kind != TEXT)
		return expr_fail(p, right->at, "a figure is expected here, as on the left");
	if (left->tool < 0 && right->tool < 0)
		return expr_fail(p, left->at, "one of the two must be a column of text");
	return true;
}

/* A column alone, compared with a number, with cpus, or with what is made of these. */
static bool
is_plain(const struct parser *p, const struct part *left, const struct part *right)
{
	const struct part *of = left->tool >= 0 ? left : right;
	size_t end = of == left ? right->first : p->x->nsteps;

	return (left->tool < 0) != (right->tool < 0) && end - of->first == 1;
}

/* Left, operator, right: makes them one, in *left. */
static bool
join_figures(struct parser *p, struct part *left, const struct token *op, const struct part *right)
{
	struct step step = {
		.op = op->op, .tool = left->tool, .column = left->column, .negated = p->negated
	};
	bool compares = expr_level(op->op) == COMPARISON;

	if (compares && right->kind != CONDITION && (left->kind == TEXT || right->kind == TEXT)) {
		if (!check_texts(p, left, op, right))
			return false;
		step.op = op->op == EQUAL ? SAME_TEXT : OTHER_TEXT;
	} else if (!need_figure(p, left) || !need_figure(p, right) ||
	    !expr_join_units(p, left, op->op, right)) {
		return false;
	}
	step.plain = compares && is_plain(p, left, right);
	step.turned = compares && left->tool < 0 && right->tool >= 0;
	if (left->tool < 0) {
		step.tool = left->tool = right->tool;
		step.column = left->column = right->column;
	}
	left->kind = compares ? CONDITION : FIGURE;
	left->flag = false;
	return emit(p, step);
}

/* Whether the operator may follow *left. */
static bool
begin_join(struct parser *p, struct part *left, const struct token *op)
{
	enum level level = expr_level(op->op);

	if (level <= CONJUNCTION)
		return to_condition(p, left, op->at);
	if (level == COMPARISON && left->kind == CONDITION)
		return expr_fail(
		    p, op->at, "a condition is not compared again: write a < b and b < c");
	return true;
}

/* Enters what is nested; leave it with p->nesting--. */
static bool
nest(struct parser *p)
{
	if (++p->nesting > NESTING_MOST)
		return expr_fail(
		    p, p->token.at, "this is nested too deeply: at most %d levels", NESTING_MOST);
	return expr_next(p);
}

static bool
parse_not(struct parser *p, struct part *out)
{
	p->negated = !p->negated;
	if (!nest(p) || !parse_level(p, COMPARISON, out) || !to_condition(p, out, p->token.at))
		return false;
	p->negated = !p->negated;
	p->nesting--;
	return emit(p, (struct step){ .op = NOT });
}

static bool
parse_minus(struct parser *p, struct part *out)
{
	if (!nest(p) || !parse_level(p, OPERAND, out) || !need_figure(p, out))
		return false;
	out->flag = false;
	p->nesting--;
	return emit(p, (struct step){ .op = NEGATE });
}

static bool
parse_parentheses(struct parser *p, struct part *out)
{
	size_t at = out->at;

	if (!nest(p) || !parse_level(p, DISJUNCTION, out))
		return false;
	out->at = at;
	if (p->token.kind != TOKEN_CLOSE)
		return expr_fail(p, p->token.at, "expected ')'");
	p->nesting--;
	return expr_next(p);
}

static bool
parse_column(struct parser *p, struct part *out)
{
	if (!expr_find(p, &p->token, &out->tool, &out->column))
		return false;
	const struct column *c = &p->x->named[out->tool].columns[out->column];
	out->kind = c->kind == LABEL ? TEXT : FIGURE;
	out->flag = c->kind == FLAG;
	out->unit = c->unit;
	enum op op = c->kind == LABEL ? PUSH_LABEL : PUSH_COLUMN;
	return emit(p, (struct step){ .op = op, .tool = out->tool, .column = out->column }) &&
	    expr_next(p);
}

static bool
parse_constant(struct parser *p, struct part *out)
{
	const struct token *t = &p->token;
	struct step step = { .number = t->number, .text = t->text, .suffix = t->suffix };

	out->pending = t->suffix != NULL;
	out->kind = t->kind == TOKEN_STRING ? TEXT : FIGURE;
	step.op = t->kind == TOKEN_STRING ? PUSH_STRING :
	    t->kind == TOKEN_CPUS         ? PUSH_CPUS :
					    PUSH_NUMBER;
	return emit(p, step) && expr_next(p);
}

static bool
parse_operand(struct parser *p, struct part *out)
{
	switch (p->token.kind) {
	case TOKEN_OPEN:
		return parse_parentheses(p, out);
	case TOKEN_NAME:
		return parse_column(p, out);
	case TOKEN_NUMBER:
	case TOKEN_STRING:
	case TOKEN_CPUS:
		return parse_constant(p, out);
	default:
		if (p->token.kind == TOKEN_OP && p->token.op == SUBTRACT)
			return parse_minus(p, out);
		return expr_fail(p, p->token.at, "a column or a number is missing here");
	}
}

/* Left, operator, right: makes them one, in *left. The right one is the last that was read. */
static bool
join(struct parser *p, struct part *left, const struct token *op, struct part *right)
{
	if (expr_level(op->op) > CONJUNCTION)
		return join_figures(p, left, op, right);
	return to_condition(p, right, p->token.at) && emit(p, (struct step){ .op = op->op });
}

/* What stands between operators of that level, and these. */
static bool
parse_level(struct parser *p, enum level level, struct part *out)
{
	enum level next = (enum level)(level + 1);
	struct part right;

	*out = (struct part){ .at = p->token.at, .first = p->x->nsteps, .tool = -1, .column = -1 };
	if (level == OPERAND)
		return parse_operand(p, out);
	if (level == COMPARISON && p->token.kind == TOKEN_OP && p->token.op == NOT)
		return parse_not(p, out);
	if (!parse_level(p, next, out))
		return false;
	while (p->token.kind == TOKEN_OP && expr_level(p->token.op) == level) {
		struct token op = p->token;
		if (!begin_join(p, out, &op) || !expr_next(p) || !parse_level(p, next, &right) ||
		    !join(p, out, &op, &right))
			return false;
	}
	return true;
}

bool
expr_condition(struct parser *p)
{
	struct part all;

	return parse_level(p, DISJUNCTION, &all) && to_condition(p, &all, p->token.at);
}
