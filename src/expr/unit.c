#include "expr/code.h"

/* What may stand behind a number; a size also with B or iB. */
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

/* The units of columns that such numbers are converted to. The others are compared with plain
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

const struct suffix *
expr_suffix(struct text written)
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

enum level
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
		    p, at, "%.*s does not fit: what stands beside it is in %s", n, s->text.s, unit);
	return expr_fail(p, at,
	    "%.*s does not fit: what stands beside it takes a number without a unit", n, s->text.s);
}

/* Converts the numbers with units from that step on. */
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

/* Whether there is a unit, or will be one. */
static bool
measured(const struct part *part)
{
	return part->unit != NO_UNIT || part->pending;
}

/* Whether numbers with units can wait no longer for a column: they are factors of something with a
 * unit, divide, are compared, or stand beside a column with a unit. */
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

/* A ratio of two times is a plain number, and a product of two is nothing that a number with a unit
 * could be compared with. */
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
