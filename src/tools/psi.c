/* The columns and rows of pq psi. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "cgroup/pressure.h"
#include "tools/cgroup_rows.h"
#include "tools/tool.h"

/* A row has the same figures four times: over the interval, and averaged by the kernel over three
 * times. */
enum { WINDOWS = 4 };

struct psi_figure {
	enum resource of;
	bool full;
};

struct psi_snapshot {
	bool machine_read; /* it is to be shown, too */
	struct pressure machine;
	struct groups groups;
	struct pressure *v; /* groups.n of them */
};

static const struct psi_figure psi_figures[PSI_FIGURES] = {
	{ PRESSURE_CPU, false },
	{ PRESSURE_CPU, true },
	{ PRESSURE_MEMORY, false },
	{ PRESSURE_MEMORY, true },
	{ PRESSURE_IO, false },
	{ PRESSURE_IO, true },
	{ PRESSURE_IRQ, true },
};

static const struct column psi_columns[] = {
	[PSI_CGROUP] = { "cgroup", "cgroup", LABEL, NO_UNIT, 0, 0,
	    .help = "the cgroup, as this process sees its name; machine: all of it" },
	{ "cpu_some_pct", "%scpu", SHARE, PERCENT, 7, 1, .counter = "psi_cpu_some_seconds",
	    .help =
		"time in which a task waited for a CPU, or for quota (cpu.pressure, some total)" },
	{ "cpu_full_pct", "%fcpu", SHARE, PERCENT, 7, 1, .counter = "psi_cpu_full_seconds",
	    .help = "time in which all of them did (full total; not defined of the machine)" },
	{ "memory_some_pct", "%smem", SHARE, PERCENT, 7, 1, .counter = "psi_memory_some_seconds",
	    .help = "time in which a task waited for memory (memory.pressure, some total)" },
	{ "memory_full_pct", "%fmem", SHARE, PERCENT, 7, 1, .counter = "psi_memory_full_seconds",
	    .help = "time in which all of them did (full total)" },
	{ "io_some_pct", "%sio", SHARE, PERCENT, 7, 1, .counter = "psi_io_some_seconds",
	    .help = "time in which a task waited for I/O (io.pressure, some total)" },
	{ "io_full_pct", "%fio", SHARE, PERCENT, 7, 1, .counter = "psi_io_full_seconds",
	    .help = "time in which all of them did (full total)" },
	{ "irq_full_pct", "%firq", SHARE, PERCENT, 7, 1, .counter = "psi_irq_full_seconds",
	    .help = "time that interrupts took from tasks (irq.pressure, full total)" },
	{ "cpu_some_avg10_pct", "%scpu-10", GAUGE, PERCENT, 9, 2, .group = "avg10",
	    .help = "the kernel's average of 10 s (some)" },
	{ "cpu_full_avg10_pct", "%fcpu-10", GAUGE, PERCENT, 9, 2, .group = "avg10",
	    .help = "the same of full" },
	{ "memory_some_avg10_pct", "%smem-10", GAUGE, PERCENT, 9, 2, .group = "avg10",
	    .help = "of memory, some" },
	{ "memory_full_avg10_pct", "%fmem-10", GAUGE, PERCENT, 9, 2, .group = "avg10",
	    .help = "of memory, full" },
	{ "io_some_avg10_pct", "%sio-10", GAUGE, PERCENT, 8, 2, .group = "avg10",
	    .help = "of I/O, some" },
	{ "io_full_avg10_pct", "%fio-10", GAUGE, PERCENT, 8, 2, .group = "avg10",
	    .help = "of I/O, full" },
	{ "irq_full_avg10_pct", "%firq-10", GAUGE, PERCENT, 9, 2, .group = "avg10",
	    .help = "of interrupts, full" },
	{ "cpu_some_avg60_pct", "%scpu-60", GAUGE, PERCENT, 9, 2, .group = "avg60",
	    .help = "the kernel's average of 60 s (some)" },
	{ "cpu_full_avg60_pct", "%fcpu-60", GAUGE, PERCENT, 9, 2, .group = "avg60",
	    .help = "the same of full" },
	{ "memory_some_avg60_pct", "%smem-60", GAUGE, PERCENT, 9, 2, .group = "avg60",
	    .help = "of memory, some" },
	{ "memory_full_avg60_pct", "%fmem-60", GAUGE, PERCENT, 9, 2, .group = "avg60",
	    .help = "of memory, full" },
	{ "io_some_avg60_pct", "%sio-60", GAUGE, PERCENT, 8, 2, .group = "avg60",
	    .help = "of I/O, some" },
	{ "io_full_avg60_pct", "%fio-60", GAUGE, PERCENT, 8, 2, .group = "avg60",
	    .help = "of I/O, full" },
	{ "irq_full_avg60_pct", "%firq-60", GAUGE, PERCENT, 9, 2, .group = "avg60",
	    .help = "of interrupts, full" },
	{ "cpu_some_avg300_pct", "%scpu-300", GAUGE, PERCENT, 10, 2, .group = "avg300",
	    .help = "the kernel's average of 300 s (some)" },
	{ "cpu_full_avg300_pct", "%fcpu-300", GAUGE, PERCENT, 10, 2, .group = "avg300",
	    .help = "the same of full" },
	{ "memory_some_avg300_pct", "%smem-300", GAUGE, PERCENT, 10, 2, .group = "avg300",
	    .help = "of memory, some" },
	{ "memory_full_avg300_pct", "%fmem-300", GAUGE, PERCENT, 10, 2, .group = "avg300",
	    .help = "of memory, full" },
	{ "io_some_avg300_pct", "%sio-300", GAUGE, PERCENT, 9, 2, .group = "avg300",
	    .help = "of I/O, some" },
	{ "io_full_avg300_pct", "%fio-300", GAUGE, PERCENT, 9, 2, .group = "avg300",
	    .help = "of I/O, full" },
	{ "irq_full_avg300_pct", "%firq-300", GAUGE, PERCENT, 10, 2, .group = "avg300",
	    .help = "of interrupts, full" },
	[PSI_NOTE] = { "note", "", LABEL, NO_UNIT, 0, 0, .remark = true,
	    .help = "what is to be known of this row: see CGROUPS" },
	{ .key = NULL },
};

static const struct psi_line *
line_of(const struct pressure *p, int k)
{
	const struct psi *psi = &p->of[psi_figures[k].of];

	return psi_figures[k].full ? &psi->full : &psi->some;
}

static struct keyed
total_us(const struct pressure *p, int k)
{
	return line_of(p, k)->total_us;
}

/* A counter that ran backwards is another cgroup's of the same name: then no difference means
 * anything. */
static bool
restarted(const struct pressure *a, const struct pressure *b)
{
	bool anew = false;

	for (int k = 0; k < PSI_FIGURES; k++)
		anew |= keyed_restarted(total_us(a, k), total_us(b, k));
	return anew;
}

static void
add_row(struct table *out, const char *name, const struct pressure *from, const struct pressure *to,
    double span_s, const char *note)
{
	static const struct pressure unknown;
	struct cell *row = table_row(out);

	if (restarted(from, to))
		from = &unknown;
	cell_label(&row[PSI_CGROUP], name);
	for (int k = 0; k < PSI_FIGURES; k++) {
		const struct psi_line *line = line_of(to, k);
		cell_stalled(&row[PSI_CPU_SOME + k], total_us(from, k), total_us(to, k), span_s);
		for (int i = 0; i < WINDOWS - 1; i++)
			cell_gauge(&row[PSI_CPU_SOME + (i + 1) * PSI_FIGURES + k],
			    line->total_us.known ? line->avg[i] : NAN, span_s);
	}
	cell_label(&row[PSI_NOTE], note);
}

/* By the largest of its figures. */
static double
worst(const struct cell *row)
{
	double most = NAN;

	for (int k = 0; k < PSI_FIGURES; k++)
		most = fmax(most, row[PSI_CPU_SOME + k].num);
	return most;
}

/* struct tool's rows. */
static void
psi_rows(struct watch *w, const void *from, const void *to, double span_s, struct table *out)
{
	const struct psi_snapshot *a = from, *b = to;

	(void)w;
	if (a->machine_read && b->machine_read)
		add_row(out, "machine", &a->machine, &b->machine, span_s, NULL);
	size_t first = out->nrows;
	for (size_t i = 0; i < b->groups.n; i++) {
		int before = groups_before(&a->groups, &b->groups, i);
		if (before < 0)
			continue;
		const struct pressure *was = &a->v[before], *is = &b->v[i];
		add_row(out, b->groups.v[i].name, was, is, span_s,
		    cgroups_note(&b->groups, FAMILY_PRESSURE, restarted(was, is)));
	}
	table_sort(out, first, worst);
}

/* psi: for how much of the time tasks stood still for a CPU, for memory or I/O, or by interrupts:
 * the machine, or cgroups. */

struct psi_state {
	struct groups_watch groups; /* first, as cgroups.h wants it */
	bool started;
	/* for all that is known: where the machine has none no cgroup has */
	bool with_irq;
	bool no_groups; /* with -a: none can be seen */
	bool told;      /* why a cgroup has no row; with -a one stands for all */
	bool failing;   /* the machine's could not be read at the last moment */
};

static void
say_lack(struct watch *w, enum pressure_lack lack, const char *name, int error)
{
	static const char *const words[] = {
		[LACK_BUILT] = "this kernel is built without CONFIG_PSI, and counts no pressure: "
			       "another kernel is needed",
		[LACK_ENABLED] =
		    "this kernel was booted with pressure disabled: boot it with psi=1",
		[LACK_EITHER] = "no /proc/pressure: boot the kernel with psi=1; if it stays away, "
				"it is built without CONFIG_PSI",
	};

	if (lack == LACK_SWITCHED)
		watch_note(w,
		    "cgroup %s: pressure is switched off there: write 1 to its cgroup.pressure",
		    name);
	else if (lack == LACK_GROUP)
		watch_note(w, "cgroup %s is gone: its rows end here", name);
	else if (lack == LACK_ALL)
		watch_note(w,
		    "cgroups have no pressure here: boot without cgroup_disable=pressure; pq psi "
		    "shows the machine's");
	else if (lack == LACK_OTHER && name)
		watch_note(w, "cgroup %s: cpu.pressure: %s", name, strerror(error));
	else if (lack == LACK_OTHER)
		watch_note(w, "/proc/pressure/cpu: %s", strerror(error));
	else
		watch_note(w, "%s", words[lack]);
}

static bool
shows(const struct watch *w, enum resource r)
{
	for (int k = 0; k < PSI_FIGURES; k++)
		for (int i = 0; i < WINDOWS && psi_figures[k].of == r; i++)
			if (watch_shows(w, PSI_CPU_SOME + i * PSI_FIGURES + k))
				return true;
	return false;
}

/* Which of the files that are shown are not there; name is the cgroup's, or NULL. */
static void
say_unknown(struct watch *w, const struct pressure *p, const char *name)
{
	for (int r = 0; r < RESOURCES; r++) {
		if (p->known[r] || !shows(w, (enum resource)r))
			continue;
		if (r == PRESSURE_IRQ)
			watch_note(w,
			    "no irq.pressure here (Linux 6.1 with CONFIG_IRQ_TIME_ACCOUNTING has "
			    "it): %%firq is unknown");
		else if (name)
			watch_note(w,
			    "cgroup %s: %s.pressure tells nothing: what comes from it is unknown",
			    name, resource_names[r]);
		else
			watch_note(w,
			    "/proc/pressure/%s tells nothing: what comes from it is unknown",
			    resource_names[r]);
	}
}

/* A recorder shows no columns. */
static bool
is_looked_at(const struct watch *w)
{
	return w->nshown > 0;
}

static bool
of_one_group(const struct watch *w)
{
	return w->ask->target.pid || w->ask->target.cgroup;
}

/* The machine has a row unless it is about one cgroup: then it is only asked what this kernel has.
 * 0, or an errno. */
static int
read_machine(struct watch *w, struct psi_snapshot *s)
{
	struct psi_state *state = w->state;

	if (of_one_group(w) && state->started)
		return 0;
	bool with_irq = state->with_irq || !state->started;
	int error = machine_read_pressure(w->host, with_irq, &s->machine) < 0 ? errno : 0;
	if (!state->started)
		state->with_irq = error || s->machine.known[PRESSURE_IRQ];
	s->machine_read = !error && !of_one_group(w);
	if (s->machine_read)
		say_unknown(w, &s->machine, NULL);
	return error;
}

/* Said when it begins, as to find it out takes reading. With -a that a cgroup has gone is no
 * news. */
static void
say_why(struct watch *w, const struct psi_snapshot *s, const struct group *g, int error)
{
	struct psi_state *state = w->state;

	if (state->told)
		return;
	enum pressure_lack lack = group_lack(w->host, &s->groups, g, error, is_looked_at(w));
	if (lack == LACK_GROUP && !g->asked)
		return;
	state->told = true;
	say_lack(w, lack, g->name, error);
}

static void
read_asked(
    struct watch *w, const struct psi_snapshot *s, const struct group *g, size_t i, int error)
{
	struct psi_state *state = w->state;

	if (g->read) {
		say_unknown(w, &s->v[i], g->name);
		state->told = false;
	} else {
		say_why(w, s, g, error);
		w->fail = state->groups.was_read ? EXIT_DONE : EXIT_UNSUPPORTED;
	}
	state->groups.was_read |= g->read;
}

/* With -a all are shown but the true root: that is the machine. True when it could be read. */
static bool
read_group(struct watch *w, struct psi_snapshot *s, size_t i)
{
	struct psi_state *state = w->state;
	struct group *g = &s->groups.v[i];

	g->shown = g->asked || (w->ask->target.all && !(s->groups.from_root && i == 0));
	if (!g->shown)
		return false;
	g->read = group_read_pressure(w->host, &s->groups, g, state->with_irq, &s->v[i]) == 0;
	if (g->asked)
		read_asked(w, s, g, i, errno);
	else if (!g->read)
		say_why(w, s, g, errno);
	return g->read;
}

/* How many could be read. With -a the machine is left where no cgroups can be seen. */
static size_t
read_groups(struct watch *w, struct arena *a, struct psi_snapshot *s)
{
	struct psi_state *state = w->state;
	size_t read = 0;

	if (state->no_groups || (!of_one_group(w) && !w->ask->target.all))
		return 0;
	if (!cgroups_read(w, FAMILY_PRESSURE, a, &s->groups)) {
		state->no_groups = w->ask->target.all;
		w->fail = state->no_groups ? EXIT_DONE : w->fail;
		s->groups = (struct groups){ 0 };
		return 0;
	}
	s->v = arena_alloc(a, s->groups.n * sizeof *s->v);
	for (size_t i = 0; i < s->groups.n; i++)
		read += read_group(w, s, i);
	return read;
}

static void *
read_psi(struct watch *w, struct arena *a)
{
	struct psi_snapshot *s = arena_alloc(a, sizeof *s);
	struct psi_state *state = w->state;
	int error = read_machine(w, s);

	state->told |= error && !of_one_group(w); /* the machine's reason is its cgroups', too */
	size_t groups = read_groups(w, a, s);
	if (w->fail || w->ended)
		return NULL;
	if (error && !of_one_group(w) && !state->failing)
		say_lack(w, machine_lack(w->host, error, is_looked_at(w)), NULL, error);
	state->failing = error;
	if (!s->machine_read && groups == 0 && !state->started)
		w->fail = EXIT_UNSUPPORTED;
	state->started = true;
	return w->fail ? NULL : s;
}

const struct tool tool_psi = {
	.name = "psi",
	.brief = "how long tasks stood still for CPU, memory or I/O",
	.examples = "  pq psi 1                the machine\n"
		    "  pq psi -p 4242 1        the container of a process (cgroup v2)\n"
		    "  pq psi -a -w avg60 10   all cgroups, the worst first\n",
	.columns = psi_columns,
	.shared = (const struct option *const[]){ &option_pid, &option_cgroup, &option_all, NULL },
	.state_size = sizeof(struct psi_state),
	.costly = true,
	.read = read_psi,
	.rows = psi_rows,
	.release = cgroups_release,
};
