/* token: reads the tokens of an expression, and converts numbers to the units of columns. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "expr/code.h"

/* The units that may follow a number; B or iB may follow the unit of a size. */
static const struct suffix suffixes[] = {
	{ "us", TIME, 1e3 },
	{ "ms", TIME, 1e6 },
	{ "s", TIME, 1e9 },
	{ "m", TIME, 60e9 },
	{ "h", TIME, 3600e9 },
	{ "K", SIZE, 0x1p10 },
	{ "M", SIZE, 0x1p20 },
	{ "G", SIZE, 0x1p30 },
	{ "T", SIZE, 0x1p40 },
	{ "%", PART, 1 },
	{ 0 },
};

/* The units of columns that numbers are converted to. Other columns are compared with plain
 * numbers. */
static const struct {
	enum unit unit;
	const char *name;
	enum quantity quantity;
	double scale; /* ns, bytes or percent in one of it */
} units[] = {
	{ MILLISECONDS, "ms", TIME, 1e6 },
	{ MICROSECONDS, "us", TIME, 1e3 },
	{ BYTES, "bytes", SIZE, 1 },
	{ PERCENT, "%", PART, 1 },
};

enum { UNITS = sizeof units / sizeof *units };

/* The unit of that name, such as "ms" or "MiB", or NULL. */
static const struct suffix *
find_suffix(struct text written)
{
	for (const struct suffix *u = suffixes; u->name; u++) {
		struct text rest = written;
		if (!text_skip(&rest, u->name))
			continue;
		if (rest.n == 0 ||
		    (u->quantity == SIZE && (text_eq(rest, "B") || text_eq(rest, "iB"))))
			return u;
	}
	return NULL;
}

enum precedence
expr_level(enum op op)
{
	if (op == OR || op == AND)
		return op == OR ? DISJUNCTION : CONJUNCTION;
	if (op >= GREATER)
		return COMPARISON;
	return op == ADD || op == SUBTRACT ? SUM :
	    op == MULTIPLY || op == DIVIDE ? PRODUCT :
					     OPERAND;
}

static bool
does_not_fit(struct parser *p, const struct step *s, const char *unit)
{
	size_t at = (size_t)(s->text.s - p->source.s);
	int n = expr_shown(s->text);

	if (unit)
		return expr_fail(
		    p, at, "wrong unit '%.*s': the other side is in %s", n, s->text.s, unit);
	return expr_fail(p, at, "wrong unit '%.*s': the other side has no unit", n, s->text.s);
}

/* Converts the numbers with units from step `first` on. */
static bool
convert(struct parser *p, size_t first, enum unit unit)
{
	size_t i = 0;

	while (i < UNITS && units[i].unit != unit)
		i++;
	for (struct step *s = p->x->steps + first; s < p->x->steps + p->x->nsteps; s++) {
		if (!s->suffix)
			continue;
		if (i == UNITS || units[i].quantity != s->suffix->quantity)
			return does_not_fit(p, s, i == UNITS ? NULL : units[i].name);
		s->number = s->number * s->suffix->scale / units[i].scale;
		s->suffix = NULL;
	}
	return true;
}

/* Whether the part has a unit, or will have one. */
static bool
measured(const struct part *part)
{
	return part->unit != NO_UNIT || part->pending;
}

/* Whether numbers with units must be converted now, because no later operator can bring a column
 * whose unit decides: they are multiplied with something that has a unit, are divisors, are
 * compared, or stand beside a column with a unit. */
static bool
is_due(const struct part *left, enum op op, const struct part *right)
{
	bool unit = left->unit != NO_UNIT || right->unit != NO_UNIT;

	if (op == MULTIPLY)
		return measured(left) && measured(right);
	if (op == DIVIDE)
		return right->pending || unit;
	return unit || expr_level(op) == COMPARISON;
}

/* A ratio of two times has no unit. Neither has a product: no column is in square seconds. */
bool
expr_join_units(struct parser *p, struct part *left, enum op op, const struct part *right)
{
	enum unit unit = left->unit != NO_UNIT ? left->unit : right->unit;
	bool due = is_due(left, op, right);
	bool plain = op == DIVIDE ? measured(right) : op == MULTIPLY && due;

	if (due && !convert(p, left->first, op == MULTIPLY ? NO_UNIT : unit))
		return false;
	left->pending = !due && (left->pending || right->pending);
	left->unit = plain ? NO_UNIT : unit;
	return true;
}

/* Longer ones first. */
static const struct sign {
	const char *text;
	enum token_kind kind;
	enum op op;
} signs[] = {
	{ "||", TOKEN_OP, OR },
	{ "&&", TOKEN_OP, AND },
	{ "==", TOKEN_OP, EQUAL },
	{ "!=", TOKEN_OP, UNEQUAL },
	{ ">=", TOKEN_OP, NOT_LESS },
	{ "<=", TOKEN_OP, NOT_GREATER },
	{ ">", TOKEN_OP, GREATER },
	{ "<", TOKEN_OP, LESS },
	{ "!", TOKEN_OP, NOT },
	{ "+", TOKEN_OP, ADD },
	{ "-", TOKEN_OP, SUBTRACT },
	{ "*", TOKEN_OP, MULTIPLY },
	{ "/", TOKEN_OP, DIVIDE },
	{ "(", TOKEN_OPEN, 0 },
	{ ")", TOKEN_CLOSE, 0 },
	{ 0 },
};

static const struct sign words[] = {
	{ "or", TOKEN_OP, OR },
	{ "and", TOKEN_OP, AND },
	{ "not", TOKEN_OP, NOT },
	{ "cpus", TOKEN_CPUS, 0 },
	{ "for", TOKEN_FOR, 0 },
	{ 0 },
};

bool
expr_fail(struct parser *p, size_t at, const char *fmt, ...)
{
	va_list ap;

	p->error->at = at;
	va_start(ap, fmt);
	vsnprintf(p->error->message, sizeof p->error->message, fmt, ap);
	va_end(ap);
	return false;
}

int
expr_shown(struct text name)
{
	return name.n < 40 ? (int)name.n : 40;
}

/* In any locale. */
static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* The letters and digits from `at` on. */
static struct text
word_at(struct text source, size_t at)
{
	size_t end = at;

	while (end < source.n && (is_letter(source.s[end]) || is_digit(source.s[end])))
		end++;
	return (struct text){ source.s + at, end - at };
}

static char
char_at(const struct parser *p, size_t at)
{
	return at < p->source.n ? p->source.s[at] : '\0';
}

static bool
take_number(struct parser *p)
{
	struct token *t = &p->token;
	size_t end = t->at;

	while (is_digit(char_at(p, end)) || char_at(p, end) == '.')
		end++;
	t->text = (struct text){ p->source.s + t->at, end - t->at };
	if (text_decimal(t->text, &t->number) < 0)
		return expr_fail(p, t->at, "invalid number '%.*s': want 25 or 1.5",
		    expr_shown(t->text), t->text.s);
	struct text unit = word_at(p->source, end);
	if (char_at(p, end) == '%')
		unit.n = 1;
	if (unit.n > 0 && !(t->suffix = find_suffix(unit)))
		return expr_fail(p, end,
		    "unknown unit '%.*s': want us ms s m h, K M G T (bytes) or %%",
		    expr_shown(unit), unit.s);
	t->kind = TOKEN_NUMBER;
	t->text.n += unit.n;
	p->at = end + unit.n;
	return true;
}

static bool
take_string(struct parser *p)
{
	struct token *t = &p->token;
	const char *from = p->source.s + t->at + 1;
	const char *end = memchr(from, from[-1], p->source.n - t->at - 1);

	if (!end)
		return expr_fail(p, t->at, "unterminated string: expected %c", from[-1]);
	t->kind = TOKEN_STRING;
	t->text = (struct text){ from, (size_t)(end - from) };
	p->at = t->at + t->text.n + 2;
	return true;
}

/* Takes KEY, TOOL.KEY, or a word of the language. */
static bool
take_name(struct parser *p)
{
	struct token *t = &p->token;

	t->kind = TOKEN_NAME;
	t->text = word_at(p->source, t->at);
	p->at = t->at + t->text.n;
	if (char_at(p, p->at) == '.') {
		if (!is_letter(char_at(p, ++p->at)))
			return expr_fail(p, p->at, "expected a column key");
		t->key = word_at(p->source, p->at);
		p->at += t->key.n;
		return true;
	}
	for (const struct sign *w = words; w->text; w++) {
		if (text_eq(t->text, w->text)) {
			t->kind = w->kind;
			t->op = w->op;
		}
	}
	return true;
}

static bool
take_sign(struct parser *p)
{
	struct token *t = &p->token;
	struct text rest = { p->source.s + t->at, p->source.n - t->at };
	char c = *rest.s;

	for (const struct sign *g = signs; g->text; g++) {
		if (text_skip(&rest, g->text)) {
			t->kind = g->kind;
			t->op = g->op;
			p->at = t->at + strlen(g->text);
			return true;
		}
	}
	if (c == '=')
		return expr_fail(p, t->at, "'=' is not an operator: write ==");
	if (c == '&' || c == '|')
		return expr_fail(
		    p, t->at, "'%c' is not an operator: write %s", c, c == '&' ? "and" : "or");
	if (c > ' ' && c <= '~')
		return expr_fail(p, t->at, "unexpected '%c'", c);
	return expr_fail(p, t->at, "unexpected byte 0x%02x", (unsigned char)c);
}

bool
expr_next(struct parser *p)
{
	while (p->at < p->source.n && strchr(" \t\r\n", p->source.s[p->at]))
		p->at++;
	p->token = (struct token){ .at = p->at };
	char c = char_at(p, p->at);
	if (p->at == p->source.n)
		return true;
	if (is_digit(c))
		return take_number(p);
	if (is_letter(c))
		return take_name(p);
	return c == '"' || c == '\'' ? take_string(p) : take_sign(p);
}
