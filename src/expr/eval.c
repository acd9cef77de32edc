/* eval: runs the steps of an expression on rows. */
#include <math.h>

#include "expr/code.h"

enum { COMBINATIONS_MOST = 65536 };

/* One row of each tool in the expression, and the result for these rows. */
struct run {
	const struct expr *x;
	const struct table *tables[NAMED_MOST];
	size_t rows[NAMED_MOST];
	double cpus;
	bool relaxed, limited;
	bool supposed;      /* take all comparisons of figures as true */
	bool none, unknown; /* a figure was unknown: a share of nothing; for another reason */
	bool divided;       /* somewhere a result of known figures does not exist */
	struct expr_hit hit;
	int rank; /* how well the hit explains the result; 0: there is no hit */
	/* the comparisons in these rows; NULL: not wanted */
	struct expr_findings *findings;
	const struct step *compared[EXPR_FIGURES_MOST]; /* the steps of the findings */
};

/* A figure, or a condition: 1, 0 or NaN (unknown). A text: text.s is NULL if it is unknown. */
struct value {
	double num;
	struct text text;
};

/* Unknown before there are rows. */
static const struct cell *
cell_of(const struct run *r, int tool, int column)
{
	static const struct cell unknown = { .num = NAN, .raw = NAN };

	if (!r->tables[tool])
		return &unknown;
	return &table_at(r->tables[tool], r->rows[tool])[column];
}

/* A figure; if it is unknown, notes why. */
static struct value
figure(struct run *r, double x, bool none)
{
	r->none |= isnan(x) && none;
	r->unknown |= isnan(x) && !none;
	return (struct value){ .num = x };
}

static struct value
pushed(struct run *r, const struct step *s)
{
	const struct cell *cell;
	const char *label;

	switch (s->op) {
	case PUSH_CPUS:
		return figure(r, r->cpus, false);
	case PUSH_COLUMN:
		cell = cell_of(r, s->tool, s->column);
		return figure(r, cell->num, cell->none);
	case PUSH_LABEL:
		label = cell_of(r, s->tool, s->column)->label;
		r->unknown |= !label;
		return (struct value){ .num = NAN,
			.text = label ? text_of(label) : (struct text){ 0 } };
	case PUSH_STRING:
		return (struct value){ .num = NAN, .text = s->text };
	default:
		return (struct value){ .num = s->number };
	}
}

/* A result that known figures do not have, such as 0 / 0, is unknown. */
static double
calculate(struct run *r, enum op op, double a, double b)
{
	double x = op == MULTIPLY ? a * b :
	    op == DIVIDE          ? (b == 0 ? (double)NAN : a / b) :
	    op == ADD             ? a + b :
				    a - b;

	bool none = isnan(x) && !isnan(a) && !isnan(b);
	r->unknown |= none;
	r->divided |= none;
	return x;
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

/* A tenth of the threshold; 0 of an infinite one. */
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

	if (r->supposed)
		return !s->negated;
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

/* The first text cell of the tool's row; NULL if it has none. */
static const struct cell *
label_cell(const struct run *r, int tool)
{
	int label = r->x->named[tool].label;

	return label >= 0 ? cell_of(r, tool, label) : NULL;
}

/* Keeps a comparison of figures in these rows for expr_judge. */
static void
keep_figure(struct run *r, const struct step *s, double truth, double value, double threshold)
{
	for (size_t i = 0; i < r->findings->n; i++) {
		struct expr_figure *f = &r->findings->v[i];
		if (r->compared[i] != s)
			continue;
		const struct cell *label = label_cell(r, s->tool);
		f->value = s->turned ? threshold : value;
		f->threshold = s->turned ? value : threshold;
		f->holds = truth == !s->negated;
		f->label = label ? label->label : NULL;
		f->brief = label ? label->brief : NULL;
	}
}

/* Makes a comparison the hit if it explains the result better than the hit so far. Best is a true
 * comparison of figures, then a false one under a `not` (a true one there speaks against the
 * whole), then one of text. */
static void
note(struct run *r, const struct step *s, double truth, double value, double threshold)
{
	int rank = truth == 1 && !s->negated ? 3 : truth == 0 && s->negated ? 2 : 0;

	if (r->findings)
		keep_figure(r, s, truth, value, threshold);
	if (rank > 0 && (s->op == SAME_TEXT || s->op == OTHER_TEXT))
		rank = 1; /* it says which row, not why */
	if (rank <= r->rank)
		return;
	r->rank = rank;
	r->hit = (struct expr_hit){ .value = s->turned ? threshold : value,
		.threshold = s->turned ? value : threshold };
	if (s->tool < 0)
		return;
	const struct named *n = &r->x->named[s->tool];
	r->hit.tool = n->name;
	r->hit.key = n->columns[s->column].key;
	const struct cell *label = label_cell(r, s->tool);
	r->hit.label = label ? label->label : NULL;
	r->hit.brief = label ? label->brief : NULL;
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
		return calculate(r, s->op, a->num, b->num);
	bool text = s->op == SAME_TEXT || s->op == OTHER_TEXT;
	double truth = text ? compare_text(s->op, a->text, b->text) : compare(r, s, a->num, b->num);
	note(r, s, truth, a->num, b->num);
	return truth;
}

/* The result for these rows: 1, 0 or NaN. The parser ensures that the values suffice. */
static double
walk(struct run *r)
{
	struct value values[VALUES_MOST], *top = values;

	values[0].num = NAN; /* without steps */
	r->rank = 0;
	r->none = r->unknown = false;
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

/* ---- Combinations of rows */

/* Takes the first row of each tool; false if one has none. */
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

/* Moves to the next combination of rows; false after the last. */
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

/* See expr_figure.sign. */
static const char *
sign_of(const struct step *s)
{
	static const char *const signs[] = { ">", ">=", "<", "<=", "==", "!=" };
	static const enum op turned[] = { LESS, NOT_GREATER, GREATER, NOT_LESS, EQUAL, UNEQUAL };
	static const enum op opposite[] = { NOT_GREATER, LESS, NOT_LESS, GREATER, UNEQUAL, EQUAL };
	enum op op = s->turned ? turned[s->op - GREATER] : s->op;

	return signs[(s->negated ? opposite[op - GREATER] : op) - GREATER];
}

/* Lists the comparisons of figures that have columns. */
static void
list_figures(struct run *r, struct expr_findings *f)
{
	*f = (struct expr_findings){ 0 };
	for (const struct step *s = r->x->steps; s < r->x->steps + r->x->nsteps; s++) {
		if (s->op < GREATER || s->op > UNEQUAL || s->tool < 0 || f->n == EXPR_FIGURES_MOST)
			continue;
		const struct named *n = &r->x->named[s->tool];
		r->compared[f->n] = s;
		f->v[f->n++] = (struct expr_figure){ .tool = n->name,
			.column = &n->columns[s->column],
			.sign = sign_of(s),
			.plain = s->plain,
			.value = NAN,
			.threshold = NAN };
	}
}

/* How far the value is beyond the threshold in the direction of the sign; -INFINITY: unknown. */
static double
excess(const struct expr_figure *f)
{
	double beyond = f->value - (isnan(f->threshold) ? 0 : f->threshold);

	if (isnan(beyond))
		return -INFINITY;
	return *f->sign == '>' ? beyond :
	    *f->sign == '<'    ? -beyond :
	    *f->sign == '!'    ? fabs(beyond) :
				 -fabs(beyond);
}

/* The first figure that holds; f->n: none. */
static size_t
deciding(const struct expr_findings *f)
{
	size_t i = 0;

	while (i < f->n && !f->v[i].holds)
		i++;
	return i;
}

static bool
is_worse(const struct expr_findings *a, const struct expr_findings *b)
{
	size_t i = deciding(a), j = deciding(b);

	return i != j ? i < j : i < a->n && excess(&a->v[i]) > excess(&b->v[j]);
}

/* The expression is not true for these rows: keeps the figures that come nearest to true, if they
 * matter here (see expr_judge). */
static void
keep_nearest(struct run *r, struct expr_findings *best)
{
	struct expr_findings *here = r->findings;

	r->findings = NULL;
	r->supposed = true;
	bool matters = walk(r) == 1;
	r->supposed = false;
	r->findings = here;
	for (size_t i = 0; matters && i < here->n; i++)
		if (isnan(best->v[i].value) || excess(&here->v[i]) > excess(&best->v[i]))
			best->v[i] = here->v[i];
}

static void
keep_worst(struct run *r, bool first, struct expr_findings *best)
{
	if (first || is_worse(r->findings, best))
		*best = *r->findings;
	if (first && deciding(best) == best->n) {
		best->label = r->hit.label;
		best->brief = r->hit.brief;
	}
}

enum truth
expr_judge(const struct expr *x, const struct expr_now *now, struct expr_findings *f)
{
	struct expr_findings here;
	struct run r = { .x = x, .cpus = now->cpus, .findings = &here };
	bool unknown = false, holds = false, more;
	size_t n = 0;

	list_figures(&r, &here);
	walk(&r); /* without rows: the thresholds without columns */
	*f = here;
	if (!begin(&r, now))
		return TRUTH_UNKNOWN;
	do {
		double truth = walk(&r);
		unknown |= isnan(truth) && (r.unknown || !r.none);
		if (truth == 1)
			keep_worst(&r, !holds, f);
		else if (!holds)
			keep_nearest(&r, f);
		holds |= truth == 1;
		more = advance(&r);
	} while (more && (!r.limited || ++n < COMBINATIONS_MOST));
	f->divided = r.divided;
	return holds ? TRUTH_YES : unknown || more ? TRUTH_UNKNOWN : TRUTH_NO;
}
