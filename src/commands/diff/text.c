#include "commands/diff/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "commands/diff/fail.h"

enum { NAME_WIDTH = 29, NUMBER_WIDTH = 8, CHANGE_WIDTH = 9 };

/* ---- What was compared */

static void
put_u64(struct buf *b, uint64_t n, const char *words)
{
	buf_u64(b, n, 1);
	buf_text(b, words);
}

static void
put_side(struct buf *b, const char *name, const struct side *s, bool utc)
{
	struct report times = { .utc = utc };
	char span[HUMAN_MOST];

	buf_text(b, name);
	buf_text(b, "  ");
	buf_printable(b, s->path);
	buf_text(b, "\n   ");
	buf_iso_time(b, &times, s->from_ns);
	buf_text(b, ", ");
	buf_text(b, human_duration((double)(s->to_ns - s->from_ns) * 1e-9, span));
	buf_text(b, ", ");
	put_u64(b, s->samples, " samples\n");
}

static void
put_fact(struct buf *b, const char *what, const char *a, const char *other)
{
	if (!*a && !*other)
		return;
	buf_text(b, "   ");
	buf_text(b, what);
	buf_char(b, ' ');
	buf_printable(b, *a ? a : "-");
	if (strcmp(a, other) != 0) {
		buf_text(b, " -> ");
		buf_printable(b, *other ? other : "-");
	}
	buf_char(b, '\n');
}

/* "" is unknown. */
static const char *
number_text(char out[24], uint64_t n)
{
	out[0] = '\0';
	if (n > 0)
		snprintf(out, 24, "%llu", (unsigned long long)n);
	return out;
}

static void
put_facts(struct buf *b, const struct host_facts *f, const struct host_facts *g)
{
	char one[24], other[24];

	put_fact(b, "machine", f->name, g->name);
	put_fact(b, "kernel", f->release, g->release);
	put_fact(b, "CPUs", number_text(one, f->cpus), number_text(other, g->cpus));
	if (strcmp(f->machine, g->machine) != 0)
		put_fact(b, "architecture", f->machine, g->machine);
}

/* ---- Numbers */

/* Moves what was appended since `start` to the right end of so many columns. */
static void
align(struct buf *b, size_t start, size_t width)
{
	size_t n = b->n - start, pad = n < width ? width - n : 1;

	buf_pad(b, pad);
	memmove(b->s + start + pad, b->s + start, n);
	memset(b->s + start, ' ', pad);
}

static void
put_bytes(struct buf *b, double x)
{
	static const char suffix[] = " KMGTPE";
	int power = 0;

	for (; fabs(x) >= 1023.5 && power < 6; power++)
		x /= 1024;
	buf_fixed(b, x, power > 0 && fabs(x) < 99.95);
	if (power > 0)
		buf_char(b, suffix[power]);
}

/* With fewer digits after the point if it is too wide, and more for a figure below 1. */
void
line_number(struct buf *b, const struct column *c, double x, size_t width)
{
	size_t start = b->n;
	int digits = c->digits + (column_per_second(c) ? 1 : 0);

	if (!isfinite(x)) {
		buf_char(b, '-');
		return;
	}
	if (c->unit == BYTES) {
		put_bytes(b, x);
		return;
	}
	for (; digits >= 0; digits--) {
		b->n = start;
		buf_fixed(b, x, digits);
		if (b->n - start < width)
			return;
	}
}

static void
put_cell(struct buf *b, const struct column *c, double x)
{
	size_t start = b->n;

	line_number(b, c, x, NUMBER_WIDTH);
	align(b, start, NUMBER_WIDTH);
}

static void
put_difference(struct buf *b, const struct column *c, double x)
{
	size_t start = b->n;

	if (isfinite(x) && x >= 0)
		buf_char(b, '+');
	line_number(b, c, x, CHANGE_WIDTH - 1);
	align(b, start, CHANGE_WIDTH);
}

/* "x6.50"; of a figure that was 0 the ratio is unknown. */
static void
put_ratio(struct buf *b, double from, double to)
{
	size_t start = b->n;
	double ratio = to / from;

	if (from > 0 && isfinite(ratio)) {
		buf_char(b, 'x');
		buf_fixed(b, ratio, ratio < 9.995 ? 2 : ratio < 99.95 ? 1 : 0);
	} else {
		buf_char(b, '-');
	}
	align(b, start, CHANGE_WIDTH);
}

/* ---- Lines */

/* Appends a name in so many columns; one that is too long loses its middle. */
static void
put_name(struct buf *b, const char *s, size_t width)
{
	struct buf name = { 0 };
	size_t tail;

	buf_printable(&name, s);
	if (name.n <= width) {
		buf_add(b, name.s, name.n);
		buf_pad(b, width - name.n);
		buf_free(&name);
		return;
	}
	tail = name.n - (width - 1) * 3 / 4;
	size_t head = width - 1 - (width - 1) * 3 / 4;
	while (head > 0 && ((unsigned char)name.s[head] & 0xc0) == 0x80)
		head--;
	while (tail < name.n && ((unsigned char)name.s[tail] & 0xc0) == 0x80)
		tail++;
	buf_add(b, name.s, head);
	buf_char(b, '<');
	buf_add(b, name.s + tail, name.n - tail);
	buf_pad(b, width - 1 - head - (name.n - tail));
	buf_free(&name);
}

static void
put_statistics(struct buf *b, const struct column *c, const struct spread *g)
{
	for (int i = STATISTIC_MEAN; i <= STATISTIC_MAX; i++)
		put_cell(b, c, g ? spread_statistic(g, c, (enum statistic)i) : NAN);
}

static void
end_line(struct buf *b)
{
	while (b->n > 0 && b->s[b->n - 1] == ' ')
		b->n--;
	buf_char(b, '\n');
}

/* Two lines: the figure with its statistics in A, and the row with those in B. */
static void
put_line(struct buf *b, const struct line *l)
{
	const struct column *c = line_column(l);
	double from = l->from ? spread_mean(l->from) : NAN, to = l->to ? spread_mean(l->to) : NAN;
	struct buf figure = { 0 }, row = { 0 };

	line_figure(l, &figure);
	buf_char(&figure, '\0');
	line_row(l, &row);
	buf_char(&row, '\0');
	put_name(b, figure.s, NAME_WIDTH);
	buf_text(b, " A");
	put_statistics(b, c, l->from);
	put_difference(b, c, to - from);
	end_line(b);
	buf_text(b, l->fails ? "! " : "  ");
	put_name(b, row.s, NAME_WIDTH - 2);
	buf_text(b, " B");
	put_statistics(b, c, l->to);
	put_ratio(b, from, to);
	end_line(b);
	buf_free(&figure);
	buf_free(&row);
}

static void
put_heading(struct buf *b, const char *title, size_t n)
{
	static const char *const headings[] = { "mean", "median", "p90", "p99", "max" };
	size_t start = b->n;

	buf_char(b, '\n');
	buf_text(b, title);
	buf_text(b, " (");
	put_u64(b, n, ")");
	size_t used = b->n - start - 1;
	buf_pad(b, used < NAME_WIDTH + 2 ? NAME_WIDTH + 2 - used : 0);
	for (size_t i = 0; i < sizeof headings / sizeof headings[0]; i++) {
		start = b->n;
		buf_text(b, headings[i]);
		align(b, start, NUMBER_WIDTH);
	}
	start = b->n;
	buf_text(b, "change");
	align(b, start, CHANGE_WIDTH);
	buf_char(b, '\n');
}

static void
put_section(const struct comparison *c, const struct text_view *view, enum line_kind k,
    const char *title, struct buf *b)
{
	const struct line *l = comparison_first(c, k);
	size_t n = c->of[k], shown = view->most && n > view->most ? view->most : n;

	if (n == 0)
		return;
	put_heading(b, title, n);
	for (size_t i = 0; i < n; i++)
		if (i < shown || l[i].fails)
			put_line(b, &l[i]);
	if (shown < n) {
		buf_text(b, "  (");
		put_u64(b, n - shown, " more: -n N shows more)\n");
	}
}

/* ---- Settings */

enum { SETTINGS_MOST = 8 }; /* lines, without --all */

void
line_setting(struct buf *b, const struct column *c, const struct spread *g)
{
	line_number(b, c, g ? g->first : NAN, 24);
	if (!g || (g->min == g->max && g->first == g->last))
		return;
	buf_text(b, g->first == g->last ? " (changed meanwhile)" : " (later ");
	if (g->first == g->last)
		return;
	line_number(b, c, g->last, 24);
	buf_char(b, ')');
}

/* "cpu.usr_pct of CPU 1" */
static void
put_figure(struct buf *b, const struct line *l)
{
	struct buf row = { 0 };

	line_figure(l, b);
	line_row(l, &row);
	buf_text(b, row.n > 0 ? " of " : "");
	buf_char(&row, '\0');
	buf_printable(b, row.s);
	buf_free(&row);
}

static void
put_setting(struct buf *b, const struct line *l)
{
	buf_text(b, "   ");
	put_figure(b, l);
	buf_char(b, ' ');
	line_setting(b, line_column(l), l->from);
	buf_text(b, " -> ");
	line_setting(b, line_column(l), l->to);
	buf_char(b, '\n');
}

/* Limits that were changed come before those of cgroups that only one recording knows, which may be
 * many. */
static void
put_settings(const struct comparison *c, const struct text_view *view, struct buf *b)
{
	const struct line *l = comparison_first(c, LINE_SETTING);
	const size_t n = c->of[LINE_SETTING], most = view->all ? n : SETTINGS_MOST;
	size_t shown = 0;

	for (int changed = 1; changed >= 0; changed--)
		for (size_t i = 0; i < n && shown < most; i++)
			if ((l[i].from && l[i].to) == changed) {
				put_setting(b, &l[i]);
				shown++;
			}
	if (shown < n) {
		buf_text(b, "   (");
		put_u64(b, n - shown, " more limits differ: --all shows them)\n");
	}
}

/* ---- Notes */

static void
begin_note(struct buf *b, const char *lead)
{
	buf_text(b, lead);
}

static void
note_losses(const struct side *s, const char *name, const char *lead, struct buf *b)
{
	if (s->losses) {
		begin_note(b, lead);
		buf_text(b, name);
		buf_text(b, ": ");
		buf_printable(b, s->losses);
		buf_char(b, '\n');
	}
	if (s->left_out > 0) {
		begin_note(b, lead);
		buf_text(b, name);
		buf_text(b, ": ");
		put_u64(b, s->left_out, " values are left out: too many figures\n");
	}
}

/* Appends the names of these tools: "runq, mem". */
static void
put_tools(const bool which[TOOLS_MOST], struct buf *b)
{
	const char *between = "";

	for (size_t t = 0; tools[t]; t++) {
		if (!which[t])
			continue;
		buf_text(b, between);
		buf_text(b, tools[t]->name);
		between = ", ";
	}
}

static bool
any_of(const bool which[TOOLS_MOST])
{
	for (size_t t = 0; tools[t]; t++)
		if (which[t])
			return true;
	return false;
}

static void
note_tools(const struct side *s, const struct side *other, const char *name, const char *lead,
    struct buf *b)
{
	bool only[TOOLS_MOST] = { false };

	for (size_t t = 0; tools[t]; t++)
		only[t] = s->tool[t].samples > 0 && other->tool[t].samples == 0;
	if (!any_of(only))
		return;
	begin_note(b, lead);
	buf_text(b, "only in ");
	buf_text(b, name);
	buf_text(b, ": ");
	put_tools(only, b);
	buf_char(b, '\n');
}

static double
interval_of(const struct tool_side *t)
{
	return t->samples > 0 ? t->span_s / (double)t->samples : NAN;
}

enum { INTERVALS_MOST = 2 * HUMAN_MOST + 64 };

/* Says how long the rows of a tool are on both sides; false: they are about as long. */
static bool
intervals_differ(const struct comparison *c, size_t tool, char words[INTERVALS_MOST])
{
	double from = interval_of(&c->a->tool[tool]), to = interval_of(&c->b->tool[tool]);
	char one[HUMAN_MOST], other[HUMAN_MOST];

	if (!(from > 1.5 * to) && !(to > 1.5 * from))
		return false;
	snprintf(words, INTERVALS_MOST, "a row of A covers %s, one of B %s",
	    human_duration(from, one), human_duration(to, other));
	return true;
}

/* Percentiles and the maximum of rows over longer intervals are less extreme. */
static void
note_intervals(const struct comparison *c, const char *lead, struct buf *b)
{
	char words[INTERVALS_MOST], others[INTERVALS_MOST];
	bool told[TOOLS_MOST] = { false };

	for (size_t t = 0; tools[t]; t++) {
		bool same[TOOLS_MOST] = { false };
		if (told[t] || !intervals_differ(c, t, words))
			continue;
		for (size_t i = t; tools[i]; i++)
			told[i] |= same[i] =
			    intervals_differ(c, i, others) && strcmp(others, words) == 0;
		begin_note(b, lead);
		put_tools(same, b);
		buf_text(b, ": ");
		buf_text(b, words);
		buf_text(b, ": do not compare their p90, p99 and max\n");
	}
}

static void
note_short(const struct comparison *c, const char *lead, struct buf *b)
{
	if (!c->too_short)
		return;
	begin_note(b, lead);
	buf_text(b, "too short: no change among ");
	put_u64(b, c->tests, " figures could be significant (record 30 s or more)\n");
}

/* A recorder reads costly tools every ten seconds: a minute has six samples of them. If no tool has enough,
 * the counts say so. */
static void
note_few(const struct comparison *c, const char *lead, struct buf *b)
{
	bool few[TOOLS_MOST] = { false }, enough[TOOLS_MOST] = { false };

	for (size_t t = 0; tools[t]; t++) {
		uint64_t from = c->a->tool[t].samples, to = c->b->tool[t].samples;
		few[t] = from > 0 && to > 0 && (from < BLOCKS_LEAST || to < BLOCKS_LEAST);
		enough[t] = from > 0 && to > 0 && !few[t];
	}
	if (!any_of(few) || !any_of(enough))
		return;
	begin_note(b, lead);
	put_tools(few, b);
	buf_text(b, ": fewer than ");
	put_u64(b, BLOCKS_LEAST,
	    " samples in A or B are too few to compare (record for longer, or read the tool more "
	    "often, as with tasks:1s)\n");
}

/* A mean over two loads, as before and after a spike began, hides what a part would show. */
static void
note_changed_within(const struct comparison *c, const char *lead, struct buf *b)
{
	const struct line *l = comparison_changed_within(c);

	if (!l)
		return;
	begin_note(b, lead);
	put_figure(b, l);
	buf_text(b, " changed within A or B: compare parts, FILE@FROM..TO\n");
}

void
comparison_notes(const struct comparison *c, const char *lead, struct buf *b)
{
	note_losses(c->a, "A", lead, b);
	note_losses(c->b, "B", lead, b);
	note_tools(c->a, c->b, "A", lead, b);
	note_tools(c->b, c->a, "B", lead, b);
	note_intervals(c, lead, b);
	note_short(c, lead, b);
	note_few(c, lead, b);
	note_changed_within(c, lead, b);
}

/* ---- The whole */

/* "3 worse, 12 better, 8 other changes; 412 without a significant change" */
void
comparison_counts(const struct comparison *c, struct buf *b)
{
	put_u64(b, c->of[LINE_WORSE], " worse, ");
	put_u64(b, c->of[LINE_BETTER], " better, ");
	put_u64(b, c->of[LINE_OTHER], " otherwise changed; ");
	put_u64(b, c->of[LINE_SAME], " without a significant change\n");
	if (c->of[LINE_FEW] > 0)
		put_u64(b, c->of[LINE_FEW], " with too few samples to tell\n");
	if (c->of[LINE_ONLY_A] + c->of[LINE_ONLY_B] > 0) {
		put_u64(b, c->of[LINE_ONLY_A], " known only in A, ");
		put_u64(b, c->of[LINE_ONLY_B], " only in B\n");
	}
}

void
comparison_text(const struct comparison *c, const struct text_view *view, struct buf *b)
{
	put_side(b, "A", c->a, view->utc);
	put_side(b, "B", c->b, view->utc);
	put_facts(b, &c->a->facts, &c->b->facts);
	put_settings(c, view, b);
	comparison_notes(c, "   note: ", b);
	buf_char(b, '\n');
	comparison_counts(c, b);
	put_section(c, view, LINE_WORSE, "WORSE", b);
	put_section(c, view, LINE_BETTER, "BETTER", b);
	put_section(c, view, LINE_OTHER, "CHANGED", b);
	if (!view->all)
		return;
	put_section(c, view, LINE_SAME, "NO SIGNIFICANT CHANGE", b);
	put_section(c, view, LINE_FEW, "TOO FEW SAMPLES", b);
	put_section(c, view, LINE_ONLY_A, "ONLY IN A", b);
	put_section(c, view, LINE_ONLY_B, "ONLY IN B", b);
}
