/* svg: draws strips. A picture is as wide as the axis has buckets; the page stretches it. Height and
 * colours are those of page.css. What is not known is not drawn: the background shows through. */
#include "commands/report/report.h"

#include <math.h>
#include <string.h>

#include "base/svg.h"

enum { HEIGHT = 100 }; /* of lines and panels */

double
scale_top(double x)
{
	static const double round[] = { 1, 1.5, 2, 3, 4, 5, 6, 8, 10 };
	double unit = x > 0 ? pow(10, floor(log10(x))) : 1;

	for (size_t i = 0; i < sizeof round / sizeof *round; i++)
		if (x <= round[i] * unit * (1 + 1e-9))
			return round[i] * unit;
	return 10 * unit;
}

unsigned
heat_level(double share)
{
	double level = ceil(share * HEAT_LEVELS - 1e-9);

	return !(share > 0)     ? 0 :
	    level < 1           ? 1 :
	    level > HEAT_LEVELS ? HEAT_LEVELS :
				  (unsigned)level;
}

/* ---- Paths */

static void
put(struct buf *b, char command, double x)
{
	buf_char(b, command);
	buf_trimmed(b, x, 1);
}

static void
move(struct buf *b, double x, double y)
{
	put(b, 'M', x);
	put(b, ' ', y);
}

static void
begin_path(struct buf *b, const char *class, int number)
{
	buf_text(b, "<path class=\"");
	buf_text(b, class);
	if (number >= 0)
		buf_u64(b, (uint64_t)number, 1);
	buf_text(b, "\" d=\"");
}

/* Ends the path, or removes one that draws nothing. */
static void
end_path(struct buf *b, size_t begun, size_t drawn)
{
	if (b->n == drawn)
		b->n = begun;
	else
		buf_text(b, "\"/>");
}

static void
begin(struct buf *b, const struct axis *a, const char *class, unsigned height)
{
	buf_text(b, "<svg class=\"plot ");
	buf_text(b, class);
	buf_text(b, "\" preserveAspectRatio=\"none\" aria-hidden=\"true\" viewBox=\"0 0 ");
	buf_u64(b, a->n, 1);
	buf_char(b, ' ');
	buf_u64(b, height, 1);
	buf_text(b, "\">");
}

/* What the functions of cells draw. */
struct cells {
	const struct strip *s;
	const struct strip_row *const *v;
	double top;
};

/* ---- Cells */

/* -1: a hole. */
static int
row_level(const struct cells *c, unsigned row, unsigned i)
{
	const struct bucket *b = series_at(&c->v[row]->figure[0], i);

	return b ? (int)heat_level((double)b->max / c->top) : -1;
}

/* Few of the samples are still visible. */
static int
bin_level(const struct cells *c, unsigned bin, unsigned i)
{
	static const double least[] = { 0, 0.05, 0.15, 0.3, 0.5, 0.75 };
	double all = 0, x = c->s->bins.v ? (double)c->s->bins.v[i][bin] : 0;
	int level = 0;

	if (!series_at(&c->s->known, i))
		return -1;
	for (unsigned k = 0; x > 0 && k < BINS_MOST; k++)
		all += (double)c->s->bins.v[i][k];
	while (x > 0 && level < HEAT_LEVELS && x / all > least[level])
		level++;
	return level;
}

/* One path for each level: cells of one level beside each other are one rectangle. */
static void
draw_cells(struct buf *b, const struct axis *a, const struct cells *c, unsigned height,
    int (*level_of)(const struct cells *, unsigned row, unsigned i), bool upwards)
{
	for (int level = 0; level <= HEAT_LEVELS; level++) {
		size_t begun = b->n;
		begin_path(b, "h", level);
		size_t drawn = b->n;
		for (unsigned row = 0; row < height; row++)
			for (unsigned i = 0, from; i < a->n; i++) {
				if (level_of(c, row, i) != level)
					continue;
				for (from = i; i < a->n && level_of(c, row, i) == level; i++)
					;
				svg_rectangle(
				    b, from, upwards ? height - 1 - row : row, i - from, 1);
			}
		end_path(b, begun, drawn);
	}
}

void
svg_heat(struct buf *b, const struct axis *a, const struct strip *s, unsigned nbins)
{
	const struct cells c = { .s = s };

	begin(b, a, "heat", nbins);
	draw_cells(b, a, &c, nbins, bin_level, true);
	buf_text(b, "</svg>");
}

void
svg_rows(struct buf *b, const struct axis *a, const struct strip *s,
    const struct strip_row *const *v, size_t n, double top)
{
	const struct cells c = { .s = s, .v = v, .top = top };

	begin(b, a, "cells", (unsigned)n);
	draw_cells(b, a, &c, (unsigned)n, row_level, false);
	buf_text(b, "</svg>");
}

/* ---- Lines and areas, in steps: a bucket has one value */

static double
y_of(double value, double top)
{
	double y = HEIGHT - HEIGHT * value / top;

	return y < 0 ? 0 : y > HEIGHT ? HEIGHT : y;
}

/* The background of what is known. */
static void
draw_known(struct buf *b, const struct axis *a, const struct series *known)
{
	size_t begun = b->n;

	begin_path(b, "bg", -1);
	size_t drawn = b->n;
	for (unsigned i = 0, from; i < a->n; i++) {
		if (!series_at(known, i))
			continue;
		for (from = i; i < a->n && series_at(known, i); i++)
			;
		svg_rectangle(b, from, 0, i - from, HEIGHT);
	}
	end_path(b, begun, drawn);
}

/* A step curve: y[i] is NaN in a hole. */
static void
draw_curve(struct buf *b, unsigned n, const double *y)
{
	for (unsigned i = 0; i < n;) {
		if (isnan(y[i])) {
			i++;
			continue;
		}
		move(b, i, y[i]);
		while (i < n && !isnan(y[i])) {
			unsigned from = i;
			double at = y[i];
			while (i < n && fabs(y[i] - at) < 0.05)
				i++;
			put(b, 'h', i - from);
			if (i < n && !isnan(y[i]))
				put(b, 'V', y[i]);
		}
	}
}

/* The area between two step curves, which have the same holes. */
static void
draw_area(struct buf *b, unsigned n, const double *high, const double *low)
{
	for (unsigned i = 0; i < n;) {
		unsigned from = i, to = i;
		if (isnan(high[i]) || isnan(low[i])) {
			i++;
			continue;
		}
		while (to < n && !isnan(high[to]) && !isnan(low[to]))
			to++;
		move(b, from, high[from]);
		for (i = from; i < to;) {
			unsigned start = i;
			double at = high[i];
			while (i < to && fabs(high[i] - at) < 0.05)
				i++;
			put(b, 'h', i - start);
			if (i < to)
				put(b, 'V', high[i]);
		}
		put(b, 'V', low[to - 1]);
		for (i = to; i > from;) {
			unsigned start = i;
			double at = low[i - 1];
			while (i > from && fabs(low[i - 1] - at) < 0.05)
				i--;
			put(b, 'h', -(double)(start - i));
			if (i > from)
				put(b, 'V', low[i - 1]);
		}
		buf_char(b, 'z');
		i = to;
	}
}

enum part { PART_MEAN, PART_MIN, PART_MAX };

static void
curve_of(const struct series *s, const struct axis *a, enum part part, double top, double *y)
{
	for (unsigned i = 0; i < a->n; i++) {
		const struct bucket *b = series_at(s, i);
		double v = !b        ? NAN :
		    part == PART_MIN ? (double)b->min :
		    part == PART_MAX ? (double)b->max :
				       bucket_mean(b);
		y[i] = isnan(v) ? NAN : y_of(v, top);
	}
}

static void
draw_line(struct buf *b, const struct axis *a, const struct series *s, enum part part,
    const char *class, int number, double top)
{
	double y[BUCKETS_MOST];
	size_t begun = b->n;

	curve_of(s, a, part, top, y);
	begin_path(b, class, number);
	size_t drawn = b->n;
	draw_curve(b, a->n, y);
	end_path(b, begun, drawn);
}

static void
draw_band(struct buf *b, const struct axis *a, const struct series *s, int number, double top)
{
	double high[BUCKETS_MOST], low[BUCKETS_MOST];
	size_t begun = b->n;

	curve_of(s, a, PART_MAX, top, high);
	curve_of(s, a, PART_MIN, top, low);
	begin_path(b, "band f", number);
	size_t drawn = b->n;
	draw_area(b, a->n, high, low);
	end_path(b, begun, drawn);
}

void
svg_lines(struct buf *b, const struct axis *a, const struct strip *s,
    const struct strip_row *const *v, size_t n, double top)
{
	begin(b, a, "lines", HEIGHT);
	draw_known(b, a, &s->known);
	for (size_t r = 0; r < n; r++)
		for (int i = 0; i < s->nfigures; i++)
			draw_band(b, a, &v[r]->figure[i], i, top);
	for (size_t r = 0; r < n; r++)
		for (int i = 0; i < s->nfigures; i++)
			draw_line(b, a, &v[r]->figure[i], PART_MEAN, "line s", i, top);
	buf_text(b, "</svg>");
}

/* The figures that are on each other: the last of them is at the bottom. */
static void
draw_stack(struct buf *b, const struct axis *a, const struct strip *s, const struct strip_row *row,
    double top)
{
	double low[BUCKETS_MOST], high[BUCKETS_MOST];

	for (unsigned i = 0; i < a->n; i++)
		low[i] = 0;
	for (int k = s->nfigures - 1; k >= 0; k--) {
		double from[BUCKETS_MOST];
		size_t begun = b->n;
		if (s->plan->figures[k].role != ROLE_STACK)
			continue;
		for (unsigned i = 0; i < a->n; i++) {
			const struct bucket *p = series_at(&row->figure[k], i);
			from[i] = y_of(low[i], top);
			low[i] += p ? bucket_mean(p) : 0;
			high[i] = p ? y_of(low[i], top) : NAN;
		}
		begin_path(b, "area f", k);
		size_t drawn = b->n;
		draw_area(b, a->n, high, from);
		end_path(b, begun, drawn);
	}
}

/* Bars at the top, as strong as the figure in %. */
static void
draw_marks(struct buf *b, const struct axis *a, const struct series *s)
{
	for (int level = 1; level <= 2; level++) {
		size_t begun = b->n;
		begin_path(b, "hit", level);
		size_t drawn = b->n;
		for (unsigned i = 0, from; i < a->n; i++) {
			const struct bucket *p = series_at(s, i);
			if (!p || !(p->max > 0) || (p->max >= 50) != (level == 2))
				continue;
			for (from = i; i < a->n && (p = series_at(s, i)) && p->max > 0 &&
			     (p->max >= 50) == (level == 2);
			     i++)
				;
			svg_rectangle(b, from, 0, i - from, 6);
			i--;
		}
		end_path(b, begun, drawn);
	}
}

static const struct series *
first_known(const struct strip *s, const struct strip_row *row)
{
	int i = 0;

	while (i + 1 < s->nfigures && row->figure[i].known_s <= 0)
		i++;
	return &row->figure[i];
}

void
svg_panel(struct buf *b, const struct axis *a, const struct strip *s, const struct strip_row *row,
    double top)
{
	begin(b, a, "panel", HEIGHT);
	draw_known(b, a, first_known(s, row));
	draw_stack(b, a, s, row, top);
	for (int i = 0; i < s->nfigures; i++) {
		enum role role = s->plan->figures[i].role;
		if (role == ROLE_PEAK)
			draw_line(b, a, &row->figure[i], PART_MAX, "peak", -1, top);
		if (role == ROLE_LIMIT && row->figure[i].min <= top)
			draw_line(b, a, &row->figure[i], PART_MEAN, "limit", -1, top);
		if (role == ROLE_MARK)
			draw_marks(b, a, &row->figure[i]);
	}
	buf_text(b, "</svg>");
}
