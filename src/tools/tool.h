/*
 * tool: what a tool is. A tool answers one question: it reads files into a snapshot, and turns two
 * snapshots into rows. It does not print, sleep, exit or open anything. It reports with watch_note
 * and watch_fail, and the session prints that.
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

/* ---- A run of a tool */

struct request {
	struct target target;
	unsigned most;       /* -n: print only so many rows; 0: all */
	const char *sort;    /* --sort: the key of a column; NULL: the tool's own order */
	const void *options; /* the tool's own struct, of its options_size */
};

/* The argument of -P. Zeroed: all CPUs. */
struct cpu_choice {
	bool given;  /* -P was given */
	bool listed; /* with a list, not ALL */
	struct cpulist list;
};

bool cpu_chosen(const struct cpu_choice *c, unsigned cpu);

/* Collects the samples of a gauge. */
struct gauge {
	double sum, max;
	double last; /* the sample of the last tick; NaN: it had none */
	unsigned n;
};

void gauge_add(struct gauge *g, double value);

/* NaN if there were no samples. */
double gauge_mean(const struct gauge *g);
double gauge_max(const struct gauge *g);

struct watch {
	struct host *host;
	const struct request *ask;
	const int *shown; /* the columns that are shown: no note is needed about others */
	int nshown;
	struct arena arena;    /* lives as long as the run */
	void *state;           /* the tool's own struct, of its state_size, zeroed at first */
	char (*cpu_names)[8];  /* by number: see watch_cpu_name */
	bool cpus_checked;     /* see watch_check_cpus */
	struct gauge gauge;    /* filled by ticks; the session empties it after each row */
	enum exit_status fail; /* set by watch_fail */
	bool ticks;            /* there are ticks between rows, on a live host */
	bool no_ticks;         /* set by a tick: it is not needed between rows */
	uint64_t left_out;     /* ticks that were left out, as they would have cost too much */
	int64_t now_ns;        /* the sample's mono_ns */
	bool ended;            /* set by the tool: its target is gone, and no more rows follow */
	const char *hidden;    /* why rows lack tasks that exist; NULL if they lack none */
	void (*note)(struct watch *, const char *message);
};

/* Prints a line on stderr; repeats of the same line are dropped. */
void watch_note(struct watch *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Says why there are no rows, and sets the exit status. Returns NULL, for a tool's read to
 * return. */
void *watch_fail(struct watch *w, enum exit_status status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

bool watch_shows(const struct watch *w, int column);

/* At the first call: false after watch_fail if a listed CPU is not online. Later, CPUs may come and
 * go. */
bool watch_check_cpus(struct watch *w, const struct cpu_choice *c, const struct cpulist *online);

/* The CPU's number as a label that lives as long as the run. */
const char *watch_cpu_name(struct watch *w, unsigned cpu);

/* How many CPUs are online in this sample, or can be: an upper bound. Adds a file to the sample. */
double watch_cpus(struct watch *w);

/* Says, once for each column, that its counter grew by more than it can, and if fell is set, that it
 * decreased. */
void watch_tell_counters(struct watch *w, const struct interval *t, bool fell);

/* ---- What a tool declares */

struct options;

struct tool {
	const char *name, *brief;
	const char *examples; /* for --help: lines of two blanks, a command, and its purpose */
	const struct column *columns; /* NULL: it makes no rows */
	/* the options of several tools that it has, and NULL: &option_pid … */
	const struct option *const *shared;
	/* for --help: what some of these do in this tool; NULL: their own lines */
	struct {
		const char *pid, *cgroup, *all, *most, *source;
	} shared_help;
	const struct option *options; /* its own, up to OPTION_END; NULL: none */
	size_t options_size;          /* of the struct that they are parsed into */
	const void *defaults;         /* the initial value of that struct; NULL: zeroed */
	/* checks and completes the parsed options; false with a line in why; may be NULL */
	bool (*settle)(void *options, char why[200]);
	/* variants with other columns, and NULL: the first that suits the request runs instead; may
	 * be NULL */
	const struct tool *const *forms;
	bool (*suits)(const struct request *ask); /* of such a variant */
	/* shared options that select a variant, which has them in `shared`; NULL: none */
	const struct option *const *forms_shared;
	const char *forms_by; /* the options that select one: "-P" */
	/* the columns of text, as -c takes them, unless the user chooses others; those of -w are
	 * added. If it is or returns NULL: the columns without a group */
	const char *(*default_columns)(const struct request *ask);
	const char *spark; /* the columns of its main figures, as -c takes them, for --spark */
	size_t state_size;
	bool costly;          /* pq export includes it only if it is named */
	const void *exported; /* its usual options in pq export; NULL: the same as elsewhere */
	/* pq record includes it even if it is not named, and reads it this often, or at the
	 * recorder's interval if that is longer; 0: not included */
	int64_t recorded_ns;
	/* its rows come and go: one row over a long time is added up from rows of parts of it */
	bool adds_up;
	/* each row has the worst of many, so that a summary of the rows would be wrong */
	bool fleeting;
	/* ticks become rarer if they take more than this many hundredths of a CPU; 0: they are
	 * cheap */
	unsigned costly_tick;
	bool tick_walks; /* they walk over threads: pq export has none between rows */

	/* Samples a gauge: at every tick, and at every row before read. May be NULL. tick_ns is the
	 * interval between ticks. */
	void (*tick)(struct watch *w);
	int64_t (*tick_ns)(const void *options);

	/* Reads what a row needs into a snapshot in the arena. NULL after watch_fail, or with
	 * w->ended. */
	void *(*read)(struct watch *w, struct arena *a);

	/* Makes the rows from two snapshots that are span_s seconds apart. Labels may point into
	 * the later one. */
	void (*rows)(
	    struct watch *w, const void *from, const void *to, double span_s, struct table *out);

	/* After the last row: writes what is made of all rows, or watch_fail. May be NULL. */
	void (*finish)(struct watch *w);

	/* Of a tool with -n: what makes a row worse than others. With -a its rows come in this order,
	 * the worst first. */
	double (*worst)(const struct cell *row);

	/* Frees what the state holds outside the arenas. May be NULL. */
	void (*release)(struct watch *w);

	/* Instead of all that, for a tool without rows (record, tape), or whose rows are not from
	 * samples (who: it calls `rows` itself); `usage` is the part of the usage line after its
	 * name. */
	enum exit_status (*command)(const struct options *o);
	const char *usage;
	/* another tool, which it runs as a program of its own: "pq-record report" is pq report */
	const struct tool *runs;
	bool judges; /* its exit status is a verdict: errors are UNKNOWN, 3 */
};

/* They are parsed into the request: -p, -g and -a into its target, and -n and --sort. */
extern const struct option option_pid, option_cgroup, option_all, option_most, option_sort;

/* Sorts the rows as --sort wants, or by the tool's own key, the largest first. */
void tool_sort(const struct watch *w, struct table *t, double (*key)(const struct cell *row));

/* Whether the tool has this shared option. */
bool tool_takes(const struct tool *t, const struct option *o);

/* The tool, or the form of it that suits the request. */
const struct tool *tool_form(const struct tool *t, const struct request *ask);

/* Whether the tool has the option that chose this target. */
bool tool_takes_target(const struct tool *t, const struct target *target);

/* The target without the parts that the tool has no option for. */
struct target tool_target(const struct tool *t, const struct target *target);

/* The tool's options if none is given, with `rows` for -n (0: all). In the arena. */
void *tool_defaults(const struct tool *t, struct arena *a, unsigned rows);

/* ---- The tools */

extern const struct tool tool_runq, tool_cpu, tool_throttle, tool_mem, tool_tasks, tool_runqlat,
    tool_wait, tool_psi, tool_disk, tool_sock;
extern const struct tool tool_record, tool_tape, tool_trace, tool_export, tool_check, tool_why,
    tool_limits, tool_who, tool_report, tool_diff, tool_top;

/* Those that make rows, and NULL. */
extern const struct tool *const tools[];

/* The tool of that name among them, or NULL. */
const struct tool *tools_find(struct text name);

/* ---- The limits from which figures hurt, and hurt much: for marks in rows, the bars of pq top and the rules of
 * pq why */

enum {
	IDLE_LOW = 20, /* of CPUs, in % */
	IDLE_VERY_LOW = 5,
	STEAL_HIGH = 10,
	STEAL_VERY_HIGH = 40,
	THROTTLED_PCT_HIGH = 5,
	THROTTLED_PCT_VERY_HIGH = 20,
	HARD_PCT_HIGH = 80,
	HARD_PCT_VERY_HIGH = 95,
	CPU_SOME_HIGH = 10, /* pressure, in % */
	CPU_SOME_VERY_HIGH = 40,
	MEMORY_SOME_HIGH = 5,
	MEMORY_SOME_VERY_HIGH = 20,
	IO_SOME_HIGH = 20,
	IO_SOME_VERY_HIGH = 50,
	FULL_VERY_HIGH = 20, /* pressure of memory and I/O that stops all tasks */
	WAIT_PCT_HIGH = 20,
	WAIT_PCT_VERY_HIGH = 100,
	UTIL_HIGH = 80,
	UTIL_VERY_HIGH = 95,
	IO_LIMIT_HIGH = 80,
	IO_LIMIT_VERY_HIGH = 95,
	DIRTY_PCT_HIGH = 70,
	ACCEPT_PCT_HIGH = 50,
	ACCEPT_PCT_VERY_HIGH = 90,
};

/* For each CPU: the run queue, the tasks that wait. */
#define RUNQ_HIGH 1.1
#define RUNQ_VERY_HIGH 2
#define WAITING_HIGH 0.15
#define WAITING_VERY_HIGH 1
/* CPUs that a quota held back. */
#define HELD_HIGH 0.05
#define HELD_VERY_HIGH 0.25
/* The first event hurts; a rate rounds to 0.1. */
#define ANY_EVENT 0.05

/* The members of a column that say so. */
#define HURTS_FROM(limit) .high = limit##_HIGH, .very_high = limit##_VERY_HIGH

/* ---- Columns: pq why reads the rows of these tools by column. The column itself (key, heading,
 * unit, help) is in the table of its tool. */

#define GROUP_NAMES_OF(tool) tool##_POD, tool##_NAMESPACE, tool##_CONTAINER, tool##_UNIT, tool##_JOB

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
	GROUP_NAMES_OF(THROTTLE),
	THROTTLE_NOTE
};

enum mem_column {
	MEM_CGROUP,
	MEM_LIMIT,
	MEM_LEVEL,
	MEM_HIGH_BYTES,
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
	GROUP_NAMES_OF(MEM),
	MEM_NOTE
};

/* Before each figure of the interval are the kernel's averages over 10, 60 and 300 s, as in sar. */
#define PSI_WITH_AVERAGES(figure) figure##_10, figure##_60, figure##_300, figure
enum psi_column {
	PSI_CGROUP,
	PSI_WITH_AVERAGES(PSI_CPU_SOME),
	PSI_WITH_AVERAGES(PSI_CPU_FULL),
	PSI_WITH_AVERAGES(PSI_IO_SOME),
	PSI_WITH_AVERAGES(PSI_IO_FULL),
	PSI_WITH_AVERAGES(PSI_MEMORY_SOME),
	PSI_WITH_AVERAGES(PSI_MEMORY_FULL),
	PSI_WITH_AVERAGES(PSI_IRQ_FULL),
	GROUP_NAMES_OF(PSI),
	PSI_NOTE
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
	TASKS_CGROUP,
	TASKS_SOURCE,
	GROUP_NAMES_OF(TASKS)
};

/* Where the figures of tasks come from, in the order of the names in tasks.c, which has none for the
 * first. */
enum tasks_source {
	TASKS_ANY, /* BPF if it is available, else files */
	TASKS_BPF, /* the first of the two modes of BPF */
	TASKS_BPF_LOOP,
	TASKS_BPF_ITER,
	TASKS_PROC
};

/* pq why asks for threads. */
struct tasks_options {
	bool threads;      /* a row is a thread */
	bool by_cgroup;    /* a row is a cgroup */
	const char *comm;  /* only commands with this in their name; NULL: all */
	unsigned rows;     /* at most; 0: all */
	int64_t budget_ns; /* CPU time of pq for a row */
	enum tasks_source source;
};

/* As iostat -x has them, and then pq's own. */
enum disk_column {
	DISK_NAME,
	DISK_R,
	DISK_RKB,
	DISK_RRQM,
	DISK_RRQM_PCT,
	DISK_R_AWAIT,
	DISK_RAREQ_SZ,
	DISK_W,
	DISK_WKB,
	DISK_WRQM,
	DISK_WRQM_PCT,
	DISK_W_AWAIT,
	DISK_WAREQ_SZ,
	DISK_D,
	DISK_DKB,
	DISK_DRQM,
	DISK_DRQM_PCT,
	DISK_D_AWAIT,
	DISK_DAREQ_SZ,
	DISK_F,
	DISK_F_AWAIT,
	DISK_AQU_SZ,
	DISK_UTIL,
	DISK_FLIGHT_MAX,
	DISK_FLIGHT,
	DISK_REQUESTS,
	DISK_SCHEDULER,
	DISK_BUSY,
	DISK_BEHIND,
	DISK_PART_OF,
	DISK_ALIAS
};

/* With -G, -g and -p. */
enum diskg_column {
	DISKG_CGROUP,
	DISKG_DEVICE,
	DISKG_R,
	DISKG_RKB,
	DISKG_W,
	DISKG_WKB,
	DISKG_D,
	DISKG_DKB,
	DISKG_LIMIT_PCT,
	DISKG_LIMIT,
	DISKG_RKB_MAX,
	DISKG_WKB_MAX,
	DISKG_R_MAX,
	DISKG_W_MAX,
	DISKG_SOME,
	DISKG_FULL,
	DISKG_DIRTY,
	DISKG_WRITEBACK,
	DISKG_DIRTY_PCT,
	GROUP_NAMES_OF(DISKG),
	DISKG_NOTE
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
	WAIT_STACK,
	WAIT_KERNEL_STACK,
	WAIT_SAMPLES,
	WAIT_LOCK,
	WAIT_OWNER_PID,
	WAIT_OWNER_TID,
	WAIT_OWNER_COMM,
	WAIT_OWNER_SHARE,
	WAIT_OWNERS,
	WAIT_OWNER_DOING,
	WAIT_CHAIN,
	WAIT_DEADLOCK,
	WAIT_HELD_BY,
	WAIT_SOURCE
};

enum who_column {
	WHO_VICTIM,
	WHO_BEHIND,
	WHO_WAIT,
	WHO_SHARE,
	WHO_LONGEST,
	WHO_WAITS,
	WHO_SLOW,
	WHO_CULPRIT,
	WHO_SELF_MS,
	WHO_NEIGHBOUR_MS,
	WHO_KERNEL_MS,
	WHO_IDLE_MS,
	WHO_QUOTA_MS,
	WHO_INTERRUPT_MS,
	WHO_STEAL_MS,
	WHO_UNKNOWN_MS,
	WHO_ELSEWHERE,
	WHO_LASTING,
	WHO_LEFT_OUT,
	WHO_LONGEST_TID,
	WHO_LONGEST_END,
	WHO_SOURCE,
	WHO_NOTE
};

/* Where the figures of who come from, in the order of the names in who.c, which has none for the first. */
enum who_source { WHO_ANY, WHO_BPF, WHO_PROC };

/* pq why asks for rows of its own. */
struct who_options {
	const char *source; /* -f: a saved trace; NULL: this machine */
	bool threads;       /* a row is a thread */
	unsigned rows;      /* at most; 0: all */
	int64_t slow_ns;    /* waits of at least that count as slow */
	int from;           /* --source: enum who_source */
	bool utc;           /* -u */
};

enum sock_column {
	SOCK_TYPE,
	SOCK_ACCEPT,
	SOCK_ACCEPT_MAX,
	SOCK_CAP,
	SOCK_FULL,
	SOCK_OVERFLOW,
	SOCK_RECV,
	SOCK_UNREAD_MS,
	SOCK_SEND,
	SOCK_UNSENT,
	SOCK_UNACKED,
	SOCK_RTT,
	SOCK_RETRANS,
	SOCK_DROP,
	SOCK_COOKIE,
	SOCK_ZERO_WINDOW,
	SOCK_WINDOW_PCT,
	SOCK_SNDBUF_PCT,
	SOCK_RECV_AGO,
	SOCK_ACK_AGO,
	SOCK_RMEM,
	SOCK_RCVBUF,
	SOCK_WMEM,
	SOCK_SNDBUF,
	SOCK_COUNT,
	SOCK_LEAST,
	SOCK_PID,
	SOCK_OWNERS,
	SOCK_STATE,
	SOCK_PROCESS,
	SOCK_LOCAL,
	SOCK_PEER,
	SOCK_MEANING,
	SOCK_CGROUP,
	SOCK_NETNS
};

/* Of pq sock -P. */
enum softnet_column {
	SOFTNET_CPU,
	SOFTNET_PACKETS,
	SOFTNET_BACKLOG,
	SOFTNET_BACKLOG_MAX,
	SOFTNET_DROPS,
	SOFTNET_SQUEEZED,
	SOFTNET_CARD_DROPS,
	SOFTNET_LIMIT,
	SOFTNET_BUDGET
};

#endif
