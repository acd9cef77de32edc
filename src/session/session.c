#include "session/session.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "cli/open.h"
#include "cli/signals.h"
#include "tools/targets.h"

static const int64_t SECOND = 1000000000, AGAIN_NS = 2000000000, NEVER = INT64_MAX / 2;

/* Keeps a note unless it is kept already. */
static void
keep_note(struct session *s, const struct tool *tool, const char *message)
{
	for (size_t i = 0; i < s->nnotes; i++)
		if (strcmp(s->notes[i].said, message) == 0)
			return;
	if (s->nnotes == SESSION_NOTES)
		return;
	s->notes[s->nnotes].tool = tool;
	s->notes[s->nnotes++].said = message;
}

static void
take_note(void *about, const struct tool *tool, const char *message)
{
	struct session *s = about;

	if (s->quiet)
		return;
	if (s->say)
		s->say(s->about, tool, message);
	else
		keep_note(s, tool, message);
}

struct sampler *
session_add(struct session *s, const struct tool *tool, const struct request *ask)
{
	struct sampler *new = xmalloc(sizeof *new);

	if (s->n == SAMPLERS_MOST)
		die(EXIT_FAILED, "more than %d tools at once", SAMPLERS_MOST);
	*new = (struct sampler){ .tool = tool, .ask = *ask, .say = take_note, .about = s };
	for (size_t i = 0; tools[i]; i++)
		if (strcmp(tools[i]->name, tool->name) == 0)
			new->last_left = s->last_left[i];
	new->steps = new->adds_up = s->whole && tool->adds_up;
	s->v[s->n++] = new;
	return new;
}

static bool
is_target(const char *recorded, const char *option, const char *name)
{
	return name && strncmp(recorded, option, 3) == 0 && strcmp(recorded + 3, name) == 0;
}

/* Whether the recorded tool read the files of this target: it was told to, or reads all if it is not
 * told. A tool that takes -a reads the cgroups of pq itself if it is not told. */
static bool
has_target(const char *recorded, const struct tool *tool, const struct target *t)
{
	return !tool_takes(tool, &option_all) || strncmp(recorded, "-a", 2) == 0 ||
	    (!t->pid && !t->cgroup && !t->all) || is_target(recorded, "-p ", t->pid) ||
	    is_target(recorded, "-g ", t->cgroup);
}

/* The tools of a recording that did not read this sample have the text of an earlier one there. Files
 * of a target that the tool did not read are there if another tool read them, which may be any. */
static bool
is_there(const struct session *s, const struct sampler *v)
{
	const struct host *h = s->host;

	if (!h->replay || !*h->left_out)
		return true;
	return has_target(h->asked, v->tool, &v->ask.target) && !host_left_out(h, v->tool->name);
}

static bool
any_is_there(const struct session *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (is_there(s, s->v[i]))
			return true;
	return s->n == 0;
}

static int64_t
interval_of(const struct session *s)
{
	return s->interval_ns ? s->interval_ns : s->whole ? NEVER : SECOND;
}

/* Rows are numbered from the start of the schedule, which is row 0. The next one is the first that a
 * sampler is due for. */
static void
go_to_next_row(struct session *s, int64_t interval_ns)
{
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; i < s->n; i++)
		next = s->v[i]->due_row < next ? s->v[i]->due_row : next;
	s->row_ns += (int64_t)(next - s->row) * interval_ns;
	s->row = next;
}

/* On a live host, with an interval of whole seconds, rows are due at whole seconds of the wall clock,
 * so that rows of two machines can be compared. The first row is longer for that, never shorter. */
static int64_t
alignment_ns(const struct session *s, int64_t interval_ns)
{
	int64_t past_ns = s->now.real_ns % SECOND;

	if (!s->interval_ns || s->first_ns || s->whole || s->host->replay ||
	    interval_ns % SECOND != 0 || past_ns == 0)
		return 0;
	return SECOND - past_ns;
}

/* Starts the grids of rows and ticks, which do not drift, at this sample. */
static void
start_schedule(struct session *s)
{
	int64_t interval_ns = s->first_ns ? s->first_ns : interval_of(s);

	s->rows = s->missed = 0;
	s->could_ns = s->now.mono_ns;
	s->row = 0;
	s->row_ns = s->now.mono_ns + alignment_ns(s, interval_ns);
	s->step_due_ns = s->now.mono_ns + s->step_ns;
	for (size_t i = 0; i < s->n; i++) {
		struct sampler *v = s->v[i];
		v->planned = v->planned ? v->planned : 1;
		v->every = v->every > v->planned ? v->every : v->planned;
		v->due_row = v->early ? 1 : v->every;
		sampler_start_ticks(v, s->now.mono_ns, interval_ns);
	}
	go_to_next_row(s, interval_ns);
}

/* The row at whose deadline this sample is; later than s->row if deadlines have passed. */
static uint64_t
present_row(const struct session *s)
{
	int64_t late_ns = s->now.mono_ns - s->row_ns;

	return s->row + (late_ns > 0 ? (uint64_t)(late_ns / interval_of(s)) : 0);
}

/* Deadlines that have passed since the row was due are missed. */
static void
row_done(struct session *s)
{
	uint64_t present = present_row(s), least = UINT64_MAX;

	if (s->first_ns) { /* an early row: the schedule starts at it */
		s->first_ns = 0;
		start_schedule(s);
		return;
	}
	s->late_ns = s->now.mono_ns - s->row_ns;
	s->rows++;
	for (size_t i = 0; i < s->n; i++) {
		struct sampler *v = s->v[i];
		if (v->due_row <= present)
			v->due_row = (present / v->every + 1) * v->every;
		least = v->every < least ? v->every : least;
	}
	s->missed += (present - s->row) / least;
	go_to_next_row(s, interval_of(s));
}

static bool
may_come_again(const struct session *s, const struct sampler *v)
{
	return s->lasting && !v->ask.target.pid;
}

/* Now and then begins an ended sampler again: a cgroup comes back if its service is restarted. A
 * process does not. */
static void
try_again(struct session *s, struct sampler *v)
{
	if (!may_come_again(s, v) || s->now.mono_ns < v->sample[v->now].at.mono_ns + AGAIN_NS)
		return;
	s->quiet = true;
	sampler_end(v);
	sampler_begin(v, s->host);
	sampler_read(v, &s->now);
	s->quiet = false;
	if (!v->over)
		take_note(s, v->tool, "data is available again");
}

/* read_ends may have read it at this sample already. */
static void
read_steps(struct session *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct sampler *v = s->v[i];
		if (v->steps && !v->over && v->sample[v->now].at.mono_ns != s->now.mono_ns)
			sampler_read(v, &s->now);
	}
	s->step_due_ns += s->step_ns;
}

/* A step waits for a sample that has all tools that are read at steps. */
static bool
is_step(const struct session *s)
{
	if (!s->step_ns || s->now.mono_ns < s->step_due_ns)
		return false;
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i]->steps && !is_there(s, s->v[i]))
			return false;
	return true;
}

/* ---- The budget */

/* The CPU time since this was last called. */
static int64_t
spend(struct session *s)
{
	int64_t now_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID), spent_ns = now_ns - s->spent_ns;

	s->spent_ns = now_ns;
	return spent_ns;
}

/* Counts the last row: each sampler's read, and its part of the time that the session and its caller
 * used for the row. */
static void
count_cost(struct session *s)
{
	double rest_ns = (double)spend(s), all_ns = 0;

	for (size_t i = 0; i < s->n; i++)
		all_ns += s->v[i]->sampled ? s->v[i]->read_ns : 0;
	for (size_t i = 0; i < s->n && all_ns > 0; i++) {
		struct sampler *v = s->v[i];
		if (!v->sampled || v->reads++ < 2)
			continue;
		double cost_ns = v->read_ns * (1 + rest_ns / all_ns);
		v->cost_ns += (cost_ns - v->cost_ns) / (v->reads == 3 ? 1 : 4);
	}
}

/* The share of a CPU that a sampler takes if it is read at each every-th row. */
static double
share_of(const struct session *s, const struct sampler *v, uint64_t every)
{
	return v->over ? 0 : v->cost_ns / ((double)every * (double)interval_of(s));
}

static double
share_of_others(const struct session *s, const struct sampler *but)
{
	double share = 0;

	for (size_t i = 0; i < s->n; i++)
		share += s->v[i] != but ? share_of(s, s->v[i], s->v[i]->every) : 0;
	return share;
}

/* How rarely to read a sampler so that all of them take this share of a CPU; at most 60 s apart. */
static uint64_t
every_within(const struct session *s, const struct sampler *v, double share)
{
	const double most = fmax(60e9 / (double)interval_of(s), (double)v->planned),
		     left = share - share_of_others(s, v);
	double every =
	    left > 0 ? ceil(v->cost_ns / (left * (double)interval_of(s))) : 2 * (double)v->every;

	every = fmin(every, most);
	return every > (double)v->planned ? (uint64_t)every : v->planned;
}

static void
slow_down(struct session *s, struct sampler *v)
{
	uint64_t every = every_within(s, v, 0.9 * s->budget);
	double ms = (double)interval_of(s) * 1e-6;

	if (every <= v->every)
		return;
	if (!v->slowed)
		watch_note(&v->watch,
		    "reading it every %g ms takes %.1f %% of a CPU; it is read every %g ms, to "
		    "stay "
		    "within %g %%",
		    (double)v->every * ms, 100 * share_of(s, v, v->every), (double)every * ms,
		    100 * s->budget);
	v->slowed = true;
	v->every = every;
}

/* Reads the costliest sampler less often while the budget is exceeded, and others more often again
 * when there is room. */
static void
keep_budget(struct session *s)
{
	struct sampler *worst = NULL;

	for (size_t i = 0; i < s->n; i++) {
		struct sampler *v = s->v[i];
		uint64_t every = v->every > v->planned ? every_within(s, v, 0.7 * s->budget) : 0;
		if (every > 0 && (every == v->planned || 2 * every <= v->every))
			v->every = every;
		if (!worst || share_of(s, v, v->every) > share_of(s, worst, worst->every))
			worst = v;
	}
	if (worst && share_of_others(s, NULL) > s->budget)
		slow_down(s, worst);
}

static bool
has_budget(const struct session *s)
{
	return s->budget > 0 && !s->whole && !s->host->replay;
}

/* As sampler_read, and measures it. */
static void
read_measured(struct session *s, struct sampler *v)
{
	sampler_read(v, &s->now);
	if (has_budget(s))
		v->read_ns = (double)spend(s);
}

/* Whether the row reads this sampler. */
static bool
is_due(const struct session *s, const struct sampler *v, uint64_t row)
{
	if (s->whole)
		return !v->closed && is_there(s, v);
	return s->host->replay ? is_there(s, v) : v->due_row <= row;
}

/* Reads the samplers that are due for a row. */
static enum session_event
read_row(struct session *s)
{
	uint64_t row = present_row(s);
	bool any = false;

	if (has_budget(s)) {
		count_cost(s);
		keep_budget(s);
	}

	for (size_t i = 0; i < s->n; i++) {
		struct sampler *v = s->v[i];
		v->sampled = is_due(s, v, row);
		if (v->sampled && v->over)
			try_again(s, v);
		else if (v->sampled)
			read_measured(s, v);
		any |= !v->over || may_come_again(s, v);
	}
	s->done = s->whole || !any;
	if (!s->done)
		row_done(s);
	return s->whole || any ? SESSION_ROW : SESSION_END;
}

static void
tell_target(struct sampler *v)
{
	const struct host *h = v->watch.host;
	const struct target *t = &v->ask.target;
	char words[320];

	if (!h->replay || !*h->tools || has_target(h->asked, v->tool, t))
		return;
	target_words(t, words);
	watch_note(&v->watch,
	    "the recording was made without -a: %s has rows only where all tools of the recording "
	    "took a sample",
	    words);
}

/* Whether an earlier note says the same. */
static bool
is_said_before(const struct session *s, size_t note)
{
	for (size_t i = 0; i < note; i++)
		if (strcmp(s->notes[i].said, s->notes[note].said) == 0)
			return true;
	return false;
}

bool
session_note_tools(const struct session *s, size_t note, const char *lead, struct buf *b)
{
	if (is_said_before(s, note))
		return false;
	buf_text(b, lead);
	buf_text(b, s->notes[note].tool->name);
	for (size_t i = note + 1; i < s->nnotes; i++) {
		if (strcmp(s->notes[i].said, s->notes[note].said) != 0)
			continue;
		buf_text(b, ", ");
		buf_text(b, s->notes[i].tool->name);
	}
	return true;
}

/* The first sample says which cgroup a name means. */
static void
resolve(struct session *s, struct target *t)
{
	char why[1024];

	if (!targets_resolve(s->host, &s->resolved, t, why))
		die(EXIT_USAGE, "%s", why);
}

bool
session_begin(struct session *s)
{
	bool any = false;

	s->from = s->now;
	for (size_t i = 0; i < s->n; i++) {
		struct sampler *v = s->v[i];
		if (v->watch.host)
			sampler_end(v);
		resolve(s, &v->ask.target);
		sampler_begin(v, s->host);
		tell_target(v);
	}
	start_schedule(s);
	for (size_t i = 0; i < s->n && !s->refused; i++) {
		s->v[i]->sampled = is_there(s, s->v[i]);
		any |= !s->v[i]->sampled || sampler_read(s->v[i], &s->now);
		if (s->lasting && s->v[i]->watch.fail == EXIT_USAGE)
			s->refused = EXIT_USAGE;
	}
	return any && !s->refused;
}

/* Counters of different boots cannot be compared: the next row begins at this sample. */
static void
begin_after_boot(struct session *s)
{
	warn("%s: the machine was rebooted here; rows continue after the reboot",
	    s->options->source);
	for (size_t i = 0; i < s->n; i++)
		sampler_forget(s->v[i]);
	start_schedule(s);
}

/* If samples are closer than rows, the sample nearest to the deadline makes the row. */
static bool
is_nearest(struct session *s)
{
	int64_t spacing_ns = s->now.mono_ns - s->could_ns;

	s->could_ns = s->now.mono_ns;
	return s->now.mono_ns + spacing_ns / 2 >= s->row_ns;
}

static bool
is_row(struct session *s)
{
	if (s->over && s->over(s->about))
		return true;
	if (s->host->replay && s->whole)
		return s->left == 0;
	if (s->now.kind != SAMPLE_ROW || !any_is_there(s))
		return false;
	return !s->host->replay || !s->interval_ns || is_nearest(s);
}

/* The earliest tick or step that is due. */
static int64_t
due_between_ns(const struct session *s)
{
	int64_t due_ns = s->step_ns ? s->step_due_ns : INT64_MAX;

	for (size_t i = 0; i < s->n; i++) {
		int64_t tick_ns = sampler_due_ns(s->v[i]);
		due_ns = tick_ns < due_ns ? tick_ns : due_ns;
	}
	return due_ns;
}

void
session_join(struct session *s, struct sampler *v)
{
	resolve(s, &v->ask.target);
	sampler_begin(v, s->host);
	tell_target(v);
	v->planned = v->every = 1;
	v->due_row = s->row;
	sampler_start_ticks(v, s->now.mono_ns, interval_of(s));
}

void
session_leave(struct session *s, struct sampler *v)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->n; i++)
		if (s->v[i] != v)
			s->v[kept++] = s->v[i];
	s->n = kept;
	if (v->watch.host)
		sampler_end(v);
	free(v);
}

int64_t
session_due_ns(const struct session *s)
{
	int64_t between_ns = due_between_ns(s);

	return s->row_ns < between_ns ? s->row_ns : between_ns;
}

/* Whether it is time; else the caller has something to do. */
static bool
sleep_until(struct session *s, int64_t due_ns)
{
	if (!s->sleep || s->host->replay)
		return true;
	s->sleep(s->about, due_ns);
	return clock_ns(CLOCK_MONOTONIC) >= due_ns;
}

/* Sleeps until something is due, and returns as host_next. If that is interrupted on a live host, s->now
 * is the time of the interrupt. */
static int
go_on(struct session *s)
{
	int64_t between_ns = due_between_ns(s);
	bool row = s->row_ns <= between_ns;
	int64_t due_ns = row ? s->row_ns : between_ns;
	int got = -1;

	if (!signals_stop() && sleep_until(s, due_ns))
		got = host_next(s->host, due_ns, row ? SAMPLE_ROW : SAMPLE_TICK, &s->now);
	else
		errno = EINTR;
	if (got < 0 && errno != EINTR)
		die(EXIT_FAILED, "cannot read the next sample: %s", strerror(errno));
	s->left -= got > 0 && s->left > 0;
	if (got < 0 && !s->host->replay)
		s->now = (struct sample){ .mono_ns = clock_ns(CLOCK_MONOTONIC),
			.real_ns = clock_ns(CLOCK_REALTIME),
			.kind = SAMPLE_TICK };
	return got;
}

/* In a recording each sample is also a tick. */
static void
tick_where_due(struct session *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct sampler *v = s->v[i];
		bool due = s->host->replay ? v->tick_ns != 0 && is_there(s, v) :
					     s->now.mono_ns >= sampler_due_ns(v);
		if (due && !v->over)
			sampler_tick(v, &s->now);
	}
}

/* In a recording of one row, reads tools that the first sample or the last one does not have: at the
 * first and the last sample that has them. */
static void
read_ends(struct session *s)
{
	for (size_t i = 0; i < s->n && s->whole && s->host->replay; i++) {
		struct sampler *v = s->v[i];
		bool last = v->last_left > 0 && v->last_left == s->left;
		if (v->over || v->closed || !is_there(s, v) || (!last && v->taken > 0))
			continue;
		sampler_read(v, &s->now);
		v->closed = last;
	}
}

/* Whether a signal ends the first row early: figures of a shorter time are too coarse. */
static bool
makes_some_row(const struct session *s)
{
	const int64_t least_ns = 100000000;

	return s->some_row && s->rows == 0 && !s->host->replay && signals_stop() &&
	    s->now.mono_ns - s->from.mono_ns >= least_ns;
}

/* At once, and then the session is done. */
static enum session_event
make_some_row(struct session *s)
{
	if (host_next(s->host, s->now.mono_ns, SAMPLE_ROW, &s->now) <= 0)
		return SESSION_END;
	enum session_event event = read_row(s);
	s->done = true;
	return event;
}

enum session_event
session_next(struct session *s)
{
	int got = s->done ? 0 : go_on(s);
	bool stops = got == 0 || (got < 0 && signals_stop());

	if (stops && !s->done && makes_some_row(s))
		return make_some_row(s);
	if (stops && (s->done || !s->whole))
		return SESSION_END;
	if (got < 0 && !s->whole)
		return SESSION_WOKEN;
	bool row = stops || is_row(s);
	if (got > 0 && s->now.restarted)
		begin_after_boot(s);
	if (row)
		return read_row(s);
	read_ends(s);
	tick_where_due(s);
	if (!is_step(s))
		return got < 0 ? SESSION_WOKEN : SESSION_TICK;
	read_steps(s);
	return SESSION_STEP;
}

bool
session_skip(struct session *s)
{
	int got;

	do {
		got = host_next(s->host, 0, SAMPLE_ROW, &s->now);
		s->left -= got > 0 && s->left > 0;
		/* a saved window may begin with ticks */
	} while (got > 0 && (s->now.kind == SAMPLE_TICK || !any_is_there(s)));
	errno = got == 0 ? 0 : errno;
	return got > 0;
}

_Noreturn static void
die_without_sample(const struct session *s)
{
	const struct options *o = s->options;
	char lost[256];
	bool damaged = host_losses(s->host, lost, sizeof lost);

	die(EXIT_FAILED, "%s: no samples%s%s%s", o->source,
	    o->from.written || o->to.written ? " in the selected time" : "",
	    damaged ? " can be read: " : "", damaged ? lost : "");
}

bool
session_start(struct session *s)
{
	if (session_skip(s))
		return true;
	if (errno == 0)
		die_without_sample(s);
	if (errno != EINTR)
		die(EXIT_FAILED, "cannot read the first sample: %s", strerror(errno));
	return false;
}

static void
tell_losses(struct host *h, const char *source)
{
	char line[256];

	if (host_losses(h, line, sizeof line))
		warn("%s: %s", source, line);
}

void
session_tell_losses(const struct session *s)
{
	tell_losses(s->host, s->options->source);
}

static void
check_source(const char *source)
{
	struct stat st;

	if (strcmp(source, "-") == 0 ||
	    (stat(source, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)))
		die(EXIT_USAGE,
		    "-f %s: not a regular file: the recording is read twice (write it to a file "
		    "first)",
		    source);
}

/* Notes the tools that have this sample, the last one so far. */
static void
note_last(const struct host *h, uint64_t sample, uint64_t last[SAMPLERS_MOST])
{
	for (size_t i = 0; tools[i]; i++)
		if (!*h->left_out || !host_left_out(h, tools[i]->name))
			last[i] = sample;
}

void
samples_count_add(struct samples_count *c, const struct host *h, const struct sample *m)
{
	c->samples++;
	if (m->kind != SAMPLE_ROW)
		return;
	c->rows++;
	c->whole = c->samples;
	note_last(h, c->samples, c->last);
}

static struct samples_count
count_samples(const struct options *o)
{
	struct samples_count c = { .samples = 0 };
	struct host *h = open_host(o);
	struct sample m;

	while (host_next(h, 0, SAMPLE_ROW, &m) > 0) {
		if (m.restarted && c.rows > 0)
			die(EXIT_FAILED,
			    "%s: the machine was rebooted during the recording (select the time "
			    "before or after with --from and --to)",
			    o->source);
		samples_count_add(&c, h, &m);
	}
	tell_losses(h, o->source);
	host_close(h);
	if (c.rows < 2)
		die(EXIT_FAILED, "%s: %s%s; at least two are needed", o->source,
		    c.rows ? "only one sample" : "no samples",
		    o->from.written || o->to.written ? " in the selected time" : "");
	return c;
}

void
session_open_counted(
    struct session *s, const struct options *o, const struct samples_count *c, struct host *lent)
{
	s->options = o;
	s->whole = true;
	s->left = c->whole;
	for (size_t i = 0; tools[i]; i++)
		s->last_left[i] = c->whole - c->last[i];
	s->lent = lent != NULL;
	s->host = lent ? lent : open_host(o);
}

void
session_open_whole(struct session *s, const struct options *o)
{
	struct samples_count c = { .samples = 0 };

	if (o->source) {
		check_source(o->source);
		c = count_samples(o);
	}
	session_open_counted(s, o, &c, NULL);
}

double
session_span_s(const struct session *s)
{
	return (double)(s->now.mono_ns - s->from.mono_ns) * 1e-9;
}

enum exit_status
session_status(const struct session *s)
{
	for (size_t i = 0; i < s->n && !s->refused; i++)
		if (s->v[i]->watch.fail)
			return s->v[i]->watch.fail;
	return s->refused;
}

void
session_end(struct session *s)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->v[i]->watch.host)
			sampler_end(s->v[i]);
		free(s->v[i]);
	}
	if (!s->lent)
		host_close(s->host);
	arena_free(&s->resolved);
}
