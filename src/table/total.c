#include "table/total.h"

#include <math.h>
#include <string.h>

/* The same string as before is kept; another one is copied. */
static void
set_label(struct total *s, const char **to, const char *label)
{
	if (!*to || !label || strcmp(*to, label) != 0)
		*to = label ? arena_copy(&s->arena, text_of(label)) : NULL;
}

static void
add_figure(struct cell *to, const struct cell *c, enum column_kind kind, bool fresh)
{
	bool known = !isnan(to->num);

	to->none = c->none && (fresh || to->none);
	if (isnan(c->num))
		return;
	if (!known || kind == FLAG)
		to->num = c->num;
	else if (kind == COUNT)
		to->num += c->num;
	else if (c->weight > 0)
		to->num = (to->num * to->weight + c->num * c->weight) / (to->weight + c->weight);
	to->weight = (known ? to->weight : 0) + c->weight;
	to->raw = c->raw;
}

/* The row of the label, which may be new. */
static struct cell *
row_of(struct total *s, const char *label, bool *fresh)
{
	uint32_t known = s->labels.n, i = map_put(&s->labels, text_of(label ? label : ""));

	*fresh = i == known;
	if (*fresh)
		table_row(&s->table);
	return &s->table.cells[i * s->table.ncolumns];
}

void
total_add(struct total *s, const struct table *rows)
{
	s->table.columns = rows->columns;
	s->table.ncolumns = rows->ncolumns;
	for (size_t i = 0; i < rows->nrows; i++) {
		const struct cell *from = table_at(rows, i);
		bool fresh;
		struct cell *to = row_of(s, from[0].label, &fresh);
		for (size_t c = 0; c < rows->ncolumns; c++)
			if (rows->columns[c].kind == LABEL) {
				set_label(s, &to[c].label, from[c].label);
				set_label(s, &to[c].brief, from[c].brief);
			} else
				add_figure(&to[c], &from[c], rows->columns[c].kind, fresh);
	}
}

void
total_free(struct total *s)
{
	table_free(&s->table);
	map_free(&s->labels);
	arena_free(&s->arena);
	*s = (struct total){ .table = { 0 } };
}
