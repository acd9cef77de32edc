/* From where the waits are known: what can be had is found out by trying. */
#include "tools/runqlat/latency.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "proc/task.h"
#include "tools/tasks/detail.h"

static int
print_bpf(void *ctx, struct buf *out)
{
	struct latency *l = ctx;
	struct runqlat_counts c;

	return runqlat_read(l->bpf, &c) < 0 ? -1 :
					      runqlat_print(&c, runqlat_mode_name(l->bpf), out);
}

static int
print_probe(void *ctx, struct buf *out)
{
	struct latency *l = ctx;
	struct runqlat_counts each;

	probe_read(l->probe, &each, &l->corrected);
	return runqlat_print(&each, "probe", out);
}

/* Of the same moment as the text before. */
static int
print_corrected(void *ctx, struct buf *out)
{
	return runqlat_print(&((struct latency *)ctx)->corrected, "probe", out);
}

static void
provide(struct watch *w, const char *path, int (*print)(void *, struct buf *))
{
	const struct provided p = { print, w->state };

	host_provide(w->host, path, &p);
}

static const struct runqlat_options *
latency_options(const struct watch *w)
{
	return w->ask->options;
}

/* The directory of -g: NULL when it is not of version 2, of which alone a program can ask. */
static const char *
cgroup_directory(struct watch *w)
{
	struct latency *l = w->state;
	struct groups_watch g = { .target = w->ask->target, .family = FAMILY_CPU };
	struct groups groups;
	const char *path = NULL;

	if (groups_read(&g, w->host, &l->arena, &groups) == 0 && groups.n > 0 &&
	    groups.top[FAMILY_CPU].version == 2) {
		const char *rel = groups.v[groups.n - 1].rel[FAMILY_CPU];
		path = arena_printf(&l->arena, "/%s%s", groups.top[FAMILY_CPU].top, rel ? rel : "");
	}
	groups_free(&g);
	return path;
}

/* Whom BPF is to count. False, with why, when it cannot tell them. */
static bool
make_filter(struct watch *w, struct runqlat_filter *f, struct runqlat_why *why)
{
	const struct request *ask = w->ask;
	const struct runqlat_options *o = ask->options;
	uint64_t pid = 0;

	*f = (struct runqlat_filter){ .cpus = o->cpus.listed ? &o->cpus.list : NULL };
	if (ask->target.pid && !runqlat_knows_pids()) {
		snprintf(why->text, sizeof why->text,
		    "it knows processes by their pids on the machine, and here is a pid namespace: "
		    "docker run --pid=host");
		return false;
	}
	if (ask->target.pid && text_u64(text_of(ask->target.pid), &pid) == 0)
		f->tgid = (uint32_t)pid;
	if (ask->target.cgroup && !(f->cgroup = cgroup_directory(w))) {
		snprintf(why->text, sizeof why->text,
		    "it knows cgroups of version 2 only, and %.100s is none", ask->target.cgroup);
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

/* A CPU that is not there would have no waits, which is another thing. */
static bool
check_cpus(struct watch *w)
{
	struct cpulist online;

	return !latency_options(w)->cpus.listed ||
	    !read_cpus(w, "sys/devices/system/cpu/online", &online) ||
	    watch_check_cpus(w, &latency_options(w)->cpus, &online);
}

static bool
open_bpf(struct watch *w, struct runqlat_why *why)
{
	static const enum runqlat_mode modes[] = { [LATENCY_BPF_BTF] = RUNQLAT_BTF,
		[LATENCY_BPF_RAW] = RUNQLAT_RAW,
		[LATENCY_BPF_TP] = RUNQLAT_TP };
	enum latency_source s = latency_options(w)->source;
	struct latency *l = w->state;
	struct runqlat_filter filter;
	struct cpulist *possible = arena_alloc(&l->arena, sizeof *possible);

	if (w->host->elsewhere)
		snprintf(why->text, sizeof why->text, "with --root only files are read");
	else if (!read_cpus(w, "sys/devices/system/cpu/possible", possible))
		snprintf(why->text, sizeof why->text,
		    "cannot read /sys/devices/system/cpu/possible: %s", strerror(errno));
	else if (make_filter(w, &filter, why))
		return runqlat_open(&l->bpf, s <= LATENCY_BPF ? RUNQLAT_ANY : modes[s], &filter,
			   possible, why) == 0;
	return false;
}

static bool
begin_bpf(struct watch *w)
{
	struct latency *l = w->state;
	struct runqlat_why why;

	if (!open_bpf(w, &why)) {
		watch_note(w, "no bpf: %s", why.text);
		return false;
	}
	if (latency_options(w)->verbose && runqlat_time(l->bpf) < 0)
		watch_note(w,
		    "-v: this kernel does not time BPF programs (bpf(2), BPF_ENABLE_STATS, Linux "
		    "5.8): %s",
		    strerror(errno));
	provide(w, LATENCY_TEXT, print_bpf);
	return true;
}

/* A kernel that does not count, CONFIG_SCHED_INFO, has no such file or zeros in it: and this
 * process has run. */
static bool
begin_schedstat(struct watch *w)
{
	struct latency *l = w->state;
	struct task_sched own;
	struct text text;

	if (latency_options(w)->histogram)
		watch_note(w, "no schedstat: it has sums, and no histogram");
	else if (latency_options(w)->cpus.listed)
		watch_note(
		    w, "no schedstat: it does not tell on which CPU a thread waited, as -P asks");
	else if (host_read(w->host, "proc/self/schedstat", &text) < 0)
		watch_note(w,
		    "no schedstat: /proc/self/schedstat: %s; the kernel has it with "
		    "CONFIG_SCHED_INFO",
		    strerror(errno));
	else if (task_sched_parse(text, &own) < 0 || (own.run_ns == 0 && own.slices == 0))
		watch_note(w,
		    "no schedstat: /proc/self/schedstat has no figures: the kernel needs "
		    "CONFIG_SCHED_INFO");
	else
		l->reads_threads = true;
	if (l->reads_threads && latency_options(w)->source == LATENCY_ANY)
		watch_note(w,
		    "so by schedstat, which has sums and means; --source probe has percentiles, of "
		    "what a light thread feels");
	return l->reads_threads;
}

/* A thread on each CPU that we may run on, or on those of -P among them. */
static bool
open_probe(struct watch *w)
{
	struct latency *l = w->state;
	struct cpulist allowed, *cpus = arena_alloc(&l->arena, sizeof *cpus);
	struct text text;

	*cpus = (struct cpulist){ { 0 } };
	if (host_read(w->host, "proc/self/status", &text) < 0 ||
	    task_allowed_parse(text, &allowed) < 0) {
		watch_note(w,
		    "no probe: /proc/self/status does not tell on which CPUs this process may run");
		return false;
	}
	unsigned n = 0;
	for (unsigned cpu = 0; cpu < CPULIST_MOST; cpu++)
		if (cpulist_has(&allowed, cpu) && cpu_chosen(&latency_options(w)->cpus, cpu)) {
			cpulist_add(cpus, cpu);
			n++;
		}
	if (n == 0)
		watch_note(w, "no probe: this process may run on none of the CPUs of -P");
	else if (probe_open(&l->probe, cpus, latency_options(w)->period_ns) < 0)
		watch_note(w, "no probe: its threads cannot be started: %s", strerror(errno));
	return l->probe;
}

static bool
begin_probe(struct watch *w)
{
	if (w->ask->target.pid || w->ask->target.cgroup) {
		watch_note(w,
		    "no probe: it feels how long itself waits, not those of -p or -g; run it in "
		    "their cgroup");
		return false;
	}
	if (w->host->elsewhere) {
		watch_note(w, "no probe: with --root only files are read");
		return false;
	}
	if (!open_probe(w))
		return false;
	provide(w, LATENCY_TEXT, print_probe);
	provide(w, LATENCY_CORRECTED, print_corrected);
	if (latency_options(w)->source == LATENCY_ANY)
		watch_note(w,
		    "so by the probe: how late a light thread wakes up, not how long others wait");
	return true;
}

/* Whether bpf, schedstat or the probe; says why others could not be had. False after watch_fail. */
static bool
latency_begin(struct watch *w)
{
	enum latency_source s = latency_options(w)->source;
	bool any = s == LATENCY_ANY;

	if (!check_cpus(w))
		return false;
	if (((any || (s >= LATENCY_BPF && s <= LATENCY_BPF_TP)) && begin_bpf(w)) ||
	    ((any || s == LATENCY_SCHEDSTAT) && begin_schedstat(w)) ||
	    ((any || s == LATENCY_PROBE) && begin_probe(w)))
		return true;
	watch_fail(w, EXIT_UNSUPPORTED, "%s",
	    any ? "so nothing here tells how long tasks wait for a CPU" :
		  "so the waits cannot be had from the --source that was asked for; without it "
		  "others are tried");
	return false;
}

void
latency_release(struct watch *w)
{
	struct latency *l = w->state;

	host_provide(w->host, LATENCY_TEXT, NULL);
	host_provide(w->host, LATENCY_CORRECTED, NULL);
	runqlat_close(l->bpf);
	probe_close(l->probe);
	arena_free(&l->arena);
	tool_tasks.release(w);
}

/* What is known of the waits at a moment. */

/* On a tape is what was measured when it was made, or the files. */
static bool
find_source(struct watch *w)
{
	static const char *const names[] = { "", "bpf", "bpf-btf", "bpf-raw", "bpf-tp", "schedstat",
		"probe" };
	struct latency *l = w->state;
	const char *wanted = names[latency_options(w)->source];
	struct runqlat_counts c;
	char source[RUNQLAT_SOURCE] = "schedstat";
	struct text text;

	l->reads_threads = host_read(w->host, LATENCY_TEXT, &text) < 0;
	if (!l->reads_threads && runqlat_parse(text, &c, source) < 0)
		return true; /* it is told when it is read */
	if (l->reads_threads && latency_options(w)->histogram) {
		watch_fail(w, EXIT_UNSUPPORTED,
		    "this recording has no histogram: it was made with schedstat, or without pq "
		    "runqlat");
		return false;
	}
	if (!l->reads_threads && latency_options(w)->cpus.listed)
		watch_note(w,
		    "-P: the waits on a recording are of the CPUs that were asked for when it was "
		    "made");
	if (strncmp(source, wanted, strlen(wanted)) == 0)
		return true;
	watch_fail(w, EXIT_UNSUPPORTED, "this recording has the source %s, not %s", source, wanted);
	return false;
}

/* Whether who was asked for is still there; counts do not tell. */
static bool
target_is_there(struct watch *w, struct arena *a)
{
	const struct target *t = &w->ask->target;
	struct latency *l = w->state;
	uint32_t *pids;
	size_t n;

	if ((!t->pid && !t->cgroup) || targets_pids(&l->tasks.targets, w, a, &pids, &n) == 0 ||
	    errno == EOPNOTSUPP)
		/* a threaded cgroup (v2) tells no processes, and can be counted nevertheless */
		return true;
	l->gone = targets_explain(&l->tasks.targets, w, errno);
	return l->gone;
}

static bool
read_counts(struct watch *w, struct arena *a, struct latency_snapshot *s)
{
	char source[RUNQLAT_SOURCE];
	struct text text;

	if (host_read(w->host, LATENCY_TEXT, &text) < 0 ||
	    runqlat_parse(text, &s->each, source) < 0) {
		watch_fail(w, EXIT_FAILED, "the counted waits cannot be read: %s", strerror(errno));
		return false;
	}
	s->source = arena_copy(a, text_of(source));
	s->has_corrected = strcmp(source, "probe") == 0 &&
	    host_read(w->host, LATENCY_CORRECTED, &text) == 0 &&
	    runqlat_parse(text, &s->corrected, source) == 0;
	return true;
}

/* Who waits already when we begin stands still from then on: who waited most ever is asked
 * first. */
static void
read_states(struct tasks_reader *r)
{
	for (size_t i = 0; i < r->s->nunits; i++) {
		struct tasks_process *p = r->s->units[i].p;
		for (size_t k = p->first; k < p->first + p->n && r->left > 0; k++)
			tasks_read_status(r, p, &r->s->tasks[k]);
	}
}

/* Who waits since before the last look, and is in no counter yet, is found as pq tasks finds it. */
static bool
read_threads(struct watch *w, struct arena *a, struct latency_snapshot *s)
{
	enum { STATUS_MOST = 256, STATUS_AT_FIRST = 1024 };
	struct latency *l = w->state;
	struct tasks_reader r = { .w = w, .arena = a, .left = STATUS_MOST };

	s->source = "schedstat";
	s->threads = tasks_scan(w, a, latency_options(w)->budget_ns);
	if (!s->threads)
		return false;
	r.s = s->threads;
	tasks_rank(&r);
	if (s->threads->first) {
		r.left = STATUS_AT_FIRST;
		read_states(&r);
	}
	for (size_t i = 0; i < s->threads->n; i++)
		s->pending += s->threads->v[i].stuck;
	l->tasks.last = s->threads;
	return true;
}

void *
latency_read(struct watch *w, struct arena *a)
{
	struct latency *l = w->state;
	struct latency_snapshot *s = arena_alloc(a, sizeof *s);

	*s = (struct latency_snapshot){ .source = NULL };
	l->gone = false;
	if (!l->reads_threads && !target_is_there(w, a))
		return NULL;
	if (!l->begun && !(w->host->replay ? find_source(w) : latency_begin(w)))
		return NULL;
	if (l->gone)
		return s;
	if (!(l->reads_threads ? read_threads(w, a, s) : read_counts(w, a, s)))
		return NULL;
	l->begun = true;
	return s;
}
