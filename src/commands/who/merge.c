#include "commands/who/merge.h"

#include <stdlib.h>
#include <string.h>

#include "base/fail.h"

static bool
is_earlier(const struct sched_event *a, const struct sched_event *b)
{
	return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->cpu < b->cpu;
}

void
merge_event(struct merge *m, const struct sched_event *e)
{
	if (m->n == 0 || is_earlier(e, &m->v[m->n - 1])) {
		m->runs = xgrow(m->runs, m->nruns, &m->runs_room, sizeof *m->runs);
		m->runs[m->nruns++] = m->n;
	}
	m->v = xgrow(m->v, m->n, &m->room, sizeof *m->v);
	m->v[m->n++] = *e;
}

void
merge_loss(struct merge *m, const struct switch_loss *l)
{
	m->losses = xgrow(m->losses, m->nlosses, &m->losses_room, sizeof *m->losses);
	m->losses[m->nlosses++] = *l;
}

/* Merges the events from `a` up to `b` with those from there up to `c`. Equal ones keep their order. */
static void
merge_two(const struct merge *m, size_t a, size_t b, size_t c)
{
	size_t i = a, k = b;

	for (size_t to = a; to < c; to++) {
		bool second = i == b || (k < c && is_earlier(&m->v[k], &m->v[i]));
		m->spare[to] = m->v[second ? k++ : i++];
	}
}

/* Halves the number of runs. */
static void
merge_pairs(struct merge *m)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->nruns; i += 2) {
		size_t a = m->runs[i], b = i + 1 < m->nruns ? m->runs[i + 1] : m->n,
		       c = i + 2 < m->nruns ? m->runs[i + 2] : m->n;
		merge_two(m, a, b, c);
		m->runs[kept++] = a;
	}
	m->nruns = kept;
	struct sched_event *v = m->v;
	size_t room = m->room;
	m->v = m->spare;
	m->room = m->spare_room;
	m->spare = v;
	m->spare_room = room;
}

static int
compare_losses(const void *a, const void *b)
{
	const struct switch_loss *x = a, *y = b;

	return x->from_ns < y->from_ns ? -1 : x->from_ns > y->from_ns;
}

void
merge_done(struct merge *m)
{
	m->n -= m->end;
	if (m->n > 0)
		memmove(m->v, m->v + m->end, m->n * sizeof *m->v);
	m->nlosses -= m->next_loss;
	if (m->nlosses > 0)
		memmove(m->losses, m->losses + m->next_loss, m->nlosses * sizeof *m->losses);
	m->next = m->end = m->next_loss = m->nruns = 0;
	if (m->n > 0)
		m->runs[m->nruns++] = 0;
}

void
merge_begin(struct merge *m, uint64_t to_ns)
{
	if (m->spare_room < m->room) {
		m->spare = xrealloc(m->spare, m->room * sizeof *m->spare);
		m->spare_room = m->room;
	}
	while (m->nruns > 1)
		merge_pairs(m);
	if (m->nlosses > 0)
		qsort(m->losses, m->nlosses, sizeof *m->losses, compare_losses);
	m->next = m->next_loss = 0;
	for (m->end = m->n; m->end > 0 && m->v[m->end - 1].at_ns > to_ns;)
		m->end--;
}

const struct sched_event *
merge_next(struct merge *m)
{
	return m->next < m->end ? &m->v[m->next++] : NULL;
}

bool
merge_next_loss(struct merge *m, uint64_t at_ns, struct switch_loss *out)
{
	if (m->next_loss == m->nlosses || m->losses[m->next_loss].from_ns > at_ns)
		return false;
	*out = m->losses[m->next_loss++];
	return true;
}

void
merge_free(struct merge *m)
{
	free(m->v);
	free(m->spare);
	free(m->runs);
	free(m->losses);
}
