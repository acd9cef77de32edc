/* Performance data: the figures behind a verdict, as monitoring keeps them. */
#include "commands/check/check.h"

#include <math.h>
#include <string.h>

void
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

/* Which of the two findings decides of a figure: one that holds, rather a critical one. */
static int
weight(const struct condition *condition, const struct finding *f)
{
	return f->truth == TRUTH_YES ? 1 + condition->critical : 0;
}

static struct perf *
perf_of(struct perfs *all, const struct member *m, const struct column *column)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].member == m && all->v[i].figure->column == column)
			return &all->v[i];
	all->v = xrealloc(all->v, (all->n + 1) * sizeof *all->v);
	all->v[all->n] = (struct perf){ .member = m };
	return &all->v[all->n++];
}

static const struct member *
member_of(const struct check *c, size_t subject, const char *tool)
{
	size_t t = 0;

	while (tools[t] != tools_find(text_of(tool)))
		t++;
	return c->member[subject][t];
}

/* The first threshold of a kind counts. */
static void
add_finding(const struct check *c, size_t subject, size_t condition, struct perfs *all)
{
	const struct condition *of = &c->condition[condition];
	const struct finding *f = check_finding(c, subject, condition);

	for (size_t i = 0; i < f->found.n; i++) {
		const struct expr_figure *figure = &f->found.v[i];
		if (!figure->plain)
			continue;
		struct perf *p = perf_of(all, member_of(c, subject, figure->tool), figure->column);
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

void
check_perfs(const struct check *c, struct perfs *all)
{
	*all = (struct perfs){ 0 };
	for (size_t s = 0; s < c->subjects; s++)
		for (size_t i = 0; i < c->conditions; i++)
			if (!check_is_repeated(c, s, i))
				add_finding(c, s, i, all);
}

/* Quoted; a quote is doubled, and neither may "=" be in it nor what ends the data. */
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
	if (c->subjects > 1 && check_is_about(c, p->subject, p->member->sampler.tool)) {
		put_label_part(b, c->subject[p->subject].name);
		buf_char(b, ' ');
	}
	put_label_part(b, p->figure->tool);
	buf_char(b, '.');
	put_label_part(b, p->figure->column->key);
	buf_text(b, "'=");
}

/* The range in which all is well: "25" is 0 to 25, "~:25" anything up to 25, "5:" is 5 and more,
 * "@5:5" anything but 5. */
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
put_value(struct buf *b, const struct expr_figure *f)
{
	static const char *const units[] = {
		[PERCENT] = "%", [BYTES] = "B", [MILLISECONDS] = "ms", [MICROSECONDS] = "us"
	};
	enum unit unit = f->column->unit;

	if (!isfinite(f->value)) {
		buf_char(b, 'U');
		return;
	}
	buf_number(b, f->column, f->value);
	if (unit < sizeof units / sizeof units[0] && units[unit])
		buf_text(b, units[unit]);
}

void
check_perfs_print(const struct check *c, const struct perfs *all, struct buf *out)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct perf *p = &all->v[i];
		if (i > 0)
			buf_char(out, ' ');
		put_label(c, p, out);
		put_value(out, p->figure);
		put_range(out, p->warning);
		put_range(out, p->critical);
		if (p->figure->column->kind == SHARE)
			buf_text(out, ";0;100");
	}
}
