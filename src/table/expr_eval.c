#include <math.h>

#include "expr_code.h"

enum { COMBINATIONS_MOST = 65536 };

/* Of text: .text, whose s is NULL when it is unknown. Of a condition: 1, 0, or NaN for unknown. */
struct value {
	double num;
	struct text text;
};

/* One row of each tool named, and what comes of it. */
struct run {
	const struct expr *x;
	const struct table *tables[NAMED_MOST];
	size_t rows[NAMED_MOST];
	double cpus;
	bool relaxed, limited;
	struct expr_hit hit;
	int rank; /* how well the hit tells why: 0 is not at all */
};

static const struct cell *
cell_of(const struct run *r, int tool, int column)
{
	return &table_at(r->tables[tool], r->rows[tool])[column];
}

static struct value
pushed(const struct run *r, const struct step *s)
{
	const char *label;

	switch (s->op) {
	case PUSH_CPUS:
		return (struct value){ .num = r->cpus };
	case PUSH_COLUMN:
		return (struct value){ .num = cell_of(r, s->tool, s->column)->num };
	case PUSH_LABEL:
		label = cell_of(r, s->tool, s->column)->label;
		return (struct value){ .num = NAN, .text = label ? text_of(label) : (struct text){ 0 } };
	case PUSH_STRING:
		return (struct value){ .num = NAN, .text = s->text };
	default:
		return (struct value){ .num = s->number };
	}
}

static double
calculate(enum op op, double a, double b)
{
	switch (op) {
	case MULTIPLY:
		return a * b;
	case DIVIDE:
		return b == 0 ? NAN : a / b;
	case ADD:
		return a + b;
	default:
		return a - b;
	}
}

static double
kleene_and(double a, double b)
{
	return a == 0 || b == 0 ? 0 : a * b;
}

static double
kleene_or(double a, double b)
{
	return 1 - kleene_and(1 - a, 1 - b);
}

static double
compare_text(enum op op, struct text a, struct text b)
{
	if (!a.s || !b.s)
		return NAN;
	return text_same(a, b) == (op == SAME_TEXT);
}

/* A tenth of what the column is compared with; what is infinite has none. */
static double
easing(const struct run *r, const struct step *s, double threshold)
{
	double tenth = r->relaxed && isfinite(threshold) ? fabs(threshold) / 10 : 0;

	return s->negated ? -tenth : tenth;
}

static double
compare(const struct run *r, const struct step *s, double a, double b)
{
	double ease = easing(r, s, s->turned ? a : b);

	if (isnan(a) || isnan(b))
		return NAN;
	switch (s->op) {
	case GREATER:
		return a > b - ease;
	case NOT_LESS:
		return a >= b - ease;
	case LESS:
		return a < b + ease;
	case NOT_GREATER:
		return a <= b + ease;
	case EQUAL:
		return a == b;
	default:
		return a != b;
	}
}

/* A comparison was made: keeps the first of those that tell most: a true one of figures, then a false one under a `not` (a
 * true one there speaks against the whole), then one of text. */
static void
note(struct run *r, const struct step *s, double truth, double value, double threshold)
{
	int rank = truth == 1 && !s->negated ? 3 : truth == 0 && s->negated ? 2 : 0;

	if (rank > 0 && (s->op == SAME_TEXT || s->op == OTHER_TEXT))
		rank = 1; /* which row, not why */
	if (rank <= r->rank)
		return;
	r->rank = rank;
	r->hit = (struct expr_hit){ .value = s->turned ? threshold : value, .threshold = s->turned ? value : threshold };
	if (s->tool < 0)
		return;
	const struct named *n = &r->x->named[s->tool];
	r->hit.tool = n->name;
	r->hit.key = n->columns[s->column].key;
	if (n->label >= 0)
		r->hit.label = cell_of(r, s->tool, n->label)->label;
}

static double
unary(struct run *r, const struct step *s, double a)
{
	if (s->op == NEGATE)
		return -a;
	if (s->op == NOT)
		return 1 - a;
	double truth = isnan(a) ? NAN : a != 0;
	note(r, s, truth, a, NAN);
	return truth;
}

static double
binary(struct run *r, const struct step *s, const struct value *a, const struct value *b)
{
	if (s->op == AND)
		return kleene_and(a->num, b->num);
	if (s->op == OR)
		return kleene_or(a->num, b->num);
	if (s->op <= SUBTRACT)
		return calculate(s->op, a->num, b->num);
	bool text = s->op == SAME_TEXT || s->op == OTHER_TEXT;
	double truth = text ? compare_text(s->op, a->text, b->text) : compare(r, s, a->num, b->num);
	note(r, s, truth, a->num, b->num);
	return truth;
}

/* 1, 0 or NaN of the rows as they are chosen. The parser has seen to it that the values suffice. */
static double
walk(struct run *r)
{
	struct value values[VALUES_MOST], *top = values;

	values[0].num = NAN; /* of no steps */
	r->rank = 0;
	for (size_t i = 0; i < r->x->nsteps; i++) {
		const struct step *s = &r->x->steps[i];
		if (s->op <= PUSH_STRING) {
			*top++ = pushed(r, s);
		} else if (s->op <= NOT) {
			top[-1].num = unary(r, s, top[-1].num);
		} else {
			top[-2].num = binary(r, s, &top[-2], &top[-1]);
			top--;
		}
	}
	return values[0].num;
}

/* The first row of each; false when one has none. */
static bool
begin(struct run *r, const struct expr_now *now)
{
	int many = 0;

	for (int i = 0; i < r->x->nnamed; i++) {
		const struct table *t = now->tables[r->x->named[i].tool];
		if (!t || t->nrows == 0)
			return false;
		r->tables[i] = t;
		many += t->nrows > 1;
	}
	r->limited = many > 1;
	return true;
}

/* The next combination of rows; false after the last. */
static bool
advance(struct run *r)
{
	for (int i = 0; i < r->x->nnamed; i++) {
		if (++r->rows[i] < r->tables[i]->nrows)
			return true;
		r->rows[i] = 0;
	}
	return false;
}

enum truth
expr_eval(const struct expr *x, const struct expr_now *now, bool relaxed, struct expr_hit *hit)
{
	struct run r = { .x = x, .cpus = now->cpus, .relaxed = relaxed };
	bool unknown = false;

	if (!begin(&r, now))
		return TRUTH_UNKNOWN;
	for (size_t n = 0; !r.limited || n < COMBINATIONS_MOST; n++) {
		double truth = walk(&r);
		if (truth == 1) {
			if (hit)
				*hit = r.hit;
			return TRUTH_YES;
		}
		unknown = unknown || isnan(truth);
		if (!advance(&r))
			return unknown ? TRUTH_UNKNOWN : TRUTH_NO;
	}
	return TRUTH_UNKNOWN;
}
