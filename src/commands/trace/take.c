/*
 * take: pq trace [seconds]: the rings of bpf/switch_ring.h are filled for that time, and then written
 * to a file, with who the threads are. While they are filled, pq sleeps.
 */
#include "commands/trace/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/fail.h"
#include "base/map.h"
#include "bpf/switch_ring.h"
#include "cli/open.h"
#include "cli/signals.h"
#include "proc/mountinfo.h"
#include "proc/task.h"
#include "version.h"

static const uint64_t RING_BYTES = 64 << 20;
static const int64_t LOOK_NS = 1000000000; /* after this long the rate is told */

struct taking {
	const struct options *o;
	const struct trace_options *own;
	struct host *host;
	struct switch_ring *ring;
	uint32_t pid;      /* of -p; 0: none */
	uint64_t begun_ns; /* CLOCK_BOOTTIME */
	struct trace_clocks clocks;
	/* threads that were there at the start or at the end, and their cgroups */
	struct trace_thread *threads;
	size_t n, room;
	struct sched_event *births; /* SCHED_NEW and SCHED_EXEC */
	size_t nbirths, births_room;
	bool ended; /* the process of -p, as perf events say */
	struct map cgroups;
	struct arena arena;
	struct trace_writer *w;
};

static bool
by_perf(const struct taking *t)
{
	return strcmp(switch_ring_mode(t->ring), "perf") == 0;
}

/* ---- Threads */

static uint32_t
cgroup_of(struct taking *t, const char *pid)
{
	struct text text, path;
	char file[64];

	snprintf(file, sizeof file, "proc/%s/cgroup", pid);
	if (host_read(t->host, file, &text) < 0 || pidcgroup_find(text, "cpu", &path) == 0)
		return TRACE_NO_CGROUP;
	int i = map_find(&t->cgroups, path);
	return i >= 0 ? (uint32_t)i : map_put(&t->cgroups, path);
}

static void
add_thread(struct taking *t, const char *pid, const char *tid, uint32_t cgroup)
{
	uint64_t ticks_per_s = t->host->facts.ticks_per_s;
	struct trace_thread new = { .cgroup = cgroup };
	struct task_stat stat;
	struct text text;
	char file[96];

	snprintf(file, sizeof file, "proc/%s/task/%s/stat", pid, tid);
	if (host_read(t->host, file, &text) < 0 || task_stat_parse(text, &stat) < 0)
		return; /* it has ended */
	new.tid = (uint32_t)stat.pid;
	new.pid = (uint32_t)strtoul(pid, NULL, 10);
	new.kernel = stat.kernel;
	if (stat.start_ticks.known && ticks_per_s > 0)
		new.start_ns = stat.start_ticks.v *(1000000000 / ticks_per_s);
	size_t n = stat.comm.n < TRACE_COMM ? stat.comm.n : TRACE_COMM - 1;
	memcpy(new.comm, stat.comm.s, n);
	t->threads = xgrow(t->threads, t->n, &t->room, sizeof *t->threads);
	t->threads[t->n++] = new;
}

static bool
is_number(struct text t)
{
	uint64_t v;

	return t.n < 20 && text_u64(t, &v) == 0;
}

static void
add_process(struct taking *t, const char *pid)
{
	uint32_t cgroup = cgroup_of(t, pid);
	struct text names, line;
	char path[64], tid[20];

	snprintf(path, sizeof path, "proc/%s/task", pid);
	if (host_list(t->host, path, &names) < 0)
		return;
	names.s = arena_copy(&t->arena, names);
	while (text_line(&names, &line)) {
		if (!is_number(line))
			continue;
		snprintf(tid, sizeof tid, "%.*s", (int)line.n, line.s);
		add_thread(t, pid, tid, cgroup);
	}
}

/* Adds the threads that are there now. Perf events know no other process. */
static void
add_threads(struct taking *t)
{
	struct text names, line;
	char pid[20];

	if (by_perf(t)) {
		add_process(t, t->o->ask.target.pid);
		return;
	}
	if (host_list(t->host, "proc", &names) < 0)
		return;
	names.s = arena_copy(&t->arena, names);
	while (text_line(&names, &line)) {
		if (!is_number(line))
			continue;
		snprintf(pid, sizeof pid, "%.*s", (int)line.n, line.s);
		add_process(t, pid);
	}
}

static int
by_number_and_start(const void *a, const void *b)
{
	const struct trace_thread *x = a, *y = b;

	if (x->tid != y->tid)
		return x->tid < y->tid ? -1 : 1;
	return x->start_ns < y->start_ns ? -1 : x->start_ns > y->start_ns;
}

/* ---- Threads that came meanwhile, and may have ended. They begin in the cgroup of who created them, and
 * with its name, until they run another program. */

static int
by_time(const void *a, const void *b)
{
	const struct sched_event *x = a, *y = b;

	return x->at_ns < y->at_ns ? -1 : x->at_ns > y->at_ns;
}

static uint32_t
largest_number(const struct taking *t)
{
	uint32_t most = 0;

	for (size_t i = 0; i < t->n; i++)
		most = t->threads[i].tid > most ? t->threads[i].tid : most;
	for (size_t i = 0; i < t->nbirths; i++)
		most = t->births[i].tid > most ? t->births[i].tid : most;
	return most;
}

static void
add_child(struct taking *t, const struct sched_event *e, const struct trace_thread *parent)
{
	struct trace_thread new = *parent;

	new.tid = e->tid;
	new.pid = 0;
	new.start_ns = e->at_ns;
	t->threads = xgrow(t->threads, t->n, &t->room, sizeof *t->threads);
	t->threads[t->n++] = new;
}

/* Adds those that neither reading of /proc has seen. */
static void
add_born(struct taking *t)
{
	/* by number, the thread that had it last, plus 1 */
	size_t numbers = (size_t)largest_number(t) + 1, seen = t->n;
	uint32_t *latest = xmalloc(numbers * sizeof *latest);

	memset(latest, 0, numbers * sizeof *latest);
	for (size_t i = 0; i < t->n; i++)
		latest[t->threads[i].tid] = (uint32_t)i + 1;
	qsort(t->births, t->nbirths, sizeof *t->births, by_time);
	for (size_t i = 0; i < t->nbirths; i++) {
		const struct sched_event *e = &t->births[i];
		uint32_t parent = e->other < numbers ? latest[e->other] : 0, own = latest[e->tid];
		if (e->kind == SCHED_EXEC && own > seen) {
			*t->threads[own - 1].comm = '\0';
		} else if (e->kind == SCHED_NEW && !own && parent) {
			add_child(t, e, &t->threads[parent - 1]);
			latest[e->tid] = (uint32_t)t->n;
		}
	}
	free(latest);
}

/* Of a thread that was there at the start and at the end, what it is called at the end. */
static void
put_threads(struct taking *t, size_t at_start)
{
	struct trace_thread *end = t->threads + at_start;
	size_t n = t->n - at_start;

	if (n)
		qsort(end, n, sizeof *end, by_number_and_start);
	for (uint32_t i = 0; i < t->cgroups.n; i++)
		trace_put_cgroup(t->w, arena_copy(&t->arena, map_key(&t->cgroups, i)));
	for (size_t i = 0; i < at_start; i++)
		if (!n || !bsearch(&t->threads[i], end, n, sizeof *end, by_number_and_start))
			trace_put_thread(t->w, &t->threads[i]);
	for (size_t i = 0; i < n; i++)
		trace_put_thread(t->w, &end[i]);
}

/* ---- The ring */

static bool
read_cpus(struct taking *t, const char *path, struct cpulist *out)
{
	struct text text, line;

	return host_read(t->host, path, &text) == 0 && text_line(&text, &line) &&
	    cpulist_parse(line, out) == 0;
}

/* Which process, and by which source. BPF knows only the first pid namespace. */
static void
choose(struct taking *t, struct switch_ring_options *ask)
{
	const char *written = t->o->ask.target.pid;
	enum trace_source source = (enum trace_source)t->own->source;
	uint64_t pid = 0;

	if (written && (text_u64(text_of(written), &pid) < 0 || pid == 0 || pid > INT32_MAX))
		die(EXIT_USAGE, "-p: want the number of a process, not '%s'", written);
	if (!pid && source == TRACE_PERF)
		die(EXIT_USAGE, "--source perf records one process: want -p PID");
	if (pid && source != TRACE_ANY && source != TRACE_PERF && !wait_counter_knows_pids())
		die(EXIT_UNSUPPORTED,
		    "-p: BPF records numbers of the first pid namespace, and this is another one "
		    "(without --source, pq uses perf events)");
	t->pid = (uint32_t)pid;
	ask->mode = source <= TRACE_TP ? (enum bpf_mode)source : MODE_ANY;
	ask->tgid = (uint32_t)pid;
	ask->perf_pid = source == TRACE_ANY || source == TRACE_PERF ? (uint32_t)pid : 0;
	ask->only_perf = pid && (source == TRACE_PERF || !wait_counter_knows_pids());
}

/* That BPF could not be used, and what perf events do not tell. */
static void
tell_source(const struct taking *t, const struct bpf_why *why)
{
	if (*why->text)
		warn("BPF is not available: %s", why->text);
	if (by_perf(t))
		warn("using perf events: when threads of this process run and stop, not who "
		     "wakes them or runs instead");
}

static void
open_ring(struct taking *t)
{
	static struct cpulist online, possible;
	struct switch_ring_options ask = { .bytes =
					       t->own->ring ? (uint64_t)t->own->ring : RING_BYTES };
	struct bpf_why why;

	if (!read_cpus(t, "sys/devices/system/cpu/online", &online) ||
	    !read_cpus(t, "sys/devices/system/cpu/possible", &possible))
		die(EXIT_UNSUPPORTED,
		    "cannot read which CPUs there are (/sys/devices/system/cpu/online, possible)");
	choose(t, &ask);
	if (switch_ring_open(&t->ring, &ask, &online, &possible, &why) < 0)
		die(errno == ESRCH ? EXIT_FAILED : EXIT_UNSUPPORTED, "%s: %s%s",
		    ask.only_perf ? "perf events are not available" : "BPF is not available",
		    why.text,
		    ask.tgid || t->own->source ?
			"" :
			"; -p PID records a process of your own without it");
	t->begun_ns = (uint64_t)clock_ns(CLOCK_BOOTTIME);
	tell_source(t, &why);
}

/* How long the ring lasts, once that is known. */
static void
tell_rate(const struct taking *t, int64_t for_ns)
{
	struct switch_ring_rate rate;

	switch_ring_rate(t->ring, &rate);
	if (!isfinite(rate.lasts_s))
		return;
	bool short_of = for_ns > 0 && rate.lasts_s < (double)for_ns * 1e-9;
	if (short_of || for_ns == 0)
		warn("%.0f events per second: the last %.0f s are kept%s", rate.per_s, rate.lasts_s,
		    short_of ? " (--ring SIZE: more)" : "");
}

/* Sleeps until then, or until a signal. The ring gets what it needs meanwhile. */
static void
sleep_until(const struct taking *t, int64_t mono_ns)
{
	int64_t now;

	while (!signals_stop() && (now = clock_ns(CLOCK_MONOTONIC)) < mono_ns) {
		int64_t within = switch_ring_tend(t->ring),
			end = within < mono_ns - now ? now + within : mono_ns;
		struct timespec to = { (time_t)(end / 1000000000), (long)(end % 1000000000) };
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &to, NULL);
	}
}

/* Sleeps until the time is over, or a signal ends it. */
static void
wait_for_end(struct taking *t, int64_t for_ns)
{
	int64_t start_ns = clock_ns(CLOCK_MONOTONIC), end_ns = start_ns + for_ns;

	if (for_ns == 0 || for_ns > LOOK_NS) {
		sleep_until(t, start_ns + LOOK_NS);
		if (!signals_stop())
			tell_rate(t, for_ns);
	}
	sleep_until(t, for_ns > 0 ? end_ns : INT64_MAX);
}

/* ---- The file */

static void
take_event(void *ctx, const struct sched_event *e)
{
	struct taking *t = ctx;

	if (e->kind == SCHED_NEW || e->kind == SCHED_EXEC) {
		t->births = xgrow(t->births, t->nbirths, &t->births_room, sizeof *t->births);
		t->births[t->nbirths++] = *e;
	}
	t->ended |= e->kind == SCHED_EXIT && e->tid == t->pid;
	trace_put_event(t->w, e);
}

static void
take_loss(void *ctx, const struct switch_loss *l)
{
	trace_put_loss(((struct taking *)ctx)->w,
	    &(struct trace_loss){ l->cpu, l->from_ns, l->to_ns, l->lost });
}

static struct trace_clocks
read_clocks(void)
{
	return (struct trace_clocks){ .boot_ns = (uint64_t)clock_ns(CLOCK_BOOTTIME),
		.real_ns = (uint64_t)clock_ns(CLOCK_REALTIME),
		.mono_ns = (uint64_t)clock_ns(CLOCK_MONOTONIC) };
}

static void
put_facts(struct taking *t)
{
	const struct host_facts *f = &t->host->facts;
	struct text boot_id, line;
	struct buf b = { 0 };

	buf_text(&b, "pq " PQ_VERSION "\nhost ");
	buf_text(&b, f->name);
	buf_text(&b, "\nrelease ");
	buf_text(&b, f->release);
	buf_text(&b, "\nmachine ");
	buf_text(&b, f->machine);
	buf_text(&b, "\nticks ");
	buf_u64(&b, f->ticks_per_s, 1);
	buf_text(&b, "\npage ");
	buf_u64(&b, f->page_size, 1);
	buf_text(&b, "\ncpus ");
	buf_u64(&b, f->cpus, 1);
	buf_text(&b, "\nsource ");
	buf_text(&b, switch_ring_mode(t->ring));
	if (!switch_ring_knows_irq(t->ring))
		buf_text(&b, "\nirq unknown");
	if (host_read(t->host, "proc/sys/kernel/random/boot_id", &boot_id) == 0 &&
	    text_line(&boot_id, &line)) {
		buf_text(&b, "\nboot_id ");
		buf_add(&b, line.s, line.n);
	}
	if (t->o->ask.target.pid) {
		buf_text(&b, "\nasked -p ");
		buf_text(&b, t->o->ask.target.pid);
		if (strcmp(switch_ring_mode(t->ring), "bpf-tp") != 0) { /* which records all */
			buf_text(&b, "\nonly ");
			buf_text(&b, t->o->ask.target.pid);
		}
	}
	buf_char(&b, '\n');
	trace_put_facts(t->w, (struct text){ b.s, b.n });
	buf_free(&b);
}

static int
create(const char *path)
{
	int fd = strcmp(path, "-") == 0 ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3) :
					  open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	if (errno == EEXIST)
		die(EXIT_USAGE, "%s: file exists (choose a new name)", path);
	die(EXIT_FAILED, "cannot write %s: %s", path, strerror(errno));
}

static void
tell_found(const struct taking *t, const struct switch_ring_found *found)
{
	double s = (double)(found->to_ns - found->from_ns) * 1e-9;

	warn("%s: %" PRIu64 " events in %.1f s, %" PRIu64 " lost",
	    strcmp(t->own->out, "-") == 0 ? "stdout" : t->own->out, found->events,
	    found->to_ns > found->from_ns ? s : 0, found->lost);
	if (found->missed.known && found->missed.v > 0)
		warn("the kernel did not pass %" PRIu64
		     " events to the programs; their times are unknown",
		    found->missed.v);
	if (found->unseen > 0)
		warn("%" PRIu64 " switches are missing: the kernel hides some processes from BPF",
		    found->unseen);
}

static void
add_all(struct taking *t)
{
	add_threads(t);
	if (t->nbirths)
		add_born(t);
}

/* The kernel says that a process exits, too, when it runs a program that changes its user. */
static void
tell_end(struct taking *t)
{
	char path[64];
	struct text text;
	struct task_stat stat;

	snprintf(path, sizeof path, "proc/%" PRIu32 "/stat", t->pid);
	if (by_perf(t) && t->ended && host_read(t->host, path, &text) == 0 &&
	    task_stat_parse(text, &stat) == 0 && stat.state != 'Z' && stat.state != 'X')
		warn("process %" PRIu32 " runs a program that its user may not read, such as a "
		     "set-user-ID one: it was recorded only until then",
		    t->pid);
}

/* Writes the events since the start, and who the threads are. */
static bool
save(struct taking *t, size_t at_start, int fd)
{
	const struct switch_sink sink = { t, take_event, take_loss };
	struct switch_ring_found found;

	t->w = trace_writer_new(fd);
	put_facts(t);
	trace_put_clocks(t->w, &t->clocks);
	switch_ring_read(t->ring, t->begun_ns, &sink, &found);
	const struct trace_clocks now = read_clocks();
	trace_put_clocks(t->w, &now);
	if (switch_ring_knows_pids(t->ring))
		add_all(t);
	else
		warn("names of threads are unknown: the kernel records numbers of the first pid "
		     "namespace, and this is another one");
	put_threads(t, at_start);
	if (trace_writer_end(t->w) < 0)
		return false;
	tell_found(t, &found);
	tell_end(t);
	return true;
}

static void
check_options(const struct trace_options *own)
{
	if (!own->out)
		die(EXIT_USAGE, "-o FILE is required ('-' writes to stdout)");
	if (strcmp(own->out, "-") == 0 && isatty(STDOUT_FILENO))
		die(EXIT_USAGE, "stdout is a terminal: -o FILE writes to a file");
}

enum exit_status
trace_take(const struct options *o, int64_t for_ns)
{
	struct taking t = { .o = o, .own = o->ask.options };

	check_options(t.own);
	t.host = open_host(o);
	signals_catch();
	open_ring(&t);
	int fd = create(t.own->out);
	t.clocks = read_clocks();
	if (switch_ring_knows_pids(t.ring))
		add_threads(&t);
	size_t at_start = t.n;
	wait_for_end(&t, for_ns);
	bool saved = save(&t, at_start, fd);
	int error = errno;
	if (close(fd) < 0 && saved) { /* some file systems report a full disk here */
		error = errno;
		saved = false;
	}
	switch_ring_close(t.ring);
	host_close(t.host);
	free(t.threads);
	free(t.births);
	map_free(&t.cgroups);
	arena_free(&t.arena);
	if (saved)
		return EXIT_DONE;
	if (strcmp(t.own->out, "-") != 0)
		unlink(t.own->out);
	die(EXIT_FAILED, "cannot write %s: %s", t.own->out, strerror(error));
}
