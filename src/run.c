#include "run.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "schedule.h"
#include "signals.h"
#include "table/summary.h"

/* What a tool says of itself, each line once. */
enum { NOTES_MOST = 64 };

struct notes {
	char *said[NOTES_MOST];
	size_t n;
};

/* A tool's snapshot, and when it was taken. */
struct sample {
	struct moment at;
	struct arena arena;
	void *data;
};

struct run {
	struct watch watch; /* first: a note comes with it */
	const struct options *options;
	const struct tool *tool;
	struct notes notes;
	struct sample sample[2];
	unsigned now; /* which of the samples is the later one */
	struct schedule due;
	struct table table;
	struct report report;
	struct summary summary;
	struct buf out;
};

static void
say_once(struct watch *w, const char *message)
{
	struct notes *notes = &((struct run *)w)->notes;

	for (size_t i = 0; i < notes->n; i++)
		if (strcmp(notes->said[i], message) == 0)
			return;
	if (notes->n == NOTES_MOST)
		return;
	notes->said[notes->n++] = xstrdup(message);
	warn("%s", message);
	if (notes->n == NOTES_MOST)
		warn("that is enough of messages: further ones are left out");
}

/* What was put together goes out in one write(2). A reader that has gone ends the program quietly; anything else that keeps
 * the rows from being written is an error. */
static void
flush(struct run *r)
{
	size_t done = 0;

	while (done < r->out.n) {
		ssize_t n = write(STDOUT_FILENO, r->out.s + done, r->out.n - done);
		if (n >= 0)
			done += (size_t)n;
		else if (errno == EPIPE || ((errno == EINTR || errno == EAGAIN) && signals_urged()))
			exit(EXIT_DONE);
		else if (errno == EAGAIN)
			poll(&(struct pollfd){ STDOUT_FILENO, POLLOUT, 0 }, 1, 1000); /* somebody made it non-blocking */
		else if (errno != EINTR)
			die(EXIT_FAILED, "cannot write: %s", strerror(errno));
	}
	r->out.n = 0;
}

static void
learn_terminal(struct report *report)
{
	struct winsize size = { .ws_col = 80, .ws_row = 24 };

	if (!report->terminal || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		size = (struct winsize){ .ws_col = 80, .ws_row = 24 };
	report->width = size.ws_col > 20 ? size.ws_col : 20;
	report->rows = size.ws_row > 4 ? size.ws_row : 4;
}

static void
prepare_report(struct run *r)
{
	const struct options *o = r->options;
	struct report *report = &r->report;

	*report = (struct report){ .tool = r->tool->name, .columns = r->tool->columns, .utc = o->utc, .nshown = o->nshown };
	memcpy(report->shown, o->shown, sizeof o->shown);
	report->terminal = o->format->for_people && isatty(STDOUT_FILENO);
	report->fractions = o->interval_ns % 1000000000 != 0;
	learn_terminal(report);
	r->table.columns = r->tool->columns;
	r->table.ncolumns = columns_count(r->tool->columns);
	if (o->format->begin)
		o->format->begin(&r->out, report);
}

static int64_t
cpu_time_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Lets the tool look. */
static void
tick(struct run *r, const struct moment *m)
{
	bool costly = r->tool->costly_tick && !r->watch.host->replay;

	if (!r->tool->tick)
		return;
	int64_t before = costly ? cpu_time_ns() : 0;
	r->tool->tick(&r->watch);
	if (r->watch.no_ticks)
		r->due.tick_ns = 0;
	schedule_ticked(&r->due, m->mono_ns, costly ? cpu_time_ns() - before : 0);
}

/* Takes the snapshot of this moment into the other sample, which then is the later one. */
static bool
read_sample(struct run *r, const struct moment *m)
{
	struct sample *s = &r->sample[r->now ^= 1];

	arena_reset(&s->arena);
	s->at = *m;
	s->data = r->tool->read(&r->watch, &s->arena);
	r->watch.gauge = (struct gauge){ 0 };
	return s->data != NULL;
}

static bool
print_rows(struct run *r)
{
	const struct sample *from = &r->sample[r->now ^ 1], *to = &r->sample[r->now];
	int64_t span_ns = to->at.mono_ns - from->at.mono_ns;
	struct rows rows = { &r->table, to->at.real_ns, from->at.real_ns, (double)span_ns * 1e-9 };

	if (span_ns <= 0) {
		watch_note(&r->watch, "the clock did not move on between two moments: no row for them");
		return false;
	}
	if (r->watch.host->replay && !r->options->interval_ns && r->due.rows == 1)
		r->report.fractions = span_ns < 950000000; /* as captured */
	if (signals_resized())
		learn_terminal(&r->report);
	table_clear(&r->table);
	r->tool->rows(&r->watch, from->data, to->data, rows.span_s, &r->table);
	r->options->format->rows(&r->out, &r->report, &rows);
	if (r->options->format->for_people)
		summary_add(&r->summary, &r->report, &r->table);
	flush(r);
	return true;
}

/* Waits for the next moment at which something is due: 1 a row, 2 only a tick, 0 the end, -1 with errno. */
static int
next_moment(struct run *r, struct moment *m)
{
	struct host *host = r->watch.host;
	bool row;
	int64_t deadline_ns = schedule_next(&r->due, &row);
	int got = host_next(host, deadline_ns, row ? MOMENT_ROW : MOMENT_TICK, m);

	if (got <= 0)
		return got;
	if (m->kind == MOMENT_TICK)
		return 2;
	if (host->replay && r->options->interval_ns && m->mono_ns < r->due.row_ns)
		return 2;
	return 1;
}

static enum exit_status
loop(struct run *r)
{
	uint64_t count = r->options->count;
	bool endless = count == 0 && (r->options->interval_ns || r->watch.host->replay);
	struct moment m;

	for (uint64_t rows = 0; endless || rows < (count ? count : 1);) {
		int got = signals_stop() ? 0 : next_moment(r, &m);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			die(EXIT_FAILED, "cannot go on to the next moment: %s", strerror(errno));
		if (got == 0)
			break;
		tick(r, &m);
		if (got == 2)
			continue;
		if (!read_sample(r, &m))
			break;
		schedule_row_done(&r->due, m.mono_ns);
		rows += print_rows(r);
	}
	return r->watch.fail;
}

static void
sum_up(struct run *r)
{
	const struct schedule *due = &r->due;

	if (r->options->format->for_people) {
		if (r->report.terminal && signals_stop())
			buf_char(&r->out, '\n'); /* behind the terminal's ^C */
		summary_print(&r->summary, &r->out, &r->report);
		flush(r);
	}
	if (r->summary.left_out > 0)
		warn("%llu rows of further series are not in the averages", (unsigned long long)r->summary.left_out);
	if (due->missed > 0 && !r->watch.host->replay)
		warn("missed %llu of %llu deadlines: the machine was too busy, or this program was stopped",
		     (unsigned long long)due->missed, (unsigned long long)(due->missed + due->rows));
}

static void
release(struct run *r)
{
	summary_free(&r->summary, &r->report);
	table_free(&r->table);
	buf_free(&r->out);
	for (int i = 0; i < 2; i++)
		arena_free(&r->sample[i].arena);
	for (size_t i = 0; i < r->notes.n; i++)
		free(r->notes.said[i]);
	if (r->tool->release)
		r->tool->release(&r->watch);
	arena_free(&r->watch.arena);
	host_close(r->watch.host);
}

static struct host *
open_host(const struct options *o)
{
	const char *path = o->moments ? o->moments : o->root ? o->root : "/";
	struct host *h = o->moments ? host_moments(path) : host_live(path);

	if (h)
		return h;
	if (o->moments && (errno == ENOENT || errno == ENOTDIR))
		die(EXIT_USAGE, "-f %s: no directory of captured moments; scripts/capture makes one", path);
	die(o->root && (errno == ENOENT || errno == ENOTDIR) ? EXIT_USAGE : EXIT_FAILED, "cannot open %s: %s", path,
	    strerror(errno));
}

/* The first snapshot, from which the first row counts. */
static bool
start(struct run *r)
{
	struct moment m;

	if (host_next(r->watch.host, 0, MOMENT_ROW, &m) <= 0)
		die(EXIT_FAILED, "cannot read the first moment: %s", strerror(errno));
	schedule_start(&r->due, &m, r->options->interval_ns, r->tool->tick ? r->options->tick_ns : 0, !r->watch.host->replay);
	tick(r, &m);
	return read_sample(r, &m);
}

enum exit_status
run(const struct options *o)
{
	struct run r = { .options = o, .tool = o->tool };
	enum exit_status status;

	r.watch = (struct watch){ .host = open_host(o), .ask = &o->ask, .note = say_once };
	r.watch.shown = o->shown;
	r.watch.nshown = o->nshown;
	r.watch.state = arena_alloc(&r.watch.arena, o->tool->state_size);
	prepare_report(&r);
	signals_catch();
	status = start(&r) ? loop(&r) : r.watch.fail;
	if (r.watch.host->replay && status == EXIT_DONE && r.due.rows == 0 && !signals_stop()) {
		warn("%s: a row needs two moments", o->moments);
		status = EXIT_FAILED;
	}
	flush(&r);
	sum_up(&r);
	release(&r);
	return status;
}
