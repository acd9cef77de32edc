/* source: where pq runqlat gets its figures: BPF programs in the kernel, schedstat of all threads,
 * or a probe. The first that works is used. BPF and the probe give their counts as the text of a
 * file that the host provides, so that a recording has them too. */
#include "tools/runqlat/runqlat.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bpf/wait_counter.h"
#include "proc/task.h"
#include "tools/runqlat/probe.h"

#define COUNTS_FILE "pq/runqlat"
#define CORRECTED_FILE "pq/runqlat-corrected"

/* False, after a note, if another sampler of this run measures already: what it counts may be of
 * another target. */
static bool
provide(struct watch *w, const char *path, int (*print)(void *, struct buf *))
{
	const struct provided p = { print, NULL, w->state };
	struct runqlat_state *state = w->state;

	if (host_provide(w->host, path, &p) < 0) {
		watch_note(w, "cannot measure twice at once: %s", strerror(errno));
		return false;
	}
	state->measured[state->nmeasured++] = path;
	return true;
}

static void
unprovide(struct watch *w)
{
	struct runqlat_state *state = w->state;

	while (state->nmeasured > 0)
		host_unprovide(w->host, state->measured[--state->nmeasured]);
}

/* ---- BPF */

static int
print_bpf(void *ctx, struct buf *out)
{
	struct runqlat_state *state = ctx;
	struct wait_counts c;

	return wait_counter_read(state->bpf, &c) < 0 ?
	    -1 :
	    wait_counts_print(&c, wait_counter_mode(state->bpf), out);
}

/* The directory of -g. NULL if it is not a v2 cgroup: BPF knows no others. */
static const char *
cgroup_directory(struct watch *w)
{
	struct runqlat_state *state = w->state;
	struct groups_watch g = { .target = w->ask->target, .family = FAMILY_CPU };
	struct groups groups;
	const char *path = NULL;

	if (groups_read(&g, w->host, &state->arena, &groups) == 0 && groups.n > 0 &&
	    groups.top[FAMILY_CPU].version == 2) {
		const char *rel = groups.v[groups.n - 1].rel[FAMILY_CPU];
		path = arena_printf(
		    &state->arena, "/%s%s", groups.top[FAMILY_CPU].top, rel ? rel : "");
	}
	groups_free(&g);
	return path;
}

/* False, with why, if BPF cannot select the target. */
static bool
make_filter(struct watch *w, struct wait_filter *f, struct bpf_why *why)
{
	const struct request *ask = w->ask;
	const struct runqlat_options *o = ask->options;
	uint64_t pid = 0;

	*f = (struct wait_filter){ .cpus = o->cpus.listed ? &o->cpus.list : NULL };
	if (ask->target.pid && !wait_counter_knows_pids()) {
		snprintf(why->text, sizeof why->text,
		    "it needs the host's process IDs, and this is a pid namespace (docker run "
		    "--pid=host)");
		return false;
	}
	if (ask->target.pid && text_u64(text_of(ask->target.pid), &pid) == 0)
		f->tgid = (uint32_t)pid;
	if (ask->target.cgroup && !(f->cgroup = cgroup_directory(w))) {
		snprintf(why->text, sizeof why->text,
		    "it needs cgroup v2, and %.100s is not a v2 cgroup", ask->target.cgroup);
		return false;
	}
	return true;
}

static bool
read_cpus(struct watch *w, const char *path, struct cpulist *out)
{
	struct text text, line;

	return host_read(w->host, path, &text) == 0 && text_line(&text, &line) &&
	    cpulist_parse(line, out) == 0;
}

static bool
open_bpf(struct watch *w, struct bpf_why *why)
{
	static const enum bpf_mode modes[] = {
		[SOURCE_BPF_BTF] = MODE_BTF, [SOURCE_BPF_RAW] = MODE_RAW, [SOURCE_BPF_TP] = MODE_TP
	};
	enum source s = runqlat_options(w)->source;
	struct runqlat_state *state = w->state;
	struct wait_filter filter;
	struct cpulist *possible = arena_alloc(&state->arena, sizeof *possible);

	if (w->host->elsewhere)
		snprintf(why->text, sizeof why->text, "--root reads files only");
	else if (!read_cpus(w, "sys/devices/system/cpu/possible", possible))
		snprintf(why->text, sizeof why->text,
		    "cannot read /sys/devices/system/cpu/possible: %s", strerror(errno));
	else if (make_filter(w, &filter, why))
		return wait_counter_open(&state->bpf, s <= SOURCE_BPF ? MODE_ANY : modes[s],
			   &filter, possible, why) == 0;
	return false;
}

static bool
begin_bpf(struct watch *w)
{
	struct runqlat_state *state = w->state;
	struct bpf_why why;

	if (!open_bpf(w, &why)) {
		watch_note(w, "BPF is not available: %s", why.text);
		return false;
	}
	if (runqlat_options(w)->verbose && wait_counter_measure_cost(state->bpf) < 0)
		watch_note(w,
		    "-v: cannot measure the cost of BPF programs (bpf(2), BPF_ENABLE_STATS, Linux "
		    "5.8): %s",
		    strerror(errno));
	return provide(w, COUNTS_FILE, print_bpf);
}

/* ---- schedstat */

/* Without CONFIG_SCHED_INFO there is no such file, or it has zeros only, although this process has
 * run. */
static bool
begin_schedstat(struct watch *w)
{
	struct runqlat_state *state = w->state;
	struct task_sched own;
	struct text text;

	if (runqlat_options(w)->histogram)
		watch_note(w, "schedstat is not used: it has sums but no histogram");
	else if (runqlat_options(w)->cpus.listed)
		watch_note(w,
		    "schedstat is not used: it does not tell which CPU a thread waited for (-P)");
	else if (host_read(w->host, "proc/self/schedstat", &text) < 0)
		watch_note(w,
		    "schedstat is not available: /proc/self/schedstat: %s (it needs "
		    "CONFIG_SCHED_INFO)",
		    strerror(errno));
	else if (task_sched_parse(text, &own) < 0 || (own.run_ns == 0 && own.slices == 0))
		watch_note(w,
		    "schedstat is not available: /proc/self/schedstat has no figures (it needs "
		    "CONFIG_SCHED_INFO)");
	else
		state->reads_threads = true;
	if (state->reads_threads && runqlat_options(w)->source == SOURCE_ANY)
		watch_note(w,
		    "using schedstat: sums and means only (--source probe gives percentiles, but "
		    "of its own light threads)");
	return state->reads_threads;
}

/* ---- The probe */

static int
print_probe(void *ctx, struct buf *out)
{
	struct runqlat_state *state = ctx;
	struct wait_counts each;

	probe_read(state->probe, &each, &state->corrected);
	return wait_counts_print(&each, "probe", out);
}

/* Of the same reading as print_probe, which comes first. */
static int
print_corrected(void *ctx, struct buf *out)
{
	return wait_counts_print(&((struct runqlat_state *)ctx)->corrected, "probe", out);
}

/* Runs one thread on each CPU of -P that this process may run on. */
static bool
open_probe(struct watch *w)
{
	struct runqlat_state *state = w->state;
	struct cpulist allowed, *cpus = arena_alloc(&state->arena, sizeof *cpus);
	struct text text;

	*cpus = (struct cpulist){ { 0 } };
	if (host_read(w->host, "proc/self/status", &text) < 0 ||
	    task_allowed_parse(text, &allowed) < 0) {
		watch_note(w,
		    "the probe is not available: /proc/self/status does not tell which CPUs this "
		    "process may run on");
		return false;
	}
	unsigned n = 0;
	for (unsigned cpu = 0; cpu < CPULIST_MOST; cpu++)
		if (cpulist_has(&allowed, cpu) && cpu_chosen(&runqlat_options(w)->cpus, cpu)) {
			cpulist_add(cpus, cpu);
			n++;
		}
	if (n == 0)
		watch_note(w,
		    "the probe is not available: this process may run on none of the CPUs of -P");
	else if (probe_open(&state->probe, cpus, runqlat_options(w)->period_ns) < 0)
		watch_note(
		    w, "the probe is not available: cannot start its threads: %s", strerror(errno));
	return state->probe;
}

static bool
begin_probe(struct watch *w)
{
	if (w->ask->target.pid || w->ask->target.cgroup) {
		watch_note(w,
		    "the probe is not used: it measures its own waits, not those of -p or -g (run "
		    "pq in their cgroup instead)");
		return false;
	}
	if (w->host->elsewhere) {
		watch_note(w, "the probe is not used: --root reads files only");
		return false;
	}
	if (!open_probe(w))
		return false;
	if (!provide(w, COUNTS_FILE, print_probe) || !provide(w, CORRECTED_FILE, print_corrected))
		return false;
	if (runqlat_options(w)->source == SOURCE_ANY)
		watch_note(w,
		    "using the probe: it shows how late a light thread wakes up, not how long "
		    "other tasks wait");
	return true;
}

/* ---- Which source */

/* A CPU that is not online has no waits, which must not look like waits of 0. */
static bool
check_cpus(struct watch *w)
{
	struct cpulist online;

	return !runqlat_options(w)->cpus.listed ||
	    !read_cpus(w, "sys/devices/system/cpu/online", &online) ||
	    watch_check_cpus(w, &runqlat_options(w)->cpus, &online);
}

/* Begins with the first source that is available, and notes why others are not. False after
 * watch_fail. */
static bool
begin(struct watch *w)
{
	enum source s = runqlat_options(w)->source;
	bool any = s == SOURCE_ANY;

	if (!check_cpus(w))
		return false;
	if (((any || (s >= SOURCE_BPF && s <= SOURCE_BPF_TP)) && begin_bpf(w)) ||
	    ((any || s == SOURCE_SCHEDSTAT) && begin_schedstat(w)) ||
	    ((any || s == SOURCE_PROBE) && begin_probe(w)))
		return true;
	watch_fail(w, EXIT_UNSUPPORTED, "%s",
	    any ? "no source of run queue waits is available here (see the notes above)" :
		  "the chosen --source is not available here (without --source, pq tries the "
		  "others)");
	return false;
}

/* A recording has the counts of the source with which it was made, or the files for schedstat. */
static bool
find_source(struct watch *w)
{
	struct runqlat_state *state = w->state;
	enum source chosen = runqlat_options(w)->source;
	const char *wanted = chosen == SOURCE_ANY ? "" : runqlat_sources[chosen - 1];
	struct wait_counts c;
	char source[WAIT_COUNTS_SOURCE] = "schedstat";
	struct text text;

	state->reads_threads = host_read(w->host, COUNTS_FILE, &text) < 0;
	/* a recording of tasks has the same figures, in files or in rows */
	if (state->reads_threads && !strstr(w->host->tools, "runqlat"))
		task_source_find(&state->tasks.source, w);
	if (!state->reads_threads && wait_counts_parse(text, &c, source) < 0)
		return true; /* read_counts says that it is damaged */
	if (state->reads_threads && runqlat_options(w)->histogram) {
		watch_fail(w, EXIT_UNSUPPORTED,
		    "the recording has no histogram: it was made with schedstat, or without "
		    "runqlat");
		return false;
	}
	if (!state->reads_threads && runqlat_options(w)->cpus.listed)
		watch_note(
		    w, "-P: the recording holds the waits of the CPUs chosen when it was made");
	if (strncmp(source, wanted, strlen(wanted)) == 0)
		return true;
	watch_fail(w, EXIT_UNSUPPORTED, "the recording has the source %s, not %s", source, wanted);
	return false;
}

/* ---- Snapshots */

/* Whether the target still exists, which counts do not tell. A threaded cgroup (v2) lists no
 * processes, and can still be counted. */
static bool
target_is_there(struct watch *w, struct arena *a)
{
	const struct target *t = &w->ask->target;
	struct runqlat_state *state = w->state;
	uint32_t *pids;
	size_t n;

	if ((!t->pid && !t->cgroup) || targets_pids(&state->tasks.targets, w, a, &pids, &n) == 0 ||
	    errno == EOPNOTSUPP)
		return true;
	state->gone = targets_explain(&state->tasks.targets, w, errno);
	return state->gone;
}

static bool
read_counts(struct watch *w, struct arena *a, struct runqlat_snapshot *s)
{
	char source[WAIT_COUNTS_SOURCE];
	struct text text;

	if (host_read(w->host, COUNTS_FILE, &text) < 0 ||
	    wait_counts_parse(text, &s->each, source) < 0) {
		watch_fail(w, EXIT_FAILED, "cannot read the counted waits: %s", strerror(errno));
		return false;
	}
	s->source = arena_copy(a, text_of(source));
	s->has_corrected = strcmp(source, "probe") == 0 &&
	    host_read(w->host, CORRECTED_FILE, &text) == 0 &&
	    wait_counts_parse(text, &s->corrected, source) == 0;
	return true;
}

static bool
read_threads(struct watch *w, struct arena *a, struct runqlat_snapshot *s)
{
	s->source = "schedstat";
	s->threads = tasks_scan(w, a, runqlat_options(w)->budget_ns);
	if (!s->threads)
		return false;
	s->pending = tasks_find_stuck(w, a, s->threads);
	return true;
}

void *
runqlat_read(struct watch *w, struct arena *a)
{
	struct runqlat_state *state = w->state;
	struct runqlat_snapshot *s = arena_alloc(a, sizeof *s);

	*s = (struct runqlat_snapshot){ .source = NULL };
	state->gone = false;
	if (!state->reads_threads && !target_is_there(w, a))
		return NULL;
	if (!state->begun && !(w->host->replay ? find_source(w) : begin(w)))
		return NULL;
	if (state->gone)
		return s;
	if (!(state->reads_threads ? read_threads(w, a, s) : read_counts(w, a, s)))
		return NULL;
	state->begun = true;
	return s;
}

void
runqlat_release(struct watch *w)
{
	struct runqlat_state *state = w->state;

	unprovide(w);
	wait_counter_close(state->bpf);
	probe_close(state->probe);
	arena_free(&state->arena);
	tasks_free(w, &state->tasks);
}
