/* chart: the section of a strip: its picture, names, axis, legend and table of figures. */
#include "commands/report/report.h"

#include <math.h>
#include <string.h>
#include <time.h>

enum { SHOWN_MOST = 24 };

/* ---- The axis: times at round places */

static int64_t
step_of(int64_t span_ns)
{
	static const int64_t steps_s[] = { 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600,
		7200, 14400, 21600, 43200, 86400 };
	const int64_t second = 1000000000;

	for (size_t i = 0; i < sizeof steps_s / sizeof *steps_s; i++)
		if (span_ns / (steps_s[i] * second) <= 6)
			return steps_s[i] * second;
	return span_ns / 6;
}

void
chart_axis(const struct report_page *p, struct buf *b)
{
	int64_t step_ns = step_of(p->axis.to_ns - p->axis.from_ns),
		offset_ns = (int64_t)p->offset_s * 1000000000,
		first_ns =
		    (p->axis.from_ns + offset_ns + step_ns - 1) / step_ns * step_ns - offset_ns;

	buf_text(b, "<div class=\"chart\"><div class=\"side\"></div><div class=\"field axis\">");
	int64_t last_ns = p->axis.to_ns - (p->axis.to_ns - p->axis.from_ns) / 30;
	for (int64_t at = first_ns; at <= last_ns; at += step_ns) {
		buf_text(b, "<span");
		html_place(b, p, at, at);
		buf_char(b, '>');
		html_clock(b, p, at);
		buf_text(b, "</span>");
	}
	buf_text(b, "</div></div>\n");
}

/* ---- Figures for the script: two characters for each bucket, of 4096 steps up to `top` */

static void
put_code(struct buf *b, const char pair[2], unsigned times)
{
	for (unsigned i = 0; i < (times > 3 ? 1 : times); i++)
		buf_add(b, pair, 2);
	if (times > 3) {
		buf_char(b, '(');
		buf_u64(b, times, 1);
		buf_char(b, ')');
	}
}

static void
put_codes(struct buf *b, const double *v, unsigned n, double top)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	char last[2] = "", pair[2];
	unsigned times = 0;

	for (unsigned i = 0; i < n; i++) {
		unsigned q =
		    isnan(v[i]) ? 0 : (unsigned)(fmin(fmax(v[i] / top, 0), 1) * 4095 + 0.5);
		memcpy(pair, "..", 2);
		if (!isnan(v[i])) {
			pair[0] = digits[q / 64];
			pair[1] = digits[q % 64];
		}
		if (times > 0 && memcmp(pair, last, 2) != 0) {
			put_code(b, last, times);
			times = 0;
		}
		memcpy(last, pair, 2);
		times++;
	}
	put_code(b, last, times);
}

static void
put_data(struct buf *b, const char *name, const double *v, unsigned n, double top)
{
	buf_text(b, " data-");
	buf_text(b, name);
	buf_text(b, "=\"");
	put_codes(b, v, n, top);
	buf_char(b, '"');
}

/* The mean and the largest value of each bucket. */
static void
put_series(const struct report_page *p, const struct series *s, const char *unit, struct buf *b)
{
	double mean[BUCKETS_MOST], max[BUCKETS_MOST], top = s->max > 0 ? s->max : 1;

	for (unsigned i = 0; i < p->axis.n; i++) {
		const struct bucket *at = series_at(s, i);
		mean[i] = at ? bucket_mean(at) : NAN;
		max[i] = at ? (double)at->max : NAN;
	}
	put_data(b, "m", mean, p->axis.n, top);
	put_data(b, "x", max, p->axis.n, top);
	buf_text(b, " data-s=\"");
	buf_trimmed(b, top, 6);
	buf_text(b, "\" data-u=\"");
	buf_text(b, unit);
	buf_char(b, '"');
}

/* ---- Events and gaps on a picture */

static void
put_events(const struct report_page *p, const struct report_tape *t, struct buf *b)
{
	for (size_t i = 0; i < t->nmarks; i++) {
		buf_text(b, "<i class=\"mark\"");
		html_place(b, p, t->marks[i].real_ns, t->marks[i].real_ns);
		buf_text(b, " title=\"");
		html_text(b, t->marks[i].text);
		buf_text(b, "\">");
		buf_char(b, (char)('A' + i % 26));
		buf_text(b, "</i>");
	}
}

static void
begin_field(struct buf *b, unsigned height)
{
	buf_text(b, "<div class=\"field\" style=\"height:");
	buf_u64(b, height, 1);
	buf_text(b, "px\">");
}

static void
end_field(const struct report_page *p, size_t tape, struct buf *b)
{
	put_events(p, &p->tapes[tape], b);
	buf_text(b, "</div></div>\n");
}

/* The unit is in the heading; bytes have one each. */
static void
scale_number(const struct strip *s, int figure, double x, struct buf *b)
{
	if (strcmp(figure_unit(s, figure), "bytes") == 0)
		figure_number(s, figure, x, b);
	else
		buf_trimmed(b, x, 2);
}

static void
put_scale(const struct strip *s, int figure, double top, struct buf *b)
{
	buf_text(b, "<span class=\"top\">");
	scale_number(s, figure, top, b);
	buf_text(b, "</span><span class=\"half\">");
	scale_number(s, figure, top / 2, b);
	buf_text(b, "</span><span class=\"zero\">0</span>");
}

/* ---- The same picture of the other recording: both share one scale */

/* NULL: there is none. */
static const struct strip *
twin_of(const struct report_page *p, size_t tape, const struct strip *s)
{
	const struct report_tape *t = &p->tapes[tape], *other = p->side[p->side[0] == t];

	return other && other->nstrips > 0 ? &other->strips[s - t->strips] : NULL;
}

static size_t
shown_most(const struct strip *s)
{
	return s->plan->shown < SHOWN_MOST ? s->plan->shown : SHOWN_MOST;
}

static const struct strip_row *
row_named(const struct strip *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->rows[i].name, name) == 0)
			return &s->rows[i];
	return NULL;
}

/* ---- Kinds of pictures */

static double
largest(const struct strip *s, const struct strip_row *const *v, size_t n)
{
	double most = 0;

	for (size_t r = 0; r < n; r++)
		for (int i = 0; i < s->nfigures; i++)
			most = fmax(most, v[r]->figure[i].max);
	return most;
}

/* Of the rows that either recording shows. */
static double
largest_of_both(const struct report_page *p, size_t tape, const struct strip *s,
    const struct strip_row *const *v, size_t n)
{
	const struct strip *twin = twin_of(p, tape, s);
	const struct strip_row *theirs[SHOWN_MOST] = { NULL };
	double most = largest(s, v, n);
	size_t worst = twin ? strip_worst(twin, theirs, shown_most(s)) : 0;

	return worst > 0 ? fmax(most, largest(twin, theirs, worst)) : most;
}

/* Bytes have round figures in their own units. */
static double
top_of(const struct strip *s, double x)
{
	double unit = 1;

	while (strcmp(figure_unit(s, 0), "bytes") == 0 && x / unit > 1024)
		unit *= 1024;
	return unit * scale_top(x / unit);
}

/* The legend of levels of colour: by their names, or as parts of `top`. */
static void
put_levels(const struct strip *s, const char *const *names, double top, struct buf *b)
{
	buf_text(b, "<p class=\"legend\">");
	for (int level = 0; level <= HEAT_LEVELS; level++) {
		buf_text(b, "<span class=\"key\"><i class=\"k h");
		buf_u64(b, (uint64_t)level, 1);
		buf_text(b, "\"></i>");
		if (names)
			buf_text(b, names[level]);
		else {
			buf_text(b, level > 0 ? "≤ " : "");
			scale_number(s, 0, top * level / HEAT_LEVELS, b);
		}
		buf_text(b, "</span>");
	}
	buf_text(b, "<span class=\"key\"><i class=\"k hole\"></i>not known</span></p>\n");
}

static void
put_rows(const struct report_page *p, size_t tape, const struct strip *s,
    const struct strip_row *const *v, size_t n, struct buf *b)
{
	double top =
	    s->plan->full > 0 ? s->plan->full : top_of(s, largest_of_both(p, tape, s, v, n));

	buf_text(b, "<div class=\"chart rows\"><div class=\"side\">");
	for (size_t i = 0; i < n; i++) {
		buf_text(b, "<span class=\"row\"");
		put_series(p, &v[i]->figure[0], figure_unit(s, 0), b);
		buf_char(b, '>');
		html_name(b, v[i]->name);
		buf_text(b, "</span>");
	}
	buf_text(b, "</div>");
	begin_field(b, (unsigned)n * 20);
	svg_rows(b, &p->axis, s, v, n, top);
	end_field(p, tape, b);
	chart_axis(p, b);
	put_levels(s, NULL, top, b);
}

static void
put_legend(const struct report_page *p, const struct strip *s, const struct strip_row *row,
    bool areas, struct buf *b)
{
	static const char *const kinds[] = { [ROLE_LINE] = "line s",
		[ROLE_STACK] = "area f",
		[ROLE_LIMIT] = "limit s",
		[ROLE_PEAK] = "peak s",
		[ROLE_MARK] = "hit f" };

	buf_text(b, "<p class=\"legend\">");
	for (int i = 0; i < s->nfigures; i++) {
		const struct strip_figure *f = &s->plan->figures[i];
		if (row->figure[i].known_s <= 0)
			continue;
		buf_text(b, "<span class=\"key row\"");
		put_series(p, &row->figure[i], figure_unit(s, i), b);
		buf_text(b, "><i class=\"k ");
		buf_text(b, kinds[f->role]);
		buf_u64(b, (uint64_t)i, 1);
		buf_text(b, "\"></i>");
		buf_text(b, f->name);
		buf_text(b, "</span>");
	}
	if (!areas)
		buf_text(b, "<span class=\"key\"><i class=\"k band\"></i>least to largest</span>");
	buf_text(b, "<span class=\"key\"><i class=\"k hole\"></i>not known</span></p>\n");
}

static void
put_lines(const struct report_page *p, size_t tape, const struct strip *s,
    const struct strip_row *const *v, struct buf *b)
{
	double top = top_of(s, largest_of_both(p, tape, s, v, 1));

	buf_text(b, "<div class=\"chart\"><div class=\"side scale\">");
	put_scale(s, 0, top, b);
	buf_text(b, "</div>");
	begin_field(b, 120);
	svg_lines(b, &p->axis, s, v, 1, top);
	end_field(p, tape, b);
	chart_axis(p, b);
	put_legend(p, s, v[0], false, b);
}

/* The largest figures of a row, and its largest limit. */
static void
take_most(const struct strip *s, const struct strip_row *row, double *most, double *limit)
{
	for (int i = 0; row && i < s->nfigures; i++) {
		enum role role = s->plan->figures[i].role;
		if (role == ROLE_LIMIT)
			*limit = fmax(*limit, row->figure[i].max);
		else if (role != ROLE_MARK)
			*most = fmax(*most, row->figure[i].max);
	}
}

/* A limit that is far above everything else is not on the scale. */
static double
panel_top(const struct report_page *p, size_t tape, const struct strip *s,
    const struct strip_row *row, bool *limit_fits)
{
	const struct strip *twin = twin_of(p, tape, s);
	double most = 0, limit = 0;

	take_most(s, row, &most, &limit);
	if (twin)
		take_most(s, row_named(twin, row->name), &most, &limit);
	*limit_fits = most <= 0 || limit <= 4 * most;
	return top_of(s, 1.05 * fmax(most, *limit_fits ? limit : 0));
}

static void
put_panel(const struct report_page *p, size_t tape, const struct strip *s,
    const struct strip_row *row, struct buf *b)
{
	bool limit_fits;
	double top = panel_top(p, tape, s, row, &limit_fits);

	buf_text(b, "<h4>");
	html_name(b, row->name);
	for (int i = 0; i < s->nfigures && !limit_fits; i++)
		if (s->plan->figures[i].role == ROLE_LIMIT) {
			buf_text(b, " <small>");
			buf_text(b, s->plan->figures[i].name);
			buf_char(b, ' ');
			figure_number(s, i, row->figure[i].max, b);
			buf_text(b, ", above this picture</small>");
		}
	buf_text(b, "</h4>\n<div class=\"panel\"><div class=\"chart\"><div class=\"side scale\">");
	put_scale(s, 0, top, b);
	buf_text(b, "</div>");
	begin_field(b, 120);
	svg_panel(b, &p->axis, s, row, top);
	end_field(p, tape, b);
	chart_axis(p, b);
	put_legend(p, s, row, true, b);
	buf_text(b, "</div>\n");
}

static unsigned
bins_used(const struct strip *s)
{
	unsigned n = BINS_MOST;

	while (n > 1 && s->bins.total[n - 1] <= 0)
		n--;
	return n < 4 ? 4 : n;
}

static void
put_bin(const struct report_page *p, const struct strip *s, unsigned bin, struct buf *b)
{
	double share[BUCKETS_MOST];
	char name[64];

	for (unsigned i = 0; i < p->axis.n; i++) {
		double all = 0;
		for (unsigned k = 0; k < BINS_MOST; k++)
			all += (double)s->bins.v[i][k];
		share[i] = all > 0 ? 100 * (double)s->bins.v[i][bin] / all : NAN;
	}
	s->plan->bin_name(bin, name, sizeof name);
	buf_text(b, "<span class=\"row\"");
	put_data(b, "m", share, p->axis.n, 100);
	buf_text(b, " data-s=\"100\" data-u=\"%\">");
	buf_text(b, name);
	buf_text(b, "</span>");
}

static void
put_heat(const struct report_page *p, size_t tape, const struct strip *s, struct buf *b)
{
	static const char *const shares[] = { "none", "up to 5 %", "15 %", "30 %", "50 %", "75 %",
		"100 %" };
	unsigned nbins = bins_used(s), height = nbins < 12 ? 14 : nbins < 24 ? 9 : 6;

	buf_text(b, "<div class=\"chart bins\"><div class=\"side\" style=\"--bin:");
	buf_u64(b, height, 1);
	buf_text(b, "px\">");
	for (unsigned bin = nbins; bin-- > 0;)
		put_bin(p, s, bin, b);
	buf_text(b, "</div>");
	begin_field(b, nbins * height);
	svg_heat(b, &p->axis, s, nbins);
	end_field(p, tape, b);
	chart_axis(p, b);
	put_levels(s, shares, 0, b);
}

/* ---- The table */

static void
put_figure(const struct report_page *p, const struct strip *s, const struct strip_row *row, int i,
    struct buf *b)
{
	const struct series *f = &row->figure[i];

	buf_text(b, "<tr><td>");
	html_name(b, row->name);
	buf_text(b, "</td><td>");
	buf_text(b, s->plan->figures[i].name);
	buf_text(b, "</td><td>");
	figure_number(s, i, series_mean(f), b);
	buf_text(b, "</td><td>");
	figure_number(s, i, f->known_s > 0 ? f->max : NAN, b);
	buf_text(b, "</td><td>");
	if (f->known_s > 0 && f->max > f->min)
		html_time(b, p, f->max_ns, false);
	buf_text(b, "</td><td>");
	html_duration(b, f->known_s);
	buf_text(b, "</td></tr>\n");
}

static void
put_bins_table(const struct strip *s, struct buf *b)
{
	char name[64];

	buf_text(b, "<thead><tr><th>range</th><th>share</th></tr></thead><tbody>\n");
	for (unsigned i = 0; i < BINS_MOST; i++) {
		if (s->bins.total[i] <= 0)
			continue;
		s->plan->bin_name(i, name, sizeof name);
		buf_text(b, "<tr><td>");
		buf_text(b, name);
		buf_text(b, "</td><td>");
		buf_fixed(b, 100 * s->bins.total[i] / s->bins.all, 2);
		buf_text(b, " %</td></tr>\n");
	}
}

static void
put_table(const struct report_page *p, const struct strip *s, const struct strip_row *const *v,
    size_t n, struct buf *b)
{
	buf_text(b, "<details><summary>Figures</summary><div class=\"wide\"><table>");
	if (s->plan->bin) {
		put_bins_table(s, b);
	} else {
		buf_text(b,
		    "<thead><tr><th>row</th><th>figure</th><th>mean</th><th>largest</th>"
		    "<th>when</th><th>known for</th></tr></thead><tbody>\n");
		for (size_t r = 0; r < n; r++)
			for (int i = 0; i < s->nfigures; i++)
				put_figure(p, s, v[r], i, b);
	}
	buf_text(b, "</tbody></table></div></details>\n");
}

/* ---- The section */

static void
put_caption(const struct strip *s, bool cause, struct buf *b)
{
	buf_text(b, "<figcaption>");
	buf_text(b, "<h3>");
	buf_text(b, s->plan->title);
	if (*figure_unit(s, 0)) {
		buf_text(b, " <small>");
		buf_text(b, figure_unit(s, 0));
		buf_text(b, "</small>");
	}
	if (cause)
		buf_text(b, " <em>shows the cause</em>");
	buf_text(b, "</h3><p>");
	buf_text(b, s->plan->says);
	buf_text(b, "</p></figcaption>\n");
}

static void
put_rest(const struct report_page *p, const struct strip *s, size_t shown, struct buf *b)
{
	uint64_t rest = s->n - shown + s->dropped;

	if (s->plan->bin || rest == 0)
		return;
	buf_text(b, "<p class=\"rest\">The worst");
	if (shown > 1) {
		buf_char(b, ' ');
		buf_u64(b, shown, 1);
	}
	buf_text(b, p->side[0] && p->side[1] ? " of both recordings" : "");
	buf_text(b, shown > 1 ? " are shown; " : " is shown; ");
	buf_u64(b, rest, 1);
	buf_text(b, rest == 1 ? " more is not" : " more are not");
	buf_text(b, s->dropped ? " (a row that came back may count twice).</p>\n" : ".</p>\n");
}

static bool
is_shown(const struct strip_row *const *v, size_t n, const struct strip_row *row)
{
	while (n > 0 && v[n - 1] != row)
		n--;
	return n > 0;
}

/* Adds the rows that the other recording shows, so that a row which is worse there is visible here too. */
static size_t
add_other(const struct strip *s, const struct strip *twin, const struct strip_row *v[], size_t n)
{
	const struct strip_row *theirs[SHOWN_MOST];
	size_t found = strip_worst(twin, theirs, shown_most(s));

	for (size_t i = 0; i < found && n < SHOWN_MOST; i++) {
		const struct strip_row *row = row_named(s, theirs[i]->name);
		if (row && row->figure[0].known_s > 0 && !is_shown(v, n, row))
			v[n++] = row;
	}
	return n;
}

void
chart_print(
    const struct report_page *p, size_t tape, const struct strip *s, bool cause, struct buf *b)
{
	const struct strip *twin = twin_of(p, tape, s);
	const struct strip_row *v[SHOWN_MOST];
	size_t n = s->plan->bin ? 0 : strip_worst(s, v, shown_most(s));

	if (twin && !s->plan->bin && s->plan->shown > 1)
		n = add_other(s, twin, v, n);

	buf_text(b, "<figure class=\"strip ");
	buf_text(b, s->plan->id);
	buf_text(b, cause ? " cause" : "");
	buf_text(b, "\" id=\"s");
	buf_u64(b, tape, 1);
	buf_char(b, '-');
	buf_text(b, s->plan->id);
	buf_text(b, "\">\n");
	put_caption(s, cause, b);
	switch (s->plan->kind) {
	case STRIP_HEAT:
		put_heat(p, tape, s, b);
		break;
	case STRIP_LINES:
		put_lines(p, tape, s, v, b);
		break;
	case STRIP_PANELS:
		for (size_t i = 0; i < n; i++)
			put_panel(p, tape, s, v[i], b);
		break;
	case STRIP_ROWS:
		put_rows(p, tape, s, v, n, b);
		break;
	}
	put_rest(p, s, n, b);
	put_table(p, s, v, n, b);
	buf_text(b, "</figure>\n");
}
