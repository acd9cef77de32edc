/*
 * who: pq who: behind whom runnable threads waited for a CPU, from a saved trace.
 *
 * It prints rows, and so has all that tools with rows have. But a trace is no host: it has events, and
 * neither samples nor files. So this command reads it, and hands the rows to the output.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/units.h"
#include "cli/open.h"
#include "cli/output.h"
#include "commands/saved_trace.h"
#include "commands/who/parties.h"

enum who_column {
	WHO_VICTIM,
	WHO_BEHIND,
	WHO_WAIT,
	WHO_SHARE,
	WHO_LONGEST,
	WHO_WAITS,
	WHO_SLOW,
	WHO_CULPRIT,
	WHO_SELF_MS,
	WHO_NEIGHBOUR_MS,
	WHO_KERNEL_MS,
	WHO_IDLE_MS,
	WHO_QUOTA_MS,
	WHO_UNKNOWN_MS,
	WHO_ELSEWHERE,
	WHO_LASTING,
	WHO_LEFT_OUT,
	WHO_LONGEST_TID,
	WHO_LONGEST_END
};

static const struct column columns[] = {
	[WHO_VICTIM] = { "victim", "victim", LABEL, NO_UNIT, 0, 0, .room = 12,
	    .help = "who waited: a cgroup, with -t a thread, with -p the process" },
	[WHO_BEHIND] = { "behind", "behind", LABEL, NO_UNIT, 10, 0,
	    .help = "total, or: self, neighbour, kernel, idle, quota, unknown, others" },
	[WHO_WAIT] = { "wait_ms", "wait-ms", GAUGE, MILLISECONDS, 10, 1,
	    .help = "how long its runnable threads waited behind the culprit, together" },
	[WHO_SHARE] = { "share_pct", "%share", SHARE, PERCENT, 7, 1,
	    .help = "that, of all that the victim waited" },
	[WHO_LONGEST] = { "longest_ms", "longest-ms", GAUGE, MILLISECONDS, 11, 2,
	    .help = "the most in one wait" },
	[WHO_WAITS] = { "waits", "waits", COUNT, NO_UNIT, 8, 0,
	    .help = "waits with time behind the culprit" },
	[WHO_SLOW] = { "slow", "slow", COUNT, NO_UNIT, 6, 0,
	    .help = "waits of at least --slow, by the culprit with the largest part" },
	[WHO_CULPRIT] = { "culprit", "culprit", LABEL, NO_UNIT, 0, 0, .room = 9,
	    .help = "who ran on the CPU meanwhile" },
	[WHO_SELF_MS] = { "self_ms", "self-ms", GAUGE, MILLISECONDS, 10, 1, .group = "parts",
	    .help = "of a total: behind own threads" },
	[WHO_NEIGHBOUR_MS] = { "neighbour_ms", "neigh-ms", GAUGE, MILLISECONDS, 10, 1,
	    .group = "parts", .help = "of a total: behind other cgroups, with -t processes" },
	[WHO_KERNEL_MS] = { "kernel_ms", "kern-ms", GAUGE, MILLISECONDS, 10, 1, .group = "parts",
	    .help = "of a total: behind kernel threads" },
	[WHO_IDLE_MS] = { "idle_ms", "idle-ms", GAUGE, MILLISECONDS, 10, 1, .group = "parts",
	    .help = "of a total: in the queue of an idle CPU: it woke up late, or a quota" },
	[WHO_QUOTA_MS] = { "quota_ms", "quota-ms", GAUGE, MILLISECONDS, 10, 1, .group = "parts",
	    .help = "of a total: for CPU quota; unknown if the trace has no throttled time" },
	[WHO_UNKNOWN_MS] = { "unknown_ms", "unkn-ms", GAUGE, MILLISECONDS, 10, 1, .group = "parts",
	    .help = "of a total: it is not known who ran" },
	[WHO_ELSEWHERE] = { "elsewhere_ms", "elsew-ms", GAUGE, MILLISECONDS, 10, 1,
	    .group = "parts", .help = "of wait_ms: this CPU was busy, and another one was idle" },
	[WHO_LASTING] = { "lasting", "lasting", COUNT, NO_UNIT, 8, 0, .group = "detail",
	    .help = "of a total: waits that lasted at the end; they count up to there" },
	[WHO_LEFT_OUT] = { "left_out", "left-out", COUNT, NO_UNIT, 9, 0, .group = "detail",
	    .help = "of a total: waits with an unknown start or across lost events" },
	[WHO_LONGEST_TID] = { "longest_tid", "tid", LABEL, NO_UNIT, 8, 0, .group = "detail",
	    .remark = true, .number = NUMBER, .help = "the thread with the longest wait" },
	[WHO_LONGEST_END] = { "longest_end", "longest-end", LABEL, NO_UNIT, 13, 0,
	    .group = "detail", .remark = true, .help = "when the longest wait ended" },
	{ .key = NULL },
};

struct who_options {
	const char *source;
	bool threads;
	unsigned rows;
	int64_t slow_ns;
};

static const struct who_options usual_options = { .rows = OPTION_ROWS_UNSET, .slow_ns = 50000000 };

static const struct option own_options[] = {
	{ 'f', NULL, "FILE", OPTION_TEXT, offsetof(struct who_options, source),
	    .help = "read a saved trace ('-': from stdin)", .want = "the file of a trace" },
	{ 't', NULL, NULL, OPTION_FLAG, offsetof(struct who_options, threads),
	    .help = "by thread, not by cgroup" },
	{ 'n', NULL, "N", OPTION_ROWS, offsetof(struct who_options, rows),
	    .help = "at most N rows, worst first (text: 20, or one screen)",
	    .want = "a number of rows", .most = 1000000 },
	{ 0, "slow", "TIME", OPTION_TIME, offsetof(struct who_options, slow_ns),
	    .help = "count waits of at least TIME as slow (default 50ms)" },
	{ .type = OPTION_END },
};

/* ---- Rows */

/* What the rows are made of: the sums of an interval. */
struct who_snapshot {
	const struct blame *blame;
	struct parties *parties;
	struct report *times;
};

/* One row: a pair, or a victim. */
struct line {
	const struct blame_victim *victim;
	const struct blame_pair *pair; /* NULL: the total */
	uint32_t party;
};

static double
ms(uint64_t ns)
{
	return (double)ns * 1e-6;
}

/* The victim that waited most, then its total, then its worst culprit. */
static int
compare_lines(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	if (x->victim->wait_ns != y->victim->wait_ns)
		return x->victim->wait_ns < y->victim->wait_ns ? 1 : -1;
	if (x->party != y->party)
		return x->party < y->party ? -1 : 1;
	if (!x->pair || !y->pair)
		return (x->pair != NULL) - (y->pair != NULL);
	if (x->pair->wait_ns != y->pair->wait_ns)
		return x->pair->wait_ns < y->pair->wait_ns ? 1 : -1;
	return x->pair->culprit < y->pair->culprit ? -1 : 1;
}

/* The lines of the victims that are asked for. */
static struct line *
collect(const struct who_snapshot *s, struct arena *a, size_t *n)
{
	uint32_t victims = blame_victims(s->blame);
	size_t pairs = blame_pairs(s->blame);
	struct line *v = arena_alloc(a, (victims + pairs + 1) * sizeof *v);

	*n = 0;
	for (uint32_t i = 0; i < victims; i++) {
		const struct blame_victim *victim = blame_victim(s->blame, i);
		if (victim && victim->waits > 0 && parties_wait(s->parties, i))
			v[(*n)++] = (struct line){ victim, NULL, i };
	}
	for (size_t i = 0; i < pairs; i++) {
		const struct blame_pair *pair = blame_pair(s->blame, i);
		const struct blame_victim *victim = blame_victim(s->blame, pair->victim);
		if (victim && pair->wait_ns > 0 && parties_wait(s->parties, pair->victim))
			v[(*n)++] = (struct line){ victim, pair, pair->victim };
	}
	qsort(v, *n, sizeof *v, compare_lines);
	return v;
}

/* A time, for text without the date. */
static void
put_time(struct cell *c, const struct who_snapshot *s, struct arena *a, uint64_t boot_ns)
{
	struct report times = *s->times;
	struct buf b = { 0 };
	int64_t real_ns;
	char clock[16];

	if (!trace_real(s->parties->trace, boot_ns, &real_ns))
		return;
	times.fractions = true;
	buf_iso_time(&b, &times, real_ns);
	cell_brief(c, arena_copy(a, (struct text){ b.s, b.n }),
	    arena_copy(a, text_of(clock_text(clock, &times, real_ns))));
	buf_free(&b);
}

static void
put_longest(struct cell *row, const struct who_snapshot *s, struct arena *a, double span_s,
    uint64_t longest_ns, uint32_t tid, uint64_t end_ns)
{
	cell_gauge(&row[WHO_LONGEST], ms(longest_ns), span_s);
	cell_label(&row[WHO_LONGEST_TID], arena_printf(a, "%u", tid));
	put_time(&row[WHO_LONGEST_END], s, a, end_ns);
}

static void
put_total(struct cell *row, const struct who_snapshot *s, struct arena *a, double span_s,
    const struct blame_victim *v)
{
	cell_gauge(&row[WHO_WAIT], ms(v->wait_ns), span_s);
	cell_share(&row[WHO_SHARE], (double)v->wait_ns, (double)v->wait_ns);
	put_longest(row, s, a, span_s, v->longest_ns, v->longest_tid, v->longest_end_ns);
	cell_gauge(&row[WHO_WAITS], (double)v->waits, span_s);
	cell_gauge(&row[WHO_SLOW], (double)v->slow, span_s);
	cell_label(&row[WHO_CULPRIT], "(all)");
	for (int i = WHO_SELF_MS; i <= WHO_UNKNOWN_MS; i++)
		cell_gauge(&row[i], i == WHO_QUOTA_MS && !v->quota_known ? NAN : 0, span_s);
	cell_gauge(&row[WHO_ELSEWHERE], ms(v->elsewhere_ns), span_s);
	cell_gauge(&row[WHO_LASTING], (double)v->open, span_s);
	cell_gauge(&row[WHO_LEFT_OUT], (double)v->left_out, span_s);
}

/* What a quota takes from other culprits is not known wait by wait. */
static void
put_pair(struct cell *row, const struct who_snapshot *s, struct arena *a, double span_s,
    const struct line *l)
{
	const struct blame_pair *p = l->pair;

	cell_gauge(&row[WHO_WAIT], ms(p->wait_ns), span_s);
	cell_share(&row[WHO_SHARE], (double)p->wait_ns, (double)l->victim->wait_ns);
	cell_label(&row[WHO_CULPRIT], parties_name(s->parties, p->culprit));
	if (p->culprit == BLAME_QUOTA)
		return;
	put_longest(row, s, a, span_s, p->longest_ns, p->longest_tid, p->longest_end_ns);
	cell_gauge(&row[WHO_WAITS], (double)p->waits, span_s);
	cell_gauge(&row[WHO_SLOW], (double)p->slow, span_s);
	cell_gauge(&row[WHO_ELSEWHERE], ms(p->elsewhere_ns), span_s);
}

/* Adds a pair to the parts of its victim's total. */
static void
add_part(struct cell *total, enum who_kind kind, double wait_ms)
{
	static const int column[] = { [WHO_SELF] = WHO_SELF_MS,
		[WHO_NEIGHBOUR] = WHO_NEIGHBOUR_MS,
		[WHO_KERNEL] = WHO_KERNEL_MS,
		[WHO_IDLE] = WHO_IDLE_MS,
		[WHO_QUOTA] = WHO_QUOTA_MS,
		[WHO_UNKNOWN] = WHO_UNKNOWN_MS,
		[WHO_OTHERS] = WHO_UNKNOWN_MS };

	total[column[kind]].num += wait_ms;
}

static void
rows(struct watch *w, const void *from, const void *to, double span_s, struct table *out)
{
	const struct who_snapshot *s = to;
	size_t n, total = 0;
	struct line *v = collect(s, &w->arena, &n);
	const char *name = NULL;

	(void)from;
	for (size_t i = 0; i < n; i++) {
		struct cell *row = table_row(out);
		enum who_kind kind = WHO_TOTAL;
		if (v[i].pair) {
			kind = parties_kind(s->parties, v[i].party, v[i].pair->culprit);
			put_pair(row, s, &w->arena, span_s, &v[i]);
			add_part(out->cells + total * out->ncolumns, kind, ms(v[i].pair->wait_ns));
		} else {
			total = out->nrows - 1;
			name = parties_name(s->parties, v[i].party);
			put_total(row, s, &w->arena, span_s, v[i].victim);
		}
		cell_label(&row[WHO_VICTIM], name);
		cell_label(&row[WHO_BEHIND], who_kinds[kind]);
	}
}

/* ---- A trace */

struct replay {
	const struct options *options;
	const struct who_options *own;
	struct trace_file trace;
	struct parties parties;
	struct blame *blame;
	struct trace_loss *losses; /* by from_ns */
	size_t next_loss;
	uint64_t from_ns, to_ns;   /* the window */
	uint64_t begun_ns, due_ns; /* of the interval; due 0: the window is one */
	uint64_t printed;          /* intervals with rows */
	struct watch watch;
	struct table table;
	struct output output;
	uint64_t left_out, gaps, invalid; /* waits of those who are asked for; and of all */
	bool partial;                     /* the trace has only the events of one process */
	char *held; /* who waited longest in queues of idle CPUs, and how long */
	uint64_t held_ns;
};

static void
open_trace(struct replay *r)
{
	saved_trace_open(&r->trace, r->own->source);
	if (r->trace.events == 0)
		die(EXIT_FAILED, "%s: no events%s", r->own->source,
		    r->trace.damaged || r->trace.cut ? ": the file is damaged" : "");
}

static int
compare_losses(const void *a, const void *b)
{
	const struct trace_loss *x = a, *y = b;

	return x->from_ns < y->from_ns ? -1 : x->from_ns > y->from_ns;
}

/* CLOCK_REALTIME; of a trace without clocks, the time since boot. */
static int64_t
real_of(const struct trace_file *t, uint64_t boot_ns)
{
	int64_t real_ns;

	return trace_real(t, boot_ns, &real_ns) ? real_ns : (int64_t)boot_ns;
}

/* The first time of the trace at which it was real_ns, or later. */
static uint64_t
boot_of(const struct trace_file *t, int64_t real_ns)
{
	uint64_t from = t->from_ns, to = t->to_ns;

	while (from < to) {
		uint64_t middle = from + (to - from) / 2;
		if (real_of(t, middle) < real_ns)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static void
set_window(struct replay *r)
{
	const struct trace_file *t = &r->trace;
	struct span whole = { real_of(t, t->from_ns), real_of(t, t->to_ns) },
		    w = recording_window(r->options, &whole);

	if (w.from_ns > whole.to_ns || w.to_ns < whole.from_ns)
		die(EXIT_FAILED, "%s: no events in the selected time", r->own->source);
	r->from_ns = w.from_ns > whole.from_ns ? boot_of(t, w.from_ns) : t->from_ns;
	r->to_ns = w.to_ns < whole.to_ns ? boot_of(t, w.to_ns) : t->to_ns;
}

/* The process to which the events were limited when they were recorded; 0: they were not. */
static uint64_t
recorded_pid(const struct trace_file *t)
{
	struct text value, word;
	uint64_t pid;

	if (!facts_find((struct text){ t->facts.s, t->facts.n }, "asked", &value))
		return 0;
	while (text_word(&value, &word))
		if (text_eq(word, "-p") && text_next_u64(&value, &pid) == 0)
			return pid;
	return 0;
}

static void
begin_parties(struct replay *r)
{
	const struct target *target = &r->options->ask.target;
	uint64_t recorded = recorded_pid(&r->trace), pid = recorded;

	r->partial = recorded > 0;
	if (target->pid)
		text_u64(text_of(target->pid), &pid);
	if (r->partial && (pid != recorded || target->cgroup))
		die(EXIT_USAGE, "%s: recorded with -p %llu: has only waits of that process",
		    r->own->source, (unsigned long long)recorded);
	r->parties = (struct parties){ .trace = &r->trace,
		.by_thread = r->own->threads,
		.pid = pid < UINT32_MAX ? (uint32_t)pid : UINT32_MAX };
	if (target->cgroup)
		r->parties.chosen = saved_trace_cgroups(&r->trace, r->own->source, target->cgroup);
	if (parties_begin(&r->parties) < 0)
		die(EXIT_USAGE, "%s: no thread of process %s is in it", r->own->source,
		    target->pid);
}

static void
begin_output(struct replay *r)
{
	const struct options *o = r->options;

	r->watch = (struct watch){ .ask = &o->ask, .shown = o->shown, .nshown = o->nshown };
	r->table = (struct table){ .columns = columns, .ncolumns = columns_count(columns) };
	output_begin(&r->output, o);
	r->output.report.choice.by = -1; /* sorted below */
	r->output.report.fit = o->format->for_people;
	r->output.report.fractions |= r->to_ns - r->from_ns < 950000000;
}

/* Remembers who is most likely to have waited for a quota. */
static void
note_held(struct replay *r)
{
	for (uint32_t i = 0; i < blame_victims(r->blame); i++) {
		const struct blame_victim *v = blame_victim(r->blame, i);
		if (!v || v->quota_known || v->idle_ns <= r->held_ns ||
		    !parties_wait(&r->parties, i))
			continue;
		const char *name = parties_name(&r->parties, i);
		free(r->held);
		r->held = xstrdup(name ? name : "threads of an unknown cgroup");
		r->held_ns = v->idle_ns;
	}
}

static void
add_losses(struct replay *r)
{
	const struct blame_losses *l = blame_losses(r->blame);

	for (uint32_t i = 0; i < blame_victims(r->blame); i++) {
		const struct blame_victim *v = blame_victim(r->blame, i);
		if (v && parties_wait(&r->parties, i))
			r->left_out += v->left_out;
	}
	r->gaps += l->gaps;
	r->invalid += l->invalid;
}

/* Prints the rows of the interval that ends there, and begins the next one. */
static void
end_interval(struct replay *r, uint64_t end_ns)
{
	struct rows out = { .table = &r->table,
		.real_ns = real_of(&r->trace, end_ns),
		.from_real_ns = real_of(&r->trace, r->begun_ns),
		.span_s = (double)(end_ns - r->begun_ns) * 1e-9 };
	struct who_snapshot s = { r->blame, &r->parties, &r->output.report };

	table_clear(&r->table);
	rows(&r->watch, NULL, &s, out.span_s, &r->table);
	if (r->options->ask.sort)
		tool_sort(&r->watch, &r->table, NULL);
	size_t all = r->table.nrows;
	if (r->own->rows)
		table_keep(&r->table, r->own->rows);
	r->table.left_out = all - r->table.nrows;
	r->printed += all > 0;
	output_rows(&r->output, &out);
	note_held(r);
	add_losses(r);
	blame_clear(r->blame);
	arena_reset(&r->watch.arena);
	arena_reset(&r->parties.arena);
	r->begun_ns = end_ns;
}

/* Ends the intervals that are over at that time; those without an event have no rows. */
static void
end_intervals(struct replay *r, uint64_t at_ns)
{
	uint64_t interval_ns = (uint64_t)r->options->interval_ns;

	if (r->due_ns == 0 || at_ns < r->due_ns)
		return;
	end_interval(r, r->due_ns);
	r->begun_ns = r->due_ns + (at_ns - r->due_ns) / interval_ns * interval_ns;
	r->due_ns = r->begun_ns + interval_ns;
}

static bool
is_enough(const struct replay *r)
{
	return r->options->count > 0 && r->printed >= r->options->count;
}

/* What was before the window tells who ran and waited at its start. */
static void
begin_window(struct replay *r)
{
	blame_clear(r->blame);
	r->begun_ns = r->from_ns;
	if (r->options->interval_ns)
		r->due_ns = r->from_ns + (uint64_t)r->options->interval_ns;
}

/* Events that are lost from some time before at_ns on. */
static void
put_losses(struct replay *r, uint64_t at_ns)
{
	while (r->next_loss < r->trace.nlosses && r->losses[r->next_loss].from_ns < at_ns) {
		const struct trace_loss *l = &r->losses[r->next_loss++];
		blame_gap(r->blame, l->cpu, l->from_ns, l->to_ns);
	}
}

static void
replay(struct replay *r)
{
	struct trace_cursor *c = trace_begin(&r->trace, 0, r->to_ns);
	const struct sched_event *e;
	bool begun = false;

	while ((e = trace_next(c)) && !is_enough(r)) {
		if (!begun && e->at_ns >= r->from_ns) {
			begin_window(r);
			begun = true;
		}
		if (begun)
			end_intervals(r, e->at_ns);
		put_losses(r, e->at_ns);
		blame_event(r->blame, e);
	}
	trace_end(c);
	if (is_enough(r))
		return;
	if (!begun)
		begin_window(r);
	put_losses(r, r->to_ns);
	blame_end(r->blame, r->to_ns);
	end_interval(r, r->to_ns);
}

static const char *
plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static bool
by_perf(const struct trace_file *t)
{
	struct text source;

	return facts_find((struct text){ t->facts.s, t->facts.n }, "source", &source) &&
	    text_eq(source, "perf");
}

static void
tell_losses(const struct replay *r)
{
	const struct trace_file *t = &r->trace;
	unsigned long long damaged = t->damaged, left_out = r->left_out, gaps = r->gaps,
			   invalid = r->invalid;

	if (r->partial)
		warn("%s: recorded with -p: who ran between the events of that process is mostly "
		     "unknown",
		    r->own->source);
	if (damaged)
		warn("%s: skipped %llu damaged block%s", r->own->source, damaged, plural(damaged));
	if (t->cut)
		warn("%s: the end of the trace is missing", r->own->source);
	if (left_out && by_perf(t))
		warn("left out: %llu wait%s: perf events do not tell when threads are woken up",
		    left_out, plural(left_out));
	else if (left_out && gaps)
		warn("left out: %llu wait%s that began before the trace, or during which events "
		     "were lost (in %llu place%s)",
		    left_out, plural(left_out), gaps, plural(gaps));
	else if (left_out)
		warn("left out: %llu wait%s that began before the trace", left_out,
		    plural(left_out));
	if (invalid)
		warn("%s: ignored %llu invalid event%s", r->own->source, invalid, plural(invalid));
}

static void
tell_held(const struct replay *r)
{
	if (r->held)
		warn("%s waited %.1f ms in queues of idle CPUs, in waits with 1 ms or more of "
		     "that: a CPU quota does so (pq throttle), or a hypervisor (pq cpu, %%steal)",
		    r->held, ms(r->held_ns));
}

static void
release(struct replay *r)
{
	output_free(&r->output);
	table_free(&r->table);
	arena_free(&r->watch.arena);
	blame_free(r->blame);
	parties_free(&r->parties);
	trace_close(&r->trace);
	free(r->losses);
	free(r->held);
}

static enum exit_status
who(const struct options *o)
{
	struct replay r = { .options = o, .own = o->ask.options };

	if (!r.own->source)
		die(EXIT_USAGE, "want a saved trace: -f FILE");
	open_trace(&r);
	set_window(&r);
	begin_parties(&r);
	r.losses = xmalloc((r.trace.nlosses + 1) * sizeof *r.losses);
	if (r.trace.nlosses)
		memcpy(r.losses, r.trace.losses, r.trace.nlosses * sizeof *r.losses);
	qsort(r.losses, r.trace.nlosses, sizeof *r.losses, compare_losses);
	r.blame = blame_new(parties_of, &r.parties, (uint64_t)r.own->slow_ns);
	if (r.partial)
		blame_partial(r.blame);
	begin_output(&r);
	replay(&r);
	output_end(&r.output);
	if (r.printed == 0)
		warn("%s: no thread waited for a CPU%s", r.own->source,
		    o->ask.target.pid || o->ask.target.cgroup ? " (of -p or -g)" : "");
	tell_losses(&r);
	tell_held(&r);
	release(&r);
	return EXIT_DONE;
}

static const struct option *const shared[] = { &option_from, &option_to, &option_pid,
	&option_cgroup, &option_sort, NULL };

const struct tool tool_who = {
	.name = "who",
	.brief = "behind whom runnable threads waited for a CPU",
	.examples =
	    "  pq who -f x.trace             cgroups, and who ran while they waited\n"
	    "  pq who -f x.trace -t -p 4711  the threads of a process\n"
	    "  pq who -f x.trace --slow 10ms 1\n"
	    "                                each second; waits of 10 ms or more are slow\n",
	.columns = columns,
	.shared = shared,
	.shared_help = { .pid = "only waits of this process",
	    .cgroup = "only waits of this cgroup and those below" },
	.options = own_options,
	.options_size = sizeof(struct who_options),
	.defaults = &usual_options,
	.costly = true,
	.fleeting = true,
	.rows = rows,
	.command = who,
	.usage = "-f TRACE [options] [interval [count]]",
};
