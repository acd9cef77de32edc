/*
 * evidence: what pq why judges by: the rows of each tool, and how memory grew.
 *
 * The rows of each tool have a type of their own and are read by that tool's columns:
 * mem_num(e->mem, row, MEM_HARD). The rows or a column of another tool do not compile. A figure is
 * NaN when it is unknown or there is no such row; a label is "" then.
 */
#ifndef PQ_WHY_EVIDENCE_H
#define PQ_WHY_EVIDENCE_H

#include "session/session.h"
#include "tools/tool.h"

#pragma GCC diagnostic error "-Wenum-conversion"

/* A tool at work, or NULL, and a column of it; rows_most and rows_find return rows_count when there
 * is no such row. */
size_t rows_count(const struct sampler *s);
double rows_num(const struct sampler *s, size_t row, int column);
const char *rows_text(const struct sampler *s, size_t row, int column);
size_t rows_most(const struct sampler *s, int column);
size_t rows_find(const struct sampler *s, int column, const char *label);

/* struct mem_rows, and: mem_count: how many there are; mem_num and mem_text: a figure and a label;
 * mem_most: the row with the largest figure; mem_find: the row with that label. */
#define ROWS_OF(tool) \
	struct tool##_rows { \
		const struct sampler *of; \
	}; \
	static inline size_t tool##_count(struct tool##_rows r) \
	{ \
		return rows_count(r.of); \
	} \
	static inline double tool##_num(struct tool##_rows r, size_t row, enum tool##_column c) \
	{ \
		return rows_num(r.of, row, (int)c); \
	} \
	static inline const char *tool##_text( \
	    struct tool##_rows r, size_t row, enum tool##_column c) \
	{ \
		return rows_text(r.of, row, (int)c); \
	} \
	static inline size_t tool##_most(struct tool##_rows r, enum tool##_column c) \
	{ \
		return rows_most(r.of, (int)c); \
	} \
	static inline size_t tool##_find( \
	    struct tool##_rows r, enum tool##_column c, const char *label) \
	{ \
		return rows_find(r.of, (int)c, label); \
	} \
	struct tool##_rows

ROWS_OF(runq);
ROWS_OF(cpu);
ROWS_OF(throttle);
ROWS_OF(mem);
ROWS_OF(psi);
ROWS_OF(tasks);
ROWS_OF(wait);

/* How the memory of a cgroup grew that cannot be reclaimed, looked at in each step. */
struct growth {
	char *cgroup;
	double first, last, least_step; /* bytes; the least growth from one step to the next */
	double limit;
	unsigned steps;
};

enum { GROWTHS_MOST = 64 };

struct evidence {
	struct session session;
	/* of the machine */
	struct runq_rows runq;
	struct cpu_rows cpus;
	struct psi_rows psi;
	struct tasks_rows tasks;
	/* of the cgroups of -p or -g, else of all with a limit; mem_step: of the last step alone */
	struct throttle_rows throttle;
	struct mem_rows mem, mem_step;
	/* of -p or -g; not there without one */
	struct tasks_rows target;
	struct psi_rows target_psi;
	struct wait_rows wait;
	const struct target *about; /* -p or -g, or nobody */
	struct arena arena;
	struct growth growth[GROWTHS_MOST];
	size_t ngrowth;
	bool utc; /* how times are told */
};

/* Begins to watch the machine, or whom the options ask for, for span_ns. False when a signal
 * stops it. */
bool evidence_begin(struct evidence *e, const struct options *o, int64_t span_ns);

/* Watches to the end of the span, or of the recording. */
void evidence_watch(struct evidence *e);

/* Whether no tool has a row. */
bool evidence_is_empty(const struct evidence *e);

/* How many CPUs are online; NaN when it is not known. */
double evidence_cpus(const struct evidence *e);

/* Whether somebody was asked for, and words to ask the tools for the same: " -p 4242", " -g /web",
 * or "". */
bool evidence_has_target(const struct evidence *e);
const char *evidence_words(const struct evidence *e, char out[256]);

void evidence_end(struct evidence *e);

#endif
