#include "commands/diff/baseline.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"

static const char first_word[] = "pq-baseline ";

bool
baseline_begins(struct text t)
{
	return text_skip(&t, first_word);
}

/* ---- Printing */

static void
put_name(struct buf *b, const char *s)
{
	static const char digits[] = "0123456789ABCDEF";

	if (!*s)
		buf_char(b, '%');
	for (; *s; s++) {
		if (*s > ' ' && *s <= '~' && *s != '%') {
			buf_char(b, *s);
			continue;
		}
		buf_char(b, '%');
		buf_char(b, digits[(unsigned char)*s >> 4]);
		buf_char(b, digits[*s & 15]);
	}
}

static void
put_count(struct buf *b, uint64_t n)
{
	buf_char(b, ' ');
	buf_u64(b, n, 1);
}

/* A number is written exactly: a small whole one in decimal, another one with its 52 bits after the binary point in
 * hexadecimal, as "%a" of printf does. There are hundreds of thousands, and decimal fractions take ten times as long. */
enum { FRACTION_BITS = 52, FRACTION_DIGITS = FRACTION_BITS / 4, EXPONENT_BIAS = 1023 };

static const double WHOLE_MOST = 1e15;

static void
put_fraction(struct buf *b, uint64_t bits)
{
	static const char digits[] = "0123456789abcdef";
	int exponent = (int)(bits >> FRACTION_BITS & 0x7ff) - EXPONENT_BIAS;

	buf_text(b, bits >> 63 ? " -0x1." : " 0x1.");
	for (int left = FRACTION_BITS; left > 0; left -= 4)
		buf_char(b, digits[bits >> (left - 4) & 15]);
	buf_text(b, exponent < 0 ? "p-" : "p");
	buf_u64(b, (uint64_t)(exponent < 0 ? -exponent : exponent), 1);
}

static void
put_number(struct buf *b, double x)
{
	uint64_t bits;
	char text[40];

	memcpy(&bits, &x, sizeof bits);
	if (!(bits >> 63) && x <= WHOLE_MOST && x == (double)(uint64_t)x) {
		put_count(b, (uint64_t)x);
	} else if (isnormal(x)) {
		put_fraction(b, bits);
	} else {
		snprintf(text, sizeof text, " %.17g", x);
		buf_text(b, text);
	}
}

static void
put_blocks(struct buf *b, const struct spread *g)
{
	buf_text(b, "blocks");
	for (size_t i = 0; i < BLOCKS_MOST; i++) {
		if (!(g->block[i].weight > 0))
			continue;
		put_count(b, i);
		put_number(b, g->block[i].sum);
		put_number(b, g->block[i].weight);
	}
	buf_char(b, '\n');
}

static void
put_counts(struct buf *b, const struct hist *h)
{
	buf_text(b, "counts");
	put_count(b, h->zeros);
	for (size_t o = 0; o < HIST_OCTAVES; o++)
		for (size_t i = 0; h->octave[o] && i < HIST_STEPS; i++) {
			if (h->octave[o][i] == 0)
				continue;
			put_count(b, o);
			buf_char(b, '.');
			buf_u64(b, i, 1);
			buf_char(b, '=');
			buf_u64(b, h->octave[o][i], 1);
		}
	buf_char(b, '\n');
}

static void
put_figure(struct buf *b, const struct column *c, const struct spread *g)
{
	const double numbers[] = { g->sum, g->weight, g->min, g->max, g->first, g->last };

	buf_text(b, "figure ");
	buf_text(b, c->key);
	put_count(b, g->n);
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		put_number(b, numbers[i]);
	buf_char(b, '\n');
	put_blocks(b, g);
	put_counts(b, &g->hist);
}

static void
put_tool(struct buf *b, const struct side *s, size_t tool)
{
	const struct tool_side *t = &s->tool[tool];
	const struct column *columns = tools[tool]->columns;

	buf_text(b, "tool ");
	buf_text(b, tools[tool]->name);
	put_count(b, t->samples);
	put_number(b, t->span_s);
	buf_char(b, '\n');
	for (uint32_t r = 0; r < t->names.n; r++) {
		buf_text(b, "row ");
		put_name(b, map_key(&t->names, r).s);
		put_count(b, t->row[r].seen);
		buf_char(b, '\n');
		for (size_t c = 0; columns[c].key; c++)
			if (t->row[r].of[c])
				put_figure(b, &columns[c], t->row[r].of[c]);
	}
}

static void
put_notes(struct buf *b, const struct side *s)
{
	for (size_t i = 0; i < s->notes; i++) {
		buf_text(b, "note ");
		buf_text(b, s->note[i].tool->name);
		buf_char(b, ' ');
		put_name(b, s->note[i].message);
		buf_char(b, '\n');
	}
}

static void
put_facts(struct buf *b, const struct host_facts *f)
{
	struct buf facts = { 0 };
	struct text rest, line;

	facts_print(f, &facts);
	rest = (struct text){ facts.s, facts.n };
	while (text_line(&rest, &line)) {
		buf_text(b, "fact ");
		buf_add(b, line.s, line.n);
		buf_char(b, '\n');
	}
	buf_free(&facts);
}

void
baseline_print(const struct side *s, struct buf *out)
{
	buf_text(out, "pq-baseline 1\npath ");
	put_name(out, s->path);
	buf_text(out, "\ntime ");
	buf_u64(out, (uint64_t)s->from_ns, 1);
	put_count(out, (uint64_t)s->to_ns);
	put_count(out, s->samples);
	put_count(out, (uint64_t)s->block_ns);
	buf_char(out, '\n');
	put_facts(out, &s->facts);
	if (s->losses) {
		buf_text(out, "losses ");
		put_name(out, s->losses);
		buf_char(out, '\n');
	}
	if (s->left_out > 0) {
		buf_text(out, "left-out");
		put_count(out, s->left_out);
		buf_char(out, '\n');
	}
	put_notes(out, s);
	for (size_t t = 0; tools[t]; t++)
		if (s->tool[t].samples > 0)
			put_tool(out, s, t);
	buf_text(out, "end\n");
}

/* ---- Reading */

/* What of the lines so far the next one belongs to. */
struct reading {
	struct side *s;
	int tool; /* -1: none, or one that this pq does not have */
	bool has_row, has_tool;
	uint32_t row;
	struct spread *figure; /* NULL: none, or a column that this pq does not have */
	bool ended;
};

static int
hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Takes a name; -1 if it is none. No name has a NUL, and other bytes that are not visible are escaped. */
static int
take_name(struct text *rest, struct buf *out)
{
	struct text word;

	out->n = 0;
	if (!text_word(rest, &word))
		return -1;
	for (size_t i = 0; i < word.n && !(word.n == 1 && *word.s == '%'); i++) {
		if (word.s[i] <= ' ' || word.s[i] > '~')
			return -1;
		if (word.s[i] != '%') {
			buf_char(out, word.s[i]);
			continue;
		}
		int high = i + 2 < word.n ? hex(word.s[i + 1]) : -1,
		    low = i + 2 < word.n ? hex(word.s[i + 2]) : -1;
		if (high < 0 || low < 0 || high + low == 0)
			return -1;
		buf_char(out, (char)(high << 4 | low));
		i += 2;
	}
	buf_char(out, '\0');
	out->n--;
	return 0;
}

/* A number that put_fraction wrote. False if it is written in another way. */
static bool
take_fraction(struct text t, double *x)
{
	bool negative = text_skip(&t, "-");
	uint64_t bits = negative, exponent;

	if (!text_skip(&t, "0x1.") || t.n < FRACTION_DIGITS)
		return false;
	bits <<= 63 - FRACTION_BITS;
	for (int i = 0; i < FRACTION_DIGITS; i++, t.s++, t.n--) {
		int digit = *t.s >= 'a' ? *t.s - 'a' + 10 : *t.s - '0';
		if (digit < 0 || digit > 15 || (*t.s >= 'a') != (digit >= 10))
			return false;
		bits = bits << 4 | (uint64_t)digit;
	}
	bool below = text_skip(&t, "p-");
	if ((!below && !text_skip(&t, "p")) || text_u64(t, &exponent) < 0 ||
	    exponent > EXPONENT_BIAS - 1)
		return false;
	bits |= (below ? EXPONENT_BIAS - exponent : EXPONENT_BIAS + exponent) << FRACTION_BITS;
	memcpy(x, &bits, sizeof bits);
	return true;
}

static bool
take_number(struct text *rest, double *x)
{
	struct text word;
	uint64_t whole;
	char copy[40], *end;

	if (!text_word(rest, &word) || word.n >= sizeof copy)
		return false;
	if (take_fraction(word, x))
		return true;
	if (text_u64(word, &whole) == 0 && whole <= (uint64_t)WHOLE_MOST) {
		*x = (double)whole;
		return true;
	}
	memcpy(copy, word.s, word.n);
	copy[word.n] = '\0';
	*x = strtod(copy, &end);
	return *end == '\0' && end > copy && isfinite(*x);
}

/* Times and numbers of samples: no more than this are in a recording. */
static const uint64_t COUNT_MOST = INT64_MAX / 4;

static bool
take_count(struct text *rest, uint64_t *n)
{
	return text_next_u64(rest, n) == 0 && *n <= COUNT_MOST;
}

static bool
take_time(struct reading *r, struct text rest)
{
	uint64_t from, to, block;

	if (!take_count(&rest, &from) || !take_count(&rest, &to) ||
	    !take_count(&rest, &r->s->samples) || !take_count(&rest, &block))
		return false;
	r->s->from_ns = (int64_t)from;
	r->s->to_ns = (int64_t)to;
	r->s->block_ns = (int64_t)block;
	return from <= to && block > 0 && block < COUNT_MOST / BLOCKS_MOST;
}

static bool
take_text(struct text rest, char **to)
{
	struct buf name = { 0 };
	bool valid = take_name(&rest, &name) == 0;

	if (valid) {
		free(*to);
		*to = xstrdup(name.s);
	}
	buf_free(&name);
	return valid;
}

static bool
take_tool(struct reading *r, struct text rest)
{
	struct text word;
	uint64_t samples;
	double span_s;

	if (!text_word(&rest, &word) || !take_count(&rest, &samples) ||
	    !take_number(&rest, &span_s) || samples == 0 || span_s < 0)
		return false;
	r->has_tool = true;
	r->has_row = false;
	r->figure = NULL;
	r->tool = -1;
	for (int i = 0; tools[i]; i++)
		if (text_eq(word, tools[i]->name))
			r->tool = i;
	if (r->tool < 0)
		return true;
	struct tool_side *t = &r->s->tool[r->tool];
	if (t->samples > 0)
		return false;
	t->samples = samples;
	t->span_s = span_s;
	return true;
}

static bool
take_row(struct reading *r, struct text rest)
{
	struct buf name = { 0 };
	uint64_t seen;

	bool valid =
	    r->has_tool && take_name(&rest, &name) == 0 && take_count(&rest, &seen) && seen > 0;
	r->has_row = valid;
	r->figure = NULL;
	if (valid && r->tool >= 0) {
		uint32_t known = r->s->tool[r->tool].names.n;
		r->row = side_row(r->s, (size_t)r->tool, (struct text){ name.s, name.n });
		valid = r->row == known && known < FIGURES_MOST;
		r->s->tool[r->tool].row[r->row].seen = seen;
	}
	buf_free(&name);
	return valid;
}

static int
column_of(const struct reading *r, struct text key)
{
	int column = r->tool < 0 ? -1 : columns_find(tools[r->tool]->columns, key);

	return column >= 0 && column_compares(&tools[r->tool]->columns[column]) ? column : -1;
}

static bool
take_figure(struct reading *r, struct text rest)
{
	struct spread g = { .n = 0 };
	struct text key;
	double *const numbers[] = { &g.sum, &g.weight, &g.min, &g.max, &g.first, &g.last };

	if (!r->has_row || !text_word(&rest, &key) || !take_count(&rest, &g.n) || g.n == 0)
		return false;
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		if (!take_number(&rest, numbers[i]))
			return false;
	if (g.min > g.max || g.weight < 0 || g.first < g.min || g.first > g.max || g.last < g.min ||
	    g.last > g.max)
		return false;
	int column = column_of(r, key);
	r->figure = column < 0 ? NULL : side_put(r->s, (size_t)r->tool, r->row, column);
	if (!r->figure)
		return column < 0;
	if (r->figure->n > 0)
		return false;
	g.hist.max = g.max;
	*r->figure = g;
	return true;
}

static bool
take_blocks(struct reading *r, struct text rest)
{
	uint64_t i, next = 0;
	double sum, weight;

	while (rest.n > 0) {
		if (!take_count(&rest, &i) || i < next || i >= BLOCKS_MOST ||
		    !take_number(&rest, &sum) || !take_number(&rest, &weight) || weight <= 0)
			return false;
		if (r->figure)
			r->figure->block[i] = (struct block_sum){ sum, weight };
		next = i + 1;
		if (r->s->block_ns * (int64_t)i > r->s->clock_ns)
			r->s->clock_ns = r->s->block_ns * (int64_t)i;
	}
	return r->has_row;
}

/* "12.63=4" */
static bool
take_step(struct text word, uint64_t v[3])
{
	struct text part;

	return text_split(&word, '.', &part) && text_u64(part, &v[0]) == 0 &&
	    text_split(&word, '=', &part) && text_u64(part, &v[1]) == 0 &&
	    text_u64(word, &v[2]) == 0 && v[0] < HIST_OCTAVES && v[1] < HIST_STEPS && v[2] > 0 &&
	    v[2] <= UINT32_MAX;
}

/* The counts add up to the number of values. */
static bool
take_counts(struct reading *r, struct text rest)
{
	struct hist none = { .n = 0 }, *h = r->figure ? &r->figure->hist : &none;
	struct text word;
	uint64_t v[3];

	if (!r->has_row || h->n > 0 || !take_count(&rest, &h->zeros))
		return false;
	h->n = h->zeros;
	while (text_word(&rest, &word)) {
		if (!take_step(word, v) || h->n + v[2] > COUNT_MOST)
			return false;
		h->n += v[2];
		if (!r->figure)
			continue;
		if (!h->octave[v[0]])
			h->octave[v[0]] = memset(xmalloc(HIST_STEPS * sizeof **h->octave), 0,
			    HIST_STEPS * sizeof **h->octave);
		if (h->octave[v[0]][v[1]] > 0)
			return false;
		h->octave[v[0]][v[1]] = (uint32_t)v[2];
	}
	return !r->figure || h->n == r->figure->n;
}

static bool
take_fact(struct reading *r, struct text rest)
{
	facts_parse(rest, &r->s->facts);
	return true;
}

static bool
take_note(struct reading *r, struct text rest)
{
	struct buf message = { 0 };
	struct text word;

	bool valid = text_word(&rest, &word) && take_name(&rest, &message) == 0;
	if (valid && tools_find(word))
		side_note(r->s, tools_find(word), message.s);
	buf_free(&message);
	return valid;
}

static bool
take_line(struct reading *r, struct text line)
{
	if (r->ended)
		return false;
	if (text_skip(&line, "figure "))
		return take_figure(r, line);
	if (text_skip(&line, "blocks"))
		return take_blocks(r, line);
	if (text_skip(&line, "counts "))
		return take_counts(r, line);
	if (text_skip(&line, "row "))
		return take_row(r, line);
	if (text_skip(&line, "tool "))
		return take_tool(r, line);
	if (text_skip(&line, "fact "))
		return take_fact(r, line);
	if (text_skip(&line, "time "))
		return take_time(r, line);
	if (text_skip(&line, "note "))
		return take_note(r, line);
	if (text_skip(&line, "left-out "))
		return take_count(&line, &r->s->left_out);
	if (text_skip(&line, "path "))
		return take_text(line, &r->s->path);
	if (text_skip(&line, "losses "))
		return take_text(line, &r->s->losses);
	r->ended = text_eq(line, "end");
	return r->ended;
}

static bool
has_no_counts(const struct side *s)
{
	for (size_t t = 0; tools[t]; t++)
		for (uint32_t i = 0; i < s->tool[t].names.n; i++)
			for (size_t c = 0; tools[t]->columns[c].key; c++) {
				const struct spread *g = s->tool[t].row[i].of[c];
				if (g && g->hist.n != g->n)
					return true;
			}
	return false;
}

int
baseline_parse(struct text t, struct side *s, size_t *line)
{
	struct reading r = { .s = s, .tool = -1 };
	struct host_facts facts;
	struct text one;

	facts_begin(&facts);
	side_begin(s, "", &facts);
	*line = 1;
	if (!text_skip(&t, first_word) || !text_line(&t, &one))
		return fail_with(EINVAL);
	if (!text_eq(one, "1"))
		return fail_with(ENOTSUP);
	while (text_whole_line(&t, &one)) {
		++*line;
		if (!take_line(&r, one))
			return fail_with(EINVAL);
	}
	++*line;
	if (!r.ended || s->samples == 0 || has_no_counts(s))
		return fail_with(EINVAL);
	return 0;
}
