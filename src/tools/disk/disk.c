/*
 * disk: requests, waits and queues of disks, as iostat -x, with the requests in flight sampled every
 * 10 ms. All counters are those of /proc/diskstats.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cgroup/pressure.h"
#include "proc/disks.h"
#include "proc/machine.h"
#include "tools/disk/disk.h"
#include "tools/hidden.h"

static const struct disk_options usual_options = { .tick_ns = 10000000 };

static const struct option options[] = {
	{ 'a', NULL, NULL, OPTION_FLAG, offsetof(struct disk_options, all),
	    .help = "idle disks too; with -G, -g and -p: idle cgroups and disks" },
	{ 0, "partitions", NULL, OPTION_FLAG, offsetof(struct disk_options, partitions),
	    .help = "partitions too, each after its disk" },
	{ 0, "tick", "TIME", OPTION_TIME, offsetof(struct disk_options, tick_ns),
	    .help = "how often to sample the requests in flight (default 10ms)" },
	{ .type = OPTION_END },
};

/* As -a of other tools: here, -a is about idle disks. */
static const struct option option_groups = { 'G', NULL, NULL, OPTION_FLAG,
	offsetof(struct request, target.all),
	.help = "rows per cgroup and disk, most held back first", .not_with = "-p -g" };

/* The columns of one kind of request. p is the letter in iostat's headings, w the width of p/s, g the
 * group. */
#define REQUESTS(p, g, key, field, words) \
	{ \
		p "_per_s", p "/s", RATE, PER_SECOND, 7, 1, \
		    .group = g, .counter = "disk_" key, .metric = key "_per_s", \
		    .help = words " that ended (/proc/diskstats, " field ")" \
	}
#define KILOBYTES(p, g, key, field, words) \
	{ \
		p "kb_per_s", p "kB/s", RATE, PER_SECOND, 7, 0, \
		    .group = g, .counter = "disk_" key "_bytes", \
		    .help = "kB of 1024 bytes " words " (/proc/diskstats, " field ")" \
	}
#define MERGES(p, key, field, words) \
	{ p "rqm_per_s", p "rqm/s", RATE, PER_SECOND, 8, 1, .group = "iostat", \
		.counter = "disk_" key "_merges", \
		.help = words " merged into another request (/proc/diskstats, " field ")" }, \
	{ \
		p "rqm_pct", "%" p "rqm", SHARE, PERCENT, 7, 1, \
		    .group = "iostat", \
		    .help = "share of these, in % of them and the requests that ended " \
			    "(/proc/diskstats)" \
	}
#define AWAIT(p, g, key, field, words) \
	{ \
		p "_await_ms", p "_await", GAUGE, MILLISECONDS, 8, 2, \
		    .group = g, .metric = key "_await_ms", .counter = "disk_" key "_wait_seconds", \
		    .change = MORE_IS_WORSE, \
		    .help = "mean time of a " words \
			    ", in the queue and in the device (/proc/diskstats, " field ")" \
	}
#define SIZE(p, words) \
	{ \
		p "areq_sz_kb", p "areq-sz", GAUGE, NO_UNIT, 9, 2, \
		    .group = "iostat", .metric = words "_size_kb", \
		    .help = "mean size of a " words " in kB (/proc/diskstats)" \
	}

static const struct column disk_columns[] = {
	[DISK_NAME] = { "device", "Device", LABEL, NO_UNIT, 11, 0,
	    .help = "the disk or partition (/proc/diskstats, field 3)" },
	[DISK_R] = REQUESTS("r", NULL, "reads", "field 4", "reads"),
	KILOBYTES("r", NULL, "read", "field 6", "read"),
	MERGES("r", "read", "field 5", "reads"),
	AWAIT("r", NULL, "read", "field 7", "read"),
	SIZE("r", "read"),
	[DISK_W] = REQUESTS("w", NULL, "writes", "field 8", "writes"),
	KILOBYTES("w", NULL, "write", "field 10", "written"),
	MERGES("w", "write", "field 9", "writes"),
	AWAIT("w", NULL, "write", "field 11", "write"),
	SIZE("w", "write"),
	[DISK_D] = REQUESTS("d", "iostat", "discards", "field 15", "discards"),
	KILOBYTES("d", "iostat", "discard", "field 17", "discarded"),
	MERGES("d", "discard", "field 16", "discards"),
	AWAIT("d", "iostat", "discard", "field 18", "discard"),
	SIZE("d", "discard"),
	[DISK_F] = REQUESTS("f", "iostat", "flushes", "field 19", "flushes"),
	AWAIT("f", "iostat", "flush", "field 20", "flush"),
	[DISK_AQU_SZ] = { "aqu_sz", "aqu-sz", RATE, NO_UNIT, 7, 2, .counter = "disk_queue_seconds",
	    .change = MORE_IS_WORSE,
	    .help = "mean number of requests in flight, exact (/proc/diskstats, field 14)" },
	[DISK_UTIL] = { "util_pct", "%util", SHARE, PERCENT, 6, 1, .counter = "disk_busy_seconds",
	    HURTS_FROM(UTIL), .bound = BY_TIME, .change = MORE_IS_WORSE,
	    .help = "time with a request in flight (/proc/diskstats, field 13)" },
	[DISK_FLIGHT_MAX] = { "inflight_max", "max", GAUGE, NO_UNIT, 4, 0, .change = MORE_IS_WORSE,
	    .help = "most requests in flight of the ticks (/sys/block/D/inflight)" },
	[DISK_FLIGHT] = { "inflight", "inflight", GAUGE, NO_UNIT, 9, 2, .group = "queue",
	    .change = MORE_IS_WORSE,
	    .help = "requests in flight, mean of the ticks (/sys/block/D/inflight)" },
	[DISK_REQUESTS] = { "nr_requests", "nr-req", GAUGE, NO_UNIT, 7, 0, .group = "queue",
	    .change = A_SETTING,
	    .help = "requests that a hardware queue has room for (/sys/block/D/queue/"
		    "nr_requests)" },
	[DISK_SCHEDULER] = { "scheduler", "scheduler", LABEL, NO_UNIT, 12, 0, .group = "queue",
	    .remark = true, .help = "I/O scheduler of the queue (/sys/block/D/queue/scheduler)" },
	[DISK_BUSY] = { "busy_ms", "busy-ms", GAUGE, MILLISECONDS, 8, 2, .group = "queue",
	    .change = MORE_IS_WORSE,
	    .help = "time that the disk was busy, per request (/proc/diskstats, field 13)" },
	[DISK_BEHIND] = { "behind_ms", "behind-ms", GAUGE, MILLISECONDS, 10, 2, .group = "queue",
	    .change = MORE_IS_WORSE,
	    .help = "the rest of a request's time: behind or beside others (/proc/diskstats, field "
		    "14)" },
	[DISK_PART_OF] = { "disk", "disk", LABEL, NO_UNIT, 10, 0, .group = "names", .remark = true,
	    .help = "of a partition: the disk that it is on" },
	[DISK_ALIAS] = { "name", "name", LABEL, NO_UNIT, 0, 0, .group = "names", .remark = true,
	    .help = "its name in device mapper, RAID level, backing file or model (/sys/block/D)" },
	{ .key = NULL },
};

/* ---- What is known of a device besides its counters */

/* Files about a queue are read again after so many rows: they hardly ever change. */
enum { DETAILS_ROWS = 60 };

struct device {
	const char *name, *dir; /* dir: below /sys/block; a partition is in that of its disk */
	const char *inflight;   /* the path of this file */
	struct gauge in_flight;
	bool used;        /* it had I/O in this run */
	bool counted;     /* it had some since boot */
	bool mostly_idle; /* its kind; see is_mostly_idle */
	unsigned rows;    /* until its details are read again */
	struct keyed requests;
	const char *scheduler, *alias;
	struct device *next;
};

struct disk_state {
	struct device *first, **end;
	bool by_diskstats; /* there is no /sys/block */
	bool started;
	bool no_pressure;
};

/* What a snapshot holds of a device. */
struct disk_detail {
	double mean, max; /* requests in flight, of the ticks since the last snapshot */
	struct keyed requests;
	const char *scheduler, *alias;
};

struct disk_snapshot {
	struct diskstats stats;
	struct disk_detail *v; /* stats.n of them */
	struct keyed some_us;  /* I/O pressure of the machine */
};

/* In /sys, a '/' in a name is a '!'. */
static const char *
sys_name(struct arena *a, const char *name)
{
	char *copy = arena_copy(a, text_of(name));

	for (char *s = copy; *s; s++)
		if (*s == '/')
			*s = '!';
	return copy;
}

static bool
begins(const char *name, const char *with)
{
	return strncmp(name, with, strlen(with)) == 0;
}

/* Kinds of disks of which a machine has many that nobody uses: their rows begin with the first I/O that
 * pq sees. */
static bool
is_mostly_idle(const char *name)
{
	static const char *const kinds[] = { "loop", "ram", "zram", "sr", "fd", "nbd", NULL };
	int i = 0;

	while (kinds[i] && !begins(name, kinds[i]))
		i++;
	return kinds[i];
}

static struct device *
device_add(struct watch *w, const struct disk *d)
{
	struct disk_state *s = w->state;
	struct device *new = arena_alloc(&w->arena, sizeof *new);

	new->name = arena_copy(&w->arena, text_of(d->name));
	new->dir = sys_name(&w->arena, d->name);
	new->mostly_idle = is_mostly_idle(d->name);
	if (d->whole)
		new->dir =
		    arena_printf(&w->arena, "%s/%s", sys_name(&w->arena, d->whole), new->dir);
	new->inflight = arena_printf(&w->arena, "sys/block/%s/inflight", new->dir);
	*(s->end ? s->end : &s->first) = new;
	s->end = &new->next;
	return new;
}

/* The device of that name; *hint is the one after the last that was found, as the order hardly ever
 * changes. */
static struct device *
device_of(struct watch *w, const struct disk *d, struct device **hint)
{
	struct disk_state *s = w->state;
	struct device *at = *hint;

	if (!at || strcmp(at->name, d->name) != 0)
		for (at = s->first; at && strcmp(at->name, d->name) != 0;)
			at = at->next;
	if (!at)
		at = device_add(w, d);
	*hint = at->next;
	return at;
}

static int
read_sys(struct watch *w, const struct device *d, const char *file, struct text *text)
{
	char path[160];

	if ((size_t)snprintf(path, sizeof path, "sys/block/%s/%s", d->dir, file) >= sizeof path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return host_read(w->host, path, text);
}

/* ---- Ticks */

static void
tick_by_diskstats(struct watch *w)
{
	struct arena scratch = { 0 };
	struct device *hint = NULL;
	struct diskstats stats;
	struct text text;

	if (host_read(w->host, "proc/diskstats", &text) == 0 &&
	    diskstats_parse(text, &scratch, &stats) == 0)
		for (size_t i = 0; i < stats.n; i++)
			if (stats.v[i].v[DISK_IN_FLIGHT].known)
				gauge_add(&device_of(w, &stats.v[i], &hint)->in_flight,
				    (double)stats.v[i].v[DISK_IN_FLIGHT].v);
	arena_free(&scratch);
}

/* Reads the disks that had I/O. False if none of them can be read: a recording made without ticks, or
 * no /sys. */
static bool
tick_by_sys(struct watch *w)
{
	struct disk_state *s = w->state;
	bool any = false, wanted = false;
	struct text text;
	uint64_t n;

	for (struct device *d = s->first; d; d = d->next) {
		wanted |= d->counted;
		if (!d->counted || host_read(w->host, d->inflight, &text) < 0 ||
		    disk_inflight_parse(text, &n) < 0)
			continue;
		gauge_add(&d->in_flight, (double)n);
		any = true;
	}
	return any || !wanted;
}

/* Without ticks between rows, /proc/diskstats tells as much. */
static void
tick_disks(struct watch *w)
{
	struct disk_state *s = w->state;

	if (!s->started || (!w->ticks && !w->host->replay) || (!s->by_diskstats && tick_by_sys(w)))
		return;
	s->by_diskstats |= !w->host->replay;
	tick_by_diskstats(w);
}

static int64_t
tick_ns(const void *own)
{
	return ((const struct disk_options *)own)->tick_ns;
}

/* ---- Reading */

/* Whether a column is shown; pq record and pq why have none, and want all. */
static bool
wants(const struct watch *w, int column)
{
	return w->nshown == 0 || watch_shows(w, column);
}

/* The first line of a file in the device's directory; `was` if it is the same; NULL without one. */
static const char *
first_line(struct watch *w, const struct device *d, const char *file, const char *was)
{
	struct text text, line;

	if (read_sys(w, d, file, &text) < 0 || !text_line(&text, &line))
		return NULL;
	while (line.n > 0 && line.s[line.n - 1] == ' ')
		line.n--;
	if (line.n == 0 || memchr(line.s, '\0', line.n))
		return NULL;
	return was && text_eq(line, was) ? was : arena_copy(&w->arena, line);
}

/* What people call the device. */
static const char *
alias_of(struct watch *w, const struct device *d)
{
	const char *file = begins(d->name, "dm-") ? "dm/name" :
	    begins(d->name, "loop")               ? "loop/backing_file" :
	    begins(d->name, "md")                 ? "md/level" :
						    "device/model";

	return strchr(d->dir, '/') ? NULL : first_line(w, d, file, d->alias);
}

static void
read_details(struct watch *w, struct device *d)
{
	struct text text, word, line;

	if (d->rows-- > 0)
		return;
	d->rows = DETAILS_ROWS;
	if (strchr(d->dir, '/'))
		return; /* a partition has the queue of its disk */
	d->requests = (struct keyed){ 0 };
	if (wants(w, DISK_REQUESTS) && read_sys(w, d, "queue/nr_requests", &text) == 0 &&
	    text_line(&text, &line))
		d->requests.known = text_u64(line, &d->requests.v) == 0;
	if (wants(w, DISK_SCHEDULER) && read_sys(w, d, "queue/scheduler", &text) == 0 &&
	    disk_scheduler_parse(text, &word) == 0 && !memchr(word.s, '\0', word.n) &&
	    !(d->scheduler && text_eq(word, d->scheduler)))
		d->scheduler = arena_copy(&w->arena, word);
	if (wants(w, DISK_ALIAS))
		d->alias = alias_of(w, d);
}

static bool
had_io(const struct disk *d)
{
	static const int counters[] = { DISK_READS, DISK_WRITES, DISK_DISCARDS, DISK_FLUSHES,
		DISK_IN_FLIGHT };

	for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++)
		if (d->v[counters[i]].known && d->v[counters[i]].v > 0)
			return true;
	return false;
}

static void
read_device(struct watch *w, struct device *d, const struct disk *now, struct disk_detail *out)
{
	const struct disk_options *o = w->ask->options;

	d->counted = had_io(now) || d->counted;
	if (d->in_flight.n == 0 && now->v[DISK_IN_FLIGHT].known)
		gauge_add(&d->in_flight, (double)now->v[DISK_IN_FLIGHT].v);
	out->mean = gauge_mean(&d->in_flight);
	out->max = gauge_max(&d->in_flight);
	d->in_flight = (struct gauge){ 0 };
	if (d->counted || o->all)
		read_details(w, d);
	out->requests = d->requests;
	out->scheduler = d->scheduler;
	out->alias = d->alias;
}

static void
read_pressure(struct watch *w, struct disk_snapshot *s)
{
	struct disk_state *state = w->state;
	struct psi psi;

	if (state->no_pressure)
		return;
	if (host_parse(w->host, "proc/pressure/io", &psi_parser, &psi) == 0)
		s->some_us = psi.some.total_us;
	else
		state->no_pressure = !w->host->replay;
}

static void *
read_disks(struct watch *w, struct arena *a)
{
	struct disk_snapshot *s = arena_alloc(a, sizeof *s);
	struct disk_state *state = w->state;
	const struct disk_options *o = w->ask->options;
	struct device *hint = NULL;
	struct text text;
	int error = 0;

	if (host_read(w->host, "proc/diskstats", &text) < 0)
		error = errno;
	else if (diskstats_parse(text, a, &s->stats) < 0)
		error = EINVAL;
	if (error && !state->started)
		return watch_fail(w, EXIT_UNSUPPORTED, "cannot use /proc/diskstats: %s",
		    error == EINVAL ? "it lists no disk" :
				      hidden_error(w, error, "is /proc mounted?"));
	if (error)
		watch_note(w, "cannot use /proc/diskstats any more: %s; its rows end here",
		    error == EINVAL ? "it lists no disk" : strerror(error));
	state->started = true;
	s->v = arena_alloc(a, s->stats.n * sizeof *s->v);
	for (size_t i = 0; i < s->stats.n; i++)
		if (!s->stats.v[i].whole || o->partitions)
			read_device(
			    w, device_of(w, &s->stats.v[i], &hint), &s->stats.v[i], &s->v[i]);
	read_pressure(w, s);
	return s;
}

/* ---- Rows */

/* Two readings of a device. */
struct pair {
	const struct disk *from;
	struct disk to; /* with counters that wrapped continued */
	struct interval *t;
};

/* A counter that wrapped cannot have grown by more than this in a second: sectors at 50 GB/s, times of
 * 100,000 requests at once. */
static const double MOST_PER_S = 1e8;

/* False if all counters decreased: the device is another one of the same name. */
static bool
pair_of(const struct disk *from, const struct disk *to, struct interval *t, struct pair *out)
{
	bool fell = false, kept = false;

	*out = (struct pair){ from, *to, t };
	for (int i = 0; i < DISK_FIELDS; i++) {
		if (i == DISK_IN_FLIGHT || !from->v[i].known || from->v[i].v == 0)
			continue;
		fell |= keyed_restarted(from->v[i], to->v[i]);
		kept |= !keyed_restarted(from->v[i], to->v[i]);
		disk_unwrap(from->v[i], &out->to.v[i], MOST_PER_S * (t->span_s + 1));
	}
	return kept || !fell;
}

static double
grown(const struct pair *p, int field)
{
	return keyed_delta(p->from->v[field], p->to.v[field]);
}

static void
rate(struct cell *row, int column, const struct pair *p, int field, double scale)
{
	cell_rate(row, column, p->t, p->from->v[field], p->to.v[field], scale);
}

/* The columns of reads, writes and discards are in the same order, and so are their counters. */
static void
fill_requests(struct cell *row, int column, const struct pair *p, int field)
{
	const double sector_kb = 0.5;
	int ended = field, merged = field + DISK_READS_MERGED, sectors = field + DISK_READ_SECTORS,
	    ms = field + DISK_READ_MS;
	double n = grown(p, ended);

	rate(row, column, p, ended, 1);
	rate(row, column + DISK_RKB - DISK_R, p, sectors, sector_kb);
	row[column + DISK_RKB - DISK_R].raw *= 1024;
	rate(row, column + DISK_RRQM - DISK_R, p, merged, 1);
	cell_share(&row[column + DISK_RRQM_PCT - DISK_R], grown(p, merged), grown(p, merged) + n);
	cell_gauge(&row[column + DISK_R_AWAIT - DISK_R], n > 0 ? grown(p, ms) / n : NAN, n);
	row[column + DISK_R_AWAIT - DISK_R].raw =
	    p->to.v[ms].known ? (double)p->to.v[ms].v * 1e-3 : NAN;
	cell_gauge(&row[column + DISK_RAREQ_SZ - DISK_R],
	    n > 0 ? grown(p, sectors) * sector_kb / n : NAN, n);
}

static void
fill_flushes(struct cell *row, const struct pair *p)
{
	double n = grown(p, DISK_FLUSHES);

	rate(row, DISK_F, p, DISK_FLUSHES, 1);
	cell_gauge(&row[DISK_F_AWAIT], n > 0 ? grown(p, DISK_FLUSH_MS) / n : NAN, n);
	row[DISK_F_AWAIT].raw =
	    p->to.v[DISK_FLUSH_MS].known ? (double)p->to.v[DISK_FLUSH_MS].v * 1e-3 : NAN;
}

static double
at_least_0(double x)
{
	return x < 0 ? 0 : x;
}

/* Requests that ended, of all kinds that this kernel counts. */
static double
requests_ended(const struct pair *p)
{
	static const int fields[] = { DISK_DISCARDS, DISK_FLUSHES };
	double n = grown(p, DISK_READS) + grown(p, DISK_WRITES);

	for (size_t i = 0; i < 2; i++)
		n += isnan(grown(p, fields[i])) ? 0 : grown(p, fields[i]);
	return n;
}

static void
fill_queue(struct cell *row, const struct pair *p, const struct disk_detail *v)
{
	double n = requests_ended(p), busy_ms = grown(p, DISK_BUSY_MS);
	struct keyed busy_us[2] = { p->from->v[DISK_BUSY_MS], p->to.v[DISK_BUSY_MS] };

	busy_us[0].v *= 1000;
	busy_us[1].v *= 1000;
	rate(row, DISK_AQU_SZ, p, DISK_WEIGHTED_MS, 1e-3);
	cell_stalled(row, DISK_UTIL, p->t, busy_us[0], busy_us[1]);
	cell_gauge(&row[DISK_FLIGHT], v->mean, p->t->span_s);
	cell_gauge(&row[DISK_FLIGHT_MAX], v->max, p->t->span_s);
	cell_gauge(
	    &row[DISK_REQUESTS], v->requests.known ? (double)v->requests.v : NAN, p->t->span_s);
	cell_gauge(&row[DISK_BUSY], n > 0 ? busy_ms / n : NAN, n);
	cell_gauge(&row[DISK_BEHIND],
	    n > 0 ? at_least_0(grown(p, DISK_WEIGHTED_MS) - busy_ms) / n : NAN, n);
}

static void
fill_row(struct cell *row, const struct pair *p, const struct disk_detail *v)
{
	cell_label(&row[DISK_NAME], p->to.name);
	fill_requests(row, DISK_R, p, DISK_READS);
	fill_requests(row, DISK_W, p, DISK_WRITES);
	fill_requests(row, DISK_D, p, DISK_DISCARDS);
	fill_flushes(row, p);
	fill_queue(row, p, v);
	cell_label(&row[DISK_SCHEDULER], v->scheduler);
	cell_label(&row[DISK_PART_OF], p->to.whole);
	cell_label(&row[DISK_ALIAS], v->alias);
}

static bool
is_shown(struct watch *w, struct device *d, const struct disk *from, const struct disk *to)
{
	const struct disk_options *o = w->ask->options;

	d->used |= to->v[DISK_IN_FLIGHT].known && to->v[DISK_IN_FLIGHT].v > 0;
	for (int i = 0; i < DISK_FIELDS && !d->used; i++)
		d->used = i != DISK_IN_FLIGHT && from->v[i].known && to->v[i].known &&
		    from->v[i].v != to->v[i].v;
	return o->all || d->used || (d->counted && !d->mostly_idle);
}

/* Requests that a cgroup's io.max or a file system in the network holds back are not in flight: tasks
 * wait, and all disks look idle. */
static void
tell_held_back(struct watch *w, struct table *out, const struct disk_snapshot *a,
    const struct disk_snapshot *b, double span_s)
{
	double waited_s = keyed_delta(a->some_us, b->some_us) * 1e-6, in_flight = 0;

	for (size_t i = 0; i < out->nrows; i++)
		in_flight += at_least_0(table_at(out, i)[DISK_AQU_SZ].num);
	if (waited_s > 0.4 * span_s && in_flight < 0.3 * waited_s / span_s)
		watch_note(w,
		    "tasks wait for I/O much of the time, but hardly any request is in flight: "
		    "io.max of a cgroup or a network file system may hold them back, "
		    "or they wait in io_uring_enter, which counts as I/O even for a socket "
		    "(see pq disk -G, pq wait)");
}

static double
busiest(const struct cell *row)
{
	return row[DISK_AQU_SZ].num;
}

static void
rows_disks(struct watch *w, const void *from, const void *to, double span_s, struct table *out)
{
	const struct disk_options *o = w->ask->options;
	const struct disk_snapshot *a = from, *b = to;
	struct interval t = { .columns = disk_columns, .span_s = span_s };
	struct device *hint = NULL;
	size_t hidden = 0;
	struct pair p;

	for (size_t i = 0; i < b->stats.n; i++) {
		const struct disk *d = &b->stats.v[i], *before = diskstats_find(&a->stats, d, i);
		if (!before || (d->whole && !o->partitions))
			continue;
		if (!is_shown(w, device_of(w, d, &hint), before, d))
			hidden++;
		else if (pair_of(before, d, &t, &p))
			fill_row(table_row(out), &p, &b->v[i]);
		else
			watch_note(
			    w, "%s: its counters were reset: no row for this interval", d->name);
	}
	if (hidden > 0 && w->nshown > 0)
		watch_note(w, "idle disks are hidden (-a shows them)");
	tell_held_back(w, out, a, b, span_s);
	watch_tell_counters(w, &t, true);
}

const struct tool tool_disk = {
	.name = "disk",
	.brief = "requests, waits and queues of disks, as iostat -x",
	.examples = "  pq disk 1               each disk in use, once per second\n"
		    "  pq disk -w iostat 1     all columns of iostat -x\n"
		    "  pq disk -w queue,names  schedulers, queues and names\n"
		    "  pq disk -G 1            I/O of cgroups: limits, pressure, dirty pages\n",
	.columns = disk_columns,
	.spark = "util_pct",
	.shared = (const struct option *const[]){ &option_most, &option_sort, NULL },
	.shared_help = { .pid = "the cgroup of this process, and its parents with a limit",
	    .cgroup = "this cgroup, and its parents with a limit: /web, or a path",
	    .most = "only the first N rows: the busiest disks" },
	.forms = (const struct tool *const[]){ &disk_of_groups, NULL },
	.forms_by = "-G",
	.forms_shared =
	    (const struct option *const[]){ &option_groups, &option_pid, &option_cgroup, NULL },
	.options = options,
	.options_size = sizeof(struct disk_options),
	.defaults = &usual_options,
	.state_size = sizeof(struct disk_state),
	.recorded_ns = 1000000000,
	.costly_tick = 1,
	.tick = tick_disks,
	.tick_ns = tick_ns,
	.read = read_disks,
	.rows = rows_disks,
	.worst = busiest,
};
