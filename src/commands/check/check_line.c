/* The one line of a monitoring plug-in: "PQ CRITICAL - throttle.throttled_pct 31 > 25 (/web) |
 * …". */
#include "commands/check/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Somebody else's words; a bar would begin the performance data. */
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
		buf_number(b, f->column, f->value);
	else
		check_number(b, f->value);
}

/* " (pid 4242, /web)": the subject where there are several, and the row. */
static void
put_whose(const struct check *c, size_t subject, bool about, const char *label, struct buf *b)
{
	const char *name = about && c->subjects > 1 ? c->subject[subject].name : "";

	label = label && strcmp(label, name) != 0 ? label : "";
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

/* Columns alone are told by their names: false when others hold too, or none, since the expression
 * says more then. */
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
		put_whose(c, subject, is_about(c, subject, f->tool), f->label, b);
	}
	return holding > 0;
}

/* "EXPR: 0.95 > 0.9 (/web)" */
static void
put_expression(const struct check *c, size_t subject, size_t condition, struct buf *b)
{
	const struct expr_findings *found = &check_finding(c, subject, condition)->found;
	const char *label = found->label;

	put_words(b, c->condition[condition].source);
	for (size_t i = 0; i < found->n; i++) {
		if (!found->v[i].holds)
			continue;
		buf_text(b, ": ");
		put_value(b, &found->v[i]);
		put_comparison(&found->v[i], b);
		label = found->v[i].label;
		break;
	}
	put_whose(c, subject, true, label, b);
}

static void
put_unknown(const struct check *c, size_t subject, size_t condition, struct buf *b)
{
	const char *why = check_finding(c, subject, condition)->why;

	put_words(b, c->condition[condition].source);
	buf_text(b, " is unknown");
	put_whose(c, subject, true, NULL, b);
	buf_text(b, why ? ": " : "");
	put_words(b, why ? why : "");
}

/* What made the verdict, joined by commas. */
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
			else if (!put_figures(c, s, &check_finding(c, s, i)->found, b))
				put_expression(c, s, i, b);
		}
	}
}

/* All is well: the figures that there are. */
static void
put_well(const struct check *c, const struct perfs *all, struct buf *b)
{
	if (all->n == 0)
		buf_text(b,
		    c->conditions == 1 ? "the condition does not hold" :
					 "none of the conditions holds");
	for (size_t i = 0; i < all->n; i++) {
		const struct perf *p = &all->v[i];
		buf_text(b, i > 0 ? ", " : "");
		put_figure(p->figure, b);
		put_whose(
		    c, p->subject, is_about(c, p->subject, p->figure->tool), p->figure->label, b);
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
