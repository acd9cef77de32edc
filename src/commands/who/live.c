/*
 * live: what the scheduler does now, from the rings of bpf/switch_ring.h. Each tick reads what they have
 * got, puts the events of all CPUs into the order of their times, and hands them to blame. A row cuts the
 * waits that last: what they take is divided among the rows. Without BPF, ticks take samples of /proc.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/switch_ring.h"
#include "commands/who/merge.h"
#include "commands/who/quotas.h"
#include "commands/who/sampled.h"
#include "commands/who/taken.h"
#include "commands/who/threads.h"
#include "commands/who/who.h"
#include "tools/targets.h"

/* A CPU may count an event so long after its time: until then events of other CPUs wait. */
static const uint64_t LATE_NS = 1000000;
static const int64_t TICK_NS = 100000000;

enum { RING_LEAST = 4 << 20, RING_MOST = 64 << 20, RING_OF_CPU = 1 << 20, FILES_OF_TICK = 400 };

struct who_live {
	struct switch_ring *ring; /* NULL: the source is /proc */
	struct sampled *sampled;  /* NULL: it is not */
	struct blame *blame;
	struct who_threads threads;
	struct parties parties;
	struct targets targets;
	struct quotas quotas;
	struct taken_times taken;
	char *group;    /* the path of -g; NULL: none, or not found yet */
	size_t nchosen; /* so many cgroups were compared with it */
	struct merge merge;
	bool printed;          /* the sums are in rows: the next tick clears them */
	uint64_t lost;         /* events since the last row */
	bool late;             /* some of them are of a CPU without a ring */
	uint64_t now_ns;       /* up to here events are in the sums */
	int64_t real_shift_ns; /* of CLOCK_REALTIME from CLOCK_BOOTTIME */
	struct cpulist online, possible;
};

int64_t
who_tick_ns(const void *options)
{
	(void)options;
	return TICK_NS;
}

/* ---- The target */

/* Which new cgroups are below that of -g. */
static void
choose_cgroups(struct who_live *l)
{
	const struct trace_file *f = &l->threads.file;
	struct parties *p = &l->parties;

	if (!l->group || f->ncgroups == l->nchosen)
		return;
	size_t n = strlen(l->group);
	p->chosen = xrealloc(p->chosen, (f->ncgroups + 1) * sizeof *p->chosen);
	for (size_t i = l->nchosen; i < f->ncgroups; i++)
		p->chosen[i] = strncmp(f->cgroups[i], l->group, n) == 0 &&
		    (n == 1 || f->cgroups[i][n] == '\0' || f->cgroups[i][n] == '/');
	l->nchosen = f->ncgroups;
}

/* Whether the target is there. A threaded cgroup (v2) lists no processes. */
static bool
find_target(struct watch *w, struct arena *a, struct who_live *l)
{
	const struct target *t = &w->ask->target;
	uint32_t *pids;
	size_t n;

	if (!t->pid && !t->cgroup)
		return true;
	if (targets_pids(&l->targets, w, a, &pids, &n) < 0 && errno != EOPNOTSUPP &&
	    !targets_explain(&l->targets, w, errno))
		return false;
	if (t->cgroup && !l->group && l->targets.place.version) {
		l->group = xstrdup(place_name(a, &l->targets.place, l->targets.place.rel));
		choose_cgroups(l);
	}
	return true;
}

/* ---- Open */

static bool
read_cpus(struct watch *w, const char *path, struct cpulist *out)
{
	struct text text, line;

	return host_read(w->host, path, &text) == 0 && text_line(&text, &line) &&
	    cpulist_parse(line, out) == 0;
}

static bool
open_ring(struct watch *w, struct who_live *l, struct bpf_why *why)
{
	struct switch_ring_options ask = { .bytes = RING_OF_CPU };

	if (!read_cpus(w, "sys/devices/system/cpu/online", &l->online) ||
	    !read_cpus(w, "sys/devices/system/cpu/possible", &l->possible)) {
		snprintf(why->text, sizeof why->text,
		    "cannot read which CPUs there are (/sys/devices/system/cpu/online, possible)");
		return false;
	}
	if (!wait_counter_knows_pids()) {
		snprintf(why->text, sizeof why->text,
		    "it has the host's thread numbers, and this is a pid namespace (docker run "
		    "--pid=host)");
		return false;
	}
	ask.bytes *= cpulist_count(&l->online);
	ask.bytes = ask.bytes < RING_LEAST ? RING_LEAST :
	    ask.bytes > RING_MOST          ? RING_MOST :
					     ask.bytes;
	return switch_ring_open(&l->ring, &ask, &l->online, &l->possible, why) == 0;
}

static void
begin_blame(struct watch *w, struct who_live *l)
{
	const struct who_options *o = w->ask->options;
	uint64_t pid = 0;

	if (w->ask->target.pid)
		text_u64(text_of(w->ask->target.pid), &pid);
	who_threads_begin(&l->threads, w->host);
	l->parties = (struct parties){ .trace = &l->threads.file,
		.find = who_threads_find,
		.by_thread = o->threads,
		.pid = (uint32_t)pid };
	parties_grow(&l->parties);
	l->blame = blame_new(parties_of, &l->parties, (uint64_t)o->slow_ns);
	l->quotas = (struct quotas){ .host = w->host, .parties = &l->parties, .blame = l->blame };
}

static bool
begin_bpf(struct watch *w, struct who_live *l)
{
	struct bpf_why why;

	if (w->host->elsewhere)
		snprintf(why.text, sizeof why.text, "--root reads files only");
	else if (open_ring(w, l, &why))
		return true;
	watch_note(w, "BPF is not available: %s", why.text);
	return false;
}

static bool
begin_sampled(struct watch *w, struct who_live *l)
{
	if (sampled_open(&l->sampled, w->host, &l->threads, &l->parties, l->blame) < 0) {
		watch_note(w,
		    "/proc/self/schedstat has no figures: %s (it needs CONFIG_SCHED_INFO)",
		    strerror(errno));
		return false;
	}
	watch_note(w,
	    "using samples of /proc: how long threads waited is exact, and behind whom is an "
	    "estimate");
	l->quotas.sampled = true;
	return true;
}

static void
free_live(struct who_live *l)
{
	switch_ring_close(l->ring);
	sampled_close(l->sampled);
	blame_free(l->blame);
	parties_free(&l->parties);
	who_threads_free(&l->threads);
	targets_free(&l->targets);
	quotas_free(&l->quotas);
	taken_free(&l->taken);
	merge_free(&l->merge);
	free(l->group);
	free(l);
}

static bool
begin(struct watch *w, struct who_live *l)
{
	int source = ((const struct who_options *)w->ask->options)->from;
	bool bpf = source != WHO_PROC && begin_bpf(w, l);

	begin_blame(w, l);
	choose_cgroups(l);
	return bpf || (source != WHO_BPF && begin_sampled(w, l));
}

/* NULL after watch_fail. A target that is not there ends it before anything is loaded. */
static struct who_live *
open_live(struct watch *w, struct arena *a)
{
	struct who_live *l = memset(xmalloc(sizeof *l), 0, sizeof *l);
	int source = ((const struct who_options *)w->ask->options)->from;
	bool there = find_target(w, a, l);

	if (there && begin(w, l))
		return l;
	free_live(l);
	if (!there)
		return NULL;
	return watch_fail(w, EXIT_UNSUPPORTED,
	    source == WHO_ANY ? "it is not known here who waits for a CPU (see the notes above)" :
				"the chosen --source is not available here");
}

/* ---- Events */

static void
take_event(void *ctx, const struct sched_event *e)
{
	merge_event(&((struct who_live *)ctx)->merge, e);
}

static void
take_loss(void *ctx, const struct switch_loss *s)
{
	merge_loss(&((struct who_live *)ctx)->merge, s);
}

static void
moved(void *about, uint32_t tid)
{
	struct who_live *l = about;

	parties_grow(&l->parties);
	blame_moved(l->blame, tid);
}

static void
feed(struct who_live *l, uint64_t to_ns)
{
	const struct sched_event *e;
	struct switch_loss loss;

	merge_begin(&l->merge, to_ns);
	while ((e = merge_next(&l->merge))) {
		while (merge_next_loss(&l->merge, e->at_ns, &loss))
			blame_gap(l->blame, loss.cpu, loss.from_ns, loss.to_ns);
		who_threads_event(&l->threads, e);
		parties_grow(&l->parties);
		blame_event(l->blame, e);
	}
	while (merge_next_loss(&l->merge, to_ns, &loss))
		blame_gap(l->blame, loss.cpu, loss.from_ns, loss.to_ns);
	merge_done(&l->merge);
	l->now_ns = to_ns;
}

static void
clear(struct who_live *l)
{
	if (l->sampled)
		sampled_clear(l->sampled);
	blame_clear(l->blame);
	arena_reset(&l->parties.arena);
	l->lost = 0;
	l->late = false;
	l->printed = false;
}

static void
follow(struct watch *w, struct who_live *l)
{
	const struct switch_sink sink = { l, take_event, take_loss };
	struct switch_ring_found found;

	switch_ring_follow(l->ring, &sink, &found);
	taken_read(&l->taken, w->host, l->blame);
	l->lost += found.lost;
	l->late |= found.late_cpus > 0;
	feed(l, found.to_ns > l->now_ns + LATE_NS ? found.to_ns - LATE_NS : l->now_ns);
	who_threads_read(&l->threads, w->host, FILES_OF_TICK, moved, l);
	choose_cgroups(l);
}

void
who_tick(struct watch *w)
{
	struct who_live *l = ((struct who_state *)w->state)->live;

	if (!l)
		return;
	if (l->printed)
		clear(l);
	if (l->ring)
		follow(w, l);
	else
		sampled_tick(l->sampled, false);
}

/* ---- Rows */

static bool
real_time(const void *about, uint64_t boot_ns, int64_t *real_ns)
{
	const struct who_live *l = about;

	*real_ns = (int64_t)boot_ns + l->real_shift_ns;
	return true;
}

static uint64_t
left_out(const struct who_live *l)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < blame_victims(l->blame); i++) {
		const struct blame_victim *v = blame_victim(l->blame, i);
		if (v && parties_wait(&l->parties, i))
			n += v->left_out;
	}
	return n;
}

static void
tell_losses(struct watch *w, const struct who_live *l)
{
	if (l->quotas.left_out > 0)
		watch_note(w,
		    "there are more than %d cgroups: what CPU quotas took is unknown for some of "
		    "them",
		    THROTTLED_MOST);
	if (l->late)
		watch_note(w,
		    "a CPU came online after pq began, and has no ring: its events are lost, and "
		    "waits meanwhile are left out (see the column note)");
	else if (l->lost > 0)
		watch_note(w,
		    "events were lost, as they came faster than pq reads them: waits meanwhile "
		    "are left out (see the column note)");
	if (blame_losses(l->blame)->unseen > 0)
		watch_note(w,
		    "some switches are missing, as the kernel hides some processes from BPF: who "
		    "ran meanwhile is unknown");
}

static void
tell_only_cgroup(struct watch *w, struct who_live *l)
{
	const char *cgroup = parties_only_cgroup(&l->parties);

	if (cgroup)
		watch_note(w, WHO_ONLY_CGROUP, cgroup);
}

static const char *
note_of(const struct who_live *l, struct arena *a)
{
	if (l->sampled)
		return "sampled";
	if (l->lost == 0)
		return NULL;
	return arena_printf(
	    a, "lost %" PRIu64 " events: left out %" PRIu64 " waits", l->lost, left_out(l));
}

/* The end of a row. */
static void
complete(struct watch *w, struct who_live *l)
{
	if (l->sampled) {
		sampled_tick(l->sampled, true);
		who_threads_read(&l->threads, w->host, FILES_OF_TICK, moved, l);
		choose_cgroups(l);
	} else {
		blame_cut(l->blame, l->now_ns);
	}
	quotas_read(&l->quotas);
	tell_losses(w, l);
	tell_only_cgroup(w, l);
}

void *
who_read(struct watch *w, struct arena *a)
{
	struct who_state *state = w->state;
	struct who_snapshot *s = arena_alloc(a, sizeof *s);

	if (w->host->replay)
		return watch_fail(
		    w, EXIT_UNSUPPORTED, "a recording does not have the events of the scheduler");
	bool opened = state->live != NULL;
	if (!opened && !(state->live = open_live(w, a)))
		return NULL;
	struct who_live *l = state->live;
	if (opened && !find_target(w, a, l))
		return NULL;
	complete(w, l);
	l->real_shift_ns = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME);
	l->printed = true;
	*s = (struct who_snapshot){ .blame = l->blame,
		.parties = &l->parties,
		.utc = ((const struct who_options *)w->ask->options)->utc,
		.note = note_of(l, a),
		.source = l->ring ? switch_ring_mode(l->ring) : "proc",
		.sampled = l->sampled,
		.taken = l->taken.known,
		.real = real_time,
		.about = l };
	return s;
}

void
who_release(struct watch *w)
{
	struct who_live *l = ((struct who_state *)w->state)->live;

	if (l)
		free_live(l);
}
