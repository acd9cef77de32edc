/*
 * latency: where pq runqlat has its figures from: BPF programs in the kernel, schedstat of all
 * threads, or a probe, tried in this order. What is measured is read through the host as texts of
 * these names, so that a tape has it too.
 */
#ifndef PQ_RUNQLAT_LATENCY_H
#define PQ_RUNQLAT_LATENCY_H

#include "bpf/wait_counter.h"
#include "tools/runqlat/probe.h"
#include "tools/tasks/tasks.h"

#define LATENCY_TEXT "pq/runqlat"
#define LATENCY_CORRECTED "pq/runqlat-corrected"

/* The state of pq runqlat in all its forms. */
struct latency {
	struct tasks_state tasks; /* what a scan of all threads knows */
	bool begun;
	bool gone;           /* the cgroup, at this moment: it may come again */
	bool reads_threads;  /* schedstat: nothing is measured, it is read */
	struct wait_counter *bpf; /* one of these two, or none */
	struct probe *probe;
	struct runqlat_counts corrected; /* of the probe, at its last reading */
	struct arena arena;
};

/* What is known at a moment: counts since the measurement began, or the threads. */
struct latency_snapshot {
	const char *source;             /* NULL: there is nothing, as the cgroup has gone */
	struct tasks_snapshot *threads; /* NULL: there are counts */
	unsigned pending;               /* threads that waited all the time and still do */
	struct runqlat_counts each, corrected;
	bool has_corrected;
};

/* struct tool's read and release. */
void *latency_read(struct watch *w, struct arena *a);
void latency_release(struct watch *w);

/* runqlat: what the rows and the histogram of pq runqlat share. */

/* Beside the rows in microseconds. */
extern const struct tool tool_runqlat_ms, tool_runqlat_hist, tool_runqlat_hist_ms;

enum latency_source {
	LATENCY_ANY, /* the first that can be had */
	LATENCY_BPF, /* the first of the three ways to count in the kernel */
	LATENCY_BPF_BTF,
	LATENCY_BPF_RAW,
	LATENCY_BPF_TP,
	LATENCY_SCHEDSTAT,
	LATENCY_PROBE
};

struct runqlat_options {
	struct cpu_choice cpus;
	enum latency_source source;
	int64_t period_ns;      /* how often the probe looks */
	bool histogram, millis; /* -H, -m */
	bool verbose;           /* what the measurement costs, too */
	int64_t budget_ns;      /* CPU time of pq for a row of schedstat */
};

extern const struct runqlat_options runqlat_usual_options;

#endif
