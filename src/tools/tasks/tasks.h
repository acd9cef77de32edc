/*
 * tasks: which processes, threads or cgroups waited for a CPU. A row has two parts, to keep its
 * cost low. scan.c reads schedstat of every thread, which is cheap. detail.c ranks the processes by
 * their wait, and reads the other files of the worst ones only. Where there are rows of BPF
 * (task_source), they have all of this, and rows.c takes what has changed. Which files are read depends only on what the files say, so
 * that a recording holds all that its replay reads.
 */
#ifndef PQ_TASKS_TASKS_H
#define PQ_TASKS_TASKS_H

#include "cgroup/quota.h"
#include "proc/task.h"
#include "tools/targets.h"
#include "tools/task_source.h"
#include "tools/tool.h"

/* The numbers of schedstat, in its order. */
enum figure { RUN_NS, WAIT_NS, SLICES, FIGURES };

/* What is read of a process or thread that may be shown: /proc/PID/stat. */
struct detail {
	const char *name;
	struct keyed majflt;
};

/* How much the counters of a thread have grown. Unknown values are NaN. */
struct task_growth {
	double grown[FIGURES]; /* since it was last read */
	double rate[FIGURES];  /* grown per second; tasks_set_rates sets it */
	double age_s;          /* from its last reading to the previous snapshot */
	double switched[2];    /* of task.switches */
	double blocked_ticks;  /* of task.blkio_v */
};

/* A thread in a snapshot. There may be 50,000 of which few have run, so it is two lines of the CPU caches,
 * and what only those need is elsewhere. */
struct task {
	const struct task *before; /* in the previous snapshot; NULL: not in it, or quiet */
	struct task_growth
	    *growth; /* NULL: nothing has grown, or nothing is known; see growth_of */
	uint32_t tid;
	uint32_t row, written; /* by_row: the number of its row, and as in task_mark */
	bool read : 1;         /* in this snapshot; false: skipped, for the budget */
	bool born : 1;         /* since the previous snapshot */
	bool moved : 1;        /* it was on a CPU since it was last read */
	bool counted : 1;      /* there is an earlier reading, or it was born: grown may be known */
	bool stuck : 1;        /* it waits for a CPU, and has not run since it was last read */
	bool ran : 1;          /* it has been seen to run */
	bool by_row : 1;       /* it was read by BPF */
	bool quiet : 1;        /* by_row: it has neither run nor waited for two snapshots */
	bool
	    still : 1; /* without growth: the switches and waits for I/O are known not to have grown */
	bool has_switches : 1;
	bool has_blkio : 1;
	char state; /* '\0': unknown */
	uint64_t now[FIGURES];
	int64_t read_ns;           /* when it was last read */
	int64_t since_ns;          /* a wait that had not been added at read_ns began after this */
	int64_t asleep_ns;         /* it was seen asleep after this; 0: it was not */
	uint64_t switches[2];      /* voluntary, involuntary */
	uint64_t blkio_v;          /* ticks; ns if by_row */
	uint64_t majflt, start_ns; /* as in a row; by_row */
	const struct detail *detail; /* of one that was read from files */
};
_Static_assert(sizeof(void *) != 8 || sizeof(struct task) == 128, "two lines of the CPU caches");

struct tasks_process {
	uint32_t pid;
	bool by_row;            /* its threads are */
	bool knows_blkio;       /* by_row: the waits for I/O of those that are quiet are known */
	size_t first, n;        /* its threads: see tasks_of */
	size_t active, nactive; /* by_row: those that are not quiet; see tasks_next */
	size_t blocked, asleep; /* by_row: how many of the others are in these states */
	uint64_t majflt;        /* by_row: of its threads */
	unsigned born, ended;   /* threads, since the previous snapshot */
	bool unlisted;          /* its threads could not be listed */
	bool skipped;           /* one of its threads was skipped */
	bool exact;             /* the next two are known */
	uint64_t ended_ns;      /* its CPU clock without the run times of its threads */
	uint64_t links;         /* those of its directory task */
	uint64_t gone_majflt;   /* of threads that have ended; only with rows */
	const char *cgroup;     /* NULL: unknown */
	const struct group_names *names; /* of the cgroup; NULL: unknown */
	const struct detail *detail;
};

/* A unit that may be shown: a process with its threads, or one thread. */
struct tasks_unit {
	struct tasks_process *p;
	struct task *t; /* the first of its threads */
	size_t n;
	double key;            /* units are ranked by it */
	const char *pid, *tid; /* as texts; tid is NULL for a process */
	const struct detail *detail;
	double majflt;   /* growth; NaN */
	double quota_ns; /* the part of its wait in which a quota throttled it; NaN */
};

/* The quotas and the throttling of a cgroup and of its parents. */
struct throttling {
	const char *cgroup;
	bool known;
	bool recent;        /* it may have been throttled since the previous snapshot */
	bool keeps_threads; /* all threads of its processes are in it too */
	struct groups groups;
	struct group_cpu *cpu; /* of each group */
};

struct tasks_snapshot {
	const struct tasks_snapshot *before; /* the previous one; NULL: this is the first */
	struct tasks_process *v;             /* in the order of their pids */
	size_t n, cap;
	struct task *tasks; /* those that were read from files */
	size_t ntasks, nskipped;
	struct task *kept; /* those of rows; of the newest snapshot only */
	size_t nkept;
	uint32_t *active; /* the numbers of those that are not quiet; not in a first snapshot */
	size_t nactive, activecap;
	const char *source; /* "bpf-loop", "bpf-iter", "proc" */
	double unseen;      /* tasks that began and ended since the previous snapshot; NaN */
	double uptime_s;
	int64_t at_ns;            /* the sample's mono_ns */
	int64_t boot_ns;          /* not later than the boot, on the same clock */
	struct tasks_unit *units; /* the active ones, those that waited longest first */
	size_t nunits;
	struct throttling *throttling;
	size_t nthrottling, throttlingcap;
	int64_t late_ns; /* how long after the start of the sample the throttling was read */
};

static inline const struct tasks_options *
tasks_options(const struct watch *w)
{
	return w->ask->options;
}

enum { CGROUPS_MOST = 128 };

/* A cgroup that has been located. */
struct located {
	char *name;
	struct groups_watch groups;
};

/* The state of a tool that scans the threads begins with this struct. */
struct tasks_state {
	struct targets targets;
	const struct tasks_snapshot *last; /* NULL: none */
	struct located *located;
	size_t nlocated;
	bool clock_provided; /* see split.c */
	/* pq's CPU time at the previous scan (0: unknown), and the number of threads it read */
	uint64_t spent_ns;
	size_t nread;
	size_t from, quota;    /* read `quota` of the known threads, from this one on */
	double told_share;     /* share of skipped threads in the last note */
	bool all_visible;      /* /proc shows every task of the host */
	struct keyed forks;    /* of the host, at the first scan */
	uint64_t born, unseen; /* since then: new tasks in snapshots, and tasks in none */
	unsigned scans;
	/* the threads of two snapshots, in turn, with as much room as was ever needed */
	struct task *room[2];
	size_t roomcap[2];
	/* those of rows: each snapshot changes what the previous one had */
	struct task *kept;
	size_t keptcap;
	int64_t was_ns[2];   /* when the last snapshot was, and the one before */
	bool delayacct;      /* delay accounting is on */
	bool delayacct_told; /* the kernel tells whether it is */
	struct task_source source;
	struct names names; /* of the cgroups of rows */
	uint64_t jumped;    /* columns, as bits, of counters that grew by more than they can */
};

/* The threads of a process. */
static inline struct task *
tasks_of(const struct tasks_snapshot *s, const struct tasks_process *p)
{
	return (p->by_row ? s->kept : s->tasks) + p->first;
}

/* The threads of a process in turn, without those that are quiet; *i is 0 at first. NULL: there are no
 * more. */
struct task *tasks_next(const struct tasks_snapshot *s, const struct tasks_process *p, size_t *i);

/* The same, of the threads of a unit. */
const struct task *tasks_unit_next(
    const struct tasks_snapshot *s, const struct tasks_unit *u, size_t *i);

/* The row of a thread that is by_row, in the newest snapshot; it may be written to *room. */
const struct task_row *tasks_row(
    const struct watch *w, const struct task *t, struct task_row *room);

/* What has grown of a thread. */
const struct task_growth *growth_of(const struct task *t);

/* The same, to be changed. */
struct task_growth *growth_to_set(struct arena *a, struct task *t);

static inline struct keyed
task_blkio(const struct task *t)
{
	return (struct keyed){ .known = t->has_blkio, .v = t->blkio_v };
}

/* How much a counter of a task, that of this column, grew from one time to another. It may include
 * late_s more. NaN if it decreased, or grew by more than it can. */
double tasks_growth(struct watch *w, int column, struct keyed from, struct keyed to, double scale,
    int64_t span_ns, double late_s);

/* Reads the threads of the target: rows, or schedstat of each, for at most about budget_ns of CPU time. NULL with
 * w->fail or w->ended set. */
struct tasks_snapshot *tasks_scan(struct watch *w, struct arena *a, int64_t budget_ns);

/* Sets the rates of all tasks of a snapshot that is span_s seconds after the previous one. A rate
 * is over the time since the task was last read. */
void tasks_set_rates(const struct tasks_snapshot *s, double span_s);

/* Ranks the active units, and reads what rows show of the worst. */
void tasks_read_details(struct watch *w, struct arena *a, struct tasks_snapshot *s);

/* Reads the throttling of the cgroups of the units, and sets which part of their waits was for quota. */
void tasks_split_waits(struct watch *w, struct arena *a, struct tasks_snapshot *s);
void tasks_end_split(struct watch *w, struct tasks_state *state);

/* Finds the threads that wait for a CPU and did not run since the previous snapshot. No counter has
 * their wait yet. Returns how many they are. */
unsigned tasks_find_stuck(struct watch *w, struct arena *a, struct tasks_snapshot *s);

/* The process with this pid, or NULL. s may be NULL. */
struct tasks_process *tasks_find(const struct tasks_snapshot *s, uint32_t pid);

void tasks_free(struct watch *w, struct tasks_state *state);

#endif
