/* ring: what the scheduler does, kept in the rings of bpf/switch_ring.h, and written to a trace with
 * who the threads are. */
#ifndef PQ_TRACE_RING_H
#define PQ_TRACE_RING_H

#include "bpf/switch_ring.h"
#include "commands/trace/quotas.h"
#include "commands/trace/threads.h"

/* Of --source. The first are those of enum bpf_mode. */
enum trace_source { TRACE_ANY, TRACE_BTF, TRACE_RAW, TRACE_TP, TRACE_BPF, TRACE_PERF };

struct trace_ring_options {
	const char *pid; /* of -p, or NULL */
	enum trace_source source;
	uint64_t bytes;  /* of all rings together; 0: the usual size */
	int64_t last_ns; /* not 0: as many bytes as that takes now, which takes a second to see */
	int64_t wait_over_ns; /* see struct switch_ring_options */
};

/* What a save found. */
struct trace_saved {
	struct switch_ring_found found;
	uint64_t events;      /* that were written */
	uint64_t to_ns;       /* the end of their time */
	size_t unread_quotas; /* of cgroups beyond THROTTLED_MOST */
	bool unnamed;         /* threads have no names: see switch_ring_knows_pids */
	bool cut_off;         /* perf events say that the process has ended, but it lives */
};

struct trace_ring {
	struct host *host;
	const char *pid;
	uint32_t number; /* of pid; 0: none */
	struct switch_ring *ring;
	struct trace_clocks begun;
	struct thread_list threads; /* those of then */
	struct quota_list quotas;   /* and what had throttled their cgroups */
	struct trace_saved *saved;  /* of the last save, in memory that child processes share */
};

/* Opens the rings, which fill from now on. What is not possible ends the program; a source other than
 * BPF is told on stderr. The host and pid stay the caller's. */
void trace_ring_open(struct trace_ring *t, struct host *host, const struct trace_ring_options *o);

/* Why a trace is saved: a mark in it. */
struct trace_cause {
	uint64_t at_ns;
	const char *trigger; /* a condition, or NULL */
	const char *words;
};

/* Writes the events of this time (CLOCK_BOOTTIME), and who the threads are. It changes nothing but
 * *t->saved, so that a child process may call it. 0, or -1 with errno. */
int trace_ring_write(
    struct trace_ring *t, int fd, uint64_t from_ns, uint64_t to_ns, const struct trace_cause *why);

/* Does that for a new file, which appears once it is complete. */
int trace_ring_save(struct trace_ring *t, const char *path, uint64_t from_ns, uint64_t to_ns,
    const struct trace_cause *why);

/* Does what the rings need meanwhile. Returns until when the caller may sleep (CLOCK_MONOTONIC), at most
 * until that time. */
int64_t trace_ring_tend(struct trace_ring *t, int64_t until_ns);

/* Prints what the last save found: "51234 events in 12.3 s, 0 lost". */
void trace_saved_words(const struct trace_saved *s, char *out, size_t n);

/* Calls say for each thing to know about it. */
void trace_saved_notes(
    const struct trace_saved *s, void (*say)(void *ctx, const char *message), void *ctx);

/* Prints who has that number: "api[101/100]", or "thread 101". */
void trace_thread_words(void *ring, uint32_t tid, char *out, size_t n);

void trace_ring_close(struct trace_ring *t);

#endif
