/*
 * who: pq who: who ran on the CPU while threads waited for it. The rows are made of sums (trace/blame.h)
 * from a saved trace (saved.c), or from what the scheduler does now (live.c).
 */
#include "commands/who/who.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "session/session.h"

static const struct column columns[] = {
	[WHO_VICTIM] = { "victim", "victim", LABEL, NO_UNIT, 0, 0, .room = 12,
	    .help = "who waited: a cgroup, with -t a thread, with -p the process" },
	[WHO_BEHIND] = { "behind", "behind", LABEL, NO_UNIT, 10, 0,
	    .help = "total, self, neighbour, kernel, idle, quota, interrupt, steal, unknown or "
		    "others" },
	[WHO_WAIT] = { "wait_ms", "wait-ms", GAUGE, MILLISECONDS, 10, 1,
	    .help = "how long the victim's threads waited behind the culprit, summed" },
	[WHO_SHARE] = { "share_pct", "%share", SHARE, PERCENT, 7, 1,
	    .help = "this time in % of all time that the victim waited" },
	[WHO_LONGEST] = { "longest_ms", "longest-ms", GAUGE, MILLISECONDS, 11, 2,
	    .help = "the longest wait; of a culprit: its largest part of one wait" },
	[WHO_WAITS] = { "waits", "waits", COUNT, NO_UNIT, 8, 0,
	    .help = "waits that spent time behind the culprit in the interval" },
	[WHO_SLOW] = { "slow", "slow", COUNT, NO_UNIT, 6, 0,
	    .help = "waits of at least --slow, by the culprit with the largest part" },
	[WHO_CULPRIT] = { "culprit", "culprit", LABEL, NO_UNIT, 0, 0, .room = 9,
	    .help = "which cgroup (-t: thread) ran on the CPU meanwhile" },
	[WHO_SELF_MS] = { "self_ms", "self-ms", GAUGE, MILLISECONDS, 10, 1, .group = "parts",
	    .help = "of a total: behind threads of the same cgroup (-t: process)" },
	[WHO_NEIGHBOUR_MS] = { "neighbour_ms", "neigh-ms", GAUGE, MILLISECONDS, 10, 1,
	    .group = "parts", .help = "of a total: behind other cgroups (-t: processes)" },
	[WHO_KERNEL_MS] = { "kernel_ms", "kern-ms", GAUGE, MILLISECONDS, 10, 1, .group = "parts",
	    .help = "of a total: behind kernel threads" },
	[WHO_IDLE_MS] = { "idle_ms", "idle-ms", GAUGE, MILLISECONDS, 10, 1, .group = "parts",
	    .help = "of a total: the CPU was idle: slow to wake up, or a quota or hypervisor" },
	[WHO_QUOTA_MS] = { "quota_ms", "quota-ms", GAUGE, MILLISECONDS, 10, 1, .group = "parts",
	    .help = "of a total: throttled by a CPU quota; unknown if a trace does not tell" },
	[WHO_INTERRUPT_MS] = { "interrupt_ms", "irq-ms", GAUGE, MILLISECONDS, 10, 1,
	    .group = "parts", .help = "of a total: interrupts took the CPU (/proc/stat)" },
	[WHO_STEAL_MS] = { "steal_ms", "steal-ms", GAUGE, MILLISECONDS, 10, 1, .group = "parts",
	    .help = "of a total: a hypervisor took the CPU (/proc/stat)" },
	[WHO_UNKNOWN_MS] = { "unknown_ms", "unkn-ms", GAUGE, MILLISECONDS, 10, 1, .group = "parts",
	    .help = "of a total: unknown who ran" },
	[WHO_ELSEWHERE] = { "elsewhere_ms", "elsew-ms", GAUGE, MILLISECONDS, 10, 1,
	    .group = "parts", .help = "part of wait_ms: this CPU was busy while another was idle" },
	[WHO_LASTING] = { "lasting", "lasting", COUNT, NO_UNIT, 8, 0, .group = "detail",
	    .help = "of a total: waits that had not ended at the end of the interval" },
	[WHO_LEFT_OUT] = { "left_out", "left-out", COUNT, NO_UNIT, 9, 0, .group = "detail",
	    .help = "of a total: waits with an unknown start or across lost events" },
	[WHO_LONGEST_TID] = { "longest_tid", "tid", LABEL, NO_UNIT, 8, 0, .group = "detail",
	    .remark = true, .number = NUMBER, .help = "the thread with the longest wait" },
	[WHO_LONGEST_END] = { "longest_end", "longest-end", LABEL, NO_UNIT, 13, 0,
	    .group = "detail", .remark = true,
	    .help = "when the longest wait ended; else the end of the interval" },
	[WHO_SOURCE] = { "source", "source", LABEL, NO_UNIT, 0, 0, .group = "detail",
	    .remark = true, .room = 8,
	    .help = "where the figures come from: bpf-btf, bpf-raw, bpf-tp, proc or trace" },
	[WHO_NOTE] = { "note", "", LABEL, NO_UNIT, 0, 0, .remark = true,
	    .help = "of a total: lost events, and waits left out because of them; or: sampled" },
	{ .key = NULL },
};

static const struct who_options usual_options = { .rows = OPTION_ROWS_UNSET, .slow_ns = 50000000 };

static const char *const sources[] = { "bpf", "proc", NULL };

static const struct option own_options[] = {
	{ 'f', NULL, "FILE", OPTION_PATH, offsetof(struct who_options, source),
	    .help = "read a saved trace ('-': from stdin) instead of this machine",
	    .want = "the file of a trace" },
	{ 't', NULL, NULL, OPTION_FLAG, offsetof(struct who_options, threads),
	    .help = "show threads instead of cgroups" },
	{ 'n', NULL, "N", OPTION_ROWS, offsetof(struct who_options, rows),
	    .help = "at most N rows, worst first (text: 20, or one screen)",
	    .want = "a number of rows", .most = 1000000 },
	{ 0, "source", "NAME", OPTION_CHOICE, offsetof(struct who_options, from),
	    .help = "bpf or proc (default: bpf if it is available)", .choices = sources },
	{ 0, "slow", "TIME", OPTION_TIME, offsetof(struct who_options, slow_ns),
	    .help = "count waits of at least TIME as slow (default 50ms)" },
	{ .type = OPTION_END },
};

/* ---- Rows */

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
	struct report times = { .utc = s->utc, .fractions = true };
	struct buf b = { 0 };
	int64_t real_ns;
	char clock[16];

	if (!s->real(s->about, boot_ns, &real_ns))
		return;
	buf_iso_time(&b, &times, real_ns);
	cell_brief(c, arena_copy(a, (struct text){ b.s, b.n }),
	    arena_copy(a, text_of(clock_text(clock, &times, real_ns))));
	buf_free(&b);
}

static void
put_longest(struct cell *row, const struct who_snapshot *s, struct arena *a, double span_s,
    uint64_t longest_ns, uint32_t tid, uint64_t end_ns)
{
	if (s->sampled)
		return;
	cell_gauge(&row[WHO_LONGEST], ms(longest_ns), span_s);
	cell_label(&row[WHO_LONGEST_TID], arena_u64(a, tid));
	put_time(&row[WHO_LONGEST_END], s, a, end_ns);
}

static bool
is_known(const struct who_snapshot *s, const struct blame_victim *v, int part)
{
	if (part == WHO_QUOTA_MS)
		return v->quota_known;
	return s->taken || (part != WHO_INTERRUPT_MS && part != WHO_STEAL_MS);
}

static void
put_total(struct cell *row, const struct who_snapshot *s, struct arena *a, double span_s,
    const struct blame_victim *v)
{
	cell_gauge(&row[WHO_WAIT], ms(v->wait_ns), span_s);
	cell_share(&row[WHO_SHARE], (double)v->wait_ns, (double)v->wait_ns);
	put_longest(row, s, a, span_s, v->longest_ns, v->longest_tid, v->longest_end_ns);
	cell_gauge(&row[WHO_WAITS], (double)v->waits, span_s);
	cell_label(&row[WHO_CULPRIT], "(all)");
	cell_label(&row[WHO_NOTE], s->note);
	for (int i = WHO_SELF_MS; i <= WHO_UNKNOWN_MS; i++)
		cell_gauge(&row[i], is_known(s, v, i) ? 0 : NAN, span_s);
	if (s->sampled)
		return;
	cell_gauge(&row[WHO_SLOW], (double)v->slow, span_s);
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
	if (p->culprit == BLAME_QUOTA || s->sampled)
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
		[WHO_INTERRUPT] = WHO_INTERRUPT_MS,
		[WHO_STEAL] = WHO_STEAL_MS,
		[WHO_UNKNOWN] = WHO_UNKNOWN_MS,
		[WHO_OTHERS] = WHO_UNKNOWN_MS };

	total[column[kind]].num += wait_ms;
}

static void
add_rows(const struct who_snapshot *s, double span_s, struct table *out)
{
	size_t n, total = 0;
	struct line *v = collect(s, &s->parties->arena, &n);
	const char *name = NULL;

	for (size_t i = 0; i < n; i++) {
		struct cell *row = table_row(out);
		enum who_kind kind = WHO_TOTAL;
		if (v[i].pair) {
			kind = parties_kind(s->parties, v[i].party, v[i].pair->culprit);
			put_pair(row, s, &s->parties->arena, span_s, &v[i]);
			add_part(out->cells + total * out->ncolumns, kind, ms(v[i].pair->wait_ns));
		} else {
			total = out->nrows - 1;
			name = parties_name(s->parties, v[i].party);
			put_total(row, s, &s->parties->arena, span_s, v[i].victim);
		}
		cell_label(&row[WHO_VICTIM], name);
		cell_label(&row[WHO_BEHIND], who_kinds[kind]);
		cell_label(&row[WHO_SOURCE], s->source);
	}
}

void
who_rows(struct watch *w, const void *from, const void *to, double span_s, struct table *out)
{
	const struct who_options *o = w->ask->options;

	(void)from;
	add_rows(to, span_s, out);
	if (w->ask->sort)
		tool_sort(w, out, NULL);
	size_t all = out->nrows;
	if (o->rows)
		table_keep(out, o->rows);
	out->left_out = all - out->nrows;
}

static enum exit_status
who(const struct options *o)
{
	const struct who_options *own = o->ask.options;

	if (own->source && own->from)
		die(EXIT_USAGE, "--source is for this machine, and -f for a saved trace");
	if (own->source)
		return who_saved(o);
	if (o->from.written || o->to.written)
		die(EXIT_USAGE, "--from and --to are for a saved trace (-f)");
	struct options live = *o;
	struct who_options mine = *own;
	mine.utc = o->utc;
	live.ask.options = &mine;
	return run(&live);
}

static const struct option *const shared[] = { &option_from, &option_to, &option_pid,
	&option_cgroup, &option_sort, NULL };

const struct tool tool_who = {
	.name = "who",
	.brief = "show who ran on the CPU while threads waited for it",
	.examples =
	    "  pq who 1                      each second, until Ctrl-C\n"
	    "  pq who -f x.trace             cgroups, and who ran while they waited\n"
	    "  pq who -f x.trace -t -p 4711  the threads of a process\n"
	    "  pq who -f x.trace --slow 10ms 1\n"
	    "                                each second; waits of 10 ms or more are slow\n",
	.columns = columns,
	.shared = shared,
	.shared_help = { .pid = "show only waits of this process",
	    .cgroup = "show only waits of this cgroup and its child cgroups" },
	.options = own_options,
	.options_size = sizeof(struct who_options),
	.defaults = &usual_options,
	.costly = true,
	.fleeting = true,
	.state_size = sizeof(struct who_state),
	.tick = who_tick,
	.tick_ns = who_tick_ns,
	.read = who_read,
	.rows = who_rows,
	.release = who_release,
	.command = who,
	.usage = "[-f TRACE] [options] [interval [count]]",
};
