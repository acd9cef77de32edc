/* cpu_usage: what the CPUs' counters of /proc/stat grew by, by the columns of pq cpu. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "proc/machine.h"
#include "proc/task.h"
#include "tools/tool.h"

struct cpu_options {
	struct cpu_choice cpus;
	bool allowed;     /* only CPUs that the process may run on */
	unsigned busiest; /* so many, the busiest first; 0: all */
};

static const struct option options[] = {
	{ 'P', NULL, "LIST", OPTION_CPUS, offsetof(struct cpu_options, cpus),
	    .help = "these CPUs: 0,2-3, or ALL" },
	{ 0, "allowed", NULL, OPTION_FLAG, offsetof(struct cpu_options, allowed),
	    .help = "only CPUs that the process, or -p, may run on" },
	{ 0, "busiest", "N", OPTION_NUMBER, offsetof(struct cpu_options, busiest),
	    .help = "only the N busiest CPUs, the busiest first", .want = "a number of CPUs",
	    .most = CPULIST_MOST },
	{ .type = OPTION_END },
};

/* Ticks of an interval, by column; and all of them. */
struct usage {
	double part[CPU_IDLE + 1], whole;
	int fields; /* how many the kernel has */
};

/* Ticks of a CPU by column, for metrics: the kernel's counters at first, and then what they grew
 * by, as these run backwards. */
struct counted {
	bool begun;
	double ticks[CPU_IDLE + 1];
};

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

/* The field of /proc/stat in which a column begins to be known. */
static enum cpu_field
cpu_field_of(int column)
{
	return field_of[column];
}

/* A counter that ran backwards (iowait and idle do, others when a CPU was offline) has counted
 * nothing: never more, as then a busy CPU would look idle. */
static double
grown(const struct cpu_time *from, const struct cpu_time *to, enum cpu_field f)
{
	return to->ticks[f] > from->ticks[f] ? (double)(to->ticks[f] - from->ticks[f]) : 0;
}

/* A sandbox may make up a file of zeros. */
static bool
has_counted(const struct cpu_time *c)
{
	uint64_t sum = 0;

	for (int i = 0; i < STAT_FIELDS; i++)
		sum |= c->ticks[i];
	return sum != 0;
}

/* What lies between two readings; what ran backwards has not grown. */
static struct usage
cpu_usage(const struct cpu_time *from, const struct cpu_time *to)
{
	double guest = grown(from, to, STAT_GUEST), guest_nice = grown(from, to, STAT_GUEST_NICE);
	struct usage u = { .part = {
		[CPU_USR] = fmax(0, grown(from, to, STAT_USER) - guest),
		[CPU_NICE] = fmax(0, grown(from, to, STAT_NICE) - guest_nice),
		[CPU_SYS] = grown(from, to, STAT_SYSTEM),
		[CPU_IOWAIT] = grown(from, to, STAT_IOWAIT),
		[CPU_IRQ] = grown(from, to, STAT_IRQ),
		[CPU_SOFT] = grown(from, to, STAT_SOFTIRQ),
		[CPU_STEAL] = grown(from, to, STAT_STEAL),
		[CPU_GUEST] = guest,
		[CPU_GNICE] = guest_nice,
		[CPU_IDLE] = grown(from, to, STAT_IDLE),
	}, .fields = from->fields < to->fields ? from->fields : to->fields };

	for (int i = CPU_USR; i <= CPU_IDLE; i++)
		u.whole += u.part[i];
	return u;
}

/* In less than two ticks, nothing counted means nothing. */
static void
cpu_usage_fill(struct usage *u, const struct cpu_time *to, double span_ticks)
{
	if (u->whole == 0 && span_ticks >= 2 && has_counted(to))
		u->part[CPU_IDLE] = u->whole = span_ticks;
}

static void
cpu_usage_add(struct usage *sum, const struct usage *u)
{
	for (int i = CPU_USR; i <= CPU_IDLE; i++)
		sum->part[i] += u->part[i];
	sum->whole += u->whole;
	sum->fields = sum->fields && sum->fields < u->fields ? sum->fields : u->fields;
}

/* The counters at the end of an interval in which they grew by this. */
static void
cpu_count(struct counted *counted, const struct cpu_time *now, const struct usage *u)
{
	static const struct cpu_time zero;
	struct usage all = cpu_usage(&zero, now);

	for (int i = CPU_USR; i <= CPU_IDLE; i++)
		counted->ticks[i] = counted->begun ? counted->ticks[i] + u->part[i] : all.part[i];
	counted->begun = true;
}

/* cpu: where each CPU's time goes, as mpstat -P ALL shows it, and right where the kernel's counters
 * run backwards. */

static const struct column columns[] = {
	[CPU_NAME] = { "cpu", "CPU", LABEL, NO_UNIT, 5, 0,
	    .help = "the CPU; all: the sum over the CPUs online; own: over those of --allowed "
		    "(/proc/stat)" },
	[CPU_USR] = { "usr_pct", "%usr", SHARE, PERCENT, 6, 1, .counter = "cpu_user_seconds",
	    .help = "programs, but no guests: user less guest" },
	[CPU_NICE] = { "nice_pct", "%nice", SHARE, PERCENT, 6, 1, .counter = "cpu_nice_seconds",
	    .help = "programs of lowered priority: nice less guest_nice" },
	[CPU_SYS] = { "sys_pct", "%sys", SHARE, PERCENT, 6, 1, .counter = "cpu_system_seconds",
	    .help = "the kernel, but no interrupts: system" },
	[CPU_IOWAIT] = { "iowait_pct", "%iowait", SHARE, PERCENT, 8, 1,
	    .counter = "cpu_iowait_seconds",
	    .help = "idle while a task that last ran here waits for a disk: iowait" },
	[CPU_IRQ] = { "irq_pct", "%irq", SHARE, PERCENT, 6, 1, .counter = "cpu_irq_seconds",
	    .help = "hardware interrupts: irq" },
	[CPU_SOFT] = { "soft_pct", "%soft", SHARE, PERCENT, 6, 1, .counter = "cpu_softirq_seconds",
	    .help = "software interrupts, of the network above all: softirq" },
	[CPU_STEAL] = { "steal_pct", "%steal", SHARE, PERCENT, 7, 1, .counter = "cpu_steal_seconds",
	    .help = "had work, but the hypervisor ran somebody else: steal" },
	[CPU_GUEST] = { "guest_pct", "%guest", SHARE, PERCENT, 7, 1, .counter = "cpu_guest_seconds",
	    .help = "virtual machines: guest", .spare = true },
	[CPU_GNICE] = { "gnice_pct", "%gnice", SHARE, PERCENT, 7, 1,
	    .counter = "cpu_guest_nice_seconds",
	    .help = "virtual machines of lowered priority: guest_nice", .spare = true },
	[CPU_IDLE] = { "idle_pct", "%idle", SHARE, PERCENT, 6, 1, .counter = "cpu_idle_seconds",
	    .help = "nothing to run, nothing waited for: idle" },
	[CPU_ALLOWED] = { "allowed", "*", FLAG, NO_UNIT, 2, 0,
	    .help = "this process, or that of -p, may run there: Cpus_allowed_list of "
		    "/proc/PID/status" },
	{ .key = NULL },
};

/* The CPUs that the process may run on; pq's own are read once, as that file costs more than all
 * others here. */
struct cpu_state {
	bool asked, known;
	struct cpulist allowed;
	struct counted *counted; /* by the number of the CPU, up to the largest that was seen */
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
		watch_note(w, "/%s does not tell which CPUs the process may run on", path);
	if (!there && pid && s->asked) {
		watch_note(w, "process %s has ended", pid);
		w->ended = true;
	}
	if (!there && pid && !s->asked)
		watch_fail(
		    w, EXIT_USAGE, "no process %s here; -p takes the number of one that runs", pid);
	s->asked = true;
}

static bool
check_list(struct watch *w, const struct stat_file *f)
{
	struct cpulist online = { { 0 } };

	for (size_t i = 0; i < f->ncpus; i++)
		cpulist_add(&online, f->cpus[i].cpu);
	return watch_check_cpus(w, &((const struct cpu_options *)w->ask->options)->cpus, &online);
}

static void *
read_cpus(struct watch *w, struct arena *a)
{
	struct stat_file *f = arena_alloc(a, sizeof *f);
	struct text text;

	if (host_read(w->host, "proc/stat", &text) < 0)
		return watch_fail(w, EXIT_UNSUPPORTED,
		    "cannot read /proc/stat: %s; is /proc mounted?", strerror(errno));
	if (stat_parse(text, a, f) < 0 || f->ncpus == 0)
		return watch_fail(w, EXIT_UNSUPPORTED, "/proc/stat tells of no CPU");
	read_allowed(w);
	return check_list(w, f) && !w->ended ? f : NULL;
}

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

static void
set_counters(struct watch *w, struct cell *row, const struct cpu_time *c, const struct usage *u)
{
	struct counted *counted = counted_of(w, c->cpu);

	if (!counted)
		return;
	cpu_count(counted, c, u);
	for (int i = CPU_USR; i <= CPU_IDLE; i++)
		if ((int)cpu_field_of(i) < c->fields)
			row[i].raw = counted->ticks[i] / (double)w->host->facts.ticks_per_s;
}

static void
fill_row(struct cell *row, const char *label, const struct usage *u)
{
	cell_label(&row[CPU_NAME], label);
	for (int i = CPU_USR; i <= CPU_IDLE; i++)
		if ((int)cpu_field_of(i) < u->fields)
			cell_share(&row[i], u->part[i], u->whole);
}

static double
busy(const struct cell *row)
{
	return -row[CPU_IDLE].num - (isnan(row[CPU_IOWAIT].num) ? 0 : row[CPU_IOWAIT].num);
}

/* The row of the sum comes first, unless CPUs were listed; --allowed leaves the other CPUs out of
 * it too. */
static void
rows(struct watch *w, const void *from, const void *to, double span_s, struct table *out)
{
	const struct stat_file *a = from, *b = to;
	const struct cpu_state *s = w->state;
	const struct cpu_options *o = w->ask->options;
	size_t first = !o->cpus.listed;
	struct usage sum = { .fields = 0 };

	if (first)
		table_row(out);
	for (size_t i = 0; i < b->ncpus; i++) {
		const struct cpu_time *c = &b->cpus[i], *before = stat_find(a, c->cpu, i);
		bool mine = s->known && cpulist_has(&s->allowed, c->cpu);
		if (!before || (o->allowed && !mine))
			continue;
		struct usage u = cpu_usage(before, c), counters = u;
		cpu_usage_fill(&u, c, span_s * (double)w->host->facts.ticks_per_s);
		cpu_usage_add(&sum, &u);
		if (!cpu_chosen(&o->cpus, c->cpu))
			continue;
		struct cell *row = table_row(out);
		fill_row(row, watch_cpu_name(w, c->cpu), &u);
		set_counters(w, row, c, &counters);
		if (s->known)
			cell_flag(&row[CPU_ALLOWED], mine);
	}
	if (first)
		fill_row(out->cells, o->allowed ? "own" : "all", &sum);
	if (o->busiest) {
		table_sort(out, first, busy);
		table_keep(out, first + o->busiest);
	}
}

const struct tool tool_cpu = {
	.name = "cpu",
	.brief = "where the time of each CPU goes",
	.examples = "  pq cpu 1                all CPUs, every second\n"
		    "  pq cpu --busiest 8 1    of many CPUs, the eight that matter\n"
		    "  pq cpu --allowed 1      only those that this container may use\n",
	.columns = columns,
	.shared = (const struct option *const[]){ &option_pid, NULL },
	.options = options,
	.options_size = sizeof(struct cpu_options),
	.state_size = sizeof(struct cpu_state),
	.read = read_cpus,
	.rows = rows,
};
