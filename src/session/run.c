/* run: pq TOOL: the rows of one tool on stdout, a summary, and with -o a recording of what was
 * read. */
#include "session/session.h"

#include <errno.h>
#include <string.h>

#include "cli/keys.h"
#include "cli/open.h"
#include "cli/output.h"
#include "cli/signals.h"

struct run {
	struct session session;
	struct sampler *sampler; /* the only one */
	const struct options *options;
	struct output output;
	struct tape_file tape; /* of -o */
};

static void
say_note(void *about, const struct tool *tool, const char *message)
{
	(void)about;
	(void)tool;
	warn("%s", message);
}

static bool
print_rows(struct run *r)
{
	struct rows rows = sampler_rows(r->sampler);

	if (!rows.table)
		return false;
	if (r->session.host->replay && !r->options->interval_ns && r->session.rows == 1)
		r->output.report.fractions = rows.span_s < 0.95; /* by the captured interval */
	r->output.report.cpus = (double)r->session.host->facts.cpus;
	output_rows(&r->output, &rows);
	return true;
}

/* The sample is complete: records what was read for it. */
static void
keep(struct run *r)
{
	if (r->options->out && host_recorded(r->session.host, &r->tape) < 0)
		die(EXIT_FAILED, "-o %s: cannot write: %s", r->options->out, strerror(errno));
}

static void
loop(struct run *r)
{
	uint64_t count = r->options->count;
	bool endless = count == 0 && (r->options->interval_ns || r->session.host->replay);

	for (uint64_t rows = 0; endless || rows < (count ? count : 1);) {
		enum session_event event = session_next(&r->session);
		if (event == SESSION_END)
			return;
		if (event != SESSION_WOKEN)
			keep(r);
		if (event == SESSION_ROW)
			rows += print_rows(r);
	}
}

static void
tell_missed(const struct run *r)
{
	const struct session *s = &r->session;

	if (s->missed > 0 && !s->host->replay)
		warn("missed %llu of %llu deadlines: the machine was too busy, or pq was stopped",
		    (unsigned long long)s->missed, (unsigned long long)(s->missed + s->rows));
}

static void
release(struct run *r)
{
	output_free(&r->output);
	session_end(&r->session);
	if (r->options->out && tape_file_close(&r->tape) < 0)
		die(EXIT_FAILED, "-o %s: cannot write: %s", r->options->out, strerror(errno));
}

static bool
is_recorded(const struct run *r)
{
	return recording_has(r->session.host, r->options->tool);
}

/* Takes the first snapshot; may be called again. */
static bool
begin(struct run *r)
{
	recording_target(r->session.host, r->options->tool, &r->sampler->ask.target);
	return session_begin(&r->session);
}

/* A recording may have been continued for other tools: goes on to where it has this one. */
static bool
go_on_to_recorded(struct run *r)
{
	if (is_recorded(r))
		return false;
	while (!signals_stop() && session_skip(&r->session))
		if (is_recorded(r))
			return true;
	return false;
}

/* Takes the first snapshot, where the first row begins. */
static bool
start(struct run *r)
{
	if (!session_start(&r->session))
		return false;
	if (!is_recorded(r))
		warn("%s: recorded for %s; other files that %s reads are not in it",
		    r->options->source, r->session.host->tools, r->options->tool->name);
	bool done = begin(r);
	/* a recording may also show why a tool is not supported here */
	if (done || r->sampler->watch.fail == EXIT_UNSUPPORTED)
		keep(r);
	while (!done && r->sampler->watch.fail == EXIT_UNSUPPORTED && go_on_to_recorded(r))
		done = begin(r);
	return done;
}

static void
record_to(struct run *r)
{
	struct buf about = { 0 };

	open_output(&r->tape, r->options->out, 0);
	recording_about(
	    &about, r->options->tool->name, r->options->interval_ns, &r->options->ask.target);
	r->session.host =
	    host_record(r->session.host, &r->tape.writer, (struct text){ about.s, about.n });
	buf_free(&about);
}

/* With -a the number of files is that of the cgroups, which may be thousands. */
static const double ALL_BUDGET = 0.1;

/* Costly ticks may take a second's worth of their share of a CPU at once. */
static void
set_up(struct run *r)
{
	const struct options *o = r->options;

	r->session = (struct session){ .host = open_host(o),
		.options = o,
		.interval_ns = o->interval_ns,
		.some_row = true,
		.budget = o->ask.target.all ? ALL_BUDGET : 0,
		.say = say_note };
	r->sampler = session_add(&r->session, o->tool, &o->ask);
	r->sampler->watch.shown = o->chosen.shown;
	r->sampler->watch.nshown = o->chosen.nshown;
	r->sampler->tick_ns = o->tool->tick ? o->tool->tick_ns(o->ask.options) : 0;
	r->sampler->ahead_ns = 1000000000;
	if (o->out)
		record_to(r);
	output_begin(&r->output, o);
}

enum exit_status
run(const struct options *o)
{
	struct run r = { .options = o };

	set_up(&r);
	signals_catch();
	if (!r.session.host->replay || o->follow)
		keys_catch();
	if (start(&r)) {
		loop(&r);
		if (o->tool->finish)
			o->tool->finish(&r.sampler->watch);
	}
	enum exit_status status = session_status(&r.session);
	if (r.session.host->replay && status == EXIT_DONE && r.session.rows == 0 &&
	    !signals_stop()) {
		warn("%s: no rows: a row needs two samples that have %s, an interval apart (see pq "
		     "tape info)",
		    o->source, o->tool->name);
		status = EXIT_FAILED;
	}
	output_end(&r.output);
	tell_missed(&r);
	session_tell_losses(&r.session);
	release(&r);
	return status;
}
