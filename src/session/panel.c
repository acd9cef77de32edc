#include "session/panel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "session/signals.h"

static void
keep_note(void *about, const struct tool *tool, const char *message)
{
	struct panel *p = about;

	for (size_t i = 0; i < p->nnotes; i++)
		if (strcmp(p->notes[i].said, message) == 0)
			return;
	if (p->nnotes == PANEL_NOTES)
		return;
	p->notes[p->nnotes].tool = tool;
	p->notes[p->nnotes++].said = xstrdup(message);
}

struct member *
panel_add(struct panel *p, const struct tool *tool, const struct request *ask)
{
	struct member *m = xmalloc(sizeof *m);

	*m = (struct member){ .sampler = {
				  .tool = tool, .ask = *ask, .say = keep_note, .about = p } };
	sampler_begin(&m->sampler, p->host);
	p->v[p->n++] = m;
	return m;
}

/* Looks that take long are made less often, so that they take no more of a CPU than the tool says
 * that they may. */
static void
look(const struct panel *p, struct member *m, const struct moment *at,
    void (*f)(struct sampler *, const struct moment *))
{
	const struct tool *t = m->sampler.tool;
	int64_t before = clock_ns(CLOCK_THREAD_CPUTIME_ID);

	f(&m->sampler, at);
	int64_t cost = clock_ns(CLOCK_THREAD_CPUTIME_ID) - before,
		rest = t->costly_tick && !p->host->replay ? cost * 100 / t->costly_tick : 0;
	m->due_ns = at->mono_ns + (rest > m->every_ns ? rest : m->every_ns);
	if (m->sampler.watch.no_ticks)
		m->every_ns = 0;
}

static void
read_it(struct sampler *s, const struct moment *at)
{
	sampler_read(s, at);
}

static bool
read_member(struct panel *p, struct member *m, const struct moment *at)
{
	look(p, m, at, read_it);
	return m->sampler.has_rows;
}

static void
look_where_due(struct panel *p, const struct moment *at)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i]->read && p->v[i]->every_ns &&
		    (p->host->replay || at->mono_ns >= p->v[i]->due_ns))
			look(p, p->v[i], at, sampler_tick);
}

static void
step(struct panel *p, const struct moment *at)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i]->read && p->v[i]->steps)
			p->v[i]->has_rows = read_member(p, p->v[i], at);
	if (p->stepped)
		p->stepped(p->ctx, p);
}

static void
read_last(struct panel *p, const struct moment *at)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i]->read && !p->v[i]->steps)
			p->v[i]->has_rows = read_member(p, p->v[i], at);
}

static int64_t
earliest(const struct panel *p, int64_t end_ns, int64_t step_due_ns)
{
	int64_t due = end_ns;

	if (p->step_ns && step_due_ns < due)
		due = step_due_ns;
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i]->read && p->v[i]->every_ns && p->v[i]->due_ns < due)
			due = p->v[i]->due_ns;
	return due;
}

bool
panel_begin(struct panel *p)
{
	int got;

	do {
		got = host_next(p->host, 0, MOMENT_ROW, &p->from);
		p->moments -= p->moments > 0;
		/* a window of a tape may begin with some */
	} while (got > 0 && p->from.kind == MOMENT_TICK);
	if (got <= 0)
		return false;
	p->to = p->from;
	for (size_t i = 0; i < p->n; i++)
		p->v[i]->read = (read_member(p, p->v[i], &p->from), !p->v[i]->sampler.over);
	return true;
}

/* The next moment: false when it is the last one, or there is none. A signal, or the end of a
 * child, ends a sleep. */
static bool
go_on(struct panel *p, int64_t due_ns)
{
	int got = host_next(p->host, due_ns, MOMENT_TICK, &p->to);

	if (got > 0)
		return !p->host->replay || --p->moments > 0;
	if (got == 0 || errno != EINTR)
		return false;
	p->to.mono_ns = clock_ns(CLOCK_MONOTONIC);
	p->to.real_ns = clock_ns(CLOCK_REALTIME);
	return true;
}

void
panel_watch(struct panel *p, int64_t span_ns, bool (*over)(void *ctx), void *ctx)
{
	int64_t end_ns = span_ns ? p->from.mono_ns + span_ns : INT64_MAX,
		step_due_ns = p->from.mono_ns + p->step_ns;

	while (!signals_stop() && (!p->host->replay || p->moments > 0) &&
	    go_on(p, earliest(p, end_ns, step_due_ns))) {
		if (p->to.mono_ns >= end_ns || (over && over(ctx)))
			break;
		look_where_due(p, &p->to);
		if (p->step_ns && p->to.mono_ns >= step_due_ns) {
			step(p, &p->to);
			step_due_ns += p->step_ns;
		}
	}
	step(p, &p->to);
	read_last(p, &p->to);
}

double
panel_span_s(const struct panel *p)
{
	return (double)(p->to.mono_ns - p->from.mono_ns) * 1e-9;
}

void
panel_end(struct panel *p)
{
	for (size_t i = 0; i < p->n; i++) {
		sampler_end(&p->v[i]->sampler);
		free(p->v[i]);
	}
	for (size_t i = 0; i < p->nnotes; i++)
		free(p->notes[i].said);
}
