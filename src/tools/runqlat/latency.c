/* From where the waits are known: what can be had is found out by trying. */
#include "tools/runqlat/latency.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "proc/task.h"
#include "proc/task_sched.h"

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
	uint64_t pid = 0;

	*f = (struct runqlat_filter){ .cpus = ask->all_cpus ? NULL : &ask->cpus };
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

	return w->ask->all_cpus || !read_cpus(w, "sys/devices/system/cpu/online", &online) ||
	    watch_check_cpus(w, &online);
}

static bool
open_bpf(struct watch *w, struct runqlat_why *why)
{
	static const enum runqlat_mode modes[] = { [LATENCY_BPF_BTF] = RUNQLAT_BTF,
		[LATENCY_BPF_RAW] = RUNQLAT_RAW,
		[LATENCY_BPF_TP] = RUNQLAT_TP };
	enum latency_source s = w->ask->source;
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
	if (w->ask->verbose && runqlat_time(l->bpf) < 0)
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

	if (w->ask->histogram)
		watch_note(w, "no schedstat: it has sums, and no histogram");
	else if (!w->ask->all_cpus)
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
	if (l->reads_threads && w->ask->source == LATENCY_ANY)
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
		if (cpulist_has(&allowed, cpu) &&
		    (w->ask->all_cpus || cpulist_has(&w->ask->cpus, cpu))) {
			cpulist_add(cpus, cpu);
			n++;
		}
	if (n == 0)
		watch_note(w, "no probe: this process may run on none of the CPUs of -P");
	else if (probe_open(&l->probe, cpus, w->ask->period_ns) < 0)
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
	if (w->ask->source == LATENCY_ANY)
		watch_note(w,
		    "so by the probe: how late a light thread wakes up, not how long others wait");
	return true;
}

bool
latency_begin(struct watch *w)
{
	enum latency_source s = w->ask->source;
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
