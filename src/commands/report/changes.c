/* changes: the section that says what changed from one recording to another, as pq diff finds it: what
 * differs around them, and then the figures, the worst change first. */
#include "commands/report/report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "commands/diff/fail.h"
#include "commands/diff/text.h"

/* SHOWN_MOST: of a kind; the rest can be unfolded, up to LISTED_MOST. */
enum { SHOWN_MOST = 10, LISTED_MOST = 100, NUMBER_MOST = 12 };

/* A kind has a mark and a word, never only a colour. */
static const struct {
	enum line_kind kind;
	const char *mark, *word, *title;
} kinds[] = {
	{ LINE_WORSE, "✖", "worse", "Worse" },
	{ LINE_BETTER, "✓", "better", "Better" },
	{ LINE_OTHER, "◆", "changed", "Changed, neither better nor worse" },
};

enum { KINDS = sizeof kinds / sizeof *kinds };

static void
put_count(struct buf *b, size_t n, const char *words)
{
	buf_u64(b, n, 1);
	buf_text(b, words);
}

/* ---- The headline */

static void
put_headline(const struct comparison *c, struct buf *b)
{
	size_t worse = c->of[LINE_WORSE], better = c->of[LINE_BETTER];

	buf_text(b, "<p class=\"badge\">From A to B</p>\n<h2>");
	if (worse + better > 0) {
		put_count(b, worse, worse == 1 ? " figure is worse, " : " figures are worse, ");
		put_count(b, better, better == 1 ? " is better" : " are better");
	} else {
		buf_text(b,
		    c->too_short || (c->tests == 0 && c->of[LINE_FEW] > 0) ?
			"Too short to tell whether anything is worse or better" :
			"No figure is significantly worse or better");
	}
	buf_text(b, "</h2>\n");
}

static void
put_side(const struct report_page *p, int i, struct buf *b)
{
	const struct side *s = i == 0 ? p->changes->a : p->changes->b;
	const struct report_tape *t = p->side[i];
	const struct report_page own = t ? page_of(p, t) : *p;

	buf_text(b, "<div><dt>");
	buf_char(b, (char)('A' + i));
	buf_text(b, "</dt><dd>");
	if (t) {
		buf_text(b, "<a href=\"#r");
		buf_u64(b, (uint64_t)(t - p->tapes), 1);
		buf_text(b, "\">");
	}
	html_name(b, s->path);
	buf_text(b, t ? "</a>, " : " (baseline), ");
	html_time(b, &own, s->from_ns, true);
	buf_text(b, own.utc || own.offset_s == 0 ? " UTC, " : ", ");
	html_duration(b, (double)(s->to_ns - s->from_ns) * 1e-9);
	buf_text(b, ", ");
	put_count(b, s->samples, " samples</dd></div>\n");
}

/* Lines as paragraphs, which their readers need to judge the rest. */
static void
put_lines(const struct buf *lines, const char *class, struct buf *b)
{
	struct text rest = { lines->s, lines->n }, line;

	while (text_line(&rest, &line)) {
		struct buf one = { 0 };
		buf_add(&one, line.s, line.n);
		buf_char(&one, '\0');
		buf_text(b, "<p class=\"");
		buf_text(b, class);
		buf_text(b, "\">");
		html_text(b, one.s);
		buf_text(b, "</p>\n");
		buf_free(&one);
	}
}

static void
put_head(const struct report_page *p, struct buf *b)
{
	const struct comparison *c = p->changes;
	struct buf notes = { 0 };

	buf_text(b, "<section class=\"verdict v-");
	buf_text(b, c->of[LINE_WORSE] > 0 ? "warning" : c->of[LINE_BETTER] > 0 ? "ok" : "unknown");
	buf_text(b, "\">\n");
	put_headline(c, b);
	buf_text(b, "<dl class=\"about\">\n");
	put_side(p, 0, b);
	put_side(p, 1, b);
	buf_text(b, "</dl>\n");
	comparison_notes(c, "", &notes);
	put_lines(&notes, "note", b);
	buf_text(b, "</section>\n");
	buf_free(&notes);
}

/* ---- What differs around them: the machine, and limits */

static void
begin_row(struct buf *b)
{
	buf_text(b, "<tr><th scope=\"row\">");
}

static void
add_same(struct buf *same, const char *what)
{
	buf_text(same, same->n > 0 ? ", " : "<p class=\"rest\">The same in both: ");
	buf_text(same, what);
}

/* Adds what both have to `same`. */
static void
put_fact(struct buf *b, struct buf *same, const char *what, const char *from, const char *to)
{
	if (strcmp(from, to) == 0) {
		if (*from) {
			add_same(same, what);
			buf_char(same, ' ');
			html_name(same, from);
		}
		return;
	}
	begin_row(b);
	buf_text(b, what);
	buf_text(b, "</th><td>");
	html_name(b, *from ? from : "-");
	buf_text(b, "</td><td>→</td><td>");
	html_name(b, *to ? to : "-");
	buf_text(b, "</td></tr>\n");
}

static void
put_facts(struct buf *b, struct buf *same, const struct host_facts *f, const struct host_facts *g)
{
	char cpus[2][24] = { "", "" };

	if (f->cpus)
		snprintf(cpus[0], sizeof cpus[0], "%llu", (unsigned long long)f->cpus);
	if (g->cpus)
		snprintf(cpus[1], sizeof cpus[1], "%llu", (unsigned long long)g->cpus);
	put_fact(b, same, "machine", f->name, g->name);
	put_fact(b, same, "kernel", f->release, g->release);
	put_fact(b, same, "CPUs", cpus[0], cpus[1]);
	put_fact(b, same, "architecture", f->machine, g->machine);
}

static void
put_figure(const struct line *l, struct buf *b)
{
	struct buf figure = { 0 };

	line_figure(l, &figure);
	buf_char(&figure, '\0');
	html_text(b, figure.s);
	buf_free(&figure);
	if (!*l->row)
		return;
	struct buf row = { 0 };
	line_row(l, &row);
	buf_char(&row, '\0');
	buf_text(b, " of ");
	html_name(b, row.s);
	buf_free(&row);
}

static void
put_help(const struct line *l, struct buf *b)
{
	buf_text(b, "<small>");
	html_text(b, line_column(l)->help);
	buf_text(b, "</small>");
}

static void
put_limit(const struct line *l, struct buf *b)
{
	begin_row(b);
	put_figure(l, b);
	put_help(l, b);
	buf_text(b, "</th><td>");
	line_setting(b, line_column(l), l->from);
	buf_text(b, "</td><td>→</td><td>");
	line_setting(b, line_column(l), l->to);
	buf_text(b, "</td></tr>\n");
}

/* Limits that were changed come before those of cgroups that only one recording knows. */
static void
put_limits(const struct comparison *c, size_t begin, size_t end, struct buf *b)
{
	const struct line *l = comparison_first(c, LINE_SETTING);
	size_t at = 0;

	for (int changed = 1; changed >= 0; changed--)
		for (size_t i = 0; i < c->of[LINE_SETTING]; i++)
			if ((l[i].from && l[i].to) == changed) {
				if (at >= begin && at < end)
					put_limit(&l[i], b);
				at++;
			}
}

static const char table_end[] = "</tbody></table></div>\n";

static void
begin_settings(struct buf *b)
{
	buf_text(b,
	    "<div class=\"wide\"><table class=\"settings\"><thead><tr><th>what</th><th>A</th><th>"
	    "</th><th>B</th></tr></thead><tbody>\n");
}

static void
put_left_out(struct buf *b, size_t n, const char *what)
{
	if (n <= LISTED_MOST)
		return;
	buf_text(b, "<p class=\"rest\">");
	put_count(b, n - LISTED_MOST, what);
	buf_text(b, ": pq diff shows them.</p>\n");
}

static bool
knows_limits(const struct comparison *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (line_column(&c->v[i])->change == A_SETTING)
			return true;
	return false;
}

static void
put_settings(const struct comparison *c, struct buf *b)
{
	struct buf facts = { 0 }, same = { 0 };
	size_t n = c->of[LINE_SETTING];

	put_facts(&facts, &same, &c->a->facts, &c->b->facts);
	buf_text(b, "<h3>What was changed</h3>\n");
	if (facts.n + n > 0) {
		begin_settings(b);
		buf_add(b, facts.s, facts.n);
		put_limits(c, 0, SHOWN_MOST, b);
		buf_text(b, table_end);
	}
	if (n == 0 && knows_limits(c))
		add_same(&same, "all limits");
	buf_add(b, same.s, same.n);
	buf_text(b, same.n > 0 ? ".</p>\n" : "");
	buf_free(&facts);
	buf_free(&same);
	if (n <= SHOWN_MOST)
		return;
	buf_text(b, "<details><summary>");
	put_count(b, n - SHOWN_MOST, " more limits differ</summary>");
	begin_settings(b);
	put_limits(c, SHOWN_MOST, LISTED_MOST, b);
	buf_text(b, table_end);
	put_left_out(b, n, " more limits differ");
	buf_text(b, "</details>\n");
}

/* ---- Figures */

static const char *
unit_of(const struct column *c)
{
	static const char *const units[] = { "", "CPUs", "%", "bytes", "ms", "", "µs" };

	return column_per_second(c) ? "" : units[c->unit];
}

/* The picture of the figure, or one of its tool; NULL: there is none. */
static const struct strip *
strip_of(const struct report_tape *t, const struct line *l)
{
	const struct strip *any = NULL;

	for (size_t i = 0; t && i < t->nstrips; i++) {
		const struct strip *s = &t->strips[i];
		if (s->plan->tool != tools[l->tool] || strip_is_empty(s))
			continue;
		for (int f = 0; f < s->nfigures && !s->plan->key; f++)
			if (s->plan->figures[f].column == l->column)
				return s;
		any = any ? any : s;
	}
	return any;
}

static void
put_links(const struct report_page *p, const struct line *l, struct buf *b)
{
	for (int i = 0; i < 2; i++) {
		const struct strip *s = strip_of(p->side[i], l);
		if (!s)
			continue;
		buf_text(b, " <a href=\"#s");
		buf_u64(b, (uint64_t)(p->side[i] - p->tapes), 1);
		buf_char(b, '-');
		buf_text(b, s->plan->id);
		buf_text(b, "\" title=\"picture in ");
		buf_char(b, (char)('A' + i));
		buf_text(b, "\">");
		buf_char(b, (char)('A' + i));
		buf_text(b, "</a>");
	}
}

static void
put_bar(double share, char side, struct buf *b)
{
	buf_text(b, "<i class=\"bar-");
	buf_char(b, side);
	buf_text(b, "\" style=\"width:");
	buf_fixed(b, 100 * fmin(fmax(share, 0), 1), 1);
	buf_text(b, "%\"></i>");
}

/* Both means as bars, the larger of which is as long as the cell. */
static void
put_bars(const struct line *l, struct buf *b)
{
	double from = spread_mean(l->from), to = spread_mean(l->to), most = fmax(from, to);

	buf_text(b, "<td class=\"bars\" aria-hidden=\"true\">");
	put_bar(most > 0 ? from / most : 0, 'a', b);
	put_bar(most > 0 ? to / most : 0, 'b', b);
	buf_text(b, "</td>");
}

static void
put_statistic(const struct line *l, enum statistic s, struct buf *b)
{
	static const char *const names[] = { "mean", "median", "p90", "p99", "max" };
	const struct column *c = line_column(l);

	buf_text(b, "<td data-n=\"");
	buf_text(b, names[s]);
	buf_text(b, "\">");
	line_number(b, c, spread_statistic(l->from, c, s), NUMBER_MOST);
	buf_text(b, " <i>→</i> ");
	line_number(b, c, spread_statistic(l->to, c, s), NUMBER_MOST);
	buf_text(b, "</td>");
}

static void
put_change(const struct line *l, struct buf *b)
{
	double from = spread_mean(l->from), to = spread_mean(l->to);

	buf_text(b, "<td data-n=\"change\">");
	buf_text(b, to >= from ? "+" : "");
	line_number(b, line_column(l), to - from, NUMBER_MOST);
	if (from > 0) {
		buf_text(b, " <small>×");
		buf_fixed(b, to / from, to / from < 9.995 ? 2 : to / from < 99.95 ? 1 : 0);
		buf_text(b, "</small>");
	}
	buf_text(b, "</td>");
}

static void
put_line(const struct report_page *p, size_t kind, const struct line *l, struct buf *b)
{
	buf_text(b, "<tr><th scope=\"row\"><span class=\"what ");
	buf_text(b, kinds[kind].word);
	buf_text(b, "\" title=\"");
	buf_text(b, kinds[kind].word);
	buf_text(b, "\">");
	buf_text(b, kinds[kind].mark);
	buf_text(b, "</span> ");
	put_figure(l, b);
	if (*unit_of(line_column(l))) {
		buf_text(b, ", ");
		buf_text(b, unit_of(line_column(l)));
	}
	put_links(p, l, b);
	put_help(l, b);
	buf_text(b, "</th>");
	put_bars(l, b);
	put_statistic(l, STATISTIC_MEAN, b);
	put_change(l, b);
	for (int s = STATISTIC_MEDIAN; s <= STATISTIC_MAX; s++)
		put_statistic(l, (enum statistic)s, b);
	buf_text(b, "</tr>\n");
}

static void
put_table(const struct report_page *p, size_t kind, size_t begin, size_t end, struct buf *b)
{
	const struct line *l = comparison_first(p->changes, kinds[kind].kind);

	buf_text(b,
	    "<div class=\"wide\"><table class=\"figures\"><thead><tr><th>figure</th><th "
	    "aria-hidden=\"true\">A, B</th><th>mean</th><th>change</th><th>median</th><th>p90"
	    "</th><th>p99</th><th>max</th></tr></thead><tbody>\n");
	for (size_t i = begin; i < end; i++)
		put_line(p, kind, &l[i], b);
	buf_text(b, table_end);
}

static void
put_kind(const struct report_page *p, size_t kind, struct buf *b)
{
	size_t n = p->changes->of[kinds[kind].kind], listed = n < LISTED_MOST ? n : LISTED_MOST,
	       shown = n < SHOWN_MOST ? n : SHOWN_MOST;

	if (n == 0)
		return;
	buf_text(b, "<h3>");
	buf_text(b, kinds[kind].mark);
	buf_char(b, ' ');
	buf_text(b, kinds[kind].title);
	buf_text(b, " <small>");
	put_count(b, n, "</small></h3>\n");
	put_table(p, kind, 0, shown, b);
	if (n <= SHOWN_MOST)
		return;
	buf_text(b, "<details><summary>");
	put_count(b, n - shown, " more</summary>");
	put_table(p, kind, shown, listed, b);
	put_left_out(b, n, " more");
	buf_text(b, "</details>\n");
}

static void
put_method(const struct comparison *c, struct buf *b)
{
	struct buf counts = { 0 };

	comparison_counts(c, &counts);
	put_lines(&counts, "rest", b);
	buf_free(&counts);
	buf_text(b,
	    "<p class=\"rest\">Figures are listed if their change is significant, the largest "
	    "change first. The chance that any of them is wrong is ");
	buf_trimmed(b, 100 * c->level, 1);
	buf_text(b, " %; means that differ by less than ");
	buf_trimmed(b, 100 * c->least, 1);
	buf_text(b,
	    " % count as the same. p90: 90 % of the values are smaller. A and B after a name "
	    "lead to the pictures. pq-diff(1) explains the test.</p>\n");
}

void
changes_print(const struct report_page *p, struct buf *b)
{
	buf_text(b, "<div class=\"changes\">\n");
	put_head(p, b);
	put_settings(p->changes, b);
	for (size_t kind = 0; kind < KINDS; kind++)
		put_kind(p, kind, b);
	put_method(p->changes, b);
	buf_text(b, "</div>\n");
}
