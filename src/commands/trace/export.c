/* export: pq trace export: a saved trace as a file of another program, with the figures of a recording
 * beside it. */
#include "commands/trace/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/map.h"
#include "base/out_file.h"
#include "cli/open.h"
#include "cli/signals.h"
#include "commands/recorded.h"
#include "trace/trace_export.h"

/* ---- Figures of a recording */

/* A column that becomes a counter. Those of a cgroup that have the same scale are drawn with it. */
struct figure {
	const struct tool *tool;
	int column;
	const char *scale;
};

static const struct figure figures[] = {
	{ &tool_runq, RUNQ_SZ, "runq" },
	{ &tool_runq, RUNQ_MAX, "runq" },
	{ &tool_runq, RUNQ_WAITING, "runq" },
	{ &tool_runq, RUNQ_BLOCKED, "runq" },
	{ &tool_throttle, THROTTLE_USED, "cpus" },
	{ &tool_throttle, THROTTLE_LIMIT, "cpus" },
	{ &tool_throttle, THROTTLE_HELD, "cpus" },
	{ &tool_throttle, THROTTLE_THROTTLED_PCT, "percent" },
	{ &tool_psi, PSI_CPU_SOME, "percent" },
	{ &tool_psi, PSI_IO_SOME, "percent" },
	{ &tool_psi, PSI_IO_FULL, "percent" },
	{ &tool_psi, PSI_MEMORY_SOME, "percent" },
	{ &tool_psi, PSI_MEMORY_FULL, "percent" },
	{ &tool_mem, MEM_USED, "memory" },
	{ &tool_mem, MEM_WSET, "memory" },
	{ &tool_mem, MEM_HARD, "memory" },
	{ &tool_mem, MEM_LIMIT, "memory" },
};

enum { FIGURES = sizeof figures / sizeof figures[0] };

/* The counters of a cgroup, or of the machine. */
struct subject {
	uint64_t group;
	uint64_t counter[FIGURES]; /* 0: it had no value yet */
};

struct beside {
	struct trace_export *x;
	const struct trace_file *t;
	struct recorded recorded;
	int shown[FIGURES]; /* the columns, tool by tool */
	struct map names;   /* the numbers of subjects */
	struct subject *subjects;
	size_t room;
	uint64_t rows;
};

static const char *
unit_name(const struct column *c)
{
	static const char *const names[] = {
		[CPUS] = "CPUs",
		[PERCENT] = "%",
		[BYTES] = "bytes",
		[MILLISECONDS] = "ms",
		[PER_SECOND] = "per second",
		[MICROSECONDS] = "us",
	};

	return names[c->unit];
}

/* The tool's rows name a cgroup in their first column, if they name one. */
static size_t
subject_of(struct beside *b, const struct tool *tool, const struct cell *row)
{
	const char *label = tool == &tool_runq ? NULL : row[0].label;
	const char *name = label ? label : "machine";
	size_t known = b->names.n, i = map_put(&b->names, text_of(name));

	if (i == known) {
		b->subjects = xgrow(b->subjects, i, &b->room, sizeof *b->subjects);
		b->subjects[i] = (struct subject){ .group = b->x->ops->group(b->x, 0, name) };
	}
	return i;
}

static void
put_figure(struct beside *b, size_t subject, size_t figure, uint64_t at_ns, double value)
{
	const struct figure *f = &figures[figure];
	uint64_t *counter = &b->subjects[subject].counter[figure];
	const struct column *c = &f->tool->columns[f->column];
	char name[128];

	if (!isfinite(value))
		return;
	if (!*counter) {
		snprintf(name, sizeof name, "%s.%s", f->tool->name, c->key);
		*counter = b->x->ops->counter(
		    b->x, b->subjects[subject].group, name, unit_name(c), f->scale);
	}
	b->x->ops->value(b->x, *counter, at_ns, value);
}

static void
put_kills(struct beside *b, size_t subject, const struct cell *row, uint64_t at_ns)
{
	struct buf words = { 0 };
	double kills = row[MEM_OOM_KILL].num;

	if (!(kills > 0))
		return;
	buf_text(&words, "OOM kill in ");
	buf_text(&words, map_key(&b->names, (uint32_t)subject).s);
	if (kills > 1) {
		buf_text(&words, ": ");
		buf_fixed(&words, kills, 0);
	}
	buf_char(&words, '\0');
	b->x->ops->mark(b->x, at_ns, words.s);
	buf_free(&words);
}

/* A figure of an interval holds from its begin on, the level of memory from when it was read. */
static void
put_rows(struct beside *b, const struct sampler *s, const struct table *rows)
{
	uint64_t from = (uint64_t)s->sample[1 - s->now].at.boot_ns;
	uint64_t to = (uint64_t)s->sample[s->now].at.boot_ns;

	if (to < b->t->from_ns || from > b->t->to_ns)
		return;
	for (size_t r = 0; r < rows->nrows; r++) {
		const struct cell *row = table_at(rows, r);
		size_t subject = subject_of(b, s->tool, row);
		for (size_t i = 0; i < FIGURES; i++)
			if (figures[i].tool == s->tool)
				put_figure(b, subject, i, s->tool == &tool_mem ? to : from,
				    row[figures[i].column].num);
		if (s->tool == &tool_mem)
			put_kills(b, subject, row, to);
	}
	b->rows++;
}

/* The clock of a machine that was set differs by as much as it was set by. */
static const int64_t SET_MOST_NS = 60000000000;

/* Times since boot mean something else after another boot. */
static void
check_boot(const struct beside *b, const struct sample *m)
{
	int64_t real_ns;

	if (!trace_real(b->t, (uint64_t)m->boot_ns, &real_ns))
		return;
	if (real_ns - m->real_ns > SET_MOST_NS || m->real_ns - real_ns > SET_MOST_NS)
		die(EXIT_USAGE,
		    "%s: it is not of the same machine since the same boot as the trace",
		    b->recorded.path);
}

/* Tools say what they lack of the columns that are shown. */
static void
add_tools(struct beside *b)
{
	size_t n;

	for (size_t i = 0; i < FIGURES; i += n) {
		const struct tool *tool = figures[i].tool;
		for (n = 0; i + n < FIGURES && figures[i + n].tool == tool; n++)
			b->shown[i + n] = figures[i + n].column;
		if (!recorded_has(&b->recorded, tool))
			continue;
		struct sampler *s = recorded_add(&b->recorded, tool, NULL);
		s->watch.shown = b->shown + i;
		s->watch.nshown = (int)n;
	}
}

/* Opens the recording, before the file is made: it may be a wrong one. */
static void
open_beside(struct beside *b, const struct options *o, const char *path)
{
	struct options whole = *o;

	whole.from = whole.to = (struct when_option){ .written = NULL };
	recorded_open(&b->recorded, &whole, path);
	check_boot(b, &b->recorded.session.now);
	add_tools(b);
}

/* Puts the figures of the recording into the export. */
static void
put_beside(struct beside *b, struct trace_export *x)
{
	struct recorded *r = &b->recorded;
	struct rows rows;

	b->x = x;
	recorded_begin(r);
	while (recorded_next(r))
		for (size_t i = 0; i < r->session.n; i++)
			if (recorded_rows(r, i, &rows))
				put_rows(b, r->session.v[i], rows.table);
	if (b->rows == 0)
		warn("%s: no row of it is in the time of the trace", r->path);
}

static void
close_beside(struct beside *b)
{
	recorded_close(&b->recorded);
	map_free(&b->names);
	free(b->subjects);
}

/* ---- The export */

static void
put_events(struct trace_export *x, const struct trace_file *t, const struct span *window)
{
	struct trace_cursor *c = trace_begin(t, t->from_ns, t->to_ns);
	const struct sched_event *e;
	int64_t real_ns;

	while (!signals_stop() && (e = trace_next(c)))
		if (!window ||
		    (trace_real(t, e->at_ns, &real_ns) && real_ns >= window->from_ns &&
			real_ns <= window->to_ns))
			x->ops->event(x, e);
	trace_end(c);
}

static void
tell_sums(const char *path, const struct export_sums *sums)
{
	if (sums->left_out > 0)
		warn("%s: %" PRIu64 " event%s left out: of a CPU above 1023, or out of order", path,
		    sums->left_out, sums->left_out == 1 ? " is" : "s are");
	if (sums->gaps > 0)
		warn("%s: %" PRIu64
		     " switch%s not fit the one before; events lost there are unknown",
		    path, sums->gaps, sums->gaps == 1 ? " does" : "es do");
}

enum exit_status
trace_export(const struct options *o, const char *path, const struct trace_file *t)
{
	const struct trace_options *own = o->ask.options;
	struct beside b = { .t = t };
	struct export_sums sums;
	struct span window;

	if (!own->out)
		die(EXIT_USAGE, "export: -o FILE is required ('-' writes to stdout)");
	if (!own->json)
		check_binary_output(own->out);
	bool part = trace_window(o, path, t, &window);
	if (own->beside)
		open_beside(&b, o, own->beside);
	if (!out_is_stdout(own->out))
		signals_catch(); /* half a file would stay */
	int fd = trace_create(own->out, 0666);
	struct trace_export *x = own->json ? chrome_new(fd, t) : perfetto_new(fd, t);
	put_events(x, t, part ? &window : NULL);
	if (own->beside) {
		put_beside(&b, x);
		close_beside(&b);
	}
	bool failed = x->ops->end(x, &sums) < 0;
	int error = errno;
	if (close(fd) < 0 && !failed) { /* some file systems report a full disk here */
		error = errno;
		failed = true;
	}
	if (failed || signals_stop())
		output_incomplete(own->out, failed ? error : ECANCELED);
	tell_sums(path, &sums);
	return EXIT_DONE;
}
