#include "session/sampler.h"

#include <stdlib.h>
#include <string.h>

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
	notes->said[notes->n++] = xstrdup(message);
	s->say(s->about, s->tool, message);
	if (notes->n == NOTES_MOST)
		s->say(s->about, s->tool, "that is enough of messages: further ones are left out");
}

static void
say_on_stderr(void *about, const struct tool *tool, const char *message)
{
	(void)about;
	(void)tool;
	warn("%s", message);
}

void
sampler_begin(
    struct sampler *s, const struct tool *tool, struct host *host, const struct request *ask)
{
	*s = (struct sampler){ .tool = tool, .say = say_on_stderr };
	s->watch = (struct watch){ .host = host, .ask = ask, .note = say_once };
	s->watch.state = arena_alloc(&s->watch.arena, tool->state_size);
	s->table =
	    (struct table){ .columns = tool->columns, .ncolumns = columns_count(tool->columns) };
}

void
sampler_tick(struct sampler *s, const struct moment *m)
{
	s->watch.now_ns = m->mono_ns;
	if (s->tool->tick)
		s->tool->tick(&s->watch);
}

bool
sampler_read(struct sampler *s, const struct moment *m)
{
	struct sample *new = &s->sample[s->now ^= 1];

	arena_reset(&new->arena);
	new->at = *m;
	s->watch.now_ns = m->mono_ns;
	new->data = s->tool->read(&s->watch, &new->arena);
	s->watch.gauge = (struct gauge){ 0 };
	s->taken += new->data && s->taken < 2;
	s->over = !new->data;
	return new->data != NULL;
}

void
sampler_forget(struct sampler *s)
{
	s->taken = 0;
}

bool
sampler_rows(struct sampler *s)
{
	const struct sample *from = sampler_from(s), *to = sampler_to(s);
	int64_t span_ns = to->at.mono_ns - from->at.mono_ns;

	table_clear(&s->table);
	if (s->taken < 2)
		return false;
	if (span_ns <= 0) {
		watch_note(
		    &s->watch, "the clock did not move on between two moments: no row for them");
		return false;
	}
	s->tool->rows(&s->watch, from->data, to->data, (double)span_ns * 1e-9, &s->table);
	return true;
}

const struct sample *
sampler_from(const struct sampler *s)
{
	return &s->sample[s->now ^ 1];
}

const struct sample *
sampler_to(const struct sampler *s)
{
	return &s->sample[s->now];
}

void
sampler_end(struct sampler *s)
{
	table_free(&s->table);
	for (int i = 0; i < 2; i++)
		arena_free(&s->sample[i].arena);
	for (size_t i = 0; i < s->notes.n; i++)
		free(s->notes.said[i]);
	if (s->tool->release)
		s->tool->release(&s->watch);
	arena_free(&s->watch.arena);
}
