/* print: the verdict as the line of a monitoring plug-in, with performance data, and as JSON. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "commands/check/check.h"
#include "table/table.h"

/* ---- Performance data: each column that is compared with a constant, once */

struct perf {
	const struct sampler *sampler;
	size_t subject;
	int weight;                                   /* see weight() */
	const struct expr_figure *figure;             /* of the outcome with the largest weight */
	const struct expr_figure *warning, *critical; /* NULL: no such threshold */
};

struct perfs {
	struct perf *v;
	size_t n;
};

/* At most six decimals, without zeros at the end; "-" if unknown. */
static void
check_number(struct buf *b, double x)
{
	if (!isfinite(x)) {
		buf_text(b, isnan(x) ? "-" : x > 0 ? "inf" : "-inf");
		return;
	}
	buf_fixed(b, x, 6);
	while (b->s[b->n - 1] == '0')
		b->n--;
	if (b->s[b->n - 1] == '.')
		b->n--;
}

/* If conditions share a column, the value is that of a true condition, a critical one first. */
static int
weight(const struct condition *condition, const struct outcome *f)
{
	return f->truth == TRUTH_YES ? 1 + condition->critical : 0;
}

static struct perf *
perf_of(struct perfs *all, const struct sampler *s, const struct column *column)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].sampler == s && all->v[i].figure->column == column)
			return &all->v[i];
	all->v = xrealloc(all->v, (all->n + 1) * sizeof *all->v);
	all->v[all->n] = (struct perf){ .sampler = s };
	return &all->v[all->n++];
}

/* The sampler whose rows have the column. */
static const struct sampler *
sampler_of(const struct check *c, size_t subject, const struct column *column)
{
	for (size_t t = 0; t < c->tools; t++)
		for (size_t i = 0; c->tool[t]->columns[i].key; i++)
			if (&c->tool[t]->columns[i] == column)
				return c->sampler[subject][t];
	return NULL;
}

/* Only the first threshold of -w and the first of -c are kept. */
static void
add_outcome(const struct check *c, size_t subject, size_t condition, struct perfs *all)
{
	const struct condition *of = &c->condition[condition];
	const struct outcome *f = check_outcome(c, subject, condition);

	for (size_t i = 0; i < f->found.n; i++) {
		const struct expr_figure *figure = &f->found.v[i];
		if (!figure->plain)
			continue;
		struct perf *p =
		    perf_of(all, sampler_of(c, subject, figure->column), figure->column);
		const struct expr_figure **threshold = of->critical ? &p->critical : &p->warning;
		if (!p->figure || weight(of, f) > p->weight) {
			p->figure = figure;
			p->subject = subject;
			p->weight = weight(of, f);
		}
		if (!*threshold)
			*threshold = figure;
	}
}

static void
check_perfs(const struct check *c, struct perfs *all)
{
	*all = (struct perfs){ 0 };
	for (size_t s = 0; s < c->subjects; s++)
		for (size_t i = 0; i < c->conditions; i++)
			if (!check_is_repeated(c, s, i))
				add_outcome(c, s, i, all);
}

/* Inside a quoted label a quote is doubled, and the characters that end a label become '_'. */
static void
put_label_part(struct buf *b, const char *s)
{
	for (; *s; s++) {
		if (*s == '\'')
			buf_char(b, '\'');
		buf_char(
		    b, *s == '=' || *s == '|' || (unsigned char)*s < ' ' || *s == 0x7f ? '_' : *s);
	}
}

static void
put_label(const struct check *c, const struct perf *p, struct buf *b)
{
	buf_char(b, '\'');
	if (c->subjects > 1 && check_is_about(c, p->subject, p->sampler->tool)) {
		put_label_part(b, c->subject[p->subject].name);
		buf_char(b, ' ');
	}
	put_label_part(b, p->figure->tool);
	buf_char(b, '.');
	put_label_part(b, p->figure->column->key);
	buf_text(b, "'=");
}

/* The range of good values: "25" is 0 to 25, "~:25" up to 25, "5:" 5 or more, "@5:5" anything but
 * 5. */
static void
put_range(struct buf *b, const struct expr_figure *f)
{
	buf_char(b, ';');
	if (!f || !isfinite(f->threshold))
		return;
	if (*f->sign == '=')
		buf_char(b, '@');
	if (*f->sign == '>' && f->threshold < 0)
		buf_text(b, "~:");
	check_number(b, f->threshold);
	if (*f->sign == '<' || *f->sign == '=' || *f->sign == '!')
		buf_char(b, ':');
	if (*f->sign == '=' || *f->sign == '!')
		check_number(b, f->threshold);
}

static void
put_perf_value(struct buf *b, const struct expr_figure *f)
{
	static const char *const units[] = {
		[PERCENT] = "%", [BYTES] = "B", [MILLISECONDS] = "ms", [MICROSECONDS] = "us"
	};
	enum unit unit = f->column->unit;

	if (!isfinite(f->value)) {
		buf_char(b, 'U');
		return;
	}
	buf_trimmed(b, f->value, column_digits(f->column));
	if (unit < sizeof units / sizeof units[0] && units[unit])
		buf_text(b, units[unit]);
}

/* "'tool.key'=31%;10;25;0;100 …" */
static void
check_perfs_print(const struct check *c, const struct perfs *all, struct buf *out)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct perf *p = &all->v[i];
		if (i > 0)
			buf_char(out, ' ');
		put_label(c, p, out);
		put_perf_value(out, p->figure);
		put_range(out, p->warning);
		put_range(out, p->critical);
		if (p->figure->column->kind == SHARE)
			buf_text(out, ";0;100");
	}
}

/* ---- The line: "PQ CRITICAL - throttle.throttled_pct 31 > 25 (/web) | …" */

/* Text from elsewhere, escaped. A bar would start the performance data. */
static void
put_words(struct buf *b, const char *s)
{
	struct buf printable = { 0 };

	buf_printable(&printable, s);
	for (size_t i = 0; i < printable.n; i++) {
		if (printable.s[i] == '|')
			buf_text(b, "\\174");
		else
			buf_char(b, printable.s[i]);
	}
	buf_free(&printable);
}

static void
put_value(struct buf *b, const struct expr_figure *f)
{
	if (f->plain && isfinite(f->value))
		buf_trimmed(b, f->value, column_digits(f->column));
	else
		check_number(b, f->value);
}

/* " (pid 4242, /web)": the subject, if there are several, and the row. */
static void
put_whose(const struct check *c, size_t subject, bool about, const char *label, const char *brief,
    struct buf *b)
{
	const char *name = about && c->subjects > 1 ? c->subject[subject].name : "";

	label = label && strcmp(label, name) != 0 ? label : "";
	if (*label && brief)
		label = strcmp(brief, name) != 0 ? brief : "";
	if (!*name && !*label)
		return;
	buf_text(b, " (");
	put_words(b, name);
	if (*name && *label)
		buf_text(b, ", ");
	put_words(b, label);
	buf_char(b, ')');
}

static bool
is_about(const struct check *c, size_t subject, const char *tool)
{
	return check_is_about(c, subject, tools_find(text_of(tool)));
}

/* "throttle.throttled_pct 31" */
static void
put_figure(const struct expr_figure *f, struct buf *b)
{
	buf_text(b, f->tool);
	buf_char(b, '.');
	buf_text(b, f->column->key);
	buf_char(b, ' ');
	put_value(b, f);
}

static void
put_comparison(const struct expr_figure *f, struct buf *b)
{
	buf_char(b, ' ');
	buf_text(b, f->sign);
	buf_char(b, ' ');
	check_number(b, f->threshold);
}

/* "throttle.throttled_pct 31 > 25 (/web) and …". False, with nothing written, if no comparison is
 * true or one of them computes its value: then the whole expression says more. */
static bool
put_figures(const struct check *c, size_t subject, const struct expr_findings *found, struct buf *b)
{
	size_t before = b->n, holding = 0;

	for (size_t i = 0; i < found->n; i++) {
		const struct expr_figure *f = &found->v[i];
		if (!f->holds)
			continue;
		if (!f->plain) {
			b->n = before;
			return false;
		}
		buf_text(b, holding++ ? " and " : "");
		put_figure(f, b);
		put_comparison(f, b);
		put_whose(c, subject, is_about(c, subject, f->tool), f->label, f->brief, b);
	}
	return holding > 0;
}

/* "EXPR: 0.95 > 0.9 (/web)" */
static void
put_expression(const struct check *c, size_t subject, size_t condition, struct buf *b)
{
	const struct expr_findings *found = &check_outcome(c, subject, condition)->found;
	const char *label = found->label, *brief = found->brief;

	put_words(b, c->condition[condition].source);
	for (size_t i = 0; i < found->n; i++) {
		if (!found->v[i].holds)
			continue;
		buf_text(b, ": ");
		put_value(b, &found->v[i]);
		put_comparison(&found->v[i], b);
		label = found->v[i].label;
		brief = found->v[i].brief;
		break;
	}
	put_whose(c, subject, true, label, brief, b);
}

static void
put_unknown(const struct check *c, size_t subject, size_t condition, struct buf *b)
{
	const char *why = check_outcome(c, subject, condition)->why;

	put_words(b, c->condition[condition].source);
	buf_text(b, " is unknown");
	put_whose(c, subject, true, NULL, NULL, b);
	buf_text(b, why ? ": " : "");
	put_words(b, why ? why : "");
}

/* The outcomes that caused the verdict, joined by commas. */
static void
put_reasons(const struct check *c, enum verdict found, struct buf *b)
{
	size_t n = 0;

	for (size_t s = 0; s < c->subjects; s++) {
		for (size_t i = 0; i < c->conditions; i++) {
			if (check_level_of(c, s, i) != found || check_is_repeated(c, s, i))
				continue;
			buf_text(b, n++ ? ", " : "");
			if (found == VERDICT_UNKNOWN)
				put_unknown(c, s, i, b);
			else if (!put_figures(c, s, &check_outcome(c, s, i)->found, b))
				put_expression(c, s, i, b);
		}
	}
}

/* For OK: the values that were compared. */
static void
put_well(const struct check *c, const struct perfs *all, struct buf *b)
{
	if (all->n == 0)
		buf_text(
		    b, c->conditions == 1 ? "the condition is false" : "all conditions are false");
	for (size_t i = 0; i < all->n; i++) {
		const struct perf *p = &all->v[i];
		buf_text(b, i > 0 ? ", " : "");
		put_figure(p->figure, b);
		put_whose(c, p->subject, is_about(c, p->subject, p->figure->tool), p->figure->label,
		    p->figure->brief, b);
	}
}

void
check_line(const struct check *c, enum verdict found, struct buf *out)
{
	static const char *const names[] = { "PQ OK - ", "PQ WARNING - ", "PQ CRITICAL - ",
		"PQ UNKNOWN - " };
	char failed[128];
	struct perfs all;

	check_perfs(c, &all);
	buf_text(out, names[check_with_command(c, found)]);
	if (found == VERDICT_OK)
		put_well(c, &all, out);
	else
		put_reasons(c, found, out);
	if (c->ended && check_command_failed(&c->end, failed, sizeof failed)) {
		buf_text(out, "; ");
		buf_text(out, failed);
	}
	if (all.n > 0)
		buf_text(out, " | ");
	check_perfs_print(c, &all, out);
	buf_char(out, '\n');
	free(all.v);
}

/* ---- JSON: an object per subject */

static void
put_number(struct buf *b, const char *key, double x)
{
	buf_json_key(b, key);
	if (isfinite(x))
		check_number(b, x);
	else
		buf_text(b, "null");
}

/* The first comparison that is true, else the first one. */
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
	buf_json_text(b, "column", column.s);
	buf_free(&column);
}

static void
put_check(const struct condition *condition, const struct outcome *f, struct buf *b)
{
	static const char *const truths[] = {
		[TRUTH_NO] = "false", [TRUTH_YES] = "true", [TRUTH_UNKNOWN] = "null"
	};
	const struct expr_figure *figure = figure_of(&f->found);

	buf_char(b, '{');
	buf_json_text(b, "expr", condition->source);
	buf_json_text(b, "level", condition->critical ? "critical" : "warning");
	buf_json_key(b, "truth");
	buf_text(b, truths[f->truth]);
	put_column(b, figure);
	put_number(b, "value", figure ? figure->value : NAN);
	put_number(b, "threshold", figure ? figure->threshold : NAN);
	buf_json_text(b, "label", figure ? figure->label : f->found.label);
	buf_json_text(b, "name", figure ? figure->brief : f->found.brief);
	buf_json_text(b, "why_unknown", f->truth == TRUTH_UNKNOWN ? f->why : NULL);
	buf_char(b, '}');
}

/* How the command of --during ended: both are null without a command, and command_status is null if
 * a signal killed it. */
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
	const char *name = c->subject[subject].name;
	struct report times = { .utc = c->options->utc };

	buf_json_begin(b, "check", &times, c->session.now.real_ns);
	put_number(b, "interval_s", session_span_s(&c->session));
	buf_json_text(b, "target", *name ? name : NULL);
	buf_json_text(b, "verdict", verdict_name(check_with_command(c, check_level(c, subject))));
	put_command(c, b);
	buf_json_key(b, "checks");
	buf_char(b, '[');
	for (size_t i = 0; i < c->conditions; i++) {
		if (i > 0)
			buf_char(b, ',');
		put_check(&c->condition[i], check_outcome(c, subject, i), b);
	}
	buf_text(b, "]}\n");
}

void
check_json(const struct check *c, struct buf *out)
{
	for (size_t s = 0; s < c->subjects; s++)
		put_subject(c, s, out);
}
