/* rows: the session of pq top: what it reads, its rows, and the time of a recording. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "cli/open.h"
#include "cli/signals.h"
#include "commands/top/top.h"
#include "tools/wait/wait.h"

static const int64_t MINUTE_NS = INT64_C(60) * 1000000000;
static const int64_t FAR_NS = INT64_C(30000000) * 1000000000; /* a year */
static const int64_t WAITS_NS = INT64_C(10) * 1000000000; /* the places of all threads cost most */

static void
keep_note(void *about, const struct tool *tool, const char *message)
{
	struct top *t = about;
	char line[1100];

	snprintf(line, sizeof line, "%s: %s", tool->name, message);
	for (size_t i = 0; i < t->nnotes; i++)
		if (strcmp(t->notes[i], line) == 0)
			return;
	if (t->nnotes < TOP_NOTES)
		t->notes[t->nnotes++] = xstrdup(line);
}

static struct sampler *
add_sampler(struct top *t, const struct tool *tool, const void *options)
{
	struct request ask = { .options = options };
	struct sampler *v = session_add(&t->machine.session, tool, &ask);

	v->tick_ns = 0;
	return v;
}

/* Each thread, as a place may have threads of many processes. */
static void
add_wait(struct top *t)
{
	struct wait_options *o = tool_defaults(&tool_wait, &t->arena, 0);

	o->threads = true;
	t->samplers.wait = add_sampler(t, &tool_wait, o);
	if (!t->host->replay && t->interval_ns < WAITS_NS)
		t->samplers.wait->planned = (uint64_t)(WAITS_NS / t->interval_ns);
}

static void
add_threads(struct top *t)
{
	struct tasks_options *o = tool_defaults(&tool_tasks, &t->arena, 0);

	o->threads = true;
	t->samplers.threads = add_sampler(t, &tool_tasks, o);
}

static struct host *
open_top_host(struct top *t, const struct sample *from)
{
	struct host *h = open_host(t->options);

	if (from)
		host_tape_skip(h, from);
	if (h->replay || !t->screen)
		return h;
	return ring_begin(&t->ring, h, t->own->keep, t->interval_ns);
}

/* `from`: the first sample that is read of a recording; NULL: all are. */
static bool
begin(struct top *t, const struct sample *from)
{
	struct session *s = &t->machine.session;

	t->host = open_top_host(t, from);
	evidence_of_rows(&t->machine, t->options, t->host, t->interval_ns);
	s->say = keep_note;
	s->about = t;
	add_wait(t);
	if (t->list.view == VIEW_THREADS)
		add_threads(t);
	t->runs = true;
	t->ended = false;
	if (!session_start(s) || !session_begin(s))
		return false;
	t->last = s->now;
	t->panel.real_ns = s->now.real_ns;
	ring_keep(&t->ring, s, true);
	return true;
}

bool
top_begin(struct top *t)
{
	return begin(t, NULL);
}

static void
end_session(struct top *t)
{
	if (!t->runs)
		return;
	top_close_detail(t);
	evidence_end(&t->machine);
	arena_free(&t->arena);
	t->samplers = (struct list_samplers){ NULL, NULL };
	t->runs = false;
}

void
top_end(struct top *t)
{
	end_session(t);
	ring_end(&t->ring);
	for (size_t i = 0; i < t->nnotes; i++)
		free(t->notes[i]);
	free(t->frozen);
	list_free(&t->list);
	frame_free(&t->frame);
	buf_free(&t->detail.limits);
	buf_free(&t->detail.lines);
}

static void
take_row(struct top *t)
{
	struct session *s = &t->machine.session;
	struct sample from = t->last;

	t->last = s->now;
	t->previous = t->shown;
	t->shown = s->now;
	evidence_row(&t->machine, &from);
	panel_take(&t->panel, &t->machine, &from);
	if (!t->frozen)
		list_take(&t->list, &t->machine, &t->samplers);
	if (t->detail.open && !t->frozen)
		detail_take(&t->detail, &from);
	else if (t->detail.open)
		t->detail.rows++;
}

bool
top_step(struct top *t)
{
	enum session_event event = session_next(&t->machine.session);
	const struct sample *now = &t->machine.session.now;

	if (event == SESSION_END)
		t->ended = true;
	if (event == SESSION_END || event == SESSION_WOKEN)
		return false;
	ring_keep(&t->ring, &t->machine.session, event == SESSION_ROW);
	if (now->restarted) /* no row spans a reboot */
		t->last = *now;
	if (event != SESSION_ROW || !sample_before(&t->last, now))
		return false;
	take_row(t);
	return true;
}

bool
top_next_row(struct top *t)
{
	while (!t->ended && !signals_stop())
		if (top_step(t))
			return true;
	return false;
}

/* ---- The time of a recording */

/* The details that were open, to be opened again. */
struct reopening {
	struct arena arena;
	struct target target;
	const char *title; /* NULL: none were open */
};

static void
remember_detail(const struct top *t, struct reopening *r)
{
	const struct target *of = &t->detail.target;

	*r = (struct reopening){ .title = NULL };
	if (!t->detail.open)
		return;
	r->target.pid = of->pid ? arena_copy(&r->arena, text_of(of->pid)) : NULL;
	r->target.cgroup = of->cgroup ? arena_copy(&r->arena, text_of(of->cgroup)) : NULL;
	r->title = arena_copy(&r->arena, text_of(t->detail.title));
}

/* Whether it can be read from any sample on: a captured directory is read from its beginning. */
static bool
is_tape(const struct top *t)
{
	struct stat st;

	return stat(t->options->source, &st) == 0 && S_ISREG(st.st_mode);
}

bool
top_can_seek(const struct top *t)
{
	return t->host->replay && strcmp(t->options->source, "-") != 0;
}

/* Opens a recording again at `from`, and goes on to the row that ends at `to`, or the first one after it. */
static void
open_again(struct top *t, const struct sample *from, const struct sample *to)
{
	struct reopening detail;

	remember_detail(t, &detail);
	end_session(t);
	memset(&t->panel, 0, sizeof t->panel);
	bool there = begin(t, from);
	if (there && detail.title)
		top_open_detail(t, &detail.target, detail.title);
	arena_free(&detail.arena);
	if (there)
		do
			there = top_next_row(t);
		while (there && sample_before(&t->shown, to));
}

/* A recording is read forwards only: it is opened again, a minute before the row, so that the sparklines are
 * whole. In a gap there is nothing a minute before: it goes further back until there is a row. */
bool
top_seek(struct top *t, const struct sample *to)
{
	const struct sample wanted = *to;
	struct sample from = wanted;
	bool tape = is_tape(t);

	for (int64_t back_ns = MINUTE_NS;; back_ns *= 16) {
		from.mono_ns = wanted.mono_ns - back_ns;
		bool whole = !tape || from.mono_ns < 0 || back_ns > FAR_NS;
		open_again(t, whole ? NULL : &from, &wanted);
		if (whole || t->panel.taken > 1 || signals_stop())
			return t->panel.taken > 0;
	}
}

/* ---- What is shown */

void
top_view(struct top *t, enum list_view v)
{
	bool threads = v == VIEW_THREADS;

	if (v == t->list.view)
		return;
	t->list.view = v;
	free(t->list.selected);
	t->list.selected = NULL;
	if (threads) {
		add_threads(t);
		session_join(&t->machine.session, t->samplers.threads);
	} else if (t->samplers.threads) {
		session_leave(&t->machine.session, t->samplers.threads);
		t->samplers.threads = NULL;
	}
	if (t->panel.taken > 0)
		list_take(&t->list, &t->machine, &t->samplers);
}

void
top_open_detail(struct top *t, const struct target *target, const char *title)
{
	top_close_detail(t);
	detail_open(&t->detail, &t->machine, target, title);
	t->page = PAGE_DETAIL;
}

void
top_close_detail(struct top *t)
{
	detail_close(&t->detail);
	t->page = t->page == PAGE_DETAIL ? PAGE_LIST : t->page;
}

void
top_freeze(struct top *t, bool frozen)
{
	if (frozen == (t->frozen != NULL))
		return;
	if (!frozen) {
		free(t->frozen);
		t->frozen = NULL;
		return;
	}
	t->frozen = xmalloc(sizeof *t->frozen);
	*t->frozen = t->panel;
}
