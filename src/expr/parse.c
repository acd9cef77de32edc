/* parse: turns tokens into steps, by recursive descent. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "expr/code.h"

static const struct expr_tool *
find_tool(const struct parser *p, struct text name)
{
	for (size_t i = 0; i < p->ntools; i++)
		if (text_eq(name, p->tools[i].name))
			return &p->tools[i];
	return NULL;
}

/* Of the tools of that name, the first that has the column, else the first; NULL: there is none. */
static const struct expr_tool *
find_tool_with(const struct parser *p, struct text name, struct text key)
{
	for (size_t i = 0; i < p->ntools; i++)
		if (text_eq(name, p->tools[i].name) && columns_find(p->tools[i].columns, key) >= 0)
			return &p->tools[i];
	return find_tool(p, name);
}

static bool
no_tool(struct parser *p, const struct token *t)
{
	char list[100] = "";
	size_t n = 0;

	for (size_t i = 0; i < p->ntools; i++) {
		const char *name = p->tools[i].name;
		if (find_tool(p, text_of(name)) != &p->tools[i])
			continue;
		if (n + strlen(name) + sizeof ", ..." > sizeof list) {
			n += (size_t)snprintf(list + n, sizeof list - n, ", ...");
			break;
		}
		n += (size_t)snprintf(list + n, sizeof list - n, "%s%s", i ? ", " : "", name);
	}
	return expr_fail(
	    p, t->at, "unknown tool '%.*s': want one of %s", expr_shown(t->text), t->text.s, list);
}

static bool
no_column(struct parser *p, const struct expr_tool *tool, struct text key)
{
	size_t at = (size_t)(key.s - p->source.s);
	struct nearest near = nearest_to(key);
	int n = expr_shown(key);

	for (size_t i = 0; i < p->ntools; i++)
		if (strcmp(p->tools[i].name, tool->name) == 0)
			columns_nearest(&near, p->tools[i].columns);
	if (near.name)
		return expr_fail(p, at, "unknown column '%.*s' in %s; did you mean '%s'?", n, key.s,
		    tool->name, near.name);
	return expr_fail(p, at, "unknown column '%.*s' in %s ('pq %s --columns' lists all)", n,
	    key.s, tool->name, tool->name);
}

/* The error for a key without a tool that no tool has. */
static bool
no_key(struct parser *p, const struct token *t)
{
	const struct expr_tool *of = NULL;
	struct nearest near = nearest_to(t->text);
	int n = expr_shown(t->text);

	if (find_tool(p, t->text))
		return expr_fail(p, t->at,
		    "'%.*s' is a tool: write TOOL.KEY ('pq %.*s --columns' lists the keys)", n,
		    t->text.s, n, t->text.s);
	for (size_t i = 0; i < p->ntools; i++) {
		const char *before = near.name;
		columns_nearest(&near, p->tools[i].columns);
		of = near.name != before ? &p->tools[i] : of;
	}
	if (near.name)
		return expr_fail(p, t->at, "unknown column '%.*s'; did you mean '%s.%s'?", n,
		    t->text.s, of->name, near.name);
	return expr_fail(
	    p, t->at, "unknown column '%.*s' ('pq TOOL --columns' lists all)", n, t->text.s);
}

/* The only tool that has the key, or NULL with the error. */
static const struct expr_tool *
tool_of_key(struct parser *p, const struct token *t)
{
	const struct expr_tool *found = NULL;
	int n = expr_shown(t->text);

	for (size_t i = 0; i < p->ntools; i++) {
		const struct expr_tool *tool = &p->tools[i];
		if (columns_find(tool->columns, t->text) < 0 ||
		    (found && strcmp(found->name, tool->name) == 0))
			continue;
		if (found) {
			expr_fail(p, t->at, "'%.*s' is a column of both %s and %s: write %s.%.*s",
			    n, t->text.s, found->name, tool->name, found->name, n, t->text.s);
			return NULL;
		}
		found = tool;
	}
	if (!found)
		no_key(p, t);
	return found;
}

static int
first_label(const struct column *columns)
{
	for (int i = 0; columns[i].key; i++)
		if (columns[i].kind == LABEL)
			return i;
	return -1;
}

/* The tool's index in expr.named, where it may be new; -1 with the error. */
static int
named(struct parser *p, const struct expr_tool *tool, size_t at)
{
	struct expr *x = p->x;
	size_t index = (size_t)(tool - p->tools);

	for (int i = 0; i < x->nnamed; i++)
		if (x->named[i].tool == index)
			return i;
	if (x->nnamed == NAMED_MOST) {
		expr_fail(p, at, "too many tools: an expression names at most %d", NAMED_MOST);
		return -1;
	}
	x->named[x->nnamed] =
	    (struct named){ index, tool->name, tool->columns, first_label(tool->columns) };
	return x->nnamed++;
}

/* Finds the column that a TOKEN_NAME names. *tool is an index of expr.named. */
static bool
find_column(struct parser *p, const struct token *t, int *tool, int *column)
{
	const struct expr_tool *of;
	struct text key = t->key.s ? t->key : t->text;

	if (t->key.s)
		of = find_tool_with(p, t->text, key);
	else
		of = p->ntools == 1 ? p->tools : tool_of_key(p, t);
	if (!of)
		return t->key.s ? no_tool(p, t) : false;
	*column = columns_find(of->columns, key);
	if (*column < 0)
		return no_column(p, of, key);
	*tool = named(p, of, t->at);
	return *tool >= 0;
}

static bool parse_level(struct parser *p, enum precedence level, struct part *out);

/* Adds a step, whose operands are the values before it. */
static bool
emit(struct parser *p, struct step step)
{
	struct expr *x = p->x;

	x->steps = xgrow(x->steps, x->nsteps, &x->cap, sizeof *x->steps);
	x->steps[x->nsteps++] = step;
	p->values += step.op <= PUSH_STRING ? 1 : step.op <= NOT ? 0 : -1;
	return p->values <= VALUES_MOST || expr_fail(p, p->token.at, "nested too deeply");
}

/* Makes a part a condition. `missing` is the place of the error: where a comparison could be. */
static bool
to_condition(struct parser *p, struct part *part, size_t missing)
{
	if (part->kind == CONDITION)
		return true;
	if (!part->flag)
		return expr_fail(p, missing, "expected a comparison");
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
	    part->kind == TEXT ? "text can only be compared with text" :
				 "expected a number or a numeric column, not a condition");
}

static bool
check_texts(
    struct parser *p, const struct part *left, const struct token *op, const struct part *right)
{
	if (op->op != EQUAL && op->op != UNEQUAL)
		return expr_fail(p, op->at, "text can only be compared with == and !=");
	if (right->kind != TEXT)
		return expr_fail(p, right->at, "expected text such as \"all\", as on the left");
	if (left->kind != TEXT)
		return expr_fail(p, right->at, "expected a number, as on the left");
	if (left->tool < 0 && right->tool < 0)
		return expr_fail(p, left->at, "one side must be a text column");
	return true;
}

/* Whether a column alone is compared with numbers and cpus. */
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

/* Checks that the operator may follow *left. */
static bool
begin_join(struct parser *p, struct part *left, const struct token *op)
{
	enum precedence level = expr_level(op->op);

	if (level <= CONJUNCTION)
		return to_condition(p, left, op->at);
	if (level == COMPARISON && left->kind == CONDITION)
		return expr_fail(p, op->at, "comparisons cannot be chained: write a < b and b < c");
	return true;
}

/* Enters a level of nesting. The caller leaves it by p->nesting--. */
static bool
nest(struct parser *p)
{
	if (++p->nesting > NESTING_MOST)
		return expr_fail(
		    p, p->token.at, "nested too deeply: at most %d levels", NESTING_MOST);
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
	if (!find_column(p, &p->token, &out->tool, &out->column))
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
		return expr_fail(p, p->token.at, "expected a column or a number");
	}
}

/* Makes `left op right` one part, in *left. *right was parsed last. */
static bool
join(struct parser *p, struct part *left, const struct token *op, struct part *right)
{
	if (expr_level(op->op) > CONJUNCTION)
		return join_figures(p, left, op, right);
	return to_condition(p, right, p->token.at) && emit(p, (struct step){ .op = op->op });
}

/* Parses operators of that level and their operands. */
static bool
parse_level(struct parser *p, enum precedence level, struct part *out)
{
	enum precedence next = (enum precedence)(level + 1);
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

/* Parses a condition, up to a token that cannot belong to it. */
static bool
parse_condition(struct parser *p)
{
	struct part all;

	return parse_level(p, DISJUNCTION, &all) && to_condition(p, &all, p->token.at);
}

/* Parses what follows `for`. */
static bool
parse_for(struct parser *p)
{
	const struct token *t = &p->token;
	struct expr *x = p->x;

	if (!expr_next(p))
		return false;
	double ns = t->suffix && t->suffix->quantity == TIME ? t->number * t->suffix->scale : 0;
	if (ns >= 1 && ns < 0x1p63)
		x->for_ns = (int64_t)ns;
	else if (t->kind != TOKEN_NUMBER || t->suffix || text_u64(t->text, &x->for_samples) < 0 ||
	    x->for_samples == 0)
		return expr_fail(
		    p, t->at, "expected a number of samples such as 3, or a time such as 3s");
	return expr_next(p);
}

static bool
parse_all(struct parser *p)
{
	if (p->source.n > SOURCE_MOST)
		return expr_fail(p, SOURCE_MOST,
		    "the expression is too long: at most %d characters", SOURCE_MOST);
	if (!expr_next(p) || !parse_condition(p))
		return false;
	bool ends = p->token.kind == TOKEN_FOR;
	if (ends && !parse_for(p))
		return false;
	if (p->token.kind == TOKEN_CLOSE)
		return expr_fail(p, p->token.at, "unmatched ')'");
	if (p->token.kind != TOKEN_END)
		return expr_fail(p, p->token.at,
		    ends ? "expected the end of the expression" :
			   "expected 'and', 'or', 'for' or the end of the expression");
	return true;
}

struct expr *
expr_parse(const char *source, const struct expr_tool *tools, size_t n, struct expr_error *e)
{
	struct expr *x = xmalloc(sizeof *x);

	*x = (struct expr){ .source = xstrdup(source) };
	struct parser p = {
		.x = x, .tools = tools, .ntools = n, .error = e, .source = text_of(x->source)
	};
	if (parse_all(&p))
		return x;
	expr_free(x);
	return NULL;
}

bool
expr_uses(const struct expr *x, size_t tool)
{
	for (int i = 0; i < x->nnamed; i++)
		if (x->named[i].tool == tool)
			return true;
	return false;
}

bool
expr_names(const struct expr *x, size_t tool, int column)
{
	for (const struct step *s = x->steps; s < x->steps + x->nsteps; s++)
		if ((s->op == PUSH_COLUMN || s->op == PUSH_LABEL) &&
		    x->named[s->tool].tool == tool && s->column == column)
			return true;
	return false;
}

uint64_t
expr_for_samples(const struct expr *x)
{
	return x->for_samples;
}

int64_t
expr_for_ns(const struct expr *x)
{
	return x->for_ns;
}

void
expr_free(struct expr *x)
{
	if (!x)
		return;
	free(x->source);
	free(x->steps);
	free(x);
}
