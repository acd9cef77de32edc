#include "commands/diff/lines.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"

const struct column *
line_column(const struct line *l)
{
	return &tools[l->tool]->columns[l->column];
}

const char *
line_kind_name(enum line_kind k)
{
	static const char *const names[LINE_KINDS] = { "worse", "better", "changed", "setting",
		"same", "few-samples", "only-a", "only-b" };

	return names[k];
}

void
line_figure(const struct line *l, struct buf *b)
{
	buf_text(b, tools[l->tool]->name);
	buf_char(b, '.');
	buf_text(b, line_column(l)->key);
	if (column_per_second(line_column(l)))
		buf_text(b, "/s");
}

void
line_row(const struct line *l, struct buf *b)
{
	bool of_cpu = *l->row && strcmp(tools[l->tool]->columns[0].key, "cpu") == 0;
	bool one = of_cpu && l->row[strspn(l->row, "0123456789")] == '\0';

	buf_text(b, one ? "CPU " : "");
	buf_text(b, l->row);
	buf_text(b, of_cpu && !one ? " CPUs" : "");
}

/* ---- Collecting */

static const struct spread *
find(const struct side *s, size_t tool, struct text row, int column)
{
	const struct tool_side *t = &s->tool[tool];
	int i = map_find(&t->names, row);

	return i < 0 ? NULL : t->row[i].of[column];
}

static void
add_line(struct comparison *c, size_t *room, const struct line *l)
{
	if (!l->from && !l->to)
		return;
	c->v = xgrow(c->v, c->n, room, sizeof *c->v);
	c->v[c->n++] = *l;
}

/* Adds the rows of one side; of b, only rows that a lacks. */
static void
collect_rows(struct comparison *c, size_t tool, const struct side *of, size_t *room)
{
	const struct tool_side *t = &of->tool[tool], *first = &c->a->tool[tool];
	const struct column *columns = tools[tool]->columns;

	for (uint32_t r = 0; r < t->names.n; r++) {
		struct text name = map_key(&t->names, r);
		if (of == c->b && map_find(&first->names, name) >= 0)
			continue;
		for (int i = 0; columns[i].key; i++)
			if (column_compares(&columns[i]))
				add_line(c, room,
				    &(struct line){ .tool = tool,
					.column = i,
					.row = name.s,
					.from = find(c->a, tool, name, i),
					.to = find(c->b, tool, name, i) });
	}
}

/* ---- Judging */

/* Fewer blocks than this are not joined further. */
enum { JOINED_LEAST = 16 };

/* How many blocks of s to join, so that they are as long as those of the other: means of short blocks
 * vary more than those of long ones. */
static size_t
join_of(const struct side *s, const struct side *other)
{
	size_t join = 1;

	while (s->block_ns * (int64_t)join < other->block_ns &&
	    side_blocks(s) / (2 * join) >= JOINED_LEAST)
		join *= 2;
	return join;
}

static void
test_line(const struct comparison *c, struct line *l)
{
	double a[BLOCKS_MOST], b[BLOCKS_MOST];
	size_t na, nb;

	l->test = (struct rank_test){ .p = NAN };
	l->p_least = l->size = NAN;
	if (!l->from || !l->to || line_column(l)->change == A_SETTING)
		return;
	l->size = change_size(line_column(l)->unit, spread_mean(l->from), spread_mean(l->to));
	na = spread_blocks(l->from, join_of(c->a, c->b), a);
	nb = spread_blocks(l->to, join_of(c->b, c->a), b);
	if (rank_test(a, na, b, nb, &l->test))
		l->p_least = rank_test_least(na, nb);
	else
		l->test.p = NAN;
}

/* A figure that never changes needs no test, and so makes those of others no stricter. */
static bool
is_constant(const struct line *l)
{
	return l->from->min == l->to->max && l->to->min == l->from->max;
}

static bool
settings_differ(const struct line *l)
{
	if (!l->from || !l->to)
		return true;
	return l->from->first != l->to->last || l->from->min != l->from->max ||
	    l->to->min != l->to->max;
}

/* Of a change that is significant. The means and the ranks must agree. */
static enum line_kind
kind_of_change(const struct line *l, double least)
{
	enum change change = line_column(l)->change;
	bool more = l->size > 0;

	if (isnan(l->size) || fabs(l->size) < log1p(least))
		return LINE_SAME;
	if (more != (l->test.shift > 0))
		return LINE_SAME;
	if (change == CHANGE_NEUTRAL)
		return LINE_OTHER;
	return more == (change == MORE_IS_WORSE) ? LINE_WORSE : LINE_BETTER;
}

/* Whether not even the clearest change would be significant. */
static bool
has_few(const struct comparison *c, const struct line *l)
{
	if (isnan(l->test.p))
		return true;
	return !l->significant && !is_constant(l) && l->p_least > c->level / (double)c->tests;
}

static enum line_kind
kind_of(const struct comparison *c, const struct line *l)
{
	if (line_column(l)->change == A_SETTING)
		return settings_differ(l) ? LINE_SETTING : LINE_SAME;
	if (!l->to)
		return LINE_ONLY_A;
	if (!l->from)
		return LINE_ONLY_B;
	if (has_few(c, l))
		return LINE_FEW;
	return l->significant ? kind_of_change(l, c->least) : LINE_SAME;
}

static void
judge_all(struct comparison *c)
{
	double *p = xmalloc((c->n + 1) * sizeof *p);
	bool *significant = xmalloc(c->n + 1);

	for (size_t i = 0; i < c->n; i++) {
		struct line *l = &c->v[i];
		test_line(c, l);
		p[i] = l->from && l->to && !is_constant(l) ? l->test.p : NAN;
	}
	c->tests = holm(p, c->n, c->level, significant);
	for (size_t i = 0; i < c->n; i++) {
		c->v[i].significant = significant[i];
		c->v[i].kind = kind_of(c, &c->v[i]);
		c->of[c->v[i].kind]++;
	}
	c->too_short = c->tests > 0 &&
	    rank_test_least(side_blocks(c->a) / join_of(c->a, c->b),
		side_blocks(c->b) / join_of(c->b, c->a)) > c->level / (double)c->tests;
	free(p);
	free(significant);
}

/* ---- The worst first */

static int
compare_lines(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	double size = isnan(x->size) ? 0 : fabs(x->size),
	       other = isnan(y->size) ? 0 : fabs(y->size);

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (size != other && x->kind <= LINE_OTHER)
		return size > other ? -1 : 1;
	if (x->tool != y->tool)
		return x->tool < y->tool ? -1 : 1;
	int rows = strcmp(x->row, y->row);
	return rows ? rows : x->column - y->column;
}

void
comparison_make(struct comparison *c, const struct side *a, const struct side *b)
{
	size_t room = 0;

	c->a = a;
	c->b = b;
	for (size_t t = 0; tools[t]; t++) {
		collect_rows(c, t, a, &room);
		collect_rows(c, t, b, &room);
	}
	judge_all(c);
	if (c->n > 0)
		qsort(c->v, c->n, sizeof *c->v, compare_lines);
}

void
comparison_free(struct comparison *c)
{
	free(c->v);
}

const struct line *
comparison_first(const struct comparison *c, enum line_kind k)
{
	const struct line *l = c->v;

	for (int i = 0; i < (int)k; i++)
		l += c->of[i];
	return l;
}

/* If a load began or ended within a part, its blocks fall into few groups of similar ones. The rank test counts each
 * group as one block, so the change looks like noise to it. */
static bool
changed_within(const struct line *l)
{
	const double stretch_least = 8, twice = log(2);

	return line_column(l)->change != CHANGE_NEUTRAL && l->test.stretch >= stretch_least &&
	    fabs(l->size) >= twice;
}

const struct line *
comparison_changed_within(const struct comparison *c)
{
	const struct line *l = comparison_first(c, LINE_SAME), *most = NULL;

	if (c->too_short || c->of[LINE_WORSE] + c->of[LINE_BETTER] + c->of[LINE_OTHER] > 0)
		return NULL;
	for (size_t i = 0; i < c->of[LINE_SAME]; i++)
		if (changed_within(&l[i]) && (!most || fabs(l[i].size) > fabs(most->size)))
			most = &l[i];
	return most;
}

/* ---- Rows */

enum {
	DIFF_CHANGE,
	DIFF_FIGURE,
	DIFF_ROW,
	DIFF_TOOL,
	DIFF_COLUMN,
	DIFF_UNIT,
	DIFF_FAILS,
	DIFF_DIFFERENCE,
	DIFF_RATIO,
	DIFF_P,
	DIFF_STRETCH,
	DIFF_A,
	DIFF_B = DIFF_A + 6,
	DIFF_END = DIFF_B + 6
};

#define FIGURE_COLUMNS(side, name) \
	{ side "_samples", side "-n", COUNT, NO_UNIT, 9, 0, .help = "known values in " name }, \
	    { side "_mean", side "-mean", GAUGE, NO_UNIT, 9, 3, .help = "mean in " name }, \
	    { side "_median", side "-med", GAUGE, NO_UNIT, 9, 3, .help = "median in " name }, \
	    { side "_p90", side "-p90", GAUGE, NO_UNIT, 9, 3, \
		    .help = "90 % of the values in " name " are smaller" }, \
	    { side "_p99", side "-p99", GAUGE, NO_UNIT, 9, 3, \
		    .help = "99 % of the values in " name " are smaller" }, \
	{ \
		side "_max", side "-max", GAUGE, NO_UNIT, 9, 3, .help = "largest value in " name \
	}

const struct column diff_columns[] = {
	[DIFF_CHANGE] = { "change", "change", LABEL, NO_UNIT, 12, 0,
	    .help = "worse, better, changed, setting, same, few-samples, only-a or only-b" },
	[DIFF_FIGURE] = { "figure", "figure", LABEL, NO_UNIT, 0, 0,
	    .help = "tool and column; /s: per second" },
	[DIFF_ROW] = { "row", "row", LABEL, NO_UNIT, 0, 0, .help = "what the row is about" },
	[DIFF_TOOL] = { "of", "tool", LABEL, NO_UNIT, 9, 0, .help = "the tool" },
	[DIFF_COLUMN] = { "column", "column", LABEL, NO_UNIT, 0, 0, .help = "its column" },
	[DIFF_UNIT] = { "unit", "unit", LABEL, NO_UNIT, 6, 0, .help = "of the figures" },
	[DIFF_FAILS] = { "fails", "!", FLAG, NO_UNIT, 2, 0, .help = "worse than a --fail allows" },
	[DIFF_DIFFERENCE] = { "difference", "diff", GAUGE, NO_UNIT, 9, 3,
	    .help = "mean of B - mean of A; of a setting: last of B - first of A" },
	[DIFF_RATIO] = { "ratio", "ratio", GAUGE, NO_UNIT, 9, 3,
	    .help = "the same as B / A; unknown if A is 0" },
	[DIFF_P] = { "p", "p", GAUGE, NO_UNIT, 9, 9,
	    .help = "of the rank test: how likely without a change; at least 1e-9" },
	[DIFF_STRETCH] = { "stretch", "stretch", GAUGE, NO_UNIT, 9, 3,
	    .help = "how many neighbouring blocks count as one in it" },
	[DIFF_A] = FIGURE_COLUMNS("a", "A"),
	[DIFF_B] = FIGURE_COLUMNS("b", "B"),
	{ .key = NULL },
};

static void
put_side(struct cell *row, const struct column *c, const struct spread *g)
{
	cell_gauge(&row[0], g ? (double)g->n : 0, 1);
	if (!g)
		return;
	cell_gauge(&row[1], spread_mean(g), 1);
	cell_gauge(&row[2], spread_quantile(g, c, 0.5), 1);
	cell_gauge(&row[3], spread_quantile(g, c, 0.9), 1);
	cell_gauge(&row[4], spread_quantile(g, c, 0.99), 1);
	cell_gauge(&row[5], g->max, 1);
}

/* The digits of p do not show less. */
static const double P_LEAST = 1e-9;

static void
put_line(struct cell *row, const struct line *l, struct arena *a)
{
	static const char *const units[] = { NULL, "cpus", "percent", "bytes", "ms", "1/s", "us" };
	const struct column *c = line_column(l);
	bool setting = c->change == A_SETTING;
	double from = !l->from ? NAN : setting ? l->from->first : spread_mean(l->from);
	double to = !l->to ? NAN : setting ? l->to->last : spread_mean(l->to);
	struct buf figure = { 0 };

	line_figure(l, &figure);
	cell_label(&row[DIFF_CHANGE], line_kind_name(l->kind));
	cell_label(&row[DIFF_FIGURE], arena_copy(a, (struct text){ figure.s, figure.n }));
	cell_label(&row[DIFF_ROW], *l->row ? l->row : NULL);
	cell_label(&row[DIFF_TOOL], tools[l->tool]->name);
	cell_label(&row[DIFF_COLUMN], c->key);
	cell_label(&row[DIFF_UNIT], column_per_second(c) ? "1/s" : units[c->unit]);
	cell_flag(&row[DIFF_FAILS], l->fails);
	cell_gauge(&row[DIFF_DIFFERENCE], to - from, 1);
	cell_gauge(&row[DIFF_RATIO], from > 0 ? to / from : NAN, 1);
	cell_gauge(&row[DIFF_P], isnan(l->test.p) ? NAN : fmax(l->test.p, P_LEAST), 1);
	cell_gauge(&row[DIFF_STRETCH], isnan(l->test.p) ? NAN : l->test.stretch, 1);
	put_side(&row[DIFF_A], c, l->from);
	put_side(&row[DIFF_B], c, l->to);
	buf_free(&figure);
}

void
comparison_rows(const struct comparison *c, struct arena *a, struct table *out)
{
	out->columns = diff_columns;
	out->ncolumns = columns_count(diff_columns);
	for (size_t i = 0; i < c->n; i++)
		put_line(table_row(out), &c->v[i], a);
}
