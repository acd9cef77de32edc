#include "commands/diff/fail.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"

static const char *const statistics[] = { "mean", "median", "p90", "p99", "max", NULL };

/* ---- Parsing */

static bool
find_figure(struct text name, struct fail_rule *f, char why[200])
{
	struct text tool, key = name;

	f->tool = f->column = -1;
	if (text_eq(name, "*"))
		return true;
	text_split(&key, '.', &tool);
	for (int i = 0; tools[i]; i++)
		if (text_eq(tool, tools[i]->name))
			f->tool = i;
	if (f->tool < 0) {
		snprintf(why, 200,
		    "unknown tool '%.*s' (want TOOL.KEY, such as throttle.held_cpus)",
		    (int)(tool.n < 60 ? tool.n : 60), tool.s);
		return false;
	}
	if (text_eq(key, "*"))
		return true;
	const struct column *columns = tools[f->tool]->columns;
	f->column = columns_find(columns, key);
	if (f->column >= 0 && column_compares(&columns[f->column]) &&
	    columns[f->column].change != A_SETTING)
		return true;
	struct nearest near = nearest_to(key);
	columns_nearest(&near, columns);
	snprintf(why, 200,
	    f->column >= 0 ? "%s.%.*s is not compared" : "%s has no column '%.*s'%s%s",
	    tools[f->tool]->name, (int)(key.n < 60 ? key.n : 60), key.s,
	    near.name ? "; did you mean " : "", near.name ? near.name : "");
	return false;
}

static bool
take_statistic(struct text word, enum statistic *out)
{
	for (int i = 0; statistics[i]; i++)
		if (text_eq(word, statistics[i])) {
			*out = (enum statistic)i;
			return true;
		}
	return false;
}

/* A plain number is in the unit of the column. */
static bool
take_amount(struct text t, const struct column *c, struct fail_rule *f)
{
	uint64_t bytes;
	size_t digits = 0;

	f->relative = t.n > 0 && t.s[t.n - 1] == '%';
	t.n -= f->relative;
	if (text_decimal(t, &f->amount) == 0)
		return true;
	if (f->relative || !c)
		return false;
	if (c->unit == BYTES && size_parse(t, &bytes) == 0) {
		f->amount = (double)bytes;
		return true;
	}
	while (digits < t.n && strchr("0123456789.", t.s[digits]))
		digits++;
	int64_t ns = duration_unit((struct text){ t.s + digits, t.n - digits });
	double scale = c->unit == MILLISECONDS ? 1e-6 : c->unit == MICROSECONDS ? 1e-3 : 0;
	if (ns == 0 || scale == 0 || text_decimal((struct text){ t.s, digits }, &f->amount) < 0)
		return false;
	f->amount *= (double)ns * scale;
	return true;
}

/* Whether the sign is the worse direction of the column, or says which one of a neutral one. */
static bool
set_direction(struct fail_rule *f, const struct column *c, char sign, char why[200])
{
	f->less = sign == '-';
	if (!c) {
		if (sign)
			snprintf(why, 200,
			    "'*' has figures of which more is worse and others: want "
			    "an amount without sign");
		return !sign;
	}
	if (c->change == CHANGE_NEUTRAL && !sign)
		snprintf(
		    why, 200, "%s is neither better nor worse: want +AMOUNT or -AMOUNT", c->key);
	else if (sign && c->change != CHANGE_NEUTRAL && f->less != (c->change == LESS_IS_WORSE))
		snprintf(why, 200, "of %s, %s is worse: want %cAMOUNT", c->key,
		    f->less ? "more" : "less", f->less ? '+' : '-');
	else {
		f->less = sign ? f->less : c->change == LESS_IS_WORSE;
		return true;
	}
	return false;
}

int
fail_parse(const char *source, struct fail_rule *out, char why[200])
{
	struct text rest = text_of(source), name, word, more;
	struct fail_rule f = { .tool = -1 };
	char sign = '\0';

	snprintf(why, 200, "want a figure and an amount, such as 'throttle.held_cpus +10%%'");
	if (!text_word(&rest, &name) || !text_word(&rest, &word))
		return -1;
	if (take_statistic(word, &f.statistic) && !text_word(&rest, &word))
		return -1;
	if (text_word(&rest, &more) || !find_figure(name, &f, why))
		return -1;
	const struct column *c = f.column < 0 ? NULL : &tools[f.tool]->columns[f.column];
	if (*word.s == '+' || *word.s == '-') {
		sign = *word.s++;
		word.n--;
	}
	if (!take_amount(word, c, &f)) {
		snprintf(why, 200, "invalid amount '%.*s': want a number, 10%%%s",
		    (int)(word.n < 60 ? word.n : 60), word.s,
		    !c                                                     ? "" :
			c->unit == BYTES                                   ? " or 64M" :
			c->unit == MILLISECONDS || c->unit == MICROSECONDS ? " or 5ms" :
									     "");
		return -1;
	}
	if (!set_direction(&f, c, sign, why))
		return -1;
	*out = f;
	return 0;
}

/* ---- Applying */

double
spread_statistic(const struct spread *g, const struct column *c, enum statistic s)
{
	static const double quantiles[] = { [STATISTIC_MEDIAN] = 0.5,
		[STATISTIC_P90] = 0.9,
		[STATISTIC_P99] = 0.99,
		[STATISTIC_MAX] = 1 };

	return s == STATISTIC_MEAN ? spread_mean(g) : spread_quantile(g, c, quantiles[s]);
}

static bool
is_about(const struct fail_rule *f, const struct line *l)
{
	if (f->tool >= 0 && l->tool != (size_t)f->tool)
		return false;
	if (f->column >= 0)
		return l->column == f->column;
	enum change change = line_column(l)->change;
	return change == MORE_IS_WORSE || change == LESS_IS_WORSE;
}

static bool
is_judged(const struct line *l)
{
	return l->kind <= LINE_OTHER || l->kind == LINE_SAME;
}

/* If A is 0, any increase is larger than any part of it. */
static bool
is_beyond(const struct fail_rule *f, const struct line *l)
{
	const struct column *c = line_column(l);
	bool less = f->column >= 0 ? f->less : c->change == LESS_IS_WORSE;
	double a = spread_statistic(l->from, c, f->statistic),
	       b = spread_statistic(l->to, c, f->statistic);
	double worse = less ? a - b : b - a;

	if (!l->significant || (l->test.shift > 0) == less)
		return false;
	return worse > (f->relative ? fabs(a) * f->amount / 100 : f->amount);
}

enum fail_result
fail_apply(const struct fail_rule *f, struct comparison *c)
{
	bool judged = false, any = false;

	for (size_t i = 0; i < c->n; i++) {
		struct line *l = &c->v[i];
		if (!is_about(f, l))
			continue;
		l->asked = true;
		if (!is_judged(l))
			continue;
		judged = true;
		if (is_beyond(f, l))
			any = l->fails = true;
	}
	return any ? FAIL_YES : judged && !c->too_short ? FAIL_NOT : FAIL_UNKNOWN;
}

struct fail_counts
fail_count(const struct comparison *c)
{
	struct fail_counts n = { .judged = 0 };

	for (size_t i = 0; i < c->n; i++) {
		const struct line *l = &c->v[i];
		if (!l->asked)
			continue;
		n.judged += is_judged(l);
		n.few += l->kind == LINE_FEW;
		n.only_one += l->kind == LINE_ONLY_A || l->kind == LINE_ONLY_B;
		n.unknown = n.unknown || is_judged(l) ? n.unknown : l;
	}
	return n;
}
