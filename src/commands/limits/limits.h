/*
 * limits: the limits of a process or a cgroup, and where they come from. gather.c reads them and
 * finds the lowest; runtimes.c knows what language runtimes make of them; page.c and page_json.c
 * print them.
 *
 * In all doubles NaN means unknown, and INFINITY no limit. All strings live in the caller's arena.
 */
#ifndef PQ_LIMITS_LIMITS_H
#define PQ_LIMITS_LIMITS_H

#include <stddef.h>

#include "cgroup/names.h"
#include "base/buf.h"
#include "cgroup/memory.h"
#include "cgroup/quota.h"
#include "proc/task.h"

/* One cgroup level; only the bounds of its controller are set. */
struct limits_level {
	const char *name;
	struct cpu_bounds cpu;
	struct memory_bounds memory;
	struct pids_bounds pids;
	const char *cpus; /* cpuset: the list; NULL if it cannot be read */
	unsigned ncpus;
};

/* The levels of one controller, from the topmost visible one down to the cgroup itself. */
struct chain {
	int error; /* why the cgroup was not found; 0: it was */
	int version;
	enum scope scope;
	bool hidden;   /* there are levels above that are not visible */
	bool disabled; /* the kernel has the controller disabled: there are no such limits */
	/* the first level that the process sees through its own mounts; n: none */
	size_t first_seen;
	/* where it sees the hierarchy mounted, "/sys/fs/cgroup"; NULL: unknown, or the target is a
	 * cgroup */
	const char *point;
	/* memory on v1: `all` is the lowest limit of all levels, including hidden ones; if it is
	 * unknown then, there is no limit */
	bool tells_all;
	struct keyed all;
	size_t n;
	struct limits_level *v;
};

/* How many CPUs (0: unknown) and which. */
struct cpu_count {
	unsigned n;
	const char *list;
	struct cpulist set;
};

/* A variable of the environment that sets the CPUs or memory of a runtime. */
struct setting {
	/* option: the option in the value of the variable, "-XX:MaxRAMPercentage="; or NULL */
	const char *name, *option, *value;
	size_t at; /* where the value begins in the variable's */
};

/* The process. The errors are errnos: why something could not be read. */
struct limits_process {
	const char *comm; /* NULL: unknown */
	struct keyed threads;
	struct keyed workers;  /* threads named as those of its runtime: see runtimes_threads */
	struct keyed runnable; /* of the first LOOKS_MOST threads */
	struct rlimits rlimits;
	struct keyed open_files;
	int rlimits_error, open_files_error, environ_error;
	struct setting *settings;
	size_t nsettings;
};

enum { LOOKS_MOST = 64 };

/* A runtime that the process has, and its version; NULL: unknown. */
struct detected {
	const char *key; /* of its rules */
	const char *version;
	int tables; /* 1: of rules for CPUs, 2: for heaps, 3: both */
};

/* The program that the process runs. */
struct limits_program {
	const char *path; /* NULL: unknown */
	int error;        /* the errno of reading the program; 0: it was read, or not asked for */
	const char *name, *version, *detail; /* "Go", "1.25.12", …; NULL: unknown */
	struct detected *v;
	size_t n;
};

struct limits {
	struct target target;
	int64_t real_ns;
	struct cpu_count online, affinity;
	/* which file the online CPUs are from, NULL: unknown; and who shows that file, and
	 * /proc/meminfo, changed for a container: "lxcfs", "gVisor"; NULL: nobody */
	const char *online_from, *online_by, *memory_by;
	struct keyed memory_total, swap_total;
	struct chain cpu, cpuset, memory, pids;
	struct names names; /* holds those of the cgroup: */
	const struct group_names *known_as;
	int mounts_error;              /* the errno of our own mountinfo, if it may not be read */
	struct limits_process process; /* not set if target is a cgroup */
	struct limits_program program; /* set only if target is a process */
};

/* The lowest of several limits. */
struct bound {
	double value;
	/* "quota", "affinity", "cpuset", "machine", "limit"; NULL: there is no limit */
	const char *by;
	const char *level; /* the cgroup that sets it, or NULL */
	bool at_most;      /* the limit may be lower: levels are hidden or cannot be read */
};

struct effective {
	struct bound cpus, memory, high, swap, pids;
};

/* Reads all limits. 0; -1 with errno: ESRCH no such process, EACCES not permitted, ENOENT no such
 * cgroup, ENODEV a cgroup is wanted and no hierarchy is visible. */
int limits_gather(struct host *h, struct arena *a, const struct target *t, struct limits *out);

/* The cgroup's path in the first hierarchy that knows it, or NULL. */
const char *limits_cgroup(const struct limits *l);

/* detect.c: finds out which runtimes the process has. The process has been read. */
void limits_detect(struct host *h, struct arena *a, const char *pid,
    const struct limits_process *process, struct limits_program *out);

struct effective limits_effective(const struct limits *l);

/* A limit of a level, chosen by its member: level_limit(v, LEVEL_AT(memory.high)). */
#define LEVEL_AT(member) offsetof(struct limits_level, member)
const struct keyed *level_limit(const struct limits_level *v, size_t at);

/* The value as a double; NaN, or `otherwise`, if it is unknown. */
double known_or_nan(struct keyed v);
double known_or(struct keyed v, double otherwise);
double cpus_or_nan(const struct cpu_count *c);

/* ---- runtimes.c: what language runtimes and servers make of the limits */

/* Whether the real runtime was held against the rule, or only its source or documentation read. */
enum known_by { READ, MEASURED };

/* Whether the process must be restarted to take up the limits as they are now. */
enum restart { RESTART_UNKNOWN, RESTART_NOT, RESTART_NEEDED };

/* How the number that a runtime assumes compares with the limit. */
enum fit { FIT_UNKNOWN, FIT_RIGHT, FIT_LEAST, FIT_DOWN, FIT_FEWER, FIT_UP, FIT_MORE };

/* A rule: of which runtime, and how well it is known. */
struct rule {
	const char *key, *name; /* the name has at most 18 characters */
	const char *versions;   /* that it holds for */
	const char *text;       /* what the runtime assumes */
	const char *last_seen;  /* the newest version that was seen to keep it, and when */
	enum known_by known_by;
	bool usual;   /* it is on the page where no runtime was detected */
	bool follows; /* the runtime follows a limit that changes while it runs */
};

struct opinion {
	const struct rule *rule;
	double believed; /* CPUs, or bytes */
	enum fit fit;
	const char *why;             /* the reason, at most 21 characters */
	const char *set;             /* the setting that corrects it, or NULL */
	const struct setting *given; /* its variable is set, and decides; NULL: it is not set */
	const char *looks;           /* at what it looks */
	const char *sets;            /* the setting without its number, or NULL */
	const char *note;            /* what else follows from the number; or NULL */
	const struct detected
	    *detected;        /* the process has this runtime; NULL: as far as known, not */
	struct keyed running; /* threads of it that run now, one for each CPU */
	enum restart restart;
};

struct opinions {
	struct opinion *cpus, *memory;
	size_t ncpus, nmemory;
};

/* What each runtime makes of these limits. share: of the memory limit for the settings of heaps; 0:
 * the defaults. */
struct opinions runtimes_judge(
    struct arena *a, const struct limits *l, const struct effective *e, double share);

/* How the names of the threads begin that one of these runtimes starts for each CPU; NULL: that is
 * not known of any. */
const char *runtimes_threads(const struct limits_program *p);

/* "right", "rounds up", …; NULL for FIT_UNKNOWN. */
const char *fit_name(enum fit v);

/* ---- page.c and page_json.c: the page in 80 columns, and as one JSON object */

/* Why a program was not read, in words. EREMOTE has no text in musl. */
const char *program_error(int error);

struct page {
	const struct limits *limits;
	const struct effective *effective;
	const struct opinions *opinions;
	bool utc;
	bool replay; /* the limits come from a recording or a captured directory */
	bool all;    /* text: all runtimes, not the usual or detected ones */
};

/* Why a file of the process was not read, in words. */
const char *page_error(const struct page *p, int error);

void page_text(struct buf *b, const struct page *p);
void page_json(struct buf *b, const struct page *p);

#endif
