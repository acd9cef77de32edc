/* saved: pq who -f: the rows of a saved trace. A trace is no host: it has events, and neither samples nor
 * files. So this reads it, and hands the rows to the output. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/open.h"
#include "cli/output.h"
#include "commands/saved_trace.h"
#include "commands/who/who.h"

enum { EMPTY_MOST = 100000 };

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
	uint64_t left_out, gaps, unseen, invalid; /* waits of those who are asked for; and of all */
	bool partial;                             /* the trace has only the events of one process */
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

static bool
real_time(const void *about, uint64_t boot_ns, int64_t *real_ns)
{
	return trace_real(about, boot_ns, real_ns);
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
		.find = trace_find,
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

	r->watch =
	    (struct watch){ .ask = &o->ask, .shown = o->chosen.shown, .nshown = o->chosen.nshown };
	r->table = (struct table){ .columns = o->tool->columns,
		.ncolumns = columns_count(o->tool->columns) };
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
		if (!v || v->quota_known || v->idle_ns == 0 || !parties_wait(&r->parties, i))
			continue;
		const char *name = parties_name(&r->parties, i);
		name = name ? name : "threads of an unknown cgroup";
		if (r->held && strcmp(r->held, name) == 0) {
			r->held_ns += v->idle_ns;
		} else if (v->idle_ns > r->held_ns) {
			free(r->held);
			r->held = xstrdup(name);
			r->held_ns = v->idle_ns;
		}
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
	r->unseen += l->unseen;
	r->invalid += l->invalid;
}

/* The readings of a cgroup: *n of them; NULL: none. */
static const struct trace_quota *
quotas_of(const struct trace_file *t, uint32_t cgroup, size_t *n)
{
	size_t i = 0, to = t->nquotas;

	while (i < to) { /* the first that is not before it */
		size_t middle = i + (to - i) / 2;
		if (t->quotas[middle].cgroup < cgroup)
			i = middle + 1;
		else
			to = middle;
	}
	*n = 0;
	while (i + *n < t->nquotas && t->quotas[i + *n].cgroup == cgroup)
		++*n;
	return *n > 0 ? &t->quotas[i] : NULL;
}

static void
limit(void *about, uint32_t party)
{
	struct replay *r = about;
	size_t n;
	const struct trace_quota *q = quotas_of(&r->trace, parties_cgroup(&r->parties, party), &n);

	if (n > 0 && q[n - 1].limited)
		blame_limited(r->blame, party);
}

/* What quotas throttled in an interval is known if two readings enclose it, by and large, and nothing was
 * throttled between them, or not much more than the interval is between them. */
static void
tell_throttled(struct replay *r, uint32_t party, uint64_t end_ns)
{
	const uint64_t span_ns = end_ns - r->begun_ns, slack_ns = 50000000 + span_ns / 20;
	uint32_t cgroup = parties_cgroup(&r->parties, party);
	size_t n, a = 0, z;
	const struct trace_quota *q = quotas_of(&r->trace, cgroup, &n);

	if (cgroup == PARTIES_FREE)
		blame_throttled(r->blame, party, 0);
	if (n < 2)
		return;
	while (a + 1 < n && q[a + 1].at_ns <= r->begun_ns + slack_ns)
		a++;
	for (z = n - 1; z > a && q[z - 1].at_ns + slack_ns >= end_ns;)
		z--;
	if (q[a].at_ns > r->begun_ns + slack_ns || q[z].at_ns + slack_ns < end_ns ||
	    q[z].throttled_ns < q[a].throttled_ns)
		return;
	uint64_t ns = q[z].throttled_ns - q[a].throttled_ns;
	if (ns == 0 || (!r->own->threads && q[z].at_ns - q[a].at_ns <= span_ns + 2 * slack_ns))
		blame_throttled(r->blame, party, ns);
}

static void
tell_quotas(struct replay *r, uint64_t end_ns)
{
	for (uint32_t i = 0; r->trace.nquotas && i < blame_victims(r->blame); i++)
		if (blame_victim(r->blame, i))
			tell_throttled(r, i, end_ns);
}

/* Prints the rows of the interval that ends there, and begins the next one. */
static bool
end_interval(struct replay *r, uint64_t end_ns)
{
	struct rows out = { .table = &r->table,
		.real_ns = real_of(&r->trace, end_ns),
		.from_real_ns = real_of(&r->trace, r->begun_ns),
		.span_s = (double)(end_ns - r->begun_ns) * 1e-9 };
	struct who_snapshot s = { .blame = r->blame,
		.parties = &r->parties,
		.utc = r->options->utc,
		.source = "trace",
		.real = real_time,
		.about = &r->trace };

	tell_quotas(r, end_ns);
	table_clear(&r->table);
	who_rows(&r->watch, NULL, &s, out.span_s, &r->table);
	bool any = r->table.nrows > 0;
	r->printed += any;
	output_rows(&r->output, &out);
	note_held(r);
	add_losses(r);
	blame_clear(r->blame);
	arena_reset(&r->watch.arena);
	arena_reset(&r->parties.arena);
	r->begun_ns = end_ns;
	return any;
}

static bool
is_enough(const struct replay *r)
{
	return r->options->count > 0 && r->printed >= r->options->count;
}

/* Ends the intervals that are over at that time. Those without a wait have no rows. Of a machine that was
 * suspended, with threads that wait, it ends only so many. */
static void
end_intervals(struct replay *r, uint64_t at_ns)
{
	uint64_t interval_ns = (uint64_t)r->options->interval_ns;

	for (int i = 0; r->due_ns && at_ns >= r->due_ns && !is_enough(r); i++) {
		blame_cut(r->blame, r->due_ns);
		bool any = end_interval(r, r->due_ns);
		r->due_ns += interval_ns;
		if (!any || i == EMPTY_MOST)
			break;
	}
	if (r->due_ns == 0 || at_ns < r->due_ns)
		return;
	r->due_ns -= interval_ns;
	r->begun_ns = r->due_ns + (at_ns - r->due_ns) / interval_ns * interval_ns;
	r->due_ns = r->begun_ns + interval_ns;
}

/* What was before the window tells who ran and waited at its start. */
static void
begin_window(struct replay *r)
{
	blame_cut(r->blame, r->from_ns);
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
			   unseen = r->unseen, invalid = r->invalid;

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
	if (unseen)
		warn("%s: %llu switch%s missing: who ran meanwhile is unknown", r->own->source,
		    unseen, unseen == 1 ? " is" : "es are");
	if (invalid)
		warn("%s: ignored %llu invalid event%s", r->own->source, invalid, plural(invalid));
}

static void
tell_held(const struct replay *r)
{
	if (r->held)
		warn("%s waited %.1f ms in queues of idle CPUs, in waits with 1 ms or more of "
		     "that: a CPU quota does so (pq throttle), or a hypervisor (pq cpu, %%steal)",
		    r->held, (double)r->held_ns * 1e-6);
}

static void
tell_only_cgroup(struct replay *r)
{
	const char *cgroup = parties_only_cgroup(&r->parties);

	if (cgroup && r->printed > 0)
		warn(WHO_ONLY_CGROUP, cgroup);
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

enum exit_status
who_saved(const struct options *o)
{
	struct replay r = { .options = o, .own = o->ask.options };

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
	parties_each(&r.parties, limit, &r);
	begin_output(&r);
	replay(&r);
	output_end(&r.output);
	if (r.printed == 0)
		warn("%s: no thread waited for a CPU%s", r.own->source,
		    o->ask.target.pid || o->ask.target.cgroup ? " (of -p or -g)" : "");
	tell_losses(&r);
	tell_held(&r);
	tell_only_cgroup(&r);
	release(&r);
	return EXIT_DONE;
}
