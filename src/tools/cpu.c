/* cpu: CPU time per core, as mpstat -P ALL, also where the kernel's counters decrease. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "proc/machine.h"
#include "proc/task.h"
#include "tools/hidden.h"
#include "tools/targets.h"
#include "tools/tool.h"

struct cpu_options {
	struct cpu_choice cpus;
	bool allowed;     /* only CPUs that the process may run on */
	unsigned busiest; /* only this many, busiest first; 0: all */
};

static const struct option options[] = {
	{ 'P', NULL, "LIST", OPTION_CPUS, offsetof(struct cpu_options, cpus),
	    .help = "a row for each of these CPUs: 0,2-3, or ALL" },
	{ 0, "allowed", NULL, OPTION_FLAG, offsetof(struct cpu_options, allowed),
	    .help = "only CPUs that pq, or the process of -p, may run on" },
	{ 0, "busiest", "N", OPTION_NUMBER, offsetof(struct cpu_options, busiest),
	    .help = "only the N busiest CPUs, busiest first", .want = "a number of CPUs",
	    .most = CPULIST_MOST },
	{ .type = OPTION_END },
};

static const struct column columns[] = {
	[CPU_NAME] = { "cpu", "CPU", LABEL, NO_UNIT, 5, 0, .number = NUMBER_OR_ROW,
	    .help =
		"CPU number; 'all' sums the CPUs online, 'own' those of --allowed (/proc/stat)" },
	[CPU_USR] = { "usr_pct", "%usr", SHARE, PERCENT, 6, 1, .counter = "cpu_user_seconds",
	    .bound = BY_TIME,
	    .help = "running user programs, guests excluded (/proc/stat user - guest)" },
	[CPU_NICE] = { "nice_pct", "%nice", SHARE, PERCENT, 6, 1, .counter = "cpu_nice_seconds",
	    .bound = BY_TIME,
	    .help = "running niced programs, guests excluded (/proc/stat nice - guest_nice)" },
	[CPU_SYS] = { "sys_pct", "%sys", SHARE, PERCENT, 6, 1, .counter = "cpu_system_seconds",
	    .bound = BY_TIME,
	    .help = "running the kernel, interrupts excluded (/proc/stat system)" },
	[CPU_IOWAIT] = { "iowait_pct", "%iowait", SHARE, PERCENT, 8, 1,
	    .counter = "cpu_iowait_seconds", .bound = BY_TIME, .change = MORE_IS_WORSE,
	    .help =
		"idle while a task that last ran here waited for disk I/O (/proc/stat iowait)" },
	[CPU_IRQ] = { "irq_pct", "%irq", SHARE, PERCENT, 6, 1, .counter = "cpu_irq_seconds",
	    .bound = BY_TIME, .help = "servicing hardware interrupts (/proc/stat irq)" },
	[CPU_SOFT] = { "soft_pct", "%soft", SHARE, PERCENT, 6, 1, .counter = "cpu_softirq_seconds",
	    .bound = BY_TIME,
	    .help = "servicing software interrupts, mostly network (/proc/stat softirq)" },
	[CPU_STEAL] = { "steal_pct", "%steal", SHARE, PERCENT, 7, 1, .counter = "cpu_steal_seconds",
	    .bound = BY_TIME, HURTS_FROM(STEAL), .change = MORE_IS_WORSE,
	    .help = "had work, but the hypervisor ran something else (/proc/stat steal)" },
	[CPU_GUEST] = { "guest_pct", "%guest", SHARE, PERCENT, 7, 1, .counter = "cpu_guest_seconds",
	    .bound = BY_TIME, .help = "running virtual machines (/proc/stat guest)",
	    .spare = true },
	[CPU_GNICE] = { "gnice_pct", "%gnice", SHARE, PERCENT, 7, 1,
	    .counter = "cpu_guest_nice_seconds", .bound = BY_TIME,
	    .help = "running niced virtual machines (/proc/stat guest_nice)", .spare = true },
	[CPU_IDLE] = { "idle_pct", "%idle", SHARE, PERCENT, 6, 1, .counter = "cpu_idle_seconds",
	    .bound = BY_TIME, .change = LESS_IS_WORSE, .high = IDLE_LOW, .very_high = IDLE_VERY_LOW,
	    .help = "idle, with no disk I/O outstanding (/proc/stat idle)" },
	[CPU_ALLOWED] = { "allowed", "*", FLAG, NO_UNIT, 2, 0,
	    .help = "pq, or the process of -p, may run here (/proc/PID/status Cpus_allowed_list)" },
	{ .key = NULL },
};

/* ---- Usage */

static const enum cpu_field field_of[] = {
	[CPU_USR] = STAT_USER,
	[CPU_NICE] = STAT_NICE,
	[CPU_SYS] = STAT_SYSTEM,
	[CPU_IOWAIT] = STAT_IOWAIT,
	[CPU_IRQ] = STAT_IRQ,
	[CPU_SOFT] = STAT_SOFTIRQ,
	[CPU_STEAL] = STAT_STEAL,
	[CPU_GUEST] = STAT_GUEST,
	[CPU_GNICE] = STAT_GUEST_NICE,
	[CPU_IDLE] = STAT_IDLE,
};

/* Clock ticks of an interval by column (NaN: unknown), and their sum. */
struct usage {
	double part[CPU_IDLE + 1], whole;
	int fields; /* how many the kernel has */
};

static bool
is_guest(int column)
{
	return column == CPU_GUEST || column == CPU_GNICE;
}

/* The kernel counts guests as user and as nice too. It adds to both counters at once, but they may
 * be read a tick apart. */
static double
without_guest(double all, double guest)
{
	double rest = all - guest;

	return rest < 0 && rest >= -2 ? 0 : rest < 0 ? NAN : rest;
}

static void
subtract_guests(struct usage *u)
{
	u->part[CPU_USR] = without_guest(u->part[CPU_USR], u->part[CPU_GUEST]);
	u->part[CPU_NICE] = without_guest(u->part[CPU_NICE], u->part[CPU_GNICE]);
}

static struct usage
usage_between(
    struct interval *t, const struct cpu_time *from, const struct cpu_time *to, double ticks_per_s)
{
	struct usage u = { .fields = from->fields < to->fields ? from->fields : to->fields };

	for (int i = CPU_USR; i <= CPU_IDLE; i++) {
		enum cpu_field f = field_of[i];
		u.part[i] = interval_growth(
		    t, i, keyed_of(from->ticks[f]), keyed_of(to->ticks[f]), 1 / ticks_per_s);
		u.part[i] = round(u.part[i] * ticks_per_s);
		u.whole += is_guest(i) ? 0 : u.part[i];
	}
	subtract_guests(&u);
	return u;
}

/* As in mpstat, shares are of the sum of all times: a late reading and lost ticks do not change them (a
 * virtual machine on a busy host may lose three of four). That sum means nothing if a time is
 * unknown, or if it is far from the time that elapsed: then shares are of the latter. If the sum is
 * too large, any of the times may be wrong; if it is too small, the rest may have been idle. */
static void
usage_check(struct watch *w, const struct interval *t, struct usage *u, double span_ticks)
{
	double most = fmax(2, interval_most(t, CPU_IDLE) / t->span_s) * span_ticks, known = 0;
	double least = span_ticks < 50 ? 0 : span_ticks / 10;

	for (int i = CPU_USR; i <= CPU_IDLE; i++)
		known += isnan(u->part[i]) ? 0 : u->part[i];
	if (known <= most && u->whole >= least)
		return;
	if (known <= most && u->whole > 0)
		u->part[CPU_IDLE] = NAN;
	for (int i = CPU_USR; i <= CPU_IDLE && known > most; i++)
		u->part[i] = NAN;
	if (!isnan(u->whole) && u->whole > 0)
		watch_note(w,
		    "the times of a CPU in /proc/stat add up to much %s than the interval: %s "
		    "unknown in such rows",
		    known > most ? "more" : "less", known > most ? "they are" : "%idle is");
	if (u->whole != 0)
		u->whole = fmax(span_ticks, known <= most ? known : 0);
}

/* False in some sandboxes, whose file has only zeros. */
static bool
has_counted(const struct cpu_time *c)
{
	uint64_t sum = 0;

	for (int i = 0; i < STAT_FIELDS; i++)
		sum |= c->ticks[i];
	return sum != 0;
}

/* A CPU without any ticks is idle, if the interval is long enough to have some. */
static void
usage_fill_idle(struct usage *u, const struct cpu_time *to, double span_ticks)
{
	if (u->whole == 0 && span_ticks >= 2 && has_counted(to))
		u->part[CPU_IDLE] = u->whole = span_ticks;
}

/* A sum with an unknown part is unknown. */
static void
usage_add(struct usage *sum, const struct usage *u)
{
	for (int i = CPU_USR; i <= CPU_IDLE; i++)
		sum->part[i] += u->part[i];
	sum->whole += u->whole;
	sum->fields = sum->fields && sum->fields < u->fields ? sum->fields : u->fields;
}

/* ---- Reading */

/* For metrics: the kernel's counters at the first row, plus their growth since then, so that they
 * never decrease. */
struct counted {
	bool begun;
	double ticks[CPU_IDLE + 1];
};

/* Those of pq itself are read once, as that file costs more than all others here. */
struct cpu_state {
	bool asked, known;
	struct cpulist allowed;  /* the CPUs that the process may run on */
	struct counted *counted; /* by CPU number, up to the largest that was seen */
	size_t ncounted;
};

static void
read_allowed(struct watch *w)
{
	const char *pid = w->ask->target.pid;
	struct cpu_state *s = w->state;
	char path[64];
	struct text text;

	if (s->asked && !pid)
		return;
	snprintf(path, sizeof path, "proc/%.32s/status", pid ? pid : "self");
	bool there = host_read(w->host, path, &text) == 0;
	s->known = there && task_allowed_parse(text, &s->allowed) == 0;
	if (!s->known && (there || !pid))
		watch_note(w, "/%s: cannot read which CPUs the process may run on", path);
	if (!there && pid)
		targets_gone(w, !s->asked);
	s->asked = true;
}

/* Some sandboxes cut the file at the size of a buffer. */
static void
tell_cut(struct watch *w, const struct stat_file *f)
{
	double online = watch_cpus(w);
	bool known = online > (double)f->ncpus && online < CPULIST_MOST;

	if (known)
		watch_note(w,
		    "/proc/stat ends early: it has %zu of %.0f CPUs, and 'all' is not the whole "
		    "machine",
		    f->ncpus, online);
	else if (f->cut)
		watch_note(w, "/proc/stat ends early: 'all' may not be the whole machine");
}

static void *
read_cpus(struct watch *w, struct arena *a)
{
	const struct cpu_options *o = w->ask->options;
	struct stat_file *f = arena_alloc(a, sizeof *f);
	struct cpulist online = { { 0 } };
	struct text text;

	if (host_read(w->host, "proc/stat", &text) < 0)
		return watch_fail(w, EXIT_UNSUPPORTED, "cannot read /proc/stat: %s",
		    hidden_error(w, errno, "is /proc mounted?"));
	if (stat_parse(text, a, f) < 0)
		return watch_fail(w, EXIT_UNSUPPORTED, "/proc/stat lists no CPU");
	if (f->cut || f->only_cpus)
		tell_cut(w, f);
	read_allowed(w);
	for (size_t i = 0; i < f->ncpus; i++)
		cpulist_add(&online, f->cpus[i].cpu);
	return watch_check_cpus(w, &o->cpus, &online) && !w->ended ? f : NULL;
}

/* ---- Rows */

static struct counted *
counted_of(struct watch *w, unsigned cpu)
{
	struct cpu_state *s = w->state;

	if (cpu >= CPULIST_MOST)
		return NULL;
	if (cpu >= s->ncounted) {
		struct counted *more = arena_alloc(&w->arena, (cpu + 64) * sizeof *more);
		if (s->ncounted)
			memcpy(more, s->counted, s->ncounted * sizeof *more);
		s->counted = more;
		s->ncounted = cpu + 64;
	}
	return &s->counted[cpu];
}

/* Adds the growth in this interval, as far as it is known, to the counters of the CPU, and puts them
 * into its row. */
static void
set_counters(struct watch *w, struct cell *row, const struct cpu_time *from, const struct usage *u)
{
	struct counted *counted = counted_of(w, from->cpu);
	struct usage all = { .fields = from->fields };

	if (!counted)
		return;
	for (int i = CPU_USR; i <= CPU_IDLE; i++)
		all.part[i] = (double)from->ticks[field_of[i]];
	subtract_guests(&all);
	for (int i = CPU_USR; i <= CPU_IDLE; i++) {
		if (!counted->begun)
			counted->ticks[i] = all.part[i];
		counted->ticks[i] += isnan(u->part[i]) ? 0 : u->part[i];
		if ((int)field_of[i] < u->fields)
			row[i].raw = counted->ticks[i] / (double)w->host->facts.ticks_per_s;
	}
	counted->begun = true;
}

static void
fill_row(struct cell *row, const char *label, const struct usage *u)
{
	cell_label(&row[CPU_NAME], label);
	for (int i = CPU_USR; i <= CPU_IDLE; i++)
		if ((int)field_of[i] < u->fields)
			cell_share(&row[i], u->part[i], u->whole);
}

static double
busy(const struct cell *row)
{
	double sum = 0;

	for (int i = CPU_USR; i < CPU_IDLE; i++)
		sum += i == CPU_IOWAIT || isnan(row[i].num) ? 0 : row[i].num;
	return sum;
}

/* The first row is the sum, unless CPUs were listed. With --allowed it omits the other CPUs too. */
static void
rows(struct watch *w, const void *from, const void *to, double span_s, struct table *out)
{
	const struct stat_file *a = from, *b = to;
	const struct cpu_state *s = w->state;
	const struct cpu_options *o = w->ask->options;
	struct interval t = { .columns = columns, .span_s = span_s };
	double ticks_per_s = (double)w->host->facts.ticks_per_s;
	size_t first = !o->cpus.listed;
	struct usage sum = { .fields = 0 };

	out->pinned = first;
	if (first)
		table_row(out);
	for (size_t i = 0; i < b->ncpus; i++) {
		const struct cpu_time *c = &b->cpus[i], *before = stat_find(a, c->cpu, i);
		bool mine = s->known && cpulist_has(&s->allowed, c->cpu);
		if (!before || (o->allowed && !mine))
			continue;
		struct usage u = usage_between(&t, before, c, ticks_per_s);
		usage_check(w, &t, &u, span_s * ticks_per_s);
		struct usage counters = u;
		usage_fill_idle(&u, c, span_s * ticks_per_s);
		usage_add(&sum, &u);
		if (!cpu_chosen(&o->cpus, c->cpu))
			continue;
		struct cell *row = table_row(out);
		fill_row(row, watch_cpu_name(w, c->cpu), &u);
		set_counters(w, row, before, &counters);
		if (s->known)
			cell_flag(&row[CPU_ALLOWED], mine);
	}
	watch_tell_counters(w, &t, true);
	if (first)
		fill_row(out->cells, o->allowed ? "own" : "all", &sum);
	if (o->busiest) {
		table_sort(out, first, busy);
		table_keep(out, first + o->busiest);
	}
}

const struct tool tool_cpu = {
	.name = "cpu",
	.recorded_ns = 1000000000,
	.brief = "CPU time per core, as mpstat -P ALL",
	.examples = "  pq cpu 1                all CPUs, once per second\n"
		    "  pq cpu --busiest 8 1    only the eight busiest CPUs\n"
		    "  pq cpu --allowed 1      only the CPUs that this container may use\n",
	.columns = columns,
	.spark = "idle_pct",
	.shared = (const struct option *const[]){ &option_pid, &option_most, &option_sort, NULL },
	.shared_help = { .pid = "mark the CPUs that this process may run on",
	    .most = "only the first N rows: the busiest CPUs, unless --sort" },
	.options = options,
	.options_size = sizeof(struct cpu_options),
	.state_size = sizeof(struct cpu_state),
	.read = read_cpus,
	.rows = rows,
	.worst = busy,
};
