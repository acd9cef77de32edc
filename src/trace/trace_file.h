/*
 * trace_file: a saved trace: what the scheduler did on each CPU for some time, and who the threads
 * are. pq-trace(5) describes the bytes. Times are of CLOCK_BOOTTIME, in ns.
 *
 * A file is a header and blocks, each with a checksum. A damaged block is skipped and counted; the
 * others are still read. Events of one CPU are in the order of their times. An event takes about 6
 * bytes.
 */
#ifndef PQ_TRACE_TRACE_FILE_H
#define PQ_TRACE_TRACE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/text.h"
#include "proc/sched_event.h"

enum { TRACE_COMM = 16 };

/* A thread as it was known when the trace was saved or, if it ended before, from its events. */
struct trace_thread {
	uint32_t tid, pid;     /* pid 0: unknown */
	char comm[TRACE_COMM]; /* "": unknown */
	uint64_t start_ns;     /* after boot; 0: unknown. Numbers are used again. */
	uint32_t cgroup;       /* index of a cgroup of the trace; TRACE_NO_CGROUP: unknown */
	bool kernel;           /* a kernel thread */
};

#define TRACE_NO_CGROUP UINT32_MAX

/* The process of the thread that a SCHED_NEW is about, by who creates it (NULL: unknown); 0: unknown. */
uint32_t trace_pid_of_new(const struct sched_event *e, const struct trace_thread *creator);

/* Facts, as "key value" lines: pq, host, release, machine, ticks, boot_id, page, cpus, and what the
 * recorder was told: "asked -p 42", "trigger EXPR". "only 42": the file has only switches from or to
 * this process, and what happened to its threads. */

/* A point at which the clocks were read together. */
struct trace_clocks {
	uint64_t boot_ns, real_ns, mono_ns;
};

/* What happened to one CPU's events: `lost` events between from_ns and to_ns are not in the file. */
struct trace_loss {
	uint32_t cpu;
	uint64_t from_ns, to_ns, lost;
};

/* How long the quotas of a cgroup, and of those above, had throttled it at that time: its queues of all CPUs
 * together, since it was made. */
struct trace_quota {
	uint32_t cgroup;
	uint64_t at_ns, throttled_ns;
	bool limited; /* one of them has, or had, a quota */
};

/* ---- Writing. The order is free, but that of the events of a CPU. */

struct trace_writer;

/* Writes to the descriptor, which stays the caller's. */
struct trace_writer *trace_writer_new(int fd);

void trace_put_facts(struct trace_writer *w, struct text facts);
void trace_put_clocks(struct trace_writer *w, const struct trace_clocks *c);
/* The next cgroup: its index is how many were put before. */
void trace_put_cgroup(struct trace_writer *w, const char *path);
void trace_put_thread(struct trace_writer *w, const struct trace_thread *t);
/* An event that is earlier than the one before it on its CPU gets the time of that one. Ignores an
 * event of an unknown kind, or of a CPU number of CPULIST_MOST or more. */
void trace_put_event(struct trace_writer *w, const struct sched_event *e);
void trace_put_loss(struct trace_writer *w, const struct trace_loss *l);
void trace_put_quota(struct trace_writer *w, const struct trace_quota *q);
/* Something to mark: "trigger throttle.throttled_pct > 20", "OOM kill of 4711". */
void trace_put_mark(struct trace_writer *w, uint64_t at_ns, const char *words);

/* Writes what is left and the end, and frees w. 0, or -1 with the errno of the first failed write. */
int trace_writer_end(struct trace_writer *w);

/* ---- Reading */

struct trace_file {
	struct buf facts;
	struct trace_clocks *clocks; /* in the order of their times, as losses and marks are */
	size_t nclocks;
	char **cgroups; /* paths; "": in a block that was damaged */
	size_t ncgroups;
	struct trace_thread *threads; /* sorted by tid, then start_ns */
	size_t nthreads;
	struct trace_loss *losses; /* sorted by to_ns; with the events of damaged blocks */
	size_t nlosses;
	struct trace_mark {
		uint64_t at_ns;
		char *words;
	} * marks;
	size_t nmarks;
	struct trace_quota *quotas; /* sorted by cgroup, then at_ns; of cgroups that are there */
	size_t nquotas;
	uint32_t cpus;           /* the highest CPU number of an event, plus 1 */
	uint64_t from_ns, to_ns; /* of the events */
	uint64_t events;         /* how many there are */
	uint64_t bytes;          /* of the file */
	uint64_t damaged;        /* blocks that were skipped */
	bool cut;                /* the end is missing */
	struct trace_blocks *blocks;
};

/* Reads the whole file, or pipe. 0, or -1 with the errno of read(2), or: EINVAL not a trace, ENOTSUP of
 * a later version. Damage is no error: see damaged and cut. All events in it are valid then. */
int trace_open(struct trace_file *out, int fd);
void trace_close(struct trace_file *t);

/* The thread with that number at that time; NULL: unknown. */
const struct trace_thread *trace_find(const struct trace_file *t, uint32_t tid, uint64_t at_ns);

/* CLOCK_REALTIME at that time, by the last reading of the clocks before it, or the first one. False if
 * there is none. */
bool trace_real(const struct trace_file *t, uint64_t boot_ns, int64_t *real_ns);

/* Goes through the events from from_ns up to to_ns, of all CPUs, in the order of their times. */
struct trace_cursor;
struct trace_cursor *trace_begin(const struct trace_file *t, uint64_t from_ns, uint64_t to_ns);
/* The next event, valid until the next call; NULL at the end. */
const struct sched_event *trace_next(struct trace_cursor *c);
void trace_end(struct trace_cursor *c);

#endif
