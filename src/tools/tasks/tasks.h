/*
 * tasks: what the parts of pq tasks share. A row's costs decide how it reads: schedstat of all
 * threads, which is cheap, ranks them (tasks_scan.c); stat, status and cgroup are read of those
 * that are shown (tasks_detail.c), and the throttling of their cgroups (tasks_split.c). What is
 * read follows from what the files say, so that a recording replays.
 */
#ifndef PQ_TASKS_TASKS_H
#define PQ_TASKS_TASKS_H

#include "cgroup/quota.h"
#include "proc/task.h"
#include "tools/targets.h"
#include "tools/tool.h"

enum figure { RUN_NS, WAIT_NS, SLICES, FIGURES };

/* What stat tells of a process or a thread. */
struct detail {
	const char *name; /* NULL: it was not read */
	struct task_stat stat;
};

/* A thread at a moment. */
struct task {
	const struct task *before; /* a moment earlier; NULL: it was not seen then */
	uint32_t tid;
	bool born;    /* it has begun since then */
	bool read;    /* in this moment; else the budget passed it over */
	bool moved;   /* it was on a CPU since it was looked at before */
	bool counted; /* grown is known */
	bool stuck;   /* it waits for a CPU, and did so all the time */
	char state;   /* of status, as long as it has not moved; '\0': not known */
	bool has_switches;
	uint64_t now[FIGURES];
	double grown[FIGURES]; /* since it was looked at before */
	double rate[FIGURES];  /* per second, of that time: rows() sets it */
	double age_s;          /* so long before the moment before that was */
	uint64_t switches[2];  /* voluntary, involuntary */
	double switched[2];    /* their growth; NaN */
	struct keyed blkio;    /* ticks */
	double blocked_ticks;  /* their growth; NaN */
	const char *label;     /* with -t, of those that are shown */
	struct detail *detail; /* the same */
	double was_majflt;     /* NaN */
	double quota_ns;       /* of grown[WAIT_NS], what was for want of quota; NaN */
};

struct tasks_process {
	uint32_t pid;
	size_t first, n;      /* its tasks */
	unsigned born, ended; /* threads, since the moment before */
	bool unlisted;        /* its list of threads could not be had */
	bool active;          /* a thread of it moved or is stuck */
	bool skipped;         /* a thread of it was passed over */
	unsigned stuck;
	double wait_ns;     /* what ranks it */
	const char *label;  /* its number, of those that are shown */
	const char *cgroup; /* NULL: not known */
	struct detail *detail;
	double was_majflt;
	double quota_ns;
};

/* What is to be a row: a process, or one thread of it. */
struct tasks_entry {
	struct tasks_process *p;
	struct task *t; /* NULL: the process */
	double key;
};

/* A cgroup's quotas and throttling, and those of the levels above. */
struct held {
	const char *cgroup;
	bool known;
	bool keeps_threads; /* no thread of its processes is in another cgroup */
	struct groups groups;
	struct group_cpu *cpu;
};

struct tasks_snapshot {
	struct tasks_process *v;
	size_t n, cap;
	struct task *tasks;
	size_t ntasks;
	size_t looked, passed; /* tasks read; those that the budget passed over */
	/* tasks of the machine that began and ended since the moment before; NaN */
	double unseen;
	double uptime_s;           /* NaN */
	struct tasks_entry *units; /* those that did something, the worst first */
	size_t nunits;
	struct held *held;
	size_t nheld, heldcap;
	bool first; /* nothing is before it */
};

enum { HELD_MOST = 128 };

/* A cgroup that is watched for its throttling. */
struct watched {
	char *name;
	struct groups_watch groups;
};

struct tasks_options {
	bool threads;      /* a row is a thread, not a process */
	bool by_cgroup;    /* a row is a cgroup */
	const char *comm;  /* only commands with this in their name; NULL: all */
	unsigned rows;     /* so many, the worst; 0: all */
	int64_t budget_ns; /* CPU time of pq for a row */
};

static inline const struct tasks_options *
tasks_options(const struct watch *w)
{
	return w->ask->options;
}

struct tasks_state {
	struct targets targets;
	const struct tasks_snapshot *last; /* the moment before, NULL if there is none */
	struct watched *watched;
	size_t nwatched;
	uint64_t spent_ns; /* pq's CPU time at the moment before; 0: not known */
	size_t looked;     /* tasks read in the moment before */
	/* of the tasks known, so many from there on are looked at; SIZE_MAX: all */
	size_t from, quota;
	double told_share;     /* of what was passed over, that was told */
	bool whole;            /* /proc shows the tasks of all the machine */
	struct keyed forks;    /* at the first moment; since then: */
	uint64_t born, unseen; /* new tasks that were seen; others, that were told of */
	unsigned scans;
	/* of the tasks of two snapshots, by turns: the largest that there is */
	struct task *room[2];
	size_t roomcap[2];
	bool delayacct; /* delay accounting is on */
};

/* Whom to look at, and schedstat of their threads, for so much CPU time. NULL with w->fail or
 * w->ended set. */
struct tasks_snapshot *tasks_scan(struct watch *w, struct arena *a, int64_t budget_ns);

/* Sets the rates of all tasks of a snapshot, which is span_s seconds after the one before: over the
 * time since each was looked at before. */
void tasks_set_rates(const struct tasks_snapshot *s, double span_s);

/* Ranks what is active, and reads of the worst what rows show. */
void tasks_detail(struct watch *w, struct arena *a, struct tasks_snapshot *s);

/* Reads how much the cgroups of these units were held back, and splits their waits. */
void tasks_split(struct watch *w, struct arena *a, struct tasks_snapshot *s, size_t nunits);
void tasks_split_end(struct tasks_state *state);

/* The process of that pid, or NULL. */
struct tasks_process *tasks_find(const struct tasks_snapshot *s, uint32_t pid);

#endif
