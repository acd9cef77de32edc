#include "commands/top/detail.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "commands/limits/limits.h"
#include "commands/top/panel.h"

/* ---- Limits */

static void
read_limits(struct detail *d, struct host *h, int64_t real_ns)
{
	struct arena a = { 0 };
	struct limits l;

	if (limits_gather(h, &a, &d->target, &l) < 0) {
		buf_text(&d->limits, "  unknown: ");
		buf_text(&d->limits, errno == ESRCH ? "no such process" : strerror(errno));
		buf_char(&d->limits, '\n');
		arena_free(&a);
		return;
	}
	l.real_ns = real_ns;
	struct effective effective = limits_effective(&l);
	struct opinions opinions = runtimes_judge(&a, &l, &effective, 0);
	struct page page = { &l, &effective, &opinions, d->evidence.utc, h->replay, false };
	page_text(&d->limits, &page);
	names_free(&l.names);
	arena_free(&a);
}

/* ---- Where its threads wait */

/* The time of all threads in a place. */
struct place_time {
	const char *state, *call, *where;
	double share;
};

static int
longer(const void *a, const void *b)
{
	const struct place_time *x = a, *y = b;

	return (x->share < y->share) - (x->share > y->share);
}

static const char *
or_dash(const char *s)
{
	return *s ? s : "-";
}

static size_t
add_up(struct detail *d, struct place_time *v)
{
	struct wait_rows rows = d->evidence.wait;
	struct map places = { .n = 0 };
	struct arena a = { 0 };

	for (size_t i = 0; i < wait_count(rows); i++) {
		struct place_time one = { or_dash(wait_text(rows, i, WAIT_STATE)),
			or_dash(wait_text(rows, i, WAIT_CALL)),
			or_dash(wait_text(rows, i, WAIT_WHERE)), wait_num(rows, i, WAIT_SHARE) };
		if (isnan(one.share))
			continue;
		uint32_t known = places.n,
			 at = map_put(&places,
			     text_of(
				 arena_printf(&a, "%s\n%s\n%s", one.state, one.call, one.where)));
		if (at == known)
			v[at] = one;
		else
			v[at].share += one.share;
	}
	size_t n = places.n;
	map_free(&places);
	arena_free(&a);
	return n;
}

static void
put_column(struct buf *b, const char *text, size_t width)
{
	size_t n = strlen(text);

	buf_text(b, text);
	buf_pad(b, n < width ? width - n : 1);
}

/* The ten places with most time. */
static void
put_places(struct detail *d)
{
	enum { MOST = 10 };
	struct buf *b = &d->lines;
	size_t rows = wait_count(d->evidence.wait);
	struct place_time *v = xmalloc((rows + 1) * sizeof *v);
	size_t n = add_up(d, v);

	qsort(v, n, sizeof *v, longer);
	buf_text(b, "#What its threads wait for (100 % is one thread)\n");
	if (n == 0)
		buf_text(b, d->rows < 2 ? "  two samples are needed\n" : "  unknown\n");
	for (size_t i = 0; i < n && i < MOST; i++) {
		size_t start = b->n;
		buf_fixed(b, v[i].share, 1);
		size_t used = b->n - start, pad = used < 8 ? 8 - used : 0;
		buf_pad(b, pad);
		memmove(b->s + start + pad, b->s + start, used);
		memset(b->s + start, ' ', pad);
		buf_text(b, " %  ");
		put_column(b, v[i].state, 10);
		put_column(b, v[i].call, 18);
		buf_text(b, v[i].where);
		buf_char(b, '\n');
	}
	free(v);
}

/* ---- Its verdict */

static void
put_line(struct buf *b, const char *first, const char *text)
{
	buf_text(b, first);
	buf_text(b, text);
	buf_char(b, '\n');
}

static void
put_finding(struct buf *b, const struct finding *one)
{
	put_line(b, one->severity == VERDICT_CRITICAL ? "  CRITICAL: " : "  WARNING: ", one->what);
	for (int i = 0; i < one->nfacts; i++)
		put_line(b, "    ", one->facts[i]);
	if (*one->advice)
		put_line(b, "    -> ", one->advice);
}

static void
put_verdict(struct detail *d)
{
	struct findings f = { .n = 0 };
	struct buf *b = &d->lines;

	buf_text(b, "#Verdict\n");
	if (d->rows < 2) {
		buf_text(b, "  two samples are needed\n");
		return;
	}
	causes_find(&d->evidence, &f);
	for (size_t i = 0; i < f.n; i++)
		put_finding(b, &f.v[i]);
	if (f.n == 0)
		buf_text(b,
		    findings_verdict(&f, &d->evidence) == VERDICT_OK ?
			"  OK: nothing found in the last row\n" :
			"  UNKNOWN: figures are missing (pq why says which)\n");
	findings_free(&f);
}

static void
put_figures(struct detail *d)
{
	struct tasks_rows rows = d->evidence.target;
	struct psi_rows psi = d->evidence.target_psi;
	struct buf *b = &d->lines;

	buf_text(b, "#Figures of the last row\n");
	if (!sentence_put(b,
		SENTENCE("  CPU {} %, waits for a CPU {} %[, for a quota {} %][, threads {}]\n",
		    fixed(tasks_sum(rows, TASKS_CPU), 1), fixed(tasks_sum(rows, TASKS_WAIT), 1),
		    fixed(tasks_sum(rows, TASKS_QUOTA), 1),
		    fixed(tasks_sum(rows, TASKS_THREADS), 0))))
		buf_text(b, "  CPU and waits: unknown, or nothing ran\n");
	for (size_t i = 0; i < throttle_count(d->evidence.throttle); i++)
		sentence_put(b,
		    SENTENCE("  {}: limit {} CPUs, used {}, throttled {} %, held {} CPUs\n",
			name(throttle_brief(d->evidence.throttle, i, THROTTLE_CGROUP)),
			fixed(throttle_num(d->evidence.throttle, i, THROTTLE_LIMIT), 2),
			fixed(throttle_num(d->evidence.throttle, i, THROTTLE_USED), 2),
			fixed(throttle_num(d->evidence.throttle, i, THROTTLE_THROTTLED_PCT), 0),
			fixed(throttle_num(d->evidence.throttle, i, THROTTLE_HELD), 2)));
	for (size_t i = 0; i < mem_count(d->evidence.mem); i++)
		sentence_put(b,
		    SENTENCE("  {}: memory {} of {}, unreclaimable {}\n",
			name(mem_brief(d->evidence.mem, i, MEM_CGROUP)),
			bytes(mem_num(d->evidence.mem, i, MEM_USED)),
			bytes(mem_num(d->evidence.mem, i, MEM_LIMIT)),
			bytes(mem_num(d->evidence.mem, i, MEM_HARD))));
	for (size_t i = 0; i < psi_count(psi); i++)
		sentence_put(b,
		    SENTENCE("  {}: pressure of CPU {}, memory {}, I/O {} %\n",
			name(psi_brief(psi, i, PSI_CGROUP)),
			fixed(psi_num(psi, i, PSI_CPU_SOME), 1),
			fixed(psi_num(psi, i, PSI_MEMORY_SOME), 1),
			fixed(psi_num(psi, i, PSI_IO_SOME), 1)));
}

static void
fill(struct detail *d)
{
	struct buf *b = &d->lines;

	b->n = 0;
	put_verdict(d);
	put_figures(d);
	put_places(d);
	buf_text(b, "#Limits, as pq limits shows them\n");
	buf_add(b, d->limits.s, d->limits.n);
}

void
detail_open(struct detail *d, struct evidence *machine, const struct target *t, const char *title)
{
	struct buf limits = d->limits, lines = d->lines;

	*d = (struct detail){ .open = true, .limits = limits, .lines = lines };
	d->limits.n = 0;
	d->target.pid = t->pid ? arena_copy(&d->arena, text_of(t->pid)) : NULL;
	d->target.cgroup = t->cgroup ? arena_copy(&d->arena, text_of(t->cgroup)) : NULL;
	d->title = arena_copy(&d->arena, text_of(title));
	evidence_join(&d->evidence, machine, &d->target);
	read_limits(d, machine->session.host, machine->session.now.real_ns);
	fill(d);
}

void
detail_take(struct detail *d, const struct sample *from)
{
	d->rows++;
	evidence_row(&d->evidence, from);
	fill(d);
}

void
detail_draw(struct detail *d, struct frame *f, int line, int lines)
{
	frame_at(f, line, 0, STYLE_REVERSE);
	frame_cut(f, d->title, f->width);
	frame_fill(f, STYLE_REVERSE);
	scroll_draw(&d->scroll, f, &d->lines, line + 1, lines - 1);
}

void
detail_close(struct detail *d)
{
	if (!d->open)
		return;
	evidence_part(&d->evidence);
	arena_free(&d->arena);
	d->open = false;
}
