#include "session/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "cli/open.h"
#include "cli/signals.h"

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

	*new = (struct sampler){ .tool = tool, .ask = *ask, .say = take_note, .about = s };
	s->v[s->n++] = new;
	return new;
}

/* On a live host, with an interval of whole seconds, the first row is due at a whole second of the
 * wall clock, so that rows of two machines can be compared; but a quarter of the interval must have
 * passed. */
static int64_t
first_row_ns(const struct sample *start, int64_t interval_ns, bool aligned)
{
	int64_t end = start->real_ns + interval_ns;

	if (!aligned || interval_ns % SECOND != 0)
		return start->mono_ns + interval_ns;
	end -= end % SECOND;
	if (end - start->real_ns < interval_ns / 4)
		end += SECOND;
	return start->mono_ns + (end - start->real_ns);
}

static int64_t
interval_of(const struct session *s)
{
	return s->interval_ns ? s->interval_ns : s->whole ? NEVER : SECOND;
}

/* Starts the grids of rows and ticks, which do not drift, at this sample. */
static void
start_schedule(struct session *s)
{
	int64_t interval_ns = s->first_ns ? s->first_ns : interval_of(s);
	bool aligned = s->interval_ns && !s->first_ns && !s->whole && !s->host->replay;

	s->rows = s->missed = 0;
	s->could_ns = s->now.mono_ns;
	s->row_ns = first_row_ns(&s->now, interval_ns, aligned);
	s->step_due_ns = s->now.mono_ns + s->step_ns;
	for (size_t i = 0; i < s->n; i++)
		sampler_start_ticks(s->v[i], s->now.mono_ns, interval_ns);
}

/* The next row is due at the next deadline; deadlines that have passed meanwhile are missed. */
static void
row_done(struct session *s)
{
	int64_t interval_ns = interval_of(s);

	if (s->first_ns) { /* an early row: the schedule starts at it */
		s->first_ns = 0;
		start_schedule(s);
		return;
	}
	s->late_ns = s->now.mono_ns - s->row_ns;
	s->rows++;
	s->row_ns += interval_ns;
	if (s->row_ns > s->now.mono_ns)
		return;
	int64_t passed = (s->now.mono_ns - s->row_ns) / interval_ns + 1;
	s->missed += (uint64_t)passed;
	s->row_ns += passed * interval_ns;
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

static void
read_steps(struct session *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i]->steps && !s->v[i]->over)
			sampler_read(s->v[i], &s->now);
	s->step_due_ns += s->step_ns;
}

/* Reads all samplers for a row. */
static enum session_event
read_row(struct session *s)
{
	bool any = false;

	for (size_t i = 0; i < s->n; i++) {
		struct sampler *v = s->v[i];
		if (v->over)
			try_again(s, v);
		else
			sampler_read(v, &s->now);
		any |= !v->over || may_come_again(s, v);
	}
	s->done = s->whole || !any;
	if (!s->done)
		row_done(s);
	return s->whole || any ? SESSION_ROW : SESSION_END;
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
		sampler_begin(v, s->host);
	}
	start_schedule(s);
	for (size_t i = 0; i < s->n && !s->refused; i++) {
		any |= sampler_read(s->v[i], &s->now);
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
	return s->now.kind == SAMPLE_ROW && (!s->host->replay || !s->interval_ns || is_nearest(s));
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

/* Sleeps until something is due, and returns as host_next. If a signal interrupts that on a live
 * host, s->now is the time of the interrupt. */
static int
go_on(struct session *s)
{
	int64_t between_ns = due_between_ns(s);
	bool row = s->row_ns <= between_ns;
	int got = -1;

	errno = EINTR;
	if (!signals_stop())
		got = host_next(
		    s->host, row ? s->row_ns : between_ns, row ? SAMPLE_ROW : SAMPLE_TICK, &s->now);
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
		bool due = s->host->replay ? v->tick_ns != 0 : s->now.mono_ns >= sampler_due_ns(v);
		if (due && !v->over)
			sampler_tick(v, &s->now);
	}
}

enum session_event
session_next(struct session *s)
{
	int got = s->done ? 0 : go_on(s);
	bool stops = got == 0 || (got < 0 && signals_stop());

	if (stops && (s->done || !s->whole))
		return SESSION_END;
	if (got < 0 && !s->whole)
		return SESSION_WOKEN;
	bool row = stops || is_row(s);
	if (got > 0 && s->now.restarted)
		begin_after_boot(s);
	if (row)
		return read_row(s);
	tick_where_due(s);
	if (!s->step_ns || s->now.mono_ns < s->step_due_ns)
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
	} while (got > 0 && s->now.kind == SAMPLE_TICK); /* a saved window may begin with ticks */
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

/* The number of samples up to the last one that can end a row. */
static uint64_t
count_samples(const struct options *o)
{
	uint64_t samples = 0, rows = 0, whole = 0;
	struct host *h = open_host(o);
	struct sample m;

	while (host_next(h, 0, SAMPLE_ROW, &m) > 0) {
		samples++;
		if (m.restarted && rows > 0)
			die(EXIT_FAILED,
			    "%s: the machine was rebooted during the recording (select the time "
			    "before or after with --from and --to)",
			    o->source);
		rows += m.kind == SAMPLE_ROW;
		whole = m.kind == SAMPLE_ROW ? samples : whole;
	}
	tell_losses(h, o->source);
	host_close(h);
	if (rows < 2)
		die(EXIT_FAILED, "%s: %s%s; at least two are needed", o->source,
		    rows ? "only one sample" : "no samples",
		    o->from.written || o->to.written ? " in the selected time" : "");
	return whole;
}

void
session_open_whole(struct session *s, const struct options *o)
{
	s->options = o;
	s->whole = true;
	if (o->source) {
		check_source(o->source);
		s->left = count_samples(o);
	}
	s->host = open_host(o);
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
	host_close(s->host);
}
