/* psi: pressure stall time of CPU, memory, I/O and interrupts, of the machine or of cgroups. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "cgroup/pressure.h"
#include "tools/cgroup_rows.h"
#include "tools/hidden.h"
#include "tools/tool.h"

enum { AVERAGES = 3, FIGURES = 7 };

struct psi_figure {
	enum resource of;
	bool full;
	int column; /* of the interval; its averages are before it */
};

struct psi_snapshot {
	bool machine_read; /* the machine gets a row */
	struct pressure machine;
	struct groups groups;
	struct pressure *v; /* groups.n of them */
};

static const struct psi_figure psi_figures[FIGURES] = {
	{ PRESSURE_CPU, false, PSI_CPU_SOME },
	{ PRESSURE_CPU, true, PSI_CPU_FULL },
	{ PRESSURE_IO, false, PSI_IO_SOME },
	{ PRESSURE_IO, true, PSI_IO_FULL },
	{ PRESSURE_MEMORY, false, PSI_MEMORY_SOME },
	{ PRESSURE_MEMORY, true, PSI_MEMORY_FULL },
	{ PRESSURE_IRQ, true, PSI_IRQ_FULL },
};

/* The kernel's average of a figure over s seconds. */
#define AVERAGE(key, file, line, heading, name, s, width) \
	{ \
		key "_" line "_avg" s "_pct", heading "-" s, GAUGE, PERCENT, width, 2, \
		    .group = "avg" s, .was = file "_" line "_avg" s "_pct", \
		    .metric = file "_" line "_avg" s "_pct", .change = NOT_COMPARED, \
		    .help = "kernel's " s " s average of " name " pressure, " line " (" file \
			    ".pressure " line " avg" s ")" \
	}

#define FIGURE(key, file, line, heading, name, width, from, very_from, ...) \
	AVERAGE(key, file, line, heading, name, "10", width), \
	    AVERAGE(key, file, line, heading, name, "60", width), \
	    AVERAGE(key, file, line, heading, name, "300", width + 1), \
	{ \
		key "_" line "_pct", heading, SHARE, PERCENT, 7, 1, \
		    .counter = "psi_" file "_" line "_seconds", .bound = BY_TIME, \
		    .was = file "_" line "_pct", .metric = file "_" line "_pct", .high = from, \
		    .very_high = very_from, .change = MORE_IS_WORSE, .help = __VA_ARGS__ \
	}

static const struct column psi_columns[] = {
	[PSI_CGROUP] = { "cgroup", "cgroup", LABEL, NO_UNIT, 0, 0,
	    .help = "cgroup, by its name as pq sees it; 'machine' is the whole machine" },
	FIGURE("cpu", "cpu", "some", "%scpu", "CPU", 9, CPU_SOME_HIGH, CPU_SOME_VERY_HIGH,
	    "time in which a task waited for a CPU or for quota (cpu.pressure some total)"),
	FIGURE("cpu", "cpu", "full", "%fcpu", "CPU", 9, 0, 0,
	    "time in which all non-idle tasks waited for a CPU; unknown for machine (cpu.pressure "
	    "full)"),
	FIGURE("io", "io", "some", "%sio", "I/O", 8, IO_SOME_HIGH, IO_SOME_VERY_HIGH,
	    "time in which a task waited for I/O (io.pressure some total)"),
	FIGURE("io", "io", "full", "%fio", "I/O", 8, FULL_VERY_HIGH, FULL_VERY_HIGH,
	    "time in which all non-idle tasks waited for I/O (io.pressure full total)"),
	FIGURE("mem", "memory", "some", "%smem", "memory", 9, MEMORY_SOME_HIGH,
	    MEMORY_SOME_VERY_HIGH,
	    "time in which a task waited for memory (memory.pressure some total)"),
	FIGURE("mem", "memory", "full", "%fmem", "memory", 9, FULL_VERY_HIGH, FULL_VERY_HIGH,
	    "time in which all non-idle tasks waited for memory (memory.pressure full total)"),
	FIGURE("irq", "irq", "full", "%firq", "interrupt", 9, 0, 0,
	    "time that interrupts took from running tasks (irq.pressure full total)"),
	[PSI_POD] = GROUP_NAME_COLUMNS,
	[PSI_NOTE] = { "note", "", LABEL, NO_UNIT, 0, 0, .remark = true,
	    .help = "remark about the row: mount-root(guess), found-by-search, "
		    "process-not-listed or reset; see CGROUPS" },
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

/* True if a counter decreased. */
static bool
fill(struct cell *row, const struct pressure *from, const struct pressure *to, struct interval *t)
{
	static const struct pressure unknown;
	struct falls falls = { .fallen = 0 };

	for (int k = 0; k < FIGURES; k++)
		falls_add(&falls, total_us(from, k), total_us(to, k));
	if (falls_all(&falls))
		from = &unknown;
	for (int k = 0; k < FIGURES; k++) {
		const struct psi_line *line = line_of(to, k);
		cell_stalled(row, psi_figures[k].column, t, total_us(from, k), line->total_us);
		for (int i = 0; i < AVERAGES; i++)
			cell_gauge(&row[psi_figures[k].column - AVERAGES + i],
			    line->total_us.known ? line->avg[i] : NAN, t->span_s);
	}
	return falls.fallen > 0;
}

static bool
fill_row(const struct cgroups_interval *t, size_t before, size_t i, struct cell *row)
{
	const struct psi_snapshot *a = t->from, *b = t->to;

	return fill(row, &a->v[before], &b->v[i], t->time);
}

/* By the largest figure of the interval. */
static double
worst(const struct cell *row)
{
	double most = NAN;

	for (int k = 0; k < FIGURES; k++)
		most = fmax(most, row[psi_figures[k].column].num);
	return most;
}

static void
rows(struct watch *w, const void *from, const void *to, double span_s, struct table *out)
{
	const struct psi_snapshot *a = from, *b = to;
	bool machine = a->machine_read && b->machine_read;
	struct interval t = { .columns = psi_columns, .span_s = span_s };

	if (machine) {
		struct cell *row = table_row(out);
		cell_label(&row[PSI_CGROUP], "machine");
		fill(row, &a->machine, &b->machine, &t);
		watch_tell_counters(w, &t, true);
	}
	cgroups_rows(w, &(struct cgroups_interval){ a, b, &a->groups, &b->groups, &t },
	    FAMILY_PRESSURE, fill_row, out);
	out->pinned = machine;
	table_sort(out, machine, worst);
}

struct psi_state {
	struct groups_watch groups; /* first, as cgroups_read wants it */
	bool started;
	bool with_irq;  /* false: the machine has no irq.pressure, so that no cgroup has it */
	bool no_groups; /* with -a: none is visible */
	bool told;      /* a note said why a cgroup has no row; with -a one note stands for all */
	bool failing;   /* the last reading of the machine failed */
};

static void
say_lack(struct watch *w, enum pressure_lack lack, const char *name, int error)
{
	static const char *const words[] = {
		[LACK_BUILT] = "this kernel is built without CONFIG_PSI and counts no pressure "
			       "(another kernel is needed)",
		[LACK_ENABLED] = "pressure is disabled in this kernel (boot it with psi=1)",
		[LACK_EITHER] = "the kernel is built without CONFIG_PSI, or "
				"needs psi=1 at boot",
	};

	if (lack == LACK_SWITCHED)
		watch_note(w,
		    "cgroup %s: pressure is switched off (write 1 to its cgroup.pressure)", name);
	else if (lack == LACK_GROUP)
		watch_note(w, "cgroup %s: removed; its rows end here", name);
	else if (lack == LACK_ALL)
		watch_note(w,
		    "pressure per cgroup is disabled (boot without cgroup_disable=pressure); pq "
		    "psi without -p, -g and -a shows the machine");
	else if (lack == LACK_OTHER && name)
		watch_note(w, "cgroup %s: cpu.pressure: %s", name, strerror(error));
	else if (lack == LACK_OTHER)
		watch_note(w, "/proc/pressure/cpu: %s", strerror(error));
	else if (lack == LACK_EITHER)
		watch_note(w, "/proc/pressure: %s", hidden_error(w, ENOENT, words[lack]));
	else
		watch_note(w, "%s", words[lack]);
}

static bool
shows(const struct watch *w, enum resource r)
{
	for (int k = 0; k < FIGURES; k++)
		for (int i = 0; i <= AVERAGES && psi_figures[k].of == r; i++)
			if (watch_shows(w, psi_figures[k].column - i))
				return true;
	return false;
}

/* Says which files of the shown columns are missing; name is NULL for the machine. */
static void
say_unknown(struct watch *w, const struct pressure *p, const char *name)
{
	for (int r = 0; r < RESOURCES; r++) {
		if (p->known[r] || !shows(w, (enum resource)r))
			continue;
		if (r == PRESSURE_IRQ)
			watch_note(w,
			    "no irq.pressure: %%firq is unknown (it needs Linux 6.1 and "
			    "CONFIG_IRQ_TIME_ACCOUNTING)");
		else if (name)
			watch_note(w, "cgroup %s: cannot use %s.pressure; its columns are unknown",
			    name, resource_names[r]);
		else
			watch_note(w, "cannot use /proc/pressure/%s; its columns are unknown",
			    resource_names[r]);
	}
}

/* False for pq record. */
static bool
shows_columns(const struct watch *w)
{
	return w->nshown > 0;
}

static bool
of_one_group(const struct watch *w)
{
	return w->ask->target.pid || w->ask->target.cgroup;
}

/* The machine has a row, unless the user selected one cgroup. Then its first reading only shows
 * which files this kernel has. 0, or an errno. */
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

/* Says why a cgroup has no row, once, as finding out reads more files. With -a, cgroups that were
 * removed are expected. */
static void
say_why(struct watch *w, const struct psi_snapshot *s, const struct group *g, int error)
{
	struct psi_state *state = w->state;

	if (state->told)
		return;
	enum pressure_lack lack = group_lack(w->host, &s->groups, g, error, shows_columns(w));
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

/* With -a all cgroups are shown except the true root, which is the machine. True if it was read. */
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

/* Returns how many were read. With -a, the machine still has its row if no cgroup is visible. */
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
	groups_name(w->state, w->host, &s->groups);
	return read;
}

static void *
read_psi(struct watch *w, struct arena *a)
{
	struct psi_snapshot *s = arena_alloc(a, sizeof *s);
	struct psi_state *state = w->state;
	int error = read_machine(w, s);

	state->told |= error && !of_one_group(w); /* cgroups have none for the same reason */
	size_t groups = read_groups(w, a, s);
	if (w->fail || w->ended)
		return NULL;
	if (error && !of_one_group(w) && !state->failing)
		say_lack(w, machine_lack(w->host, error, shows_columns(w)), NULL, error);
	state->failing = error;
	if (!s->machine_read && groups == 0 && !state->started)
		w->fail = EXIT_UNSUPPORTED;
	state->started = true;
	return w->fail ? NULL : s;
}

const struct tool tool_psi = {
	.name = "psi",
	.recorded_ns = 1000000000,
	.brief = "pressure stall time of CPU, memory, I/O and interrupts",
	.examples = "  pq psi 1                the whole machine\n"
		    "  pq psi -p 4242 1        the container of a process (cgroup v2)\n"
		    "  pq psi -a -w avg60 10   all cgroups, highest pressure first\n",
	.columns = psi_columns,
	.spark = "cpu_some_pct,io_some_pct,mem_some_pct",
	.shared = (const struct option *const[]){ &option_pid, &option_cgroup, &option_all,
	    &option_most, &option_sort, NULL },
	.shared_help = { .pid = "the cgroup of this process (cgroup v2)",
	    .all = "the machine and every cgroup, highest pressure first" },
	.state_size = sizeof(struct psi_state),
	.costly = true,
	.read = read_psi,
	.rows = rows,
	.worst = worst,
	.release = cgroups_release,
};
