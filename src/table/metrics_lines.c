/* The lines of metrics: names, units, and how figures and labels are written. */
#include "table/metrics.h"

#include <stdio.h>
#include <string.h>

/* A key's unit in base units; what ends otherwise has none. */
static const struct unit_name {
	const char *ending, *base;
	double scale;
	const char *unit, *hint;
} unit_names[] = {
	{ "_pct", "_ratio", 1e-2, "ratio", "; here 1 is 100 %" },
	{ "_ms", "_seconds", 1e-3, "seconds", "" },
	{ "_us", "_seconds", 1e-6, "seconds", "" },
	{ "_ns", "_seconds", 1e-9, "seconds", "" },
	{ "_per_s", "_per_second", 1, NULL, "" },
	{ "_s", "_seconds", 1, "seconds", "" },
	{ "_bytes", "_bytes", 1, "bytes", "" },
	{ "_seconds", "_seconds", 1, "seconds", "" },
	{ "_cpus", "_cpus", 1, "cpus", "" },
	{ "", "", 1, NULL, "" },
};

static bool
ends_in(const char *s, const char *ending)
{
	size_t n = strlen(s), m = strlen(ending);

	return n >= m && strcmp(s + n - m, ending) == 0;
}

static const struct unit_name *
unit_of(const char *key)
{
	const struct unit_name *u = unit_names;

	while (!ends_in(key, u->ending))
		u++;
	return u;
}

/* Nine digits suffice for a nanosecond; those of a ratio are far fewer. */
static void
put_number(struct buf *b, double x)
{
	size_t start = b->n;

	buf_fixed(b, x, 9);
	if (!memchr(b->s + start, '.', b->n - start))
		return;
	while (b->s[b->n - 1] == '0')
		b->n--;
	if (b->s[b->n - 1] == '.')
		b->n--;
}

/* A label's value. Control characters and what is no UTF-8 stand as \ooo, as they do on a terminal:
 * a newline is no exception. */
void
metrics_label(struct buf *b, struct buf *scratch, const char *key, const char *value)
{
	if (b->n > 0 && b->s[b->n - 1] == '"')
		buf_char(b, ',');
	buf_text(b, key);
	buf_text(b, "=\"");
	scratch->n = 0;
	buf_printable(scratch, value);
	for (size_t i = 0; i < scratch->n; i++) {
		if (scratch->s[i] == '\\' || scratch->s[i] == '"')
			buf_char(b, '\\');
		buf_char(b, scratch->s[i]);
	}
	buf_char(b, '"');
}

/* A name that is too long is cut: keys are short. */
static void
set_name(struct metric *m, const struct unit_name *u)
{
	int stem = (int)(strlen(m->key) - strlen(u->ending));
	int n = snprintf(m->name, sizeof m->name, "pq_%s%s%.*s%s%s%s", m->tool ? m->tool : "",
	    m->tool ? "_" : "", stem, m->key, u->base, m->info ? "_info" : "",
	    m->counter ? "_total" : "");

	m->n = n > 0 && (size_t)n < sizeof m->name ? (size_t)n : sizeof m->name - 1;
	m->scale = m->counter ? 1 : u->scale;
}

/* UNIT is without _total. */
static void
put_line(struct buf *b, const char *what, const struct metric *m, size_t without)
{
	buf_text(b, "# ");
	buf_text(b, what);
	buf_add(b, m->name, m->n - without);
	buf_char(b, ' ');
}

void
metrics_family(struct buf *b, struct metric *m)
{
	const struct unit_name *u = unit_of(m->key);

	set_name(m, u);
	put_line(b, "HELP ", m, 0);
	if (m->of) {
		buf_text(b, "the counter of ");
		buf_text(b, m->of);
		buf_text(b, ": ");
	}
	buf_text(b, m->help);
	buf_text(b, m->counter ? "" : u->hint);
	buf_char(b, '\n');
	put_line(b, "TYPE ", m, 0);
	buf_text(b, m->counter ? "counter\n" : "gauge\n");
	if (!u->unit)
		return;
	put_line(b, "UNIT ", m, m->counter ? strlen("_total") : 0);
	buf_text(b, u->unit);
	buf_char(b, '\n');
}

void
metrics_sample(struct buf *b, const struct metric *m, struct text labels, double value)
{
	buf_add(b, m->name, m->n);
	if (labels.n > 0) {
		buf_char(b, '{');
		buf_add(b, labels.s, labels.n);
		buf_char(b, '}');
	}
	buf_char(b, ' ');
	put_number(b, value * m->scale);
	buf_char(b, '\n');
}
