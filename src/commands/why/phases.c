/* phases: what the rows of a cgroup were before and after a limit was changed. A row is judged by the
 * limit that held for all of it; the step in which a limit was changed belongs to no phase. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "commands/limit_words.h"
#include "commands/why/why.h"

/* The phases of one cgroup so far. */
struct phases_of {
	struct phase present, first, worst;
	unsigned ended;
};

static const struct phase none = { .limit = NAN, .hard = NAN, .hard_pct = NAN };

/* How bad it was, for comparisons. */
static double
badness(const struct phase *p)
{
	return p->periods > 0 ? p->throttled / p->periods : p->hits > 0 ? p->hard_pct : 0;
}

const struct phase *
phase_worst(const struct phases *v, const char *cgroup)
{
	int i = map_find(&v->cgroups, text_of(cgroup));

	if (i < 0)
		return &none;
	const struct phases_of *g = &v->v[i];
	return g->ended && badness(&g->worst) > badness(&g->present) ? &g->worst : &g->present;
}

const struct phase *
phase_first(const struct phases *v, const char *cgroup)
{
	int i = map_find(&v->cgroups, text_of(cgroup));

	return i < 0 ? &none : v->v[i].ended ? &v->v[i].first : &v->v[i].present;
}

const struct phase *
phase_last(const struct phases *v, const char *cgroup)
{
	int i = map_find(&v->cgroups, text_of(cgroup));

	return i < 0 ? &none : &v->v[i].present;
}

static struct phases_of *
of_cgroup(struct phases *v, const char *cgroup)
{
	uint32_t known = v->cgroups.n, i = map_put(&v->cgroups, text_of(cgroup));

	if (i == v->room) {
		v->room = v->room ? 2 * v->room : 16;
		v->v = xrealloc(v->v, v->room * sizeof *v->v);
	}
	if (i == known)
		v->v[i] = (struct phases_of){ none, none, none, 0 };
	return &v->v[i];
}

static void
end_phase(struct phases_of *g)
{
	if (!(g->present.span_s > 0))
		return;
	if (g->ended++ == 0)
		g->first = g->present;
	if (g->ended == 1 || badness(&g->present) > badness(&g->worst))
		g->worst = g->present;
	g->present = none;
}

static void
add_row(struct phase *to, const struct phase *row)
{
	to->from_ns = to->span_s > 0 ? to->from_ns : row->from_ns;
	to->to_ns = row->to_ns;
	to->span_s += row->span_s;
	to->limit = row->limit;
	to->periods += row->periods;
	to->throttled += row->throttled;
	to->held_s += row->held_s;
	to->hits += row->hits;
	to->kills += row->kills;
	if (!(row->hard_pct <= to->hard_pct)) {
		to->hard = row->hard;
		to->hard_pct = row->hard_pct;
	}
}

/* Whether a limit of that kind was changed between these two samples, so that the row has two. More
 * changes than are kept may be of any cgroup. */
static bool
is_mixed(
    const struct evidence *e, enum limit_kind kind, const char *cgroup, const struct sampled *from)
{
	const struct limit_changes *c = &e->changes;
	size_t n = limit_changes_kept(c);

	for (size_t i = 0; i < n; i++) {
		const struct limit_change *one = limit_changes_get(c, i);
		if (one->at.mono_ns > from->at.mono_ns &&
		    ((one->kind == kind && limit_change_affects(one, cgroup)) ||
			(i == CHANGES_END && c->total > n)))
			return true;
	}
	return false;
}

/* The rows of the last step, unless they were taken already. */
static void
take(struct evidence *e, const struct sampler *s, enum limit_kind kind, struct phases *v,
    struct phase (*phase_of)(const struct cell *row, double span_s))
{
	const struct sampled *to = &s->sample[s->now], *from = &s->sample[s->now ^ 1];

	if (!s->has_rows || s->taken < 2 || v->taken_ns == to->at.mono_ns)
		return;
	v->taken_ns = to->at.mono_ns;
	for (size_t i = 0; i < s->table.nrows; i++) {
		const struct cell *row = table_at(&s->table, i);
		const char *cgroup = row[0].label ? row[0].label : "";
		struct phases_of *g = of_cgroup(v, cgroup);
		if (is_mixed(e, kind, cgroup, from)) {
			end_phase(g);
			continue;
		}
		struct phase p = phase_of(row, (double)(to->at.mono_ns - from->at.mono_ns) * 1e-9);
		p.from_ns = from->at.real_ns;
		p.to_ns = to->at.real_ns;
		add_row(&g->present, &p);
	}
}

static struct phase
throttle_phase(const struct cell *row, double span_s)
{
	return (struct phase){ .span_s = span_s,
		.limit = row[THROTTLE_LIMIT].num,
		.periods = row[THROTTLE_PERIODS].num,
		.throttled = row[THROTTLE_THROTTLED].num,
		.held_s = row[THROTTLE_HELD].num * span_s,
		.hard = NAN,
		.hard_pct = NAN };
}

static struct phase
mem_phase(const struct cell *row, double span_s)
{
	return (struct phase){ .span_s = span_s,
		.limit = row[MEM_LIMIT].num,
		.hits = row[MEM_MAX].num,
		.kills = row[MEM_OOM_KILL].num,
		.hard = row[MEM_HARD].num,
		.hard_pct = row[MEM_HARD_PCT].num };
}

void
phases_take(struct evidence *e)
{
	take(e, e->throttle.of, LIMIT_QUOTA, &e->quota_phases, throttle_phase);
	take(e, e->mem_step.of, LIMIT_MEMORY, &e->memory_phases, mem_phase);
}

void
phases_free(struct phases *v)
{
	map_free(&v->cgroups);
	free(v->v);
}

unsigned
changes_of(const struct evidence *e, enum limit_kind kind, const char *cgroup,
    const struct limit_change **last)
{
	unsigned n = 0;

	for (size_t i = 0; i < limit_changes_kept(&e->changes); i++) {
		const struct limit_change *one = limit_changes_get(&e->changes, i);
		if (one->kind != kind || !limit_change_affects(one, cgroup))
			continue;
		*last = one;
		n++;
	}
	return n;
}

/* "quota of /web changed 1.00 -> 4.00 CPUs at 17:11:02". */
void
tell_change(const struct evidence *e, enum limit_kind kind, const char *cgroup, struct figure then,
    struct finding *f)
{
	const struct limit_change *last = NULL;
	unsigned n = changes_of(e, kind, cgroup, &last);
	struct buf b = { 0 };

	if (n == 0)
		return;
	limit_change_text(&e->changes, last, &b);
	limit_change_when(last, e->utc, false, &b);
	buf_char(&b, '\0');
	finding_fact(f, "{}[, the last of {} changes]{}", name(b.s),
	    fixed(n > 1 ? (double)n : NAN, 0), then);
	buf_free(&b);
}
