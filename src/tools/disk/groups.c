/*
 * groups: pq disk -G: the I/O of cgroups, with a row for each cgroup and disk. A limit of io.max holds
 * requests back before the disk counts them, so only here, and not at the disk, does it show.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cgroup/io.h"
#include "cgroup/pressure.h"
#include "proc/disks.h"
#include "proc/machine.h"
#include "tools/cgroup_rows.h"
#include "tools/disk/disk.h"

static const struct column group_columns[] = {
	[DISKG_CGROUP] = { "cgroup", "cgroup", LABEL, NO_UNIT, 0, 0,
	    .help = "cgroup, by its name as pq sees it; 'machine' is the whole machine" },
	[DISKG_DEVICE] = { "device", "Device", LABEL, NO_UNIT, 11, 0,
	    .help = "the disk (io.stat; blkio.throttle.io_service_bytes)" },
	[DISKG_R] = { "r_per_s", "r/s", RATE, PER_SECOND, 7, 1, .spare = true,
	    .counter = "disk_reads", .help = "reads (io.stat rios; blkio.throttle.io_serviced)" },
	[DISKG_RKB] = { "rkb_per_s", "rkB/s", RATE, PER_SECOND, 8, 0, .counter = "disk_read_bytes",
	    .help = "kB of 1024 bytes read (io.stat rbytes; /proc/vmstat pgpgin)" },
	[DISKG_W] = { "w_per_s", "w/s", RATE, PER_SECOND, 7, 1, .spare = true,
	    .counter = "disk_writes", .help = "writes (io.stat wios; blkio.throttle.io_serviced)" },
	[DISKG_WKB] = { "wkb_per_s", "wkB/s", RATE, PER_SECOND, 8, 0, .counter = "disk_write_bytes",
	    .help = "kB written (io.stat wbytes; /proc/vmstat pgpgout)" },
	[DISKG_D] = { "d_per_s", "d/s", RATE, PER_SECOND, 7, 1, .group = "discard",
	    .counter = "disk_discards", .metric = "discards_per_s",
	    .help = "discards (io.stat dios)" },
	[DISKG_DKB] = { "dkb_per_s", "dkB/s", RATE, PER_SECOND, 8, 0, .group = "discard",
	    .counter = "disk_discard_bytes", .help = "kB discarded (io.stat dbytes)" },
	[DISKG_LIMIT_PCT] = { "limit_pct", "%limit", SHARE, PERCENT, 7, 1, HURTS_FROM(IO_LIMIT),
	    .change = MORE_IS_WORSE,
	    .help = "the limit of this cgroup that is used most, in % of it (io.max; "
		    "blkio.throttle)" },
	[DISKG_LIMIT] = { "limited_by", "limited-by", LABEL, NO_UNIT, 11, 0, .group = "limits",
	    .remark = true, .help = "which limit that is: rbps, wbps, riops or wiops" },
	[DISKG_RKB_MAX] = { "rkb_max", "rkB-max", GAUGE, NO_UNIT, 9, 0, .group = "limits",
	    .change = A_SETTING, .help = "limit of kB read per second (io.max rbps)" },
	[DISKG_WKB_MAX] = { "wkb_max", "wkB-max", GAUGE, NO_UNIT, 9, 0, .group = "limits",
	    .change = A_SETTING, .help = "limit of kB written per second (io.max wbps)" },
	[DISKG_R_MAX] = { "r_max", "r-max", GAUGE, NO_UNIT, 7, 0, .group = "limits",
	    .change = A_SETTING, .help = "limit of reads per second (io.max riops)" },
	[DISKG_W_MAX] = { "w_max", "w-max", GAUGE, NO_UNIT, 7, 0, .group = "limits",
	    .change = A_SETTING, .help = "limit of writes per second (io.max wiops)" },
	[DISKG_SOME] = { "io_some_pct", "%some", SHARE, PERCENT, 6, 1, HURTS_FROM(IO_SOME),
	    .counter = "disk_some_seconds", .bound = BY_TIME, .change = MORE_IS_WORSE,
	    .help = "time in which a task waited for I/O (io.pressure some total; v2)" },
	[DISKG_FULL] = { "io_full_pct", "%full", SHARE, PERCENT, 6, 1, .group = "full",
	    .high = FULL_VERY_HIGH, .very_high = FULL_VERY_HIGH, .counter = "disk_full_seconds",
	    .bound = BY_TIME, .change = MORE_IS_WORSE,
	    .help =
		"time in which all non-idle tasks waited for I/O (io.pressure full total; v2)" },
	[DISKG_DIRTY] = { "dirty_bytes", "dirty", GAUGE, BYTES, 7, 0, .group = "dirty",
	    .change = MORE_IS_WORSE,
	    .help = "page cache not yet written to disk (memory.stat file_dirty; /proc/vmstat "
		    "nr_dirty)" },
	[DISKG_WRITEBACK] = { "writeback_bytes", "wback", GAUGE, BYTES, 7, 0, .group = "dirty",
	    .change = MORE_IS_WORSE,
	    .help = "page cache being written (memory.stat file_writeback; /proc/vmstat "
		    "nr_writeback)" },
	[DISKG_DIRTY_PCT] = { "dirty_pct", "%dirty", SHARE, PERCENT, 7, 1, .group = "dirty",
	    .high = DIRTY_PCT_HIGH, .very_high = INFINITY, .change = MORE_IS_WORSE,
	    .help = "both of the machine, in % of what stops writers (/proc/vmstat "
		    "nr_dirty_threshold)" },
	[DISKG_POD] = GROUP_NAME_COLUMNS,
	[DISKG_NOTE] = { "note", "", LABEL, NO_UNIT, 0, 0, .remark = true,
	    .help = "remark about the row: mount-root(guess), found-by-search, "
		    "process-not-listed or reset; see CGROUPS" },
	{ .key = NULL },
};

/* ---- Reading */

struct groups_state {
	struct groups_watch groups; /* first, as cgroups_read wants it */
};

struct machine_io {
	bool known;
	struct dirty_pages pages;
	struct keyed some_us, full_us;
};

struct groups_snapshot {
	struct groups groups;
	struct group_io *v;     /* groups.n of them */
	struct diskstats disks; /* for their names */
	struct machine_io machine;
};

static bool
wants(const struct watch *w, int column)
{
	return w->nshown == 0 || watch_shows(w, column);
}

static void
read_machine(struct watch *w, struct machine_io *m)
{
	struct text text;
	struct psi psi;

	m->known =
	    host_read(w->host, "proc/vmstat", &text) == 0 && dirty_parse(text, &m->pages) == 0;
	if (host_parse(w->host, "proc/pressure/io", &psi_parser, &psi) < 0)
		return;
	m->some_us = psi.some.total_us;
	m->full_us = psi.full.total_us;
}

static void
read_group(struct watch *w, struct arena *a, struct groups_snapshot *s, size_t i)
{
	struct group *g = &s->groups.v[i];
	struct group_io *io = &s->v[i];

	g->read = group_read_io(w->host, &s->groups, g, a, io) == 0;
	g->shown = g->asked || io->limited || w->ask->target.all;
	if (g->asked &&
	    !cgroups_seen(w, g,
		s->groups.top[FAMILY_IO].version == 1 ? "blkio.throttle.io_service_bytes" :
							"io.stat"))
		w->fail = EXIT_UNSUPPORTED;
	if (g->asked && g->read && !io->some_us.known)
		cgroups_no_pressure(w, g, "io.pressure", DISKG_SOME, DISKG_FULL);
	if (g->read && g->shown && (wants(w, DISKG_DIRTY) || wants(w, DISKG_WRITEBACK)))
		group_read_dirty(w->host, &s->groups, g, io);
}

/* Reads the machine for -G, and which cgroups there are. Where no cgroup is visible, the machine still
 * has its row. */
static bool
read_whose(struct watch *w, struct arena *a, struct groups_snapshot *s)
{
	if (w->ask->target.all)
		read_machine(w, &s->machine);
	if (cgroups_read(w, FAMILY_IO, a, &s->groups))
		return true;
	if (!s->machine.known)
		return false;
	w->fail = EXIT_DONE;
	return true;
}

static void *
read_io(struct watch *w, struct arena *a)
{
	struct groups_snapshot *s = arena_alloc(a, sizeof *s);
	struct groups_state *state = w->state;
	struct text text;

	if (!read_whose(w, a, s))
		return NULL;
	if (host_read(w->host, "proc/diskstats", &text) == 0)
		diskstats_parse(text, a, &s->disks);
	s->v = arena_alloc(a, s->groups.n * sizeof *s->v);
	for (size_t i = 0; i < s->groups.n; i++)
		read_group(w, a, s, i);
	groups_name(&state->groups, w->host, &s->groups);
	return w->fail ? NULL : s;
}

/* ---- Rows */

/* A device of a cgroup at both ends of the interval. */
struct pair {
	const struct io_device *from, *to;
	struct interval *t;
};

static void
rate(struct cell *row, int column, const struct pair *p, enum io_field f, double scale)
{
	cell_rate(row, column, p->t, p->from->v[f], p->to->v[f], scale);
	if (scale != 1)
		row[column].raw *= 1024; /* metrics have bytes */
}

/* The limit that is used most. */
static void
fill_limits(struct cell *row, const struct pair *p)
{
	static const char *const names[IO_LIMITS] = { "rbps", "wbps", "riops", "wiops" };
	static const int rates[IO_LIMITS] = { DISKG_RKB, DISKG_WKB, DISKG_R, DISKG_W };
	double most = -1;

	for (int i = 0; i < IO_LIMITS; i++) {
		double scale = i <= IO_WBPS ? 1024 : 1,
		       max = p->to->max[i].known ? (double)p->to->max[i].v / scale : NAN;
		cell_gauge(&row[DISKG_RKB_MAX + i], max, p->t->span_s);
		double share = row[rates[i]].num / max;
		if (!(share > most))
			continue;
		most = share;
		cell_share(&row[DISKG_LIMIT_PCT], share * p->t->span_s, p->t->span_s);
		cell_label(&row[DISKG_LIMIT], names[i]);
	}
}

static void
fill_device(struct cell *row, const struct pair *p)
{
	const double kb = 1.0 / 1024;

	rate(row, DISKG_R, p, IO_RIOS, 1);
	rate(row, DISKG_RKB, p, IO_RBYTES, kb);
	rate(row, DISKG_W, p, IO_WIOS, 1);
	rate(row, DISKG_WKB, p, IO_WBYTES, kb);
	rate(row, DISKG_D, p, IO_DIOS, 1);
	rate(row, DISKG_DKB, p, IO_DBYTES, kb);
	fill_limits(row, p);
}

static double
value(struct keyed v)
{
	return v.known ? (double)v.v : NAN;
}

static void
fill_group(
    struct cell *row, const struct group_io *from, const struct group_io *to, struct interval *t)
{
	cell_stalled(row, DISKG_SOME, t, from->some_us, to->some_us);
	cell_stalled(row, DISKG_FULL, t, from->full_us, to->full_us);
	cell_gauge(&row[DISKG_DIRTY], value(to->dirty), t->span_s);
	cell_gauge(&row[DISKG_WRITEBACK], value(to->writeback), t->span_s);
}

/* Its name, or "8:0" if it is not in /proc/diskstats. */
static const char *
device_name(const struct groups_snapshot *s, const struct io_device *d, struct watch *w)
{
	for (size_t i = 0; i < s->disks.n; i++)
		if (s->disks.v[i].major == d->major && s->disks.v[i].minor == d->minor)
			return s->disks.v[i].name;
	return arena_printf(&w->arena, "%u:%u", d->major, d->minor);
}

static bool
grew(const struct pair *p)
{
	for (int f = 0; f < IO_FIELDS; f++)
		if (p->from->v[f].known && p->to->v[f].known && p->from->v[f].v != p->to->v[f].v)
			return true;
	return false;
}

static bool
fell(const struct pair *p)
{
	struct falls falls = { .fallen = 0 };

	for (int f = 0; f < IO_FIELDS; f++)
		falls_add(&falls, p->from->v[f], p->to->v[f]);
	return falls.fallen > 0;
}

static bool
is_limited(const struct io_device *d)
{
	for (int i = 0; i < IO_LIMITS; i++)
		if (d->max[i].known)
			return true;
	return false;
}

/* A cgroup that reaches a limit waits before the disk, which counts nothing of that. */
static void
tell_held_back(struct watch *w, const struct cell *row)
{
	double some = row[DISKG_SOME].num;

	if (row[DISKG_LIMIT_PCT].num > 80 && (isnan(some) || some > 20))
		watch_note(w,
		    "cgroup %s: its %s limit on %s holds requests back before the disk, which may "
		    "look idle",
		    row[DISKG_CGROUP].label, row[DISKG_LIMIT].label, row[DISKG_DEVICE].label);
}

struct row_of {
	struct watch *w;
	const struct groups_snapshot *from, *to;
	size_t before, i;
	struct interval *t;
	struct table *out;
};

static void
add_device(struct row_of *r, const struct pair *p)
{
	struct cell *row = table_row(r->out);

	cell_label(&row[DISKG_DEVICE], device_name(r->to, p->to, r->w));
	fill_group(row, &r->from->v[r->before], &r->to->v[r->i], r->t);
	fill_device(row, p);
	cells_group(row, r->out->ncolumns, &r->to->groups, r->i, FAMILY_IO, fell(p));
	tell_held_back(r->w, row);
}

/* A cgroup without a device has a row if it was selected, or if its tasks wait. */
static void
add_bare(struct row_of *r, bool wanted)
{
	const struct group_io *from = &r->from->v[r->before], *to = &r->to->v[r->i];
	bool waits =
	    keyed_delta(from->some_us, to->some_us) > 0 && r->to->groups.v[r->i].parent >= 0;

	if (!wanted && !waits)
		return;
	struct cell *row = table_row(r->out);
	fill_group(row, from, to, r->t);
	cells_group(row, r->out->ncolumns, &r->to->groups, r->i, FAMILY_IO, false);
}

/* A device without an earlier line had its first request in this interval, if the cgroup could be read
 * before. */
static void
add_group(struct row_of *r)
{
	static const struct io_device zero = { .v = { { true, 0 }, { true, 0 }, { true, 0 },
						   { true, 0 }, { true, 0 }, { true, 0 } } };
	const struct disk_options *o = r->w->ask->options;
	const struct group_io *from = &r->from->v[r->before], *to = &r->to->v[r->i];
	bool wanted = o->all || r->to->groups.v[r->i].asked;
	size_t rows = r->out->nrows;

	for (size_t k = 0; k < to->n; k++) {
		const struct io_device *was = io_find(from, to->v[k].major, to->v[k].minor);
		struct pair p = { was ? was : &zero, &to->v[k], r->t };
		if (wanted || is_limited(p.to) || grew(&p))
			add_device(r, &p);
	}
	if (r->out->nrows == rows)
		add_bare(r, wanted);
}

static void
add_machine(struct table *out, const struct machine_io *from, const struct machine_io *to,
    struct interval *t, double page)
{
	const struct dirty_pages *a = &from->pages, *b = &to->pages;
	struct cell *row = table_row(out);

	cell_label(&row[DISKG_CGROUP], "machine");
	cell_rate(row, DISKG_RKB, t, a->read_kb, b->read_kb, 1);
	cell_rate(row, DISKG_WKB, t, a->written_kb, b->written_kb, 1);
	row[DISKG_RKB].raw *= 1024;
	row[DISKG_WKB].raw *= 1024;
	cell_stalled(row, DISKG_SOME, t, from->some_us, to->some_us);
	cell_stalled(row, DISKG_FULL, t, from->full_us, to->full_us);
	cell_gauge(&row[DISKG_DIRTY], value(b->dirty) * page, t->span_s);
	cell_gauge(&row[DISKG_WRITEBACK], value(b->writeback) * page, t->span_s);
	cell_share(
	    &row[DISKG_DIRTY_PCT], value(b->dirty) + value(b->writeback), value(b->threshold));
}

/* Writers are slowed down from the middle of the two limits on. */
static void
tell_dirty(struct watch *w, const struct machine_io *m)
{
	double dirty = value(m->pages.dirty) + value(m->pages.writeback);

	if (dirty > (value(m->pages.threshold) + value(m->pages.background)) / 2)
		watch_note(w,
		    "dirty pages are near the limit of vm.dirty_ratio or vm.dirty_bytes: writers "
		    "wait for the disks");
}

/* By the share of a limit, then by the time that tasks waited. */
static double
worst(const struct cell *row)
{
	double limit = row[DISKG_LIMIT_PCT].num, some = row[DISKG_SOME].num,
	       kb = row[DISKG_RKB].num + row[DISKG_WKB].num;

	return (isnan(limit) ? 0 : limit) * 1e9 + (isnan(some) ? 0 : some) * 1e6 +
	    (isnan(kb) ? 0 : fmin(kb * 1e-6, 1));
}

static void
rows_groups(struct watch *w, const void *from, const void *to, double span_s, struct table *out)
{
	const struct groups_snapshot *a = from, *b = to;
	struct interval t = { .columns = group_columns, .span_s = span_s };

	if (w->ask->target.all && (b->machine.known || b->machine.some_us.known)) {
		add_machine(out, &a->machine, &b->machine, &t, (double)w->host->facts.page_size);
		out->pinned = 1;
		tell_dirty(w, &b->machine);
	}
	for (size_t i = 0; i < b->groups.n; i++) {
		int before = groups_before(&a->groups, &b->groups, i);
		struct row_of r = { w, a, b, (size_t)before, i, &t, out };
		if (before >= 0)
			add_group(&r);
	}
	watch_tell_counters(w, &t, false);
	if (w->ask->target.all)
		table_sort(out, out->pinned, worst);
}

static bool
suits(const struct request *ask)
{
	return ask->target.all || ask->target.pid || ask->target.cgroup;
}

const struct tool disk_of_groups = {
	.name = "disk",
	.brief = "I/O of cgroups, their limits and pressure",
	.columns = group_columns,
	.spark = "io_some_pct",
	.shared = (const struct option *const[]){ &option_pid, &option_cgroup, &option_all,
	    &option_most, &option_sort, NULL },
	.options_size = sizeof(struct disk_options),
	.suits = suits,
	.fleeting = true, /* averages are by cgroup, and would mix its disks */
	.state_size = sizeof(struct groups_state),
	.read = read_io,
	.rows = rows_groups,
	.worst = worst,
	.release = cgroups_release,
};
