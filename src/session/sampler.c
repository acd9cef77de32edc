#include "session/sampler.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

/* Reading the clock twice costs as much as a cheap tick, so of those only some are measured. */
enum { CHEAP_TICK_NS = 50000, MEASURE_EVERY = 8 };

static void
say_once(struct watch *w, const char *message)
{
	struct sampler *s = (struct sampler *)w;
	struct notes *notes = &s->notes;

	for (size_t i = 0; i < notes->n; i++)
		if (strcmp(notes->said[i], message) == 0)
			return;
	if (notes->n == NOTES_MOST)
		return;
	notes->said[notes->n] = xstrdup(message);
	s->say(s->about, s->tool, notes->said[notes->n++]);
	if (notes->n == NOTES_MOST)
		s->say(s->about, s->tool, "too many notes: further ones are not shown");
}

void
sampler_begin(struct sampler *s, struct host *host)
{
	const struct column *columns = s->tool->columns;

	s->watch = (struct watch){ .host = host,
		.ask = &s->ask,
		.shown = s->watch.shown,
		.nshown = s->watch.nshown,
		.note = say_once };
	s->watch.state = arena_alloc(&s->watch.arena, s->tool->state_size);
	s->table = (struct table){ .columns = columns, .ncolumns = columns_count(columns) };
	s->notes.n = 0;
	s->taken = 0;
	s->over = s->has_rows = false;
}

void
sampler_start_ticks(struct sampler *s, int64_t now_ns, int64_t interval_ns)
{
	s->every_ns = s->tick_ns < interval_ns ? s->tick_ns : 0;
	s->watch.ticks = s->every_ns > 0;
	s->ticked_ns = now_ns;
	s->owed_ns = 0;
}

int64_t
sampler_due_ns(const struct sampler *s)
{
	return s->every_ns && !s->over ? s->ticked_ns + s->every_ns : INT64_MAX;
}

/* Moves on to the last place on the grid that has passed, or further if the ticks owe more. */
static void
ticked(struct sampler *s, int64_t now_ns, int64_t cost_ns)
{
	int64_t every = s->every_ns, ahead = s->ahead_ns;

	int64_t passed = now_ns > s->ticked_ns ? (now_ns - s->ticked_ns) / every * every : 0;
	s->owed_ns += cost_ns * 100 - passed;
	s->owed_ns = s->owed_ns > 0 ? s->owed_ns : 0;
	int64_t skipped = s->owed_ns > ahead ? (s->owed_ns - ahead) / every * every : 0;
	s->owed_ns -= skipped;
	s->watch.left_out += (uint64_t)(skipped / every);
	s->ticked_ns += passed + skipped;
}

void
sampler_tick(struct sampler *s, const struct sample *m)
{
	unsigned share = s->every_ns && !s->watch.host->replay ? s->tool->costly_tick : 0;
	bool measured = share && (s->tick_ran_ns > CHEAP_TICK_NS || s->ticks % MEASURE_EVERY == 0);
	int64_t cost_ns = 0;

	s->watch.now_ns = m->mono_ns;
	if (!s->tool->tick)
		return;
	s->watch.gauge.last = NAN;
	s->ticks++;
	int64_t before_ns = measured ? clock_ns(CLOCK_THREAD_CPUTIME_ID) : 0;
	s->tool->tick(&s->watch);
	if (measured)
		s->tick_ran_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - before_ns;
	if (share)
		cost_ns = s->tick_ran_ns / share;
	if (s->watch.no_ticks)
		s->every_ns = 0;
	if (s->every_ns)
		ticked(s, m->mono_ns, cost_ns);
}

static bool
make_rows(struct sampler *s)
{
	const struct sampled *to = &s->sample[s->now], *from = &s->sample[s->now ^ 1];
	int64_t span_ns = to->at.mono_ns - from->at.mono_ns;

	table_clear(&s->table);
	if (s->taken < 2)
		return false;
	if (span_ns <= 0) {
		watch_note(
		    &s->watch, "the clock did not advance between two samples: no row for them");
		return false;
	}
	s->tool->rows(&s->watch, from->data, to->data, (double)span_ns * 1e-9, &s->table);
	return true;
}

bool
sampler_read(struct sampler *s, const struct sample *m)
{
	sampler_tick(s, m);
	struct sampled *new = &s->sample[s->now ^= 1];
	arena_reset(&new->arena);
	new->at = *m;
	new->data = s->tool->read(&s->watch, &new->arena);
	s->watch.gauge = (struct gauge){ .last = s->watch.gauge.last };
	s->taken += new->data && s->taken < 2;
	s->over = !new->data;
	s->has_rows = !s->over && !s->unseen && make_rows(s);
	if (s->adds_up && s->has_rows)
		total_add(&s->total, &s->table);
	return !s->over;
}

void
sampler_forget(struct sampler *s)
{
	s->taken = 0;
}

const struct table *
sampler_table(const struct sampler *s)
{
	if (s->adds_up)
		return s->total.table.nrows > 0 ? &s->total.table : NULL;
	return s->has_rows ? &s->table : NULL;
}

struct rows
sampler_rows(struct sampler *s)
{
	const struct sample *to = &s->sample[s->now].at, *from = &s->sample[s->now ^ 1].at;

	return (struct rows){ s->has_rows ? &s->table : NULL, to->real_ns, from->real_ns,
		(double)(to->mono_ns - from->mono_ns) * 1e-9 };
}

void
sampler_end(struct sampler *s)
{
	table_free(&s->table);
	total_free(&s->total);
	for (int i = 0; i < 2; i++)
		arena_free(&s->sample[i].arena);
	for (size_t i = 0; i < s->notes.n; i++)
		free(s->notes.said[i]);
	if (s->tool->release)
		s->tool->release(&s->watch);
	arena_free(&s->watch.arena);
}
