/* wait: the threads that pq wait samples, the place in which each of them waits, and the time that
 * was spent in each place. */
#ifndef PQ_WAIT_WAIT_H
#define PQ_WAIT_WAIT_H

#include "base/map.h"
#include "proc/task.h"
#include "tools/targets.h"
#include "tools/task_source.h"

struct wait_options {
	bool threads;    /* a row is a thread in a place; else a place */
	unsigned rows;   /* at most; 0: all */
	unsigned hz;     /* samples per second */
	int64_t slow_ns; /* rows are single waits of at least this length; 0: they are not */
	bool idle;       /* with slow_ns: include waits for work */
	bool folded;     /* lines for flame graphs */
	enum tasks_source source;
};

extern const struct wait_options wait_usual_options;

static inline const struct wait_options *
wait_options(const struct watch *w)
{
	return w->ask->options;
}

enum wait_state { WAIT_RUNNING, WAIT_RUNNABLE, WAIT_BLOCKED, WAIT_STOPPED, WAIT_ENDED };

/* An empty text is unknown. One that is too long keeps its end. */
struct wait_place {
	enum wait_state state;
	bool uninterruptible; /* state D */
	bool kernel;          /* a kernel thread */
	bool idle;            /* what waits here may just have no work */
	char call[32], wchan[48], where[112];
};

/* The members that most samples use come first: most threads did not run, and their data has left
 * the CPU caches by the next sample. */
struct wait_thread {
	uint32_t pid, tid;
	struct task_sched sched; /* at its last sample */
	int64_t since_ns;        /* it has not run since about then */
	int64_t sampled_ns;      /* its last sample */
	bool known;              /* it has been sampled: sched and place are set */
	bool gone;               /* it is not sampled any more */
	bool ended;              /* it is a zombie, which is still listed */
	bool told;               /* there was a row for its wait, which still lasts */
	bool ran;                /* it has been seen to run, so that since_ns is known */
	bool thin;               /* it may be sampled less often while it does not run */
	int64_t counted_ns;      /* its time is counted up to here */
	/* counted as waiting for a CPU, and not yet in the wait_ns of the kernel */
	int64_t pending_ns;
	/* not counted yet: it was runnable at both ends of this time */
	int64_t open_ns;
	uint64_t cpu; /* the one it ran on last; UINT64_MAX: unknown */
	struct wait_place place;
	char comm[64];
};

/* Whose time it is. Rows that do not tell threads apart have 0 and empty texts here. */
struct wait_owner {
	uint32_t pid, tid;
	const char *pid_label, *tid_label; /* for a row; NULL: unknown */
	char process[64], comm[64];
};

/* The time that one owner spent in one place. */
struct wait_sum {
	struct wait_owner owner;
	struct wait_place place;
	double ns;
	int64_t longest_ns; /* of waits without running that last; 0: none */
};

/* A wait of at least slow_ns. */
struct wait_event {
	struct wait_owner owner;
	struct wait_place place;
	int64_t ns;
	bool lasting; /* it has not ended */
};

enum { WAIT_THREADS_MOST = 20000, WAIT_EVENTS_MOST = 10000 };

/* The tool's state. */
struct waits {
	struct wait_thread *threads; /* of the target, ordered by pid and tid */
	size_t nthreads;
	struct targets targets;
	struct arena listing;
	struct task_source source;  /* rows of the threads, which files have otherwise */
	const struct task_row *row; /* that of the thread being sampled; NULL: it has none */
	unsigned until_list;        /* samples until the threads are listed again */
	int list_error;             /* errno of the last listing; 0: none */
	uint64_t self;              /* pq, which leaves itself out; 0: unknown, or selected by -p */
	/* how far the clock of each CPU is behind; NULL: unknown */
	struct wait_clock *clocks;

	/* names of calls that were looked up last, by their number; "": none */
	struct wait_call {
		uint64_t number;
		char name[32];
	} calls[16];

	struct map keys;       /* what tells sums apart */
	struct wait_sum *sums; /* by the number of their key */
	uint32_t sums_room;
	struct wait_event *events; /* since the last row */
	size_t nevents, events_room;

	int64_t seen_ns;  /* the previous sample */
	int64_t row_ns;   /* the last row */
	uint64_t round;   /* number of samples */
	unsigned samples; /* since the last row */
	unsigned rows;
	bool thins;      /* with slow_ns: threads may be sampled less often … */
	unsigned rarest; /* … but at least once in this many samples */
	bool sched_seen; /* schedstat of some thread had figures */
	bool placed;     /* the place of some thread could be read */
	bool told_end;   /* the rows up to the end of the target are made */
};

/* ---- place.c */

/* Reads a file of the thread, such as "/stat". As host_read. */
int wait_thread_read(
    struct watch *w, const struct wait_thread *t, const char *file, struct text *text);

/* Sets the place in which the thread is now, and its name. Notes why something is unknown. False
 * when the thread has ended. */
bool wait_place_read(struct watch *w, struct wait_thread *t);

void wait_set_owner(const struct waits *s, const struct wait_thread *t, struct wait_owner *out);

/* Adds time of the thread to a place. It has waited there for lasting_ns without running; 0: it has
 * run. */
void wait_add_time(struct watch *w, const struct wait_thread *t, const struct wait_place *place,
    int64_t ns, int64_t lasting_ns);

/* ---- sample.c */

/* The tool's tick: samples every thread. */
void wait_sample(struct watch *w);

/* Before a row: counts the time up to now of threads that have not run, and adds an event, once,
 * for each long wait that lasts. */
void wait_close_row(struct watch *w);

#endif
