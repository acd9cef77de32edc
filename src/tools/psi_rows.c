/* The columns and rows of pq psi. */
#include <math.h>

#include "tools/cgroup_rows.h"
#include "tools/psi.h"

const struct psi_figure psi_figures[FIGURES] = {
	{ PRESSURE_CPU, false },
	{ PRESSURE_CPU, true },
	{ PRESSURE_MEMORY, false },
	{ PRESSURE_MEMORY, true },
	{ PRESSURE_IO, false },
	{ PRESSURE_IO, true },
	{ PRESSURE_IRQ, true },
};

const struct column psi_columns[] = {
	[CGROUP] = { "cgroup", "cgroup", LABEL, NO_UNIT, 0, 0,
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
	[NOTE] = { "note", "", LABEL, NO_UNIT, 0, 0, .remark = true,
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
	const struct psi_line *line = line_of(p, k);

	return (struct keyed){ line->known, line->total_us };
}

/* A counter that ran backwards is another cgroup's of the same name: then no difference means
 * anything. */
static bool
restarted(const struct pressure *a, const struct pressure *b)
{
	bool anew = false;

	for (int k = 0; k < FIGURES; k++)
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
	cell_label(&row[CGROUP], name);
	for (int k = 0; k < FIGURES; k++) {
		const struct psi_line *line = line_of(to, k);
		cell_stalled(&row[FIRST + k], total_us(from, k), total_us(to, k), span_s);
		for (int i = 0; i < WINDOWS - 1; i++)
			cell_gauge(&row[FIRST + (i + 1) * FIGURES + k],
			    line->known ? line->avg[i] : NAN, span_s);
	}
	cell_label(&row[NOTE], note);
}

/* By the largest of its figures. */
static double
worst(const struct cell *row)
{
	double most = NAN;

	for (int k = 0; k < FIGURES; k++)
		most = fmax(most, row[FIRST + k].num);
	return most;
}

void
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
