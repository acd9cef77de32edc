/*
 * rules: what each language runtime and server makes of the limits: the tables. A new runtime is a
 * line in rules.c. runtimes.c holds the rules against the limits of a process.
 *
 * In the rules, q is the quota in CPUs, N the number of CPUs in the affinity.
 */
#ifndef PQ_LIMITS_RULES_H
#define PQ_LIMITS_RULES_H

#include "commands/limits/limits.h"

/* What a rule reads: nothing (FIXED: always the same number), no quota, or that of these levels. */
enum looks {
	LOOKS_FIXED,
	LOOKS_NOWHERE,
	LOOKS_AT_LEAF,
	LOOKS_AT_ALL,
	LOOKS_AT_TOPMOST,
	LOOKS_AT_MOUNT
};

/* What a runtime in the place of the process can read. */
struct sight {
	double online, affinity; /* CPUs */
	/* quota: of its own cgroup, of all levels that it sees, of the topmost limited one, and of
	 * the directory where the hierarchy is mounted */
	double leaf, least, topmost, mount;
	double own_max, own_high, least_max, mount_max; /* memory likewise, bytes */
	double all_max;                                 /* v1: hierarchical_memory_limit */
	double machine;                                 /* memory of the machine */
	int cpu_version, memory_version;
	const char *cpu_point; /* where it sees the hierarchy mounted; NULL: unknown */
	enum looks looks;      /* at what the runtime looks in this version of cgroups */
};

/* The setting that corrects a runtime: the text before and after the number, and the least
 * number. */
struct cpu_setting {
	const char *before, *after;
	double at_least;
};

struct runtime {
	struct rule about;
	double (*cpus)(const struct sight *);
	enum looks looks;
	const struct cpu_setting *set;
	const char *over; /* why it may assume more than it reads; NULL: it does not */
	bool v2_only;     /* it does not read the quota of v1 */
	bool v1_leaf;     /* on v1 it reads its own cgroup only */
	/* on v1 it reads the quota only if the hierarchy is mounted here; NULL: anywhere */
	const char *v1_mount;
	/* how many threads or jobs it makes of the CPUs; NULL: as many. It is meant so: the CPUs are
	 * judged. */
	double (*threads)(double cpus);
	const char *(*note)(const struct sight *, double cpus); /* what else follows; or NULL */
	const char *comm; /* the name of its threads begins so, one for each CPU; NULL: unknown */
};

/* A setting of the heap: a variable, or an option in one, in up to two spellings. */
struct heap_setting {
	const char *names[2];
	/* the bytes that it sets if the runtime sees so much memory; 0: it leaves the default; NaN:
	 * it is not valid */
	double (*bytes)(struct text value, double seen);
};

/* What a runtime makes of memory, in bytes. */
struct memory_rule {
	struct rule about;
	/* the memory that it sees; INFINITY: it sees no limit */
	double (*seen)(const struct sight *);
	/* the largest heap for that; INFINITY: no bound by default */
	double (*heap)(double seen);
	/* the setting that corrects it, if it may use `room`; NULL: none is needed */
	const char *(*set)(
	    struct arena *a, double room, const struct opinion *o, double seen, double share);
	const struct heap_setting *settings; /* two; the first one beats the second */
	double beside; /* the memory that the process needs besides its heap, by measurement */
};

/* Each ends with a line without a key. */
extern const struct runtime rules_cpus[];
extern const struct memory_rule rules_memory[];

#endif
