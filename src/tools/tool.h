/*
 * tool: the contract between the driver and a tool. A tool answers one question: it reads files
 * into a snapshot, and turns two snapshots into rows. It does not print, sleep, exit or open
 * anything: what it has to say goes through watch_note and watch_fail, and the driver says it.
 */
#ifndef PQ_TOOLS_TOOL_H
#define PQ_TOOLS_TOOL_H

#include "base/arena.h"
#include "base/fail.h"
#include "cgroup/groups.h"
#include "host/host.h"
#include "proc/cpulist.h"
#include "table/table.h"

/* From where the waits of runqlat are known; ANY: the first that can be had, BPF: the first of the
 * three ways to count them there. */
enum latency_source {
	LATENCY_ANY,
	LATENCY_BPF,
	LATENCY_BPF_BTF,
	LATENCY_BPF_RAW,
	LATENCY_BPF_TP,
	LATENCY_SCHEDSTAT,
	LATENCY_PROBE
};

/* What was asked on the command line, as far as tools care. */
struct request {
	struct target target;
	bool per_cpu;        /* -P was given */
	bool all_cpus;       /* -P ALL, or no -P */
	struct cpulist cpus; /* -P LIST */
	bool allowed;        /* --allowed: only CPUs that the process may run on */
	unsigned busiest;    /* --busiest N; 0: all */
	bool threads;        /* -t: a row is a thread, not a process */
	bool by_cgroup;      /* -G: a row is a cgroup */
	const char *comm;    /* -C: only commands with this in their name; NULL: all */
	/* -n, or what suits the format: so many rows, the worst; 0: all */
	unsigned most;
	int64_t budget_ns;          /* --budget: CPU time of pq for a row */
	enum latency_source source; /* --source */
	int64_t period_ns;          /* --period: so often the probe looks */
	bool histogram, millis;     /* -H, -m */
	bool verbose;               /* -v: what the measurement costs, too */
	unsigned hz;                /* --hz: so many looks a second */
	/* --slow: a row for each wait that took so long; 0: not given */
	int64_t slow_ns;
	bool idle;   /* --idle: with --slow, those for something to do too */
	bool folded; /* --folded: lines for flame graphs */
};

/* Options that a tool takes beside those that all take. TAKES_ROWS is what all take that make rows,
 * TAKES_RECORD and TAKES_WORK are pq record's and pq tape's, TAKES_EXPORT is pq export's,
 * TAKES_WAIT pq wait's, TAKES_VERDICT is of tools that judge, TAKES_CHECK pq check's, TAKES_LIMITS
 * pq limits's. */
enum takes {
	TAKES_PID = 1,
	TAKES_CGROUP = 2,
	TAKES_ALL = 4,
	TAKES_CPUS = 8,
	TAKES_ALLOWED = 16,
	TAKES_BUSIEST = 32,
	TAKES_TICK = 64,
	TAKES_TARGET = TAKES_PID | TAKES_CGROUP | TAKES_ALL,
	TAKES_ROWS = 128,
	TAKES_RECORD = 256,
	TAKES_WORK = 512,
	TAKES_THREADS = 1024,
	TAKES_MOST = 2048,
	TAKES_COMM = 4096,
	TAKES_BY_CGROUP = 8192,
	TAKES_BUDGET = 16384,
	TAKES_WAIT = 32768,
	TAKES_LATENCY = 65536,
	TAKES_EXPORT = 131072,
	TAKES_LIMITS = 262144,
	TAKES_VERDICT = 524288,
	TAKES_CHECK = 1048576,
	TAKES_WINDOW = TAKES_ROWS | TAKES_WORK | TAKES_VERDICT
};

/* A level that was looked at many times since the last row. */
struct gauge {
	double sum, max;
	unsigned n;
};

/* A run of a tool, from the tool's side. */
struct watch {
	struct host *host;
	const struct request *ask;
	/* the columns that are shown, so many: what nobody sees needs no word why it is unknown */
	const int *shown;
	int nshown;
	struct arena arena;    /* for what lives as long as the run */
	void *state;           /* the tool's own, of its state_size, zeroed at first */
	char (*cpu_names)[8];  /* by number, see watch_cpu_name */
	bool cpus_checked;     /* see watch_check_cpus */
	struct gauge gauge;    /* what tick added; the driver empties it after each row */
	enum exit_status fail; /* set by watch_fail */
	bool no_ticks;         /* set by a tick: ticks between rows are not needed */
	int64_t now_ns;        /* the moment's mono_ns, at tick and at read */
	/* set by a tool: what it watched is gone, and there will be no more rows */
	bool ended;
	void (*note)(struct watch *, const char *message);
};

/* One line for stderr, however often it is said. */
void watch_note(struct watch *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Why there is nothing to show, and the program's exit status. Returns NULL, for a tool's read to
 * return. */
void *watch_fail(struct watch *w, enum exit_status status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Whether this column is shown. */
bool watch_shows(const struct watch *w, int column);

/* At the first call, that each CPU of -P LIST is online: false after watch_fail. Later they may go
 * and come. */
bool watch_check_cpus(struct watch *w, const struct cpulist *online);

/* The CPU's number as a label; it lives as long as the run. */
const char *watch_cpu_name(struct watch *w, unsigned cpu);

/* Adds what a tick saw to the gauge. */
void gauge_add(struct gauge *g, double value);

/* The mean of what was seen, NaN when nothing was. */
double gauge_mean(const struct gauge *g);
double gauge_max(const struct gauge *g);

struct options;

struct tool {
	const char *name, *brief;
	const char *examples; /* for --help: lines of two blanks, a command, and what it is for */
	const struct column *columns; /* NULL: it makes no rows */
	unsigned takes;
	/* with other columns, and NULL: the first that suits is run instead; NULL: there are
	 * none */
	const struct tool *const *forms;
	bool (*suits)(const struct request *ask); /* of such a form */
	const char *forms_by;                     /* the options that ask for one: "-P" */
	/* The columns that text shows if not told otherwise, as -c has them, with those of -w. It or
	 * what it gives may be NULL: by groups alone. */
	const char *(*default_columns)(const struct request *ask);
	size_t state_size;
	bool costly; /* pq record leaves it out unless it is named */
	/* each row has the worst of many: no summary, as it would be of those times only */
	bool fleeting;
	/* looks become fewer when they take more than so many hundredths of a CPU; 0: they are
	 * cheap */
	unsigned costly_tick;

	/* Looks, at every tick and at every row before read, if there. */
	void (*tick)(struct watch *w);

	/* Reads what a row needs into a snapshot, all of it in the arena. NULL after watch_fail, or
	 * with w->ended. */
	void *(*read)(struct watch *w, struct arena *a);

	/* Makes the rows of what lies between two snapshots, span_s seconds apart. Labels may point
	 * into the later one. */
	void (*rows)(
	    struct watch *w, const void *from, const void *to, double span_s, struct table *out);

	/* Gives back what the state holds outside the arenas, if there. */
	void (*release)(struct watch *w);

	/* What makes no rows (record, tape) has only this, with `usage`: what comes behind the
	 * name. */
	enum exit_status (*command)(const struct options *o);
	const char *usage;
	/* its exit status is a verdict: what it dies of is UNKNOWN, 3 */
	bool judges;
};

/* Those that make rows; what is done with their recordings; metrics of them; what judges by their
 * rows; one page. */
extern const struct tool tool_runq, tool_cpu, tool_throttle, tool_mem, tool_tasks, tool_runqlat,
    tool_wait, tool_psi;
extern const struct tool tool_record, tool_tape;
extern const struct tool tool_export;
extern const struct tool tool_check, tool_why;
extern const struct tool tool_limits;

/* Those that make rows, and NULL. */
extern const struct tool *const tools[];

/* The one of that name, or NULL. */
const struct tool *tools_find(struct text name);

#endif
