/*
 * limits: what a process, or a cgroup, may use, and who says so. gather.c reads it through the host
 * and finds the least of all bounds; runtimes.c has what language runtimes make of it; page.c and
 * page_json.c print it.
 *
 * NaN is unknown and INFINITY no limit, in all doubles. All strings live in the arena that was
 * given.
 */
#ifndef PQ_LIMITS_LIMITS_H
#define PQ_LIMITS_LIMITS_H

#include "base/buf.h"
#include "cgroup/memory.h"
#include "cgroup/quota.h"
#include "proc/task.h"

/* One level of a hierarchy; of the bounds those of its controller. */
struct limits_level {
	const char *name;
	struct cpu_bounds cpu;
	struct memory_bounds memory;
	struct pids_bounds pids;
	const char *cpus; /* cpuset: the list; NULL: not told here */
	unsigned ncpus;
};

/* The levels of one controller, from the topmost that can be seen down to the group itself. */
struct chain {
	int error; /* the errno with which the group could not be found; 0: it was */
	int version;
	enum scope scope;
	bool hidden; /* there are levels above that cannot be seen */
	/* by the process itself, through its own mounts: from this level down; n: none */
	size_t first_seen;
	/* memory on v1: `all` is the least limit of all levels, hidden ones too; not known there:
	 * none */
	bool tells_all;
	struct keyed all;
	size_t n;
	struct limits_level *v;
};

/* CPUs of some kind: how many (0: unknown) and which. */
struct cpu_count {
	unsigned n;
	const char *list;
	struct cpulist set;
};

/* A variable or option that tells a runtime what to use, found in the environment. */
struct setting {
	/* option: the part of the value that was looked for, "-XX:MaxRAMPercentage="; or NULL */
	const char *name, *option, *value;
};

/* What is known of the process; an errno beside what could not be read. */
struct limits_process {
	const char *comm;      /* NULL: unknown */
	struct keyed threads;  /* that it has */
	struct keyed runnable; /* that run or wait for a CPU, of the first LOOKS_MOST */
	struct rlimits rlimits;
	struct keyed open_files;
	int rlimits_error, open_files_error, environ_error;
	struct setting *settings;
	size_t nsettings;
};

enum { LOOKS_MOST = 64 };

struct limits {
	struct target target;
	int64_t real_ns;
	struct cpu_count online, affinity;
	struct keyed memory_total, swap_total;
	struct chain cpu, cpuset, memory, pids;
	struct limits_process process; /* of target.cgroup there is none */
};

/* The least of several bounds. */
struct bound {
	double value;
	/* "quota", "affinity", "cpuset", "machine", "limit"; NULL: nothing bounds it */
	const char *by;
	const char *level; /* the cgroup whose bound it is, or NULL */
	bool at_most;      /* it may be less: levels are hidden, or could not be read */
};

struct effective {
	struct bound cpus, memory, high, swap, pids;
};

/* Reads all that can be read at this sample. 0; -1 with errno when there is no such process or
 * cgroup: ESRCH no process, EACCES it may not be looked at, ENOENT no cgroup of that name, ENODEV
 * no cgroup hierarchy at all can be seen where one is asked for. */
int limits_gather(struct host *h, struct arena *a, const struct target *t, struct limits *out);

struct effective limits_effective(const struct limits *l);

/* A figure that may not be there, as a double; the second with what it is when it is not there. */
double known_or_nan(struct keyed v);
double known_or(struct keyed v, double otherwise);
double cpus_or_nan(const struct cpu_count *c);

/* runtimes.c: what language runtimes and servers make of it. */

/* How what it believes compares with what it may use. */
enum fit { FIT_UNKNOWN, FIT_RIGHT, FIT_LEAST, FIT_DOWN, FIT_FEWER, FIT_UP, FIT_MORE };

struct opinion {
	const char *key, *name;
	double believed; /* CPUs, or bytes */
	enum fit fit;
	const char *why; /* in few words */
	const char *set; /* the line to set, or NULL */
	/* its variable is set already, and that is what it believes; NULL: it is not */
	const struct setting *given;
};

struct opinions {
	struct opinion *cpus, *memory;
	size_t ncpus, nmemory;
};

/* What all of them make of these limits. share: so much of the memory limit they are told to use;
 * 0: the usual shares. */
struct opinions runtimes_judge(
    struct arena *a, const struct limits *l, const struct effective *e, double share);

/* "right", "rounded up", … */
const char *fit_name(enum fit v);

/* page.c and page_json.c: what was found, for people in 80 columns, and as one JSON object. */
struct page {
	const struct limits *limits;
	const struct effective *effective;
	const struct opinions *opinions;
	bool utc;
};

void page_text(struct buf *b, const struct page *p);
void page_json(struct buf *b, const struct page *p);

#endif
