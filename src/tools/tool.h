/*
 * tool: the contract between a session and a tool. A tool answers one question: it reads files
 * into a snapshot, and turns two snapshots into rows. It does not print, sleep, exit or open
 * anything: what it has to say goes through watch_note and watch_fail, and the session says it.
 */
#ifndef PQ_TOOLS_TOOL_H
#define PQ_TOOLS_TOOL_H

#include "base/arena.h"
#include "base/fail.h"
#include "base/option.h"
#include "cgroup/groups.h"
#include "host/host.h"
#include "proc/cpulist.h"
#include "table/table.h"

/* What a tool is asked for. */
struct request {
	struct target target;
	const void *options; /* the tool's own, of its options_size */
};

/* The CPUs of -P; zeroed: all of them. */
struct cpu_choice {
	bool given;  /* -P was given: a row for each CPU */
	bool listed; /* only those of the list */
	struct cpulist list;
};

bool cpu_chosen(const struct cpu_choice *c, unsigned cpu);

/* -p, -g and -a, which are parsed into the request's target. */
extern const struct option option_pid, option_cgroup, option_all;

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
	struct gauge gauge;    /* what tick added; the sampler empties it after each row */
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

/* Checks at the first call that each listed CPU is online: false after watch_fail. Later they may
 * come and go. */
bool watch_check_cpus(struct watch *w, const struct cpu_choice *c, const struct cpulist *online);

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
	/* options that it shares with others, beside those that all tools with rows have, and
	 * NULL: &option_pid … */
	const struct option *const *shared;
	const struct option *options; /* its own, up to OPTION_END; NULL: none */
	size_t options_size;          /* of the struct that they are parsed into */
	const void *defaults;         /* that struct before anything is parsed; NULL: zeroed */
	/* checks and completes the options after all were parsed; false with a line in why; NULL:
	 * there is nothing to check */
	bool (*settle)(void *options, char why[200]);
	/* with other columns, and NULL: the first that suits is run instead; NULL: there are
	 * none */
	const struct tool *const *forms;
	bool (*suits)(const void *options); /* of such a form */
	const char *forms_by;               /* the options that ask for one: "-P" */
	/* the columns that text shows unless told otherwise, as -c takes them, beside those of -w;
	 * it, or what it returns, may be NULL: those without a group */
	const char *(*default_columns)(const struct request *ask);
	size_t state_size;
	bool costly; /* pq record leaves it out unless it is named */
	/* each row has the worst of many: no summary, as it would be of those times only */
	bool fleeting;
	/* looks become fewer when they take more than so many hundredths of a CPU; 0: they are
	 * cheap */
	unsigned costly_tick;

	/* Looks, at every tick and at every row before read, if there; tick_ns: how often between
	 * rows. */
	void (*tick)(struct watch *w);
	int64_t (*tick_ns)(const void *options);

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

/* Whether the tool has this one of the options that tools share. */
bool tool_takes(const struct tool *t, const struct option *o);

/* Whether it takes a target of that kind: -p, -g or -a, or none. */
bool tool_takes_target(const struct tool *t, const struct target *target);

/* What of the target the tool takes; the rest is left out. */
struct target tool_target(const struct tool *t, const struct target *target);

/* The tool's options as if none was given, and with `rows` for -n (0: all). From the arena. */
void *tool_defaults(const struct tool *t, struct arena *a, unsigned rows);

/* ---- Columns: pq why reads the rows of these tools by column. The column itself (key, heading,
 * unit, help) is in the table of its tool. */

enum runq_column {
	RUNQ_SZ,
	RUNQ_PLIST_SZ,
	RUNQ_LDAVG_1,
	RUNQ_LDAVG_5,
	RUNQ_LDAVG_15,
	RUNQ_BLOCKED,
	RUNQ_MAX,
	RUNQ_WAITING,
	RUNQ_SOME
};

enum cpu_column {
	CPU_NAME,
	CPU_USR,
	CPU_NICE,
	CPU_SYS,
	CPU_IOWAIT,
	CPU_IRQ,
	CPU_SOFT,
	CPU_STEAL,
	CPU_GUEST,
	CPU_GNICE,
	CPU_IDLE,
	CPU_ALLOWED
};

enum throttle_column {
	THROTTLE_CGROUP,
	THROTTLE_LIMIT,
	THROTTLE_LEVEL,
	THROTTLE_USED,
	THROTTLE_USED_PCT,
	THROTTLE_PERIODS,
	THROTTLE_THROTTLED,
	THROTTLE_THROTTLED_PCT,
	THROTTLE_HELD,
	THROTTLE_STALL,
	THROTTLE_BURSTS,
	THROTTLE_SOME,
	THROTTLE_FULL,
	THROTTLE_HIDDEN,
	THROTTLE_NOTE
};

enum mem_column {
	MEM_CGROUP,
	MEM_LIMIT,
	MEM_LEVEL,
	MEM_USED,
	MEM_WSET,
	MEM_WSET_PCT,
	MEM_HARD,
	MEM_HARD_PCT,
	MEM_ANON,
	MEM_FILE,
	MEM_KERNEL,
	MEM_SOCK,
	MEM_SHMEM,
	MEM_SWAP,
	MEM_HIGH,
	MEM_MAX,
	MEM_OOM,
	MEM_OOM_KILL,
	MEM_REFAULTS,
	MEM_MAJFAULTS,
	MEM_SOME,
	MEM_FULL,
	MEM_NOTE
};

/* The figures of the interval; the kernel's averages over 10, 60 and 300 s follow in the same
 * order. */
enum psi_column {
	PSI_CGROUP,
	PSI_CPU_SOME,
	PSI_CPU_FULL,
	PSI_MEMORY_SOME,
	PSI_MEMORY_FULL,
	PSI_IO_SOME,
	PSI_IO_FULL,
	PSI_IRQ_FULL,
	PSI_AVERAGES,
	PSI_FIGURES = PSI_AVERAGES - PSI_CPU_SOME,
	PSI_NOTE = PSI_AVERAGES + 3 * PSI_FIGURES
};

enum tasks_column {
	TASKS_PID,
	TASKS_TID,
	TASKS_CPU,
	TASKS_WAIT,
	TASKS_WAITS,
	TASKS_WAIT_US,
	TASKS_VCSW,
	TASKS_IVCSW,
	TASKS_THREADS,
	TASKS_STUCK,
	TASKS_RUNNING,
	TASKS_BLOCKED,
	TASKS_SLEEPING,
	TASKS_BORN,
	TASKS_ENDED,
	TASKS_MAJFLT,
	TASKS_BLKIO,
	TASKS_QUOTA,
	TASKS_CONTENTION,
	TASKS_COMM,
	TASKS_CGROUP
};

enum wait_column {
	WAIT_PID,
	WAIT_TID,
	WAIT_PROCESS,
	WAIT_COMM,
	WAIT_STATE,
	WAIT_CALL,
	WAIT_WHERE,
	WAIT_WCHAN,
	WAIT_UNINTERRUPTIBLE,
	WAIT_SHARE,
	WAIT_THREADS,
	WAIT_DURATION,
	WAIT_LASTING,
	WAIT_SAMPLES
};

#endif
