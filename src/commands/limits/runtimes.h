/*
 * runtimes: how many CPUs, and how much memory, language runtimes and servers take for theirs, by
 * their own rules. They read the cgroup files too, but some round up, some look at the last level
 * only, some do not look at all.
 */
#ifndef PQ_LIMITS_RUNTIMES_H
#define PQ_LIMITS_RUNTIMES_H

#include "commands/limits/limits.h"

/* What a runtime can find out where the process is. */
struct sight {
	double online, affinity; /* CPUs */
	/* quota: of its own cgroup, of all levels that it sees, of the topmost limited */
	double leaf, least, topmost;
	double own_max, own_high, least_max; /* memory in the same terms, bytes */
	double all_max;                      /* v1: what hierarchical_memory_limit tells */
	double machine;                      /* memory of the machine */
	int cpu_version, memory_version;
};

/* At which quota a rule looks: at none, not even that, or at that of these levels. */
enum looks { LOOKS_FIXED, LOOKS_NOWHERE, LOOKS_AT_LEAF, LOOKS_AT_ALL, LOOKS_AT_TOPMOST };

struct runtime {
	const char *key, *name;
	double (*cpus)(const struct sight *);
	enum looks looks;
	const char *over;   /* why it may take more than it could know of; NULL: it does not */
	const char *set;    /* what sets it right, up to the number: "GOMAXPROCS=" */
	const char *behind; /* and behind the number */
	double at_least;    /* that number is not less */
};

/* What one holds its memory to, all in bytes. */
struct memory_rule {
	const char *key, *name;
	/* the memory that it believes to have; INFINITY: it knows no bound */
	double (*seen)(const struct sight *);
	/* and how much of it the heap may become; INFINITY: no bound of its own */
	double (*heap)(double seen);
	/* What sets it right, when it may use `room`; NULL: nothing needs to. */
	const char *(*set)(struct arena *a, double room, double heap, double seen, double share);
};

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

/* The rules themselves: rules_cpus ends with a key of NULL, and so does rules_memory. */
extern const struct runtime rules_cpus[];
extern const struct memory_rule rules_memory[];

#endif
