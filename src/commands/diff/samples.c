#include "commands/diff/samples.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Values within a second are never taken for independent. */
static const int64_t FIRST_BLOCK_NS = 1000000000;

bool
column_compares(const struct column *c)
{
	return c->kind != LABEL && c->kind != FLAG && c->change != NOT_COMPARED;
}

bool
column_per_second(const struct column *c)
{
	return c->kind == COUNT;
}

static bool
is_name(const struct column *c)
{
	return c->kind == LABEL && !c->remark && !c->extra && !c->below && !c->passing && !c->group;
}

static void
choose(struct chosen_columns *out, const struct column *columns, bool (*is)(const struct column *))
{
	for (size_t i = 0; columns[i].key; i++)
		if (is(&columns[i]))
			out->v[out->n++] =
			    (struct chosen_column){ (uint8_t)i, column_per_second(&columns[i]) };
}

void
side_begin(struct side *s, const char *path, const struct host_facts *facts)
{
	*s = (struct side){ .path = xstrdup(path), .block_ns = FIRST_BLOCK_NS };
	s->facts = *facts;
	for (size_t t = 0; tools[t]; t++) {
		choose(&s->tool[t].naming, tools[t]->columns, is_name);
		choose(&s->tool[t].compared, tools[t]->columns, column_compares);
	}
}

/* ---- Blocks */

/* Most values are those of the sample before: they are counted together. */
static void
count_run(struct spread *g)
{
	if (g->run == 0)
		return;
	hist_add_times(&g->hist, g->last, g->run);
	g->n += g->run;
	g->sum += g->last * g->run_weight;
	g->weight += g->run_weight;
	g->block[g->run_block].sum += g->last * g->run_weight;
	g->block[g->run_block].weight += g->run_weight;
	g->run = 0;
	g->run_weight = 0;
}

static void
merge_blocks(struct spread *g)
{
	count_run(g);
	for (size_t i = 0; i < BLOCKS_MOST / 2; i++) {
		g->block[i].sum = g->block[2 * i].sum + g->block[2 * i + 1].sum;
		g->block[i].weight = g->block[2 * i].weight + g->block[2 * i + 1].weight;
	}
	memset(g->block + BLOCKS_MOST / 2, 0, BLOCKS_MOST / 2 * sizeof *g->block);
}

/* Calls `each` with every figure of a tool. */
static void
for_tool(const struct tool_side *t, void (*each)(struct spread *))
{
	for (uint32_t r = 0; r < t->names.n; r++)
		for (size_t i = 0; i < t->compared.n; i++)
			if (t->row[r].of[t->compared.v[i].i])
				each(t->row[r].of[t->compared.v[i].i]);
}

/* The same, of all tools. */
static void
for_all(struct side *s, void (*each)(struct spread *))
{
	for (size_t t = 0; tools[t]; t++)
		for_tool(&s->tool[t], each);
}

static uint32_t
present_block(const struct side *s)
{
	return (uint32_t)(s->clock_ns / s->block_ns);
}

/* After a gap, or where samples are rare, the next sample is in the next block. */
void
side_sample(struct side *s, const struct sample *m)
{
	int64_t step_ns = s->samples > 0 ? m->mono_ns - s->last_ns : 0;

	if (step_ns < 0 || step_ns > FIRST_BLOCK_NS)
		step_ns = FIRST_BLOCK_NS;
	s->clock_ns += step_ns;
	s->from_ns = s->samples > 0 ? s->from_ns : m->real_ns;
	s->to_ns = m->real_ns > s->from_ns ? m->real_ns : s->from_ns;
	s->last_ns = m->mono_ns;
	s->samples++;
	if (present_block(s) >= BLOCKS_MOST) {
		for_all(s, merge_blocks);
		s->block_ns *= 2;
	}
	s->block = present_block(s);
}

size_t
spread_blocks(const struct spread *g, size_t join, double out[BLOCKS_MOST])
{
	size_t n = 0;

	for (size_t i = 0; i < BLOCKS_MOST; i += join) {
		double sum = 0, weight = 0;
		for (size_t j = i; j < i + join && j < BLOCKS_MOST; j++) {
			sum += g->block[j].sum;
			weight += g->block[j].weight;
		}
		if (weight > 0)
			out[n++] = sum / weight;
	}
	return n;
}

size_t
side_blocks(const struct side *s)
{
	return 1 + present_block(s);
}

void
side_end(struct side *s)
{
	for_all(s, count_run);
}

/* ---- Values */

/* The value differs from the last one, or is the first of its block. */
static void
begin_run(struct spread *g, double value, uint32_t block)
{
	count_run(g);
	if (g->n == 0)
		g->min = g->max = g->first = value;
	g->min = value < g->min ? value : g->min;
	g->max = value > g->max ? value : g->max;
	g->last = value;
	g->run_block = block;
}

static void
add_value(struct spread *g, double value, double weight, uint32_t block)
{
	if (g->run == 0 || value != g->last || block != g->run_block)
		begin_run(g, value, block);
	g->run++;
	g->run_weight += weight > 0 ? weight : 0;
}

/* Sums of the same values differ in their last bits. */
double
spread_mean(const struct spread *g)
{
	if (g->n > 0 && g->min == g->max)
		return g->min;
	return g->weight > 0 ? g->sum / g->weight : NAN;
}

double
spread_quantile(const struct spread *g, const struct column *c, double q)
{
	double x = hist_quantile(&g->hist, q);

	if (c->digits == 0 && c->unit == NO_UNIT && !column_per_second(c))
		x = floor(
		    x); /* a whole number, of which the histogram has the middle of its step */
	return g->n == 0 ? NAN : fmax(g->min, fmin(x, g->max));
}

/* ---- Rows */

/* "java worker-1 blocked". It is valid until the next one is asked for, or the row is gone. */
static struct text
name_of(struct side *s, const struct chosen_columns *naming, const struct cell *row)
{
	struct buf *b = &s->name;

	if (naming->n == 1)
		return text_of(row[naming->v[0].i].label ? row[naming->v[0].i].label : "");
	b->n = 0;
	buf_room(b, 1); /* so that an empty name is one too */
	for (size_t i = 0; i < naming->n; i++) {
		const char *label = row[naming->v[i].i].label;
		if (!label)
			continue;
		buf_text(b, b->n > 0 ? " " : "");
		buf_text(b, label);
	}
	return (struct text){ b->s, b->n };
}

uint32_t
side_row(struct side *s, size_t tool, struct text name)
{
	struct tool_side *t = &s->tool[tool];
	uint32_t known = t->names.n, i = map_put(&t->names, name);

	if (i < known)
		return i;
	size_t size = columns_count(tools[tool]->columns) * sizeof(struct spread *);
	t->row = xgrow(t->row, known, &t->room, sizeof *t->row);
	t->row[i] = (struct row_figures){ .of = arena_alloc(&s->arena, size) };
	return i;
}

struct spread *
side_put(struct side *s, size_t tool, uint32_t row, int column)
{
	struct spread **g = &s->tool[tool].row[row].of[column];

	if (!*g && s->count < FIGURES_MOST) {
		*g = arena_alloc(&s->arena, sizeof **g);
		s->count++;
	}
	return *g;
}

static void
add_row(struct side *s, size_t tool, uint32_t row, const struct cell *cells, double span_s)
{
	const struct chosen_columns *compared = &s->tool[tool].compared;
	struct spread **of = s->tool[tool].row[row].of;

	for (size_t k = 0; k < compared->n; k++) {
		int i = compared->v[k].i;
		double x = cells[i].num, weight = cells[i].weight;
		if (!isfinite(x))
			continue;
		if (compared->v[k].per_second) {
			x /= span_s;
			weight = span_s;
		}
		if (of[i] || side_put(s, tool, row, i))
			add_value(of[i], x, weight, s->block);
		else
			s->left_out++;
	}
}

/* ---- Rows that share a name */

static bool
is_averaged(const struct column *c)
{
	return c->kind == SHARE || c->unit == MILLISECONDS || c->unit == MICROSECONDS;
}

static void
mix_cell(const struct column *c, struct cell *into, const struct cell *from)
{
	double weight = into->weight + from->weight;

	if (!isfinite(from->num) || c->kind == LABEL)
		return;
	if (!isfinite(into->num)) {
		*into = *from;
	} else if (!is_averaged(c)) {
		into->num += from->num;
	} else if (weight > 0) {
		into->num = (into->num * into->weight + from->num * from->weight) / weight;
		into->weight = weight;
	}
}

/* ---- The rows of a sample */

/* Adds the cells to those of the first row of this name. */
static void
mix_rows(struct table *t, const struct column *columns, size_t first, size_t row)
{
	struct cell *into = t->cells + first * t->ncolumns;

	for (int i = 0; columns[i].key; i++)
		mix_cell(&columns[i], &into[i], &table_at(t, row)[i]);
}

/* The number of the row of that name, at this place in the sample: mostly that of the row which was there in
 * the sample before. -1: there are too many. */
static int
number_of(struct side *s, size_t tool, struct text name, size_t place, size_t places)
{
	const struct tool_side *t = &s->tool[tool];

	if (place < places && text_same(map_key(&t->names, t->present[place]), name))
		return (int)t->present[place];
	if (t->names.n >= FIGURES_MOST)
		return map_find(&t->names, name);
	return (int)side_row(s, tool, name);
}

/* Notes that row i of the table is present. If an earlier row has its name, adds it to that. */
static void
add_present(struct side *s, size_t tool, struct table *table, size_t i, size_t places)
{
	struct tool_side *t = &s->tool[tool];
	struct text name = name_of(s, &t->naming, table_at(table, i));
	int number = number_of(s, tool, name, i, places);

	if (number < 0) {
		s->left_out++;
		return;
	}
	struct row_figures *row = &t->row[number];
	if (row->turn == t->samples) {
		mix_rows(table, tools[tool]->columns, row->at, i);
		return;
	}
	row->turn = t->samples;
	row->at = i;
	row->seen++;
	t->present =
	    arena_grow(&s->arena, t->present, t->npresent, &t->present_room, sizeof *t->present);
	t->present[t->npresent++] = (uint32_t)number;
}

void
side_add(struct side *s, size_t tool, const struct rows *rows)
{
	struct tool_side *t = &s->tool[tool];
	size_t places = t->npresent;

	t->samples++;
	t->span_s += rows->span_s;
	t->npresent = 0;
	for (size_t i = 0; i < rows->table->nrows; i++)
		add_present(s, tool, rows->table, i, places);
	for (size_t i = 0; i < t->npresent; i++)
		add_row(s, tool, t->present[i], table_at(rows->table, t->row[t->present[i]].at),
		    rows->span_s);
}

/* ---- A recording */

static size_t
index_of(const struct tool *tool)
{
	size_t i = 0;

	while (tools[i] != tool)
		i++;
	return i;
}

bool
side_noted(const struct side *s, const struct side_note *note)
{
	for (size_t i = 0; i < s->notes; i++)
		if (s->note[i].tool == note->tool && strcmp(s->note[i].message, note->message) == 0)
			return true;
	return false;
}

void
side_note(struct side *s, const struct tool *tool, const char *message)
{
	struct side_note note = { tool, arena_copy(&s->arena, text_of(message)) };

	if (side_noted(s, &note) || s->notes == SIDE_NOTES)
		return;
	s->note = arena_grow(&s->arena, s->note, s->notes, &s->note_room, sizeof *s->note);
	s->note[s->notes++] = note;
}

static void
take_note(void *about, const struct tool *tool, const char *message)
{
	side_note(about, tool, message);
}

void
side_read(struct side *s, struct recorded *r, int64_t span_ns)
{
	struct rows rows;
	char losses[512];

	r->session.say = take_note;
	r->session.about = s;
	for (bool more = recorded_begin(r); more && recorded_next(r);) {
		more = span_ns == 0 || session_span_s(&r->session) * 1e9 < (double)span_ns;
		side_sample(s, &r->session.now);
		for (size_t i = 0; i < r->session.n; i++)
			if (recorded_rows(r, i, &rows))
				side_add(s, index_of(r->session.v[i]->tool), &rows);
	}
	side_end(s);
	if (host_losses(r->session.host, losses, sizeof losses))
		s->losses = xstrdup(losses);
}

static void
free_spread(struct spread *g)
{
	hist_free(&g->hist);
}

void
side_free(struct side *s)
{
	for_all(s, free_spread);
	for (size_t t = 0; t < TOOLS_MOST; t++) {
		map_free(&s->tool[t].names);
		free(s->tool[t].row);
	}
	arena_free(&s->arena);
	buf_free(&s->name);
	free(s->path);
	free(s->losses);
}
