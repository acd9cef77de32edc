/* ring: opens the rings of the scheduler's events, and writes them to a trace. */
#include "commands/trace/ring.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/publish.h"
#include "base/units.h"
#include "cli/signals.h"
#include "proc/task.h"
#include "tools/targets.h"
#include "version.h"

static const uint64_t RING_BYTES = 64 << 20;

/* ---- Opening */

static bool
read_cpus(struct host *host, const char *path, struct cpulist *out)
{
	struct text text, line;

	return host_read(host, path, &text) == 0 && text_line(&text, &line) &&
	    cpulist_parse(line, out) == 0;
}

static uint32_t
number_of_process(struct host *host, const char *pid)
{
	enum exit_status status;
	char why[1024];
	uint64_t n = 0;

	if (!pid)
		return 0;
	if ((status = targets_process(host, pid, why)) != EXIT_DONE)
		die(status, "%s", why);
	text_u64(text_of(pid), &n);
	return (uint32_t)n;
}

/* Perf events know one process, and do not tell of waits. BPF knows only the first pid namespace. */
static void
check_source(const struct trace_ring *t, const struct trace_ring_options *o)
{
	if (o->source == TRACE_PERF && !t->number)
		die(EXIT_USAGE, "--source perf records one process: want -p PID");
	if (o->source == TRACE_PERF && o->wait_over_ns)
		die(EXIT_USAGE, "--when 'wait > TIME' needs BPF, not --source perf");
	if (t->number && !wait_counter_knows_pids() &&
	    (o->wait_over_ns || (o->source != TRACE_ANY && o->source != TRACE_PERF)))
		die(EXIT_UNSUPPORTED,
		    "-p: BPF records numbers of the first pid namespace, and this is another one");
}

static bool
only_perf(const struct trace_ring *t, const struct trace_ring_options *o)
{
	return t->number && (o->source == TRACE_PERF || !wait_counter_knows_pids());
}

_Noreturn static void
fail(const struct trace_ring *t, const struct trace_ring_options *o, const struct bpf_why *why)
{
	int error = errno;
	bool perf = only_perf(t, o);
	const char *more = o->wait_over_ns && error == EINVAL ?
	    " (--when 'wait > TIME' needs Linux 5.8)" :
	    t->number || o->source || o->wait_over_ns ?
	    "" :
	    "; -p PID records a process of your own without it";

	die(error == ESRCH && t->number ? EXIT_FAILED : EXIT_UNSUPPORTED, "%s: %s%s",
	    perf ? "perf events are not available" : "BPF is not available", why->text, more);
}

static void
open_bytes(struct trace_ring *t, const struct trace_ring_options *o, uint64_t bytes,
    int64_t wait_over_ns, struct bpf_why *why)
{
	static struct cpulist online, possible;
	bool any = o->source == TRACE_ANY || o->source == TRACE_PERF;
	const struct switch_ring_options ask = {
		.mode = o->source <= TRACE_TP ? (enum bpf_mode)o->source : MODE_ANY,
		.bytes = bytes,
		.tgid = t->number,
		.perf_pid = any ? t->number : 0,
		.only_perf = only_perf(t, o),
		.wait_over_ns = (uint64_t)wait_over_ns,
	};

	if (!read_cpus(t->host, "sys/devices/system/cpu/online", &online) ||
	    !read_cpus(t->host, "sys/devices/system/cpu/possible", &possible))
		die(EXIT_UNSUPPORTED,
		    "cannot read which CPUs there are (/sys/devices/system/cpu/online, possible)");
	if (switch_ring_open(&t->ring, &ask, &online, &possible, why) < 0)
		fail(t, o, why);
}

/* Whatever signals come, unless one ends the program. */
static void
sleep_a_second(void)
{
	int64_t until_ns = clock_ns(CLOCK_MONOTONIC) + 1000000000;
	const struct timespec until = { (time_t)(until_ns / 1000000000),
		(long)(until_ns % 1000000000) };

	while (!signals_stop() &&
	    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		continue;
}

/* Half as much again, as the rate varies. */
static uint64_t
bytes_for(struct trace_ring *t, const struct trace_ring_options *o)
{
	const double least = 1 << 20, most = (double)(UINT64_C(1) << 40);
	struct switch_ring_rate rate;
	struct bpf_why why;

	open_bytes(t, o, (uint64_t)least, 0, &why);
	sleep_a_second();
	switch_ring_rate(t->ring, &rate);
	switch_ring_close(t->ring);
	double bytes = 1.5 * (double)rate.bytes * (double)o->last_ns * 1e-9 / rate.lasts_s;
	return (uint64_t)(bytes < least ? least : bytes > most ? most : bytes);
}

static struct trace_clocks
read_clocks(void)
{
	return (struct trace_clocks){ .boot_ns = (uint64_t)clock_ns(CLOCK_BOOTTIME),
		.real_ns = (uint64_t)clock_ns(CLOCK_REALTIME),
		.mono_ns = (uint64_t)clock_ns(CLOCK_MONOTONIC) };
}

static bool
by_perf(const struct trace_ring *t)
{
	return strcmp(switch_ring_mode(t->ring), "perf") == 0;
}

/* That BPF could not be used, and what perf events do not tell. */
static void
tell_source(const struct trace_ring *t, const struct bpf_why *why)
{
	if (*why->text)
		warn("BPF is not available: %s", why->text);
	if (by_perf(t))
		warn("using perf events: when threads of this process run and stop, not who "
		     "wakes them or runs instead");
}

/* That a ring has a page of each CPU at least. */
static void
tell_size(const struct trace_ring *t, const struct trace_ring_options *o)
{
	struct switch_ring_rate rate;
	char size[HUMAN_MOST];

	switch_ring_rate(t->ring, &rate);
	if (o->bytes && rate.bytes > o->bytes)
		warn("the ring of the scheduler's events has %s, as each CPU has 4 KiB at least",
		    human_size((double)rate.bytes, size));
}

/* Perf events know no other process. */
static void
read_threads(struct trace_ring *t)
{
	threads_read(&t->threads, t->host, by_perf(t) ? t->number : 0);
}

/* pq who needs what quotas had throttled when the events begin and when they end. So it is read at once:
 * listing all threads takes too long. */
static void
read_quotas(struct trace_ring *t)
{
	if (switch_ring_knows_pids(t->ring))
		quotas_take(&t->quotas, t->host, &t->threads.cgroups);
}

void
trace_ring_open(struct trace_ring *t, struct host *host, const struct trace_ring_options *o)
{
	struct bpf_why why;

	*t = (struct trace_ring){
		.host = host, .pid = o->pid, .number = number_of_process(host, o->pid)
	};
	check_source(t, o);
	t->saved =
	    mmap(NULL, sizeof *t->saved, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (t->saved == MAP_FAILED)
		die(EXIT_FAILED, "out of memory");
	uint64_t bytes = o->last_ns ? bytes_for(t, o) : o->bytes ? o->bytes : RING_BYTES;
	threads_read_cgroups(&t->threads, host, t->number);
	open_bytes(t, o, bytes, o->wait_over_ns, &why);
	t->begun = read_clocks();
	read_quotas(t);
	tell_source(t, &why);
	tell_size(t, o);
	if (switch_ring_knows_pids(t->ring))
		read_threads(t);
}

/* ---- The file */

struct writing {
	struct trace_writer *w;
	uint64_t to_ns, events;
	struct sched_event *births; /* SCHED_NEW and SCHED_EXEC */
	size_t nbirths, room;
	uint32_t number; /* see struct trace_ring */
	bool ended;      /* that process has */
};

static void
take_event(void *ctx, const struct sched_event *e)
{
	struct writing *w = ctx;

	if (e->kind == SCHED_NEW || e->kind == SCHED_EXEC) {
		w->births = xgrow(w->births, w->nbirths, &w->room, sizeof *w->births);
		w->births[w->nbirths++] = *e;
	}
	w->ended |= e->kind == SCHED_EXIT && e->tid == w->number;
	if (e->at_ns > w->to_ns)
		return;
	w->events++;
	trace_put_event(w->w, e);
}

static void
take_loss(void *ctx, const struct switch_loss *l)
{
	struct writing *w = ctx;

	if (l->from_ns <= w->to_ns)
		trace_put_loss(w->w, &(struct trace_loss){ l->cpu, l->from_ns, l->to_ns, l->lost });
}

static void
add_fact(struct buf *b, const char *key, struct text value)
{
	buf_text(b, key);
	buf_char(b, ' ');
	buf_add(b, value.s, value.n);
	buf_char(b, '\n');
}

static void
add_number(struct buf *b, const char *key, uint64_t value)
{
	buf_text(b, key);
	buf_char(b, ' ');
	buf_u64(b, value, 1);
	buf_char(b, '\n');
}

/* MODE_TP records all processes nevertheless. */
static void
add_asked(struct buf *b, const struct trace_ring *t)
{
	if (!t->pid)
		return;
	buf_text(b, "asked -p ");
	buf_text(b, t->pid);
	buf_char(b, '\n');
	if (strcmp(switch_ring_mode(t->ring), "bpf-tp") != 0)
		add_fact(b, "only", text_of(t->pid));
}

static void
put_facts(struct trace_ring *t, struct trace_writer *w, const struct trace_cause *why)
{
	const struct host_facts *f = &t->host->facts;
	struct text boot_id, line;
	struct buf b = { 0 };

	add_fact(&b, "pq", text_of(PQ_VERSION));
	add_fact(&b, "host", text_of(f->name));
	add_fact(&b, "release", text_of(f->release));
	add_fact(&b, "machine", text_of(f->machine));
	add_number(&b, "ticks", f->ticks_per_s);
	add_number(&b, "page", f->page_size);
	add_number(&b, "cpus", f->cpus);
	add_fact(&b, "source", text_of(switch_ring_mode(t->ring)));
	if (!switch_ring_knows_irq(t->ring))
		buf_text(&b, "irq unknown\n");
	if (host_read(t->host, "proc/sys/kernel/random/boot_id", &boot_id) == 0 &&
	    text_line(&boot_id, &line))
		add_fact(&b, "boot_id", line);
	add_asked(&b, t);
	if (why && why->trigger)
		add_fact(&b, "trigger", text_of(why->trigger));
	trace_put_facts(w, (struct text){ b.s, b.n });
	buf_free(&b);
}

/* The clocks are set, and run differently: of the start, only a trace that begins there has them. */
static void
put_clocks(const struct trace_ring *t, struct trace_writer *w, uint64_t from_ns)
{
	const struct trace_clocks now = read_clocks();

	if (from_ns <= t->begun.boot_ns)
		trace_put_clocks(w, &t->begun);
	trace_put_clocks(w, &now);
}

static void
put_threads(struct trace_ring *t, struct writing *w)
{
	size_t before = t->threads.n;

	t->saved->unnamed = !switch_ring_knows_pids(t->ring);
	if (!t->saved->unnamed) {
		read_threads(t);
		threads_add_born(&t->threads, w->births, w->nbirths);
	}
	threads_put(&t->threads, before, w->w);
	quotas_put(&t->quotas, w->w);
	t->saved->unread_quotas = t->quotas.left_out;
	t->threads.n = before;
}

/* The kernel says that a process exits, too, when it runs a program that changes its user. */
static bool
is_cut_off(const struct trace_ring *t, const struct writing *w)
{
	char path[64];
	struct text text;
	struct task_stat stat;

	if (!by_perf(t) || !w->ended)
		return false;
	snprintf(path, sizeof path, "proc/%" PRIu32 "/stat", t->number);
	return host_read(t->host, path, &text) == 0 && task_stat_parse(text, &stat) == 0 &&
	    stat.state != 'Z' && stat.state != 'X';
}

int
trace_ring_write(
    struct trace_ring *t, int fd, uint64_t from_ns, uint64_t to_ns, const struct trace_cause *why)
{
	struct writing w = { .w = trace_writer_new(fd), .to_ns = to_ns, .number = t->number };
	const struct switch_sink sink = { &w, take_event, take_loss };
	const size_t quotas = t->quotas.n;

	read_quotas(t);
	put_facts(t, w.w, why);
	switch_ring_read(t->ring, from_ns, &sink, &t->saved->found);
	t->saved->events = w.events;
	t->saved->to_ns = to_ns < t->saved->found.to_ns ? to_ns : t->saved->found.to_ns;
	t->saved->cut_off = is_cut_off(t, &w);
	put_clocks(t, w.w, from_ns);
	if (why)
		trace_put_mark(w.w, why->at_ns, why->words);
	put_threads(t, &w);
	t->quotas.n = quotas;
	free(w.births);
	return trace_writer_end(w.w);
}

static int
write_part(
    struct trace_ring *t, int fd, uint64_t from_ns, uint64_t to_ns, const struct trace_cause *why)
{
	int result = trace_ring_write(t, fd, from_ns, to_ns, why);
	if (result == 0)
		result = fsync(fd);
	int error = errno;
	if (close(fd) < 0 && result == 0) /* some file systems report a full disk here */
		return -1;
	errno = error;
	return result;
}

int
trace_ring_save(struct trace_ring *t, const char *path, uint64_t from_ns, uint64_t to_ns,
    const struct trace_cause *why)
{
	char part[PUBLISH_PATH];
	int fd = publish_begin(path, 0600, part);

	if (fd < 0)
		return -1;
	if (write_part(t, fd, from_ns, to_ns, why) == 0 && publish(part, path) == 0)
		return 0;
	int error = errno;
	unlink(part);
	return fail_with(error);
}

int64_t
trace_ring_tend(struct trace_ring *t, int64_t until_ns)
{
	int64_t now = clock_ns(CLOCK_MONOTONIC), within = switch_ring_tend(t->ring);

	return until_ns > now && within < until_ns - now ? now + within : until_ns;
}

/* ---- What was found */

void
trace_thread_words(void *ring, uint32_t tid, char *out, size_t n)
{
	const struct trace_ring *t = ring;

	if (switch_ring_knows_pids(t->ring))
		thread_words(t->host, tid, out, n);
	else
		snprintf(out, n, "thread %" PRIu32 " of the first pid namespace", tid);
}

void
trace_saved_words(const struct trace_saved *s, char *out, size_t n)
{
	const struct switch_ring_found *f = &s->found;
	double span_s = s->to_ns > f->from_ns ? (double)(s->to_ns - f->from_ns) * 1e-9 : 0;

	snprintf(
	    out, n, "%" PRIu64 " events in %.1f s, %" PRIu64 " lost", s->events, span_s, f->lost);
}

void
trace_saved_notes(
    const struct trace_saved *s, void (*say)(void *ctx, const char *message), void *ctx)
{
	const struct switch_ring_found *f = &s->found;
	char line[200];

	if (f->late_cpus > 0) {
		snprintf(line, sizeof line,
		    "%" PRIu32 " CPU%s online after the rings were made and %s none: all events of "
		    "%s are lost",
		    f->late_cpus, f->late_cpus == 1 ? " came" : "s came",
		    f->late_cpus == 1 ? "has" : "have", f->late_cpus == 1 ? "it" : "them");
		say(ctx, line);
	}
	if (s->unread_quotas > 0) {
		snprintf(line, sizeof line,
		    "more than %d cgroups: what CPU quotas throttled is unknown for %zu of them",
		    THROTTLED_MOST, s->unread_quotas);
		say(ctx, line);
	}
	if (f->missed.known && f->missed.v > 0) {
		snprintf(line, sizeof line,
		    "the kernel did not pass %" PRIu64
		    " events to the programs; their times are unknown",
		    f->missed.v);
		say(ctx, line);
	}
	if (f->unseen > 0) {
		snprintf(line, sizeof line,
		    "%" PRIu64 " switches are missing: the kernel hides some processes from BPF",
		    f->unseen);
		say(ctx, line);
	}
	if (s->cut_off)
		say(ctx,
		    "the process runs a program that its user may not read, such as a "
		    "set-user-ID one: it was recorded only until then");
	if (s->unnamed)
		say(ctx,
		    "names of threads are unknown: the kernel records numbers of the first pid "
		    "namespace, and this is another one");
}

void
trace_ring_close(struct trace_ring *t)
{
	switch_ring_close(t->ring);
	munmap(t->saved, sizeof *t->saved);
	threads_free(&t->threads);
	quotas_drop(&t->quotas);
}
