/*
 * why: what the parts of pq why share. evidence.c collects the rows of the tools; causes.c, quota.c,
 * memory.c, threads.c, sockets.c, disks.c and target.c have the rules that judge them; finding.c keeps
 * and prints what the rules found.
 */
#ifndef PQ_WHY_WHY_H
#define PQ_WHY_WHY_H

#include "base/buf.h"
#include "base/fail.h"
#include "base/sentence.h"
#include "cgroup/limit_changes.h"
#include "session/session.h"
#include "tools/disk/disk.h"
#include "tools/tool.h"

#pragma GCC diagnostic error "-Wenum-conversion"

/* ---- Evidence: the rows of each tool, and how memory grew */

/* Each tool has its own row type, which is read by the columns of that tool:
 * mem_num(e->mem, row, MEM_HARD). The rows or the column of another tool do not compile. A number is
 * NaN, and a label "", if it is unknown or the row does not exist. */

/* The sampler may be NULL: it has no rows. rows_most and rows_find return rows_count if there is no
 * such row. */
size_t rows_count(const struct sampler *s);
double rows_num(const struct sampler *s, size_t row, int column);
const char *rows_text(const struct sampler *s, size_t row, int column);
const char *rows_brief(const struct sampler *s, size_t row, int column);
size_t rows_most(const struct sampler *s, int column);
size_t rows_find(const struct sampler *s, int column, const char *label);

/* Defines struct mem_rows and: mem_count, the number of rows; mem_num and mem_text, a number and a
 * label; mem_brief, what people call the label; mem_most, the row with the largest number; mem_find, the row with that label. */
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
	static inline const char *tool##_brief( \
	    struct tool##_rows r, size_t row, enum tool##_column c) \
	{ \
		return rows_brief(r.of, row, (int)c); \
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
ROWS_OF(disk);
ROWS_OF(diskg);
ROWS_OF(wait);
ROWS_OF(who);
ROWS_OF(sock);
ROWS_OF(softnet);

/* How the unreclaimable memory of a cgroup grew from step to step. */
struct growth {
	char *cgroup, *name;            /* its path, and what people call it */
	double first, last, least_step; /* bytes; the smallest growth between two steps */
	int64_t first_ns, last_ns;      /* when it was first and last read */
	double limit;
	unsigned steps;
};

enum { GROWTHS_MOST = 64 };

/* The rows of a cgroup while one limit held, added up. NaN: unknown in one of them, or of the other
 * tool. */
struct phase {
	int64_t from_ns, to_ns; /* CLOCK_REALTIME */
	double span_s;          /* 0: no such phase */
	double limit;           /* CPUs or bytes; NaN: none, or unknown */
	double periods, throttled, held_s;
	double hits, hard, hard_pct; /* `hard` and its share: the most of all steps */
};

/* By cgroup: its first phase, the worst and the last. */
struct phases_of;
struct phases {
	struct map cgroups;
	struct phases_of *v;
	uint32_t room;
	int64_t taken_ns;
};

/* The bytes that were unread longest, of all steps; ms is 0 if there are none. */
struct unread {
	double ms, bytes;
	const char *local, *peer, *process, *pid;
};

/* The process of -p. */
enum life { LIFE_RUNS, LIFE_STOPPED, LIFE_ZOMBIE, LIFE_ENDED };

struct target_life {
	enum life state;
	uint64_t pid;
	struct keyed start;         /* field 22 of stat: tells it from a later one of that number */
	unsigned samples, stopped;  /* how often it was read, and was stopped then */
	int64_t first_ns, since_ns; /* when it was first read; when it was seen to have exited */
	bool reaped;                /* a zombie that has gone */
	struct keyed code;          /* field 52: exit status, or the signal that stopped it */
	struct keyed other;         /* the parent of a zombie, the tracer of a stopped process */
	const char *other_name;
	double age_s; /* when it had exited: since it began; NaN if unknown */
};

/* What pq why judges by; see evidence_answers. */
enum question {
	ASKS_CPU,       /* how busy the CPUs are */
	ASKS_QUEUE,     /* the run queue */
	ASKS_PROCESSES, /* of the machine: all of them */
	ASKS_QUOTA,
	ASKS_MEMORY,
	ASKS_PRESSURE,
	ASKS_SOCKETS, /* queues of sockets, in the network namespace */
	ASKS_TARGET,  /* the threads of -p or -g */
	QUESTIONS
};

struct evidence {
	struct session session;
	/* its samplers are in this session, which another evidence has; NULL: in its own */
	struct session *joined;
	/* of the machine */
	struct runq_rows runq;
	struct cpu_rows cpus;
	struct psi_rows psi;
	struct tasks_rows tasks;
	struct disk_rows disks;
	struct diskg_rows io;   /* of all cgroups, after a row of the machine */
	struct io_of *io_first; /* what threads had read and written at the beginning */
	size_t nio;
	struct softnet_rows softnet;
	/* of -p or -g, else of pq's own network namespace; sock_step: of the last step only */
	struct sock_rows sock, sock_step;
	struct unread unread;
	/* of the cgroups of -p or -g, else of all with a limit; mem_step: of the last step only */
	struct throttle_rows throttle;
	struct mem_rows mem, mem_step;
	/* of -p or -g; empty without them */
	struct tasks_rows target;
	struct psi_rows target_psi;
	struct diskg_rows target_io;
	struct wait_rows wait; /* of each thread */
	/* how often the threads had been sampled at the last two calls of evidence_row; 0 without them */
	unsigned wait_ticks[2];
	struct who_rows
	    who; /* of each cgroup, or the process; only live, and where BPF may be used */
	struct tasks_rows threads;
	struct cpulist allowed; /* the CPUs that its threads may run on */
	bool allowed_known;
	const struct target *about; /* -p or -g; all NULL without them */
	const char *option; /* the same for the commands in advice: " -p 4242", " -g /web" or "" */
	struct arena arena, row; /* `row` is emptied by evidence_row */
	struct growth growth[GROWTHS_MOST];
	size_t ngrowth;
	struct target_life life;
	struct limit_changes changes; /* of the target's cgroup and its parents, else of all */
	struct observer observer;     /* of the changes */
	struct phases quota_phases, memory_phases;
	bool utc; /* print times in UTC */
};

/* Starts to watch the machine, or the target of the options, for span_ns. False if a signal stops
 * it. */
bool evidence_begin(struct evidence *e, const struct options *o, int64_t span_ns);

/* The same for a recording whose samples are counted, as session_open_counted. */
bool evidence_begin_counted(
    struct evidence *e, const struct options *o, const struct samples_count *c, struct host *lent);

/* Watches to the end of the span or of the recording. */
void evidence_watch(struct evidence *e);

/* Prepares to watch the machine row by row, for pq top: adds the samplers to e->session, which the caller
 * completes and runs. After each row the rules judge this row alone, once evidence_row was called. Rules
 * about what grows over several rows, or about changed limits, find nothing. */
void evidence_of_rows(
    struct evidence *e, const struct options *o, struct host *host, int64_t interval_ns);

/* Prepares *e for the row that the session has just made, since the sample `from`. */
void evidence_row(struct evidence *e, const struct sample *from);

/* The same for a target, whose samplers join the session of that evidence, which has begun. The target
 * outlives it. */
void evidence_join(struct evidence *e, struct evidence *machine, const struct target *t);

/* Ends the samplers that joined. */
void evidence_part(struct evidence *e);

/* Whether the row has enough samples of the threads for a rule to speak of shares of their time. */
bool evidence_has_shares(const struct evidence *e);

/* The mean number of tasks that waited for a CPU: counted by the kernel, else at least what is summed over
 * the visible processes, and what is estimated from the run queue. */
double evidence_waiting(const struct evidence *e);

/* Whether the evidence has the figures for that question; without a target, ASKS_TARGET is not
 * asked. */
bool evidence_answers(const struct evidence *e, enum question q);

/* Whether nothing can be called well without that answer. The run queue and the processes matter
 * where the CPUs are more than half busy; quotas of the machine, where tasks wait. */
bool evidence_needs(const struct evidence *e, enum question q);

/* "run queue": for people and JSON. */
const char *question_name(enum question q);

/* Why the question has no answer: by a note of its tool, or by what is unknown. */
const char *question_reason(const struct evidence *e, enum question q);

/* The busy share of a CPU, or of all, in %. Waiting for a disk counts as idle, and steal as busy. */
double evidence_busy(const struct evidence *e, size_t row);
size_t evidence_all_cpus(const struct evidence *e);

/* The number of online CPUs; NaN if unknown. */
double evidence_cpus(const struct evidence *e);

/* The sum of a column over the rows that know it; NaN if none does. Rows of tasks that ended unseen do
 * not know all columns. */
double tasks_sum(struct tasks_rows tasks, enum tasks_column column);

/* " -p 4242" of a command that shows more; without a target, `otherwise`. */
struct figure command_option(const struct evidence *e, const char *otherwise);

/* Whether -p or -g was given. */
bool evidence_has_target(const struct evidence *e);

void evidence_end(struct evidence *e);

/* ---- Findings: cause, evidence, fix */

/* LOW: it may well be something else. */
enum confidence { CONFIDENCE_LOW, CONFIDENCE_MEDIUM, CONFIDENCE_HIGH };

enum { FACTS_MOST = 8, FINDINGS_MOST = 24 };

struct finding {
	struct arena *arena;   /* holds the texts */
	const char *recording; /* as in struct findings */
	const char *rule;      /* its name in JSON */
	enum verdict severity; /* WARNING or CRITICAL */
	enum confidence confidence;
	double weight; /* sorts findings of equal severity and confidence: CPUs, or a share, lost */
	bool of_machine; /* although a target was given: comes after findings about the target */
	const char *what;
	const char *facts[FACTS_MOST];
	int nfacts;
	const char *advice; /* "" if there is none */
};

/* Zero-initialise to start; findings_free at the end. */
struct findings {
	struct arena arena;
	struct finding v[FINDINGS_MOST];
	size_t n;
	const char *recording; /* the file that is judged, for commands in advice; NULL: none */
	struct finding unused; /* takes the findings that are not kept */
};

/* Adds a finding, as in finding_add(f, "forks", VERDICT_WARNING, CONFIDENCE_HIGH, per_s / 1000, "Many
 * processes are created", NO_FIGURE). Words and figures as in base/sentence.h. The weight comes from
 * the figure that decided: if it is unknown, or a figure outside of [] is, the finding is not
 * kept. */
#define finding_add(f, rule, severity, confidence, weight, words, ...) \
	finding_new(f, rule, severity, confidence, weight, SENTENCE(words, __VA_ARGS__))
struct finding *finding_new(struct findings *f, const char *rule, enum verdict severity,
    enum confidence c, double weight, const char *words, const struct figure *figures, size_t n);

/* Adds a sentence of evidence, which is left out if a figure outside of [] is unknown; a finding
 * without evidence is dropped. The figures of one sentence come from one source. */
#define finding_fact(f, words, ...) finding_add_fact(f, SENTENCE(words, __VA_ARGS__))
void finding_add_fact(struct finding *f, const char *words, const struct figure *figures, size_t n);

/* The finding is about the machine: with a target, those about the target come first. */
void finding_of_machine(const struct evidence *e, struct finding *f);

/* Sets the fix. */
#define finding_advice(f, words, ...) finding_set_advice(f, SENTENCE(words, __VA_ARGS__))
void finding_set_advice(
    struct finding *f, const char *words, const struct figure *figures, size_t n);

/* phases.c: takes the rows of this step. */
void phases_take(struct evidence *e);
void phases_free(struct phases *v);

/* The phases of that cgroup; span_s is 0 if there is none. */
const struct phase *phase_first(const struct phases *v, const char *cgroup);
const struct phase *phase_worst(const struct phases *v, const char *cgroup);
const struct phase *phase_last(const struct phases *v, const char *cgroup);

/* The time of day, for a sentence about this phase; unknown if there is no such phase. */
struct figure phase_time(
    const struct evidence *e, const struct phase *p, int64_t real_ns, struct finding *f);

/* How many changes of that kind, of those kept, affect the cgroup; sets *last if there is one. */
unsigned changes_of(const struct evidence *e, enum limit_kind kind, const char *cgroup,
    const struct limit_change **last);

/* Adds the last change as evidence, and what followed. */
void tell_change(const struct evidence *e, enum limit_kind kind, const char *cgroup,
    struct figure then, struct finding *f);

/* quota.c and memory.c: run the rules about CPU quotas, and those about memory. */
void quota_judge(const struct evidence *e, struct findings *f);
void memory_judge(const struct evidence *e, struct findings *f);

/* disks.c: reads what each process has read and written so far; judges the disks and what holds I/O
 * back before them. */
void disks_look(struct evidence *e);
void disks_judge(const struct evidence *e, struct findings *f);

/* threads.c: runs the rules about the threads of the target. */
void threads_judge(const struct evidence *e, struct findings *f);

/* sockets.c: runs the rules about the queues of sockets. */
void sockets_judge(const struct evidence *e, struct findings *f);

/* target.c: reads the state of the process of -p, at every sample; judges it. */
void target_look(struct evidence *e);
void target_judge(const struct evidence *e, struct findings *f);

/* causes.c: runs all rules on the evidence, and sorts what they find, the most likely first. */
void causes_find(const struct evidence *e, struct findings *f);

/* Drops findings without evidence, and puts the most likely first. */
void findings_sort(struct findings *f);

/* Whether the rule of that name found something. */
bool findings_has(const struct findings *f, const char *rule);

/* The worst severity. Without findings: OK, or UNKNOWN if an answer that is needed is missing. */
enum verdict findings_verdict(const struct findings *f, const struct evidence *e);

/* Lines for people; one JSON object and a newline. */
void findings_text(const struct findings *f, const struct evidence *e, struct buf *b);
void findings_json(const struct findings *f, const struct evidence *e, struct buf *b);

void findings_free(struct findings *f);

#endif
