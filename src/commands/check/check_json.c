/* pq check --json: an object per subject. */
#include "commands/check/check.h"

#include <math.h>

#include "table/format.h"

static void
put_string(struct buf *b, const char *key, const char *s)
{
	buf_json_key(b, key);
	if (s)
		buf_json_string(b, s);
	else
		buf_text(b, "null");
}

static void
put_number(struct buf *b, const char *key, double x)
{
	buf_json_key(b, key);
	if (isfinite(x))
		check_number(b, x);
	else
		buf_text(b, "null");
}

/* The comparison that decides, else the first one. */
static const struct expr_figure *
figure_of(const struct expr_findings *found)
{
	for (size_t i = 0; i < found->n; i++)
		if (found->v[i].holds)
			return &found->v[i];
	return found->n > 0 ? &found->v[0] : NULL;
}

static void
put_column(struct buf *b, const struct expr_figure *f)
{
	struct buf column = { 0 };

	if (f) {
		buf_text(&column, f->tool);
		buf_char(&column, '.');
		buf_text(&column, f->column->key);
		buf_char(&column, '\0');
	}
	put_string(b, "column", column.s);
	buf_free(&column);
}

static void
put_check(const struct condition *condition, const struct finding *f, struct buf *b)
{
	static const char *const truths[] = {
		[TRUTH_NO] = "false", [TRUTH_YES] = "true", [TRUTH_UNKNOWN] = "null"
	};
	const struct expr_figure *figure = figure_of(&f->found);

	buf_char(b, '{');
	put_string(b, "expr", condition->source);
	put_string(b, "level", condition->critical ? "critical" : "warning");
	buf_json_key(b, "truth");
	buf_text(b, truths[f->truth]);
	put_column(b, figure);
	put_number(b, "value", figure ? figure->value : NAN);
	put_number(b, "threshold", figure ? figure->threshold : NAN);
	put_string(b, "label", figure ? figure->label : f->found.label);
	put_string(b, "why_unknown", f->truth == TRUTH_UNKNOWN ? f->why : NULL);
	buf_char(b, '}');
}

/* How the command of --during ended: null where there is none, and "command_status" also when a
 * signal killed it. */
static void
put_command(const struct check *c, struct buf *b)
{
	const struct job_end *e = &c->end;

	put_number(b, "command_status",
	    c->ended && !e->signal && e->status >= 0 ? (double)e->status : NAN);
	put_number(b, "command_signal", c->ended && e->signal ? (double)e->signal : NAN);
}

static void
put_subject(const struct check *c, size_t subject, struct buf *b)
{
	static const char *const names[] = { "ok", "warning", "critical", "unknown" };
	const char *name = c->subject[subject].name;
	struct report times = { .utc = c->options->utc };

	buf_text(b, "{\"tool\":\"check\",\"schema\":");
	buf_u64(b, SCHEMA, 1);
	buf_text(b, ",\"time\":\"");
	buf_iso_time(b, &times, c->panel.to.real_ns);
	buf_char(b, '"');
	put_number(b, "interval_s", panel_span_s(&c->panel));
	put_string(b, "target", *name ? name : NULL);
	put_string(b, "verdict", names[check_with_command(c, check_level(c, subject))]);
	put_command(c, b);
	buf_json_key(b, "checks");
	buf_char(b, '[');
	for (size_t i = 0; i < c->conditions; i++) {
		if (i > 0)
			buf_char(b, ',');
		put_check(&c->condition[i], check_finding(c, subject, i), b);
	}
	buf_text(b, "]}\n");
}

void
check_json(const struct check *c, struct buf *out)
{
	for (size_t s = 0; s < c->subjects; s++)
		put_subject(c, s, out);
}
