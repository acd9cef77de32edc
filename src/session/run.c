#include "session/run.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "cli/output.h"
#include "session/sampler.h"
#include "session/schedule.h"
#include "session/signals.h"
#include "cli/open.h"

struct run {
	struct sampler sampler;
	const struct options *options;
	struct request ask; /* what was asked for; of a tape what it was recorded for */
	struct host *host;
	struct schedule due;
	struct output output;
	struct tape_file tape; /* of -o */
	int64_t could_ns;      /* the last moment that could have been a row */
};

/* Lets the tool look. */
static void
tick(struct run *r, const struct moment *m)
{
	unsigned share = r->host->replay ? 0 : r->options->tool->costly_tick;

	if (!r->options->tool->tick)
		return;
	int64_t before = share ? clock_ns(CLOCK_THREAD_CPUTIME_ID) : 0;
	sampler_tick(&r->sampler, m);
	if (r->sampler.watch.no_ticks)
		r->due.tick_ns = 0;
	schedule_ticked(
	    &r->due, m->mono_ns, share ? (clock_ns(CLOCK_THREAD_CPUTIME_ID) - before) / share : 0);
}

static bool
print_rows(struct run *r)
{
	struct sampler *s = &r->sampler;
	const struct moment *from = &sampler_from(s)->at, *to = &sampler_to(s)->at;
	int64_t span_ns = to->mono_ns - from->mono_ns;
	struct rows rows = { &s->table, to->real_ns, from->real_ns, (double)span_ns * 1e-9 };

	if (!sampler_rows(s))
		return false;
	if (r->host->replay && !r->options->interval_ns && r->due.rows == 1)
		r->output.report.fractions = span_ns < 950000000; /* as captured */
	output_rows(&r->output, &rows);
	return true;
}

/* The moment is complete: what was read in it goes on the tape. */
static void
keep(struct run *r)
{
	if (r->options->out && host_recorded(r->host, &r->tape) < 0)
		die(EXIT_FAILED, "-o %s: cannot write: %s", r->options->out, strerror(errno));
}

/* Of moments that were kept closely, the one nearest to when a row is due makes it. */
static bool
is_row(struct run *r, const struct moment *m)
{
	if (!r->host->replay || !r->options->interval_ns)
		return true;
	int64_t spacing_ns = m->mono_ns - r->could_ns;
	r->could_ns = m->mono_ns;
	return m->mono_ns + spacing_ns / 2 >= r->due.row_ns;
}

/* Waits for the next moment at which something is due: 1 a row, 2 only a tick, 0 the end, -1 with
 * errno. */
static int
next_moment(struct run *r, struct moment *m)
{
	bool row;
	int64_t deadline_ns = schedule_next(&r->due, &row);
	int got = host_next(r->host, deadline_ns, row ? MOMENT_ROW : MOMENT_TICK, m);

	if (got <= 0)
		return got;
	return m->kind == MOMENT_ROW && is_row(r, m) ? 1 : 2;
}

static void
begin_sampler(struct run *r)
{
	sampler_begin(&r->sampler, r->options->tool, r->host, &r->ask);
	r->sampler.watch.shown = r->options->shown;
	r->sampler.watch.nshown = r->options->nshown;
}

static void
start_schedule(struct run *r, const struct moment *m)
{
	int64_t tick_ns = r->options->tool->tick ? r->options->tool->tick_ns(r->ask.options) : 0;

	schedule_start(&r->due, m, r->options->interval_ns, tick_ns, !r->host->replay);
	r->could_ns = m->mono_ns;
}

/* The machine was booted between two moments of a recording: nothing can be counted from the one to
 * the other. */
static void
begin_anew(struct run *r, const struct moment *m)
{
	warn(
	    "%s: the machine was booted anew here; the rows go on behind that", r->options->source);
	sampler_forget(&r->sampler);
	start_schedule(r, m);
}

static enum exit_status
loop(struct run *r)
{
	uint64_t count = r->options->count;
	bool endless = count == 0 && (r->options->interval_ns || r->host->replay);
	struct moment m;

	for (uint64_t rows = 0; endless || rows < (count ? count : 1);) {
		int got = signals_stop() ? 0 : next_moment(r, &m);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			die(EXIT_FAILED, "cannot go on to the next moment: %s", strerror(errno));
		if (got == 0)
			break;
		if (m.restarted)
			begin_anew(r, &m);
		tick(r, &m);
		if (got == 2) {
			keep(r);
			continue;
		}
		if (!sampler_read(&r->sampler, &m))
			break;
		keep(r);
		schedule_row_done(&r->due, m.mono_ns);
		rows += print_rows(r);
	}
	return r->sampler.watch.fail;
}

static void
tell_missed(const struct run *r)
{
	const struct schedule *due = &r->due;

	if (due->missed > 0 && !r->host->replay)
		warn("missed %llu of %llu deadlines: the machine was too busy, or this program was "
		     "stopped",
		    (unsigned long long)due->missed, (unsigned long long)(due->missed + due->rows));
}

static void
release(struct run *r)
{
	output_free(&r->output);
	sampler_end(&r->sampler);
	host_close(r->host);
	if (r->options->out && tape_file_close(&r->tape) < 0)
		die(EXIT_FAILED, "-o %s: cannot write: %s", r->options->out, strerror(errno));
}

static void
check_recorded(const struct run *r)
{
	if (tapes_recorded(r->host, r->options->tool))
		return;
	warn("%s was recorded for %s: what %s reads beside that is not on it", r->options->source,
	    r->host->tools, r->options->tool->name);
}

/* Begins, or begins anew, with a first snapshot. */
static bool
begin_at(struct run *r, const struct moment *m)
{
	sampler_end(&r->sampler);
	begin_sampler(r);
	tapes_target(r->host, r->options->tool, &r->ask.target);
	start_schedule(r, m);
	tick(r, m);
	return sampler_read(&r->sampler, m);
}

/* A tape may have been continued for other tools: to where this one is among them. */
static bool
go_on_to_recorded(struct run *r, struct moment *m)
{
	if (tapes_recorded(r->host, r->options->tool))
		return false;
	while (!signals_stop() && host_next(r->host, 0, MOMENT_ROW, m) > 0)
		if (m->kind == MOMENT_ROW && tapes_recorded(r->host, r->options->tool))
			return true;
	return false;
}

_Noreturn static void
die_without_moment(const struct run *r)
{
	char lost[256];
	bool damaged = host_losses(r->host, lost, sizeof lost);

	die(EXIT_FAILED, "%s: there is no moment in it%s%s%s", r->options->source,
	    r->options->from.written || r->options->to.written ? " between these times" : "",
	    damaged ? " that can be read: " : "", damaged ? lost : "");
}

static void
tell_losses(const struct run *r)
{
	char line[256];

	if (host_losses(r->host, line, sizeof line))
		warn("%s: %s", r->options->source, line);
}

/* The first snapshot, from which the first row counts. */
static bool
start(struct run *r)
{
	struct moment m;
	int got;

	do
		got = host_next(r->host, 0, MOMENT_ROW, &m);
	while (got > 0 && m.kind == MOMENT_TICK); /* a window of a tape may begin with some */
	if (got == 0)
		die_without_moment(r);
	if (got < 0 && errno == EINTR)
		return false;
	if (got < 0)
		die(EXIT_FAILED, "cannot read the first moment: %s", strerror(errno));
	check_recorded(r);
	bool done = begin_at(r, &m);
	if (done ||
	    r->sampler.watch.fail == EXIT_UNSUPPORTED) /* why it is so may be seen from the tape */
		keep(r);
	while (!done && r->sampler.watch.fail == EXIT_UNSUPPORTED && go_on_to_recorded(r, &m))
		done = begin_at(r, &m);
	return done;
}

static void
record_to(struct run *r)
{
	struct buf about = { 0 };

	tapes_create(&r->tape, r->options->out, 0);
	tapes_about(&about, r->options->tool->name, r->options->interval_ns, &r->ask.target);
	r->host = host_record(r->host, &r->tape.writer, (struct text){ about.s, about.n });
	buf_free(&about);
}

enum exit_status
run(const struct options *o)
{
	struct run r = { .options = o, .ask = o->ask, .host = tapes_open(o) };
	enum exit_status status;

	if (o->out)
		record_to(&r);
	begin_sampler(&r);
	output_begin(&r.output, o);
	signals_catch();
	status = start(&r) ? loop(&r) : r.sampler.watch.fail;
	if (r.host->replay && status == EXIT_DONE && r.due.rows == 0 && !signals_stop()) {
		warn("%s: a row needs two moments", o->source);
		status = EXIT_FAILED;
	}
	output_end(&r.output);
	tell_missed(&r);
	tell_losses(&r);
	release(&r);
	return status;
}
