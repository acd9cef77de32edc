/* rows: takes the rows of tools into strips: who a row is about, and which rows are kept. */
#include "commands/report/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Beginning */

/* Sets the option of that letter, which has no argument or takes CPUs. */
static void
set_flag(const struct tool *t, void *options, char letter)
{
	for (const struct option *o = t->options; o && o->type != OPTION_END; o++)
		if (o->letter == letter && o->type == OPTION_FLAG)
			*(bool *)((char *)options + o->at) = true;
		else if (o->letter == letter && o->type == OPTION_CPUS)
			((struct cpu_choice *)((char *)options + o->at))->given = true;
}

/* The form of the tool that suits these options. */
static const struct tool *
form_of(const struct tool *t, const void *options)
{
	const struct request ask = { .options = options };

	for (size_t i = 0; t->forms && t->forms[i]; i++)
		if (t->forms[i]->suits(&ask))
			return t->forms[i];
	return t;
}

static struct sampler *
add_sampler(const struct strip_plan *plan, struct recorded *r)
{
	void *options = tool_defaults(plan->tool, &r->arena, 0);

	if (plan->flag)
		set_flag(plan->tool, options, plan->flag);
	struct sampler *s = recorded_add(r, plan->tool, options);
	if (plan->flag)
		s->tool = form_of(plan->tool, options);
	return s;
}

/* Strips of the same rows share a sampler. */
static struct sampler *
sampler_for(const struct strip *all, size_t n, const struct strip_plan *plan, struct recorded *r)
{
	for (size_t i = 0; i < n; i++)
		if (all[i].plan->tool == plan->tool && all[i].plan->flag == plan->flag)
			return all[i].sampler;
	return recorded_has(r, plan->tool) ? add_sampler(plan, r) : NULL;
}

void
strip_begin(struct strip *all, size_t n, const struct strip_plan *plan, struct recorded *r)
{
	struct strip *s = &all[n];

	*s = (struct strip){ .plan = plan, .column = plan->figures[0].column, .weight = -1 };
	while (s->nfigures < STRIP_FIGURES && plan->figures[s->nfigures].name)
		s->nfigures++;
	s->sampler = sampler_for(all, n, plan, r);
	if (!s->sampler)
		return;
	s->columns = s->sampler->tool->columns;
	if (plan->key)
		s->column = columns_find(s->columns, text_of(plan->key));
	if (plan->weight_key)
		s->weight = columns_find(s->columns, text_of(plan->weight_key));
	if (plan->bin && !plan->weight_key)
		s->sampler->tick_ns = 1000000;
}

/* ---- Rows */

static void
free_row(struct strip_row *row)
{
	free(row->name);
	for (int i = 0; i < STRIP_FIGURES; i++)
		series_free(&row->figure[i]);
	*row = (struct strip_row){ .name = NULL };
}

/* "nginx 4242": what people call the row. Its own name is what they call it too if that is known. */
static const char *
name_of(const struct strip *s, const struct cell *cells, struct buf *b)
{
	b->n = 0;
	for (int i = 0; i < NAME_COLUMNS && s->plan->name[i] >= 0; i++) {
		const struct cell *c = &cells[s->plan->name[i]];
		const char *label = c->brief ? c->brief : c->label;
		if (!label || !*label)
			continue;
		if (b->n > 0)
			buf_char(b, ' ');
		if (s->plan->prefix && label[strspn(label, "0123456789")] == '\0')
			buf_text(b, s->plan->prefix);
		buf_text(b, label);
	}
	buf_char(b, '\0');
	return b->s;
}

/* The row that hurts least so far. */
static size_t
least(const struct strip *s)
{
	size_t at = 0;

	for (size_t i = 1; i < s->n; i++)
		if (s->rows[i].worst < s->rows[at].worst)
			at = i;
	return at;
}

/* Removes a row; the last one takes its place, as in the map. */
static void
drop_row(struct strip *s, size_t at)
{
	free_row(&s->rows[at]);
	map_remove(&s->names, (uint32_t)at);
	s->rows[at] = s->rows[--s->n];
	s->dropped++;
}

static struct strip_row *
add_row(struct strip *s, const char *name)
{
	if (s->n == s->plan->kept)
		drop_row(s, least(s));
	s->rows = xgrow(s->rows, s->n, &s->room, sizeof *s->rows);
	struct strip_row *row = &s->rows[s->n++];
	*row = (struct strip_row){ .name = xstrdup(name) };
	map_put(&s->names, text_of(name));
	for (int i = 0; i < s->nfigures && s->plan->zero; i++)
		series_zeros(&row->figure[i], &s->known);
	return row;
}

static double
value_of(const struct strip *s, int figure, const struct cell *cells)
{
	const struct strip_figure *f = &s->plan->figures[figure];

	return f->value ? f->value(cells) : cells[figure == 0 ? s->column : f->column].num;
}

static bool
is_about(const struct strip *s, const struct cell *cells)
{
	const char *label = cells[0].label ? cells[0].label : "";

	return (!s->plan->only || strcmp(label, s->plan->only) == 0) &&
	    (!s->plan->without || strcmp(label, s->plan->without) != 0);
}

/* Several rows of one name add up. */
static void
take_cells(struct strip *s, const struct cell *cells, struct buf *name)
{
	double first = value_of(s, 0, cells);

	if (!is_about(s, cells))
		return;
	const char *called = name_of(s, cells, name);
	int known = map_find(&s->names, text_of(called));
	/* a new row that is 0 is not worth the place of another */
	if (known < 0 && s->plan->zero && !(first > 0))
		return;
	struct strip_row *row = known < 0 ? add_row(s, called) : &s->rows[known];
	bool again = row->turn == s->turn;
	for (int i = 0; i < s->nfigures; i++) {
		double value = value_of(s, i, cells);
		row->now[i] = again && !isnan(row->now[i]) ? row->now[i] + value : value;
	}
	row->turn = s->turn;
	double rank = s->plan->worst ? cells[s->plan->worst].num : first;
	row->worst += rank > 0 ? rank : 0;
}

static void
add_rows(struct strip *s, const struct stretch *t)
{
	for (size_t i = 0; i < s->n; i++) {
		struct strip_row *row = &s->rows[i];
		for (int k = 0; k < s->nfigures; k++)
			if (row->turn == s->turn)
				series_add(&row->figure[k], t, row->now[k]);
			else if (s->plan->zero)
				series_add(&row->figure[k], t, 0);
	}
	series_add(&s->known, t, 0);
}

static void
add_bins(struct strip *s, const struct stretch *t, const struct rows *rows)
{
	for (size_t i = 0; i < rows->table->nrows; i++) {
		const struct cell *cells = table_at(rows->table, i);
		bins_add(&s->bins, t, s->plan->bin(cells[s->column].num), cells[s->weight].num);
	}
	series_add(&s->known, t, 0);
}

static void
take_rows(struct strip *s, const struct axis *a, int64_t since_ns)
{
	struct rows rows = sampler_rows(s->sampler);
	struct buf name = { 0 };

	if (!rows.table || rows.from_real_ns < since_ns)
		return;
	struct stretch t = axis_stretch(a, rows.from_real_ns, rows.real_ns);
	s->turn++;
	s->samples++;
	if (s->plan->bin) {
		add_bins(s, &t, &rows);
		return;
	}
	for (size_t i = 0; i < rows.table->nrows; i++)
		take_cells(s, table_at(rows.table, i), &name);
	add_rows(s, &t);
	buf_free(&name);
}

/* A sample of the gauge stands for the time since the one before. */
static void
take_tick(struct strip *s, const struct axis *a, const struct sample *now, int64_t since_ns)
{
	double value = s->sampler->watch.gauge.last;
	int64_t before_ns = s->ticked_ns;

	if (isnan(value))
		return;
	s->ticked_ns = now->real_ns;
	if (before_ns == 0 || now->real_ns <= before_ns || before_ns < since_ns)
		return;
	struct stretch t = axis_stretch(a, before_ns, now->real_ns);
	s->samples++;
	bins_add(&s->bins, &t, s->plan->bin(value), (double)(now->real_ns - before_ns) * 1e-9);
	series_add(&s->known, &t, 0);
}

void
strip_take(
    struct strip *s, const struct axis *a, bool row, const struct sample *now, int64_t since_ns)
{
	if (!s->sampler)
		return;
	if (s->plan->bin && s->weight < 0)
		take_tick(s, a, now, since_ns);
	else if (row && s->sampler->sampled)
		take_rows(s, a, since_ns);
}

/* ---- What is shown */

/* A row of which nothing is known is not. */
static bool
is_known(const struct strip *s, const struct strip_row *row)
{
	for (int i = 0; i < s->nfigures; i++)
		if (row->figure[i].known_s > 0)
			return true;
	return false;
}

static int
by_worst(const void *a, const void *b)
{
	const struct strip_row *const *x = a, *const *y = b;

	if ((*x)->worst != (*y)->worst)
		return (*x)->worst < (*y)->worst ? 1 : -1;
	return strcmp((*x)->name, (*y)->name);
}

/* "CPU 2" comes before "CPU 10". */
static int
by_name(const void *a, const void *b)
{
	const struct strip_row *const *x = a, *const *y = b;
	size_t nx = strlen((*x)->name), ny = strlen((*y)->name);

	return nx != ny ? (nx > ny) - (nx < ny) : strcmp((*x)->name, (*y)->name);
}

size_t
strip_worst(const struct strip *s, const struct strip_row *v[], size_t most)
{
	const struct strip_row **all = xmalloc((s->n + 1) * sizeof(struct strip_row *));
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		if (is_known(s, &s->rows[i]))
			all[n++] = &s->rows[i];
	qsort(all, n, sizeof(struct strip_row *), by_worst);
	n = n < most ? n : most;
	while (!s->plan->ordered && n > 1 && all[n - 1]->worst <= 0)
		n--; /* one shows that there is nothing to see */
	if (s->plan->ordered)
		qsort(all, n, sizeof(struct strip_row *), by_name);
	memcpy(v, all, n * sizeof(struct strip_row *));
	free(all);
	return n;
}

bool
strip_is_empty(const struct strip *s)
{
	if (s->plan->bin)
		return s->bins.all <= 0;
	for (size_t i = 0; i < s->n; i++)
		if (is_known(s, &s->rows[i]))
			return s->plan->several && s->n < 2;
	return true;
}

void
strip_free(struct strip *s)
{
	for (size_t i = 0; i < s->n; i++)
		free_row(&s->rows[i]);
	free(s->rows);
	map_free(&s->names);
	series_free(&s->known);
	bins_free(&s->bins);
}

/* ---- Figures as people write them */

static const struct column *
column_of(const struct strip *s, int figure)
{
	return &s->columns[figure == 0 ? s->column : s->plan->figures[figure].column];
}

const char *
figure_unit(const struct strip *s, int figure)
{
	static const char *const units[] = { "", "CPUs", "%", "bytes", "ms", "per second", "µs" };

	return s->plan->unit ? s->plan->unit : units[column_of(s, figure)->unit];
}

void
figure_number(const struct strip *s, int figure, double x, struct buf *b)
{
	char text[HUMAN_MOST];
	const char *unit = figure_unit(s, figure);

	if (isnan(x)) {
		buf_char(b, '-');
	} else if (strcmp(unit, "bytes") == 0) {
		buf_text(b, human_size(x, text));
	} else {
		size_t n = strlen(unit);
		buf_trimmed(b, x, x >= 100 ? 0 : x >= 10 ? 1 : 2);
		if (n > 0)
			buf_char(b, ' ');
		/* "1 CPU", but "1 ms" */
		buf_add(b, unit, n > 3 && x == 1 && unit[n - 1] == 's' ? n - 1 : n);
	}
}
