/* runqlat: what the rows of pq runqlat and the sources of their figures share. */
#ifndef PQ_RUNQLAT_RUNQLAT_H
#define PQ_RUNQLAT_RUNQLAT_H

#include "proc/wait_counts.h"
#include "tools/tasks/tasks.h"

/* In the order in which they are tried, and of runqlat_sources, which has no name for the first. */
enum source {
	SOURCE_ANY, /* the first that is available */
	SOURCE_BPF, /* the first of the three modes of BPF */
	SOURCE_BPF_BTF,
	SOURCE_BPF_RAW,
	SOURCE_BPF_TP,
	SOURCE_SCHEDSTAT,
	SOURCE_PROBE
};

extern const char *const runqlat_sources[];

struct runqlat_options {
	struct cpu_choice cpus;
	enum source source;
	int64_t period_ns;      /* of the wake-ups of the probe */
	bool histogram, millis; /* -H, -m */
	bool verbose;           /* measure what the programs cost */
	int64_t budget_ns;      /* CPU time of pq for a row of schedstat */
};

static inline const struct runqlat_options *
runqlat_options(const struct watch *w)
{
	return w->ask->options;
}

/* The tool's state, for rows of any form. */
struct runqlat_state {
	struct tasks_state tasks; /* for schedstat, and the processes of the target */
	bool begun;
	bool gone;                    /* the cgroup, in this sample; it may come back */
	bool reads_threads;           /* the source is schedstat */
	struct wait_counter *bpf;     /* NULL: not the source */
	struct probe *probe;          /* NULL: not the source */
	struct wait_counts corrected; /* of the probe, at its last reading */
	struct arena arena;
	const char *measured[2]; /* the texts that it provides */
	unsigned nmeasured;
};

/* Counts since the measurement began, or the threads. */
struct runqlat_snapshot {
	const char *source;             /* NULL: no figures, as the cgroup is gone */
	struct tasks_snapshot *threads; /* NULL: the figures are counts */
	unsigned pending;               /* threads that have waited since before the interval */
	struct wait_counts each, corrected;
	bool has_corrected;
};

/* ---- source.c: the tool's read and release */

void *runqlat_read(struct watch *w, struct arena *a);
void runqlat_release(struct watch *w);

#endif
