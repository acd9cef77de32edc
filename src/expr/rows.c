/* Which rows an expression holds for. */
#include <math.h>

#include "expr/code.h"

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
		double truth = expr_walk(&r);
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

/* What speaks for the expression. */
static const char *
sign_of(const struct step *s)
{
	static const char *const signs[] = { ">", ">=", "<", "<=", "==", "!=" };
	static const enum op turned[] = { LESS, NOT_GREATER, GREATER, NOT_LESS, EQUAL, UNEQUAL };
	static const enum op opposite[] = { NOT_GREATER, LESS, NOT_LESS, GREATER, UNEQUAL, EQUAL };
	enum op op = s->turned ? turned[s->op - GREATER] : s->op;

	return signs[(s->negated ? opposite[op - GREATER] : op) - GREATER];
}

/* The comparisons of figures, as far as they have columns. */
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

/* How far it is beyond the threshold, in the direction of the sign; unknown ones come last. */
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

/* The first figure that holds; n: none does. */
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

/* It does not hold for these rows: keeps the figures that come nearest to it, if they matter
 * here. */
static void
keep_nearest(struct run *r, struct expr_findings *best)
{
	struct expr_findings *here = r->findings;

	r->findings = NULL;
	r->supposed = true;
	bool matters = expr_walk(r) == 1;
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
	if (first && deciding(best) == best->n)
		best->label = r->hit.label;
}

enum truth
expr_judge(const struct expr *x, const struct expr_now *now, struct expr_findings *f)
{
	struct expr_findings here;
	struct run r = { .x = x, .cpus = now->cpus, .findings = &here };
	bool unknown = false, holds = false, more;
	size_t n = 0;

	list_figures(&r, &here);
	*f = here;
	if (!begin(&r, now))
		return TRUTH_UNKNOWN;
	do {
		double truth = expr_walk(&r);
		unknown |= isnan(truth) && (r.unknown || !r.none);
		if (truth == 1)
			keep_worst(&r, !holds, f);
		else if (!holds)
			keep_nearest(&r, f);
		holds |= truth == 1;
		more = advance(&r);
	} while (more && (!r.limited || ++n < COMBINATIONS_MOST));
	return holds ? TRUTH_YES : unknown || more ? TRUTH_UNKNOWN : TRUTH_NO;
}
